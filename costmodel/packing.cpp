#include "costmodel/packing.h"

#include <algorithm>
#include <numeric>

#include "ir/evaluate/scalar_functions.h"
#include "ir/inline.h"

namespace egret {
namespace {

constexpr int64_t kWidestPanel = 128;  // elements from a step of the fold to the next that still count as a panel

int64_t index_value(const Comprehension& meaning, ExprId id, const std::vector<int64_t>& at, bool* known) {
  const Expr& e = meaning.exprs[id];
  if (e.kind == ExprKind::kIndex && e.number < at.size()) return at[e.number];
  if (e.kind == ExprKind::kInt) return e.integer;
  if (e.args.size() != 2) {
    *known = false;
    return 0;
  }
  const int64_t a = index_value(meaning, e.args[0], at, known), b = index_value(meaning, e.args[1], at, known);
  switch (e.kind) {
    case ExprKind::kAdd: return a + b;
    case ExprKind::kSub: return a - b;
    case ExprKind::kMul: return a * b;
    case ExprKind::kDiv: return b > 0 ? floor_div(a, b) : 0;
    case ExprKind::kMod: return b > 0 ? floor_mod(a, b) : 0;
    case ExprKind::kMin: return std::min(a, b);
    case ExprKind::kMax: return std::max(a, b);
    default: *known = false; return 0;
  }
}

// Where the port has the element that `moved`, a reading of it, takes for the index `at`, in row-major order; nullopt where
// data has a say.
std::optional<int64_t> address(const Comprehension& moved, const Type& port, const std::vector<int64_t>& at) {
  const Expr& read = moved.exprs[moved.body];
  int64_t place = 0;
  bool known = true;
  for (size_t i = 0; i < read.args.size(); ++i) place = place * port.dims[i].value() + index_value(moved, read.args[i], at, &known);
  return known ? std::optional(place) : std::nullopt;
}

// The anchor's axes in the order in which the first result stores them.
std::vector<int> stored_order(const Graph& body, ValueId anchor) {
  std::vector<std::vector<int>> order(body.nodes.size());
  order[anchor].resize(static_cast<size_t>(body.type(anchor).rank()));
  std::iota(order[anchor].begin(), order[anchor].end(), 0);
  for (ValueId v = anchor + 1; v < body.nodes.size(); ++v) {
    const GraphNode& node = body.nodes[v];
    for (ValueId o : node.operands) {
      if (order[o].empty() || static_cast<int>(order[o].size()) != node.type.rank()) continue;
      order[v] = order[o];
      if (node.op->name == "transpose") {
        const auto perm = ints(node.attrs, "perm");
        for (size_t i = 0; i < perm.size(); ++i) order[v][i] = order[o][static_cast<size_t>(perm[i])];
      }
      break;
    }
  }
  const auto& found = order[body.outputs[0].value];
  return found.empty() ? order[anchor] : found;
}

// Of the contraction `v`, whose vectors run along the last of `axes` that one factor alone uses.
double packed_bytes(const Graph& body, ValueId v, const std::vector<int>& axes) {
  const GraphNode& node = body.nodes[v];
  auto meanings = instantiate(*node.op, node.attrs, operand_types(body, node));
  if (!meanings.ok() || meanings->size() != 1) return 0;
  const Comprehension& meaning = meanings->front();
  const auto product = product_of(meaning);
  if (!product) return 0;
  auto size = [&](uint32_t axis) { return meaning.sizes[axis]; };
  auto has = [](const std::vector<uint32_t>& group, int axis) { return std::ranges::count(group, static_cast<uint32_t>(axis)) > 0; };

  const auto inner = std::find_if(axes.rbegin(), axes.rend(), [&](int a) {
    return size(static_cast<uint32_t>(a)) > 1 && (has(product->m, a) || has(product->n, a));
  });
  if (inner == axes.rend()) return 0;
  const bool left = has(product->m, *inner);
  int64_t rows = 1, elements = 1;
  for (uint32_t axis : left ? product->n : product->m) rows *= size(axis);
  if (rows <= kFewProductRows) return 0;
  for (const auto* group : {&product->batch, left ? &product->m : &product->n, &product->k}) {
    for (uint32_t axis : *group) elements *= size(axis);
  }
  const double bytes = static_cast<double>(elements) * static_cast<double>(size_in_bytes(node.type.dtype));

  const Expr& factor = meaning.exprs[left ? product->left : product->right];
  const bool plain = factor.kind == ExprKind::kRead && std::ranges::all_of(factor.args, [&](ExprId a) { return meaning.exprs[a].kind == ExprKind::kIndex; });
  if (!plain) return 0;  // windows are packed however they lie
  const auto step = std::find_if(product->k.rbegin(), product->k.rend(), [&](uint32_t axis) { return size(axis) > 1; });
  if (step == product->k.rend()) return 0;
  const auto moved = Inliner(body).meaning_of(node.operands[factor.number]);
  if (!moved.ok() || moved->exprs[moved->body].kind != ExprKind::kRead) return bytes;  // more than moving is done
  const Type& port = body.type(body.inputs[moved->exprs[moved->body].number].value);
  auto place = [&](std::optional<uint32_t> stepped) {
    std::vector<int64_t> indices;
    for (ExprId a : factor.args) indices.push_back(meaning.exprs[a].number == stepped);
    return address(*moved, port, indices);
  };
  const auto first = place({}), along = place(static_cast<uint32_t>(*inner)), next = place(*step);
  const bool in_panels = first && along && next && *along - *first == 1 && *next - *first > 0 && *next - *first <= kWidestPanel;
  return in_panels ? 0 : bytes;
}

}  // namespace

int64_t panel_width(int64_t columns) { return columns % 64 == 0 ? 64 : columns % 32 == 0 ? 32 : 0; }

double packed_bytes(const Kernel& kernel) {
  const KernelPlan& plan = kernel.plan;
  if (!has_anchor(plan.schedule)) return 0;
  const Graph& body = kernel.body;
  // The vectors' side: that of the innermost axis stored, or inside of the rows.
  if (!has_rows(plan.schedule)) return packed_bytes(body, plan.anchor, stored_order(body, plan.anchor));
  const BodyShape shape = body_shape(body, plan);
  auto inside = [&](ValueId v) {
    std::vector<int> axes(static_cast<size_t>(body.type(v).rank()));
    std::iota(axes.begin(), axes.end(), 0);
    std::erase_if(axes, [&](int a) { return std::ranges::count(shape.row_axes[v], a) > 0; });
    return axes;
  };
  double bytes = packed_bytes(body, plan.anchor, inside(plan.anchor));
  if (plan.schedule == ScheduleClass::kContractionPair) {
    const GraphNode& node = body.nodes[plan.second];
    auto folding = contraction_shape(*node.op, node.attrs, operand_types(body, node));
    if (!folding.ok()) return bytes;
    const int64_t rows = shape.after_fold[node.operands[0]] ? folding->m_size : folding->n_size;
    const int64_t block = rows_of_block(plan.tile[1] * size_in_bytes(body.type(plan.anchor).dtype));
    bytes += packed_bytes(body, plan.second, inside(plan.second)) * static_cast<double>((rows + block - 1) / block);
  }
  return bytes;
}

}  // namespace egret
