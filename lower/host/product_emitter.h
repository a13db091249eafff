// ProductEmitter: the code of a ProductPlan: packing, register tiles, and what follows a tile.
#pragma once

#include "lower/host/kernel_emitter.h"
#include "lower/host/product_plan.h"

namespace egret::lower {

// Bounds of the part of C that one item holds, as values of the linear spaces of V and S.
struct TileBounds {
  llvm::Value* v_begin = nullptr;
  llvm::Value* v_end = nullptr;
  llvm::Value* s_begin = nullptr;
  llvm::Value* s_end = nullptr;
  llvm::Value* tile = nullptr;  // C in scratch: row s at (s - s_begin) * row_stride, contiguous along V
  int64_t row_stride = 0;
  int64_t full_vectors = 0;  // > 0: v_end - v_begin is that many whole vectors
  llvm::Value* s_block = nullptr;  // whole rows: the number of the block of S
};

class ProductEmitter {
 public:
  // `after(batch position, bounds)` is emitted for each finished tile; `whole_rows`: once for all of V and an item's S.
  using After = std::function<void(llvm::Value* batch, const TileBounds& bounds)>;
  // `given`: where the plan's rows of S stand, `given_stride` elements apart; null: in scratch made here.
  ProductEmitter(KernelEmitter& kernel, ProductPlan plan, bool whole_rows, llvm::Value* given = nullptr, int64_t given_stride = 0);

  // The loop over items.
  void emit(const After& after);
  // Given rows: the sums of one block of S; `axes`: values of the result's axes, of which the parallel ones are used.
  void emit_block(std::span<llvm::Value* const> axes, llvm::Value* s_block);
  const ProductPlan& plan() const { return plan_; }
  // Scratch: most rows of an item; rows of S; whole rows of sums.
  int64_t rows_of_item() const { return rows_of_item_; }
  llvm::Value* rows() const { return rows_; }
  int64_t rows_stride() const { return rows_stride_; }
  llvm::Value* sums() const { return c_; }
  int64_t c_stride() const;
  int64_t items() const;

 private:
  void emit_item(llvm::Value* item, const After& after);
  void emit_panels(Scope& scope, llvm::Value* batch, int kind, llvm::Value* first, llvm::Value* last,
                   llvm::Value* s_block, const After& after);
  // `tail`: whether this panel has V's tail with it; null: there is none.
  void emit_panel(Scope& scope, llvm::Value* batch, int kind, llvm::Value* v_begin, llvm::Value* tail,
                  llvm::Value* s_block, const After& after);
  void emit_tiles(Scope& scope, llvm::Value* batch, int kind, llvm::Value* v_begin, llvm::Value* v_end,
                  llvm::Value* tail, llvm::Value* s_block, llvm::Value* panel, int64_t panel_stride,
                  llvm::Value* k_begin, llvm::Value* k_end, const After* after);
  void pack_panel(Scope& scope, int kind, llvm::Value* v_begin, llvm::Value* v_end, llvm::Value* k_begin,
                  llvm::Value* k_end);
  void pack_transposed(Scope& scope, llvm::Value* v_begin, llvm::Value* v_end, llvm::Value* k_begin, llvm::Value* k_end,
                       int64_t stride);
  void pack_rows(Scope& scope, llvm::Value* s_begin, llvm::Value* s_end);
  void pack_tail(Scope& scope, llvm::Value* k_begin, llvm::Value* k_end);
  void k_loops(Scope& scope, std::span<const VarId> order, llvm::Value* k_begin, llvm::Value* k_end,
               std::optional<VarId> vector, const std::function<void(Scope&)>& body);
  // `rows` rows of S from `a`, times V's factor evaluated along K: C.
  void stream_panel(Scope& scope, int64_t rows, llvm::Value* v_begin, llvm::Value* v_end, llvm::Value* a,
                    int64_t s_stride, llvm::Value* c);
  void stream_positions(Scope& scope, int64_t rows, int64_t positions, llvm::Value* v, llvm::Value* a, int64_t s_stride,
                        llvm::Value* c);
  llvm::Function* microkernel(int64_t rows, int64_t vectors, int64_t panel_stride, int64_t c_stride);
  llvm::Function* tail_kernel(int64_t rows);
  llvm::Function* tile_function(const std::string& name, std::initializer_list<llvm::Type*> types);
  llvm::Value* linear_of(Scope& scope, std::span<const VarId> group);
  llvm::Value* stretch_begin(const Balanced& b, llvm::Value* i);
  llvm::Value* k_position(Scope& scope, llvm::Value* k_begin);
  llvm::Value* element(llvm::Value* base, llvm::Value* i) { return e_.b.CreateGEP(type_, base, i); }
  int64_t panel_vectors(int kind) const { return plan_.panels.longer - kind; }
  bool k_blocked() const { return !plan_.k.empty() && plan_.k_block < plan_.nest.size(plan_.k[0]); }

  KernelEmitter& kernel_;
  Emitter& e_;
  llvm::IRBuilder<>& b_;
  ProductPlan plan_;
  const bool whole_rows_;
  llvm::Type* type_;
  llvm::Value *panel_ = nullptr, *tail_ = nullptr, *rows_ = nullptr, *c_ = nullptr;
  int64_t rows_of_item_ = 0, rows_stride_ = 0, c_rows_ = 0, k_rows_ = 1;  // k_rows_: steps of K in a block
  std::vector<OperandPlace> places_;
};

}  // namespace egret::lower
