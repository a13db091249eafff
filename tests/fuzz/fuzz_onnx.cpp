// The ONNX reader: what is accepted is a valid graph that prints and parses, and what the writer makes of it is read.
#include "frontends/onnx/reader.h"
#include "frontends/onnx/writer.h"
#include "ir/text/text.h"
#include "tests/fuzz/mutate.h"
#include "tests/fuzz/wire_tree.h"

namespace egret::fuzz {
namespace {

// A file that names an input `open_x` is read with sizes for it.
OnnxOptions options(std::string_view input, bool allow_opaque) {
  OnnxOptions o;
  if (input.find("open_x") != std::string_view::npos) o.shapes["open_x"] = {2, 6};
  o.allow_opaque = allow_opaque;
  o.max_nodes = 20'000;
  o.max_constant_bytes = uint64_t{64} << 20;
  return o;
}

// Models by a script (paths ending in .onnx), and those that our writer makes of text programs.
std::vector<std::string> corpus(const std::vector<std::string>& arguments) {
  std::vector<std::string> models = read_all(arguments, ".onnx");
  for (const std::string& text : read_all(arguments, ".egret")) {
    auto graph = parse_graph(text);
    if (!graph.ok()) continue;
    auto bytes = write_onnx(*graph);
    if (bytes.ok() && bytes->size() < 20'000) models.push_back(*std::move(bytes));
  }
  return models;
}

std::string make(Random& random, const std::vector<std::string>& from) {
  const std::string& start = random.pick(from);
  if (random.one_in(4)) return mutate_bytes(random, start, from);
  std::vector<WireField> fields = parse_wire(start);
  mutate_wire(random, fields, parse_wire(random.pick(from)));
  return write_wire(fields);
}

bool accepts(std::string_view input, bool allow_opaque) {
  auto graph = read_onnx_bytes(input, "", options(input, allow_opaque));
  if (!graph.ok()) {
    check_error(graph.error());
    return false;
  }
  const auto valid = validate(*graph);
  EGRET_CHECK(valid.ok(), valid.ok() ? "" : valid.error().to_string().c_str());
  // Data of inputs is no part of the text form, so types are what can be compared.
  const std::string text = print(*graph);
  auto again = parse_graph(text);
  EGRET_CHECK(again.ok(), again.ok() ? "" : (again.error().to_string() + "\n" + text.substr(0, 3000)).c_str());
  EGRET_CHECK(print(*again) == text, "print, parse, print");
  // What is large is made from one number, which the reader of the second file would have to spread: not the question here.
  for (const GraphNode& node : graph->nodes) {
    if (node.type.is_tensor() && node.type.is_static() && node.type.elements_count() > 100'000) return true;
  }
  const auto written = write_onnx(*graph);
  if (!written.ok()) {
    check_error(written.error());
    return true;
  }
  const auto read_back = read_onnx_bytes(*written, "", options({}, false));
  EGRET_CHECK(read_back.ok(), read_back.ok() ? "" : (read_back.error().to_string() + "\n" + text.substr(0, 3000)).c_str());
  EGRET_CHECK(read_back->outputs.size() == graph->outputs.size(), "as many outputs as were written");
  for (size_t i = 0; i < graph->outputs.size(); ++i) {
    EGRET_CHECK(read_back->type(read_back->outputs[i].value) == graph->type(graph->outputs[i].value), text.substr(0, 3000).c_str());
  }
  return true;
}

bool run(std::string_view input) {
  const bool strict = accepts(input, false);
  const bool loose = accepts(input, true);
  EGRET_CHECK(loose || !strict, "what is read without opaque nodes is read with them");
  return loose;
}

}  // namespace

const Target& target() {
  static const Target kTarget = {"onnx", 10, corpus, make, run};
  return kTarget;
}

}  // namespace egret::fuzz
