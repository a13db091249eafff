#include "extract/fusion/enumerate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <tuple>
#include <unordered_set>

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "extract/fusion/depth.h"

namespace egret::extract {
namespace {

constexpr size_t kMaxInside = 40;        // operators of a body
constexpr size_t kMaxCombinations = 40;  // of operand choices of one e-node
constexpr size_t kOptionsUnary = 16, kOptionsBinary = 5, kOptionsMore = 2;  // bodies of an operand class tried
constexpr size_t kParts = 2;             // bodies kept of a class that may only stand inside of others
constexpr size_t kPlainer = 1, kOthers = 1;  // beside the K bodies of a class: computed by fewer operators; from other ports
constexpr size_t kMostPaired = 3;        // operands whose bodies are paired
constexpr size_t kBatch = 500;           // classes enumerated before a limit is looked at
constexpr double kInfinite = std::numeric_limits<double>::infinity();

bool is_movement(const OpDef& op) { return op.op_class == OpClass::kMovement; }

// May `op` absorb `inner`, whose root is `root`?  What the fusion rules say, and a cheap test of shapes before the body is
// built; plan_kernel decides.
bool may_absorb(const OpDef& op, const OpDef& root, const Body& inner, const rules::FusionRules& rules) {
  if (inner.plan.schedule == ScheduleClass::kAlias) return true;
  if (op.op_class == OpClass::kContraction || op.op_class == OpClass::kWindow) {
    if (inner.contractions == 1) return op.op_class == OpClass::kContraction && rules.absorb_contraction.contains(&op);
    return !inner.folds && rules.absorb_before.contains(&root);
  }
  if (op.op_class == OpClass::kReduction) {
    return inner.folds ? rules.absorb_reduction.contains(&op) : rules.absorb_before.contains(&root);
  }
  if (!rules.absorb_after.contains(&op) && (inner.folds || !rules.absorb_before.contains(&root))) return false;
  if (is_movement(op) && inner.contractions) return op.name == "broadcast" || op.name == "transpose";
  return true;
}

struct Found {
  std::vector<Body> alone, parts;  // may be kernels; may only stand inside of larger bodies
  std::vector<Body> further;       // may be kernels; found from what stands far down an operand's list
  std::unordered_set<uint64_t> seen;
};

class Enumerator {
 public:
  Enumerator(const FusionGraph& graph, BodyTable& table, const std::vector<Id>& roots, const FusionOptions& options)
      : graph_(graph), egraph_(graph.tensors().graph()), table_(table), options_(options), levels_(levels(graph, roots)) {
    out_.known.assign(graph.ids(), 0);
    out_.bodies.resize(graph.ids());
    parts_.resize(graph.ids());
    first_.assign(graph.ids(), 0);
    out_.flow.assign(graph.ids(), kInfinite);
    references_.assign(graph.ids(), 1);
    for (const auto& level : levels_) {
      for (Id c : level) {
        out_.classes.push_back(c);
        out_.known[c] = 1;
        if (graph.given(c)) out_.flow[c] = 0;
        references_[c] = references(c);
      }
    }
    panel_.assign(graph.ids(), 0);
    for (Id p : options.panels) panel_[graph.find(p)] = 1;
    find_unsettled();
  }

  Enumeration run() {
    tbb::task_arena arena(std::max(1, options_.threads));
    for (int round = 0; round < options_.rounds; ++round) {
      for (const auto& classes : levels_) {
        if (visited_ >= kBatch && watch_.expired(options_.limits)) {
          out_.limit_reached = true;
          if (round > 0) return std::move(out_);
          plain_ = true;
        }
        visited_ += classes.size();
        std::vector<Found> made(classes.size());
        auto work = [&](size_t i) {
          if (round == 0 || unsettled_[classes[i]]) bodies_of(classes[i], made[i]);
        };
        if (options_.threads > 1 && classes.size() > 1) {
          arena.execute([&] {
            tbb::parallel_for(tbb::blocked_range<size_t>(0, classes.size(), 1), [&](const auto& range) {
              for (size_t i = range.begin(); i != range.end(); ++i) work(i);
            }, tbb::simple_partitioner());
          });
        } else {
          for (size_t i = 0; i < classes.size(); ++i) work(i);
        }
        for (size_t i = 0; i < classes.size(); ++i) {
          const Id c = classes[i];
          if (round > 0 && !unsettled_[c]) continue;
          if (!made[i].alone.empty() && !graph_.given(c)) out_.flow[c] = made[i].alone[0].flow / references_[c];
          out_.bodies[c] = std::move(made[i].alone);
          first_[c] = out_.bodies[c].size();
          std::move(made[i].further.begin(), made[i].further.end(), std::back_inserter(out_.bodies[c]));
          parts_[c] = std::move(made[i].parts);
        }
      }
    }
    return std::move(out_);
  }

 private:
  // Classes that an e-node computes from one of no lower level, and all that is computed from those: what the first round finds
  // for the others is final.
  void find_unsettled() {
    std::vector<uint8_t> below(graph_.ids(), 0);
    unsettled_.assign(graph_.ids(), 0);
    for (const auto& level : levels_) {
      for (Id c : level) {
        for (Id n : egraph_.nodes_of(c)) {
          if (!graph_.usable(n)) continue;
          for (Id o : graph_.operands(n)) unsettled_[c] |= !below[graph_.find(o)] || unsettled_[graph_.find(o)];
        }
      }
      for (Id c : level) below[c] = 1;
    }
  }

  // Readers among which the cost of a class is shared.  Alternatives of one reader class count once.  Of readers in general
  // many are alternatives of each other; the pieces of a value are all wanted, as many as cover it once.
  double references(Id c) const {
    std::vector<Id> readers, pieces;
    for (Id p : egraph_.parents_of(c)) {
      if (!graph_.usable(p) || graph_.find(p) == c) continue;
      readers.push_back(graph_.find(p));
      if (graph_.op(p).name == "slice") pieces.push_back(graph_.find(p));
    }
    const double read = distinct(pieces);
    double covered = 0;  // bytes of all pieces
    for (Id p : pieces) covered += static_cast<double>(graph_.tensors().type(p).bytes());
    const double times = covered / std::max(1.0, static_cast<double>(graph_.tensors().type(c).bytes()));
    return std::max({1.0, std::sqrt(distinct(readers)), read / std::max(1.0, times)});
  }

  static double distinct(std::vector<Id>& classes) {
    std::sort(classes.begin(), classes.end());
    classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
    return static_cast<double>(classes.size());
  }

  void bodies_of(Id cls, Found& found) const {
    if (graph_.is_input(cls)) return;
    for (Id n : egraph_.nodes_of(cls)) {
      if (graph_.usable(n)) bodies_of_node(cls, n, found);
    }
    rank(found.alone);
    rank(found.parts);
    if (found.parts.size() > kParts) found.parts.resize(kParts);
    drop_dominated(found.alone);
    keep_best(found);
  }

  // The best K: one that absorbs nothing, so that every class can be made and extended; then the best of those that read
  // the same values at run time, for by what it reads a body serves beside other kernels; then the best of the rest.
  void keep_best(Found& found) const {
    std::vector<Body>& bodies = found.alone;
    size_t left = static_cast<size_t>(options_.bodies_per_class);
    if (bodies.size() <= left) return keep_further(found);
    std::vector<uint8_t> kept(bodies.size(), 0);
    auto keep = [&](size_t i) {
      if (left == 0 || kept[i]) return;
      kept[i] = 1;
      --left;
    };
    keep(0);
    const auto single = std::find_if(bodies.begin(), bodies.end(), [](const Body& b) { return b.inside.size() == 1; });
    if (single != bodies.end()) keep(static_cast<size_t>(single - bodies.begin()));
    std::set<std::vector<Id>> read;
    for (size_t i = 0; i < bodies.size() && left > 0; ++i) {
      std::vector<Id> ports;
      std::copy_if(bodies[i].ports.begin(), bodies[i].ports.end(), std::back_inserter(ports), [&](Id p) { return !ready(p); });
      if (read.insert(std::move(ports)).second) keep(i);
    }
    for (size_t i = 0; i < bodies.size() && left > 0; ++i) keep(i);
    size_t to = 0;
    for (size_t i = 0; i < bodies.size(); ++i) {
      if (!kept[i]) {
        found.further.push_back(std::move(bodies[i]));
        continue;
      }
      if (to != i) bodies[to] = std::move(bodies[i]);
      ++to;
    }
    bodies.resize(to);
    keep_further(found);
  }

  // Of all others, by flow, those that read what no body before them reads, or compute it by fewer operators: by a plain body
  // others can be enlarged that do not agree with an involved one of the same price.
  void keep_further(Found& found) const {
    std::map<std::vector<Id>, size_t> fewest;  // operators, by ports
    for (const Body& b : found.alone) {
      auto [it, fresh] = fewest.try_emplace(b.ports, b.inside.size());
      if (!fresh) it->second = std::min(it->second, b.inside.size());
    }
    std::stable_sort(found.further.begin(), found.further.end(), [](const Body& a, const Body& b) {
      return std::tuple(a.flow, a.inside.size()) < std::tuple(b.flow, b.inside.size());
    });
    size_t plainer = kPlainer, others = kOthers;
    std::vector<Body> kept;
    for (Body& b : found.further) {
      auto [it, fresh] = fewest.try_emplace(b.ports, b.inside.size());
      if (!fresh && it->second <= b.inside.size()) continue;
      size_t& left = fresh ? others : plainer;
      it->second = b.inside.size();
      if (left == 0) continue;
      --left;
      kept.push_back(std::move(b));
    }
    found.further = std::move(kept);
  }

  bool ready(Id cls) const {  // made before the run, from weights alone
    return graph_.given(cls) && graph_.tensors().depends(cls) != rules::Dependence::kData;
  }

  // Makes whatever `b` makes from no more, for no more, in the same manner and with no more operators.
  bool dominates(const Body& a, const Body& b) const {
    return a.estimate.seconds <= b.estimate.seconds && a.plan.schedule == b.plan.schedule && a.folds == b.folds &&
           operators(a) <= operators(b) && reads_no_more(a, b);
  }
  // But for those by which a weight is only read otherwise: a bias broadcast inside is one that was broadcast before the run.
  std::ptrdiff_t operators(const Body& body) const {
    return std::count_if(body.inside.begin(), body.inside.end(), [&](const Choice& c) { return !ready(c.cls) || !is_movement(graph_.op(c.node)); });
  }

  // Of weights made before the run one is as good as another that is no smaller, panels apart; those of the source are there
  // anyway.
  bool reads_no_more(const Body& a, const Body& b) const {
    double bytes = 0, made = 0;  // of what only `a` reads, less what only `b` reads; the part that is not of the source
    auto count = [&](Id p, double sign) {
      const double size = sign * static_cast<double>(graph_.tensors().type(p).bytes());
      bytes += size;
      if (!graph_.is_input(p)) made += size;
    };
    for (Id p : a.ports) {
      if (std::binary_search(b.ports.begin(), b.ports.end(), p)) continue;
      if (!ready(p)) return false;
      count(p, 1);
    }
    if (bytes == 0) return true;
    for (Id p : b.ports) {
      if (!ready(p) || std::binary_search(a.ports.begin(), a.ports.end(), p)) continue;
      if (panel_[p]) return false;
      count(p, -1);
    }
    return bytes <= 0 && made <= 0;
  }

  static void rank(std::vector<Body>& bodies) {
    std::stable_sort(bodies.begin(), bodies.end(), [](const Body& a, const Body& b) {
      if (a.flow != b.flow) return a.flow < b.flow;
      if (a.ports.size() != b.ports.size()) return a.ports.size() < b.ports.size();
      return a.inside.size() > b.inside.size();
    });
  }

  // The best of all stays first; among the rest, what another makes as well is dropped.
  void drop_dominated(std::vector<Body>& bodies) const {
    size_t kept = 0;
    for (size_t i = 0; i < bodies.size(); ++i) {
      bool needless = false;
      for (size_t j = 0; j < kept && !needless; ++j) needless = dominates(bodies[j], bodies[i]);
      if (needless) continue;
      if (kept != i) bodies[kept] = std::move(bodies[i]);
      ++kept;
    }
    bodies.resize(kept);
  }

  void bodies_of_node(Id cls, Id node, Found& found) const {
    const OpDef& op = graph_.op(node);
    std::vector<Id> operands;
    for (Id o : graph_.operands(node)) {
      const Id c = graph_.find(o);
      if (c == cls || !out_.known[c]) return;
      if (std::find(operands.begin(), operands.end(), c) == operands.end()) operands.push_back(c);
    }
    // For each operand: null (a port) or a body to absorb.
    std::vector<std::vector<const Body*>> options(operands.size()), all(operands.size());
    std::vector<Body> leaves(operands.size());
    const size_t tries = plain_ ? 0 : operands.size() <= 1 ? kOptionsUnary : operands.size() == 2 ? kOptionsBinary : kOptionsMore;
    for (size_t i = 0; i < operands.size(); ++i) {
      Id leaf;
      if (graph_.absorbed_leaf(operands[i], &leaf)) {
        leaves[i].inside = {{operands[i], leaf}};
        options[i] = {&leaves[i]};
        continue;
      }
      const std::vector<Body>& bodies = out_.bodies[operands[i]];
      const auto absorb = [&](std::span<const Body> list, size_t most, std::vector<const Body*>& into) {
        for (const Body& b : list) {
          if (into.size() >= most) break;
          if (may_absorb(op, graph_.op(b.find(operands[i])->node), b, table_.rules())) into.push_back(&b);
        }
      };
      absorb(std::span(bodies).first(first_[operands[i]]), tries, options[i]);
      absorb(parts_[operands[i]], tries, options[i]);
      if (!plain_) absorb(bodies, bodies.size(), all[i]);
      options[i].insert(options[i].begin() + std::min<ptrdiff_t>(1, static_cast<ptrdiff_t>(options[i].size())), nullptr);
    }
    std::vector<size_t> pick(operands.size(), 0);
    // Combinations in order of the sum of ranks, so that a cut keeps the best.
    size_t tried = 0, most = 0;
    for (const auto& o : options) most += o.size() - 1;
    for (size_t sum = 0; sum <= most && tried < kMaxCombinations; ++sum) {
      combine(cls, node, options, pick, 0, sum, tried, found);
    }
    // Nothing absorbed is always tried.
    Body plain = start(cls, node);
    for (const Body& leaf : leaves) insert(plain, leaf);
    std::erase_if(all, [](const auto& list) { return list.empty(); });
    if (all.size() <= kMostPaired) further(plain, all, found);
    accept(std::move(plain), found.alone, found);
  }

  // However far down the operands' lists they stand: each body alone, and two of which one reads no more than the other
  // reads or computes.  What is computed from one value in two ways (a softmax) is one kernel only so.
  void further(const Body& plain, const std::vector<std::vector<const Body*>>& all, Found& found) const {
    for (size_t i = 0; i < all.size(); ++i) {
      for (const Body* a : all[i]) {
        Body body = plain;
        if (!insert(body, *a)) continue;
        if (all.size() == 1) accept(std::move(body), found.further, found);
        for (size_t j = 0; j < all.size(); ++j) {
          if (j != i) pair(body, *a, all[j], found);
        }
      }
    }
  }

  // `body`, which absorbs `a`, with the first of `others` that fits.
  void pair(const Body& body, const Body& a, const std::vector<const Body*>& others, Found& found) const {
    for (const Body* b : others) {
      const bool fits = std::ranges::all_of(b->ports, [&](Id p) { return std::ranges::binary_search(a.ports, p) || a.find(p); });
      Body both = body;
      if (!fits || !insert(both, *b)) continue;
      return accept(std::move(both), found.further, found);
    }
  }

  void combine(Id cls, Id node, const std::vector<std::vector<const Body*>>& options, std::vector<size_t>& pick, size_t at,
               size_t left, size_t& tried, Found& found) const {
    if (tried >= kMaxCombinations) return;
    if (at == options.size()) {
      if (left != 0) return;
      ++tried;
      Body body = start(cls, node);
      for (size_t i = 0; i < options.size(); ++i) {
        const Body* b = options[i][pick[i]];
        if (b && !insert(body, *b)) return;
      }
      accept(std::move(body), found.alone, found);
      return;
    }
    size_t reachable = 0;
    for (size_t i = at; i < options.size(); ++i) reachable += options[i].size() - 1;
    if (left > reachable) return;
    for (size_t r = 0; r < options[at].size() && r <= left; ++r) {
      pick[at] = r;
      combine(cls, node, options, pick, at + 1, left - r, tried, found);
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
    std::vector<Choice> merged;
    merged.reserve(body.inside.size() + other.inside.size());
    std::set_union(body.inside.begin(), body.inside.end(), other.inside.begin(), other.inside.end(), std::back_inserter(merged));
    for (size_t i = 1; i < merged.size(); ++i) {
      if (merged[i].cls == merged[i - 1].cls) return false;
    }
    body.inside = std::move(merged);
    return body.inside.size() <= kMaxInside;
  }

  void accept(Body body, std::vector<Body>& alone, Found& found) const {
    if (!found.seen.insert(body.key()).second) return;
    const Legality legality = table_.complete(body);
    if (legality == Legality::kNever) return;
    body.flow = legality == Legality::kAlone ? body.estimate.seconds : 0;
    for (Id p : body.ports) body.flow += out_.flow[p];
    if (body.flow == kInfinite) return;
    (legality == Legality::kAlone ? alone : found.parts).push_back(std::move(body));
  }

  const FusionGraph& graph_;
  const egraph::EGraph& egraph_;
  BodyTable& table_;
  const FusionOptions& options_;
  Stopwatch watch_;
  size_t visited_ = 0;
  bool plain_ = false;  // past the clock: an operator a kernel
  const std::vector<std::vector<Id>> levels_;
  Enumeration out_;
  std::vector<std::vector<Body>> parts_;  // by class
  std::vector<size_t> first_;             // by class: of its bodies, those by flow; the further ones follow
  std::vector<double> references_;
  std::vector<uint8_t> unsettled_, panel_;
};

}  // namespace

Enumeration enumerate(const FusionGraph& graph, BodyTable& table, const std::vector<Id>& roots, const FusionOptions& options) {
  return Enumerator(graph, table, roots, options).run();
}

}  // namespace egret::extract
