#include "egraph/store/readers.h"

#include <utility>

namespace egret::egraph {
namespace {

// Calls visit(class) for each operand place but for repeated ones of small e-nodes.
template <class Visit>
void for_each_read(const ENodes& enodes, Id n, const Visit& visit) {
  const std::span<const Id> operands = enodes.of_live(n);
  if (operands.size() == 2 && operands[0] == operands[1]) return visit(operands[0]);
  for (const Id operand : operands) visit(operand);
}

}  // namespace

void Readers::make(const ENodes& enodes) {
  next_.clear();
  start_.clear();
  start_.resize(enodes.size() + 1);
  found_.cover(enodes.size());
  enodes.for_each_live([&](Id n) { for_each_read(enodes, n, [&](Id cls) { ++start_[cls]; }); });
  uint32_t total = 0;
  for (uint32_t& entry : start_) entry = total += entry;
  rows_.reshape(total);
  enodes.for_each_live([&](Id n) { for_each_read(enodes, n, [&](Id cls) { rows_[--start_[cls]] = n; }); });
}

void Readers::take(const ENodes& enodes, const UnionFind& sets, std::span<const Id> displaced, Array<Id>& readers) {
  for (const Id cls : displaced) for_each(cls, [&](Id n) { found_.set(n); });
  for (const Id cls : displaced) std::swap(next_of(cls), next_of(sets.find(cls)));
  Array<uint64_t>& words = found_.words();
  for (size_t w = 0; w < words.size(); ++w) {
    for (uint64_t left = std::exchange(words[w], 0); left != 0; left &= left - 1) {
      const Id n = static_cast<Id>(w * 64 + static_cast<size_t>(__builtin_ctzll(left)));
      if (enodes.live(n)) readers.push_back(n);
    }
  }
}

}  // namespace egret::egraph
