#include "rules/lang/natives.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "ir/assume.h"

namespace egret::rules {
namespace {

using Args = std::span<const Value>;
using Out = std::optional<Value>;
using List = std::vector<Dim>;
using Meaning = Native::Meaning;

const TermValue* tensor(const Value& v) {
  auto* t = std::get_if<TensorsValue>(&v);
  return t && t->terms.size() == 1 ? &t->terms[0] : nullptr;
}

const Type* type_of(const Value& v, const NativeContext& c) {
  const TermValue* t = tensor(v);
  if (!t || t->is_number) return nullptr;
  return t->ref.planned ? &c.plan->type(t->ref) : c.view->type(t->ref.index);
}

// The existing term; nothing for a number or a planned node.
std::optional<TermId> existing(const Value& v) {
  const TermValue* t = tensor(v);
  if (!t || t->is_number || t->ref.planned) return std::nullopt;
  return t->ref.index;
}

const List* list(const Value& v) { return std::get_if<List>(&v); }

std::optional<std::vector<int64_t>> integers(const Value& v) {
  const List* l = list(v);
  if (!l) return std::nullopt;
  std::vector<int64_t> out;
  for (Dim d : *l) {
    if (!d.is_const()) return std::nullopt;
    out.push_back(d.value());
  }
  return out;
}

// Whether a test holds for every element of a tensor whose value is known; false where it is not.
template <class Test>
bool all_elements(const Value& v, const NativeContext& c, Test test) {
  if (const TermValue* t = tensor(v); t && t->is_number) return test(t->number);
  auto id = existing(v);
  if (!id) return false;
  if (auto s = c.view->splat(*id)) return test(*s);
  TensorRef value = c.view->literal(*id);
  if (!value) return false;
  for (int64_t i = 0; i < value->size(); ++i) {
    if (!test(value->get(i))) return false;
  }
  return true;
}

bool from_at_most(const Value& v, const NativeContext& c, Dependence weakest) {
  if (const TermValue* t = tensor(v); t && t->is_number) return true;
  auto* group = std::get_if<TensorsValue>(&v);
  if (!group || group->terms.empty()) return false;
  return std::all_of(group->terms.begin(), group->terms.end(), [&](const TermValue& t) {
    return t.is_number || (!t.ref.planned && c.view->depends(t.ref.index) <= weakest);
  });
}

// --- bodies ------------------------------------------------------------------------------------------------------------

Out n_constant(Args a, const NativeContext& c) { return from_at_most(a[0], c, Dependence::kConstant); }
Out n_frozen(Args a, const NativeContext& c) { return from_at_most(a[0], c, Dependence::kFrozen); }
Out n_nonzero(Args a, const NativeContext& c) {
  return all_elements(a[0], c, [](double x) { return x != 0 && !std::isnan(x); });
}
Out n_positive(Args a, const NativeContext& c) {
  return all_elements(a[0], c, [](double x) { return x > 0; });
}
Out n_nonnegative(Args a, const NativeContext& c) {
  return all_elements(a[0], c, [](double x) { return x >= 0; });
}
Out n_finite(Args a, const NativeContext& c) {
  return all_elements(a[0], c, [](double x) { return std::isfinite(x); });
}
Out n_splat(Args a, const NativeContext& c) {
  if (const TermValue* t = tensor(a[0]); t && t->is_number) return t->number;
  auto id = existing(a[0]);
  auto value = id ? c.view->splat(*id) : std::nullopt;
  return value ? Out(*value) : std::nullopt;
}

Out n_dtype(Args a, const NativeContext& c) {
  if (const Type* t = type_of(a[0], c); t && t->is_tensor()) return t->dtype;
  return std::nullopt;
}
Out n_same_dtype(Args a, const NativeContext& c) {
  std::optional<DType> first;
  for (const Value& v : a) {
    auto* group = std::get_if<TensorsValue>(&v);
    if (!group) return std::nullopt;
    for (const TermValue& t : group->terms) {
      if (t.is_number) continue;
      DType d = (t.ref.planned ? c.plan->type(t.ref) : *c.view->type(t.ref.index)).dtype;
      if (first && *first != d) return false;
      first = d;
    }
  }
  return true;
}
Out n_is_float(Args a, const NativeContext& c) {
  if (auto* d = std::get_if<DType>(&a[0])) return is_float(*d);
  const Type* t = type_of(a[0], c);
  return t && t->is_tensor() && is_float(t->dtype);
}
Out n_is_exact(Args a, const NativeContext& c) {
  auto float_dtype = n_is_float(a, c);
  return std::holds_alternative<DType>(a[0]) || type_of(a[0], c) ? Out(!std::get<bool>(*float_dtype)) : std::nullopt;
}
Out n_is_signed(Args a, const NativeContext& c) {
  const Type* t = type_of(a[0], c);
  const auto* d = std::get_if<DType>(&a[0]);
  if (!d && !(t && t->is_tensor())) return std::nullopt;
  const DTypeRow::Kind kind = row(d ? *d : t->dtype).kind;
  return kind == DTypeRow::Kind::kFloat || kind == DTypeRow::Kind::kSigned;
}
Out n_holds(Args a, const NativeContext&) {
  auto *wide = std::get_if<DType>(&a[0]), *narrow = std::get_if<DType>(&a[1]);
  if (!wide || !narrow) return std::nullopt;
  return holds(*wide, *narrow);
}
Out n_rank(Args a, const NativeContext& c) {
  if (const Type* t = type_of(a[0], c); t && t->is_tensor()) return Dim(t->rank());
  return std::nullopt;
}
Out n_sizes(Args a, const NativeContext& c) {
  if (auto* axes = std::get_if<AxesValue>(&a[0])) return axes->sizes;
  if (const Type* t = type_of(a[0], c); t && t->is_tensor()) return t->dims;
  return std::nullopt;
}
// Elements along axes, or of a tensor.
Out n_size(Args a, const NativeContext& c) {
  Out sizes = n_sizes(a, c);
  if (!sizes) return std::nullopt;
  Dim product = 1;
  for (Dim d : std::get<List>(*sizes)) product = product * d;
  return product;
}
Out n_count(Args a, const NativeContext&) {
  if (auto* axes = std::get_if<AxesValue>(&a[0])) return Dim(static_cast<int64_t>(axes->axes.size()));
  if (auto* group = std::get_if<TensorsValue>(&a[0])) return Dim(static_cast<int64_t>(group->terms.size()));
  if (const List* l = list(a[0])) return Dim(static_cast<int64_t>(l->size()));
  return std::nullopt;
}

// Permutations: result axis j is operand axis p[j].
Out n_identity(Args a, const NativeContext&) {
  auto p = integers(a[0]);
  if (!p) return std::nullopt;
  for (size_t i = 0; i < p->size(); ++i) {
    if ((*p)[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}
Out n_compose(Args a, const NativeContext&) {  // first by p, then by q; sizes may have names
  const List* p = list(a[0]);
  auto q = integers(a[1]);
  if (!p || !q) return std::nullopt;
  List out;
  for (int64_t j : *q) {
    if (j < 0 || j >= static_cast<int64_t>(p->size())) return std::nullopt;
    out.push_back((*p)[static_cast<size_t>(j)]);
  }
  return out;
}
Out n_inverse(Args a, const NativeContext&) {
  auto p = integers(a[0]);
  if (!p) return std::nullopt;
  List out(p->size(), -1);
  for (size_t j = 0; j < p->size(); ++j) {
    if ((*p)[j] < 0 || (*p)[j] >= static_cast<int64_t>(p->size())) return std::nullopt;
    out[static_cast<size_t>((*p)[j])] = static_cast<int64_t>(j);
  }
  return out;
}
// Where axes go under the permutation p: the places j with p[j] in the list, ascending.
Out n_places(Args a, const NativeContext&) {
  auto axes = integers(a[0]), p = integers(a[1]);
  if (!axes || !p) return std::nullopt;
  List out;
  for (size_t j = 0; j < p->size(); ++j) {
    if (std::find(axes->begin(), axes->end(), (*p)[j]) != axes->end()) out.push_back(static_cast<int64_t>(j));
  }
  return out;
}
// p without the axes listed, the rest renumbered: the permutation that is left when a reduction has taken axes of the
// operand.
Out n_permutation_without(Args a, const NativeContext&) {
  auto p = integers(a[0]), axes = integers(a[1]);
  if (!p || !axes) return std::nullopt;
  List out;
  for (int64_t j : *p) {
    if (std::find(axes->begin(), axes->end(), j) != axes->end()) continue;
    int64_t below = std::count_if(axes->begin(), axes->end(), [&](int64_t x) { return x < j; });
    out.push_back(j - below);
  }
  return out;
}
Out n_at(Args a, const NativeContext&) {
  const List* l = list(a[0]);
  auto i = integer_of(a[1]);
  if (!l || !i || *i < 0 || *i >= static_cast<int64_t>(l->size())) return std::nullopt;
  return (*l)[static_cast<size_t>(*i)];
}
Out n_replace(Args a, const NativeContext&) {
  const List* l = list(a[0]);
  auto i = integer_of(a[1]);
  auto whole = integer_of(a[2]);
  auto* dim = std::get_if<Dim>(&a[2]);
  std::optional<Dim> v = dim ? std::optional(*dim) : whole ? std::optional(Dim(*whole)) : std::nullopt;
  if (!l || !i || !v || *i < 0 || *i >= static_cast<int64_t>(l->size())) return std::nullopt;
  List out = *l;
  out[static_cast<size_t>(*i)] = *v;
  return out;
}
Out n_prefix(Args a, const NativeContext&) {
  const List* l = list(a[0]);
  auto n = integer_of(a[1]);
  if (!l || !n || *n < 0 || *n > static_cast<int64_t>(l->size())) return std::nullopt;
  return List(l->begin(), l->begin() + *n);
}
Out n_suffix(Args a, const NativeContext&) {  // without the first n
  const List* l = list(a[0]);
  auto n = integer_of(a[1]);
  if (!l || !n || *n < 0 || *n > static_cast<int64_t>(l->size())) return std::nullopt;
  return List(l->begin() + *n, l->end());
}
Out n_join(Args a, const NativeContext&) {
  List out;
  for (const Value& v : a) {
    const List* l = list(v);
    if (!l) return std::nullopt;
    out.insert(out.end(), l->begin(), l->end());
  }
  return out;
}
Out n_fill(Args a, const NativeContext&) {  // n times v
  auto n = integer_of(a[0]);
  auto v = integer_of(a[1]);
  if (!n || !v || *n < 0 || *n > 64) return std::nullopt;
  return List(static_cast<size_t>(*n), Dim(*v));
}
Out n_range(Args a, const NativeContext&) {
  auto low = integer_of(a[0]), high = integer_of(a[1]);
  if (!low || !high || *high - *low > 64) return std::nullopt;
  List out;
  for (int64_t i = *low; i < *high; ++i) out.push_back(i);
  return out;
}
Out n_total(Args a, const NativeContext&) {
  const List* l = list(a[0]);
  if (!l) return std::nullopt;
  Dim sum = 0;
  for (Dim d : *l) sum = sum + d;
  return sum;
}
template <Dim (*Pick)(Dim, Dim)>
Out n_pick(Args a, const NativeContext&) {
  if (auto *x = std::get_if<Dim>(&a[0]), *y = std::get_if<Dim>(&a[1]); x && y) return Pick(*x, *y);
  if (auto *x = std::get_if<double>(&a[0]), *y = std::get_if<double>(&a[1]); x && y) {
    return Pick == Dim::min ? std::min(*x, *y) : std::max(*x, *y);
  }
  const List *x = list(a[0]), *y = list(a[1]);
  const std::optional<int64_t> one = x && !y ? integer_of(a[1]) : std::nullopt;  // a list against one number
  if (!x || (y ? x->size() != y->size() : !one)) return std::nullopt;
  List out;
  for (size_t i = 0; i < x->size(); ++i) out.push_back(Pick((*x)[i], y ? (*y)[i] : Dim(*one)));
  return out;
}
// The axes of a broadcast whose places are dims, seen through a second one: dims2[dims1[i]].
Out n_through(Args a, const NativeContext& c) {
  Value swapped[] = {a[1], a[0]};
  return n_compose(swapped, c);
}
// Sizes of a broadcast's result: those of the operand at the places `dims`, the new ones in order elsewhere.
Out n_placed(Args a, const NativeContext&) {
  const List *sizes = list(a[0]), *fresh = list(a[2]);
  auto dims = integers(a[1]);
  if (!sizes || !fresh || !dims || dims->size() != sizes->size()) return std::nullopt;
  List out(sizes->size() + fresh->size(), Dim(-1));
  for (size_t i = 0; i < dims->size(); ++i) {
    if ((*dims)[i] < 0 || (*dims)[i] >= static_cast<int64_t>(out.size())) return std::nullopt;
    out[static_cast<size_t>((*dims)[i])] = (*sizes)[i];
  }
  size_t next = 0;
  for (Dim& d : out) {
    if (d == Dim(-1) && next < fresh->size()) d = (*fresh)[next++];
  }
  return out;
}
// Sizes of the axes that `dims` leaves free in a result of these sizes.
Out n_sizes_without(Args a, const NativeContext&) {
  const List* sizes = list(a[0]);
  auto dims = integers(a[1]);
  if (!sizes || !dims) return std::nullopt;
  List out;
  for (size_t i = 0; i < sizes->size(); ++i) {
    if (std::find(dims->begin(), dims->end(), static_cast<int64_t>(i)) == dims->end()) out.push_back((*sizes)[i]);
  }
  return out;
}

// Elements of the first list that the second lacks.
Out n_without(Args a, const NativeContext&) {
  auto x = integers(a[0]), y = integers(a[1]);
  if (!x || !y) return std::nullopt;
  List out;
  for (int64_t v : *x) {
    if (std::find(y->begin(), y->end(), v) == y->end()) out.push_back(v);
  }
  return out;
}
Out n_sorted(Args a, const NativeContext&) {
  auto x = integers(a[0]);
  if (!x) return std::nullopt;
  std::sort(x->begin(), x->end());
  return List(x->begin(), x->end());
}
Out n_place_of(Args a, const NativeContext&) {
  auto x = integers(a[0]);
  auto v = integer_of(a[1]);
  auto it = x && v ? std::find(x->begin(), x->end(), *v) : std::vector<int64_t>::iterator();
  if (!x || !v || it == x->end()) return std::nullopt;
  return Dim(it - x->begin());
}
Out n_has(Args a, const NativeContext&) {
  auto x = integers(a[0]);
  auto v = integer_of(a[1]);
  if (!x || !v) return std::nullopt;
  return std::find(x->begin(), x->end(), *v) != x->end();
}
// The first list at the places listed, the second elsewhere.
Out n_at_places(Args a, const NativeContext&) {
  auto places = integers(a[0]);
  const List *x = list(a[1]), *y = list(a[2]);
  if (!places || !x || !y || x->size() != y->size()) return std::nullopt;
  List out = *y;
  for (int64_t p : *places) {
    if (p < 0 || p >= static_cast<int64_t>(out.size())) return std::nullopt;
    out[static_cast<size_t>(p)] = (*x)[static_cast<size_t>(p)];
  }
  return out;
}
// Whether a transpose by p of a tensor of these sizes leaves the elements as they lie: axes of more than one element stay
// in order.
Out n_keeps_order(Args a, const NativeContext&) {
  auto p = integers(a[0]);
  const List* sizes = list(a[1]);
  if (!p || !sizes || p->size() != sizes->size()) return std::nullopt;
  int64_t last = -1;
  for (auto at = p->begin(); at != p->end(); ++at) {
    if (*at < 0 || *at >= static_cast<int64_t>(sizes->size())) return std::nullopt;
    const Dim size = (*sizes)[static_cast<size_t>(*at)];
    if (size == Dim(1)) continue;
    // Of two axes that are out of order one has one element: this one, or those that stand before it and after the other.
    const bool before_less = std::any_of(at, p->end(), [&](int64_t later) { return later < *at; });
    const bool alone = *at < last || (before_less && AssumeSizes::choose(2) == 1);
    if (alone ? !AssumeSizes::take({SizeFact::Kind::kEqual, size, 1}) : *at < last) return false;
    if (!alone) last = *at;
  }
  return true;
}

constexpr Native kNatives[] = {
    {"constant", "tensor", "depends on constants alone", Meaning::kOrigin, n_constant},
    {"frozen", "tensor", "depends on constants and frozen parameters alone", Meaning::kOrigin, n_frozen},
    {"nonzero", "tensor", "known, and no element is 0", Meaning::kValues, n_nonzero},
    {"positive", "tensor", "known, and every element is above 0", Meaning::kValues, n_positive},
    {"nonnegative", "tensor", "known, and no element is below 0", Meaning::kValues, n_nonnegative},
    {"finite", "tensor", "known, and every element is finite", Meaning::kValues, n_finite},
    {"splat", "tensor", "the number that every element is", Meaning::kNumber, n_splat},
    {"dtype", "tensor", "its dtype", Meaning::kSizes, n_dtype},
    {"same_dtype", "tensor..", "all are of one dtype", Meaning::kSizes, n_same_dtype},
    {"is_float", "any", "a float dtype, or a tensor of one", Meaning::kSizes, n_is_float},
    {"is_exact", "any", "an integer or bool dtype, or a tensor of one", Meaning::kSizes, n_is_exact},
    {"is_signed", "any", "a dtype with negative numbers, or a tensor of one", Meaning::kSizes, n_is_signed},
    {"holds", "dtype, dtype", "every value of the second is one of the first", Meaning::kSizes, n_holds},
    {"rank", "tensor", "how many axes", Meaning::kSizes, n_rank},
    {"sizes", "any", "sizes of a tensor or of axes", Meaning::kSizes, n_sizes},
    {"size", "any", "elements of a tensor or along axes", Meaning::kSizes, n_size},
    {"count", "any", "axes of a group, tensors of an operand group, or numbers in a list", Meaning::kSizes, n_count},
    {"is_identity", "list", "the permutation changes nothing", Meaning::kSizes, n_identity},
    {"compose", "list, list", "the permutation that does the first, then the second", Meaning::kSizes, n_compose},
    {"inverse", "list", "the permutation that undoes it", Meaning::kSizes, n_inverse},
    {"through", "list, list", "places of axes after two broadcasts", Meaning::kSizes, n_through},
    {"placed", "list, list, list", "sizes of a broadcast: of the operand, places, new ones", Meaning::kSizes, n_placed},
    {"places", "list, list", "where axes stand after the permutation, ascending", Meaning::kSizes, n_places},
    {"permutation_without", "list, list", "the permutation left without operand axes", Meaning::kSizes, n_permutation_without},
    {"sizes_without", "list, list", "sizes but for the places listed", Meaning::kSizes, n_sizes_without},
    {"at", "list, int", "element of a list", Meaning::kSizes, n_at},
    {"replace", "list, int, int", "the list with one element replaced", Meaning::kSizes, n_replace},
    {"prefix", "list, int", "the first n", Meaning::kSizes, n_prefix},
    {"suffix", "list, int", "all but the first n", Meaning::kSizes, n_suffix},
    {"join", "list..", "lists one after the other", Meaning::kSizes, n_join},
    {"fill", "int, int", "a list of n times a number", Meaning::kSizes, n_fill},
    {"range", "int, int", "from the first to below the second", Meaning::kSizes, n_range},
    {"total", "list", "sum of a list", Meaning::kSizes, n_total},
    {"without", "list, list", "elements of the first that the second lacks", Meaning::kSizes, n_without},
    {"sorted", "list", "the list ascending", Meaning::kSizes, n_sorted},
    {"place_of", "list, int", "place of a number in a list", Meaning::kSizes, n_place_of},
    {"has", "list, int", "the number is in the list", Meaning::kSizes, n_has},
    {"at_places", "list, list, list", "the second at the places of the first, the third elsewhere", Meaning::kSizes, n_at_places},
    {"keeps_order", "list, list", "the permutation of these sizes moves axes of one element alone", Meaning::kSizes, n_keeps_order},
    {"least", "any, any", "the smaller, element by element", Meaning::kSizes, n_pick<Dim::min>},
    {"most", "any, any", "the larger, element by element", Meaning::kSizes, n_pick<Dim::max>},
};

}  // namespace

Dim named_splat(DType dtype, uint32_t term) {
  const std::string name = fmt::format("splat {} {}", egret::name(dtype), term);
  if (is_float(dtype)) return Dim::named(name + kRealName, -(int64_t{1} << 40), int64_t{1} << 40);
  const int bits = std::min<int>(row(dtype).mantissa, 60);
  const bool negative = row(dtype).kind == DTypeRow::Kind::kSigned;
  return Dim::named(name, negative ? -(int64_t{1} << bits) : 0, dtype == DType::boolean ? 1 : (int64_t{1} << bits) - 1);
}

const Native* find_native(std::string_view name) {
  static const std::map<std::string_view, const Native*> by_name = [] {
    std::map<std::string_view, const Native*> m;
    for (const Native& n : kNatives) m.emplace(n.name, &n);
    return m;
  }();
  auto it = by_name.find(name);
  return it == by_name.end() ? nullptr : it->second;
}

bool fits(const Native& native, size_t count) {
  std::string_view sorts = native.sorts;
  size_t parameters = static_cast<size_t>(std::count(sorts.begin(), sorts.end(), ',')) + 1;
  return sorts.ends_with("..") ? count >= parameters : count == parameters;
}

}  // namespace egret::rules
