#include "lower/kernel/stages.h"

#include <algorithm>
#include <functional>
#include <map>

namespace egret::lower {
namespace {

// Writes the body into comprehensions by substituting operators' meanings into their readers.
class Inliner {
 public:
  explicit Inliner(const Graph& body) : body_(body), stage_of_(body.nodes.size(), -1), port_of_(body.nodes.size(), -1) {
    for (size_t p = 0; p < body.inputs.size(); ++p) port_of_[body.inputs[p].value] = static_cast<int>(p);
    meanings_.resize(body.nodes.size());
  }

  // From now on `v` is read from stage `stage`; `only_in_place`: only where it is read at the reader's own index.
  void set_stage(ValueId v, int stage, bool only_in_place) {
    stage_of_[v] = stage;
    if (only_in_place) in_place_only_.push_back(v);
  }

  Result<Comprehension> meaning_of(ValueId v) {
    EGRET_TRY_VOID(load(v));
    out_ = Comprehension{};
    out_.result = body_.type(v);
    out_.sizes = body_.type(v).sizes();
    memo_.clear();
    root_ = v;
    std::vector<ExprId> own;
    for (int i = 0; i < out_.result.rank(); ++i) own.push_back(index(static_cast<uint32_t>(i)));
    own_ = own;
    EGRET_TRY(out_.body, value(v, own));
    return std::move(out_);
  }

 private:
  ExprId index(uint32_t variable) {
    Expr e;
    e.kind = ExprKind::kIndex;
    e.number = variable;
    return out_.add(std::move(e));
  }

  Status load(ValueId v) {
    if (meanings_[v]) return {};
    const GraphNode& n = body_.nodes[v];
    EGRET_TRY(auto all, instantiate(*n.op, n.attrs, operand_types(body_, n)));
    meanings_[v] = std::make_unique<Comprehension>(std::move(all[0]));
    return {};
  }

  ExprId read(uint32_t operand, DType dtype, std::vector<ExprId> indices) {
    Expr e;
    e.kind = ExprKind::kRead;
    e.number = operand;
    e.dtype = dtype;
    e.args = std::move(indices);
    return out_.add(std::move(e));
  }

  Result<ExprId> value(ValueId v, const std::vector<ExprId>& indices) {
    if (port_of_[v] >= 0) return read(static_cast<uint32_t>(port_of_[v]), body_.type(v).dtype, indices);
    if (v != root_ && stage_of_[v] >= 0) {
      const bool restricted = std::find(in_place_only_.begin(), in_place_only_.end(), v) != in_place_only_.end();
      if (!restricted || indices == own_) {
        return read(static_cast<uint32_t>(body_.inputs.size() + stage_of_[v]), body_.type(v).dtype, indices);
      }
    }
    auto key = std::make_pair(v, indices);
    if (auto it = memo_.find(key); it != memo_.end()) return it->second;
    EGRET_TRY_VOID(load(v));
    const Comprehension& meaning = *meanings_[v];
    std::vector<ExprId> variables(meaning.sizes.size());
    for (size_t i = 0; i < indices.size(); ++i) variables[i] = indices[i];
    std::map<uint32_t, uint32_t> bound;  // a folded variable of the meaning -> of the result
    for (size_t i = indices.size(); i < meaning.sizes.size(); ++i) {
      bound[static_cast<uint32_t>(i)] = static_cast<uint32_t>(out_.sizes.size());
      variables[i] = index(static_cast<uint32_t>(out_.sizes.size()));
      out_.sizes.push_back(meaning.sizes[i]);
    }
    std::vector<ExprId> copied(meaning.exprs.size(), 0);
    EGRET_TRY_VOID(copy(v, meaning, variables, bound, copied));
    memo_[key] = copied[meaning.body];
    return copied[meaning.body];
  }

  Status copy(ValueId v, const Comprehension& meaning, const std::vector<ExprId>& variables,
              const std::map<uint32_t, uint32_t>& bound, std::vector<ExprId>& copied) {
    for (ExprId i = 0; i < meaning.exprs.size(); ++i) {
      const Expr& e = meaning.exprs[i];
      if (e.kind == ExprKind::kIndex) {
        copied[i] = variables[e.number];
        continue;
      }
      std::vector<ExprId> args;
      for (ExprId a : e.args) args.push_back(copied[a]);
      if (e.kind == ExprKind::kRead) {
        EGRET_TRY(copied[i], value(body_.nodes[v].operands[e.number], args));
        continue;
      }
      Expr c = e;
      c.args = std::move(args);
      for (uint32_t& variable : c.variables) variable = bound.at(variable);
      copied[i] = out_.add(std::move(c));
    }
    return {};
  }

  const Graph& body_;
  std::vector<int> stage_of_, port_of_;
  std::vector<ValueId> in_place_only_;
  std::vector<std::unique_ptr<Comprehension>> meanings_;
  Comprehension out_;
  ValueId root_ = 0;
  std::vector<ExprId> own_;
  std::map<std::pair<ValueId, std::vector<ExprId>>, ExprId> memo_;
};

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
