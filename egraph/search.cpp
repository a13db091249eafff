#include "egraph/search.h"

#include <algorithm>
#include <numeric>

#include "egraph/matcher.h"

namespace egret::egraph {
namespace {

constexpr uint64_t kPollInterval = 1024;  // matches between two looks at the clock
constexpr size_t kSmall = 8;              // changes below this part of the e-nodes are searched around

}  // namespace

uint64_t SearchTask::bytes() const {
  uint64_t total = nodes.bytes();
  for (const Match& m : matches) total += (m.nodes.size() + m.classes.size() + m.attrs.size() + 18) * sizeof(uint32_t);
  return total;
}

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

// The changed e-nodes by operator, and on the first call which atoms each operator may match.
void Search::group_changes(const EGraph::Store& store) {
  if (starts_.empty()) {
    starts_.resize(store.op_names.size());
    for (uint32_t r = 0; r < rules_.size(); ++r) {
      if (!rules_[r].query) continue;
      const std::span<const Query::Atom> atoms = rules_[r].query->atoms();
      for (uint32_t a = 0; a < atoms.size(); ++a) starts_[atoms[a].op].push_back({r, a});
    }
  }
  for (const OpKind op : changed_ops_) changed_[op].clear();
  changed_ops_.clear();
  changed_.resize(store.op_names.size());
  const auto add = [&](Id n) {
    const OpKind op = store.enodes.op(n);
    if (op >= starts_.size() || starts_[op].empty() || !store.matchable(n)) return;
    if (changed_[op].empty()) changed_ops_.push_back(op);
    changed_[op].push_back(n);
  };
  for (const Id n : store.changes.older()) add(n);
  for (Id n = store.changes.first_new(); n < store.enodes.size(); ++n) add(n);
  for (const OpKind op : changed_ops_) std::sort(changed_[op].begin(), changed_[op].end());
}

std::vector<SearchTask> Search::plan(const EGraph& graph, const std::vector<bool>& active, bool naive) {
  const EGraph::Store& store = graph.store();
  const size_t ids = store.enodes.size();
  const bool small = !naive && store.links.active() && store.changes.count(ids) * kSmall < ids;
  std::vector<bool> armed;
  if (small) {
    group_changes(store);
    armed.assign(rules_.size(), false);
    for (const OpKind op : changed_ops_) {
      for (const Start& start : starts_[op]) armed[start.rule] = true;
    }
  }
  std::vector<SearchTask> tasks;
  for (uint32_t r = 0; r < rules_.size(); ++r) {
    const RuleState& rule = rules_[r];
    const bool around = small && rule.incremental && !rule.behind;
    if (!active[r] || (around && !armed[r])) continue;
    if (!rule.query || around) {
      tasks.emplace_back().rule = r;
      tasks.back().around_changes = around;
      continue;
    }
    const auto absent = [&](OpKind op) { return store.index.nodes_with(op).empty(); };
    if (std::any_of(rule.query->ops().begin(), rule.query->ops().end(), absent)) continue;
    const std::span<const Id> roots = store.index.nodes_with(rule.query->atoms().front().op);
    for (size_t at = 0; at < roots.size();) {
      const Id range = roots[at] >> kRangeBits;
      size_t end = at + 1;
      while (end < roots.size() && roots[end] >> kRangeBits == range) ++end;
      tasks.emplace_back().rule = r;
      tasks.back().roots = roots.subspan(at, end - at);
      tasks.back().everything = naive || rule.behind || !rule.incremental;
      at = end;
    }
  }
  return tasks;
}

template <class Index>
void Search::match(const EGraph& graph, const Index& index, uint32_t start, Wanted wanted, std::span<const Id> given,
                   uint64_t matches, uint64_t bytes, SearchTask& task) {
  const RuleState& rule = rules_[task.rule];
  const EGraph::Store& store = graph.store();
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
  const auto poll_now = [this] { return poll(); };
  Matcher(*rule.query, start, wanted, store, index, emit, poll_now).run(given);
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
  } else if (task.around_changes) {
    const LinkIndex index{graph.store()};
    for (uint32_t a = 0; a < rule.query->atoms().size(); ++a) {
      const std::vector<Id>& given = changed_[rule.query->atoms()[a].op];
      if (!given.empty()) {
        match(graph, index, a, Wanted::kFirstChanged, given, matches, bytes, task);
      }
    }
    sort_matches(rule.stride(), task.nodes);
  } else {
    const Wanted wanted = task.everything ? Wanted::kAll : Wanted::kChanged;
    match(graph, ListIndex{graph.store()}, 0, wanted, task.roots, matches, bytes, task);
    if (rule.query->roots().size() > 1) sort_matches(rule.stride(), task.nodes);
  }
  task.seconds = clock_.seconds() - start;
}

void Search::sort_matches(uint32_t stride, Array<Id>& nodes) {
  const size_t count = nodes.size() / stride;
  if (count < 2) return;
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](uint32_t a, uint32_t b) {
    const Id *const x = nodes.data() + size_t{a} * stride, *const y = nodes.data() + size_t{b} * stride;
    return std::lexicographical_compare(x, x + stride, y, y + stride);
  };
  if (std::is_sorted(order.begin(), order.end(), before)) return;
  std::sort(order.begin(), order.end(), before);
  Array<Id> sorted;
  sorted.reserve(nodes.size());
  for (const uint32_t m : order) sorted.append(nodes.data() + size_t{m} * stride, stride);
  nodes.swap(sorted);
}

}  // namespace egret::egraph
