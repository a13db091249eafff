// The proof that core-guided search writes as it goes: a text, a line a record (docs/certificates.md).  It speaks of
// the variables of core_formula.h and of nothing else, so that a checker can follow it with the hypergraph alone.
#pragma once

#include <string>
#include <unordered_map>

#include "extract/solve/exact/sat.h"

namespace egret::extract {

class CoreLog : public ClauseLog {
 public:
  const std::string& text() const { return text_; }

  void add(std::span<const int> clause) override;
  // Of what was added; the formula's own clauses stay, which costs the checker time and nothing else.
  void drop(std::span<const int> clause) override;
  // The loop clause of `items` for each of them.
  void loop(std::span<const uint32_t> items);
  // `weight` moves from each producer of `item` to the item itself.
  void shift(uint32_t item, double weight);
  // Counters: a literal, the sum of two, and the variable that says "at least k of its literals hold".
  void leaf(uint32_t node, int literal);
  void merge(uint32_t node, uint32_t left, uint32_t right);
  void output(uint32_t node, uint32_t k, int variable);
  // At least one of `literals` holds, so `weight` is paid; `node` counts them, each further one pays `weight` again.
  void core(double weight, uint32_t node, std::span<const int> literals);
  // Paying for `literal` would pass the upper bound.
  void harden(int literal);

 private:
  void line(char kind, std::span<const int> literals);
  std::string text_;
  std::unordered_multimap<uint64_t, uint32_t> added_;  // by a hash of the sorted literals: the how-manieth
  uint32_t count_ = 0;
};

}  // namespace egret::extract
