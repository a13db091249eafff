#include "ir/kernel.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>

#include <fmt/format.h>

#include "ir/text/text.h"
#include "support/hash.h"

namespace egret {

const char* to_string(ScheduleClass schedule) {
  switch (schedule) {
    case ScheduleClass::kAlias: return "alias";
    case ScheduleClass::kElement: return "element";
    case ScheduleClass::kRow: return "row";
    case ScheduleClass::kContraction: return "contraction";
    case ScheduleClass::kContractionRow: return "contraction_row";
  }
  return "?";
}

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

// What depends on an operator, its attributes and its operands' types alone is computed once a process: enumeration asks
// the same questions of thousands of bodies.
template <class T>
class OperatorCache {
 public:
  template <class Compute>
  T get(const OpDef& op, const Attrs& attrs, std::span<const Type> operands, Compute compute) {
    uint64_t types = operands.size();
    for (const Type& t : operands) types = hash_combine(types, t.hash());
    const auto key = std::make_tuple(&op, hash(attrs), types);
    {
      std::shared_lock lock(mutex_);
      if (auto it = rows_.find(key); it != rows_.end()) return it->second;
    }
    T value = compute();
    std::unique_lock lock(mutex_);
    return rows_.try_emplace(key, std::move(value)).first->second;
  }

 private:
  std::shared_mutex mutex_;
  std::map<std::tuple<const OpDef*, uint64_t, uint64_t>, T> rows_;
};

Result<ContractionShape> compute_contraction_shape(const OpDef& op, const Attrs& attrs, std::span<const Type> operands);

Result<AxisRoles> cached_roles(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  static OperatorCache<Result<AxisRoles>> cache;
  return cache.get(op, attrs, operands, [&] { return axis_roles(op, attrs, operands); });
}

}  // namespace

Result<ContractionShape> contraction_shape(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  static OperatorCache<Result<ContractionShape>> cache;
  return cache.get(op, attrs, operands, [&] { return compute_contraction_shape(op, attrs, operands); });
}

namespace {

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
BodyShape row_shape(const Graph& body, const Marks& marks, const std::vector<uint8_t>& core, bool* ambiguous) {
  AxisClasses classes(body);
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
  return {KernelPlan{ScheduleClass::kElement, 0, {}}, ""};
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
  return {KernelPlan{ScheduleClass::kRow, 0, {}}, ""};
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
  auto shape = contraction_shape(*body.nodes[anchor].op, body.nodes[anchor].attrs, operand_types(body, body.nodes[anchor]));
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
    return {KernelPlan{ScheduleClass::kContraction, anchor, {128, 128, 32}}, ""};
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
  return {KernelPlan{ScheduleClass::kContractionRow, anchor, {16, inner_size(body, rows, anchor), 32}}, ""};
}

}  // namespace

PlanResult plan_kernel(const Graph& body) {
  if (body.nodes.size() > kMaxBodyNodes + body.inputs.size()) return refuse("too many operators");
  if (body.inputs.size() + body.outputs.size() > kMaxPorts) return refuse("too many ports");
  if (body.outputs.empty()) return refuse("no result");
  int contractions = 0, reductions = 0, windows = 0, operators = 0;
  ValueId anchor = 0;
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
    if (n.op->op_class == OpClass::kContraction) ++contractions, anchor = v;
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
    return {KernelPlan{ScheduleClass::kAlias, 0, {}}, ""};
  }
  if (contractions > 1) return refuse("two contractions");
  if (contractions == 1) {
    if (windows > 0) return refuse("a window beside a contraction");
    return plan_contraction(body, marks, anchor);
  }
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
  if (plan.schedule == ScheduleClass::kRow || plan.schedule == ScheduleClass::kContractionRow) {
    bool ambiguous = false;
    return row_shape(body, marks, marks.after_fold, &ambiguous);
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
