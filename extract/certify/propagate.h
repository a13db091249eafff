// Unit propagation over a growing set of clauses: what makes a clause "RUP", implied because assuming its negation
// runs into a contradiction.  Two watched literals a clause; what follows without assumptions is kept for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace egret::certify {

class Propagator {
 public:
  using Clause = std::vector<int>;
  // Literals are +-variable.  Takes the clause as true.
  void add(Clause clause);
  // Does the clause follow by propagation?
  bool implies(const Clause& clause);
  // Forgets one clause with these literals, if there is one: that can only make fewer clauses follow.
  void drop(Clause clause);
  // The clauses have been refuted.
  bool contradiction() const { return contradiction_; }

 private:
  struct Watch {
    uint32_t clause;
    int other;  // a literal of the clause: where it holds, the clause needs no look
  };

  static size_t index(int literal) { return 2 * static_cast<size_t>(literal < 0 ? -literal : literal) + (literal < 0); }
  int8_t value(int literal) const { return values_[index(literal)]; }
  void grow(const Clause& clause);
  void assign(int literal);
  bool propagate();  // false: a contradiction
  bool visit(int falsified);
  void undo(size_t trail);
  static uint64_t hash(const Clause& clause);

  std::vector<int> arena_;                   // a clause: its size, then its literals; size 0: dropped
  std::vector<int8_t> values_;               // by literal index: 1 true, -1 false
  std::vector<std::vector<Watch>> watches_;  // of the literal that must not become false
  std::vector<int> trail_;
  size_t next_ = 0;
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;
  bool contradiction_ = false;
};

}  // namespace egret::certify
