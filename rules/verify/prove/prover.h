// Prover: are two scalar terms equal for all sizes, all indices and all elements?
//
//   equal        splits on conditions that no fold binds, until none is left; then
//   template     leaves (reads, folds) that are provably one become one variable, and what stands above them is a formula
//                of scalars for Z3 (z3_module.h): bit for bit, over IEEE numbers, or over the reals; or else
//   normal form  (normal.h) where the licence lets rounding move: sums of products of atoms, folds with one product each.
//
// Folds are multisets: the order of folding is no part of the meaning (docs/verifier.md).  Two folds are equal if a
// bijection between their index sets, found from the reads, makes their bodies equal (folds.cpp).  Every step is a
// sufficient condition: false means "not proved", never "different".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rules/verify/prove/normal.h"
#include "rules/verify/prove/proof_log.h"
#include "rules/verify/terms/quotients.h"
#include "rules/verify/terms/scalar.h"
#include "rules/verify/terms/witnesses.h"
#include "rules/verify/z3/z3_module.h"

namespace egret::rules {

// The laws that a licence grants.
struct Laws {
  bool nsz = false, nnan = false, ninf = false;
  bool contract = false;    // a rounding to a narrower type may be left out
  bool reassoc = false;     // sums and products as multisets, sums of folds as folds
  bool reciprocal = false;  // a quotient is a product with an inverse
  bool field = false;       // all of the above, and products distribute
  static Laws of(const std::vector<std::string>& words);
};

// Seconds that this thread has worked since construction: a limit that other programs do not move.
class WorkClock {
 public:
  WorkClock() : start_(now()) {}
  double seconds() const { return now() - start_; }

 private:
  static double now();
  double start_;
};

struct ProverLimits {
  size_t queries = 4'000;   // of integers, to Z3
  double seconds = 10;
};

class Prover {
 public:
  using Context = std::vector<CondId>;  // hypotheses

  // `nonzero`: inputs none of whose elements is 0.  `known`: numbers that met the hypotheses of shapes before (witnesses.h).
  Prover(Scalars& scalars, DecideIntegers integers, DecideEquality scalars_decide, const Laws& laws, const ProverLimits& limits,
         std::deque<NamedNumbers>& known, std::vector<uint32_t> nonzero = {})
      : s_(scalars), i_(scalars.indices()), integers_(integers), decide_(scalars_decide), laws_(laws), limits_(limits),
        nonzero_(std::move(nonzero)), witnesses_(scalars.indices(), known) {}

  bool equal(ScalarId left, ScalarId right, const Context& context);
  // The hypotheses contradict each other.
  bool impossible(const Context& context) { return entails(context, Indices::kFalseCond); }
  // What was in the way, of the last `equal` that failed.
  const std::string& reason() const { return reason_; }
  bool exhausted() const { return exhausted_; }

  // Steps are noted there from now on; null: nowhere.
  void set_log(ProofLog* log) { log_ = log; }

  Scalars& scalars() { return s_; }
  const Laws& laws() const { return laws_; }
  // With the ranges of a fold's variables.
  Context with_ranges(const Context& context, const ScalarNode& fold);

 private:
  friend class Normalizer;

  // --- conditions (prover.cpp)
  // `stages`: linear; with products of hypotheses; non-linear.
  bool entails(const Context& context, CondId goal, int stages = 3);
  bool by_integers(IntegerQuestion question, int stages);
  IntegerAnswer ask(const IntegerQuestion& question, const std::vector<CondId>& hypotheses, bool nonlinear);
  std::optional<bool> decided(const Context& context, CondId c);
  bool about_indices(CondId c) const;
  bool mentions(ScalarId id, CondId c) const;
  CondId first_condition(ScalarId id, std::vector<VariableId>& bound);
  bool same_index(IntId a, IntId b, const Context& context);
  bool unconditional(ScalarId left, ScalarId right, const Context& context);
  bool by_template(ScalarId left, ScalarId right, const Context& context);
  std::optional<FormulaId> formula(ScalarId id, const Context& context, Formulas& formulas,
                                   std::vector<ScalarId>& leaves, std::map<ScalarId, FormulaId>& done);
  std::optional<FormulaId> condition_formula(CondId c, const Context& context, Formulas& formulas,
                                             std::vector<ScalarId>& leaves, std::map<ScalarId, FormulaId>& done);
  bool fail(std::string why);

  // --- folds (folds.cpp)
  ScalarId simplify(ScalarId id, const Context& context);
  ScalarId simplify_fold(ScalarNode fold, const Context& context);
  ScalarId simplify_located(ScalarNode fold, const Context& context);
  std::optional<std::pair<size_t, IntId>> only_position(const ScalarNode& f, CondId c);
  std::optional<ScalarId> of_positions(const ScalarNode& n, const Context& context);
  std::optional<ScalarId> remainder(IntId a, IntId b, DType dtype, const Context& context);
  struct Unsigned {
    ScalarId value;
    bool signs;  // it had one: of 0 it does not show
  };
  std::optional<Unsigned> without_sign(ScalarId id);
  bool is_no_nan(ScalarId id) const;
  bool same_leaf(ScalarId a, ScalarId b, const Context& context);
  bool equal_folds(ScalarId a, ScalarId b, const Context& context);
  bool related(const ScalarNode& a, const ScalarNode& b, const Context& context, const Indices::Substitution& to_b,
               const Indices::Substitution& to_a);
  void note_classes(ScalarId id, const Context& context, std::vector<std::vector<ScalarId>>& classes);

  // --- sets (cover.cpp)
  struct Item {  // of an extremum: the body, for all values of the variables at which the guard holds
    std::vector<VariableId> binders;
    std::vector<IntId> sizes;
    CondId guard = Indices::kTrueCond;
    ScalarId body = 0;
  };
  bool items_of(ScalarId id, FoldKind kind, Item at, std::vector<Item>& out);
  struct ItemFound {  // where an item of one side stands in one of the other
    Indices::Substitution at;  // the other's variables
    ScalarId body;             // the other's body there
  };
  std::optional<ItemFound> item_in(const Item& item, const Item& other, const Context& context);
  bool by_cover(ScalarId left, ScalarId right, const Context& context);

  Scalars& s_;
  Indices& i_;
  DecideIntegers integers_;
  DecideEquality decide_;
  Laws laws_;
  ProverLimits limits_;
  std::vector<uint32_t> nonzero_;
  Witnesses witnesses_;
  ProofLog* log_ = nullptr;
  std::map<std::tuple<Context, CondId, int>, bool> entailed_;
  std::map<std::pair<Context, ScalarId>, ScalarId> simplified_;
  std::map<std::tuple<Context, ScalarId, ScalarId>, bool> compared_, folds_;
  WorkClock watch_;
  size_t queries_ = 0;
  int depth_ = 0, matching_ = 0;  // of cases and folds; of bijections that are tried
  bool exhausted_ = false;
  std::string reason_;
};

}  // namespace egret::rules
