#include "frontends/pass_kernels.h"

#include <algorithm>
#include <map>
#include <set>

#include "extract/fusion/runner_up.h"

namespace egret {
namespace {

constexpr size_t kMostRunnersUp = 128;

std::vector<std::string> operators_of(const rules::TensorEGraph& tensors, const extract::FusionProblem& problem, uint32_t candidate) {
  std::vector<std::string> out;
  const int body = problem.body_of[candidate];
  if (body < 0) return {"made before the run"};
  for (const extract::Choice& c : problem.bodies[static_cast<size_t>(body)].inside) out.push_back(tensors.op(c.node).name);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

void compare_kernels(OptimizeResult& result, const Imported& program, const Choice& choice, const std::vector<uint32_t>& run_candidates,
                     const OptimizeOptions& options, const Stopwatch& total) {
  const rules::TensorEGraph& tensors = *program.tensors;
  const extract::FusionProblem& problem = choice.problem;
  std::set<egraph::Id> computed, made;  // classes, by kernels before; stored by them
  for (size_t k = 0; k < run_candidates.size(); ++k) {
    const extract::Body& body = problem.bodies[static_cast<size_t>(problem.body_of[run_candidates[k]])];
    KernelReport& report = result.kernels[k];
    for (const extract::Choice& c : body.inside) {
      const bool leaf = tensors.graph().canonical_operands(c.node).empty();
      if (!leaf && !computed.insert(c.cls).second) report.recomputes.push_back(tensors.op(c.node).name);
    }
    std::sort(report.recomputes.begin(), report.recomputes.end());
    report.again = std::all_of(body.outputs.begin(), body.outputs.end(), [&](egraph::Id o) { return made.contains(o); });
    result.kernels_again += report.again;
    made.insert(body.outputs.begin(), body.outputs.end());
  }
  if (!options.runners_up) return;
  std::vector<size_t> order;  // the dearest first
  for (size_t k = 0; k < run_candidates.size(); ++k) {
    if (std::binary_search(choice.solution.chosen.begin(), choice.solution.chosen.end(), run_candidates[k])) order.push_back(k);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return result.kernels[a].estimate.seconds > result.kernels[b].estimate.seconds; });
  if (order.size() > kMostRunnersUp) order.resize(kMostRunnersUp);
  for (size_t k : order) {
    if (total.expired(options.limits)) return;
    const auto found = extract::runner_up(problem.problem, choice.solution, run_candidates[k]);
    if (!found) continue;
    KernelReport::RunnerUp& out = result.kernels[k].runner_up.emplace();
    for (uint32_t c : found->in) out.in.push_back(operators_of(tensors, problem, c));
    for (uint32_t c : found->out) out.out.push_back(operators_of(tensors, problem, c));
    out.dearer = found->dearer;
  }
}

}  // namespace egret
