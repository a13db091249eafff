#include "extract/certify/reductions.h"

namespace egret::certify {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

void erase(List& sorted, uint32_t x) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), x);
  if (at != sorted.end() && *at == x) sorted.erase(at);
}

void insert(List& sorted, uint32_t x) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), x);
  if (at == sorted.end() || *at != x) sorted.insert(at, x);
}

}  // namespace

Reductions::Reductions(const System& from, const List& out)
    : terms_(from.terms), makers_(from.items()), readers_(from.items()), root_(from.root) {
  for (uint32_t k = 0; k < from.candidates(); ++k) add(from.cost[k], from.makes[k], from.reads[k]);
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
  for (uint32_t d : others) insert(reads_[k], d), insert(readers_[d], k);
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

Exact Reductions::outside() const {
  Exact sum = constant_;
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
    if ((missing[k] = reads_[k].size()) == 0) run(k);
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

// Items that making those of `from` may come to need; sets `used`, if not null, for the candidates that may.
std::vector<char> Reductions::below(List from, std::vector<char>* used) const {
  std::vector<char> out(items(), 0);
  for (uint32_t i : from) out[i] = 1;
  while (!from.empty()) {
    const uint32_t item = from.back();
    from.pop_back();
    for (uint32_t k : makers_[item]) {
      if (used) (*used)[k] = 1;
      for (uint32_t d : reads_[k]) {
        if (!out[d]) out[d] = 1, from.push_back(d);
      }
    }
  }
  return out;
}

bool Reductions::waits_for(uint32_t k, const std::vector<char>& made) const {
  return std::any_of(reads_[k].begin(), reads_[k].end(), [&](uint32_t d) { return !made[d]; });
}

bool Reductions::alone(const List& list) const {
  return std::all_of(list.begin(), list.end(), [&](uint32_t k) { return makes_[k].size() == 1; });
}

void Reductions::drop_useless() {
  const auto made = makeable(kNone);
  List roots;
  for (uint32_t i = 0; i < items(); ++i) {
    if (root_[i]) roots.push_back(i);
  }
  std::vector<char> used(candidates(), 0);
  for (uint32_t k = 0; k < candidates(); ++k) {
    if (alive_[k] && waits_for(k, made)) remove(k);
  }
  const auto wanted = below(roots, &used);
  negative_ = false;
  for (uint32_t k = 0; k < candidates(); ++k) {
    if (!used[k]) remove(k);
    negative_ |= alive_[k] && cost_[k].negative();
    for (uint32_t item : List(makes_[k])) {
      if (!wanted[item]) unmake(k, item);
    }
  }
}

void Reductions::drop_dominated(uint32_t k, uint32_t m) {
  if (!alive_[k]) return;
  need(k != m && alive_[m], "the other is gone");
  need(std::includes(makes_[m].begin(), makes_[m].end(), makes_[k].begin(), makes_[k].end()), "the other makes less");
  for (uint32_t d : reads_[m]) need(holds(reads_[k], d) || waits_for(k, makeable(d)), "the other reads more");
  if (cost_[m] > cost_[k]) constant_ -= cost_[m] - cost_[k];
  remove(k);
}

// F, G, H and V.
void Reductions::fold(char kind, uint32_t i, double amount) {
  const List makers = makers_[i], readers = readers_[i];
  need(!makers.empty() && alone(makers), "its makers make other items too");
  need(kind == 'H' || kind == 'V' || makers.size() == 1, "its makers are several");
  if (kind != 'F') {
    const bool one_class = std::all_of(readers.begin(), readers.end(), [&](uint32_t k) { return makes_[k] == makes_[readers[0]]; });
    need(!root_[i] && !readers.empty() && alone(readers) && one_class, "it is a root, or several of its readers may be chosen");
  }
  if (kind == 'V') {
    for (uint32_t k : makers) lower_cost(k, Exact(amount));
    for (uint32_t k : readers) cost_[k] += Exact(amount);
    return;
  }
  if (kind == 'H') {
    need(readers.size() == 1, "it has several readers");
    const List makes = makes_[readers[0]], reads = reads_[readers[0]];
    for (uint32_t k : makers) {
      List both = reads;
      erase(both, i);
      for (uint32_t d : reads_[k]) insert(both, d);
      add(cost_[readers[0]] + cost_[k], makes, std::move(both));
    }
    remove(readers[0]);
    for (uint32_t k : makers) remove(k);
    return;
  }
  const List inherited = reads_[makers[0]];
  for (uint32_t d : inherited) root_[d] |= root_[i];
  root_[i] = 0;
  for (uint32_t k : readers) {
    if (kind == 'G') cost_[k] += cost_[makers[0]];
    read_instead(k, i, inherited);
  }
  remove(makers[0]);
}

void Reductions::take(const Record& record) {
  need(!negative_ || terms_, "negative costs are for e-graphs alone");
  need(!negative_ || record.kind == 'U', "this reduction needs costs that are not negative");
  need(record.real >= 0, "a cost is negative");
  if (record.kind == 'U') return drop_useless();
  const bool names_candidate = record.kind == 'D' || record.kind == 'Z' || record.kind == 'S';
  const uint32_t first = record.first(names_candidate ? candidates() : items());
  switch (record.kind) {
    case 'Y': {
      const auto made = makeable(first);
      const List list = record.indices(candidates(), 1);
      for (uint32_t k : list) need(!alive_[k] || waits_for(k, made), "a candidate can start without the item");
      for (uint32_t k : list) unmake(k, first);
      return;
    }
    case 'D':
      return drop_dominated(first, record.indices(candidates(), 1, 1)[0]);
    case 'Z':
      need(reads_[first].empty(), "the candidate reads something");
      for (uint32_t item : List(makes_[first])) {
        root_[item] = 0;
        for (uint32_t k : List(readers_[item])) read_instead(k, item, {});
        for (uint32_t k : List(makers_[item])) unmake(k, item);
      }
      return;
    case 'R': {
      const uint32_t reason = record.indices(items(), 1, 1)[0];
      if (root_[first]) return;
      const List& makers = makers_[reason];
      const bool all_read = std::all_of(makers.begin(), makers.end(), [&](uint32_t k) { return holds(reads_[k], first); });
      need(root_[reason] && (all_read || !makeable(first)[reason]), "the reason is no root, or can be made without the item");
      root_[first] = 1;
      return;
    }
    case 'E': {
      need(root_[first], "the item is no root");
      const auto needed = below({first}, nullptr);
      const List list = record.indices(candidates(), 1);
      for (uint32_t k : list) {
        need(std::none_of(makes_[k].begin(), makes_[k].end(), [&](uint32_t i) { return needed[i]; }),
             "the root may need what a candidate makes");
      }
      for (uint32_t k : list) read_instead(k, first, {});
      return;
    }
    case 'S': {
      const List makes = makes_[first], reads = reads_[first];
      need(makes == record.indices(items(), 1), "the candidate makes other items");
      need(std::any_of(makes.begin(), makes.end(), [&](uint32_t i) { return root_[i] && makers_[i].size() == 1; }),
           "the candidate is not always chosen");
      remove(first);
      for (uint32_t i : makes) add(Exact(), {i}, reads);
      return;
    }
    case 'P':
      need(root_[first] && (makers_[first].size() == 1 || alone(makers_[first])), "no root, or its makers make other items too");
      for (uint32_t k : makers_[first]) lower_cost(k, Exact(record.real));
      constant_ += Exact(record.real);
      return;
    default:
      fold(record.kind, first, record.real);
  }
}

Part Reductions::cut(const List& candidates, const List& items) {
  taken_candidate_.resize(alive_.size(), 0);
  taken_item_.resize(root_.size(), 0);
  List candidate_at(alive_.size(), kNone), item_at(root_.size(), kNone);
  for (uint32_t p = 0; p < candidates.size(); ++p) {
    need(alive_[candidates[p]] && !taken_candidate_[candidates[p]], "a candidate is gone, or in two parts");
    taken_candidate_[candidates[p]] = 1;
    candidate_at[candidates[p]] = p;
  }
  for (uint32_t p = 0; p < items.size(); ++p) {
    need(!taken_item_[items[p]], "an item is in two parts");
    taken_item_[items[p]] = 1;
    item_at[items[p]] = p;
  }
  const auto inside = [](const List& from, const List& at) {
    List to;
    for (uint32_t x : from) to.push_back(at[x]);
    std::sort(to.begin(), to.end());
    need(to.empty() || to.back() != kNone, "a maker or an item of the part is not in it");
    return to;
  };
  Part part;
  part.terms = terms_;
  for (uint32_t i : items) {
    part.root.push_back(root_[i]);
    part.makers.push_back(inside(makers_[i], candidate_at));
  }
  for (uint32_t k : candidates) {
    part.cost.push_back(cost_[k]);
    part.makes.push_back(inside(makes_[k], item_at));
    part.reads.push_back(inside(reads_[k], item_at));
  }
  return part;
}

}  // namespace egret::certify
