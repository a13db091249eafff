#include "rules/verify/terms/scalar.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "ir/evaluate/scalar_functions.h"

namespace egret::rules {

ScalarId Scalars::intern(ScalarNode node) {
  auto [it, fresh] = ids_.try_emplace(std::move(node), static_cast<ScalarId>(nodes_.size()));
  if (fresh) nodes_.push_back(&it->first);
  return it->second;
}

ScalarId Scalars::number(double value, DType dtype) {
  // Modulo 2^n, so that one number has one term; the ends of 64 bits stay as they are.
  if (!is_float(dtype) && std::abs(value) < kExactIntegers) value = int_to_float(dtype, wrap_to(dtype, static_cast<int64_t>(value)));
  ScalarNode n;
  n.dtype = dtype;
  n.bits = std::bit_cast<uint64_t>(value);
  return intern(std::move(n));
}

ScalarId Scalars::size(IntId value, DType dtype) {
  int64_t c = 0;
  if (indices_.is_constant(value, &c)) return number(static_cast<double>(c), dtype);
  ScalarNode n;
  n.kind = ScalarNode::Kind::kSize;
  n.dtype = dtype;
  n.ints = {value};
  return intern(std::move(n));
}

ScalarId Scalars::read(uint32_t input, DType dtype, std::vector<IntId> at) {
  ScalarNode n;
  n.kind = ScalarNode::Kind::kRead;
  n.dtype = dtype;
  n.number = input;
  n.ints = std::move(at);
  return intern(std::move(n));
}

ScalarId Scalars::call(ScalarFn fn, DType dtype, std::vector<ScalarId> args) {
  if (fn == ScalarFn::kCast) {
    const ScalarNode of = node(args[0]);
    if (of.dtype == dtype) return args[0];
    if (of.kind == ScalarNode::Kind::kSelect) {
      const ScalarId then = call(fn, dtype, {of.args[0]});
      return select(of.cond, then, call(fn, dtype, {of.args[1]}));
    }
    // (A sign leaves a rounding to nearest.)
    const bool sign = of.kind == ScalarNode::Kind::kCall && of.fn == ScalarFn::kNeg && is_float(of.dtype) && is_float(dtype);
    if (sign) return call(ScalarFn::kNeg, dtype, {call(fn, dtype, {of.args[0]})});
    const auto has = [&](DType t) { return is_float(t) && (std::isinf(of.value()) || round_to(t, of.value()) == of.value()); };
    if (of.kind == ScalarNode::Kind::kNumber && has(of.dtype) && has(dtype)) return number(of.value(), dtype);
  }
  ScalarNode n;
  n.kind = ScalarNode::Kind::kCall;
  n.fn = fn;
  n.dtype = dtype;
  n.args = std::move(args);
  return intern(std::move(n));
}

ScalarId Scalars::select(CondId cond, ScalarId then, ScalarId otherwise) {
  if (cond == Indices::kTrueCond || then == otherwise) return then;
  if (cond == Indices::kFalseCond) return otherwise;
  ScalarNode n;
  n.kind = ScalarNode::Kind::kSelect;
  n.dtype = node(then).dtype;
  n.cond = cond;
  n.args = {then, otherwise};
  return intern(std::move(n));
}

ScalarId Scalars::fold(FoldKind kind, DType dtype, std::vector<VariableId> binders, std::vector<IntId> sizes, ScalarId body) {
  ScalarNode n;
  n.kind = ScalarNode::Kind::kFold;
  n.fold = kind;
  n.dtype = dtype;
  n.binders = std::move(binders);
  n.ints = std::move(sizes);
  n.args = {body};
  return intern(std::move(n));
}

ScalarId Scalars::rebuilt(const ScalarNode& like, std::vector<ScalarId> args) {
  if (args == like.args) return intern(like);
  if (like.kind == ScalarNode::Kind::kSelect) return select(like.cond, args[0], args[1]);
  if (like.kind == ScalarNode::Kind::kCall) return call(like.fn, like.dtype, std::move(args));
  ScalarNode n = like;
  n.args = std::move(args);
  return intern(std::move(n));
}

const std::vector<VariableId>& Scalars::free(ScalarId id) {
  if (auto it = free_.find(id); it != free_.end()) return it->second;
  const ScalarNode& n = node(id);
  std::vector<VariableId> out;
  std::vector<ScalarId> inner = n.args;
  for (IntId i : n.ints) indices_.variables_of(i, out, inner);
  if (n.kind == ScalarNode::Kind::kSelect) indices_.variables_of_cond(n.cond, out, inner);
  for (ScalarId a : inner) {
    const auto& more = free(a);
    out.insert(out.end(), more.begin(), more.end());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  std::erase_if(out, [&](VariableId v) { return std::find(n.binders.begin(), n.binders.end(), v) != n.binders.end(); });
  return free_.emplace(id, std::move(out)).first->second;
}

bool Scalars::depends_on(ScalarId id, const std::vector<VariableId>& variables) {
  const auto& mine = free(id);
  return std::any_of(variables.begin(), variables.end(), [&](VariableId v) { return std::binary_search(mine.begin(), mine.end(), v); });
}

namespace {

// Scalars that index terms and conditions of a node mention.
std::vector<ScalarId> mentioned(const Indices& indices, const ScalarNode& n) {
  std::vector<VariableId> variables;
  std::vector<ScalarId> out;
  for (IntId i : n.ints) indices.variables_of(i, variables, out);
  if (n.kind == ScalarNode::Kind::kSelect) indices.variables_of_cond(n.cond, variables, out);
  return out;
}

}  // namespace

ScalarId Scalars::substitute(ScalarId id, const Indices::Substitution& by) {
  std::map<ScalarId, ScalarId> done;
  return substitute(id, by, done);
}

CondId Scalars::substitute_everywhere(CondId id, const Indices::Substitution& by) {
  std::map<ScalarId, ScalarId> done;
  std::vector<VariableId> variables;
  std::vector<ScalarId> inside;
  indices_.variables_of_cond(id, variables, inside);
  for (ScalarId s : inside) substitute(s, by, done);
  return indices_.substitute_cond(id, by, &done);
}

// Binders are unique to the fold that binds them, and no replacement mentions them, so nothing is captured.
ScalarId Scalars::substitute(ScalarId id, const Indices::Substitution& by, std::map<ScalarId, ScalarId>& done) {
  if (auto it = done.find(id); it != done.end()) return it->second;
  const auto& mine = free(id);
  const bool touched = std::any_of(mine.begin(), mine.end(), [&](VariableId v) { return by.contains(v); });
  if (!touched) return done.emplace(id, id).first->second;
  const ScalarNode n = node(id);
  for (ScalarId s : mentioned(indices_, n)) substitute(s, by, done);
  ScalarNode out = n;
  for (IntId& i : out.ints) i = indices_.substitute(i, by, &done);
  for (ScalarId& a : out.args) a = substitute(a, by, done);
  ScalarId made = 0;
  if (n.kind == ScalarNode::Kind::kSelect) {
    made = select(indices_.substitute_cond(n.cond, by, &done), out.args[0], out.args[1]);
  } else if (n.kind == ScalarNode::Kind::kSize) {
    made = size(out.ints[0], n.dtype);
  } else {
    made = intern(std::move(out));
  }
  done[id] = made;
  return made;
}

namespace {

CondId assumed(Indices& indices, CondId c, CondId cond, bool truth, const std::function<ScalarId(ScalarId)>& inside) {
  if (c == cond) return indices.truth(truth);
  const CondNode n = indices.cond(c);
  if (n.kind == CondNode::Kind::kTruth) return indices.of_truth(inside(n.scalar));
  if (n.kind == CondNode::Kind::kNot) return indices.negate(assumed(indices, n.args[0], cond, truth, inside));
  if (n.kind != CondNode::Kind::kAnd && n.kind != CondNode::Kind::kOr) return c;
  std::vector<CondId> args;
  for (CondId a : n.args) args.push_back(assumed(indices, a, cond, truth, inside));
  return n.kind == CondNode::Kind::kAnd ? indices.all(std::move(args)) : indices.any(std::move(args));
}

}  // namespace

ScalarId Scalars::assume(ScalarId id, CondId cond, bool truth) {
  std::map<ScalarId, ScalarId> done;
  return assume(id, cond, truth, done);
}

ScalarId Scalars::assume(ScalarId id, CondId cond, bool truth, std::map<ScalarId, ScalarId>& done) {
  if (auto it = done.find(id); it != done.end()) return it->second;
  ScalarNode n = node(id);
  std::vector<ScalarId> args;
  for (ScalarId a : n.args) args.push_back(assume(a, cond, truth, done));
  std::vector<VariableId> variables;
  std::map<ScalarId, ScalarId> changed;
  std::vector<ScalarId> in_indices;
  for (IntId i : n.ints) indices_.variables_of(i, variables, in_indices);
  for (ScalarId s : in_indices) changed[s] = assume(s, cond, truth, done);
  for (IntId& i : n.ints) i = in_indices.empty() ? i : indices_.substitute(i, {}, &changed);
  ScalarId out = n.kind == ScalarNode::Kind::kSelect ? select(assumed(indices_, n.cond, cond, truth, [&](ScalarId s) { return assume(s, cond, truth, done); }), args[0], args[1])
                                                     : rebuilt(n, std::move(args));
  done[id] = out;
  return out;
}

// --- text, for reasons and traces -----------------------------------------------------------------------------------------

std::string Scalars::to_string_index(IntId id) const {
  std::string out;
  for (const IntTerm& t : indices_.polynomial(id)) {
    std::string term = t.atoms.empty() || t.coefficient != 1 ? std::to_string(t.coefficient) : "";
    for (uint32_t number : t.atoms) {
      const IntAtom& a = indices_.atom(number);
      if (!term.empty()) term += "*";
      switch (a.kind) {
        case IntAtom::Kind::kVariable: term += indices_.name(a.number); break;
        case IntAtom::Kind::kDiv: term += fmt::format("(({}) div ({}))", to_string_index(a.a), to_string_index(a.b)); break;
        case IntAtom::Kind::kMin: term += fmt::format("min({}, {})", to_string_index(a.a), to_string_index(a.b)); break;
        case IntAtom::Kind::kMax: term += fmt::format("max({}, {})", to_string_index(a.a), to_string_index(a.b)); break;
        case IntAtom::Kind::kScalar: term += to_string(a.number); break;
        case IntAtom::Kind::kCoordinate: term += fmt::format("coordinate{}({})", a.number, to_string_index(a.a)); break;
      }
    }
    out += (out.empty() ? "" : " + ") + term;
  }
  return out.empty() ? "0" : out;
}

std::string Scalars::to_string_cond(CondId id) const {
  const CondNode& n = indices_.cond(id);
  switch (n.kind) {
    case CondNode::Kind::kTrue: return "true";
    case CondNode::Kind::kFalse: return "false";
    case CondNode::Kind::kNonNegative: return to_string_index(n.value) + " >= 0";
    case CondNode::Kind::kZero: return to_string_index(n.value) + " == 0";
    case CondNode::Kind::kNot: return "not(" + to_string_cond(n.args[0]) + ")";
    case CondNode::Kind::kTruth: return to_string(n.scalar);
    default: break;
  }
  std::string out;
  for (CondId a : n.args) out += (out.empty() ? "" : n.kind == CondNode::Kind::kAnd ? " and " : " or ") + to_string_cond(a);
  return "(" + out + ")";
}

std::string Scalars::to_string(ScalarId id) const {
  const ScalarNode& n = node(id);
  std::string args;
  for (ScalarId a : n.args) args += (args.empty() ? "" : ", ") + to_string(a);
  std::string at;
  for (IntId i : n.ints) at += (at.empty() ? "" : ", ") + to_string_index(i);
  switch (n.kind) {
    case ScalarNode::Kind::kNumber: return fmt::format("{}", n.value());
    case ScalarNode::Kind::kSize: return "value(" + at + ")";
    case ScalarNode::Kind::kRead: return fmt::format("x{}[{}]", n.number, at);
    case ScalarNode::Kind::kCall: return fmt::format("{}({})", egret::name(n.fn), args);
    case ScalarNode::Kind::kSelect: return fmt::format("({} ? {})", to_string_cond(n.cond), args);
    case ScalarNode::Kind::kFold: {
      std::string binders;
      for (VariableId v : n.binders) binders += (binders.empty() ? "" : ", ") + indices_.name(v);
      return fmt::format("{}({} < {}) {}", egret::name(n.fold), binders, at, args);
    }
  }
  return "?";
}

}  // namespace egret::rules
