// Domains: the untyped scalar rule sets of others (Ruler, Enumo, Herbie, Halide, Chompy), as text and as terms.
//
// A file is lines `LEFT ==> RIGHT` or `LEFT ==> RIGHT if CONDITION`, s-expressions over `?variables`, numbers and the
// operators of one domain; `;` starts a comment.  What an operator means is the domain's:
//
//   bool      & | ^ ~, true, false
//   bvN       words of N bits (1 to 128): + -- * - ~ & | ^ << >>.  Shifts are logical; by N or more they leave 0
//   int       integers of any size and truth values: + - * / % min max < <= > >= == != && || ^ ! select if abs.  Division is
//             Euclidean, by 0 it gives 0 (Halide's).  Sorts are inferred; a truth value counts 1 or 0 where a number is wanted
//   rational  + - * / ~ (negation) fabs if.  Division by 0 has no value; `if` is by "not 0" and only the branch taken counts
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace egret::rules {

struct Domain {
  enum class Kind : uint8_t { kBits, kInteger, kRational } kind = Kind::kBits;
  unsigned bits = 0;     // kBits
  bool boolean = false;  // kBits of one bit, written true and false

  // "bool", "bv32", "int", "rational".
  static Result<Domain> parse(std::string_view name);
  // What the words of a file's name say: rules/bv8-direct.rules, herbie-rational.rules, halide.rules.
  static std::optional<Domain> of_file(std::string_view path);
  std::string to_string() const;
};

enum class DomainOp : uint8_t {
  kVariable, kNumber, kAdd, kSub, kMul, kDiv, kMod, kNeg, kAbs, kMin, kMax, kAnd, kOr, kXor, kNot, kShiftLeft, kShiftRight,
  kLess, kLessEqual, kEqual, kSelect,
};

enum class DomainSort : uint8_t { kNumber, kTruth };  // kTruth: of `int` and of conditions of kSelect

struct DomainNode {
  DomainOp op = DomainOp::kNumber;
  DomainSort sort = DomainSort::kNumber;
  int64_t number = 0;  // of a number; of a variable its index
  std::vector<uint32_t> args;
};

// One direction.  Operands come before what uses them.
struct DomainRule {
  Domain domain;
  std::string name;  // file's stem and line: bool-12
  std::string text;  // LEFT ==> RIGHT
  std::vector<std::string> variables;
  std::vector<DomainSort> sorts;  // of the variables
  std::vector<DomainNode> nodes;
  uint32_t left = 0, right = 0;
  std::optional<uint32_t> condition;
};

// Whether the text is such a file: its first form is a list or a variable.
bool looks_like_domain_rules(std::string_view text);

// Errors name file:line:column.  At most 1 << 16 nodes a rule.
Result<std::vector<DomainRule>> parse_domain_rules(std::string_view text, const std::string& file, const Domain& domain);

}  // namespace egret::rules
