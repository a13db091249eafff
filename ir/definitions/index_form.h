// Linear forms and intervals of the index expressions of a comprehension; index arithmetic of other folders may use it.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "ir/definitions/expr.h"

namespace egret {

// constant + sum of coefficient * atom; atoms by rising id, no coefficient 0.
struct IndexForm {
  int64_t constant = 0;
  std::vector<std::pair<ExprId, int64_t>> terms;
  void add_term(ExprId atom, int64_t coefficient);
  void add(const IndexForm& other, int64_t scale);
};

// Inclusive; +-2^60 where no bound is known.
struct IndexRange {
  int64_t low = 0, high = 0;
};

IndexForm index_form(const Comprehension& c, ExprId id);
IndexRange range_of(const Comprehension& c, ExprId id);
IndexRange range_of(const Comprehension& c, const IndexForm& form);
std::optional<bool> known_truth(const Comprehension& c, ExprId id);  // of a condition between constants
// Removes expressions that the body does not reach; the others keep their order.
void drop_unused(Comprehension& c);

}  // namespace egret
