#include "extract/solve/exact/core_formula.h"

#include <algorithm>

#include "extract/solve/exact/model.h"

namespace egret::extract {
namespace {

constexpr size_t kPairLiterals = 2'000'000;  // of the loop clauses that are there from the start

bool reads_any(const Hypergraph& graph, uint32_t k, const std::vector<uint32_t>& sorted) {
  const auto reads = graph.operands[k];
  return std::any_of(reads.begin(), reads.end(),
                     [&](uint32_t item) { return std::binary_search(sorted.begin(), sorted.end(), item); });
}

// Item i points to what its producers read.
Rows dependencies(const Hypergraph& graph) {
  Rows rows;
  std::vector<uint32_t> row;
  for (uint32_t i = 0; i < graph.items; ++i) {
    row.clear();
    for (uint32_t k : graph.producers[i]) row.insert(row.end(), graph.operands[k].begin(), graph.operands[k].end());
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    rows.entries.insert(rows.entries.end(), row.begin(), row.end());
    rows.close_row();
  }
  return rows;
}

}  // namespace

CoreFormula::CoreFormula(const Hypergraph& graph, SatSolver& sat, CoreLog* log)
    : graph_(graph), sat_(sat), log_(log), negative_(graph.has_negative_cost()) {
  for (uint32_t r : graph.roots) sat_.add({made(r)});
  std::vector<int> clause;
  for (uint32_t i = 0; i < graph.items; ++i) {
    if (graph.producers[i].size() == 1) continue;
    clause = {-made(i)};
    for (uint32_t k : graph.producers[i]) {
      clause.push_back(chosen(k));
      sat_.add({-chosen(k), made(i)});
    }
    if (clause.size() > 1) sat_.add(clause);
  }
  for (uint32_t k = 0; k < graph.size(); ++k) {
    for (uint32_t item : graph.operands[k]) sat_.add({-chosen(k), made(item)});
  }
  if (negative_) add_terms_clauses();
  add_pair_loops();
}

int CoreFormula::made(uint32_t item) const {
  const auto producers = graph_.producers[item];
  return producers.size() == 1 ? chosen(producers[0]) : static_cast<int>(graph_.size() + item) + 1;
}

void CoreFormula::add_terms_clauses() {
  std::vector<int> clause;
  for (uint32_t i = 0; i < graph_.items; ++i) {
    const auto producers = graph_.producers[i];
    for (size_t a = 0; a < producers.size(); ++a) {
      for (size_t b = a + 1; b < producers.size(); ++b) sat_.add({-chosen(producers[a]), -chosen(producers[b])});
    }
    if (producers.empty() || std::binary_search(graph_.roots.begin(), graph_.roots.end(), i)) continue;
    clause = {-made(i)};
    for (uint32_t k : graph_.consumers[i]) clause.push_back(chosen(k));
    sat_.add(clause);
  }
}

void CoreFormula::add_pair_loops() {
  const Rows points_to = dependencies(graph_);
  size_t literals = 0;
  for (uint32_t a = 0; a < graph_.items; ++a) {
    for (uint32_t b : points_to[a]) {
      const auto back = points_to[b];
      if (b <= a || !std::binary_search(back.begin(), back.end(), a)) continue;
      literals += 2 * (graph_.producers[a].size() + graph_.producers[b].size());
      if (literals > kPairLiterals) return;
      add_loop({a, b});
    }
  }
}

void CoreFormula::add_loop(const std::vector<uint32_t>& items) {
  std::vector<int> outside;
  for (uint32_t item : items) {
    for (uint32_t k : graph_.producers[item]) {
      if (!reads_any(graph_, k, items)) outside.push_back(chosen(k));
    }
  }
  std::sort(outside.begin(), outside.end());
  outside.erase(std::unique(outside.begin(), outside.end()), outside.end());
  if (log_) log_->loop(items);  // before the clauses: the solver logs what it makes of them
  for (uint32_t item : items) {
    if (std::binary_search(outside.begin(), outside.end(), made(item))) continue;  // always true
    outside.push_back(-made(item));
    sat_.add(outside);
    outside.pop_back();
  }
  ++loops_;
}

// What the roots need, each item from its first producer in an order of making; empty where a root is not made.
std::vector<uint32_t> CoreFormula::needed(const std::vector<uint8_t>& allowed) const {
  constexpr uint32_t kNone = UINT32_MAX;
  std::vector<uint32_t> maker(graph_.items, kNone), missing(graph_.size(), 0), work;
  const auto run = [&](uint32_t k) {
    if (!allowed[k]) return;
    for (uint32_t item : graph_.results[k]) {
      if (maker[item] == kNone) maker[item] = k, work.push_back(item);
    }
  };
  for (uint32_t k = 0; k < graph_.size(); ++k) {
    missing[k] = static_cast<uint32_t>(graph_.operands[k].size());
    if (missing[k] == 0) run(k);
  }
  for (size_t w = 0; w < work.size(); ++w) {
    for (uint32_t k : graph_.consumers[work[w]]) {
      if (--missing[k] == 0) run(k);
    }
  }
  std::vector<uint8_t> used(graph_.size(), 0);
  std::vector<uint32_t> out, want(graph_.roots.begin(), graph_.roots.end());
  while (!want.empty()) {
    const uint32_t item = want.back();
    want.pop_back();
    const uint32_t k = maker[item];
    if (k == kNone) return {};
    if (used[k]) continue;
    used[k] = 1;
    out.push_back(k);
    want.insert(want.end(), graph_.operands[k].begin(), graph_.operands[k].end());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<uint32_t> CoreFormula::solution_or_loops() {
  std::vector<uint8_t> allowed(graph_.size(), 0);
  std::vector<uint32_t> all;
  for (uint32_t k = 0; k < graph_.size(); ++k) {
    if ((allowed[k] = sat_.value(chosen(k)))) all.push_back(k);
  }
  auto solution = needed(allowed);
  // A negative cost that is not reached must not be earned.
  if (!solution.empty() && (!negative_ || solution.size() == all.size())) return solution;
  for (const auto& loop : find_loops(graph_, all)) add_loop(loop);
  return {};
}

}  // namespace egret::extract
