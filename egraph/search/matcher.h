// Matcher: runs a query's plan from its first root down on a frozen graph and emits each match as the e-nodes of the
// pattern's occurrences, through the row tables of ClassIndex.  Reads only; several may run at once.
#pragma once

#include <vector>

#include "egraph/plan/query.h"
#include "egraph/store/store.h"

namespace egret::egraph {

// The e-node that a step of source kProbe finds, given the registers; kNoId where there is none.
inline Id probe(const EGraph::Store& store, const Step& step, const Id* classes, std::vector<Id>& scratch) {
  scratch.clear();
  for (const Step::Operand& operand : step.operands) scratch.push_back(classes[operand.place]);
  return store.table.find(tag_of(step.head, step.attr, scratch.data(), scratch.size()),
                          store.same_key(step.head, step.attr, scratch.data(), scratch.size()));
}

// Whether the e-node fits the step, given the registers bound before; binds the others.  `in_class`: it is a member of
// the step's class.
inline bool fits(const EGraph::Store& store, const Step& step, Id n, bool in_class, Id* classes, AttrId* attrs) {
  const Row& row = store.enodes.row(n);
  if (row.head != step.head || row.arity() != step.arity) return false;
  switch (step.attr_act) {
    case Step::Act::kNothing:
      break;
    case Step::Act::kFixed:
      if (row.attr != step.attr) return false;
      break;
    case Step::Act::kBind:
      attrs[step.attr] = row.attr;
      break;
    case Step::Act::kCheck:
      if (attrs[step.attr] != row.attr) return false;
  }
  if (step.class_act == Step::Act::kBind) {
    classes[step.class_place] = store.sets.parent(n);
  } else if (step.class_act == Step::Act::kCheck && !in_class && classes[step.class_place] != store.sets.parent(n)) {
    return false;
  }
  const Id* const operands = store.enodes.operands_of(row);
  for (uint32_t i = 0; i < step.arity; ++i) {
    const auto [place, binds] = step.operands[i];
    if (binds) {
      classes[place] = operands[i];
    } else if (classes[place] != operands[i]) {
      return false;
    }
  }
  return true;
}

// `Emit` is called with the e-nodes of a match and returns false to stop; `Poll` now and then, likewise.
template <class Emit, class Poll>
class Matcher {
 public:
  // Of `ids` e-nodes, those that the row tables know.  `changed_only`: matches with an e-node that changed since the last
  // search.
  Matcher(const Query& query, bool changed_only, const EGraph::Store& store, size_t ids, Emit& emit, Poll& poll)
      : steps_(query.plan().steps),
        atoms_(query.plan().atoms),
        changed_only_(changed_only),
        store_(store),
        ids_(ids),
        emit_(emit),
        poll_(poll),
        nodes_(steps_.size()),
        classes_(query.plan().classes),
        attrs_(query.plan().attrs) {
    if (steps_.size() > 1 && steps_[1].source == Step::Source::kJoin && steps_[1].class_known()) {
      for (uint32_t i = 0; i < steps_[0].arity; ++i) {
        if (steps_[0].operands[i].place == steps_[1].class_place) descends_to_ = i;
      }
    }
  }

  // Matches whose first root is one of the e-nodes given.
  void run(std::span<const Id> given) {
    for (size_t i = 0; i < given.size() && !stopped_; ++i) {
      if (descends_to_ != kNowhere) fetch_ahead(given, i);
      if (store_.matchable(given[i])) candidate(0, given[i], false, false);
    }
  }

 private:
  static constexpr size_t kPollInterval = 1 << 12;  // e-nodes looked at between two polls
  static constexpr size_t kAhead = 8;
  static constexpr uint32_t kNowhere = ~uint32_t{0};

  void fetch_ahead(std::span<const Id> given, size_t i) const {
    const auto usable = [&](Id n) { return store_.enodes.row(n).head == steps_[0].head && store_.enodes.live(n); };
    const auto operand = [&](Id n) { return store_.enodes.operands_of(store_.enodes.row(n))[descends_to_]; };
    if (i + 2 * kAhead < given.size() && usable(given[i + 2 * kAhead])) store_.index.prefetch_start(operand(given[i + 2 * kAhead]));
    if (i + kAhead < given.size() && usable(given[i + kAhead])) store_.index.prefetch_nodes(operand(given[i + kAhead]));
  }

  void look_at(size_t entries) {
    if ((looked_at_ += entries) < kPollInterval) return;
    looked_at_ = 0;
    stopped_ = stopped_ || !poll_();
  }

  void candidate(uint32_t number, Id n, bool in_class, bool changed) {
    look_at(1);
    if (stopped_) return;
    if (changed_only_) {
      changed = changed || store_.changes.test(n);
      if (!changed && number + 1 == steps_.size()) return;
    }
    if (!fits(store_, steps_[number], n, in_class, classes_.data(), attrs_.data())) return;
    nodes_[atoms_[number]] = n;
    if (number + 1 < steps_.size()) {
      descend(number + 1, changed);
    } else if (!emit_(nodes_.data())) {
      stopped_ = true;
    }
  }

  void descend(uint32_t number, bool changed) {
    const Step& step = steps_[number];
    const auto visit = [&](Id n) {
      if (!stopped_ && (!store_.any_subsumed || store_.matchable(n))) candidate(number, n, step.source == Step::Source::kJoin && step.class_known(), changed);
    };
    if (step.source == Step::Source::kProbe) {
      const Id n = probe(store_, step, classes_.data(), scratch_);
      if (n < ids_) visit(n);
    } else if (step.source == Step::Source::kScan) {
      for (const Id n : store_.index.nodes_with(step.head & kMaxOp)) visit(n);
    } else if (step.class_known()) {
      const Id cls = classes_[step.class_place];
      const std::span<const Id> nodes = store_.index.nodes_of(cls);
      const uint32_t* const heads = store_.index.heads_of(cls).data();
      look_at(nodes.size());
      for (size_t i = 0; i < nodes.size(); ++i) {
        if (heads[i] == step.head) visit(nodes[i]);
      }
    } else {
      std::span<const Id> fewest = store_.index.parents_of(classes_[step.bound.front()]);
      for (const uint32_t place : step.bound) {
        const std::span<const Id> readers = store_.index.parents_of(classes_[place]);
        if (readers.size() < fewest.size()) fewest = readers;
      }
      for (const Id n : fewest) visit(n);
    }
  }

  const std::vector<Step>& steps_;
  const std::vector<uint32_t>& atoms_;
  const bool changed_only_;
  const EGraph::Store& store_;
  const size_t ids_;
  Emit& emit_;
  Poll& poll_;
  uint32_t descends_to_ = kNowhere;  // operand of the first atom whose members the second is among
  std::vector<Id> nodes_, classes_;  // by atom; by register
  std::vector<AttrId> attrs_;
  std::vector<Id> scratch_;
  size_t looked_at_ = 0;  // since the last poll
  bool stopped_ = false;
};

// The match that the e-nodes of its occurrences make.
inline void fill_match(const Query& query, const EGraph::Store& store, const Id* nodes, Match& match) {
  match.nodes.assign(nodes, nodes + query.atoms().size());
  match.classes.clear();
  match.attrs.clear();
  for (const Applications::Place& place : query.class_places()) match.classes.push_back(place.exact(store.enodes, nodes));
  for (const uint32_t occurrence : query.attr_places()) match.attrs.push_back(store.enodes.attr(nodes[occurrence]));
}

}  // namespace egret::egraph
