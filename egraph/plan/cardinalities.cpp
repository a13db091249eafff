#include "egraph/plan/cardinalities.h"

#include <algorithm>

namespace egret::egraph {

Cardinalities::Cardinalities(const EGraph::Store& store) : ops_(store.op_names.size()) {
  const size_t stride = std::max<size_t>(1, store.enodes.size() / kSample);
  const auto add = [](Length& length, uint32_t count) {
    length.sum += count;
    length.inverse_sum += 1.0 / count;
  };
  scale_ = static_cast<double>(stride);
  for (size_t at = 0; at < store.enodes.size(); at += stride) {
    const Id n = static_cast<Id>(at);
    if (!store.enodes.live(n)) continue;
    Of& of = ops_[store.enodes.op(n)];
    ++of.seen;
    add(of.members, store.links.member_count(store.sets.parent(n)));
    const std::span<const Id> operands = store.enodes.of_live(n);
    for (uint32_t i = 0; i < operands.size() && i < kPositions; ++i) add(of.readers[i], store.links.use_count(operands[i]));
  }
}

}  // namespace egret::egraph
