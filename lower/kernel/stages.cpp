#include "lower/kernel/stages.h"

#include <algorithm>

#include "ir/inline.h"

namespace egret::lower {
namespace {

bool cheap(const GraphNode& n) {
  static const char* const kCostly[] = {"exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "erf", "logistic", "pow",
                                        "div", "sqrt", "rsqrt", "atan2", "rem"};
  return std::none_of(std::begin(kCostly), std::end(kCostly), [&](const char* name) { return n.op->name == name; });
}

// Whether the node reads its operands at the row that it is computed for itself: else they cannot be a row of scratch.
bool keeps_rows(const Graph& body, const BodyShape& shape, ValueId v) {
  if (shape.row_sizes.empty()) return true;  // all is one row
  const OpDef& op = *body.nodes[v].op;
  const bool passes = op.op_class == OpClass::kMap || op.op_class == OpClass::kReduction || op.name == "broadcast" || op.name == "transpose";
  return passes && shape.row_axes[v].size() == shape.row_sizes.size();
}

// Adds the values of a row class that are stages of their own: folds, results, and what several stages read and would
// recompute at a price: a costly function, or several reads.
void stage_values(const Graph& body, const BodyShape& shape, ValueId anchor, bool anchored, std::vector<uint8_t>& staged) {
  const size_t n = body.nodes.size();
  for (ValueId v = 0; v < n; ++v) staged[v] |= shape.is_fold[v];
  if (anchored) staged[anchor] = 1;
  for (const GraphOutput& o : body.outputs) staged[o.value] = 1;
  for (ValueId v = n; v-- > 0;) {
    const GraphNode& node = body.nodes[v];
    if (staged[v] || node.operands.empty() || node.op->op_class != OpClass::kMap) continue;
    if (anchored && !shape.after_fold[v]) continue;  // the prologue is inlined into the tiles
    if (shape.row_axes[v].size() != shape.row_sizes.size()) continue;
    int64_t row = body.type(v).elements_count();
    for (int64_t s : shape.row_sizes) row = s > 0 ? row / s : row;
    if (row > kMaxRow) continue;
    // Staged values that reach v through values that are inlined.
    std::vector<uint8_t> reaches(n, 0);
    int readers = 0;
    reaches[v] = 1;
    bool costly = !cheap(node) || node.operands.size() > 1, in_rows = true;
    for (ValueId u = v + 1; u < n; ++u) {
      bool reads = false;
      for (ValueId o : body.nodes[u].operands) reads |= reaches[o] != 0;
      if (!reads) continue;
      in_rows = in_rows && keeps_rows(body, shape, u);
      if (staged[u]) {
        ++readers;
      } else {
        reaches[u] = 1;
      }
    }
    if (readers >= 2 && costly && in_rows) staged[v] = 1;
  }
}

}  // namespace

Result<Stages> make_stages(const Kernel& kernel) {
  const Graph& body = kernel.body;
  const ScheduleClass schedule = kernel.plan.schedule;
  const BodyShape shape = body_shape(body, kernel.plan);
  const bool rows = has_rows(schedule), anchored = has_anchor(schedule);
  // What the second contraction of a pair reads of the first.
  std::optional<ValueId> folded;
  if (schedule == ScheduleClass::kContractionPair) {
    const auto& operands = body.nodes[kernel.plan.second].operands;
    folded = operands[shape.after_fold[operands[0]] ? 0 : 1];
  }

  std::vector<uint8_t> staged(body.nodes.size(), 0);
  if (rows) {
    if (folded) staged[*folded] = 1;
    stage_values(body, shape, kernel.plan.anchor, anchored, staged);
  } else {
    if (anchored) staged[kernel.plan.anchor] = 1;
    for (const GraphOutput& o : body.outputs) staged[o.value] = 1;
  }

  Stages out;
  out.row_sizes = shape.row_sizes;
  for (const GraphInput& input : body.inputs) out.ports.push_back(body.type(input.value));
  Inliner inliner(body);
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    if (!staged[v]) continue;
    EGRET_TRY(Comprehension meaning, inliner.meaning_of(v));
    Stage stage;
    stage.value = v;
    stage.meaning = std::move(meaning);
    if (rows) stage.row_axes = shape.row_axes[v];
    for (size_t r = 0; r < body.outputs.size(); ++r) {
      if (body.outputs[r].value == v) stage.output = static_cast<int>(r);
    }
    const int number = static_cast<int>(out.stages.size());
    if (anchored && v == kernel.plan.anchor) out.anchor = number;
    if (folded && v == kernel.plan.second) out.second = number;
    if (folded == v) out.folded = number;
    // A result of an element kernel can be read again only where it was just computed; those of a contraction each start
    // from the accumulator.
    if (schedule != ScheduleClass::kContraction || v == kernel.plan.anchor) {
      inliner.set_stage(v, number, schedule == ScheduleClass::kElement);
    }
    out.stages.push_back(std::move(stage));
  }
  return out;
}

std::vector<uint8_t> after_second(const Stages& stages) {
  std::vector<uint8_t> out(stages.stages.size(), 0);
  for (size_t s = 0; s < out.size(); ++s) {
    out[s] = static_cast<int>(s) == stages.second;
    for (const Expr& e : stages.stages[s].meaning.exprs) {
      if (e.kind == ExprKind::kRead && e.number >= stages.ports.size()) out[s] |= out[e.number - stages.ports.size()];
    }
  }
  return out;
}

std::vector<int> read_after_second(const Stages& stages) {
  const auto late = after_second(stages);
  std::vector<uint8_t> read(late.size(), 0);
  for (size_t s = 0; s < late.size(); ++s) {
    if (!late[s] || static_cast<int>(s) == stages.second) continue;
    for (const Expr& e : stages.stages[s].meaning.exprs) {
      if (e.kind == ExprKind::kRead && e.number >= stages.ports.size()) read[e.number - stages.ports.size()] = 1;
    }
  }
  std::vector<int> out;
  for (size_t s = 0; s < late.size(); ++s) {
    if (read[s] && !late[s]) out.push_back(static_cast<int>(s));
  }
  return out;
}

int64_t row_elements(const Stage& stage) {
  int64_t count = 1;
  for (int axis = 0; axis < stage.meaning.result.rank(); ++axis) {
    if (std::find(stage.row_axes.begin(), stage.row_axes.end(), axis) == stage.row_axes.end()) count *= stage.meaning.sizes[static_cast<size_t>(axis)];
  }
  return count;
}

bool rows_replace_sums(const Stages& stages) {
  if (stages.folded < 0 || stages.folded == stages.anchor) return false;
  const Stage &sums = stages.stages[static_cast<size_t>(stages.anchor)], &rows = stages.stages[static_cast<size_t>(stages.folded)];
  if (rows.meaning.result.dtype != sums.meaning.result.dtype || rows.meaning.result.rank() != sums.meaning.result.rank()) return false;
  const auto late = after_second(stages);
  for (size_t s = static_cast<size_t>(stages.folded); s < stages.stages.size(); ++s) {
    if (late[s]) continue;
    const Comprehension& meaning = stages.stages[s].meaning;
    for (const Expr& e : meaning.exprs) {
      if (e.kind != ExprKind::kRead || e.number < stages.ports.size()) continue;
      const int read = static_cast<int>(e.number - stages.ports.size());
      if (row_elements(stages.stages[static_cast<size_t>(read)]) == 1 && read != stages.anchor) continue;
      if (static_cast<int>(s) != stages.folded) {
        if (read != stages.folded) return false;
        continue;
      }
      if (read != stages.anchor) return false;
      for (size_t axis = 0; axis < e.args.size(); ++axis) {
        const Expr& index = meaning.exprs[e.args[axis]];
        if (index.kind != ExprKind::kIndex || index.number != axis) return false;
      }
    }
  }
  return true;
}

Result<std::vector<uint8_t>> shared_rows(const Stages& stages) {
  const Stage& second = stages.stages[static_cast<size_t>(stages.second)];
  EGRET_TRY(const Product product, product_of(second));
  std::vector<uint8_t> out;
  for (int axis : second.row_axes) {
    const auto v = static_cast<uint32_t>(axis);
    out.push_back(second.meaning.sizes[v] != 1 && std::count(product.batch.begin(), product.batch.end(), v) > 0);
  }
  return out;
}

Result<Product> product_of(const Stage& anchor) {
  auto product = egret::product_of(anchor.meaning);
  if (!product) return internal_error("the anchor of a contraction kernel is no sum of products");
  return *product;
}

}  // namespace egret::lower
