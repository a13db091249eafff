#include "egraph/search.h"

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>

#include "egraph/match.h"
#include "egraph/store.h"
#include "support/hash.h"

namespace egret::egraph {
namespace {

// Sizes are part of the result where a budget cuts it, so they depend on nothing.
constexpr size_t kRootsPerTask = 256;
constexpr size_t kTasksPerWave = 256;
constexpr uint64_t kLeastTaskBytes = uint64_t{1} << 20;

}  // namespace

void MatchList::push(const Match& match) {
  words_.push_back(static_cast<uint32_t>(match.nodes.size()));
  words_.push_back(static_cast<uint32_t>(match.classes.size()));
  words_.push_back(static_cast<uint32_t>(match.attrs.size()));
  words_.insert(words_.end(), match.nodes.begin(), match.nodes.end());
  words_.insert(words_.end(), match.classes.begin(), match.classes.end());
  words_.insert(words_.end(), match.attrs.begin(), match.attrs.end());
}

void MatchList::read(size_t& at, Match& match) const {
  const uint32_t* counts = words_.data() + at;
  const uint32_t* nodes = counts + 3;
  const uint32_t* classes = nodes + counts[0];
  const uint32_t* attrs = classes + counts[1];
  match.nodes.assign(nodes, classes);
  match.classes.assign(classes, attrs);
  match.attrs.assign(attrs, attrs + counts[2]);
  at += 3 + counts[0] + counts[1] + counts[2];
}

uint64_t match_key(const EGraph& graph, uint32_t rewrite, const Match& match) {
  uint64_t key = hash_combine(rewrite, match.nodes.size() << 32 | match.classes.size());
  for (const Id node : match.nodes) key = hash_combine(key, node);
  const UnionFind& sets = graph.store().sets;
  for (const Id cls : match.classes) key = hash_combine(key, sets.find(cls));
  for (const AttrId attr : match.attrs) key = hash_combine(key, attr);
  return key;
}

struct Search::Arena {
  tbb::task_arena arena;
  explicit Arena(int threads) : arena(threads) {}
};

Search::Search(std::span<const Rewrite> rewrites, const Limits& limits, const Stopwatch& clock, int threads)
    : rewrites_(rewrites), limits_(limits), clock_(clock) {
  const int machine = tbb::info::default_concurrency();
  const int count = threads > 0 ? std::min(threads, machine) : machine;
  if (count > 1) arena_ = std::make_unique<Arena>(count);
}

Search::~Search() = default;

bool Search::poll() {
  if (!expired_.load(std::memory_order_relaxed) && clock_.expired(limits_)) expired_.store(true);
  return !expired_.load(std::memory_order_relaxed);
}

std::vector<SearchTask> Search::plan(const EGraph& graph) const {
  std::vector<SearchTask> tasks;
  for (uint32_t r = 0; r < rewrites_.size(); ++r) {
    if (rewrites_[r].searcher) {
      tasks.emplace_back().rewrite = r;
      continue;
    }
    EGRET_CHECK(!rewrites_[r].pattern.roots().empty(), "a rewrite has a pattern or a searcher");
    const std::span<const OpKind> ops = rewrites_[r].pattern.program().ops();
    const auto absent = [&](OpKind op) { return graph.nodes_with(op).empty(); };
    if (std::any_of(ops.begin(), ops.end(), absent)) continue;
    const std::span<const Id> roots = graph.nodes_with(rewrites_[r].pattern.roots().front().op);
    for (size_t at = 0; at < roots.size(); at += kRootsPerTask) {
      SearchTask& task = tasks.emplace_back();
      task.rewrite = r;
      task.roots = roots.subspan(at, std::min(kRootsPerTask, roots.size() - at));
    }
  }
  return tasks;
}

void Search::run_task(const EGraph& graph, const AppliedSet& applied, uint64_t matches, uint64_t bytes,
                      SearchTask& task) {
  if (!poll()) return;
  const double start = clock_.seconds();
  const Rewrite& rewrite = rewrites_[task.rewrite];
  if (rewrite.matches_per_iteration > 0) matches = std::min(matches, rewrite.matches_per_iteration);
  uint64_t seen = 0;
  const std::function<bool(const Match&)> emit = [&](const Match& match) {
    if (++seen % 1024 == 0 && !poll()) return false;
    if (applied.contains(match_key(graph, task.rewrite, match))) return true;
    if (rewrite.condition && !rewrite.condition(graph, match)) return true;
    if (task.count == matches || task.found.bytes() > bytes) {
      ++task.cut;
      return false;
    }
    task.found.push(match);
    ++task.count;
    return true;
  };
  if (rewrite.searcher) {
    rewrite.searcher(graph, emit);
  } else {
    rewrite.pattern.program().run(graph, task.roots, emit, [this] { return poll(); });
  }
  task.seconds = clock_.seconds() - start;
}

SearchResult Search::run(const EGraph& graph, const AppliedSet& applied, uint64_t matches, uint64_t bytes) {
  SearchResult result;
  result.tasks = plan(graph);
  std::vector<SearchTask>& tasks = result.tasks;
  const uint64_t task_bytes = std::max(kLeastTaskBytes, bytes / kTasksPerWave);
  uint64_t found = 0, used = 0;
  for (size_t begin = 0; begin < tasks.size(); begin += kTasksPerWave) {
    const size_t end = std::min(begin + kTasksPerWave, tasks.size());
    const auto run_one = [&](size_t t) { run_task(graph, applied, matches, task_bytes, tasks[t]); };
    if (arena_) {
      arena_->arena.execute([&] { tbb::parallel_for(begin, end, run_one, tbb::simple_partitioner()); });
    } else {
      for (size_t t = begin; t < end; ++t) run_one(t);
    }
    if (!poll()) {
      result.expired = true;
      break;
    }
    for (size_t t = begin; t < end; ++t) {
      found += tasks[t].count;
      used += tasks[t].found.bytes();
    }
    if ((found >= matches || used >= bytes) && end < tasks.size()) {
      result.partial = true;
      break;
    }
  }
  return result;
}

}  // namespace egret::egraph
