// Emitter: nests to LLVM IR, scalar or in vectors of `lanes` elements along one loop variable.
//
// A value of a scope that does not depend on the vector variable stays scalar and is widened where it meets one that
// does.  Lanes that are out of range or behind a guard are masked: they are never read and hold any value.
// Registers: f16, bf16 and tf32 are floats that were rounded; bool is i1; other dtypes themselves.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lower/host/nest.h"
#include "lower/runtime/cpu.h"

namespace egret::lower {

// Where an operand of a nest lies.
struct OperandPlace {
  llvm::Value* base = nullptr;  // pointer; null: `own` is the value at the element being computed
  DType dtype = DType::f32;
  bool empty = false;       // no element: no read of it is ever executed
  bool lane_minor = false;  // scratch of row vectors: element i is `lanes` values from i * lanes
  llvm::Value* own = nullptr;
  bool constant = false;  // not written while the kernel runs
};

struct Mask {
  llvm::Value* uniform = nullptr;  // i1; null: true
  llvm::Value* lanes = nullptr;    // <lanes x i1> of guards; null: all
  llvm::Value* tail = nullptr;     // <lanes x i1>, first lane set; null: all
  auto key() const { return std::make_tuple(uniform, lanes, tail); }
};

struct Scope {
  const Nest* nest = nullptr;
  std::vector<llvm::Value*> variables;  // i64 by variable; of the vector variable: its value in lane 0
  std::optional<VarId> vector;
  Mask mask;
  std::span<const OperandPlace> operands;
  std::map<std::pair<NodeId, std::tuple<llvm::Value*, llvm::Value*, llvm::Value*>>, llvm::Value*> memo;
  std::map<NodeId, bool> assumed;  // conditions decided by a branch around this code
};

// index in lane l: base + stride * l + lanes[l]
struct Index {
  llvm::Value* base = nullptr;
  int64_t stride = 0;
  llvm::Value* lanes = nullptr;  // <lanes x i64> or null
};

class Emitter {
 public:
  Emitter(llvm::Module& module, HostLevel level, bool strict);

  llvm::IRBuilder<> b;
  llvm::Module& module;
  const HostLevel level;
  const bool strict;  // no fused multiply-add, folds in index order
  const int lanes;

  // --- types and constants
  llvm::Type* register_type(DType dtype);
  llvm::Type* memory_type(DType dtype);
  llvm::Type* vector_of(llvm::Type* scalar) { return llvm::FixedVectorType::get(scalar, static_cast<unsigned>(lanes)); }
  llvm::Value* i64(int64_t value) { return b.getInt64(static_cast<uint64_t>(value)); }
  llvm::Value* number(DType dtype, double value, int64_t integer);
  static bool is_vector(const llvm::Value* v) { return v->getType()->isVectorTy(); }
  llvm::Value* widen(llvm::Value* v);  // to `lanes` lanes, where it is scalar
  void unify(llvm::Value*& x, llvm::Value*& y);
  llvm::Value* iota(llvm::Type* element, int64_t stride = 1);

  // --- control flow
  // for (i = begin; i < end; i += step) body(i)
  void loop(llvm::Value* begin, llvm::Value* end, int64_t step, const std::function<void(llvm::Value*)>& body,
            const char* name = "i");
  void if_then(llvm::Value* condition, const std::function<void()>& then, const std::function<void()>& otherwise = {});
  llvm::Value* local(llvm::Type* type, const char* name);  // an alloca in the entry block
  // Runs body over lanes of [begin, end) of the vector variable: full vectors, then a masked rest.
  void lane_loop(Scope& scope, VarId v, llvm::Value* begin, llvm::Value* end, const std::function<void(Scope&)>& body);

  // --- indices, memory
  Index index(Scope& scope, const Linear& index);
  llvm::Value* scalar_index(Scope& scope, const Linear& index);  // Requires: the same in all lanes
  llvm::Value* mask_lanes(const Mask& mask);                     // <lanes x i1> or null
  llvm::Value* load(Scope& scope, const OperandPlace& from, const Index& at);
  void store(Scope& scope, llvm::Value* value, DType dtype, llvm::Value* base, const Index& at);
  llvm::Value* load_register(DType dtype, llvm::Value* memory);  // memory form to register form
  llvm::Value* to_memory(DType dtype, llvm::Value* value);
  // W vectors of W lanes, transposed in place.
  void transpose(std::vector<llvm::Value*>& rows);

  // --- values
  llvm::Value* value(Scope& scope, NodeId node);      // scalar or vector
  llvm::Value* condition(Scope& scope, NodeId node);  // i1 or <lanes x i1>
  llvm::Value* call(ScalarFn fn, DType dtype, DType argument, std::vector<llvm::Value*> args);
  llvm::Value* round(DType dtype, llvm::Value* value);  // float registers of f16, bf16, tf32
  llvm::Value* cast(DType from, DType to, llvm::Value* value);
  llvm::Value* identity(FoldKind fold, DType dtype);
  llvm::Value* combine(FoldKind fold, DType dtype, llvm::Value* accumulator, llvm::Value* value);
  llvm::Value* reduce(FoldKind fold, DType dtype, llvm::Value* vector);  // of all lanes: scalar
  llvm::Value* multiply_add(llvm::Value* x, llvm::Value* y, llvm::Value* sum);
  // Which variable of `candidates` gives contiguous reads: > 0 good, < 0 strided.
  static int contiguity(const Nest& nest, std::span<const NodeId> roots, VarId v, uint32_t operands = ~0u);

  // --- single precision functions (emit_math.cpp)
  llvm::Value* exp32(llvm::Value* x);
  llvm::Value* expm1_32(llvm::Value* x);
  llvm::Value* log32(llvm::Value* x);
  llvm::Value* log1p_32(llvm::Value* x);
  llvm::Value* tanh32(llvm::Value* x);
  llvm::Value* erf32(llvm::Value* x);
  llvm::Value* pow32(llvm::Value* x, llvm::Value* y);
  // A function of the runtime's table, lane by lane, in double (integers: i64).
  llvm::Value* table_call(const std::string& name, std::vector<llvm::Value*> args);

 private:
  llvm::Value* make_value(Scope& scope, NodeId id);
  llvm::Value* fold(Scope& scope, const Node& node);
  llvm::Value* fold_scalar(Scope& scope, const Node& node);
  llvm::Value* fold_vector(Scope& scope, const Node& node);
  llvm::Value* arg_fold(Scope& scope, const Node& node);
  llvm::Value* select(Scope& scope, const Node& node);
  llvm::Value* compare_lanes(const Index& at, bool equal);
  llvm::Value* divide(llvm::Value* x, int64_t c, std::pair<int64_t, int64_t> range, bool remainder);
  llvm::Value* to_lanes(const Index& at);
  llvm::Value* gather(Scope& scope, const OperandPlace& from, llvm::Value* indices);
  llvm::Value* load_strided(Scope& scope, const OperandPlace& from, const Index& at);
  llvm::Value* float_call(ScalarFn fn, DType dtype, llvm::Value* x, llvm::Value* y);
  llvm::Value* int_call(ScalarFn fn, DType dtype, llvm::Value* x, llvm::Value* y);
  llvm::Value* half_to_float(llvm::Value* bits);
  llvm::Value* float_to_half(llvm::Value* x);
  llvm::Value* splat_like(llvm::Value* like, double value);
  llvm::Value* splat_int(llvm::Value* like, int64_t value, unsigned bits = 32);
  llvm::Type* shaped(llvm::Value* like, llvm::Type* element);
  llvm::Value* horner(llvm::Value* x, std::initializer_list<double> coefficients);
  llvm::Value* horner_tail(llvm::Value* start, llvm::Value* x, std::initializer_list<double> coefficients);
  llvm::Value* pow_special(llvm::Value* x, llvm::Value* y, llvm::Value* result);
  llvm::Value* fma(llvm::Value* x, llvm::Value* y, llvm::Value* z);
  llvm::Value* power_of_two(llvm::Value* exponent);  // <i32> to float
  llvm::Value* unary(llvm::Intrinsic::ID id, llvm::Value* x) { return b.CreateUnaryIntrinsic(id, x); }
};

}  // namespace egret::lower
