// Interning a column of keys: the hot loop of applying rewrites.
//
// In one thread the loop runs in three stages a few requests apart: hash and fetch the slot, fetch the row that the
// slot names, resolve.  So cache misses overlap instead of adding up.
#include "egraph/store/intern.h"

namespace egret::egraph {
namespace {

constexpr size_t kLeastParallel = 2 * Column::kChunk;

// One thread.  Returns the number of new e-nodes.
size_t intern_serial(const Column& column, Id first) {
  EGraph::Store& store = column.store;
  HashCons& table = store.table;
  const Row* const rows = &store.enodes.row(0);
  const size_t count = column.keys.size();
  Id next = first;
  const auto resolve = [&](size_t i) {
    const uint32_t tag = column.tags[i];
    for (size_t place = table.home(tag);; place = table.next(place)) {
      HashCons::Slot& slot = table.at(place);
      if (HashCons::empty(slot)) {
        slot = HashCons::slot(tag, next);
        column.put(i, next++);
        return;
      }
      const Id known = HashCons::id_of(slot);
      if (HashCons::tag_of_slot(slot) == tag && known < HashCons::kTombstone && same_row(rows[known], column.keys[i])) {
        column.ids[i] = known;
        return;
      }
    }
  };
  for (size_t i = 0; i < count + Column::kSlotsAhead; ++i) {
    if (i < count) {
      if (i % Column::kChunk == 0) column.fill(i, std::min(count, i + Column::kChunk));
      table.prefetch_to_write(column.tags[i] = tag_of(column.keys[i]));
    }
    if (i >= Column::kRowsAhead && i - Column::kRowsAhead < count) store.fetch_row(column.tags[i - Column::kRowsAhead]);
    if (i >= Column::kSlotsAhead) resolve(i - Column::kSlotsAhead);
  }
  return next - first;
}

}  // namespace

void EGraph::Store::intern(std::span<Row> keys, const Requests& requests, Id* ids, const Workers& workers) {
  const size_t count = keys.size();
  const Id first = static_cast<Id>(enodes.size());
  EGRET_CHECK(first + count < kMostIds, "the e-graph is full");
  table.make_room(count, workers);
  enodes.add_rows(count, workers);  // room for all; cut to those that are new
  sets.add(count, workers);
  tag_scratch.reshape(count);
  const Column column{*this, requests, keys, ids, tag_scratch.data()};
  size_t made = 0;
  if (workers.several() && count >= kLeastParallel && table.capacity() < ~uint32_t{0}) {
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
  if (enodes.row(first).head >> 24 > 0) readers_of.release();
  facts.add_ids(made);
  displaced_bits.cover(enodes.size());
  if (any_subsumed) subsumed.cover(enodes.size());
  if (options.explanations) proof.add(made);
  live_count += made;
  class_count += made;
  clean = false;
}

}  // namespace egret::egraph
