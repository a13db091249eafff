#include "rules/verify/terms/formula.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/evaluate/scalar_functions.h"

namespace egret::rules {

namespace {

constexpr double kExactFactors = 0x1p26;  // products of integers below are exact in a double

}  // namespace

FormulaId Formulas::add(FormulaNode node) {
  // Identical constants compare by value; NaN is never a constant of a rule.
  auto [it, fresh] = index_.try_emplace(node, static_cast<FormulaId>(nodes_.size()));
  if (fresh) nodes_.push_back(std::move(node));
  return it->second;
}

FormulaId Formulas::constant(double value, DType dtype) {
  FormulaNode n;
  n.dtype = dtype;
  n.value = is_float(dtype) ? value : int_to_float(dtype, float_to_int(dtype, value));
  n.negative_zero = value == 0 && std::signbit(value);
  return add(std::move(n));
}

FormulaId Formulas::variable(uint32_t number, DType dtype) {
  FormulaNode n;
  n.kind = FormulaNode::Kind::kVariable;
  n.dtype = dtype;
  n.variable = number;
  return add(std::move(n));
}

FormulaId Formulas::select(FormulaId condition, FormulaId then, FormulaId otherwise) {
  if (is_constant(condition)) return node(condition).value != 0 ? then : otherwise;
  if (then == otherwise) return then;
  FormulaNode n;
  n.kind = FormulaNode::Kind::kSelect;
  n.dtype = node(then).dtype;
  n.args = {condition, then, otherwise};
  return add(std::move(n));
}

FormulaId Formulas::call(ScalarFn fn, DType dtype, std::vector<FormulaId> args) {
  // Indices and conditions are folded; scalars are not, so that what is proved is what the operators compute.
  const bool whole = std::all_of(args.begin(), args.end(), [&](FormulaId a) { return is_constant(a); });
  // (i64: of indices; narrower integers wrap.)
  const bool truths = !args.empty() && node(args[0]).dtype == DType::boolean;
  const bool integers = truths || (!args.empty() && node(args[0]).dtype == DType::i64);
  const bool bitwise = !truths && (fn == ScalarFn::kAnd || fn == ScalarFn::kOr || fn == ScalarFn::kNot);
  const bool exact = std::all_of(args.begin(), args.end(), [&](FormulaId x) { return std::abs(node(x).value) < kExactFactors; });
  if (whole && integers && exact && !bitwise) {
    const double a = node(args[0]).value, b = args.size() > 1 ? node(args[1]).value : 0;
    switch (fn) {
      case ScalarFn::kAdd: return constant(a + b, dtype);
      case ScalarFn::kSub: return constant(a - b, dtype);
      case ScalarFn::kMul: return constant(a * b, dtype);
      case ScalarFn::kMax: return constant(std::max(a, b), dtype);
      case ScalarFn::kMin: return constant(std::min(a, b), dtype);
      case ScalarFn::kEq: return constant(a == b, dtype);
      case ScalarFn::kNe: return constant(a != b, dtype);
      case ScalarFn::kLt: return constant(a < b, dtype);
      case ScalarFn::kLe: return constant(a <= b, dtype);
      case ScalarFn::kGt: return constant(a > b, dtype);
      case ScalarFn::kGe: return constant(a >= b, dtype);
      case ScalarFn::kAnd: return constant(a != 0 && b != 0, dtype);
      case ScalarFn::kOr: return constant(a != 0 || b != 0, dtype);
      case ScalarFn::kNot: return constant(a == 0, dtype);
      default: break;
    }
  }
  // The identity of max and min in folds over padding.
  if (fn == ScalarFn::kMax || fn == ScalarFn::kMin) {
    const double identity = fn == ScalarFn::kMax ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
    if (is_constant(args[0]) && node(args[0]).value == identity) return args[1];
    if (is_constant(args[1]) && node(args[1]).value == identity) return args[0];
  }
  FormulaNode n;
  n.kind = FormulaNode::Kind::kCall;
  n.fn = fn;
  n.dtype = dtype;
  n.args = std::move(args);
  return add(std::move(n));
}

namespace {

double floor_div(double a, double b) { return std::floor(a / b); }

// One comprehension at one result index; reads are of formula tensors.
class Expander {
 public:
  Expander(const Comprehension& meaning, const std::vector<const std::vector<FormulaId>*>& operands,
           const std::vector<std::vector<int64_t>>& sizes, Formulas& formulas)
      : m_(meaning), operands_(operands), sizes_(sizes), f_(formulas), index_(meaning.sizes.size(), 0) {}

  Result<std::vector<FormulaId>> elements() {
    std::vector<FormulaId> out;
    const int64_t count = m_.result.elements_count();
    for (int64_t i = 0; i < count; ++i) {
      int64_t rest = i;
      for (int a = m_.result.rank(); a-- > 0;) {
        index_[a] = rest % m_.sizes[a];
        rest /= m_.sizes[a];
      }
      out.push_back(at(m_.body));
      if (f_.size() > kMaxFormulas) return unsupported_error("an instance has too many terms");
    }
    return out;
  }

 private:
  FormulaId whole(double v) { return f_.constant(v, DType::i64); }
  FormulaId truth(bool b) { return f_.constant(b, DType::boolean); }

  FormulaId arithmetic(const Expr& e, ScalarFn fn) { return f_.call(fn, DType::i64, {at(e.args[0]), at(e.args[1])}); }
  FormulaId compare(const Expr& e, ScalarFn fn) { return f_.call(fn, DType::boolean, {at(e.args[0]), at(e.args[1])}); }

  FormulaId divided(const Expr& e, bool remainder) {
    const FormulaId a = at(e.args[0]), b = at(e.args[1]);
    if (!f_.is_constant(a) || !f_.is_constant(b)) {
      return f_.call(remainder ? ScalarFn::kRem : ScalarFn::kDiv, DType::i64, {a, b});
    }
    const double x = f_.node(a).value, y = f_.node(b).value, q = floor_div(x, y);
    return whole(remainder ? x - q * y : q);
  }

  FormulaId read(const Expr& e, size_t axis, int64_t offset) {
    const auto& sizes = sizes_[e.number];
    if (axis == e.args.size()) return (*operands_[e.number])[static_cast<size_t>(offset)];
    const FormulaId i = at(e.args[axis]);
    if (f_.is_constant(i)) {
      const int64_t k = static_cast<int64_t>(f_.node(i).value);
      EGRET_CHECK(k >= 0 && k < sizes[axis], "a definition reads out of range");
      return read(e, axis + 1, offset * sizes[axis] + k);
    }
    // A data-dependent index: every position it may take.
    FormulaId out = read(e, axis + 1, offset * sizes[axis] + sizes[axis] - 1);
    for (int64_t k = sizes[axis] - 1; k-- > 0;) {
      out = f_.select(f_.call(ScalarFn::kEq, DType::boolean, {i, whole(static_cast<double>(k))}),
                      read(e, axis + 1, offset * sizes[axis] + k), out);
    }
    return out;
  }

  static double identity(FoldKind kind) {
    switch (kind) {
      case FoldKind::kProd:
      case FoldKind::kAll: return 1;
      case FoldKind::kMax: return -std::numeric_limits<double>::infinity();
      case FoldKind::kMin: return std::numeric_limits<double>::infinity();
      default: return 0;
    }
  }

  FormulaId fold(const Expr& e) {
    std::vector<FormulaId> items;
    collect(e, 0, items);
    if (e.fold == FoldKind::kArgMax || e.fold == FoldKind::kArgMin) {
      FormulaId best = items[0], place = f_.constant(0, e.dtype);
      const ScalarFn better = e.fold == FoldKind::kArgMax ? ScalarFn::kGt : ScalarFn::kLt;
      for (size_t i = 1; i < items.size(); ++i) {
        const FormulaId wins = f_.call(better, DType::boolean, {items[i], best});
        best = f_.select(wins, items[i], best);
        place = f_.select(wins, f_.constant(static_cast<double>(i), e.dtype), place);
      }
      return place;
    }
    if (items.empty()) return f_.constant(identity(e.fold), e.dtype);
    FormulaId sum = items[0];
    for (size_t i = 1; i < items.size(); ++i) sum = f_.call(combining_function(e.fold), e.dtype, {sum, items[i]});
    return sum;
  }

  void collect(const Expr& e, size_t depth, std::vector<FormulaId>& items) {
    if (f_.size() > kMaxFormulas) return;
    if (depth == e.variables.size()) {
      items.push_back(at(e.args[0]));
      return;
    }
    for (int64_t i = 0; i < m_.sizes[e.variables[depth]]; ++i) {
      index_[e.variables[depth]] = i;
      collect(e, depth + 1, items);
    }
  }

  FormulaId at(ExprId id) {
    const Expr& e = m_.exprs[id];
    switch (e.kind) {
      case ExprKind::kIndex: return whole(static_cast<double>(index_[e.number]));
      case ExprKind::kInt: return whole(static_cast<double>(e.integer));
      case ExprKind::kAdd: return arithmetic(e, ScalarFn::kAdd);
      case ExprKind::kSub: return arithmetic(e, ScalarFn::kSub);
      case ExprKind::kMul: return arithmetic(e, ScalarFn::kMul);
      case ExprKind::kDiv: return divided(e, false);
      case ExprKind::kMod: return divided(e, true);
      case ExprKind::kMin: return arithmetic(e, ScalarFn::kMin);
      case ExprKind::kMax: return arithmetic(e, ScalarFn::kMax);
      case ExprKind::kToIndex: {
        const FormulaId i = at(e.args[0]);
        return f_.node(i).dtype == DType::i64 ? i : f_.call(ScalarFn::kCast, DType::i64, {i});
      }
      case ExprKind::kLess: return compare(e, ScalarFn::kLt);
      case ExprKind::kLessEqual: return compare(e, ScalarFn::kLe);
      case ExprKind::kEqual: return compare(e, ScalarFn::kEq);
      case ExprKind::kAnd:
      case ExprKind::kOr: {
        const bool all = e.kind == ExprKind::kAnd;
        FormulaId out = truth(all);
        for (ExprId a : e.args) {
          const FormulaId next = at(a);
          if (f_.is_constant(out)) {
            if ((f_.node(out).value != 0) != all) return out;
            out = next;
          } else {
            out = f_.call(all ? ScalarFn::kAnd : ScalarFn::kOr, DType::boolean, {out, next});
          }
        }
        return out;
      }
      case ExprKind::kNot: return f_.call(ScalarFn::kNot, DType::boolean, {at(e.args[0])});
      case ExprKind::kTruth: return at(e.args[0]);
      case ExprKind::kNumber: return f_.constant(e.value, e.dtype);
      case ExprKind::kRead: return read(e, 0, 0);
      case ExprKind::kCall: {
        std::vector<FormulaId> args;
        for (ExprId a : e.args) args.push_back(at(a));
        return f_.call(e.fn, e.dtype, std::move(args));
      }
      case ExprKind::kSelect: {
        const FormulaId condition = at(e.args[0]);
        if (f_.is_constant(condition)) return at(f_.node(condition).value != 0 ? e.args[1] : e.args[2]);
        return f_.select(condition, at(e.args[1]), at(e.args[2]));
      }
      case ExprKind::kFold: return fold(e);
      case ExprKind::kValue: {
        const FormulaId i = at(e.args[0]);
        return f_.is_constant(i) ? f_.constant(f_.node(i).value, e.dtype) : f_.call(ScalarFn::kCast, e.dtype, {i});
      }
    }
    return 0;
  }

  const Comprehension& m_;
  const std::vector<const std::vector<FormulaId>*>& operands_;
  const std::vector<std::vector<int64_t>>& sizes_;
  Formulas& f_;
  std::vector<int64_t> index_;
};

}  // namespace

Result<std::vector<std::vector<FormulaId>>> expand(const Graph& source, uint32_t first, Formulas& formulas) {
  EGRET_TRY(const Graph graph, expand_composites(source));
  std::vector<std::vector<std::vector<FormulaId>>> values(graph.nodes.size());  // results of each node
  uint32_t next = first;
  for (const GraphInput& input : graph.inputs) {
    const Type& t = graph.type(input.value);
    std::vector<FormulaId> elements;
    for (int64_t i = 0; i < t.elements_count(); ++i) elements.push_back(formulas.variable(next++, t.dtype));
    values[input.value] = {std::move(elements)};
  }
  for (ValueId v = 0; v < graph.nodes.size(); ++v) {
    const GraphNode& n = graph.nodes[v];
    if (graph.input_of(v)) continue;
    if (n.op->name == "get") {
      values[v] = {values[n.operands[0]].at(static_cast<size_t>(integer(n.attrs, "index")))};
      continue;
    }
    if (n.op->name == "constant") {
      const TensorRef& data = std::get<TensorRef>(n.attrs.at("value"));
      std::vector<FormulaId> elements;
      for (int64_t i = 0; i < data->size(); ++i) elements.push_back(formulas.constant(data->get(i), data->dtype()));
      values[v] = {std::move(elements)};
      continue;
    }
    std::vector<Type> types;
    std::vector<const std::vector<FormulaId>*> operands;
    std::vector<std::vector<int64_t>> sizes;
    for (ValueId o : n.operands) {
      types.push_back(graph.type(o));
      operands.push_back(&values[o].at(0));
      sizes.push_back(graph.type(o).sizes());
    }
    EGRET_TRY(const auto meanings, instantiate(*n.op, n.attrs, types));
    for (const Comprehension& m : meanings) {
      EGRET_TRY(auto elements, Expander(m, operands, sizes, formulas).elements());
      values[v].push_back(std::move(elements));
    }
  }
  std::vector<std::vector<FormulaId>> out;
  for (const GraphOutput& o : graph.outputs) out.push_back(values[o.value].at(0));
  return out;
}

}  // namespace egret::rules
