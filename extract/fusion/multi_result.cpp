// Bodies of several results: an inner value that others read is stored too; a producer is computed beside its consumer;
// siblings that share an operand run in one loop.
#include <algorithm>
#include <map>
#include <set>

#include "extract/fusion/fusion.h"

namespace egret::extract {
namespace {

constexpr size_t kMaxResults = 4;
constexpr size_t kMaxPairsPerPort = 12;
constexpr size_t kMaxInside = 48;

// One body that computes what both do; nullopt where they take different e-nodes for a class.
std::optional<Body> joined(const Body& a, const Body& b) {
  Body out;
  std::set_union(a.inside.begin(), a.inside.end(), b.inside.begin(), b.inside.end(), std::back_inserter(out.inside));
  for (size_t i = 1; i < out.inside.size(); ++i) {
    if (out.inside[i].cls == out.inside[i - 1].cls) return std::nullopt;
  }
  out.outputs = a.outputs;
  for (Id o : b.outputs) {
    if (std::find(out.outputs.begin(), out.outputs.end(), o) == out.outputs.end()) out.outputs.push_back(o);
  }
  if (out.outputs.size() > kMaxResults || out.inside.size() > kMaxInside) return std::nullopt;
  out.folds = a.folds || b.folds;
  out.contracts = a.contracts || b.contracts;
  return out;
}

}  // namespace

void add_multi_result(const FusionGraph& graph, const Device& device, const FusionOptions& options,
                      const std::vector<uint8_t>& chosen, std::vector<Body>& bodies) {
  if (!options.rules.side_by_side) return;
  std::set<uint64_t> seen;
  for (const Body& b : bodies) seen.insert(b.key());
  std::vector<size_t> picked;
  std::set<Id> stored;  // classes that some chosen body reads
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (!chosen[i] || bodies[i].plan.schedule == ScheduleClass::kAlias) continue;
    picked.push_back(i);
    stored.insert(bodies[i].ports.begin(), bodies[i].ports.end());
  }
  auto offer = [&](Body body, double separate) {
    std::sort(body.outputs.begin(), body.outputs.end());
    if (!seen.insert(body.key()).second || !complete(graph, device, body)) return;
    if (body.estimate.seconds < separate) bodies.push_back(std::move(body));
  };

  // Inner values that are also stored.
  for (size_t i : picked) {
    for (const Choice& c : std::vector<Choice>(bodies[i].inside)) {
      if (!stored.contains(c.cls) || graph.given(c.cls)) continue;
      Body body = bodies[i];
      if (body.outputs.size() >= kMaxResults || std::count(body.outputs.begin(), body.outputs.end(), c.cls)) continue;
      body.outputs.push_back(c.cls);
      offer(std::move(body), 1e300);
    }
  }
  // A consumer that also computes and stores its producer, and siblings.
  std::map<Id, std::vector<size_t>> readers, makers;
  for (size_t i : picked) {
    for (Id p : bodies[i].ports) readers[p].push_back(i);
    for (Id o : bodies[i].outputs) makers[o].push_back(i);
  }
  auto pair = [&](size_t a, size_t b) {
    if (a == b || (bodies[a].contracts && bodies[b].contracts)) return;
    if (auto body = joined(bodies[a], bodies[b])) {
      offer(std::move(*body), bodies[a].estimate.seconds + bodies[b].estimate.seconds);
    }
  };
  for (const auto& [cls, list] : readers) {
    size_t pairs = 0;
    for (size_t a = 0; a < list.size(); ++a) {
      for (size_t b = a + 1; b < list.size() && pairs < kMaxPairsPerPort; ++b, ++pairs) pair(list[a], list[b]);
    }
    if (auto it = makers.find(cls); it != makers.end()) {
      for (size_t a = 0; a < std::min(list.size(), kMaxPairsPerPort); ++a) pair(it->second[0], list[a]);
    }
  }
}

}  // namespace egret::extract
