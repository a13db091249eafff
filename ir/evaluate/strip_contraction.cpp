// Sums of products as blocked matrix products.
//
// result[B, M, N] = sum(K) first[B, M, K] * second[B, K, N], where the variables of each group are read off the
// factors: those of the result that both depend on (B), only the first (M), only the second (N), the folded ones (K).
// A factor that is one affine read is used where it lies; another (a guarded or converted read) is first written out
// as a dense array by the strip evaluator, which is im2col for a convolution.  Guards go to the factor whose variables
// they test; that is right as long as the other factor is finite, which is checked.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <optional>

#include "ir/evaluate/strip.h"
#include "ir/evaluate/strip_lanes.h"

namespace egret::strip {
namespace {

constexpr int64_t kTileM = 128, kTileN = 256, kTileK = 256;  // of one task: panels of 128 and 256 KiB in f32
constexpr int64_t kMaxDense = int64_t{1} << 26;              // elements of a factor written out at a time

struct Product {
  Id fold = 0;
  Id factors[2] = {0, 0};
  std::vector<Id> guards[2];  // conditions under which the factor is read, else 0
  std::vector<Var> batch, free[2], folded;
};

bool is_zero(const Node& node) { return node.kind == ExprKind::kNumber && node.value == 0; }

// Attaches the conjuncts of a condition to the factors; false where one depends on more than either.
bool attach(const Program& p, Id condition, Product& product) {
  const Condition& c = p.conditions[condition];
  if (c.kind == Condition::Kind::kAnd) {
    return std::all_of(c.args.begin(), c.args.end(), [&](Id arg) { return attach(p, arg, product); });
  }
  for (int side = 0; side < 2; ++side) {
    if (c.depends & ~p.nodes[product.factors[side]].depends) continue;
    product.guards[side].push_back(condition);
    return true;
  }
  return false;
}

std::optional<Product> match(const Program& p) {
  Product product;
  product.fold = p.body;
  while (p.nodes[product.fold].kind == ExprKind::kCall && p.nodes[product.fold].fn == ScalarFn::kCast) {
    product.fold = p.nodes[product.fold].args[0];
  }
  const Node& fold = p.nodes[product.fold];
  if (fold.kind != ExprKind::kFold || fold.fold != FoldKind::kSum || fold.dtype == DType::boolean) return std::nullopt;
  if (fold.dtype == DType::f16 || fold.dtype == DType::bf16 || fold.dtype == DType::tf32) return std::nullopt;
  std::vector<Id> guards;
  Id body = fold.args[0];
  while (p.nodes[body].kind == ExprKind::kSelect && is_zero(p.nodes[p.nodes[body].args[1]])) {
    guards.push_back(p.nodes[body].condition);
    body = p.nodes[body].args[0];
  }
  const Node& node = p.nodes[body];
  if (node.kind != ExprKind::kCall || node.fn != ScalarFn::kMul || node.dtype != fold.dtype) return std::nullopt;
  product.factors[0] = node.args[0];
  product.factors[1] = node.args[1];
  if (!std::all_of(guards.begin(), guards.end(), [&](Id guard) { return attach(p, guard, product); })) {
    return std::nullopt;
  }
  for (Var v : p.result) {
    const bool in_first = p.nodes[product.factors[0]].depends >> v & 1;
    const bool in_second = p.nodes[product.factors[1]].depends >> v & 1;
    (in_first == in_second ? product.batch : product.free[in_second]).push_back(v);
  }
  product.folded = fold.variables;
  return product;
}

int64_t size_of(const Program& p, const std::vector<Var>& vars) {
  int64_t product = 1;
  for (Var v : vars) product *= p.sizes[v];
  return product;
}

// Offsets of all points of some variables, row-major, for one coefficient a variable.
template <class Coef>
std::vector<int64_t> offsets(const Program& p, const std::vector<Var>& vars, const Coef& coef) {
  std::vector<int64_t> result{0};
  for (Var v : vars) {
    std::vector<int64_t> next;
    next.reserve(result.size() * p.sizes[v]);
    for (int64_t offset : result) {
      for (int64_t i = 0; i < p.sizes[v]; ++i) next.push_back(offset + coef(v) * i);
    }
    result = std::move(next);
  }
  return result;
}

// A factor in memory: element (b, f, k) lies at batch[b] + free[f] + folded[k].
struct Source {
  TensorRef tensor;
  std::vector<int64_t> batch, free, folded;
};

Result<Source> source_of(const Program& p, const Product& product, int side, std::span<const TensorRef> operands,
                         const Limits& limits, const Stopwatch& watch) {
  const Node& node = p.nodes[product.factors[side]];
  Source source;
  if (node.kind == ExprKind::kRead && node.axes.empty() && node.offset.bent == 0 && product.guards[side].empty()) {
    const auto coef = [&](Var v) { return node.offset.coef(v); };
    source.tensor = operands[node.operand];
    source.batch = offsets(p, product.batch, coef);
    source.free = offsets(p, product.free[side], coef);
    source.folded = offsets(p, product.folded, coef);
    for (int64_t& offset : source.batch) offset += node.offset.base;
    return source;
  }
  Program dense = p;
  dense.result = product.batch;
  dense.result.insert(dense.result.end(), product.folded.begin(), product.folded.end());
  dense.result.insert(dense.result.end(), product.free[side].begin(), product.free[side].end());
  dense.body = product.factors[side];
  dense.dtype = node.dtype;
  if (!product.guards[side].empty()) {
    Condition all{Condition::Kind::kAnd, {}, product.guards[side], 0, 0};
    for (Id guard : all.args) all.depends |= dense.conditions[guard].depends;
    dense.conditions.push_back(all);
    Node zero, guarded;
    zero.dtype = guarded.dtype = node.dtype;
    guarded.kind = ExprKind::kSelect;
    guarded.condition = static_cast<Id>(dense.conditions.size() - 1);
    guarded.args = {dense.body, static_cast<Id>(dense.nodes.size())};
    guarded.depends = node.depends | all.depends;
    guarded.safe = false;
    dense.nodes.push_back(zero);
    dense.nodes.push_back(guarded);
    dense.body = static_cast<Id>(dense.nodes.size() - 1);
  }
  const int64_t free = size_of(p, product.free[side]), folded = size_of(p, product.folded);
  source.batch = offsets(p, product.batch, [](Var) { return 0; });
  source.folded = offsets(p, product.folded, [](Var) { return 0; });
  source.free = offsets(p, product.free[side], [](Var) { return 0; });
  for (size_t i = 0; i < source.batch.size(); ++i) source.batch[i] = static_cast<int64_t>(i) * folded * free;
  for (size_t i = 0; i < source.folded.size(); ++i) source.folded[i] = static_cast<int64_t>(i) * free;
  for (size_t i = 0; i < source.free.size(); ++i) source.free[i] = static_cast<int64_t>(i);
  auto tensor = std::make_shared<Tensor>(Type::tensor(node.dtype, {Dim(dense.count())}));
  merge_variables(dense);
  EGRET_TRY_VOID(run(dense, operands, tensor->bytes(), limits, watch));
  source.tensor = std::move(tensor);
  return source;
}

bool all_finite(const Tensor& tensor) {
  if (!is_float(tensor.dtype())) return true;
  return with_stored(tensor.dtype(), [&](auto zero) {
    using Stored = decltype(zero);
    const auto data = tensor.as<Stored>();
    return std::all_of(data.begin(), data.end(), [](Stored x) { return std::isfinite(load_lane<double>(x)); });
  });
}

// The inner loops.  A panel of the first factor holds kRows rows, k by k; one of the second kColumns columns.

constexpr int kRows = 4, kColumns = 8;

template <class T>
struct Vector {
  static constexpr int kLanes = 16 / sizeof(T);
  typedef T type __attribute__((vector_size(16)));
};

// c[kRows x kColumns] (row stride kTileN) += a * b over `depth`.
template <class T>
void multiply_block(const T* a, const T* b, int64_t depth, T* c) {
  using V = typename Vector<T>::type;
  constexpr int kLanes = Vector<T>::kLanes, kVectors = kColumns / kLanes;
  if constexpr (kVectors <= 4 && !std::is_same_v<T, int64_t>) {
    V sum[kRows][kVectors] = {};
    for (int64_t k = 0; k < depth; ++k, a += kRows, b += kColumns) {
      V right[kVectors];
      std::memcpy(right, b, sizeof(right));
      for (int r = 0; r < kRows; ++r) {
        for (int v = 0; v < kVectors; ++v) sum[r][v] += right[v] * a[r];
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int j = 0; j < kColumns; ++j) c[r * kTileN + j] += sum[r][j / kLanes][j % kLanes];
    }
  } else {
    for (int64_t k = 0; k < depth; ++k, a += kRows, b += kColumns) {
      for (int r = 0; r < kRows; ++r) {
        for (int j = 0; j < kColumns; ++j) {  // integers wrap
          c[r * kTileN + j] = static_cast<T>(uint64_t(c[r * kTileN + j]) + uint64_t(a[r]) * uint64_t(b[j]));
        }
      }
    }
  }
}

// panel[f / width][k][f % width] for free positions from `free_begin` and folded ones from `k_begin`; short panels end
// in zeros.
template <class T>
void pack(const Source& source, int64_t batch, int64_t free_begin, int64_t free_count, int64_t k_begin, int64_t k_count,
          int width, T* panel) {
  with_stored(source.tensor->dtype(), [&](auto zero) {
    using Stored = decltype(zero);
    const auto* data = reinterpret_cast<const Stored*>(source.tensor->bytes().data()) + source.batch[batch];
    for (int64_t f = 0; f < free_count; f += width) {
      const int live = static_cast<int>(std::min<int64_t>(width, free_count - f));
      for (int64_t k = 0; k < k_count; ++k, panel += width) {
        const Stored* row = data + source.folded[k_begin + k];
        for (int j = 0; j < live; ++j) panel[j] = load_lane<T>(row[source.free[free_begin + f + j]]);
        for (int j = live; j < width; ++j) panel[j] = T{};
      }
    }
  });
}

// The positions of the result: element (b, m, n) at batch[b] + free[0][m] + free[1][n].
struct Target {
  std::vector<int64_t> batch, free[2];
  DType dtype, sum_dtype;
  std::byte* out;
};

template <class T>
class Multiplication {
 public:
  Multiplication(const Source& first, const Source& second, const Target& target)
      : first_(first),
        second_(second),
        target_(target),
        m_(static_cast<int64_t>(first.free.size())),
        n_(static_cast<int64_t>(second.free.size())),
        k_(static_cast<int64_t>(first.folded.size())),
        tiles_m_((m_ + kTileM - 1) / kTileM),
        tiles_n_((n_ + kTileN - 1) / kTileN) {}

  Status run(const Limits& limits, const Stopwatch& watch) {
    const int64_t tiles = static_cast<int64_t>(first_.batch.size()) * tiles_m_ * tiles_n_;
    std::atomic<bool> expired{false};
    tbb::parallel_for(tbb::blocked_range<int64_t>(0, tiles), [&](const tbb::blocked_range<int64_t>& range) {
      std::vector<T> first(kTileM * kTileK), second(kTileN * kTileK), sums(kTileM * kTileN);
      for (int64_t t = range.begin(); t < range.end() && !expired.load(std::memory_order_relaxed); ++t) {
        tile(t, first.data(), second.data(), sums.data());
        if (watch.expired(limits)) expired = true;
      }
    });
    if (expired) return limit_error("evaluation was stopped");
    return {};
  }

 private:
  void tile(int64_t t, T* first, T* second, T* sums) const {
    const int64_t n = t % tiles_n_ * kTileN, m = t / tiles_n_ % tiles_m_ * kTileM, batch = t / tiles_n_ / tiles_m_;
    const int64_t rows = std::min(kTileM, m_ - m), columns = std::min(kTileN, n_ - n);
    std::fill_n(sums, (rows + kRows - 1) / kRows * kRows * kTileN, T{});
    for (int64_t k = 0; k < k_; k += kTileK) {
      const int64_t depth = std::min(kTileK, k_ - k);
      pack(first_, batch, m, rows, k, depth, kRows, first);
      pack(second_, batch, n, columns, k, depth, kColumns, second);
      for (int64_t c = 0; c < columns; c += kColumns) {
        for (int64_t r = 0; r < rows; r += kRows) {
          multiply_block(first + r * depth, second + c * depth, depth, sums + r * kTileN + c);
        }
      }
    }
    with_stored(target_.dtype, [&](auto zero) {
      using Stored = decltype(zero);
      auto* out = reinterpret_cast<Stored*>(target_.out) + target_.batch[batch];
      with_lane(target_.dtype, [&](auto lane) {
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < columns; ++c) {
            const T sum = settle(target_.sum_dtype, sums[r * kTileN + c]);
            out[target_.free[0][m + r] + target_.free[1][n + c]] =
                store_lane<Stored>(convert_lane<decltype(lane)>(target_.sum_dtype, target_.dtype, sum));
          }
        }
      });
    });
  }

  const Source& first_;
  const Source& second_;
  const Target& target_;
  int64_t m_, n_, k_, tiles_m_, tiles_n_;
};

// The part of a program where `v` lies in [begin, begin + size): its index is moved.
Program restrict_to(Program p, Var v, int64_t begin, int64_t size) {
  const auto shift = [&](Affine& a) { a.base += a.coef(v) * begin; };
  for (Atom& atom : p.atoms) shift(atom.a), shift(atom.b);
  for (Condition& condition : p.conditions) shift(condition.affine);
  for (Node& node : p.nodes) {
    shift(node.offset);
    for (Affine& axis : node.axes) shift(axis);
  }
  p.sizes[v] = size;
  return p;
}

Target target_of(const Program& p, const Program& whole, const Product& product, std::byte* out) {
  std::vector<int64_t> strides(kMaxVars, 0);
  int64_t stride = 1;
  for (size_t i = whole.result.size(); i-- > 0; stride *= whole.sizes[whole.result[i]])
    strides[whole.result[i]] = stride;
  const auto coef = [&](Var v) { return strides[v]; };
  return {offsets(p, product.batch, coef),
          {offsets(p, product.free[0], coef), offsets(p, product.free[1], coef)},
          p.dtype,
          p.nodes[product.fold].dtype,
          out};
}

}  // namespace

Result<bool> run_contraction(const Program& program, std::span<const TensorRef> operands, std::span<std::byte> out,
                             const Limits& limits, const Stopwatch& watch) {
  const std::optional<Product> product = match(program);
  if (!product) return false;
  const int64_t batch = size_of(program, product->batch), folded = size_of(program, product->folded);
  const int64_t m = size_of(program, product->free[0]), n = size_of(program, product->free[1]);
  if (folded < 2 || m * n < 8 || (std::min(m, n) < 4 && folded < 64)) return false;
  const Node& sum = program.nodes[product->fold];
  // Converted twice or through another type on the way out: leave it to the strips.
  if (program.body != product->fold && program.nodes[program.body].args[0] != product->fold) return false;
  if (program.body != product->fold && program.nodes[program.body].dtype != program.dtype) return false;

  // Large factors are written out in slices of one of the result's variables.
  Var slice = program.result.front();
  for (Var v : program.result) slice = program.sizes[v] > program.sizes[slice] ? v : slice;
  const int64_t largest = batch * folded * std::max(m, n);
  const int64_t size = program.sizes[slice];
  const int64_t slices = std::clamp<int64_t>((largest + kMaxDense - 1) / kMaxDense, 1, size);
  const int64_t step = (size + slices - 1) / slices;
  for (int64_t begin = 0; begin < size; begin += step) {
    const Program part = restrict_to(program, slice, begin, std::min(step, size - begin));
    EGRET_TRY(const Source first, source_of(part, *product, 0, operands, limits, watch));
    EGRET_TRY(const Source second, source_of(part, *product, 1, operands, limits, watch));
    if ((!product->guards[0].empty() && !all_finite(*second.tensor)) ||
        (!product->guards[1].empty() && !all_finite(*first.tensor))) {
      return false;
    }
    Target target = target_of(part, program, *product, out.data());
    for (int64_t& offset : target.batch) {
      for (size_t i = program.result.size(), stride = 1; i-- > 0; stride *= program.sizes[program.result[i]]) {
        if (program.result[i] == slice) offset += begin * static_cast<int64_t>(stride);
      }
    }
    EGRET_TRY_VOID(with_lane(sum.dtype, [&](auto zero) {
      return Multiplication<decltype(zero)>(first, second, target).run(limits, watch);
    }));
  }
  return true;
}

}  // namespace egret::strip
