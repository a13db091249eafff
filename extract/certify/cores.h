// Lower bounds from cores: clauses that every valid choice satisfies, and what they make it pay.
//
// Variables: k + 1, candidate k is chosen; n + i + 1, item i is made (n candidates); outputs of counters from
// n + items + 1.  The clauses that are true from the start are those of core_formula.h in the solver, built here anew;
// the checker follows that "cost >= paid + sum over literals of owed(literal) x literal" holds after every record.
#pragma once

#include <unordered_map>

#include "extract/certify/propagate.h"
#include "extract/certify/system.h"

namespace egret::certify {

class Cores {
 public:
  // The candidates of `out` are in no choice below the claim.
  Cores(const Part& part, const List& out);

  // The records of docs/certificates.md.
  void take(const Record& record);
  bool proved() const { return clauses_.contradiction() || part_.closes(paid_); }

 private:
  struct Counter {
    int left = 0, right = 0;
    size_t size = 1;
    int literal = 0;                // of a leaf
    std::vector<int> outputs = {};  // [k - 1]: at least k of the literals hold
    Exact owed = {};                // by each output beyond the first
  };

  int chosen(uint32_t k) const { return static_cast<int>(k) + 1; }
  int made(uint32_t item) const { return static_cast<int>(part_.candidates() + item) + 1; }
  void add_terms_clauses();
  void add_counter(int node, Counter counter);
  void add_output(Counter& counter);
  void pay_core(const Exact& weight, int node, std::vector<int> core);
  void pay(int literal, const Exact& weight);
  void check_known(const std::vector<int>& literals) const;

  const Part& part_;
  Propagator clauses_;
  std::unordered_map<int, Exact> owed_;
  std::unordered_map<int, Counter> counters_;
  int variables_ = 0;
  Exact paid_;
};

}  // namespace egret::certify
