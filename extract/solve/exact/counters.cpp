#include "extract/solve/exact/counters.h"

#include <algorithm>

namespace egret::extract {

uint32_t Counters::add(Node node) {
  nodes_.push_back(std::move(node));
  return static_cast<uint32_t>(nodes_.size() - 1);
}

uint32_t Counters::build(std::span<const int> literals) {
  if (literals.size() == 1) {
    const uint32_t leaf = add({0, 0, 1, {literals[0]}});
    if (log_) log_->leaf(leaf, literals[0]);
    return leaf;
  }
  const size_t half = literals.size() / 2;
  const uint32_t left = build(literals.first(half)), right = build(literals.subspan(half));
  const uint32_t node = add({left, right, static_cast<uint32_t>(literals.size()), {}});
  if (log_) log_->merge(node, left, right);
  return node;
}

int Counters::output(uint32_t node, uint32_t k) {
  while (nodes_[node].outputs.size() < k) {
    const uint32_t n = static_cast<uint32_t>(nodes_[node].outputs.size()) + 1;
    const uint32_t left = nodes_[node].left, right = nodes_[node].right;
    output(left, std::min(n, size(left)));
    output(right, std::min(n, size(right)));
    const int variable = next_++;
    if (log_) log_->output(node, n, variable);
    const auto& a = nodes_[left].outputs;
    const auto& b = nodes_[right].outputs;
    for (uint32_t i = 0; i <= std::min<size_t>(n, a.size()); ++i) {
      const uint32_t j = n - i;
      if (j > b.size()) continue;
      if (i == 0) {
        sat_.add({-b[j - 1], variable});
      } else if (j == 0) {
        sat_.add({-a[i - 1], variable});
      } else {
        sat_.add({-a[i - 1], -b[j - 1], variable});
      }
    }
    if (n > 1) sat_.add({-variable, nodes_[node].outputs.back()});
    nodes_[node].outputs.push_back(variable);
  }
  return nodes_[node].outputs[k - 1];
}

}  // namespace egret::extract
