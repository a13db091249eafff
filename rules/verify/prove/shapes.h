// Shapes: a rule's instances over named sizes, one for each choice of ranks and axes.
//
// Sizes and lists of integers are names, so one instance is all sizes.  A rule with axis names has one axis a group (the
// prover says for which groups that is any number of axes); a rule about whole tensors is tried at every rank up to a
// bound, with every list of axes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ir/assume.h"
#include "rules/rules.h"

namespace egret::rules {

// Whether the dtypes of an assignment have a float whose sums are rounded to it.  Where a licence lets roundings be left out, what is
// proved of wide floats is proved of narrow ones.
bool has_narrow_floats(const Assignment& a);

struct Shape {
  RuleInstance instance;
  std::vector<SizeFact> facts;  // under which it has a type and meets the rule's conditions
  std::string where;            // ranks and axes, for messages
  bool own_dtypes = true;       // those of the first example
};

// Dtypes whose shapes are made: of the first example alone; one of each kind beside it; all under which the rule has an instance.
enum class ShapeDTypes : uint8_t { kOwn, kKinds, kAll };

struct ShapeBounds {
  ShapeDTypes dtypes = ShapeDTypes::kAll;
  bool narrow_floats = true;              // else only where the example has them
  int rank = 3;                           // of whole tensors, and lengths of lists
  std::vector<std::pair<std::string, int>> group_axes;  // of groups that are not one axis
  size_t tries = 300'000;
};

// Calls `visit` with every shape until it returns false.  The largest rank below `bounds.rank` for which all shapes were
// tried (of a rule with axis names: 0).  -1 where there were too many even at rank 1.
int for_each_shape(const Rule& rule, const ShapeBounds& bounds, const std::function<bool(Shape&)>& visit);

}  // namespace egret::rules
