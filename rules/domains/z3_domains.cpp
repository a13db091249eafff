// Scalar rules in Z3: words as bit-vectors, integers, and rationals as reals.
#include <z3++.h>

#include "rules/domains/domain_query.h"
#include "rules/verify/z3/z3_context.h"

namespace egret::rules {
namespace {

constexpr const char* kBits = "QF_BV";
constexpr unsigned kWork = 20'000'000;  // Z3's own units: the same answer on every machine

class Question {
 public:
  Question(const DomainRule& rule, z3::context& c) : r_(rule), c_(c) {}

  void run(const DomainQuery& q, DomainAnswer& answer) {
    translate();
    z3::expr claim = at(r_.left) != at(r_.right);
    z3::expr left = c_.bool_val(true), right = left;
    if (r_.domain.kind == Domain::Kind::kRational) {
      left = defined(r_.left);
      right = defined(r_.right);
    }
    claim = q.question == DomainQuery::Question::kDefined ? left && !right : left && right && claim;
    if (r_.condition) claim = claim && at(*r_.condition);
    const char* logic = r_.domain.kind == Domain::Kind::kBits ? kBits : r_.domain.kind == Domain::Kind::kRational ? "QF_NRA" : nullptr;
    z3::solver solver = logic ? z3::solver(c_, logic) : z3::solver(c_);
    z3::params p(c_);
    p.set("rlimit", kWork);
    p.set("timeout", q.timeout_ms);
    solver.set(p);
    solver.add(claim);
    z3::check_result result = solver.check();
    if (result == z3::unknown && logic == kBits) result = by_amount(solver);
    if (result == z3::unknown) {
      answer.reason = solver.reason_unknown();
      return;
    }
    answer.kind = result == z3::unsat ? DomainAnswer::Kind::kNever : DomainAnswer::Kind::kSometimes;
    if (result == z3::unsat) return;
    const z3::model m = solver.get_model();
    for (const z3::expr& v : variables_) {
      const z3::expr value = m.eval(v, true);
      if (value.is_bool()) {
        answer.model.emplace_back(value.is_true() ? "1" : "0");
      } else if (value.is_bv()) {
        answer.model.emplace_back(Z3_get_numeral_string(c_, value));
      } else if (value.is_numeral()) {
        answer.model.emplace_back(Z3_get_numeral_string(c_, value));
      } else {
        answer.model.clear();  // an algebraic number
        return;
      }
    }
  }

 private:
  const z3::expr& at(uint32_t node) const { return made_[node]; }

  z3::expr variable(size_t k) {
    const char* name = r_.variables[k].c_str();
    switch (r_.domain.kind) {
      case Domain::Kind::kBits: return c_.bv_const(name, r_.domain.bits);
      case Domain::Kind::kRational: return c_.real_const(name);
      case Domain::Kind::kInteger: break;
    }
    return r_.sorts[k] == DomainSort::kTruth ? c_.bool_const(name) : c_.int_const(name);
  }

  z3::expr number(const DomainNode& n) {
    switch (r_.domain.kind) {
      case Domain::Kind::kBits: return c_.bv_val(n.number, r_.domain.bits);
      case Domain::Kind::kRational: return c_.real_val(n.number);
      case Domain::Kind::kInteger: break;
    }
    return n.sort == DomainSort::kTruth ? c_.bool_val(n.number != 0) : c_.int_val(n.number);
  }

  void translate() {
    for (size_t k = 0; k < r_.variables.size(); ++k) variables_.push_back(variable(k));
    for (const DomainNode& n : r_.nodes) made_.push_back(make(n));
  }

  z3::expr make(const DomainNode& n) {
    if (n.op == DomainOp::kVariable) return variables_[static_cast<size_t>(n.number)];
    if (n.op == DomainOp::kNumber) return number(n);
    const z3::expr a = at(n.args[0]), b = n.args.size() > 1 ? at(n.args[1]) : a;
    const bool bits = r_.domain.kind == Domain::Kind::kBits;
    switch (n.op) {
      case DomainOp::kAdd: return a + b;
      case DomainOp::kSub: return a - b;
      case DomainOp::kMul: return a * b;
      // Euclidean by a divisor of any sign, as SMT-LIB's; by 0 it gives 0.
      case DomainOp::kDiv: return r_.domain.kind == Domain::Kind::kRational ? a / b : z3::ite(b == 0, c_.int_val(0), a / b);
      case DomainOp::kMod: return z3::ite(b == 0, c_.int_val(0), z3::mod(a, b));
      case DomainOp::kNeg: return -a;
      case DomainOp::kAbs: return z3::ite(a >= 0, a, -a);
      case DomainOp::kMin: return z3::ite(a <= b, a, b);
      case DomainOp::kMax: return z3::ite(a >= b, a, b);
      case DomainOp::kAnd: return bits ? a & b : a && b;
      case DomainOp::kOr: return bits ? a | b : a || b;
      case DomainOp::kXor: return bits ? a ^ b : a != b;
      case DomainOp::kNot: return bits ? ~a : !a;
      case DomainOp::kShiftLeft: return z3::shl(a, b);
      case DomainOp::kShiftRight: return z3::lshr(a, b);
      case DomainOp::kLess: return a < b;
      case DomainOp::kLessEqual: return a <= b;
      case DomainOp::kEqual: return a == b;
      case DomainOp::kSelect: return z3::ite(a, b, at(n.args[2]));
      default: return a;
    }
  }

  // Where a node has a value: divisors that are computed are not 0.
  z3::expr defined(uint32_t root) {
    std::vector<z3::expr> of;
    for (uint32_t k = 0; k <= root; ++k) {
      const DomainNode& n = r_.nodes[k];
      z3::expr d = c_.bool_val(true);
      if (n.op == DomainOp::kSelect) {
        d = of[n.args[0]] && z3::ite(at(n.args[0]), of[n.args[1]], of[n.args[2]]);
      } else {
        for (uint32_t a : n.args) d = of[a].is_true() ? d : d && of[a];
        if (n.op == DomainOp::kDiv) d = d && at(n.args[1]) != 0;
      }
      of.push_back(d);
    }
    return of[root];
  }

  // Shifts by a variable are hard in long words: by one amount at a time, then by any that leaves nothing.
  z3::check_result by_amount(z3::solver& solver) {
    for (const DomainNode& n : r_.nodes) {
      if ((n.op != DomainOp::kShiftLeft && n.op != DomainOp::kShiftRight) || r_.nodes[n.args[1]].op != DomainOp::kVariable) continue;
      const z3::expr amount = at(n.args[1]);
      z3::check_result result = z3::unsat;
      for (unsigned k = 0; k <= r_.domain.bits && result == z3::unsat; ++k) {
        const z3::expr bound = c_.bv_val(k, r_.domain.bits);
        solver.push();
        solver.add(k < r_.domain.bits ? amount == bound : z3::uge(amount, bound));
        result = solver.check();
        if (result == z3::unsat) solver.pop();
      }
      return result;
    }
    return z3::unknown;
  }

  const DomainRule& r_;
  z3::context& c_;
  std::vector<z3::expr> variables_, made_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) void egret_z3_domain(const DomainQuery* query, DomainAnswer* answer) {
  try {
    Question(*query->rule, z3_context()).run(*query, *answer);
  } catch (const std::exception& e) {
    *answer = {};
    answer->reason = e.what();
  }
}

}  // namespace egret::rules
