#include "egraph/runner.h"

#include <algorithm>
#include <numeric>

#include "egraph/apply/apply.h"
#include "egraph/search/closed_matches.h"
#include "egraph/search/match_block.h"
#include "egraph/search/match_product.h"
#include "egraph/search/matcher.h"
#include "egraph/search/search.h"

namespace egret::egraph {
namespace {

constexpr size_t kLeastThreaded = size_t{1} << 13;      // e-nodes
constexpr uint64_t kLeastTaskBytes = uint64_t{1} << 16;
constexpr uint64_t kTaskShare = 32;                     // a task may take this part of the bytes that are left
constexpr uint64_t kManyReleased = uint64_t{1} << 20;   // bytes of matches, to be given back where bytes are short
constexpr uint64_t kHeldShare = 4;                      // matches may wait in this part of them
constexpr uint64_t kFilterShare = 4;                    // matches above this part of the hash-cons pay for a filter
constexpr uint64_t kMany = 4;                           // open matches an e-node, of one rewrite
constexpr Id kParts = 8;                                // in which these are taken, while each makes much equal
constexpr size_t kWorthwhile = 8;                       // closed matches again where classes became fewer by this part
constexpr size_t kPromising = 16;                       // the same, of what a sample tells
constexpr size_t kLeastSampled = size_t{1} << 13;       // e-nodes; a smaller graph's matches are all asked
constexpr uint64_t kMatchesPerLook = 256;               // between two looks at the clock and at the bytes
constexpr uint64_t kLeastBlock = 64;                    // matches, near a limit of bytes

// One call of `run`.
class Run {
 public:
  Run(EGraph& graph, EGraph::Store& store, std::span<const Rewrite> rewrites, const RunOptions& options, uint32_t rule_base)
      : graph_(graph),
        store_(store),
        options_(options),
        rule_base_(rule_base),
        workers_(options.threads),
        rules_(compile(rewrites)),
        search_(rules_, options_.limits, clock_),
        maker_(store, workers_) {
    report_.rewrites.resize(rewrites.size());
  }

  Report saturate() {
    rebuild();
    if (!options_.resume) store_.changes.mark_all();
    for (;;) {
      if (const auto reason = limit_reached()) return finish(*reason);
      if (report_.iterations.size() >= options_.limits.iterations) return finish(StopReason::kIterationLimit);
      if (const auto reason = iterate()) return finish(*reason);
    }
  }

 private:
  std::vector<RuleState> compile(std::span<const Rewrite> rewrites) {
    std::vector<RuleState> rules(rewrites.size());
    for (uint32_t r = 0; r < rewrites.size(); ++r) {
      const Rewrite& rewrite = rewrites[r];
      RuleState& rule = rules[r];
      rule.rewrite = &rewrite;
      if (!rewrite.searcher) {
        EGRET_CHECK(!rewrite.pattern.roots().empty(), "a rewrite has a pattern or a searcher");
        rule.query = &rewrite.pattern.query();
      }
      if (rewrite.right.empty()) {
        EGRET_CHECK(rewrite.applier, "a rewrite has a right side or an applier");
      } else {
        EGRET_CHECK(rule.query && !rewrite.applier, "a declared right side goes with a pattern and no applier");
        rule.right.emplace(*rule.query, rewrite.right, rewrite.united);
        if (graph_.explains()) rule.shape = store_.applications.add_shape(rule.right->shape(*rule.query, rule_base_ + r));
      }
      rule.incremental = rule.query && rewrite.matches_per_iteration == 0 &&
                         (rewrite.local || (rule.right && !rewrite.condition));
      rule.products = rule.incremental && rule.right && !rewrite.condition && options_.scheduler == Scheduler::kSimple &&
                      has_products(*rule.query);
      if (!rule.incremental) remembering_.push_back(r);
      rule.behind = !options_.resume;
      if (rule.behind) behind_.push_back(r);
      if (options_.scheduler == Scheduler::kBackoff) rule.most = threshold(rule) + 1;
      asks_host_ |= rewrite.searcher || rewrite.condition;
      looks_around_ |= !rewrite.local && (rewrite.searcher || rewrite.condition);
    }
    return rules;
  }

  // Runs one iteration; the reason to stop, if there is one.
  std::optional<StopReason> iterate() {
    store_.readers_of.release();
    if (search_.goes_down(store_, options_.naive) && bytes() + store_.index.growth(graph_.node_count()) > options_.limits.bytes) {
      return StopReason::kByteLimit;
    }
    Iteration iteration;
    const uint64_t number = report_.iterations.size();
    cut_ = false;
    for (const uint32_t r : behind_) rules_[r].active = rules_[r].banned_until <= number;
    for (const uint32_t r : remembering_) rules_[r].kept = 0;
    const double start = clock_.seconds();
    std::sort(behind_.begin(), behind_.end());
    std::vector<SearchTask> tasks = search_.plan(graph_, behind_, workers(), options_.naive, matches_left(), task_bytes(), held_bytes());
    iteration.search_s = clock_.seconds() - start;
    std::erase_if(behind_, [&](uint32_t r) {
      rules_[r].behind = !rules_[r].active;
      return rules_[r].active;
    });
    auto stop = search_and_make(tasks, iteration);
    held_.clear();
    std::vector<SearchTask>().swap(tasks);
    match_bytes_ = 0;
    unite(iteration);
    const double united = clock_.seconds();
    rebuild();
    iteration.rebuild_s += clock_.seconds() - united;
    iteration.enodes = graph_.node_count();
    iteration.eclasses = graph_.class_count();
    report_.iterations.push_back(iteration);
    if (options_.after_iteration) {
      const bool go_on = options_.after_iteration(graph_, report_.iterations.back());
      rebuild();
      if (!go_on) return StopReason::kStopped;
    }
    // E-nodes made before anything is united may exceed a limit that the rebuilt graph is far from.
    if (stop == StopReason::kNodeLimit && graph_.node_count() * 4 <= options_.limits.enodes * 3) return std::nullopt;
    if (stop) return stop;
    if (store_.changes.count(graph_.id_count()) > 0 || cut_) return std::nullopt;
    return lift_bans(number + 1) ? std::nullopt : std::optional(StopReason::kSaturated);
  }

  // Searches the tasks and makes their right sides; the limit that ended it early, if one did.
  std::optional<StopReason> search_and_make(std::vector<SearchTask>& tasks, Iteration& iteration) {
    searched_ids_ = graph_.id_count();
    united_ = false;
    held_.clear();
    match_bytes_ = held_bytes_ = 0;
    for (SearchTask& task : tasks) count(task, task.bytes());  // those that are searched
    const bool backoff = options_.scheduler == Scheduler::kBackoff;
    const uint64_t most_matches = matches_left(), most_held = held_bytes();
    // Tasks that are searched together fit into the bytes that are left.
    const size_t wave = backoff || looks_around_ ? tasks.size() : std::min(tasks.size(), kTaskShare);
    std::optional<StopReason> stop;
    bool full = false;                       // a task, for want of bytes
    if (search_.expired()) stop = expiry();  // around changes
    for (size_t begin = 0; begin < tasks.size() && !stop; begin += wave) {
      const size_t end = std::min(tasks.size(), begin + wave);
      const double start = clock_.seconds();
      const uint64_t most_bytes = task_bytes();
      workers().for_each(end - begin, [&](size_t t) {
        SearchTask& task = tasks[begin + t];
        if (!task.searched) search_.run(graph_, std::min(most_matches, rules_[task.rule].most), most_bytes, task);
      });
      for (size_t t = begin; t < end; ++t) count(tasks[t], tasks[t].bytes());
      const double searched = clock_.seconds();
      iteration.search_s += searched - start;
      if (search_.expired()) stop = expiry();
      if (backoff) ban(tasks);
      for (size_t t = begin; t < end && !stop; ++t) {
        if (tasks[t].full && !tasks[t].searched) stop = search_alone(tasks[t]);
        if (!stop) stop = take(tasks[t]);
        if (!stop && tasks[t].full) full = true;
        if (!stop && held_bytes_ > most_held) stop = make_held();
      }
      iteration.apply_s += clock_.seconds() - searched;
      if (full) break;
    }
    if (!stop) stop = full ? make_held() : make_closed_first(iteration);  // what was found before bytes ran out may fit
    if (!stop && full) stop = StopReason::kByteLimit;
    if (stop) {
      for (uint32_t r = 0; r < rules_.size(); ++r) fall_behind(r);
    }
    return stop;
  }

  // Takes a task's matches: holds them until everything was searched where their right sides are declared, else makes
  // these at once.  The limit that ended it early, if one did.
  std::optional<StopReason> take(SearchTask& task) {
    RuleState& rule = rules_[task.rule];
    RewriteCount& counts = report_.rewrites[task.rule];
    counts.search_seconds += task.seconds;
    if (const uint64_t most = rule.rewrite->matches_per_iteration; most > 0 && task.count > most - rule.kept) {
      task.cut += task.count - (most - rule.kept);
      task.count = most - rule.kept;
    }
    rule.kept += task.count;
    counts.cut += task.cut;
    counts.matches += task.count;
    if (task.cut > 0) {
      cut_ = true;
      fall_behind(task.rule);
    }
    std::optional<StopReason> stop;
    if (task.count > 0 && rule.right && rule.incremental) {
      split(task, task.count, rule.stride(), held_);
      count(task, held_bytes_of(task));
      held_bytes_ += task.counted;
    } else if (task.count > 0) {
      stop = rule.right ? make_remembered(task) : make_planned(rule, task, counts);
      task.matches = {};
      task.nodes.release();
      count(task, 0);
    }
    return stop;
  }

  // Searches a task anew that its part of the bytes was too small for: after what was found before it is made, with half of
  // what is left.
  std::optional<StopReason> search_alone(SearchTask& task) {
    if (const auto stop = make_held()) return stop;
    const uint64_t room = (bytes_left() + task.counted) / 2;
    if (room <= task.bytes()) return std::nullopt;
    SearchTask again;
    again.counted = task.counted;
    again.rule = task.rule, again.roots = task.roots, again.everything = task.everything;
    task = std::move(again);
    search_.run(graph_, std::min(matches_left(), rules_[task.rule].most), room, task);
    count(task, task.bytes());
    return search_.expired() ? std::optional(expiry()) : std::nullopt;
  }

  // Right sides that make no class come first, and uniting what they tell to be equal: where much turns out to be
  // equal, this spares making it under each of its ids.  Rewrites with very many matches wait for what the others do, which
  // leaves fewer of them, and are taken in parts.  Then the open ones, of e-nodes that are still live.
  std::optional<StopReason> make_closed_first(Iteration& iteration) {
    std::vector<MatchBlock*> blocks;
    const auto choose = [&](const auto& wanted) {
      blocks.clear();
      for (MatchBlock& block : held_) {
        if (block.count > 0 && wanted(block)) blocks.push_back(&block);
      }
      return !blocks.empty();
    };
    searched_classes_ = graph_.class_count();
    const std::vector<bool> many = rules_with_many();
    const auto of_few = [&](const MatchBlock& block) { return !many[block.task->rule]; };
    const auto of_all = [](const MatchBlock&) { return true; };
    for (bool again = true; again && choose(of_few) && unite_much(blocks);) {
      if (const auto stop = make_closed(blocks, iteration, again)) return stop;
    }
    const Id ranges = static_cast<Id>(searched_ids_ >> kRangeBits) + 1, step = std::max<Id>(1, ranges / kParts);
    bool again = true;
    for (Id end = step; again && end < ranges + step; end += step) {
      if (!choose([&](const MatchBlock& block) { return many[block.task->rule] && !block.asked; }) || !unite_much(blocks)) break;
      std::erase_if(blocks, [&](const MatchBlock* block) { return block->range >= end; });
      if (const auto stop = make_closed(blocks, iteration, again)) return stop;
    }
    for (again = true; again && choose(of_all) && unite_much(blocks);) {
      if (const auto stop = make_closed(blocks, iteration, again)) return stop;
    }
    const double start = clock_.seconds();
    workers().for_each(held_.size(), [&](size_t b) { name_anew(held_[b]); });
    const auto stop = make_held();
    iteration.apply_s += clock_.seconds() - start;
    return stop;
  }

  // Takes the closed matches out of the blocks, makes them and unites; `again`: whether it made much equal.
  std::optional<StopReason> make_closed(std::span<MatchBlock* const> blocks, Iteration& iteration, bool& again) {
    const double start = clock_.seconds();
    uint64_t matches = 0;
    for (const MatchBlock* block : blocks) matches += block->count;
    const bool filtered = matches * kFilterShare > store_.table.capacity() && TagFilter::bytes_of(store_.table) <= bytes_left();
    const TagFilter filter = filtered ? TagFilter(store_.table, workers_) : TagFilter();
    for (size_t begin = 0; begin < blocks.size();) {  // mostly all of them together
      uint64_t taken = most_closed_bytes(*blocks[begin]);
      const uint64_t room = bytes_left();
      if (taken > room) {  // its closed matches are made with the others
        blocks[begin++]->asked = true;
        continue;
      }
      size_t end = begin + 1;
      while (end < blocks.size() && taken <= room / 2) taken += most_closed_bytes(*blocks[end++]);
      const std::span<MatchBlock* const> together = blocks.subspan(begin, end - begin);
      workers().for_each(together.size(), [&](size_t b) {
        if (!clock_.expired(options_.limits)) take_closed(filter, *together[b]);
      });
      for (const MatchBlock* block : together) match_bytes_ += block->closed.bytes();
      for (MatchBlock* block : together) {
        if (const auto stop = make_declared(*block, block->closed.span())) return stop;
        match_bytes_ -= block->closed.bytes();
        block->closed.release();
      }
      begin = end;
    }
    iteration.apply_s += clock_.seconds() - start;
    const size_t classes = graph_.class_count();
    unite(iteration);
    const double united = clock_.seconds();
    limit_store();
    store_.restore_congruence(workers_);
    again = fell(classes, graph_.class_count());
    iteration.rebuild_s += clock_.seconds() - united;
    return std::nullopt;
  }

  // Whether closed matches, by a sample, would make classes fewer by a worthwhile part.
  bool unite_much(std::span<MatchBlock* const> blocks) {
    if (searched_ids_ < kLeastSampled) return true;
    std::vector<uint64_t> uniting(blocks.size());
    workers().for_each(blocks.size(), [&](size_t b) { uniting[b] = uniting_in_sample(store_, rules_[blocks[b]->task->rule], *blocks[b]); });
    return std::accumulate(uniting.begin(), uniting.end(), uint64_t{0}) * kSampled * kPromising > graph_.class_count();
  }

  // Which rewrites have so many open matches, by a sample, that these had better wait for what the others make equal.
  std::vector<bool> rules_with_many() {
    std::vector<uint64_t> open(held_.size(), 0);
    workers().for_each(held_.size(), [&](size_t b) { open[b] = open_in_sample(store_, rules_[held_[b].task->rule], held_[b]); });
    std::vector<uint64_t> of_rule(rules_.size(), 0);
    for (size_t b = 0; b < held_.size(); ++b) of_rule[held_[b].task->rule] += open[b];
    std::vector<bool> many(rules_.size());
    for (const MatchBlock& block : held_) many[block.task->rule] = of_rule[block.task->rule] * kSampled > kMany * graph_.node_count();
    return many;
  }

  void take_closed(const TagFilter& filter, MatchBlock& block) {
    const RuleState& rule = rules_[block.task->rule];
    block.asked = true;
    name_anew(block);
    if (!block.products()) {
      block.count = split_closed(store_, filter, rule, block.nodes, block.count, block.closed);
      return;
    }
    expand(block.task->products, [&](Id* piece, size_t count) {
      block.written.append(piece, rule.stride() * split_closed(store_, filter, rule, piece, count, block.closed));
    });
    block.task->products = {};
    block.nodes = block.written.data();
    block.count = block.written.size() / rule.stride();
  }

  // Names the e-nodes of a block by live ones, if classes became equal since it was last done.
  void name_anew(MatchBlock& block) {
    const size_t before = block.classes == 0 ? searched_classes_ : block.classes;
    block.classes = graph_.class_count();
    if (block.classes == before) return;
    if (block.products()) {
      make_live(store_, block.task->products);
    } else {
      make_live(store_, rules_[block.task->rule].stride(), fell(before, block.classes), block);
    }
  }
  static bool fell(size_t before, size_t after) { return after < before - before / kWorthwhile; }

  std::optional<StopReason> make_held() {
    for (size_t b = 0; b < held_.size(); ++b) {
      if (const auto stop = make_declared(held_[b])) return stop;
      if (b + 1 == held_.size() || held_[b + 1].task != held_[b].task) {
        held_bytes_ -= held_[b].task->counted;
        held_[b].task->nodes.release();
        held_[b].task->products = {};
        count(*held_[b].task, 0);
      }
      held_[b].written.release();
    }
    held_.clear();
    return std::nullopt;
  }

  // Makes the right sides of a block, or of the closed matches that left it.  The limit that ended it early, if one did.
  std::optional<StopReason> make_declared(const MatchBlock& block, std::span<const Id> closed) {
    const RuleState& rule = rules_[block.task->rule];
    const uint32_t width = rule.stride() + inner_nodes(*rule.right);
    return make_parts(block.task->rule, closed.size() / width, [&](uint64_t at, uint64_t count, RewriteCount& counts) {
      maker_.make_closed(rule, closed.data() + at * width, count, counts);
    });
  }
  std::optional<StopReason> make_declared(const MatchBlock& block) {
    if (!block.products()) return make_declared(block.task->rule, block.nodes, block.count);
    std::optional<StopReason> stop;
    expand(block.task->products, [&](const Id* piece, size_t count) {
      if (!stop) stop = make_declared(block.task->rule, piece, count);
    });
    return stop;
  }
  std::optional<StopReason> make_declared(uint32_t r, const Id* matches, uint64_t count) {
    return make_parts(r, count, [&](uint64_t at, uint64_t part, RewriteCount& counts) {
      maker_.make(rules_[r], matches + at * rules_[r].stride(), part, counts);
    });
  }
  // All at once, or where a limit is near in parts.
  template <class Make>
  std::optional<StopReason> make_parts(uint32_t r, uint64_t count, const Make& make) {
    const RuleState& rule = rules_[r];
    const uint64_t largest = std::max<uint64_t>(1, rule.right->nodes.size());
    maker_.begin_rule(r);
    for (uint64_t at = 0; at < count;) {
      const uint64_t used = bytes();
      if (const auto reason = limit_reached(used)) return reason;
      uint64_t part = std::min(count - at, options_.limits.matches - applied_count_);
      part = std::min(part, std::max<uint64_t>(1, (options_.limits.enodes - graph_.node_count()) / largest));
      while (used + maker_.growth(rule, part) >= options_.limits.bytes) {
        if (part <= kLeastBlock) return StopReason::kByteLimit;
        part /= 2;
      }
      make(at, part, report_.rewrites[r]);
      applied_count_ += part;
      at += part;
    }
    return std::nullopt;
  }

  // The same for all of a task's matches, of a rewrite that is searched anew each time.
  std::optional<StopReason> make_remembered(SearchTask& task) {
    RuleState& rule = rules_[task.rule];
    std::vector<MatchBlock> blocks;
    split(task, task.count, rule.stride(), blocks);
    for (MatchBlock& block : blocks) {
      const uint64_t before = applied_count_;
      const auto stop = make_declared(block);
      for (uint64_t i = 0; i < applied_count_ - before; ++i) {
        fill_match(*rule.query, store_, block.nodes + i * rule.stride(), match_);
        match_key(graph_, match_, key_);
        rule.applied.insert(key_);
      }
      if (stop) return stop;
    }
    return std::nullopt;
  }

  // Unites what the right sides made so far are equal to.  Everything was searched, or will be.
  void unite(Iteration& iteration) {
    const double start = clock_.seconds();
    if (!united_) store_.changes.reset(searched_ids_);
    united_ = true;
    maker_.unite(report_.rewrites);
    iteration.apply_s += clock_.seconds() - start;
  }

  std::optional<StopReason> make_planned(RuleState& rule, const SearchTask& task, RewriteCount& counts) {
    maker_.begin_rule(task.rule);
    for (uint64_t i = 0; i < task.count; ++i) {
      if (graph_.node_count() >= options_.limits.enodes) return StopReason::kNodeLimit;
      if (applied_count_ >= options_.limits.matches) return StopReason::kMatchLimit;
      if (++since_look_ >= kMatchesPerLook) {
        since_look_ = 0;
        if (const auto reason = limit_reached()) return reason;
      }
      if (rule.query) {
        fill_match(*rule.query, store_, task.nodes.data() + i * rule.stride(), match_);
      } else {
        match_ = task.matches[i];
      }
      side_.nodes.clear();
      side_.equations.clear();
      if (!rule.incremental) match_key(graph_, match_, key_);
      if (!rule.rewrite->applier(graph_, match_, side_)) {
        counts.dropped += rule.incremental || rule.dropped.insert(key_);
        continue;
      }
      if (!rule.incremental && !rule.applied.insert(key_)) continue;
      ++applied_count_;
      maker_.make(rule, rule_base_ + task.rule, match_, side_, counts);
    }
    return std::nullopt;
  }

  // --- back-off -----------------------------------------------------------------------------------------------
  uint64_t threshold(const RuleState& rule) const {
    return options_.match_limit << std::min<uint32_t>(rule.times_banned, 40);
  }

  // Bans the rewrites that found too many matches, and drops these.
  void ban(std::vector<SearchTask>& tasks) {
    std::vector<uint64_t> found(rules_.size(), 0);
    for (const SearchTask& task : tasks) found[task.rule] += task.count + task.cut;
    for (SearchTask& task : tasks) {
      if (found[task.rule] <= threshold(rules_[task.rule])) continue;
      task.nodes.clear();
      task.matches.clear();
      task.count = task.cut = 0;
    }
    for (uint32_t r = 0; r < rules_.size(); ++r) {
      RuleState& rule = rules_[r];
      if (found[r] <= threshold(rule)) continue;
      rule.banned_until = report_.iterations.size() + 1 + (options_.ban_length << std::min<uint32_t>(rule.times_banned, 40));
      ++rule.times_banned;
      rule.most = threshold(rule) + 1;
      fall_behind(r);
      report_.rewrites[r].cut += found[r];
    }
  }

  // Nothing changed: moves the bans forward to the first that ends; false if there is none.
  bool lift_bans(uint64_t now) {
    uint64_t first = std::numeric_limits<uint64_t>::max();
    for (const RuleState& rule : rules_) {
      if (rule.banned_until > now) first = std::min(first, rule.banned_until);
    }
    if (first == std::numeric_limits<uint64_t>::max()) return !behind_.empty();
    for (RuleState& rule : rules_) {
      if (rule.banned_until > now) rule.banned_until -= first - now;
    }
    return true;
  }

  void fall_behind(uint32_t r) {
    if (rules_[r].behind) return;
    rules_[r].behind = true;
    behind_.push_back(r);
  }

  // A small graph's loops end before another thread has woken, but for what the host does in them.
  const Workers& workers() const { return graph_.id_count() < kLeastThreaded && !asks_host_ ? serial_ : workers_; }

  // --- limits -------------------------------------------------------------------------------------------------
  uint64_t bytes() const {
    uint64_t total = store_.bytes() + maker_.bytes() + search_.bytes() + match_bytes_;
    for (const uint32_t r : remembering_) total += rules_[r].bytes();
    return total;
  }
  void count(SearchTask& task, uint64_t bytes) {
    match_bytes_ += bytes - task.counted;
    if (bytes < task.counted) released_bytes_ += task.counted - bytes;
    task.counted = bytes;
    if (released_bytes_ < kManyReleased || bytes_left() > options_.limits.bytes / 4) return;
    released_bytes_ = 0;
    return_released();
  }
  // Of products, what they would take written out: they may have to be.
  uint64_t held_bytes_of(const SearchTask& task) const {
    const RuleState& rule = rules_[task.rule];
    return rule.products ? std::max(task.products.bytes(), task.count * rule.stride() * sizeof(Id)) : task.nodes.bytes();
  }
  uint64_t most_closed_bytes(const MatchBlock& block) const {
    const RuleState& rule = rules_[block.task->rule];
    return block.count * (rule.stride() + inner_nodes(*rule.right)) * sizeof(Id);
  }
  uint64_t matches_left() const { return options_.limits.matches - std::min(applied_count_, options_.limits.matches); }
  uint64_t bytes_left() const { return options_.limits.bytes - std::min(bytes(), options_.limits.bytes); }
  uint64_t task_bytes() const { return std::max(kLeastTaskBytes, bytes_left() / kTaskShare); }  // that a task of searching may keep
  uint64_t held_bytes() const { return std::max(kLeastTaskBytes, bytes_left() / kHeldShare); }  // that matches may wait in
  StopReason expiry() const {
    const StopToken* stop = options_.limits.stop;
    return stop && stop->stop_requested() ? StopReason::kStopped : StopReason::kTimeLimit;
  }
  std::optional<StopReason> limit_reached() const { return limit_reached(bytes()); }
  std::optional<StopReason> limit_reached(uint64_t used) const {
    if (graph_.node_count() >= options_.limits.enodes) return StopReason::kNodeLimit;
    if (applied_count_ >= options_.limits.matches) return StopReason::kMatchLimit;
    if (used >= options_.limits.bytes) return StopReason::kByteLimit;
    if (clock_.expired(options_.limits)) return expiry();
    return std::nullopt;
  }

  void rebuild() {
    limit_store();
    store_.rebuild(graph_, workers_);
  }
  void limit_store() {
    const uint64_t others = bytes() - store_.bytes();
    store_.byte_limit = options_.limits.bytes - std::min(others, options_.limits.bytes);
  }

  Report finish(StopReason reason) {
    store_.byte_limit = std::numeric_limits<uint64_t>::max();
    report_.stop_reason = reason;
    search_.add_seconds(report_.rewrites);
    report_.seconds = clock_.seconds();
    return std::move(report_);
  }

  EGraph& graph_;
  EGraph::Store& store_;
  const RunOptions& options_;
  const uint32_t rule_base_;
  Stopwatch clock_;
  const Workers workers_, serial_;
  bool asks_host_ = false;     // searching calls the host
  bool looks_around_ = false;  // some search may see e-nodes made meanwhile: all of it comes first
  std::vector<uint32_t> remembering_;  // rewrites that are not searched incrementally
  std::vector<uint32_t> behind_;       // rewrites that are behind
  std::vector<RuleState> rules_;
  Search search_;
  Maker maker_;
  Report report_;
  uint64_t applied_count_ = 0, since_look_ = 0;
  bool cut_ = false;                // in this iteration
  size_t searched_ids_ = 0;         // ids when this iteration's search began
  bool united_ = false;             // something in this iteration
  std::vector<MatchBlock> held_;    // matches that wait until all is searched
  uint64_t held_bytes_ = 0;         // of these
  uint64_t released_bytes_ = 0;     // of matches, since these were given back to the system
  uint64_t match_bytes_ = 0;        // of all matches that were found and are not made
  size_t searched_classes_ = 0;     // classes then
  Match match_;                     // of the match being applied:
  RightSide side_;
  std::vector<uint32_t> key_;
};

}  // namespace

Report run(EGraph& graph, std::span<const Rewrite> rewrites, const RunOptions& options, uint32_t rule_base) {
  return Run(graph, graph.store(), rewrites, options, rule_base).saturate();
}

}  // namespace egret::egraph
