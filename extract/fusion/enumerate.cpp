#include "extract/fusion/enumerate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace egret::extract {
namespace {

constexpr size_t kMaxInside = 40;        // operators of a body
constexpr size_t kMaxCombinations = 40;  // of operand choices of one e-node
constexpr size_t kOptionsUnary = 12, kOptionsBinary = 5, kOptionsMore = 2;  // bodies of an operand class tried
constexpr size_t kBatch = 500;           // classes enumerated before a limit is looked at: a tenth of a second
constexpr double kInfinite = std::numeric_limits<double>::infinity();

// Smallest number of operators above leaves, by relaxation; classes that no term makes stay at -1.
std::map<Id, int> depths(const FusionGraph& graph, const std::vector<Id>& roots, bool* cut, const Limits& limits) {
  const egraph::EGraph& g = graph.tensors().graph();
  std::set<Id> needed;
  std::vector<Id> work;
  auto push = [&](Id c) {
    if (needed.insert(c).second) work.push_back(c);
  };
  for (Id r : roots) push(graph.find(r));
  while (!work.empty()) {
    const Id c = work.back();
    work.pop_back();
    if (graph.is_input(c)) continue;
    for (Id n : g.nodes_of(c)) {
      if (!graph.usable(n)) continue;
      for (Id o : g.canonical_operands(n)) push(graph.find(o));
    }
  }
  Stopwatch watch;
  std::map<Id, int> depth;
  // Inputs and literals are there without a kernel.
  for (Id c : needed) depth[c] = graph.is_leaf(c) ? 0 : -1;
  for (bool changed = true; changed;) {
    changed = false;
    // Past the clock as soon as every root can be made: at worst the input is the answer.
    if (watch.expired(limits) && std::all_of(roots.begin(), roots.end(), [&](Id r) { return depth.at(graph.find(r)) >= 0; })) {
      *cut = true;
      break;
    }
    for (Id c : needed) {
      if (graph.is_leaf(c)) continue;
      int best = depth[c];
      for (Id n : g.nodes_of(c)) {
        if (!graph.usable(n)) continue;
        int d = 0;
        bool known = true;
        for (Id o : g.canonical_operands(n)) {
          const int od = depth.at(graph.find(o));
          known &= od >= 0;
          d = std::max(d, od);
        }
        if (known && (best < 0 || d + 1 < best)) best = d + 1;
      }
      if (best != depth[c]) {
        depth[c] = best;
        changed = true;
      }
    }
  }
  return depth;
}

bool is_movement(const OpDef& op) { return op.op_class == OpClass::kMovement; }

// May `op` absorb `inner`, whose root is `root`?  What the fusion rules say, and a cheap test of shapes before the body is
// built; plan_kernel decides.
bool may_absorb(const OpDef& op, const OpDef& root, const Body& inner, const rules::FusionRules& rules) {
  if (inner.plan.schedule == ScheduleClass::kAlias) return true;
  if (op.op_class == OpClass::kContraction || op.op_class == OpClass::kWindow) {
    return !inner.folds && rules.absorb_before.contains(&root);
  }
  if (op.op_class == OpClass::kReduction) {
    return inner.folds ? rules.absorb_reduction.contains(&op) : rules.absorb_before.contains(&root);
  }
  if (!rules.absorb_after.contains(&op) && (inner.folds || !rules.absorb_before.contains(&root))) return false;
  if (is_movement(op) && inner.contracts) return op.name == "broadcast" || op.name == "transpose";
  return true;
}

class Enumerator {
 public:
  Enumerator(const FusionGraph& graph, const std::vector<Id>& roots, const Device& device, const FusionOptions& options)
      : graph_(graph), egraph_(graph.tensors().graph()), device_(device), options_(options) {
    auto depth = depths(graph, roots, &out_.limit_reached, options.limits);
    for (const auto& [c, d] : depth) {
      if (d < 0) continue;
      out_.classes.push_back(c);
      by_depth_[d].push_back(c);
      out_.flow[c] = graph.given(c) ? 0 : kInfinite;
      out_.bodies[c];
    }
    std::stable_sort(out_.classes.begin(), out_.classes.end(), [&](Id a, Id b) { return depth[a] < depth[b]; });
    for (Id c : out_.classes) references_[c] = references(c);
  }

  Enumeration run() {
    tbb::task_arena arena(std::max(1, options_.threads));
    for (int round = 0; round < options_.rounds; ++round) {
      for (auto& [depth, classes] : by_depth_) {
        if (visited_ >= kBatch && watch_.expired(options_.limits)) {
          out_.limit_reached = true;
          if (round > 0) return std::move(out_);
          plain_ = true;
        }
        visited_ += classes.size();
        std::vector<std::vector<Body>> made(classes.size());
        arena.execute([&] {
          tbb::parallel_for(tbb::blocked_range<size_t>(0, classes.size(), 1), [&](const auto& range) {
            for (size_t i = range.begin(); i != range.end(); ++i) made[i] = bodies_of(classes[i]);
          }, tbb::simple_partitioner());
        });
        for (size_t i = 0; i < classes.size(); ++i) {
          if (!made[i].empty() && !graph_.given(classes[i])) out_.flow[classes[i]] = made[i][0].flow / references_.at(classes[i]);
          out_.bodies[classes[i]] = std::move(made[i]);
        }
      }
    }
    return std::move(out_);
  }

 private:
  // Readers among which the cost of a class is shared.  Alternatives of one reader class count once.
  double references(Id c) const {
    std::set<Id> readers;
    for (Id p : egraph_.parents_of(c)) {
      if (graph_.usable(p)) readers.insert(graph_.find(p));
    }
    readers.erase(c);
    return std::max<double>(1, std::sqrt(static_cast<double>(readers.size())));
  }

  std::vector<Body> bodies_of(Id cls) const {
    std::vector<Body> found;
    if (graph_.is_input(cls)) return found;
    std::set<uint64_t> seen;
    for (Id n : egraph_.nodes_of(cls)) {
      if (graph_.usable(n)) bodies_of_node(cls, n, seen, found);
    }
    std::stable_sort(found.begin(), found.end(), [](const Body& a, const Body& b) {
      if (a.flow != b.flow) return a.flow < b.flow;
      if (a.ports.size() != b.ports.size()) return a.ports.size() < b.ports.size();
      return a.inside.size() > b.inside.size();
    });
    const size_t keep = static_cast<size_t>(options_.bodies_per_class);
    if (found.size() > keep) {
      // Always keep one body that absorbs nothing, so that every class can be made and extended.
      auto alone = std::find_if(found.begin() + keep, found.end(), [](const Body& b) { return b.inside.size() == 1; });
      bool have = std::any_of(found.begin(), found.begin() + keep, [](const Body& b) { return b.inside.size() == 1; });
      if (!have && alone != found.end()) std::swap(found[keep - 1], *alone);
      found.resize(keep);
    }
    return found;
  }

  void bodies_of_node(Id cls, Id node, std::set<uint64_t>& seen, std::vector<Body>& found) const {
    const OpDef& op = graph_.tensors().op(node);
    std::vector<Id> operands;
    for (Id o : egraph_.canonical_operands(node)) {
      const Id c = graph_.find(o);
      if (c == cls || !out_.bodies.contains(c)) return;
      if (std::find(operands.begin(), operands.end(), c) == operands.end()) operands.push_back(c);
    }
    // For each operand: null (a port) or a body to absorb.
    std::vector<std::vector<const Body*>> options(operands.size());
    std::vector<Body> leaves(operands.size());
    const size_t tries = plain_ ? 0 : operands.size() <= 1 ? kOptionsUnary : operands.size() == 2 ? kOptionsBinary : kOptionsMore;
    for (size_t i = 0; i < operands.size(); ++i) {
      Id leaf;
      if (graph_.absorbed_leaf(operands[i], &leaf)) {
        leaves[i].inside = {{operands[i], leaf}};
        options[i] = {&leaves[i]};
        continue;
      }
      for (const Body& b : out_.bodies.at(operands[i])) {
        if (options[i].size() >= tries) break;
        const OpDef& root = graph_.tensors().op(b.find(operands[i])->node);
        if (may_absorb(op, root, b, options_.rules)) options[i].push_back(&b);
      }
      options[i].insert(options[i].begin() + std::min<size_t>(1, options[i].size()), nullptr);
    }
    std::vector<size_t> pick(operands.size(), 0);
    // Combinations in order of the sum of ranks, so that a cut keeps the best.
    size_t tried = 0, most = 0;
    for (const auto& o : options) most += o.size() - 1;
    for (size_t sum = 0; sum <= most && tried < kMaxCombinations; ++sum) {
      combine(cls, node, operands, options, pick, 0, sum, tried, seen, found);
    }
    // Nothing absorbed is always tried.
    Body plain = start(cls, node);
    for (size_t i = 0; i < operands.size(); ++i) {
      if (!leaves[i].inside.empty()) insert(plain, leaves[i]);
    }
    accept(std::move(plain), seen, found);
  }

  void combine(Id cls, Id node, const std::vector<Id>& operands,
               const std::vector<std::vector<const Body*>>& options, std::vector<size_t>& pick, size_t at, size_t left,
               size_t& tried, std::set<uint64_t>& seen, std::vector<Body>& found) const {
    if (tried >= kMaxCombinations) return;
    if (at == operands.size()) {
      if (left != 0) return;
      ++tried;
      Body body = start(cls, node);
      for (size_t i = 0; i < operands.size(); ++i) {
        const Body* b = options[i][pick[i]];
        if (b && !insert(body, *b)) return;
      }
      accept(std::move(body), seen, found);
      return;
    }
    size_t reachable = 0;
    for (size_t i = at; i < operands.size(); ++i) reachable += options[i].size() - 1;
    if (left > reachable) return;
    for (size_t r = 0; r < options[at].size() && r <= left; ++r) {
      pick[at] = r;
      combine(cls, node, operands, options, pick, at + 1, left - r, tried, seen, found);
    }
  }

  static Body start(Id cls, Id node) {
    Body body;
    body.inside = {{cls, node}};
    body.outputs = {cls};
    return body;
  }

  // Adds what `other` absorbs.  False where the two take different e-nodes for one class.
  static bool insert(Body& body, const Body& other) {
    for (const Choice& c : other.inside) {
      if (const Choice* have = body.find(c.cls)) {
        if (have->node != c.node) return false;
        continue;
      }
      body.inside.insert(std::lower_bound(body.inside.begin(), body.inside.end(), c), c);
    }
    return body.inside.size() <= kMaxInside;
  }

  void accept(Body body, std::set<uint64_t>& seen, std::vector<Body>& found) const {
    if (!seen.insert(body.key()).second) return;
    for (const Choice& c : body.inside) {
      const OpClass k = graph_.tensors().op(c.node).op_class;
      body.contracts |= k == OpClass::kContraction;
      body.folds |= k == OpClass::kContraction || k == OpClass::kReduction || k == OpClass::kWindow;
    }
    if (!complete(graph_, device_, body)) return;
    body.flow = body.estimate.seconds;
    for (Id p : body.ports) {
      auto it = out_.flow.find(p);
      body.flow += it == out_.flow.end() ? kInfinite : it->second;
    }
    if (body.flow == kInfinite) return;
    found.push_back(std::move(body));
  }

  const FusionGraph& graph_;
  const egraph::EGraph& egraph_;
  const Device& device_;
  const FusionOptions& options_;
  Stopwatch watch_;
  size_t visited_ = 0;
  bool plain_ = false;  // past the clock: an operator a kernel
  Enumeration out_;
  std::map<int, std::vector<Id>> by_depth_;
  std::map<Id, double> references_;
};

}  // namespace

Enumeration enumerate(const FusionGraph& graph, const std::vector<Id>& roots, const Device& device,
                      const FusionOptions& options) {
  return Enumerator(graph, roots, device, options).run();
}

}  // namespace egret::extract
