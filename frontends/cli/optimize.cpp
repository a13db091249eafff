#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include "frontends/cli/cli.h"
#include "frontends/onnx/writer.h"
#include "frontends/opaque.h"
#include "frontends/pass.h"
#include "frontends/report/report.h"
#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "support/files.h"

namespace egret::cli {
namespace {

struct Arguments {
  std::string model, target = "host", numerics = "default", extractor = "ilp", output, emit, report, keep_run;
  std::vector<std::string> shapes, rules;
  bool no_library = false, unproved = false, freeze = false, no_freeze = false, strict_rules = false, no_embed = false, check = false, no_lower = false;
  double fold_limit = 1.2;
  std::string memory_limit_device;
  int candidates = 16;
  bool no_columns = false;
  uint64_t iterations = 12;
  LimitOptions limits;
};

Json to_json(const OptimizeResult& r) {
  Json j;
  j["model"] = r.model;
  j["target"] = r.target;
  j["ops_before"] = r.ops_before;
  j["ops_after"] = r.ops_after;
  j["kernels_before"] = r.kernels_before;
  j["kernels_after"] = r.kernels_after;
  j["predicted_before_s"] = r.predicted_before_s;
  j["predicted_greedy_s"] = r.predicted_greedy_s;
  j["predicted_after_s"] = r.predicted_after_s;
  j["bytes_before"] = r.bytes_before;
  j["bytes_after"] = r.bytes_after;
  j["flops_before"] = r.flops_before;
  j["flops_after"] = r.flops_after;
  j["enodes"] = r.enodes;
  j["eclasses"] = r.eclasses;
  j["kernel_candidates"] = r.kernel_candidates;
  j["iterations"] = r.iterations;
  j["stop_reason"] = r.stop_reason;
  j["limits_reached"] = r.limits_reached;
  j["saturate_s"] = r.saturate_s;
  j["fuse_s"] = r.fuse_s;
  j["extract_s"] = r.extract_s;
  j["lower_s"] = r.lower_s;
  j["verify_s"] = r.verify_s;
  j["check_s"] = r.check_s;
  j["total_s"] = r.total_s;
  j["peak_rss"] = r.peak_rss;
  j["peak_bytes"] = r.memory.total();
  j["arena_bytes"] = r.memory.arena;
  j["weight_bytes"] = r.memory.weights;
  j["workspace_bytes"] = r.memory.workspace;
  j["peak_bytes_unlimited"] = r.peak_unlimited;
  j["arena_floor_bytes"] = r.arena_floor;
  j["kernels_again"] = r.kernels_again;
  j["smallest_memory_limit"] = nullptr;
  if (r.smallest_memory_limit) j["smallest_memory_limit"] = *r.smallest_memory_limit;
  j["covers"] = Json::array();
  for (const auto& c : r.covers) j["covers"].push_back({{"method", c.method}, {"cost", c.cost}, {"seconds", c.seconds}});
  j["columns_offered"] = r.columns_offered;
  j["columns_taken"] = r.columns_taken;
  j["objective"] = r.objective;
  j["bound"] = r.bound;
  j["optimal"] = r.optimal;
  j["certified"] = r.certified;
  j["rules_used"] = Json::array();
  for (const RuleUse& u : r.rules_used) {
    j["rules_used"].push_back({{"name", u.name}, {"count", u.count}, {"needs", u.needs}, {"verdict", u.verdict}});
  }
  j["unproved_rules"] = r.unproved_rules;
  j["quarantined_rules"] = r.quarantined_rules;
  j["matches_dropped"] = r.matches_dropped;
  j["fallbacks"] = Json::array();
  for (const Fallback& f : r.fallbacks) j["fallbacks"].push_back({{"op", f.op}, {"count", f.count}, {"reason", f.reason}});
  j["check"] = nullptr;
  if (r.max_error) j["check"] = {{"max_error", *r.max_error}, {"ok", r.check_ok}};
  j["not_made"] = r.not_made;
  return j;
}

void print_text(const OptimizeResult& r) {
  auto row = [](const char* what, double before, double after, const char* unit) {
    fmt::print("  {:<22} {:>12.4g} -> {:>12.4g} {}\n", what, before, after, unit);
  };
  fmt::print("{} for {}\n", r.model, r.target);
  row("kernels", static_cast<double>(r.kernels_before), static_cast<double>(r.kernels_after), "");
  row("operators", static_cast<double>(r.ops_before), static_cast<double>(r.ops_after), "");
  row("predicted time", r.predicted_before_s * 1e6, r.predicted_after_s * 1e6, "us");
  fmt::print("  {:<22} {:>12.4g} us\n", "fused without algebra", r.predicted_greedy_s * 1e6);
  row("memory traffic", r.bytes_before / 1e6, r.bytes_after / 1e6, "MB");
  row("operations", r.flops_before / 1e6, r.flops_after / 1e6, "Mflop");
  if (r.memory.total() > 0) {
    fmt::print("  {:<22} {:>12} bytes: {} of values, {} of weights, {} of workspace\n", "device memory", r.memory.total(), r.memory.arena,
               r.memory.weights, r.memory.workspace);
  }
  if (r.memory.total() < r.peak_unlimited) {
    fmt::print("  {:<22} {:>12} bytes; {} kernels run again for less\n", "  without a limit", r.peak_unlimited, r.kernels_again);
  }
  fmt::print("  {} e-nodes in {} classes, {} iterations ({}); {} kernel candidates; {}\n", r.enodes, r.eclasses,
             r.iterations, r.stop_reason, r.kernel_candidates,
             r.optimal ? "optimal over them" : fmt::format("bound {:.4g} us", r.bound * 1e6));
  for (const RuleUse& u : r.rules_used) fmt::print("  rule {} x{}{}\n", u.name, u.count, u.needs.empty() ? "" : " (" + u.needs + ")");
  for (const std::string& name : r.unproved_rules) fmt::print("  UNPROVED: rule {} was loaded without a proof\n", name);
  for (const std::string& name : r.quarantined_rules) fmt::print("  QUARANTINED: rule {} gives a term of another type\n", name);
  for (const std::string& limit : r.limits_reached) fmt::print("  stopped by a limit: {}\n", limit);
  for (const std::string& what : r.not_made) fmt::print("  not made: {}\n", what);
  for (const Fallback& f : r.fallbacks) fmt::print("  not known: {} x{} ({})\n", f.op, f.count, f.reason);
  if (r.max_error) fmt::print("  check: max error {:.2g}: {}\n", *r.max_error, r.check_ok ? "equal" : "DIFFERENT");
  fmt::print("  {:.2f} s: saturate {:.2f}, fuse {:.2f}, extract {:.2f}, lower {:.2f}\n", r.total_s, r.saturate_s, r.fuse_s,
             r.extract_s, r.lower_s);
}

// A program without the values of its parameters.
std::string text_without_values(Graph graph) {
  for (GraphInput& input : graph.inputs) {
    if (input.role == InputRole::kParameter) input.data = nullptr;
  }
  return print(graph);
}

// run.json: the figures, and what `explain` needs to know of the options and the kernels.
Result<std::string> run_text(const Arguments& a, const OptimizeOptions& options, const OptimizeResult& r) {
  Json j = to_json(r);
  Json files = Json::array();
  for (const std::string& file : a.rules) {
    auto text = read_file(file);  // what is no file is a set of the library
    files.push_back(text.ok() ? Json{{"name", file}, {"text", *text}} : Json{{"name", file}});
  }
  j["options"] = {{"target", a.target}, {"numerics", a.numerics}, {"freeze", options.freeze}, {"library", !a.no_library}, {"rules", files}};
  j["kernels"] = Json::array();
  for (const KernelReport& k : r.kernels) {
    Json runner_up = nullptr;
    if (k.runner_up) runner_up = {{"in", k.runner_up->in}, {"out", k.runner_up->out}, {"dearer_s", k.runner_up->dearer}};
    j["kernels"].push_back({{"name", k.name}, {"schedule", to_string(k.kernel.plan.schedule)}, {"operators", k.operators},
                            {"seconds", k.estimate.seconds}, {"compute_s", k.estimate.compute_seconds}, {"memory_s", k.estimate.memory_seconds},
                            {"bytes", k.estimate.bytes()}, {"flops", k.estimate.flops()}, {"bound_by", bound_by(k.estimate)},
                            {"recomputes", k.recomputes}, {"again", k.again}, {"runner_up", runner_up}, {"body", k.body}});
  }
  return text_of(j);
}

Status write_outputs(const Arguments& a, const OptimizeOptions& options, const Graph& source, const OptimizeResult& r) {
  if (!a.emit.empty()) {
    if (a.emit.ends_with(".onnx")) {
      EGRET_TRY(std::string bytes, write_onnx(r.optimized));
      EGRET_TRY_VOID(write_file(a.emit, bytes));
    } else {
      EGRET_TRY_VOID(write_file(a.emit, print(r.optimized)));
    }
  }
  if (!a.report.empty()) EGRET_TRY_VOID(write_file(a.report, html_report(r, &source)));
  const bool artifact = !r.artifact.files.empty();
  if (!a.output.empty() && artifact) EGRET_TRY_VOID(write_artifact(r.artifact, a.output));
  if (!a.keep_run.empty()) {
    Artifact run = r.artifact;
    EGRET_TRY(run.files["run.json"], run_text(a, options, r));
    run.files["source.egret"] = text_without_values(source);
    run.files["optimized.egret"] = text_without_values(r.optimized);
    if (!r.snapshot.empty()) run.files["egraph.json"] = r.snapshot;
    if (!r.choice.empty()) run.files["choice.json"] = r.choice;
    EGRET_TRY_VOID(write_artifact(run, a.keep_run));
  }
  return {};
}

// A text program states no values of its parameters; to freeze them they need some.
void give_values(Graph& graph, uint64_t seed) {
  size_t given = 0;
  const std::vector<Tensor> values = random_inputs(graph, seed);
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    GraphInput& input = graph.inputs[i];
    if (input.role == InputRole::kData || input.data) continue;
    input.data = std::make_shared<const Tensor>(values[i]);
    ++given;
  }
  if (given > 0) fmt::print(stderr, "egret: note: {} parameters without a value are frozen at seeded random ones\n", given);
}

Status optimize_command(const Arguments& a, Context& context) {
  const Stopwatch watch;
  OptimizeOptions options;
  options.target = a.target;
  options.numerics = a.numerics;
  options.rule_files = a.rules;
  options.library = !a.no_library;
  static const std::vector<std::string> covers{"tree", "areaflow", "xla", "inductor", "twophase"};
  if (std::ranges::count(covers, a.extractor) > 0) {
    options.cover = a.extractor;
  } else if (a.extractor != "greedy" && a.extractor != "ilp") {
    return input_error("--extractor must be greedy, ilp, tree, areaflow, xla, inductor or twophase, not " + a.extractor, "ilp is exact; greedy is quick: the best of the others, then local search");
  }
  options.extractor = a.extractor == "ilp" ? OptimizeOptions::Extractor::kIlp : OptimizeOptions::Extractor::kGreedy;
  options.lower = !a.no_lower;
  if (a.no_lower && (a.check || !a.output.empty())) return input_error("--no-lower makes no kernels, so --check and -o have nothing to work on", "leave one of them out");
  EGRET_TRY(options.limits, a.limits.limits());
  options.limits.iterations = a.iterations;
  if (a.candidates < 1) return input_error("--candidates must be at least 1", "16 is what it is where nothing is said");
  options.bodies_per_class = a.candidates;
  options.columns = !a.no_columns;
  options.threads = a.limits.threads;
  options.seed = a.limits.seed;
  options.freeze = a.freeze || (!a.no_freeze && a.model.ends_with(".onnx"));
  options.unproved = a.unproved;
  options.strict_rules = a.strict_rules;
  if (!(a.fold_limit >= 0) || !std::isfinite(a.fold_limit)) return input_error("--fold-limit must be a number, and not negative", "1.2 allows a fifth more bytes of weights than the source has");
  options.fold_limit = a.fold_limit;
  if (!a.memory_limit_device.empty()) {
    EGRET_TRY(options.memory_limit_device, parse_bytes(a.memory_limit_device));
  }
  options.embed_weights = !a.no_embed;
  options.check = a.check;
  options.snapshot = !a.keep_run.empty();
  options.runners_up = !a.keep_run.empty() || !a.report.empty();
  // Everything that can be wrong is found before the work begins.
  EGRET_TRY_VOID([&]() -> Status {
    auto device = load_device(a.target);
    if (!device.ok()) return device.take_error();
    const auto place = [](const std::string& path) { return std::filesystem::absolute(path).lexically_normal(); };
    if (!a.emit.empty() && !a.report.empty() && place(a.emit) == place(a.report)) {
      return input_error(fmt::format("--emit and --report both name {}", a.emit), "give each its own file");
    }
    for (const std::string& path : {a.emit, a.report}) {
      if (!path.empty()) EGRET_TRY_VOID(check_writable(path));
    }
    for (const std::string& folder : {a.output, a.keep_run}) {
      if (!folder.empty()) EGRET_TRY_VOID(check_artifact_folder(folder));
    }
    if (!a.emit.empty() && !a.emit.ends_with(".onnx") && !a.emit.ends_with(".egret")) {
      const bool later = a.emit.ends_with(".mlir");
      return input_error("--emit writes .onnx or .egret, not " + a.emit, later ? "StableHLO is not part of this version" : "the ending says the form");
    }
    return {};
  }());
  EGRET_TRY(Graph graph, read_model(a.model, a.shapes, true));
  if (options.freeze) give_values(graph, options.seed);
  options.limits.seconds = std::max(0.0, options.limits.seconds - watch.seconds());  // reading counts
  EGRET_TRY(OptimizeResult result, optimize(graph, options));
  for (const std::string& note : result.notes) fmt::print(stderr, "egret: note: {}\n", note);
  if (result.smallest_memory_limit) {
    fmt::print(stderr, "egret: error: no order of the kernels found, run again where that helps, fits into --memory-limit-device {}\n"
                       "  hint: {} bytes are the smallest limit that can be met; without one the program takes {}, its inputs and outputs alone {}\n",
               *options.memory_limit_device, *result.smallest_memory_limit, result.peak_unlimited, result.arena_floor);
    context.print(to_json(result), [] {});
    context.exit_status = kNo;
    return {};
  }
  EGRET_TRY_VOID(write_outputs(a, options, graph, result));
  context.print(to_json(result), [&] { print_text(result); });
  if (!result.check_ok) context.exit_status = kNo;
  return {};
}

}  // namespace

void add_optimize(CLI::App& app, Context& context) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("optimize", "find the fastest equivalent program: rewrite, fuse, choose, lower");
  c->add_option("model", a->model, "program: .onnx or .egret (text)")->required();
  c->add_option("--target", a->target, "device: host, h200, h100, a100, l40s or a TOML file")->check(a_path())->capture_default_str();
  c->add_option("--shape", a->shapes, "sizes of an input that the file leaves open: INPUT=1,3,48,320 (repeatable)")->allow_extra_args(false);
  c->add_option("--numerics", a->numerics, "strict, default or fast, and further words after a comma")->capture_default_str();
  c->add_option("--rules", a->rules, "rule files added to the library, or names of its sets that are off (explore.split)");
  c->add_flag("--no-library", a->no_library, "leave the library's rules out");
  c->add_option("--extractor", a->extractor, "ilp (exact), greedy (the fast covers and local search), or one cover: tree, areaflow, xla, inductor, twophase")->capture_default_str();
  a->limits.add_to(*c);
  c->add_option("--iterations", a->iterations, "rounds of saturation: search, apply, rebuild")->check(at_least(0))->capture_default_str();
  c->add_option("--candidates", a->candidates, "kernels kept for each class of equal terms while they are enumerated")->capture_default_str();
  c->add_flag("--no-columns", a->no_columns, "choose among those, the covers' and kernels of several results alone: no column generation");
  CLI::Option* freeze = c->add_flag("--freeze", a->freeze, "parameters do not change: work on them alone is done once (default for ONNX)");
  c->add_flag("--no-freeze", a->no_freeze, "parameters change from run to run")->excludes(freeze);
  c->add_flag("--unproved", a->unproved, "load rules that are not proved, and say so in unproved_rules");
  c->add_flag("--strict-rules", a->strict_rules, "an unsound rule is an error, not quarantined");
  c->add_option("--fold-limit", a->fold_limit, "bytes of weights that the program may read, over the source's")->capture_default_str();
  c->add_option("--memory-limit-device", a->memory_limit_device, "bytes of device memory that the program may hold at once (512M, 8G): kernels run again where values cannot be kept");
  c->add_flag("--no-embed-weights", a->no_embed, "refer to unchanged weights by name and hash");
  c->add_option("--keep-run", a->keep_run, "folder for the artifact, for explain and report")->check(a_path());
  c->add_option("-o,--output", a->output, "folder for the artifact")->check(a_path());
  c->add_option("--emit", a->emit, "write the optimized program: FILE.onnx or FILE.egret")->check(a_path());
  c->add_option("--report", a->report, "write one self-contained HTML page")->check(a_path());
  c->add_flag("--no-lower", a->no_lower, "stop before kernels are made: the figures of the choice, and with --keep-run what explain reads");
  c->add_flag("--check", a->check, "run both programs on the host and compare");
  c->callback([a, &context] {
    if (auto status = optimize_command(*a, context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
