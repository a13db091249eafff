#include "extract/certify/cores.h"

namespace egret::certify {

Cores::Cores(const Part& part, const List& out)
    : part_(part), variables_(static_cast<int>(part.candidates() + part.items())) {
  for (uint32_t i = 0; i < part_.items(); ++i) {
    if (part_.root[i]) clauses_.add({made(i)});
    std::vector<int> clause{-made(i)};
    for (uint32_t k : part_.makers[i]) {
      clause.push_back(chosen(k));
      clauses_.add({-chosen(k), made(i)});
    }
    clauses_.add(clause);
  }
  for (uint32_t k = 0; k < part_.candidates(); ++k) {
    for (uint32_t item : part_.reads[k]) clauses_.add({-chosen(k), made(item)});
    const Exact& cost = part_.cost[k];
    if (cost.negative()) paid_ += cost;
    if (cost != Exact()) owed_[cost.negative() ? -chosen(k) : chosen(k)] = cost.negative() ? Exact() - cost : cost;
  }
  if (part_.negative()) add_terms_clauses();
  for (uint32_t k : out) clauses_.add({-chosen(k)});
}

// In an e-graph an item has one maker at most, and what is made is a root or read.
void Cores::add_terms_clauses() {
  std::vector<std::vector<int>> readers(part_.items());
  for (uint32_t k = 0; k < part_.candidates(); ++k) {
    for (uint32_t item : part_.reads[k]) readers[item].push_back(chosen(k));
  }
  for (uint32_t i = 0; i < part_.items(); ++i) {
    const List& makers = part_.makers[i];
    for (size_t a = 0; a < makers.size(); ++a) {
      for (size_t b = a + 1; b < makers.size(); ++b) clauses_.add({-chosen(makers[a]), -chosen(makers[b])});
    }
    readers[i].push_back(-made(i));
    if (!part_.root[i]) clauses_.add(readers[i]);
  }
}

void Cores::check_known(const std::vector<int>& literals) const {
  for (int l : literals) need(l != 0 && std::abs(l) <= variables_, "a literal is unknown");
}

void Cores::pay(int literal, const Exact& weight) {
  Exact& owed = owed_[literal];
  owed -= weight;
  if (!owed.negative()) return;
  paid_ += owed;  // more was taken than was owed: the excess is lost, as -|excess| <= -|excess| x literal
  owed = Exact();
}

void Cores::add_counter(int node, Counter counter) {
  need(node >= 1 && counter.size <= 1'000'000'000, "the counter is too large, or its number is none");
  need(counters_.emplace(node, std::move(counter)).second, "the node is there already");
}

// The next output, with the clauses "i of the left and k - i of the right hold, so k of both do", and "k hold, so k - 1
// do".
void Cores::add_output(Counter& counter) {
  const size_t k = counter.outputs.size() + 1;
  const int variable = ++variables_;
  const auto &left = counters_[counter.left].outputs, &right = counters_[counter.right].outputs;
  for (size_t i = k > right.size() ? k - right.size() : 0; i <= std::min(k, left.size()); ++i) {
    std::vector<int> clause{variable};
    if (i > 0) clause.push_back(-left[i - 1]);
    if (k > i) clause.push_back(-right[k - i - 1]);
    clauses_.add(clause);
  }
  if (k > 1) clauses_.add({-variable, counter.outputs.back()});
  counter.outputs.push_back(variable);
  if (k > 1) owed_[variable] += counter.owed;
}

void Cores::pay_core(const Exact& weight, int node, std::vector<int> core) {
  std::sort(core.begin(), core.end());
  check_known(core);
  need(!core.empty() && std::adjacent_find(core.begin(), core.end()) == core.end(), "expected literals, each once");
  need(clauses_.implies(core), "the core does not follow");
  for (int literal : core) pay(literal, weight);
  paid_ += weight;
  clauses_.add(core);
  if (node == 0) return;
  const auto found = counters_.find(node);
  need(found != counters_.end() && found->second.size == core.size(), "the counter is not of this core");
  Counter& counter = found->second;
  need(counter.owed == Exact() && counter.outputs.size() <= (counter.literal != 0 ? 1 : 0), "the counter is in use");
  std::vector<int> leaves, open{node};
  while (!open.empty() && leaves.size() <= core.size()) {
    const Counter& next = counters_[open.back()];
    open.pop_back();
    if (next.literal != 0) {
      leaves.push_back(next.literal);
    } else {
      open.insert(open.end(), {next.left, next.right});
    }
  }
  std::sort(leaves.begin(), leaves.end());
  need(leaves == core, "the counter counts other literals");
  counter.owed = weight;
}

void Cores::take(const Record& record) {
  const auto& n = record.numbers;
  const auto count = [&](size_t expected) { need(n.size() == expected, "it has too few or too many numbers"); };
  const auto counter = [&](int node) -> Counter& {
    const auto found = counters_.find(node);
    need(found != counters_.end(), "no such counter");
    return found->second;
  };
  switch (record.kind) {
    case 'a':
      check_known(n);
      need(clauses_.implies(n), "the clause does not follow by propagation");
      return clauses_.add(n);
    case 'd':
      check_known(n);
      return clauses_.drop(n);
    case 'l': {
      List loop = record.indices(part_.items());
      sort_unique(loop);
      std::vector<int> clause{0};
      for (uint32_t k : part_.leading_in(loop)) clause.push_back(chosen(k));
      for (uint32_t i : loop) {
        clause[0] = -made(i);
        clauses_.add(clause);
      }
      return;
    }
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
      const auto k = static_cast<int>(next.outputs.size()) + 1;
      need(next.literal == 0 && n[1] == k && next.outputs.size() < next.size, "not the counter's next output");
      need(n[2] == variables_ + 1 && variables_ < 1'000'000'000, "not the next variable");
      return add_output(next);
    }
    case 'c':
      need(record.real > 0 && !n.empty(), "expected a weight above 0, a counter and literals");
      return pay_core(Exact(record.real), n[0], {n.begin() + 1, n.end()});
    case 's': {
      const uint32_t item = record.indices(part_.items(), 0, 1)[0];
      need(record.real > 0, "expected a weight above 0");
      for (uint32_t k : part_.makers[item]) pay(chosen(k), Exact(record.real));
      owed_[made(item)] += Exact(record.real);
      return;
    }
    default:  // h
      count(1);
      check_known(n);
      need(owed_.contains(n[0]) && part_.closes(paid_ + owed_[n[0]]), "the literal could still hold");
      return clauses_.add({-n[0]});
  }
}

}  // namespace egret::certify
