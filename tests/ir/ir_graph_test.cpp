// Graphs: building, validation, dead code, names.
#include <catch2/catch.hpp>

#include "ir/graph.h"
#include "ir/text/text.h"

using namespace egret;

TEST_CASE("a builder infers types and keeps names apart") {
  GraphBuilder b("g");
  ValueId x = b.input("x", *Type::parse("f32[2,3]"));
  ValueId y = *b.add("relu", {x});
  ValueId z = *b.add("relu", {y});
  ValueId w = *b.add("add", {y, z}, {}, "x");
  b.output(w, "out");
  CHECK(b.type(w).to_string() == "f32[2,3]");
  CHECK(b.graph().node(z).name == "relu_2");
  CHECK(b.graph().node(w).name == "x_2");
  CHECK(validate(b.graph()).ok());
  b.set_place({"model.onnx", 0, 0, "node Conv_3"});
  auto wrong = b.add("add", {x});
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().where.place == "node Conv_3");
  CHECK(b.add("nonsense", {x}).error().message == "no operator 'nonsense'");
}

TEST_CASE("validate finds what is wrong") {
  auto graph = parse_graph("graph g a: f32[2] b = relu(a) c = exp(b) return c");
  REQUIRE(graph.ok());
  auto broken = [&](auto change) {
    Graph g = *graph;
    change(g);
    auto status = validate(g);
    return status.ok() ? std::string("valid") : status.error().message;
  };
  CHECK(broken([](Graph&) {}) == "valid");
  CHECK(broken([](Graph& g) { g.nodes[2].type = *Type::parse("f32[3]"); }) ==
        "graph g: c is f32[3], but its operator gives f32[2]");
  CHECK(broken([](Graph& g) { g.nodes[1].operands = {2}; }) == "graph g: b stands before its operand 2");
  CHECK(broken([](Graph& g) { g.nodes[2].name = "b"; }) == "graph g: two values are named b");
  CHECK(broken([](Graph& g) { g.inputs.clear(); }) == "graph g: a is no input of the signature");
  CHECK(broken([](Graph& g) { g.outputs[0].value = 9; }) == "graph g: output c is no value");
  CHECK(broken([](Graph& g) { g.aliases = {{0, 3}}; }) == "graph g: alias 0 = 3: no such output or input");
  CHECK(broken([](Graph& g) { g.nodes[1].attrs["x"] = Dim(1); }) == "relu: no attribute 'x'");
}

TEST_CASE("dead values go; inputs and opaque nodes stay") {
  auto graph = parse_graph(R"(graph g
    a: f32[2]  unused: f32[2]
    b = relu(a)  dead = exp(a)
    o = opaque(b, name=Print, id=1, type="token")
    c = neg(a)
    return c)");
  REQUIRE(graph.ok());
  Graph g = remove_dead(*graph);
  CHECK(validate(g).ok());
  CHECK(print(g).find("dead") == std::string::npos);
  CHECK(print(g).find("opaque(b") != std::string::npos);
  CHECK(g.inputs.size() == 2);
}

TEST_CASE("inputs keep the signature's order") {
  auto graph = parse_graph("graph g a: f32[2] b: f32[3] c = softmax(b, axis=0) return c");
  REQUIRE(graph.ok());
  Graph g = *graph;
  std::swap(g.inputs[0], g.inputs[1]);
  auto flat = expand_composites(g);
  REQUIRE(flat.ok());
  CHECK(flat->node(flat->inputs[0].value).name == "b");
  CHECK(print(*parse_graph(print(g))) == print(g));
}
