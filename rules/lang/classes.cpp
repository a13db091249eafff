// Operator classes that `for f in CLASS` may name; all derived from what the definitions say.
#include <algorithm>

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

}  // namespace

std::vector<const OpDef*> operators_of_class(std::string_view name) {
  std::vector<const OpDef*> out;
  for (const ClassRow& row : kClasses) {
    if (row.name != name) continue;
    for (const OpDef* op : all_ops()) {
      if (row.has(*op)) out.push_back(op);
    }
    return out;
  }
  if (const OpDef* op = find_op(name)) out.push_back(op);
  return out;
}

std::vector<std::string> operator_classes() {
  std::vector<std::string> out;
  for (const ClassRow& row : kClasses) out.push_back(row.name);
  return out;
}

}  // namespace egret::rules
