#include "egraph/store/facts.h"

#include <algorithm>

#include "egraph/store/store.h"

namespace egret::egraph {
namespace {

constexpr size_t kMaxConflicts = 1024;  // a host acts on the first ones; more would only cost memory
constexpr int kScans = 1;               // passes over all e-nodes; then a table of readers, which costs as much, is cheaper
constexpr size_t kBatch = 4096;         // e-nodes a call of an analysis
constexpr int kMaxRounds = 10'000;      // a join that never settles stops here; facts then are only weaker

}  // namespace

uint32_t Facts::add_analysis(Analysis analysis, size_t ids) {
  for (auto known = restored_.begin(); known != restored_.end(); ++known) {
    if (known->analysis.name != analysis.name || known->fact.size() > ids) continue;
    known->made = static_cast<Id>(known->fact.size());
    known->fact.resize(ids, kNoFact);
    known->witness.resize(ids, kNoId);
    known->analysis = std::move(analysis);
    tables_.push_back(std::move(*known));
    restored_.erase(known);
    return static_cast<uint32_t>(tables_.size() - 1);
  }
  Table& table = tables_.emplace_back();
  table.analysis = std::move(analysis);
  table.fact.resize(ids, kNoFact);
  table.witness.resize(ids, kNoId);
  return static_cast<uint32_t>(tables_.size() - 1);
}

void Facts::add_ids(size_t count) {
  for (Table& table : tables_) {
    table.fact.resize(table.fact.size() + count, kNoFact);
    table.witness.resize(table.witness.size() + count, kNoId);
  }
}

bool Facts::restored_for(size_t ids) const {
  for (const Table& table : restored_) {
    if (table.fact.size() != ids || table.witness.size() != ids) return false;
    for (const Id witness : table.witness) {
      if (witness != kNoId && witness >= ids) return false;
    }
  }
  return true;
}

bool Facts::stale() const {
  for (const Table& table : tables_) {
    if (!table.changed.empty() || table.made < table.fact.size()) return true;
  }
  return false;
}

void Facts::record_conflict(Id cls, uint32_t analysis, Id left, Id right) {
  if (conflicts_.size() >= kMaxConflicts) return;
  for (const Conflict& known : conflicts_) {
    if (known.cls == cls && known.analysis == analysis) return;
  }
  conflicts_.push_back({cls, analysis, left, right});
}

bool Facts::absorb(uint32_t analysis, Id cls, Id witness, Fact fact) {
  Table& table = tables_[analysis];
  const Fact old = table.fact[cls];
  if (fact == kNoFact || fact == old) return false;
  const Fact joined = old == kNoFact ? fact : table.analysis.join(old, fact);
  if (joined == kConflict) {
    record_conflict(cls, analysis, table.witness[cls], witness);
    return false;
  }
  if (joined == old) return false;
  table.fact[cls] = joined;
  table.witness[cls] = witness;
  return true;
}

void Facts::set(uint32_t analysis, Id cls, Id witness, Fact fact) {
  if (absorb(analysis, cls, witness, fact)) tables_[analysis].changed.push_back(cls);
}

void Facts::unite(Id older, Id younger) {
  for (uint32_t a = 0; a < tables_.size(); ++a) {
    const Fact fact = tables_[a].fact[younger];
    if (fact == tables_[a].fact[older]) continue;
    absorb(a, older, tables_[a].witness[younger], fact);
    tables_[a].changed.push_back(older);
  }
}

// One analysis' run to its fixpoint.
struct Facts::Propagation {
  Facts& facts;
  uint32_t analysis;
  const EGraph& graph;
  EGraph::Store& store;
  Id first_new;
  std::vector<Id> pending = {};      // e-nodes to make again
  std::vector<Fact> out = {};

  // A class whose fact changed.  Its readers below `reach` are made again: the others' turn comes later.
  struct Changed {
    Id cls, reach;
  };
  std::vector<Changed> spreading = {};
  std::vector<Id> around = {};  // older classes whose fact changed
  int scans = 0;
  Bits among = {};

  // Has the readers of the classes that wait for it made again, and marks them.
  void spread() {
    std::sort(spreading.begin(), spreading.end(), [](const Changed& a, const Changed& b) {
      return a.cls != b.cls ? a.cls < b.cls : a.reach > b.reach;
    });
    spreading.erase(std::unique(spreading.begin(), spreading.end(), [](const Changed& a, const Changed& b) { return a.cls == b.cls; }),
                    spreading.end());
    const auto again = [&](Id reader, Id reach) {
      if (reader < reach) pending.push_back(reader);
    };
    if (spreading.empty()) return;
    const Id older = store.changes.first_new();  // classes from here on are marked, their readers too
    for (const Changed& changed : spreading) {
      if (changed.cls < older) around.push_back(changed.cls);
    }
    if (!store.knows_readers() && scans == kScans && store.fits(Readers::bytes_of(store.enodes.size(), store.live_count))) {
      store.readers_of.make(store.enodes);
    }
    if (!store.knows_readers()) {
      scans = std::min(scans + 1, kScans);
      scan(again);
    } else {
      for (const Changed& changed : spreading) {
        store.for_each_reader(changed.cls, [&](Id reader) {
          if (changed.cls < older) store.changes.mark(reader);
          again(reader, changed.reach);
        });
      }
    }
    spreading.clear();
  }
  // The same for all of the classes in one pass over the e-nodes, which spares a table of readers.
  template <class Again>
  void scan(const Again& again) {
    among.cover(store.enodes.size());
    for (const Changed& changed : spreading) among.set(changed.cls);
    const Id older = store.changes.first_new();
    store.enodes.for_each_reading(among, spreading.front().cls, store.enodes.size(), [&](Id n) {
      for (const Id read : store.enodes.of_live(n)) {
        if (!among.test(read)) continue;
        if (read < older) store.changes.mark(n);
        again(n, std::lower_bound(spreading.begin(), spreading.end(), read, [](const Changed& a, Id b) { return a.cls < b; })->reach);
      }
    });
    for (const Changed& changed : spreading) among.clear(changed.cls);
  }
  // Marks the members of the classes whose fact changed.
  void mark_members() {
    if (around.empty()) return;
    if (store.links.active()) {
      for (const Id cls : around) store.links.for_each_member(cls, [&](Id n) { store.changes.mark(n); });
      return;
    }
    among.cover(store.enodes.size());
    for (const Id cls : around) among.set(cls);
    store.enodes.for_each_live(0, store.changes.first_new(), [&](Id n) {
      if (among.test(store.sets.parent(n))) store.changes.mark(n);
    });
  }

  // Readers of an e-node's class from `reach` on are made later.
  void make(std::span<const Id> batch, Id reach) {
    out.assign(batch.size(), kNoFact);
    facts.tables_[analysis].analysis.make(graph, batch, out);
    for (size_t i = 0; i < batch.size(); ++i) {
      if (out[i] == kNoFact) continue;
      const Id cls = store.sets.parent(batch[i]);
      if (!facts.absorb(analysis, cls, batch[i], out[i])) continue;
      const bool all_later = cls >= first_new && batch[i] == cls && reach != kAll;  // its readers are younger
      if (!all_later || cls < store.changes.first_new()) spreading.push_back({cls, all_later ? first_new : std::max(reach, first_new)});
    }
  }

  // New e-nodes, each after its operands: ascending, in batches that read no class of theirs.
  void make_new() {
    const Id end = static_cast<Id>(store.enodes.size());
    std::vector<Id>& changed = facts.tables_[analysis].changed;
    for (Id& cls : changed) cls = store.sets.parent(cls);
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());  // one class may have taken in many
    for (const Id root : changed) spreading.push_back({root, first_new});
    changed.clear();
    facts.tables_[analysis].made = end;
    std::vector<Id> batch;
    Id begin = first_new;
    const auto flush = [&](Id next) {
      make(batch, next);
      batch.clear();
      begin = next;
    };
    store.enodes.for_each_live(first_new & ~Id{63}, end, [&](Id n) {
      if (n < first_new) return;
      const std::span<const Id> operands = store.enodes.of_live(n);
      const bool waits = std::any_of(operands.begin(), operands.end(), [&](Id read) { return read >= begin; });
      if (waits || batch.size() == kBatch) flush(n);
      batch.push_back(n);
    });
    if (!batch.empty()) flush(end);
    spread();
  }

  void settle() {
    std::vector<Id> batch;
    for (int round = 0; round < kMaxRounds && !pending.empty(); ++round) {
      batch.swap(pending);
      pending.clear();
      std::sort(batch.begin(), batch.end());
      batch.erase(std::unique(batch.begin(), batch.end()), batch.end());
      make(batch, kAll);
      spread();
    }
  }

  static constexpr Id kAll = kNoId;
};

void Facts::propagate(const EGraph& graph, EGraph::Store& store) {
  for (uint32_t a = 0; a < tables_.size(); ++a) {
    Propagation run{*this, a, graph, store, tables_[a].made};
    run.make_new();
    run.settle();
    run.mark_members();
  }
}

void Facts::reserve(size_t ids) {
  for (Table& table : tables_) {
    table.fact.reserve(ids);
    table.witness.reserve(ids);
  }
}

uint64_t Facts::growth(size_t ids) const {
  uint64_t total = 0;
  for (const Table& table : tables_) total += table.fact.growth(ids) + table.witness.growth(ids);
  return total;
}

uint64_t Facts::bytes() const {
  uint64_t total = 0;
  for (const Table& table : tables_) {
    total += table.fact.bytes() + table.witness.bytes() + table.changed.capacity() * sizeof(Id);
  }
  return total;
}

}  // namespace egret::egraph
