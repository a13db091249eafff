#include "extract/fusion/moves.h"

#include <algorithm>
#include <map>
#include <set>

namespace egret::extract {
namespace {

constexpr size_t kMaxInside = 48;
constexpr size_t kMaxResults = 4;
constexpr size_t kNeighboursOfAValue = 6;   // readers of one value, tried pairwise and as growth
constexpr size_t kAlternatives = 2;         // e-nodes of a class that is taken in

class Mover {
 public:
  Mover(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules, const FusionProblem& problem,
        std::span<const uint32_t> support, size_t most, BodyKeys& seen)
      : graph_(graph), table_(table), rules_(rules), problem_(problem), most_(most), seen_(seen) {
    for (uint32_t c : support) {
      if (problem.body_of[c] < 0) continue;
      const Body& b = problem.bodies[static_cast<size_t>(problem.body_of[c])];
      picked_.push_back(&b);
      for (Id p : b.ports) readers_[p].push_back(&b);
      for (Id o : b.outputs) makers_[o].push_back(&b);
      for (const Choice& choice : b.inside) nodes_[choice.cls].insert(choice.node);
    }
  }

  std::vector<Body> run() {
    for (const Body* b : picked_) {
      unions(*b);
      grow(*b);
      shrink(*b);
      results(*b);
    }
    return std::move(out_);
  }

 private:
  bool full() const { return out_.size() >= most_; }

  bool stored(Id cls) const { return readers_.contains(cls) || is_root(cls); }
  bool is_root(Id cls) const {
    const auto& roots = problem_.problem.roots;
    return is_item(cls) && std::find(roots.begin(), roots.end(), problem_.item(cls)) != roots.end();
  }
  bool is_item(Id cls) const { return std::binary_search(problem_.item_class.begin(), problem_.item_class.end(), cls); }

  std::optional<Body> cone(const std::vector<Choice>& inside, std::vector<Id> outputs, Id leaf = egraph::kNoId) const {
    return extract::cone(graph_, inside, std::move(outputs), leaf);
  }

  void offer(std::optional<Body> body) {
    if (!body || full() || body->outputs.empty() || body->outputs.size() > kMaxResults || body->inside.size() > kMaxInside) return;
    if (body->outputs.size() > 1 && !rules_.side_by_side) return;
    if (!seen_.insert(body->key()).second || table_.complete(*body) != Legality::kAlone) return;
    const bool items = std::all_of(body->ports.begin(), body->ports.end(), [&](Id p) { return is_item(p); }) &&
                       std::all_of(body->outputs.begin(), body->outputs.end(), [&](Id o) { return is_item(o) && !graph_.given(o); });
    if (items) out_.push_back(std::move(*body));
  }

  // Two neighbours in one body: results of both, without those that only the other reads, and all that anybody reads.
  void pair(const Body& a, const Body& b) {
    if (full() || &a == &b) return;
    auto both = joined(a, b);
    if (!both) return;
    std::vector<Id> outside, used;
    for (Id o : both->outputs) {
      const auto it = readers_.find(o);
      const bool others = it != readers_.end() && std::any_of(it->second.begin(), it->second.end(), [&](const Body* r) {
        return r != &a && r != &b;
      });
      if (others || is_root(o)) outside.push_back(o);
    }
    for (const Choice& c : both->inside) {
      if (stored(c.cls) && !graph_.given(c.cls) && (is_root(c.cls) || outside_reads(c.cls, both->inside))) used.push_back(c.cls);
    }
    if (outside.empty()) outside = {a.outputs[0]};
    offer(cone(both->inside, outside));
    offer(cone(both->inside, both->outputs));
    if (used.size() <= kMaxResults && !used.empty()) offer(cone(both->inside, used));
    // A reader that computes the producer again.
    offer(cone(both->inside, a.outputs));
    offer(cone(both->inside, b.outputs));
  }

  bool outside_reads(Id cls, const std::vector<Choice>& inside) const {
    const auto it = readers_.find(cls);
    if (it == readers_.end()) return false;
    return std::any_of(it->second.begin(), it->second.end(), [&](const Body* r) {
      return !std::includes(inside.begin(), inside.end(), r->inside.begin(), r->inside.end());
    });
  }

  void unions(const Body& b) {
    for (Id p : b.ports) {
      if (auto it = makers_.find(p); it != makers_.end()) {
        for (const Body* m : it->second) pair(b, *m);
      }
      const auto& siblings = readers_[p];
      const size_t at = static_cast<size_t>(std::find(siblings.begin(), siblings.end(), &b) - siblings.begin());
      for (size_t i = at + 1; i < std::min(siblings.size(), at + 1 + kNeighboursOfAValue); ++i) pair(b, *siblings[i]);
    }
  }

  // By one operator: what makes a port, what reads a result.
  void grow(const Body& b) {
    for (Id p : b.ports) {
      if (graph_.given(p)) continue;
      for (Id n : nodes_of(p)) {
        if (full()) return;
        std::vector<Choice> inside = with(b.inside, {p, n});
        offer(cone(inside, b.outputs));
        if (stored(p) && b.outputs.size() < kMaxResults) {
          std::vector<Id> outputs = b.outputs;
          outputs.push_back(p);
          offer(cone(inside, outputs));
        }
      }
    }
    for (Id o : b.outputs) {
      const auto it = readers_.find(o);
      if (it == readers_.end()) continue;
      size_t tried = 0;
      for (const Body* r : it->second) {
        if (++tried > kNeighboursOfAValue || full()) break;
        for (const Choice& c : r->inside) {
          const auto operands = graph_.operands(c.node);
          if (b.find(c.cls) || std::none_of(operands.begin(), operands.end(), [&](Id x) { return graph_.find(x) == o; })) continue;
          const std::vector<Choice> inside = with(b.inside, c);
          std::vector<Id> moved = b.outputs;
          std::replace(moved.begin(), moved.end(), o, c.cls);
          offer(cone(inside, moved));
          if (b.outputs.size() >= kMaxResults) continue;
          moved = b.outputs;
          moved.push_back(c.cls);
          offer(cone(inside, moved));
        }
      }
    }
  }

  std::vector<Id> nodes_of(Id cls) const {
    std::vector<Id> out;
    if (auto it = nodes_.find(cls); it != nodes_.end()) out.assign(it->second.begin(), it->second.end());
    for (Id n : graph_.tensors().graph().nodes_of(cls)) {
      if (out.size() >= kAlternatives) break;
      if (graph_.usable(n) && std::find(out.begin(), out.end(), n) == out.end()) out.push_back(n);
    }
    if (out.size() > kAlternatives) out.resize(kAlternatives);
    return out;
  }

  // With the operator, and the leaves that it absorbs.
  std::vector<Choice> with(std::vector<Choice> inside, const Choice& c) const {
    auto put = [&](const Choice& x) {
      auto it = std::lower_bound(inside.begin(), inside.end(), Choice{x.cls, 0});
      if (it == inside.end() || it->cls != x.cls) inside.insert(it, x);
    };
    put(c);
    for (Id o : graph_.operands(c.node)) {
      Id leaf;
      if (graph_.absorbed_leaf(graph_.find(o), &leaf)) put({graph_.find(o), leaf});
    }
    return inside;
  }

  void shrink(const Body& b) {
    for (const Choice& c : b.inside) {
      if (b.makes(c.cls) || graph_.operands(c.node).empty()) continue;
      offer(cone(b.inside, b.outputs, c.cls));
    }
  }

  void results(const Body& b) {
    for (const Choice& c : b.inside) {
      if (b.outputs.size() >= kMaxResults || b.makes(c.cls) || graph_.given(c.cls) || graph_.operands(c.node).empty()) continue;
      std::vector<Id> outputs = b.outputs;
      outputs.push_back(c.cls);
      if (stored(c.cls)) offer(cone(b.inside, outputs));
    }
    for (size_t i = 0; i < b.outputs.size() && b.outputs.size() > 1; ++i) {
      std::vector<Id> outputs = b.outputs;
      outputs.erase(outputs.begin() + static_cast<ptrdiff_t>(i));
      offer(cone(b.inside, outputs));
    }
  }

  const FusionGraph& graph_;
  BodyTable& table_;
  const rules::FusionRules& rules_;
  const FusionProblem& problem_;
  const size_t most_;
  BodyKeys& seen_;
  std::vector<const Body*> picked_;
  std::map<Id, std::vector<const Body*>> readers_, makers_;  // among the support
  std::map<Id, std::set<Id>> nodes_;                         // e-nodes that the support takes for a class
  std::vector<Body> out_;
};

}  // namespace

std::vector<Body> moves(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules, const FusionProblem& problem,
                        std::span<const uint32_t> support, size_t most, BodyKeys& seen) {
  return Mover(graph, table, rules, problem, support, most, seen).run();
}

}  // namespace egret::extract
