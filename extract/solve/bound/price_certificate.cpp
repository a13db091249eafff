#include "extract/solve/bound/price_certificate.h"

#include <algorithm>
#include <map>
#include <span>
#include <tuple>

namespace egret::extract {
namespace {

constexpr uint64_t kMaxSteps = 100'000'000;
constexpr uint64_t kMaxCutItems = 2'000'000;
constexpr uint64_t kLoopItems = 8;       // of all loops together, for each node and child of the file,
constexpr uint64_t kLeastLoopItems = 10'000;
constexpr double kRounding = 0x1p-48;    // relative, of the sums of prices
constexpr uint32_t kNone = UINT32_MAX;

// By item: can some order of candidates make it?
std::vector<uint8_t> makeable_items(const Problem& problem) {
  std::vector<std::vector<uint32_t>> readers(problem.items);
  std::vector<uint32_t> missing(problem.candidates.size()), work;
  std::vector<uint8_t> made(problem.items, 0);
  const auto make = [&](uint32_t item) {
    if (!made[item]) made[item] = 1, work.push_back(item);
  };
  for (uint32_t k = 0; k < problem.candidates.size(); ++k) {
    const Candidate& c = problem.candidates[k];
    missing[k] = static_cast<uint32_t>(c.operands.size());
    for (uint32_t o : c.operands) readers[o].push_back(k);
    if (c.operands.empty()) make(c.results[0]);
  }
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    for (uint32_t k : readers[item]) {
      if (--missing[k] == 0) make(problem.candidates[k].results[0]);
    }
  }
  return made;
}

class Certificate {
 public:
  Certificate(const Problem& problem, const Hypergraph& graph)
      : problem_(problem), nodes_(problem.items), starts_(problem.candidates.size(), 0), made_(makeable_items(problem)),
        within_(problem.items, 0), reader_(problem.items), room_(kLeastLoopItems) {
    for (uint32_t k : graph.original) starts_[k] = 1;
    for (uint32_t k = 0; k < problem.candidates.size(); ++k) {
      nodes_[problem.candidates[k].results[0]].push_back(k);
      room_ += kLoopItems * (1 + problem.candidates[k].operands.size());
    }
  }

  PriceCertificate run(const std::vector<Cut>& cuts) {
    for (size_t first = 0, end = 0; first < cuts.size(); first = end) {
      for (end = first + 1; end < cuts.size() && cuts[end].grows; ++end) {}
      take(std::span(cuts).subspan(first, end - first));
    }
    for (const auto& [cls, price] : root_) out_.roots.push_back({cls, price});
    add_up_edges();
    out_.bound -= kRounding * out_.bound;
    return std::move(out_);
  }

 private:
  void take(std::span<const Cut> growing) {
    const uint32_t root = growing[0].root;
    items_.clear();
    for (const Cut& cut : growing) items_.insert(items_.end(), cut.items.begin(), cut.items.end());
    for (uint32_t i : items_) within_[i] = 1;
    const bool tree = is_tree(root);
    for (uint32_t i : items_) within_[i] = 0;
    if (tree) {
      hand_down(growing);
    } else {
      write_loops(growing);
    }
  }

  // Is each class but the root read by one class, is the root read by none, and can all nodes start?
  bool is_tree(uint32_t root) {
    for (uint32_t i : items_) reader_[i] = kNone;
    for (uint32_t cls : items_) {
      for (uint32_t k : nodes_[cls]) {
        for (uint32_t o : problem_.candidates[k].operands) {
          if (within_[o] && (o == root || (reader_[o] != kNone && reader_[o] != cls))) return false;
          if (within_[o]) reader_[o] = cls;
        }
        if (!starts_[k]) return false;
      }
    }
    return true;
  }

  // What a class is in for, from the cut on that it entered with, its reader pays it.
  void hand_down(std::span<const Cut> growing) {
    double price = 0;
    for (auto cut = growing.rbegin(); cut != growing.rend(); ++cut) {
      price += cut->price;
      for (uint32_t i : cut->items) {
        if (i != cut->root) out_.edges.push_back({reader_[i], i, price});
      }
    }
    pay(growing[0].root, price);
  }

  void add_up_edges() {
    auto& edges = out_.edges;
    std::stable_sort(edges.begin(), edges.end(), [](const auto& a, const auto& b) { return std::tie(a.cls, a.child) < std::tie(b.cls, b.child); });
    size_t to = 0;
    for (size_t e = 1; e < edges.size(); ++e) {
      if (edges[e].cls == edges[to].cls && edges[e].child == edges[to].child) {
        edges[to].price += edges[e].price;
      } else {
        edges[++to] = edges[e];
      }
    }
    if (!edges.empty()) edges.resize(to + 1);
  }

  void write_loops(std::span<const Cut> growing) {
    std::vector<uint32_t> all;
    for (const Cut& cut : growing) {
      for (uint32_t i : cut.items) enter(i, all);
      if (all.size() > room_) break;
      room_ -= all.size();
      out_.loops.push_back({cut.root, cut.price, all});
      std::sort(out_.loops.back().items.begin(), out_.loops.back().items.end());
      pay(cut.root, cut.price);
    }
    for (uint32_t i : all) within_[i] = 0;
  }

  // A node that cannot start would lead into the loop, unless it reads something of it: what it waits for comes in too.
  void enter(uint32_t item, std::vector<uint32_t>& all) {
    size_t next = all.size();
    const auto add = [&](uint32_t i) {
      if (!within_[i]) within_[i] = 1, all.push_back(i);
    };
    for (add(item); next < all.size(); ++next) {
      for (uint32_t k : nodes_[all[next]]) {
        const auto& reads = problem_.candidates[k].operands;
        if (starts_[k] || std::any_of(reads.begin(), reads.end(), [&](uint32_t o) { return within_[o]; })) continue;
        const auto missing = std::find_if(reads.begin(), reads.end(), [&](uint32_t o) { return !made_[o]; });
        if (missing != reads.end()) add(*missing);
      }
    }
  }

  void pay(uint32_t root, double price) {
    root_[root] += price;
    out_.bound += price;
  }

  const Problem& problem_;
  std::vector<std::vector<uint32_t>> nodes_;  // by class
  std::vector<uint8_t> starts_, made_;        // by node; by class
  std::vector<uint8_t> within_;               // by class: in the set that is looked at
  std::vector<uint32_t> reader_, items_;
  std::map<uint32_t, double> root_;
  uint64_t room_;
  PriceCertificate out_;
};

}  // namespace

Result<PriceCertificate> price_certificate(const Problem& problem) {
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  if (graph.has_negative_cost()) return unsupported_error("a price certificate needs costs of at least 0");
  PriceCertificate best;
  for (RootOrder order : {RootOrder::kCheapFirst, RootOrder::kDearFirst}) {
    const DualAscent found = dual_ascent(graph, order, kMaxSteps, KeepCuts::kGrowing, kMaxCutItems);
    PriceCertificate made = Certificate(problem, graph).run(found.cuts);
    if (made.bound > best.bound) best = std::move(made);
  }
  return best;
}

}  // namespace egret::extract
