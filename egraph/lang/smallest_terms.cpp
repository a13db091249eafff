#include "egraph/lang/smallest_terms.h"

#include <algorithm>
#include <queue>

#include "egraph/readers.h"
#include "egraph/store.h"

namespace egret::egraph::lang {
namespace {

// Symbols of the smallest term with this e-node on top.
template <class Size>
uint64_t size_of(const EGraph::Store& store, const std::vector<Size>& sizes, Id node) {
  uint64_t size = 1;
  for (const Id operand : store.enodes.of_live(node)) size += sizes[operand];
  return size;
}

}  // namespace

SmallestTerms::SmallestTerms(const EGraph& graph, uint32_t bound)
    : graph_(graph), bound_(std::min(bound, UINT32_MAX - 1)) {
  if (bound_ < UINT8_MAX) {
    settle(bytes_);
  } else {
    settle(sizes_);
  }
}

template <class Size>
void SmallestTerms::settle(std::vector<Size>& sizes) {
  const EGraph::Store& store = graph_.store();
  sizes.assign(graph_.id_count(), static_cast<Size>(bound_ + 1));
  // Whether the e-node gives its class a smaller term than is known.
  const auto improves = [&](Id node) {
    const uint64_t size = size_of(store, sizes, node);
    Size& known = sizes[store.sets.parent(node)];
    if (size >= known) return false;
    known = static_cast<Size>(size);
    return true;
  };
  store.enodes.for_each_live(improves);
  using Entry = std::pair<Size, Id>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> queue;
  const auto look_at = [&](Id node) {
    if (!improves(node)) return;
    const Id cls = store.sets.parent(node);
    queue.emplace(sizes[cls], cls);
  };
  store.enodes.for_each_live(look_at);
  Readers readers;
  if (!queue.empty() && !store.links.active()) readers.make(store.enodes);
  while (!queue.empty()) {
    const auto [size, cls] = queue.top();
    queue.pop();
    if (size != sizes[cls]) continue;
    if (store.links.active()) {
      store.for_each_reader(cls, look_at);
    } else {
      for (const Id node : readers.row(cls)) look_at(node);
    }
  }
  nodes_.assign(graph_.id_count(), kNoId);
  store.enodes.for_each_live([&](Id node) {
    Id& oldest = nodes_[store.sets.parent(node)];
    if (oldest == kNoId && size_of(store, sizes, node) == sizes[store.sets.parent(node)]) oldest = node;
  });
}

std::string SmallestTerms::text(Id id) const {
  EGRET_CHECK(size(id) <= bound_, "the text of a term within the bound");
  std::string out;
  std::vector<Id> todo{graph_.find(id)};  // kNoId: a closing parenthesis
  while (!todo.empty()) {
    const Id cls = todo.back();
    todo.pop_back();
    if (cls == kNoId) {
      out += ')';
      continue;
    }
    const Id node = nodes_[cls];
    const std::span<const Id> operands = graph_.canonical_operands(node);
    if (!out.empty() && out.back() != '(') out += ' ';
    if (!operands.empty()) {
      out += '(';
      todo.push_back(kNoId);
    }
    out += graph_.op_name(graph_.op(node));
    for (size_t i = operands.size(); i-- > 0;) todo.push_back(operands[i]);
  }
  return out;
}

}  // namespace egret::egraph::lang
