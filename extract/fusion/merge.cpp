#include "extract/fusion/merge.h"

#include <algorithm>
#include <queue>
#include <unordered_map>

namespace egret::extract {
namespace {

constexpr size_t kMostReaders = 24;      // of a producer that is computed in all of them
constexpr size_t kPairsOfAValue = 16;    // kernels that read one value, tried pairwise
constexpr size_t kMostOthers = 3;        // kernels of the pool tried in the place of one
constexpr size_t kMostVisited = 4'000;   // kernels looked at to see that a merge closes no circle,
constexpr size_t kFewVisited = 200;      // and when that has been done so often:
constexpr size_t kMostVisitedInAll = 12'000'000;

class Merger {
 public:
  Merger(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules, const std::vector<Choice>& term,
         const std::vector<Id>& roots, const Limits& limits)
      : graph_(graph), table_(table), rules_(rules), limits_(limits) {
    for (Id r : roots) is_root_[graph.find(r)] = 1;
    for (const Choice& c : term) place_.emplace(c.cls, static_cast<uint32_t>(place_.size()));
  }

  void start_with_operators(const std::vector<Choice>& term) {
    for (const Choice& c : term) {
      Body body = single(graph_, c);
      if (table_.complete(body) != Legality::kAlone) failed_ = true;
      else insert(std::move(body));
    }
  }
  void start_with(const std::vector<const Body*>& kernels) {
    for (const Body* b : kernels) insert(*b);
  }
  // Other kernels that may stand for those: a union that one kernel cannot enter, another of the same result may.
  void choose_also_from(const std::vector<Body>& pool) {
    for (const Body& b : pool) {
      if (b.outputs.size() == 1 && maker_.contains(b.outputs[0])) others_[b.outputs[0]].push_back(&b);
    }
    for (auto& [cls, bodies] : others_) {
      std::ranges::stable_sort(bodies, {}, [](const Body* b) { return std::pair(b->estimate.seconds, b->inside.size()); });
    }
  }

  std::vector<Body> run(MergeWay way) {
    if (failed_) return {};
    way_ = way;
    const size_t first = kernels_.size();
    for (uint32_t k = 0; k < first; ++k) offer_around(k);
    while (!queue_.empty()) {
      if ((++steps_ & 63) == 0 && watch_.expired(limits_)) break;  // what stands is a cover, the greatest savings taken
      const Merge m = queue_.top();
      queue_.pop();
      if (!kernels_[m.a].alive || (m.b != kNone && !kernels_[m.b].alive)) continue;
      if (m.stamp != stamp(m)) continue;  // something around it has changed: it was offered again
      if (way == MergeWay::kBestSaving) {
        if (!circle(m.a, m.b)) unite(m.a, m.b);
      } else {
        inline_everywhere(m.a);
      }
    }
    std::vector<Body> out;
    for (Kernel& k : kernels_) {
      if (k.alive) out.push_back(std::move(k.body));
    }
    return out;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Kernel {
    Body body;
    bool alive = true;
    uint32_t first_made = 0, last_inside = 0;  // places in the term: of the first result, of the last operator
  };
  struct Merge {
    double saving;
    uint32_t a, b;  // b: kNone where a goes into all its readers
    uint64_t stamp;
    bool operator<(const Merge& o) const { return saving != o.saving ? saving < o.saving : a != o.a ? a > o.a : b > o.b; }
  };

  uint32_t insert(Body body) {
    Kernel k;
    k.body = std::move(body);
    k.first_made = UINT32_MAX;
    for (Id o : k.body.outputs) {
      if (auto it = place_.find(o); it != place_.end()) k.first_made = std::min(k.first_made, it->second);
    }
    for (const Choice& c : k.body.inside) {
      if (auto it = place_.find(c.cls); it != place_.end()) k.last_inside = std::max(k.last_inside, it->second);
    }
    const auto number = static_cast<uint32_t>(kernels_.size());
    for (Id o : k.body.outputs) maker_[o] = number;
    for (Id p : k.body.ports) readers_[p].push_back(number);
    kernels_.push_back(std::move(k));
    return number;
  }

  void remove(uint32_t k) {
    kernels_[k].alive = false;
    for (Id p : kernels_[k].body.ports) std::erase(readers_[p], k);
  }

  // Changes whenever a merge's saving may have changed.
  uint64_t stamp(const Merge& m) const {
    uint64_t s = m.b == kNone ? 0 : m.b + 1;
    if (way_ == MergeWay::kProducerIntoConsumers) {
      for (uint32_t r : readers_of(kernels_[m.a].body.outputs[0])) s = s * 1'000'003 + r;
    } else {
      for (uint32_t k : {m.a, m.b}) {
        for (Id o : kernels_[k].body.outputs) s = s * 1'000'003 + readers_of(o).size();
      }
    }
    return s;
  }

  const std::vector<uint32_t>& readers_of(Id cls) const {
    static const std::vector<uint32_t> none;
    auto it = readers_.find(cls);
    return it == readers_.end() ? none : it->second;
  }

  void offer_around(uint32_t k) {
    const Body& body = kernels_[k].body;
    if (way_ == MergeWay::kProducerIntoConsumers) {
      offer_inline(k);
      for (Id p : body.ports) {
        if (auto it = maker_.find(p); it != maker_.end() && kernels_[it->second].alive) offer_inline(it->second);
      }
      return;
    }
    auto offer = [&](uint32_t other) {
      if (other != k && kernels_[other].alive) offer_union(std::min(k, other), std::max(k, other));
    };
    for (Id o : body.outputs) {
      for (uint32_t r : std::vector<uint32_t>(readers_of(o))) offer(r);
    }
    for (Id p : body.ports) {
      if (auto it = maker_.find(p); it != maker_.end()) offer(it->second);
      if (!rules_.side_by_side) continue;
      const auto siblings = readers_of(p);
      const size_t at = static_cast<size_t>(std::find(siblings.begin(), siblings.end(), k) - siblings.begin());
      const size_t from = at < kPairsOfAValue / 2 ? 0 : at - kPairsOfAValue / 2;
      for (size_t i = from; i < std::min(siblings.size(), from + kPairsOfAValue); ++i) offer(siblings[i]);
    }
  }

  // --- two kernels become one -----------------------------------------------------------------------------------------

  // Of the two as they are; else of one of them as it is and another kernel in the place of the other.
  std::optional<Body> union_of(uint32_t a, uint32_t b) {
    const Body &x = kernels_[a].body, &y = kernels_[b].body;
    if (auto body = union_of(a, b, x, y)) return body;
    if (!feeds(x, y) && !feeds(y, x)) return std::nullopt;
    for (const Body* other : instead_of(x)) {
      if (auto body = union_of(a, b, *other, y)) return body;
    }
    for (const Body* other : instead_of(y)) {
      if (auto body = union_of(a, b, x, *other)) return body;
    }
    return std::nullopt;
  }

  static bool feeds(const Body& maker, const Body& reader) {
    return std::ranges::any_of(maker.outputs, [&](Id o) { return std::ranges::binary_search(reader.ports, o); });
  }

  // The cheapest kernels of the pool that make the same result from values that are stored before it in the term.
  std::vector<const Body*> instead_of(const Body& kernel) const {
    std::vector<const Body*> out;
    if (kernel.outputs.size() != 1) return out;
    const auto it = others_.find(kernel.outputs[0]);
    if (it == others_.end()) return out;
    const uint32_t place = place_.at(kernel.outputs[0]);
    for (const Body* other : it->second) {
      if (out.size() == kMostOthers) break;
      const bool stored = std::ranges::all_of(other->ports, [&](Id p) {
        const auto maker = maker_.find(p);
        return graph_.given(p) || (maker != maker_.end() && kernels_[maker->second].alive && place_.at(p) < place);
      });
      if (stored && other->inside != kernel.inside && other->contractions <= kernel.contractions) out.push_back(other);
    }
    return out;
  }

  std::optional<Body> union_of(uint32_t a, uint32_t b, const Body& x, const Body& y) {
    auto body = joined(x, y);
    if (!body) return std::nullopt;
    std::erase_if(body->outputs, [&](Id o) {  // read by nobody else
      if (is_root_.contains(o)) return false;
      const auto& readers = readers_of(o);
      return !readers.empty() && std::all_of(readers.begin(), readers.end(), [&](uint32_t r) { return r == a || r == b; });
    });
    if (body->outputs.empty() || (body->outputs.size() > 1 && !rules_.side_by_side)) return std::nullopt;
    std::sort(body->outputs.begin(), body->outputs.end());
    if (table_.complete(*body) != Legality::kAlone) return std::nullopt;
    return body;
  }

  void offer_union(uint32_t a, uint32_t b) {
    const auto body = union_of(a, b);
    if (!body) return;
    const double saving = kernels_[a].body.estimate.seconds + kernels_[b].body.estimate.seconds - body->estimate.seconds;
    Merge m{saving, a, b, 0};
    m.stamp = stamp(m);
    if (pays(saving, a, b)) queue_.push(m);
  }

  // A reshape costs nothing by itself, but stands between others.
  bool pays(double saving, uint32_t a, uint32_t b) const {
    auto alias = [&](uint32_t k) { return k != kNone && kernels_[k].body.plan.schedule == ScheduleClass::kAlias; };
    const bool view = alias(a) || alias(b);
    return saving > 0 || (view && saving == 0);
  }

  // Would a kernel of both wait for itself: does a way lead from one to the other through a third?
  bool circle(uint32_t a, uint32_t b) { return leads(a, b, true) || leads(b, a, true); }
  // The same of a value that neither of them read so far.
  bool circle(uint32_t a, uint32_t b, const Body& body) {
    return std::ranges::any_of(body.ports, [&](Id p) {
      const auto read = [&](uint32_t k) { return std::ranges::binary_search(kernels_[k].body.ports, p); };
      if (graph_.given(p) || read(a) || read(b)) return false;
      const uint32_t maker = maker_.at(p);
      return maker == a || maker == b || leads(a, maker, false) || leads(b, maker, false);
    });
  }
  bool leads(uint32_t from, uint32_t to, bool by_others) {
    std::vector<uint32_t> work{from};
    seen_.resize(kernels_.size(), 0);
    ++mark_;
    const size_t last = visited_ + (visited_ < kMostVisitedInAll ? kMostVisited : kFewVisited);
    while (!work.empty()) {
      const uint32_t k = work.back();
      work.pop_back();
      if (++visited_ > last) return true;
      for (Id o : kernels_[k].body.outputs) {
        for (uint32_t r : readers_of(o)) {
          if (r == to && !(by_others && k == from)) return true;
          if (r == to || seen_[r] == mark_ || kernels_[r].first_made > kernels_[to].last_inside) continue;
          seen_[r] = mark_;
          work.push_back(r);
        }
      }
    }
    return false;
  }

  void unite(uint32_t a, uint32_t b) {
    auto body = union_of(a, b);
    if (!body || circle(a, b, *body)) return;
    remove(a);
    remove(b);
    offer_around(insert(std::move(*body)));
  }

  // --- a producer into all its readers --------------------------------------------------------------------------------

  std::optional<Body> into(const Body& producer, const Body& reader) {
    auto body = joined(reader, producer);
    if (!body) return std::nullopt;
    body->outputs = reader.outputs;
    if (table_.complete(*body) != Legality::kAlone) return std::nullopt;
    return body;
  }

  void offer_inline(uint32_t k) {
    const Body& producer = kernels_[k].body;
    if (producer.outputs.size() > 1) return;
    const Id made = producer.outputs[0];
    const auto& readers = readers_of(made);
    if (is_root_.contains(made) || readers.empty() || readers.size() > kMostReaders) return;
    double saving = producer.estimate.seconds;
    for (uint32_t r : readers) {
      const auto body = into(producer, kernels_[r].body);
      if (!body) return;
      saving += kernels_[r].body.estimate.seconds - body->estimate.seconds;
    }
    Merge m{saving, k, kNone, 0};
    m.stamp = stamp(m);
    if (pays(saving, k, kNone)) queue_.push(m);
  }

  void inline_everywhere(uint32_t k) {
    const Body producer = kernels_[k].body;
    std::vector<Body> bodies;
    const std::vector<uint32_t> readers = readers_of(producer.outputs[0]);
    for (uint32_t r : readers) {
      auto body = into(producer, kernels_[r].body);
      if (!body) return;
      bodies.push_back(std::move(*body));
    }
    remove(k);
    for (uint32_t r : readers) remove(r);
    std::vector<uint32_t> fresh;
    for (Body& body : bodies) fresh.push_back(insert(std::move(body)));
    for (uint32_t f : fresh) offer_around(f);
  }

  const FusionGraph& graph_;
  BodyTable& table_;
  const rules::FusionRules& rules_;
  const Limits& limits_;
  Stopwatch watch_;
  MergeWay way_ = MergeWay::kBestSaving;
  bool failed_ = false;
  uint64_t steps_ = 0;
  std::unordered_map<Id, uint8_t> is_root_;
  std::unordered_map<Id, uint32_t> place_;   // of a class in the term
  std::vector<Kernel> kernels_;
  std::unordered_map<Id, uint32_t> maker_;
  std::unordered_map<Id, std::vector<uint32_t>> readers_;  // living kernels
  std::unordered_map<Id, std::vector<const Body*>> others_;  // of the pool, by their one result, the cheapest first
  std::priority_queue<Merge> queue_;
  std::vector<uint32_t> seen_;
  uint32_t mark_ = 0;
  size_t visited_ = 0;
};

}  // namespace

std::vector<Body> merged(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules,
                         const std::vector<Choice>& term, const std::vector<Id>& roots, MergeWay way, const Limits& limits) {
  Merger merger(graph, table, rules, term, roots, limits);
  merger.start_with_operators(term);
  return merger.run(way);
}

std::vector<Body> merged_further(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules,
                                 const FusionProblem& problem, const Solution& cover, const std::vector<Id>& roots, MergeWay way,
                                 const Limits& limits) {
  std::vector<const Body*> kernels;
  for (uint32_t c : cover.chosen) {
    if (problem.body_of[c] >= 0) kernels.push_back(&problem.bodies[static_cast<size_t>(problem.body_of[c])]);
  }
  Merger merger(graph, table, rules, term_of(graph, problem, cover), roots, limits);
  merger.start_with(kernels);
  merger.choose_also_from(problem.bodies);
  return merger.run(way);
}

}  // namespace egret::extract
