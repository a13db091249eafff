#include "costmodel/count.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "support/hash.h"

namespace egret {
namespace {

// Weights of scalar functions in operations: polynomials of about this many multiply-adds.
double operations_of(ScalarFn fn) {
  switch (fn) {
    case ScalarFn::kExp: case ScalarFn::kExpm1: case ScalarFn::kLog: case ScalarFn::kLog1p: case ScalarFn::kSin:
    case ScalarFn::kCos: case ScalarFn::kTanh: case ScalarFn::kErf: case ScalarFn::kLogistic:
      return 8;
    case ScalarFn::kPow: case ScalarFn::kAtan2:
      return 16;
    case ScalarFn::kDiv: case ScalarFn::kRem: case ScalarFn::kSqrt: case ScalarFn::kRsqrt:
      return 4;
    case ScalarFn::kCast:
      return 0.5;
    default:
      return 1;
  }
}

// Adds what one evaluation of `e` does, `times` over.
void add(const Comprehension& meaning, ExprId id, double times, OperatorCount& out) {
  const Expr& e = meaning.exprs[id];
  switch (e.kind) {
    case ExprKind::kRead:
      out.reads[e.number] += times;
      for (ExprId a : e.args) add(meaning, a, times, out);
      return;
    case ExprKind::kCall:
      out.operations += times * operations_of(e.fn);
      break;
    case ExprKind::kFold: {
      double size = 1;
      for (uint32_t v : e.variables) size *= static_cast<double>(meaning.sizes[v]);
      out.operations += times * size;
      add(meaning, e.args[0], times * size, out);
      return;
    }
    case ExprKind::kSelect: {
      // One branch is evaluated: reads of both are counted half (concatenation, padding).
      OperatorCount left{0, std::vector<double>(out.reads.size()), false}, right = left;
      add(meaning, e.args[1], times, left);
      add(meaning, e.args[2], times, right);
      out.operations += std::max(left.operations, right.operations) + times;
      const bool guards = meaning.exprs[e.args[1]].kind == ExprKind::kNumber || meaning.exprs[e.args[2]].kind == ExprKind::kNumber;
      for (size_t i = 0; i < out.reads.size(); ++i) {
        out.reads[i] += guards ? left.reads[i] + right.reads[i] : (left.reads[i] + right.reads[i]) / 2;
      }
      const Expr& condition = meaning.exprs[e.args[0]];
      if (condition.kind == ExprKind::kTruth) add(meaning, e.args[0], times, out);
      return;
    }
    default:
      break;
  }
  for (ExprId a : e.args) add(meaning, a, times, out);
}

struct CountKey {
  const OpDef* op;
  uint64_t attrs, types;
  bool operator<(const CountKey& o) const {
    return std::tie(op, attrs, types) < std::tie(o.op, o.attrs, o.types);
  }
};

}  // namespace

OperatorCount count_operator(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  static std::mutex mutex;
  static std::map<CountKey, OperatorCount> cache;
  uint64_t types = 0;
  for (const Type& t : operands) types = hash_combine(types, t.hash());
  const CountKey key{&op, hash(attrs), types};
  {
    std::lock_guard lock(mutex);
    if (auto it = cache.find(key); it != cache.end()) return it->second;
  }
  OperatorCount out;
  out.reads.assign(operands.size(), 0);
  out.contraction = op.op_class == OpClass::kContraction;
  if (auto meanings = instantiate(op, attrs, operands); meanings.ok()) {
    for (const Comprehension& m : *meanings) add(m, m.body, 1, out);
  }
  std::lock_guard lock(mutex);
  cache[key] = out;
  return out;
}

BodyCount count(const Kernel& kernel) {
  const Graph& body = kernel.body;
  const KernelPlan& plan = kernel.plan;
  const size_t n = body.nodes.size();
  BodyCount out;
  if (plan.schedule == ScheduleClass::kAlias) {
    out.ports.resize(body.inputs.size());
    return out;
  }
  const bool rows = has_rows(plan.schedule), anchored = has_anchor(plan.schedule);
  const bool pair = plan.schedule == ScheduleClass::kContractionPair;
  const BodyShape shape = body_shape(body, plan);

  // Times an element of each value is evaluated in all: readers in place share one evaluation, others add up.
  std::vector<double> in_place(n, 0), moved(n, 0), reads(n, 0);
  std::vector<uint8_t> is_output(n, 0);
  for (const GraphOutput& o : body.outputs) is_output[o.value] = 1;

  for (ValueId v = n; v-- > 0;) {
    const GraphNode& node = body.nodes[v];
    const double elements = static_cast<double>(node.type.elements_count());
    double evaluations = in_place[v] + moved[v];
    if (is_output[v]) evaluations = std::max(evaluations, elements);
    // Stages are computed once (lower/kernel/stages.h).
    if (shape.is_fold[v] || (rows && shape.row_axes[v].size() == shape.row_sizes.size() && !shape.row_sizes.empty())) {
      evaluations = std::min(evaluations, elements);
    }
    reads[v] = evaluations;
    if (node.operands.empty()) continue;
    const std::vector<Type> types = operand_types(body, node);
    const OperatorCount c = count_operator(*node.op, node.attrs, types);
    auto& sink = c.contraction ? out.contraction : out.scalar;
    sink[node.type.dtype] += evaluations * c.operations;
    if ((anchored && v == plan.anchor) || (pair && v == plan.second)) {
      auto shape_of = contraction_shape(*node.op, node.attrs, types);
      if (shape_of.ok()) {
        // A tile reads a block of each factor: an element of the left is read once a pass over n, and inversely.  Of the
        // second product of a pair the one factor is the rows of a block, and the other is read once a block.
        const bool second = pair && v == plan.second;
        const double passes_n = second ? 1 : std::ceil(static_cast<double>(shape_of->n_size) / std::max<int64_t>(1, plan.tile[1]));
        const double passes_m = std::ceil(static_cast<double>(shape_of->m_size) / std::max<int64_t>(1, plan.tile[0]));
        const double left = static_cast<double>(shape_of->batch_size) * shape_of->m_size * shape_of->k_size;
        const double right = static_cast<double>(shape_of->batch_size) * shape_of->n_size * shape_of->k_size;
        if (second && shape.after_fold[node.operands[1]]) {
          moved[node.operands[0]] += left * std::ceil(static_cast<double>(shape_of->n_size) / std::max<int64_t>(1, plan.tile[0]));
          moved[node.operands[1]] += right;
        } else if (node.operands.size() >= 2) {
          moved[node.operands[0]] += left * passes_n;
          moved[node.operands[1]] += right * passes_m;
        }
        continue;
      }
    }
    for (size_t o = 0; o < node.operands.size(); ++o) {
      const ValueId u = node.operands[o];
      const double r = evaluations * c.reads[o];
      if (node.op->op_class == OpClass::kMap) {
        in_place[u] = std::max(in_place[u], r);
      } else {
        moved[u] += r;
      }
    }
  }

  for (const GraphInput& input : body.inputs) {
    const double elements = static_cast<double>(body.type(input.value).elements_count());
    PortTraffic traffic;
    traffic.element_bytes = static_cast<double>(size_in_bytes(body.type(input.value).dtype));
    traffic.elements = std::min(elements, reads[input.value]);
    traffic.reads = traffic.elements;
    if (anchored) {
      // Windows of a convolution meet in the cache; passes over the other factor's tiles may not.
      const GraphNode& anchor = body.nodes[plan.anchor];
      if (auto s = contraction_shape(*anchor.op, anchor.attrs, operand_types(body, anchor)); s.ok()) {
        traffic.reads = std::max(traffic.elements, reads[input.value] / static_cast<double>(std::max<int64_t>(1, s->taps)));
      }
    }
    out.ports.push_back(traffic);
  }
  for (const GraphOutput& o : body.outputs) out.bytes_written += static_cast<double>(body.type(o.value).bytes());
  return out;
}

}  // namespace egret
