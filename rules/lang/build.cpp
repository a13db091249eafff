#include "rules/lang/build.h"

#include <algorithm>

#include <fmt/format.h>

#include "ir/assume.h"

#include "rules/lang/roles.h"

namespace egret::rules {
namespace {

bool contains(const std::vector<AxisId>& axes, AxisId a) { return std::find(axes.begin(), axes.end(), a) != axes.end(); }

int64_t position(const std::vector<AxisId>& axes, AxisId a) {
  return std::find(axes.begin(), axes.end(), a) - axes.begin();
}

std::vector<Dim> ascending(std::vector<Dim> places) {
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

const AttrValue* Environment::attr(std::string_view name) const {
  for (const auto& [key, value] : attrs) {
    if (key == name) return &value;
  }
  return nullptr;
}

const std::vector<AxisId>* Environment::group(std::string_view name) const {
  for (const auto& [key, axes] : groups) {
    if (key == name) return &axes;
  }
  return nullptr;
}

std::optional<TermValue> Builder::fail(std::string text) {
  if (why.empty()) why = std::move(text);
  return std::nullopt;
}

// --- terms -------------------------------------------------------------------------------------------------------------

std::optional<TermValue> Builder::term(const Term& t) {
  switch (t.kind) {
    case Term::Kind::kNumber: {
      TermValue v;
      v.is_number = true;
      v.number = t.number;
      return v;
    }
    case Term::Kind::kName: return name(t);
    default:
      if (const OpDef* op = t.op) return call(*op, t);
      break;
  }
  // A native in the place of a term is a number.
  auto v = value(t);
  if (!v) return fail(fmt::format("{} has no value", print_term(t)));
  if (auto* tensors = std::get_if<TensorsValue>(&*v); tensors && tensors->terms.size() == 1) return tensors->terms[0];
  auto number = number_term(*v);
  return number ? number : fail(fmt::format("{} is no number", print_term(t)));
}

std::optional<TermValue> Builder::number_term(const Value& v) {
  auto number = as_attr(v, AttrKind::kNumber);
  if (!number) return std::nullopt;
  TermValue out;
  out.is_number = true;
  if (const Dim* d = std::get_if<Dim>(&*number)) {
    out.size = *d;
  } else {
    out.number = std::get<double>(*number);
  }
  return out;
}

std::optional<TermValue> Builder::name(const Term& t) {
  for (const auto& v : env_.variables) {
    if (v.name != t.name) continue;
    if (t.has_axes && v.axes) {
      bool same = v.axes->size() == t.axes.size();
      for (size_t i = 0; same && i < t.axes.size(); ++i) same = (*v.axes)[i].name == t.axes[i].name;
      if (!same) continue;
    }
    return v.value;
  }
  for (const auto& [key, value] : env_.lets) {
    if (key != t.name) continue;
    if (auto* tensors = std::get_if<TensorsValue>(&value); tensors && tensors->terms.size() == 1) return tensors->terms[0];
    if (auto number = number_term(value)) return number;
  }
  if (const AttrValue* a = env_.attr(t.name)) {
    if (auto number = number_term(as_value(*a))) return number;
  }
  return fail(fmt::format("{} stands for nothing", t.name));
}

std::optional<std::vector<TermValue>> Builder::operands(const Term& t) {
  std::vector<TermValue> out;
  out.reserve(t.args.size());
  for (const Term& a : t.args) {
    if (a.kind == Term::Kind::kName && a.many) {
      auto it = std::find_if(env_.many.begin(), env_.many.end(), [&](const auto& m) { return m.first == a.name; });
      if (it == env_.many.end()) {
        fail(fmt::format("{}.. stands for nothing", a.name));
        return std::nullopt;
      }
      out.insert(out.end(), it->second.begin(), it->second.end());
      continue;
    }
    auto v = term(a);
    if (!v) return std::nullopt;
    out.push_back(std::move(*v));
  }
  return out;
}

std::optional<TermValue> Builder::call(const OpDef& op, const Term& t) {
  auto given = operands(t);
  if (!given) return std::nullopt;
  std::vector<TermValue> values = std::move(*given);
  if (is_elementwise(op)) {
    if (!align(values, op)) return std::nullopt;
  } else if (env_.tracked && op.name == "dot") {
    return product(t, std::move(values));
  } else if (env_.tracked && op.name == "broadcast") {
    return new_axes(t, values.at(0));
  } else if (!number_operands(op, values)) {
    return std::nullopt;
  }
  Attrs attrs;
  if (env_.tracked && op.name == "transpose" && t.attrs.empty()) {
    std::vector<Dim> identity;
    for (size_t k = 0; k < values[0].axes.size(); ++k) identity.push_back(static_cast<int64_t>(k));
    attrs["perm"] = identity;
  }
  if (!attributes(op, t, values, attrs)) return std::nullopt;
  return node(op, std::move(attrs), std::move(values));
}

// Numbers among the operands of an operator that is no map: scalars of the first operand's dtype.  Operands of an operand
// group are brought to the first one's order of axes.
bool Builder::number_operands(const OpDef& op, std::vector<TermValue>& operands) {
  if (operands.empty()) return true;  // splat, iota
  const TermValue* first = nullptr;
  for (const TermValue& v : operands) {
    if (!v.is_number && !first) first = &v;
  }
  if (!first) {
    fail(fmt::format("{} of numbers alone", op.name));
    return false;
  }
  const TermValue lead = *first;
  for (TermValue& v : operands) {
    if (v.is_number) {
      auto scalar = conform(v, {}, {}, v.dtype.value_or(type(lead).dtype));
      if (!scalar) return false;
      v = *scalar;
    } else if (env_.tracked && op.max_operands < 0 && v.axes != lead.axes) {
      std::vector<Dim> sizes;
      for (AxisId a : lead.axes) sizes.push_back(size_of(a, {v}));
      auto same = conform(v, lead.axes, sizes, type(v).dtype);
      if (!same) return false;
      v = *same;
    }
  }
  return true;
}

Dim Builder::size_of(AxisId axis, const std::vector<TermValue>& among) const {
  for (const TermValue& v : among) {
    if (v.is_number) continue;
    for (size_t k = 0; k < v.axes.size(); ++k) {
      if (v.axes[k] == axis) return type(v).dims[k];
    }
  }
  return axis < env_.axis_sizes.size() ? env_.axis_sizes[axis] : Dim(0);
}

std::vector<AxisId> Builder::in_root_order(std::vector<AxisId> axes) const {
  if (env_.root_axes.empty()) return axes;
  const std::vector<AxisId>& order = env_.root_axes[0];
  std::stable_sort(axes.begin(), axes.end(), [&](AxisId a, AxisId b) { return position(order, a) < position(order, b); });
  return axes;
}

// Operands of a map to one list of axes: that of the first operand which has them all, else the root's order.
bool Builder::align(std::vector<TermValue>& operands, const OpDef& op) {
  std::vector<AxisId> all;
  const TermValue* widest = nullptr;
  std::optional<DType> dtype;
  for (size_t i = 0; i < operands.size(); ++i) {
    const TermValue& v = operands[i];
    if (v.is_number) {
      if (v.dtype && !dtype) dtype = v.dtype;
      continue;
    }
    for (AxisId a : v.axes) {
      if (!contains(all, a)) all.push_back(a);
    }
    if (!widest || v.axes.size() > widest->axes.size()) widest = &v;
    if (!(op.name == "select" && i == 0)) dtype = type(v).dtype;
  }
  if (!dtype) {
    fail(fmt::format("{} of numbers whose dtype is not known", op.name));
    return false;
  }
  std::vector<AxisId> order;
  std::vector<Dim> sizes;
  if (env_.tracked) {
    order = widest && widest->axes.size() == all.size() ? widest->axes : in_root_order(all);
    for (AxisId a : order) sizes.push_back(size_of(a, operands));
  } else if (widest) {
    sizes = type(*widest).dims;
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    TermValue& v = operands[i];
    if (!v.is_number && (!env_.tracked || v.axes == order)) continue;
    const DType own = op.name == "select" && i == 0 ? DType::boolean : *dtype;
    auto same = conform(v, order, sizes, v.is_number ? own : type(v).dtype);
    if (!same) return false;
    v = *std::move(same);
  }
  return true;
}

std::optional<TermValue> Builder::conform(const TermValue& v, const std::vector<AxisId>& axes,
                                          const std::vector<Dim>& sizes, DType dtype) {
  if (v.is_number) {
    static const OpDef& splat = op_named("splat");
    AttrValue number = v.number;
    if (v.size) number = *v.size;
    auto out = node(splat, {{"value", number}, {"dtype", v.dtype.value_or(dtype)}, {"sizes", sizes}}, {}, true);
    return with_axes(out, axes);
  }
  if (!env_.tracked || v.axes == axes) return v;
  std::vector<Dim> dims;
  for (AxisId a : v.axes) {
    if (!contains(axes, a)) return fail("an operand has an axis that its place lacks");
    dims.push_back(position(axes, a));
  }
  if (v.axes.size() == axes.size()) {
    std::vector<Dim> perm;
    for (AxisId a : axes) perm.push_back(position(v.axes, a));
    static const OpDef& transpose = op_named("transpose");
    return node(transpose, {{"perm", perm}}, {v}, true);
  }
  std::vector<Dim> fresh;
  for (size_t k = 0; k < axes.size(); ++k) {
    if (!contains(v.axes, axes[k])) fresh.push_back(sizes[k]);
  }
  static const OpDef& broadcast = op_named("broadcast");
  return with_axes(node(broadcast, {{"dims", dims}, {"sizes", fresh}}, {v}, true), axes);
}

// A node just planned, whose axes are known better than from its operands.
std::optional<TermValue> Builder::with_axes(std::optional<TermValue> v, const std::vector<AxisId>& axes) {
  if (!v) return v;
  v->axes = axes;
  plan_.nodes[v->ref.index].axes = axes;
  return v;
}

std::optional<TermValue> Builder::extend(const TermValue& v, const std::vector<AxisId>& axes) {
  if (v.is_number || std::all_of(axes.begin(), axes.end(), [&](AxisId a) { return contains(v.axes, a); })) return v;
  std::vector<AxisId> all = v.axes;
  for (AxisId a : axes) {
    if (!contains(all, a)) all.push_back(a);
  }
  std::vector<Dim> sizes;
  for (AxisId a : all) sizes.push_back(size_of(a, {v}));
  return conform(v, all, sizes, type(v).dtype);
}

std::optional<std::vector<AxisId>> Builder::axes_of(const Term& t) const {
  if (!env_.tracked) return std::nullopt;
  std::vector<AxisId> out;
  if (t.kind == Term::Kind::kName) {
    const auto* axes = env_.group(t.name);
    return axes ? std::optional(*axes) : std::nullopt;
  }
  if (t.kind != Term::Kind::kList) return std::nullopt;
  for (const Term& a : t.args) {
    const auto* axes = a.kind == Term::Kind::kName ? env_.group(a.name) : nullptr;
    if (!axes) return std::nullopt;
    out.insert(out.end(), axes->begin(), axes->end());
  }
  return out;
}

// dot(a, b, over=k): batch axes are those of both that are not contracted.
std::optional<TermValue> Builder::product(const Term& t, std::vector<TermValue> v) {
  std::optional<std::vector<AxisId>> over = std::vector<AxisId>{};
  for (const auto& [name, value] : t.attrs) {
    if (name == "over") over = axes_of(value);
  }
  if (!over) return fail("`over` names no axes");
  for (TermValue& operand : v) {
    if (operand.is_number) return fail("a product of a number; write it as a map");
  }
  for (size_t i = 0; i < 2; ++i) {
    auto wide = extend(v[i], *over);
    if (!wide) return wide;
    v[i] = *std::move(wide);
  }
  std::vector<Dim> lb, rb, lc, rc;
  std::vector<AxisId> batch;
  for (AxisId a : v[0].axes) {
    bool both = contains(v[1].axes, a);
    if (contains(*over, a)) {
      lc.push_back(position(v[0].axes, a));
      rc.push_back(position(v[1].axes, a));
    } else if (both) {
      batch.push_back(a);
    }
  }
  for (AxisId a : in_root_order(batch)) {
    lb.push_back(position(v[0].axes, a));
    rb.push_back(position(v[1].axes, a));
  }
  static const OpDef& dot = op_named("dot");
  return node(dot, {{"lb", lb}, {"rb", rb}, {"lc", lc}, {"rc", rc}}, std::move(v));
}

// broadcast(x, new=[n, r]): the axes of x, then the new ones.
std::optional<TermValue> Builder::new_axes(const Term& t, const TermValue& v) {
  for (const auto& [name, value] : t.attrs) {
    auto axes = name == "new" ? axes_of(value) : std::nullopt;
    if (!axes || v.is_number) return fail("broadcast needs new=AXES");
    auto out = extend(v, *axes);
    if (!out) return out;
    if (!(out->ref == v.ref)) {
      plan_.nodes[out->ref.index].implied = false;
      return out;
    }
    std::vector<Dim> identity;
    for (size_t k = 0; k < v.axes.size(); ++k) identity.push_back(static_cast<int64_t>(k));
    static const OpDef& broadcast = op_named("broadcast");
    return node(broadcast, {{"dims", identity}}, {v});
  }
  return fail("broadcast needs new=AXES");
}

// --- attributes --------------------------------------------------------------------------------------------------------

bool Builder::axis_attribute(const AttrSpec& spec, const Term& value, std::vector<TermValue>& operands, Attrs& attrs,
                             bool& taken) {
  taken = false;
  if (spec.kind != AttrKind::kAxes && spec.kind != AttrKind::kAxis) return true;
  auto axes = axes_of(value);
  if (!axes || operands.empty()) return true;
  taken = true;
  auto wide = extend(operands[0], *axes);
  if (!wide) return false;
  operands[0] = *std::move(wide);
  std::vector<Dim> places;
  for (AxisId a : *axes) places.push_back(position(operands[0].axes, a));
  if (spec.kind == AttrKind::kAxes) {
    attrs[spec.name] = ascending(places);
    return true;
  }
  if (places.size() != 1) {
    fail(fmt::format("{} needs one axis", spec.name));
    return false;
  }
  attrs[spec.name] = places[0];
  return true;
}

bool Builder::attributes(const OpDef& op, const Term& t, std::vector<TermValue>& operands, Attrs& attrs) {
  const std::string* all = nullptr;
  for (const auto& [name, value] : t.attrs) {
    if (name == "all") {
      all = &value.name;
      continue;
    }
    const AttrSpec* spec = op.attr(name);
    if (!spec) {
      fail(fmt::format("{} has no attribute {}", op.name, name));
      return false;
    }
    bool taken = false;
    if (!axis_attribute(*spec, value, operands, attrs, taken)) return false;
    if (taken) continue;
    auto v = this->value(value);
    auto a = v ? as_attr(*v, spec->kind) : std::nullopt;
    if (!a) {
      fail(fmt::format("{} has no value of kind {}", print_term(value), to_string(spec->kind)));
      return false;
    }
    attrs[name] = std::move(*a);
  }
  if (!all) return true;
  for (const AttrSpec& spec : op.attrs) {
    if (attrs.count(spec.name)) continue;
    if (const AttrValue* a = env_.attr(*all + "." + spec.name)) attrs[spec.name] = *a;
  }
  return true;
}

// --- nodes -------------------------------------------------------------------------------------------------------------

std::optional<TermValue> Builder::node(const OpDef& op, Attrs attrs, std::vector<TermValue> operands, bool implied) {
  PlannedNode n;
  n.op = &op;
  n.implied = implied;
  std::vector<Type> types;
  n.operands.reserve(operands.size());
  types.reserve(operands.size());
  for (const TermValue& v : operands) {
    n.operands.push_back(v.ref);
    types.push_back(type(v));
  }
  auto complete = complete_attrs(op, std::move(attrs), types);
  if (!complete.ok()) return fail(complete.error().message);
  n.attrs = std::move(*complete);
  auto result = infer_type(op, n.attrs, types);
  if (!result.ok()) return fail(result.error().message);
  n.type = std::move(*result);
  TermValue out;
  out.ref = {true, static_cast<uint32_t>(plan_.nodes.size())};
  if (env_.tracked && !operands.empty() && is_elementwise(op)) {
    out.axes = std::move(operands[0].axes);
  } else if (env_.tracked && !operands.empty()) {
    const OpRoles* roles = roles_of(op, n.attrs, types);
    if (!roles) return fail(fmt::format("the axes of {} cannot be followed", op.name));
    for (Role r : roles->result) {
      AxisId axis = next_axis_;
      for (size_t o = 0; o < operands.size() && axis == next_axis_; ++o) {
        for (size_t k = 0; k < roles->operands[o].size(); ++k) {
          if (roles->operands[o][k].number == r.number) {
            axis = operands[o].axes[k];
            break;
          }
        }
      }
      if (axis == next_axis_) ++next_axis_;
      out.axes.push_back(axis);
    }
  }
  n.axes = out.axes;
  plan_.nodes.push_back(std::move(n));
  return out;
}

std::optional<TermRef> Builder::as_root(const TermValue& v, const Type& root, const std::vector<AxisId>& axes) {
  auto out = conform(v, axes, root.dims, root.dtype);
  if (!out) return std::nullopt;
  const Type& type = plan_.type(out->ref);
  if (type == root) return out->ref;
  bool same = AssumeSizes::active() && type.is_tensor() && root.is_tensor() && type.dtype == root.dtype && type.rank() == root.rank();
  for (size_t k = 0; same && k < root.dims.size(); ++k) {
    same = type.dims[k] == root.dims[k] || AssumeSizes::take({SizeFact::Kind::kEqual, root.dims[k], type.dims[k]});
  }
  if (same) return out->ref;
  plan_.other_type = type.dtype != root.dtype || type.rank() != root.rank() || (type.is_static() && root.is_static());
  fail(fmt::format("the right side is {}, the left {}", type.to_string(), root.to_string()));
  return std::nullopt;
}

// --- values and conditions ---------------------------------------------------------------------------------------------

std::optional<Value> Builder::value(const Term& t) {
  switch (t.kind) {
    case Term::Kind::kNumber: {
      if (auto d = as_attr(Value(t.number), AttrKind::kInt)) return as_value(*d);
      return Value(t.number);
    }
    case Term::Kind::kInfix: {
      auto a = value(t.args[0]), b = value(t.args[1]);
      return a && b ? infix(t.name, *a, *b) : std::nullopt;
    }
    case Term::Kind::kNegate: {
      auto a = value(t.args[0]);
      return a ? infix("-", Value(Dim(0)), *a) : std::nullopt;
    }
    case Term::Kind::kCompare: return Value(holds(t));
    case Term::Kind::kList: {
      std::vector<Dim> out;
      for (const Term& a : t.args) {
        auto v = value(a);
        auto d = v ? as_attr(*v, AttrKind::kInt) : std::nullopt;
        if (!d) return std::nullopt;
        out.push_back(std::get<Dim>(*d));
      }
      return Value(std::move(out));
    }
    case Term::Kind::kCall:
      if (const Native* n = find_native(t.name)) return native(*n, t);
      if (auto v = term(t)) return Value(TensorsValue{{*v}});
      return std::nullopt;
    case Term::Kind::kName: break;
  }
  if (const AttrValue* a = env_.attr(t.name)) return as_value(*a);
  if (const auto* axes = env_.group(t.name)) {
    AxesValue v;
    v.axes = *axes;
    for (AxisId a : *axes) v.sizes.push_back(env_.axis_sizes[a]);
    return Value(std::move(v));
  }
  for (const auto& [key, v] : env_.lets) {
    if (key == t.name) return v;
  }
  for (const auto& [key, values] : env_.many) {
    if (key == t.name) return Value(TensorsValue{values});
  }
  for (const auto& v : env_.variables) {
    if (v.name == t.name) return Value(TensorsValue{{v.value}});
  }
  if (auto dtype = dtype_from_name(t.name)) return Value(*dtype);
  return std::nullopt;
}

std::optional<Value> Builder::native(const Native& n, const Term& t) {
  std::vector<Value> args;
  for (const Term& a : t.args) {
    auto v = value(a);
    if (!v) return std::nullopt;
    args.push_back(std::move(*v));
  }
  auto out = n.body(args, {env_.view, &plan_});
  if (!out && n.meaning == Native::Meaning::kNumber && env_.assumed && AssumeSizes::active()) {
    auto* tensors = std::get_if<TensorsValue>(&args[0]);
    if (!tensors || tensors->terms.size() != 1 || tensors->terms[0].is_number || tensors->terms[0].ref.planned) return std::nullopt;
    const TermId term = tensors->terms[0].ref.index;
    if (env_.view->op(term).name != "input") return std::nullopt;
    env_.assumed->push_back({n.name, {term}});
    return Value(named_splat(env_.view->type(term)->dtype, term));
  }
  bool unknown = !out || (std::holds_alternative<bool>(*out) && !std::get<bool>(*out));
  if (!env_.assumed || n.meaning == Native::Meaning::kSizes || n.meaning == Native::Meaning::kNumber || !unknown) return out;
  Assumed a{n.name, {}};
  for (const Value& v : args) {
    auto* tensors = std::get_if<TensorsValue>(&v);
    if (!tensors) continue;
    for (const TermValue& x : tensors->terms) {
      if (x.is_number || x.ref.planned || env_.view->splat(x.ref.index) || env_.view->literal(x.ref.index)) return out;
      a.terms.push_back(x.ref.index);
    }
  }
  env_.assumed->push_back(std::move(a));
  return Value(true);
}

bool Builder::holds(const Term& t) {
  if (t.kind == Term::Kind::kCompare) {
    auto a = value(t.args[0]), b = value(t.args[1]);
    return a && b && compare(t.name, *a, *b).value_or(false);
  }
  auto v = value(t);
  auto* truth = v ? std::get_if<bool>(&*v) : nullptr;
  return truth && *truth;
}

bool Builder::let(const Binding& b) {
  bool tensor = b.term.op && b.term.kind != Term::Kind::kInfix;
  std::optional<Value> v = tensor ? std::nullopt : value(b.term);
  if (!v) {
    auto t = term(b.term);
    if (!t) return false;
    v = TensorsValue{{*t}};
  }
  env_.lets.emplace_back(b.name, std::move(*v));
  return true;
}

}  // namespace egret::rules
