// Lower bounds from cores: clauses that every valid choice satisfies, and what they make it pay.
//
// Variables: k + 1, candidate k is chosen; n + i + 1, item i is made (n candidates); outputs of counters from
// n + items + 1.  The clauses that are true from the start are those of core_formula.h in the solver, built here anew;
// the checker follows that "cost >= paid + sum over literals of owed(literal) x literal" holds after every record.
#pragma once

#include <memory>
#include <unordered_map>

#include "extract/certify/part.h"
#include "extract/certify/propagate.h"
#include "extract/certify/records.h"

namespace egret::certify {

class Cores {
 public:
  explicit Cores(const Part& part);

  // a clause: it follows by propagation.  d clause: forgotten.  l items: the loop clauses of the set.  s w item: w of
  // what each maker owes is owed by the item.  n node literal; m node node node; o node k variable: counters.
  // c w node clause: it follows, so w is paid; the counter of exactly its literals owes w for each beyond the first.
  // h literal: it owes too much to hold in a choice below the claim.
  Status take(const Record& record);
  void out(uint32_t candidate);  // it is in no choice below the claim
  bool proved() const { return clauses_.contradiction() || part_.closes(paid_); }

 private:
  struct Counter {
    uint32_t left = 0, right = 0, size = 1;
    int literal = 0;           // of a leaf
    std::vector<int> outputs;  // [k - 1]: at least k of the literals hold
    Exact owed;                // by each output beyond the first
  };

  int chosen(uint32_t k) const { return static_cast<int>(k) + 1; }
  int made(uint32_t item) const { return static_cast<int>(part_.candidates() + item) + 1; }
  void start();
  void add_terms_clauses();
  Status add_loop(const Record& record);
  Status add_counter(const Record& record);
  Status add_output(const Record& record);
  Status pay_core(const Record& record);
  void pay(int literal, const Exact& weight);
  bool known(std::span<const int> literals) const;

  const Part& part_;
  Propagator clauses_;
  std::unordered_map<int, Exact> owed_;
  std::unordered_map<int, Counter> counters_;
  int variables_ = 0;
  Exact paid_;
};

}  // namespace egret::certify
