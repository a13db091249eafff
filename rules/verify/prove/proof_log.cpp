#include "rules/verify/prove/proof_log.h"

#include <fmt/format.h>

#include "support/json_text.h"
#include "support/sha256.h"

namespace egret::rules {
namespace {

std::string joined(const std::vector<std::string>& parts, const char* separator = ",") {
  std::string out;
  for (size_t k = 0; k < parts.size(); ++k) out += (k ? separator : "") + parts[k];
  return out;
}

}  // namespace

std::string ProofLog::note_obligation(const std::string& smt) {
  if (smt.empty()) return {};
  std::string hash = sha256(smt);
  obligations_.emplace(hash, smt);
  return hash;
}

// --- tables ------------------------------------------------------------------------------------------------------------

size_t ProofLog::number(VariableId v) {
  auto [it, fresh] = variables_.try_emplace(v, names_.size());
  if (fresh) names_.push_back(json_string(i_.name(v)));
  return it->second;
}

size_t ProofLog::atom(uint32_t id) {
  if (auto it = atom_of_.find(id); it != atom_of_.end()) return it->second;
  const IntAtom a = i_.atom(id);
  std::string text;
  switch (a.kind) {
    case IntAtom::Kind::kVariable: text = fmt::format("[\"var\",{}]", number(a.number)); break;
    case IntAtom::Kind::kDiv: text = fmt::format("[\"div\",{},{}]", integer(a.a), integer(a.b)); break;
    case IntAtom::Kind::kMin: text = fmt::format("[\"min\",{},{}]", integer(a.a), integer(a.b)); break;
    case IntAtom::Kind::kMax: text = fmt::format("[\"max\",{},{}]", integer(a.a), integer(a.b)); break;
    case IntAtom::Kind::kScalar: text = fmt::format("[\"scalar\",{}]", scalar(a.number)); break;
    case IntAtom::Kind::kCoordinate: {
      std::vector<std::string> sizes;
      for (IntId s : a.sizes) sizes.push_back(std::to_string(integer(s)));
      text = fmt::format("[\"coordinate\",{},[{}],{}]", integer(a.a), joined(sizes), a.number);
      break;
    }
  }
  atoms_.push_back(text);
  return atom_of_[id] = atoms_.size() - 1;
}

size_t ProofLog::integer(IntId id) {
  if (auto it = integer_of_.find(id); it != integer_of_.end()) return it->second;
  std::vector<std::string> terms;
  for (const IntTerm& t : Polynomial(i_.polynomial(id))) {
    std::string text = "[" + std::to_string(t.coefficient);
    for (uint32_t a : t.atoms) text += fmt::format(",{}", atom(a));
    terms.push_back(text + "]");
  }
  integers_.push_back("[" + joined(terms) + "]");
  return integer_of_[id] = integers_.size() - 1;
}

size_t ProofLog::condition(CondId id) {
  if (auto it = condition_of_.find(id); it != condition_of_.end()) return it->second;
  const CondNode n = i_.cond(id);
  std::string text;
  switch (n.kind) {
    case CondNode::Kind::kTrue: text = "[\"true\"]"; break;
    case CondNode::Kind::kFalse: text = "[\"false\"]"; break;
    case CondNode::Kind::kNonNegative: text = fmt::format("[\"nonnegative\",{}]", integer(n.value)); break;
    case CondNode::Kind::kZero: text = fmt::format("[\"zero\",{}]", integer(n.value)); break;
    case CondNode::Kind::kTruth: text = fmt::format("[\"truth\",{}]", scalar(n.scalar)); break;
    case CondNode::Kind::kAnd:
    case CondNode::Kind::kOr:
    case CondNode::Kind::kNot: {
      text = n.kind == CondNode::Kind::kAnd ? "[\"and\"" : n.kind == CondNode::Kind::kOr ? "[\"or\"" : "[\"not\"";
      for (CondId a : n.args) text += fmt::format(",{}", condition(a));
      text += "]";
      break;
    }
  }
  conditions_.push_back(text);
  return condition_of_[id] = conditions_.size() - 1;
}

size_t ProofLog::scalar(ScalarId id) {
  if (auto it = scalar_of_.find(id); it != scalar_of_.end()) return it->second;
  const ScalarNode n = s_.node(id);
  const std::string type = json_string(name(n.dtype));
  std::string text;
  switch (n.kind) {
    case ScalarNode::Kind::kNumber: text = fmt::format("[\"number\",{},\"{:a}\"]", type, n.value()); break;
    case ScalarNode::Kind::kSize: text = fmt::format("[\"size\",{},{}]", type, integer(n.ints[0])); break;
    case ScalarNode::Kind::kRead: {
      std::vector<std::string> at;
      for (IntId k : n.ints) at.push_back(std::to_string(integer(k)));
      text = fmt::format("[\"read\",{},{},[{}]]", type, n.number, joined(at));
      break;
    }
    case ScalarNode::Kind::kCall: text = fmt::format("[\"call\",{},\"{}\",{}]", type, name(n.fn), list(n.args)); break;
    case ScalarNode::Kind::kSelect: text = fmt::format("[\"select\",{},{},{},{}]", type, condition(n.cond), scalar(n.args[0]), scalar(n.args[1])); break;
    case ScalarNode::Kind::kFold: {
      std::vector<std::string> variables, sizes;
      for (VariableId v : n.binders) variables.push_back(std::to_string(number(v)));
      for (IntId k : n.ints) sizes.push_back(std::to_string(integer(k)));
      text = fmt::format("[\"fold\",{},\"{}\",[{}],[{}],{}]", type, name(n.fold), joined(variables), joined(sizes), scalar(n.args[0]));
      break;
    }
  }
  scalars_.push_back(text);
  return scalar_of_[id] = scalars_.size() - 1;
}

std::string ProofLog::list(const std::vector<ScalarId>& ids) {
  std::vector<std::string> out;
  for (ScalarId s : ids) out.push_back(std::to_string(scalar(s)));
  return "[" + joined(out) + "]";
}

std::string ProofLog::map(const Indices::Substitution& by) {
  std::vector<std::string> out;
  for (const auto& [v, to] : by) out.push_back(fmt::format("[{},{}]", number(v), integer(to)));
  return "[" + joined(out) + "]";
}

// --- steps -------------------------------------------------------------------------------------------------------------

std::string ProofLog::claim(const Context& context, Pair p) {
  std::vector<std::string> given;
  for (CondId c : context) given.push_back(std::to_string(condition(c)));
  return fmt::format("\"given\":[{}],\"claim\":[{},{}]", joined(given), scalar(p.first), scalar(p.second));
}

void ProofLog::split(const Context& context, Pair p, CondId cond, Pair yes, Pair no) {
  add(fmt::format("{{\"by\":\"split\",{},\"cond\":{},\"yes\":[{},{}],\"no\":[{},{}]}}", claim(context, p), condition(cond), scalar(yes.first),
                  scalar(yes.second), scalar(no.first), scalar(no.second)));
}

void ProofLog::decided(const Context& context, Pair p, CondId cond, bool truth, Pair to) {
  add(fmt::format("{{\"by\":\"decided\",{},\"cond\":{},\"truth\":{},\"to\":[{},{}]}}", claim(context, p), condition(cond), truth, scalar(to.first), scalar(to.second)));
}

void ProofLog::matched(const Context& context, Pair p, const std::vector<std::vector<ScalarId>>& classes, const std::string& smt) {
  std::vector<std::string> lists;
  for (const auto& c : classes) {
    if (c.size() > 1) lists.push_back(list(c));
  }
  add(fmt::format("{{\"by\":\"match\",{},\"classes\":[{}],\"smt\":\"{}\"}}", claim(context, p), joined(lists), note_obligation(smt)));
}

void ProofLog::simplified(const Context& context, Pair p, Pair to) {
  add(fmt::format("{{\"by\":\"simplify\",{},\"to\":[{},{}]}}", claim(context, p), scalar(to.first), scalar(to.second)));
}

void ProofLog::impossible(const Context& context, Pair p) { add(fmt::format("{{\"by\":\"impossible\",{}}}", claim(context, p))); }

void ProofLog::normal(const Context& context, Pair p, const NormalForm& form) {
  std::vector<std::string> terms;
  for (const auto& [monomial, coefficient] : form) {
    std::string text = fmt::format("[[{},{}]", static_cast<int64_t>(coefficient.numerator()), static_cast<int64_t>(coefficient.denominator()));
    for (const auto& [factor, exponent] : monomial) text += fmt::format(",[{},{}]", scalar(factor), exponent);
    terms.push_back(text + "]");
  }
  add(fmt::format("{{\"by\":\"normal\",{},\"form\":[{}]}}", claim(context, p), joined(terms)));
}

void ProofLog::fold(const Context& context, Pair p, const std::vector<VariableId>& renamed, ScalarId body, const Indices::Substitution& to_second,
                    const Indices::Substitution& to_first) {
  std::vector<std::string> variables;
  for (VariableId v : renamed) variables.push_back(std::to_string(number(v)));
  add(fmt::format("{{\"by\":\"fold\",{},\"variables\":[{}],\"body\":{},\"to_second\":{},\"to_first\":{}}}", claim(context, p), joined(variables), scalar(body),
                  map(to_second), map(to_first)));
}

std::string ProofLog::items(const std::vector<CoverItem>& all) {
  std::vector<std::string> out;
  for (const CoverItem& item : all) {
    std::vector<std::string> variables, sizes;
    for (VariableId v : item.variables) variables.push_back(std::to_string(number(v)));
    for (IntId k : item.sizes) sizes.push_back(std::to_string(integer(k)));
    out.push_back(fmt::format("[[{}],[{}],{},{}]", joined(variables), joined(sizes), condition(item.guard), scalar(item.body)));
  }
  return "[" + joined(out) + "]";
}

std::string ProofLog::places(const std::vector<CoverPlace>& all) {
  std::vector<std::string> out;
  for (const CoverPlace& p : all) out.push_back(fmt::format("[{},{},{}]", p.of, map(p.at), scalar(p.body)));
  return "[" + joined(out) + "]";
}

void ProofLog::cover(const Context& context, Pair p, FoldKind kind, const std::vector<CoverItem>& left, const std::vector<CoverPlace>& left_places,
                     const std::vector<CoverItem>& right, const std::vector<CoverPlace>& right_places) {
  add(fmt::format("{{\"by\":\"cover\",{},\"fold\":\"{}\",\"items\":[{},{}],\"places\":[{},{}]}}", claim(context, p), name(kind), items(left), items(right),
                  places(left_places), places(right_places)));
}

std::string ProofLog::print(const std::string& where, const std::vector<std::pair<Context, Pair>>& roots) {
  std::vector<std::string> claims, asked;
  for (const auto& [context, p] : roots) claims.push_back("{" + claim(context, p) + "}");
  for (const auto& [hash, smt] : obligations_) asked.push_back(json_string(hash));
  return fmt::format("{{\"where\":{},\"variables\":[{}],\"atoms\":[{}],\"ints\":[{}],\"conds\":[{}],\"scalars\":[{}],\"roots\":[{}],\"steps\":[{}],\"obligations\":[{}]}}",
                     json_string(where), joined(names_), joined(atoms_), joined(integers_), joined(conditions_), joined(scalars_), joined(claims), joined(steps_),
                     joined(asked));
}

}  // namespace egret::rules
