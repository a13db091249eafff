// What the Python tests run: imports a model and evaluates it with ir's evaluator.
//
//   onnx_driver evaluate MODEL INPUTS OUTPUTS [NAME=SIZES ...]   values in, values out
//   onnx_driver count MODEL [NAME=SIZES ...]                     operators of the imported graph, a line each
//   onnx_driver print MODEL [NAME=SIZES ...]                     the imported graph as text
//   onnx_driver write MODEL OUT.onnx [NAME=SIZES ...]            import and write
//   onnx_driver convert GRAPH.egret OUT.onnx                     write a graph in text form
//   onnx_driver text GRAPH.egret INPUTS OUTPUTS                  evaluates a graph in text form
//
// A file of values holds, for each: name length (u32), name, ONNX element type (u32), rank (u32), sizes (i64 each),
// bytes. Exit status: 0; 1 with a message on stderr; 4 where the model is unsupported.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>

#include "frontends/onnx/reader.h"
#include "frontends/onnx/tensor_bytes.h"
#include "frontends/onnx/writer.h"
#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "support/files.h"

namespace {

using namespace egret;

template <class T>
T take(std::istream& in) {
  T value{};
  in.read(reinterpret_cast<char*>(&value), sizeof value);
  return value;
}

template <class T>
void put(std::ostream& out, T value) {
  out.write(reinterpret_cast<const char*>(&value), sizeof value);
}

std::map<std::string, Tensor> read_values(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::map<std::string, Tensor> values;
  while (in.peek() != EOF) {
    std::string name(take<uint32_t>(in), 0);
    in.read(name.data(), static_cast<std::streamsize>(name.size()));
    const auto dtype = onnx::dtype_of(static_cast<int32_t>(take<uint32_t>(in)));
    std::vector<int64_t> sizes(take<uint32_t>(in));
    for (int64_t& s : sizes) s = take<int64_t>(in);
    Tensor tensor(Type::tensor(*dtype, dims_of(sizes)));
    in.read(reinterpret_cast<char*>(tensor.bytes().data()), static_cast<std::streamsize>(tensor.bytes().size()));
    values.emplace(name, std::move(tensor));
  }
  return values;
}

int report(const Error& error) {
  std::cerr << error.to_string() << "\n";
  return error.code == ErrorCode::kUnsupported ? 4 : 1;
}

OnnxOptions options_from(int argc, char** argv, int first) {
  OnnxOptions options;
  for (int i = first; i < argc; ++i) {
    const std::string text = argv[i];
    const size_t equals = text.find('=');
    std::vector<int64_t>& sizes = options.shapes[text.substr(0, equals)];
    for (size_t at = equals + 1; at < text.size();) {
      const size_t comma = std::min(text.find(',', at), text.size());
      sizes.push_back(std::stoll(text.substr(at, comma - at)));
      at = comma + 1;
    }
  }
  return options;
}

int evaluate_graph(const Graph& graph, const std::string& inputs_path, const std::string& outputs_path) {
  std::map<std::string, Tensor> values = read_values(inputs_path);
  std::vector<Tensor> inputs;
  for (const GraphInput& input : graph.inputs) {
    const std::string& name = graph.node(input.value).name;
    if (!values.count(name) && !input.data) return report(input_error("no value for input '" + name + "'"));
    inputs.push_back(values.count(name) ? values[name] : Tensor());
  }
  auto outputs = evaluate(graph, inputs);
  if (!outputs) return report(outputs.error());
  std::ofstream out(outputs_path, std::ios::binary);
  for (size_t i = 0; i < outputs->size(); ++i) {
    const Tensor& t = (*outputs)[i];
    const std::string& name = graph.outputs[i].name;
    put(out, static_cast<uint32_t>(name.size()));
    out << name;
    put(out, static_cast<uint32_t>(onnx::element_type_of(t.dtype())));
    put(out, static_cast<uint32_t>(t.sizes().size()));
    for (const int64_t s : t.sizes()) put(out, s);
    out.write(reinterpret_cast<const char*>(t.bytes().data()), static_cast<std::streamsize>(t.bytes().size()));
  }
  return out ? 0 : 1;
}

int write(const Graph& graph, const std::string& path) {
  auto bytes = write_onnx(graph);
  if (!bytes) return report(bytes.error());
  if (auto status = write_file(path, *bytes); !status) return report(status.error());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 1;
  const std::string mode = argv[1], model = argv[2];
  if (mode == "text" || mode == "convert") {
    auto text = read_file(model);
    if (!text) return report(text.error());
    auto graph = parse_graph(*text, model);
    if (!graph) return report(graph.error());
    return mode == "text" ? evaluate_graph(*graph, argv[3], argv[4]) : write(*graph, argv[3]);
  }
  const int first = mode == "evaluate" ? 5 : mode == "write" ? 4 : 3;
  auto graph = read_onnx(model, options_from(argc, argv, first));
  if (!graph) return report(graph.error());
  if (auto valid = validate(*graph); !valid) return report(valid.error());
  if (mode == "evaluate") return evaluate_graph(*graph, argv[3], argv[4]);
  if (mode == "write") return write(*graph, argv[3]);
  if (mode == "print") {
    std::cout << print(*graph);
    return 0;
  }
  std::map<std::string, int> counts;
  for (const GraphNode& node : graph->nodes) ++counts[node.op->name];
  for (const auto& [op, count] : counts) std::cout << op << " " << count << "\n";
  return 0;
}
