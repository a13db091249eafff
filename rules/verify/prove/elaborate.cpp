#include "rules/verify/prove/elaborate.h"

#include <algorithm>

#include <fmt/format.h>

#include "ir/definitions/bind.h"
#include "ir/evaluate/scalar_functions.h"

namespace egret::rules {

constexpr size_t kMaxScalars = 60'000;  // of one instance

// One element of one operator, as its definition says.
class Meaning {
 public:
  Meaning(Elements& elements, const GraphNode& node, const Binding& binding, const std::vector<IntId>& index, int part, DType dtype,
          const std::vector<CondId>& in_range)
      : in_range_(in_range), e_(elements), i_(elements.scalars_.indices()), s_(elements.scalars_), node_(node), b_(binding),
        part_(part), dtype_(dtype) {
    index_of_.resize(b_.def->groups.size());
    sizes_of_.resize(b_.def->groups.size());
    for (size_t p = 0; p < b_.def->result.size(); ++p) {
      const uint16_t g = b_.def->result[p].group;
      for (size_t k = 0; k < b_.result_axes[p].size(); ++k) {
        const auto axis = static_cast<size_t>(b_.result_axes[p][k]);
        index_of_[g].push_back(index[axis]);
        const Type& t = node.type.is_tensor() ? node.type : node.type.elements[static_cast<size_t>(part)];
        sizes_of_[g].push_back(e_.sizes_.term(t.dims[axis]));
      }
    }
  }

  Result<ScalarId> run() {
    const ScalarId out = scalar(b_.def->body, dtype_);
    if (error_) return *std::move(error_);
    return out;
  }

 private:
  ScalarId fail(std::string text) {
    if (!error_) error_ = unsupported_error(std::move(text));
    return s_.number(0, dtype_);
  }

  IntId size(DefId id, int step) { return size(eval_size(b_, id, {step, part_, picked_})); }
  IntId size(const Result<Dim>& d) {
    if (!d.ok()) {
      fail(d.error().message);
      return i_.constant(0);
    }
    return e_.sizes_.term(*d);
  }

  IntId group_index(int group, int step) const {
    const auto& at = index_of_[static_cast<size_t>(group)];
    return at.size() == 1 ? at[0] : at.at(static_cast<size_t>(step));
  }

  IntId index(DefId id, int step) {
    const DefNode& n = b_.def->node(id);
    auto arg = [&](size_t k) { return index(n.args[k], step); };
    switch (n.kind) {
      case DefKind::kGroup: return group_index(n.number, step);
      case DefKind::kNth: {
        int64_t axis = 0;
        if (!i_.is_constant(size(n.args[0], 0), &axis)) fail("an axis that is not known");
        return index_of_[static_cast<size_t>(n.number)].at(static_cast<size_t>(axis));
      }
      case DefKind::kNumber:
      case DefKind::kAttr:
      case DefKind::kSize:
      case DefKind::kCount:
      case DefKind::kRank:
      case DefKind::kTotal:
      case DefKind::kPart:
      case DefKind::kBefore: return size(id, step);
      case DefKind::kFlatten: return i_.flatten(index_of_[static_cast<size_t>(n.number)], sizes_of_[static_cast<size_t>(n.number)]);
      case DefKind::kUnflatten: {
        std::vector<IntId> sizes;
        for (int k = 0; k < b_.counts[read_place_->group]; ++k) sizes.push_back(e_.sizes_.term(b_.size(read_operand_, read_place_->group, k)));
        return i_.coordinate(arg(0), std::move(sizes), static_cast<size_t>(step));
      }
      case DefKind::kAdd: return i_.add(arg(0), arg(1));
      case DefKind::kSub: return i_.sub(arg(0), arg(1));
      case DefKind::kMul: return i_.mul(arg(0), arg(1));
      case DefKind::kIntDiv: return i_.div(arg(0), arg(1));
      case DefKind::kMod: return i_.mod(arg(0), arg(1));
      case DefKind::kNeg: return i_.sub(i_.constant(0), arg(0));
      case DefKind::kClamp: return i_.min(i_.max(arg(0), arg(1)), arg(2));
      case DefKind::kCall: return n.fn == ScalarFn::kMin ? i_.min(arg(0), arg(1)) : i_.max(arg(0), arg(1));
      case DefKind::kCond: {
        auto known = decide_by_attrs(b_, n.args[0]);
        if (!known) {
          fail("an index under a condition that attributes do not decide");
          return i_.constant(0);
        }
        return arg(*known ? 1 : 2);
      }
      default: return position(scalar(id, DType::i64));
    }
  }

  // The position that a number is: one that was made a number of 64 bits is itself; of fewer, it wraps.
  IntId position(ScalarId value) {
    const ScalarNode node = s_.node(value);
    switch (node.kind) {
      case ScalarNode::Kind::kSize: {
        if (row(node.dtype).bits == 64) return node.ints[0];
        if (!is_integer(node.dtype)) break;
        const IntId turn = i_.constant(int64_t{1} << row(node.dtype).bits);
        const IntId below = i_.constant(row(node.dtype).kind == DTypeRow::Kind::kSigned ? int64_t{1} << row(node.dtype).mantissa : 0);
        return i_.sub(i_.mod(i_.add(node.ints[0], below), turn), below);
      }
      case ScalarNode::Kind::kNumber: return i_.constant(static_cast<int64_t>(node.value()));
      case ScalarNode::Kind::kCall: {
        // Extrema do not wrap.  (Unsigned numbers of 64 bits are no positions in order.)
        const bool extremum = (node.fn == ScalarFn::kMin || node.fn == ScalarFn::kMax) && is_integer(node.dtype) && row(node.dtype).mantissa < 64;
        if (!extremum) break;
        const IntId a = position(node.args[0]), b = position(node.args[1]);
        return node.fn == ScalarFn::kMin ? i_.min(a, b) : i_.max(a, b);
      }
      default: break;
    }
    return i_.of_scalar(value);
  }

  CondId condition(DefId id, int step) {
    const DefNode& n = b_.def->node(id);
    auto arg = [&](size_t k) { return index(n.args[k], step); };
    switch (n.kind) {
      case DefKind::kLess: return promised(i_.less(arg(0), arg(1)));
      case DefKind::kLessEqual: return promised(i_.less_equal(arg(0), arg(1)));
      case DefKind::kEqual: return i_.equal(arg(0), arg(1));
      case DefKind::kNotEqual: return i_.negate(i_.equal(arg(0), arg(1)));
      case DefKind::kAnd: return i_.all({condition(n.args[0], step), condition(n.args[1], step)});
      case DefKind::kAll: {
        std::vector<CondId> all;
        for (int k = 0; k < b_.counts[static_cast<size_t>(n.number)]; ++k) all.push_back(condition(n.args[0], k));
        return i_.all(std::move(all));
      }
      default: return i_.of_truth(scalar(id, DType::boolean));
    }
  }

  CondId promised(CondId c) const {
    return std::find(in_range_.begin(), in_range_.end(), c) == in_range_.end() ? c : Indices::kTrueCond;
  }

  ScalarId read(const DefNode& n) {
    const size_t operand = b_.operand_of(n, picked_);
    const auto& places = b_.def->operands[static_cast<size_t>(n.number)].places;
    std::vector<IntId> at(static_cast<size_t>(b_.operands[operand].rank()));
    for (size_t p = 0; p < places.size(); ++p) {
      for (size_t k = 0; k < b_.axes[operand][p].size(); ++k) {
        read_place_ = &places[p];
        read_operand_ = operand;
        at[static_cast<size_t>(b_.axes[operand][p][k])] = index(n.args[p], static_cast<int>(k));
      }
    }
    if (error_) return s_.number(0, dtype_);
    // A read in range is an obligation of the definition (docs/definitions.md): where it happens, it is.
    std::vector<CondId> in_range;
    for (size_t k = 0; k < at.size(); ++k) {
      in_range.push_back(i_.non_negative(at[k]));
      in_range.push_back(i_.less(at[k], e_.sizes_.term(b_.operands[operand].dims[k])));
    }
    auto value = e_.at(node_.operands[operand], at, in_range);
    if (!value.ok()) {
      if (!error_) error_ = value.take_error();
      return s_.number(0, dtype_);
    }
    return b_.operands[operand].dtype == widened_from_ ? cast(*value, widened_to_) : *value;
  }

  ScalarId cast(ScalarId value, DType to) { return s_.call(ScalarFn::kCast, to, {value}); }

  ScalarId fold(const DefNode& n, DType want) {
    std::vector<VariableId> binders;
    std::vector<IntId> sizes;
    for (const DefBinder& binder : n.binders) {
      std::vector<IntId> at, own;
      for (int k = 0; k < b_.counts[binder.group]; ++k) {
        const IntId count = size(binder_size(b_, binder, {k, part_, picked_}));
        const VariableId v = i_.fresh(fmt::format("{}{}", b_.def->groups[binder.group].name, i_.variables()));
        i_.set_size(v, count);
        binders.push_back(v);
        sizes.push_back(count);
        at.push_back(i_.variable(v));
        own.push_back(count);
      }
      index_of_[binder.group] = std::move(at);
      sizes_of_[binder.group] = std::move(own);
    }
    const FoldDTypes dtypes = fold_dtypes(b_, n, want);
    const DType from = widened_from_, to = widened_to_;
    if (dtypes.widened) {
      widened_from_ = *dtypes.widened;
      widened_to_ = dtypes.accumulator;
    }
    const ScalarId body = scalar(n.args[0], dtypes.element);
    widened_from_ = from;
    widened_to_ = to;
    return cast(s_.fold(n.fold, dtypes.accumulator, std::move(binders), std::move(sizes), body), want);
  }

  ScalarId call_of(const DefNode& n, DType want) {
    const bool compares = n.fn >= ScalarFn::kEq && n.fn <= ScalarFn::kIsFinite;
    const DType of = compares ? b_.common_dtype() : want;
    std::vector<ScalarId> args;
    for (DefId a : n.args) args.push_back(scalar(a, of));
    return s_.call(n.fn, compares ? DType::boolean : want, std::move(args));
  }

  // A number that is written, as the dtype has it: integers truncate and saturate.
  ScalarId literal(double value, DType want) {
    return s_.number(is_float(want) ? value : int_to_float(want, float_to_int(want, value)), want);
  }
  ScalarId attribute(const DefNode& n, DType want) {
    const AttrValue& value = *b_.attrs[static_cast<size_t>(n.number)];
    if (const double* real = std::get_if<double>(&value)) return literal(*real, want);
    const Dim d = std::get<Dim>(value);
    if (d.is_const()) return literal(static_cast<double>(d.value()), want);
    IntId term = e_.sizes_.term(d);
    const double low = lowest_of(want), high = highest_of(want);
    if (is_integer(want)) {
      if (static_cast<double>(d.low()) < low) term = i_.max(term, i_.constant(static_cast<int64_t>(low)));
      if (static_cast<double>(d.high()) > high) term = i_.min(term, i_.constant(static_cast<int64_t>(high)));
    } else if (want == DType::boolean && (d.low() < 0 || d.high() > 1)) {
      return fail("a number without a name of its own as a truth value");
    }
    return s_.size(term, want);
  }

  ScalarId scalar(DefId id, DType want) {
    const DefNode& n = b_.def->node(id);
    auto arithmetic = [&](ScalarFn fn) { return s_.call(fn, want, {scalar(n.args[0], want), scalar(n.args[1], want)}); };
    if (s_.size() > kMaxScalars) return fail("an instance has too many terms");
    switch (n.kind) {
      case DefKind::kNumber: return literal(n.value, want);
      case DefKind::kAttr: return attribute(n, want);
      case DefKind::kAdd: return arithmetic(ScalarFn::kAdd);
      case DefKind::kSub: return arithmetic(ScalarFn::kSub);
      case DefKind::kMul: return arithmetic(ScalarFn::kMul);
      case DefKind::kFloatDiv: return arithmetic(ScalarFn::kDiv);
      case DefKind::kNeg: return s_.call(ScalarFn::kNeg, want, {scalar(n.args[0], want)});
      case DefKind::kCall: return call_of(n, want);
      case DefKind::kCast: return cast(scalar(n.args[0], b_.common_dtype()), want);
      case DefKind::kRead: return read(n);
      case DefKind::kFold: return fold(n, want);
      case DefKind::kPick: return pick(n, want);
      case DefKind::kLowest: return s_.number(lowest_of(want), want);
      case DefKind::kHighest: return s_.number(highest_of(want), want);
      case DefKind::kCond: {
        const CondId test = condition(n.args[0], 0);
        if (test == Indices::kTrueCond) return scalar(n.args[1], want);
        if (test == Indices::kFalseCond) return scalar(n.args[2], want);
        const ScalarId then = scalar(n.args[1], want);
        return s_.select(test, then, scalar(n.args[2], want));
      }
      case DefKind::kValue: return s_.size(index(n.args[0], 0), want);
      default: return fail("a definition whose meaning is no scalar");
    }
  }

  // The operand in whose part the position lies; the last where it lies in none before.
  ScalarId pick(const DefNode& n, DType want) {
    const std::vector<IntId> saved = index_of_[static_cast<size_t>(n.other)];
    const IntId position = saved[0];
    std::vector<std::pair<CondId, ScalarId>> parts;
    IntId offset = i_.constant(0);
    for (size_t o = static_cast<size_t>(n.number); o < b_.operands.size(); ++o) {
      const IntId next = i_.add(offset, e_.sizes_.term(b_.size(o, n.other, 0)));
      index_of_[static_cast<size_t>(n.other)] = {i_.sub(position, offset)};
      picked_ = o;
      parts.emplace_back(i_.less(position, next), scalar(n.args[0], want));
      picked_.reset();
      offset = next;
    }
    index_of_[static_cast<size_t>(n.other)] = saved;
    ScalarId out = parts.back().second;
    for (size_t k = parts.size() - 1; k-- > 0;) out = s_.select(parts[k].first, parts[k].second, out);
    return out;
  }

  const std::vector<CondId>& in_range_;
  Elements& e_;
  Indices& i_;
  Scalars& s_;
  const GraphNode& node_;
  const Binding& b_;
  int part_;
  DType dtype_;
  std::vector<std::vector<IntId>> index_of_, sizes_of_;  // [group][step]
  std::optional<size_t> picked_;
  const DefPlace* read_place_ = nullptr;
  size_t read_operand_ = 0;
  DType widened_from_ = DType::f32, widened_to_ = DType::f32;
  std::optional<Error> error_;
};

Elements::Elements(const Graph& graph, Sizes& sizes, Scalars& scalars) : graph_(graph), sizes_(sizes), scalars_(scalars) {
  for (uint32_t k = 0; k < graph.inputs.size(); ++k) inputs_.emplace(graph.inputs[k].value, k);
}

Result<ScalarId> Elements::at(ValueId value, const std::vector<IntId>& index, const std::vector<CondId>& in_range) {
  return part(value, 0, index, in_range);
}

Result<ScalarId> Elements::part(ValueId value, int part, const std::vector<IntId>& index, const std::vector<CondId>& in_range) {
  const GraphNode& n = graph_.node(value);
  if (auto it = inputs_.find(value); it != inputs_.end() && splats_.contains(it->second)) return scalars_.size(sizes_.term(splats_.at(it->second)), n.type.dtype);
  if (auto it = inputs_.find(value); it != inputs_.end()) return scalars_.read(it->second, n.type.dtype, index);
  if (n.op->name == "get") return this->part(n.operands[0], static_cast<int>(integer(n.attrs, "index")), index, in_range);
  auto key = std::make_tuple(value, part, index);
  if (auto it = done_.find(key); it != done_.end()) return it->second;
  if (!n.op->definition) return unsupported_error(n.op->name + " has no comprehension");
  const std::vector<Type> types = operand_types(graph_, n);
  EGRET_TRY(const Binding b, bind(*n.op, n.attrs, types));
  const DType dtype = n.type.is_tensor() ? n.type.dtype : n.type.elements[static_cast<size_t>(part)].dtype;
  EGRET_TRY(const ScalarId out, Meaning(*this, n, b, index, part, dtype, in_range).run());
  done_.emplace(std::move(key), out);
  return out;
}

}  // namespace egret::rules
