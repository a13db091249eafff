// The parsed form of a rule file.  docs/rules.md has the grammar on one page.
//
// Reading order of this folder: syntax.h, reader.cpp, check.h, print.cpp (text); language.h (the e-graph of tensors);
// terms.h, signature.h, build.h (matching by role, right sides); left.h, compile.cpp, find_all.cpp, replay.cpp,
// instance.cpp (a rule at work); natives.h (named conditions and computations); fusion_rules.h.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/attr.h"
#include "rules/rules.h"
#include "support/result.h"

namespace egret::rules {

struct Position {
  int line = 0, column = 0;
};

// `m` stands for one axis, `m..` for any number of axes.
struct AxisName {
  std::string name;
  bool many = false;
  friend bool operator==(const AxisName&, const AxisName&) = default;
};

// A term, a condition or the value of an attribute; which of them its place says.
struct Term {
  enum class Kind : uint8_t {
    kName,     // a variable of any sort, a word, a dtype
    kNumber,   // a splat in a term, a number elsewhere
    kCall,     // operator or native `name` of `args`, with named `attrs`
    kInfix,    // `name` is + - * /
    kCompare,  // `name` is == != < <= > >=
    kNegate,   // unary minus
    kList,     // [a, b]
  };
  Kind kind = Kind::kName;
  const OpDef* op = nullptr;      // that a call, an infix or a minus applies; null: none (a native, the name of a `for`)
  std::string name;
  bool many = false;              // name..: an operand group
  bool has_axes = false;
  bool parenthesized = false;     // as written, so that printing gives it back
  double number = 0;
  std::vector<AxisName> axes;     // of a variable, where written
  std::vector<Term> args;
  std::vector<std::pair<std::string, Term>> attrs;
  Position at;
};

struct Binding {  // name = term, in find, let and unite
  std::string name;
  bool many = false;
  Term term;
  Position at;
};

struct ForClause {
  std::string variable;
  std::vector<std::string> classes;  // operator classes or operators
  Position at;
};

// One `accept` or `reject` line: for each variable a type (several for an operand group), a dtype, a list or a number.
struct Example {
  struct Item {
    std::string name;              // "x", "p.stride" (an attribute of `all=p`), "f" (of a `for`: an operator)
    bool many = false;
    std::vector<Type> types;       // of tensor variables; a bare dtype is both a rank-0 type and a dtype
    bool bare_dtype = false;
    std::string dependence;        // "", "frozen" or "constant"
    std::optional<double> splat;   // ... = 2
    std::optional<AttrValue> value;  // [..], a number or a word
    Position at;
  };
  std::vector<Item> items;
  Position at;
};

// The lines of a rule, which all its expansions share.
struct Examples {
  std::vector<Example> accepts, rejects;
};

enum class FusionForm : uint8_t { kBegin, kAbsorbAfter, kAbsorbBefore, kAbsorbReduction, kAbsorbContraction, kSideBySide };

struct PreparedRule;  // left.h
struct PreparedSlot {
  std::once_flag once;
  std::shared_ptr<const PreparedRule> rule;  // null: not prepared, or `error`
  std::atomic<bool> done = false;            // `rule` is there
  std::optional<Error> error;
  std::once_flag dtypes_once;
  std::optional<std::vector<Assignment>> dtypes;  // dtype_assignments (rules.h)
};

struct RuleSyntax {
  RuleKind kind = RuleKind::kAlgebra;
  std::string name;
  Position at;
  std::shared_ptr<const ForClause> each;  // for f in ...; null: none
  bool is_short = true;
  bool both_ways = false;            // <=>
  Term left, right;                  // short
  std::vector<Binding> find;         // long
  bool find_all = false;             // one binding, with an operand group
  std::vector<Term> where, when;
  std::vector<Binding> lets, unites;
  std::vector<std::string> needs;
  std::string proof_method, proof_hint;
  std::shared_ptr<const Examples> examples;    // null: none
  bool subsume = false;
  FusionForm fusion = FusionForm::kBegin;
  std::vector<std::string> fusion_conditions;  // words of each, as written
  std::shared_ptr<PreparedSlot> prepared;      // of a concrete rule: made on first use
  std::shared_ptr<const RuleSyntax> alike;     // an expansion before it whose operator has the same types and axes; null: none

  const std::vector<Example>& accepts() const { return examples ? examples->accepts : kNoExamples; }
  const std::vector<Example>& rejects() const { return examples ? examples->rejects : kNoExamples; }

 private:
  static inline const std::vector<Example> kNoExamples;
};

struct RuleFile {
  std::string ruleset;
  bool off = false;  // loaded only where a run names the set
  std::vector<RuleSyntax> rules;
};

// Errors name file:line:column.
Result<RuleFile> read_rules(std::string_view text, const std::string& file);
// From a later line on, where a rule begins.
Result<RuleFile> read_further_rules(std::string_view text, const std::string& file, int first_line);
inline constexpr size_t kMaxRules = 4096;  // of a file
std::string print_rules(const RuleFile& file);
std::string print_rule(const RuleSyntax& rule);
std::string print_term(const Term& term);

// The equations of a rule, whichever way it is written, in the order of its left sides.
struct Equation {
  const Term* left = nullptr;
  const Term* right = nullptr;
};
std::vector<Equation> equations_of(const RuleSyntax& rule);

}  // namespace egret::rules
