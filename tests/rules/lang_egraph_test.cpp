// TensorEGraph's facts, and the library's rules run by the engine.
#include <set>

#include <catch2/catch.hpp>

#include "ir/evaluate/evaluate.h"
#include "rules/lang_terms.h"

using namespace egret;
using namespace egret::rules;

namespace {

struct Saturated {
  TensorEGraph graph;
  std::vector<Id> ids;
  egraph::Report report;

  // Options: without rules none run.
  Saturated(const Graph& g, const char* numerics, bool freeze = false, int threads = 1, bool rules = true)
      : graph(TensorEGraph::Options{freeze, true, 4096, Licence::parse(numerics)->slack()}) {
    auto inserted = graph.insert(g);
    REQUIRE(inserted.ok());
    ids = *inserted;
    graph.fold_constants();
    if (!rules) return;
    static const RuleSet library = [] {
      RuleSet s;
      EGRET_CHECK(s.add_library().ok(), "the library loads");
      return s;
    }();
    auto compiled = compile(library, *Licence::parse(numerics), graph);
    REQUIRE(compiled.ok());
    egraph::RunOptions options;
    options.limits.enodes = 8'000;
    options.limits.iterations = 10;
    options.threads = threads;
    options.after_iteration = [this](egraph::EGraph&, const egraph::Iteration&) {
      graph.fold_constants();
      return true;
    };
    report = egraph::run(graph.graph(), compiled->rewrites, options);
    CHECK(graph.graph().conflicts().empty());
  }

  // Whether the outputs of another graph over the same inputs are known to equal those of the first.
  bool equals(const Graph& first, const std::string& text) {
    Graph other = parsed(text);
    auto theirs = graph.insert(other);
    REQUIRE(theirs.ok());
    for (size_t o = 0; o < first.outputs.size(); ++o) {
      if (graph.graph().find(ids[first.outputs[o].value]) != graph.graph().find((*theirs)[other.outputs[o].value])) return false;
    }
    return true;
  }
};

bool becomes(const std::string& from, const std::string& to, const char* numerics = "default", bool freeze = false) {
  Graph g = parsed(from);
  return Saturated(g, numerics, freeze).equals(g, to);
}

}  // namespace

TEST_CASE("facts of classes") {
  Graph g = parsed(
      "graph g\n x: f32[2,3]\n param w: f32[3]\n const c: f32[3] = [1, 2, 3]\n const one: f32[] = [1]\n"
      " s = splat(value=2, dtype=f32, sizes=[2,3])\n t = exp(s)\n d = add(c, c)\n b = broadcast(one, dims=[], sizes=[2,3])\n"
      " y = mul(x, s)\n z = broadcast(w, dims=[1], sizes=[2])\n r = softmax(x, axis=1)\n u = mul(s, b)\n return y, z, r, t, d, u\n");
  Saturated e(g, "strict", true, 1, false);
  auto id = [&](const char* name) {
    for (ValueId v = 0; v < g.nodes.size(); ++v) {
      if (g.node(v).name == name) return e.ids[v];
    }
    FAIL(name);
    return Id{0};
  };
  CHECK(e.graph.type(id("y")).to_string() == "f32[2,3]");
  CHECK(*e.graph.splat(id("t")) == Approx(std::exp(2.0)));
  CHECK(*e.graph.splat(id("b")) == 1);
  CHECK(*e.graph.splat(id("u")) == 2);
  CHECK_FALSE(e.graph.splat(id("y")));
  REQUIRE(e.graph.literal(id("d")));
  CHECK(e.graph.literal(id("d"))->get(2) == 6);
  CHECK(e.graph.depends(id("x")) == Dependence::kData);
  CHECK(e.graph.depends(id("z")) == Dependence::kFrozen);
  CHECK(e.graph.depends(id("d")) == Dependence::kConstant);
  CHECK(e.graph.depends(id("y")) == Dependence::kData);
  CHECK(e.graph.input(id("w"))->role == InputRole::kParameter);
  CHECK(e.graph.input(id("y")) == nullptr);
  // u = 2 everywhere is what s states; the sum of constants is one.
  CHECK(e.graph.graph().find(id("u")) == e.graph.graph().find(id("s")));
  bool constant = false;
  for (Id n : e.graph.graph().nodes_of(e.graph.graph().find(id("d")))) constant |= e.graph.op(n).name == "constant";
  CHECK(constant);
  // A composite stands beside its decomposition.
  std::set<std::string> names;
  for (Id n : e.graph.graph().nodes_of(e.graph.graph().find(id("r")))) names.insert(e.graph.op(n).name);
  CHECK(names == std::set<std::string>{"softmax", "div"});
  CHECK(e.graph.fold_constants() == 0);
}

TEST_CASE("parameters that are not frozen are data") {
  Graph g = parsed("graph g\n param w: f32[3]\n y = exp(w)\n return y\n");
  Saturated e(g, "strict", false, 1, false);
  CHECK(e.graph.depends(e.ids[1]) == Dependence::kData);
}

TEST_CASE("adding a node checks its type") {
  TensorEGraph graph;
  auto x = graph.insert(parsed("graph g\n x: f32[2,3]\n y: f32[3,2]\n return x, y\n"));
  REQUIRE(x.ok());
  std::vector<Id> bad = {(*x)[0], (*x)[1]}, good = {(*x)[0], (*x)[0]};
  CHECK_FALSE(graph.add(op_named("add"), {}, bad).ok());
  auto sum = graph.add(op_named("add"), {}, good);
  REQUIRE(sum.ok());
  CHECK(graph.type(*sum).to_string() == "f32[2,3]");
  CHECK(*graph.add(op_named("add"), {}, good) == *sum);
}

TEST_CASE("opaque operators are never one") {
  std::string text = "graph g\n x: f32[2]\n y = opaque(x, name=mystery, id=1, type=\"f32[2]\")\n"
                     " z = opaque(x, name=mystery, id=1, type=\"f32[2]\")\n return y, z\n";
  Graph g = parsed(text);
  Saturated e(g, "default");
  CHECK(e.graph.graph().find(e.ids[1]) != e.graph.graph().find(e.ids[2]));
}

TEST_CASE("rules by the engine: what the algebra suite needs") {
  const std::string x = "graph g\n x: f32[4,3]\n y: f32[4,3]\n param w: f32[3,5]\n param v: f32[3,5]\n param a: f32[3,2]\n param b: f32[2,5]\n param s: f32[3]\n t: f32[4]\n";
  CHECK(becomes(x + "p = dot(x, w, lc=[1], rc=[0])\n q = dot(x, v, lc=[1], rc=[0])\n r = add(p, q)\n return r\n",
                x + "u = add(w, v)\n r = dot(x, u, lc=[1], rc=[0])\n return r\n"));
  CHECK(becomes(x + "p = dot(x, w, lc=[1], rc=[0])\n q = dot(x, a, lc=[1], rc=[0])\n r = dot(q, b, lc=[1], rc=[0])\n z = add(p, r)\n return z\n",
                x + "d = dot(a, b, lc=[1], rc=[0])\n u = add(w, d)\n z = dot(x, u, lc=[1], rc=[0])\n return z\n"));
  CHECK(becomes(x + "sb = broadcast(s, dims=[1], sizes=[4])\n m = mul(x, sb)\n z = dot(m, w, lc=[1], rc=[0])\n return z\n",
                x + "sb = broadcast(s, dims=[0], sizes=[5])\n m = mul(w, sb)\n z = dot(x, m, lc=[1], rc=[0])\n return z\n", "default", true));
  CHECK(becomes(x + "tb = broadcast(t, dims=[0], sizes=[3])\n m = mul(x, tb)\n z = dot(m, w, lc=[1], rc=[0])\n return z\n",
                x + "d = dot(x, w, lc=[1], rc=[0])\n tb = broadcast(t, dims=[0], sizes=[5])\n z = mul(d, tb)\n return z\n"));
  CHECK(becomes(x + "p = dot(x, w, lc=[1], rc=[0])\n q = dot(x, v, lc=[1], rc=[0])\n return p, q\n",
                x + "c = concat(w, v, axis=1)\n d = dot(x, c, lc=[1], rc=[0])\n p = slice(d, start=[0,0], limit=[4,5])\n"
                    " q = slice(d, start=[0,5], limit=[4,10])\n return p, q\n"));
  CHECK(becomes(x + "p = transpose(x, perm=[1,0])\n q = relu(p)\n r = transpose(q, perm=[1,0])\n return r\n", x + "r = relu(x)\n return r\n", "strict"));
  CHECK_FALSE(becomes(x + "p = add(x, y)\n q = dot(p, w, lc=[1], rc=[0])\n return q\n",
                      x + "p = dot(x, w, lc=[1], rc=[0])\n q = dot(y, w, lc=[1], rc=[0])\n r = add(p, q)\n return r\n"));
}

TEST_CASE("the places where a rule's operators stand, and what fails there") {
  Graph g = parsed("graph g\n x: f32[4,3]\n param s: f32[3]\n w: f32[3,5]\n sb = broadcast(s, dims=[1], sizes=[4])\n m = mul(x, sb)\n"
                   " z = dot(m, w, lc=[1], rc=[0])\n return z\n");
  Saturated e(g, "default", true, 1, false);
  RuleSet library;
  REQUIRE(library.add_library().ok());
  auto weights = matches(*library.find("scale-into-weights-right"), e.graph, 10);
  REQUIRE(weights.ok());
  REQUIRE(weights->size() == 2);  // with the broadcast, and with the whole operand
  CHECK_FALSE((*weights)[0].holds);
  CHECK((*weights)[0].failed == "when frozen(w)");
  CHECK((*weights)[0].nodes.size() == 3);
  auto rows = matches(*library.find("scale-out-of-dot-left"), e.graph, 10);
  CHECK((*rows)[0].failed == "an axis that no name stands for");
  CHECK(matches(*library.find("sub-self"), e.graph, 10)->empty());
}

TEST_CASE("batch normalization folds into a convolution") {
  const std::string x = "graph g\n x: f32[1,2,5,5]\n param w: f32[3,2,2,2]\n param g: f32[3]\n param b: f32[3]\n param m: f32[3]\n param v: f32[3]\n";
  CHECK(becomes(x + "c = conv(x, w)\n y = batch_norm(c, g, b, m, v, epsilon=0.001)\n return y\n",
                x + "e = splat(value=0.001, dtype=f32, sizes=[3])\n ve = add(v, e)\n i = rsqrt(ve)\n f = mul(g, i)\n"
                    " fb = broadcast(f, dims=[0], sizes=[2,2,2])\n wf = mul(w, fb)\n c = conv(x, wf)\n"
                    " n = neg(m)\n nf = mul(n, f)\n nb = add(nf, b)\n bb = broadcast(nb, dims=[1], sizes=[1,4,4])\n y = add(c, bb)\n return y\n",
                "default", true));
}

TEST_CASE("strict numerics load no rule that moves rounding") {
  const std::string x = "graph g\n x: f32[4]\n y: f32[4]\n z: f32[4]\n";
  CHECK_FALSE(becomes(x + "a = mul(x, y)\n b = mul(x, z)\n c = add(a, b)\n return c\n", x + "a = add(y, z)\n c = mul(x, a)\n return c\n", "strict"));
  CHECK(becomes(x + "a = mul(x, y)\n b = mul(x, z)\n c = add(a, b)\n return c\n", x + "a = add(y, z)\n c = mul(x, a)\n return c\n"));
}

TEST_CASE("under default numerics the variance does not become E[x^2] - E[x]^2") {
  const std::string x = "graph g\n x: f32[4,8]\n";
  const std::string moments = x + "q = square(x)\n mq = mean(q, axes=[1])\n m = mean(x, axes=[1])\n ms = square(m)\n v = sub(mq, ms)\n return v\n";
  CHECK_FALSE(becomes(x + "v = variance(x, axes=[1])\n return v\n", moments));
}

TEST_CASE("any number of threads gives the same e-graph") {
  Graph g = parsed("graph g\n x: f32[4,8]\n param w: f32[8,8]\n param b: f32[8]\n d = dot(x, w, lc=[1], rc=[0])\n"
                   " bb = broadcast(b, dims=[1], sizes=[4])\n s = add(d, bb)\n n = layer_norm(s, b, b, axis=1)\n y = dot(n, w, lc=[1], rc=[0])\n return y\n");
  Saturated one(g, "default", true, 1), two(g, "default", true, 2);
  const auto &a = one.graph.graph(), &b = two.graph.graph();
  REQUIRE(a.id_count() == b.id_count());
  for (Id n = 0; n < a.id_count(); ++n) {
    REQUIRE(a.op(n) == b.op(n));
    REQUIRE(a.find(n) == b.find(n));
    REQUIRE(to_string(one.graph.attrs_of(n).empty() ? AttrValue(Dim(0)) : one.graph.attrs_of(n).begin()->second) ==
            to_string(two.graph.attrs_of(n).empty() ? AttrValue(Dim(0)) : two.graph.attrs_of(n).begin()->second));
  }
}

TEST_CASE("licences compose: no chain of default rules makes a difference of squares out of a variance") {
  const std::string squares = "graph v\n  x: f32[4,8]\n  q = square(x)\n  e = mean(q, axes=[1])\n  m = mean(x, axes=[1])\n"
                              "  n = square(m)\n  y = sub(e, n)\n  return y\n";
  for (const char* variance : {"graph v\n  x: f32[4,8]\n  y = variance(x, axes=[1])\n  return y\n",
                               "graph v\n  x: f32[4,8]\n  m = mean(x, axes=[1])\n  b = broadcast(m, dims=[0], sizes=[8])\n"
                               "  c = sub(x, b)\n  s = square(c)\n  y = mean(s, axes=[1])\n  return y\n"}) {
    CHECK_FALSE(becomes(variance, squares, "default"));
    CHECK_FALSE(becomes(variance, squares, "default", true));
  }
}
