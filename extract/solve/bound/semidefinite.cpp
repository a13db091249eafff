#include "extract/solve/bound/semidefinite.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace egret::extract {
namespace {

constexpr uint32_t kMostSigns = 1000;
constexpr uint64_t kMaxSweeps = 3000;
constexpr uint64_t kWork = 500'000'000;  // multiplications of all sweeps together
constexpr double kGain = 1e-11;       // relative: a sweep that gains less is the last
constexpr double kFirstShift = 1e-9;  // of the greatest y: what the diagonal is raised by, and ten times that until it is proved
constexpr double kRounding = 1e-12;   // of the sizes of all costs: what their sums may err by
constexpr double kUnit = 0x1p-53;

// The quadratic form: sum over pairs of 2 q(i, j) s(i) s(j), and a constant.  Sign 0 is always 1.
struct Form {
  explicit Form(uint32_t count) : signs(count), q(size_t{count} * count, 0) {}
  double& at(uint32_t i, uint32_t j) { return q[size_t{i} * signs + j]; }
  void add(uint32_t i, uint32_t j, double value) {
    at(i, j) += value / 2;
    at(j, i) += value / 2;
  }

  uint32_t signs;
  std::vector<double> q;
  double constant = 0, size = 0;
};

// A sign and which of both it must be.
struct Literal {
  uint32_t sign = 0;
  double side = 0;  // +-1
  bool operator==(const Literal&) const = default;
};

// What an item is made by: where one of the literals holds; `more`: elsewhere too, or there are more of them.
struct Reach {
  std::vector<Literal> literals;
  bool more = false;
  bool take(const Literal& literal) {
    if (more || std::find(literals.begin(), literals.end(), literal) != literals.end()) return false;
    if (literals.size() < 2) literals.push_back(literal);
    else more = true;
    return true;
  }
  bool take(const Reach& other) {
    bool grown = other.more && !more;
    more |= other.more;
    for (const Literal& l : other.literals) grown |= take(l);
    return grown;
  }
};

class Reader {
 public:
  explicit Reader(const Hypergraph& graph) : graph_(graph), always_(graph.items, 0), sign_(graph.items, 0), reach_(graph.items) {}

  // The cost, negated; without signs where there are none, or too many.
  Form run() {
    find_signs();
    if (signs_ < 3 || signs_ > kMostSigns) return Form(0);
    find_reach();
    Form form(signs_);
    for (uint32_t i = 0; i < graph_.items; ++i) add_item(i, form);
    return form;
  }

 private:
  void find_signs() {
    std::vector<uint32_t> work;
    const auto need = [&](uint32_t i) {
      if (!always_[i]) always_[i] = 1, work.push_back(i);
    };
    for (uint32_t r : graph_.roots) need(r);
    while (!work.empty()) {
      const uint32_t i = work.back();
      work.pop_back();
      if (graph_.producers[i].size() == 2) sign_[i] = signs_++;
      if (graph_.producers[i].size() != 1) continue;
      for (uint32_t o : graph_.operands[graph_.producers[i][0]]) need(o);
    }
  }

  void find_reach() {
    std::vector<uint32_t> work;
    const auto lead = [&](uint32_t k, const Reach& from) {
      for (uint32_t o : graph_.operands[k]) {
        if (!always_[o] && reach_[o].take(from)) work.push_back(o);
      }
    };
    for (uint32_t i = 0; i < graph_.items; ++i) {
      const auto makers = graph_.producers[i];
      for (uint32_t k : makers) {
        if (sign_[i] > 0) lead(k, {{{sign_[i], k == makers[0] ? 1.0 : -1.0}}});
        else if (makers.size() > 1) lead(k, {.literals = {}, .more = true});
      }
    }
    while (!work.empty()) {
      const uint32_t i = work.back();
      work.pop_back();
      if (graph_.producers[i].size() == 1) lead(graph_.producers[i][0], Reach(reach_[i]));
    }
  }

  // What the item earns at most, as a part of the form.
  void add_item(uint32_t i, Form& form) const {
    const auto makers = graph_.producers[i];
    double dearest = 0, earned = -std::numeric_limits<double>::infinity();
    for (uint32_t k : makers) {
      dearest = std::max(dearest, std::abs(graph_.cost[k]));
      earned = std::max(earned, -graph_.cost[k]);
    }
    form.size += dearest;
    if (makers.empty() || dearest == 0) return;
    if (sign_[i] > 0) {
      const double first = -graph_.cost[makers[0]], second = -graph_.cost[makers[1]];
      form.constant += (first + second) / 2;
      form.add(0, sign_[i], (first - second) / 2);
    } else if (always_[i]) {
      form.constant += earned;
    } else if (makers.size() == 1 && !reach_[i].more) {
      add_reached(earned, reach_[i].literals, form);
    } else {
      form.constant += std::max(0.0, earned);
    }
  }

  // `earned` where one of the literals holds: a or b is a + b - ab, and a is (1 + side x sign) / 2.
  static void add_reached(double earned, const std::vector<Literal>& literals, Form& form) {
    if (literals.empty()) return;
    const auto [u, a] = literals[0];
    if (literals.size() == 1) {
      form.constant += earned / 2;
      form.add(0, u, a * earned / 2);
      return;
    }
    const auto [v, b] = literals[1];
    if (u == v) return void(form.constant += earned);  // one of both always holds
    form.constant += 3 * earned / 4;
    form.add(0, u, a * earned / 4);
    form.add(0, v, b * earned / 4);
    form.add(u, v, -a * b * earned / 4);
  }

  const Hypergraph& graph_;
  std::vector<uint8_t> always_;  // by item: every solution makes it
  std::vector<uint32_t> sign_;   // by item; 0: it is none
  std::vector<Reach> reach_;     // by item
  uint32_t signs_ = 1;
};

// The mixing method: a unit vector a sign, each in turn moved to where it is best beside the others.
std::vector<double> diagonal(const Form& form) {
  const uint32_t n = form.signs, rank = static_cast<uint32_t>(std::ceil(std::sqrt(2.0 * n))) + 1;
  struct Entry {
    uint32_t other;
    double value;
  };
  std::vector<std::vector<Entry>> rows(n);
  for (uint32_t i = 0; i < n; ++i) {
    for (uint32_t j = 0; j < n; ++j) {
      if (i != j && form.q[size_t{i} * n + j] != 0) rows[i].push_back({j, form.q[size_t{i} * n + j]});
    }
  }
  size_t entries = n;
  for (const auto& row : rows) entries += row.size();
  const uint64_t most = std::min(kMaxSweeps, 1 + kWork / (entries * rank));
  std::mt19937_64 random(1);
  std::vector<double> v(size_t{n} * rank), y(n, 0), pull(rank);
  for (double& x : v) x = static_cast<double>(random() >> 11) * 0x1p-52 - 1;
  double last = -std::numeric_limits<double>::infinity();
  for (uint64_t sweep = 0; sweep < most; ++sweep) {
    double total = 0;
    for (uint32_t i = 0; i < n; ++i) {
      std::fill(pull.begin(), pull.end(), 0);
      for (const Entry& e : rows[i]) {
        for (uint32_t d = 0; d < rank; ++d) pull[d] += e.value * v[size_t{e.other} * rank + d];
      }
      double square = 0;
      for (double p : pull) square += p * p;
      total += y[i] = std::sqrt(square);
      for (uint32_t d = 0; y[i] > 0 && d < rank; ++d) v[size_t{i} * rank + d] = pull[d] / y[i];
    }
    if (sweep > 0 && std::abs(total - last) <= kGain * std::abs(total)) break;
    last = total;
  }
  return y;
}

// Is diag(y) - Q, with `shift` on the diagonal, positive semidefinite for certain?
bool is_semidefinite(const Form& form, const std::vector<double>& y, double shift) {
  const uint32_t n = form.signs;
  double trace = 0;
  for (uint32_t i = 0; i < n; ++i) trace += y[i] + shift;
  const double margin = 4 * (n + 2) * kUnit * trace;
  std::vector<double> l(size_t{n} * n, 0);
  for (uint32_t i = 0; i < n; ++i) {
    for (uint32_t j = 0; j <= i; ++j) {
      double sum = i == j ? y[i] + shift - margin : -form.q[size_t{i} * n + j];
      for (uint32_t d = 0; d < j; ++d) sum -= l[size_t{i} * n + d] * l[size_t{j} * n + d];
      if (i == j && !(sum > 0)) return false;
      l[size_t{i} * n + j] = i == j ? std::sqrt(sum) : sum / l[size_t{j} * n + j];
    }
  }
  return true;
}

}  // namespace

double semidefinite_bound(const Hypergraph& graph) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  if (!graph.terms) return kNone;
  const Form form = Reader(graph).run();
  if (std::all_of(form.q.begin(), form.q.end(), [](double q) { return q == 0; })) return kNone;
  const std::vector<double> y = diagonal(form);
  const double greatest = *std::max_element(y.begin(), y.end());
  for (double shift = kFirstShift * greatest; shift <= greatest; shift *= 10) {
    if (!is_semidefinite(form, y, shift)) continue;
    double most = form.constant;
    for (double x : y) most += x + shift;
    return -most - kRounding * form.size;
  }
  return kNone;
}

}  // namespace egret::extract
