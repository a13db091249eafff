#include "egraph/search/delta_search.h"

#include <algorithm>

#include "egraph/search/matcher.h"

namespace egret::egraph {
namespace {

constexpr size_t kGrain = 1024;    // changed e-nodes a part
constexpr double kMuch = 4;        // times as many e-nodes in a list as expected, at least of kFew: plans are made anew
constexpr double kFew = 16;
constexpr size_t kPollInterval = 1 << 12;  // e-nodes looked at between two polls
constexpr uint64_t kTell = 1024;           // matches between two looks at what all parts keep

}  // namespace

// Takes the changed e-nodes of one part through a trie.
class DeltaSearch::Walker {
 public:
  Walker(DeltaSearch& search, Part& part, const EGraph& graph, uint64_t matches, uint64_t bytes,
         const std::function<bool()>& poll)
      : search_(search),
        part_(part),
        trie_(*search.ops_[part.op].trie),
        graph_(graph),
        store_(graph.store()),
        matches_(matches),
        bytes_(bytes),
        poll_(poll) {}

  void run() {
    part_.words.clear();
    part_.count = 0;
    part_.cut = part_.full = part_.outgrown = false;
    part_.classes.resize(trie_.classes());
    part_.attrs.resize(trie_.attrs());
    part_.nodes.resize(trie_.depth());
    part_.kept.clear();
    const std::vector<Id>& changed = search_.ops_[part_.op].changed;
    for (size_t i = part_.begin; i < part_.end; ++i) {
      for (const uint32_t start : trie_.starts()) candidate(start, 0, changed[i], false);
    }
  }

 private:
  void look_at(size_t entries) {
    if ((looked_at_ += entries) < kPollInterval) return;
    looked_at_ = 0;
    stopped_ = stopped_ || !poll_();
  }

  void candidate(uint32_t number, uint32_t depth, Id n, bool in_class) {
    look_at(1);
    if (stopped_) return;
    PlanTrie::Node& node = trie_.node(number);
    const std::atomic_ref<uint64_t> visits(node.visits);  // one lost among threads is no matter
    visits.store(visits.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (node.step.old && store_.changes.test(n)) return;
    if (!fits(store_, node.step, n, in_class, part_.classes.data(), part_.attrs.data())) return;
    part_.nodes[depth] = n;
    for (const PlanTrie::Output& output : node.outputs) found(output);
    for (const PlanTrie::Branch& branch : node.branches) descend(branch, depth + 1);
  }

  void descend(const PlanTrie::Branch& branch, uint32_t depth) {
    if (branch.source == Step::Source::kScan) {
      for (const auto& [head, next] : branch.steps) {
        for (const Id n : search_.ops_[head & kMaxOp].nodes) {
          if (store_.matchable(n)) candidate(next, depth, n, false);
        }
      }
      return;
    }
    // The shortest of the lists that hold what is looked for: readers of an operand, or the members of the class.
    const std::vector<Id>& classes = part_.classes;
    uint32_t least = branch.class_known ? store_.links.member_count(classes[branch.class_place]) : ~uint32_t{0};
    Id read = kNoId;
    for (const uint32_t place : branch.bound) {
      const uint32_t uses = store_.links.use_count(classes[place]);
      if (uses >= least) continue;
      least = uses;
      read = classes[place];
    }
    if (branch.source == Step::Source::kProbe && least > branch.steps.size()) {
      for (const auto& [head, next] : branch.steps) {
        const Id n = probe(store_, trie_.node(next).step, part_.classes.data(), part_.scratch);
        if (n != kNoId && store_.matchable(n)) candidate(next, depth, n, false);
      }
      return;
    }
    look_at(least);
    if (least > kMuch * std::max(kFew, branch.expected)) part_.outgrown = true;
    const auto visit = [&](Id n) {
      const uint32_t head = store_.enodes.row(n).head;
      if (branch.steps.size() == 1 && head != branch.steps.front().first) return;
      auto at = branch.first(head);
      if (at == branch.steps.end() || at->first != head || !store_.matchable(n)) return;
      for (; at != branch.steps.end() && at->first == head; ++at) candidate(at->second, depth, n, read == kNoId);
    };
    if (read == kNoId) {
      store_.links.for_each_member(classes[branch.class_place], visit);
    } else {
      store_.links.for_each_reader(store_.enodes, read, visit);
    }
  }

  void found(const PlanTrie::Output& output) {
    const RuleState& rule = search_.rules_[output.rule];
    if (rule.behind || !rule.active) return;
    const uint32_t stride = rule.stride();
    if (rule.rewrite->condition) {
      part_.in_order.resize(stride);
      for (uint32_t i = 0; i < stride; ++i) part_.in_order[output.atoms[i]] = part_.nodes[i];
      fill_match(*rule.query, store_, part_.in_order.data(), part_.match);
      if (!rule.rewrite->condition(graph_, part_.match)) return;
    }
    if (part_.count == matches_ || part_.words.size() * sizeof(uint32_t) > bytes_) {
      part_.cut = true;
      part_.full = part_.count < matches_;
      stopped_ = true;
      return;
    }
    if (rule.most != RuleState::kNoMost) {
      part_.kept.resize(search_.rules_.size(), 0);
      if (part_.kept[output.rule]++ >= rule.most) return;
    }
    if (++part_.count % kTell == 0) {
      stopped_ = stopped_ || search_.words_.fetch_add(part_.words.size() - told_, std::memory_order_relaxed) > search_.all_words_;
      told_ = part_.words.size();
    }
    const size_t at = part_.words.size();
    part_.words.extend(1 + stride);
    part_.words[at] = output.rule;
    for (uint32_t i = 0; i < stride; ++i) part_.words[at + 1 + output.atoms[i]] = part_.nodes[i];
  }

  DeltaSearch& search_;
  Part& part_;
  PlanTrie& trie_;
  const EGraph& graph_;
  const EGraph::Store& store_;
  const uint64_t matches_, bytes_;
  const std::function<bool()>& poll_;
  size_t looked_at_ = 0;  // since the last poll
  size_t told_ = 0;       // words of the part that the others know of
  bool stopped_ = false;
};

// On the first call finds which atoms each operator may match; forgets plans that the graph has outgrown.
void DeltaSearch::prepare(const EGraph::Store& store) {
  if (ops_.empty()) {
    ops_.resize(store.op_names.size());
    found_.resize(rules_.size(), 0);
    for (uint32_t r = 0; r < rules_.size(); ++r) {
      if (!rules_[r].incremental) continue;
      const std::span<const Query::Atom> atoms = rules_[r].query->atoms();
      for (uint32_t a = 0; a < atoms.size(); ++a) ops_[atoms[a].op].starts.push_back({r, a});
    }
  }
}

void DeltaSearch::group_changes(const EGraph::Store& store) {
  for (const OpKind op : changed_ops_) ops_[op].changed.clear();
  changed_ops_.clear();
  const auto add = [&](Id n) {
    const OpKind op = store.enodes.op(n);
    if (op >= ops_.size() || ops_[op].starts.empty() || !store.matchable(n)) return;
    if (ops_[op].changed.empty()) changed_ops_.push_back(op);
    ops_[op].changed.push_back(n);
  };
  store.changes.for_each_older(add);
  for (Id n = store.changes.first_new(); n < store.enodes.size(); ++n) add(n);
  for (const OpKind op : changed_ops_) std::sort(ops_[op].changed.begin(), ops_[op].changed.end());
  std::sort(changed_ops_.begin(), changed_ops_.end());
}

// Makes the operator's trie where it has none, or one that may be made anew: after 1, 2, 4, .. searches.
void DeltaSearch::plan(OpKind op, const EGraph::Store& store) {
  Of& of = ops_[op];
  if (of.trie && !(of.outgrown && searches_ >= of.planned + of.wait)) return;
  if (of.trie) {
    of.trie->share([&](uint32_t rule, double visits) { earlier_.emplace_back(rule, visits); });
    of.wait *= 2;
  }
  if (!cardinalities_ || (of.trie && counted_ < searches_) || store.enodes.size() > 2 * counted_ids_) {
    cardinalities_.emplace(store);
    counted_ = searches_;
    counted_ids_ = store.enodes.size();
  }
  of.outgrown = false;
  of.planned = searches_;
  PlanTrie& trie = of.trie.emplace();
  for (const auto& [rule, start] : of.starts) {
    Plan plan = cheapest_plan(*rules_[rule].query, start, &*cardinalities_, of.wait > 1);
    for (size_t i = 1; i < plan.steps.size(); ++i) {
      Step& step = plan.steps[i];
      step.old = plan.atoms[i] < start;
      if (step.source != Step::Source::kScan) continue;
      Of& scanned = ops_[step.head & kMaxOp];
      if (!scanned.scanned) listed_ = 0;  // from the first e-node on
      scans_ = scanned.scanned = true;
    }
    trie.add(std::move(plan), rule);
  }
}

void DeltaSearch::list_scanned(const EGraph::Store& store) {
  if (!scans_) return;
  if (listed_ == 0) {
    for (Of& of : ops_) of.nodes.clear();
  }
  for (; listed_ < store.enodes.size(); ++listed_) {
    const OpKind op = store.enodes.op(static_cast<Id>(listed_));
    if (op < ops_.size() && ops_[op].scanned) ops_[op].nodes.push_back(static_cast<Id>(listed_));
  }
}

// Sorts what the parts found by rewrite, and each rewrite's matches.
void DeltaSearch::collect(size_t parts, std::vector<SearchTask>& tasks) {
  const auto for_each_match = [&](const auto& visit) {
    for (size_t p = 0; p < parts; ++p) {
      const Array<uint32_t>& words = parts_[p].words;
      for (size_t at = 0; at < words.size();) {
        const uint32_t stride = rules_[words[at]].stride();
        visit(words[at], words.data() + at + 1, stride);
        at += 1 + stride;
      }
    }
  };
  touched_.clear();
  for_each_match([&](uint32_t rule, const Id*, uint32_t) {
    if (found_[rule]++ == 0) touched_.push_back(rule);
  });
  if (touched_.empty()) return;
  std::sort(touched_.begin(), touched_.end());
  const size_t first = tasks.size();
  for (const uint32_t rule : touched_) {
    SearchTask& task = tasks.emplace_back();
    task.rule = rule;
    task.searched = true;
    task.count = found_[rule];
    task.nodes.reserve(task.count * rules_[rule].stride());
    found_[rule] = tasks.size() - 1;
  }
  for_each_match([&](uint32_t rule, const Id* nodes, uint32_t stride) {
    tasks[found_[rule]].nodes.append(nodes, stride);
  });
  for (size_t t = first; t < tasks.size(); ++t) tasks[t].sort(rules_[tasks[t].rule].stride());
  for (const uint32_t rule : touched_) found_[rule] = 0;
  for (size_t p = 0; p < parts; ++p) {
    tasks.back().cut += parts_[p].cut;
    tasks.back().full |= parts_[p].full;
  }
}

void DeltaSearch::run(const EGraph& graph, uint64_t matches, uint64_t bytes, uint64_t all_bytes, const Workers& workers,
                      const std::function<bool()>& poll, std::vector<SearchTask>& tasks) {
  const EGraph::Store& store = graph.store();
  const Stopwatch clock;
  ++searches_;
  prepare(store);
  group_changes(store);
  size_t parts = 0, total = 0;
  for (const OpKind op : changed_ops_) {
    plan(op, store);
    const size_t count = ops_[op].changed.size();
    total += count;
    for (size_t begin = 0; begin < count; begin += kGrain, ++parts) {
      if (parts == parts_.size()) parts_.emplace_back();
      parts_[parts].op = op;
      parts_[parts].begin = begin;
      parts_[parts].end = std::min(count, begin + kGrain);
    }
  }
  list_scanned(store);
  all_words_ = all_bytes / sizeof(uint32_t);
  words_ = 0;
  const Workers serial;
  (total >= 2 * kGrain ? workers : serial).for_each(parts, [&](size_t p) {
    if (total < kGrain || poll()) Walker(*this, parts_[p], graph, matches, bytes, poll).run();
  });
  for (size_t p = 0; p < parts; ++p) ops_[parts_[p].op].outgrown |= parts_[p].outgrown;
  uint64_t words = 0;
  for (size_t p = 0; p < parts; ++p) words += parts_[p].words.size();
  if (words > all_words_) {
    for (size_t p = 0; p < parts; ++p) parts_[p].words.release();
    SearchTask& task = tasks.emplace_back();
    task.searched = task.full = true;
    task.cut = 1;
  } else {
    collect(parts, tasks);
  }
  seconds_ += clock.seconds();
}

void DeltaSearch::add_seconds(std::span<RewriteCount> counts) {
  std::vector<std::pair<uint32_t, double>> visits = std::move(earlier_);
  for (const Of& of : ops_) {
    if (of.trie) of.trie->share([&](uint32_t rule, double share) { visits.emplace_back(rule, share); });
  }
  double total = 0;
  for (const auto& [rule, share] : visits) total += share;
  for (const auto& [rule, share] : visits) counts[rule].search_seconds += total > 0 ? seconds_ * share / total : 0;
}

uint64_t DeltaSearch::bytes() const {
  uint64_t total = 0;
  for (const Part& part : parts_) total += part.words.bytes();
  return total;
}

}  // namespace egret::egraph
