// Lower bounds from prices, and trees of cases each with its own: the dual of the linear program of extraction.  Rows,
// each true of some optimal choice x, and p(k) the sum of the prices in k's column:
//   u v L..:    what makes something of L, which holds a root, and reads nothing of L:  sum >= 1        (x v)
//   w v k L..:  the same, where k reads something of L:  sum >= x(k)
// The bound is the sum of u + sum of (cost - p) over what is in - sum of max(0, p - cost) over what is open.
#pragma once

#include "extract/certify/system.h"

namespace egret::certify {

class Prices {
 public:
  explicit Prices(const Part& part);

  // Rows; K k..: k costs too much by the prices so far, so it is out; f: the prices prove this case; B k: the cases "k
  // is out" and, from /, "k is in"; ^: both are proved, so is what stood before; q: the prices are forgotten.
  void take(const Record& record);
  bool proved() const { return proved_ && cases_.empty(); }
  // Candidates out in every case, as found by K outside of all cases.
  const List& out_for_good() const { return out_for_good_; }

 private:
  enum class State : char { kOpen, kOut, kIn };
  struct Case {
    uint32_t candidate = 0;
    bool second = false;                             // it is in
    std::vector<std::pair<uint32_t, State>> before;  // what this case changed
  };
  Exact bound() const;
  void add_row(const Record& record);
  void drop(const List& list);
  void close_case(bool last);
  void set(uint32_t k, State state);
  void forget();

  const Part& part_;
  std::vector<Exact> left_;  // by candidate: its cost less its price
  Exact total_;              // of u
  std::vector<State> state_;
  std::vector<Case> cases_;
  List out_for_good_;
  bool proved_ = false, priced_ = false;
};

}  // namespace egret::certify
