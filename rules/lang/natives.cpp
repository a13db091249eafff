#include "rules/lang/natives.h"

#include <algorithm>
#include <cmath>
#include <map>

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

std::optional<int64_t> integer_of(const Value& v) {
  if (auto* d = std::get_if<Dim>(&v); d && d->is_const()) return d->value();
  if (auto* x = std::get_if<double>(&v); x && *x == std::floor(*x) && std::abs(*x) < 0x1p53) return static_cast<int64_t>(*x);
  return std::nullopt;
}

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
// a <= b, element by element.
Out n_at_most(Args a, const NativeContext& c) {
  Out x = n_splat(a.subspan(0, 1), c), y = n_splat(a.subspan(1, 1), c);
  if (!x || !y) return false;
  return std::get<double>(*x) <= std::get<double>(*y);
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
  for (int64_t j : *p) {
    if (j < 0 || j >= static_cast<int64_t>(sizes->size())) return std::nullopt;
    if ((*sizes)[static_cast<size_t>(j)] == Dim(1)) continue;
    if (j < last) return false;
    last = j;
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
    {"at_most", "tensor, tensor", "splats, the first not above the second", Meaning::kValues, n_at_most},
    {"splat", "tensor", "the number that every element is", Meaning::kSizes, n_splat},
    {"dtype", "tensor", "its dtype", Meaning::kSizes, n_dtype},
    {"same_dtype", "tensor..", "all are of one dtype", Meaning::kSizes, n_same_dtype},
    {"is_float", "any", "a float dtype, or a tensor of one", Meaning::kSizes, n_is_float},
    {"is_exact", "any", "an integer or bool dtype, or a tensor of one", Meaning::kSizes, n_is_exact},
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

std::span<const Native> natives() { return kNatives; }

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

// --- arithmetic --------------------------------------------------------------------------------------------------------

namespace {

std::optional<Dim> dim_of(const Value& v) {
  if (auto* d = std::get_if<Dim>(&v)) return *d;
  if (auto i = integer_of(v)) return Dim(*i);
  return std::nullopt;
}

std::optional<double> number_of(const Value& v) {
  if (auto* x = std::get_if<double>(&v)) return *x;
  if (auto i = integer_of(v)) return static_cast<double>(*i);
  return std::nullopt;
}

std::optional<Dim> on_sizes(char op, Dim a, Dim b) {
  switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    default: return b == Dim(0) ? std::nullopt : std::optional<Dim>(Dim::div(a, b));
  }
}

// Known, or taken as true in a proof for all sizes.
bool proved(const std::string& op, Dim a, Dim b) {
  using Kind = SizeFact::Kind;
  if (op == ">") return proved("<", b, a);
  if (op == ">=") return proved("<=", b, a);
  if (op == "==") return a == b || AssumeSizes::take({Kind::kEqual, a, b});
  if (op == "!=") return (a - b).low() > 0 || (a - b).high() < 0 || AssumeSizes::take({Kind::kNotEqual, a, b});
  if (op == "<") return (b - a).low() > 0 || AssumeSizes::take({Kind::kLess, a, b});
  return (b - a).low() >= 0 || AssumeSizes::take({Kind::kLessEqual, a, b});
}

bool on_numbers(const std::string& op, double a, double b) {
  if (op == "==") return a == b;
  if (op == "!=") return a != b;
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  return op == ">" ? a > b : a >= b;
}

}  // namespace

std::optional<Value> infix(const std::string& op, const Value& a, const Value& b) {
  const List *x = list(a), *y = list(b);
  if (x || y) {
    if (x && y && x->size() != y->size()) return std::nullopt;
    std::optional<Dim> one = x && y ? std::nullopt : dim_of(x ? b : a);
    if (!(x && y) && !one) return std::nullopt;
    List out;
    for (size_t i = 0; i < (x ? x : y)->size(); ++i) {
      auto d = on_sizes(op[0], x ? (*x)[i] : *one, y ? (*y)[i] : *one);
      if (!d) return std::nullopt;
      out.push_back(*d);
    }
    return out;
  }
  bool sizes = std::holds_alternative<Dim>(a) || std::holds_alternative<Dim>(b);
  if (sizes) {
    auto p = dim_of(a), q = dim_of(b);
    if (p && q) {
      auto d = on_sizes(op[0], *p, *q);
      return d ? Out(*d) : std::nullopt;
    }
  }
  auto p = number_of(a), q = number_of(b);
  if (!p || !q) return std::nullopt;
  switch (op[0]) {
    case '+': return *p + *q;
    case '-': return *p - *q;
    case '*': return *p * *q;
    default: return *p / *q;
  }
}

std::optional<bool> compare(const std::string& op, const Value& a, const Value& b) {
  const List *x = list(a), *y = list(b);
  if (x || y) {  // of lists: every element; != : some element
    if (x && y && x->size() != y->size()) return op == "!=";
    std::optional<Dim> one = x && y ? std::nullopt : dim_of(x ? b : a);
    if (!(x && y) && !one) return std::nullopt;
    if (op == "!=" && AssumeSizes::active()) return std::nullopt;  // which element differs is not known
    bool all = true, some = false;
    for (size_t i = 0; i < (x ? x : y)->size(); ++i) {
      bool holds = proved(op, x ? (*x)[i] : *one, y ? (*y)[i] : *one);
      all &= holds;
      some |= holds;
    }
    return op == "!=" ? some : all;
  }
  if (std::holds_alternative<Dim>(a) || std::holds_alternative<Dim>(b)) {
    auto p = dim_of(a), q = dim_of(b);
    if (p && q) return proved(op, *p, *q);
  }
  if (auto p = number_of(a), q = number_of(b); p && q) return on_numbers(op, *p, *q);
  if (a.index() != b.index() || (op != "==" && op != "!=")) return std::nullopt;
  bool same = false;
  if (auto* d = std::get_if<DType>(&a)) {
    same = *d == std::get<DType>(b);
  } else if (auto* s = std::get_if<std::string>(&a)) {
    same = *s == std::get<std::string>(b);
  } else if (auto* q = std::get_if<bool>(&a)) {
    same = *q == std::get<bool>(b);
  } else {
    return std::nullopt;
  }
  return same == (op == "==");
}

std::optional<AttrValue> as_attr(const Value& value, AttrKind kind) {
  switch (kind) {
    case AttrKind::kAxes:
    case AttrKind::kSizes:
    case AttrKind::kInts:
      if (const List* l = list(value)) return *l;
      return std::nullopt;
    case AttrKind::kAxis:
    case AttrKind::kInt:
      if (auto d = dim_of(value)) return *d;
      return std::nullopt;
    case AttrKind::kNumber:
      if (auto n = number_of(value)) return *n;
      return std::nullopt;
    case AttrKind::kDType:
      if (auto* d = std::get_if<DType>(&value)) return *d;
      return std::nullopt;
    case AttrKind::kWord:
      if (auto* s = std::get_if<std::string>(&value)) return *s;
      return std::nullopt;
    case AttrKind::kTensor:
      if (auto* t = std::get_if<TensorRef>(&value)) return *t;
      return std::nullopt;
  }
  return std::nullopt;
}

Value as_value(const AttrValue& value) {
  return std::visit([](const auto& v) -> Value { return v; }, value);
}

}  // namespace egret::rules
