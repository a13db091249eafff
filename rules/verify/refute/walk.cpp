#include "rules/verify/refute/walk.h"

#include <algorithm>
#include <set>
#include <vector>

#include "rules/lang/assign.h"
#include "rules/lang/left.h"
#include "rules/lang/other_type.h"
#include "rules/verify/refute/refute.h"
#include "support/hash.h"

namespace egret::rules {
namespace {

constexpr size_t kRoots = 32;         // examples and small assignments
constexpr size_t kLines = 8;          // examples, accepted or not
constexpr size_t kPool = 192;         // assignments that are changed further
constexpr size_t kMostEdits = 3;      // at once
constexpr size_t kRank = 4;           // lists and groups do not grow beyond
constexpr int64_t kElements = 3'000;  // of one input
constexpr int64_t kMany = 300;
constexpr double kReals[] = {-2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3};  // attributes that are no whole numbers

// One change of an assignment, drawn.
class Edit {
 public:
  Edit(const PreparedRule& rule, uint64_t seed) : rule_(rule), seed_(seed) {}

  void apply(Assignment& a) {
    const size_t groups = a.groups.size(), types = a.types.size(), values = a.values.size();
    const size_t k = below(groups + types + 2 * values);  // attributes are where rules go wrong
    if (k < groups) {
      auto it = a.groups.begin();
      std::advance(it, k);
      change_group(it->first, it->second);
    } else if (k < groups + types) {
      auto it = a.types.begin();
      std::advance(it, k - groups);
      change_size(a, it->second.dims);
    } else if (values > 0) {
      auto it = a.values.begin();
      std::advance(it, (k - groups - types) / 2);
      change_value(a, it->second);
    }
  }

 private:
  size_t below(size_t n) { return n == 0 ? 0 : mix(seed_ += 0x9e3779b97f4a7c15ULL) % n; }
  int64_t number() { return static_cast<int64_t>(below(4)); }
  // Seldom more than integers of 8 bits count.
  int64_t size() { return below(64) == 0 ? kMany : number(); }
  int64_t step() { return below(2) == 0 ? -1 : 1; }

  void change_group(const std::string& name, std::vector<int64_t>& sizes) {
    const AxisName* group = rule_.group(name);
    const bool grows = group && group->many && below(3) == 0;
    if (grows && sizes.size() < kRank && (sizes.empty() || below(2) == 0)) {
      sizes.push_back(size());
    } else if (grows && !sizes.empty()) {
      sizes.pop_back();
    } else if (!sizes.empty()) {
      sizes[below(sizes.size())] = size();
    }
  }

  // A size in one place; or some or all of those that are this number; or that number wherever it stands.
  void change_size(Assignment& a, std::vector<Dim>& dims) {
    if (dims.empty()) return;
    Dim& dim = dims[below(dims.size())];
    const Dim old = dim, fresh = below(2) == 0 && old.is_const() ? Dim(std::max<int64_t>(0, old.value() + step())) : Dim(size());
    const size_t where = below(4);
    dim = fresh;
    for (auto& [name, type] : a.types) {
      for (Dim& d : type.dims) {
        if (where > 0 && d == old && (where > 1 || below(2) == 0)) d = fresh;
      }
    }
    if (where == 3) replace_in_values(a, old, fresh);
  }

  static void replace_in_values(Assignment& a, Dim old, Dim fresh) {
    for (auto& [name, value] : a.values) {
      if (auto* list = std::get_if<std::vector<Dim>>(&value)) std::replace(list->begin(), list->end(), old, fresh);
    }
  }

  void change_value(Assignment& a, AttrValue& value) {
    if (auto* d = std::get_if<Dim>(&value)) {
      *d = below(2) == 0 ? *d + step() : Dim(number());
      return;
    }
    if (std::holds_alternative<double>(value)) {
      value = kReals[below(std::size(kReals))];
      return;
    }
    auto* list = std::get_if<std::vector<Dim>>(&value);
    if (!list) return;
    if (list->empty()) {  // defaults, one an axis
      size_t rank = 1 + below(kRank - 1);
      for (const auto& [name, other] : a.values) {
        const auto* given = std::get_if<std::vector<Dim>>(&other);
        if (given && !given->empty() && below(2) == 0) rank = given->size();
      }
      list->assign(rank, Dim(number()));
      if (below(2) == 0) return;
    }
    Dim& element = (*list)[below(list->size())];
    switch (below(7)) {
      case 0: element = size() - static_cast<int64_t>(below(3)); break;
      case 1: std::swap(element, (*list)[below(list->size())]); break;
      case 2: list->assign(list->size(), Dim(number())); break;
      case 3: list->pop_back(); break;
      case 4: list->push_back(number()); break;
      case 5: replace_in_values(a, Dim(element), number() - 2); break;
      default: element = element + step();
    }
  }

  const PreparedRule& rule_;
  uint64_t seed_;
};

// Every change of one element of a list or of one size, by little.
std::vector<Assignment> single_changes(const Assignment& a) {
  std::vector<Assignment> out;
  for (const auto& [name, value] : a.values) {
    auto take = [&](AttrValue other) {
      out.push_back(a);
      out.back().values[name] = std::move(other);
    };
    if (const auto* d = std::get_if<Dim>(&value)) {
      for (int64_t by : {-1, 1, 2}) take(*d + by);
    }
    const auto* list = std::get_if<std::vector<Dim>>(&value);
    for (size_t rank = 1; list && list->empty() && rank < kRank; ++rank) {
      for (int64_t v : {-1, 0, 1, 2, 3}) take(std::vector<Dim>(rank, Dim(v)));
    }
    for (size_t k = 0; list && k < list->size(); ++k) {
      for (int64_t v : {-2, -1, 0, 1, 2, 3}) {
        std::vector<Dim> other = *list;
        other[k] = v < 0 ? other[k] + (v == -1 ? -1 : 1) : Dim(v);
        take(std::move(other));
      }
    }
  }
  for (const auto& [name, type] : a.types) {
    for (size_t k = 0; k < type.dims.size(); ++k) {
      for (int64_t v : {0, 1, 2, 3}) {
        out.push_back(a);
        out.back().types[name].dims[k] = v;
      }
    }
  }
  return out;
}

bool is_small(const Assignment& a) {
  auto few = [](const auto& sizes) {
    int64_t product = 1;
    for (const auto& s : sizes) product = std::min(kElements + 1, product * std::max<int64_t>(1, s));
    return product <= kElements;
  };
  return std::all_of(a.groups.begin(), a.groups.end(), [&](const auto& g) { return few(g.second); }) &&
         std::all_of(a.types.begin(), a.types.end(), [&](const auto& t) {
           std::vector<int64_t> sizes;
           for (const Dim& d : t.second.dims) sizes.push_back(d.is_const() ? d.value() : kElements + 1);
           return few(sizes);
         });
}

// Attributes of an `all=p` that an assignment leaves out, at what they then stand for.
void add_defaults(const Term& t, size_t axes, Assignment& a) {
  for (const Term& operand : t.args) add_defaults(operand, axes, a);
  const OpDef* op = t.kind == Term::Kind::kCall ? find_op(t.name) : nullptr;
  for (const auto& [name, value] : t.attrs) {
    if (!op || name != "all") continue;
    for (const AttrSpec& spec : op->attrs) {
      const bool written = std::any_of(t.attrs.begin(), t.attrs.end(), [&](const auto& other) { return other.first == spec.name; });
      if (written || !spec.fallback) continue;
      AttrValue usual = *spec.fallback;
      auto* list = std::get_if<std::vector<Dim>>(&usual);
      if (list && list->size() == 1) list->resize(axes, Dim(list->front()));
      a.values.try_emplace(value.name + "." + spec.name, std::move(usual));
    }
  }
}

class Walk {
 public:
  Walk(const Rule& rule, const PreparedRule& prepared, uint64_t seed) : rule_(rule), prepared_(prepared), seed_(seed) {}

  Walked run(const std::vector<Assignment>& starts, size_t steps) {
    for (const Assignment& a : starts) {
      // A default is one number for any number of axes; a list has one each.
      const size_t before = pool_.size();
      for (size_t axes = 1; axes < kRank && pool_.size() == before; ++axes) {
        Assignment whole = a;
        for (const Equation& e : prepared_.equations) add_defaults(*e.left, axes, whole);
        look(whole, 1);
        if (out_.counterexample) return std::move(out_);
      }
    }
    const size_t roots = pool_.size();
    size_t k = 0;
    for (size_t root = 0; root < roots; ++root) {
      for (const Assignment& a : single_changes(pool_[root])) {
        if (k++ >= steps / 4) break;
        look(a, k);
        if (out_.counterexample) return std::move(out_);
      }
    }
    for (; k < steps && roots > 0; ++k) {
      const uint64_t draw = mix(seed_ + k + 1);
      // Every other step from one of the first: deep walks leave what the rule is about.
      const size_t from = (draw >> 32) % (k % 2 == 0 ? roots : pool_.size());
      Assignment a = pool_[from];
      Edit edit(prepared_, draw);
      for (size_t e = 0; e <= k % kMostEdits; ++e) edit.apply(a);
      look(a, k + 1);
      if (out_.counterexample) break;
    }
    return std::move(out_);
  }

 private:
  void look(const Assignment& a, uint64_t step) {
    if (!is_small(a) || !seen_.insert(a.to_string()).second) return;
    const Attempt attempt = attempt_instance(rule_, a);
    if (attempt.other_type) {
      out_.counterexample = a.to_string() + "; " + attempt.why;
    } else if (attempt.instance) {
      ++out_.instances;
      out_.counterexample = differs_when_run(rule_, *attempt.instance, seed_ + step);
      if (!out_.counterexample) out_.counterexample = differs_at_special_values(rule_, *attempt.instance, seed_ + step);
    }
    if (!attempt.instance && !attempt.left_typed) return;
    if (pool_.size() < kPool) {
      pool_.push_back(a);
    } else if (attempt.instance || step % 2 == 0) {  // the oldest goes, but for the roots
      pool_[kRoots + replaced_++ % (kPool - kRoots)] = a;
    }
  }

  const Rule& rule_;
  const PreparedRule& prepared_;
  uint64_t seed_;
  std::set<std::string> seen_;
  std::vector<Assignment> pool_;  // the roots first
  size_t replaced_ = 0;
  Walked out_;
};

}  // namespace

Walked walk_from(const Rule& rule, std::vector<Assignment> starts, size_t steps, uint64_t seed) {
  auto prepared = prepare(rule);
  if (starts.size() > kRoots) starts.resize(kRoots);
  return prepared.ok() ? Walk(rule, **prepared, seed).run(starts, steps) : Walked();
}

std::optional<std::string> counterexample_near_examples(const Rule& rule, size_t steps) {
  auto prepared = prepare(rule);
  if (!prepared.ok()) return std::nullopt;
  std::vector<Assignment> starts;
  for (const auto* lines : {&rule.syntax->accepts(), &rule.syntax->rejects()}) {
    for (const Example& e : *lines) {
      auto given = assignments_of(rule, **prepared, e);
      if (given.ok() && !given->empty() && starts.size() < kLines) starts.push_back(given->front());
    }
  }
  for (Assignment& a : small_assignments(rule, kRoots - kLines)) starts.push_back(std::move(a));
  return walk_from(rule, std::move(starts), steps).counterexample;
}

}  // namespace egret::rules
