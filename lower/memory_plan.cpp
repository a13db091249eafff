#include "lower/memory_plan.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <queue>
#include <set>

#include "ir/in_place.h"

namespace egret::lower {
namespace {

constexpr uint64_t kAlignment = 64;
constexpr size_t kManyValues = 4'000;    // of these one order is tried: placing is quadratic
constexpr size_t kVeryMany = 16'000;     // these are placed as they are made, which is not
uint64_t align(uint64_t x) { return (x + kAlignment - 1) / kAlignment * kAlignment; }

// Memory that grows at its end; what was given back is a hole, and holes that touch are one.
class Holes {
 public:
  // Where so many bytes begin: in the smallest hole that holds them, else at the end.
  uint64_t take(uint64_t bytes) {
    const auto fit = by_size_.lower_bound({bytes, 0});
    if (fit == by_size_.end()) {
      uint64_t at = end_;
      if (!holes_.empty() && holes_.rbegin()->first + holes_.rbegin()->second == end_) at = holes_.rbegin()->first;
      if (at < end_) erase(holes_.find(at));
      end_ = at + bytes;
      return at;
    }
    const auto [size, at] = *fit;
    erase(holes_.find(at));
    if (size > bytes) insert(at + bytes, size - bytes);
    return at;
  }

  void give(uint64_t at, uint64_t bytes) {
    if (bytes == 0) return;
    auto after = holes_.lower_bound(at);
    if (after != holes_.end() && after->first == at + bytes) {
      bytes += after->second;
      after = erase(after);
    }
    if (after != holes_.begin()) {
      const auto before = std::prev(after);
      if (before->first + before->second == at) {
        at = before->first;
        bytes += before->second;
        erase(before);
      }
    }
    insert(at, bytes);
  }

  uint64_t end() const { return end_; }

 private:
  using Map = std::map<uint64_t, uint64_t>;  // begin, bytes
  void insert(uint64_t at, uint64_t bytes) {
    holes_.emplace(at, bytes);
    by_size_.emplace(bytes, at);
  }
  Map::iterator erase(Map::iterator hole) {
    by_size_.erase({hole->second, hole->first});
    return holes_.erase(hole);
  }

  Map holes_;
  std::set<std::pair<uint64_t, uint64_t>> by_size_;  // bytes, begin
  uint64_t end_ = 0;
};

class Planner {
 public:
  explicit Planner(const Program& program) : p_(program), n_(program.values.size()) {}

  MemoryPlan plan() {
    out_.places.assign(n_, MemoryPlan::Place::kNone);
    out_.offsets.assign(n_, 0);
    out_.skipped.assign(p_.run.size(), 0);
    out_.in_place.assign(p_.kernels.size(), 0);
    storage_.resize(n_);
    known_.resize(p_.kernels.size());
    for (const ProgramValue& v : p_.values) bytes_.push_back(align(static_cast<uint64_t>(v.type.bytes())));
    std::iota(storage_.begin(), storage_.end(), 0u);
    share_aliases();
    lifetimes();
    share_signature();
    share_at_peak();
    place_weights();
    place_arena();
    for (size_t v = 0; v < n_; ++v) {
      const uint32_t s = storage(static_cast<uint32_t>(v));
      out_.places[v] = out_.places[s];
      out_.offsets[v] = out_.offsets[s];
    }
    return std::move(out_);
  }

 private:
  uint32_t storage(uint32_t v) const {
    while (storage_[v] != v) v = storage_[v];
    return v;
  }
  bool fixed(uint32_t v) const {
    const auto role = p_.values[v].role;
    return role == ProgramValue::Role::kWeight || role == ProgramValue::Role::kPrepared;
  }

  void share_aliases() {
    for (size_t i = 0; i < p_.run.size(); ++i) {
      const Launch& l = p_.run[i];
      if (p_.kernels[l.kernel].plan.schedule != ScheduleClass::kAlias) continue;
      storage_[l.outputs[0]] = storage(l.inputs[0]);
      out_.skipped[i] = 1;
    }
  }

  // Of each storage: the first launch that writes it (-1: an input) and the last that reads it.
  void lifetimes() {
    const auto end = static_cast<int64_t>(p_.run.size());
    first_.assign(n_, end + 1);
    last_.assign(n_, -2);
    auto touch = [&](uint32_t v, int64_t time) {
      const uint32_t s = storage(v);
      first_[s] = std::min(first_[s], time);
      last_[s] = std::max(last_[s], time);
    };
    for (uint32_t v : p_.inputs) touch(v, -1);
    for (size_t i = 0; i < p_.run.size(); ++i) {
      for (uint32_t v : p_.run[i].inputs) touch(v, static_cast<int64_t>(i));
      for (uint32_t v : p_.run[i].outputs) touch(v, static_cast<int64_t>(i));
    }
    for (uint32_t v : p_.outputs) touch(v, end);
  }

  void share_signature() {
    std::vector<uint8_t> taken(n_, 0);
    for (const Alias& a : p_.aliases) {
      const uint32_t output = p_.outputs[a.output], input = p_.inputs[a.input];
      const uint32_t from = storage(input), to = storage(output);
      if (from == to || fixed(to) || taken[from] || taken[to] || !(p_.values[input].type == p_.values[output].type))
        continue;
      if (to != output || from != input) continue;  // views of others: left alone
      const int64_t made = first_[to];
      if (made < 0 || made >= static_cast<int64_t>(p_.run.size()) || last_[from] > made) continue;
      const Launch& l = p_.run[static_cast<size_t>(made)];
      if (last_[from] == made) {
        bool safe = false;
        const std::vector<uint32_t> buffers = operands_of(l);
        take_over(allowed(l.kernel), buffers,
                  [&](const Takeover& pair) { return storage(l.outputs[pair.result]) == to && buffers[pair.operand] == from; },
                  [&](const Takeover&) { safe = true; });
        if (!safe) continue;
        out_.in_place[l.kernel] = 1;
      }
      storage_[to] = from;
      last_[from] = std::max(last_[from], last_[to]);
      taken[from] = taken[to] = 1;
    }
  }

  // The memory that every launch needs where all results lie in place that may; then only those do that this takes: code in place is
  // never faster than other code.
  void share_at_peak() {
    const auto end = static_cast<int64_t>(p_.run.size());
    std::vector<int64_t> change(p_.run.size() + 3, 0), saved(p_.run.size(), 0), live(p_.run.size(), 0);
    for (uint32_t v = 0; v < n_; ++v) {
      if (fixed(v) || storage(v) != v || last_[v] < -1) continue;
      change[static_cast<size_t>(first_[v] + 1)] += static_cast<int64_t>(bytes(v));
      change[static_cast<size_t>(last_[v] + 2)] -= static_cast<int64_t>(bytes(v));
    }
    int64_t now = 0, peak = 0;
    for (int64_t t = -1; t <= end; ++t) {
      now += change[static_cast<size_t>(t + 1)];
      int64_t least = now;
      if (t >= 0 && t < end) {
        live[static_cast<size_t>(t)] = now;
        each_takeover(static_cast<size_t>(t), [&](uint32_t, uint32_t to) { least -= static_cast<int64_t>(bytes(to)); });
      }
      peak = std::max(peak, least);
    }
    for (size_t t = 0; t < p_.run.size(); ++t) {
      if (live[t] <= peak) continue;
      std::vector<std::pair<uint32_t, uint32_t>> pairs;
      each_takeover(t, [&](uint32_t from, uint32_t to) { pairs.emplace_back(from, to); });
      for (const auto& [from, to] : pairs) {
        storage_[to] = from;
        last_[from] = last_[to];
        out_.in_place[p_.run[t].kernel] = 1;
      }
    }
  }

  // take(from, to): storages of an operand that launch t reads last and of a result that may lie there.
  template <class Take>
  void each_takeover(size_t t, const Take& take) {
    const Launch& l = p_.run[t];
    if (out_.skipped[t]) return;
    const std::vector<uint32_t> buffers = operands_of(l);
    const auto now = static_cast<int64_t>(t);
    take_over(allowed(l.kernel), buffers,
              [&](const Takeover& pair) {
                const uint32_t from = buffers[pair.operand], to = storage(l.outputs[pair.result]);
                return !fixed(from) && !fixed(to) && last_[from] == now && first_[from] < now && first_[to] == now && bytes(from) == bytes(to);
              },
              [&](const Takeover& pair) { take(buffers[pair.operand], storage(l.outputs[pair.result])); });
  }

  std::vector<uint32_t> operands_of(const Launch& l) const {
    std::vector<uint32_t> out;
    for (uint32_t v : l.inputs) out.push_back(storage(v));
    return out;
  }

  const std::vector<Takeover>& allowed(uint32_t kernel) {
    if (!known_[kernel]) known_[kernel] = in_place(p_.kernels[kernel]);
    return *known_[kernel];
  }

  void place_weights() {
    for (uint32_t v = 0; v < n_; ++v) {
      if (!fixed(v) || storage(v) != v || last_[v] < 0) continue;
      out_.places[v] = MemoryPlan::Place::kWeights;
      out_.offsets[v] = out_.weight_bytes;
      out_.weight_bytes += bytes(v);
    }
  }

  uint64_t bytes(uint32_t v) const { return bytes_[v]; }

  // First the largest, or first the longest-lived, or first the first made: whichever needs least.
  void place_arena() {
    std::vector<uint32_t> order;
    for (uint32_t v = 0; v < n_; ++v) {
      if (!fixed(v) && storage(v) == v && last_[v] >= -1) order.push_back(v);
    }
    if (order.size() > kVeryMany) {
      for (uint32_t v : order) out_.places[v] = MemoryPlan::Place::kArena;
      return place_in_time(std::move(order));
    }
    auto life = [&](uint32_t v) { return last_[v] - first_[v]; };
    auto try_order = [&](auto&& before) {
      std::vector<uint32_t> sorted = order;
      std::stable_sort(sorted.begin(), sorted.end(), before);
      const auto [total, offsets] = place_in(sorted);
      if (out_.arena_bytes > 0 && total >= out_.arena_bytes) return;
      out_.arena_bytes = total;
      for (size_t i = 0; i < sorted.size(); ++i) out_.offsets[sorted[i]] = offsets[i];
    };
    try_order([&](uint32_t a, uint32_t b) { return bytes(a) > bytes(b); });
    if (order.size() <= kManyValues) {
      try_order([&](uint32_t a, uint32_t b) { return std::pair(bytes(a), life(a)) > std::pair(bytes(b), life(b)); });
      try_order([&](uint32_t a, uint32_t b) { return life(a) > life(b); });
      try_order([&](uint32_t a, uint32_t b) { return first_[a] < first_[b]; });
      try_order([&](uint32_t a, uint32_t b) { return last_[a] > last_[b]; });
    }
    for (uint32_t v : order) out_.places[v] = MemoryPlan::Place::kArena;
  }

  // As they are made, each in the smallest hole that holds it.
  void place_in_time(std::vector<uint32_t> order) {
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return first_[a] < first_[b]; });
    Holes holes;
    using Alive = std::pair<int64_t, uint32_t>;  // last use
    std::priority_queue<Alive, std::vector<Alive>, std::greater<>> alive;
    for (uint32_t v : order) {
      for (; !alive.empty() && alive.top().first < first_[v]; alive.pop()) {
        holes.give(out_.offsets[alive.top().second], bytes(alive.top().second));
      }
      out_.offsets[v] = holes.take(bytes(v));
      alive.emplace(last_[v], v);
    }
    out_.arena_bytes = holes.end();
  }

  // Each in the tightest gap that those before it leave.
  std::pair<uint64_t, std::vector<uint64_t>> place_in(const std::vector<uint32_t>& order) const {
    struct Placed {
      uint64_t begin, end;
      int64_t first, last;
    };
    std::vector<Placed> placed;  // by where they begin
    placed.reserve(order.size());
    uint64_t total = 0;
    std::vector<uint64_t> offsets;
    for (uint32_t v : order) {
      const uint64_t size = bytes(v);
      const int64_t first = first_[v], last = last_[v];
      uint64_t at = 0, best = ~uint64_t{0}, best_gap = ~uint64_t{0};
      for (const Placed& u : placed) {
        if (u.first > last || first > u.last) continue;
        if (u.begin > at && u.begin - at >= size && u.begin - at < best_gap) best = at, best_gap = u.begin - at;
        at = std::max(at, u.end);
      }
      if (best == ~uint64_t{0}) best = at;
      total = std::max(total, best + size);
      offsets.push_back(best);
      const auto after = std::upper_bound(placed.begin(), placed.end(), best, [](uint64_t x, const Placed& u) { return x < u.begin; });
      placed.insert(after, {best, best + size, first, last});
    }
    return {total, std::move(offsets)};
  }

  const Program& p_;
  const size_t n_;
  MemoryPlan out_;
  std::vector<uint32_t> storage_;
  std::vector<uint64_t> bytes_;  // of each value, aligned
  std::vector<int64_t> first_, last_;
  std::vector<std::optional<std::vector<Takeover>>> known_;  // of each kernel: in_place()
};

}  // namespace

MemoryPlan plan_memory(const Program& program) { return Planner(program).plan(); }

}  // namespace egret::lower
