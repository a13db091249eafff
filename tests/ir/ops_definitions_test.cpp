// Definitions: classes, type rules and their errors, comprehensions, axis roles, composites.
#include <catch2/catch.hpp>

#include <set>

#include "ir/graph.h"
#include "ir/text/text.h"

using namespace egret;

namespace {

std::vector<Type> types(const std::vector<std::string>& texts) {
  std::vector<Type> result;
  for (const std::string& t : texts) {
    auto type = Type::parse(t);
    INFO(t);
    REQUIRE(type.ok());
    result.push_back(*type);
  }
  return result;
}

// Calls are written as in the text form, over operands a, b, c, ...
struct Call {
  const OpDef* op;
  Attrs attrs;
  std::vector<Type> operands;
};

std::string text_of(const std::vector<std::string>& operands, const std::string& call) {
  std::string text = "graph g\n";
  for (size_t i = 0; i < operands.size(); ++i) text += std::string(1, static_cast<char>('a' + i)) + ": " + operands[i] + "\n";
  return text + "result = " + call + "\nreturn result\n";
}

Call call(const std::vector<std::string>& operands, const std::string& text) {
  auto graph = parse_graph(text_of(operands, text));
  INFO(text << ": " << (graph.ok() ? "" : graph.error().to_string()));
  REQUIRE(graph.ok());
  const GraphNode& node = graph->nodes.back();
  return {node.op, node.attrs, types(operands)};
}

std::string type_of(const std::vector<std::string>& operands, const std::string& text) {
  auto graph = parse_graph(text_of(operands, text));
  return graph.ok() ? graph->nodes.back().type.to_string() : "error: " + graph.error().message;
}

std::string meaning(const std::vector<std::string>& operands, const std::string& text) {
  Call c = call(operands, text);
  auto result = instantiate(*c.op, c.attrs, c.operands);
  REQUIRE(result.ok());
  std::string all;
  for (const Comprehension& k : *result) all += (all.empty() ? "" : "; ") + k.to_string();
  return all;
}

std::string role_text(const AxisRoles& roles, const std::vector<AxisRole>& axes) {
  std::string text = "[";
  for (const AxisRole& r : axes) {
    const char* use = r.use == AxisRole::Use::kPassed ? "" : r.use == AxisRole::Use::kFolded ? "/folded" : "/other";
    text += (text.size() > 1 ? " " : "") + roles.groups[r.group] + std::to_string(r.ordinal) + use;
  }
  return text + "]";
}

std::string roles_of(const std::vector<std::string>& operands, const std::string& text) {
  Call c = call(operands, text);
  auto roles = axis_roles(*c.op, c.attrs, c.operands);
  REQUIRE(roles.ok());
  std::string all;
  for (const auto& axes : roles->operands) all += role_text(*roles, axes);
  all += "->";
  for (const auto& axes : roles->results) all += role_text(*roles, axes);
  return all;
}

}  // namespace

TEST_CASE("classes and commutativity follow from definitions") {
  auto class_of = [](const char* op) { return std::string(to_string(op_named(op).op_class)); };
  for (const char* op : {"add", "relu", "select", "cast", "eq", "is_nan", "square"}) CHECK(class_of(op) == "map");
  for (const char* op : {"broadcast", "transpose", "reshape", "slice", "pad", "concat", "reverse", "gather"}) {
    CHECK(class_of(op) == "movement");
  }
  for (const char* op : {"reduce_sum", "reduce_any", "argmax"}) CHECK(class_of(op) == "reduction");
  for (const char* op : {"dot", "conv", "conv_dx", "conv_dw"}) CHECK(class_of(op) == "contraction");
  for (const char* op : {"window_sum", "window_max", "window_max_grad", "scatter_add"}) CHECK(class_of(op) == "window");
  for (const char* op : {"split", "get"}) CHECK(class_of(op) == "tuple");
  for (const char* op : {"input", "constant", "splat", "iota"}) CHECK(class_of(op) == "input");
  CHECK(class_of("softmax") == "composite");
  CHECK(class_of("opaque") == "other");
  std::set<std::string> commutative;
  for (const OpDef* op : all_ops()) {
    if (op->commutative) commutative.insert(op->name);
  }
  CHECK(commutative == std::set<std::string>{"add", "mul", "max", "min", "and", "or", "xor", "eq", "ne"});
}

TEST_CASE("type rules give results") {
  CHECK(type_of({"f32[2,3]", "f32[2,3]"}, "lt(a, b)") == "bool[2,3]");
  CHECK(type_of({"f32[8,64,32]", "f32[32,8,16]"}, "dot(a, b, lb=[0], rb=[1], lc=[2], rc=[0])") == "f32[8,64,16]");
  CHECK(type_of({"f32[n,32]", "f32[32,m*2]"}, "dot(a, b, lc=[1], rc=[0])") == "f32[n,m*2]");
  CHECK(type_of({"f32[3,5]"}, "broadcast(a, dims=[2,0], sizes=[7])") == "f32[5,7,3]");
  CHECK(type_of({"f32[2,3,4]"}, "transpose(a, perm=[2,0,1])") == "f32[4,2,3]");
  CHECK(type_of({"f32[n,4]"}, "reshape(a, sizes=[n*4])") == "f32[n*4]");
  CHECK(type_of({"f32[10,7]"}, "slice(a, start=[1,0], limit=[10,7], stride=[4,2])") == "f32[3,4]");
  CHECK(type_of({"f32[4]", "f32[]"}, "pad(a, b, low=[-1], high=[2], interior=[1])") == "f32[8]");
  CHECK(type_of({"f32[n,4]", "f32[m,4]"}, "concat(a, b, axis=0)") == "f32[m + n,4]");
  CHECK(type_of({"f32[6,4]"}, "split(a, axis=0, sizes=[1,5])") == "(f32[1,4], f32[5,4])");
  CHECK(type_of({"f32[6,4]", "i32[2,3]"}, "gather(a, b, axis=0)") == "f32[2,3,4]");
  CHECK(type_of({"f32[2,8,11,9]", "f32[6,4,3,1]"}, "conv(a, b, stride=[2,1], low=[1,0], dilation=[2,1], groups=2)") == "f32[2,6,4,9]");
  CHECK(type_of({"f32[2,6,4,9]", "f32[6,4,3,1]"}, "conv_dx(a, b, stride=[2,1], low=[1,0], dilation=[2,1], groups=2, sizes=[11,9])") == "f32[2,8,11,9]");
  CHECK(type_of({"f32[2,3,4]"}, "argmax(a, axis=1)") == "i64[2,4]");
  CHECK(type_of({"f32[2,3,4]"}, "reduce_sum(a, axes=[2,0])") == "f32[3]");
  CHECK(type_of({"f32[2,8]"}, "window_max(a, window=[1,3], stride=[1,2], low=[0,1], high=[0,1])") == "f32[2,4]");
  CHECK(type_of({"f32[0,3]"}, "reduce_max(a, axes=[0])") == "f32[3]");
  CHECK(type_of({"f32[2,3]"}, "softmax(a, axis=1)") == "f32[2,3]");
  CHECK(type_of({"f32[5,1,2,3]", "f32[4,3,7]"}, "matmul(a, b)") == "f32[5,4,2,7]");
  CHECK(type_of({"f32[3]", "f32[4,3,7]"}, "matmul(a, b)") == "f32[4,7]");
  CHECK(type_of({"f32[3,1]"}, "expand(a, sizes=[2,3,4])") == "f32[2,3,4]");
  CHECK(type_of({"i64[2]"}, "one_hot(a, axis=0, size=5)") == "f32[5,2]");
  CHECK(type_of({}, "iota(axis=1, dtype=i32, sizes=[2,3])") == "i32[2,3]");
}

TEST_CASE("type rules refuse, and say why") {
  CHECK(type_of({"f32[2,3]", "f32[3,2]"}, "add(a, b)") ==
        "error: add: sizes 2 and 3 differ (axis 0 of operand 0: f32[2,3], axis 0 of operand 1: f32[3,2])");
  CHECK(type_of({"f32[2]", "f16[2]"}, "add(a, b)") == "error: add: operands 0 and 1 differ in dtype: f32[2] and f16[2]");
  CHECK(type_of({"i32[2]"}, "exp(a)") == "error: exp: operand x is i32[2], a float dtype needed");
  CHECK(type_of({"f32[2]"}, "add(a)") == "error: add: 1 operands given, 2 needed");
  CHECK(type_of({"f32[2,3]"}, "transpose(a, perm=[0])") == "error: transpose: operand x has 2 axes, 1 needed");
  CHECK(type_of({"f32[2,3]"}, "transpose(a, perm=[0,0])") == "error: transpose: 'perm': axis 0 is named twice");
  CHECK(type_of({"f32[2,3]"}, "reduce_sum(a, axes=[2])") ==
        "error: reduce_sum: axes: axis 2 of operand x is out of range, it has 2 axes");
  CHECK(type_of({"f32[10]"}, "slice(a, start=[3], limit=[12])") ==
        "error: slice: needs all(i: 0 <= start <= limit <= x.i); 12 <= 10 is false (axis 0 of 'i')");
  CHECK(type_of({"f32[n]"}, "slice(a, start=[0], limit=[3])") ==
        "error: slice: needs all(i: 0 <= start <= limit <= x.i); 3 <= n cannot be proved (axis 0 of 'i')");
  CHECK(type_of({"f32[10,2]"}, "slice(a, start=[3], limit=[5])") == "error: slice: 'limit' has 1 values for 2 axes");
  CHECK(type_of({"f32[2,3]"}, "reshape(a, sizes=[7])") == "error: reshape: needs count(j) == count(x.i); 7 == 6 is false");
  CHECK(type_of({"f32[0,3]"}, "argmax(a, axis=0)") == "error: argmax: needs 1 <= x.r; 1 <= 0 is false");
  CHECK(type_of({"f32[1,8,4,4]", "f32[6,3,1,1]"}, "conv(a, b, groups=2)") ==
        "error: conv: needs x.c == w.i*groups; 8 == 6 is false");
  CHECK(type_of({"f32[1,1,2,2]", "f32[1,1,5,5]"}, "conv(a, b)") == "error: conv: axis 2 of the result would have size -2");
  CHECK(type_of({"f32[0,4]", "i32[2]"}, "gather(a, b, axis=0)") == "error: gather: needs 1 <= x.c; 1 <= 0 is false");
  CHECK(type_of({"f32[6,4]"}, "get(a, index=0)") == "error: get: the operand is f32[6,4], a tuple needed");
  CHECK(type_of({"f32[6,4]"}, "softmax(a, axis=2)").find("error: softmax: ") == 0);
  CHECK(type_of({"f32[1048576,1048576]"}, "broadcast(a, dims=[0,1], sizes=[1048576])").find("too large") != std::string::npos);
}

TEST_CASE("meanings for known sizes are in simplest form") {
  CHECK(meaning({"f32[2,3]"}, "relu(a)") == "f32[v0<2, v1<3] = max(a0[v0, v1], 0)");
  CHECK(meaning({"f16[2,3]", "f16[3,4]"}, "dot(a, b, lc=[1], rc=[0])") ==
        "f16[v0<2, v1<4] = f16(sum<f32>(v2<3) mul(f32(a0[v0, v2]), f32(a1[v2, v1])))");
  // An unpadded convolution has no guard.
  CHECK(meaning({"f32[1,2,5]", "f32[3,2,2]"}, "conv(a, b)") ==
        "f32[v0<1, v1<3, v2<4] = sum<f32>(v3<2, v4<2) mul(a0[v0, v3, (v2 + v4)], a1[v1, v3, v4])");
  CHECK(meaning({"f32[1,2,5]", "f32[3,2,1]"}, "conv(a, b, stride=[2])") ==
        "f32[v0<1, v1<3, v2<3] = sum<f32>(v3<2, v4<1) mul(a0[v0, v3, (v2*2)], a1[v1, v3, v4])");
  CHECK(meaning({"f32[1,4,5]", "f32[6,2,2]"}, "conv(a, b, groups=2, low=[1])") ==
        "f32[v0<1, v1<6, v2<5] = sum<f32>(v3<2, v4<2) mul(((0 <= ((v2 + v4) - 1)) ? "
        "a0[v0, (v3 + ((v1 div 3)*2)), ((v2 + v4) - 1)] : 0), a1[v1, v3, v4])");
  CHECK(meaning({"f32[2,3,4]"}, "reshape(a, sizes=[6,4])") == "f32[v0<6, v1<4] = a0[(v0 div 3), (v0 mod 3), v1]");
  CHECK(meaning({"f32[6,4]"}, "reshape(a, sizes=[2,3,2,2])") ==
        "f32[v0<2, v1<3, v2<2, v3<2] = a0[((v0*3) + v1), ((v2*2) + v3)]");
  CHECK(meaning({"f32[2,3]"}, "reshape(a, sizes=[2,1,3])") == "f32[v0<2, v1<1, v2<3] = a0[v0, v2]");
  CHECK(meaning({"f32[2,3]", "f32[]"}, "pad(a, b, low=[0,1])") ==
        "f32[v0<2, v1<4] = ((0 <= (v1 - 1)) ? a0[v0, (v1 - 1)] : a1[])");
  CHECK(meaning({"f32[2]", "f32[0]", "f32[3]"}, "concat(a, b, c, axis=0)") ==
        "f32[v0<5] = ((v0 < 2) ? a0[v0] : a2[(v0 - 2)])");
  CHECK(meaning({"f32[5]"}, "split(a, axis=0, sizes=[2,3])") == "f32[v0<2] = a0[v0]; f32[v0<3] = a0[(v0 + 2)]");
  CHECK(meaning({"f32[5]"}, "reverse(a, axes=[0])") == "f32[v0<5] = a0[(4 - v0)]");
  CHECK(meaning({"f32[5,2]", "i32[3]"}, "gather(a, b, axis=0)") ==
        "f32[v0<3, v1<2] = a0[min(max(index(a1[v0]), 0), 4), v1]");
  CHECK(meaning({"i8[4]"}, "reduce_max(a, axes=[0])") == "i8[] = max<i8>(v0<4) a0[v0]");
  CHECK(meaning({"i8[4]"}, "window_max(a, window=[2], low=[1])") ==
        "i8[v0<4] = max<i8>(v1<2) ((0 <= ((v0 + v1) - 1)) ? a0[((v0 + v1) - 1)] : -128)");
}

TEST_CASE("axis roles") {
  CHECK(roles_of({"f32[8,4,3]", "f32[3,8,5]"}, "dot(a, b, lb=[0], rb=[1], lc=[2], rc=[0])") ==
        "[B0 m0 k0/folded][k0/folded B0 n0]->[B0 m0 n0]");
  CHECK(roles_of({"f32[3,5]"}, "broadcast(a, dims=[2,0], sizes=[7])") == "[k0 k1]->[k1 n0 k0]");
  CHECK(roles_of({"f32[2,3,4]"}, "transpose(a, perm=[2,0,1])") == "[i1 i2 i0]->[i0 i1 i2]");
  CHECK(roles_of({"f32[2,3,4]"}, "reduce_sum(a, axes=[0,2])") == "[r0/folded k0 r1/folded]->[k0]");
  CHECK(roles_of({"f32[1,2,5]", "f32[3,2,2]"}, "conv(a, b)") == "[n0 i0/folded s0/other][o0 i0/folded t0/folded]->[n0 o0 s0/other]");
  CHECK(roles_of({"f32[1,4,5]", "f32[6,2,2]"}, "conv(a, b, groups=2)") ==
        "[n0 c0/other s0/other][o0 i0/folded t0/folded]->[n0 o0/other s0/other]");
  CHECK(roles_of({"f32[2,3]", "f32[4,3]"}, "concat(a, b, axis=0)") == "[j0/other S0][j0/other S0]->[j0/other S0]");
  CHECK(roles_of({"f32[2,3]", "i32[4]"}, "gather(a, b, axis=1)") == "[P0 c0/other][I0]->[P0 I0]");
  CHECK(roles_of({"f32[n,3]"}, "exp(a)") == "[i0 i1]->[i0 i1]");
  CHECK(roles_of({"f32[n,6]"}, "split(a, axis=1, sizes=[2,4])") == "[P0 j0/other]->[P0 j0/other][P0 j0/other]");
}

TEST_CASE("attributes are completed") {
  const OpDef& conv = op_named("conv");
  auto operands = types({"f32[1,2,5,5]", "f32[3,2,2,2]"});
  auto attrs = complete_attrs(conv, {{"stride", dims_of({2})}}, operands);
  REQUIRE(attrs.ok());
  CHECK(ints(*attrs, "stride") == std::vector<int64_t>{2, 2});
  CHECK(ints(*attrs, "lhs_dilation") == std::vector<int64_t>{1, 1});
  CHECK(integer(*attrs, "groups") == 1);
  auto again = complete_attrs(conv, *attrs, operands);
  REQUIRE(again.ok());
  CHECK(equal(*again, *attrs));
  auto number_from_integer = complete_attrs(op_named("leaky_relu"), {{"alpha", Dim(1)}});
  REQUIRE(number_from_integer.ok());
  CHECK(number(*number_from_integer, "alpha") == 1.0);
  CHECK(complete_attrs(conv, {{"strides", dims_of({2})}}).error().message == "conv: no attribute 'strides'");
  CHECK(complete_attrs(conv, {{"groups", 1.5}}).error().message == "conv: 'groups' must be of kind int");
  CHECK(complete_attrs(op_named("softmax"), {}).error().message == "softmax: the attribute 'axis' is missing");
}

TEST_CASE("composites expand to valid graphs of the same type") {
  auto graph = parse_graph(R"(graph g
    x: f32[2,4,6,6]  s: f32[4]  a: f32[3,1,5,7]  b: f32[2,7,4]  u: f32[6,6]
    n = batch_norm(x, s, s, s, s)
    g1 = gelu(n)
    l = layer_norm(g1, u, u, axis=2)
    p = avg_pool(l, window=[1,1,3,3], stride=[1,1,2,2], low=[0,0,1,1], high=[0,0,1,1])
    r = lrn(l, size=3)
    m = matmul(a, b)
    q = softmax(m, axis=3)
    return p, r, q)");
  REQUIRE(graph.ok());
  auto flat = expand_composites(*graph);
  REQUIRE(flat.ok());
  auto valid = validate(*flat);
  INFO((valid.ok() ? "" : valid.error().to_string()));
  CHECK(valid.ok());
  for (const GraphNode& n : flat->nodes) CHECK(n.op->expand == nullptr);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(flat->type(flat->outputs[i].value) == graph->type(graph->outputs[i].value));
    CHECK(flat->node(flat->outputs[i].value).name == graph->node(graph->outputs[i].value).name);
  }
}

TEST_CASE("every operator is described and found") {
  for (const OpDef* op : all_ops()) {
    INFO(op->name);
    CHECK_FALSE(op->summary.empty());
    CHECK(op->text.find("op " + op->name + "(") == 0);
    CHECK(find_op(op->name) == op);
  }
  CHECK(closest_op("sofmax") == "softmax");
  CHECK(closest_op("zzzzzzzz").empty());
}
