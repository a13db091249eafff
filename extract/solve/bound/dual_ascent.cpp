#include "extract/solve/bound/dual_ascent.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>

namespace egret::extract {
namespace {

constexpr double kRounding = 0x1p-52;   // relative, of one addition
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Entry = std::pair<double, uint32_t>;
using Queue = std::priority_queue<Entry, std::vector<Entry>, std::greater<>>;

// Cheapest derivations by `cost`, an item's being its producer's and its operands' together (Knuth's generalization
// of Dijkstra's algorithm; `join` is + or max).
template <typename Join>
std::vector<double> derive(const Hypergraph& graph, const std::vector<double>& cost, Join join) {
  std::vector<double> least(graph.items, kInfinity), below(graph.size(), 0);
  std::vector<uint32_t> missing(graph.size());
  Queue queue;
  for (uint32_t k = 0; k < graph.size(); ++k) {
    missing[k] = static_cast<uint32_t>(graph.operands[k].size());
    if (missing[k] == 0) queue.push({cost[k], k});
  }
  while (!queue.empty()) {
    const auto [value, k] = queue.top();
    queue.pop();
    for (uint32_t i : graph.results[k]) {
      if (least[i] < kInfinity) continue;
      least[i] = value;
      for (uint32_t reader : graph.consumers[i]) {
        below[reader] = join(below[reader], value);
        if (--missing[reader] == 0) queue.push({std::min(1e300, cost[reader] + below[reader]), reader});
      }
    }
  }
  return least;
}

class Ascent {
 public:
  Ascent(const Hypergraph& graph, uint64_t max_steps, KeepCuts keep, uint64_t max_cut_items)
      : graph_(graph), max_steps_(max_steps), keep_(keep), max_cut_items_(max_cut_items), made_(graph.items, 0), missing_(graph.size()),
        where_(graph.items, 0), tree_(derive(graph, graph.cost, [](double a, double b) { return a + b; })) {
    out_.remaining = graph.cost;
    for (uint32_t k = 0; k < graph.size(); ++k) missing_[k] = static_cast<uint32_t>(graph.operands[k].size());
    for (uint32_t k = 0; k < graph.size(); ++k) start(k);
  }

  DualAscent run(RootOrder order) {
    std::vector<uint32_t> roots(graph_.roots);
    std::stable_sort(roots.begin(), roots.end(), [&](uint32_t a, uint32_t b) {
      return order == RootOrder::kCheapFirst ? tree_[a] < tree_[b] : tree_[a] > tree_[b];
    });
    for (uint32_t r : roots) {
      while (!made_[r] && !spent()) raise_around(r);
    }
    return std::move(out_);
  }

 private:
  bool spent() const { return out_.steps >= max_steps_ || cut_items_ >= max_cut_items_; }
  bool inside(uint32_t item) const { return where_[item] == stamp_; }

  // Makes what can be made of candidates that cost nothing more.
  void start(uint32_t k) {
    if (missing_[k] > 0 || out_.remaining[k] > 0) return;
    std::vector<uint32_t> work{k};
    while (!work.empty()) {
      const uint32_t maker = work.back();
      work.pop_back();
      for (uint32_t i : graph_.results[maker]) {
        if (made_[i]) continue;
        made_[i] = 1;
        if (inside(i)) broken_ = true;
        for (uint32_t reader : graph_.consumers[i]) {
          ++out_.steps;
          if (--missing_[reader] == 0 && out_.remaining[reader] <= 0) work.push_back(reader);
        }
      }
    }
  }

  void enter(uint32_t item) {
    where_[item] = stamp_;
    set_.push_back(item);
    open_.push_back(item);
  }

  bool reads_inside(uint32_t k) {
    const auto row = graph_.operands[k];
    out_.steps += row.size();
    return std::any_of(row.begin(), row.end(), [&](uint32_t o) { return inside(o); });
  }

  // The operand that is not made and looks dearest joins the set: `k` does not lead out of it any more.
  void hold(uint32_t k) {
    uint32_t best = UINT32_MAX;
    for (uint32_t o : graph_.operands[k]) {
      if (!made_[o] && (best == UINT32_MAX || tree_[o] > tree_[best])) best = o;
    }
    enter(best);
  }

  void close_set() {
    while (!open_.empty()) {
      const uint32_t item = open_.back();
      open_.pop_back();
      for (uint32_t k : graph_.producers[item]) {
        if (reads_inside(k)) continue;
        if (out_.remaining[k] <= 0) {
          hold(k);
        } else {
          crossing_.push_back(k);
        }
      }
    }
    std::erase_if(crossing_, [&](uint32_t k) { return reads_inside(k); });
    std::sort(crossing_.begin(), crossing_.end());
    crossing_.erase(std::unique(crossing_.begin(), crossing_.end()), crossing_.end());
  }

  void keep_cut(uint32_t root, double price) {
    if (keep_ == KeepCuts::kNone) return;
    const bool grows = keep_ == KeepCuts::kGrowing && kept_ > 0;
    out_.cuts.push_back({root, price, {set_.begin() + (grows ? kept_ : 0), set_.end()}, grows});
    kept_ = std::ssize(set_);
    auto& items = out_.cuts.back().items;
    cut_items_ += items.size();
    std::sort(items.begin(), items.end());
  }

  // Raises cuts around `root`, each set within the next, until something in the set can be made.
  void raise_around(uint32_t root) {
    ++stamp_;
    set_.clear();
    open_.clear();
    crossing_.clear();
    broken_ = false;
    kept_ = 0;
    enter(root);
    while (!broken_ && !spent()) {
      close_set();
      if (crossing_.empty()) return;
      double price = kInfinity;
      for (uint32_t k : crossing_) price = std::min(price, out_.remaining[k]);
      out_.bound += price;
      out_.error += kRounding * out_.bound;
      keep_cut(root, price);
      std::vector<uint32_t> used_up;
      for (uint32_t k : crossing_) {
        out_.error += kRounding * out_.remaining[k];
        out_.remaining[k] -= price;
        if (out_.remaining[k] <= 0) used_up.push_back(k);
      }
      out_.steps += crossing_.size();
      std::erase_if(crossing_, [&](uint32_t k) { return out_.remaining[k] <= 0; });
      for (uint32_t k : used_up) start(k);
      if (broken_) return;
      for (uint32_t k : used_up) {
        if (!reads_inside(k)) hold(k);
      }
    }
  }

  const Hypergraph& graph_;
  const uint64_t max_steps_;
  const KeepCuts keep_;
  const uint64_t max_cut_items_;
  uint64_t cut_items_ = 0;
  std::ptrdiff_t kept_ = 0;   // of the set, in the cut before
  std::vector<uint8_t> made_;
  std::vector<uint32_t> missing_, where_;
  std::vector<double> tree_;
  std::vector<uint32_t> set_, open_, crossing_;
  uint32_t stamp_ = 0;
  bool broken_ = false;   // something in the set was made
  DualAscent out_;
};

}  // namespace

DualAscent dual_ascent(const Hypergraph& graph, RootOrder order, uint64_t max_steps, KeepCuts keep,
                       uint64_t max_cut_items) {
  return Ascent(graph, max_steps, keep, max_cut_items).run(order);
}

std::optional<Cut> blocked_cut(const Hypergraph& graph, const std::vector<uint8_t>& allowed) {
  const auto made = makeable(graph, allowed);
  for (uint32_t r : graph.roots) {
    if (made[r]) continue;
    Cut cut{.root = r};
    for (uint32_t i = 0; i < graph.items; ++i) {
      if (!made[i]) cut.items.push_back(i);
    }
    return cut;
  }
  return std::nullopt;
}

std::vector<double> bound_with(const Hypergraph& graph, const DualAscent& dual) {
  const auto down = derive(graph, dual.remaining, [](double a, double b) { return std::max(a, b); });
  std::vector<double> up(graph.items, kInfinity), out(graph.size());
  Queue queue;
  for (uint32_t r : graph.roots) {
    up[r] = 0;
    queue.push({0, r});
  }
  while (!queue.empty()) {
    const auto [value, item] = queue.top();
    queue.pop();
    if (value > up[item]) continue;
    for (uint32_t k : graph.producers[item]) {
      for (uint32_t o : graph.operands[k]) {
        const double through = value + dual.remaining[k];
        if (through < up[o]) up[o] = through, queue.push({through, o});
      }
    }
  }
  for (uint32_t k = 0; k < graph.size(); ++k) {
    double below = 0, above = kInfinity;
    for (uint32_t o : graph.operands[k]) below = std::max(below, down[o]);
    for (uint32_t i : graph.results[k]) above = std::min(above, up[i]);
    out[k] = dual.bound + dual.remaining[k] + below + above;
  }
  return out;
}

}  // namespace egret::extract
