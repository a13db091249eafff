// Integers of any size in Z3: one context a thread, a solver a question, work bounded in Z3's own units.
#include <map>

#include <z3++.h>

#include "rules/verify/z3/z3_context.h"
#include "rules/verify/z3/z3_module.h"

namespace egret::rules {
namespace {

constexpr unsigned kLinearWork = 400'000, kNonlinearWork = 3'000'000;
constexpr unsigned kNonlinearMilliseconds = 6'000;  // a safety net for work that the units do not see (of the wall: other programs move it)

class Integers {
 public:
  explicit Integers(const IntegerQuery& q, z3::context& c) : q_(q), i_(*q.indices), c_(c) {}

  void run(IntegerAnswer& answer) {
    // Linear questions are small: what Z3 would prepare for a logic costs more than its core needs.
    z3::solver solver = q_.nonlinear ? z3::solver(c_, "QF_UFNIA") : z3::solver(c_, z3::solver::simple());
    z3::params p(c_);
    p.set("rlimit", q_.nonlinear ? kNonlinearWork : kLinearWork);
    if (q_.nonlinear) p.set("timeout", kNonlinearMilliseconds);
    solver.set(p);
    for (CondId h : *q_.hypotheses) solver.add(condition(h));
    solver.add(!condition(q_.goal));
    const z3::check_result result = solver.check();
    answer.entailed = result == z3::unsat;
    if (q_.print && answer.entailed) answer.smt = solver.to_smt2();
    answer.has_products = has_products_;
    answer.refuted = result == z3::sat && (q_.nonlinear || !has_products_);
    if (result != z3::sat) return;
    const z3::model m = solver.get_model();
    for (const auto& [number, constant] : atoms_) {
      int64_t value = 0;
      const IntAtom& a = i_.atom(number);
      if (a.kind == IntAtom::Kind::kVariable && m.eval(constant, true).is_numeral_i64(value)) answer.model.emplace_back(a.number, value);
    }
  }

 private:
  z3::expr atom(uint32_t number) {
    auto it = atoms_.find(number);
    if (it == atoms_.end()) it = atoms_.emplace(number, c_.int_const(("a" + std::to_string(number)).c_str())).first;
    return it->second;
  }

  z3::expr term(IntId id) {
    const Polynomial& p = i_.polynomial(id);
    if (p.empty()) return c_.int_val(0);
    z3::expr_vector sum(c_);
    for (const IntTerm& t : p) {
      const z3::expr coefficient = c_.int_val(t.coefficient);
      if (t.atoms.empty()) {
        sum.push_back(coefficient);
        continue;
      }
      z3::expr product = atom(t.atoms[0]);
      if (t.atoms.size() > 1) {
        has_products_ = true;
        std::string name = "p";
        for (uint32_t a : t.atoms) name += "_" + std::to_string(a);
        if (q_.nonlinear) {
          for (size_t k = 1; k < t.atoms.size(); ++k) product = product * atom(t.atoms[k]);
        } else {
          product = c_.int_const(name.c_str());
        }
      }
      sum.push_back(t.coefficient == 1 ? product : coefficient * product);
    }
    return z3::sum(sum);
  }

  z3::expr condition(CondId id) {
    const CondNode& n = i_.cond(id);
    switch (n.kind) {
      case CondNode::Kind::kTrue: return c_.bool_val(true);
      case CondNode::Kind::kFalse: return c_.bool_val(false);
      case CondNode::Kind::kNonNegative: return term(n.value) >= 0;
      case CondNode::Kind::kZero: return term(n.value) == 0;
      case CondNode::Kind::kTruth: return c_.bool_const(("t" + std::to_string(n.scalar)).c_str());
      case CondNode::Kind::kNot: return !condition(n.args[0]);
      case CondNode::Kind::kAnd:
      case CondNode::Kind::kOr: {
        z3::expr_vector args(c_);
        for (CondId a : n.args) args.push_back(condition(a));
        return n.kind == CondNode::Kind::kAnd ? z3::mk_and(args) : z3::mk_or(args);
      }
    }
    return c_.bool_val(false);
  }

  const IntegerQuery& q_;
  const Indices& i_;
  z3::context& c_;
  std::map<uint32_t, z3::expr> atoms_;
  bool has_products_ = false;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) void egret_z3_integers(const IntegerQuery* query, IntegerAnswer* answer) {
  try {
    Integers(*query, z3_context()).run(*answer);
  } catch (const std::exception&) {  // z3::exception is one: nothing is entailed
    *answer = {};
  }
}

}  // namespace egret::rules
