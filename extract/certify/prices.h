// Lower bounds from prices, and trees of cases each with its own: the dual of the linear program of extraction
// (tools/check_extraction.py has the same rows for e-graphs).  Every row below holds for some optimal choice x:
//   r v i:       what makes root i:  sum >= 1                                              (x v)
//   e v c d:     makers of d  >=  makers of c that read d; c has one chosen maker at most
//   b v k d:     makers of d  >=  k, which reads d
//   u v L..:     what makes something of L, which holds a root, and reads nothing of it:  sum >= 1
//   g v r L..:   what makes something of L and reads nothing of it  >=  makers of r in L; r has one at most
// p(k) is the sum of the prices in k's column.  The bound is the sum of r and u + sum of (cost - p) over what is in -
// sum of max(0, p - cost) over what is open.
#pragma once

#include "extract/certify/part.h"
#include "extract/certify/records.h"

namespace egret::certify {

class Prices {
 public:
  explicit Prices(const Part& part);

  // r, e, b, u, g; K k..: k costs too much by the prices so far, so it is out; f: the prices prove this case;
  // B k: the cases "k is out" and, from /, "k is in"; C i k..: the cases "all these are out" and, from /, "no other
  // maker of i is in"; ^: both cases are proved, so is what stood before; q: the prices are forgotten.
  Status take(const Record& record);
  bool proved() const { return proved_ && cases_.empty(); }
  // Candidates out in every case, as found by K outside of all cases.
  const std::vector<uint32_t>& out_for_good() const { return out_for_good_; }
  Exact bound() const;

 private:
  enum class State : char { kOpen, kOut, kIn };
  struct Case {
    std::vector<uint32_t> first, second;  // out in the first case; in the second (B: none, `candidate` is in)
    int candidate = -1;
    bool second_open = false;
    std::vector<std::pair<uint32_t, State>> before;  // what this case changed
  };
  Exact price(uint32_t k) const;
  Status add_row(const Record& record);
  Status add_set_row(const Record& record);
  Status drop(const Record& record);
  Status split(const Record& record);
  Status close_case(const Record& record);
  void set(uint32_t k, State state);
  void forget();

  const Part& part_;
  std::vector<Exact> income_, extra_;  // by item, by candidate
  Exact total_;
  std::vector<State> state_;
  std::vector<Case> cases_;
  std::vector<uint32_t> out_for_good_;
  bool proved_ = false, priced_ = false;
};

}  // namespace egret::certify
