#include "extract/certify/reductions.h"

#include <algorithm>

namespace egret::certify {
namespace {

using List = std::vector<uint32_t>;
constexpr uint32_t kNone = UINT32_MAX;

bool holds(const List& sorted, uint32_t x) { return std::binary_search(sorted.begin(), sorted.end(), x); }

bool includes(const List& large, const List& small) {
  return std::includes(large.begin(), large.end(), small.begin(), small.end());
}

void erase(List& sorted, uint32_t x) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), x);
  if (at != sorted.end() && *at == x) sorted.erase(at);
}

void insert(List& sorted, uint32_t x) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), x);
  if (at == sorted.end() || *at != x) sorted.insert(at, x);
}

}  // namespace

Reductions::Reductions(const Instance& instance)
    : terms_(instance.egraph), makers_(instance.items), readers_(instance.items), root_(instance.items, 0) {
  for (uint32_t r : instance.roots) root_[r] = 1;
  for (const Choice& choice : instance.choices) add(Exact(choice.cost), choice.makes, choice.reads);
}

Reductions::Reductions(const Part& part, const List& out)
    : terms_(part.terms), makers_(part.items()), readers_(part.items()), root_(part.root) {
  for (uint32_t k = 0; k < part.candidates(); ++k) add(part.cost[k], part.makes[k], part.reads[k]);
  for (uint32_t k : out) remove(k);
}

void Reductions::add(const Exact& cost, List makes, List reads) {
  const uint32_t k = candidates();
  std::erase_if(makes, [&](uint32_t item) { return holds(reads, item); });
  for (uint32_t item : makes) makers_[item].push_back(k);
  for (uint32_t item : reads) readers_[item].push_back(k);
  makes_.push_back(std::move(makes));
  reads_.push_back(std::move(reads));
  cost_.push_back(cost);
  negative_ |= cost.negative();
  alive_.push_back(1);
  if (makes_[k].empty()) remove(k);
}

void Reductions::remove(uint32_t k) {
  for (uint32_t item : makes_[k]) erase(makers_[item], k);
  for (uint32_t item : reads_[k]) erase(readers_[item], k);
  makes_[k].clear();
  reads_[k].clear();
  alive_[k] = 0;
}

void Reductions::unmake(uint32_t k, uint32_t item) {
  erase(makes_[k], item);
  erase(makers_[item], k);
  if (makes_[k].empty()) remove(k);
}

void Reductions::read_instead(uint32_t k, uint32_t item, const List& others) {
  erase(reads_[k], item);
  erase(readers_[item], k);
  for (uint32_t d : others) {
    insert(reads_[k], d);
    insert(readers_[d], k);
  }
  for (uint32_t made : List(makes_[k])) {
    if (alive_[k] && holds(reads_[k], made)) unmake(k, made);
  }
}

// Where that takes more than the cost, the excess is lost: a candidate is chosen once at most.
void Reductions::lower_cost(uint32_t k, const Exact& by) {
  cost_[k] -= by;
  if (!cost_[k].negative()) return;
  constant_ += cost_[k];
  cost_[k] = Exact();
}

Exact Reductions::untaken() const {
  Exact sum;
  for (uint32_t k = 0; k < candidates(); ++k) {
    const bool taken = k < taken_candidate_.size() && taken_candidate_[k];
    if (alive_[k] && !taken && cost_[k].negative()) sum += cost_[k];
  }
  return sum;
}

std::vector<char> Reductions::makeable(uint32_t without) const {
  std::vector<char> made(items(), 0);
  std::vector<size_t> missing(candidates());
  List work;
  const auto run = [&](uint32_t k) {
    for (uint32_t item : makes_[k]) {
      if (item != without && !made[item]) made[item] = 1, work.push_back(item);
    }
  };
  for (uint32_t k = 0; k < candidates(); ++k) {
    missing[k] = reads_[k].size();
    if (missing[k] == 0) run(k);
  }
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    for (uint32_t k : readers_[item]) {
      if (--missing[k] == 0) run(k);
    }
  }
  return made;
}

bool Reductions::waits_for(uint32_t k, const std::vector<char>& made) const {
  return std::any_of(reads_[k].begin(), reads_[k].end(), [&](uint32_t d) { return !made[d]; });
}

bool Reductions::alone(const List& list) const {
  return std::all_of(list.begin(), list.end(), [&](uint32_t k) { return makes_[k].size() == 1; });
}

bool Reductions::one_class(const List& list) const {
  return alone(list) && std::all_of(list.begin(), list.end(), [&](uint32_t k) { return makes_[k] == makes_[list[0]]; });
}

void Reductions::drop_useless() {
  const auto made = makeable(kNone);
  for (uint32_t k = 0; k < candidates(); ++k) {
    if (alive_[k] && waits_for(k, made)) remove(k);
  }
  std::vector<char> wanted = root_, used(candidates(), 0);
  List work;
  for (uint32_t i = 0; i < items(); ++i) {
    if (root_[i]) work.push_back(i);
  }
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    for (uint32_t k : makers_[item]) {
      if (used[k]) continue;
      used[k] = 1;
      for (uint32_t d : reads_[k]) {
        if (!wanted[d]) wanted[d] = 1, work.push_back(d);
      }
    }
  }
  negative_ = false;
  for (uint32_t k = 0; k < candidates(); ++k) {
    if (!alive_[k]) continue;
    if (!used[k]) {
      remove(k);
      continue;
    }
    negative_ |= cost_[k].negative();
    for (uint32_t item : List(makes_[k])) {
      if (!wanted[item]) unmake(k, item);
    }
  }
}

Status Reductions::drop_circular(const Record& record, const List& n) {
  if (n.size() < 2 || n[0] >= items()) return refused(record, "expected an item and candidates");
  const auto made = makeable(n[0]);
  for (size_t p = 1; p < n.size(); ++p) {
    if (n[p] >= candidates()) return refused(record, "expected an item and candidates");
    if (alive_[n[p]] && !waits_for(n[p], made)) return refused(record, "a candidate can start without the item");
  }
  for (size_t p = 1; p < n.size(); ++p) {
    if (alive_[n[p]]) unmake(n[p], n[0]);
  }
  return {};
}

Status Reductions::drop_dominated(const Record& record, const List& n) {
  if (n.size() != 2 || n[0] == n[1] || std::max(n[0], n[1]) >= candidates())
    return refused(record, "expected two candidates");
  if (!alive_[n[0]]) return {};
  if (!alive_[n[1]]) return refused(record, "the other is gone");
  const auto [k, m] = std::pair(n[0], n[1]);
  if (!includes(makes_[m], makes_[k])) return refused(record, "the other makes less");
  for (uint32_t d : reads_[m]) {
    if (!holds(reads_[k], d) && !waits_for(k, makeable(d))) return refused(record, "the other reads more");
  }
  if (cost_[m] > cost_[k]) constant_ -= cost_[m] - cost_[k];
  remove(k);
  return {};
}

Status Reductions::give(const Record& record, const List& n) {
  if (n.size() != 1 || n[0] >= candidates() || !reads_[n[0]].empty()) {
    return refused(record, "expected a candidate that reads nothing");
  }
  const List given = makes_[n[0]];
  for (uint32_t item : given) {
    root_[item] = 0;
    for (uint32_t k : List(readers_[item])) read_instead(k, item, {});
    for (uint32_t k : List(makers_[item])) unmake(k, item);
  }
  return {};
}

Status Reductions::force(const Record& record, const List& n) {
  if (n.size() != 2 || n[0] >= items() || n[1] >= items()) return refused(record, "expected two items");
  if (root_[n[0]]) return {};
  if (!root_[n[1]]) return refused(record, "the reason is no root");
  const List& makers = makers_[n[1]];
  const bool all_read = std::all_of(makers.begin(), makers.end(), [&](uint32_t k) { return holds(reads_[k], n[0]); });
  if (!all_read && makeable(n[0])[n[1]]) return refused(record, "the root can be made without the item");
  root_[n[0]] = 1;
  return {};
}

Status Reductions::cut_edges(const Record& record, const List& n) {
  if (n.empty() || n[0] >= items() || !root_[n[0]]) return refused(record, "expected a root and candidates");
  std::vector<char> below(items(), 0);
  List work{n[0]};
  below[n[0]] = 1;
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    for (uint32_t k : makers_[item]) {
      for (uint32_t d : reads_[k]) {
        if (!below[d]) below[d] = 1, work.push_back(d);
      }
    }
  }
  for (size_t p = 1; p < n.size(); ++p) {
    if (n[p] >= candidates()) return refused(record, "expected a root and candidates");
    if (std::any_of(makes_[n[p]].begin(), makes_[n[p]].end(), [&](uint32_t i) { return below[i]; })) {
      return refused(record, "the root may need what a candidate makes");
    }
  }
  for (size_t p = 1; p < n.size(); ++p) read_instead(n[p], n[0], {});
  return {};
}

// F, G, H and V.
Status Reductions::fold(const Record& record, const List& n) {
  if (n.size() != 1 || n[0] >= items()) return refused(record, "expected an item");
  const uint32_t i = n[0];
  const List makers = makers_[i], readers = readers_[i];
  const char kind = record.kind;
  if (makers.empty() || !alone(makers) || ((kind == 'F' || kind == 'G') && makers.size() != 1)) {
    return refused(record, "its makers make other items too, or are several");
  }
  if (kind != 'F' && (root_[i] || readers.empty() || !one_class(readers) || (kind == 'H' && readers.size() != 1))) {
    return refused(record, "it is a root, or several of its readers may be chosen");
  }
  if (kind == 'V') {
    for (uint32_t k : makers) lower_cost(k, Exact(record.real));
    for (uint32_t k : readers) cost_[k] += Exact(record.real);
    return {};
  }
  if (kind == 'H') {
    const List makes = makes_[readers[0]], reads = reads_[readers[0]];
    for (uint32_t k : makers) {
      List both = reads;
      erase(both, i);
      for (uint32_t d : reads_[k]) insert(both, d);
      add(cost_[readers[0]] + cost_[k], makes, std::move(both));
    }
    remove(readers[0]);
    for (uint32_t k : makers) remove(k);
    return {};
  }
  const List inherited = reads_[makers[0]];
  if (root_[i]) {
    for (uint32_t d : inherited) root_[d] = 1;
    root_[i] = 0;
  }
  for (uint32_t k : readers) {
    if (kind == 'G') cost_[k] += cost_[makers[0]];
    read_instead(k, i, inherited);
  }
  remove(makers[0]);
  return {};
}

Status Reductions::split(const Record& record, const List& n) {
  if (n.empty() || n[0] >= candidates()) return refused(record, "expected a candidate and items");
  const List makes = makes_[n[0]], reads = reads_[n[0]];
  const bool forced =
      std::any_of(makes.begin(), makes.end(), [&](uint32_t i) { return root_[i] && makers_[i].size() == 1; });
  if (!forced || makes != List(n.begin() + 1, n.end()))
    return refused(record, "the candidate is not always chosen, or makes other items");
  remove(n[0]);
  for (uint32_t i : makes) add(Exact(), {i}, reads);
  return {};
}

Status Reductions::pay(const Record& record, const List& n) {
  if (n.size() != 1 || n[0] >= items() || !root_[n[0]]) return refused(record, "expected a root");
  const List& makers = makers_[n[0]];
  if (makers.size() != 1 && !alone(makers)) return refused(record, "its makers make other items too");
  for (uint32_t k : makers) lower_cost(k, Exact(record.real));
  constant_ += Exact(record.real);
  return {};
}

Status Reductions::take(const Record& record) {
  if (negative_) {
    if (!terms_) return refused(record, "negative costs are for e-graphs alone");
    if (record.kind != 'U') return refused(record, "this reduction needs costs that are not negative");
  }
  if (record.real < 0) return refused(record, "a cost is negative");
  List n;
  if (!indices(record, 0, std::max(candidates(), items()), n)) return refused(record, "an index is out of range");
  switch (record.kind) {
    case 'U':
      return drop_useless(), Status();
    case 'Y':
      return drop_circular(record, n);
    case 'D':
      return drop_dominated(record, n);
    case 'Z':
      return give(record, n);
    case 'R':
      return force(record, n);
    case 'E':
      return cut_edges(record, n);
    case 'S':
      return split(record, n);
    case 'P':
      return pay(record, n);
    default:
      return fold(record, n);
  }
}

Status Reductions::cut(const Record& record, const List& candidates, const List& items, Part& part) {
  taken_candidate_.resize(alive_.size(), 0);
  taken_item_.resize(root_.size(), 0);
  List candidate_at(alive_.size(), kNone), item_at(root_.size(), kNone);
  for (uint32_t p = 0; p < candidates.size(); ++p) {
    const uint32_t k = candidates[p];
    if (!alive_[k] || taken_candidate_[k]) return refused(record, "a candidate is gone, or in two parts");
    taken_candidate_[k] = 1;
    candidate_at[k] = p;
  }
  for (uint32_t p = 0; p < items.size(); ++p) {
    if (taken_item_[items[p]]) return refused(record, "an item is in two parts");
    taken_item_[items[p]] = 1;
    item_at[items[p]] = p;
  }
  const auto inside = [](const List& from, const List& at, List& to) {
    for (uint32_t x : from) to.push_back(at[x]);
    std::sort(to.begin(), to.end());
    return to.empty() || to.back() != kNone;
  };
  part = {};
  part.terms = terms_;
  part.makers.resize(items.size());
  part.makes.resize(candidates.size());
  part.reads.resize(candidates.size());
  for (uint32_t p = 0; p < items.size(); ++p) {
    part.root.push_back(root_[items[p]]);
    if (!inside(makers_[items[p]], candidate_at, part.makers[p]))
      return refused(record, "a maker of an item is not in the part");
  }
  for (uint32_t p = 0; p < candidates.size(); ++p) {
    part.cost.push_back(cost_[candidates[p]]);
    if (!inside(makes_[candidates[p]], item_at, part.makes[p]) ||
        !inside(reads_[candidates[p]], item_at, part.reads[p])) {
      return refused(record, "an item of a candidate is not in the part");
    }
  }
  return {};
}

}  // namespace egret::certify
