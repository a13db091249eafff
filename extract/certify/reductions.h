// A problem while it is reduced: each record is checked against what stands, and changes it so that its least cost
// plus `constant` is at most what it was.  Costs may so be lowered, never raised, for nothing: what rounding in a
// solver left over costs a little of the bound and refutes nothing.
#pragma once

#include <unordered_map>

#include "extract/certify/system.h"

namespace egret::certify {

class Reductions : private System {
 public:
  // Candidates in `out` are gone.
  explicit Reductions(System from, const List& out = {}) : System(std::move(from)), negative_(negative()) {
    for (uint32_t k : out) remove(k);
  }
  using System::candidates;
  using System::items;

  // The records of docs/certificates.md.  What is gone may be named, to no effect.  New candidates (H, S) are numbered
  // on, in the order of makers and of items.
  void take(const Record& record) {
    need(!cut_, "it comes after a part, whose claim is about what stood before");
    need(!negative_ || record.kind == 'U', "this reduction is not for negative costs");
    need(record.real >= 0, "a cost is negative");
    if (record.kind == 'U') return drop_useless();
    if (!std::strchr("YDARPV", record.kind)) made_without_.clear();
    const uint32_t first = record.first(std::strchr("DZSA", record.kind) ? candidates() : items());
    const auto other = [&](uint32_t limit) { return record.indices(limit, 1, 1)[0]; };
    const auto others = [&](uint32_t limit) { return record.indices(limit, 1); };
    switch (record.kind) {
      case 'Y': {
        const Marks& made = made_without(first);
        const List list = others(candidates());
        need(all_of(list, [&](uint32_t k) { return !alive(k) || waits_for(k, made); }), "a candidate can start without the item");
        for (uint32_t k : list) unmake(k, first);
        return;
      }
      case 'D':
        return drop_dominated(first, other(candidates()));
      case 'Z':
        need(reads[first].empty(), "the candidate reads something");
        for (uint32_t item : List(makes[first])) {
          root[item] = 0;
          for (uint32_t k : List(readers[item])) read_instead(k, item, {});
          for (uint32_t k : List(makers[item])) unmake(k, item);
        }
        return;
      case 'R': {
        const uint32_t reason = other(items());
        if (root[first]) return;
        const bool all_read = all_of(makers[reason], [&](uint32_t k) { return holds(reads[k], first); });
        need(root[reason] && (all_read || !made_without(first)[reason]), "the reason is no root, or can be made without the item");
        return void(root[first] = 1);
      }
      case 'E': {
        need(root[first], "the item is no root");
        const Marks needed = below({first});
        const List list = others(candidates());
        for (uint32_t k : list) need(!any_of(makes[k], [&](uint32_t i) { return needed[i]; }), "the root may need what a candidate makes");
        for (uint32_t k : list) read_instead(k, first, {});
        return;
      }
      case 'S': {
        const List made = makes[first], read = reads[first];
        need(made == others(items()), "the candidate makes other items");
        need(any_of(made, [&](uint32_t i) { return root[i] && makers[i].size() == 1; }), "the candidate is not always chosen");
        remove(first);
        for (uint32_t i : made) add(Exact(), {i}, read);
        return;
      }
      case 'A':
        return drop_exchanged(record, first);
      case 'P':
        need(root[first] && (makers[first].size() == 1 || alone(makers[first])), "no root, or its makers make other items too");
        for (uint32_t k : makers[first]) lower_cost(k, Exact(record.real));
        return void(constant += Exact(record.real));
      default:
        fold(record, first);
    }
  }

  // The part of these candidates and items; refused where others make or need an item of it.  After the first part
  // nothing is reduced: its claim is about what stood then.
  Part cut(const List& part_candidates, const List& part_items) {
    cut_ = true;
    // Each one's number in the part, by its number here.
    const auto numbered = [](const List& chosen, Marks& taken, size_t count) {
      List at(count, kNone);
      taken.resize(count, 0);
      for (uint32_t p = 0; p < chosen.size(); ++p) {
        need(!taken[chosen[p]], "a candidate or an item is in two parts");
        taken[chosen[p]] = 1;
        at[chosen[p]] = p;
      }
      return at;
    };
    const auto inside = [](const List& from, const List& at) {
      List to;
      for (uint32_t x : from) to.push_back(at[x]);
      need(all_of(to, [](uint32_t p) { return p != kNone; }), "a maker or an item of the part is not in it");
      return to;
    };
    const List candidate_at = numbered(part_candidates, taken_candidate_, candidates());
    const List item_at = numbered(part_items, taken_item_, items());
    Part part;
    part.terms = terms;
    part.resize_items(part_items.size());
    for (uint32_t i : part_items) {
      part.root[item_at[i]] = root[i];
      inside(makers[i], candidate_at);
    }
    for (uint32_t k : part_candidates) {
      need(alive(k), "a candidate is gone");
      part.add(cost[k], inside(makes[k], item_at), inside(reads[k], item_at));
    }
    return part;
  }
  // What is paid whatever is chosen, and what candidates in no part cost at least: negative costs.
  Exact outside() const {
    Exact sum = constant;
    for (uint32_t k = 0; k < candidates(); ++k) {
      const bool taken = k < taken_candidate_.size() && taken_candidate_[k];
      if (alive(k) && !taken && cost[k].negative()) sum += cost[k];
    }
    return sum;
  }

 private:
  using Marks = std::vector<char>;  // by item or candidate
  static constexpr uint32_t kNone = UINT32_MAX, kMostKept = 1u << 26;

  static void erase(List& sorted, uint32_t x) {
    const auto [from, to] = std::equal_range(sorted.begin(), sorted.end(), x);
    sorted.erase(from, to);
  }
  static void insert(List& sorted, uint32_t x) {
    if (!holds(sorted, x)) sorted.insert(std::lower_bound(sorted.begin(), sorted.end(), x), x);
  }

  bool alive(uint32_t k) const { return !makes[k].empty(); }
  void remove(uint32_t k) {
    for (uint32_t item : makes[k]) erase(makers[item], k);
    for (uint32_t item : reads[k]) erase(readers[item], k);
    makes[k].clear();
    reads[k].clear();
  }
  void unmake(uint32_t k, uint32_t item) {
    erase(makes[k], item);
    erase(makers[item], k);
    if (makes[k].empty()) remove(k);
  }
  void read_instead(uint32_t k, uint32_t item, const List& others) {
    erase(reads[k], item);
    erase(readers[item], k);
    for (uint32_t d : others) insert(reads[k], d), insert(readers[d], k);
    for (uint32_t made : List(makes[k])) {
      if (alive(k) && holds(reads[k], made)) unmake(k, made);
    }
  }
  // Where that takes more than the cost, the excess is lost: a candidate is chosen once at most.
  void lower_cost(uint32_t k, const Exact& by) {
    cost[k] -= by;
    if (!cost[k].negative()) return;
    constant += cost[k];
    cost[k] = Exact();
  }
  Marks makeable(uint32_t without) const {
    Marks made(items(), 0);
    std::vector<size_t> missing(candidates());
    List work;
    const auto run = [&](uint32_t k) {
      for (uint32_t item : makes[k]) {
        if (item != without && !made[item]) made[item] = 1, work.push_back(item);
      }
    };
    for (uint32_t k = 0; k < candidates(); ++k) {
      if ((missing[k] = reads[k].size()) == 0) run(k);
    }
    while (!work.empty()) {
      const uint32_t item = work.back();
      work.pop_back();
      for (uint32_t k : readers[item]) {
        if (--missing[k] == 0) run(k);
      }
    }
    return made;
  }
  // At least what can be made without the item: kept while candidates and results only go, which makes nothing makeable.
  const Marks& made_without(uint32_t item) {
    if (made_without_.size() > kMostKept / (items() + 1)) made_without_.clear();
    const auto [kept, fresh] = made_without_.try_emplace(item);
    return fresh ? kept->second = makeable(item) : kept->second;
  }
  // Items that making those of `from` may come to need.
  Marks below(List from) const {
    Marks out(items(), 0);
    for (uint32_t i : from) out[i] = 1;
    while (!from.empty()) {
      const uint32_t item = from.back();
      from.pop_back();
      for (uint32_t k : makers[item]) {
        for (uint32_t d : reads[k]) {
          if (!out[d]) out[d] = 1, from.push_back(d);
        }
      }
    }
    return out;
  }
  bool waits_for(uint32_t k, const Marks& made) const { return any_of(reads[k], [&](uint32_t d) { return !made[d]; }); }
  bool alone(const List& list) const { return all_of(list, [&](uint32_t k) { return makes[k].size() == 1; }); }
  void drop_useless() {
    const Marks made = makeable(kNone);
    for (uint32_t k = 0; k < candidates(); ++k) {
      if (waits_for(k, made)) remove(k);
    }
    List roots;
    for (uint32_t i = 0; i < items(); ++i) {
      if (root[i]) roots.push_back(i);
    }
    const Marks wanted = below(roots);
    negative_ = false;
    for (uint32_t k = 0; k < candidates(); ++k) {
      for (uint32_t item : List(makes[k])) {
        if (!wanted[item]) unmake(k, item);
      }
      negative_ |= alive(k) && cost[k].negative();
    }
  }
  void drop_dominated(uint32_t k, uint32_t m) {
    if (!alive(k)) return;
    need(k != m && alive(m), "the other is gone");
    need(std::includes(makes[m].begin(), makes[m].end(), makes[k].begin(), makes[k].end()), "the other makes less");
    for (uint32_t d : reads[m]) need(holds(reads[k], d) || waits_for(k, made_without(d)), "the other reads more");
    if (cost[m] > cost[k]) constant -= cost[m] - cost[k];
    remove(k);
  }
  // A: exchanging candidates (2 c) and items (2 i + 1) in pairs leaves the problem as it is, and puts another in k's place
  // that makes the same.  A choice needs one of both at most, so some best choice has not k.
  void drop_exchanged(const Record& record, uint32_t k) {
    std::unordered_map<uint32_t, uint32_t> to;
    const List n = record.indices(2 * std::max(candidates(), items()), 1);
    for (size_t at = 0; at + 1 < n.size(); at += 2) {
      const bool both = n[at] % 2 == n[at + 1] % 2 && std::max(n[at], n[at + 1]) / 2 < (n[at] % 2 ? items() : candidates());
      need(both && to.emplace(n[at], n[at + 1]).second && to.emplace(n[at + 1], n[at]).second, "a pair is none, or is named twice");
    }
    const auto image = [&](uint32_t x) { return to.contains(x) ? to.at(x) / 2 : x / 2; };
    const auto goes_to = [&](List of, const List& is) {
      for (uint32_t& i : of) i = image(2 * i + 1);
      sort_unique(of);
      return of == is;
    };
    const auto stays = [&](uint32_t c) {
      const uint32_t other = image(2 * c);
      return cost[c] == cost[other] && goes_to(makes[c], makes[other]) && goes_to(reads[c], reads[other]);
    };
    for (const auto& [x, y] : to) {
      const bool same = x % 2 ? root[x / 2] == root[y / 2] && all_of(makers[x / 2], stays) && all_of(readers[x / 2], stays) : stays(x / 2);
      need(same, "the exchange changes the problem");
    }
    need(image(2 * k) != k && makes[image(2 * k)] == makes[k], "the other makes something else");
    remove(k);
  }
  // F, G, H and V: item i is made inside its readers.
  void fold(const Record& record, uint32_t i) {
    const List by = makers[i], readers_of = readers[i];
    const uint32_t maker = by.empty() ? kNone : by[0], reader = readers_of.empty() ? kNone : readers_of[0];
    const char kind = record.kind;
    need(maker != kNone && alone(by), "its makers make other items too");
    need(kind == 'H' || kind == 'V' || by.size() == 1, "its makers are several");
    need(kind == 'F' || (!root[i] && reader != kNone && alone(readers_of) &&
                         all_of(readers_of, [&](uint32_t k) { return makes[k] == makes[reader]; })),
         "it is a root, or several of its readers may be chosen");
    if (kind == 'V') {
      for (uint32_t k : by) lower_cost(k, Exact(record.real));
      for (uint32_t k : readers_of) cost[k] += Exact(record.real);
    } else if (kind == 'H') {
      need(readers_of.size() == 1, "it has several readers");
      for (uint32_t k : by) {
        List both = reads[reader];
        erase(both, i);
        for (uint32_t d : reads[k]) insert(both, d);
        add(cost[reader] + cost[k], List(makes[reader]), std::move(both));
      }
      remove(reader);
      for (uint32_t k : by) remove(k);
    } else {
      for (uint32_t d : reads[maker]) root[d] |= root[i];
      root[i] = 0;
      for (uint32_t k : readers_of) {
        if (kind == 'G') cost[k] += cost[maker];
        read_instead(k, i, reads[maker]);
      }
      remove(maker);
    }
  }

  bool negative_;  // some cost is below zero
  bool cut_ = false;
  Marks taken_candidate_, taken_item_;  // by a part already
  std::unordered_map<uint32_t, Marks> made_without_;
};

}  // namespace egret::certify
