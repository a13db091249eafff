// Rebuild: congruence, then canonical parents, then facts.
//
// A union leaves the keys of the readers of its younger class stale.  A round collects these readers, takes their keys
// out of the hash-cons, writes canonical ones and puts them back; two e-nodes that then have one key are congruent,
// the older stays, and uniting their classes is what the next round repairs (Willsey et al., "egg", POPL 2021,
// section 3; Downey, Sethi and Tarjan, 1980).
//
// Readers are found by a scan of all rows, which streams and wins where much changed, or by the lists of `Links`, which
// win where little did; where a scan finds much to repair for many rounds, by a table made on the way (readers.h).  Which e-node of a key stays does not depend on the order, so threads may share a round.
#include <algorithm>
#include <atomic>

#include "egraph/store/store.h"

namespace egret::egraph {
namespace {

constexpr int kScans = 4;          // rounds by scan; then a table of readers, which costs as much, is cheaper than scanning on
constexpr size_t kGrain = 1 << 15; // rows a task
constexpr size_t kRekeyGrain = 2048;
constexpr size_t kAhead = 12;      // e-nodes between fetching a slot and using it
constexpr size_t kPiece = 1 << 18, kBytesAReader = 16;  // of ids scanned at once where bytes are short
constexpr size_t kFewest = 512;    // below this many ids a scan costs nothing
constexpr size_t kDropLinks = 4, kMakeLinks = 16;  // deltas above 1/4 drop the lists, below 1/16 make them

using Slot = HashCons::Slot;

struct Loss {  // of two congruent e-nodes
  Id loser, keeper;
};

std::atomic_ref<Slot> shared(Slot& slot) { return std::atomic_ref<Slot>(slot); }

}  // namespace

// Appends the live e-nodes of [first, last) that read a displaced class, and marks them as changed.  Requires: `first` begins a
// word of bits.
void EGraph::Store::collect_by_scan(size_t first, size_t last, const Workers& workers, Array<Id>& readers) {
  changes.drop_list();
  const auto scan = [&](size_t begin, size_t end, auto& found) {
    size_t marked = 0;
    enodes.for_each_reading(displaced_bits, begin, end, [&](Id n) {
      found.push_back(n);
      marked += changes.mark_bit(n);
    });
    return marked;
  };
  if (!workers.several()) return changes.marked(scan(first, last, readers));
  const size_t chunks = Workers::chunks(last - first, kGrain);
  std::vector<std::vector<Id>> found(chunks);
  std::vector<size_t> marked(chunks);
  workers.for_chunks(last - first, kGrain, [&](size_t begin, size_t end, size_t chunk) { marked[chunk] = scan(first + begin, first + end, found[chunk]); });
  for (size_t c = 0; c < chunks; ++c) {
    readers.append(found[c].data(), found[c].size());
    changes.marked(marked[c]);
  }
}

// One round: all at once, or in pieces where bytes are short.  What a piece displaces is for the next round, though later pieces
// repair it already.
void EGraph::Store::repair_by_scan(const Workers& workers, Array<Id>& readers) {
  Array<Id> repaired;
  repaired.swap(displaced);
  const size_t ids = enodes.size(), piece = fits(ids * kBytesAReader) ? ids : kPiece;
  const size_t oldest = *std::min_element(repaired.begin(), repaired.end());  // readers are younger
  for (size_t begin = oldest / 64 * 64; begin < ids; begin += piece) {
    readers.clear();
    collect_by_scan(begin, std::min(ids, begin + piece), workers, readers);
    rekey(workers, readers);
  }
  for (const Id cls : repaired) displaced_bits.clear(cls);
}

// Also joins the lists of the displaced classes to those of the classes that took them in.
void EGraph::Store::collect_by_links(Array<Id>& readers) {
  for (const Id cls : displaced) {
    links.for_each_use(cls, [&](Id n) {
      if (enodes.live(n)) readers.push_back(n);
    });
  }
  std::sort(readers.begin(), readers.end());
  readers.resize(static_cast<size_t>(std::unique(readers.begin(), readers.end()) - readers.begin()));
  for (const Id cls : displaced) {
    const Id root = sets.find(cls);
    links.for_each_member(cls, [&](Id n) {
      sets.place(n, root);
      changes.mark(n);
    });
    links.splice(root, cls);
  }
}

// Gives the readers canonical keys; unites those that so become congruent to another e-node.
void EGraph::Store::rekey(const Workers& workers, Array<Id>& readers) {
  const size_t count = readers.size();
  const bool threaded = workers.several() && count >= 4 * kRekeyGrain;
  const Workers serial;
  const Workers& loop = threaded ? workers : serial;
  tag_scratch.reshape(count);
  loop.for_chunks(count, kRekeyGrain, [&](size_t begin, size_t end, size_t) {
    for (size_t i = begin; i < end + kAhead; ++i) {
      if (i < end) table.prefetch_to_write(tag_scratch[i] = tag_of_node(readers[i]));
      if (i < begin + kAhead) continue;
      const Id n = readers[i - kAhead];
      const uint32_t tag = tag_scratch[i - kAhead];
      size_t place = table.home(tag);
      while (shared(table.at(place)).load(std::memory_order_relaxed) != HashCons::slot(tag, n)) place = table.next(place);
      shared(table.at(place)).store(HashCons::slot(tag, HashCons::kTombstone), std::memory_order_relaxed);
      Id* const operands = enodes.writable(n);
      for (uint32_t k = 0, arity = enodes.row(n).arity(); k < arity; ++k) operands[k] = sets.find(operands[k]);
    }
  });
  table.note_erased(count);
  if (table.fits(count) && !fits(table.growth(count))) {
    table.purge(workers);
  } else {
    table.make_room(count, workers);
  }
  std::vector<std::vector<Loss>> lost(std::max<size_t>(1, Workers::chunks(count, kRekeyGrain)));
  loop.for_chunks(count, kRekeyGrain, [&](size_t begin, size_t end, size_t chunk) {
    const auto put = [&](Id n, uint32_t tag) {
      for (size_t place = table.home(tag);; place = table.next(place)) {
        std::atomic_ref<Slot> slot = shared(table.at(place));
        Slot seen = slot.load(std::memory_order_acquire);
        for (;;) {
          if (HashCons::empty(seen)) {
            if (!threaded) {
              slot.store(HashCons::slot(tag, n), std::memory_order_relaxed);
              return;
            }
            if (slot.compare_exchange_weak(seen, HashCons::slot(tag, n), std::memory_order_acq_rel)) return;
            continue;
          }
          const Id known = HashCons::id_of(seen);
          if (HashCons::tag_of_slot(seen) != tag || known == HashCons::kTombstone || !same_node(known, n)) break;
          if (known < n || slot.compare_exchange_weak(seen, HashCons::slot(tag, n), std::memory_order_acq_rel)) {
            lost[chunk].push_back({std::max(known, n), std::min(known, n)});
            return;
          }
        }
      }
    };
    for (size_t i = begin; i < end + 2 * kAhead; ++i) {
      if (i < end) table.prefetch_to_write(tag_scratch[i] = tag_of_node(readers[i]));
      if (i >= begin + kAhead && i < end + kAhead) fetch_row(tag_scratch[i - kAhead]);
      if (i >= begin + 2 * kAhead) put(readers[i - 2 * kAhead], tag_scratch[i - 2 * kAhead]);
    }
  });
  std::vector<Loss> losses;
  for (const std::vector<Loss>& part : lost) losses.insert(losses.end(), part.begin(), part.end());
  table.note_inserted(count - losses.size());
  std::sort(losses.begin(), losses.end(), [](const Loss& a, const Loss& b) { return a.loser < b.loser; });
  // In one thread readers come ascending, so that whom an e-node lost to is the oldest; else that may be another.
  if (threaded) {
    loop.for_chunks(losses.size(), kRekeyGrain, [&](size_t begin, size_t end, size_t) {
      for (size_t i = begin; i < end; ++i) {
        const Id loser = losses[i].loser;
        losses[i].keeper = table.find(tag_of_node(loser), [&](Id n) { return same_node(n, loser); });
      }
    });
  }
  for (const auto [loser, keeper] : losses) {
    enodes.bury(loser, keeper);
    if (any_subsumed && subsumed.test(loser)) subsumed.set(keeper);
    --live_count;
    if (links.active()) links.note_buried();
    unite(keeper, loser, {Justification::Kind::kCongruence, 0, 0});
  }
}

// Makes every parent canonical and marks the ids whose class changed.
void EGraph::Store::flatten(const Workers& workers) {
  const size_t ids = sets.size();
  std::vector<size_t> moved(Workers::chunks(ids, kGrain), 0);
  changes.drop_list();
  Array<Id>& parents = sets.array();
  const auto parent = [&](Id n) { return std::atomic_ref<Id>(parents[n]); };
  workers.for_chunks(ids, kGrain, [&](size_t begin, size_t end, size_t chunk) {
    for (Id n = static_cast<Id>(begin); n < end; ++n) {
      Id root = parent(n).load(std::memory_order_relaxed);
      Id up = parent(root).load(std::memory_order_relaxed);
      if (up == root) continue;
      while (up != root) {
        root = up;
        up = parent(root).load(std::memory_order_relaxed);
      }
      parent(n).store(root, std::memory_order_relaxed);
      moved[chunk] += changes.mark_bit(n);
    }
  });
  for (const size_t count : moved) changes.marked(count);
}

// Appends the ids added since the last rebuild to the lists.
void EGraph::Store::extend_links() {
  for (Id n = static_cast<Id>(links.size()); n < enodes.size(); ++n) {
    links.add(enodes, displaced_bits.test(n) ? n : sets.parent(n));
  }
}

void EGraph::Store::activate_links() {
  flatten(Workers());
  links.build(enodes, sets);
}

void EGraph::Store::restore_congruence(const Workers& workers) {
  const size_t ids = enodes.size();
  const size_t delta = displaced.size() + (links.active() ? ids - links.size() : 0);
  if (links.active() && (delta * kDropLinks > ids || links.stale())) links.drop();
  if (links.active() && !fits(links.growth(ids - links.size()))) links.release();
  if (links.active()) {
    extend_links();
  } else if (ids >= kFewest && changes.count(ids) * kMakeLinks < ids && fits(Links::bytes_of(ids))) {
    activate_links();
  }
  if (links.active()) readers_of.release();
  Array<Id> readers;
  int scans = rounds_before > 2 * kScans ? 1 : kScans;
  if (!fits(Readers::bytes_of(ids, live_count))) scans = std::numeric_limits<int>::max();
  int round = 0;
  for (; !displaced.empty(); ++round) {
    if (!links.active() && !readers_of.ready()) {
      if (round < scans) {
        repair_by_scan(workers, readers);
        continue;
      }
      readers_of.make(enodes);
    }
    readers.clear();
    if (links.active()) {
      collect_by_links(readers);
    } else {
      readers_of.take(enodes, sets, displaced.span(), readers);
    }
    for (const Id n : readers) changes.mark(n);
    for (const Id cls : displaced) displaced_bits.clear(cls);
    displaced.clear();
    rekey(workers, readers);
  }
  rounds_before = round;
  if (!links.active()) flatten(workers);
}

size_t EGraph::Store::rebuild(const EGraph& graph, const Workers& workers) {
  if (clean) return 0;
  const size_t before = class_count;
  restore_congruence(workers);
  rounds_before = 0;
  index.invalidate(enodes.size(), op_names.size());
  if (facts.empty()) {
    readers_of.release();
  } else {
    facts.propagate(graph, *this);
  }
  clean = true;
  return before - class_count;
}

}  // namespace egret::egraph
