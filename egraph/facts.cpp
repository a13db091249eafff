#include "egraph/facts.h"

#include <algorithm>

#include "egraph/store.h"

namespace egret::egraph {
namespace {

constexpr size_t kMaxConflicts = 1024;  // a host acts on the first ones; more would only cost memory
constexpr int kScans = 4;               // passes over all e-nodes; then a table of readers, which costs as much, is cheaper
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
  std::vector<uint32_t> depth = {};  // of each new e-node among new ones
  std::vector<Id> pending = {};      // e-nodes to make again
  std::vector<Fact> out = {};

  // A class whose fact changed.  Its readers are made again, new ones where their depth is below `reach`: the others' turn
  // came, or comes, later.
  struct Changed {
    Id cls;
    uint32_t reach;
  };
  std::vector<Changed> spreading = {};
  int scans = 0;
  Bits among = {};

  // Marks what stands around the classes that wait for it, and has their readers made again.
  void spread() {
    std::sort(spreading.begin(), spreading.end(), [](const Changed& a, const Changed& b) {
      return a.cls != b.cls ? a.cls < b.cls : a.reach > b.reach;
    });
    spreading.erase(std::unique(spreading.begin(), spreading.end(), [](const Changed& a, const Changed& b) { return a.cls == b.cls; }),
                    spreading.end());
    const auto again = [&](Id reader, uint32_t reach) {
      if (reader < first_new || depth[reader - first_new] < reach) pending.push_back(reader);
    };
    if (store.links.active() || scans == kScans) {
      for (const Changed& changed : spreading) {
        store.mark_around(changed.cls);
        store.for_each_reader(changed.cls, [&](Id reader) { again(reader, changed.reach); });
      }
    } else if (!spreading.empty()) {
      ++scans;
      scan(again);
    }
    spreading.clear();
  }
  // The same for all of the classes in one pass over the e-nodes, which spares a table of readers.
  template <class Again>
  void scan(const Again& again) {
    among.cover(store.enodes.size());
    for (const Changed& changed : spreading) among.set(changed.cls);
    const Id older = store.changes.first_new();  // classes from here on are marked, their readers too
    store.enodes.for_each_live([&](Id n) {
      const Id cls = store.sets.parent(n);
      if (cls < older && among.test(cls)) store.changes.mark(n);
      for (const Id read : store.enodes.of_live(n)) {
        if (!among.test(read)) continue;
        if (read < older) store.changes.mark(n);
        again(n, std::lower_bound(spreading.begin(), spreading.end(), read, [](const Changed& a, Id b) { return a.cls < b; })->reach);
      }
    });
    for (const Changed& changed : spreading) among.clear(changed.cls);
  }

  void make(std::span<const Id> batch, uint32_t reach) {
    out.assign(batch.size(), kNoFact);
    facts.tables_[analysis].analysis.make(graph, batch, out);
    for (size_t i = 0; i < batch.size(); ++i) {
      const Id cls = store.sets.parent(batch[i]);
      if (!facts.absorb(analysis, cls, batch[i], out[i])) continue;
      const bool deeper = cls >= first_new && batch[i] == cls && reach < kAll;  // its readers are
      if (!deeper || cls < store.changes.first_new()) spreading.push_back({cls, deeper ? 0 : reach});
    }
  }

  // New e-nodes by depth, so that each finds the facts of its operands.
  void make_new() {
    const Id end = static_cast<Id>(store.enodes.size());
    depth.resize(end - first_new);
    std::vector<uint32_t> start(1, 0);
    for (Id n = first_new; n < end; ++n) {
      if (!store.enodes.live(n)) continue;
      uint32_t deepest = 0;
      for (const Id operand : store.enodes.of_live(n)) {
        if (operand >= first_new && operand < n) deepest = std::max(deepest, depth[operand - first_new] + 1);
      }
      depth[n - first_new] = deepest;
      if (deepest + 2 > start.size()) start.resize(deepest + 2, 0);
      ++start[deepest + 1];
    }
    for (size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
    std::vector<Id> by_depth(start.back());
    std::vector<uint32_t> at = start;
    for (Id n = first_new; n < end; ++n) {
      if (store.enodes.live(n)) by_depth[at[depth[n - first_new]]++] = n;
    }
    std::vector<Id>& changed = facts.tables_[analysis].changed;
    for (Id& cls : changed) cls = store.sets.parent(cls);
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());  // one class may have taken in many
    for (const Id root : changed) spreading.push_back({root, 0});
    changed.clear();
    facts.tables_[analysis].made = end;
    for (uint32_t level = 0; level + 1 < start.size(); ++level) {
      if (start[level] == start[level + 1]) continue;
      make({by_depth.data() + start[level], start[level + 1] - start[level]}, level + 1);
    }
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

  static constexpr uint32_t kAll = std::numeric_limits<uint32_t>::max();
};

void Facts::propagate(const EGraph& graph, EGraph::Store& store) {
  for (uint32_t a = 0; a < tables_.size(); ++a) {
    Propagation run{*this, a, graph, store, tables_[a].made};
    run.make_new();
    run.settle();
  }
}

void Facts::reserve(size_t ids) {
  for (Table& table : tables_) {
    table.fact.reserve(ids);
    table.witness.reserve(ids);
  }
}

uint64_t Facts::bytes() const {
  uint64_t total = 0;
  for (const Table& table : tables_) {
    total += table.fact.bytes() + table.witness.bytes() + table.changed.capacity() * sizeof(Id);
  }
  return total;
}

}  // namespace egret::egraph
