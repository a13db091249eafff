// Builder: terms of a rule to planned nodes, from what a match bound.
//
// Where axes are tracked, attributes that list axes follow from groups (`over`, `axes`, `axis`, `new`), operands of maps
// are brought to one list of axes (a transpose, a broadcast, a splat are implied where needed), batch axes of a product
// stand in the root's order, and another order at the root is a transpose.  Every node is type-checked as it is planned.
// The same code builds left sides from groups, for signatures, tests and proofs.  For rules/lang only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/lang/natives.h"
#include "rules/lang/syntax.h"
#include "rules/lang/terms.h"

namespace egret::rules {

// A condition on the elements of a term that was taken as true (RuleInstance::hypotheses).
struct Assumed {
  std::string native;
  std::vector<TermId> terms;
};

// What the names of a rule stand for.
struct Environment {
  const TermView* view = nullptr;
  bool tracked = false;
  struct Variable {
    std::string_view name;
    const std::vector<AxisName>* axes = nullptr;  // as written; one variable may have several lists
    TermValue value;
  };
  std::vector<Variable> variables;
  std::vector<std::pair<std::string_view, std::vector<TermValue>>> many;  // operand groups
  std::vector<std::pair<std::string, AttrValue>> attrs;                   // "p", "p.stride"
  std::vector<std::pair<std::string_view, std::vector<AxisId>>> groups;
  std::vector<std::pair<std::string_view, Value>> lets;
  std::vector<Dim> axis_sizes;
  std::vector<std::vector<AxisId>> root_axes;  // of each root; the first gives the order of batch axes
  std::vector<Assumed>* assumed = nullptr;  // where given, unknown conditions on elements are taken as true

  const AttrValue* attr(std::string_view name) const;
  const std::vector<AxisId>* group(std::string_view name) const;
};

class Builder {
 public:
  Builder(Environment& env, Plan& plan) : env_(env), plan_(plan) {}

  // Nothing where the term is ill-typed or a name stands for nothing; `why` says so.
  std::optional<TermValue> term(const Term& term);
  std::optional<Value> value(const Term& term);
  // A condition; false where it cannot be decided.
  bool holds(const Term& condition);
  // Evaluates a let; its name may be used afterwards.
  bool let(const Binding& binding);
  // The value as a term of that type, its axes in that order.
  std::optional<TermRef> as_root(const TermValue& value, const Type& type, const std::vector<AxisId>& axes);

  // Plans a node whose axes, where tracked, follow from its operands.
  std::optional<TermValue> node(const OpDef& op, Attrs attrs, std::vector<TermValue> operands, bool implied = false);
  // The value with exactly these axes (or, untracked, of these sizes).
  std::optional<TermValue> conform(const TermValue& value, const std::vector<AxisId>& axes, const std::vector<Dim>& sizes,
                                   DType dtype);

  std::string why;

 private:
  std::optional<TermValue> fail(std::string text);
  std::optional<TermValue> name(const Term& term);
  std::optional<TermValue> number_term(const Value& value);
  std::optional<TermValue> call(const OpDef& op, const Term& term);
  std::optional<std::vector<TermValue>> operands(const Term& term);
  bool align(std::vector<TermValue>& operands, const OpDef& op);
  std::optional<TermValue> product(const Term& term, std::vector<TermValue> operands);
  std::optional<TermValue> new_axes(const Term& term, const TermValue& operand);
  bool attributes(const OpDef& op, const Term& term, std::vector<TermValue>& operands, Attrs& attrs);
  bool number_operands(const OpDef& op, std::vector<TermValue>& operands);
  bool axis_attribute(const AttrSpec& spec, const Term& value, std::vector<TermValue>& operands, Attrs& attrs, bool& taken);
  // Axes that a name or a list of names stands for; nothing where it names none.
  std::optional<std::vector<AxisId>> axes_of(const Term& term) const;
  std::optional<TermValue> extend(const TermValue& value, const std::vector<AxisId>& axes);
  std::optional<TermValue> with_axes(std::optional<TermValue> value, const std::vector<AxisId>& axes);
  const Type& type(const TermValue& v) const { return plan_.type(v.ref); }
  Dim size_of(AxisId axis, const std::vector<TermValue>& among) const;
  std::vector<AxisId> in_root_order(std::vector<AxisId> axes) const;
  std::optional<Value> native(const Native& native, const Term& term);

  Environment& env_;
  Plan& plan_;
  AxisId next_axis_ = 1u << 30;  // axes that the right side makes
};

}  // namespace egret::rules
