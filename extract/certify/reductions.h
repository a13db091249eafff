// A problem while it is reduced: each record is checked against what stands, and changes it so that its least cost
// plus `constant` is at most what it was.  Costs may so be lowered, never raised, for nothing: what rounding in a
// solver left over costs a little of the bound and refutes nothing.
#pragma once

#include "extract/certify/instance.h"
#include "extract/certify/part.h"
#include "extract/certify/records.h"

namespace egret::certify {

class Reductions {
 public:
  // From the start an item that a candidate reads is not made by it.
  explicit Reductions(const Instance& instance);
  // What is left of a part: candidates keep their numbers, those in `out` are gone.
  Reductions(const Part& part, const std::vector<uint32_t>& out);

  // U: what cannot start or what no root can come to need is dropped; so are results of that kind.
  // Y i k..: each k can only start when i is made, so it does not make i.
  // D k m: m makes what k makes and reads nothing that is not made before k can start, so m stands for k, at the
  //   difference in cost.
  // Z k: k reads nothing; its results are given and its cost forgotten.
  // R d i: the root i cannot be made without d: d is a root.
  // E d k..: root d can be made without what k makes, so k need not wait for it.
  // F i: its one maker makes it alone; readers of i read what that reads, and its cost is forgotten.
  // G i: its one maker makes it alone, as do its readers one item: they pay for it.
  // H i: its one reader becomes a candidate for each maker, which make it alone.
  // V v i: all makers of i make it alone, as do its readers one item: v of the cost moves from makers to readers.
  // P v i: each maker of the root i, which makes i alone or is the only one, costs v, paid once.
  // S k i..: k is the only maker of a root, always chosen: it becomes a candidate without cost for each i, what it
  // makes. What is gone may be named, to no effect.  New candidates (H, S) are numbered on, in the order of makers and
  // of i.
  Status take(const Record& record);

  // The part of these candidates and items (p, k and i records); refused where others make or need an item of it.
  Status cut(const Record& record, const std::vector<uint32_t>& candidates, const std::vector<uint32_t>& items,
             Part& part);
  // What candidates in no part cost at least: negative costs.
  Exact untaken() const;
  const Exact& constant() const { return constant_; }
  bool negative() const { return negative_; }
  bool stands(uint32_t candidate) const { return alive_[candidate]; }
  uint32_t candidates() const { return static_cast<uint32_t>(alive_.size()); }
  uint32_t items() const { return static_cast<uint32_t>(root_.size()); }

 private:
  using List = std::vector<uint32_t>;
  void add(const Exact& cost, List makes, List reads);
  void remove(uint32_t k);
  void unmake(uint32_t k, uint32_t item);
  void read_instead(uint32_t k, uint32_t item, const List& others);
  void lower_cost(uint32_t k, const Exact& by);
  std::vector<char> makeable(uint32_t without) const;
  bool waits_for(uint32_t k, const std::vector<char>& made) const;
  bool alone(const List& candidates) const;
  bool one_class(const List& candidates) const;
  void drop_useless();
  Status drop_circular(const Record& record, const List& n);
  Status drop_dominated(const Record& record, const List& n);
  Status give(const Record& record, const List& n);
  Status force(const Record& record, const List& n);
  Status cut_edges(const Record& record, const List& n);
  Status fold(const Record& record, const List& n);
  Status split(const Record& record, const List& n);
  Status pay(const Record& record, const List& n);

  bool terms_ = false, negative_ = false;  // some cost is below zero
  std::vector<List> makes_, reads_;        // by candidate, ascending
  std::vector<List> makers_, readers_;     // by item; kept up to date
  std::vector<Exact> cost_;
  std::vector<char> alive_, root_;
  std::vector<char> taken_candidate_, taken_item_;  // by a part already
  Exact constant_;
};

}  // namespace egret::certify
