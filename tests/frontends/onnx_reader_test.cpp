// The ONNX reader on small and on broken files; whole models and the values are compared in Python (onnx_*.py).
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "frontends/onnx/reader.h"
#include "frontends/onnx/writer.h"
#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "onnx_model_text.h"

namespace {

using namespace egret;
using namespace egret::onnx::test;
using egret::onnx::WireReader;
using egret::onnx::WireWriter;
constexpr int64_t kF32 = 1, kI64 = 7, kText = 8;

// relu(x w + b) reshaped by computed sizes.
GraphParts small_parts() {
  GraphParts p;
  p.inputs = {value("x", kF32, {2, 3})};
  p.outputs = {value("y", kF32, {2, 2, 1})};
  p.initializers = {tensor("w", kF32, {3, 2}, raw_floats({1, 2, 3, 4, 5, 6})),
                    tensor("b", kF32, {2}, raw_floats({1, -1})), tensor("one", kI64, {1}, raw_ints({1}))};
  p.nodes = {node("Gemm", {"x", "w", "b"}, {"h"}), node("Relu", {"h"}, {"r"}), node("Shape", {"r"}, {"s"}),
             node("Concat", {"s", "one"}, {"t"}, {attribute("axis", 0)}), node("Reshape", {"r", "t"}, {"y"})};
  return p;
}

GraphParts one_node(const WireWriter& made, const Ints& sizes = {2, 3}) {
  GraphParts p;
  p.inputs = {value("x", kF32, sizes)};
  p.outputs = {value("y", kF32, {})};
  p.nodes = {made};
  return p;
}

OnnxOptions bounded() {
  OnnxOptions options;
  options.max_constant_bytes = 1 << 22;
  options.max_nodes = 10'000;
  return options;
}

Error error_of(const std::string& bytes, const OnnxOptions& options = bounded()) {
  const Result<Graph> graph = read_onnx_bytes(bytes, "", options);
  REQUIRE_FALSE(graph.ok());
  CHECK_FALSE(graph.error().message.empty());
  CHECK(graph.error().code != ErrorCode::kInternal);
  return graph.error();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a small model") {
  const Result<Graph> graph = read_onnx_bytes(model(small_parts()), "");
  REQUIRE(graph.ok());
  CHECK(validate(*graph).ok());
  REQUIRE(graph->inputs.size() == 3);  // x, w, b: `one` is only arithmetic on sizes
  CHECK(graph->inputs[0].role == InputRole::kData);
  CHECK(graph->inputs[1].role == InputRole::kParameter);
  CHECK(graph->node(graph->inputs[1].value).name == "w");
  REQUIRE(graph->inputs[1].data);
  CHECK(graph->outputs[0].name == "y");
  CHECK(graph->type(graph->outputs[0].value).to_string() == "f32[2,2,1]");
  for (const GraphNode& n : graph->nodes) CHECK(n.op->name != "concat");
  Tensor x(Type::tensor(DType::f32, {2, 3}));
  for (int i = 0; i < 6; ++i) x.set(i, i - 2);
  const auto values = evaluate(*graph, {x, Tensor(), Tensor()});
  REQUIRE(values.ok());
  const std::vector<double> expected{0, 0, 23, 27};
  for (int i = 0; i < 4; ++i) CHECK((*values)[0].get(i) == expected[i]);
}

TEST_CASE("a file cut off at any byte is an error") {
  const std::string whole = model(small_parts());
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO("cut at " << size);
    CHECK_FALSE(read_onnx_bytes(std::string_view(whole).substr(0, size), "", bounded()).ok());
  }
}

TEST_CASE("a file with changed bytes is an error or a graph, never a crash") {
  GraphParts p = small_parts();
  p.nodes.push_back(node("ConstantOfShape", {"s"}, {"c"}));
  p.nodes.push_back(node("Expand", {"c", "s"}, {"e"}));
  p.nodes.push_back(node("Slice", {"h", "one", "one", "one"}, {"l"}));
  p.nodes.push_back(node("Pad", {"h", "pads"}, {"q"}));
  p.initializers.push_back(tensor("pads", kI64, {4}, raw_ints({0, 1, 2, 0})));
  const std::string whole = model(p);
  std::mt19937 random(11);
  int graphs = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = whole;
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes) {
      const size_t at = random() % bytes.size(), length = random() % 8;
      switch (random() % 4) {
        case 0:
          bytes.erase(at, length);
          break;
        case 1:
          bytes.insert(at, bytes.substr(random() % bytes.size(), length));
          break;
        default:
          bytes[at] = static_cast<char>(random());
          break;
      }
    }
    const Result<Graph> graph = read_onnx_bytes(bytes, "", bounded());
    if (!graph.ok()) {
      CHECK(graph.error().code != ErrorCode::kInternal);
      continue;
    }
    ++graphs;
    CHECK(validate(*graph).ok());
  }
  CHECK(graphs > 0);
}

TEST_CASE("lengths and numbers of the wire format") {
  WireReader over(std::string_view("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11));
  REQUIRE(over.next());
  CHECK(over.bytes().empty());
  CHECK(contains(over.fault(), "beyond the end"));
  WireReader wide(std::string_view("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11));
  REQUIRE(wide.next());
  wide.varint();
  CHECK(contains(wide.fault(), "more than 64 bits"));
  WireReader group(std::string_view("\x0b", 1));
  CHECK_FALSE(group.next());
  CHECK(group.failed());
  WireReader zero(std::string_view("\x00\x01", 2));
  CHECK_FALSE(zero.next());
  CHECK(zero.failed());
  WireWriter out;
  out.int64(1, -5);
  out.float32(2, 0.5f);
  out.bytes(3, "abc");
  WireReader in(out.str());
  REQUIRE(in.next());
  CHECK(in.int64() == -5);
  REQUIRE(in.next());
  CHECK(in.float32() == 0.5f);
  REQUIRE(in.next());
  CHECK(in.bytes() == "abc");
  CHECK_FALSE(in.next());
  CHECK_FALSE(in.failed());
}

TEST_CASE("errors name graph, node and operator, and give a hint") {
  const Error clash = error_of(model(one_node(node("Add", {"x", "x2"}, {"y"}))));
  CHECK(clash.where.place == "graph 'g', node 'Add_1' (Add)");
  CHECK(contains(clash.message, "'x2'"));
  const Error unknown = error_of(model(one_node(node("Frobnicate", {"x"}, {"y"}, {}, "my.domain"))));
  CHECK(unknown.code == ErrorCode::kUnsupported);
  CHECK(contains(unknown.message, "my.domain.Frobnicate"));
  CHECK_FALSE(unknown.hint.empty());
  CHECK(contains(error_of(model(one_node(node("Transpose", {"x"}, {"y"}, {attribute("perm", 1)})))).message, "perm"));
  CHECK(contains(error_of(model(one_node(node("Softmax", {"x"}, {"y"}, {attribute("axis", 5)})))).message, "axis 5"));
  CHECK(error_of(model(small_parts(), 6)).code == ErrorCode::kUnsupported);
  CHECK(contains(error_of("not a model at all").message, "ONNX"));
  GraphParts twice = one_node(node("Relu", {"x"}, {"y"}));
  twice.nodes.push_back(node("Abs", {"x"}, {"y"}));
  CHECK(contains(error_of(model(twice)).message, "made twice"));
  GraphParts text = one_node(node("Relu", {"x"}, {"y"}));
  text.inputs = {value("x", kText, {2})};
  CHECK(error_of(model(text)).code == ErrorCode::kUnsupported);
}

TEST_CASE("tensors that lie about their sizes") {
  const auto with_weight = [](const WireWriter& w) {
    GraphParts p = one_node(node("MatMul", {"x", "w"}, {"y"}));
    p.initializers = {w};
    return error_of(model(p)).message;
  };
  CHECK(contains(with_weight(tensor("w", kF32, {3, 2}, raw_floats({1, 2}))), "needs 24 bytes"));
  CHECK(contains(with_weight(tensor("w", kF32, {-3, 2}, "")), "negative"));
  CHECK(contains(with_weight(tensor("w", kF32, {1LL << 31, 1LL << 31, 1LL << 31}, "")), "too many"));
  CHECK(contains(with_weight(tensor("w", 23, {1}, "x")), "element type 23"));
  GraphParts huge = one_node(node("Expand", {"x", "s"}, {"y"}), {1});
  huge.initializers = {tensor("s", kI64, {3}, raw_ints({1LL << 30, 1LL << 30, 1LL << 30}))};
  error_of(model(huge));
  GraphParts filled = one_node(node("ConstantOfShape", {"s"}, {"y"}));
  filled.initializers = {tensor("s", kI64, {2}, raw_ints({1 << 20, 1 << 10}))};
  CHECK(contains(error_of(model(filled)).message, "bytes"));
}

TEST_CASE("external data stays inside the model's folder") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("egret_onnx_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder / "model");
  std::ofstream(folder / "model/w.bin", std::ios::binary) << "0123" << raw_floats({1, 2, 3, 4, 5, 6});
  std::ofstream(folder / "outside.bin", std::ios::binary) << raw_floats({1, 2, 3, 4, 5, 6});
  std::filesystem::create_symlink(folder / "outside.bin", folder / "model/link.bin");
  const auto read = [&](const std::string& location, const std::string& offset, const std::string& length) {
    WireWriter w;
    w.int64(1, 3);
    w.int64(1, 2);
    w.int64(2, kF32);
    w.bytes(8, "w");
    w.int64(14, 1);
    for (const auto& [key, text] : std::vector<std::pair<std::string, std::string>>{
             {"location", location}, {"offset", offset}, {"length", length}}) {
      WireWriter entry;
      entry.bytes(1, key);
      entry.bytes(2, text);
      w.message(13, entry);
    }
    GraphParts p = one_node(node("MatMul", {"x", "w"}, {"y"}));
    p.initializers = {w};
    return read_onnx_bytes(model(p), (folder / "model").string(), bounded());
  };
  const Result<Graph> good = read("w.bin", "4", "24");
  REQUIRE(good.ok());
  CHECK(good->inputs[1].data->get(5) == 6);
  for (const char* location :
       {"../outside.bin", "/etc/passwd", "a/../../outside.bin", "", "link.bin", "none.bin", "."}) {
    INFO(location);
    CHECK_FALSE(read(location, "0", "24").ok());
  }
  CHECK_FALSE(read("w.bin", "8", "24").ok());
  CHECK_FALSE(read("w.bin", "18446744073709551600", "24").ok());
  CHECK_FALSE(read("w.bin", "4", "20").ok());
  CHECK_FALSE(read("w.bin", "-4", "24").ok());
  std::filesystem::remove_all(folder);
}

TEST_CASE("open dimensions need sizes, and a name has one size") {
  GraphParts p;
  p.inputs = {value("x", kF32, {-2, 4}), value("z", kF32, {-2, 4})};
  p.outputs = {value("y", kF32, {})};
  p.nodes = {node("Add", {"x", "z"}, {"y"})};
  const Error open = error_of(model(p));
  CHECK(contains(open.message, "'n'"));
  CHECK(contains(open.hint, "--shape x="));
  OnnxOptions options = bounded();
  options.shapes = {{"x", {5, 4}}};
  const Result<Graph> graph = read_onnx_bytes(model(p), "", options);
  REQUIRE(graph.ok());
  CHECK(graph->type(graph->inputs[1].value).to_string() == "f32[5,4]");
  options.shapes = {{"x", {5, 3}}};
  CHECK(contains(error_of(model(p), options).message, "does not fit"));
  options.shapes = {{"x", {5, 4}}, {"z", {6, 4}}};
  CHECK(contains(error_of(model(p), options).message, "as 5 and as 6"));
  options.shapes = {{"q", {5}}};
  CHECK(contains(error_of(model(p), options).hint, "x, z"));
}

TEST_CASE("unknown operators stay as opaque nodes where that is allowed") {
  GraphParts p = one_node(node("Mystery", {"x"}, {"m"}, {}, "my"));
  p.nodes.push_back(node("Mystery", {"m"}, {"m2"}, {}, "my"));
  p.nodes.push_back(node("Relu", {"m2"}, {"y"}));
  p.values = {value("m", kF32, {2, 3}), value("m2", kF32, {7})};
  OnnxOptions options = bounded();
  options.allow_opaque = true;
  std::vector<OnnxFallback> fallbacks;
  options.fallbacks = &fallbacks;
  const Result<Graph> graph = read_onnx_bytes(model(p), "", options);
  REQUIRE(graph.ok());
  CHECK(validate(*graph).ok());
  CHECK(graph->type(graph->outputs[0].value).to_string() == "f32[7]");
  REQUIRE(fallbacks.size() == 1);
  CHECK(fallbacks[0].op == "my.Mystery");
  CHECK(fallbacks[0].count == 2);
  p.values.clear();
  CHECK(contains(error_of(model(p), options).message, "'m'"));
  CHECK(write_onnx(*graph).ok() == false);
}

TEST_CASE("branches, functions and their limits") {
  GraphParts then_part, else_part;
  then_part.nodes = {node("Neg", {"x"}, {"a"})};
  then_part.outputs = {value("a", kF32, {})};
  else_part.nodes = {node("Abs", {"x"}, {"b"})};
  else_part.outputs = {value("b", kF32, {})};
  const WireWriter conditional =
      node("If", {"c"}, {"y"},
           {graph_attribute("then_branch", graph(then_part)), graph_attribute("else_branch", graph(else_part))});
  GraphParts known = one_node(conditional);
  known.initializers = {tensor("c", 9, {}, std::string(1, '\1'))};
  const Result<Graph> chosen = read_onnx_bytes(model(known), "", bounded());
  REQUIRE(chosen.ok());
  CHECK(chosen->node(chosen->outputs[0].value).op->name == "neg");
  GraphParts open = one_node(conditional);
  open.inputs.push_back(value("c", 9, {}));
  const Result<Graph> both = read_onnx_bytes(model(open), "", bounded());
  REQUIRE(both.ok());
  CHECK(both->node(both->outputs[0].value).op->name == "select");
  // A function that calls itself.
  const WireWriter itself = function("F", {"x"}, {node("F", {"x"}, {"y"}, {}, "my")});
  CHECK(contains(error_of(model(one_node(node("F", {"x"}, {"y"}, {}, "my")), 17, {itself})).message, "calls itself"));
  // Graphs nested deeper than the limit.
  WireWriter inner = graph(then_part);
  for (int i = 0; i < 40; ++i) {
    GraphParts outer;
    outer.nodes = {node("If", {"c"}, {"a"}, {graph_attribute("then_branch", inner)})};
    inner = graph(outer);
  }
  GraphParts deep = one_node(node("If", {"c"}, {"y"}, {graph_attribute("then_branch", inner)}));
  CHECK(contains(error_of(model(deep)).message, "too deep"));
  OnnxOptions few = bounded();
  few.max_nodes = 3;
  CHECK(contains(error_of(model(small_parts()), few).message, "limit"));
}

TEST_CASE("loops in loops stay whole where unrolled they are too many nodes") {
  const WireWriter many = tensor("many", kI64, {}, raw_ints({200}));
  GraphParts body;
  body.inputs = {value("i", kI64, {}), value("on", 9, {}), value("v", kF32, {2, 3})};
  body.outputs = {value("on", 9, {}), value("w", kF32, {2, 3})};
  body.nodes = {node("Neg", {"v"}, {"w"})};
  for (int depth = 0; depth < 4; ++depth) body.nodes = {node("Loop", {"many", "", "v"}, {"w"}, {graph_attribute("body", graph(body))})};
  GraphParts p = one_node(body.nodes[0]);
  p.nodes = {node("Loop", {"many", "", "x"}, {"y"}, {graph_attribute("body", graph(body))})};
  p.outputs = {value("y", kF32, {2, 3})};
  p.initializers = {many};
  OnnxOptions options;
  CHECK(error_of(model(p), options).code == ErrorCode::kUnsupported);
  options.allow_opaque = true;
  std::vector<OnnxFallback> fallbacks;
  options.fallbacks = &fallbacks;
  REQUIRE(read_onnx_bytes(model(p), "", options).ok());
  REQUIRE(fallbacks.size() == 1);
  CHECK(fallbacks[0].op == "Loop");
}

TEST_CASE("a function's attributes, inputs and overload are those of the call") {
  const auto at_minus_2 = [](const WireWriter& call, const std::vector<WireWriter>& functions) {
    const Result<Graph> graph = read_onnx_bytes(model(one_node(call, {1}), 17, functions), "", bounded());
    if (!graph.ok()) FAIL(graph.error().to_string());
    const auto values = evaluate(*graph, {Tensor::splat(Type::tensor(DType::f32, {1}), -2)});
    REQUIRE(values.ok());
    return (*values)[0].get(0);
  };
  // An attribute handed on by the call around, and read in a branch.
  GraphParts branch;
  branch.nodes = {node("LeakyRelu", {"x"}, {"b"}, {attribute_of_call("alpha", "a")})};
  branch.outputs = {value("b", kF32, {})};
  const WireWriter on = node("Constant", {}, {"c"}, {tensor_attribute("value", tensor("", 9, {}, std::string(1, '\1')))});
  const WireWriter choose = node("If", {"c"}, {"y"}, {graph_attribute("then_branch", graph(branch)), graph_attribute("else_branch", graph(branch))});
  const WireWriter inner = function("Inner", {"x"}, {on, choose});
  const WireWriter outer = function("Outer", {"x"}, {node("Inner", {"x"}, {"y"}, {attribute_of_call("a", "slope")}, "my")});
  CHECK(at_minus_2(node("Outer", {"x"}, {"y"}, {float_attribute("slope", 0.25f)}, "my"), {inner, outer}) == -0.5);
  CHECK(at_minus_2(node("Outer", {"x"}, {"y"}, {}, "my"), {inner, outer}) == Approx(-0.02));  // LeakyRelu's own
  // An input that a call leaves out, by a short list or an empty name, is left out of the nodes that read it.
  const WireWriter clip = function("Bound", {"x", "low", "high"}, {node("Clip", {"x", "low", "high"}, {"y"})});
  const WireWriter above = function("Above", {"x", "low", "high"}, {node("Bound", {"x", "low", "high"}, {"y"}, {}, "my")});
  CHECK(at_minus_2(node("Bound", {"x"}, {"y"}, {}, "my"), {clip}) == -2);
  CHECK(at_minus_2(node("Bound", {"x", ""}, {"y"}, {}, "my"), {clip}) == -2);
  CHECK(at_minus_2(node("Above", {"x"}, {"y"}, {}, "my"), {clip, above}) == -2);
  CHECK(contains(error_of(model(one_node(node("Above", {"x", "none"}, {"y"}, {}, "my")), 17, {clip, above})).message, "'none'"));
  // Functions of one name, told apart by their overload.
  const std::vector<WireWriter> both{function("F", {"x"}, {node("Abs", {"x"}, {"y"})}, "abs"), function("F", {"x"}, {node("Exp", {"x"}, {"y"})})};
  CHECK(at_minus_2(node("F", {"x"}, {"y"}, {}, "my"), both) == Approx(std::exp(-2.0)));
  WireWriter call = node("F", {"x"}, {"y"}, {}, "my");
  call.bytes(8, "abs");
  CHECK(at_minus_2(call, both) == 2);
}

TEST_CASE("what is written is read back with the same values") {
  const char* text = R"(graph g
  x: f32[4,6,5]
  param w: f32[5,3] = [0.5, 1, -1, 2, 0, 1, 3, -2, 1, 1, 1, 0, 0.25, -0.5, 2]
  a = dot(x, w, lc=[2], rc=[0])
  b = rms_norm(a, splat(value=2, dtype=f32, sizes=[3]), axis=2)
  s = split(b, axis=1, sizes=[2, 4])
  c = concat(get(s, index=1), reverse(get(s, index=0), axes=[1]), axis=1)
  d = pad(c, splat(value=0.5, dtype=f32), low=[1, -1, 0], high=[0, 2, 1], interior=[1, 0, 2])
  e = window_max(d, window=[2, 1, 3], stride=[1, 1, 2], low=[1, 0, 1], high=[0, 0, 1])
  f = variance(e, axes=[0, 2])
  g = scatter_add(c, constant(value=i64[3] [5, 0, 9]), slice(c, start=[0, 0, 0], limit=[4, 3, 3]), axis=1)
  h = dot(c, c, lb=[1], rb=[1], lc=[2], rc=[2])
  return f, g, out = h
)";
  const Result<Graph> graph = parse_graph(text);
  if (!graph.ok()) FAIL(graph.error().to_string());
  const Result<std::string> bytes = write_onnx(*graph);
  if (!bytes.ok()) FAIL(bytes.error().to_string());
  const Result<Graph> again = read_onnx_bytes(*bytes, "");
  if (!again.ok()) FAIL(again.error().to_string());
  REQUIRE(again->inputs.size() >= 2);
  CHECK(again->outputs[2].name == "out");
  std::vector<Tensor> inputs = random_inputs(*graph, 3), same;
  for (const GraphInput& input : again->inputs) {
    same.push_back(again->node(input.value).name == "x" ? inputs[0] : *input.data);
  }
  const auto expected = evaluate(*graph, inputs), result = evaluate(*again, same);
  REQUIRE(expected.ok());
  REQUIRE(result.ok());
  for (size_t i = 0; i < expected->size(); ++i) CHECK(relative_error((*expected)[i], (*result)[i]) < 1e-5);
}
