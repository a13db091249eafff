#include "egraph/lang/smallest_terms.h"

#include <algorithm>
#include <queue>

#include "egraph/store/readers.h"
#include "egraph/store/store.h"

namespace egret::egraph::lang {
namespace {

constexpr int kSweeps = 16;
constexpr size_t kWorthwhile = 3;  // a sweep that improves a smaller part of the ids is dearer than looking at readers

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
bool SmallestTerms::improves(std::vector<Size>& sizes, Id node) const {
  const uint64_t size = size_of(graph_.store(), sizes, node);
  Size& known = sizes[graph_.store().sets.parent(node)];
  if (size >= known) return false;
  known = static_cast<Size>(size);
  return true;
}

template <class Size>
void SmallestTerms::settle(std::vector<Size>& sizes) {
  const EGraph::Store& store = graph_.store();
  const size_t ids = graph_.id_count();
  sizes.assign(ids, static_cast<Size>(bound_ + 1));
  std::vector<uint8_t> changed(ids, 0);  // the sweep that the class' size is to be read in again
  uint8_t sweep = 0;
  size_t improved = 0;
  const auto look_again = [&](Id node) {
    if (!improves(sizes, node)) return;
    changed[store.sets.parent(node)] = static_cast<uint8_t>(sweep + 1);  // e-nodes still to come in this one see it, too
    ++improved;
  };
  store.enodes.for_each_live([&](Id node) {
    if (store.enodes.row(node).arity() == 0) look_again(node);
  });
  const auto worthwhile = [&] { return improved * kWorthwhile >= ids || !store.knows_readers(); };
  while (improved > 0 && sweep < kSweeps && (sweep == 0 || worthwhile())) {
    improved = 0;
    ++sweep;
    for (Id node = 0; node < ids; ++node) {
      const Row& row = store.enodes.row(node);
      if (!row.wide() && std::max(changed[row.operand[0]], changed[row.operand[1]]) < sweep) continue;
      if (store.enodes.live(node)) look_again(node);
    }
  }
  if (improved > 0) settle_slowly(sizes);
  nodes_.assign(ids, kNoId);
  store.enodes.for_each_live([&](Id node) {
    const Id cls = store.sets.parent(node);
    if (sizes[cls] <= bound_ && nodes_[cls] == kNoId && size_of(store, sizes, node) == sizes[cls]) nodes_[cls] = node;
  });
}

template <class Size>
void SmallestTerms::settle_slowly(std::vector<Size>& sizes) {
  const EGraph::Store& store = graph_.store();
  using Entry = std::pair<Size, Id>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>> queue;
  const auto look_at = [&](Id node) {
    if (!improves(sizes, node)) return;
    const Id cls = store.sets.parent(node);
    queue.emplace(sizes[cls], cls);
  };
  store.enodes.for_each_live(look_at);
  Readers readers;
  if (!queue.empty() && !store.knows_readers()) readers.make(store.enodes);
  while (!queue.empty()) {
    const auto [size, cls] = queue.top();
    queue.pop();
    if (size != sizes[cls]) continue;
    if (readers.ready()) {
      readers.for_each(cls, look_at);
    } else {
      store.for_each_reader(cls, look_at);
    }
  }
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
