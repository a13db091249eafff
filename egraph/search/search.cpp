#include "egraph/search/search.h"

#include <algorithm>

#include "egraph/search/match_product.h"
#include "egraph/search/matcher.h"

namespace egret::egraph {
namespace {

constexpr uint64_t kPollInterval = 1024;  // matches between two looks at the clock
constexpr size_t kSmall = 8;              // changes below this part of the e-nodes are searched around

}  // namespace

void match_key(const EGraph& graph, const Match& match, std::vector<uint32_t>& key) {
  key.assign({static_cast<uint32_t>(match.nodes.size()), static_cast<uint32_t>(match.classes.size())});
  key.insert(key.end(), match.nodes.begin(), match.nodes.end());
  for (const Id cls : match.classes) key.push_back(graph.store().sets.find(cls));
  key.insert(key.end(), match.attrs.begin(), match.attrs.end());
}

bool Search::poll() {
  if (!expired() && clock_.expired(limits_)) expired_.store(true);
  return !expired();
}

// Tasks over ranges of the first root.
void Search::add_tasks(const EGraph::Store& store, uint32_t r, bool naive, std::vector<SearchTask>& tasks) const {
  const RuleState& rule = rules_[r];
  if (!rule.active) return;
  if (!rule.query) {
    tasks.emplace_back().rule = r;
    return;
  }
  const auto absent = [&](OpKind op) { return store.index.nodes_with(op).empty(); };
  if (std::any_of(rule.query->ops().begin(), rule.query->ops().end(), absent)) return;
  const std::span<const Id> roots = store.index.nodes_with(rule.query->atoms().front().op);
  for (size_t at = 0; at < roots.size();) {
    const Id range = roots[at] >> kRangeBits;
    size_t end = at + 1;
    while (end < roots.size() && roots[end] >> kRangeBits == range) ++end;
    SearchTask& task = tasks.emplace_back();
    task.rule = r;
    task.roots = roots.subspan(at, end - at);
    task.everything = naive || rule.behind || !rule.incremental;
    at = end;
  }
}

bool Search::goes_down(const EGraph::Store& store, bool naive) const {
  const size_t ids = store.enodes.size();
  return naive || !store.links.active() || store.changes.count(ids) * kSmall >= ids;
}

std::vector<SearchTask> Search::plan(const EGraph& graph, std::span<const uint32_t> behind, const Workers& workers, bool naive,
                                     uint64_t matches, uint64_t bytes, uint64_t all_bytes) {
  const EGraph::Store& store = graph.store();
  std::vector<SearchTask> tasks;
  ids_ = store.enodes.size();
  if (goes_down(store, naive)) {
    store.index.prepare(workers);
    for (uint32_t r = 0; r < rules_.size(); ++r) add_tasks(store, r, naive, tasks);
    return tasks;
  }
  around_.run(graph, matches, bytes, all_bytes, workers, poll_, tasks);
  const size_t around = tasks.size();
  for (const uint32_t r : whole_) add_tasks(store, r, naive, tasks);
  for (const uint32_t r : behind) {
    if (rules_[r].incremental) add_tasks(store, r, naive, tasks);
  }
  const auto earlier = [](const SearchTask& a, const SearchTask& b) { return a.rule < b.rule; };
  if (tasks.size() > around) std::stable_sort(tasks.begin(), tasks.end(), earlier);
  return tasks;
}

void Search::match(const EGraph& graph, uint64_t matches, uint64_t bytes, SearchTask& task) {
  const RuleState& rule = rules_[task.rule];
  const EGraph::Store& store = graph.store();
  if (rule.products) {
    const uint64_t room = bytes / (rule.stride() * sizeof(Id)) + 1;
    find_products(*rule.query, store, std::min(matches, room), poll_, task);
    task.full = task.cut > 0 && task.count < matches;
    return;
  }
  const bool skips = !rule.incremental;
  const uint32_t stride = rule.stride();
  uint64_t seen = 0;
  Match match;
  std::vector<uint32_t> key;
  const auto emit = [&](const Id* nodes) {
    if (++seen % kPollInterval == 0 && !poll()) return false;
    if (skips || rule.rewrite->condition) {
      fill_match(*rule.query, store, nodes, match);
      if (skips) {
        match_key(graph, match, key);
        if (rule.applied.contains(key)) return true;
      }
      if (rule.rewrite->condition && !rule.rewrite->condition(graph, match)) return true;
    }
    if (task.count == matches || task.nodes.size() * sizeof(Id) > bytes) {
      ++task.cut;
      task.full |= task.count < matches;
      return false;
    }
    task.nodes.append(nodes, stride);
    ++task.count;
    return true;
  };
  Matcher(*rule.query, !task.everything, store, ids_, emit, poll_).run(task.roots);
  if (rule.query->roots().size() > 1) task.sort(stride);
}

void Search::search_by_host(const EGraph& graph, uint64_t matches, SearchTask& task) {
  const RuleState& rule = rules_[task.rule];
  std::vector<uint32_t> key;
  rule.rewrite->searcher(graph, [&](const Match& match) {
    if (!poll()) return false;
    match_key(graph, match, key);
    if (rule.applied.contains(key)) return true;
    if (rule.rewrite->condition && !rule.rewrite->condition(graph, match)) return true;
    if (task.count == matches) {
      ++task.cut;
      return false;
    }
    task.matches.push_back(match);
    ++task.count;
    return true;
  });
}

void Search::run(const EGraph& graph, uint64_t matches, uint64_t bytes, SearchTask& task) {
  if (!poll()) return;
  const double start = clock_.seconds();
  const RuleState& rule = rules_[task.rule];
  if (rule.rewrite->matches_per_iteration > 0) matches = std::min(matches, rule.rewrite->matches_per_iteration);
  if (!rule.query) {
    search_by_host(graph, matches, task);
  } else {
    match(graph, matches, bytes, task);
  }
  task.seconds = clock_.seconds() - start;
}

}  // namespace egret::egraph
