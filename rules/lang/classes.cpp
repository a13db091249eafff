// Operator classes that `for f in CLASS` may name; all derived from what the definitions say.
#include <algorithm>
#include <iterator>
#include <map>

#include "ir/definitions/definition.h"
#include "rules/lang/check.h"
#include "rules/lang/roles.h"

namespace egret::rules {
namespace {

struct ClassRow {
  const char* name;
  bool (*has)(const OpDef& op);
};

bool is_map(const OpDef& op) { return is_elementwise(op); }
bool is_plain_map(const OpDef& op) { return op.op_class == OpClass::kMap; }

constexpr ClassRow kClasses[] = {
    {"map", is_map},
    {"map.unary", [](const OpDef& op) { return is_map(op) && op.max_operands == 1; }},
    {"map.binary", [](const OpDef& op) { return is_map(op) && op.max_operands == 2; }},
    {"map.ternary", [](const OpDef& op) { return is_map(op) && op.max_operands == 3; }},
    {"map.primitive", is_plain_map},
    {"map.commutative", [](const OpDef& op) { return is_plain_map(op) && op.commutative; }},
    {"map.composite", [](const OpDef& op) { return is_map(op) && !is_plain_map(op); }},
    {"movement", [](const OpDef& op) { return op.op_class == OpClass::kMovement; }},
    {"reduction", [](const OpDef& op) { return op.op_class == OpClass::kReduction && op.attr("axes"); }},
    {"arg_reduction", [](const OpDef& op) { return op.op_class == OpClass::kReduction && op.attr("axis"); }},
    {"contraction", [](const OpDef& op) { return op.op_class == OpClass::kContraction; }},
    {"window", [](const OpDef& op) { return op.op_class == OpClass::kWindow; }},
    {"composite", [](const OpDef& op) { return op.op_class == OpClass::kComposite; }},
};

std::vector<std::vector<const OpDef*>> members_of_classes() {
  std::vector<std::vector<const OpDef*>> out;
  for (const ClassRow& row : kClasses) {
    std::vector<const OpDef*>& members = out.emplace_back();
    std::copy_if(all_ops().begin(), all_ops().end(), std::back_inserter(members), [&](const OpDef* op) { return row.has(*op); });
  }
  return out;
}

}  // namespace

std::span<const OpDef* const> operators_of_class(std::string_view name) {
  static const std::vector<std::vector<const OpDef*>> members = members_of_classes();
  for (size_t k = 0; k < std::size(kClasses); ++k) {
    if (kClasses[k].name == name) return members[k];
  }
  const auto all = all_ops();
  const auto it = std::find_if(all.begin(), all.end(), [&](const OpDef* op) { return op->name == name; });
  return it == all.end() ? std::span<const OpDef* const>() : all.subspan(static_cast<size_t>(it - all.begin()), 1);
}

namespace {

// What the types of a map without attributes follow from; empty of other operators.
std::vector<int> dtypes_of(const OpDef& op) {
  if (!is_elementwise(op) || !op.attrs.empty()) return {};
  std::vector<int> out{op.min_operands, op.max_operands};
  if (!op.definition) {  // a composite: of floats, whatever its terms ask for
    const std::vector<Type> operands(static_cast<size_t>(op.min_operands), Type::tensor(DType::f32, {}));
    const auto type = infer_type(op, {}, operands);
    if (!type.ok()) return {};
    out.push_back(-1 - static_cast<int>(type->dtype));
    return out;
  }
  if (!op.definition->where.empty()) return {};
  for (const DefOperand& o : op.definition->operands) out.push_back(static_cast<int>(o.dtype));
  if (op.definition->result_dtype) out.push_back(-1 - static_cast<int>(*op.definition->result_dtype));
  return out;
}

}  // namespace

bool typed_alike(const OpDef& a, const OpDef& b) {
  static const std::map<const OpDef*, std::vector<int>> dtypes = [] {
    std::map<const OpDef*, std::vector<int>> out;
    for (const OpDef* op : all_ops()) out.emplace(op, dtypes_of(*op));
    return out;
  }();
  const auto &x = dtypes.at(&a), &y = dtypes.at(&b);
  return !x.empty() && x == y && (a.definition == nullptr) == (b.definition == nullptr);
}

std::vector<std::string> operator_classes() {
  std::vector<std::string> out;
  for (const ClassRow& row : kClasses) out.push_back(row.name);
  return out;
}

}  // namespace egret::rules
