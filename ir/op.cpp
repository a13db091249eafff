// The registry of operators, and attributes as operators want them.
#include "ir/op.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "ir/assume.h"
#include "ir/definitions/bind.h"
#include "ir/definitions/registry.h"
#include "support/closest.h"

namespace egret {

const char* to_string(OpClass c) {
  constexpr const char* kNames[] = {"input", "map", "movement", "reduction", "contraction", "window", "tuple",
                                    "composite", "other"};
  return kNames[static_cast<int>(c)];
}

const AttrSpec* OpDef::attr(std::string_view name) const {
  for (const AttrSpec& a : attrs) {
    if (a.name == name) return &a;
  }
  return nullptr;
}

namespace {

struct Registry {
  std::vector<std::unique_ptr<OpDef>> rows;
  std::vector<const OpDef*> all;
  std::unordered_map<std::string_view, const OpDef*> by_name;

  Registry() {
    for (auto family : {leaf_ops(), pointwise_ops(), movement_ops(), contraction_ops(), convolution_ops(),
                        reduction_ops(), window_ops(), indexing_ops(), activation_ops(), normalization_ops(),
                        shape_ops(), resize_ops()}) {
      for (const OpText& text : family) add(text);
    }
  }

  void add(const OpText& text) {
    auto parsed = parse_definition(text.text);
    EGRET_CHECK(parsed.ok(), (parsed.ok() ? "" : parsed.error().to_string() + " in " + text.text).c_str());
    auto op = std::make_unique<OpDef>();
    op->name = parsed->name;
    op->summary = text.summary;
    op->text = text.text;
    op->attrs = parsed->attrs;
    op->min_operands = parsed->min_operands;
    op->max_operands = parsed->max_operands;
    op->purity = text.purity;
    op->definition = parsed->definition;
    op->expand = text.expand;
    op->type_rule = text.type_rule;
    op->op_class = classify(*op);
    op->commutative = is_commutative(*op);
    EGRET_CHECK(by_name.emplace(op->name, op.get()).second, "two operators of one name");
    all.push_back(op.get());
    rows.push_back(std::move(op));
  }
};

const Registry& registry() {
  static const Registry* const instance = new Registry;  // never destroyed: graphs may outlive statics
  return *instance;
}

constexpr int64_t kLargestNumber = int64_t{1} << 40;

Error attr_error(const OpDef& op, std::string text) {
  std::string known;
  for (const AttrSpec& a : op.attrs) known += fmt::format("{}{}: {}", known.empty() ? "" : ", ", a.name, to_string(a.kind));
  return input_error(fmt::format("{}: {}", op.name, text),
                     known.empty() ? op.name + " has no attributes" : fmt::format("attributes of {}: {}", op.name, known));
}

bool is_axis(Dim d) { return d.is_const() && d.value() >= 0 && d.value() < 1024; }

// Decompositions compute with their integers; definitions take named sizes too.
bool must_be_known(const OpDef& op, const AttrSpec& spec) {
  return op.expand && (spec.kind == AttrKind::kInt || spec.kind == AttrKind::kInts);
}

// Sums and products of a few such numbers do not overflow; the text form reads no larger ones.
bool in_range(Dim d) { return !d.is_const() || (d.value() <= kLargestNumber && d.value() >= -kLargestNumber); }

Status check_list(const OpDef& op, const AttrSpec& spec, const std::vector<Dim>& list) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (!in_range(list[i])) return attr_error(op, fmt::format("'{}': {} is out of range", spec.name, list[i].to_string()));
    if (must_be_known(op, spec) && !list[i].is_const()) {
      return attr_error(op, fmt::format("'{}': {} must be known", spec.name, list[i].to_string()));
    }
    if (spec.kind == AttrKind::kSizes && list[i].low() < 0 && !AssumeSizes::take({SizeFact::Kind::kLessEqual, 0, list[i]})) {
      return attr_error(op, fmt::format("'{}': the size {} may be negative", spec.name, list[i].to_string()));
    }
    if (spec.kind != AttrKind::kAxes) continue;
    if (!is_axis(list[i])) return attr_error(op, fmt::format("'{}': {} is no axis", spec.name, list[i].to_string()));
    if (std::find(list.begin(), list.begin() + i, list[i]) != list.begin() + i) {
      return attr_error(op, fmt::format("'{}': axis {} is named twice", spec.name, list[i].to_string()));
    }
  }
  return {};
}

// Checks one value; an integer given for a number becomes one.
Status check_value(const OpDef& op, const AttrSpec& spec, AttrValue& value) {
  bool fits = false;
  switch (spec.kind) {
    case AttrKind::kAxes:
    case AttrKind::kSizes:
    case AttrKind::kInts:
      if (auto* list = std::get_if<std::vector<Dim>>(&value)) return check_list(op, spec, *list);
      break;
    case AttrKind::kAxis:
      if (auto* d = std::get_if<Dim>(&value)) {
        if (is_axis(*d)) return {};
        return attr_error(op, fmt::format("'{}': {} is no axis", spec.name, d->to_string()));
      }
      break;
    case AttrKind::kInt:
      if (auto* d = std::get_if<Dim>(&value)) {
        if (!in_range(*d)) return attr_error(op, fmt::format("'{}': {} is out of range", spec.name, d->to_string()));
        if (d->is_const() || !must_be_known(op, spec)) return {};
        return attr_error(op, fmt::format("'{}': {} must be known", spec.name, d->to_string()));
      }
      break;
    case AttrKind::kNumber:
      if (auto* d = std::get_if<Dim>(&value); d && d->is_const()) value = static_cast<double>(d->value());
      // A number that depends on sizes (a mean's divisor) occurs in proofs alone.
      fits = std::holds_alternative<double>(value) || (std::holds_alternative<Dim>(value) && AssumeSizes::active());
      break;
    case AttrKind::kDType: fits = std::holds_alternative<DType>(value); break;
    case AttrKind::kWord: fits = std::holds_alternative<std::string>(value); break;
    case AttrKind::kTensor: fits = std::holds_alternative<TensorRef>(value) && std::get<TensorRef>(value); break;
  }
  if (fits) return {};
  return attr_error(op, fmt::format("'{}' must be of kind {}", spec.name, to_string(spec.kind)));
}

}  // namespace

std::span<const OpDef* const> all_ops() { return registry().all; }

const OpDef* find_op(std::string_view name) {
  const auto it = registry().by_name.find(name);
  return it == registry().by_name.end() ? nullptr : it->second;
}

const OpDef& op_named(std::string_view name) {
  const OpDef* op = find_op(name);
  EGRET_CHECK(op != nullptr, "an operator that is not registered");
  return *op;
}

std::string closest_op(std::string_view name) {
  std::vector<std::string_view> names;
  for (const OpDef* op : all_ops()) names.push_back(op->name);
  return std::string(closest(name, names));
}

Result<Attrs> complete_attrs(const OpDef& op, Attrs attrs) {
  if (op.attrs.empty() && attrs.empty()) return attrs;
  for (auto& [name, value] : attrs) {
    const AttrSpec* spec = op.attr(name);
    if (!spec) return attr_error(op, fmt::format("no attribute '{}'", name));
    EGRET_TRY_VOID(check_value(op, *spec, value));
  }
  for (const AttrSpec& spec : op.attrs) {
    if (attrs.count(spec.name)) continue;
    if (!spec.fallback) return attr_error(op, fmt::format("the attribute '{}' is missing", spec.name));
    attrs.emplace(spec.name, *spec.fallback);
  }
  return attrs;
}

Result<Attrs> complete_attrs(const OpDef& op, Attrs attrs, std::span<const Type> operands) {
  EGRET_TRY(Attrs complete, complete_attrs(op, std::move(attrs)));
  int n = static_cast<int>(operands.size());
  bool spread = std::any_of(op.attrs.begin(), op.attrs.end(), [&](const AttrSpec& a) {
    return a.kind == AttrKind::kInts && a.fallback && std::get<std::vector<Dim>>(complete.at(a.name)).size() == 1;
  });
  if (!spread || n < op.min_operands || (op.max_operands >= 0 && n > op.max_operands)) return complete;
  std::vector<int> counts;
  if (op.definition) {
    EGRET_TRY(Binding b, bind(op, complete, operands, true));
    counts = b.counts;
  }
  for (size_t a = 0; a < op.attrs.size(); ++a) {
    if (op.attrs[a].kind != AttrKind::kInts || !op.attrs[a].fallback) continue;
    auto& list = std::get<std::vector<Dim>>(complete.at(op.attrs[a].name));
    int group = op.definition ? op.definition->step_group[a] : -1;
    int count = !op.definition ? operands[0].rank() : group >= 0 ? counts[group] : -1;
    if (list.size() == 1 && count >= 0) list.assign(static_cast<size_t>(count), list[0]);
  }
  return complete;
}

}  // namespace egret
