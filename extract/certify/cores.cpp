#include "extract/certify/cores.h"

#include <algorithm>

namespace egret::certify {

Cores::Cores(const Part& part) : part_(part), variables_(static_cast<int>(part.candidates() + part.items())) {
  start();
}

void Cores::start() {
  std::vector<int> clause;
  for (uint32_t i = 0; i < part_.items(); ++i) {
    if (part_.root[i]) clauses_.add(std::vector<int>{made(i)});
    clause = {-made(i)};
    for (uint32_t k : part_.makers[i]) {
      clause.push_back(chosen(k));
      clauses_.add(std::vector<int>{-chosen(k), made(i)});
    }
    clauses_.add(clause);
  }
  for (uint32_t k = 0; k < part_.candidates(); ++k) {
    for (uint32_t item : part_.reads[k]) clauses_.add(std::vector<int>{-chosen(k), made(item)});
    const Exact& cost = part_.cost[k];
    if (cost.negative()) {
      paid_ += cost;
      owed_[-chosen(k)] = Exact() - cost;
    } else if (cost != Exact()) {
      owed_[chosen(k)] = cost;
    }
  }
  if (part_.negative()) add_terms_clauses();
}

// In an e-graph an item has one maker at most, and what is made is a root or read.
void Cores::add_terms_clauses() {
  std::vector<std::vector<int>> readers(part_.items());
  for (uint32_t k = 0; k < part_.candidates(); ++k) {
    for (uint32_t item : part_.reads[k]) readers[item].push_back(chosen(k));
  }
  for (uint32_t i = 0; i < part_.items(); ++i) {
    const auto& makers = part_.makers[i];
    for (size_t a = 0; a < makers.size(); ++a) {
      for (size_t b = a + 1; b < makers.size(); ++b)
        clauses_.add(std::vector<int>{-chosen(makers[a]), -chosen(makers[b])});
    }
    if (part_.root[i]) continue;
    readers[i].push_back(-made(i));
    clauses_.add(readers[i]);
  }
}

void Cores::out(uint32_t candidate) { clauses_.add(std::vector<int>{-chosen(candidate)}); }

bool Cores::known(std::span<const int> literals) const {
  return std::all_of(literals.begin(), literals.end(), [&](int l) { return l != 0 && std::abs(l) <= variables_; });
}

void Cores::pay(int literal, const Exact& weight) {
  Exact& owed = owed_[literal];
  owed -= weight;
  if (!owed.negative()) return;
  paid_ += owed;  // more was taken than was owed: the excess is lost, as -|excess| <= -|excess| x literal
  owed = Exact();
}

Status Cores::add_loop(const Record& record) {
  std::vector<uint32_t> loop;
  if (!indices(record, 0, part_.items(), loop)) return refused(record, "an item is out of range");
  std::sort(loop.begin(), loop.end());
  std::vector<int> clause;
  for (uint32_t i : loop) {
    for (uint32_t k : part_.makers[i]) {
      const bool inside = std::any_of(part_.reads[k].begin(), part_.reads[k].end(),
                                      [&](uint32_t d) { return std::binary_search(loop.begin(), loop.end(), d); });
      if (!inside) clause.push_back(chosen(k));
    }
  }
  for (uint32_t i : loop) {
    clause.push_back(-made(i));
    clauses_.add(clause);
    clause.pop_back();
  }
  return {};
}

Status Cores::add_counter(const Record& record) {
  const auto& n = record.numbers;
  Counter counter;
  if (record.kind == 'n') {
    if (n.size() != 2 || !known({&n[1], 1})) return refused(record, "expected a node and a literal");
    counter.literal = n[1];
    counter.outputs = {n[1]};
  } else {
    if (n.size() != 3 || !counters_.contains(n[1]) || !counters_.contains(n[2]))
      return refused(record, "expected three nodes");
    counter.left = static_cast<uint32_t>(n[1]);
    counter.right = static_cast<uint32_t>(n[2]);
    const uint64_t size = uint64_t{counters_[n[1]].size} + counters_[n[2]].size;
    if (size > 1'000'000'000) return refused(record, "the counter is too large");
    counter.size = static_cast<uint32_t>(size);
  }
  if (n[0] < 1 || !counters_.emplace(n[0], std::move(counter)).second)
    return refused(record, "the node is there already");
  return {};
}

// The clauses "i of the left and k - i of the right hold, so k of both do", and "k hold, so k - 1 do".
Status Cores::add_output(const Record& record) {
  const auto& n = record.numbers;
  if (n.size() != 3 || !counters_.contains(n[0])) return refused(record, "expected a counter, a number and a variable");
  Counter& counter = counters_[n[0]];
  const size_t k = counter.outputs.size() + 1;
  if (counter.literal != 0 || n[1] != static_cast<int>(k) || k > counter.size)
    return refused(record, "not the counter's next output");
  if (n[2] != variables_ + 1 || variables_ >= 1'000'000'000) return refused(record, "not the next variable");
  const int variable = ++variables_;
  const auto& left = counters_[static_cast<int>(counter.left)].outputs;
  const auto& right = counters_[static_cast<int>(counter.right)].outputs;
  for (size_t i = k > right.size() ? k - right.size() : 0; i <= std::min(k, left.size()); ++i) {
    std::vector<int> clause{variable};
    if (i > 0) clause.push_back(-left[i - 1]);
    if (k > i) clause.push_back(-right[k - i - 1]);
    clauses_.add(clause);
  }
  if (k > 1) clauses_.add(std::vector<int>{-variable, counter.outputs.back()});
  counter.outputs.push_back(variable);
  if (k > 1) owed_[variable] += counter.owed;
  return {};
}

Status Cores::pay_core(const Record& record) {
  if (!(record.real > 0) || record.numbers.empty())
    return refused(record, "expected a weight above 0, a counter and literals");
  const int node = record.numbers[0];
  std::vector<int> core(record.numbers.begin() + 1, record.numbers.end());
  std::sort(core.begin(), core.end());
  if (core.empty() || std::adjacent_find(core.begin(), core.end()) != core.end() || !known(core)) {
    return refused(record, "expected literals, each once");
  }
  if (!clauses_.implies(core)) return refused(record, "the core does not follow");
  const Exact weight(record.real);
  for (int literal : core) pay(literal, weight);
  paid_ += weight;
  clauses_.add(core);
  if (node == 0) return {};
  const auto found = counters_.find(node);
  if (found == counters_.end() || found->second.size != core.size())
    return refused(record, "the counter is not of this core");
  Counter& counter = found->second;
  if (counter.owed != Exact() || counter.outputs.size() > (counter.literal != 0 ? 1 : 0))
    return refused(record, "the counter is in use");
  std::vector<int> leaves;
  std::vector<uint32_t> open{static_cast<uint32_t>(node)};
  while (!open.empty() && leaves.size() <= core.size()) {
    const Counter& next = counters_[static_cast<int>(open.back())];
    open.pop_back();
    if (next.literal != 0) {
      leaves.push_back(next.literal);
    } else {
      open.push_back(next.left);
      open.push_back(next.right);
    }
  }
  std::sort(leaves.begin(), leaves.end());
  if (leaves != core) return refused(record, "the counter counts other literals");
  counter.owed = weight;
  return {};
}

Status Cores::take(const Record& record) {
  const auto& n = record.numbers;
  switch (record.kind) {
    case 'a':
      if (!known(n)) return refused(record, "a literal is unknown");
      if (!clauses_.implies(n)) return refused(record, "the clause does not follow by propagation");
      clauses_.add(n);
      return {};
    case 'd':
      if (known(n)) clauses_.drop(n);
      return {};
    case 'l':
      return add_loop(record);
    case 'n':
    case 'm':
      return add_counter(record);
    case 'o':
      return add_output(record);
    case 'c':
      return pay_core(record);
    case 's': {
      std::vector<uint32_t> item;
      if (!indices(record, 0, part_.items(), item) || item.size() != 1 || !(record.real > 0))
        return refused(record, "expected an item");
      const Exact weight(record.real);
      for (uint32_t k : part_.makers[item[0]]) pay(chosen(k), weight);
      owed_[made(item[0])] += weight;
      return {};
    }
    default:
      break;  // h
  }
  if (n.size() != 1 || !known(n)) return refused(record, "expected a literal");
  const auto owed = owed_.find(n[0]);
  if (owed == owed_.end() || !part_.closes(paid_ + owed->second))
    return refused(record, "the literal could still hold");
  clauses_.add(std::vector<int>{-n[0]});
  return {};
}

}  // namespace egret::certify
