// `optimize --check`: the chosen kernels against the imported program, an operator a kernel, both on the host.
#include <algorithm>
#include <cmath>

#include "frontends/pass_stages.h"
#include "ir/evaluate/evaluate.h"
#include "lower/runtime/executable.h"

namespace egret {
namespace {

// Below it what a softmax gives has few digits, or none.
double smallest_seen(DType t) { return t == DType::f16 ? 6.2e-5 : 1e-30; }

bool ends_in_softmax(const Graph& graph, ValueId v) {
  const std::string& op = graph.node(v).op->name;
  const bool moves = op == "reshape" || op == "transpose" || op == "cast" || op == "slice";
  return op == "softmax" || (moves && ends_in_softmax(graph, graph.node(v).operands[0]));
}

// The error of the values before a final softmax, which softmax makes small (contract, "Error of a result").  Kernels need not
// hold them, but the logarithms of its results are those values less one number a row.
double error_before_softmax(const Tensor& expected, const Tensor& found) {
  const double least = smallest_seen(expected.dtype());
  double largest = 1, difference = 0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double a = expected.get(i), b = found.get(i);
    if (!(a >= least || b >= least)) continue;  // also where both are NaN
    const double before = std::log(std::max(a, least)), after = std::log(std::max(b, least));
    largest = std::max(largest, std::fabs(before));
    difference = std::max(difference, std::fabs(before - after));
  }
  return difference / largest;
}

}  // namespace

Status check_program(OptimizeResult& result, const Graph& source, const OptimizeOptions& options) {
  Stopwatch watch;
  EGRET_TRY(const Program plain, unfused_program(source, options.freeze));
  LowerOptions host;
  host.threads = options.threads;
  EGRET_TRY(const Artifact reference, lower_program(plain, host));
  EGRET_TRY(Executable before, Executable::from_files(reference.files, options.threads));
  EGRET_TRY(Executable after, Executable::from_files(result.artifact.files, options.threads));
  std::vector<Tensor> inputs;
  const std::vector<Tensor> all = random_inputs(source, 0);
  for (size_t i = 0; i < source.inputs.size(); ++i) {
    const bool frozen = source.inputs[i].role == InputRole::kConstant ||
                        (source.inputs[i].role == InputRole::kParameter && options.freeze);
    if (!frozen) inputs.push_back(source.inputs[i].data ? *source.inputs[i].data : all[i]);
  }
  EGRET_TRY(const auto expected, before.run(inputs));
  EGRET_TRY(const auto found, after.run(inputs));
  double worst = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    double error = relative_error(expected[i], found[i]);
    if (ends_in_softmax(source, source.outputs[i].value)) error = std::max(error, error_before_softmax(expected[i], found[i]));
    result.check_ok &= error <= allowed_error(expected[i].dtype());
    worst = std::max(worst, error);
  }
  result.max_error = worst;
  result.check_s = watch.seconds();
  return {};
}

}  // namespace egret
