#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "costmodel/costmodel.h"
#include "frontends/cli/cli.h"
#include "frontends/cli/npz.h"
#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "lower/lower.h"
#include "lower/runtime/executable.h"
#include "support/files.h"

namespace egret::cli {
namespace {

struct Arguments {
  std::string model, device = "cpu", weights, inputs, outputs;
  std::vector<std::string> shapes;
  bool random = false, profile = false, check = false;
  uint64_t seed = 0;
  int threads = 0, repeat = 1;
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : (v[v.size() / 2] + v[(v.size() - 1) / 2]) / 2;
}

std::string names_of(const std::vector<Port>& ports) {
  std::string names;
  for (const Port& p : ports) names += (names.empty() ? "" : ", ") + p.name;
  return names;
}

// numpy has no bfloat16: float32 stands for it, as in --outputs.
Tensor rounded_to_bf16(const Tensor& given) {
  if (given.dtype() != DType::f32) return given;
  Tensor narrow(Type::tensor(DType::bf16, given.type().dims));
  for (int64_t i = 0; i < given.size(); ++i) narrow.set(i, given.get(i));
  return narrow;
}

// The inputs of the command line, in signature order.
Result<std::vector<Tensor>> gather_inputs(const Arguments& a, const std::vector<Port>& ports) {
  std::vector<Tensor> values;
  if (!a.inputs.empty()) {
    EGRET_TRY(auto file, read_npz(a.inputs));
    for (const Port& port : ports) {
      auto it = file.find(port.name);
      if (it == file.end()) return input_error(fmt::format("{} holds no array `{}`", a.inputs, port.name), "numpy.savez(FILE, **{name: array}) gives arrays their names: " + names_of(ports));
      if (port.type.dtype == DType::bf16) it->second = rounded_to_bf16(it->second);
      if (!(it->second.type() == port.type)) {
        return input_error(fmt::format("{}: array `{}` is {}, expected {}", a.inputs, port.name, it->second.type().to_string(), port.type.to_string()),
                           "numpy's astype and reshape make it fit; f32 is float32, i64 int64");
      }
      values.push_back(std::move(it->second));
    }
    return values;
  }
  if (!a.random && !ports.empty()) return input_error("no inputs given", "--inputs FILE.npz, or --random --seed N");
  GraphBuilder builder("inputs");
  for (const Port& port : ports) builder.input(port.name, port.type);
  return random_inputs(builder.graph(), a.seed);
}

// What is known of a run beside its results.
struct Figures {
  std::vector<double> seconds;
  uint64_t peak_bytes = 0;
  std::vector<LaunchFigure> launches;          // --profile: least seconds of each
  std::vector<std::optional<double>> predicted;  // by the cost model of the artifact's target, where it is known
  std::vector<LaunchFigure> errors;            // --check
};

// An unmeasured kernel's seconds on the device that the artifact was optimized for.
std::optional<double> predicted_seconds(const std::string& body, const Device& device) {
  auto graph = parse_graph(body, "plan.json");
  if (!graph.ok()) return std::nullopt;
  const PlanResult plan = plan_kernel(*graph);
  if (!plan.plan) return std::nullopt;
  return estimate({*graph, *plan.plan}, device).seconds;
}

double worst(const std::vector<LaunchFigure>& errors) {
  double all = 0;
  for (const LaunchFigure& e : errors) all = std::max(all, e.value);
  return all;
}

bool all_ok(const std::vector<LaunchFigure>& errors) { return std::ranges::all_of(errors, &LaunchFigure::ok); }

Json launches_json(const Figures& f) {
  Json list = Json::array();
  const auto& rows = f.launches.empty() ? f.errors : f.launches;
  for (size_t i = 0; i < rows.size(); ++i) {
    Json row = {{"kernel", rows[i].kernel}, {"schedule", rows[i].schedule}};
    if (!f.launches.empty()) row["min_s"] = f.launches[i].value;
    if (!f.launches.empty() && f.predicted[i]) row["predicted_s"] = *f.predicted[i];
    if (!f.errors.empty()) row["error"] = f.errors[i].value;
    row["body"] = rows[i].body;
    list.push_back(std::move(row));
  }
  return list;
}

Status report_run(const Arguments& a, Context& context, const std::vector<Port>& ports, const std::vector<Tensor>& results,
                  const Figures& f) {
  if (!a.outputs.empty()) {
    std::map<std::string, Tensor> arrays;
    for (size_t i = 0; i < ports.size(); ++i) arrays[ports[i].name] = results[i];
    EGRET_TRY_VOID(write_npz(a.outputs, arrays));
  }
  const double least = f.seconds.empty() ? 0 : *std::min_element(f.seconds.begin(), f.seconds.end());
  Json j;
  j["device"] = a.device;
  j["outputs"] = Json::array();
  for (const Port& p : ports) j["outputs"].push_back({{"name", p.name}, {"type", p.type.to_string()}});
  j["median_s"] = median(f.seconds);
  j["min_s"] = least;
  j["peak_bytes"] = f.peak_bytes;
  if (a.check) j["check"] = {{"max_error", worst(f.errors)}, {"ok", all_ok(f.errors)}};
  if (a.profile || a.check) j["launches"] = launches_json(f);
  context.print(j, [&] {
    for (const Port& p : ports) fmt::print("  {}: {}\n", p.name, p.type.to_string());
    fmt::print("  median {:.4g} s, minimum {:.4g} s over {} runs on {}; {} bytes\n", median(f.seconds), least,
               f.seconds.size(), a.device, f.peak_bytes);
    for (size_t i = 0; i < f.launches.size(); ++i) {
      const std::string expected = f.predicted[i] ? fmt::format(", predicted {:.1f}", *f.predicted[i] * 1e6) : "";
      fmt::print("  {:>10.1f} us{}  k{:<4} {}\n", f.launches[i].value * 1e6, expected, f.launches[i].kernel, f.launches[i].schedule);
    }
    if (a.check) fmt::print("  worst error of a launch against the host's: {:.2e}\n", worst(f.errors));
  });
  if (a.check && !all_ok(f.errors)) context.exit_status = kNo;
  return {};
}

Status run_reference(const Arguments& a, Context& context, const Graph& graph) {
  std::vector<Port> all, outputs;
  for (const GraphInput& i : graph.inputs) all.push_back({graph.node(i.value).name, graph.type(i.value)});
  for (const GraphOutput& o : graph.outputs) outputs.push_back({o.name, graph.type(o.value)});
  std::vector<Port> asked;
  for (size_t i = 0; i < all.size(); ++i) {
    if (!graph.inputs[i].data) asked.push_back(all[i]);
  }
  EGRET_TRY(auto given, gather_inputs(a, asked));
  std::vector<Tensor> inputs;
  size_t next = 0;
  for (const GraphInput& i : graph.inputs) inputs.push_back(i.data ? *i.data : std::move(given[next++]));
  std::vector<double> seconds;
  std::vector<Tensor> results;
  for (int i = 0; i < a.repeat; ++i) {
    Stopwatch watch;
    EGRET_TRY(results, evaluate(graph, inputs));
    seconds.push_back(watch.seconds());
  }
  return report_run(a, context, outputs, results, {std::move(seconds), peak_resident_bytes(), {}, {}, {}});
}

// `reference`: the same artifact on the host, for --check.
Status run_executable(const Arguments& a, Context& context, Executable& executable, Executable* reference = nullptr) {
  EGRET_TRY(auto inputs, gather_inputs(a, executable.inputs()));
  EGRET_TRY(auto results, executable.run(inputs));
  Figures f;
  f.peak_bytes = executable.peak_bytes();
  EGRET_TRY(f.seconds, executable.time(inputs, a.repeat));
  if (a.profile) {
    EGRET_TRY(f.launches, executable.profile(inputs, a.repeat));
    const auto device = load_device(executable.target());
    for (const LaunchFigure& l : f.launches) {
      f.predicted.push_back(device.ok() ? predicted_seconds(l.body, *device) : std::nullopt);
    }
  }
  if (reference) {
    EGRET_TRY(f.errors, executable.compare(*reference, inputs));
  }
  return report_run(a, context, executable.outputs(), results, f);
}

Status run_command(const Arguments& a, Context& context) {
  if (a.repeat < 1 || a.repeat > 1'000'000) return input_error("--repeat must be between 1 and 1000000");
  if (a.threads < 0 || a.threads > 1024) return input_error("--threads must be between 0 and 1024");
  const bool cuda = a.device.starts_with("cuda:") && a.device.size() > 5 && a.device.find_first_not_of("0123456789", 5) == std::string::npos;
  if (a.device != "cpu" && a.device != "reference" && !cuda) {
    return input_error(fmt::format("`{}` is no device to run on", a.device), "--device cpu, cuda:0 or reference");
  }
  if (!a.outputs.empty()) EGRET_TRY_VOID(check_writable(a.outputs));
  std::error_code error;
  if (!std::filesystem::is_directory(a.model, error)) {
    EGRET_TRY(Graph graph, read_model(a.model, a.shapes, false));
    if (a.device == "reference" && a.profile) return input_error("--profile needs kernels", "run on cpu or cuda:N");
    if (!a.weights.empty()) return input_error("--weights is for an artifact: a model holds its own, or takes them as inputs", "optimize the model with -o DIR first, then run DIR");
    if (a.check) return input_error("--check compares the launches of an artifact", "optimize the model with -o DIR first");
    if (a.device == "reference") return run_reference(a, context, graph);
    if (cuda) return unsupported_error("a model as it is runs on cpu or reference", "optimize it with -o DIR first, then run DIR on " + a.device);
    // A model is run as it is: an operator a kernel.
    EGRET_TRY(const Program program, unfused_program(graph, a.model.ends_with(".onnx")));
    LowerOptions options;
    options.threads = a.threads;
    EGRET_TRY(const Artifact artifact, lower_program(program, options));
    EGRET_TRY(Executable executable, Executable::from_files(artifact.files, a.threads));
    return run_executable(a, context, executable);
  }
  if (!a.shapes.empty()) return input_error("--shape is for a model: an artifact has its sizes", "optimize the model with --shape for others");
  if (a.device == "reference") return input_error("an artifact runs on cpu or cuda:N", "give the model to --device reference");
  EGRET_TRY(Executable executable, Executable::load(a.model, a.device, a.threads, a.weights));
  if (!a.check) return run_executable(a, context, executable);
  EGRET_TRY(Executable reference, Executable::load(a.model, "cpu", a.threads, a.weights));
  return run_executable(a, context, executable, &reference);
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("run", "run an artifact, or a model as it is");
  c->add_option("artifact_or_model", a->model, "a folder written by optimize -o, or .onnx or .egret")->required();
  c->add_option("--device", a->device, "cpu, cuda:0 or reference")->capture_default_str();
  c->add_option("--weights", a->weights, "weights where the artifact refers to them (.safetensors)")->check(a_path());
  c->add_option("--shape", a->shapes, "sizes of an input that the file leaves open: INPUT=1,3,48,320 (repeatable)")->allow_extra_args(false);
  c->add_option("--inputs", a->inputs, "arrays by input name (.npz); bf16 as float32")->check(a_path());
  c->add_flag("--random", a->random, "seeded random inputs");
  c->add_option("--seed", a->seed, "seed of --random")->check(at_least(0))->capture_default_str();
  c->add_option("--outputs", a->outputs, "write the outputs (.npz); bf16 as float32")->check(a_path());
  c->add_option("--threads", a->threads, "threads; 0: all cores")->capture_default_str();
  c->add_flag("--profile", a->profile, "also time each launch by itself (field `launches`, least of the runs)");
  c->add_flag("--check", a->check, "also compare each launch with the host's, on the same inputs (fields `check`, `error`)");
  c->add_option("--repeat", a->repeat, "timed runs")->capture_default_str();
  c->callback([a, &context] {
    if (auto status = run_command(*a, context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
