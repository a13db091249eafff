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

// Values of a row class that are stages of their own: folds, results, and what several of those read and would recompute
// at a price: a costly function, or several reads.
std::vector<uint8_t> staged_values(const Graph& body, const BodyShape& shape, ValueId anchor, bool has_anchor) {
  const size_t n = body.nodes.size();
  std::vector<uint8_t> staged(n, 0);
  for (ValueId v = 0; v < n; ++v) staged[v] = shape.is_fold[v];
  if (has_anchor) staged[anchor] = 1;
  for (const GraphOutput& o : body.outputs) staged[o.value] = 1;
  for (ValueId v = n; v-- > 0;) {
    const GraphNode& node = body.nodes[v];
    if (staged[v] || node.operands.empty() || node.op->op_class != OpClass::kMap) continue;
    if (has_anchor && !shape.after_fold[v]) continue;  // the prologue is inlined into the tiles
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
  return staged;
}

}  // namespace

Result<Stages> make_stages(const Kernel& kernel) {
  const Graph& body = kernel.body;
  const ScheduleClass schedule = kernel.plan.schedule;
  const bool rows = schedule == ScheduleClass::kRow || schedule == ScheduleClass::kContractionRow;
  const bool has_anchor = schedule == ScheduleClass::kContraction || schedule == ScheduleClass::kContractionRow;
  const BodyShape shape = body_shape(body, kernel.plan);

  std::vector<uint8_t> staged(body.nodes.size(), 0);
  if (rows) {
    staged = staged_values(body, shape, kernel.plan.anchor, has_anchor);
  } else {
    if (has_anchor) staged[kernel.plan.anchor] = 1;
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
    if (has_anchor && v == kernel.plan.anchor) out.anchor = number;
    // A result of an element kernel can be read again only where it was just computed; those of a contraction each start
    // from the accumulator.
    if (schedule != ScheduleClass::kContraction || v == kernel.plan.anchor) {
      inliner.set_stage(v, number, schedule == ScheduleClass::kElement);
    }
    out.stages.push_back(std::move(stage));
  }
  return out;
}

Result<Product> product_of(const Stage& anchor) {
  auto product = egret::product_of(anchor.meaning);
  if (!product) return internal_error("the anchor of a contraction kernel is no sum of products");
  return *product;
}

}  // namespace egret::lower
