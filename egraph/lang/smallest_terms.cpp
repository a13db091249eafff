#include "egraph/lang/smallest_terms.h"

#include <algorithm>

#include "egraph/store.h"

namespace egret::egraph::lang {

SmallestTerms::SmallestTerms(const EGraph& graph, uint32_t bound)
    : graph_(graph), bound_(std::min(bound, UINT32_MAX - 1)) {
  if (bound_ < UINT8_MAX) {
    sweep(bytes_);
  } else {
    sweep(sizes_);
  }
}

template <class Size>
void SmallestTerms::sweep(std::vector<Size>& sizes) {
  const EGraph::Store& store = graph_.store();
  const Id ids = static_cast<Id>(graph_.id_count());
  sizes.assign(ids, static_cast<Size>(bound_ + 1));
  nodes_.assign(ids, kNoId);
  Bits shrunk, shrunk_before;  // classes whose size fell in this sweep, in the one before
  shrunk.cover(ids);
  shrunk_before.cover(ids);
  bool first = true;
  for (bool again = true; again; first = false) {
    again = false;
    for (Id node = 0; node < ids; ++node) {
      if (!store.enodes.live(node)) continue;
      const Row& row = store.enodes.row(node);
      const Id* const operands = store.enodes.operands_of(row);
      const uint32_t count = row.arity();
      bool look = first;
      for (uint32_t i = 0; i < count && !look; ++i) look = shrunk.test(operands[i]) || shrunk_before.test(operands[i]);
      if (!look) continue;
      uint64_t size = 1;
      for (uint32_t i = 0; i < count; ++i) size += sizes[operands[i]];
      const Id cls = store.sets.parent(node);
      if (size < sizes[cls]) {
        sizes[cls] = static_cast<Size>(size);
        nodes_[cls] = node;
        shrunk.set(cls);
        again = true;
      } else if (size == sizes[cls] && size <= bound_ && node < nodes_[cls]) {
        nodes_[cls] = node;
      }
    }
    std::swap(shrunk, shrunk_before);
    shrunk.words().clear();
    shrunk.cover(ids);
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
