// ProductEmitter: items, panels and tiles.  Packing stands in product_pack.cpp, the microkernel in microkernel.cpp, the
// streaming of a factor along K in product_stream.cpp.
#include "lower/host/product_emitter.h"

#include <algorithm>

namespace egret::lower {

using llvm::Value;

ProductEmitter::ProductEmitter(KernelEmitter& kernel, ProductPlan plan, bool whole_rows, Value* given, int64_t given_stride)
    : kernel_(kernel),
      e_(kernel.e_),
      b_(kernel.b_),
      plan_(std::move(plan)),
      whole_rows_(whole_rows),
      type_(e_.register_type(plan_.dtype)),
      places_(kernel.port_places()) {
  const int64_t bytes = size_in_bytes(plan_.dtype);
  k_rows_ = plan_.k.empty() ? 1 : plan_.k_size / plan_.nest.size(plan_.k[0]) * plan_.k_block;
  if (!plan_.along_k && plan_.v_panel == 0 && !(plan_.v_near && !plan_.ragged())) {
    panel_ = kernel_.scratch(k_rows_ * plan_.panels.longer * plan_.lanes * bytes);
  }
  if (plan_.v_tail) tail_ = kernel_.scratch(plan_.v_tail * k_rows_ * bytes);
  for (const Balanced& t : plan_.tiles) {
    rows_of_item_ = std::max(rows_of_item_,
                            Balanced::cut(t.count, (t.count + plan_.s_blocks - 1) / plan_.s_blocks).longer * t.longer);
  }
  rows_ = given;
  rows_stride_ = given ? given_stride : plan_.k_size;
  if (!plan_.s_direct && !given) rows_ = kernel_.scratch(rows_of_item_ * plan_.k_size * bytes);
  c_rows_ = whole_rows_ || k_blocked() ? rows_of_item_ : plan_.tiles[0].longer;
  for (const Balanced& t : plan_.tiles) {
    if (!whole_rows_ && !k_blocked()) c_rows_ = std::max(c_rows_, t.longer);
  }
  c_ = kernel_.scratch(c_rows_ * c_stride() * bytes);
}

int64_t ProductEmitter::items() const { return plan_.batch_size * plan_.s_blocks * plan_.v_blocks; }

int64_t ProductEmitter::c_stride() const {
  if (whole_rows_) return plan_.lanes * ((plan_.v_size + plan_.lanes - 1) / plan_.lanes);
  return plan_.lanes * (plan_.panels.longer + (plan_.v_tail ? 1 : 0));
}

// First element of stretch i.
Value* ProductEmitter::stretch_begin(const Balanced& s, Value* i) {
  Value* begin = b_.CreateMul(i, e_.i64(s.longer));
  if (s.even()) return begin;
  Value* beyond = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, b_.CreateSub(i, e_.i64(s.extra)), e_.i64(0));
  return b_.CreateSub(begin, beyond);
}

void ProductEmitter::emit(const After& after) {
  e_.loop(
      kernel_.begin_, kernel_.end_, 1, [&](Value* item) { emit_item(item, after); }, "item");
}

void ProductEmitter::emit_item(Value* item, const After& after) {
  Value* v_block = b_.CreateURem(item, e_.i64(plan_.v_blocks));
  Value* rest = b_.CreateUDiv(item, e_.i64(plan_.v_blocks));
  Value* s_block = b_.CreateURem(rest, e_.i64(plan_.s_blocks));
  Value* batch = b_.CreateUDiv(rest, e_.i64(plan_.s_blocks));
  Scope scope;
  scope.nest = &plan_.nest;
  scope.variables.resize(plan_.nest.variable_count());
  scope.operands = places_;
  if (!plan_.batch.empty()) bind_group(e_, scope, plan_.batch, batch);
  const Balanced blocks = Balanced::cut(plan_.panels.count, (plan_.panels.count + plan_.v_blocks - 1) / plan_.v_blocks);
  Value* first =
      b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, stretch_begin(blocks, v_block), e_.i64(plan_.panels.count));
  Value* last = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, stretch_begin(blocks, b_.CreateAdd(v_block, e_.i64(1))),
                                         e_.i64(plan_.panels.count));
  if (!plan_.s_direct) {
    // The two kinds of panels cut S differently; both lie in the rows packed here only where S is one block or the cuts
    // agree, so blocks of packed rows follow the longer panels' tiles and the shorter panels use the same tiles.
    const Balanced& t = plan_.tiles[0];
    const Balanced s_blocks = Balanced::cut(t.count, (t.count + plan_.s_blocks - 1) / plan_.s_blocks);
    Value* t0 = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, stretch_begin(s_blocks, s_block), e_.i64(t.count));
    Value* t1 = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin,
                                         stretch_begin(s_blocks, b_.CreateAdd(s_block, e_.i64(1))), e_.i64(t.count));
    pack_rows(scope, stretch_begin(t, t0), stretch_begin(t, t1));
  }
  if (plan_.panels.even()) {
    emit_panels(scope, batch, 0, first, last, s_block, after);
  } else {
    Value* border = e_.i64(plan_.panels.extra);
    emit_panels(scope, batch, 0, first, b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, last, border), s_block, after);
    if (panel_vectors(1) > 0) {
      emit_panels(scope, batch, 1, b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, first, border), last, s_block,
                  after);
    }
  }
  if (whole_rows_) {
    const Balanced& t = plan_.tiles[0];
    const Balanced s_blocks = Balanced::cut(t.count, (t.count + plan_.s_blocks - 1) / plan_.s_blocks);
    Value* t0 = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, stretch_begin(s_blocks, s_block), e_.i64(t.count));
    Value* t1 = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin,
                                         stretch_begin(s_blocks, b_.CreateAdd(s_block, e_.i64(1))), e_.i64(t.count));
    TileBounds bounds{e_.i64(0), e_.i64(plan_.v_size), stretch_begin(t, t0), stretch_begin(t, t1), c_, c_stride(), 0, s_block};
    after(batch, bounds);
  }
}

void ProductEmitter::emit_block(std::span<Value* const> axes, Value* s_block) {
  Scope scope;
  scope.nest = &plan_.nest;
  scope.variables.resize(plan_.nest.variable_count());
  scope.operands = places_;
  for (size_t a = 0; a < axes.size(); ++a) {
    if (!plan_.row_axes[a].empty()) bind_group(e_, scope, plan_.row_axes[a], axes[a]);
  }
  const After none;
  const int64_t border = plan_.panels.extra;
  emit_panels(scope, e_.i64(0), 0, e_.i64(0), e_.i64(border), s_block, none);
  if (!plan_.panels.even() && panel_vectors(1) > 0) emit_panels(scope, e_.i64(0), 1, e_.i64(border), e_.i64(plan_.panels.count), s_block, none);
}

void ProductEmitter::emit_panels(Scope& scope, Value* batch, int kind, Value* first, Value* last, Value* s_block,
                                 const After& after) {
  const Balanced vectors = plan_.panels;
  e_.loop(
      first, last, 1,
      [&](Value* p) {
        Value* v_begin = b_.CreateMul(stretch_begin(vectors, p), e_.i64(plan_.lanes));
        Value* tail = plan_.v_tail ? b_.CreateICmpEQ(p, e_.i64(plan_.panels.count - 1)) : nullptr;
        Scope inner = scope;
        emit_panel(inner, batch, kind, v_begin, tail, s_block, after);
      },
      "panel");
}

void ProductEmitter::emit_panel(Scope& scope, Value* batch, int kind, Value* v_begin, Value* tail, Value* s_block,
                                const After& after) {
  const int64_t width = panel_vectors(kind) * plan_.lanes;
  Value* v_end = b_.CreateAdd(v_begin, e_.i64(width));
  if (plan_.ragged()) v_end = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, v_end, e_.i64(plan_.v_size));
  const int64_t outer = plan_.k.empty() ? 1 : plan_.nest.size(plan_.k[0]);
  auto run = [&](Value* k_begin, Value* k_end, const After* then) {
    const bool few_tiles = (plan_.tiles[static_cast<size_t>(kind)].count + plan_.s_blocks - 1) / plan_.s_blocks <= 3;
    if (plan_.along_k)
      return emit_tiles(scope, batch, kind, v_begin, v_end, tail, s_block, nullptr, 0, k_begin, k_end, then);
    if (tail) e_.if_then(tail, [&] { pack_tail(scope, k_begin, k_end); });
    auto packed = [&] {
      pack_panel(scope, kind, v_begin, v_end, k_begin, k_end);
      emit_tiles(scope, batch, kind, v_begin, v_end, tail, s_block, panel_, width, k_begin, k_end, then);
    };
    if (!plan_.v_direct || (!few_tiles && plan_.v_panel == 0 && !plan_.v_near)) return packed();
    auto direct = [&] {
      Scope at = scope;
      for (VarId v : plan_.k) at.variables[v] = e_.i64(0);
      bind_group(e_, at, plan_.v, v_begin);
      const Node& read = plan_.nest.node(plan_.v_root);
      Value* address = e_.scalar_index(at, read.index);
      const int64_t rest = plan_.k.empty() ? 1 : plan_.k_size / outer;
      address = b_.CreateAdd(address, b_.CreateMul(k_begin, e_.i64(rest * plan_.v_k_stride)));
      emit_tiles(scope, batch, kind, v_begin, v_end, tail, s_block, element(places_[read.operand].base, address),
                 plan_.v_k_stride, k_begin, k_end, then);
    };
    if (!plan_.ragged()) return direct();
    e_.if_then(b_.CreateICmpEQ(b_.CreateSub(v_end, v_begin), e_.i64(width)), direct, packed);
  };
  if (!k_blocked()) return run(e_.i64(0), e_.i64(outer), &after);
  const int64_t blocks = (outer + plan_.k_block - 1) / plan_.k_block;
  e_.loop(
      e_.i64(0), e_.i64((blocks - 1) * plan_.k_block), plan_.k_block,
      [&](Value* k) { run(k, b_.CreateAdd(k, e_.i64(plan_.k_block)), nullptr); }, "kblock");
  run(e_.i64((blocks - 1) * plan_.k_block), e_.i64(outer), &after);
}

void ProductEmitter::emit_tiles(Scope& scope, Value* batch, int kind, Value* v_begin, Value* v_end, Value* tail,
                                Value* s_block, Value* panel, int64_t panel_stride, Value* k_begin, Value* k_end,
                                const After* after) {
  const bool packed_rows = !plan_.s_direct;
  const Balanced& tiles = plan_.tiles[packed_rows || whole_rows_ || k_blocked() ? 0 : static_cast<size_t>(kind)];
  const Balanced blocks = Balanced::cut(tiles.count, (tiles.count + plan_.s_blocks - 1) / plan_.s_blocks);
  Value* first = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, stretch_begin(blocks, s_block), e_.i64(tiles.count));
  Value* last = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, stretch_begin(blocks, b_.CreateAdd(s_block, e_.i64(1))),
                                         e_.i64(tiles.count));
  Value* item_rows = stretch_begin(tiles, first);
  const int64_t outer = plan_.k.empty() ? 1 : plan_.nest.size(plan_.k[0]);
  const int64_t rest = plan_.k.empty() ? 1 : plan_.k_size / outer;
  Value* steps = b_.CreateMul(b_.CreateSub(k_end, k_begin), e_.i64(rest));
  Value* k_first = b_.CreateMul(k_begin, e_.i64(rest));
  Value* s_base = rows_;
  int64_t s_stride = rows_stride_, k_stride = 1;
  if (plan_.s_direct) {
    Scope at = scope;
    for (VarId v : plan_.k) at.variables[v] = e_.i64(0);
    for (VarId v : plan_.s) at.variables[v] = e_.i64(0);
    s_base = element(places_[plan_.nest.node(plan_.s_root).operand].base,
                     e_.scalar_index(at, plan_.nest.tracked(plan_.s_address)));
    s_stride = plan_.s_stride;
    k_stride = plan_.k_stride;
  }
  auto run = [&](int64_t rows, Value* from, Value* to) {
    if (rows <= 0) return;
    e_.loop(
        from, to, 1,
        [&](Value* t) {
          Value* s = stretch_begin(tiles, t);
          Value* s_offset = packed_rows ? b_.CreateSub(s, item_rows) : s;
          Value* a = element(
              s_base, b_.CreateAdd(b_.CreateMul(s_offset, e_.i64(s_stride)), b_.CreateMul(k_first, e_.i64(k_stride))));
          Value* c = c_;
          if (whole_rows_ || k_blocked()) c = element(c, b_.CreateMul(b_.CreateSub(s, item_rows), e_.i64(c_stride())));
          if (whole_rows_) c = element(c, v_begin);
          if (plan_.along_k) {
            stream_panel(scope, rows, v_begin, v_end, a, s_stride, c);
          } else {
            llvm::Function* f = microkernel(rows, panel_vectors(kind), panel_stride, c_stride());
            Value* start = k_blocked() ? b_.CreateICmpEQ(k_begin, e_.i64(0)) : b_.getTrue();
            b_.CreateCall(f, {a, e_.i64(s_stride), e_.i64(k_stride), panel, steps, c, start});
            if (tail) {
              Value* beyond = element(c, e_.i64(panel_vectors(kind) * plan_.lanes));
              e_.if_then(tail, [&] {
                b_.CreateCall(tail_kernel(rows), {a, e_.i64(s_stride), tail_, steps, beyond, start});
              });
            }
          }
          if (!after || whole_rows_) return;
          TileBounds bounds{v_begin,
                            tail ? b_.CreateSelect(tail, e_.i64(plan_.v_size), v_end) : v_end,
                            s,
                            b_.CreateAdd(s, e_.i64(rows)),
                            c,
                            c_stride(),
                            plan_.v_size % plan_.lanes == 0 ? panel_vectors(kind) : 0};
          if (plan_.v_size % plan_.lanes == 0 || plan_.v.size() > 1) return (*after)(batch, bounds);
          TileBounds whole = bounds;
          whole.full_vectors = panel_vectors(kind);
          e_.if_then(
              b_.CreateICmpEQ(b_.CreateSub(bounds.v_end, v_begin), e_.i64(panel_vectors(kind) * plan_.lanes)),
              [&] { (*after)(batch, whole); }, [&] { (*after)(batch, bounds); });
        },
        "tile");
  };
  if (tiles.even()) return run(tiles.longer, first, last);
  Value* border = e_.i64(tiles.extra);
  run(tiles.longer, first, b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, last, border));
  run(tiles.longer - 1, b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, first, border), last);
}

}  // namespace egret::lower
