// Index terms: integers of any size, in normal form, and conditions on them.
//
// An integer term is a polynomial over atoms, hash-consed, so that equal polynomials have one number.  `mod` is written
// with `div` (a mod b = a - b*(a div b)), and what a divisor divides leaves the quotient.  A coordinate of a reshaped
// index is an atom of its own that knows its sizes: flattening all of them gives the position back, and sizes that both
// lists end with are taken off, so that a merge of axes meets its split without a non-linear query.
//
// Divisors are at least 1 and coordinates lie inside their sizes: `facts` gives what an atom's definition says.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/dim.h"

namespace egret::rules {

using IntId = uint32_t;
using CondId = uint32_t;
using VariableId = uint32_t;
using ScalarId = uint32_t;  // scalar.h

struct IntAtom {
  enum class Kind : uint8_t { kVariable, kDiv, kMin, kMax, kCoordinate, kScalar } kind = Kind::kVariable;
  uint32_t number = 0;      // variable; scalar; axis of a coordinate
  IntId a = 0, b = 0;       // kDiv, kMin, kMax; a: position of a coordinate
  std::vector<IntId> sizes; // kCoordinate
  friend auto operator<=>(const IntAtom&, const IntAtom&) = default;
};

struct IntTerm {
  std::vector<uint32_t> atoms;  // ascending, repeated for powers; none: the constant
  int64_t coefficient = 0;
  friend auto operator<=>(const IntTerm&, const IntTerm&) = default;
};
using Polynomial = std::vector<IntTerm>;  // by rising `atoms`, no coefficient 0

struct CondNode {
  enum class Kind : uint8_t { kTrue, kFalse, kNonNegative, kZero, kAnd, kOr, kNot, kTruth } kind = Kind::kTrue;
  IntId value = 0;            // kNonNegative, kZero
  ScalarId scalar = 0;        // kTruth: a scalar of bool
  std::vector<CondId> args;
  friend auto operator<=>(const CondNode&, const CondNode&) = default;
};

class Indices {
 public:
  Indices();

  VariableId fresh(std::string name);
  IntId variable(VariableId v);
  const std::string& name(VariableId v) const { return names_[v]; }
  size_t variables() const { return names_.size(); }

  IntId constant(int64_t value);
  IntId add(IntId a, IntId b) { return combine(a, b, 1); }
  IntId sub(IntId a, IntId b) { return combine(a, b, -1); }
  IntId mul(IntId a, IntId b);
  IntId div(IntId a, IntId b);  // floor; b >= 1
  IntId mod(IntId a, IntId b) { return sub(a, mul(b, div(a, b))); }
  IntId min(IntId a, IntId b);
  IntId max(IntId a, IntId b);
  IntId of_scalar(ScalarId s);
  // Row-major position of coordinates, and coordinate k of a position, below the product of the sizes.
  IntId flatten(const std::vector<IntId>& coordinates, const std::vector<IntId>& sizes);
  IntId coordinate(IntId position, std::vector<IntId> sizes, size_t k);
  // Says that a variable runs over [0, size), so that it may be told from a position.
  void set_size(VariableId v, IntId size) { size_of_[v] = size; }
  // Null where the variable is no index.
  const IntId* size_of(VariableId v) const {
    auto it = size_of_.find(v);
    return it == size_of_.end() ? nullptr : &it->second;
  }

  const Polynomial& polynomial(IntId id) const { return *polynomials_[id]; }
  const IntAtom& atom(uint32_t id) const { return *atoms_[id]; }
  IntId atom_as_term(uint32_t id) { return intern({{{id}, 1}}); }
  // The factor by which the term is `divisor` times it; false where a rest is left.
  bool divide(IntId id, IntId divisor, IntId& factor) {
    IntId rest = 0;
    return split(id, divisor, factor, rest) && polynomial(rest).empty();
  }
  // With an atom replaced, where it stands by itself or in a product.
  IntId replace_atom(IntId id, uint32_t atom, IntId by);
  bool is_constant(IntId id, int64_t* value = nullptr) const;
  // The variable that the term is; false where it is more.
  bool is_variable(IntId id, VariableId* v) const;
  // The atom that the term is; null where it is more.
  const IntAtom* only_atom(IntId id) const;

  CondId truth(bool value) { return value ? kTrueCond : kFalseCond; }
  CondId non_negative(IntId a);
  CondId zero(IntId a);
  CondId less(IntId a, IntId b) { return non_negative(sub(sub(b, a), constant(1))); }
  CondId less_equal(IntId a, IntId b) { return non_negative(sub(b, a)); }
  CondId equal(IntId a, IntId b) { return zero(sub(a, b)); }
  CondId all(std::vector<CondId> args) { return junction(CondNode::Kind::kAnd, std::move(args)); }
  CondId any(std::vector<CondId> args) { return junction(CondNode::Kind::kOr, std::move(args)); }
  CondId negate(CondId c);
  CondId of_truth(ScalarId s);
  const CondNode& cond(CondId id) const { return *conds_[id]; }
  static constexpr CondId kTrueCond = 0, kFalseCond = 1;

  using Substitution = std::map<VariableId, IntId>;
  // Scalars inside keep their variables, unless `scalars` says what they become (Scalars::substitute_everywhere).
  IntId substitute(IntId id, const Substitution& by, const std::map<ScalarId, ScalarId>* scalars = nullptr);
  CondId substitute_cond(CondId id, const Substitution& by, const std::map<ScalarId, ScalarId>* scalars = nullptr);
  void variables_of(IntId id, std::vector<VariableId>& out, std::vector<ScalarId>& scalars) const;
  void variables_of_cond(CondId id, std::vector<VariableId>& out, std::vector<ScalarId>& scalars) const;

  // A coefficient did not fit; nothing built since can be trusted.
  bool overflowed() const { return overflowed_; }
  size_t size() const { return polynomials_.size() + conds_.size(); }

 private:
  IntId intern(Polynomial p);
  IntId atom_term(IntAtom atom);
  CondId intern_cond(CondNode node);
  IntId combine(IntId a, IntId b, int64_t scale);
  CondId junction(CondNode::Kind kind, std::vector<CondId> args);
  bool split(IntId a, IntId divisor, IntId& quotient, IntId& rest);
  bool split_sum(IntId a, IntId divisor, IntId& quotient, IntId& rest);
  bool is_coordinate_below(IntId c, IntId size) const;

  std::vector<std::string> names_;
  std::map<VariableId, IntId> size_of_;
  std::map<Polynomial, IntId> polynomial_ids_;
  std::vector<const Polynomial*> polynomials_;
  std::map<IntAtom, uint32_t> atom_ids_;
  std::vector<const IntAtom*> atoms_;
  std::map<CondNode, CondId> cond_ids_;
  std::vector<const CondNode*> conds_;
  bool overflowed_ = false;
};

}  // namespace egret::rules
