#include "extract/fusion/sequence.h"

#include <algorithm>
#include <set>

#include "extract/schedule/order.h"
#include "extract/schedule/part.h"
#include "ir/in_place.h"

namespace egret::extract {
namespace {

// Pairs of a candidate's operands and results, which stand as its body's ports and outputs do.
std::vector<Takeover> body_in_place(const FusionGraph& graph, const Body& body) {
  auto kernel_body = body_graph(graph, body);
  if (!kernel_body) return {};
  return in_place(Kernel{std::move(*kernel_body), body.plan});
}

}  // namespace

MemoryFacts memory_facts(const FusionGraph& graph, const FusionProblem& problem, const Solution& solution,
                         const Signature& signature, uint64_t alignment) {
  MemoryFacts out;
  const Problem& p = problem.problem;
  const rules::TensorEGraph& tensors = graph.tensors();
  auto placed = [&](Id cls) {
    const auto bytes = static_cast<uint64_t>(tensors.type(cls).bytes());
    return (bytes + alignment - 1) / alignment * alignment;
  };
  out.bytes.assign(p.items, 0);
  out.at_start.assign(p.items, 0);
  for (uint32_t i = 0; i < p.items; ++i) out.bytes[i] = placed(problem.item_class[i]);
  for (uint32_t c : solution.chosen) {  // made ready before the run: not in the arena
    if (problem.body_of[c] >= 0) continue;
    for (uint32_t i : p.candidates[c].results) out.at_start[i] = 1, out.bytes[i] = 0;
  }
  auto item_of = [&](Id cls) -> std::optional<uint32_t> {
    auto it = std::lower_bound(problem.item_class.begin(), problem.item_class.end(), cls);
    if (it == problem.item_class.end() || *it != cls) return std::nullopt;
    return static_cast<uint32_t>(it - problem.item_class.begin());
  };
  std::set<Id> counted;
  for (Id input : signature.inputs) {
    const Id cls = graph.find(input);
    const auto item = item_of(cls);
    if (item && counted.insert(cls).second) {
      out.at_start[*item] = 1;
    } else {
      out.other_inputs += placed(cls);
    }
  }
  for (const auto& [output, input] : signature.reuse) {
    const auto to = item_of(graph.find(output)), from = item_of(graph.find(input));
    if (to && from && tensors.type(output) == tensors.type(input)) out.reuse.emplace_back(*to, *from);
  }
  out.view.assign(p.candidates.size(), 0);
  for (uint32_t c = 0; c < p.candidates.size(); ++c) {
    const int body = problem.body_of[c];
    out.view[c] = body >= 0 && problem.bodies[static_cast<size_t>(body)].plan.schedule == ScheduleClass::kAlias;
  }
  out.ask_in_place = [&graph, &problem](uint32_t candidate) {
    const int body = problem.body_of[candidate];
    return body < 0 ? std::vector<Takeover>() : body_in_place(graph, problem.bodies[static_cast<size_t>(body)]);
  };
  return out;
}

std::vector<uint32_t> launches_of(const FusionProblem& problem, const MemoryFacts& facts, const Solution& solution) {
  std::vector<uint32_t> launches;
  for (uint32_t c : order(problem.problem, solution)) {
    if (problem.body_of[c] >= 0) launches.push_back(c);
  }
  const Part part = part_of(problem.problem, facts, {launches}, {});
  std::vector<uint32_t> ordered = ordered_for_memory(part.problem, part.facts, part.starts[0]);
  for (uint32_t& c : ordered) c = part.candidate[c];
  return ordered;
}

std::vector<Sequence> rematerialized(const FusionGraph& graph, const FusionProblem& problem, const MemoryFacts& facts,
                                     const Solution& solution, const Limits& limits) {
  const Problem& p = problem.problem;
  std::set<Choice> term;
  std::vector<uint8_t> ready(p.items, 0);
  for (uint32_t c : solution.chosen) {
    const int body = problem.body_of[c];
    if (body < 0) {
      for (uint32_t i : p.candidates[c].results) ready[i] = 1;
    } else {
      const auto& inside = problem.bodies[static_cast<size_t>(body)].inside;
      term.insert(inside.begin(), inside.end());
    }
  }
  RematerializeOptions options;
  options.limits = limits;
  options.usable.assign(p.candidates.size(), 0);
  for (uint32_t c = 0; c < p.candidates.size(); ++c) {
    const int body = problem.body_of[c];
    if (body < 0) continue;
    const auto& inside = problem.bodies[static_cast<size_t>(body)].inside;
    const bool same = std::all_of(inside.begin(), inside.end(), [&](const Choice& choice) {
      return term.contains(choice) || graph.operands(choice.node).empty();
    });
    options.usable[c] = same && std::all_of(p.candidates[c].operands.begin(), p.candidates[c].operands.end(), [&](uint32_t o) {
      return p.is_free(o) || ready[o] || !graph.given(problem.item_class[o]);
    });
  }
  return memory_frontier(p, facts, {launches_of(problem, facts, solution)}, options);
}

}  // namespace egret::extract
