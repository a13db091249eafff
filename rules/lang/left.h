// A concrete rule made ready: the forms of its left side, and how one match of it becomes a right side.
//
// A rule without axis names has one form, read off its text.  A rule with them is built once at a sample (one axis a
// group) by the same code that builds right sides; from the sample come the operators (implied broadcasts included) and
// the signatures of the names.  For rules/lang only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rules/lang/build.h"
#include "rules/lang/signature.h"
#include "rules/lang/syntax.h"

namespace egret::rules {

// A variable of a rule, in order of appearance.
struct RuleVariable {
  std::string name;
  bool many = false;                             // an operand group
  std::vector<std::vector<AxisName>> axes;       // lists written, distinct; empty: a whole tensor
  DType dtype = DType::f32;                      // one that its places take
};

struct PreparedRule {
  const RuleSyntax* syntax = nullptr;
  std::vector<Equation> equations;
  bool tracked = false;
  std::vector<RuleVariable> variables;
  std::vector<AxisName> groups;                  // in order of appearance
  std::vector<std::string> attr_variables;       // "p"; of all=p: the name, in `tuples` too
  std::vector<std::string> tuples;
  std::vector<std::pair<std::string, AttrValue>> samples;  // values for attribute variables where none is given
  std::vector<Left> lefts;                       // forms; each matches by itself
  bool find_all = false;                         // the member's form; the operand group stands for one tensor in it
  uint32_t shared_operand = 0;                   // of find all: the operand that all members share
  std::string varying;                           // of find all: the axis that each member has in its own size

  const RuleVariable* variable(std::string_view name) const;
  const AxisName* group(std::string_view name) const;
};

// Errors are faults of the rule that only types or roles show.
Result<std::shared_ptr<const PreparedRule>> prepare(const Rule& rule);

struct MatchOptions {
  bool heuristics = true;                   // `when` holds
  bool conditions = true;                   // `where` and `when` are looked at
  std::vector<Assumed>* assumed = nullptr;  // see Environment
  std::string* why = nullptr;               // where given: what failed
  bool* other_type = nullptr;               // of replay, where given: the right side is well typed, of another type than the left
  int form = -1;                            // of replay: this form alone; -1: the first that holds
};

// Binds one match of a form; false where attributes, axes, numbers or conditions do not fit.
bool bind_match(const PreparedRule& rule, const Left& left, const LeftTerms& terms, const TermView& view,
                const MatchOptions& options, Environment& env);
// The right terms of a bound match, one an equation; false where one is ill-typed.
bool build_right(const PreparedRule& rule, const Left& left, const LeftTerms& terms, Environment& env, Plan& plan,
                 std::vector<TermRef>& out, std::string* why);

// Parts of bind_match that `find all` uses too.
bool bind_attrs(const Left& left, const LeftTerms& terms, const TermView& view, Environment& env);
bool conditions_hold(const PreparedRule& rule, Environment& env, Plan& plan, const MatchOptions& options);

}  // namespace egret::rules
