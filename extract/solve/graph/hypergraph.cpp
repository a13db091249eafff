#include "extract/solve/graph/hypergraph.h"

#include <algorithm>

#include <fmt/format.h>

namespace egret::extract {
namespace {

void index_items(Hypergraph& graph) {
  graph.producers = graph.results.transposed(graph.items);
  graph.consumers = graph.operands.transposed(graph.items);
}

// Candidates whose operands are all makeable and that some root may use, through makeable candidates.
std::vector<uint8_t> useful(const Hypergraph& graph, const std::vector<uint8_t>& made) {
  std::vector<uint8_t> wanted(graph.items, 0), use(graph.size(), 0);
  std::vector<uint32_t> work(graph.roots.begin(), graph.roots.end());
  for (uint32_t r : work) wanted[r] = 1;
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    for (uint32_t k : graph.producers[item]) {
      if (use[k]) continue;
      const auto reads = graph.operands[k];
      if (!std::all_of(reads.begin(), reads.end(), [&](uint32_t o) { return made[o]; })) continue;
      use[k] = 1;
      for (uint32_t o : reads) {
        if (!wanted[o]) wanted[o] = 1, work.push_back(o);
      }
    }
  }
  return use;
}

Hypergraph filtered(const Hypergraph& graph, const std::vector<uint8_t>& keep) {
  Hypergraph out;
  out.items = graph.items;
  out.roots = graph.roots;
  out.fold_budget = graph.fold_budget;
  out.terms = graph.terms;
  const auto append = [](Rows& rows, std::span<const uint32_t> row) {
    rows.entries.insert(rows.entries.end(), row.begin(), row.end());
    rows.close_row();
  };
  for (uint32_t k = 0; k < graph.size(); ++k) {
    if (!keep[k]) continue;
    out.original.push_back(graph.original[k]);
    out.cost.push_back(graph.cost[k]);
    out.fold.push_back(graph.fold[k]);
    append(out.results, graph.results[k]);
    append(out.operands, graph.operands[k]);
  }
  index_items(out);
  return out;
}

std::vector<uint32_t> sorted_unique(std::vector<uint32_t> list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

}  // namespace

bool Hypergraph::has_negative_cost() const {
  return std::any_of(cost.begin(), cost.end(), [](double c) { return c < 0; });
}

Rows Rows::transposed(size_t columns) const {
  Rows out;
  out.start.assign(columns + 1, 0);
  for (uint32_t e : entries) ++out.start[e + 1];
  for (size_t c = 0; c < columns; ++c) out.start[c + 1] += out.start[c];
  out.entries.resize(entries.size());
  std::vector<uint32_t> next(out.start.begin(), out.start.end() - 1);
  for (uint32_t r = 0; r < size(); ++r) {
    for (uint32_t e : (*this)[r]) out.entries[next[e]++] = r;
  }
  return out;
}

std::vector<uint8_t> makeable(const Hypergraph& graph, const std::vector<uint8_t>& allowed) {
  std::vector<uint8_t> made(graph.items, 0);
  std::vector<uint32_t> missing(graph.size()), work;
  const auto run = [&](uint32_t k) {
    if (!allowed.empty() && !allowed[k]) return;
    for (uint32_t item : graph.results[k]) {
      if (!made[item]) made[item] = 1, work.push_back(item);
    }
  };
  for (uint32_t k = 0; k < graph.size(); ++k) {
    missing[k] = static_cast<uint32_t>(graph.operands[k].size());
    if (missing[k] == 0) run(k);
  }
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    for (uint32_t k : graph.consumers[item]) {
      if (--missing[k] == 0) run(k);
    }
  }
  return made;
}

Result<Hypergraph> make_hypergraph(const Problem& problem) {
  EGRET_TRY_VOID(validate(problem));
  Hypergraph graph;
  graph.items = problem.items;
  graph.fold_budget = problem.fold_budget;
  graph.terms = problem.terms;
  for (uint32_t r : sorted_unique(problem.roots)) {
    if (!problem.is_free(r)) graph.roots.push_back(r);
  }
  for (uint32_t k = 0; k < problem.candidates.size(); ++k) {
    const Candidate& c = problem.candidates[k];
    const auto reads = sorted_unique(c.operands);
    const size_t before = graph.results.entries.size();
    for (uint32_t item : sorted_unique(c.results)) {
      // What it reads is there already: making it again serves nobody.
      if (problem.is_free(item) || std::binary_search(reads.begin(), reads.end(), item)) continue;
      graph.results.entries.push_back(item);
    }
    if (graph.results.entries.size() == before) continue;
    graph.results.close_row();
    for (uint32_t item : reads) {
      if (!problem.is_free(item)) graph.operands.entries.push_back(item);
    }
    graph.operands.close_row();
    graph.original.push_back(k);
    graph.cost.push_back(c.cost);
    graph.fold.push_back(c.fold_bytes);
  }
  index_items(graph);
  const auto made = makeable(graph, {});
  for (uint32_t r : graph.roots) {
    if (!made[r]) return input_error(fmt::format("infeasible: no candidates can make item {}", r));
  }
  return filtered(graph, useful(graph, made));
}

Hypergraph restrict_to(const Hypergraph& graph, const std::vector<uint8_t>& keep) {
  Hypergraph first = filtered(graph, keep);
  return filtered(first, useful(first, makeable(first, {})));
}

std::vector<uint32_t> components(const Rows& points_to) {
  const uint32_t n = static_cast<uint32_t>(points_to.size()), none = UINT32_MAX;
  std::vector<uint32_t> component(n, none), low(n, 0), number(n, none), open, path, next(n, 0);
  uint32_t counter = 0, count = 0;
  for (uint32_t s = 0; s < n; ++s) {  // Tarjan, with an explicit stack
    if (number[s] != none) continue;
    path.push_back(s);
    while (!path.empty()) {
      const uint32_t v = path.back();
      if (number[v] == none) number[v] = low[v] = counter++, open.push_back(v);
      const auto row = points_to[v];
      bool deeper = false;
      while (next[v] < row.size()) {
        const uint32_t w = row[next[v]];
        if (number[w] == none) {
          path.push_back(w);
          deeper = true;
          break;
        }
        if (component[w] == none) low[v] = std::min(low[v], low[w]);
        ++next[v];
      }
      if (deeper) continue;
      path.pop_back();
      if (low[v] != number[v]) continue;
      for (uint32_t w = none; w != v;) {
        w = open.back();
        open.pop_back();
        component[w] = count;
      }
      ++count;
    }
  }
  return component;
}

}  // namespace egret::extract
