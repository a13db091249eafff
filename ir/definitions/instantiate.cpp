// From a definition to comprehensions for static operand types.
#include <limits>

#include "ir/definitions/bind.h"
#include "ir/definitions/index_form.h"
#include "ir/op.h"

namespace egret {

namespace {

class Elaborator {
 public:
  Elaborator(const Binding& b, const Type& result, int part) : b_(b), part_(part) {
    c_.result = result;
    c_.sizes = result.sizes();
    index_of_.resize(b.def->groups.size());
    for (size_t p = 0; p < b.def->result.size(); ++p) {
      std::vector<ExprId>& at = index_of_[b.def->result[p].group];
      for (int axis : b.result_axes[p]) at.push_back(variable(static_cast<uint32_t>(axis)));
    }
  }

  Comprehension run() {
    c_.body = scalar(b_.def->body, c_.result.dtype);
    drop_unused(c_);
    return std::move(c_);
  }

 private:
  ExprId add(ExprKind kind, std::vector<ExprId> args) {
    Expr e;
    e.kind = kind;
    e.args = std::move(args);
    return c_.add(std::move(e));
  }
  ExprId integer(int64_t value) {
    Expr e;
    e.integer = value;
    return c_.add(std::move(e));
  }
  ExprId variable(uint32_t number) {
    Expr e;
    e.kind = ExprKind::kIndex;
    e.number = number;
    return c_.add(std::move(e));
  }
  ExprId number(double value, DType dtype) {
    Expr e;
    e.kind = ExprKind::kNumber;
    e.dtype = dtype;
    e.value = value;
    if (!is_float(dtype)) e.integer = exact_integer(value);
    return c_.add(std::move(e));
  }
  static int64_t exact_integer(double value) {
    if (value >= 0x1p63) return static_cast<int64_t>(value >= 0x1p64 ? ~uint64_t{0} : static_cast<uint64_t>(value));
    return value <= -0x1p63 ? std::numeric_limits<int64_t>::min() : static_cast<int64_t>(value);
  }
  ExprId call(ScalarFn fn, std::vector<ExprId> args, DType dtype) {
    Expr e;
    e.kind = ExprKind::kCall;
    e.fn = fn;
    e.args = std::move(args);
    e.dtype = dtype;
    return c_.add(std::move(e));
  }
  ExprId cast(ExprId value, DType to) {
    return c_.exprs[value].dtype == to ? value : call(ScalarFn::kCast, {value}, to);
  }

  ExprId group_index(int group, int step) const {
    const std::vector<ExprId>& at = index_of_[group];
    EGRET_CHECK(!at.empty(), "an axis without an index");
    return at.size() == 1 ? at[0] : at[step];
  }

  static int64_t value_of(const Result<Dim>& size) {
    EGRET_CHECK(size.ok(), "a size that the type rule refuses");
    return size->value();
  }
  int64_t static_size(DefId id, int step) { return value_of(eval_size(b_, id, {step, part_, picked_})); }

  ExprId index(DefId id, int step);
  ExprId condition(DefId id, int step);
  ExprId scalar(DefId id, DType want);
  ExprId fold(const DefNode& n, DType want);
  ExprId read(const DefNode& n);
  ExprId call_of(const DefNode& n, DType want);
  ExprId flatten(int group);
  ExprId unflatten(const DefNode& n, int step);
  ExprId pick(const DefNode& n, DType want);
  ExprId pick_among(const DefNode& n, DType want, size_t first, size_t last, const std::vector<int64_t>& offsets,
                    ExprId position);
  std::vector<int64_t> sizes_of(int group) const;

  const Binding& b_;
  int part_;
  Comprehension c_;
  std::vector<std::vector<ExprId>> index_of_;   // [group][step]
  std::optional<size_t> picked_;                // operand of an operand group
  const DefPlace* read_place_ = nullptr;        // where an index stands, for unflatten
  size_t read_operand_ = 0;
  DType widened_from_ = DType::f32, widened_to_ = DType::f32;  // reads inside a sum with a wider accumulator
};

// Sizes behind the current indices of a group: they are variables wherever flatten is used.
std::vector<int64_t> Elaborator::sizes_of(int group) const {
  std::vector<int64_t> sizes;
  for (ExprId v : index_of_[group]) sizes.push_back(c_.sizes[c_.exprs[v].number]);
  return sizes;
}

ExprId Elaborator::flatten(int group) {
  std::vector<int64_t> sizes = sizes_of(group);
  ExprId position = integer(0);
  for (size_t k = 0; k < sizes.size(); ++k) {
    position = add(ExprKind::kAdd, {add(ExprKind::kMul, {position, integer(sizes[k])}), index_of_[group][k]});
  }
  return position;
}

// Position div (product of the later sizes) mod (this size); `add` finds merges and splits by intervals.
ExprId Elaborator::unflatten(const DefNode& n, int step) {
  ExprId position = index(n.args[0], step);
  int64_t later = 1;
  for (int k = step + 1; k < b_.counts[read_place_->group]; ++k) {
    later *= b_.size(read_operand_, read_place_->group, k).value();
  }
  int64_t own = b_.size(read_operand_, read_place_->group, step).value();
  if (later == 0 || own == 0) return integer(0);
  return add(ExprKind::kMod, {add(ExprKind::kDiv, {position, integer(later)}), integer(own)});
}

ExprId Elaborator::index(DefId id, int step) {
  const DefNode& n = b_.def->node(id);
  auto arg = [&](size_t i) { return index(n.args[i], step); };
  switch (n.kind) {
    case DefKind::kGroup: return group_index(n.number, step);
    case DefKind::kNth: return index_of_[n.number][static_cast<size_t>(static_size(n.args[0], 0))];
    case DefKind::kNumber:
    case DefKind::kAttr:
    case DefKind::kSize:
    case DefKind::kCount:
    case DefKind::kRank:
    case DefKind::kTotal:
    case DefKind::kPart:
    case DefKind::kBefore: return integer(static_size(id, step));
    case DefKind::kFlatten: return flatten(n.number);
    case DefKind::kUnflatten: return unflatten(n, step);
    case DefKind::kAdd: return add(ExprKind::kAdd, {arg(0), arg(1)});
    case DefKind::kSub: return add(ExprKind::kSub, {arg(0), arg(1)});
    case DefKind::kMul: return add(ExprKind::kMul, {arg(0), arg(1)});
    case DefKind::kIntDiv: return add(ExprKind::kDiv, {arg(0), arg(1)});
    case DefKind::kMod: return add(ExprKind::kMod, {arg(0), arg(1)});
    case DefKind::kNeg: return add(ExprKind::kSub, {integer(0), arg(0)});
    case DefKind::kClamp: return add(ExprKind::kMin, {add(ExprKind::kMax, {arg(0), arg(1)}), arg(2)});
    case DefKind::kCall:
      EGRET_CHECK(n.fn == ScalarFn::kMin || n.fn == ScalarFn::kMax, "a scalar function of indices");
      return add(n.fn == ScalarFn::kMin ? ExprKind::kMin : ExprKind::kMax, {arg(0), arg(1)});
    case DefKind::kCond: {
      auto known = decide_by_attrs(b_, n.args[0]);
      EGRET_CHECK(known.has_value(), "an index under a condition that attributes do not decide");
      return arg(*known ? 1 : 2);
    }
    default: return add(ExprKind::kToIndex, {scalar(id, DType::i64)});
  }
}

ExprId Elaborator::condition(DefId id, int step) {
  const DefNode& n = b_.def->node(id);
  switch (n.kind) {
    case DefKind::kLess: return add(ExprKind::kLess, {index(n.args[0], step), index(n.args[1], step)});
    case DefKind::kLessEqual: return add(ExprKind::kLessEqual, {index(n.args[0], step), index(n.args[1], step)});
    case DefKind::kEqual: return add(ExprKind::kEqual, {index(n.args[0], step), index(n.args[1], step)});
    case DefKind::kNotEqual:
      return add(ExprKind::kNot, {add(ExprKind::kEqual, {index(n.args[0], step), index(n.args[1], step)})});
    case DefKind::kAnd: return add(ExprKind::kAnd, {condition(n.args[0], step), condition(n.args[1], step)});
    case DefKind::kAll: {
      ExprId all = add(ExprKind::kLessEqual, {integer(0), integer(0)});
      for (int k = 0; k < b_.counts[n.number]; ++k) all = add(ExprKind::kAnd, {all, condition(n.args[0], k)});
      return all;
    }
    default: return add(ExprKind::kTruth, {scalar(id, DType::boolean)});
  }
}

ExprId Elaborator::read(const DefNode& n) {
  const size_t operand = b_.operand_of(n, picked_);
  const auto& places = b_.def->operands[n.number].places;
  std::vector<ExprId> indices(b_.operands[operand].rank());
  for (size_t p = 0; p < places.size(); ++p) {
    for (size_t k = 0; k < b_.axes[operand][p].size(); ++k) {
      read_place_ = &places[p];
      read_operand_ = operand;
      indices[b_.axes[operand][p][k]] = index(n.args[p], static_cast<int>(k));
    }
  }
  Expr e;
  e.kind = ExprKind::kRead;
  e.number = static_cast<uint32_t>(operand);
  e.dtype = b_.operands[operand].dtype;
  e.args = std::move(indices);
  DType dtype = e.dtype;
  ExprId id = c_.add(std::move(e));
  return dtype == widened_from_ ? cast(id, widened_to_) : id;
}

ExprId Elaborator::fold(const DefNode& n, DType want) {
  std::vector<uint32_t> variables;
  for (const DefBinder& binder : n.binders) {
    std::vector<ExprId> at;
    for (int k = 0; k < b_.counts[binder.group]; ++k) {
      variables.push_back(static_cast<uint32_t>(c_.sizes.size()));
      c_.sizes.push_back(value_of(binder_size(b_, binder, {k, part_, picked_})));
      at.push_back(variable(variables.back()));
    }
    index_of_[binder.group] = std::move(at);
  }
  const FoldDTypes dtypes = fold_dtypes(b_, n, want);
  const DType saved_from = widened_from_, saved_to = widened_to_;
  if (dtypes.widened) {
    widened_from_ = *dtypes.widened;
    widened_to_ = dtypes.accumulator;
  }
  const ExprId body = scalar(n.args[0], dtypes.element);
  widened_from_ = saved_from;
  widened_to_ = saved_to;
  Expr e;
  e.kind = ExprKind::kFold;
  e.fold = n.fold;
  e.dtype = dtypes.accumulator;
  e.args = {body};
  e.variables = std::move(variables);
  return cast(c_.add(std::move(e)), want);
}

ExprId Elaborator::call_of(const DefNode& n, DType want) {
  bool compares = n.fn >= ScalarFn::kEq && n.fn <= ScalarFn::kIsFinite;
  DType of = compares ? b_.common_dtype() : want;
  std::vector<ExprId> args;
  for (DefId a : n.args) args.push_back(scalar(a, of));
  return call(n.fn, std::move(args), compares ? DType::boolean : want);
}

ExprId Elaborator::scalar(DefId id, DType want) {
  const DefNode& n = b_.def->node(id);
  auto arithmetic = [&](ScalarFn fn) { return call(fn, {scalar(n.args[0], want), scalar(n.args[1], want)}, want); };
  switch (n.kind) {
    case DefKind::kNumber: return number(n.value, want);
    case DefKind::kAttr: {
      const AttrValue& value = *b_.attrs[n.number];
      const double* real = std::get_if<double>(&value);
      return number(real ? *real : static_cast<double>(std::get<Dim>(value).value()), want);
    }
    case DefKind::kAdd: return arithmetic(ScalarFn::kAdd);
    case DefKind::kSub: return arithmetic(ScalarFn::kSub);
    case DefKind::kMul: return arithmetic(ScalarFn::kMul);
    case DefKind::kFloatDiv: return arithmetic(ScalarFn::kDiv);
    case DefKind::kNeg: return call(ScalarFn::kNeg, {scalar(n.args[0], want)}, want);
    case DefKind::kCall: return call_of(n, want);
    case DefKind::kCast: return call(ScalarFn::kCast, {scalar(n.args[0], b_.common_dtype())}, want);
    case DefKind::kRead: return read(n);
    case DefKind::kFold: return fold(n, want);
    case DefKind::kPick: return pick(n, want);
    case DefKind::kLowest: return number(lowest_of(want), want);
    case DefKind::kHighest: return number(highest_of(want), want);
    case DefKind::kCond: {
      ExprId test = condition(n.args[0], 0);
      if (auto known = known_truth(c_, test)) return scalar(n.args[*known ? 1 : 2], want);
      ExprId then = scalar(n.args[1], want), otherwise = scalar(n.args[2], want);
      Expr e;
      e.kind = ExprKind::kSelect;
      e.dtype = want;
      e.args = {test, then, otherwise};
      return c_.add(std::move(e));
    }
    case DefKind::kValue: {
      Expr e;
      e.kind = ExprKind::kValue;
      e.dtype = want;
      e.args = {index(n.args[0], 0)};
      return c_.add(std::move(e));
    }
    default: break;
  }
  EGRET_CHECK(false, "a definition whose meaning is no scalar");
  return 0;
}

// Operands without elements along the axis are never picked.
ExprId Elaborator::pick(const DefNode& n, DType want) {
  std::vector<int64_t> offsets = {0};
  for (size_t o = n.number; o < b_.operands.size(); ++o) {
    offsets.push_back(offsets.back() + b_.size(o, n.other, 0).value());
  }
  std::vector<ExprId> saved = index_of_[n.other];
  ExprId result = pick_among(n, want, 0, offsets.size() - 1, offsets, saved[0]);
  index_of_[n.other] = saved;
  return result;
}

// Halves the operands [first, last): selects are nested log(n) deep.
ExprId Elaborator::pick_among(const DefNode& n, DType want, size_t first, size_t last,
                              const std::vector<int64_t>& offsets, ExprId position) {
  while (last - first > 1 && offsets[first + 1] == offsets[first]) ++first;
  while (last - first > 1 && offsets[last - 1] == offsets[last]) --last;
  if (last - first == 1) {
    index_of_[n.other] = {add(ExprKind::kSub, {position, integer(offsets[first])})};
    if (offsets[first] == 0) index_of_[n.other] = {position};
    picked_ = static_cast<size_t>(n.number) + first;
    ExprId value = scalar(n.args[0], want);
    picked_.reset();
    return value;
  }
  size_t middle = (first + last) / 2;
  ExprId test = add(ExprKind::kLess, {position, integer(offsets[middle])});
  ExprId before = pick_among(n, want, first, middle, offsets, position);
  ExprId after = pick_among(n, want, middle, last, offsets, position);
  Expr e;
  e.kind = ExprKind::kSelect;
  e.dtype = want;
  e.args = {test, before, after};
  return c_.add(std::move(e));
}

}  // namespace

Result<std::vector<Comprehension>> instantiate(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  EGRET_CHECK(op.definition != nullptr, "instantiate of an operator without a definition");
  EGRET_TRY(Type type, infer_type(op, attrs, operands));
  for (const Type& t : operands) {
    if (!t.is_static()) return input_error(op.name + ": sizes must be known", "give values for the named sizes");
  }
  if (!type.is_static()) return input_error(op.name + ": the sizes of the result must be known");
  EGRET_TRY(Binding b, bind(op, attrs, operands));
  std::vector<Comprehension> results;
  if (type.is_tensor()) {
    results.push_back(Elaborator(b, type, 0).run());
  } else {
    for (size_t part = 0; part < type.elements.size(); ++part) {
      results.push_back(Elaborator(b, type.elements[part], static_cast<int>(part)).run());
    }
  }
  return results;
}

}  // namespace egret
