#include "extract/solve/exact/cut_separation.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace egret::extract {
namespace {

constexpr double kBroken = 1 - 1e-6;
constexpr double kWhole = 1 - 1e-9;

class Separation {
 public:
  Separation(const Hypergraph& graph, const std::vector<double>& x, const std::vector<uint8_t>& shut)
      : graph_(graph), x_(x), shut_(shut), in_(graph.size(), 0), made_(graph.items, 0), within_(graph.items, 0),
        missing_(graph.size()) {
    for (uint32_t k = 0; k < graph.size(); ++k) missing_[k] = static_cast<uint32_t>(graph.operands[k].size());
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (x[k] >= kWhole && !shut[k]) let_in(k);
    }
    settled_ = trail_.size();
    settled_in_ = in_;
  }

  std::vector<CutRow> run(const std::vector<double>& reduced_cost, size_t most, uint32_t turn) {
    std::vector<uint32_t> order;
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (!in_[k] && !shut_[k]) order.push_back(k);
    }
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      if (x_[a] != x_[b]) return x_[a] > x_[b];
      return reduced_cost[a] != reduced_cost[b] ? reduced_cost[a] < reduced_cost[b] : a < b;
    });
    std::vector<CutRow> out;
    std::set<std::vector<uint32_t>> known;
    for (size_t r = 0; r < graph_.roots.size(); ++r) {
      const uint32_t root = graph_.roots[(r + 17 * size_t{turn}) % graph_.roots.size()];
      if (made_[root]) continue;
      for (uint32_t k : order) {
        const size_t before = trail_.size();
        if (!let_in(k, root)) take_back(k, before);
      }
      CutRow cut = shrink(root);
      double weight = 0;
      for (uint32_t k : cut.leading) weight += shut_[k] ? 0 : x_[k];
      if (weight < kBroken && known.insert(cut.leading).second) out.push_back(std::move(cut));
      reset();
      if (out.size() >= most) break;
    }
    return out;
  }

 private:
  // Makes what can now be made; false as soon as that is `root`.
  bool let_in(uint32_t k, uint32_t root = UINT32_MAX) {
    in_[k] = 1;
    return missing_[k] > 0 || run_from(k, root);
  }
  bool run_from(uint32_t first, uint32_t root) {
    std::vector<uint32_t> work{first};
    while (!work.empty()) {
      const uint32_t k = work.back();
      work.pop_back();
      for (uint32_t i : graph_.results[k]) {
        if (made_[i]) continue;
        made_[i] = 1;
        trail_.push_back(i);
        for (uint32_t reader : graph_.consumers[i]) {
          if (--missing_[reader] == 0 && in_[reader]) work.push_back(reader);
        }
        if (i == root) return false;
      }
    }
    return true;
  }
  void unmake(size_t length) {
    while (trail_.size() > length) {
      made_[trail_.back()] = 0;
      for (uint32_t reader : graph_.consumers[trail_.back()]) ++missing_[reader];
      trail_.pop_back();
    }
  }
  void take_back(uint32_t k, size_t length) {
    unmake(length);
    in_[k] = 0;
  }
  void reset() {
    unmake(settled_);
    in_ = settled_in_;
  }

  // Of what is not made, only what keeps the other candidates from leading in.
  CutRow shrink(uint32_t root) {
    CutRow cut;
    cut.root = root;
    cut.items.push_back(root);
    within_[root] = 1;
    for (size_t p = 0; p < cut.items.size(); ++p) {
      for (uint32_t k : graph_.producers[cut.items[p]]) {
        if (!in_[k] && missing_[k] == 0) continue;  // it leads in
        uint32_t held = UINT32_MAX;
        bool inside = false;
        for (uint32_t o : graph_.operands[k]) {
          if (within_[o]) inside = true;
          if (!made_[o] && held == UINT32_MAX) held = o;
        }
        if (inside || held == UINT32_MAX) continue;
        within_[held] = 1;
        cut.items.push_back(held);
      }
    }
    for (uint32_t i : cut.items) within_[i] = 0;
    std::sort(cut.items.begin(), cut.items.end());
    cut.leading = leading_into(graph_, cut.items);
    return cut;
  }

  const Hypergraph& graph_;
  const std::vector<double>& x_;
  const std::vector<uint8_t>& shut_;
  std::vector<uint8_t> in_, settled_in_, made_, within_;
  std::vector<uint32_t> missing_, trail_;
  size_t settled_ = 0;
};

}  // namespace

std::vector<uint32_t> leading_into(const Hypergraph& graph, const std::vector<uint32_t>& items) {
  std::vector<uint8_t> within(graph.items, 0);
  for (uint32_t i : items) within[i] = 1;
  std::vector<uint32_t> leading;
  for (uint32_t i : items) {
    for (uint32_t k : graph.producers[i]) {
      const auto reads = graph.operands[k];
      if (std::none_of(reads.begin(), reads.end(), [&](uint32_t o) { return within[o]; })) leading.push_back(k);
    }
  }
  std::sort(leading.begin(), leading.end());
  leading.erase(std::unique(leading.begin(), leading.end()), leading.end());
  return leading;
}

std::vector<CutRow> broken_cuts(const Hypergraph& graph, const std::vector<double>& x, const std::vector<double>& reduced_cost,
                                const std::vector<uint8_t>& shut, size_t most, uint32_t turn) {
  return Separation(graph, x, shut).run(reduced_cost, most, turn);
}

}  // namespace egret::extract
