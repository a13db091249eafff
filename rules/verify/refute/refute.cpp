#include "rules/verify/refute/refute.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "ir/evaluate/evaluate.h"
#include "ir/evaluate/scalar_functions.h"
#include "support/hash.h"

namespace egret::rules {
namespace {

using Theory = EqualityQuery::Theory;

constexpr uint64_t kRunsOfModel = 3;

bool only_maps(const Graph& graph) {
  return std::all_of(graph.nodes.begin(), graph.nodes.end(), [](const GraphNode& n) {
    return n.op->op_class == OpClass::kMap || n.op->op_class == OpClass::kInput;
  });
}

bool has_floats(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const GraphNode& n) { return n.type.is_tensor() && is_float(n.type.dtype); });
}

// Inputs that give the model's values; elements the model leaves open are zero.
std::vector<Tensor> inputs_of(const Graph& graph, const std::map<uint32_t, double>& model) {
  std::vector<Tensor> inputs;
  uint32_t next = 0;
  for (const GraphInput& input : graph.inputs) {
    Tensor t(graph.type(input.value));
    for (int64_t i = 0; i < t.size(); ++i, ++next) {
      auto it = model.find(next);
      if (it == model.end()) continue;
      if (is_float(t.dtype())) {
        t.set(i, it->second);
      } else {
        t.set_int(i, static_cast<int64_t>(it->second));
      }
    }
    inputs.push_back(std::move(t));
  }
  return inputs;
}

std::string show(double x) { return std::isnan(x) ? "nan" : fmt::format("{}", x); }

std::string show(const Tensor& t) {
  std::string out = t.type().to_string() + " [";
  for (int64_t i = 0; i < std::min<int64_t>(t.size(), 12); ++i) out += (i ? ", " : "") + show(t.get(i));
  return out + (t.size() > 12 ? ", ...]" : "]");
}

std::string describe(const RuleInstance& instance, const std::vector<Tensor>& inputs, int64_t element, double left, double right) {
  std::string out = fmt::format("{}; element {}: left {}, right {};", instance.where, element, show(left), show(right));
  for (size_t k = 0; k < inputs.size(); ++k) {
    out += fmt::format(" {} = {}", instance.left.node(instance.left.inputs[k].value).name, show(inputs[k]));
  }
  return out;
}

// What the roundings that stand in the terms (casts; sums of narrow floats) may move where rounding may move, relative to the largest
// value on the way: a few of the narrowest float's.
double roundings_of(const RuleInstance& instance) {
  constexpr double kFew = 64;
  double out = 1e-7;
  for (const Graph* graph : {&instance.left, &instance.right}) {
    for (const GraphNode& n : graph->nodes) {
      const bool narrow = n.type.is_tensor() && is_float(n.type.dtype) && row(n.type.dtype).mantissa < 23;
      if (narrow) out = std::max(out, kFew * std::ldexp(1.0, -row(n.type.dtype).mantissa));
    }
  }
  return out;
}

// What differs at these inputs, bit for bit but for what `words` give away of NaN, infinities and signs of zeros.
std::optional<std::string> differs_at(const RuleInstance& instance, const Licence& words, const std::vector<Tensor>& inputs) {
  auto left = evaluate_reference(instance.left, inputs), right = evaluate_reference(instance.right, inputs);
  if (!left.ok() || !right.ok()) return std::nullopt;
  auto has = [&](const char* w) { return std::find(words.words.begin(), words.words.end(), w) != words.words.end(); };
  const bool nnan = has("nnan"), ninf = has("ninf"), nsz = has("nsz");
  bool infinite = false;
  for (const Tensor& t : inputs) {
    for (int64_t i = 0; is_float(t.dtype()) && i < t.size(); ++i) {
      if ((nnan && std::isnan(t.get(i))) || (ninf && std::isinf(t.get(i)))) return std::nullopt;
      infinite |= std::isinf(t.get(i));
    }
  }
  for (size_t o = 0; o < left->size(); ++o) {
    const Tensor &a = (*left)[o], &b = (*right)[o];
    if (!(a.type() == b.type())) continue;
    for (int64_t i = 0; i < a.size(); ++i) {
      const double x = a.get(i), y = b.get(i);
      if (!is_float(a.dtype()) && a.get_int(i) == b.get_int(i)) continue;
      if (!is_float(a.dtype())) return describe(instance, inputs, i, x, y);
      if (std::isnan(x) && std::isnan(y)) continue;
      if (x == y && (nsz || std::signbit(x) == std::signbit(y))) continue;
      if (nnan && !infinite && (std::isnan(x) || std::isnan(y))) continue;
      if (ninf && (std::isinf(x) || std::isinf(y))) continue;
      return describe(instance, inputs, i, x, y);
    }
  }
  return std::nullopt;
}

// What differs when both sides are evaluated at the model's values; empty where nothing does.
std::string replay_counterexample(const Rule& rule, const RuleInstance& instance, const EqualityAnswer& answer, Theory theory) {
  const auto inputs = inputs_of(instance.left, answer.model);
  if (theory != Theory::kReal) return differs_at(instance, rule.needs, inputs).value_or("");
  const double rounding = roundings_of(instance);
  auto left = evaluate_reference(instance.left, inputs, Scalar::kDouble), right = evaluate_reference(instance.right, inputs, Scalar::kDouble);
  if (!left.ok() || !right.ok()) return {};
  for (size_t o = 0; o < left->size(); ++o) {
    const Tensor &a = (*left)[o], &b = (*right)[o];
    for (int64_t i = 0; i < a.size(); ++i) {
      const double x = a.get(i), y = b.get(i);
      if (!std::isfinite(x) || !std::isfinite(y)) continue;  // of which algebra of the reals promises nothing
      if (std::abs(x - y) <= rounding * std::max({1.0, std::abs(x), std::abs(y)})) continue;
      return describe(instance, inputs, i, x, y);
    }
  }
  return {};
}

// A number that meets a condition on elements of one input, the given one where it does.
double meeting(const std::string& condition, double x) {
  if (condition == "finite") return std::isfinite(x) ? x : 1;
  if (condition == "nonzero") return std::isnan(x) || x == 0 ? 1 : x;
  if (condition == "positive") return x > 0 ? x : x < 0 ? -x : 1;
  if (condition == "nonnegative") return x >= 0 ? x : x < 0 ? -x : 0;
  return x;
}

bool speaks_of_one(const Hypothesis& h) { return h.condition == "finite" || h.condition == "nonzero" || h.condition == "positive" || h.condition == "nonnegative"; }

// Inputs that meet what the rule asks of its variables' elements.
std::vector<Tensor> seeded_inputs(const RuleInstance& instance, uint64_t seed) {
  std::vector<Tensor> inputs = random_inputs(instance.left, seed);
  for (const Hypothesis& h : instance.hypotheses) {
    if (h.condition == "frozen" || h.condition == "constant") continue;
    for (uint32_t k : h.inputs) {
      for (int64_t i = 0; i < inputs[k].size(); ++i) inputs[k].set(i, std::abs(inputs[k].get(i)) + 1);
    }
  }
  return inputs;
}

}  // namespace

bool needs_word(const Rule& rule, std::string_view word) {
  return std::find(rule.needs.words.begin(), rule.needs.words.end(), word) != rule.needs.words.end();
}

bool over_reals(const Rule& rule) {
  for (const char* word : {"field", "reassoc", "contract", "cancel", "range", "afn", "arcp"}) {
    if (needs_word(rule, word)) return true;
  }
  return false;
}

namespace {

// Values at which arithmetic of a narrow range and of special values shows: overflow, underflow, signed zeros, NaN.
constexpr double kSpecial[] = {0.0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 100, -100, 3e38, -3e38, 1e-40, 0.5, 3};

}  // namespace

std::optional<std::string> differs_bit_for_bit(const RuleInstance& instance, const Licence& words, uint64_t seed, bool special) {
  std::vector<Tensor> inputs = seeded_inputs(instance, seed);
  for (size_t k = 0; special && k < inputs.size(); ++k) {
    for (int64_t i = 0; i < inputs[k].size(); ++i) {
      const uint64_t r = mix(seed * 977 + k * 131 + static_cast<uint64_t>(i));
      if (is_float(inputs[k].dtype())) inputs[k].set(i, kSpecial[r % std::size(kSpecial)]);
      if (!is_integer(inputs[k].dtype())) continue;
      const int64_t lowest = float_to_int(inputs[k].dtype(), -INFINITY), highest = float_to_int(inputs[k].dtype(), INFINITY);
      inputs[k].set_int(i, r % 7 == 0 ? (r % 2 ? lowest : highest) : static_cast<int64_t>(r % 41) - (lowest == 0 ? 0 : 20));
    }
  }
  for (const Hypothesis& h : instance.hypotheses) {
    for (uint32_t k : h.inputs) {
      for (int64_t i = 0; special && speaks_of_one(h) && i < inputs[k].size(); ++i) {
        const double x = inputs[k].get(i), met = meeting(h.condition, x);
        if (met != x || std::isnan(x)) inputs[k].set(i, met);
      }
    }
  }
  return differs_at(instance, words, inputs);
}

std::optional<std::string> differs_at_special_values(const Rule& rule, const RuleInstance& instance, uint64_t seed) {
  const auto known = [](const Hypothesis& h) { return h.condition == "frozen" || h.condition == "constant" || speaks_of_one(h); };
  if (!std::ranges::all_of(instance.hypotheses, known) || (over_reals(rule) && (has_floats(instance.left) || has_floats(instance.right)))) return std::nullopt;
  return differs_bit_for_bit(instance, rule.needs, seed, true);
}

std::optional<std::string> differs_when_masked(const RuleInstance& instance, uint32_t input, uint64_t seed) {
  const double rounding = roundings_of(instance);
  std::vector<Tensor> inputs = seeded_inputs(instance, seed);
  for (int64_t i = 0; i < inputs[input].size(); ++i) {
    if (seed % 3 == 0 || mix(seed * 31 + static_cast<uint64_t>(i)) % 2 == 0) inputs[input].set(i, -INFINITY);
  }
  auto left = evaluate_reference(instance.left, inputs, Scalar::kDouble), right = evaluate_reference(instance.right, inputs, Scalar::kDouble);
  if (!left.ok() || !right.ok()) return std::nullopt;
  for (size_t o = 0; o < left->size(); ++o) {
    const Tensor &a = (*left)[o], &b = (*right)[o];
    for (int64_t i = 0; i < a.size(); ++i) {
      const double x = a.get(i), y = b.get(i);
      if (std::isnan(x) || x == y || std::abs(x - y) <= rounding * std::max(1.0, std::abs(x))) continue;
      return describe(instance, inputs, i, x, y);
    }
  }
  return std::nullopt;
}

std::optional<std::string> loses_digits(const RuleInstance& instance, uint64_t seed) {
  std::vector<Tensor> inputs = seeded_inputs(instance, seed);
  const bool free = std::all_of(instance.hypotheses.begin(), instance.hypotheses.end(), [](const Hypothesis& h) {
    return h.condition == "frozen" || h.condition == "constant";
  });
  for (size_t k = 0; free && k < inputs.size(); ++k) {
    for (int64_t i = 0; is_float(inputs[k].dtype()) && i < inputs[k].size(); ++i) {
      const uint64_t r = mix(seed * 1013 + k * 131 + static_cast<uint64_t>(i));
      const double sign = r & 1 ? -1 : 1, unit = static_cast<double>((r >> 8) % 1000) / 1000;
      switch (seed % 3) {
        case 0: inputs[k].set(i, sign * std::pow(10.0, static_cast<double>((r >> 20) % 75) - 37) * (1 + unit)); break;  // any magnitude
        case 1: inputs[k].set(i, sign * 100 * unit); break;                                                            // exponents
        default: inputs[k].set(i, (k % 2 ? -1 : 1) * (4096 * static_cast<double>(1 + i) + unit)); break;               // nearly opposite
      }
    }
  }
  auto exact = evaluate_reference(instance.left, inputs, Scalar::kDouble);
  auto left = evaluate_reference(instance.left, inputs), right = evaluate_reference(instance.right, inputs);
  if (!exact.ok() || !left.ok() || !right.ok()) return std::nullopt;
  for (size_t o = 0; o < left->size(); ++o) {
    const Tensor &value = (*exact)[o], &a = (*left)[o], &b = (*right)[o];
    for (int64_t i = 0; is_float(a.dtype()) && i < a.size(); ++i) {
      const double v = value.get(i), size = std::abs(v);
      if (!std::isfinite(v) || size < 1e-30 || size > 1e30 || !(std::abs(a.get(i) - v) <= 1e-5 * size)) continue;
      if (!(std::abs(b.get(i) - v) <= 1e-2 * size)) return describe(instance, inputs, i, a.get(i), b.get(i));
    }
  }
  return std::nullopt;
}

namespace {

// The largest finite number that any node of the graph gives.
double largest_on_the_way(Graph graph, const std::vector<Tensor>& inputs) {
  graph.outputs.clear();
  for (ValueId v = 0; v < graph.nodes.size(); ++v) {
    if (graph.nodes[v].type.is_tensor()) graph.outputs.push_back({v, fmt::format("v{}", v)});
  }
  double out = 1;
  const auto values = evaluate_reference(graph, inputs, Scalar::kDouble);
  for (size_t o = 0; values.ok() && o < values->size(); ++o) {
    const Tensor& t = (*values)[o];
    for (int64_t i = 0; is_float(t.dtype()) && i < t.size(); ++i) {
      if (std::isfinite(t.get(i))) out = std::max(out, std::abs(t.get(i)));
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> differs_when_run(const Rule& rule, const RuleInstance& instance, uint64_t seed) {
  const bool rounds = rule.needs.slack().rounding;
  const double rounding = rounds ? roundings_of(instance) : 0;
  const Scalar scalar = rounds ? Scalar::kDouble : Scalar::kNative;
  const auto inputs = seeded_inputs(instance, seed);
  auto left = evaluate_reference(instance.left, inputs, scalar);
  auto right = evaluate_reference(instance.right, inputs, scalar);
  if (!left.ok() || !right.ok()) return std::nullopt;  // a limit; types were checked
  std::optional<double> largest;
  for (size_t o = 0; o < left->size(); ++o) {
    const Tensor &a = (*left)[o], &b = (*right)[o];
    if (!(a.type() == b.type())) return instance.where + "; the sides have types " + a.type().to_string() + " and " + b.type().to_string();
    double scale = 1;
    for (int64_t i = 0; i < a.size(); ++i) {
      if (std::isfinite(a.get(i))) scale = std::max(scale, std::abs(a.get(i)));
    }
    for (int64_t i = 0; i < a.size(); ++i) {
      const double x = a.get(i), y = b.get(i);
      if (is_float(a.dtype()) ? x == y || (std::isnan(x) && std::isnan(y)) : a.get_int(i) == b.get_int(i)) continue;
      // A licence promises nothing where a value is not finite.
      if (!rule.needs.words.empty() && (!std::isfinite(x) || !std::isfinite(y))) continue;
      if (is_float(a.dtype()) && std::abs(x - y) <= rounding * scale) continue;
      if (is_float(a.dtype()) && rounds) {  // what is small may be a difference of what is large
        if (!largest) largest = std::max(largest_on_the_way(instance.left, inputs), largest_on_the_way(instance.right, inputs));
        if (std::abs(x - y) <= rounding * *largest) continue;
      }
      return describe(instance, inputs, i, x, y);
    }
  }
  return std::nullopt;
}

namespace {

// The names of a shape as numbers; the smallest draws come first, so that what is found is small.
class Draw {
 public:
  Draw(uint64_t seed, int64_t most, NamedNumbers known = {}) : seed_(seed), most_(most), known_(std::move(known)) {}

  int64_t size() { return static_cast<int64_t>(next() % static_cast<uint64_t>(most_ + 1)); }
  // Of an axis of a group: as some variable has it.
  int64_t size_of_group(const std::string& group, size_t axis) {
    const std::string end = fmt::format(".{}.{}", group, axis);
    const auto it = std::ranges::find_if(known_, [&](const auto& k) { return k.first.ends_with(end); });
    return it == known_.end() ? size() : it->second;
  }
  int64_t integer() { return static_cast<int64_t>(next() % static_cast<uint64_t>(most_ + 3)) - 2; }
  Dim value(Dim d) {
    if (d.is_const()) return d;
    const std::string name = d.to_string();
    auto [it, fresh] = known_.try_emplace(name, 0);
    if (fresh) {
      const bool above = name.find("~above") != std::string::npos, below = name.find("~below") != std::string::npos;
      it->second = above ? d.low() + size() : below ? d.high() - size() : name.find('~') != std::string::npos ? integer() : size();
    }
    return it->second;
  }

 private:
  uint64_t next() { return mix(seed_ += 0x9e3779b97f4a7c15ULL); }
  uint64_t seed_;
  int64_t most_;
  NamedNumbers known_;
};

Assignment concrete(const Assignment& shape, Draw& draw) {
  Assignment a = shape;
  a.symbolic = false;
  for (auto& [name, sizes] : a.groups) {
    for (size_t k = 0; k < sizes.size(); ++k) sizes[k] = draw.size_of_group(name, k);
  }
  for (auto& [name, type] : a.types) {
    for (Dim& d : type.dims) d = draw.value(d);
  }
  for (auto& [name, value] : a.values) {
    if (auto* d = std::get_if<Dim>(&value)) *d = draw.value(*d);
    if (auto* list = std::get_if<std::vector<Dim>>(&value)) {
      for (Dim& d : *list) d = draw.value(d);
    }
  }
  return a;
}

// At `runs` inputs, and as many with special values.
std::optional<std::string> differs_somewhere(const Rule& rule, const Assignment& a, uint64_t seed, uint64_t runs) {
  auto made = instance(rule, a);
  if (!made.ok() || !*made) return std::nullopt;
  for (uint64_t k = 0; k < runs; ++k) {
    if (auto found = differs_when_run(rule, **made, seed * runs + k)) return found;
    if (auto found = differs_at_special_values(rule, **made, seed * runs + k)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> search_counterexample(const Rule& rule, const Assignment& shape, size_t draws) {
  // Whole tensors of one rank often need equal sizes: every other draw gives those of one place one size.
  for (size_t k = 0; k < draws; ++k) {
    Draw draw(mix(k + 1), 1 + static_cast<int64_t>(k * 4 / draws));
    Assignment a = concrete(shape, draw);
    if (k % 2 == 1) {
      const std::vector<Dim>* widest = nullptr;
      for (const auto& [name, type] : a.types) {
        if (!widest || type.dims.size() > widest->size()) widest = &type.dims;
      }
      const std::vector<Dim> model = widest ? *widest : std::vector<Dim>{};
      for (auto& [name, type] : a.types) {
        for (size_t axis = 0; axis < type.dims.size(); ++axis) type.dims[axis] = model[axis];
      }
    }
    if (auto found = differs_somewhere(rule, a, k + 1, 1)) return found;
  }
  return std::nullopt;
}

std::optional<std::string> counterexample_at(const Rule& rule, const Assignment& shape, const std::vector<NamedNumbers>& models) {
  for (size_t k = 0; k < models.size(); ++k) {
    Draw draw(mix(k + 1), 3, models[k]);
    if (auto found = differs_somewhere(rule, concrete(shape, draw), k + 1, kRunsOfModel)) return found;
  }
  return std::nullopt;
}

SmallAnswer decide_small(const Rule& rule, const RuleInstance& instance, DecideEquality decide, double seconds) {
  SmallAnswer out;
  // (What it asks of elements is no part of the question.)
  for (const Hypothesis& h : instance.hypotheses) {
    if (h.condition == "frozen" || h.condition == "constant") continue;
    out.text = "conditions on elements at " + instance.where;
    return out;
  }
  Formulas formulas;
  auto left = expand(instance.left, 0, formulas), right = expand(instance.right, 0, formulas);
  if (!left.ok() || !right.ok()) {
    out.text = left.ok() ? right.error().message : left.error().message;
    return out;
  }
  std::vector<std::pair<FormulaId, FormulaId>> pairs;
  for (size_t o = 0; o < left->size(); ++o) {
    for (size_t i = 0; i < (*left)[o].size() && i < (*right)[o].size(); ++i) pairs.push_back({(*left)[o][i], (*right)[o][i]});
  }
  const bool maps = only_maps(instance.left) && only_maps(instance.right);
  if (maps && pairs.size() > 1) pairs.resize(1);  // one element stands for all
  EqualityQuery query;
  query.formulas = &formulas;
  query.pairs = &pairs;
  query.ignore_nan = needs_word(rule, "nnan");
  query.ignore_infinity = needs_word(rule, "ninf");
  query.ignore_sign_of_zero = needs_word(rule, "nsz");
  EqualityAnswer answer;
  const auto theories = over_reals(rule) ? std::vector{Theory::kReal} : std::vector{Theory::kUninterpreted, Theory::kFloat};
  for (Theory theory : theories) {
    query.theory = theory;
    query.timeout_ms = static_cast<unsigned>(std::max(0.05, seconds) * 1000);
    answer = {};
    decide(&query, &answer);
    if (answer.kind == EqualityAnswer::Kind::kEqual) {
      out.kind = SmallAnswer::Kind::kEqual;
      return out;
    }
  }
  out.text = answer.reason + " at " + instance.where;
  if (answer.kind != EqualityAnswer::Kind::kDifferent) return out;
  const std::string found = replay_counterexample(rule, instance, answer, query.theory);
  if (found.empty()) {
    out.text = "a model that does not replay at " + instance.where;
    return out;
  }
  out.kind = SmallAnswer::Kind::kRefuted;
  out.text = found;
  return out;
}

}  // namespace egret::rules
