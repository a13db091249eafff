// A problem while it is reduced: each record is checked against what stands, and changes it so that its least cost
// plus `constant` is at most what it was.  Costs may so be lowered, never raised, for nothing: what rounding in a
// solver left over costs a little of the bound and refutes nothing.
#pragma once

#include "extract/certify/system.h"

namespace egret::certify {

class Reductions {
 public:
  // From the start an item that a candidate reads is not made by it.  Candidates in `out` are gone.
  explicit Reductions(const System& from, const List& out = {});

  // The records of docs/certificates.md.  What is gone may be named, to no effect.  New candidates (H, S) are numbered
  // on, in the order of makers and of items.
  void take(const Record& record);

  // The part of these candidates and items; refused where others make or need an item of it.
  Part cut(const List& candidates, const List& items);
  // What is paid whatever is chosen, and what candidates in no part cost at least: negative costs.
  Exact outside() const;
  uint32_t candidates() const { return static_cast<uint32_t>(alive_.size()); }
  uint32_t items() const { return static_cast<uint32_t>(root_.size()); }

 private:
  void add(const Exact& cost, List makes, List reads);
  void remove(uint32_t k);
  void unmake(uint32_t k, uint32_t item);
  void read_instead(uint32_t k, uint32_t item, const List& others);
  void lower_cost(uint32_t k, const Exact& by);
  std::vector<char> makeable(uint32_t without) const;
  std::vector<char> below(List from, std::vector<char>* used) const;
  bool waits_for(uint32_t k, const std::vector<char>& made) const;
  bool alone(const List& candidates) const;
  void drop_useless();
  void drop_dominated(uint32_t k, uint32_t m);
  void fold(char kind, uint32_t item, double amount);

  bool terms_ = false, negative_ = false;  // some cost is below zero
  std::vector<List> makes_, reads_;        // by candidate, ascending
  std::vector<List> makers_, readers_;     // by item; kept up to date
  std::vector<Exact> cost_;
  std::vector<char> alive_, root_;
  std::vector<char> taken_candidate_, taken_item_;  // by a part already
  Exact constant_;
};

}  // namespace egret::certify
