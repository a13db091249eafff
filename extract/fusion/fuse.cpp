#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "extract/fusion/enumerate.h"
#include "extract/fusion/fusion.h"
#include "extract/solve/solve.h"

namespace egret::extract {
namespace {

constexpr double kSmallWeights = 65'536;  // bytes of folded scalars and the like that the limit leaves out
constexpr int kMultiResultRounds = 3;

// Items are the classes that bodies make or read; covers name e-nodes of classes that must be computed at run time.
class ProblemBuilder {
 public:
  ProblemBuilder(const FusionGraph& graph, const Enumeration& enumeration, const std::vector<Id>& roots,
                 const FusionOptions& options)
      : graph_(graph), options_(options) {
    for (Id c : enumeration.classes) out_.item_class.push_back(c);
    std::sort(out_.item_class.begin(), out_.item_class.end());
    for (Id r : roots) roots_.push_back(out_.item(graph.find(r)));
    for (Id c : out_.item_class) {
      if (graph.given(c)) continue;
      for (Id n : graph.tensors().graph().nodes_of(c)) {
        if (!graph.usable(n)) continue;
        TermNode t{out_.item(c), {}};
        bool known = true;
        for (Id o : graph.tensors().graph().canonical_operands(n)) {
          const Id oc = graph.find(o);
          if (graph.given(oc)) continue;
          known &= std::binary_search(out_.item_class.begin(), out_.item_class.end(), oc);
          if (known) t.operands.push_back(out_.item(oc));
        }
        if (!known) continue;
        std::sort(t.operands.begin(), t.operands.end());
        t.operands.erase(std::unique(t.operands.begin(), t.operands.end()), t.operands.end());
        term_of_[n] = static_cast<uint32_t>(terms_.size());
        terms_.push_back(std::move(t));
      }
    }
  }

  void build(std::vector<Body> bodies) {
    out_.problem = Problem{};
    out_.problem.items = static_cast<uint32_t>(out_.item_class.size());
    out_.problem.roots = roots_;
    out_.problem.term_nodes = terms_;
    out_.problem.free_items.assign(out_.item_class.size(), 0);
    out_.body_of.clear();
    double source = 0;
    for (uint32_t i = 0; i < out_.item_class.size(); ++i) {
      const Id c = out_.item_class[i];
      if (!graph_.given(c)) continue;
      if (graph_.tensors().depends(c) == rules::Dependence::kData) {
        out_.problem.free_items[i] = 1;
        continue;
      }
      Candidate ready;  // made before the run; the run plan then reads its bytes
      ready.results = {i};
      ready.fold_bytes = static_cast<double>(graph_.tensors().type(c).bytes());
      out_.problem.candidates.push_back(std::move(ready));
      out_.body_of.push_back(-1);
      if (graph_.is_input(c)) source += static_cast<double>(graph_.tensors().type(c).bytes());
    }
    out_.problem.fold_budget = source * options_.fold_limit + kSmallWeights;
    for (size_t b = 0; b < bodies.size(); ++b) {
      const Body& body = bodies[b];
      Candidate c;
      c.cost = body.estimate.seconds;
      for (Id o : body.outputs) c.results.push_back(out_.item(o));
      for (Id p : body.ports) c.operands.push_back(out_.item(p));
      for (const Choice& choice : body.inside) {
        if (auto it = term_of_.find(choice.node); it != term_of_.end()) c.covers.push_back(it->second);
      }
      std::sort(c.covers.begin(), c.covers.end());
      out_.problem.candidates.push_back(std::move(c));
      out_.body_of.push_back(static_cast<int>(b));
    }
    out_.bodies = std::move(bodies);
  }

  FusionProblem out_;

 private:
  const FusionGraph& graph_;
  const FusionOptions& options_;
  std::vector<uint32_t> roots_;
  std::vector<TermNode> terms_;
  std::map<Id, uint32_t> term_of_;
};

// A seed in the saturated graph: canonical classes, and the e-nodes that now stand for its own.  A class that it read and
// that has become one with a class that it makes is still read: another kernel makes it.  Nothing is left (no output) where
// all that it makes is there already.  nullopt where it may not be one kernel any more.
std::optional<Body> reseated(const FusionGraph& graph, const Device& device, const Body& seed) {
  const egraph::EGraph& g = graph.tensors().graph();
  std::set<Id> read;
  for (Id p : seed.ports) read.insert(g.find(p));
  std::map<Id, Id> choice;  // the first e-node of a class where two classes became one
  for (const Choice& c : seed.inside) {
    auto node = g.lookup(g.op(c.node), g.attr(c.node), g.operands(c.node));
    if (!node || g.find(*node) != g.find(c.cls)) return std::nullopt;
    if (!read.contains(g.find(c.cls))) choice.try_emplace(g.find(c.cls), *node);
  }
  Body body;
  for (Id o : seed.outputs) {
    const Id c = g.find(o);
    const bool there = read.contains(c) || graph.given(c) || std::ranges::count(body.outputs, c) > 0;
    if (!there) body.outputs.push_back(c);
  }
  std::set<Id> reached;
  std::vector<Id> work(body.outputs);
  while (!work.empty()) {
    const Id c = work.back();
    work.pop_back();
    auto it = choice.find(c);
    if (it == choice.end() || !reached.insert(c).second) continue;
    body.inside.push_back({c, it->second});
    for (Id o : g.canonical_operands(it->second)) work.push_back(g.find(o));
  }
  std::sort(body.inside.begin(), body.inside.end());
  body.folds = seed.folds;
  body.contracts = seed.contracts;
  if (!body.outputs.empty() && !complete(graph, device, body)) return std::nullopt;
  return body;
}

}  // namespace

std::optional<Solution> carry_over(const FusionProblem& before, const Solution& choice, const FusionProblem& problem) {
  Solution out;
  std::vector<uint8_t> made(problem.problem.items, 0);
  for (uint32_t c : choice.chosen) {
    const int body = before.body_of[c];
    if (body < 0) continue;
    const int now = problem.seed_candidate.at(static_cast<size_t>(body));
    if (now == FusionProblem::kNothingLeft) continue;
    if (now < 0) return std::nullopt;
    out.chosen.push_back(static_cast<uint32_t>(now));
  }
  std::sort(out.chosen.begin(), out.chosen.end());
  out.chosen.erase(std::unique(out.chosen.begin(), out.chosen.end()), out.chosen.end());
  std::vector<uint8_t> needed(problem.problem.items, 0);
  for (uint32_t r : problem.problem.roots) needed[r] = 1;
  for (uint32_t c : out.chosen) {
    for (uint32_t r : problem.problem.candidates[c].results) made[r] = 1;
    for (uint32_t o : problem.problem.candidates[c].operands) needed[o] = 1;
  }
  for (uint32_t c = 0; c < problem.problem.candidates.size(); ++c) {
    if (problem.body_of[c] >= 0) continue;
    const uint32_t item = problem.problem.candidates[c].results[0];
    if (needed[item] && !made[item]) out.chosen.push_back(c);
  }
  std::sort(out.chosen.begin(), out.chosen.end());
  for (uint32_t c : out.chosen) out.cost += problem.problem.candidates[c].cost;
  out.method = "before saturation";
  if (!check_solution(problem.problem, out).ok()) return std::nullopt;
  return out;
}

std::optional<Solution> plain_cover(const FusionProblem& problem) {
  const Problem& p = problem.problem;
  // The candidate that absorbs least (leaves that every reader absorbs aside, one operator), then the cheapest.
  std::vector<int64_t> maker(p.items, -1);
  auto rank = [&](uint32_t c) {
    const int body = problem.body_of[c];
    return std::pair(body < 0 ? 0 : problem.bodies[static_cast<size_t>(body)].inside.size(), p.candidates[c].cost);
  };
  for (uint32_t c = 0; c < p.candidates.size(); ++c) {
    if (p.candidates[c].results.size() != 1) continue;
    int64_t& best = maker[p.candidates[c].results[0]];
    if (best < 0 || rank(c) < rank(static_cast<uint32_t>(best))) best = c;
  }
  Solution out;
  std::vector<uint8_t> seen = p.free_items;
  std::vector<uint32_t> work(p.roots.begin(), p.roots.end());
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    if (seen[item]) continue;
    seen[item] = 1;
    if (maker[item] < 0) return std::nullopt;
    const auto c = static_cast<uint32_t>(maker[item]);
    out.chosen.push_back(c);
    out.cost += p.candidates[c].cost;
    work.insert(work.end(), p.candidates[c].operands.begin(), p.candidates[c].operands.end());
  }
  std::sort(out.chosen.begin(), out.chosen.end());
  out.method = "an operator a kernel";
  if (!check_solution(p, out).ok()) return std::nullopt;
  return out;
}

uint32_t FusionProblem::item(Id cls) const {
  auto it = std::lower_bound(item_class.begin(), item_class.end(), cls);
  EGRET_CHECK(it != item_class.end() && *it == cls, "not an item's class");
  return static_cast<uint32_t>(it - item_class.begin());
}

Result<FusionProblem> fuse(const rules::TensorEGraph& tensors, const std::vector<Id>& roots, const Device& device,
                           const FusionOptions& options) {
  const FusionGraph graph(tensors);
  Enumeration enumeration = enumerate(graph, roots, device, options);
  for (Id r : roots) {
    const Id c = graph.find(r);
    auto it = enumeration.bodies.find(c);
    if (graph.given(c) || (it != enumeration.bodies.end() && !it->second.empty())) continue;
    std::string operators;
    for (Id n : tensors.graph().nodes_of(c)) operators += (operators.empty() ? "" : ", ") + tensors.op(n).name;
    return unsupported_error(fmt::format("no kernel can make an output of the program ({})", operators),
                             "an operator unknown to egret may stand before it; see `fallbacks`");
  }
  std::vector<std::optional<Body>> seeds;
  for (const Body& seed : options.seeds) {
    seeds.push_back(reseated(graph, device, seed));
    if (!seeds.back()) continue;
    for (Id p : seeds.back()->ports) {  // what is there before the run may be read, whether or not another body reads it
      if (graph.given(p) && enumeration.bodies.try_emplace(p).second) enumeration.classes.push_back(p);
    }
  }
  ProblemBuilder builder(graph, enumeration, roots, options);
  std::vector<Body> bodies;
  for (Id c : enumeration.classes) {
    for (Body& b : enumeration.bodies[c]) bodies.push_back(std::move(b));
  }
  std::map<uint64_t, size_t> place;
  for (size_t i = 0; i < bodies.size(); ++i) place.try_emplace(bodies[i].key(), i);
  std::vector<int> seed_body;
  for (std::optional<Body>& body : seeds) {
    // Classes that only what is now an input was made of are no items any more.
    auto item = [&](Id c) { return enumeration.bodies.contains(c); };
    const bool known = body && std::all_of(body->ports.begin(), body->ports.end(), item) &&
                       std::all_of(body->outputs.begin(), body->outputs.end(), item);
    if (!known || body->outputs.empty()) {
      seed_body.push_back(known ? FusionProblem::kNothingLeft : -1);
      continue;
    }
    auto [it, fresh] = place.try_emplace(body->key(), bodies.size());
    if (fresh) bodies.push_back(std::move(*body));
    seed_body.push_back(static_cast<int>(it->second));
  }
  builder.build(std::move(bodies));
  for (int round = 0; round < kMultiResultRounds; ++round) {
    SolveOptions solve;
    solve.limits = options.limits;
    EGRET_TRY(Solution greedy, solve_greedy(builder.out_.problem, solve));
    std::vector<uint8_t> chosen(builder.out_.bodies.size(), 0);
    for (uint32_t c : greedy.chosen) {
      if (builder.out_.body_of[c] >= 0) chosen[static_cast<size_t>(builder.out_.body_of[c])] = 1;
    }
    std::vector<Body> more = std::move(builder.out_.bodies);
    const size_t before = more.size();
    add_multi_result(graph, device, options, chosen, more);
    const bool grew = more.size() > before;
    builder.build(std::move(more));
    if (!grew) break;
  }
  std::vector<int> candidate_of(builder.out_.bodies.size(), -1);
  for (size_t c = 0; c < builder.out_.body_of.size(); ++c) {
    if (builder.out_.body_of[c] >= 0) candidate_of[static_cast<size_t>(builder.out_.body_of[c])] = static_cast<int>(c);
  }
  for (int b : seed_body) builder.out_.seed_candidate.push_back(b < 0 ? b : candidate_of[static_cast<size_t>(b)]);
  builder.out_.limit_reached = enumeration.limit_reached;
  return std::move(builder.out_);
}

}  // namespace egret::extract
