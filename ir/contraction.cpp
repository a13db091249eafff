// What a sum of products of two factors does with its variables: product_of, contraction_shape (ir/kernel.h).
#include <algorithm>

#include "ir/kernel.h"
#include "ir/operator_cache.h"

namespace egret {
namespace {

// Which variables an expression uses, as a bit a variable (comprehensions have few).
std::vector<uint64_t> variables_used(const Comprehension& meaning) {
  std::vector<uint64_t> used(meaning.exprs.size(), 0);
  for (size_t i = 0; i < meaning.exprs.size(); ++i) {
    const Expr& e = meaning.exprs[i];
    if (e.kind == ExprKind::kIndex && e.number < 64) used[i] |= uint64_t{1} << e.number;
    for (ExprId a : e.args) used[i] |= used[a];
    if (e.kind == ExprKind::kFold) {
      for (uint32_t v : e.variables) {
        if (v < 64) used[i] &= ~(uint64_t{1} << v);
      }
    }
  }
  return used;
}

}  // namespace

std::optional<Product> product_of(const Comprehension& meaning) {
  if (meaning.sizes.size() > 64) return std::nullopt;
  Product p;
  ExprId at = meaning.body;
  // A rounding of the accumulator to the result's type may stand around the fold.
  while (meaning.exprs[at].kind == ExprKind::kCall && meaning.exprs[at].fn == ScalarFn::kCast) at = meaning.exprs[at].args[0];
  const Expr& fold = meaning.exprs[at];
  if (fold.kind != ExprKind::kFold || fold.fold != FoldKind::kSum) return std::nullopt;
  ExprId body = fold.args[0];
  std::optional<ExprId> guard;
  if (const Expr& item = meaning.exprs[body]; item.kind == ExprKind::kSelect) {
    // What lies outside of a border counts as zero.
    const Expr& otherwise = meaning.exprs[item.args[2]];
    if (otherwise.kind != ExprKind::kNumber || otherwise.value != 0) return std::nullopt;
    guard = item.args[0];
    body = item.args[1];
  }
  const Expr& product = meaning.exprs[body];
  if (product.kind != ExprKind::kCall || product.fn != ScalarFn::kMul) return std::nullopt;
  p.fold = at;
  p.left = product.args[0];
  p.right = product.args[1];
  p.k = fold.variables;
  const auto used = variables_used(meaning);
  for (int v = 0; v < meaning.result.rank(); ++v) {
    const bool left = (used[p.left] | (guard ? used[*guard] : 0)) >> v & 1, right = used[p.right] >> v & 1;
    if (left && !right) {
      p.m.push_back(v);
    } else if (right && !left) {
      p.n.push_back(v);
    } else {
      p.batch.push_back(v);
    }
  }
  return p;
}

namespace {

// Variables by axis of the operand that the factor reads, as ContractionShape::reads.
std::vector<int> plain_read(const Comprehension& meaning, ExprId factor, uint32_t operand, const std::vector<uint32_t>& k) {
  const Expr& read = meaning.exprs[factor];
  std::vector<int> out;
  if (read.kind != ExprKind::kRead || read.number != operand) return {};
  for (ExprId a : read.args) {
    const Expr& index = meaning.exprs[a];
    if (index.kind != ExprKind::kIndex) return {};
    int variable = static_cast<int>(index.number);
    if (variable >= meaning.result.rank()) {
      variable = meaning.result.rank() + static_cast<int>(std::find(k.begin(), k.end(), index.number) - k.begin());
    }
    if (std::find(out.begin(), out.end(), variable) != out.end()) return {};
    out.push_back(variable);
  }
  return out;
}

Result<ContractionShape> compute_contraction_shape(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  EGRET_TRY(auto meanings, instantiate(op, attrs, operands));
  if (meanings.size() != 1) return input_error(op.name + " has several results");
  const Comprehension& meaning = meanings[0];
  auto product = product_of(meaning);
  if (!product) return input_error(op.name + " is not a sum of products");
  ContractionShape shape;
  auto take = [&](const std::vector<uint32_t>& variables, std::vector<int>* axes, int64_t* size) {
    for (uint32_t v : variables) {
      if (axes) axes->push_back(static_cast<int>(v));
      *size *= meaning.sizes[v];
    }
  };
  take(product->batch, &shape.batch, &shape.batch_size);
  take(product->m, &shape.m, &shape.m_size);
  take(product->n, &shape.n, &shape.n_size);
  take(product->k, nullptr, &shape.k_size);
  const bool guarded = meaning.exprs[meaning.exprs[product->fold].args[0]].kind == ExprKind::kSelect;
  if (!guarded && operands.size() == 2) {
    shape.reads = {plain_read(meaning, product->left, 0, product->k), plain_read(meaning, product->right, 1, product->k)};
  }
  // A folded variable that meets a result variable in one index walks a window.
  const auto used = variables_used(meaning);
  const uint64_t results = meaning.result.rank() >= 64 ? ~uint64_t{0} : (uint64_t{1} << meaning.result.rank()) - 1;
  uint64_t windows = 0;
  for (const Expr& e : meaning.exprs) {
    if (e.kind != ExprKind::kRead) continue;
    for (ExprId a : e.args) {
      const auto kind = meaning.exprs[a].kind;
      if ((kind == ExprKind::kAdd || kind == ExprKind::kSub) && (used[a] & results)) windows |= used[a] & ~results;
    }
  }
  for (uint32_t v : product->k) {
    if (windows >> v & 1) shape.taps *= meaning.sizes[v];
  }
  return shape;
}

}  // namespace

Result<ContractionShape> contraction_shape(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  static OperatorCache<Result<ContractionShape>> cache;
  return cache.get(op, attrs, operands, [&] { return compute_contraction_shape(op, attrs, operands); });
}

}  // namespace egret
