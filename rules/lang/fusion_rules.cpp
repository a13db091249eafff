#include "rules/lang/fusion_rules.h"

#include <algorithm>

#include "rules/lang/check.h"

namespace egret::rules {
namespace {

// Operators that a rule speaks of: those of its `for`, or the one it writes.
std::set<const OpDef*> operators_of(const RuleSyntax& rule) {
  std::set<const OpDef*> out;
  if (rule.each) {
    for (const std::string& c : rule.each->classes) {
      for (const OpDef* op : operators_of_class(c)) out.insert(op);
    }
  } else if (const OpDef* op = rule.left.op) {
    out.insert(op);
  }
  return out;
}

}  // namespace

FusionRules fusion_rules(const RuleSet& rules) {
  FusionRules out;
  for (const Rule& rule : rules.rules()) {
    if (rule.kind != RuleKind::kFusion) continue;
    out.names.push_back(rule.name);
    std::set<const OpDef*> ops = operators_of(*rule.syntax);
    const auto& conditions = rule.syntax->fusion_conditions;
    switch (rule.syntax->fusion) {
      case FusionForm::kBegin: out.begin.merge(ops); break;
      case FusionForm::kAbsorbBefore: out.absorb_before.merge(ops); break;
      case FusionForm::kAbsorbAfter: out.absorb_after.merge(ops); break;
      case FusionForm::kAbsorbReduction: out.absorb_reduction.merge(ops); break;
      case FusionForm::kAbsorbContraction: out.absorb_contraction.merge(ops); break;
      case FusionForm::kSideBySide:
        out.side_by_side = true;
        out.side_by_side_shares_operand =
            std::find(conditions.begin(), conditions.end(), "shared operand") != conditions.end();
        break;
    }
  }
  return out;
}

}  // namespace egret::rules
