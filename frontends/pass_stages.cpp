#include "frontends/pass_stages.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "extract/fusion/columns.h"
#include "extract/solve/exact/kinds.h"
#include "lower/memory_use.h"

namespace egret {

namespace {

// Of the exact engines: seconds on the largest models; small ones are proved long before.
constexpr uint64_t kExactWork = 1'500'000;
constexpr uint64_t kMoreWork = 6'000'000;        // on the parts, where that leaves a gap,
constexpr uint64_t kFarWork = 20'000'000;        // and on the whole again, where it is still above half a percent
constexpr size_t kVeryMany = 60'000;             // candidates: then equal parts are looked for first, and their bound is enough, where it is near;
constexpr size_t kMany = 15'000;                 // of so many, where layers are equal, after a first try:
constexpr uint64_t kFirstWork = 150'000;         // what little work proves needs no equal parts
constexpr uint64_t kKindsIterations = 60'000;    // of the simplex method, on what is left of equal parts
constexpr double kKindsSeconds = 2e-6;           // a candidate, that must be left: finding equal parts heeds no clock
constexpr double kEqualPartsGap = 1e-3;          // of the cost: of a program of equal parts no more is asked
constexpr double kBodiesPerSecond = 25'000;      // of the limit: made, priced, covered and chosen from, with all that comes after
constexpr int kFewestBodies = 2;
constexpr double kLeastLowering = 5;             // seconds, whatever the clock says: without code nothing runs fast
constexpr double kShareOfFusion = 0.6;           // of the clock: the rest is extraction's,
constexpr double kShareOfLocal = 0.3;            // of which local search from the covers has so much

}  // namespace

// What ended a stage before it was done: a request to stop (Ctrl-C), or the clock.
const char* ended_early(const OptimizeOptions& options) {
  return options.limits.stop && options.limits.stop->stop_requested() ? "stopped" : "time_limit";
}

Limits remaining(const OptimizeOptions& options, const Stopwatch& total) {
  Limits limits = options.limits;
  limits.seconds = std::max(0.0, options.limits.seconds - total.seconds());
  return limits;
}

int affordable_bodies(const OptimizeOptions& options, size_t classes) {
  const double share = kBodiesPerSecond * options.limits.seconds / static_cast<double>(std::max<size_t>(1, classes));
  return share >= options.bodies_per_class ? options.bodies_per_class
                                           : std::min(options.bodies_per_class, std::max(kFewestBodies, static_cast<int>(share)));
}

namespace {

extract::FusionOptions fusion_options(const OptimizeOptions& options, const Stopwatch& total) {
  extract::FusionOptions fusion;
  fusion.fold_limit = options.fold_limit;
  fusion.threads = options.threads;
  fusion.limits = remaining(options, total);
  fusion.limits.seconds *= kShareOfFusion;
  fusion.bodies_per_class = options.bodies_per_class;
  return fusion;
}

// The best of the fast covers and of local search.
Status choose_cover(Choice& choice, const OptimizeOptions& options, const Stopwatch& total) {
  extract::SolveOptions solve;
  solve.limits = remaining(options, total);
  solve.limits.seconds *= kShareOfLocal;
  EGRET_TRY(choice.solution, extract::solve_greedy(choice.problem.problem, solve));
  auto& covers = choice.problem.covers;
  covers.push_back(choice.solution);
  covers.back().method = "local";
  if (covers.front().cost < choice.solution.cost) choice.solution = covers.front();
  if (auto plain = extract::plain_cover(choice.problem); plain && plain->cost < choice.solution.cost) choice.solution = std::move(*plain);
  return {};
}

// Over what saturation added, the kernels of the program as it was among the candidates.
Result<Choice> fuse_saturated(extract::FusionSpace& space, const Imported& program, const OptimizeOptions& options,
                              const Choice& before, const Stopwatch& total) {
  extract::FusionOptions fusion = fusion_options(options, total);
  fusion.panels = program.panels;
  fusion.seeds = before.problem.bodies;
  fusion.chosen_seeds.assign(fusion.seeds.size(), 0);
  for (uint32_t c : before.solution.chosen) {
    if (before.problem.body_of[c] >= 0) fusion.chosen_seeds[static_cast<size_t>(before.problem.body_of[c])] = 1;
  }
  Choice choice;
  EGRET_TRY(choice.problem, extract::fuse(space, program.roots, fusion));
  if (!options.cover.empty()) return choice;
  EGRET_TRY_VOID(choose_cover(choice, options, total));
  auto carried = extract::carry_over(before.problem, before.solution, choice.problem);
  if (carried && carried->cost < choice.solution.cost) choice.solution = std::move(*carried);
  return choice;
}

}  // namespace

Result<Choice> fuse_program(const Imported& program, extract::FormTable& forms, const OptimizeOptions& options, Baseline& baseline,
                            const Stopwatch& total) {
  extract::FusionSpace space(*program.tensors, forms);
  const egraph::EGraph& graph = program.tensors->graph();
  Choice choice;
  if (graph.id_count() == baseline.ids && graph.class_count() == baseline.classes) {
    choice.problem = std::move(baseline.greedy.problem);
    choice.solution = baseline.greedy.solution;
  } else {
    EGRET_TRY(choice, fuse_saturated(space, program, options, baseline.greedy, total));
  }
  const auto& covers = choice.problem.covers;
  if (!options.cover.empty()) {
    const auto named = std::ranges::find(covers, options.cover, &extract::Solution::method);
    if (named == covers.end()) return limit_error("no cover '" + options.cover + "' of this program was found", "--extractor greedy takes the best of all");
    choice.solution = *named;
    return choice;
  }
  if (options.extractor == OptimizeOptions::Extractor::kIlp && options.columns) {
    // Kernels that the pool lacks, where the relaxation asks for them; candidates keep their numbers.
    choice.columns = extract::generate_columns(space, fusion_options(options, total), choice.solution, choice.problem);
    if (choice.columns.taken > 0) {
      extract::SolveOptions solve;
      solve.limits = remaining(options, total);
      EGRET_TRY(extract::Solution found, extract::solve_greedy(choice.problem.problem, solve));
      if (found.cost < choice.solution.cost) choice.solution = std::move(found);
    }
  }
  return choice;
}

Choice without_algebra(Choice baseline, const extract::Solution& found) {
  baseline.solution.bound = std::min(found.bound, baseline.solution.cost);
  baseline.solution.optimal = baseline.solution.certified = false;
  return baseline;
}

Status extract_program(Choice& choice, const OptimizeOptions& options, const Stopwatch& total, bool equal_layers) {
  if (options.extractor == OptimizeOptions::Extractor::kGreedy || !options.cover.empty()) return {};
  extract::SolveOptions solve;
  solve.limits = remaining(options, total);
  solve.work = kExactWork;
  solve.more_work = kMoreWork;
  solve.far_work = kFarWork;
  solve.threads = options.threads;
  double bound = 0;
  const size_t candidates = choice.problem.problem.candidates.size();
  const bool in_time = solve.limits.seconds > kKindsSeconds * static_cast<double>(candidates);
  const bool alike = !choice.problem.colours.empty() && in_time &&
                     (candidates > kVeryMany || (candidates > kMany && equal_layers));
  auto near = [&] { return choice.solution.cost - choice.solution.bound <= kEqualPartsGap * choice.solution.cost; };
  if (alike && candidates <= kVeryMany) {
    extract::SolveOptions first = solve;
    first.work = first.far_work = kFirstWork;
    first.more_work = 0;
    EGRET_TRY(choice.solution, extract::solve_portfolio(choice.problem.problem, first, &choice.solution));
    if (choice.solution.optimal) return extract::check_solution(choice.problem.problem, choice.solution);
    bound = choice.solution.bound;
    solve.limits = remaining(options, total);
  }
  if (alike && !(bound > 0 && near())) {
    EGRET_TRY(choice.solution, extract::solve_kinds(choice.problem.problem, choice.problem.colours, choice.solution, kKindsIterations, solve.limits));
    choice.solution.bound = bound = std::max(bound, choice.solution.bound);
    solve.limits = remaining(options, total);
    if (near()) return {};
  }
  EGRET_TRY(choice.solution, extract::solve_portfolio(choice.problem.problem, solve, &choice.solution));
  choice.solution.bound = std::max(choice.solution.bound, std::min(bound, choice.solution.cost));
  return extract::check_solution(choice.problem.problem, choice.solution);
}

Result<Baseline> price_baseline(const Graph& source, const Imported& program, const Device& device, extract::FormTable& forms,
                                const OptimizeOptions& options, const Stopwatch& total) {
  Baseline out;
  out.ids = program.tensors->graph().id_count();
  out.classes = program.tensors->graph().class_count();
  EGRET_TRY(out.unfused, unfused_program(source, options.freeze));
  extract::FusionSpace space(*program.tensors, forms);
  EGRET_TRY(out.greedy.problem, extract::fuse(space, program.roots, fusion_options(options, total)));
  EGRET_TRY_VOID(choose_cover(out.greedy, options, total));
  return out;
}

namespace {

struct Totals {
  uint64_t operators = 0, kernels = 0;
  double seconds = 0, bytes = 0, flops = 0;
  std::vector<Estimate> estimates;  // by kernel: launches share them
};

Totals totals(const Program& program, const Device& device) {
  Totals t;
  for (const Kernel& k : program.kernels) t.estimates.push_back(estimate(k, device));
  for (const Launch& l : program.run) {
    const Kernel& kernel = program.kernels[l.kernel];
    t.operators += kernel.body.nodes.size() - kernel.body.inputs.size();
    if (kernel.plan.schedule != ScheduleClass::kAlias) ++t.kernels;
    const Estimate& e = t.estimates[l.kernel];
    t.seconds += e.seconds;
    t.bytes += e.bytes();
    t.flops += e.flops();
  }
  return t;
}

}  // namespace

void set_limits(OptimizeResult& result, const Choice& joint, bool fewer, const OptimizeOptions& options, const Stopwatch& total) {
  const char* work = !total.expired(options.limits) ? "work_limit" : ended_early(options);
  if (result.stop_reason != "saturated") result.limits_reached.push_back("saturate: " + result.stop_reason);
  if (joint.problem.limit_reached || fewer) result.limits_reached.push_back(std::string("fuse: ") + work);
  const bool exact = options.extractor == OptimizeOptions::Extractor::kIlp && options.cover.empty();
  if (exact && !joint.solution.optimal) result.limits_reached.push_back(std::string("extract: ") + work);
}

void set_before(OptimizeResult& result, const Graph& source, const Baseline& baseline, const Device& device) {
  const Totals t = totals(baseline.unfused, device);
  for (const GraphNode& n : source.nodes) {
    if (n.op->op_class != OpClass::kInput) ++result.ops_before;
  }
  result.kernels_before = t.kernels;
  result.predicted_before_s = t.seconds;
  result.predicted_greedy_s = baseline.greedy.solution.cost;
  result.bytes_before = t.bytes;
  result.flops_before = t.flops;
}

void set_saturated(OptimizeResult& result, const Imported& program, const Saturation& saturation) {
  result.saturate_s = saturation.seconds;
  result.stop_reason = saturation.stop_reason;
  result.iterations = saturation.iterations;
  result.matches_dropped = saturation.dropped;
  if (!saturation.uneven.empty()) {
    result.notes.push_back(fmt::format("left out, for they would reach a part of the equal layers only: {}", fmt::join(saturation.uneven, ", ")));
  }
  result.quarantined_rules.insert(result.quarantined_rules.end(), saturation.quarantined.begin(), saturation.quarantined.end());
  result.enodes = program.tensors->graph().node_count();
  result.eclasses = program.tensors->graph().class_count();
}

void set_answer(OptimizeResult& result, const Choice& joint) {
  result.objective = result.memory.total() < result.peak_unlimited ? result.predicted_after_s : joint.solution.cost;
  result.bound = joint.solution.bound;
  const bool whole_pool = !joint.problem.limit_reached;  // else it is little more than an operator a kernel
  result.optimal = joint.solution.optimal && whole_pool && result.objective == joint.solution.cost;
  result.certified = joint.solution.certified && result.optimal;
}

void set_after(OptimizeResult& result, const Device& device) {
  const Totals t = totals(result.program, device);
  result.ops_after = t.operators;
  result.kernels_after = t.kernels;
  result.predicted_after_s = t.seconds;
  result.bytes_after = t.bytes;
  result.flops_after = t.flops;
  size_t number = 0;
  for (const Launch& l : result.program.run) {
    const Kernel& kernel = result.program.kernels[l.kernel];
    KernelReport report;
    report.name = "k" + std::to_string(number++);
    report.body = body_text(kernel.body);
    for (const GraphNode& n : kernel.body.nodes) {
      if (n.op->name != "input") report.operators.push_back(n.op->name);
    }
    report.kernel = kernel;
    report.estimate = t.estimates[l.kernel];
    result.kernels.push_back(std::move(report));
  }
}

bool in_order(const OptimizeOptions& options) {
  const auto licence = rules::Licence::parse(options.numerics);
  return licence.ok() && !licence->frees_folds();
}

Status lower_program(OptimizeResult& result, const Device& device, const OptimizeOptions& options, const Stopwatch& total) {
  LowerOptions lower_options;
  lower_options.host = true;
  lower_options.cuda_source = true;
  if (device.kind == Device::Kind::kCuda) lower_options.cubins = {device.arch};
  lower_options.embed_weights = options.embed_weights;
  lower_options.target = device.name;
  lower_options.device_hash = device.hash;
  lower_options.threads = options.threads;
  lower_options.strict = in_order(options);
  lower_options.limits.seconds = std::max(kLeastLowering, remaining(options, total).seconds);
  EGRET_TRY(Artifact artifact, lower_program(result.program, lower_options));
  if (artifact.uncompiled > 0) {
    result.limits_reached.push_back(std::string("lower: ") + ended_early(options));
    result.not_made.push_back(fmt::format("code of {} of {} kernels: the time limit came first; on the host they are evaluated, which is slow",
                                          artifact.uncompiled, result.program.kernels.size()));
  }
  for (auto& [path, bytes] : artifact.files) result.artifact.files[path] = std::move(bytes);
  if (device.kind != Device::Kind::kCuda && !options.memory_limit_device) {  // with a limit the kernels were asked before
    result.memory = host_memory(result.program, artifact.scratch_bytes);
    result.peak_unlimited = result.memory.total();
  }
  return {};
}

}  // namespace egret
