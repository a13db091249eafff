// Bodies of several results: an inner value that others read is stored too; a producer is computed beside its consumer;
// siblings that share an operand run in one loop.
#include <algorithm>
#include <map>
#include <set>

#include "extract/fusion/pool.h"

namespace egret::extract {
namespace {

constexpr size_t kMaxResults = 4;
constexpr size_t kMaxPairsPerPort = 12;
constexpr size_t kMaxInside = 48;

}  // namespace

std::optional<Body> joined(const Body& a, const Body& b) {
  // Contractions side by side are never one kernel.
  auto feeds = [](const Body& maker, const Body& reader) {
    return std::ranges::any_of(maker.outputs, [&](Id o) { return std::ranges::binary_search(reader.ports, o); });
  };
  if (a.contractions > 0 && b.contractions > 0 && (a.contractions + b.contractions > 2 || (!feeds(a, b) && !feeds(b, a)))) return std::nullopt;
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
  return out;
}

std::optional<Body> cone(const FusionGraph& graph, const std::vector<Choice>& inside, std::vector<Id> outputs, Id leaf) {
  Body whole, body;
  whole.inside = inside;
  body.outputs = std::move(outputs);
  std::sort(body.outputs.begin(), body.outputs.end());
  body.outputs.erase(std::unique(body.outputs.begin(), body.outputs.end()), body.outputs.end());
  std::vector<Id> work = body.outputs;
  std::vector<uint8_t> reached(inside.size(), 0);
  while (!work.empty()) {
    const Id c = work.back();
    work.pop_back();
    const Choice* choice = c == leaf ? nullptr : whole.find(c);
    if (!choice || reached[static_cast<size_t>(choice - whole.inside.data())]++) continue;
    for (Id o : graph.operands(choice->node)) work.push_back(graph.find(o));
  }
  for (size_t i = 0; i < inside.size(); ++i) {
    if (reached[i]) body.inside.push_back(inside[i]);
  }
  if (std::any_of(body.outputs.begin(), body.outputs.end(), [&](Id o) { return !body.find(o); })) return std::nullopt;
  return body;
}

void close_under_dropping(const FusionGraph& graph, BodyTable& table, std::vector<Body>& bodies, BodyKeys& seen) {
  for (size_t b = 0; b < bodies.size(); ++b) {
    const size_t results = bodies[b].outputs.size();
    for (size_t i = 0; i < results && results > 1; ++i) {
      std::vector<Id> outputs = bodies[b].outputs;
      outputs.erase(outputs.begin() + static_cast<ptrdiff_t>(i));
      auto rest = cone(graph, bodies[b].inside, std::move(outputs));
      if (rest && seen.insert(rest->key()).second && table.complete(*rest) == Legality::kAlone) bodies.push_back(std::move(*rest));
    }
  }
}

std::vector<Body> multi_result(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules,
                               const FusionProblem& problem, std::span<const uint32_t> chosen, BodyKeys& seen) {
  std::vector<Body> out;
  if (!rules.side_by_side) return out;
  std::vector<const Body*> picked;
  std::set<Id> stored;  // classes that some chosen body reads
  for (uint32_t c : chosen) {
    if (problem.body_of[c] < 0) continue;
    const Body& b = problem.bodies[static_cast<size_t>(problem.body_of[c])];
    if (b.plan.schedule == ScheduleClass::kAlias) continue;
    picked.push_back(&b);
    stored.insert(b.ports.begin(), b.ports.end());
  }
  auto offer = [&](Body body, double separate) {
    std::sort(body.outputs.begin(), body.outputs.end());
    if (!seen.insert(body.key()).second || table.complete(body) != Legality::kAlone) return;
    if (body.estimate.seconds < separate) out.push_back(std::move(body));
  };

  // Inner values that are also stored.
  for (const Body* b : picked) {
    for (const Choice& c : b->inside) {
      if (b->outputs.size() >= kMaxResults || !stored.contains(c.cls) || graph.given(c.cls) || b->makes(c.cls)) continue;
      Body body = *b;
      body.outputs.push_back(c.cls);
      offer(std::move(body), 1e300);
    }
  }
  // A consumer that also computes and stores its producer, and siblings.
  std::map<Id, std::vector<const Body*>> readers, makers;
  for (const Body* b : picked) {
    for (Id p : b->ports) readers[p].push_back(b);
    for (Id o : b->outputs) makers[o].push_back(b);
  }
  auto pair = [&](const Body& a, const Body& b) {
    if (&a == &b) return;
    if (auto body = joined(a, b)) offer(std::move(*body), a.estimate.seconds + b.estimate.seconds);
  };
  for (const auto& [cls, list] : readers) {
    size_t pairs = 0;
    for (size_t a = 0; a < list.size(); ++a) {
      for (size_t b = a + 1; b < list.size() && pairs < kMaxPairsPerPort; ++b, ++pairs) pair(*list[a], *list[b]);
    }
    if (auto it = makers.find(cls); it != makers.end()) {
      for (size_t a = 0; a < std::min(list.size(), kMaxPairsPerPort); ++a) pair(*it->second[0], *list[a]);
    }
  }
  close_under_dropping(graph, table, out, seen);
  return out;
}

}  // namespace egret::extract
