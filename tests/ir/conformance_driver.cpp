// Evaluates a batch of text graphs for tests/ir/conformance.py.
//
// Usage: conformance_driver CASES RESULTS.  Numbers are little-endian.
//   case:   u32 evaluators (bit 0 reference, 1 evaluate, 2 double, 3 rational); u32 n, text; u32 inputs, each u64 n,
//   bytes result: for each evaluator asked for: u32 1, u32 outputs, each (u32 n, type; u64 n, bytes), or u32 0, u32 n,
//   message
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "support/files.h"

using namespace egret;

namespace {

class Reader {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}

  bool at_end() const { return at_ == bytes_.size(); }
  template <class T>
  T number() {
    T value;
    const std::string bytes = take(sizeof(T));
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  std::string take(size_t count) {
    EGRET_CHECK(count <= bytes_.size() - at_, "truncated batch of cases");
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

 private:
  std::string bytes_;
  size_t at_ = 0;
};

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put_failure(std::string& out, const Error& error) {
  const std::string message = error.to_string();
  put<uint32_t>(out, 0);
  put<uint32_t>(out, static_cast<uint32_t>(message.size()));
  out += message;
}

void put_outputs(std::string& out, const std::vector<Tensor>& tensors) {
  put<uint32_t>(out, 1);
  put<uint32_t>(out, static_cast<uint32_t>(tensors.size()));
  for (const Tensor& tensor : tensors) {
    const std::string type = tensor.type().to_string();
    put<uint32_t>(out, static_cast<uint32_t>(type.size()));
    out += type;
    put<uint64_t>(out, tensor.bytes().size());
    out.append(reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size());
  }
}

Result<std::vector<Tensor>> evaluate_by(int evaluator, const Graph& graph, const std::vector<Tensor>& inputs) {
  switch (evaluator) {
    case 0:
      return evaluate_reference(graph, inputs);
    case 1:
      return evaluate(graph, inputs);
    case 2:
      return evaluate_reference(graph, inputs, Scalar::kDouble);
    default:
      return evaluate_reference(graph, inputs, Scalar::kRational);
  }
}

void run_case(Reader& cases, std::string& results) {
  const auto evaluators = cases.number<uint32_t>();
  const std::string text = cases.take(cases.number<uint32_t>());
  std::vector<std::vector<std::byte>> bytes(cases.number<uint32_t>());
  for (auto& input : bytes) {
    const std::string taken = cases.take(cases.number<uint64_t>());
    input.resize(taken.size());
    if (!taken.empty()) std::memcpy(input.data(), taken.data(), taken.size());
  }
  const Result<Graph> graph = parse_graph(text, "case");
  std::optional<Error> error;
  if (!graph) error = graph.error();
  std::vector<Tensor> inputs;
  if (graph && graph->inputs.size() != bytes.size()) error = input_error("wrong number of inputs");
  for (size_t i = 0; i < bytes.size() && !error; ++i) {
    const Type& type = graph->type(graph->inputs[i].value);
    if (type.bytes() == static_cast<int64_t>(bytes[i].size())) {
      inputs.emplace_back(type, std::move(bytes[i]));
    } else {
      error = input_error("wrong number of bytes for an input");
    }
  }
  for (int evaluator = 0; evaluator < 4; ++evaluator) {
    if (!(evaluators >> evaluator & 1)) continue;
    if (error) {
      put_failure(results, *error);
      continue;
    }
    const auto outputs = evaluate_by(evaluator, *graph, inputs);
    if (outputs)
      put_outputs(results, *outputs);
    else
      put_failure(results, outputs.error());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: conformance_driver CASES RESULTS\n");
    return 1;
  }
  const Result<std::string> bytes = read_file(argv[1]);
  if (!bytes) {
    std::fprintf(stderr, "%s\n", bytes.error().to_string().c_str());
    return 1;
  }
  Reader cases(*bytes);
  std::string results;
  while (!cases.at_end()) run_case(cases, results);
  const Status written = write_file(argv[2], results);
  if (!written) std::fprintf(stderr, "%s\n", written.error().to_string().c_str());
  return written ? 0 : 1;
}
