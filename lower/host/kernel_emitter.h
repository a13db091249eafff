// KernelEmitter: one kernel as an LLVM function over a range of work items.
//
//   void name(void* const* ports, void* scratch, int64_t begin, int64_t end)
//
// ports: inputs, then outputs.  Items are independent: the runtime gives ranges of them to its threads, each with
// scratch of its own.  Which elements one item is depends on the schedule class and is known only here.
#pragma once

#include "lower/host/compile.h"
#include "lower/host/emit.h"
#include "lower/kernel/stages.h"

namespace egret::lower {

class ProductEmitter;
struct ProductPlan;

class KernelEmitter {
 public:
  KernelEmitter(Emitter& emitter, const HostKernel& kernel);
  Result<HostKernelShape> emit();

 private:
  // --- kernel_element.cpp
  // Elements of a common space: axis i of stage `stages[j]` is axis maps[j][i] of it (-1: of size 1), and its axes are
  // looped over in `order`, outermost first.
  struct CommonSpace {
    std::vector<int64_t> sizes;
    std::vector<std::vector<int>> maps;
    std::vector<int> order;
  };
  Status emit_element(const std::vector<int>& stages, const CommonSpace& space);
  Status emit_transposed(const Nest& nest, Scope& scope, const std::vector<OperandPlace>& places, NodeId root,
                         const Linear& address, std::vector<VarId> group, VarId axis, const Stage& stage);
  // --- kernel_row.cpp
  Status emit_row();
  // --- kernel_contraction.cpp, kernel_product.cpp
  Status emit_contraction();
  void emit_epilogue(ProductEmitter& product, const std::vector<int>& outputs,
                     const std::vector<std::vector<int>>& axis_maps);
  // Values of the parallel axes of the product's row `s`, in the common order; their position; a stage's row to its result.
  std::vector<llvm::Value*> row_values(const ProductPlan& plan, llvm::Value* batch, llvm::Value* s);
  llvm::Value* row_position(const std::vector<llvm::Value*>& values);
  void copy_row(int number, llvm::Value* row, const std::vector<llvm::Value*>& values);
  Status emit_contraction_rows(ProductPlan plan, const std::vector<int>& others);
  // --- kernel_pair.cpp
  Status emit_contraction_pair(ProductPlan plan);

  friend class RowEmitter;
  friend class ProductEmitter;

  llvm::Value* input(size_t port) { return ports_[port]; }
  llvm::Value* output(int result) { return ports_[kernel_.stages.ports.size() + static_cast<size_t>(result)]; }
  std::vector<OperandPlace> port_places();
  // Bytes of scratch, aligned to a cache line; the pointer to them.
  llvm::Value* scratch(int64_t bytes);

  Emitter& e_;
  llvm::IRBuilder<>& b_;
  const HostKernel& kernel_;
  const Stages& stages_;
  llvm::Function* function_ = nullptr;
  std::vector<llvm::Value*> ports_;
  llvm::Value *scratch_ = nullptr, *begin_ = nullptr, *end_ = nullptr;
  HostKernelShape shape_;
};

// Row-major address of an element of `sizes` at `indices`, leaving out axes marked in `skip`.
Linear row_major(std::span<const Linear> indices, std::span<const int64_t> sizes, std::span<const uint8_t> skip = {});

// Runs `body` for each stretch of [begin, end), a range of the linear space of `group` (outermost first), that lies in
// one run of the last variable: the others are bound in the scope, `low` and `high` bound the last one.
void segments(Emitter& e, Scope& scope, std::span<const VarId> group, llvm::Value* begin, llvm::Value* end,
              const std::function<void(Scope&, llvm::Value* low, llvm::Value* high)>& body);
// Binds the variables of `group` for one position of its linear space.
void bind_group(Emitter& e, Scope& scope, std::span<const VarId> group, llvm::Value* position);
int64_t count(const Nest& nest, std::span<const VarId> group);

// Branches on conditions that do not depend on `v`, so that the loops inside are free of them.
void specialize(Emitter& e, Scope& scope, std::span<const NodeId> roots, std::optional<VarId> v, int budget,
                const std::function<void(Scope&)>& body);

}  // namespace egret::lower
