// ProductEmitter: packing of panels of V and of rows of S by evaluating the factors.
#include <algorithm>

#include "lower/host/product_emitter.h"

namespace egret::lower {

using llvm::Value;

// The element's position in the group's linear space.
Value* ProductEmitter::linear_of(Scope& scope, std::span<const VarId> group) {
  Value* position = e_.i64(0);
  int64_t stride = 1;
  for (size_t i = group.size(); i-- > 0;) {
    position = b_.CreateAdd(position, b_.CreateMul(scope.variables[group[i]], e_.i64(stride)));
    stride *= scope.nest->size(group[i]);
  }
  return position;
}

// Position in the packed block of K that begins at `k_begin` of the outermost variable.
Value* ProductEmitter::k_position(Scope& scope, Value* k_begin) {
  if (plan_.k.empty()) return e_.i64(0);
  const int64_t rest = plan_.k_size / plan_.nest.size(plan_.k[0]);
  return b_.CreateSub(linear_of(scope, plan_.k), b_.CreateMul(k_begin, e_.i64(rest)));
}

// Loops over `order`, a subset of K's variables; conditions that are decided by those outside are branched on.
void ProductEmitter::k_loops(Scope& scope, std::span<const VarId> order, Value* k_begin, Value* k_end,
                             std::optional<VarId> vector, const std::function<void(Scope&)>& body) {
  if (order.empty()) return body(scope);
  auto loop = [&](Scope& outside) {
    const bool blocked = order[0] == plan_.k[0];
    e_.loop(
        blocked ? k_begin : e_.i64(0), blocked ? k_end : e_.i64(plan_.nest.size(order[0])), 1,
        [&](Value* k) {
          Scope inner = outside;
          inner.variables[order[0]] = k;
          k_loops(inner, order.subspan(1), k_begin, k_end, vector, body);
        },
        "pack");
  };
  if (order.size() == 1) return specialize(e_, scope, {&plan_.v_root, 1}, vector, 4, loop);
  loop(scope);
}

void ProductEmitter::pack_panel(Scope& scope, int kind, Value* v_begin, Value* v_end, Value* k_begin, Value* k_end) {
  const Nest& nest = plan_.nest;
  const int64_t width = panel_vectors(kind) * plan_.lanes;
  llvm::Type* vector = e_.vector_of(type_);
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(plan_.dtype)));
  const int64_t rest = plan_.k.empty() ? 1 : plan_.k_size / nest.size(plan_.k[0]);
  if (plan_.ragged()) {
    // Lanes beyond the end are zero: they are computed with and dropped.
    e_.if_then(b_.CreateICmpSLT(b_.CreateSub(v_end, v_begin), e_.i64(width)), [&] {
      Value* count = b_.CreateMul(b_.CreateMul(b_.CreateSub(k_end, k_begin), e_.i64(rest)), e_.i64(width));
      e_.loop(e_.i64(0), count, plan_.lanes, [&](Value* i) {
        b_.CreateAlignedStore(llvm::Constant::getNullValue(vector), element(panel_, i), align);
      });
    });
  }
  if (plan_.v_transpose) return pack_transposed(scope, v_begin, v_end, k_begin, k_end, width);
  // Variables that conditions depend on go outside, so that masks are computed once for an inner loop.
  std::vector<VarId> order = plan_.k;
  auto guarding = [&](VarId v) {
    for (size_t n = 0; n < nest.node_count(); ++n) {
      const Node& node = nest.node(static_cast<NodeId>(n));
      const bool condition = node.kind == Node::Kind::kPositive || node.kind == Node::Kind::kZero;
      if (condition && nest.depends(node.index, v)) return true;
    }
    return false;
  };
  std::stable_partition(order.begin(), order.end(), guarding);

  if (plan_.v.empty()) {
    k_loops(scope, order, k_begin, k_end, std::nullopt, [&](Scope& at) {
      Value* x = e_.value(at, plan_.v_root);
      b_.CreateAlignedStore(x, element(panel_, b_.CreateMul(k_position(at, k_begin), e_.i64(width))), align);
    });
    return;
  }
  const VarId inner = plan_.v.back();
  auto chunk = [&](Scope& at, Value* offset) {  // one vector of the panel, at every k
    k_loops(at, order, k_begin, k_end, inner, [&](Scope& point) {
      Value* x = e_.widen(e_.value(point, plan_.v_root));
      Value* p = element(panel_, b_.CreateAdd(b_.CreateMul(k_position(point, k_begin), e_.i64(width)), offset));
      if (point.mask.tail) {
        b_.CreateMaskedStore(x, p, align, point.mask.tail);
      } else {
        b_.CreateAlignedStore(x, p, align);
      }
    });
  };
  auto general = [&] {
    segments(e_, scope, plan_.v, v_begin, v_end, [&](Scope& outer, Value* low, Value* high) {
      e_.lane_loop(outer, inner, low, high,
                   [&](Scope& at) { chunk(at, b_.CreateSub(linear_of(at, plan_.v), v_begin)); });
    });
  };
  if (plan_.v.size() > 1) return general();
  // One run: whole rows of the panel, step by step.
  auto whole = [&] {
    Scope at = scope;
    at.vector = inner;
    at.variables[inner] = v_begin;
    k_loops(at, order, k_begin, k_end, inner, [&](Scope& point) {
      Value* row = b_.CreateMul(k_position(point, k_begin), e_.i64(width));
      for (int64_t j = 0; j < panel_vectors(kind); ++j) {
        Scope one = point;
        one.variables[inner] = b_.CreateAdd(v_begin, e_.i64(j * plan_.lanes));
        b_.CreateAlignedStore(e_.widen(e_.value(one, plan_.v_root)),
                              element(panel_, b_.CreateAdd(row, e_.i64(j * plan_.lanes))), align);
      }
    });
  };
  if (!plan_.ragged()) return whole();
  e_.if_then(b_.CreateICmpEQ(b_.CreateSub(v_end, v_begin), e_.i64(width)), whole, general);
}

// V's factor is contiguous along a variable of K: squares are read along it and transposed.
void ProductEmitter::pack_transposed(Scope& scope, Value* v_begin, Value* v_end, Value* k_begin, Value* k_end,
                                     int64_t stride) {
  const Nest& nest = plan_.nest;
  const VarId along = *plan_.v_transpose, inner = plan_.v.back();
  const int64_t w = plan_.lanes;
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(plan_.dtype)));
  std::vector<VarId> others;
  int64_t along_stride = 1;
  for (size_t i = plan_.k.size(); i-- > 0 && plan_.k[i] != along;) along_stride *= nest.size(plan_.k[i]);
  for (VarId v : plan_.k) {
    if (v != along) others.push_back(v);
  }
  const bool blocked = along == plan_.k[0];
  Value* from = blocked ? k_begin : e_.i64(0);
  Value* to = blocked ? k_end : e_.i64(nest.size(along));
  segments(e_, scope, plan_.v, v_begin, v_end, [&](Scope& outer, Value* low, Value* high) {
    e_.loop(low, high, w, [&](Value* v) {
      Value* left = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b_.CreateSub(high, v), e_.i64(w));
      Value* lanes = b_.CreateICmpSLT(e_.iota(b_.getInt32Ty()), e_.widen(b_.CreateTrunc(left, b_.getInt32Ty())));
      k_loops(outer, others, k_begin, k_end, std::nullopt, [&](Scope& at) {
        e_.lane_loop(at, along, from, to, [&](Scope& square_at) {
          std::vector<Value*> square;
          Scope first = square_at;
          first.variables[inner] = v;
          Value* offset = b_.CreateSub(linear_of(first, plan_.v), v_begin);
          Value* row = k_position(first, k_begin);
          for (int64_t j = 0; j < w; ++j) {
            Scope read = square_at;
            read.variables[inner] = b_.CreateAdd(
                v, b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, e_.i64(j), b_.CreateSub(left, e_.i64(1))));
            square.push_back(e_.widen(e_.value(read, plan_.v_root)));
          }
          e_.transpose(square);
          auto put = [&](int64_t j) {
            Value* at_row = b_.CreateAdd(row, e_.i64(j * along_stride));
            b_.CreateMaskedStore(square[static_cast<size_t>(j)],
                                 element(panel_, b_.CreateAdd(b_.CreateMul(at_row, e_.i64(stride)), offset)), align,
                                 lanes);
          };
          Value* count = b_.CreateSub(to, square_at.variables[along]);
          for (int64_t j = 0; j < w; ++j) {
            if (square_at.mask.tail) {
              e_.if_then(b_.CreateICmpSLT(e_.i64(j), count), [&] { put(j); });
            } else {
              put(j);
            }
          }
        });
      });
    });
  });
}

// V's tail by rows: each position holds a block of K.
void ProductEmitter::pack_tail(Scope& scope, Value* k_begin, Value* k_end) {
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(plan_.dtype)));
  const VarId inner = plan_.k.back();
  const bool blocked = plan_.k.size() == 1;
  Value* from = blocked ? k_begin : e_.i64(0);
  Value* to = blocked ? k_end : e_.i64(plan_.nest.size(inner));
  e_.loop(
      e_.i64(0), e_.i64(plan_.v_tail), 1,
      [&](Value* j) {
        Scope at = scope;
        bind_group(e_, at, plan_.v, b_.CreateAdd(j, e_.i64(plan_.v_size - plan_.v_tail)));
        Value* row = b_.CreateMul(j, e_.i64(k_rows_));
        const auto outer = std::span(plan_.k).first(plan_.k.size() - 1);
        k_loops(at, outer, k_begin, k_end, inner, [&](Scope& inside) {
          e_.lane_loop(inside, inner, from, to, [&](Scope& point) {
            Value* x = e_.widen(e_.value(point, plan_.v_root));
            Value* p = element(tail_, b_.CreateAdd(row, k_position(point, k_begin)));
            if (point.mask.tail) {
              b_.CreateMaskedStore(x, p, align, point.mask.tail);
            } else {
              b_.CreateAlignedStore(x, p, align);
            }
          });
        });
      },
      "tail");
}

// S by rows: row s holds all of K.
void ProductEmitter::pack_rows(Scope& scope, Value* s_begin, Value* s_end) {
  const Nest& nest = plan_.nest;
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(plan_.dtype)));
  std::optional<VarId> vector;
  if (!plan_.k.empty() && nest.size(plan_.k.back()) > 1) vector = plan_.k.back();
  e_.loop(
      s_begin, s_end, 1,
      [&](Value* s) {
        Scope at = scope;
        if (!plan_.s.empty()) bind_group(e_, at, plan_.s, s);
        Value* row = b_.CreateMul(b_.CreateSub(s, s_begin), e_.i64(plan_.k_size));
        auto put = [&](Scope& point, Value* x, Value* mask) {
          Value* p = element(rows_, b_.CreateAdd(row, linear_of(point, plan_.k)));
          if (mask) {
            b_.CreateMaskedStore(e_.widen(x), p, align, mask);
          } else {
            b_.CreateAlignedStore(x, p, align);
          }
        };
        if (!vector) {
          for (VarId v : plan_.k) at.variables[v] = e_.i64(0);
          return put(at, e_.value(at, plan_.s_root), nullptr);
        }
        const auto outer = std::span(plan_.k).first(plan_.k.size() - 1);
        int64_t n = 1;
        for (VarId v : outer) n *= nest.size(v);
        e_.loop(e_.i64(0), e_.i64(n), 1, [&](Value* position) {
          Scope inside = at;
          if (!outer.empty()) bind_group(e_, inside, outer, position);
          e_.lane_loop(inside, *vector, e_.i64(0), e_.i64(nest.size(*vector)),
                       [&](Scope& point) { put(point, e_.widen(e_.value(point, plan_.s_root)), point.mask.tail); });
        });
      },
      "row");
}

}  // namespace egret::lower
