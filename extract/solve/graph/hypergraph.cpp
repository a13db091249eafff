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

void keep_rows(Rows& rows, const std::vector<uint8_t>& keep) {
  size_t to = 0, row = 0;
  for (size_t r = 0, begin = 0; r < keep.size(); ++r) {
    const size_t end = rows.start[r + 1];
    if (keep[r]) {
      for (size_t e = begin; e < end; ++e) rows.entries[to++] = rows.entries[e];
      rows.start[++row] = static_cast<uint32_t>(to);
    }
    begin = end;
  }
  rows.entries.resize(to);
  rows.start.resize(row + 1);
}

template <typename T>
void keep_values(std::vector<T>& values, const std::vector<uint8_t>& keep) {
  size_t to = 0;
  for (size_t k = 0; k < keep.size(); ++k) {
    if (keep[k]) values[to++] = values[k];
  }
  values.resize(to);
}

// Only the candidates with keep[k] != 0.
void filter(Hypergraph& graph, const std::vector<uint8_t>& keep) {
  if (std::find(keep.begin(), keep.end(), 0) == keep.end()) return;
  keep_values(graph.original, keep);
  keep_values(graph.cost, keep);
  keep_values(graph.fold, keep);
  keep_rows(graph.results, keep);
  keep_rows(graph.operands, keep);
  index_items(graph);
}

std::vector<uint32_t> sorted_unique(std::vector<uint32_t> list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

// Appends what `drop` does not want, ascending and without repeats.
template <typename Drop>
void append_sorted(const std::vector<uint32_t>& list, std::vector<uint32_t>& to, Drop drop) {
  const auto begin = static_cast<ptrdiff_t>(to.size());
  for (uint32_t item : list) {
    if (!drop(item)) to.push_back(item);
  }
  if (to.size() - static_cast<size_t>(begin) < 2) return;
  std::sort(to.begin() + begin, to.end());
  to.erase(std::unique(to.begin() + begin, to.end()), to.end());
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
  size_t makes = 0, reads = 0;
  for (const Candidate& c : problem.candidates) makes += c.results.size(), reads += c.operands.size();
  std::vector<uint32_t>&made_items = graph.results.entries, &read_items = graph.operands.entries;
  made_items.reserve(makes);
  read_items.reserve(reads);
  for (uint32_t k = 0; k < problem.candidates.size(); ++k) {
    const Candidate& c = problem.candidates[k];
    const size_t makes_before = made_items.size(), reads_before = read_items.size();
    const auto is_free = [&](uint32_t item) { return problem.is_free(item); };
    append_sorted(c.operands, read_items, is_free);
    const std::span<const uint32_t> own(read_items.data() + reads_before, read_items.size() - reads_before);
    // What it reads is there already: making it again serves nobody.
    append_sorted(c.results, made_items, [&](uint32_t item) { return is_free(item) || std::find(own.begin(), own.end(), item) != own.end(); });
    if (made_items.size() == makes_before) {
      read_items.resize(reads_before);
      continue;
    }
    graph.results.close_row();
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
  filter(graph, useful(graph, made));
  return graph;
}

Hypergraph restrict_to(const Hypergraph& graph, const std::vector<uint8_t>& keep) {
  Hypergraph out = graph;
  filter(out, keep);
  filter(out, useful(out, makeable(out, {})));
  return out;
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
