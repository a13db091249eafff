// The local reductions: each looks at an item and its neighbours.
#include "extract/solve/reduce/reduction_graph.h"

namespace egret::extract {
namespace {

constexpr size_t kMaxGrowth = 24;   // operands that one contraction may add in all
constexpr size_t kMaxCopies = 8;    // candidates that one fold may make of one

bool single(const ReductionGraph& g, uint32_t k) { return g.results[k].size() == 1; }

bool all_single(ReductionGraph& g, const List& list) {
  return std::all_of(list.begin(), list.end(), [&](uint32_t k) { return single(g, k); });
}

// Bit set of the operands modulo 64: a quick refusal of "includes".
uint64_t signature(const List& row) {
  uint64_t bits = 0;
  for (uint32_t item : row) bits |= uint64_t{1} << (item * 0x9e3779b1u >> 26);
  return bits;
}

bool includes(const List& large, const List& small) {
  return small.size() <= large.size() && std::includes(large.begin(), large.end(), small.begin(), small.end());
}

}  // namespace

bool drop_useless(ReductionGraph& g) {
  std::vector<uint32_t> missing(g.size(), 0), work;
  std::vector<uint8_t> made(g.items(), 0), wanted(g.root), use(g.size(), 0);
  const auto run = [&](uint32_t k) {
    for (uint32_t i : g.results[k]) {
      if (!made[i]) made[i] = 1, work.push_back(i);
    }
  };
  for (uint32_t k = 0; k < g.size(); ++k) {
    if (!g.alive[k]) continue;
    missing[k] = static_cast<uint32_t>(g.operands[k].size());
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
      for (uint32_t o : g.operands[k]) {
        if (!wanted[o]) wanted[o] = 1, work.push_back(o);
      }
    }
  }
  bool changed = false;
  for (uint32_t k = 0; k < g.size(); ++k) {
    if (!g.alive[k]) continue;
    if (!use[k]) {
      g.note(Rule::kUseless, k, 0);
      g.kill(k);
      changed = true;
      continue;
    }
    List makes;
    std::copy_if(g.results[k].begin(), g.results[k].end(), std::back_inserter(makes), [&](uint32_t i) { return wanted[i]; });
    if (makes.size() == g.results[k].size()) continue;
    g.note(Rule::kUseless, k, 0);
    g.set_results(k, std::move(makes));
    changed = true;
  }
  return changed;
}

bool free_closure(ReductionGraph& g) {
  std::vector<uint32_t> work;
  const auto costless = [&](uint32_t k) { return g.alive[k] && g.cost[k] == 0 && g.fold[k] == 0 && g.operands[k].empty(); };
  for (uint32_t k = 0; k < g.size(); ++k) {
    if (costless(k)) work.push_back(k);
  }
  const bool changed = !work.empty();
  for (size_t p = 0; p < work.size(); ++p) {
    const uint32_t maker = work[p];
    if (!g.alive[maker]) continue;
    const List makes = g.results[maker];
    g.kill(maker);
    for (uint32_t i : makes) {
      g.note(Rule::kFree, i, maker);
      g.retire(i, g.bundle[maker]);
      for (uint32_t k : List(g.producers(i))) {
        List others = g.results[k];
        std::erase(others, i);
        g.set_results(k, std::move(others));
      }
      for (uint32_t k : List(g.consumers(i))) {
        g.set_operands(k, merged_without(g.operands[k], i, {}));
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
    const List readers = g.consumers(i), reads = g.operands[k];
    if (readers.size() > 1 && reads.size() > 1 && (readers.size() - 1) * (reads.size() - 1) > kMaxGrowth) continue;
    g.note(Rule::kContracted, i, k);
    if (g.root[i]) {
      for (uint32_t o : reads) g.force(o, i);
    }
    for (uint32_t m : readers) g.set_operands(m, merged_without(g.operands[m], i, reads));
    g.kill(k);
    g.retire(i, g.bundle[k]);
    changed = true;
  }
  return changed;
}

bool pay_forced(ReductionGraph& g) {
  bool changed = false;
  std::vector<uint32_t> work;
  for (uint32_t i = 0; i < g.items(); ++i) {
    if (g.root[i]) work.push_back(i);
  }
  while (!work.empty()) {
    const uint32_t i = work.back();
    work.pop_back();
    const List makers = g.producers(i);
    if (makers.empty()) continue;
    List common = g.operands[makers[0]];
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
      for (uint32_t j : g.results[makers[0]]) g.touched[j] = 1;
      changed = true;
    }
    if (makers.size() > 1) continue;
    const uint32_t k = makers[0];
    g.fold_budget -= g.fold[k];
    g.fold[k] = 0;
    if (single(g, k)) continue;
    const List makes = g.results[k], reads = g.operands[k], members = g.bundle[k];
    g.kill(k);
    for (uint32_t j : makes) {
      g.note(Rule::kSplit, k, j);
      g.append(0, 0, {j}, reads, members);
    }
    changed = true;
  }
  return changed;
}

bool fold_single_readers(ReductionGraph& g) {
  bool changed = false;
  for (uint32_t i = 0; i < g.items(); ++i) {
    if (g.gone[i] || g.root[i]) continue;
    const List makers = g.producers(i), readers = g.consumers(i);
    if (makers.empty() || readers.empty() || (makers.size() > 1 && makers.size() > kMaxCopies)) continue;
    const uint32_t first = readers[0];
    const bool one_class = all_single(g, readers) && all_single(g, makers) &&
                           std::all_of(readers.begin(), readers.end(), [&](uint32_t m) { return g.results[m] == g.results[first]; });
    if (!one_class) continue;
    if (makers.size() == 1) {
      const uint32_t k = makers[0];
      const List reads = g.operands[k];
      for (uint32_t m : readers) {
        g.note(Rule::kFolded, m, i);
        g.cost[m] += g.cost[k];
        g.fold[m] += g.fold[k];
        g.bundle[m].insert(g.bundle[m].end(), g.bundle[k].begin(), g.bundle[k].end());
        g.set_operands(m, merged_without(g.operands[m], i, reads));
      }
      g.kill(k);
    } else if (readers.size() == 1 && (makers.size() <= 3 || g.operands[first].size() <= 3)) {
      const List makes = g.results[first], reads = g.operands[first], members = g.bundle[first];
      g.kill(first);
      for (uint32_t k : makers) {
        g.note(Rule::kCombined, first, i);
        List both = members;
        both.insert(both.end(), g.bundle[k].begin(), g.bundle[k].end());
        g.append(g.cost[first] + g.cost[k], g.fold[first] + g.fold[k], makes, merged_without(reads, i, g.operands[k]),
                 std::move(both));
        g.kill(k);
      }
    } else {
      double least = g.cost[makers[0]];
      for (uint32_t k : makers) least = std::min(least, g.cost[k]);
      if (least <= 0) continue;
      g.note(Rule::kMoved, i, 0, least);
      for (uint32_t k : makers) g.cost[k] -= least;
      for (uint32_t m : readers) g.cost[m] += least;
      g.touched[i] = g.touched[g.results[first][0]] = 1;
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
  std::vector<uint64_t> makes, reads;
  for (uint32_t i = 0; i < g.items(); ++i) {
    if (!g.touched[i]) continue;
    g.touched[i] = 0;
    const List list = g.producers(i);
    makes.clear();
    reads.clear();
    for (uint32_t k : list) makes.push_back(signature(g.results[k])), reads.push_back(signature(g.operands[k]));
    for (size_t a = 0; a < list.size(); ++a) {
      const uint32_t k = list[a];
      for (size_t b = 0; b < list.size(); ++b) {
        const uint32_t other = list[b];
        if (b == a || (reads[b] & ~reads[a]) || (makes[a] & ~makes[b]) || !g.alive[other]) continue;
        if (g.cost[other] > g.cost[k] || g.fold[other] > g.fold[k]) continue;
        if (!includes(g.operands[k], g.operands[other]) || !includes(g.results[other], g.results[k])) continue;
        g.note(Rule::kDominated, k, other);
        g.kill(k);
        changed = true;
        break;
      }
    }
  }
  return changed;
}

}  // namespace egret::extract
