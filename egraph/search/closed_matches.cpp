#include "egraph/search/closed_matches.h"

#include <algorithm>

namespace egret::egraph {
namespace {

constexpr size_t kBatch = 256;            // matches between fetching memory and using it
constexpr size_t kGrain = size_t{1} << 15;  // slots a task

class Splitter {
 public:
  // `nodes`: so many e-nodes at the front of the right side must be there.
  Splitter(const EGraph::Store& store, const TagFilter& filter, const RuleState& rule, uint32_t nodes)
      : store_(store), filter_(filter), rule_(rule), stride_(rule.stride()), found_(nodes) {
    for (Array<Id>& column : found_) column.reshape(kBatch);
  }

  // Looks up the inner e-nodes of a batch, one after another: kNoId where one is not there.
  void find(const Id* matches, size_t count) {
    matches_ = matches;
    for (uint32_t node = 0; node < found_.size(); ++node) {
      if (rule_.right->nodes[node].operands.size() > 2) {
        for (size_t i = 0; i < count; ++i) found_[node][i] = find_wide(rule_.right->nodes[node], i);
      } else {
        find_column(rule_.right->nodes[node], node == 0, count, found_[node].data());
      }
    }
  }
  // Appends those of the batch that are closed, and moves the others to `open`; returns the end of these.
  Id* split(size_t count, Id* open, Array<Id>& closed) {
    const size_t before = closed.size(), inner = found_.size();
    closed.extend(count * (stride_ + inner));
    Id* to = closed.data() + before;
    for (size_t i = 0; i < count; ++i) {
      const Id* const match = matches_ + i * stride_;
      bool there = true;
      for (const Array<Id>& column : found_) there &= column[i] != kNoId;
      Id*& end = there ? to : open;
      for (uint32_t k = 0; k < stride_; ++k) *end++ = match[k];
      for (size_t node = 0; node < inner && there; ++node) *end++ = found_[node][i];
    }
    closed.resize(static_cast<size_t>(to - closed.data()));
    return open;
  }

 private:
  Id operand(const RightPlan::Operand& operand, size_t i) const {
    if (operand.made) {
      const Id made = found_[operand.index][i];
      return made == kNoId ? kNoId : store_.sets.find(made);
    }
    const Applications::Place place = rule_.query->class_places()[operand.index];
    const Id id = place.canonical(store_.enodes, matches_ + i * stride_);
    return place.position == Applications::Place::kItself ? store_.sets.find(id) : id;
  }
  AttrId attr(const RightPlan::Node& node, size_t i) const {
    return node.attr_is_variable ? store_.enodes.attr(matches_[i * stride_ + rule_.query->attr_places()[node.attr]]) : node.attr;
  }

  void find_column(const RightPlan::Node& node, bool fetch, size_t count, Id* found) {
    if (fetch) {
      for (size_t i = 0; i < count * stride_; ++i) __builtin_prefetch(&store_.enodes.row(matches_[i]));
    }
    const Row blank{row_head(node.op, node.operands.size()), node.attr, {0, 0}};
    for (size_t i = 0; i < count; ++i) keys_[i] = blank;
    for (size_t i = 0; i < count && node.attr_is_variable; ++i) keys_[i].attr = attr(node, i);
    for (size_t k = 0; k < node.operands.size(); ++k) {
      const RightPlan::Operand o = node.operands[k];
      const Applications::Place place = o.made ? Applications::Place{} : rule_.query->class_places()[o.index];
      if (o.made || place.position == Applications::Place::kItself) {
        for (size_t i = 0; i < count; ++i) keys_[i].operand[k] = operand(o, i);
      } else {
        for (size_t i = 0; i < count; ++i) {
          const Row& row = store_.enodes.row(matches_[i * stride_ + place.occurrence]);
          keys_[i].operand[k] = store_.enodes.operands_of(row)[place.position];
        }
      }
    }
    for (size_t i = 0; i < count; ++i) {
      tags_[i] = tag_of(keys_[i]);
      __builtin_prefetch(filter_.word(tags_[i]));
    }
    size_t likely = 0;
    for (size_t i = 0; i < count; ++i) {
      found[i] = kNoId;
      likely_[likely] = static_cast<uint32_t>(i);
      likely += filter_.test(tags_[i]);
    }
    for (size_t j = 0; j < likely; ++j) store_.table.prefetch(tags_[likely_[j]]);
    for (size_t j = 0; j < likely; ++j) store_.fetch_row(tags_[likely_[j]]);
    for (size_t j = 0; j < likely; ++j) {
      const Row& key = keys_[likely_[j]];
      const auto same = [&](Id known) { return std::memcmp(&store_.enodes.row(known), &key, sizeof(Row)) == 0; };
      found[likely_[j]] = store_.table.find(tags_[likely_[j]], same);
    }
  }

  Id find_wide(const RightPlan::Node& node, size_t i) {
    operands_.clear();
    for (const RightPlan::Operand& o : node.operands) operands_.push_back(operand(o, i));
    const uint32_t head = row_head(node.op, operands_.size());
    return store_.table.find(tag_of(head, attr(node, i), operands_.data(), operands_.size()),
                             store_.same_key(head, attr(node, i), operands_.data(), operands_.size()));
  }

  const EGraph::Store& store_;
  const TagFilter& filter_;
  const RuleState& rule_;
  const uint32_t stride_;
  const Id* matches_ = nullptr;
  std::vector<Array<Id>> found_;  // by inner e-node of the right side
  Row keys_[kBatch];
  uint32_t tags_[kBatch], likely_[kBatch + 1];
  std::vector<Id> operands_;
};

}  // namespace

TagFilter::TagFilter(const HashCons& table, const Workers& workers) : shift_(0) {
  uint64_t bits = 64;  // a power of two, four to eight a slot: tags that are there set a tenth of them
  while (bits < table.capacity() * 4 && bits < uint64_t{1} << 32) bits *= 2;
  while (uint64_t{1} << (32 - shift_) > bits) ++shift_;
  words_.assign(bits / 64, 0);
  const auto set = [&](HashCons::Slot slot) {
    const uint32_t bit = HashCons::tag_of_slot(slot) >> shift_;
    words_[bit >> 6] |= uint64_t{1} << (bit & 63);
  };
  // Slots and bits are both in the order of tags, but for entries that stand behind the slots where they belong.
  std::vector<std::vector<HashCons::Slot>> strays(Workers::chunks(table.capacity(), kGrain));
  workers.for_chunks(table.capacity(), kGrain, [&](size_t begin, size_t end, size_t chunk) {
    for (size_t place = begin; place < end; ++place) {
      const HashCons::Slot slot = table.at(place);
      if (HashCons::empty(slot) || HashCons::id_of(slot) == HashCons::kTombstone) continue;
      const size_t home = table.home(HashCons::tag_of_slot(slot));
      if (home >= begin && home < end) {
        set(slot);
      } else {
        strays[chunk].push_back(slot);
      }
    }
  });
  for (const std::vector<HashCons::Slot>& part : strays) {
    for (const HashCons::Slot slot : part) set(slot);
  }
}

uint32_t inner_nodes(const RightPlan& right) {
  return static_cast<uint32_t>(right.nodes.size()) - (right.joining < right.left.size());
}

namespace {

size_t split(const EGraph::Store& store, const TagFilter& filter, const RuleState& rule, uint32_t nodes, Id* matches, size_t count,
             Array<Id>& closed) {
  const uint32_t stride = rule.stride();
  Splitter splitter(store, filter, rule, nodes);
  Id* open = matches;
  for (size_t begin = 0; begin < count; begin += kBatch) {
    const size_t batch = std::min(kBatch, count - begin);
    splitter.find(matches + begin * stride, batch);
    open = splitter.split(batch, open, closed);
  }
  return static_cast<size_t>(open - matches) / stride;
}

}  // namespace

size_t split_closed(const EGraph::Store& store, const TagFilter& filter, const RuleState& rule, Id* matches, size_t count,
                    Array<Id>& closed) {
  return split(store, filter, rule, inner_nodes(*rule.right), matches, count, closed);
}

size_t count_uniting(const EGraph::Store& store, const RuleState& rule, Id* matches, size_t count) {
  const RightPlan& right = *rule.right;
  const uint32_t stride = rule.stride(), nodes = static_cast<uint32_t>(right.nodes.size());
  Array<Id> there;
  split(store, TagFilter(), rule, nodes, matches, count, there);
  size_t uniting = 0;
  for (size_t at = 0; at < there.size(); at += stride + nodes) {
    const Id* const match = there.data() + at;
    bool unites = false;
    for (size_t e = 0; e < right.left.size(); ++e) {
      const Id other = right.right[e].made ? match[stride + right.right[e].index]
                                           : rule.query->class_places()[right.right[e].index].canonical(store.enodes, match);
      unites |= store.sets.find(right.left[e].canonical(store.enodes, match)) != store.sets.find(other);
    }
    uniting += unites;
  }
  return uniting;
}

}  // namespace egret::egraph
