// Coverage: a proof speaks of what the engine builds.
//
// Shapes (shapes.h) are made over names, and what cannot be made over names leaves no shape: a condition that must know its
// numbers, a native that answers nothing.  A proof of the shapes that are left would say less than the rule does; at worst only
// that of scalars, whatever the rule writes of tensors.  So the instances that a rule has at its examples, and near them, are
// held against the shapes that were proved: each must be one of them, with sizes that meet its facts; and so must every choice of
// dtypes (dtype_assignments), whatever its sizes.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/verify/prove/shapes.h"

namespace egret::rules {

struct PreparedRule;

class Coverage {
 public:
  Coverage(const Rule& rule, bool narrow_floats);

  // A shape that was proved.
  void take(const Shape& shape);
  // At least so many axes must the whole tensors have for an instance to be among the shapes; 0 where one is.
  int least_rank() const;
  // Every choice of dtypes is among the shapes taken.
  bool all_dtypes() const { return dtypes_.empty(); }
  std::string lacking_dtypes() const { return dtypes_.empty() ? std::string() : *dtypes_.begin(); }
  // Why the shapes taken, those of whole tensors of up to `rank` axes, are not what the rule says; nothing where they are.
  std::optional<std::string> lacking(int rank) const;

 private:
  struct Probe {
    Assignment at;
    int rank = 0;  // of the largest whole tensor or list
  };
  void add(const Assignment& a);
  std::string dtypes_of(const Assignment& a) const;

  std::shared_ptr<const PreparedRule> prepared_;
  std::set<std::string> seen_;
  std::set<std::string> dtypes_;  // of the rule, not among the shapes taken
  std::vector<Probe> open_;  // not among the shapes taken
  bool covered_ = false;     // some were
};

}  // namespace egret::rules
