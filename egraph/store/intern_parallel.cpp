// Interning in several threads: ids come out as in one thread.
//
// A request that finds an empty slot puts its own number there, by compare-and-swap; of requests with one key the lowest
// number stays.  Those that stayed are the new e-nodes; counting them by chunk gives each its id.  A thread goes on with
// the chunks that it began: what another processor wrote last costs many times what is near.
#include "egraph/store/intern.h"

namespace egret::egraph {
namespace {

using Slot = HashCons::Slot;

// A slot that holds a request's number instead of an id: the low half is the number plus 2, below any ~id.
constexpr uint32_t kFirstId = uint32_t{1} << 31;
constexpr uint32_t kTombstone = static_cast<uint32_t>(~HashCons::kTombstone);
constexpr uint32_t kKnown = ~uint32_t{0};  // in place of a place: the request made no e-node
constexpr size_t kFewTwins = 4096;
Slot provisional(uint32_t tag, size_t request) { return Slot{tag} << 32 | (request + 2); }
uint32_t low(Slot slot) { return static_cast<uint32_t>(slot); }

struct Twin {  // a request with the key of an earlier one, which stands at the place
  uint32_t request, place;
};

class Parallel {
 public:
  Parallel(const Column& column, uint32_t* places)
      : column_(column),
        table_(column.store.table),
        places_(places),
        made_(Workers::chunks(column.keys.size(), Column::kChunk)),
        twins_(made_.size()) {}

  size_t run(Id first, const Workers& workers) {
    const size_t count = column_.keys.size();
    workers.for_own_chunks(count, Column::kChunk, [&](size_t begin, size_t end, size_t chunk) { claim(begin, end, chunk); });
    std::vector<Id> start(made_.size() + 1, first);
    size_t twins = 0;
    for (size_t c = 0; c < made_.size(); ++c) {
      start[c + 1] = start[c] + made_[c].load(std::memory_order_relaxed);
      twins += twins_[c].size();
    }
    workers.for_own_chunks(count, Column::kChunk, [&](size_t begin, size_t end, size_t chunk) { number(begin, end, start[chunk]); });
    const auto settle = [&](size_t chunk) {
      for (const Twin& twin : twins_[chunk]) column_.ids[twin.request] = HashCons::id_of(table_.at(twin.place));
    };
    if (twins >= kFewTwins) {
      workers.for_each_own(made_.size(), settle);
    } else {
      for (size_t c = 0; c < made_.size() && twins > 0; ++c) settle(c);
    }
    return start.back() - first;
  }

 private:
  std::atomic_ref<uint32_t> place_of(size_t request) const { return std::atomic_ref<uint32_t>(places_[request]); }

  // Finds or claims the slots of a chunk's requests.
  void claim(size_t begin, size_t end, size_t chunk) {
    column_.fill(begin, end);
    std::vector<Twin> twins;
    uint32_t made = 0;
    for (size_t i = begin; i < end + Column::kSlotsAhead; ++i) {
      if (i < end) table_.prefetch_to_write(column_.tags[i] = tag_of(column_.keys[i]));
      if (i >= begin + Column::kRowsAhead && i - Column::kRowsAhead < end) column_.store.fetch_row(column_.tags[i - Column::kRowsAhead]);
      if (i >= begin + Column::kSlotsAhead) made += claim(i - Column::kSlotsAhead, twins);
    }
    made_[chunk].fetch_add(made, std::memory_order_relaxed);
    twins_[chunk] = std::move(twins);
  }
  // Whether the slot is the request's, as it seems now.
  bool claim(size_t i, std::vector<Twin>& twins) {
    const uint32_t tag = column_.tags[i];
    for (size_t place = table_.home(tag);; place = table_.next(place)) {
      std::atomic_ref<Slot> slot(table_.at(place));
      Slot seen = slot.load(std::memory_order_acquire);
      if (HashCons::empty(seen)) {
        place_of(i).store(static_cast<uint32_t>(place), std::memory_order_relaxed);
        if (slot.compare_exchange_strong(seen, provisional(tag, i), std::memory_order_acq_rel)) return true;
      }
      if (HashCons::tag_of_slot(seen) != tag || low(seen) == kTombstone) continue;
      if (low(seen) >= kFirstId) {
        if (!same_row(column_.store.enodes.row(HashCons::id_of(seen)), column_.keys[i])) continue;
        column_.ids[i] = HashCons::id_of(seen);
        place_of(i).store(kKnown, std::memory_order_relaxed);
        return false;
      }
      if (!same_row(column_.keys[low(seen) - 2], column_.keys[i])) continue;
      place_of(i).store(static_cast<uint32_t>(place), std::memory_order_relaxed);
      while (low(seen) - 2 > i) {
        const uint32_t other = low(seen) - 2;
        if (!slot.compare_exchange_strong(seen, provisional(tag, i), std::memory_order_acq_rel)) continue;
        place_of(other).store(kKnown, std::memory_order_relaxed);
        made_[other / Column::kChunk].fetch_sub(1, std::memory_order_relaxed);
        twins.push_back({other, static_cast<uint32_t>(place)});
        return true;
      }
      place_of(i).store(kKnown, std::memory_order_relaxed);
      twins.push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(place)});
      return false;
    }
  }

  // Gives the chunk's new e-nodes their ids.
  void number(size_t begin, size_t end, Id next) {
    for (size_t i = begin; i < end; ++i) {
      if (places_[i] == kKnown) continue;
      std::atomic_ref<Slot>(table_.at(places_[i])).store(HashCons::slot(column_.tags[i], next), std::memory_order_relaxed);
      column_.put(i, next++);
    }
  }

  const Column& column_;
  HashCons& table_;
  uint32_t* const places_;
  std::vector<std::atomic<uint32_t>> made_;  // by chunk
  std::vector<std::vector<Twin>> twins_;     // by the chunk that met them
};

}  // namespace

size_t intern_parallel(const Column& column, Id first, uint32_t* places, const Workers& workers) {
  return Parallel(column, places).run(first, workers);
}

}  // namespace egret::egraph
