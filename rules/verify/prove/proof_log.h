// The steps of a proof as they are found, for a certificate (docs/rule_certificates.md): what was split, which reads and
// folds are one and by which bijection, which normal form both sides have, and every question to Z3 as SMT-LIB.
//
// One log a shape.  A step says that two terms are equal under hypotheses; steps that it rests on come before it.  Steps of
// attempts that led nowhere are true as well and stay out of `print` unless a root needs them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/verify/prove/normal.h"
#include "rules/verify/terms/scalar.h"

namespace egret::rules {

class ProofLog {
 public:
  using Context = std::vector<CondId>;
  using Pair = std::pair<ScalarId, ScalarId>;

  explicit ProofLog(Scalars& scalars) : s_(scalars), i_(scalars.indices()) {}

  // left == right because both cases of `cond` are; `yes` and `no` have it taken as true and as false.
  void split(const Context& context, Pair claim, CondId cond, Pair yes, Pair no);
  // ... because `cond` is `truth` under the hypotheses, and so these are.
  void decided(const Context& context, Pair claim, CondId cond, bool truth, Pair to);
  // ... because terms of one class are (reads at equal indices, equal folds), and what stands above them is one formula.
  void matched(const Context& context, Pair claim, const std::vector<std::vector<ScalarId>>& classes, const std::string& smt);
  // ... because both become these by laws that hold bit for bit under what is granted.
  void simplified(const Context& context, Pair claim, Pair to);
  // ... because nothing meets the hypotheses.
  void impossible(const Context& context, Pair claim);
  // ... because both have this normal form.
  void normal(const Context& context, Pair claim, const NormalForm& form);
  // Two folds: variables of the second at a point of the first (`to_second`), and back.  The second's variables are written
  // as `renamed`, its body as `body`.
  void fold(const Context& context, Pair claim, const std::vector<VariableId>& renamed, ScalarId body, const Indices::Substitution& to_second,
            const Indices::Substitution& to_first);
  // Two extrema, any or all: each item of one (variables, sizes, condition, body) is item `of` of the other at that place,
  // where that one's body is `body`.
  struct CoverItem {
    std::vector<VariableId> variables;
    std::vector<IntId> sizes;
    CondId guard;
    ScalarId body;
  };
  struct CoverPlace {
    size_t of;
    Indices::Substitution at;
    ScalarId body;
  };
  void cover(const Context& context, Pair claim, FoldKind kind, const std::vector<CoverItem>& left, const std::vector<CoverPlace>& left_places,
             const std::vector<CoverItem>& right, const std::vector<CoverPlace>& right_places);
  // A question of integers that Z3 answered.
  void entailed(const std::string& smt) { note_obligation(smt); }

  // One line of JSON: tables of terms, the roots, and the steps.
  std::string print(const std::string& where, const std::vector<std::pair<Context, Pair>>& roots);
  const std::map<std::string, std::string>& obligations() const { return obligations_; }  // by SHA-256

 private:
  std::string note_obligation(const std::string& smt);
  void add(std::string step) { steps_.push_back(std::move(step)); }
  std::string claim(const Context& context, Pair p);
  std::string list(const std::vector<ScalarId>& ids);
  std::string map(const Indices::Substitution& by);
  std::string items(const std::vector<CoverItem>& items);
  std::string places(const std::vector<CoverPlace>& places);

  size_t number(VariableId v);
  size_t integer(IntId id);
  size_t condition(CondId id);
  size_t scalar(ScalarId id);
  size_t atom(uint32_t id);

  Scalars& s_;
  Indices& i_;
  std::map<VariableId, size_t> variables_;
  std::map<uint32_t, size_t> atom_of_;
  std::map<IntId, size_t> integer_of_;
  std::map<CondId, size_t> condition_of_;
  std::map<ScalarId, size_t> scalar_of_;
  std::vector<std::string> names_, atoms_, integers_, conditions_, scalars_, steps_;
  std::map<std::string, std::string> obligations_;
};

}  // namespace egret::rules
