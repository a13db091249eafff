#include "ir/kernel.h"

#include <algorithm>

#include <fmt/format.h>

#include "ir/operator_cache.h"
#include "ir/text/text.h"

namespace egret {

const char* to_string(ScheduleClass schedule) {
  switch (schedule) {
    case ScheduleClass::kAlias: return "alias";
    case ScheduleClass::kElement: return "element";
    case ScheduleClass::kRow: return "row";
    case ScheduleClass::kContraction: return "contraction";
    case ScheduleClass::kContractionRow: return "contraction_row";
    case ScheduleClass::kContractionPair: return "contraction_pair";
  }
  return "?";
}

namespace {

Result<AxisRoles> cached_roles(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  static OperatorCache<Result<AxisRoles>> cache;
  return cache.get(op, attrs, operands, [&] { return axis_roles(op, attrs, operands); });
}

Result<ContractionShape> shape_of(const Graph& body, ValueId contraction) {
  const GraphNode& node = body.nodes[contraction];
  return contraction_shape(*node.op, node.attrs, operand_types(body, node));
}

bool folds(const OpDef& op) {
  return op.op_class == OpClass::kReduction || op.op_class == OpClass::kContraction || op.op_class == OpClass::kWindow;
}

// Axes of all nodes, united where an element operator reads them at the same index.
class AxisClasses {
 public:
  explicit AxisClasses(const Graph& body) : body_(body) {
    for (const GraphNode& n : body.nodes) {
      first_.push_back(static_cast<int>(parent_.size()));
      for (int i = 0; i < n.type.rank(); ++i) parent_.push_back(static_cast<int>(parent_.size()));
    }
    for (ValueId v = 0; v < body.nodes.size(); ++v) unite_node(v);
  }
  int of(ValueId v, int axis) { return find(first_[v] + axis); }
  // The contraction's result axes at which its operand number `o` is read.
  void unite_factor(ValueId contraction, size_t o) {
    auto shape = shape_of(body_, contraction);
    if (!shape.ok()) return;
    const std::vector<int>& reads = shape->reads[o];
    for (size_t i = 0; i < reads.size(); ++i) {
      if (reads[i] < body_.type(contraction).rank()) unite(contraction, reads[i], body_.nodes[contraction].operands[o], static_cast<int>(i));
    }
  }

 private:
  int find(int x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
    return x;
  }
  void unite(ValueId a, int i, ValueId b, int j) {
    int x = find(first_[a] + i), y = find(first_[b] + j);
    if (x != y) parent_[std::max(x, y)] = std::min(x, y);
  }
  void unite_node(ValueId v) {
    const GraphNode& n = body_.nodes[v];
    const OpClass c = n.op->op_class;
    if (c == OpClass::kMap) {
      for (ValueId o : n.operands) {
        for (int i = 0; i < n.type.rank(); ++i) unite(v, i, o, i);
      }
    } else if (c == OpClass::kReduction || n.op->name == "broadcast" || n.op->name == "transpose") {
      auto roles = cached_roles(*n.op, n.attrs, operand_types(body_, n));
      if (!roles.ok()) return;
      for (size_t o = 0; o < n.operands.size(); ++o) {
        for (size_t i = 0; i < roles->operands[o].size(); ++i) {
          const AxisRole& role = roles->operands[o][i];
          if (role.use != AxisRole::Use::kPassed) continue;
          for (size_t r = 0; r < roles->results[0].size(); ++r) {
            const AxisRole& result = roles->results[0][r];
            if (result.group == role.group && result.ordinal == role.ordinal) {
              unite(v, static_cast<int>(r), n.operands[o], static_cast<int>(i));
            }
          }
        }
      }
    }
  }

  const Graph& body_;
  std::vector<int> first_, parent_;
};

struct Marks {
  std::vector<uint8_t> is_fold, after_fold, is_output;
  std::vector<int> readers;
};

Marks mark(const Graph& body) {
  const size_t n = body.nodes.size();
  Marks m{std::vector<uint8_t>(n), std::vector<uint8_t>(n), std::vector<uint8_t>(n), std::vector<int>(n)};
  for (ValueId v = 0; v < n; ++v) {
    m.is_fold[v] = folds(*body.nodes[v].op);
    m.after_fold[v] = m.is_fold[v];
    for (ValueId o : body.nodes[v].operands) {
      m.after_fold[v] |= m.after_fold[o];
      ++m.readers[o];
    }
  }
  for (const GraphOutput& o : body.outputs) m.is_output[o.value] = 1;
  return m;
}

// The parallel axes: classes that every node of `core` has exactly once.  Empty positions where a node lacks one.
// `second`: a contraction that folds rows of the core.
BodyShape row_shape(const Graph& body, const Marks& marks, const std::vector<uint8_t>& core, bool* ambiguous,
                    std::optional<ValueId> second = {}) {
  AxisClasses classes(body);
  if (second) {
    const auto& operands = body.nodes[*second].operands;
    for (size_t o = 0; o < std::min<size_t>(operands.size(), 2); ++o) {
      if (marks.after_fold[operands[o]]) classes.unite_factor(*second, o);
    }
  }
  BodyShape shape;
  shape.is_fold = marks.is_fold;
  shape.after_fold = marks.after_fold;
  std::vector<int> common;
  bool first = true;
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    if (!core[v]) continue;
    std::vector<int> here;
    for (int i = 0; i < body.type(v).rank(); ++i) here.push_back(classes.of(v, i));
    if (first) {
      common = here;
      first = false;
    } else {
      std::erase_if(common, [&](int c) { return std::find(here.begin(), here.end(), c) == here.end(); });
    }
    for (int c : common) {
      if (std::count(here.begin(), here.end(), c) > 1) *ambiguous = true;
    }
  }
  shape.row_axes.resize(body.nodes.size());
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    std::vector<int> places;
    for (int c : common) {
      int place = -1, count = 0;
      for (int i = 0; i < body.type(v).rank(); ++i) {
        if (classes.of(v, i) == c) {
          place = i;
          ++count;
        }
      }
      if (count == 1) places.push_back(place);
    }
    if (places.size() == common.size()) shape.row_axes[v] = places;
    if (core[v] && shape.row_sizes.empty()) {
      for (int p : places) shape.row_sizes.push_back(body.type(v).dims[p].value());
    }
  }
  return shape;
}

std::vector<int> sorted(std::vector<int> v) {
  std::sort(v.begin(), v.end());
  return v;
}

// Axes of `v` that are not parallel axes.
std::vector<int> inner_axes(const Graph& body, const BodyShape& shape, ValueId v) {
  std::vector<int> inner;
  for (int i = 0; i < body.type(v).rank(); ++i) {
    const auto& row = shape.row_axes[v];
    if (std::find(row.begin(), row.end(), i) == row.end()) inner.push_back(i);
  }
  return inner;
}

int64_t inner_size(const Graph& body, const BodyShape& shape, ValueId v) {
  int64_t size = 1;
  for (int i : inner_axes(body, shape, v)) size *= body.type(v).dims[i].value();
  return size;
}

PlanResult refuse(std::string reason) { return {std::nullopt, std::move(reason)}; }

bool same_dims(const Graph& body) {
  for (const GraphOutput& o : body.outputs) {
    if (body.type(o.value).dims != body.type(body.outputs[0].value).dims) return false;
  }
  return true;
}

PlanResult plan_element(const Graph& body, const Marks& marks) {
  if (!same_dims(body)) return refuse("results of different sizes");
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    const GraphNode& n = body.nodes[v];
    if (!marks.after_fold[v]) continue;
    if (marks.is_fold[v]) {
      for (ValueId o : n.operands) {
        if (marks.after_fold[o]) return refuse("a fold inside a fold");
      }
      if (marks.readers[v] > 1 && body.outputs.size() > 1 && !marks.is_output[v]) {
        return refuse("a fold feeds several results");
      }
      continue;
    }
    if (n.op->op_class != OpClass::kMap) {
      // Each fold must feed one element: what moves its elements may not repeat them.
      for (ValueId o : n.operands) {
        if (marks.after_fold[o] && (marks.readers[o] > 1 || body.type(v).elements_count() > body.type(o).elements_count())) {
          return refuse("a fold would be computed again for several elements");
        }
      }
    }
  }
  return {KernelPlan{ScheduleClass::kElement, 0, 0, {}}, ""};
}

PlanResult plan_row(const Graph& body, const Marks& marks) {
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    const GraphNode& n = body.nodes[v];
    if (marks.is_output[v] && !marks.after_fold[v]) return refuse("a result that depends on no fold");
    if (!marks.after_fold[v]) continue;
    if (!marks.is_fold[v] && n.op->op_class != OpClass::kMap && n.op->name != "broadcast") {
      return refuse("elements move after a fold: " + n.op->name);
    }
  }
  bool ambiguous = false;
  const BodyShape shape = row_shape(body, marks, marks.after_fold, &ambiguous);
  if (ambiguous) return refuse("one axis stands twice");
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    if (marks.after_fold[v] && inner_size(body, shape, v) > kMaxRow && !marks.is_output[v]) {
      return refuse("a row is longer than scratch memory holds");
    }
    // What a fold reads must be indexed by the row that is computed.
    if (marks.is_fold[v] && !shape.row_sizes.empty()) {
      for (ValueId o : body.nodes[v].operands) {
        if (marks.after_fold[o] && shape.row_axes[o].size() != shape.row_sizes.size()) {
          return refuse("folds over different rows");
        }
      }
    }
  }
  return {KernelPlan{ScheduleClass::kRow, 0, 0, {}}, ""};
}

PlanResult plan_contraction(const Graph& body, const Marks& marks, ValueId anchor) {
  bool reductions_after = false;
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    const GraphNode& n = body.nodes[v];
    if (marks.is_output[v] && !marks.after_fold[v]) return refuse("a result that does not depend on the contraction");
    if (v == anchor || !marks.after_fold[v]) continue;
    if (n.op->op_class == OpClass::kReduction) {
      bool reads_core = false;
      for (ValueId o : n.operands) reads_core |= marks.after_fold[o] != 0;
      if (!reads_core) return refuse("a fold before or beside the contraction");
      reductions_after = true;
    } else if (n.op->op_class != OpClass::kMap && n.op->name != "broadcast" && n.op->name != "transpose") {
      return refuse("elements move after the contraction: " + n.op->name);
    }
  }
  for (ValueId o : body.nodes[anchor].operands) {
    if (marks.after_fold[o]) return refuse("a fold before the contraction");
  }
  auto shape = shape_of(body, anchor);
  if (!shape.ok()) return refuse(shape.error().message);

  if (!reductions_after) {
    if (!same_dims(body)) return refuse("results of different sizes");
    for (ValueId v = 0; v < body.nodes.size(); ++v) {
      if (marks.after_fold[v] && body.type(v).elements_count() > body.type(anchor).elements_count()) {
        return refuse("the contraction would be computed again for several elements");
      }
      if (marks.after_fold[v] && v != anchor && body.nodes[v].op->name == "transpose" && body.outputs.size() > 1) {
        return refuse("several results in different orders of axes");
      }
    }
    return {KernelPlan{ScheduleClass::kContraction, anchor, 0, {128, 128, 32}}, ""};
  }

  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    if (marks.after_fold[v] && v != anchor && body.nodes[v].op->name == "transpose") {
      return refuse("axes move between the contraction and a reduction");
    }
  }
  bool ambiguous = false;
  const BodyShape rows = row_shape(body, marks, marks.after_fold, &ambiguous);
  if (ambiguous) return refuse("one axis stands twice");
  const auto inner = inner_axes(body, rows, anchor);
  const bool over_n = sorted(inner) == sorted(shape->n), over_m = sorted(inner) == sorted(shape->m);
  if (inner.empty() || (!over_n && !over_m)) return refuse("the reduction is not over the axes of one operand");
  int64_t scratch = 0;
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    if (!marks.after_fold[v]) continue;
    if (rows.row_axes[v].size() != rows.row_sizes.size()) return refuse("folds over different rows");
    scratch = std::max(scratch, inner_size(body, rows, v));
  }
  if (scratch > kMaxContractionRow) return refuse("a row of the contraction is longer than scratch memory holds");
  return {KernelPlan{ScheduleClass::kContractionRow, anchor, 0, {16, inner_size(body, rows, anchor), 32}}, ""};
}

// Nodes that are or depend on `from`.
std::vector<uint8_t> dependants(const Graph& body, ValueId from) {
  std::vector<uint8_t> out(body.nodes.size(), 0);
  out[from] = 1;
  for (ValueId v = from + 1; v < body.nodes.size(); ++v) {
    for (ValueId o : body.nodes[v].operands) out[v] |= out[o];
  }
  return out;
}

// A product `first`, what is done to its rows, and a product `second` that folds them: who stands where.
PlanResult pair_order(const Graph& body, const Marks& marks, ValueId first, ValueId second) {
  const std::vector<uint8_t> after = dependants(body, first), late = dependants(body, second);
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    const GraphNode& n = body.nodes[v];
    if (marks.is_output[v] && !after[v]) return refuse("a result that does not depend on the contraction");
    if (!marks.after_fold[v]) continue;
    if (!after[v]) return refuse("a fold before or beside the contraction");
    if (v == first || v == second) continue;
    if (n.op->op_class == OpClass::kReduction) {
      if (late[v]) return refuse("a reduction after the second contraction");
    } else if (n.op->op_class != OpClass::kMap && n.op->name != "broadcast" && !(n.op->name == "transpose" && late[v])) {
      return refuse("elements move after the contraction: " + n.op->name);
    }
    if (late[v] && body.type(v).elements_count() > body.type(second).elements_count()) {
      return refuse("the second contraction would be computed again for several elements");
    }
  }
  return {KernelPlan{ScheduleClass::kContractionPair, first, second, {}}, ""};
}

// Columns of a second contraction: each block of rows reads all of its other factor, which pays while that is narrow (a head
// of attention); between wide layers two kernels read their factors less often.
constexpr int64_t kMaxFoldedColumns = 256;

PlanResult plan_pair(const Graph& body, const Marks& marks, ValueId first, ValueId second) {
  const std::vector<uint8_t> late = dependants(body, second);
  const GraphNode& z = body.nodes[second];
  const auto shape = shape_of(body, first), folding = shape_of(body, second);
  if (!shape.ok()) return refuse(shape.error().message);
  if (!folding.ok()) return refuse(folding.error().message);
  if (z.operands.size() != 2 || (marks.after_fold[z.operands[0]] != 0) == (marks.after_fold[z.operands[1]] != 0)) {
    return refuse("two contractions");
  }
  PlanResult plan = pair_order(body, marks, first, second);
  if (!plan.plan) return plan;
  const size_t side = marks.after_fold[z.operands[0]] ? 0 : 1;
  const auto &left = folding->reads[side], &other = folding->reads[1 - side];
  if (left.empty() || other.empty()) return refuse("the second contraction is no product of matrices");

  bool ambiguous = false;
  const BodyShape rows = row_shape(body, marks, marks.after_fold, &ambiguous, second);
  if (ambiguous) return refuse("one axis stands twice");
  const auto inner = inner_axes(body, rows, first);
  if (inner.empty() || (sorted(inner) != sorted(shape->n) && sorted(inner) != sorted(shape->m))) {
    return refuse("the rows are not along the axes of one operand");
  }
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    if (!marks.after_fold[v]) continue;
    if (rows.row_axes[v].size() != rows.row_sizes.size()) return refuse("folds over different rows");
    if (inner_size(body, rows, v) > kMaxContractionRow) return refuse("a row of the contraction is longer than scratch memory holds");
    if (!late[v] || v == second) continue;
    for (ValueId o : body.nodes[v].operands) {
      if (late[o]) continue;
      // Values of whole rows, repeated along the new ones.
      while (marks.after_fold[o] && body.nodes[o].op->name == "broadcast" && !marks.is_output[o]) o = body.nodes[o].operands[0];
      if (marks.after_fold[o] && inner_size(body, rows, o) != 1) return refuse("elements of a row are read after it was folded");
    }
  }
  if (inner_size(body, rows, second) > kMaxFoldedColumns) return refuse("the second contraction is wider than a head");
  // The second contraction folds whole rows, element by element in their order.
  const int rank = z.type.rank();
  int next = rank;
  for (int axis : inner_axes(body, rows, z.operands[side])) {
    if (left[static_cast<size_t>(axis)] != next++) return refuse("the second contraction does not fold the rows in their order");
  }
  const auto& z_rows = rows.row_axes[second];
  int folded = 0;
  for (int variable : other) {
    folded += variable >= rank;
    const auto at = std::find(z_rows.begin(), z_rows.end(), variable);
    if (at == z_rows.end()) continue;
    const int axis = rows.row_axes[first][static_cast<size_t>(at - z_rows.begin())];
    if (z.type.dims[variable].value() != 1 && std::count(shape->batch.begin(), shape->batch.end(), axis) == 0) {
      return refuse("the second contraction's other factor differs from row to row");
    }
  }
  if (next == rank || folded != next - rank) return refuse("the second contraction does not fold the rows");
  plan.plan->tile = {16, inner_size(body, rows, first), 32};
  return plan;
}

}  // namespace

PlanResult plan_kernel(const Graph& body) {
  if (body.nodes.size() > kMaxBodyNodes + body.inputs.size()) return refuse("too many operators");
  if (body.inputs.size() + body.outputs.size() > kMaxPorts) return refuse("too many ports");
  if (body.outputs.empty()) return refuse("no result");
  int contractions = 0, reductions = 0, windows = 0, operators = 0;
  ValueId anchor = 0, last = 0;
  bool nested = false, trailing = false;
  const Marks marks = mark(body);
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    const GraphNode& n = body.nodes[v];
    if (!n.type.is_tensor() || !n.type.is_static()) return refuse("a value that is no tensor of known sizes");
    if (n.op->name == "input") {
      if (marks.is_output[v]) return refuse("a port is a result");
      continue;
    }
    ++operators;
    if (!n.op->definition || n.op->purity != Purity::kPure || n.op->name == "constant") {
      return refuse(n.op->name + " has no place in a kernel");
    }
    if (marks.readers[v] == 0 && !marks.is_output[v]) return refuse("an operator that no result needs");
    if (n.op->op_class == OpClass::kContraction) anchor = contractions++ ? anchor : v, last = v;
    if (n.op->op_class == OpClass::kWindow) ++windows;
    if (n.op->op_class == OpClass::kReduction) {
      ++reductions;
      for (ValueId o : n.operands) nested |= marks.after_fold[o] != 0;
      const int rank = body.type(n.operands[0]).rank();
      auto roles = cached_roles(*n.op, n.attrs, operand_types(body, n));
      trailing |= rank > 0 && roles.ok() && roles->operands[0].back().use == AxisRole::Use::kFolded;
    }
    for (ValueId o : n.operands) {
      if (body.nodes[o].op->name == "constant") return refuse("a literal is a port");
    }
  }
  if (operators == 1 && body.nodes[body.outputs[0].value].op->name == "reshape") {
    return {KernelPlan{ScheduleClass::kAlias, 0, 0, {}}, ""};
  }
  if (contractions > 2) return refuse("more than two contractions");
  if (contractions > 0 && windows > 0) return refuse("a window beside a contraction");
  if (contractions == 2) return plan_pair(body, marks, anchor, last);
  if (contractions == 1) return plan_contraction(body, marks, anchor);
  PlanResult element = plan_element(body, marks);
  const bool prefers_rows = reductions > 0 && windows == 0 && (nested || trailing);
  if (element.plan && !prefers_rows) return element;
  if (reductions > 0 && windows == 0) {
    PlanResult row = plan_row(body, marks);
    if (row.plan || !element.plan) return row;
  }
  return element;
}

BodyShape body_shape(const Graph& body, const KernelPlan& plan) {
  const Marks marks = mark(body);
  if (has_rows(plan.schedule)) {
    bool ambiguous = false;
    const bool pair = plan.schedule == ScheduleClass::kContractionPair;
    return row_shape(body, marks, marks.after_fold, &ambiguous, pair ? std::optional(plan.second) : std::nullopt);
  }
  BodyShape shape;
  shape.is_fold = marks.is_fold;
  shape.after_fold = marks.after_fold;
  shape.row_axes.resize(body.nodes.size());
  return shape;
}

Result<Kernel> kernel_of(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  GraphBuilder builder("kernel");
  std::vector<ValueId> ports;
  for (size_t i = 0; i < operands.size(); ++i) ports.push_back(builder.input(fmt::format("p{}", i), operands[i]));
  EGRET_TRY(ValueId result, builder.add(op, ports, attrs));
  builder.output(result, "r0");
  Kernel kernel{builder.take(), {}};
  PlanResult plan = plan_kernel(kernel.body);
  if (!plan.plan) return unsupported_error(op.name + " cannot be a kernel: " + plan.reason);
  kernel.plan = *plan.plan;
  return kernel;
}

std::string body_text(const Graph& body) {
  Graph copy = body;
  copy.name = "kernel";
  uint32_t ports = 0, values = 0, results = 0;
  for (GraphNode& n : copy.nodes) {
    if (n.op->name == "input") {
      n.name = fmt::format("p{}", ports++);
      n.attrs["name"] = n.name;
    } else {
      n.name = fmt::format("v{}", values++);
    }
  }
  for (GraphOutput& o : copy.outputs) o.name = fmt::format("r{}", results++);
  for (GraphInput& i : copy.inputs) {
    i.role = InputRole::kData;
    i.data = nullptr;
  }
  return print(copy);
}

}  // namespace egret
