// Rules to the engine's rewrites: the engine matches operators, one callback binds everything else.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "rules/lang/group.h"
#include "support/workers.h"

namespace egret::rules {
namespace {

using egraph::EGraph;
using egraph::Match;
using egraph::PatternTerm;
using egraph::RightSide;

// Matches of one rule of an `explore.*` set that an iteration takes: such rules are true but grow without end.  32: enough
// for programs of some dozen operators, a few per cent of the e-nodes of a transformer.
constexpr uint64_t kExploreMatches = 32;

class EGraphView : public TermView {
 public:
  explicit EGraphView(const TensorEGraph& graph) : graph_(&graph) {}
  const OpDef& op(TermId t) const override { return graph_->op(t); }
  const Attrs& attrs(TermId t) const override { return graph_->attrs_of(t); }
  const Type* type(TermId t) const override { return graph_->typed(t) ? &graph_->type(t) : nullptr; }
  std::optional<double> splat(TermId t) const override { return graph_->splat(t); }
  TensorRef literal(TermId t) const override { return graph_->literal(t); }
  Dependence depends(TermId t) const override { return graph_->depends(t); }

 private:
  const TensorEGraph* graph_;
};

PatternTerm pattern_of(const Left& left, const LeftOperand& o, const TensorEGraph& graph) {
  if (o.is_leaf) return PatternTerm::variable_of(left.leaves[o.index].class_variable);
  const LeftNode& n = left.nodes[o.index];
  std::vector<PatternTerm> operands;
  operands.reserve(n.operands.size());
  for (const LeftOperand& inner : n.operands) operands.push_back(pattern_of(left, inner, graph));
  return PatternTerm::operator_of(graph.kind_of(*n.op), std::move(operands));
}

LeftTerms terms_of(const Left& left, const Match& match) {
  LeftTerms t;
  t.nodes = match.nodes;
  for (const LeftLeaf& l : left.leaves) t.leaves.push_back(match.classes[l.class_variable]);
  return t;
}

// False: a number of the right side stands in the graph as what another term was rounded to.
bool plan_right(const Plan& plan, const std::vector<TermRef>& right, const std::vector<egraph::Id>& roots,
                TensorEGraph& graph, RightSide& side) {
  for (const PlannedNode& n : plan.nodes) {
    RightSide::Node node;
    node.op = graph.op_kind(*n.op);
    node.attr = graph.attrs().intern(n.attrs);
    if (n.operands.empty() && graph.is_rounded(node.attr)) return false;
    for (TermRef r : n.operands) node.operands.push_back({r.planned, r.index});
    side.nodes.push_back(std::move(node));
  }
  for (size_t e = 0; e < right.size(); ++e) {
    side.equations.emplace_back(roots[e], RightSide::Operand{right[e].planned, right[e].index});
  }
  return true;
}

egraph::Rewrite rewrite_of(const Rule& rule, std::shared_ptr<const PreparedRule> prepared, size_t form, TensorEGraph& graph,
                           TypeAlarm alarm) {
  const Left& left = prepared->lefts[form];
  egraph::Rewrite out;
  out.name = rule.name;
  std::vector<PatternTerm> roots;
  roots.reserve(left.roots.size());
  for (uint32_t r : left.roots) roots.push_back(pattern_of(left, {false, r}, graph));
  out.pattern = egraph::Pattern(std::move(roots), left.class_variables);
  out.condition = [prepared, form, &graph](const EGraph&, const Match& match) {
    const Left& l = prepared->lefts[form];
    Environment env;
    EGraphView view(graph);
    return bind_match(*prepared, l, terms_of(l, match), view, {}, env);
  };
  out.applier = [prepared, form, &graph, alarm](const EGraph&, const Match& match, RightSide& side) {
    const Left& l = prepared->lefts[form];
    LeftTerms terms = terms_of(l, match);
    Environment env;
    EGraphView view(graph);
    if (!bind_match(*prepared, l, terms, view, {}, env)) return false;
    Plan plan(view);
    std::vector<TermRef> right;
    if (!build_right(*prepared, l, terms, env, plan, right, nullptr)) {
      if (plan.other_type) alarm->store(true, std::memory_order_relaxed);
      return false;
    }
    std::vector<egraph::Id> left_roots;
    for (uint32_t r : l.roots) left_roots.push_back(terms.nodes[r]);
    return plan_right(plan, right, left_roots, graph, side);
  };
  return out;
}

// --- find all ----------------------------------------------------------------------------------------------------------

// The groups of one shared operand.
class GroupSearch {
 public:
  GroupSearch(const PreparedRule& rule, TensorEGraph& graph) : rule_(rule), graph_(graph), view_(graph) {}

  void run(const std::function<bool(const Match&)>& emit) {
    const EGraph& g = graph_.graph();
    const Left& left = rule_.lefts[0];
    std::map<egraph::Id, std::vector<egraph::Id>> by_shared;
    for (egraph::Id n : g.nodes_with(*g.find_op(left.nodes[0].op->name))) {
      auto operands = g.canonical_operands(n);
      if (operands.size() == left.nodes[0].operands.size()) by_shared[operands[rule_.shared_operand]].push_back(n);
    }
    for (auto& [shared, nodes] : by_shared) {
      if (nodes.size() >= 2 && !group_of(nodes, emit)) return;
    }
  }

 private:
  bool group_of(const std::vector<egraph::Id>& nodes, const std::function<bool(const Match&)>& emit) {
    const EGraph& g = graph_.graph();
    std::map<std::vector<std::string>, std::vector<egraph::Id>> by_key;
    std::vector<egraph::Id> seen;
    for (egraph::Id n : nodes) {
      egraph::Id cls = g.find(n);
      if (std::find(seen.begin(), seen.end(), cls) != seen.end()) continue;
      auto member = bind_member(rule_, terms_of_node(n), view_);
      if (!member) continue;
      seen.push_back(cls);
      by_key[member->key].push_back(n);
    }
    for (auto& [key, members] : by_key) {
      drop_derived(members);
      if (members.size() > kMaxMembers) members.resize(kMaxMembers);
      if (members.size() < 2 || already_made(members)) continue;
      Match match;
      match.nodes = members;
      match.classes.push_back(g.operands(members[0])[rule_.shared_operand]);
      for (egraph::Id n : members) match.classes.push_back(g.operands(n)[1 - rule_.shared_operand]);
      if (!emit(match)) return false;
    }
    return true;
  }

  LeftTerms terms_of_node(egraph::Id n) const {
    LeftTerms t;
    t.nodes = {n};
    auto operands = graph_.graph().operands(n);
    const Left& left = rule_.lefts[0];
    t.leaves.resize(left.leaves.size());
    for (size_t i = 0; i < operands.size(); ++i) t.leaves[left.nodes[0].operands[i].index] = operands[i];
    return t;
  }

  // Leaves out members whose own operand is a map of another member's: scaled weights, a form that a rule made of them.
  void drop_derived(std::vector<egraph::Id>& members) const {
    const EGraph& g = graph_.graph();
    std::set<egraph::Id> own;
    for (egraph::Id n : members) own.insert(g.canonical_operands(n)[1 - rule_.shared_operand]);
    std::erase_if(members, [&](egraph::Id n) {
      egraph::Id cls = g.canonical_operands(n)[1 - rule_.shared_operand];
      for (egraph::Id m : g.nodes_of(cls)) {
        if (!is_elementwise(graph_.op(m))) continue;
        for (egraph::Id o : g.canonical_operands(m)) {
          if (o != cls && own.count(o)) return true;
        }
      }
      return false;
    });
  }

  // Whether some member's own operand is a concatenation of other members': such a product was made by this rule, once a
  // shared operand is enough.
  bool already_made(const std::vector<egraph::Id>& members) const {
    const EGraph& g = graph_.graph();
    static const OpDef &concat = op_named("concat"), &transpose = op_named("transpose");
    std::vector<egraph::Id> own;
    for (egraph::Id n : members) own.push_back(g.canonical_operands(n)[1 - rule_.shared_operand]);
    auto is_own = [&](egraph::Id cls) { return std::find(own.begin(), own.end(), cls) != own.end(); };
    for (egraph::Id cls : own) {
      for (egraph::Id n : g.nodes_of(cls)) {
        if (&graph_.op(n) != &concat) continue;
        for (egraph::Id o : g.canonical_operands(n)) {
          if (is_own(o)) return true;
          for (egraph::Id m : g.nodes_of(o)) {
            if (&graph_.op(m) == &transpose && is_own(g.canonical_operands(m)[0])) return true;
          }
        }
      }
    }
    return false;
  }

  const PreparedRule& rule_;
  TensorEGraph& graph_;
  EGraphView view_;
};

egraph::Rewrite group_rewrite_of(const Rule& rule, std::shared_ptr<const PreparedRule> prepared, TensorEGraph& graph,
                                 TypeAlarm alarm) {
  egraph::Rewrite out;
  out.name = rule.name;
  out.searcher = [prepared, &graph](const EGraph&, const std::function<bool(const Match&)>& emit) {
    GroupSearch(*prepared, graph).run(emit);
  };
  out.applier = [prepared, &graph, alarm](const EGraph&, const Match& match, RightSide& side) {
    EGraphView view(graph);
    const Left& left = prepared->lefts[0];
    std::vector<GroupMember> members;
    for (size_t i = 0; i < match.nodes.size(); ++i) {
      LeftTerms t;
      t.nodes = {match.nodes[i]};
      t.leaves.resize(left.leaves.size());
      t.leaves[left.nodes[0].operands[prepared->shared_operand].index] = match.classes[0];
      t.leaves[left.nodes[0].operands[1 - prepared->shared_operand].index] = match.classes[i + 1];
      auto m = bind_member(*prepared, t, view);
      if (!m) return false;
      members.push_back(std::move(*m));
    }
    Plan plan(view);
    std::vector<TermRef> right;
    if (!build_group(*prepared, members, view, {}, plan, right)) {
      if (plan.other_type) alarm->store(true, std::memory_order_relaxed);
      return false;
    }
    return plan_right(plan, right, match.nodes, graph, side);
  };
  return out;
}

// Appends the rewrites of a rule, one a form.  Reads the graph alone.
Status compile_one(const Rule& rule, TensorEGraph& graph, CompiledRules& out) {
  EGRET_TRY(auto prepared, prepare(rule));
  const size_t forms = prepared->find_all ? 1 : prepared->lefts.size();
  for (size_t form = 0; form < forms; ++form) {
    out.other_type.push_back(std::make_shared<std::atomic<bool>>(false));
    const TypeAlarm& alarm = out.other_type.back();
    out.rewrites.push_back(prepared->find_all ? group_rewrite_of(rule, prepared, graph, alarm) : rewrite_of(rule, prepared, form, graph, alarm));
    out.rule_of.push_back(&rule);
    if (rule.ruleset.starts_with("explore.")) out.rewrites.back().matches_per_iteration = kExploreMatches;
  }
  return {};
}

}  // namespace

Result<CompiledRules> compile(const RuleSet& rules, const Licence& licence, TensorEGraph& graph) {
  std::vector<const Rule*> wanted;
  for (const Rule& rule : rules.rules()) {
    if (rule.kind == RuleKind::kAlgebra && rule.on && licence.allows(rule.needs)) wanted.push_back(&rule);
  }
  constexpr size_t kGrain = 64;  // rules, about half a millisecond
  const Workers workers(rules.threads());
  std::vector<CompiledRules> parts((wanted.size() + kGrain - 1) / kGrain);
  std::vector<std::optional<Error>> errors(parts.size());
  workers.for_chunks(wanted.size(), kGrain, [&](size_t begin, size_t end, size_t chunk) {
    for (size_t i = begin; i < end; ++i) {
      if (auto status = compile_one(*wanted[i], graph, parts[chunk]); !status.ok()) {
        errors[chunk] = status.take_error();
        return;
      }
    }
  });
  CompiledRules out;
  out.rewrites.reserve(wanted.size() + wanted.size() / 4);
  for (size_t p = 0; p < parts.size(); ++p) {
    if (errors[p]) return *errors[p];
    std::move(parts[p].rewrites.begin(), parts[p].rewrites.end(), std::back_inserter(out.rewrites));
    out.rule_of.insert(out.rule_of.end(), parts[p].rule_of.begin(), parts[p].rule_of.end());
    out.other_type.insert(out.other_type.end(), parts[p].other_type.begin(), parts[p].other_type.end());
  }
  return out;
}

Result<std::vector<RuleMatch>> matches(const Rule& rule, TensorEGraph& graph, size_t limit) {
  EGRET_TRY(auto prepared, prepare(rule));
  if (!graph.graph().clean()) graph.graph().rebuild();
  std::vector<RuleMatch> out;
  EGraphView view(graph);
  if (prepared->find_all) {
    GroupSearch(*prepared, graph).run([&](const Match& match) {
      if (out.size() < limit) out.push_back({match.nodes, true, {}});
      return out.size() < limit;
    });
    return out;
  }
  for (size_t form = 0; form < prepared->lefts.size(); ++form) {
    const Left& left = prepared->lefts[form];
    egraph::Rewrite rewrite = rewrite_of(rule, prepared, form, graph, std::make_shared<std::atomic<bool>>());
    auto roots = graph.graph().nodes_with(graph.op_kind(*left.nodes[left.roots[0]].op));
    rewrite.pattern.search(graph.graph(), roots, [&](const Match& match) {
      if (out.size() >= limit) return false;
      RuleMatch found{match.nodes, false, {}};
      Environment env;
      MatchOptions options;
      options.why = &found.failed;
      LeftTerms terms = terms_of(left, match);
      Plan plan(view);
      std::vector<TermRef> right;
      found.holds = bind_match(*prepared, left, terms, view, options, env) &&
                    build_right(*prepared, left, terms, env, plan, right, &found.failed);
      out.push_back(std::move(found));
      return true;
    });
  }
  return out;
}

}  // namespace egret::rules
