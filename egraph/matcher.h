// Matcher: runs a query's plan on a clean graph and emits each match as the e-nodes of the pattern's occurrences.
//
// `Index` gives the members and the readers of a class: `ListIndex` over ClassIndex (ascending, for large deltas and
// for hosts) or `LinkIndex` over Links (for small deltas).  Reads only; several may run at once.
#pragma once

#include <vector>

#include "egraph/query.h"
#include "egraph/store.h"

namespace egret::egraph {

struct ListIndex {
  const EGraph::Store& store;
  template <class Visit>
  void members(Id cls, uint32_t head, Visit&& visit) const {
    const std::span<const Id> nodes = store.index.nodes_of(cls);
    const uint32_t* const heads = store.index.heads_of(cls).data();
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (heads[i] == head) visit(nodes[i]);
    }
  }
  template <class Visit>
  void readers(Id cls, Visit&& visit) const {
    for (const Id n : store.index.parents_of(cls)) visit(n);
  }
  size_t reader_count(Id cls) const { return store.index.parents_of(cls).size(); }
  void prefetch_start(Id cls) const { store.index.prefetch_start(cls); }
  void prefetch_nodes(Id cls) const { store.index.prefetch_nodes(cls); }
};

struct LinkIndex {
  const EGraph::Store& store;
  template <class Visit>
  void members(Id cls, uint32_t head, Visit&& visit) const {
    store.links.for_each_member(cls, [&](Id n) {
      if (store.enodes.row(n).head == head && store.enodes.live(n)) visit(n);
    });
  }
  template <class Visit>
  void readers(Id cls, Visit&& visit) const {
    store.links.for_each_use(cls, [&](Id n) {
      if (store.enodes.live(n)) visit(n);
    });
  }
  size_t reader_count(Id cls) const { return store.links.use_count(cls); }
  void prefetch_start(Id) const {}
  void prefetch_nodes(Id) const {}
};

// Which matches are wanted.
enum class Wanted : uint8_t {
  kAll,
  kChanged,       // at least one e-node changed since the last search
  kFirstChanged,  // as kChanged, and the plan's start is the first atom whose e-node did: each match once over all starts
};

// `Emit` is called with the e-nodes of a match and returns false to stop; `Poll` now and then, likewise.
template <class Index, class Emit, class Poll>
class Matcher {
 public:
  Matcher(const Query& query, uint32_t start, Wanted wanted, const EGraph::Store& store, const Index& index, Emit& emit,
          Poll& poll)
      : query_(query),
        plan_(query.plan(start)),
        start_(start),
        wanted_(wanted),
        store_(store),
        index_(index),
        emit_(emit),
        poll_(poll),
        nodes_(query.atoms().size()),
        slots_(query.slots()),
        attrs_(query.attr_places().size()) {}

  // Matches whose atom `start` is one of the e-nodes given.
  void run(std::span<const Id> given) {
    const bool fetch = plan_.size() > 1 && plan_[1].source == Query::Source::kMembers;
    for (size_t i = 0; i < given.size() && !stopped_; ++i) {
      if (fetch) fetch_ahead(given, i);
      if (store_.matchable(given[i])) candidate(0, given[i], false);
    }
  }

 private:
  using Act = Query::Step::Act;
  static constexpr uint32_t kPollInterval = 1 << 14;  // candidates between two polls
  static constexpr size_t kAhead = 8;

  // The second atom's class is an operand of the first.
  void fetch_ahead(std::span<const Id> given, size_t i) const {
    const auto operand = [&](Id n) {
      for (const auto& [position, slot, binds] : plan_[0].operands) {
        if (slot == query_.atoms()[plan_[1].atom].class_slot) return store_.enodes.operands_of(store_.enodes.row(n))[position];
      }
      return Id{0};
    };
    const auto usable = [&](Id n) { return store_.enodes.row(n).head == query_.atoms()[start_].head && store_.enodes.live(n); };
    if (i + 2 * kAhead < given.size() && usable(given[i + 2 * kAhead])) index_.prefetch_start(operand(given[i + 2 * kAhead]));
    if (i + kAhead < given.size() && usable(given[i + kAhead])) index_.prefetch_nodes(operand(given[i + kAhead]));
  }

  void candidate(uint32_t number, Id n, bool changed) {
    if (++candidates_ % kPollInterval == 0 && !poll_()) stopped_ = true;
    if (stopped_) return;
    const Query::Step& step = plan_[number];
    if (wanted_ == Wanted::kChanged) {
      changed = changed || store_.changes.test(n);
      if (!changed && number + 1 == plan_.size()) return;
    } else if (wanted_ == Wanted::kFirstChanged && step.atom < start_ && store_.changes.test(n)) {
      return;
    }
    if (!binds(step, n)) return;
    nodes_[step.atom] = n;
    if (number + 1 < plan_.size()) {
      descend(number + 1, changed);
    } else if (!emit_(nodes_.data())) {
      stopped_ = true;
    }
  }

  void descend(uint32_t number, bool changed) {
    const Query::Step& step = plan_[number];
    const Query::Atom& atom = query_.atoms()[step.atom];
    const auto visit = [&](Id n) {
      if (!stopped_ && (!store_.any_subsumed || store_.matchable(n))) candidate(number, n, changed);
    };
    switch (step.source) {
      case Query::Source::kMembers:
        index_.members(slots_[atom.class_slot], atom.head, visit);
        break;
      case Query::Source::kReaders: {
        uint32_t best = step.bound.front();
        for (const uint32_t slot : step.bound) {
          if (index_.reader_count(slots_[slot]) < index_.reader_count(slots_[best])) best = slot;
        }
        read(atom, slots_[best], visit);
        break;
      }
      default:
        for (const Id n : store_.index.nodes_with(atom.op)) visit(n);
    }
  }

  // A reader that reads the class in two places is listed twice by LinkIndex: `twice_` keeps each once.
  template <class Visit>
  void read(const Query::Atom& atom, Id cls, const Visit& visit) {
    index_.readers(cls, [&](Id n) {
      const Row& row = store_.enodes.row(n);
      if (row.head != atom.head) return;
      if constexpr (std::is_same_v<Index, LinkIndex>) {
        if (row.wide() || (row.operand[0] == cls && row.operand[1] == cls && row.arity() == 2)) {
          twice_.push_back(n);
          return;
        }
      }
      visit(n);
    });
    if (twice_.empty()) return;
    std::vector<Id> once;
    once.swap(twice_);
    std::sort(once.begin(), once.end());
    once.erase(std::unique(once.begin(), once.end()), once.end());
    for (const Id n : once) visit(n);
  }

  bool binds(const Query::Step& step, Id n) {
    const Row& row = store_.enodes.row(n);
    const Query::Atom& atom = query_.atoms()[step.atom];
    if (row.head != atom.head || row.arity() != atom.arity) return false;
    switch (step.attr) {
      case Act::kNothing:
        break;
      case Act::kFixed:
        if (row.attr != atom.attr) return false;
        break;
      case Act::kBind:
        attrs_[atom.attr] = row.attr;
        break;
      case Act::kCheck:
        if (attrs_[atom.attr] != row.attr) return false;
    }
    if (step.class_act == Act::kBind) slots_[atom.class_slot] = store_.sets.parent(n);
    const Id* const operands = store_.enodes.operands_of(row);
    for (const auto& [position, slot, binds] : step.operands) {
      if (binds) {
        slots_[slot] = operands[position];
      } else if (slots_[slot] != operands[position]) {
        return false;
      }
    }
    return true;
  }

  const Query& query_;
  const Query::Plan& plan_;
  const uint32_t start_;
  const Wanted wanted_;
  const EGraph::Store& store_;
  const Index& index_;
  Emit& emit_;
  Poll& poll_;
  std::vector<Id> nodes_, slots_;
  std::vector<AttrId> attrs_;
  std::vector<Id> twice_;
  uint64_t candidates_ = 0;
  bool stopped_ = false;
};

// The match that the e-nodes of its occurrences make.
inline void fill_match(const Query& query, const EGraph::Store& store, const Id* nodes, Match& match) {
  match.nodes.assign(nodes, nodes + query.atoms().size());
  match.classes.clear();
  match.attrs.clear();
  for (const auto& [occurrence, position] : query.class_places()) {
    match.classes.push_back(store.enodes.exact(nodes[occurrence])[position]);
  }
  for (const uint32_t occurrence : query.attr_places()) match.attrs.push_back(store.enodes.attr(nodes[occurrence]));
}

}  // namespace egret::egraph
