// The local reductions: each looks at an item and its neighbours.
#include "extract/solve/reduce/by_operand.h"
#include "extract/solve/reduce/reduction_graph.h"

namespace egret::extract {
namespace {

constexpr size_t kMaxGrowth = 24;   // operands that one contraction may add in all
constexpr size_t kMaxCopies = 8;    // candidates that one fold may make of one

bool single(const ReductionGraph& g, uint32_t k) { return g.results(k).size() == 1; }

bool all_single(const ReductionGraph& g, Span list) {
  return std::all_of(list.begin(), list.end(), [&](uint32_t k) { return single(g, k); });
}

}  // namespace

bool drop_useless(ReductionGraph& g) {
  std::vector<uint32_t> missing(g.size(), 0), work;
  std::vector<uint8_t> made(g.items(), 0), wanted(g.root), use(g.size(), 0);
  const auto run = [&](uint32_t k) {
    for (uint32_t i : g.results(k)) {
      if (!made[i]) made[i] = 1, work.push_back(i);
    }
  };
  for (uint32_t k = 0; k < g.size(); ++k) {
    if (!g.alive[k]) continue;
    missing[k] = static_cast<uint32_t>(g.operands(k).size());
    if (missing[k] == 0) run(k);
  }
  while (!work.empty()) {
    const uint32_t i = work.back();
    work.pop_back();
    for (uint32_t k : g.consumers(i)) {
      if (--missing[k] == 0) run(k);
    }
  }
  for (uint32_t i = 0; i < g.items(); ++i) {
    if (g.root[i]) work.push_back(i);
  }
  while (!work.empty()) {
    const uint32_t i = work.back();
    work.pop_back();
    for (uint32_t k : g.producers(i)) {
      if (use[k] || missing[k] > 0) continue;
      use[k] = 1;
      for (uint32_t o : g.operands(k)) {
        if (!wanted[o]) wanted[o] = 1, work.push_back(o);
      }
    }
  }
  bool changed = false;
  List makes;
  for (uint32_t k = 0; k < g.size(); ++k) {
    if (!g.alive[k]) continue;
    if (!use[k]) {
      g.note(Rule::kUseless, k, 0);
      g.kill(k);
      changed = true;
      continue;
    }
    const Span all = g.results(k);
    if (std::all_of(all.begin(), all.end(), [&](uint32_t i) { return wanted[i]; })) continue;
    makes.clear();
    std::copy_if(all.begin(), all.end(), std::back_inserter(makes), [&](uint32_t i) { return wanted[i]; });
    g.note(Rule::kUseless, k, 0);
    g.set_results(k, makes);
    changed = true;
  }
  return changed;
}

bool free_closure(ReductionGraph& g) {
  std::vector<uint32_t> work;
  const auto costless = [&](uint32_t k) { return g.alive[k] && g.cost[k] == 0 && g.fold[k] == 0 && g.operands(k).empty(); };
  for (uint32_t k = 0; k < g.size(); ++k) {
    if (costless(k)) work.push_back(k);
  }
  const bool changed = !work.empty();
  for (size_t p = 0; p < work.size(); ++p) {
    const uint32_t maker = work[p];
    if (!g.alive[maker]) continue;
    const Span makes = g.results(maker);
    g.kill(maker);
    for (uint32_t i : makes) {
      g.note(Rule::kFree, i, maker);
      g.retire(i, g.bundle[maker]);
      for (uint32_t k : g.producers(i)) g.drop_result(k, i);
      for (uint32_t k : g.consumers(i)) {
        g.replace_operand(k, i, {});
        if (costless(k)) work.push_back(k);
      }
    }
  }
  return changed;
}

bool contract(ReductionGraph& g) {
  bool changed = false;
  for (uint32_t i = 0; i < g.items(); ++i) {
    if (g.gone[i] || g.producers(i).size() != 1) continue;
    const uint32_t k = g.producers(i)[0];
    if (!single(g, k) || g.cost[k] != 0 || g.fold[k] != 0) continue;
    const Span readers = g.consumers(i), reads = g.operands(k);
    if (readers.size() > 1 && reads.size() > 1 && (readers.size() - 1) * (reads.size() - 1) > kMaxGrowth) continue;
    g.note(Rule::kContracted, i, k);
    if (g.root[i]) {
      for (uint32_t o : reads) g.force(o, i);
    }
    for (uint32_t m : readers) g.replace_operand(m, i, reads);
    g.kill(k);
    g.retire(i, g.bundle[k]);
    changed = true;
  }
  return changed;
}

bool pay_forced(ReductionGraph& g) {
  bool changed = false;
  List work, common;
  for (uint32_t i = 0; i < g.items(); ++i) {
    if (g.root[i]) work.push_back(i);
  }
  while (!work.empty()) {
    const uint32_t i = work.back();
    work.pop_back();
    const Span makers = g.producers(i);
    if (makers.empty()) continue;
    common.assign(g.operands(makers[0]).begin(), g.operands(makers[0]).end());
    for (uint32_t k : makers) {
      std::erase_if(common, [&](uint32_t o) { return !g.reads(k, o); });
    }
    for (uint32_t o : common) {
      if (g.root[o]) continue;
      g.force(o, i);
      work.push_back(o);
      changed = true;
    }
    if (makers.size() > 1 && !all_single(g, makers)) continue;
    double least = g.cost[makers[0]];
    for (uint32_t k : makers) least = std::min(least, g.cost[k]);
    if (least > 0) {
      g.note(Rule::kPaid, i, makers[0], least);
      g.constant += least;
      for (uint32_t k : makers) g.cost[k] -= least;
      for (uint32_t j : g.results(makers[0])) g.touched[j] = 1;
      changed = true;
    }
    if (makers.size() > 1) continue;
    const uint32_t k = makers[0];
    g.fold_budget -= g.fold[k];
    g.fold[k] = 0;
    if (single(g, k)) continue;
    const Span makes = g.results(k), reads = g.operands(k), members = g.bundle[k];
    g.kill(k);
    for (const uint32_t& j : makes) {
      g.note(Rule::kSplit, k, j);
      g.append(0, 0, Span(&j, 1), reads, members);
    }
    changed = true;
  }
  return changed;
}

bool fold_single_readers(ReductionGraph& g) {
  bool changed = false;
  List both, members;
  for (uint32_t i = 0; i < g.items(); ++i) {
    if (g.gone[i] || g.root[i]) continue;
    const Span makers = g.producers(i), readers = g.consumers(i);
    if (makers.empty() || readers.empty() || (makers.size() > 1 && makers.size() > kMaxCopies)) continue;
    const uint32_t first = readers[0];
    const bool one_class = all_single(g, readers) && all_single(g, makers) &&
                           std::all_of(readers.begin(), readers.end(), [&](uint32_t m) { return g.results(m)[0] == g.results(first)[0]; });
    if (!one_class) continue;
    if (makers.size() == 1) {
      const uint32_t k = makers[0];
      const Span reads = g.operands(k), inside = g.bundle[k];
      for (uint32_t m : readers) {
        g.note(Rule::kFolded, m, i);
        g.cost[m] += g.cost[k];
        g.fold[m] += g.fold[k];
        for (uint32_t member : inside) g.bundle.push(m, member);
        g.replace_operand(m, i, reads);
      }
      g.kill(k);
    } else if (readers.size() == 1 && (makers.size() <= 3 || g.operands(first).size() <= 3)) {
      const Span makes = g.results(first), reads = g.operands(first), outside = g.bundle[first];
      g.kill(first);
      for (uint32_t k : makers) {
        g.note(Rule::kCombined, first, i);
        members.assign(outside.begin(), outside.end());
        members.insert(members.end(), g.bundle[k].begin(), g.bundle[k].end());
        merge_without(reads, i, g.operands(k), both);
        g.append(g.cost[first] + g.cost[k], g.fold[first] + g.fold[k], makes, both, members);
        g.kill(k);
      }
    } else {
      double least = g.cost[makers[0]];
      for (uint32_t k : makers) least = std::min(least, g.cost[k]);
      if (least <= 0) continue;
      g.note(Rule::kMoved, i, 0, least);
      for (uint32_t k : makers) g.cost[k] -= least;
      for (uint32_t m : readers) g.cost[m] += least;
      g.touched[i] = g.touched[g.results(first)[0]] = 1;
      changed = true;
      continue;
    }
    g.gone[i] = 1;
    changed = true;
  }
  return changed;
}

bool drop_dominated(ReductionGraph& g) {
  bool changed = false;
  ByOperand index(g);
  for (uint32_t i = 0; i < g.items(); ++i) {
    if (!g.touched[i]) continue;
    g.touched[i] = 0;
    const Span list = g.producers(i);
    if (list.size() < 2) continue;
    index.index(list);
    for (uint32_t k : list) {
      const Span reads = g.operands(k);
      const auto stands_for_it = [&](uint32_t other) {
        if (other == k || !g.alive[other] || g.cost[other] > g.cost[k] || g.fold[other] > g.fold[k]) return false;
        if (!std::ranges::includes(reads, g.operands(other)) || !std::ranges::includes(g.results(other), g.results(k))) return false;
        g.note(Rule::kDominated, k, other);
        return true;
      };
      if (!index.any_without_operands(stands_for_it) &&
          std::none_of(reads.begin(), reads.end(), [&](uint32_t o) { return index.any(o, stands_for_it); })) {
        continue;
      }
      g.kill(k);
      changed = true;
    }
  }
  return changed;
}

}  // namespace egret::extract
