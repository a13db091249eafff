#include "egraph/lang/smallest_terms.h"

#include <algorithm>

namespace egret::egraph::lang {

SmallestTerms::SmallestTerms(const EGraph& graph, uint32_t bound)
    : graph_(graph), bound_(std::min(bound, UINT32_MAX - 1)) {
  size_.assign(graph.id_count(), bound_ + 1);
  changed_.assign(graph.id_count() / 64 + 1, 0);
  changed_before_ = changed_;
  sweep();
}

bool SmallestTerms::relax(Id node) {
  uint64_t size = 1;
  for (const Id operand : graph_.canonical_operands(node)) size += size_[operand];
  const Id cls = graph_.find(node);
  if (size >= size_[cls]) return false;
  size_[cls] = static_cast<uint32_t>(size);
  changed_[cls >> 6] |= uint64_t{1} << (cls & 63);
  return true;
}

void SmallestTerms::sweep() {
  const Id ids = static_cast<Id>(graph_.id_count());
  for (Id node = 0; node < ids; ++node) relax(node);
  for (bool again = true; again;) {
    again = false;
    changed_before_.swap(changed_);
    std::fill(changed_.begin(), changed_.end(), 0);
    for (Id node = 0; node < ids; ++node) {
      const std::span<const Id> operands = graph_.canonical_operands(node);
      if (std::any_of(operands.begin(), operands.end(), [this](Id operand) { return changed(operand); })) again |= relax(node);
    }
  }
}

Id SmallestTerms::choice(Id cls) const {
  for (const Id node : graph_.nodes_of(cls)) {
    uint64_t size = 1;
    for (const Id operand : graph_.canonical_operands(node)) size += size_[operand];
    if (size == size_[cls]) return node;
  }
  EGRET_CHECK(false, "a class without its smallest e-node");
  return kNoId;
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
    const Id node = choice(cls);
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
