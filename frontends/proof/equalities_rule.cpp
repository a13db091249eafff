// Equalities that a rule made: the matched e-nodes as one left term, the rule replayed there, its right terms set beside
// the e-nodes that the engine made.
#include <algorithm>

#include <fmt/format.h>

#include "frontends/proof/equalities.h"

namespace egret::proof {

using egraph::PatternTerm;

// An e-node of the class whose own term shows most of the facts that a condition may have asked for.
Result<Id> Equalities::representative(Id cls, uint32_t before) {
  const std::optional<double> splat = tensors_.splat(cls);
  EGRET_TRY(const TermId own, exact(cls));
  if (proof_.terms.node(own).op->name == "splat") return cls;
  Id best = cls;
  rules::Dependence least = proof_.terms.depends(own);
  if (!splat && least <= tensors_.depends(cls)) return cls;
  for (Id m : members(cls)) {
    EGRET_TRY(const TermId t, exact(m));
    const bool states = splat && tensors_.op(m).name == "splat" && proof_.terms.stated_splat(t);
    if ((!states && proof_.terms.depends(t) >= least) || newest_union(cls, m) > before) continue;
    if (states) return m;
    best = m;
    least = proof_.terms.depends(t);
  }
  return best;
}

// The operator of an e-node over these terms of its operands; it stands for nothing where equalities are missing.
Result<Equalities::Shown> Equalities::shown_over(Id node, const std::vector<Shown>& parts) {
  const auto given = graph_.operands(node);
  std::vector<TermId> operands;
  std::vector<int64_t> premises;
  bool all = true;
  for (size_t i = 0; i < given.size(); ++i) {
    const auto equal = parts[i].stand ? need(given[i], parts[i].stand->node) : std::nullopt;
    all &= equal.has_value();
    EGRET_TRY(const TermId from, exact(given[i]));
    premises.push_back(equal ? chain(from, parts[i].term, {*equal, -parts[i].stand->step}) : 0);
    operands.push_back(parts[i].term);
  }
  EGRET_TRY(const TermId own, exact(node));
  const rules::TermNode n = proof_.terms.node(own);
  Shown out;
  EGRET_TRY(out.term, proof_.terms.add(*n.op, n.attrs, std::move(operands)));
  if (all) out.stand = Stand{node, -congruence(own, out.term, std::move(premises))};
  return out;
}

// A term of the class that shows what the class was known to depend on: an e-node's own, else an e-node's operator over
// such terms of its operands.  Classes wait for each other on a stack of ours, as deep as the program.
Result<Equalities::Shown> Equalities::shown(Id cls, uint32_t before) {
  struct Search {
    Id cls;
    rules::Dependence least;   // of an e-node's own term
    size_t member;             // that is tried, of the class's
    std::vector<Shown> parts;  // of its first operands
  };
  std::map<Id, Shown> found;  // of every class looked at; of one that is open, an e-node's own: for what reads itself
  std::vector<Search> open;
  const auto next = [&](Id c, size_t member) {  // from `member` on, the first that may show it
    const auto may = [&](Id m) { return !graph_.operands(m).empty() && tensors_.op(m).purity == Purity::kPure && newest_union(c, m) <= before; };
    while (member < members(c).size() && !may(members(c)[member])) ++member;
    return member;
  };
  const auto look_at = [&](Id c) -> Status {
    EGRET_TRY(const Id node, representative(c, before));
    EGRET_TRY(const TermId plain, exact(node));
    found[c] = {plain, Stand{node, 0}};
    const rules::Dependence least = proof_.terms.depends(plain);
    if (least > tensors_.depends(c)) open.push_back({c, least, next(c, 0), {}});
    return {};
  };
  EGRET_TRY_VOID(look_at(cls));
  while (!open.empty()) {
    Search& s = open.back();
    if (s.member == members(s.cls).size()) {
      open.pop_back();
      continue;
    }
    const Id member = members(s.cls)[s.member];
    const auto given = graph_.operands(member);
    if (s.parts.size() == given.size()) {
      EGRET_TRY(found[s.cls], shown_over(member, s.parts));
      open.pop_back();
      continue;
    }
    const auto part = found.find(given[s.parts.size()]);
    if (part == found.end()) {
      EGRET_TRY_VOID(look_at(given[s.parts.size()]));
    } else if (proof_.terms.depends(part->second.term) >= s.least) {
      s.parts.clear();
      s.member = next(s.cls, s.member + 1);
    } else {
      s.parts.push_back(part->second);
    }
  }
  return found.at(cls);
}

// The term that stands for a class variable, and its e-node.
Result<std::optional<Equalities::Stand>> Equalities::left_operand(Instance& instance, Id cls, TermId& term) {
  EGRET_TRY(const Shown best, shown(cls, instance.before));
  term = best.term;
  if (best.stand) instance.stands.try_emplace(term, *best.stand);
  return best.stand;
}

// Builds the term of one occurrence; nothing where equalities are missing.
Result<std::optional<Equalities::Stand>> Equalities::left_of(Instance& instance, const PatternTerm& pattern, uint32_t& occurrence,
                                                             TermId& term) {
  const egraph::Application& a = instance.application;
  if (pattern.kind == PatternTerm::Kind::kVariable) return left_operand(instance, a.classes[pattern.variable], term);
  const uint32_t number = occurrence++;
  const Id node = a.nodes[number];
  std::vector<TermId> operands;
  std::vector<int64_t> premises;
  bool all = true;
  for (size_t i = 0; i < pattern.operands.size(); ++i) {
    const Id operand = graph_.operands(node)[i];
    TermId t = 0;
    EGRET_TRY(const auto stand, left_of(instance, pattern.operands[i], occurrence, t));
    const auto equal = stand ? need(operand, stand->node) : std::nullopt;
    all &= equal.has_value();
    operands.push_back(t);
    EGRET_TRY(const TermId from, exact(operand));
    premises.push_back(equal ? chain(from, t, {*equal, -stand->step}) : 0);
  }
  EGRET_TRY(const TermId own, exact(node));
  const rules::TermNode n = proof_.terms.node(own);
  EGRET_TRY(term, proof_.terms.add(*n.op, n.attrs, std::move(operands)));
  instance.left[number] = term;
  if (!all) return std::optional<Stand>();
  const Stand stand{node, -congruence(own, term, std::move(premises))};
  instance.stands.try_emplace(term, stand);
  return std::optional(stand);
}

Result<bool> Equalities::build_left(Instance& instance) {
  const egraph::Rewrite& rewrite = compiled_.rewrites[instance.application.rule];
  instance.left.assign(instance.application.nodes.size(), 0);
  if (rewrite.pattern.roots().empty()) return build_group(instance);
  bool all = true;
  uint32_t occurrence = 0;
  for (const PatternTerm& root : rewrite.pattern.roots()) {
    TermId term = 0;
    EGRET_TRY(const auto stand, left_of(instance, root, occurrence, term));
    all &= stand.has_value();
    instance.roots.push_back(term);
  }
  return all;
}

// `find all`: matched e-nodes of two operands, class 0 the one that they share, class i + 1 the other of e-node i.
Result<bool> Equalities::build_group(Instance& instance) {
  const egraph::Application& a = instance.application;
  auto shares = [&](size_t place) {
    for (size_t i = 0; i < a.nodes.size(); ++i) {
      const auto operands = graph_.operands(a.nodes[i]);
      if (operands.size() != 2 || operands[1 - place] != a.classes[i + 1] || graph_.find(operands[place]) != graph_.find(a.classes[0])) return false;
    }
    return true;
  };
  if (a.classes.size() != a.nodes.size() + 1 || (!shares(0) && !shares(1))) return internal_error("a group whose members share nothing");
  const size_t place = shares(0) ? 0 : 1;
  bool all = true;
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    PatternTerm member = PatternTerm::operator_of(graph_.op(a.nodes[i]), {PatternTerm::variable_of(0), PatternTerm::variable_of(0)});
    member.operands[1 - place].variable = static_cast<uint32_t>(i + 1);
    TermId term = 0;
    uint32_t occurrence = static_cast<uint32_t>(i);
    EGRET_TRY(const auto stand, left_of(instance, member, occurrence, term));
    all &= stand.has_value();
    instance.roots.push_back(term);
  }
  return all;
}

// Replays with these facts alone; fills equations and planned terms where it succeeds.
Result<bool> Equalities::replays(Instance& instance, const std::vector<TermFact>& facts) {
  rules::TermTable& table = proof_.terms.table();
  for (const TermFact& f : facts) {
    if (f.splat) table.splat[f.term] = f.splat;
    if (f.depends) table.depends[f.term] = *f.depends;
  }
  const size_t size = proof_.terms.size();
  auto replayed = rules::replay(*instance.rule, instance.form, instance.roots, table);
  const std::vector<rules::TermNode> made(table.nodes.begin() + static_cast<ptrdiff_t>(size), table.nodes.end());
  proof_.terms.truncate(size);
  for (const TermFact& f : facts) {
    if (f.splat) table.splat[f.term] = std::nullopt;
    if (f.depends) table.depends[f.term] = rules::Dependence::kData;
  }
  if (!replayed.ok()) return false;
  std::vector<TermId> interned;
  auto term = [&](uint32_t t) { return t < size ? t : interned[t - size]; };
  for (const rules::TermNode& n : made) {
    std::vector<TermId> operands;
    for (uint32_t o : n.operands) operands.push_back(term(o));
    EGRET_TRY(const TermId t, proof_.terms.add(*n.op, n.attrs, std::move(operands)));
    interned.push_back(t);
  }
  instance.equations.clear();
  for (const auto& [right, left] : *replayed) instance.equations.emplace_back(term(right), term(left));
  instance.planned = std::move(interned);
  return true;
}

// Whether the replayed nodes are those that the engine planned.
bool Equalities::made_as_replayed(const Instance& instance) const {
  const std::vector<Id>& made = instance.application.made;
  if (made.size() != instance.planned.size()) return false;
  for (size_t k = 0; k < made.size(); ++k) {
    const rules::TermNode& n = proof_.terms.node(instance.planned[k]);
    if (&tensors_.op(made[k]) != n.op || graph_.operands(made[k]).size() != n.operands.size()) return false;
    if (n.op->name != "constant" && n.op->name != "input" && !equal(tensors_.attrs_of(made[k]), n.attrs)) return false;
  }
  return true;
}

// Finds the facts that the rule's conditions ask for, none to spare.
Status Equalities::replay_instance(Instance& instance) {
  std::vector<TermFact> facts;
  for (const auto& [term, stand] : instance.stands) {
    if (!proof_.terms.table().splat[term]) {
      if (const auto splat = proof_.terms.stated_splat(term)) facts.push_back({term, splat, std::nullopt});
    }
    const rules::Dependence depends = proof_.terms.depends(term);
    if (depends != rules::Dependence::kData) facts.push_back({term, std::nullopt, depends});
  }
  EGRET_TRY(bool done, replays(instance, facts));
  if (!done || !made_as_replayed(instance)) {
    rules::TermTable& table = proof_.terms.table();
    const size_t size = proof_.terms.size();
    auto again = rules::replay(*instance.rule, instance.form, instance.roots, table);
    proof_.terms.truncate(size);
    return internal_error(fmt::format("rule {} does not replay: {}", instance.rule->name, again.ok() ? "it makes other terms" : again.error().message));
  }
  const auto equations = instance.equations;
  const auto planned = instance.planned;
  auto enough = [&](const std::vector<TermFact>& fewer) -> Result<bool> {
    EGRET_TRY(const bool replayed, replays(instance, fewer));
    return replayed && instance.equations == equations && instance.planned == planned;
  };
  EGRET_TRY(done, enough({}));
  if (done) return {};
  for (size_t i = facts.size(); i-- > 0;) {
    std::vector<TermFact> fewer = facts;
    fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
    EGRET_TRY(const bool without, enough(fewer));
    if (without) facts = std::move(fewer);
  }
  instance.equations = equations;
  instance.planned = planned;
  instance.facts = std::move(facts);
  return {};
}

// Each planned term beside the e-node made for it; false where equalities are missing.
Result<bool> Equalities::build_right(Instance& instance) {
  const egraph::Application& a = instance.application;
  bool all = true;
  for (size_t k = 0; k < a.made.size(); ++k) {
    const TermId term = instance.planned[k];
    if (instance.stands.contains(term)) continue;
    const rules::TermNode n = proof_.terms.node(term);
    const Id made = a.made[k];
    EGRET_TRY(const TermId own, exact(made));
    std::vector<int64_t> premises;
    for (size_t i = 0; i < n.operands.size(); ++i) {
      const auto stand = instance.stands.find(n.operands[i]);
      const Id operand = graph_.operands(made)[i];
      Stand s;
      if (stand != instance.stands.end()) {
        s = stand->second;
      } else if (auto exact_node = node_of_exact_.find(n.operands[i]); exact_node != node_of_exact_.end()) {
        s = {exact_node->second, 0};
      } else {
        return internal_error(fmt::format("rule {}: a right term reads a term without e-node", instance.rule->name));
      }
      if (graph_.find(s.node) != graph_.find(operand)) {
        return internal_error(fmt::format("rule {}: replaying reads another class", instance.rule->name));
      }
      const auto equal = need(s.node, operand);
      all &= equal.has_value();
      EGRET_TRY(const TermId end, exact(operand));
      premises.push_back(all ? chain(n.operands[i], end, {s.step, *equal}) : 0);
    }
    instance.stands[term] = {made, all ? congruence(term, own, std::move(premises)) : 0};
  }
  return all;
}

Equalities::Attempt Equalities::attempt_rule(Id a, Id b, const egraph::EGraph::Edge& edge) {
  Instance instance;
  instance.application = graph_.application(edge.why.index);
  instance.rule = compiled_.rule_of[instance.application.rule];
  const auto first_form = std::find(compiled_.rule_of.begin(), compiled_.rule_of.end(), instance.rule);
  instance.form = instance.application.rule - static_cast<uint32_t>(first_form - compiled_.rule_of.begin());
  instance.before = edge.number;
  EGRET_TRY(const bool left_built, build_left(instance));
  if (!left_built) return std::optional<int64_t>();
  EGRET_TRY_VOID(replay_instance(instance));
  EGRET_TRY(const bool right_built, build_right(instance));
  if (edge.why.detail >= instance.equations.size()) return internal_error("rule " + instance.rule->name + ": replaying gives fewer equations");
  const auto [right, left] = instance.equations[edge.why.detail];
  const auto from = instance.stands.find(left), to = instance.stands.find(right);
  if (from == instance.stands.end() || to == instance.stands.end()) {
    return internal_error("rule " + instance.rule->name + ": an equation of terms without e-nodes");
  }
  const auto first = need(a, from->second.node), last = need(to->second.node, b);
  if (!right_built || !first || !last) return std::optional<int64_t>();
  EGRET_TRY(const TermId start, exact(a));
  EGRET_TRY(const TermId end, exact(b));
  auto [number, fresh] = rule_number_.try_emplace(instance.rule, static_cast<uint32_t>(rules_.size()));
  if (fresh) rules_.push_back(instance.rule);
  Step step;
  step.kind = Step::Kind::kRule;
  step.left = left;
  step.right = right;
  step.rule = number->second;
  step.form = instance.form;
  step.equation = edge.why.detail;
  step.roots = instance.roots;
  step.facts = instance.facts;
  const int64_t applied = add_step(std::move(step), edge.why.index);
  return std::optional(chain(start, end, {*first, -from->second.step, applied, to->second.step, *last}));
}

}  // namespace egret::proof
