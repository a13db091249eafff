#include "ir/definitions/bind.h"

#include <fmt/format.h>

#include "ir/assume.h"

namespace egret {

namespace {

class Binder {
 public:
  Binder(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
    b_.op = &op;
    b_.def = op.definition.get();
    b_.operands = operands;
    for (const AttrSpec& spec : op.attrs) {
      auto it = attrs.find(spec.name);
      b_.attrs.push_back(it == attrs.end() ? nullptr : &it->second);
    }
    b_.counts.assign(b_.def->groups.size(), -1);
    for (size_t g = 0; g < b_.counts.size(); ++g) {
      if (!b_.def->groups[g].many) b_.counts[g] = 1;
    }
  }

  Result<Binding> run(bool counts_only) {
    b_.axes.resize(b_.operands.size());
    for (size_t o = 0; o < b_.operands.size(); ++o) {
      EGRET_TRY_VOID(place_axes(b_.spec(o).places, b_.operands[o].rank(), b_.spec(o).name, b_.axes[o]));
    }
    EGRET_TRY_VOID(place_result());
    bind_folded_groups();
    if (!counts_only) EGRET_TRY_VOID(check_steps());
    return std::move(b_);
  }

 private:
  // Of an operand's name; empty: the result.
  static std::string what(const std::string& operand) { return operand.empty() ? "the result" : "operand " + operand; }
  Error error(std::string text) const { return input_error(fmt::format("{}: {}", b_.op->name, text)); }

  // Number of axes of a place that an attribute decides; -1 otherwise.
  int attr_count(const DefPlace& p, int rank) const {
    if (p.where == DefPlace::Where::kInOrder) return -1;
    if (const auto* list = b_.list(p.attr)) return static_cast<int>(list->size());
    int axis = static_cast<int>(std::get<Dim>(*b_.attrs[p.attr]).value());
    return p.where == DefPlace::Where::kAt ? 1 : p.where == DefPlace::Where::kBefore ? axis : rank - 1 - axis;
  }

  Status set_count(int group, int count) {
    int& known = b_.counts[group];
    if (known >= 0 && known != count) {
      return error(fmt::format("the axes '{}' are {} in one place and {} in another", b_.def->groups[group].name, known, count));
    }
    known = count;
    return {};
  }

  // Counts of all places from the rank; at most one place takes what the others leave.
  Status count_places(const std::vector<DefPlace>& places, int rank, const std::string& operand) {
    int open = -1, taken = 0;
    for (const DefPlace& p : places) {
      int count = attr_count(p, rank);
      if (count < 0 && p.where != DefPlace::Where::kInOrder) {
        return error(fmt::format("{} has {} axes, too few for '{}'", what(operand), rank, b_.op->attrs[p.attr].name));
      }
      if (count >= 0) EGRET_TRY_VOID(set_count(p.group, count));
      if (b_.counts[p.group] < 0) {
        EGRET_CHECK(open < 0, "two groups of unknown length in one operand");
        open = p.group;
      } else {
        taken += b_.counts[p.group];
      }
    }
    if (taken > rank || (open < 0 && taken != rank)) {
      return error(fmt::format("{} has {} axes, {}{} needed", what(operand), rank, open < 0 ? "" : "at least ", taken));
    }
    if (open >= 0) b_.counts[open] = rank - taken;
    return {};
  }

  Status place_axes(const std::vector<DefPlace>& places, int rank, const std::string& operand,
                    std::vector<std::vector<int>>& axes) {
    EGRET_TRY_VOID(count_places(places, rank, operand));
    std::vector<bool> used(rank, false);
    axes.assign(places.size(), {});
    auto take = [&](size_t place, int64_t axis) -> Status {
      const std::string& attr = b_.op->attrs[places[place].attr].name;
      if (axis < 0 || axis >= rank) return error(fmt::format("{}: axis {} of {} is out of range, it has {} axes", attr, axis, what(operand), rank));
      if (used[axis]) return error(fmt::format("{}: axis {} of {} is named twice", attr, axis, what(operand)));
      used[axis] = true;
      axes[place].push_back(static_cast<int>(axis));
      return {};
    };
    for (size_t p = 0; p < places.size(); ++p) {
      if (places[p].where == DefPlace::Where::kInOrder) continue;
      int count = b_.counts[places[p].group];
      const auto* list = b_.list(places[p].attr);
      for (int k = 0; k < count; ++k) {
        int64_t axis = list ? (*list)[k].value() : std::get<Dim>(*b_.attrs[places[p].attr]).value();
        if (places[p].where == DefPlace::Where::kBefore) axis = k;
        if (places[p].where == DefPlace::Where::kAfter) axis = axis + 1 + k;
        EGRET_TRY_VOID(take(p, axis));
      }
    }
    int next = 0;
    for (size_t p = 0; p < places.size(); ++p) {
      if (places[p].where != DefPlace::Where::kInOrder) continue;
      for (int k = 0; k < b_.counts[places[p].group]; ++k) {
        while (used[next]) ++next;
        used[next] = true;
        axes[p].push_back(next);
      }
    }
    return {};
  }

  // Length of a bare list attribute; -1 for any other expression.
  int list_length(DefId id) const {
    const DefNode& n = b_.def->node(id);
    if (n.kind != DefKind::kAttr) return -1;
    const auto* list = b_.list(n.number);
    return list ? static_cast<int>(list->size()) : -1;
  }

  Status place_result() {
    int rank = 0;
    for (const DefPlace& p : b_.def->result) {
      if (b_.counts[p.group] < 0 && p.size) b_.counts[p.group] = list_length(*p.size);
      if (b_.counts[p.group] < 0) return error(fmt::format("the number of axes '{}' is not known", b_.def->groups[p.group].name));
      rank += b_.counts[p.group];
    }
    b_.result_rank = rank;
    return place_axes(b_.def->result, rank, {}, b_.result_axes);
  }

  // Groups that only a fold binds: as long as their list of sizes, or as the group that goes in step with it.
  void bind_folded_groups() {
    for (const DefNode& n : b_.def->nodes) {
      for (const DefBinder& binder : n.binders) {
        int& count = b_.counts[binder.group];
        if (count >= 0 || !binder.size) continue;
        const DefNode& size = b_.def->node(*binder.size);
        int in_step = size.kind == DefKind::kAttr ? b_.def->step_group[size.number] : -1;
        count = in_step >= 0 && b_.counts[in_step] >= 0 ? b_.counts[in_step] : list_length(*binder.size);
      }
    }
  }

  // Everything that meets in step must be of one length.
  Status check_steps() const {
    for (const DefStep& step : b_.def->steps) {
      const int length = step.group < 0 ? 1 : b_.counts[step.group];
      if (!step.is_attr && b_.counts[step.number] != length) {
        return error(fmt::format("the axes '{}' are {} where {} are needed", b_.def->groups[step.number].name, b_.counts[step.number], length));
      }
      const auto* list = step.is_attr ? b_.list(step.number) : nullptr;
      if (list && static_cast<int>(list->size()) != length) {
        return error(fmt::format("'{}' has {} values for {} axes", b_.op->attrs[step.number].name, list->size(), length));
      }
    }
    return {};
  }

  Binding b_;
};

}  // namespace

Dim Binding::size(size_t operand, int group, int step) const {
  const std::vector<DefPlace>& places = spec(operand).places;
  for (size_t p = 0; p < places.size(); ++p) {
    if (places[p].group != group) continue;
    const std::vector<int>& at = axes[operand][p];
    return operands[operand].dims[at.size() == 1 ? at[0] : at[step]];
  }
  EGRET_CHECK(false, "an operand without the axis named");
  return 0;
}

DType Binding::common_dtype() const {
  for (size_t o = 0; o < operands.size(); ++o) {
    if (spec(o).dtype <= DTypeRule::kCommonLogical) return operands[o].dtype;
  }
  return operands.empty() ? DType::f32 : operands[0].dtype;
}

size_t Binding::operand_of(const DefNode& read, std::optional<size_t> picked) const {
  const auto written = static_cast<size_t>(read.number);
  return def->operands[written].variadic ? picked.value_or(written) : written;
}

FoldDTypes fold_dtypes(const Binding& b, const DefNode& fold, DType want) {
  const bool sum = fold.fold == FoldKind::kSum || fold.fold == FoldKind::kProd;
  const bool is_arg = fold.fold == FoldKind::kArgMax || fold.fold == FoldKind::kArgMin;
  const DType element = is_arg ? b.common_dtype() : want;
  const bool narrow = element == DType::f16 || element == DType::bf16 || element == DType::tf32;
  const DType accumulator = fold.accumulator ? *fold.accumulator : sum && narrow ? DType::f32 : sum ? element : want;
  if (sum && accumulator != element) return {accumulator, accumulator, element};
  return {element, accumulator, std::nullopt};
}

Result<Binding> bind(const OpDef& op, const Attrs& attrs, std::span<const Type> operands, bool counts_only) {
  return Binder(op, attrs, operands).run(counts_only);
}

namespace {

Result<Dim> total_of(const Binding& b, const DefNode& n, SizePlace place) {
  const DefNode& of = b.def->node(n.args[0]);
  Dim total = 0;
  if (of.kind == DefKind::kAttr) {
    for (Dim d : *b.list(of.number)) total = total + d;
    return total;
  }
  for (size_t o = of.number; o < b.operands.size(); ++o) total = total + b.size(o, of.other, place.step);
  return total;
}

Dim count_of(const Binding& b, const DefNode& n) {
  Dim product = 1;
  for (int k = 0; k < b.counts[n.other]; ++k) product = product * b.size(n.number, n.other, k);
  return product;
}

}  // namespace

Result<Dim> eval_size(const Binding& b, DefId id, SizePlace place) {
  const DefNode& n = b.def->node(id);
  switch (n.kind) {
    case DefKind::kNumber: return Dim(static_cast<int64_t>(n.value));
    case DefKind::kAttr: {
      if (const auto* list = b.list(n.number)) {
        EGRET_CHECK(place.step < static_cast<int>(list->size()), "an attribute list shorter than its group");
        return (*list)[place.step];
      }
      return std::get<Dim>(*b.attrs[n.number]);
    }
    case DefKind::kSize: return b.size(place.picked.value_or(n.number), n.other, place.step);
    case DefKind::kCount: {
      if (n.number >= 0) return count_of(b, n);
      Dim product = 1;  // of a result group
      for (const DefPlace& p : b.def->result) {
        if (p.group != n.other) continue;
        for (int k = 0; k < b.counts[p.group]; ++k) {
          EGRET_TRY(Dim d, eval_size(b, *p.size, {k, place.part, {}}));
          product = product * d;
        }
      }
      return product;
    }
    case DefKind::kRank: return Dim(b.counts[n.number]);
    case DefKind::kTotal: return total_of(b, n, place);
    case DefKind::kPart: return (*b.list(*b.def->each))[place.part];
    case DefKind::kBefore: {
      Dim total = 0;
      for (int i = 0; i < place.part; ++i) total = total + (*b.list(*b.def->each))[i];
      return total;
    }
    case DefKind::kNeg: {
      EGRET_TRY(Dim a, eval_size(b, n.args[0], place));
      return Dim(0) - a;
    }
    case DefKind::kCond: {
      auto known = decide_by_attrs(b, n.args[0]);
      EGRET_CHECK(known.has_value(), "a size under a condition that attributes do not decide");
      return eval_size(b, n.args[*known ? 1 : 2], place);
    }
    default: break;
  }
  EGRET_CHECK(n.args.size() == 2, "an expression that is no size");
  EGRET_TRY(Dim x, eval_size(b, n.args[0], place));
  EGRET_TRY(Dim y, eval_size(b, n.args[1], place));
  switch (n.kind) {
    case DefKind::kAdd: return x + y;
    case DefKind::kSub: return x - y;
    case DefKind::kMul: return x * y;
    case DefKind::kIntDiv:
    case DefKind::kMod:
      if (y.low() < 1 && !AssumeSizes::take({SizeFact::Kind::kLess, 0, y})) return input_error(fmt::format("{}: cannot divide a size by {}", b.op->name, y.to_string()));
      return n.kind == DefKind::kIntDiv ? Dim::div(x, y) : Dim::mod(x, y);
    default: break;
  }
  EGRET_CHECK(n.kind == DefKind::kCall && (n.fn == ScalarFn::kMin || n.fn == ScalarFn::kMax), "an expression that is no size");
  return n.fn == ScalarFn::kMin ? Dim::min(x, y) : Dim::max(x, y);
}

Result<Dim> binder_size(const Binding& b, const DefBinder& binder, SizePlace place) {
  if (binder.size) return eval_size(b, *binder.size, place);
  for (size_t o = 0; o < b.operands.size(); ++o) {
    for (const DefPlace& p : b.spec(o).places) {
      if (p.group == binder.group) return b.size(o, binder.group, place.step);
    }
  }
  return Dim(0);
}

Result<bool> prove(const Binding& b, DefId id, SizePlace place, std::string* why) {
  const DefNode& n = b.def->node(id);
  if (n.kind == DefKind::kAnd) {
    EGRET_TRY(bool first, prove(b, n.args[0], place, why));
    if (!first) return false;
    return prove(b, n.args[1], place, why);
  }
  if (n.kind == DefKind::kAll) {
    for (int k = 0; k < b.counts[n.number]; ++k) {
      EGRET_TRY(bool one, prove(b, n.args[0], {k, place.part, place.picked}, why));
      if (!one) {
        *why += fmt::format(" (axis {} of '{}')", k, b.def->groups[n.number].name);
        return false;
      }
    }
    return true;
  }
  EGRET_TRY(Dim x, eval_size(b, n.args[0], place));
  EGRET_TRY(Dim y, eval_size(b, n.args[1], place));
  Dim difference = y - x;
  bool proved = false;
  const char* sign = "==";
  switch (n.kind) {
    case DefKind::kLess: proved = difference.low() >= 1, sign = "<"; break;
    case DefKind::kLessEqual: proved = difference.low() >= 0, sign = "<="; break;
    case DefKind::kEqual: proved = x == y; break;
    default: proved = difference.low() > 0 || difference.high() < 0, sign = "!="; break;
  }
  if (!proved) {
    const SizeFact::Kind kind = n.kind == DefKind::kLess ? SizeFact::Kind::kLess
                                : n.kind == DefKind::kLessEqual ? SizeFact::Kind::kLessEqual
                                : n.kind == DefKind::kEqual ? SizeFact::Kind::kEqual : SizeFact::Kind::kNotEqual;
    if (AssumeSizes::take({kind, x, y})) return true;
    bool is_static = x.is_const() && y.is_const();
    *why = fmt::format("{} {} {} {}", x.to_string(), sign, y.to_string(), is_static ? "is false" : "cannot be proved");
  }
  return proved;
}

std::optional<bool> decide_by_attrs(const Binding& b, DefId id) {
  const DefNode& n = b.def->node(id);
  if (n.kind != DefKind::kEqual) return std::nullopt;
  const DefNode &x = b.def->node(n.args[0]), &y = b.def->node(n.args[1]);
  if (x.kind != DefKind::kAttr || y.kind != DefKind::kNumber || !b.attrs[x.number]) return std::nullopt;
  const Dim* value = std::get_if<Dim>(b.attrs[x.number]);
  if (!value) return std::nullopt;
  const auto number = static_cast<int64_t>(y.value);
  if (value->low() > number || value->high() < number) return false;
  return value->is_const() ? std::optional(true) : std::nullopt;
}

}  // namespace egret
