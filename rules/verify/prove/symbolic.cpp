#include "rules/verify/prove/symbolic.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "ir/dim_expr.h"
#include "rules/lang/left.h"
#include "rules/lang/natives.h"
#include "rules/lang/syntax.h"
#include "rules/verify/prove/coverage.h"
#include "rules/verify/prove/elaborate.h"
#include "rules/verify/prove/models.h"
#include "rules/verify/prove/ranks.h"
#include "rules/verify/prove/shapes.h"

namespace egret::rules {
namespace {

constexpr size_t kMaxShapes = 8'000;
constexpr size_t kNeedsShapes = 12;  // looked at for what a rule needs
constexpr int kSplits = 2;           // of a shape by what facts say of products, one after another
constexpr size_t kModels = 48;       // of a shape that was not proved
constexpr const char* kLimit = "the limit on questions to Z3 was reached";

std::vector<uint32_t> nonzero_inputs(const RuleInstance& instance) {
  std::vector<uint32_t> out;
  for (const Hypothesis& h : instance.hypotheses) {
    if (h.condition == "nonzero" || h.condition == "positive") out.insert(out.end(), h.inputs.begin(), h.inputs.end());
  }
  return out;
}

// Inputs that the rule asks to be constant or frozen.
std::set<uint32_t> fixed_inputs(const Rule& rule, const RuleInstance& instance) {
  std::set<std::string> names;
  for (const Term& c : rule.syntax->where) {
    const bool asks = c.kind == Term::Kind::kCall && (c.name == "frozen" || c.name == "constant");
    if (asks && !c.args.empty()) names.insert(c.args[0].name);
  }
  std::set<uint32_t> out;
  for (uint32_t k = 0; k < instance.left.inputs.size(); ++k) {
    if (names.contains(instance.left.node(instance.left.inputs[k].value).name)) out.insert(k);
  }
  return out;
}

// The first fact that says it in a product: of one that is 0, the shape once for each factor that may be; of sizes whose product is 1,
// each is.
std::vector<Shape> split_fact(const Shape& shape) {
  for (size_t k = 0; k < shape.facts.size(); ++k) {
    const SizeFact& f = shape.facts[k];
    const Dim zero = f.a - f.b;
    if (f.kind != SizeFact::Kind::kEqual || zero.is_const()) continue;
    const DimSum sum = DimAccess::sum(zero);
    if (sum.terms.size() == 1 && sum.constant == -sum.terms[0].coefficient && sum.terms[0].factors.size() > 1) {
      const auto& factors = sum.terms[0].factors;
      if (!std::ranges::all_of(factors, [](const DimExpr* size) { return DimAccess::dim(size).low() >= 0; })) continue;
      Shape one = shape;
      one.facts.erase(one.facts.begin() + static_cast<std::ptrdiff_t>(k));
      for (const DimExpr* size : factors) one.facts.push_back({SizeFact::Kind::kEqual, DimAccess::dim(size), 1});
      return {std::move(one)};
    }
    if (sum.constant != 0 || sum.terms.empty()) continue;
    std::vector<const DimExpr*> shared = sum.terms[0].factors;
    for (const DimTerm& t : sum.terms) {
      std::erase_if(shared, [&](const DimExpr* f) { return std::find(t.factors.begin(), t.factors.end(), f) == t.factors.end(); });
    }
    if (shared.empty() || (sum.terms.size() == 1 && shared.size() < 2)) continue;
    std::vector<Shape> out;
    if (sum.terms.size() > 1) {
      Dim rest = 0;
      for (const DimTerm& t : sum.terms) {
        Dim product = t.coefficient;
        std::vector<const DimExpr*> left = t.factors;
        for (const DimExpr* f : shared) left.erase(std::find(left.begin(), left.end(), f));
        for (const DimExpr* f : left) product = product * DimAccess::dim(f);
        rest = rest + product;
      }
      out.push_back(shape);
      out.back().facts[k] = {SizeFact::Kind::kEqual, rest, 0};
    }
    for (const DimExpr* factor : shared) {
      Shape one = shape;
      one.facts[k] = {SizeFact::Kind::kEqual, DimAccess::dim(factor), 0};
      if (factor->kind == DimExpr::Kind::kMax && factor->b == Dim(0)) one.facts[k] = {SizeFact::Kind::kLessEqual, factor->a, 0};
      if (factor->kind == DimExpr::Kind::kMax && factor->a == Dim(0)) one.facts[k] = {SizeFact::Kind::kLessEqual, factor->b, 0};
      out.push_back(std::move(one));
    }
    return out;
  }
  return {};
}

// Shapes that are the given one together, whose facts have fewer products.
std::vector<Shape> cases_of(const Shape& shape, int depth = 0) {
  std::vector<Shape> out;
  std::vector<Shape> parts = depth < kSplits ? split_fact(shape) : std::vector<Shape>{};
  if (parts.empty()) out.push_back(shape);
  for (const Shape& part : parts) {
    for (Shape& one : cases_of(part, depth + 1)) out.push_back(std::move(one));
  }
  return out;
}

// One shape: every root at every index.
class ShapeProof {
 public:
  ShapeProof(Shape& shape, const Laws& laws, const Deciders& deciders, const ProverLimits& limits, std::deque<NamedNumbers>& known, std::set<uint32_t> fixed)
      : shape_(shape), integers_(deciders.integers), known_(known), fixed_(std::move(fixed)), scalars_(indices_), sizes_(indices_),
        prover_(scalars_, deciders.integers, deciders.scalars, laws, limits, known, nonzero_inputs(shape.instance)) {}

  enum class Answer { kProved, kEmpty, kUnproved };

  Result<Answer> run(const std::set<std::string>& many, AxisUse& use, Needs* needs, const ShapeSteps& steps, std::string& why) {
    AssumeSizes scope(shape_.facts);
    ProofLog log(scalars_);
    std::vector<std::pair<Prover::Context, ProofLog::Pair>> roots;
    EGRET_TRY(const Graph left, expand_composites(shape_.instance.left));
    EGRET_TRY(const Graph right, expand_composites(shape_.instance.right));
    sizes_.take(shape_.facts);
    Elements of_left(left, sizes_, scalars_), of_right(right, sizes_, scalars_);
    for (const Hypothesis& h : shape_.instance.hypotheses) {
      if (h.condition != "splat") continue;
      const uint32_t input = h.inputs[0];
      const Dim number = named_splat(left.type(left.inputs[input].value).dtype, input);
      of_left.set_splat(input, number);
      of_right.set_splat(input, number);
    }
    bool inhabited = false;
    for (size_t o = 0; o < left.outputs.size(); ++o) {
      const Type& type = left.type(left.outputs[o].value);
      std::vector<IntId> index;
      Prover::Context ranges;
      for (int k = 0; k < type.rank(); ++k) {
        const VariableId v = indices_.fresh(fmt::format("i{}", k));
        const IntId size = sizes_.term(type.dims[static_cast<size_t>(k)]);
        int64_t count = 0;
        if (indices_.is_constant(size, &count) && count == 1) {
          index.push_back(indices_.constant(0));
          continue;
        }
        indices_.set_size(v, size);
        index.push_back(indices_.variable(v));
        ranges.push_back(indices_.non_negative(index.back()));
        ranges.push_back(indices_.less(index.back(), size));
      }
      EGRET_TRY(const ScalarId a, of_left.at(left.outputs[o].value, index));
      EGRET_TRY(const ScalarId b, of_right.at(right.outputs[o].value, index));
      note_use(scalars_, a, b, many, use);
      Prover::Context context = sizes_.hypotheses();
      context.insert(context.end(), ranges.begin(), ranges.end());
      if (!sizes_.all_free() && prover_.impossible(context)) continue;
      inhabited = true;
      if (steps) prover_.set_log(&log);
      if (!prover_.equal(a, b, context)) {
        why = prover_.exhausted() ? kLimit : prover_.reason();
        roots.push_back({context, {a, b}});
        if (steps) steps(log.print(shape_.where, roots), log.obligations(), true);
        return Answer::kUnproved;
      }
      prover_.set_log(nullptr);
      roots.push_back({context, {a, b}});
      if (needs) needs->join(needs_of(prover_, a, b, context, fixed_));
    }
    if (steps && inhabited) steps(log.print(shape_.where, roots), log.obligations(), false);
    return inhabited ? Answer::kProved : Answer::kEmpty;
  }

  std::vector<NamedNumbers> models() { return small_models(sizes_, indices_, integers_, known_, kModels); }

 private:
  Shape& shape_;
  DecideIntegers integers_;
  std::deque<NamedNumbers>& known_;
  std::set<uint32_t> fixed_;
  Indices indices_;
  Scalars scalars_;
  Sizes sizes_;
  Prover prover_;
};

}  // namespace

std::string Ranks::to_string() const { return any ? "any" : fmt::format("0-{}", up_to); }

namespace {

// All shapes within bounds, until one is not proved.
class ShapesProof {
 public:
  ShapesProof(const Rule& rule, const Laws& laws, const Deciders& deciders, double seconds, Needs* needs, const ShapeSteps& steps)
      : rule_(rule), laws_(laws), deciders_(deciders), seconds_(seconds), needs_(needs), steps_(steps) {
    auto prepared = prepare(rule);
    if (!prepared.ok()) return;
    tracked = (*prepared)->tracked;
    for (const AxisName& g : (*prepared)->groups) {
      if (g.many) many_.insert(g.name);
    }
  }

  bool run(const ShapeBounds& bounds) {
    bool failed = false;
    ProverLimits limits;
    rank = for_each_shape(rule_, bounds, [&](Shape& shape) {
      limits.seconds = seconds_ - clock_.seconds();
      std::string why;
      if (limits.seconds <= 0 || shapes >= kMaxShapes) {
        reason = "the limit on shapes or on time was reached";
        failed = limited = true;
        return false;
      }
      AxisUse here;
      Result<ShapeProof::Answer> answer = ShapeProof::Answer::kEmpty;
      for (Shape& part : cases_of(shape)) {
        ShapeProof of_part(part, laws_, deciders_, limits, known_, fixed_inputs(rule_, part.instance));
        auto one = of_part.run(many_, here, shape.own_dtypes && shapes < kNeedsShapes ? needs_ : nullptr, steps_, why);
        if (one.ok() && *one == ShapeProof::Answer::kUnproved && wants_models) models = of_part.models();
        if (!one.ok() || *one != ShapeProof::Answer::kEmpty) answer = std::move(one);
        if (!answer.ok() || *answer == ShapeProof::Answer::kUnproved) break;
      }
      if (!answer.ok()) why = answer.error().message;
      if (!answer.ok() || *answer == ShapeProof::Answer::kUnproved) {
        limited = why == kLimit;
        reason = fmt::format("{}: {}", shape.where, why);
        unproved = shape.instance.assignment;
        failed = true;
        return false;
      }
      use.groups.insert(here.groups.begin(), here.groups.end());
      use.whole |= here.whole;
      use.conditions = std::max(use.conditions, here.conditions);
      note_use(shape.instance.left, shape.instance.right, use);
      if (*answer == ShapeProof::Answer::kProved) {
        ++shapes;
        if (coverage) coverage->take(shape);
      }
      return true;
    });
    return !failed && rank >= 0;
  }

  bool tracked = false;
  bool limited = false;  // a limit was in the way
  AxisUse use;
  int rank = 0;
  size_t shapes = 0;
  std::string reason;
  std::optional<Assignment> unproved;
  bool wants_models = false;
  std::vector<NamedNumbers> models;  // of the shape that was not proved
  Coverage* coverage = nullptr;  // of the shapes proved, where asked for

 private:
  const Rule& rule_;
  const Laws& laws_;
  const Deciders& deciders_;
  double seconds_;
  Needs* needs_;
  const ShapeSteps& steps_;
  WorkClock clock_;
  std::deque<NamedNumbers> known_;
  std::set<std::string> many_;
};

constexpr int kMostAxes = 4;  // of a group that proofs go to
constexpr int kRank = 5;      // of whole tensors that proofs go to

}  // namespace

SymbolicProof prove_for_all_sizes(const Rule& rule, const Laws& laws, const Deciders& deciders, double seconds, ProofRanks ranks, Needs* needs,
                                  const ShapeSteps& steps) {
  SymbolicProof out;
  const bool all = ranks == ProofRanks::kAll;
  ShapesProof proof(rule, laws, deciders, seconds, needs, steps);
  proof.wants_models = ranks != ProofRanks::kSketch || needs;
  std::optional<Coverage> coverage;
  if (ranks != ProofRanks::kSketch) proof.coverage = &coverage.emplace(rule, !laws.contract);
  ShapeBounds bounds;
  bounds.narrow_floats = !laws.contract;
  bounds.rank = !all ? 1 : proof.tracked ? 3 : 2;
  if (ranks == ProofRanks::kSketch) bounds.dtypes = ShapeDTypes::kKinds;
  out.proved = proof.run(bounds);
  out.ranks.up_to = proof.tracked ? 1 : proof.rank;
  // Whole tensors of more axes, as many as a counterexample may need; where a limit comes first, the proof is of fewer.
  while (out.proved && !proof.tracked) {
    int wanted = proof.shapes == 0 ? kRank : !all || proof.use.positions ? 0 : std::min(kRank, needed_rank(rule, proof.use));
    if (all) wanted = std::max(wanted, std::min(kRank, coverage->least_rank()));
    if (coverage && !coverage->all_dtypes()) wanted = kRank;
    if (bounds.rank >= wanted) break;
    ++bounds.rank;
    if (coverage && coverage->all_dtypes()) bounds.dtypes = ShapeDTypes::kOwn;
    if (proof.run(bounds)) {
      if (proof.rank < bounds.rank) break;  // too many shapes
      out.ranks.up_to = proof.rank;
    } else {
      out.proved = proof.limited;
      break;
    }
  }
  if (out.proved && proof.shapes == 0) {
    out.proved = false;
    out.reason = "no shape satisfies its conditions";
  }
  out.failed = proof.unproved;
  out.models = std::move(proof.models);
  if (!out.proved) {
    if (out.reason.empty()) out.reason = proof.reason.empty() ? "too many shapes" : proof.reason;
    return out;
  }
  const AxisUse use = proof.use;
  if (proof.tracked) {
    // Groups with index arithmetic: as many axes as a counterexample may need.  (Dtypes are no matter of axes.)
    bounds.dtypes = ShapeDTypes::kOwn;
    const int needed = static_cast<int>(use.conditions) + 1;
    out.ranks.any = use.groups.empty() && !use.whole;
    for (int axes : {0, 2, 3, kMostAxes}) {
      if (out.ranks.any || axes > needed || !all) break;
      bounds.group_axes.clear();
      for (const std::string& g : use.groups) bounds.group_axes.emplace_back(g, axes);
      if (!proof.run(bounds)) {
        out.proved = proof.limited;
        if (!out.proved) out.reason = proof.reason;
        break;
      }
      out.ranks.up_to = std::max(out.ranks.up_to, axes);
      out.ranks.any = axes >= needed && !use.whole;
    }
  } else {
    out.ranks.any = use.positions || (!use.reshapes && out.ranks.up_to >= needed_rank(rule, use));
  }
  if (out.proved && coverage && !coverage->all_dtypes()) {
    out.proved = false;
    out.reason = "no shape was proved under " + coverage->lacking_dtypes();
  }
  if (auto lacking = out.proved && all ? coverage->lacking(proof.tracked ? bounds.rank : out.ranks.up_to) : std::nullopt) {
    out.proved = false;
    out.reason = "the shapes proved do not hold the one at " + *lacking;
  }
  return out;
}

}  // namespace egret::rules
