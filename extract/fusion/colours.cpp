#include "extract/fusion/colours.h"

#include <algorithm>

#include "support/hash.h"

namespace egret::extract {
namespace {

constexpr int kSteps = 12;             // operators that a colour looks far
constexpr size_t kFewColours = 400;    // so many are no burden
constexpr size_t kAlike = 12;          // items of a colour that are many
constexpr size_t kShare = 8;           // beyond those, so many items must share a colour on average

size_t distinct(Colours colours) {
  std::sort(colours.begin(), colours.end());
  return static_cast<size_t>(std::unique(colours.begin(), colours.end()) - colours.begin());
}

}  // namespace

// The oldest e-node of a class stands for it: saturation, which may have been cut off among equal layers, does not change it.
Colours item_colours(const FusionGraph& graph, const FusionProblem& problem) {
  const egraph::EGraph& g = graph.tensors().graph();
  const std::vector<Id>& classes = problem.item_class;
  std::vector<uint32_t> item(graph.ids(), UINT32_MAX);
  for (uint32_t i = 0; i < classes.size(); ++i) item[classes[i]] = i;
  auto oldest = [&](Id c) { return g.nodes_of(c).front(); };
  Colours now(classes.size());
  for (uint32_t i = 0; i < classes.size(); ++i) {
    const Id c = classes[i];
    now[i] = hash_combine(hash_combine(graph.type_hash(c), graph.kind(oldest(c))), graph.given(c) ? 1 : graph.is_input(c) ? 2 : 0);
  }
  for (uint32_t r : problem.problem.roots) now[r] = mix(now[r]);
  const size_t most = std::max(kFewColours, classes.size() / kShare);
  for (int step = 0; step < kSteps; ++step) {
    Colours next(classes.size()), readers(classes.size(), 0);
    for (uint32_t i = 0; i < classes.size(); ++i) {
      const Id node = oldest(classes[i]);
      next[i] = now[i];
      uint64_t place = 0;
      for (Id o : graph.operands(node)) {
        const uint32_t from = item[graph.find(o)];
        ++place;
        if (from == UINT32_MAX) continue;
        next[i] = hash_combine(next[i], now[from]);
        readers[from] += mix(hash_combine(now[i], place));
      }
    }
    for (uint32_t i = 0; i < classes.size(); ++i) next[i] = hash_combine(next[i], readers[i]);
    if (distinct(next) > most) break;
    now = std::move(next);
  }
  return distinct(now) * 2 > classes.size() ? Colours{} : now;
}

bool mostly_alike(Colours colours) {
  std::sort(colours.begin(), colours.end());
  size_t many = 0;
  for (auto from = colours.begin(); from != colours.end();) {
    const auto to = std::upper_bound(from, colours.end(), *from);
    const auto count = static_cast<size_t>(to - from);
    if (count >= kAlike) many += count;
    from = to;
  }
  return many * 3 > colours.size() * 2;
}

}  // namespace egret::extract
