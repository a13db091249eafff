// Interning a column of keys: the hot loop of applying rewrites.
//
// In one thread the loop runs in three stages a few requests apart: hash and fetch the slot, fetch the row that the
// slot names, resolve.  So cache misses overlap instead of adding up.
//
// In several threads a request that finds an empty slot puts its own number there; of requests with one key the lowest
// number stays.  Those that stayed are the new e-nodes; counting them by chunk gives each its id, which so is the
// same as in one thread.
#include <atomic>

#include "egraph/store.h"

namespace egret::egraph {
namespace {

constexpr size_t kSlotsAhead = 24, kRowsAhead = 12;  // requests between the stages
constexpr size_t kGrain = 2048;                      // requests a task
constexpr size_t kLeastParallel = 4 * kGrain;
constexpr Id kFirstProvisional = Id{1} << 31;         // ids are below it
constexpr uint32_t kKnown = ~uint32_t{0};

bool same_row(const Row& a, const Row& b) { return std::memcmp(&a, &b, sizeof(Row)) == 0; }

struct Column {
  EGraph::Store& store;
  std::span<const Row> keys;
  Id* ids;
  uint32_t* tags;

  void fetch_slot(size_t i) const {
    tags[i] = tag_of(keys[i]);
    store.table.prefetch(tags[i]);
  }
  void fetch_row(size_t i) const {
    HashCons::Slot& place = store.table.at(store.table.home(tags[i]));
    const HashCons::Slot slot = std::atomic_ref<HashCons::Slot>(place).load(std::memory_order_relaxed);
    if (HashCons::tag_of_slot(slot) == tags[i] && HashCons::id_of(slot) < kFirstProvisional) {
      __builtin_prefetch(&store.enodes.row(HashCons::id_of(slot)));
    }
  }
  template <class Resolve>
  void staged(size_t begin, size_t end, const Resolve& resolve) const {
    for (size_t i = begin; i < end + kSlotsAhead; ++i) {
      if (i < end) fetch_slot(i);
      if (i >= begin + kRowsAhead && i - kRowsAhead < end) fetch_row(i - kRowsAhead);
      if (i >= begin + kSlotsAhead) resolve(i - kSlotsAhead);
    }
  }
};

// One thread.  Returns the number of new e-nodes.
size_t intern_serial(const Column& column, Id first) {
  EGraph::Store& store = column.store;
  HashCons& table = store.table;
  Row* const rows = &store.enodes.row(0);
  Id next = first;
  column.staged(0, column.keys.size(), [&](size_t i) {
    const uint32_t tag = column.tags[i];
    for (size_t place = table.home(tag);; place = table.next(place)) {
      HashCons::Slot& slot = table.at(place);
      if (HashCons::empty(slot)) {
        slot = HashCons::slot(tag, next);
        rows[next] = column.keys[i];
        store.sets.place(next, next);
        column.ids[i] = next++;
        return;
      }
      const Id known = HashCons::id_of(slot);
      if (HashCons::tag_of_slot(slot) == tag && known < HashCons::kTombstone && same_row(rows[known], column.keys[i])) {
        column.ids[i] = known;
        return;
      }
    }
  });
  return next - first;
}

// A slot that holds a request's number instead of an id: the low half is the number plus 2, below any ~id.
constexpr uint32_t kFirstId = uint32_t{1} << 31;
HashCons::Slot provisional(uint32_t tag, size_t request) { return HashCons::Slot{tag} << 32 | (request + 2); }
uint32_t low(HashCons::Slot slot) { return static_cast<uint32_t>(slot); }

// Several threads: finds or claims the slot of a request.
void claim(const Column& column, uint32_t* places, size_t i) {
  HashCons& table = column.store.table;
  const uint32_t tag = column.tags[i];
  places[i] = kKnown;
  for (size_t place = table.home(tag);; place = table.next(place)) {
    std::atomic_ref<HashCons::Slot> slot(table.at(place));
    HashCons::Slot seen = slot.load(std::memory_order_acquire);
    if (HashCons::empty(seen) && slot.compare_exchange_strong(seen, provisional(tag, i), std::memory_order_acq_rel)) {
      places[i] = static_cast<uint32_t>(place);
      return;
    }
    if (HashCons::tag_of_slot(seen) != tag || low(seen) == low(HashCons::slot(0, HashCons::kTombstone))) continue;
    if (low(seen) >= kFirstId) {
      if (!same_row(column.store.enodes.row(HashCons::id_of(seen)), column.keys[i])) continue;
      column.ids[i] = HashCons::id_of(seen);
      return;
    }
    if (!same_row(column.keys[low(seen) - 2], column.keys[i])) continue;
    while (low(seen) - 2 > i && !slot.compare_exchange_weak(seen, provisional(tag, i), std::memory_order_acq_rel)) {
    }
    places[i] = static_cast<uint32_t>(place);
    return;
  }
}

size_t intern_parallel(const Column& column, Id first, uint32_t* places, const Workers& workers) {
  EGraph::Store& store = column.store;
  const size_t count = column.keys.size();
  const auto slot_of = [&](size_t i) { return std::atomic_ref<HashCons::Slot>(store.table.at(places[i])); };
  std::vector<Id> start(Workers::chunks(count, kGrain) + 1, 0);
  workers.for_chunks(count, kGrain, [&](size_t begin, size_t end, size_t) {
    column.staged(begin, end, [&](size_t i) { claim(column, places, i); });
  });
  workers.for_chunks(count, kGrain, [&](size_t begin, size_t end, size_t chunk) {
    for (size_t i = begin; i < end; ++i) {
      start[chunk + 1] += places[i] != kKnown && low(slot_of(i).load(std::memory_order_relaxed)) == i + 2;
    }
  });
  start[0] = first;
  for (size_t c = 1; c < start.size(); ++c) start[c] += start[c - 1];
  workers.for_chunks(count, kGrain, [&](size_t begin, size_t end, size_t chunk) {
    Id next = start[chunk];
    for (size_t i = begin; i < end; ++i) {
      if (places[i] == kKnown || low(slot_of(i).load(std::memory_order_relaxed)) != i + 2) continue;
      slot_of(i).store(HashCons::slot(column.tags[i], next), std::memory_order_relaxed);
      store.enodes.row(next) = column.keys[i];
      store.sets.place(next, next);
      ++next;
    }
  });
  workers.for_chunks(count, kGrain, [&](size_t begin, size_t end, size_t) {
    for (size_t i = begin; i < end; ++i) {
      if (places[i] != kKnown) column.ids[i] = HashCons::id_of(slot_of(i).load(std::memory_order_relaxed));
    }
  });
  return start.back() - first;
}

}  // namespace

void EGraph::Store::intern(std::span<const Row> keys, Id* ids, const Workers& workers) {
  const size_t count = keys.size();
  const Id first = static_cast<Id>(enodes.size());
  EGRET_CHECK(first + count < kFirstProvisional, "the e-graph is full");
  table.make_room(count);
  enodes.add_rows(count);  // room for all; cut to those that are new
  sets.add(count);
  tag_scratch.reshape(count);
  const Column column{*this, keys, ids, tag_scratch.data()};
  size_t made = 0;
  if (workers.several() && count >= kLeastParallel && table.capacity() < kKnown) {
    place_scratch.reshape(count);
    made = intern_parallel(column, first, place_scratch.data(), workers);
  } else {
    made = intern_serial(column, first);
  }
  enodes.truncate(first + made);
  sets.truncate(first + made);
  table.note_inserted(made);
  if (enodes.keeps_exact()) enodes.copy_exact(first);
  count_new(first);
}

void EGraph::Store::count_new(Id first) {
  const size_t made = enodes.size() - first;
  if (made == 0) return;
  facts.add_ids(made);
  displaced_bits.cover(enodes.size());
  if (any_subsumed) subsumed.cover(enodes.size());
  if (options.explanations) proof.add(made);
  live_count += made;
  class_count += made;
  clean = false;
}

}  // namespace egret::egraph
