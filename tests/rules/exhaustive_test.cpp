// Rules of maps at all values: what floats and integers of few bits say must not contradict the licence that is declared.
//
// One variable takes every f16 or bf16 (i8), two every pair of floats of 8 bits (i8 against 8 of them), three every triple
// of special values.  A rule that needs at most nnan, ninf and nsz is compared bit for bit in those types; one that needs
// algebra of the reals in double precision, where every intermediate of both sides is finite in f16.
#include <algorithm>
#include <cmath>
#include <set>

#include <catch2/catch.hpp>

#include "ir/evaluate/evaluate.h"
#include "ir/round.h"
#include "rules/rules.h"

using namespace egret;
using namespace egret::rules;

namespace {

constexpr double kLargest = 65'504;  // f16

// Rules are tried at each.
struct Formats {
  DType floats, integers;
};

std::vector<double> domain(DType type, size_t variables) {
  std::vector<double> out;
  if (type == DType::boolean) return {0, 1};
  if (!is_float(type)) {
    if (variables >= 3) return {-128, -127, -3, -1, 0, 1, 2, 5, 64, 127};
    for (int i = -128; i < 128; ++i) out.push_back(i);
    return out;
  }
  if (variables >= 3) {
    for (double v : {0.0, 0x1p-24, 0x1p-14, 0.3, 1.0, 1.5, 3.0, 300.0, kLargest, static_cast<double>(INFINITY)}) out.push_back(v), out.push_back(-v);
    out.push_back(NAN);
    return out;
  }
  for (uint32_t bits = 0; bits < 65'536; bits += variables == 1 ? 1 : 256) {
    const auto b = static_cast<uint16_t>(bits);
    out.push_back(type == DType::bf16 ? float_of_bf16(b) : float_of_f16(b));
  }
  return out;
}

struct Values {
  std::vector<Tensor> inputs;
  int64_t count = 1;
};

// Every combination.
Values all_values(const Graph& g) {
  Values out;
  std::vector<std::vector<double>> domains;
  for (const GraphInput& in : g.inputs) domains.push_back(domain(g.type(in.value).dtype, g.inputs.size()));
  for (const auto& d : domains) out.count *= static_cast<int64_t>(d.size());
  int64_t period = 1;
  for (size_t k = 0; k < domains.size(); ++k) {
    Tensor t(Type::tensor(g.type(g.inputs[k].value).dtype, {out.count}));
    const auto size = static_cast<int64_t>(domains[k].size());
    for (int64_t e = 0; e < out.count; ++e) t.set(e, domains[k][static_cast<size_t>(e / period % size)]);
    period *= size;
    out.inputs.push_back(std::move(t));
  }
  return out;
}

bool only_maps(const Graph& g) {
  return std::all_of(g.nodes.begin(), g.nodes.end(), [](const GraphNode& n) {
    return n.op->name == "input" || n.op->name == "splat" || n.op->op_class == OpClass::kMap;
  });
}

// The rule between vectors of `count` elements; nothing where it is not about maps of at most three variables.
std::optional<RuleInstance> over_vectors(const Rule& rule, const Assignment& given, const Formats& formats, int64_t count) {
  Assignment a = given;
  if (a.types.empty() || a.types.size() > 3 || !a.groups.empty()) return std::nullopt;
  for (auto& [name, type] : a.types) {
    const DType to = is_float(type.dtype) ? formats.floats : type.dtype == DType::boolean ? type.dtype : formats.integers;
    type = Type::tensor(to, {count});
    a.dtypes[name] = to;
  }
  auto made = instance(rule, a);
  if (!made.ok() || !*made || !only_maps((*made)->left) || !only_maps((*made)->right)) return std::nullopt;
  return std::move(**made);
}

bool meets(const RuleInstance& i, const std::vector<Tensor>& inputs, int64_t e) {
  for (const Hypothesis& h : i.hypotheses) {
    const double x = inputs[h.inputs[0]].get(e);
    if (h.condition == "nonzero" && !(x != 0)) return false;
    if (h.condition == "positive" && !(x > 0)) return false;
    if (h.condition == "nonnegative" && !(x >= 0)) return false;
    if (h.condition == "finite" && !std::isfinite(x)) return false;
    if (h.condition == "at_most" && !(x <= inputs[h.inputs[1]].get(e))) return false;
  }
  return true;
}

bool allows(const Rule& rule, const char* word) { return std::find(rule.needs.words.begin(), rule.needs.words.end(), word) != rule.needs.words.end(); }

// The first element at which the licence is contradicted, bit for bit but for NaN payloads; -1: none.
int64_t different_bits(const Rule& rule, const RuleInstance& i, const Values& v, const Tensor& left, const Tensor& right) {
  for (int64_t e = 0; e < v.count; ++e) {
    const double x = left.get(e), y = right.get(e);
    if ((std::isnan(x) && std::isnan(y)) || (x == y && (allows(rule, "nsz") || std::signbit(x) == std::signbit(y)))) continue;
    bool claimed = meets(i, v.inputs, e), infinite = false;
    for (const Tensor& t : v.inputs) {
      claimed &= !(allows(rule, "nnan") && std::isnan(t.get(e))) && !(allows(rule, "ninf") && std::isinf(t.get(e)));
      infinite |= std::isinf(t.get(e));
    }
    claimed &= !(allows(rule, "nnan") && !infinite && (std::isnan(x) || std::isnan(y)));
    claimed &= !(allows(rule, "ninf") && (std::isinf(x) || std::isinf(y)));
    if (claimed) return e;
  }
  return -1;
}

// With every value as an output.
Graph with_all(Graph g) {
  g.outputs.clear();
  for (ValueId n = 0; n < g.nodes.size(); ++n) g.outputs.push_back({n, "v" + std::to_string(n)});
  return g;
}

// The first element at which both sides differ as reals; -1: none.
int64_t different_reals(const RuleInstance& i, const Values& v) {
  std::vector<Tensor> rounded, exact;  // of both sides
  std::vector<size_t> results;
  for (const Graph* side : {&i.left, &i.right}) {
    results.push_back(exact.size() + side->outputs[0].value);
    const Graph all = with_all(*side);
    auto in_f16 = evaluate(all, v.inputs), in_double = evaluate_reference(all, v.inputs, Scalar::kDouble);
    REQUIRE(in_f16.ok());
    REQUIRE(in_double.ok());
    std::move(in_f16->begin(), in_f16->end(), std::back_inserter(rounded));
    std::move(in_double->begin(), in_double->end(), std::back_inserter(exact));
  }
  for (int64_t e = 0; e < v.count; ++e) {
    double scale = 0x1p-14;
    bool claimed = meets(i, v.inputs, e);
    for (size_t k = 0; k < exact.size(); ++k) {
      const int64_t here = exact[k].size() == 1 ? 0 : e;
      claimed &= std::isfinite(rounded[k].get(here)) && std::isfinite(exact[k].get(here));
      scale = std::max(scale, std::abs(exact[k].get(here)));
    }
    if (claimed && !(std::abs(exact[results[0]].get(e) - exact[results[1]].get(e)) <= 1e-9 * scale)) return e;
  }
  return -1;
}

std::string at(const Values& v, int64_t e) {
  std::string out;
  for (const Tensor& t : v.inputs) out += " " + std::to_string(t.get(e));
  return out;
}

}  // namespace

TEST_CASE("floats and integers of few bits contradict no licence of the library") {
  RuleSet library;
  REQUIRE(library.add_library().ok());
  const std::set<std::string> specials{"nnan", "ninf", "nsz"};
  std::set<std::string> exact, real;
  for (const Rule& rule : library.rules()) {
    if (rule.kind != RuleKind::kAlgebra) continue;
    const bool bits = std::all_of(rule.needs.words.begin(), rule.needs.words.end(), [&](const std::string& w) { return specials.contains(w); });
    for (const Assignment& given : small_assignments(rule, 1)) {
      for (const Formats& formats : {Formats{DType::f16, DType::i8}, Formats{DType::bf16, DType::u8}}) {
        const auto small = over_vectors(rule, given, formats, 2);
        if (!small || small->left.inputs.empty()) continue;
        if (!bits && formats.floats == DType::bf16) continue;
        Values v = all_values(small->left);
        const auto i = over_vectors(rule, given, formats, v.count);
        if (!i) continue;
        int64_t e = -1;
        if (bits) {
          const auto left = evaluate_reference(i->left, v.inputs), right = evaluate_reference(i->right, v.inputs);
          if (!left.ok() || !right.ok()) continue;
          e = different_bits(rule, *i, v, (*left)[0], (*right)[0]);
        } else {
          e = different_reals(*i, v);
        }
        (bits ? exact : real).insert(rule.name);
        INFO(rule.name << " in " << name(formats.floats) << (e < 0 ? "" : " at" + at(v, e)));
        CHECK(e == -1);
      }
    }
  }
  INFO(exact.size() << " bit for bit, " << real.size() << " as reals");
  CHECK(exact.size() >= 170);
  CHECK(real.size() >= 75);
}
