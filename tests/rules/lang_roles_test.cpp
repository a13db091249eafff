// Matching by role on positional terms made at random: any order of axes, batch and contracted lists in any order.
#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "ir/evaluate/evaluate.h"
#include "rules/lang/replay.h"
#include "rules/lang_terms.h"

using namespace egret;
using namespace egret::rules;

namespace {

using Axes = std::vector<int>;  // axes by number

struct Random {
  std::mt19937_64 bits;
  explicit Random(uint64_t seed) : bits(seed) {}
  int below(int n) { return static_cast<int>(bits() % static_cast<uint64_t>(n)); }
  void shuffle(Axes& a) {
    for (size_t i = a.size(); i > 1; --i) std::swap(a[i - 1], a[static_cast<size_t>(below(static_cast<int>(i)))]);
  }
};

int64_t place(const Axes& axes, int axis) { return std::find(axes.begin(), axes.end(), axis) - axes.begin(); }
bool has(const Axes& axes, int axis) { return place(axes, axis) < static_cast<int64_t>(axes.size()); }

// A graph of terms whose axes are followed by hand.
class Terms {
 public:
  explicit Terms(Random& random) : random_(random), builder_("terms") {}

  ValueId input(const std::string& name, Axes& axes) {
    random_.shuffle(axes);
    std::vector<Dim> dims;
    for (int a : axes) dims.push_back(size(a));
    return builder_.input(name, Type::tensor(DType::f32, dims));
  }
  // Contracts `over`; other common axes are batch.  `axes` become those of the result.
  ValueId dot(ValueId a, const Axes& of_a, ValueId b, const Axes& of_b, Axes over, Axes& axes) {
    Axes batch;
    for (int x : of_a) {
      if (has(of_b, x) && !has(over, x)) batch.push_back(x);
    }
    random_.shuffle(batch);
    random_.shuffle(over);
    std::vector<Dim> lb, rb, lc, rc;
    axes = batch;
    for (int x : batch) {
      lb.push_back(place(of_a, x));
      rb.push_back(place(of_b, x));
    }
    for (int x : over) {
      lc.push_back(place(of_a, x));
      rc.push_back(place(of_b, x));
    }
    for (const Axes* of : {&of_a, &of_b}) {
      for (int x : *of) {
        if (!has(over, x) && !has(batch, x)) axes.push_back(x);
      }
    }
    return add("dot", {a, b}, {{"lb", lb}, {"rb", rb}, {"lc", lc}, {"rc", rc}});
  }
  // The value repeated along the axes of `to` that it lacks.
  ValueId spread(ValueId v, const Axes& of, const Axes& to) {
    std::vector<Dim> dims, sizes;
    for (int x : of) dims.push_back(place(to, x));
    for (int x : to) {
      if (!has(of, x)) sizes.push_back(size(x));
    }
    return add("broadcast", {v}, {{"dims", dims}, {"sizes", sizes}});
  }
  ValueId add(const char* op, std::vector<ValueId> operands, Attrs attrs = {}) {
    auto v = builder_.add(op, std::move(operands), std::move(attrs));
    REQUIRE(v.ok());
    return *v;
  }
  Graph done(const std::vector<ValueId>& roots) {
    for (size_t i = 0; i < roots.size(); ++i) builder_.output(roots[i], "o" + std::to_string(i));
    return builder_.take();
  }

  static int64_t size(int axis) { return 2 + axis % 3; }

 private:
  Random& random_;
  GraphBuilder builder_;
};

const RuleSet& library() {
  static const RuleSet set = [] {
    RuleSet s;
    EGRET_CHECK(s.add_library().ok(), "the library loads");
    return s;
  }();
  return set;
}

// Whether the rule matches; then both sides must be equal.
bool matches(const char* rule, const Graph& graph) {
  TermTable table = table_of(graph);
  std::vector<uint32_t> roots, right;
  for (const GraphOutput& o : graph.outputs) roots.push_back(o.value);
  auto made = replay_with(*library().find(rule), roots, table, {.heuristics = false});
  UNSCOPED_INFO((made.ok() ? "matched" : made.error().to_string()) << "\n" << print(graph));
  if (!made.ok()) return false;
  for (auto [r, l] : *made) right.push_back(r);
  Graph after = graph_of(graph, table, right);
  auto inputs = random_inputs(graph, 5);
  auto x = evaluate_reference(graph, inputs, Scalar::kDouble), y = evaluate_reference(after, inputs, Scalar::kDouble);
  INFO(print(graph) << print(after));
  REQUIRE(x.ok());
  REQUIRE(y.ok());
  for (size_t i = 0; i < x->size(); ++i) CHECK(relative_error((*x)[i], (*y)[i]) <= 1e-12);
  return true;
}

}  // namespace

TEST_CASE("dot-assoc: five kinds of axis match in any order, six others do not") {
  // Which of a, b, c has the axis, and whether the inner or the outer product contracts it.
  struct Kind {
    bool a, b, c, inner, outer, named;
  };
  const Kind kinds[] = {
      {true, true, true, false, false, true},    // B
      {true, false, false, false, false, true},  // m
      {true, true, false, true, false, true},    // k
      {false, true, true, false, true, true},    // l
      {false, false, true, false, false, true},  // n
      {true, true, false, false, false, false},  // batch inside, free outside
      {false, true, true, false, false, false},  // free inside, batch outside
      {true, false, true, false, false, false},  // a and c alone, kept
      {false, true, false, false, false, false}, // b alone
      {true, false, true, false, true, false},   // a and c alone, summed
      {true, true, true, false, true, false},    // batch inside, summed outside
  };
  int matched = 0, refused = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    Terms terms(random);
    Axes a, b, c, inner, outer;
    bool named = true;
    int axis = 0, count = 2 + random.below(4);
    for (int i = 0; i < count; ++i, ++axis) {
      const Kind& k = kinds[random.below(random.below(3) == 0 ? 11 : 5)];
      named &= k.named;
      if (k.a) a.push_back(axis);
      if (k.b) b.push_back(axis);
      if (k.c) c.push_back(axis);
      if (k.inner) inner.push_back(axis);
      if (k.outer) outer.push_back(axis);
    }
    ValueId va = terms.input("a", a), vb = terms.input("b", b), vc = terms.input("c", c);
    Axes ab, abc;
    ValueId x = terms.dot(va, a, vb, b, inner, ab);
    ValueId root = terms.dot(x, ab, vc, c, outer, abc);
    bool match = matches("dot-assoc", terms.done({root}));
    CHECK(match == named);
    (match ? matched : refused)++;
  }
  CHECK(matched > 150);
  CHECK(refused > 100);
}

TEST_CASE("scale-out-of-dot: scales that vary along contracted axes are refused") {
  int matched = 0, refused = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Terms terms(random);
    Axes x, w, s, over;
    bool varies = false;
    int count = 1 + random.below(4);
    for (int axis = 0; axis < count; ++axis) {
      int kind = random.below(4);  // B, m, k, n
      if (kind != 3) x.push_back(axis);
      if (kind != 1) w.push_back(axis);
      if (kind == 2) over.push_back(axis);
      bool scaled = kind == 2 ? random.below(6) == 0 : kind != 3 && random.below(2) == 0;
      if (scaled) s.push_back(axis);
      varies |= scaled && kind == 2;
    }
    ValueId vx = terms.input("x", x), vs = terms.input("s", s), vw = terms.input("w", w);
    ValueId wide = s.size() == x.size() && s == x ? vs : terms.spread(vs, s, x);
    Axes result;
    ValueId root = terms.dot(terms.add("mul", {vx, wide}), x, vw, w, over, result);
    bool match = matches("scale-out-of-dot-left", terms.done({root}));
    CHECK(match == !varies);
    (match ? matched : refused)++;
  }
  CHECK(matched > 150);
  CHECK(refused > 20);
}

TEST_CASE("merge-dot: products of one operand in the same roles become one") {
  int matched = 0, refused = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    Terms terms(random);
    Axes a;
    int count = 1 + random.below(3), next = count;
    std::vector<int> kind;  // of a's axes: B, m, k
    for (int axis = 0; axis < count; ++axis) {
      a.push_back(axis);
      kind.push_back(random.below(3));
    }
    ValueId va = terms.input("a", a);
    std::vector<ValueId> roots;
    bool same = true;
    int members = 2 + random.below(2);
    for (int m = 0; m < members; ++m) {
      std::vector<int> own = kind;
      if (m > 0 && random.below(5) == 0) {
        own[0] = (own[0] + 1) % 3;
        same = false;
      }
      Axes b = {next++}, over, result;
      if (random.below(10) == 0) {  // two free axes
        b.push_back(next++);
        same = false;
      }
      for (int axis = 0; axis < count; ++axis) {
        if (own[static_cast<size_t>(axis)] != 1) b.push_back(axis);
        if (own[static_cast<size_t>(axis)] == 2) over.push_back(axis);
      }
      ValueId vb = terms.input("b" + std::to_string(m), b);
      roots.push_back(terms.dot(va, a, vb, b, over, result));
    }
    bool match = matches("merge-dot-shared-left", terms.done(roots));
    CHECK(match == same);
    (match ? matched : refused)++;
  }
  CHECK(matched > 80);
  CHECK(refused > 40);
}

TEST_CASE("one class in two places: dot(dot(x, x), x)") {
  for (const char* text : {"graph g\n x: f32[3,3]\n y = dot(x, x, lc=[1], rc=[0])\n z = dot(y, x, lc=[1], rc=[0])\n return z\n",
                           "graph g\n x: f32[3,3]\n y = dot(x, x, lc=[0], rc=[0])\n z = dot(y, x, lc=[1], rc=[1])\n return z\n"}) {
    CHECK(matches("dot-assoc", parsed(text)));
  }
}
