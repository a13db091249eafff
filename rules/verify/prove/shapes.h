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

struct Shape {
  RuleInstance instance;
  std::vector<SizeFact> facts;  // under which it has a type and meets the rule's conditions
  std::string where;            // ranks and axes, for messages
};

struct ShapeBounds {
  int rank = 3;                           // of whole tensors, and lengths of lists
  std::vector<std::pair<std::string, int>> group_axes;  // of groups that are not one axis
  size_t tries = 300'000;
};

// Calls `visit` with every shape until it returns false.  The largest rank below `bounds.rank` for which all shapes were
// tried (of a rule with axis names: 0).  -1 where there were too many even at rank 1.
int for_each_shape(const Rule& rule, const ShapeBounds& bounds, const std::function<bool(Shape&)>& visit);

}  // namespace egret::rules
