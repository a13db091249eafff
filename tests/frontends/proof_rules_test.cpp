// Proofs through rules: from applications in the e-graph to steps that replay.
#include "tests/frontends/proof_cases.h"

using namespace egret;
using namespace egret::proof;

namespace {

constexpr const char* kAlgebra = R"(
ruleset case

rule neg-neg: neg(neg(x)) => x
rule mul-one: x * 1 => x
rule add-zero: x + 0 => x
  needs nsz
rule add-comm: x + y => y + x
rule add-assoc: (x + y) + z <=> x + (y + z)
  needs reassoc
rule mul-assoc: (x * y) * z <=> x * (y * z)
  needs reassoc
rule factor: x * z + y * z => (x + y) * z
  needs field
rule mul-frozen: (x * w) * v => x * (w * v)
  where frozen(w), frozen(v)
  needs reassoc
rule sub-self: x - x => 0
  needs nnan, ninf
)";

constexpr const char* kContraction = R"(
ruleset case

rule dot-assoc: dot(dot(a[B.., m.., k..], b[B.., k.., l..], over=k), c[B.., l.., n..], over=l) => dot(a, dot(b, c, over=l), over=k)
  needs field
rule scale-out-of-dot: dot(x[B.., m.., k..] * s[B.., m..], w[B.., k.., n..], over=k) => dot(x, w, over=k) * s
  needs field
rule merge-dot-shared-lhs:
  find all p.. = dot(a[B.., m.., k..], b..[B.., k.., n], over=k)
  where same_dtype(b..)
  when count(b..) >= 2
  let wide = dot(a, concat(b.., axis=n), over=k)
  unite p.. = slices(wide, axis=n)
)";

bool uses(const std::string& proof, const std::string& rule) { return proof.find("{\"name\":\"" + rule + "\"") != std::string::npos; }

}  // namespace

TEST_CASE("maps simplify") {
  auto c = make_case("graph g\n  a: f32[4]\n  b: f32[4]\n  one = splat(value=1, dtype=f32, sizes=[4])\n  p = mul(a, one)\n  q = neg(p)\n"
                     "  r = neg(q)\n  s = mul(b, one)\n  t = add(r, s)\n  return t\n", kAlgebra);
  CHECK(c->chosen.program.run.size() == 1);
  const std::string text = proved(*c);
  CHECK(uses(text, "neg-neg"));
  CHECK(uses(text, "mul-one"));
  CHECK(text == proved(*c));
}

TEST_CASE("sums are reordered until they share a factor") {
  auto c = make_case("graph g\n  a: f32[4]\n  b: f32[4]\n  d: f32[4]\n  e: f32[4]\n  p = mul(a, d)\n  q = add(p, e)\n  r = mul(b, d)\n"
                     "  s = add(q, r)\n  return s\n", kAlgebra);
  CHECK(c->chosen.program.run.size() == 3);
  CHECK(uses(proved(*c), "factor"));
}

TEST_CASE("a condition on what is frozen stands in its step") {
  const char* graph = "graph g\n  a: f32[4]\n  param w: f32[4]\n  param v: f32[4]\n  p = mul(a, w)\n  q = mul(p, v)\n  return q\n";
  const std::string only = "ruleset case\nrule mul-frozen: (x * w) * v => x * (w * v)\n  where frozen(w), frozen(v)\n  needs reassoc\n";
  auto c = make_case(graph, only);
  // The cheapest term does not change: take the other one.
  auto other = make_case(graph, only);
  const std::string text = proved(*c);
  CHECK_FALSE(uses(text, "mul-frozen"));
  const Id root = other->tensors->graph().find(other->values.back());
  for (Id n : other->tensors->graph().nodes_of(root)) {
    const Id first = other->tensors->graph().operands(n)[0];
    if (other->tensors->input(first)) {
      other->chosen = {};
      Chooser chooser(*other);
      chooser.prefer(root, n);
      chooser.run();
    }
  }
  const std::string with = proved(*other);
  CHECK(uses(with, "mul-frozen"));
  CHECK(with.find("\"depends\":\"frozen\"") != std::string::npos);
}

TEST_CASE("products are reassociated, scaled and merged for any axes") {
  SECTION("association") {
    auto c = make_case("graph g\n  a: f32[64,32]\n  b: f32[32,8]\n  d: f32[8,2]\n  p = dot(a, b, lc=[1], rc=[0])\n  q = dot(p, d, lc=[1], rc=[0])\n  return q\n", kContraction);
    CHECK(uses(proved(*c), "dot-assoc"));
  }
  SECTION("a scale leaves a product") {
    auto c = make_case("graph g\n  a: f32[4,512]\n  s: f32[4]\n  w: f32[512,2]\n  t = broadcast(s, dims=[0], sizes=[512])\n  p = mul(a, t)\n  q = dot(p, w, lc=[1], rc=[0])\n  return q\n", kContraction);
    CHECK(uses(proved(*c), "scale-out-of-dot"));
  }
  SECTION("products of one operand") {
    auto c = make_case("graph g\n  a: f32[4,3]\n  b: f32[3,2]\n  d: f32[3,5]\n  p = dot(a, b, lc=[1], rc=[0])\n  q = dot(a, d, lc=[1], rc=[0])\n  return p, q\n", kContraction);
    Chooser chooser(*c);
    const egraph::EGraph& g = c->tensors->graph();
    for (const GraphOutput& o : c->source.outputs) {
      for (Id n : g.nodes_of(c->values[o.value])) {
        if (c->tensors->op(n).name == "slice") chooser.prefer(g.find(n), n);
      }
    }
    c->chosen = {};
    chooser.run();
    CHECK(uses(proved(*c), "merge-dot-shared-lhs"));
  }
}

TEST_CASE("a number of a rule is what the type of its place holds") {
  for (const std::string type : {"f32", "f16"}) {
    for (const std::string tenth : {"  a = splat(value=0.1, dtype=" + type + ", sizes=[4])\n", "  const a: " + type + "[4] = [0.1, 0.1, 0.1, 0.1]\n"}) {
      auto c = make_case("graph g\n  x: " + type + "[4]\n" + tenth + "  o = mul(x, a)\n  return o\n", "ruleset case\nrule tenth: x * 0.1 => x / 10\n  needs field\n");
      Chooser chooser(*c);
      const egraph::EGraph& g = c->tensors->graph();
      const Id root = g.find(c->values[c->source.outputs[0].value]);
      for (Id n : g.nodes_of(root)) {
        if (c->tensors->op(n).name == "div") chooser.prefer(root, n);
      }
      c->chosen = {};
      chooser.run();
      CHECK(uses(proved(*c), "tenth"));
    }
  }
}

TEST_CASE("a chain of a thousand applications") {
  GraphBuilder b("chain");
  ValueId v = b.input("x", Type::tensor(DType::f32, {4}));
  for (int i = 0; i < 1000; ++i) {
    const ValueId one = b.splat(1, DType::f32, {4});
    v = *b.add("mul", {v, one});
    if (i % 2) v = *b.add("tanh", {v});
  }
  b.output(v, "y");
  auto c = make_case(b.take(), "ruleset case\nrule mul-one: x * 1 => x\n");
  CHECK(c->chosen.program.run.size() == 500);
  auto proof = read(proved(*c), {});
  PROOF_REQUIRE_OK(proof);
  CHECK(proof->steps.size() < 10'000);
}
