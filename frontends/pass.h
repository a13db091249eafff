// The pass: optimize(Graph, Options) -> Result, the whole of egret in one call.
//
// Types to know: `OptimizeOptions`, `OptimizeResult`.
// Reading order: pass.h, pass.cpp (the story), program_builder.h, proof/proof.h, onnx/reader.h, cli/main.cpp.
// May include: everything.
// Thread rule: one call at a time in a process is fastest; calls do not share state but caches of pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "costmodel/costmodel.h"
#include "extract/solve/solve.h"
#include "ir/graph.h"
#include "lower/lower.h"
#include "lower/runtime/plan.h"
#include "rules/rules.h"
#include "support/limits.h"
#include "support/result.h"

namespace egret {

struct OptimizeOptions {
  std::string target = "host";            // a device's name or TOML file
  std::string numerics = "default";       // strict | default | fast, further words after commas
  std::vector<std::string> rule_files;    // added to the library
  bool library = true;
  // kGreedy: the best of the fast covers, then local search; kIlp: exact, from there.  A name of `cover` (areaflow, tree,
  // xla, inductor, twophase) takes that cover alone, as it is.
  enum class Extractor { kGreedy, kIlp } extractor = Extractor::kIlp;
  std::string cover;
  Limits limits{.enodes = 8'000, .iterations = 12, .seconds = 600};
  int threads = 0;                        // 0: all cores; the result does not depend on it
  uint64_t seed = 0;
  bool freeze = true;                     // parameters are frozen (design decision 9)
  bool unproved = false;                  // load rules that are not proved (rule_loading.h)
  int bodies_per_class = 16;              // kernels kept for a class while they are enumerated
  bool columns = true;                    // kernels beyond these by column generation
  bool strict_rules = false;              // an alarm of decision 8 is an error
  double fold_limit = 1.2;
  std::optional<uint64_t> memory_limit_device;  // bytes that the program may hold at once (OptimizeResult::memory)
  bool embed_weights = true;
  bool check = false;                     // compare the chosen kernels with the imported program on the host
  bool lower = true;                      // make the artifact
  bool proof = true;                      // make proof.json
  bool runners_up = false;                // of the dearest kernels (KernelReport::runner_up)
  bool snapshot = false;                  // keep the saturated e-graph as text
};

struct RuleUse {
  std::string name, needs, verdict;
  uint64_t count = 0;                     // applications that the chosen term rests on
};

struct Fallback {
  std::string op, reason;
  uint64_t count = 0;
};

// One kernel of the chosen program, as the report and `explain` show it.
struct KernelReport {
  std::string name, body;                 // body: text form
  std::vector<std::string> operators;
  Kernel kernel;
  Estimate estimate;
  std::vector<std::string> rules;         // that made terms it absorbed
  std::vector<std::string> recomputes;    // operators that a kernel before it computes as well
  bool again = false;                     // makes anew what was made before, for --memory-limit-device
  // With `runners_up`: the kernels (operators of each) that would stand there if this one might not, those that would go with
  // it, and how much dearer the program would be.
  struct RunnerUp {
    std::vector<std::vector<std::string>> in, out;
    double dearer = 0;
  };
  std::optional<RunnerUp> runner_up;
};

struct OptimizeResult {
  std::string model, target;
  uint64_t ops_before = 0, ops_after = 0, kernels_before = 0, kernels_after = 0;
  double predicted_before_s = 0, predicted_greedy_s = 0, predicted_after_s = 0;
  double bytes_before = 0, bytes_after = 0, flops_before = 0, flops_after = 0;
  uint64_t enodes = 0, eclasses = 0, kernel_candidates = 0, iterations = 0;
  std::string stop_reason;                // of saturation
  std::vector<std::string> limits_reached;  // "STAGE: LIMIT" for each stage that a limit ended: its answer is the best so far
  double saturate_s = 0, fuse_s = 0, extract_s = 0, lower_s = 0, verify_s = 0, check_s = 0, total_s = 0;
  uint64_t peak_rss = 0;
  DeviceBytes memory;                     // what the runtime allocates on the target; on the host with a thread a core
  uint64_t peak_unlimited = 0;            // bytes without memory_limit_device
  uint64_t arena_floor = 0;               // bytes of inputs, or of outputs where they are more: no arena is smaller
  uint64_t kernels_again = 0;             // launches that make anew what was made before, to keep within it
  std::optional<uint64_t> smallest_memory_limit;  // set: memory_limit_device cannot be met, this can; nothing was lowered
  std::vector<extract::Solution> covers;  // of the portfolio of fast covers: method, cost, seconds
  uint64_t columns_offered = 0, columns_taken = 0;  // by column generation
  double objective = 0, bound = 0;        // the bound holds over the kernel_candidates
  bool optimal = false, certified = false;
  std::vector<RuleUse> rules_used;
  std::vector<std::string> unproved_rules;  // that were loaded, as written
  std::vector<std::string> notes;           // of loading the rules, for people
  uint64_t matches_dropped = 0;           // matches of rules whose right side was ill-typed there
  std::vector<std::string> quarantined_rules;
  std::vector<Fallback> fallbacks;
  std::vector<std::string> not_made;      // what such a program lacks: "WHAT: REASON"
  std::optional<double> max_error;        // with `check`
  bool check_ok = true;

  Graph optimized;                        // the chosen term as a graph (what --emit writes)
  Program program;
  Artifact artifact;                      // with proof.json where asked for
  std::vector<KernelReport> kernels;
  std::string snapshot, choice;           // with `snapshot`: the saturated e-graph (egraph-serialize), and choice.json (explain/kept_run.h)
};

// Returns the best program found within the limits, at worst the input.  Errors: options that are wrong, a graph that is
// ill-typed, a limit that stopped it before any answer.
Result<OptimizeResult> optimize(const Graph& graph, const OptimizeOptions& options);

}  // namespace egret
