#include "egraph/search/match_block.h"

#include <bit>

#include "egraph/search/closed_matches.h"
#include "egraph/search/match_product.h"

namespace egret::egraph {

void split(SearchTask& task, uint64_t count, uint32_t stride, std::vector<MatchBlock>& blocks) {
  if (!task.products.entries.empty()) {  // of one range
    blocks.push_back({&task, nullptr, count, task.products.entries[0].root >> kRangeBits});
    return;
  }
  for (uint64_t at = 0; at < count;) {
    Id* const nodes = task.nodes.data() + at * stride;
    const Id range = *nodes >> kRangeBits;
    uint64_t end = at + 1;
    while (end < count && task.nodes[end * stride] >> kRangeBits == range) ++end;
    blocks.push_back({&task, nodes, end - at, range});
    at = end;
  }
}

namespace {

constexpr size_t kAhead = 16;  // matches between fetching a place in the table and using it

void drop_repeated(uint32_t stride, MatchBlock& block) {
  const size_t capacity = std::bit_ceil(block.count * 2);
  std::vector<uint32_t> seen(capacity, 0);  // 0: empty; else the number of a match that stays, from 1
  const auto home = [&](size_t i) {
    uint64_t hash = 0;
    for (uint32_t k = 0; k < stride; ++k) hash = (hash + block.nodes[i * stride + k]) * 0x9e3779b97f4a7c15ULL;
    return static_cast<size_t>(hash >> 32) & (capacity - 1);
  };
  size_t homes[kAhead], kept = 0;
  for (size_t i = 0; i < block.count + kAhead; ++i) {
    if (i >= kAhead) {
      const Id* const match = block.nodes + (i - kAhead) * stride;
      size_t at = homes[i % kAhead];
      const auto is_match = [&](uint32_t number) {
        return std::memcmp(block.nodes + (number - 1) * stride, match, stride * sizeof(Id)) == 0;
      };
      while (seen[at] != 0 && !is_match(seen[at])) at = (at + 1) & (capacity - 1);
      if (seen[at] == 0) {
        std::memmove(block.nodes + kept * stride, match, stride * sizeof(Id));
        seen[at] = static_cast<uint32_t>(++kept);
      }
    }
    if (i < block.count) __builtin_prefetch(&seen[homes[i % kAhead] = home(i)], 1);
  }
  block.count = kept;
}

// Matches with a part of the roots, of live e-nodes.
Array<Id> sample_of(const EGraph::Store& store, const RuleState& rule, const MatchBlock& block) {
  const auto chosen = [](Id root) { return root * 0x9e3779b1u >> 26 == 0; };
  static_assert(kSampled == 1 << (32 - 26));
  Array<Id> sample;
  if (block.products()) {
    const MatchProducts& products = block.task->products;
    for (const MatchProducts::Entry& entry : products.entries) {
      for (uint32_t i = 0; i < entry.count && chosen(entry.root); ++i) {
        sample.push_back(entry.root);
        sample.push_back(products.members[entry.begin + i]);
      }
    }
  } else {
    for (size_t i = 0; i < block.count; ++i) {
      const Id* const match = block.nodes + i * rule.stride();
      if (chosen(*match)) sample.append(match, rule.stride());
    }
  }
  for (Id& n : sample) n = store.enodes.live_form(n);
  return sample;
}

}  // namespace

uint64_t open_in_sample(const EGraph::Store& store, const RuleState& rule, const MatchBlock& block) {
  Array<Id> sample = sample_of(store, rule, block), closed;
  return sample.empty() ? 0 : split_closed(store, TagFilter(), rule, sample.data(), sample.size() / rule.stride(), closed);
}

uint64_t uniting_in_sample(const EGraph::Store& store, const RuleState& rule, const MatchBlock& block) {
  Array<Id> sample = sample_of(store, rule, block);
  return sample.empty() ? 0 : count_uniting(store, rule, sample.data(), sample.size() / rule.stride());
}

void make_live(const EGraph::Store& store, uint32_t stride, bool unique, MatchBlock& block) {
  for (size_t i = 0; i < block.count * stride; ++i) block.nodes[i] = store.enodes.live_form(block.nodes[i]);
  if (unique) drop_repeated(stride, block);
}

}  // namespace egret::egraph
