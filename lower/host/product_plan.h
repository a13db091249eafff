// ProductPlan: how a contraction is computed in register tiles.
//
// The result's loops are batch, V (the side along vectors: where results are contiguous) and S (the side of scalars
// that are broadcast); the fold's loops are K.  V is cut in panels of a few vectors, S in tiles of a few rows; a tile
// of a panel stays in registers while K runs.  Panels are packed by evaluating V's factor, whatever it is: an image
// read through windows with its borders, a transposed matrix, a prologue.  S is read in place where it is a plain array
// with K contiguous, else packed by rows.  Sizes are constants, so panels and tiles are balanced, not padded.
//
// Few positions of V beyond whole vectors (49 is three vectors of 16 and one) are a tail: with the last panel, rows of S
// that are hot are folded with each of them, with K in lanes.
//
// A product with few rows of S reads V's factor once and computes little with it: where that factor is contiguous along
// K, it is not packed but streamed (`along_k`), a few positions of V at a time, with accumulators that have K in lanes.
#pragma once

#include <optional>
#include <vector>

#include "lower/host/nest.h"
#include "lower/kernel/stages.h"
#include "lower/runtime/cpu.h"

namespace egret::lower {

// [0, total) in `count` stretches of `longer` first and then `longer - 1`.
struct Balanced {
  int64_t total = 0, count = 0, longer = 0, extra = 0;  // `extra` stretches have the longer length
  static Balanced cut(int64_t total, int64_t at_most);
  bool even() const { return extra == count; }
};

struct ProductPlan {
  // Of the anchor's comprehension.
  ExprId fold = 0;
  DType dtype = DType::f32;  // of factors, product and accumulator

  // The digits of the anchor's axes, before any merging: value of axis = sum of digit * weight.
  struct Digit {
    uint32_t axis = 0;
    int64_t weight = 1, size = 1;
    enum class Group : uint8_t { kBatch, kV, kS } group = Group::kBatch;
  };
  std::vector<Digit> digits;  // in the order of axes, outermost first

  // The factors' nest, merged.
  Nest nest;
  NodeId v_root = 0, s_root = 0;
  std::vector<VarId> batch, v, s;  // outermost first
  std::vector<std::vector<VarId>> row_axes;  // s_given: of the result's axes that are parallel axes, else empty
  std::vector<VarId> k;            // in the order of packed rows, outermost first
  int64_t batch_size = 1, v_size = 1, s_size = 1, k_size = 1;
  int64_t v_tail = 0;  // of v_size: positions that are no lanes of panels

  // S in place: element (s, k) at s * s_stride + k * k_stride from an address of batch variables.
  bool s_direct = false;
  bool s_given = false;  // the rows of S stand in scratch, whole, as another product left them; batch and S are its own
  int64_t s_stride = 0, k_stride = 1;
  uint32_t s_address = 0;  // tracked: the address with V, S and K variables at 0
  // V in place: contiguous along V, K at v_k_stride.
  bool v_direct = false;
  int64_t v_panel = 0;           // V in place in panels of so many: contiguous inside of each alone; 0: one stretch
  int64_t v_k_stride = 0;
  bool v_near = false;           // V in place however many tiles read it: the next step of K is a few cache lines on
  std::optional<VarId> v_transpose;  // a K variable along which V's factor is contiguous, where V is not

  bool along_k = false;
  int64_t v_step = 1;  // along_k: positions of V at a time

  // Schedule.
  int lanes = 16;
  Balanced panels;              // vectors of V
  std::vector<Balanced> tiles;  // rows of S, by panel length (index 0: longer panels, 1: shorter)
  int64_t k_block = 0;          // of the outermost K variable; its size: no blocking
  int64_t v_blocks = 1, s_blocks = 1;

  // The last panel has lanes that are no positions of V.
  bool ragged() const { return (v_size - v_tail) % lanes != 0; }
};

// None where the contraction is better computed element by element (depthwise windows, accumulators that round at each
// step).
// `rows`: a class with rows: the axes of V are those that are not parallel axes, and an item holds whole rows; those of a
// pair, rows that share the other factor of the second product.
std::optional<ProductPlan> plan_product(const Stages& stages, const Product& product, HostLevel level, bool rows,
                                        const std::vector<int>& axis_order);

// The second product of a kContractionPair, in the items and tiles of rows of the first.
std::optional<ProductPlan> plan_folding(const Stages& stages, HostLevel level, const ProductPlan& first);

// Nanoseconds of the whole product on one thread, for the runtime's sharing of items.
double product_cost(const ProductPlan& plan, HostLevel level);

// The cost of one step of K for a tile of `rows` by `vectors`, in cycles.
double tile_cycles(int64_t rows, int64_t vectors, int registers_per_vector);

}  // namespace egret::lower
