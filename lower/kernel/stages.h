// Stages: a kernel's body as a short list of comprehensions with everything element-wise inlined.
//
// A stage computes one value for all its indices from ports and earlier stages.  Values that are cheap and read one
// element at a time are inlined into their readers; what folds (and is read by something else) becomes a stage of its
// own, so that no stage has a fold inside a fold.  Both printers (host and CUDA) make their loops from stages alone:
//
//   kElement          one stage a result
//   kRow              a stage a fold (and a value read by several later ones), then one a result; all axes in
//                     `row_axes` are the parallel axes, and a stage is read only at the row that is being computed
//   kContraction      the anchor, then one stage a result that reads the anchor's element at its own position
//   kContractionRow   the anchor, then as kRow
//   kContractionPair  as kContractionRow, with a stage for the second contraction and one for the rows that it folds, which
//                     it reads at its row and at the folded indices alone; later stages read it at their own element
#pragma once

#include <vector>

#include "ir/kernel.h"

namespace egret::lower {

struct Stage {
  ValueId value = 0;          // of the body
  Comprehension meaning;      // operand number p < ports: port p; ports + s: stage s
  int output = -1;            // number of the result it is, or -1: scratch
  std::vector<int> row_axes;  // classes with rows: result axes that are the parallel axes, in the common order
};

struct Stages {
  std::vector<Type> ports;       // types of the body's inputs
  std::vector<Stage> stages;     // in order of computation
  std::vector<int64_t> row_sizes;  // sizes of the parallel axes (classes with rows)
  int anchor = -1;               // stage of the contraction
  int second = -1;               // kContractionPair: stage of the contraction that folds rows
  int folded = -1;               // kContractionPair: stage of the rows that it folds; may be the anchor
};

// Requires: kernel.plan is what plan_kernel gives for the body; types are static.
Result<Stages> make_stages(const Kernel& kernel);

// kContractionPair: the stages that are or depend on the second contraction; and those before it that stages after it read, in order.
std::vector<uint8_t> after_second(const Stages& stages);
std::vector<int> read_after_second(const Stages& stages);
// kContractionPair: whether the rows that the second contraction folds may take the place of the anchor's: each element made from
// the anchor's in its place and from values of the whole row, and then no stage reads an element of another row than those.
bool rows_replace_sums(const Stages& stages);
// kContractionPair: which parallel axes (by place in row_axes) the other factor of the second contraction differs along.
Result<std::vector<uint8_t>> shared_rows(const Stages& stages);
// Elements of a stage in one row.
int64_t row_elements(const Stage& stage);

// The contraction stage taken apart (ir/kernel.h).  Error: it is no sum of products.
using egret::Product;
Result<Product> product_of(const Stage& anchor);

}  // namespace egret::lower
