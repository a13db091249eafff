// The story of an optimization.  Each stage is one call; what it decides and why stands with its folder.
#include "frontends/pass.h"

#include <algorithm>
#include <thread>

#include "extract/fusion/colours.h"
#include "extract/fusion/fusion.h"
#include "extract/solve/solve.h"
#include "frontends/explain/kept_run.h"
#include "frontends/opaque.h"
#include "frontends/pass_kernels.h"
#include "frontends/pass_layouts.h"
#include "frontends/pass_memory.h"
#include "frontends/pass_stages.h"
#include "frontends/rule_loading.h"

namespace egret {
namespace {

constexpr double kAfterSearch = 14;        // making the program, its proof and its files, over checking and importing it,
constexpr double kMostAfterSearch = 0.7;   // of the limit in seconds

}  // namespace

Result<OptimizeResult> optimize(const Graph& source, const OptimizeOptions& given) {
  if (first_opaque(source)) return optimize_around_opaque(source, given);
  Stopwatch total;
  OptimizeOptions options = given;
  if (options.threads <= 0) options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  OptimizeResult result;
  result.model = source.name;

  // What we optimize for, and with which rules.
  EGRET_TRY(const Device device, load_device(options.target));
  EGRET_TRY(LoadedRules loaded, load_rules(options));
  const rules::RuleSet& rule_set = loaded.set;
  EGRET_TRY(const rules::Licence licence, rules::Licence::parse(options.numerics));
  result.target = device.name;
  result.unproved_rules = std::move(loaded.unproved);
  result.quarantined_rules = std::move(loaded.quarantined);
  result.notes = std::move(loaded.notes);
  result.verify_s = loaded.seconds;

  // The captured program into an e-graph.
  Stopwatch import_watch;
  EGRET_TRY_VOID(validate(source));
  EGRET_TRY(Imported program, import_program(source, options));

  const size_t imported = program.tensors->graph().id_count();
  options.bodies_per_class = affordable_bodies(given, program.tensors->graph().class_count());

  // What comes after the search is linear in the program, as what came before it: its time is kept for it.
  options.limits.seconds -= std::min(options.limits.seconds * kMostAfterSearch, kAfterSearch * import_watch.seconds());

  // What it costs as it stands: an operator a kernel, and fused greedily without algebra.
  extract::FormTable forms(device, rules::fusion_rules(rule_set));
  EGRET_TRY(Baseline baseline, price_baseline(source, program, device, forms, options, total));
  set_before(result, source, baseline, device);

  // Equal programs, by proved rules, until nothing is new or a limit is reached.
  const bool equal_layers = extract::mostly_alike(baseline.greedy.problem.colours);
  EGRET_TRY(const Saturation saturation, saturate(program, source, rule_set, licence, options, total, equal_layers));
  EGRET_TRY_VOID(lay_out_weights(program, saturation.compiled, device, options, total));
  set_saturated(result, program, saturation);
  if (options.snapshot) {
    EGRET_TRY(result.snapshot, snapshot_of(program));
  }

  // Every kernel that the fusion rules allow, priced by the roofline: one extraction problem.
  Stopwatch fuse_watch;
  EGRET_TRY(Choice joint, fuse_program(program, forms, options, baseline, total));
  result.fuse_s = fuse_watch.seconds();
  result.covers = joint.problem.covers;
  result.columns_offered = joint.columns.offered;
  result.columns_taken = joint.columns.taken;
  result.kernel_candidates = joint.problem.problem.candidates.size();

  // The cheapest program of all, and a bound on how much cheaper any other could be.
  Stopwatch extract_watch;
  EGRET_TRY_VOID(extract_program(joint, options, total, equal_layers));
  joint.solution = extract::without_idle(joint.problem.problem, std::move(joint.solution));
  set_limits(result, joint, options.bodies_per_class < given.bodies_per_class, options, total);
  const double taken = options.cover.empty() ? std::min(joint.solution.cost, baseline.greedy.solution.cost) : joint.solution.cost;
  if (options.snapshot) result.choice = explain::choice_text({&source, &program.values, program.tensors.get(), &joint.problem, &joint.solution, &saturation.compiled, imported, taken});
  if (joint.solution.cost > taken * (1 + 1e-12)) {  // algebra may help nobody: then the program stays as it was
    EGRET_TRY(program, import_program(source, options));
    joint = without_algebra(std::move(baseline.greedy), joint.solution);
  }
  // The order of the kernels, and which run again: device memory.
  EGRET_TRY(ChosenProgram chosen, place_program(result, source, program, joint, device, options, total));
  EGRET_TRY_VOID(explain_choice(result, source, program, saturation, options, chosen));
  result.program = std::move(chosen.program);
  result.optimized = std::move(chosen.graph);
  set_after(result, device);
  compare_kernels(result, program, joint, chosen.run_candidates, options, total);
  set_answer(result, joint);
  result.extract_s = extract_watch.seconds();
  if (result.smallest_memory_limit) return result;

  // Kernels.
  Stopwatch lower_watch;
  options.limits = given.limits;
  if (options.lower) EGRET_TRY_VOID(lower_program(result, device, options, total));
  result.lower_s = lower_watch.seconds();
  result.total_s = total.seconds();
  if (options.check) EGRET_TRY_VOID(check_program(result, source, options));
  result.peak_rss = peak_resident_bytes();
  return result;
}

}  // namespace egret
