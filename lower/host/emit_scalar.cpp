// Emitter: scalar expressions, conditions and folds.
#include <limits>

#include "ir/evaluate/scalar_functions.h"
#include "lower/host/emit.h"
#include "support/result.h"

namespace egret::lower {

using llvm::Value;

namespace {
bool is_signed(DType t) { return row(t).kind == DTypeRow::Kind::kSigned; }
}  // namespace

Value* Emitter::value(Scope& scope, NodeId id) {
  const auto key = std::make_pair(id, scope.mask.key());
  if (auto it = scope.memo.find(key); it != scope.memo.end()) return it->second;
  Value* made = make_value(scope, id);
  scope.memo[key] = made;
  return made;
}

Value* Emitter::make_value(Scope& scope, NodeId id) {
  const Node& node = scope.nest->node(id);
  switch (node.kind) {
    case Node::Kind::kNumber:
      return number(node.dtype, node.value, node.integer);
    case Node::Kind::kRead:
      return load(scope, scope.operands[node.operand], index(scope, node.index));
    case Node::Kind::kSelect:
      return select(scope, node);
    case Node::Kind::kFold:
      return fold(scope, node);
    case Node::Kind::kValue: {
      Value* v = to_lanes(index(scope, node.index));
      if (node.dtype == DType::boolean) return b.CreateICmpNE(v, llvm::Constant::getNullValue(v->getType()));
      llvm::Type* type = shaped(v, register_type(node.dtype));
      if (is_float(node.dtype)) return round(node.dtype, b.CreateSIToFP(v, type));
      return b.CreateTrunc(v, type);
    }
    case Node::Kind::kCall: {
      std::vector<Value*> args;
      for (NodeId a : node.args) args.push_back(value(scope, a));
      return call(node.fn, node.dtype, scope.nest->node(node.args[0]).dtype, std::move(args));
    }
    default:
      return condition(scope, id);
  }
}

Value* Emitter::condition(Scope& scope, NodeId id) {
  const Node& node = scope.nest->node(id);
  if (auto it = scope.assumed.find(id); it != scope.assumed.end()) return b.getInt1(it->second);
  switch (node.kind) {
    case Node::Kind::kTrue:
      return b.getTrue();
    case Node::Kind::kFalse:
      return b.getFalse();
    case Node::Kind::kPositive:
      return compare_lanes(index(scope, node.index), false);
    case Node::Kind::kZero:
      return compare_lanes(index(scope, node.index), true);
    case Node::Kind::kNot:
      return b.CreateNot(condition(scope, node.args[0]));
    case Node::Kind::kTruth:
      return value(scope, node.args[0]);
    case Node::Kind::kAnd:
    case Node::Kind::kOr: {
      Value* all = condition(scope, node.args[0]);
      for (size_t i = 1; i < node.args.size(); ++i) {
        // A data-dependent part may only be read where what stands before it holds.
        Scope guarded = scope;
        Value* before = node.kind == Node::Kind::kAnd ? all : b.CreateNot(all);
        Value*& place = is_vector(before) ? guarded.mask.lanes : guarded.mask.uniform;
        place = place ? b.CreateAnd(place, before) : before;
        Value* next = condition(guarded, node.args[i]);
        unify(all, next);
        all = node.kind == Node::Kind::kAnd ? b.CreateAnd(all, next) : b.CreateOr(all, next);
      }
      return all;
    }
    default:
      return value(scope, id);
  }
}

Value* Emitter::select(Scope& scope, const Node& node) {
  Value* c = condition(scope, node.args[0]);
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(c)) return value(scope, node.args[known->isOne() ? 1 : 2]);
  const Mask outside = scope.mask;
  Value* branches[2];
  for (int i = 0; i < 2; ++i) {
    Value* taken = i == 0 ? c : b.CreateNot(c);
    Value*& place = is_vector(c) ? scope.mask.lanes : scope.mask.uniform;
    place = place ? b.CreateAnd(place, taken) : taken;
    branches[i] = value(scope, node.args[static_cast<size_t>(i) + 1]);
    scope.mask = outside;
  }
  unify(branches[0], branches[1]);
  if (is_vector(c)) branches[0] = widen(branches[0]), branches[1] = widen(branches[1]);
  return b.CreateSelect(c, branches[0], branches[1]);
}

// --- folds

Value* Emitter::identity(FoldKind fold, DType dtype) {
  if (is_float(dtype)) return number(dtype, float_identity(fold), 0);
  return number(dtype, 0, int_identity(fold, dtype));
}

Value* Emitter::multiply_add(Value* x, Value* y, Value* sum) {
  unify(x, y);
  unify(x, sum);
  unify(y, sum);
  if (!x->getType()->isFPOrFPVectorTy()) return b.CreateAdd(b.CreateMul(x, y), sum);
  if (level == HostLevel::kV2 || strict) return b.CreateFAdd(b.CreateFMul(x, y), sum);
  return b.CreateIntrinsic(llvm::Intrinsic::fma, {x->getType()}, {x, y, sum});
}

Value* Emitter::combine(FoldKind fold, DType dtype, Value* a, Value* v) {
  unify(a, v);
  const bool fp = is_float(dtype);
  switch (fold) {
    case FoldKind::kSum:
      return fp ? round(dtype, b.CreateFAdd(a, v)) : b.CreateAdd(a, v);
    case FoldKind::kProd:
      return fp ? round(dtype, b.CreateFMul(a, v)) : b.CreateMul(a, v);
    case FoldKind::kAny:
      return b.CreateOr(a, v);
    case FoldKind::kAll:
      return b.CreateAnd(a, v);
    default:
      break;
  }
  const bool is_max = fold == FoldKind::kMax || fold == FoldKind::kArgMax;
  if (fp) {
    Value* better = is_max ? b.CreateFCmpOGT(a, v) : b.CreateFCmpOLT(a, v);
    Value* best = b.CreateSelect(better, a, v);
    return b.CreateSelect(b.CreateFCmpUNO(a, a), a, best);
  }
  if (dtype == DType::boolean) return is_max ? b.CreateOr(a, v) : b.CreateAnd(a, v);
  return b.CreateBinaryIntrinsic(is_max ? (is_signed(dtype) ? llvm::Intrinsic::smax : llvm::Intrinsic::umax)
                                        : (is_signed(dtype) ? llvm::Intrinsic::smin : llvm::Intrinsic::umin),
                                 a, v);
}

Value* Emitter::reduce(FoldKind fold, DType dtype, Value* vector) {
  for (int n = lanes / 2; n >= 1; n /= 2) {
    std::vector<int> low, high;
    for (int i = 0; i < n; ++i) low.push_back(i), high.push_back(i + n);
    Value* x = b.CreateShuffleVector(vector, low);
    Value* y = b.CreateShuffleVector(vector, high);
    if (n == 1) x = b.CreateExtractElement(x, uint64_t{0}), y = b.CreateExtractElement(y, uint64_t{0});
    // `combine` unifies shapes by widening; these two are of one shape.
    vector = combine(fold, dtype, x, y);
  }
  return vector;
}

Value* Emitter::fold(Scope& scope, const Node& node) {
  if (node.fold == FoldKind::kArgMax || node.fold == FoldKind::kArgMin) return arg_fold(scope, node);
  if (!scope.vector && !strict && !node.variables.empty()) {
    const VarId v = node.variables.back();
    if (scope.nest->size(v) >= lanes / 2 && contiguity(*scope.nest, {&node.args[0], 1}, v) > 0) {
      return fold_vector(scope, node);
    }
  }
  return fold_scalar(scope, node);
}

namespace {
// Nested loops over `variables`, outermost first.
void loops(Emitter& e, Scope& scope, std::span<const VarId> variables, const std::function<void(Scope&)>& body) {
  if (variables.empty()) return body(scope);
  e.loop(
      e.i64(0), e.i64(scope.nest->size(variables[0])), 1,
      [&](Value* i) {
        Scope inner = scope;
        inner.variables[variables[0]] = i;
        loops(e, inner, variables.subspan(1), body);
      },
      "fold");
}
}  // namespace

Value* Emitter::fold_scalar(Scope& scope, const Node& node) {
  const Nest& nest = *scope.nest;
  llvm::Type* type = register_type(node.dtype);
  bool wide = scope.vector && nest.depends(node.args[0], *scope.vector);
  for (NodeId read : nest.reads(node.args[0])) {
    const OperandPlace& from = scope.operands[nest.node(read).operand];
    wide = wide || (scope.vector && (from.lane_minor || from.own));
  }
  if (wide) type = vector_of(type);
  Value* accumulator = local(type, "acc");
  Value* start = identity(node.fold, node.dtype);
  b.CreateStore(wide ? widen(start) : start, accumulator);
  const Node& body = nest.node(node.args[0]);
  // A sum of products is one fused operation a step.
  const bool fused = node.fold == FoldKind::kSum && body.kind == Node::Kind::kCall && body.fn == ScalarFn::kMul &&
                     body.dtype == node.dtype && (node.dtype == DType::f32 || node.dtype == DType::f64);
  loops(*this, scope, node.variables, [&](Scope& inner) {
    Value* old = b.CreateLoad(type, accumulator);
    Value* next = nullptr;
    if (fused) {
      Value* x = value(inner, body.args[0]);
      Value* y = value(inner, body.args[1]);
      next = multiply_add(x, y, old);
    } else {
      next = combine(node.fold, node.dtype, old, value(inner, node.args[0]));
    }
    b.CreateStore(wide ? widen(next) : next, accumulator);
  });
  return b.CreateLoad(type, accumulator);
}

// Lanes along the innermost fold variable; four accumulators where it is long.
Value* Emitter::fold_vector(Scope& scope, const Node& node) {
  const Nest& nest = *scope.nest;
  const VarId v = node.variables.back();
  llvm::Type* type = vector_of(register_type(node.dtype));
  const int64_t size = nest.size(v);
  const int copies = size >= 4 * lanes ? 4 : 1;
  std::vector<Value*> accumulators;
  Value* start = widen(identity(node.fold, node.dtype));
  for (int i = 0; i < copies; ++i) {
    accumulators.push_back(local(type, "acc"));
    b.CreateStore(start, accumulators.back());
  }
  auto step = [&](Scope& inner, Value* accumulator) {
    Value* x = widen(value(inner, node.args[0]));
    if (inner.mask.tail) x = b.CreateSelect(inner.mask.tail, x, start);
    b.CreateStore(combine(node.fold, node.dtype, b.CreateLoad(type, accumulator), x), accumulator);
  };
  loops(*this, scope, std::span(node.variables).first(node.variables.size() - 1), [&](Scope& outer) {
    const int64_t block = int64_t{copies} * lanes;
    const int64_t whole = size / block * block;
    if (copies > 1) {
      loop(i64(0), i64(whole), block, [&](Value* i) {
        for (int c = 0; c < copies; ++c) {
          Scope inner = outer;
          inner.vector = v;
          inner.variables[v] = b.CreateAdd(i, i64(int64_t{c} * lanes));
          step(inner, accumulators[static_cast<size_t>(c)]);
        }
      });
    }
    lane_loop(outer, v, i64(copies > 1 ? whole : 0), i64(size), [&](Scope& inner) { step(inner, accumulators[0]); });
  });
  Value* total = b.CreateLoad(type, accumulators[0]);
  for (int i = 1; i < copies; ++i) {
    total = combine(node.fold, node.dtype, total, b.CreateLoad(type, accumulators[static_cast<size_t>(i)]));
  }
  return reduce(node.fold, node.dtype, total);
}

// Position of the first best element; a NaN is better than any number.
Value* Emitter::arg_fold(Scope& scope, const Node& node) {
  const Nest& nest = *scope.nest;
  const DType dtype = nest.node(node.args[0]).dtype;
  const bool wide = scope.vector.has_value();
  auto shape = [&](llvm::Type* t) { return wide ? static_cast<llvm::Type*>(vector_of(t)) : t; };
  llvm::Type* type = shape(register_type(dtype));
  llvm::Type* position_type = shape(b.getInt64Ty());
  Value* best = local(type, "best");
  Value* where = local(position_type, "where");
  Value* count = local(b.getInt64Ty(), "count");
  b.CreateStore(llvm::Constant::getNullValue(type), best);
  b.CreateStore(llvm::Constant::getNullValue(position_type), where);
  b.CreateStore(i64(0), count);
  loops(*this, scope, node.variables, [&](Scope& inner) {
    Value* x = value(inner, node.args[0]);
    if (wide) x = widen(x);
    Value* old = b.CreateLoad(type, best);
    Value* at = b.CreateLoad(b.getInt64Ty(), count);
    const bool is_max = node.fold == FoldKind::kArgMax;
    Value* better = nullptr;
    if (is_float(dtype)) {
      better = is_max ? b.CreateFCmpOGT(x, old) : b.CreateFCmpOLT(x, old);
      better = b.CreateOr(better, b.CreateAnd(b.CreateFCmpUNO(x, x), b.CreateFCmpORD(old, old)));
    } else {
      const bool s = is_signed(dtype);
      better = is_max ? (s ? b.CreateICmpSGT(x, old) : b.CreateICmpUGT(x, old))
                      : (s ? b.CreateICmpSLT(x, old) : b.CreateICmpULT(x, old));
    }
    Value* first = b.CreateICmpEQ(at, i64(0));
    better = b.CreateOr(better, wide ? widen(first) : first);
    b.CreateStore(b.CreateSelect(better, x, old), best);
    Value* here = wide ? widen(at) : at;
    b.CreateStore(b.CreateSelect(better, here, b.CreateLoad(position_type, where)), where);
    b.CreateStore(b.CreateAdd(at, i64(1)), count);
  });
  Value* found = b.CreateLoad(position_type, where);
  if (is_float(node.dtype)) return round(node.dtype, b.CreateSIToFP(found, shape(register_type(node.dtype))));
  return b.CreateSExtOrTrunc(found, shape(register_type(node.dtype)));
}

}  // namespace egret::lower
