#include "rules/lang/dtypes.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

#include "ir/definitions/definition.h"
#include "rules/lang/check.h"

namespace egret::rules {
namespace {

constexpr size_t kMostChoices = 4'000;

// Likeliest first; each kind before a second of its kind.
constexpr DType kDTypes[] = {DType::f32, DType::i32, DType::boolean, DType::f16, DType::u8,  DType::i8,   DType::i64,
                             DType::u32, DType::u64, DType::i16,     DType::u16, DType::bf16, DType::f64, DType::tf32};

using Mask = uint32_t;
constexpr Mask kAny = (1u << std::size(kDTypes)) - 1;

Mask where(bool (*test)(DType)) {
  Mask out = 0;
  for (size_t k = 0; k < std::size(kDTypes); ++k) out |= test(kDTypes[k]) ? 1u << k : 0u;
  return out;
}
Mask only(DType t) {
  Mask out = 0;
  for (size_t k = 0; k < std::size(kDTypes); ++k) out |= kDTypes[k] == t ? 1u << k : 0u;
  return out;
}

Mask allowed(DTypeRule rule) {
  switch (rule) {
    case DTypeRule::kCommonFloat: return where([](DType t) { return is_float(t); });
    case DTypeRule::kCommonNumber: return where([](DType t) { return t != DType::boolean; });
    case DTypeRule::kCommonLogical: return where([](DType t) { return !is_float(t); });
    case DTypeRule::kInt: return where([](DType t) { return is_integer(t); });
    case DTypeRule::kBool: return only(DType::boolean);
    default: return kAny;
  }
}

class Classes {
 public:
  Classes(const PreparedRule& rule, bool both_sides) : rule_(rule) {
    for (const RuleVariable& v : rule.variables) variables_[v.name] = fresh();
    std::vector<size_t> roots;
    for (const Equation& e : rule.equations) roots.push_back(term(*e.left));
    on_the_right_ = true;
    for (size_t k = 0; both_sides && k < roots.size(); ++k) join(roots[k], term(*rule.equations[k].right));
    const RuleSyntax& syntax = *rule.syntax;
    for (const Equation& e : rule.equations) names_dtype_ |= names_dtype(*e.left) || names_dtype(*e.right);
    for (const Binding& b : syntax.lets) names_dtype_ |= names_dtype(b.term);
    for (const Term& c : syntax.where) names_dtype_ |= names_dtype(c);
    one_ring_ = !names_dtype_ && syntax.where.empty();
    for (const Equation& e : rule.equations) one_ring_ &= in_any_ring(*e.left) && in_any_ring(*e.right);
  }

  std::optional<std::vector<DTypeChoice>> choices() {
    std::vector<size_t> classes;  // of variables and attributes, in order
    auto note = [&](size_t c) {
      if (std::find(classes.begin(), classes.end(), root(c)) == classes.end()) classes.push_back(root(c));
    };
    for (const RuleVariable& v : rule_.variables) note(variables_.at(v.name));
    for (const auto& [name, c] : attributes_) note(c);
    std::vector<std::vector<DType>> of;
    size_t count = 1;
    for (size_t c : classes) {
      Mask mask = masks_[c];
      if (!names_dtype_) mask &= ~(only(DType::f64) | only(DType::bf16) | only(DType::tf32));
      if (one_ring_) mask &= ~where([](DType t) { return is_integer(t); }) | (mask & only(DType::f32) ? 0 : only(DType::i64));
      auto& dtypes = of.emplace_back();
      for (size_t k = 0; k < std::size(kDTypes); ++k) {
        if (mask >> k & 1) dtypes.push_back(kDTypes[k]);
      }
      count *= dtypes.size();
      if (count > kMostChoices) return std::nullopt;
    }
    std::vector<DTypeChoice> out;
    for (size_t n = 0; n < count; ++n) {
      std::map<size_t, DType> picked;
      size_t rest = n;
      for (size_t k = 0; k < classes.size(); ++k) {
        picked[classes[k]] = of[k][rest % of[k].size()];
        rest /= of[k].size();
      }
      DTypeChoice& choice = out.emplace_back();
      for (const auto& [name, c] : variables_) choice.variables[name] = picked.at(root(c));
      for (const auto& [name, c] : attributes_) choice.attributes[name] = picked.at(root(c));
    }
    return out;
  }

 private:
  size_t fresh(Mask mask = kAny) {
    parents_.push_back(parents_.size());
    masks_.push_back(mask);
    return parents_.size() - 1;
  }
  size_t root(size_t c) const {
    while (parents_[c] != c) c = parents_[c];
    return c;
  }
  size_t join(size_t a, size_t b) {
    a = root(a);
    b = root(b);
    parents_[b] = a;
    masks_[a] &= masks_[b];
    return a;
  }
  void restrict_to(size_t c, Mask mask) { masks_[root(c)] &= mask; }

  // The class of the attribute of a call: of a dtype that is written, of a variable, or of the default.
  size_t attribute(const Term& call, const AttrSpec& spec) {
    for (const auto& [name, value] : call.attrs) {
      if (name == "all" || name != spec.name) continue;
      if (value.kind != Term::Kind::kName) return fresh();
      const auto dtype = dtype_from_name(value.name);
      return dtype ? fresh(only(*dtype)) : attribute_variable(value.name);
    }
    for (const auto& [name, value] : call.attrs) {
      if (name == "all") return attribute_variable(value.name + "." + spec.name);
    }
    return spec.fallback ? fresh(only(std::get<DType>(*spec.fallback))) : fresh();
  }
  size_t attribute_variable(const std::string& name) {
    if (on_the_right_ && !attributes_.contains(name)) return fresh();
    auto [it, is_new] = attributes_.try_emplace(name, 0);
    if (is_new) it->second = fresh();
    return it->second;
  }

  size_t term(const Term& t) {
    const OpDef* op = t.op;
    if (t.kind == Term::Kind::kName && variables_.contains(t.name)) return variables_.at(t.name);
    if (!op) return fresh();
    std::vector<size_t> operands;
    for (const Term& a : t.args) operands.push_back(term(a));
    std::optional<size_t> named;  // by an attribute
    for (const AttrSpec& spec : op->attrs) {
      if (spec.kind == AttrKind::kDType) named = attribute(t, spec);
    }
    if (!op->definition) return undefined(operands, named);
    const Definition& def = *op->definition;
    std::optional<size_t> common;
    for (size_t o = 0; o < operands.size() && !def.operands.empty(); ++o) {
      const DTypeRule rule = def.operands[def.spec_of(o)].dtype;
      restrict_to(operands[o], allowed(rule));
      if (rule > DTypeRule::kCommonLogical) continue;
      common = common ? join(*common, operands[o]) : operands[o];
    }
    if (def.result_dtype) return fresh(only(*def.result_dtype));
    if (def.result_dtype_attr >= 0) return named ? *named : fresh();
    return common ? *common : operands.empty() ? fresh() : operands[0];
  }

  // Composites compute in the dtype of their operands (ir/ops/composite_*.cpp), but for a result whose dtype an attribute names.
  size_t undefined(const std::vector<size_t>& operands, std::optional<size_t> named) {
    if (named) return *named;
    size_t out = operands.empty() ? fresh() : operands[0];
    for (size_t o = 1; o < operands.size(); ++o) out = join(out, operands[o]);
    return out;
  }

  // A dtype is written, asked for, or hidden in a composite.
  static bool names_dtype(const Term& t) {
    if (t.kind == Term::Kind::kName && dtype_from_name(t.name)) return true;
    if (t.kind == Term::Kind::kCall && (t.name == "dtype" || t.name == "holds")) return true;
    if (const OpDef* op = t.op) {
      if (!op->definition) return true;
      for (const AttrSpec& spec : op->attrs) {
        if (spec.kind == AttrKind::kDType) return true;
      }
    }
    return std::any_of(t.args.begin(), t.args.end(), names_dtype) ||
           std::any_of(t.attrs.begin(), t.attrs.end(), [](const auto& a) { return names_dtype(a.second); });
  }

  // Sums and products of elements, moved about, and small whole numbers: polynomials with whole coefficients.  Two that are equal at all
  // reals are the same polynomial, and equal in every ring, integers that wrap among them; and integers of fewer bits are an image of those of 64.
  static bool in_any_ring(const Term& t) {
    constexpr double kLargest = 127;
    constexpr std::string_view kOperators[] = {"add", "sub", "mul", "neg", "square", "dot", "conv", "conv_dx", "conv_dw", "reduce_sum", "window_sum",
                                               "transpose", "reshape", "broadcast", "slice", "concat", "reverse", "pad"};
    if (t.kind == Term::Kind::kNumber) return t.number >= 0 && t.number <= kLargest && t.number == std::floor(t.number);
    const OpDef* op = t.op;
    if (t.kind != Term::Kind::kName && (!op || std::ranges::find(kOperators, op->name) == std::end(kOperators))) return false;
    return std::ranges::all_of(t.args, in_any_ring);
  }

  const PreparedRule& rule_;
  std::vector<size_t> parents_;
  std::vector<Mask> masks_;  // of roots: what is allowed
  std::map<std::string, size_t> variables_, attributes_;
  bool names_dtype_ = false;
  bool one_ring_ = false;  // floats speak for integers
  bool on_the_right_ = false;  // which names no attribute variable of its own
};

}  // namespace

std::optional<std::vector<DTypeChoice>> dtype_choices(const PreparedRule& rule) { return Classes(rule, true).choices(); }

std::optional<std::vector<DTypeChoice>> left_dtype_choices(const PreparedRule& rule) { return Classes(rule, false).choices(); }

Assignment with_dtypes(Assignment a, const PreparedRule& rule, const DTypeChoice& choice) {
  for (const RuleVariable& v : rule.variables) {
    const DType dtype = choice.variables.at(v.name);
    if (v.axes.empty()) {
      if (auto it = a.types.find(v.name); it != a.types.end()) it->second.dtype = dtype;
      continue;
    }
    if (v.many) std::erase_if(a.dtypes, [&](const auto& d) { return d.first.starts_with(v.name + "_"); });
    a.dtypes[v.name] = dtype;
  }
  for (const auto& [name, dtype] : choice.attributes) a.values[name] = dtype;
  return a;
}

}  // namespace egret::rules
