// Kernel: one launch: a body (a graph over ports), and the plan by which it runs.
//
// A body's inputs are its ports, its outputs the results.  Bodies hold no composite, tuple, opaque or effect.  What may
// stand in one body, and which schedule class runs it, is decided here once, by predicates on how each operator's
// definition uses its indices; the fusion rules ask these predicates, the cost model prices the plan, lowering obeys it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace egret {

// Layout of every port: dense row-major.
enum class ScheduleClass : uint8_t {
  kAlias,          // a reshape: the result is the operand's buffer; no launch
  kElement,        // every result element by itself; folds inside are not nested and feed one element each
  kRow,            // reductions over inner axes with maps between and after, a row of the parallel axes at a time
  kContraction,    // one contraction in tiles; element operators inlined into its reads (prologue) and its stores (epilogue)
  kContractionRow, // one contraction, then reductions over one of its free axes, a block of whole rows at a time
  kContractionPair,  // one contraction, reductions over its rows, a second contraction that folds those rows
};
const char* to_string(ScheduleClass);
// Whether a kernel of the class computes one row of the parallel axes after another, and whether a contraction anchors it.
inline bool has_rows(ScheduleClass s) {
  return s == ScheduleClass::kRow || s == ScheduleClass::kContractionRow || s == ScheduleClass::kContractionPair;
}
inline bool has_anchor(ScheduleClass s) {
  return s == ScheduleClass::kContraction || s == ScheduleClass::kContractionRow || s == ScheduleClass::kContractionPair;
}

struct KernelPlan {
  ScheduleClass schedule = ScheduleClass::kElement;
  ValueId anchor = 0;                       // kContraction*: the contraction in the body
  ValueId second = 0;                       // kContractionPair: the one that folds the anchor's rows
  std::array<int64_t, 3> tile = {0, 0, 0};  // kContraction*: m, n, k of one block; 0: not tiled
};

struct Kernel {
  Graph body;
  KernelPlan plan;
};

inline constexpr int kMaxPorts = 16;             // inputs and outputs; bounds argument lists and shared pointers
inline constexpr int kMaxBodyNodes = 64;
inline constexpr int64_t kMaxRow = 65'536;       // elements of one row staged in scratch memory
inline constexpr int64_t kMaxContractionRow = 2'048;  // row of a contraction with rows: 16 rows of f32 in 128 KiB

// The free axes of a contraction by the operand that binds them, as positions of the anchor's result axes, and the
// folded index set: elements = batch * m * n results, each a fold of k products.
struct ContractionShape {
  std::vector<int> batch, m, n;   // result axes read by both, only the first, only the second operand
  int64_t batch_size = 1, m_size = 1, n_size = 1, k_size = 1;
  int64_t taps = 1;               // folded positions that meet a result axis in index arithmetic (convolution windows)
  // Where each factor is a plain read of an operand, each axis by a variable of its own: those variables by axis, for the
  // first and the second operand; from the result's rank on, the folded ones in order.  Else empty.
  std::array<std::vector<int>, 2> reads;
};
Result<ContractionShape> contraction_shape(const OpDef& op, const Attrs& attrs, std::span<const Type> operands);

// A comprehension that is a sum of products of two factors, taken apart: variables that only the first factor uses (m),
// only the second (n), both (batch), and the folded ones (k).
struct Product {
  ExprId fold = 0, left = 0, right = 0;
  std::vector<uint32_t> batch, m, n, k;
};
std::optional<Product> product_of(const Comprehension& meaning);

// How the nodes of a body stand to its folds.
struct BodyShape {
  std::vector<uint8_t> is_fold;          // node folds (reduction, contraction, window)
  std::vector<uint8_t> after_fold;       // node is or depends on a fold
  std::vector<std::vector<int>> row_axes;  // classes with rows: for each node that has them all, its axes that are
                                           // the parallel axes, in one common order; else empty
  std::vector<int64_t> row_sizes;        // sizes of the parallel axes
};

// The plan of a body, or why it may not be one kernel (the text is shown by --match and reports).
struct PlanResult {
  std::optional<KernelPlan> plan;
  std::string reason;
};
PlanResult plan_kernel(const Graph& body);
// Where the folds stand, and for the row classes the parallel axes.  Requires: a body that plan_kernel accepts.
BodyShape body_shape(const Graph& body, const KernelPlan& plan);

// A one-operator kernel over fresh ports.  Fails for composites, tuples, opaque operators.
Result<Kernel> kernel_of(const OpDef& op, const Attrs& attrs, std::span<const Type> operands);
// Canonical text of a body (names normalized): equal texts, equal kernels.
std::string body_text(const Graph& body);

}  // namespace egret
