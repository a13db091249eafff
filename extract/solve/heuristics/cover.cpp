#include "extract/solve/heuristics/cover.h"

#include <algorithm>
#include <limits>

namespace egret::extract {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

}  // namespace

Cover::Cover(const Hypergraph& graph)
    : graph_(&graph), chosen_(graph.size(), 0), makers_(graph.items, 0), users_(graph.items, 0),
      maker_xor_(graph.items, 0), where_(graph.size(), 0) {
  for (uint32_t r : graph.roots) users_[r] = 1;
}

void Cover::apply(uint32_t k, bool in) {
  chosen_[k] = in;
  const uint32_t delta = in ? 1 : UINT32_MAX;  // modulo 2^32: minus one
  for (uint32_t item : graph_->results[k]) makers_[item] += delta, maker_xor_[item] ^= k;
  for (uint32_t item : graph_->operands[k]) users_[item] += delta;
  cost_ += in ? graph_->cost[k] : -graph_->cost[k];
  fold_ += in ? graph_->fold[k] : -graph_->fold[k];
  steps_ += 4;
  if (in) {
    where_[k] = static_cast<uint32_t>(members_.size());
    members_.push_back(k);
  } else {
    members_[where_[k]] = members_.back();
    where_[members_.back()] = where_[k];
    members_.pop_back();
  }
}

void Cover::add(uint32_t k) {
  if (chosen_[k]) return;
  apply(k, true);
  trail_.push_back(k);
}

void Cover::remove(uint32_t k) {
  if (!chosen_[k]) return;
  apply(k, false);
  trail_.push_back(k);
}

void Cover::rollback(const Mark& mark) {
  while (trail_.size() > mark.trail) {
    apply(trail_.back(), !chosen_[trail_.back()]);
    trail_.pop_back();
  }
  cost_ = mark.cost;  // exactly, whatever the sums rounded
  fold_ = mark.fold;
}

bool Cover::complete(std::vector<uint32_t> wanted, const std::vector<uint32_t>& producer, double limit) {
  while (!wanted.empty()) {
    const uint32_t item = wanted.back();
    wanted.pop_back();
    ++steps_;
    if (makers_[item] > 0 || users_[item] == 0) continue;
    const uint32_t k = producer[item];
    if (k == UINT32_MAX || chosen_[k]) return false;
    add(k);
    if (cost_ > limit) return false;
    for (uint32_t o : graph_->operands[k]) {
      if (makers_[o] == 0) wanted.push_back(o);
    }
  }
  return true;
}

bool Cover::redundant(uint32_t k) const {
  for (uint32_t item : graph_->results[k]) {
    if (users_[item] > 0 && makers_[item] == 1) return false;
  }
  return true;
}

uint32_t Cover::dearest_redundant_maker(uint32_t item, uint32_t except) {
  const bool skip = except != UINT32_MAX && chosen_[except];
  if (makers_[item] == 1) {
    const uint32_t k = maker_xor_[item];
    return k != except && redundant(k) ? k : UINT32_MAX;
  }
  uint32_t worst = UINT32_MAX;
  for (uint32_t k : graph_->producers[item]) {
    ++steps_;
    if (!chosen_[k] || (skip && k == except) || !redundant(k)) continue;
    if (worst == UINT32_MAX || graph_->cost[k] > graph_->cost[worst]) worst = k;
  }
  return worst;
}

void Cover::prune(std::vector<uint32_t> items, uint32_t except) {
  while (!items.empty()) {
    const uint32_t item = items.back();
    items.pop_back();
    while (makers_[item] > 0) {
      const uint32_t k = dearest_redundant_maker(item, except);
      if (k == UINT32_MAX) break;
      remove(k);
      for (uint32_t o : graph_->operands[k]) {
        if (makers_[o] > 0) items.push_back(o);
      }
    }
  }
}

void Cover::prune_all() {
  std::vector<uint32_t> by_cost = list();
  std::stable_sort(by_cost.begin(), by_cost.end(),
                   [&](uint32_t a, uint32_t b) { return graph_->cost[a] > graph_->cost[b]; });
  for (bool again = true; again;) {
    again = false;
    for (uint32_t k : by_cost) {
      if (chosen_[k] && redundant(k)) remove(k), again = true;
    }
  }
}

bool Cover::prune_if_valid() {
  const Mark before = mark();
  prune_all();
  if (valid()) return true;
  rollback(before);
  return valid();
}

std::optional<std::vector<uint32_t>> Cover::launched() const {
  std::vector<uint32_t> first(graph_->items, UINT32_MAX), next, reader;  // readers of an item, linked
  std::vector<uint32_t> missing(members_.size()), work;
  std::vector<uint8_t> made(graph_->items, 0);
  std::vector<uint32_t> order;
  const auto run = [&](uint32_t p) {
    order.push_back(members_[p]);
    for (uint32_t item : graph_->results[members_[p]]) {
      if (!made[item]) made[item] = 1, work.push_back(item);
    }
  };
  for (uint32_t p = 0; p < members_.size(); ++p) {
    const auto reads = graph_->operands[members_[p]];
    missing[p] = static_cast<uint32_t>(reads.size());
    for (uint32_t o : reads) {
      next.push_back(first[o]);
      first[o] = static_cast<uint32_t>(reader.size());
      reader.push_back(p);
    }
  }
  for (uint32_t p = 0; p < members_.size(); ++p) {
    if (missing[p] == 0) run(p);
  }
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    for (uint32_t e = first[item]; e != UINT32_MAX; e = next[e]) {
      if (--missing[reader[e]] == 0) run(reader[e]);
    }
  }
  const bool all = order.size() == members_.size() && std::all_of(graph_->roots.begin(), graph_->roots.end(), [&](uint32_t r) { return made[r]; });
  return all ? std::optional(std::move(order)) : std::nullopt;
}

bool Cover::still_valid(const Mark& mark) {
  if (!start_.empty() && fits_in(mark)) return true;
  const auto order = launched();
  if (!order) return false;
  start_.resize(graph_->size());
  for (size_t p = 0; p < order->size(); ++p) start_[(*order)[p]] = static_cast<double>(p);
  return true;
}

double Cover::made_at(uint32_t item) const {
  if (makers_[item] == 0) return kNever;
  if (makers_[item] == 1) return start_[maker_xor_[item]];
  double first = kNever;
  for (uint32_t k : graph_->producers[item]) {
    if (chosen_[k]) first = std::min(first, start_[k]);
  }
  return first;
}

// Is the item made before each that reads it?
bool Cover::served(uint32_t item) const {
  if (users_[item] == 0) return true;
  const double made = made_at(item);
  return made < kNever && std::ranges::all_of(graph_->consumers[item], [&](uint32_t k) { return !chosen_[k] || made < start_[k]; });
}

// Do the starts known still do, with starts in between for what is new?  False says nothing.
bool Cover::fits_in(const Mark& mark) {
  std::vector<uint32_t> changed(trail_.begin() + static_cast<ptrdiff_t>(mark.trail), trail_.end()), fresh;
  std::sort(changed.begin(), changed.end());
  for (size_t i = 0, next = 0; i < changed.size(); i = next) {
    for (next = i; next < changed.size() && changed[next] == changed[i];) ++next;
    if ((next - i) % 2 == 0 || !chosen_[changed[i]]) continue;
    fresh.push_back(changed[i]);
    start_[changed[i]] = kNever;
  }
  while (!fresh.empty()) {
    const size_t before = fresh.size();
    bool room = true;
    std::erase_if(fresh, [&](uint32_t k) {
      double from = -kNever, to = kNever;
      for (uint32_t o : graph_->operands[k]) from = std::max(from, made_at(o));
      if (from == kNever) return false;
      for (uint32_t item : graph_->results[k]) {
        const double made = made_at(item);
        for (uint32_t reader : graph_->consumers[item]) {
          if (chosen_[reader] && start_[reader] <= made) to = std::min(to, start_[reader]);
        }
      }
      start_[k] = from == -kNever ? (to == kNever ? 0 : to - 1) : to == kNever ? from + 1 : from + (to - from) / 2;
      room &= from < start_[k] && start_[k] < to;
      return true;
    });
    if (!room || fresh.size() == before) return false;
  }
  return std::ranges::all_of(changed, [&](uint32_t k) { return std::ranges::all_of(graph_->results[k], [&](uint32_t item) { return served(item); }); });
}

std::vector<uint32_t> Cover::list() const {
  std::vector<uint32_t> out = members_;
  std::sort(out.begin(), out.end());
  return out;
}

void Cover::assign(const std::vector<uint32_t>& list) {
  for (uint32_t k : this->list()) apply(k, false);
  cost_ = fold_ = 0;
  trail_.clear();
  start_.clear();
  for (uint32_t k : list) {
    if (!chosen_[k]) apply(k, true);
  }
}

}  // namespace egret::extract
