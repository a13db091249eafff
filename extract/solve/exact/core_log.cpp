#include "extract/solve/exact/core_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/hash.h"

namespace egret::extract {
namespace {

uint64_t hash_of(std::span<const int> clause) {
  std::vector<int> sorted(clause.begin(), clause.end());
  std::sort(sorted.begin(), sorted.end());
  return hash_bytes(sorted.data(), sorted.size() * sizeof(int));
}

}  // namespace

void CoreLog::add(std::span<const int> clause) {
  added_.emplace(hash_of(clause), count_++);
  line('a', clause);
}

void CoreLog::drop(std::span<const int> clause) {
  const auto found = added_.find(hash_of(clause));
  if (found == added_.end()) return;
  fmt::format_to(std::back_inserter(text_), "d {}\n", found->second);
  added_.erase(found);
}

void CoreLog::line(char kind, std::span<const int> literals) {
  text_ += kind;
  for (int literal : literals) fmt::format_to(std::back_inserter(text_), " {}", literal);
  text_ += '\n';
}

void CoreLog::loop(std::span<const uint32_t> items) {
  text_ += 'l';
  for (uint32_t item : items) fmt::format_to(std::back_inserter(text_), " {}", item);
  text_ += '\n';
}

void CoreLog::shift(uint32_t item, double weight) {
  fmt::format_to(std::back_inserter(text_), "s {} {}\n", weight, item);
}

void CoreLog::leaf(uint32_t node, int literal) {
  fmt::format_to(std::back_inserter(text_), "n {} {}\n", node, literal);
}

void CoreLog::merge(uint32_t node, uint32_t left, uint32_t right) {
  fmt::format_to(std::back_inserter(text_), "m {} {} {}\n", node, left, right);
}

void CoreLog::output(uint32_t node, uint32_t k, int variable) {
  fmt::format_to(std::back_inserter(text_), "o {} {} {}\n", node, k, variable);
}

void CoreLog::core(double weight, uint32_t node, std::span<const int> literals) {
  fmt::format_to(std::back_inserter(text_), "c {} {}", weight, node);
  for (int literal : literals) fmt::format_to(std::back_inserter(text_), " {}", literal);
  text_ += '\n';
}

void CoreLog::harden(int literal) { fmt::format_to(std::back_inserter(text_), "h {}\n", literal); }

}  // namespace egret::extract
