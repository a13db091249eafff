// Interning, canonical form and bounds of Dim.  Parsing and printing are in dim_text.cpp.
#include "ir/dim_expr.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "support/hash.h"

namespace egret {

namespace {

constexpr int64_t kLargest = int64_t{1} << 60;  // bounds saturate here: "no bound known"

int64_t saturate(__int128 x) {
  if (x > kLargest) return kLargest;
  if (x < -kLargest) return -kLargest;
  return static_cast<int64_t>(x);
}

int64_t floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

int64_t floor_mod(int64_t a, int64_t b) { return saturate(static_cast<__int128>(a) - static_cast<__int128>(b) * floor_div(a, b)); }

struct Bounds {
  int64_t low, high;
};

Bounds product(Bounds a, Bounds b) {
  __int128 values[4] = {static_cast<__int128>(a.low) * b.low, static_cast<__int128>(a.low) * b.high,
                        static_cast<__int128>(a.high) * b.low, static_cast<__int128>(a.high) * b.high};
  return {saturate(*std::min_element(values, values + 4)), saturate(*std::max_element(values, values + 4))};
}

int compare(Dim a, Dim b);

int compare(const DimExpr* a, const DimExpr* b) {
  if (a == b) return 0;
  if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
  if (a->kind == DimExpr::Kind::kName) return a->name.compare(b->name);
  if (a->kind != DimExpr::Kind::kSum) {
    if (int c = compare(a->a, b->a)) return c;
    return compare(a->b, b->b);
  }
  const auto &x = a->sum.terms, &y = b->sum.terms;
  for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
    if (int c = compare_factors(x[i].factors, y[i].factors)) return c;
    if (x[i].coefficient != y[i].coefficient) return x[i].coefficient < y[i].coefficient ? -1 : 1;
  }
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  return a->sum.constant < b->sum.constant ? -1 : (a->sum.constant > b->sum.constant);
}

int compare(Dim a, Dim b) {
  if (a == b) return 0;
  if (a.is_const() != b.is_const()) return a.is_const() ? -1 : 1;
  if (a.is_const()) return a.value() < b.value() ? -1 : 1;
  return compare(DimAccess::expr(a), DimAccess::expr(b));
}

uint64_t hash_of(const DimExpr& e) {
  uint64_t h = hash_combine(7, static_cast<uint64_t>(e.kind));
  h = hash_string(e.name, h);
  h = hash_combine(hash_combine(h, e.a.hash()), e.b.hash());
  for (const DimTerm& t : e.sum.terms) {
    h = hash_combine(h, static_cast<uint64_t>(t.coefficient));
    for (const DimExpr* f : t.factors) h = hash_combine(h, f->hash);
  }
  return hash_combine(h, static_cast<uint64_t>(e.sum.constant));
}

bool same(const DimExpr& a, const DimExpr& b) {
  return a.kind == b.kind && a.name == b.name && a.a == b.a && a.b == b.b && a.sum == b.sum;
}

class DimTable {
 public:
  const DimExpr* intern(DimExpr&& e) {
    e.hash = hash_of(e);
    std::lock_guard lock(mutex_);
    auto [begin, end] = rows_.equal_range(e.hash);
    for (auto it = begin; it != end; ++it) {
      if (same(*it->second, e)) return it->second.get();
    }
    auto row = std::make_unique<DimExpr>(std::move(e));
    const DimExpr* result = row.get();
    rows_.emplace(result->hash, std::move(row));
    return result;
  }

  const DimExpr* intern_name(std::string_view name, int64_t low, int64_t high) {
    DimExpr e;
    e.kind = DimExpr::Kind::kName;
    e.name = std::string(name);
    const DimExpr* row = intern(std::move(e));
    std::lock_guard lock(mutex_);
    row->name_low.store(std::max(row->name_low.load(), low));
    row->name_high.store(std::min(row->name_high.load(), high));
    return row;
  }

 private:
  std::mutex mutex_;
  std::unordered_multimap<uint64_t, std::unique_ptr<DimExpr>> rows_;
};

DimTable& table() {
  static DimTable* const instance = new DimTable;  // never destroyed: handles may outlive statics
  return *instance;
}

Dim make_atom(DimExpr::Kind kind, Dim a, Dim b) {
  DimExpr e;
  e.kind = kind;
  e.a = a;
  e.b = b;
  return DimAccess::dim(table().intern(std::move(e)));
}

// Adds `scale` times one term to a sum in canonical order.
void add_term(DimSum& sum, const DimTerm& term, int64_t scale) {
  auto it = std::lower_bound(sum.terms.begin(), sum.terms.end(), term, [](const DimTerm& x, const DimTerm& y) {
    return compare_factors(x.factors, y.factors) < 0;
  });
  int64_t amount = saturate(static_cast<__int128>(term.coefficient) * scale);
  if (it != sum.terms.end() && it->factors == term.factors) {
    it->coefficient = saturate(static_cast<__int128>(it->coefficient) + amount);
    if (it->coefficient == 0) sum.terms.erase(it);
  } else if (amount != 0) {
    sum.terms.insert(it, {amount, term.factors});
  }
}

Dim make_sum(DimSum sum) {
  if (sum.terms.empty()) return Dim(sum.constant);
  if (sum.constant == 0 && sum.terms.size() == 1 && sum.terms[0].coefficient == 1 &&
      sum.terms[0].factors.size() == 1) {
    return DimAccess::dim(sum.terms[0].factors[0]);
  }
  DimExpr e;
  e.kind = DimExpr::Kind::kSum;
  e.sum = std::move(sum);
  return DimAccess::dim(table().intern(std::move(e)));
}

Dim add_scaled(Dim a, Dim b, int64_t scale) {
  if (a.is_const() && b.is_const()) {
    return Dim(saturate(static_cast<__int128>(a.value()) + static_cast<__int128>(scale) * b.value()));
  }
  DimSum sum = DimAccess::sum(a), other = DimAccess::sum(b);
  for (const DimTerm& t : other.terms) add_term(sum, t, scale);
  sum.constant = saturate(static_cast<__int128>(sum.constant) + static_cast<__int128>(scale) * other.constant);
  return make_sum(std::move(sum));
}

// Splits a sum by a positive constant: a = divisor * quotient + rest, rest with coefficients in [0, divisor).
std::pair<Dim, Dim> split_by(Dim a, int64_t divisor) {
  DimSum sum = DimAccess::sum(a), quotient, rest;
  for (const DimTerm& t : sum.terms) {
    int64_t q = floor_div(t.coefficient, divisor), r = floor_mod(t.coefficient, divisor);
    if (q != 0) quotient.terms.push_back({q, t.factors});
    if (r != 0) rest.terms.push_back({r, t.factors});
  }
  quotient.constant = floor_div(sum.constant, divisor);
  rest.constant = floor_mod(sum.constant, divisor);
  return {make_sum(std::move(quotient)), make_sum(std::move(rest))};
}

// a / b where b is one term that divides every term of a.
std::optional<Dim> divide_exactly(Dim a, Dim b) {
  DimSum sum = DimAccess::sum(a), by = DimAccess::sum(b);
  if (by.terms.size() != 1 || by.constant != 0 || sum.constant != 0 || b.low() < 1) return std::nullopt;
  DimSum quotient;
  for (const DimTerm& t : sum.terms) {
    if (t.coefficient % by.terms[0].coefficient != 0) return std::nullopt;
    DimTerm q{t.coefficient / by.terms[0].coefficient, t.factors};
    for (const DimExpr* f : by.terms[0].factors) {
      auto it = std::find(q.factors.begin(), q.factors.end(), f);
      if (it == q.factors.end()) return std::nullopt;
      q.factors.erase(it);
    }
    if (q.factors.empty()) {
      quotient.constant = q.coefficient;
    } else {
      add_term(quotient, q, 1);
    }
  }
  return make_sum(std::move(quotient));
}

Bounds bounds(const DimExpr* e);
Bounds bounds(Dim d) {
  if (d.is_const()) return {d.value(), d.value()};
  return bounds(DimAccess::expr(d));
}

Bounds bounds_of_div(Bounds a, Bounds b) {
  if (b.low < 1) return {-kLargest, kLargest};
  int64_t values[4] = {floor_div(a.low, b.low), floor_div(a.low, b.high), floor_div(a.high, b.low),
                       floor_div(a.high, b.high)};
  return {*std::min_element(values, values + 4), *std::max_element(values, values + 4)};
}

Bounds bounds(const DimExpr* e) {
  using Kind = DimExpr::Kind;
  if (e->kind == Kind::kName) return {e->name_low.load(), e->name_high.load()};
  if (e->kind == Kind::kSum) {
    Bounds total{e->sum.constant, e->sum.constant};
    for (const DimTerm& t : e->sum.terms) {
      Bounds term{t.coefficient, t.coefficient};
      for (const DimExpr* f : t.factors) term = product(term, bounds(f));
      total = {saturate(static_cast<__int128>(total.low) + term.low),
               saturate(static_cast<__int128>(total.high) + term.high)};
    }
    return total;
  }
  Bounds a = bounds(e->a), b = bounds(e->b);
  if (e->kind == Kind::kDiv) return bounds_of_div(a, b);
  if (e->kind == Kind::kMod) return b.low < 1 ? Bounds{-kLargest, kLargest} : Bounds{0, b.high - 1};
  if (e->kind == Kind::kMin) return {std::min(a.low, b.low), std::min(a.high, b.high)};
  return {std::max(a.low, b.low), std::max(a.high, b.high)};
}

}  // namespace

int compare_factors(const std::vector<const DimExpr*>& a, const std::vector<const DimExpr*>& b) {
  if (a.size() != b.size()) return a.size() > b.size() ? -1 : 1;
  for (size_t i = 0; i < a.size(); ++i) {
    if (int c = compare(a[i], b[i])) return c;
  }
  return 0;
}

DimSum DimAccess::sum(Dim d) {
  if (d.is_const()) return {{}, d.value()};
  const DimExpr* e = expr(d);
  if (e->kind == DimExpr::Kind::kSum) return e->sum;
  return {{{1, {e}}}, 0};
}

Dim Dim::named(std::string_view name, int64_t low, int64_t high) {
  EGRET_CHECK(low <= high, "range of a named size");
  return DimAccess::dim(table().intern_name(name, low, high));
}

int64_t Dim::value() const {
  EGRET_CHECK(is_const(), "value of a size that is not a constant");
  return bits_ >> 1;
}

int64_t Dim::low() const { return bounds(*this).low; }
int64_t Dim::high() const { return bounds(*this).high; }

Dim operator+(Dim a, Dim b) { return add_scaled(a, b, 1); }
Dim operator-(Dim a, Dim b) { return add_scaled(a, b, -1); }

Dim operator*(Dim a, Dim b) {
  if (a.is_const() && b.is_const()) return Dim(saturate(static_cast<__int128>(a.value()) * b.value()));
  DimSum x = DimAccess::sum(a), y = DimAccess::sum(b), result;
  for (const DimTerm& s : x.terms) {
    for (const DimTerm& t : y.terms) {
      DimTerm term{saturate(static_cast<__int128>(s.coefficient) * t.coefficient), s.factors};
      term.factors.insert(term.factors.end(), t.factors.begin(), t.factors.end());
      std::sort(term.factors.begin(), term.factors.end(),
                [](const DimExpr* p, const DimExpr* q) { return compare(p, q) < 0; });
      add_term(result, term, 1);
    }
    add_term(result, s, y.constant);
  }
  for (const DimTerm& t : y.terms) add_term(result, t, x.constant);
  result.constant = saturate(static_cast<__int128>(x.constant) * y.constant);
  return make_sum(std::move(result));
}

Dim Dim::div(Dim a, Dim b) {
  EGRET_CHECK(!(b == Dim(0)), "division of a size by zero");
  if (a.is_const() && b.is_const()) return Dim(floor_div(a.value(), b.value()));
  if (b.is_const() && b.value() > 0) {
    auto [quotient, rest] = split_by(a, b.value());
    if (rest.low() >= 0 && rest.high() < b.value()) return quotient;
    return quotient + make_atom(DimExpr::Kind::kDiv, rest, b);
  }
  if (a.low() >= 0 && b.low() > a.high()) return Dim(0);
  if (auto exact = divide_exactly(a, b)) return *exact;
  return make_atom(DimExpr::Kind::kDiv, a, b);
}

Dim Dim::mod(Dim a, Dim b) {
  EGRET_CHECK(!(b == Dim(0)), "division of a size by zero");
  if (a.is_const() && b.is_const()) return Dim(floor_mod(a.value(), b.value()));
  if (b.is_const() && b.value() > 0) {
    Dim rest = split_by(a, b.value()).second;
    if (rest.low() >= 0 && rest.high() < b.value()) return rest;
    return make_atom(DimExpr::Kind::kMod, rest, b);
  }
  if (a.low() >= 0 && b.low() > a.high()) return a;
  if (divide_exactly(a, b)) return Dim(0);
  return make_atom(DimExpr::Kind::kMod, a, b);
}

Dim Dim::min(Dim a, Dim b) {
  Dim difference = b - a;
  if (difference.low() >= 0) return a;
  if (difference.high() <= 0) return b;
  return b < a ? make_atom(DimExpr::Kind::kMin, b, a) : make_atom(DimExpr::Kind::kMin, a, b);
}

Dim Dim::max(Dim a, Dim b) {
  Dim difference = b - a;
  if (difference.low() >= 0) return b;
  if (difference.high() <= 0) return a;
  return b < a ? make_atom(DimExpr::Kind::kMax, b, a) : make_atom(DimExpr::Kind::kMax, a, b);
}

bool operator<(Dim a, Dim b) { return compare(a, b) < 0; }

uint64_t Dim::hash() const {
  return is_const() ? mix(static_cast<uint64_t>(bits_)) : DimAccess::expr(*this)->hash;
}

Dim Dim::substitute(const std::vector<std::pair<std::string, int64_t>>& values) const {
  using Kind = DimExpr::Kind;
  if (is_const()) return *this;
  const DimExpr* e = DimAccess::expr(*this);
  if (e->kind == Kind::kName) {
    for (const auto& [name, value] : values) {
      if (name == e->name) return Dim(value);
    }
    return *this;
  }
  if (e->kind == Kind::kSum) {
    Dim total = e->sum.constant;
    for (const DimTerm& t : e->sum.terms) {
      Dim term = t.coefficient;
      for (const DimExpr* f : t.factors) term = term * DimAccess::dim(f).substitute(values);
      total = total + term;
    }
    return total;
  }
  Dim a = e->a.substitute(values), b = e->b.substitute(values);
  if (e->kind == Kind::kMin) return min(a, b);
  if (e->kind == Kind::kMax) return max(a, b);
  if (b == Dim(0)) return e->kind == Kind::kDiv ? make_atom(Kind::kDiv, a, b) : make_atom(Kind::kMod, a, b);
  return e->kind == Kind::kDiv ? div(a, b) : mod(a, b);
}

}  // namespace egret
