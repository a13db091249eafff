#include "extract/solve/reduce/reduction_graph.h"

#include <numeric>
#include <utility>

namespace egret::extract {
namespace {

Rows one_each(uint32_t count) {
  Rows rows;
  rows.entries.resize(count);
  rows.start.resize(count + 1);
  std::iota(rows.entries.begin(), rows.entries.end(), 0);
  std::iota(rows.start.begin(), rows.start.end(), 0);
  return rows;
}

}  // namespace

void merge_without(Span a, uint32_t item, Span b, List& out) {
  out.resize(a.size() + b.size());
  uint32_t* to = out.data();
  size_t p = 0, q = 0;
  while (p < a.size() || q < b.size()) {
    if (q == b.size() || (p < a.size() && a[p] < b[q])) {
      if (a[p] != item) *to++ = a[p];
      ++p;
    } else {
      if (p < a.size() && a[p] == b[q]) ++p;
      *to++ = b[q++];
    }
  }
  out.resize(static_cast<size_t>(to - out.data()));
}

ReductionGraph::ReductionGraph(const Hypergraph& graph)
    : cost(graph.cost), fold(graph.fold), bundle(one_each(static_cast<uint32_t>(graph.size()))), alive(graph.size(), 1),
      root(graph.items, 0), gone(graph.items, 0), touched(graph.items, 1), maker(graph.items), fold_budget(graph.fold_budget),
      results_(graph.results), operands_(graph.operands), producers_(graph.producers), consumers_(graph.consumers),
      stale_producers_(graph.items, kFresh), stale_consumers_(graph.items, kFresh) {
  for (uint32_t r : graph.roots) root[r] = 1;
}

Span ReductionGraph::producers(uint32_t item) {
  if (const uint8_t stale = std::exchange(stale_producers_[item], kFresh)) {
    producers_.cut(item, !(stale & kGrown), [&](uint32_t k) { return !alive[k] || !makes(k, item); });
  }
  return producers_[item];
}

Span ReductionGraph::consumers(uint32_t item) {
  if (const uint8_t stale = std::exchange(stale_consumers_[item], kFresh)) {
    consumers_.cut(item, !(stale & kGrown), [&](uint32_t k) { return !alive[k] || !reads(k, item); });
  }
  return consumers_[item];
}

void ReductionGraph::kill(uint32_t k) {
  alive[k] = 0;
  for (uint32_t i : results_[k]) stale_producers_[i] |= kShrunk;
  for (uint32_t i : operands_[k]) stale_consumers_[i] |= kShrunk;
}

void ReductionGraph::force(uint32_t item, uint32_t reason) {
  if (root[item]) return;
  root[item] = 1;
  note(Rule::kForced, item, reason);
}

void ReductionGraph::replace_operand(uint32_t k, uint32_t item, Span more) {
  merge_without(operands_[k], item, more, merged_);
  set_operands(k, merged_);
}

void ReductionGraph::set_operands(uint32_t k, Span reads) {
  const Span before = operands_[k];
  for (size_t b = 0, r = 0; b < before.size() || r < reads.size();) {
    if (r == reads.size() || (b < before.size() && before[b] < reads[r])) {
      stale_consumers_[before[b++]] |= kShrunk;
    } else if (b == before.size() || reads[r] < before[b]) {
      consumers_.push(reads[r], k);
      stale_consumers_[reads[r++]] |= kGrown;
    } else {
      ++b, ++r;
    }
  }
  operands_.assign(k, reads);
  const Span makes = results_[k];
  for (uint32_t i : makes) touched[i] = 1;
  left_.clear();
  std::set_difference(makes.begin(), makes.end(), reads.begin(), reads.end(), std::back_inserter(left_));
  if (left_.size() < makes.size()) set_results(k, left_);
}

void ReductionGraph::set_results(uint32_t k, Span makes) {
  for (uint32_t i : results_[k]) {
    stale_producers_[i] |= kShrunk;
    touched[i] = 1;
  }
  if (makes.empty()) return kill(k);
  results_.assign(k, makes);
}

void ReductionGraph::drop_result(uint32_t k, uint32_t item) {
  merge_without(results_[k], item, {}, left_);
  set_results(k, left_);
}

uint32_t ReductionGraph::append(double new_cost, double new_fold, Span makes, Span reads, Span members) {
  const uint32_t k = size();
  cost.push_back(new_cost);
  fold.push_back(new_fold);
  alive.push_back(1);
  bundle.append(members);
  for (uint32_t i : makes) {
    producers_.push(i, k);
    stale_producers_[i] |= kGrown;
    touched[i] = 1;
  }
  results_.append(makes);
  operands_.append({});
  set_operands(k, reads);
  return k;
}

void ReductionGraph::retire(uint32_t item, Span made_by) {
  gone[item] = 1;
  root[item] = 0;
  maker.assign(item, made_by);
}

Rows ReductionGraph::dependency() {
  Rows out;
  List seen(items(), UINT32_MAX);
  for (uint32_t i = 0; i < items(); ++i) {
    for (uint32_t k : producers(i)) {
      for (uint32_t o : operands_[k]) {
        if (seen[o] == i) continue;
        seen[o] = i;
        out.entries.push_back(o);
      }
    }
    out.close_row();
  }
  return out;
}

}  // namespace egret::extract
