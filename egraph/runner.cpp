#include "egraph/runner.h"

#include "egraph/search.h"

namespace egret::egraph {
namespace {

constexpr uint64_t kBatch = 256;  // matches between two looks at the clock and at the bytes

// Appends the plan of `term` to `side` and returns the operand that stands for it.
RightSide::Operand plan_term(const PatternTerm& term, const Match& match, RightSide& side) {
  if (term.kind == PatternTerm::Kind::kVariable) return {false, match.classes[term.variable]};
  RightSide::Node node;
  node.op = term.op;
  if (term.attr_kind == PatternTerm::Attr::kFixed) node.attr = term.attr;
  if (term.attr_kind == PatternTerm::Attr::kVariable) node.attr = match.attrs[term.attr];
  node.operands.reserve(term.operands.size());
  for (const PatternTerm& operand : term.operands) node.operands.push_back(plan_term(operand, match, side));
  side.nodes.push_back(std::move(node));
  return {true, static_cast<uint32_t>(side.nodes.size() - 1)};
}

uint32_t count_occurrences(const PatternTerm& term) {
  if (term.kind == PatternTerm::Kind::kVariable) return 0;
  uint32_t count = 1;
  for (const PatternTerm& operand : term.operands) count += count_occurrences(operand);
  return count;
}

// One call of `run`.
class Run {
 public:
  Run(EGraph& graph, std::span<const Rewrite> rewrites, const RunOptions& options, uint32_t rule_base)
      : graph_(graph),
        rewrites_(rewrites),
        options_(options),
        rule_base_(rule_base),
        search_(rewrites, options_.limits, clock_, options.threads) {
    report_.rewrites.resize(rewrites.size());
  }

  Report saturate() {
    graph_.rebuild();
    for (;;) {
      if (const auto reason = limit_reached()) return finish(*reason);
      if (report_.iterations.size() >= options_.limits.iterations) return finish(StopReason::kIterationLimit);
      if (const auto reason = iterate()) return finish(*reason);
    }
  }

 private:
  // Runs one iteration; the reason to stop, if there is one.
  std::optional<StopReason> iterate() {
    Iteration iteration;
    const double start = clock_.seconds();
    const uint64_t held = bytes();
    SearchResult found = search_.run(graph_, applied_, options_.limits.matches - applied_count_,
                                     options_.limits.bytes - std::min(held, options_.limits.bytes));
    iteration.search_s = clock_.seconds() - start;
    if (found.expired) return expiry();

    const size_t ids = graph_.id_count();
    changed_ = false;
    cut_ = found.partial;
    const auto apply_stop = apply_all(found);
    found = {};
    const double applied = clock_.seconds();
    iteration.apply_s = applied - start - iteration.search_s;
    changed_ |= graph_.id_count() != ids;
    graph_.rebuild();
    iteration.rebuild_s = clock_.seconds() - applied;
    iteration.enodes = graph_.node_count();
    iteration.eclasses = graph_.class_count();
    report_.iterations.push_back(iteration);
    if (options_.after_iteration) {
      const size_t ids_before = graph_.id_count(), classes_before = graph_.class_count();
      const bool go_on = options_.after_iteration(graph_, report_.iterations.back());
      changed_ |= !graph_.clean() || graph_.id_count() != ids_before || graph_.class_count() != classes_before;
      graph_.rebuild();
      if (!go_on) return StopReason::kStopped;
    }
    if (apply_stop) return apply_stop;
    if (!changed_ && !cut_) return StopReason::kSaturated;
    return std::nullopt;
  }

  // Applies the matches in task order; the limit that ended it early, if one did.
  std::optional<StopReason> apply_all(const SearchResult& found) {
    uint64_t waiting = 0;
    for (const SearchTask& task : found.tasks) waiting += task.found.bytes();
    std::vector<uint64_t> kept(rewrites_.size(), 0);
    for (const SearchTask& task : found.tasks) {
      const Rewrite& rewrite = rewrites_[task.rewrite];
      RewriteCount& count = report_.rewrites[task.rewrite];
      count.search_seconds += task.seconds;
      count.cut += task.cut;
      cut_ |= task.cut > 0;
      uint64_t left = task.count;
      for (size_t at = 0; at < task.found.end(); --left) {
        if (rewrite.matches_per_iteration > 0 && kept[task.rewrite] == rewrite.matches_per_iteration) {
          count.cut += left;
          cut_ = true;
          break;
        }
        if (const auto reason = limit_reached_in_apply(waiting)) return reason;
        task.found.read(at, match_);
        ++kept[task.rewrite];
        ++count.matches;
        apply(task.rewrite, count);
      }
    }
    return std::nullopt;
  }

  void apply(uint32_t rewrite, RewriteCount& count) {
    side_.nodes.clear();
    side_.equations.clear();
    if (!rewrites_[rewrite].applier(graph_, match_, side_)) {
      if (dropped_.insert(match_key(graph_, rewrite, match_))) ++count.dropped;
      return;
    }
    if (!applied_.insert(match_key(graph_, rewrite, match_))) return;
    ++count.applied;
    ++applied_count_;
    const size_t ids = graph_.id_count();
    insert_planned();
    const Justification why{Justification::Kind::kRule, static_cast<uint32_t>(graph_.application_count()), 0};
    uint64_t united = 0;
    for (uint32_t e = 0; e < side_.equations.size(); ++e) {
      const auto& [left, right] = side_.equations[e];
      united += graph_.unite(left, id_of(right), {why.kind, why.index, e});
    }
    count.united += united;
    changed_ |= united > 0;
    if (graph_.explains() && (united > 0 || graph_.id_count() != ids)) record(rewrite);
  }

  void insert_planned() {
    made_.clear();
    for (const RightSide::Node& node : side_.nodes) {
      operands_.clear();
      for (const RightSide::Operand& operand : node.operands) operands_.push_back(id_of(operand));
      made_.push_back(graph_.add(node.op, node.attr, operands_));
    }
  }

  Id id_of(const RightSide::Operand& operand) const {
    if (!operand.planned) return operand.index;
    EGRET_CHECK(operand.index < made_.size(), "a right side refers to a node planned later");
    return made_[operand.index];
  }

  void record(uint32_t rewrite) {
    Application application;
    application.rule = rule_base_ + rewrite;
    application.nodes = match_.nodes;
    application.classes = match_.classes;
    application.attrs = match_.attrs;
    application.made = made_;
    for (const auto& [left, right] : side_.equations) application.equations.emplace_back(left, id_of(right));
    graph_.record_application(std::move(application));
  }

  uint64_t bytes() const { return graph_.bytes() + applied_.bytes() + dropped_.bytes(); }
  StopReason expiry() const {
    const StopToken* stop = options_.limits.stop;
    return stop && stop->stop_requested() ? StopReason::kStopped : StopReason::kTimeLimit;
  }

  // Between iterations.
  std::optional<StopReason> limit_reached() const {
    if (graph_.node_count() >= options_.limits.enodes) return StopReason::kNodeLimit;
    if (applied_count_ >= options_.limits.matches) return StopReason::kMatchLimit;
    if (bytes() >= options_.limits.bytes) return StopReason::kByteLimit;
    if (clock_.expired(options_.limits)) return expiry();
    return std::nullopt;
  }

  // Before each match; `waiting` are the bytes of the lists of matches.
  std::optional<StopReason> limit_reached_in_apply(uint64_t waiting) {
    if (graph_.node_count() >= options_.limits.enodes) return StopReason::kNodeLimit;
    if (applied_count_ >= options_.limits.matches) return StopReason::kMatchLimit;
    if (++since_look_ < kBatch) return std::nullopt;
    since_look_ = 0;
    if (bytes() + waiting >= options_.limits.bytes) return StopReason::kByteLimit;
    if (clock_.expired(options_.limits)) return expiry();
    return std::nullopt;
  }

  Report finish(StopReason reason) {
    report_.stop_reason = reason;
    report_.seconds = clock_.seconds();
    return std::move(report_);
  }

  EGraph& graph_;
  std::span<const Rewrite> rewrites_;
  const RunOptions& options_;
  const uint32_t rule_base_;
  Stopwatch clock_;
  Search search_;
  Report report_;
  AppliedSet applied_, dropped_;
  uint64_t applied_count_ = 0, since_look_ = 0;
  bool changed_ = false, cut_ = false;  // in this iteration
  Match match_;                         // of the match being applied:
  RightSide side_;
  std::vector<Id> made_, operands_;
};

}  // namespace

const char* to_string(StopReason reason) {
  switch (reason) {
    case StopReason::kSaturated:
      return "saturated";
    case StopReason::kNodeLimit:
      return "node_limit";
    case StopReason::kMatchLimit:
      return "match_limit";
    case StopReason::kByteLimit:
      return "byte_limit";
    case StopReason::kTimeLimit:
      return "time_limit";
    case StopReason::kIterationLimit:
      return "iteration_limit";
    case StopReason::kStopped:
      return "stopped";
  }
  return "unknown";
}

std::function<bool(const EGraph&, const Match&, RightSide&)> instantiate(const Pattern& pattern,
                                                                         std::vector<PatternTerm> right) {
  EGRET_CHECK(right.size() == pattern.roots().size(), "a right side for each root");
  std::vector<uint32_t> root_occurrence;
  uint32_t occurrence = 0;
  for (const PatternTerm& root : pattern.roots()) {
    root_occurrence.push_back(occurrence);
    occurrence += count_occurrences(root);
  }
  return [right = std::move(right), root_occurrence](const EGraph&, const Match& match, RightSide& side) {
    for (size_t r = 0; r < right.size(); ++r) {
      const RightSide::Operand made = plan_term(right[r], match, side);
      side.equations.emplace_back(match.nodes[root_occurrence[r]], made);
    }
    return true;
  };
}

Report run(EGraph& graph, std::span<const Rewrite> rewrites, const RunOptions& options, uint32_t rule_base) {
  for (const Rewrite& rewrite : rewrites) EGRET_CHECK(rewrite.applier, "a rewrite has an applier");
  return Run(graph, rewrites, options, rule_base).saturate();
}

}  // namespace egret::egraph
