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
  Cores(const Part& part, const List& out) : part_(part), clauses_(part.candidates() + part.items()) {
    for (uint32_t k = 0; k < part_.candidates(); ++k) {
      for (uint32_t item : part_.makes[k]) clauses_.add({-chosen(k), made(item)});
      for (uint32_t item : part_.reads[k]) clauses_.add({-chosen(k), made(item)});
      const Exact& cost = part_.cost[k];
      if (cost.negative()) paid_ += cost;
      if (cost != Exact()) owed_[cost.negative() ? -chosen(k) : chosen(k)] = cost.negative() ? Exact() - cost : cost;
    }
    const bool one_maker = part_.negative();  // an e-graph: one maker an item at most, and what is made is a root or read
    for (uint32_t i = 0; i < part_.items(); ++i) {
      const List& makers = part_.makers[i];
      if (part_.root[i]) clauses_.add({made(i)});
      add_choice({-made(i)}, makers);
      if (one_maker && !part_.root[i]) add_choice({-made(i)}, part_.readers[i]);
      for (size_t a = 0; one_maker && a < makers.size(); ++a) {
        for (size_t b = a + 1; b < makers.size(); ++b) clauses_.add({-chosen(makers[a]), -chosen(makers[b])});
      }
    }
    for (uint32_t k : out) clauses_.add({-chosen(k)});
  }

  // The records of docs/certificates.md.
  void take(const Record& record) {
    const auto& n = record.numbers;
    const auto count = [&](size_t expected) { need(n.size() == expected, "it has too few or too many numbers"); };
    switch (record.kind) {
      case 'a':
        check_known(n);
        need(clauses_.implies(n), "the clause does not follow by propagation");
        return learned_.push_back(clauses_.add(n));
      case 'd':
        return clauses_.drop(learned_[record.indices(static_cast<uint32_t>(learned_.size()), 0, 1)[0]]);
      case 'l':
        return add_loop(record.indices(part_.items()));
      case 'n':
        count(2);
        check_known({n[1]});
        return add_counter(n[0], {.literal = n[1], .outputs = {n[1]}});
      case 'm':
        count(3);
        return add_counter(n[0], {.left = n[1], .right = n[2], .size = counter(n[1]).size + counter(n[2]).size});
      case 'o': {
        count(3);
        Counter& next = counter(n[0]);
        const size_t outputs = next.outputs.size();
        need(next.literal == 0 && outputs < next.size && n[1] == static_cast<int>(outputs) + 1, "not the counter's next output");
        need(n[2] == clauses_.variables() + 1, "not the next variable");
        return add_output(next);
      }
      case 'c':
        need(record.real > 0 && !n.empty(), "expected a weight above 0, a counter and literals");
        return pay_core(Exact(record.real), n[0], {n.begin() + 1, n.end()});
      case 's': {
        const uint32_t item = record.indices(part_.items(), 0, 1)[0];
        need(record.real > 0, "expected a weight above 0");
        for (uint32_t k : part_.makers[item]) pay(chosen(k), Exact(record.real));
        return void(owed_[made(item)] += Exact(record.real));
      }
      default:  // h
        check_known(n);
        count(1);
        need(owed_.contains(n[0]) && part_.closes(paid_ + owed_[n[0]]), "the literal could still hold");
        clauses_.add({-n[0]});
    }
  }
  bool proved() const { return clauses_.contradiction() || part_.closes(paid_); }

 private:
  using Clause = Propagator::Clause;
  struct Counter {
    int left = 0, right = 0;
    size_t size = 1;
    int literal = 0;      // of a leaf
    Clause outputs = {};  // [k - 1]: at least k of the literals hold
    Exact owed = {};      // by each output beyond the first
  };

  int chosen(uint32_t k) const { return static_cast<int>(k) + 1; }
  int made(uint32_t item) const { return static_cast<int>(part_.candidates() + item) + 1; }
  // The clause, or one of the candidates is chosen.
  void add_choice(Clause clause, const List& candidates) {
    for (uint32_t k : candidates) clause.push_back(chosen(k));
    clauses_.add(std::move(clause));
  }
  Counter& counter(int node) {
    const auto found = counters_.find(node);
    need(found != counters_.end(), "no such counter");
    return found->second;
  }
  void add_counter(int node, Counter counter) {
    need(node >= 1 && counter.size <= 1'000'000'000, "the counter is too large, or its number is none");
    need(counters_.emplace(node, std::move(counter)).second, "the node is there already");
  }
  // The next output, with the clauses "i of the left and k - i of the right hold, so k of both do", and "k hold, so k - 1
  // do".
  void add_output(Counter& counter) {
    const size_t k = counter.outputs.size() + 1;
    const int variable = clauses_.add_variable();
    const auto &left = counters_[counter.left].outputs, &right = counters_[counter.right].outputs;
    for (size_t i = k > right.size() ? k - right.size() : 0; i <= std::min(k, left.size()); ++i) {
      Clause clause{variable};
      if (i > 0) clause.push_back(-left[i - 1]);
      if (k > i) clause.push_back(-right[k - i - 1]);
      clauses_.add(clause);
    }
    if (k > 1) clauses_.add({-variable, counter.outputs.back()});
    counter.outputs.push_back(variable);
    if (k > 1) owed_[variable] += counter.owed;
  }
  void add_loop(List loop) {
    sort_unique(loop);
    const List leading = part_.leading_in(loop);
    for (uint32_t i : loop) add_choice({-made(i)}, leading);
  }
  void pay_core(const Exact& weight, int node, Clause core) {
    std::sort(core.begin(), core.end());
    check_known(core);
    need(!core.empty() && std::adjacent_find(core.begin(), core.end()) == core.end(), "expected literals, each once");
    need(clauses_.implies(core), "the core does not follow");
    for (int literal : core) pay(literal, weight);
    paid_ += weight;
    clauses_.add(core);
    if (node == 0) return;
    Counter& of_core = counter(node);
    need(of_core.owed == Exact() && of_core.outputs.size() <= (of_core.literal != 0 ? 1 : 0), "the counter is in use");
    Clause leaves, open{node};
    while (!open.empty() && leaves.size() <= core.size()) {
      const Counter& next = counters_[open.back()];
      open.pop_back();
      if (next.literal != 0) leaves.push_back(next.literal);
      if (next.literal == 0) open.insert(open.end(), {next.left, next.right});
    }
    std::sort(leaves.begin(), leaves.end());
    need(leaves == core, "the counter counts other literals");
    of_core.owed = weight;
  }
  void pay(int literal, const Exact& weight) {
    Exact& owed = owed_[literal];
    owed -= weight;
    if (!owed.negative()) return;
    paid_ += owed;  // more was taken than was owed: the excess is lost, as -|excess| <= -|excess| x literal
    owed = Exact();
  }
  void check_known(const Clause& literals) const {
    for (int l : literals) need(l != 0 && std::abs(l) <= clauses_.variables(), "a literal is unknown");
  }

  const Part& part_;
  Propagator clauses_;
  std::vector<size_t> learned_;  // places of the clauses of `a`
  std::unordered_map<int, Exact> owed_;
  std::unordered_map<int, Counter> counters_;
  Exact paid_;
};

}  // namespace egret::certify
