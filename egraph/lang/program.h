// Program: an untyped language, its rules and its terms, as `egret saturate` reads them (docs/saturate.md).
//
//   (analysis const-fold)
//   (rule comm-add (+ ?a ?b) (+ ?b ?a))
//   (rule cancel (/ ?a ?a) 1 (when (not-zero ?a)))
//   (multi square-eq ((= ?a (f ?x)) (= ?b (g ?x))) ((= ?a ?b)))
//   (start (* a (+ b 0)))
//   (goal (* a (+ b 0)) (* a b))
//
// Reading order: program.h, sexp.h, parse.cpp, print.cpp; then number.h, const_fold.h, language.h, conditions.h,
// compile.h, smallest_terms.h, session.h.
// May include: support, egraph.
// Invariants of a parsed program: a symbol has one arity; every variable of a right side and of a condition is bound by
// the left; a left side nests at most kMaxPatternDepth deep; terms of `start` and `goal` have no variables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "support/result.h"

namespace egret::egraph::lang {

using SymbolId = uint32_t;
inline constexpr uint32_t kMaxPatternDepth = 200;

class SymbolTable {
 public:
  SymbolTable() = default;
  SymbolTable(SymbolTable&&) = default;
  SymbolTable& operator=(SymbolTable&&) = default;
  SymbolId intern(std::string_view name);
  const std::string& name(SymbolId symbol) const { return *names_[symbol]; }
  size_t size() const { return names_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, SymbolId, Hash, std::equal_to<>> numbers_;
  std::vector<const std::string*> names_;  // keys of `numbers_`, which stay where they are
};

// A term or a pattern, in pre-order: a node is followed by its operands.
struct TermNode {
  uint32_t value = 0;     // a symbol, or the number of a variable of the rule
  uint32_t operands = 0;  // of a variable kVariable
  static constexpr uint32_t kVariable = UINT32_MAX;
  bool is_variable() const { return operands == kVariable; }
};
using Term = std::vector<TermNode>;

// Index after the subterm that begins at `at`.
size_t end_of(const Term& term, size_t at);

enum class ConditionKind : uint8_t { kNotZero, kIsConst, kIsSymbol, kIsZero, kNotConst, kNotSymbol, kDiffer, kEqual };

struct Condition {
  ConditionKind kind;
  std::vector<Term> operands;
};

struct Equation {  // (= LEFT RIGHT)
  Term left, right;
};

struct Rule {
  enum class Kind : uint8_t { kRule, kBirule, kMulti } kind = Kind::kRule;
  std::string name;
  std::vector<std::string> variables;  // by number, with their `?`
  std::vector<Equation> left;          // of a rule one, with the pattern as its right; of a multi (= ?root PATTERN)
  std::vector<Equation> right;         // what to unite; of a rule one, with the term as its right
  std::vector<Condition> conditions;
};

struct Goal {
  Term left, right;
};

struct Program {
  // What stands where in the file: the number of an entry of `rules`, `starts` or `goals`.
  struct Statement {
    enum class Kind : uint8_t { kConstFold, kRule, kStart, kGoal } kind;
    uint32_t index = 0;
  };
  SymbolTable symbols;
  std::vector<uint32_t> arity;  // by symbol
  std::vector<Statement> statements;
  std::vector<Rule> rules;
  std::vector<Term> starts;
  std::vector<Goal> goals;
  bool const_fold = false;
};

// `file` names the text in errors.
Result<Program> parse_program(std::string_view text, const std::string& file);

// One statement a line, one blank between words; parsing the text gives the same program.
std::string print(const Program& program);
// Appends to `out`.
void print_term(const Term& term, const SymbolTable& symbols, const std::vector<std::string>& variables, std::string& out);

const char* to_string(ConditionKind);

}  // namespace egret::egraph::lang
