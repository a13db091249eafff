// Assumed facts about sizes: typing for all sizes at once.
//
// While an AssumeSizes stands in a thread, what a type rule must know of sizes with names, and cannot decide, is taken as true
// and written down: equal sizes of a map's operands, `where` conditions of definitions, sizes that are not negative.  A
// proof for all sizes needs only those sizes at which a term has a type.
#pragma once

#include <vector>

#include "ir/dim.h"

namespace egret {

struct SizeFact {
  enum class Kind : uint8_t { kEqual, kNotEqual, kLess, kLessEqual } kind = Kind::kEqual;
  Dim a, b;
  friend bool operator==(const SizeFact&, const SizeFact&) = default;
};

class AssumeSizes {
 public:
  explicit AssumeSizes(std::vector<SizeFact>& facts);
  ~AssumeSizes();
  AssumeSizes(const AssumeSizes&) = delete;
  AssumeSizes& operator=(const AssumeSizes&) = delete;

  static bool active();
  // Takes the fact as true and notes it; false where no scope stands or the fact is false whatever the names stand for.
  static bool take(SizeFact fact);

  // One of n ways, where a condition is a disjunction: its maker takes the facts of that one, and is run once for each (`next`).
  // 0 where no scope stands.
  static size_t choose(size_t n);
  // Before the next run: facts are forgotten, other ways are taken; false where all have been.
  bool next();

 private:
  struct Choice {
    size_t taken, of;
  };
  std::vector<SizeFact>& facts_;
  std::vector<Choice> choices_;
  size_t asked_ = 0;
  AssumeSizes* outer_;
};

}  // namespace egret
