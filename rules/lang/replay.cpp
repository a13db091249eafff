// Replay: a rule on exact terms, without the engine.
#include <fmt/format.h>

#include "rules/lang/group.h"
#include "rules/lang/replay.h"

namespace egret::rules {
namespace {

constexpr int kMaxDepth = 64;

// Equality of terms under different numbers.
bool same_term(const TermTable& table, uint32_t a, uint32_t b, int depth = 0) {
  if (a == b) return true;
  const TermNode &x = table.nodes[a], &y = table.nodes[b];
  if (depth > kMaxDepth || x.op != y.op || x.operands.size() != y.operands.size() || !equal(x.attrs, y.attrs)) return false;
  if (x.operands.empty() && !(x.type == y.type && !x.attrs.empty())) return false;
  for (size_t i = 0; i < x.operands.size(); ++i) {
    if (!same_term(table, x.operands[i], y.operands[i], depth + 1)) return false;
  }
  return true;
}

bool match_node(const Left& left, uint32_t node, uint32_t term, const TermTable& table, LeftTerms& out,
                std::vector<bool>& bound) {
  const LeftNode& n = left.nodes[node];
  const TermNode& t = table.nodes[term];
  if (t.op != n.op || t.operands.size() != n.operands.size()) return false;
  out.nodes[node] = term;
  for (size_t i = 0; i < n.operands.size(); ++i) {
    const LeftOperand& o = n.operands[i];
    if (!o.is_leaf) {
      if (!match_node(left, o.index, t.operands[i], table, out, bound)) return false;
      continue;
    }
    // Leaves of one variable with different axis lists are one term.
    for (uint32_t l = 0; l < left.leaves.size(); ++l) {
      if (left.leaves[l].class_variable != left.leaves[o.index].class_variable) continue;
      if (bound[l] && !same_term(table, out.leaves[l], t.operands[i])) return false;
      if (!bound[l]) out.leaves[l] = t.operands[i];
      bound[l] = true;
    }
  }
  return true;
}

bool match_left(const Left& left, const std::vector<uint32_t>& roots, const TermTable& table, LeftTerms& out) {
  if (roots.size() != left.roots.size()) return false;
  out.nodes.assign(left.nodes.size(), 0);
  out.leaves.assign(left.leaves.size(), 0);
  std::vector<bool> bound(left.leaves.size(), false);
  for (size_t r = 0; r < roots.size(); ++r) {
    if (!match_node(left, left.roots[r], roots[r], table, out, bound)) return false;
  }
  return true;
}

bool replay_group(const PreparedRule& rule, const std::vector<uint32_t>& roots, const TermTable& table, const TableView& view,
                  const MatchOptions& options, Plan& plan, std::vector<TermRef>& right) {
  std::vector<GroupMember> members;
  for (uint32_t root : roots) {
    LeftTerms terms;
    if (!match_left(rule.lefts[0], {root}, table, terms)) {
      *options.why = "a member's shape differs";
      return false;
    }
    auto m = bind_member(rule, terms, view);
    if (!m || (!members.empty() && m->key != members[0].key)) {
      *options.why = "a member's roles or attributes differ";
      return false;
    }
    uint32_t first = members.empty() ? 0 : table.nodes[members[0].terms.nodes[0]].operands[rule.shared_operand];
    if (!members.empty() && !same_term(table, table.nodes[root].operands[rule.shared_operand], first)) {
      *options.why = "the members share no operand";
      return false;
    }
    members.push_back(std::move(*m));
  }
  if (members.empty() || members.size() > kMaxMembers) return false;
  return build_group(rule, members, view, options, plan, right);
}

}  // namespace

Result<std::vector<std::pair<uint32_t, uint32_t>>> replay_with(const Rule& rule, const std::vector<uint32_t>& roots,
                                                               TermTable& table, MatchOptions options) {
  EGRET_TRY(auto prepared, prepare(rule));
  for (uint32_t r : roots) {
    if (r >= table.nodes.size()) return input_error(fmt::format("rule {}: no term {}", rule.name, r));
  }
  std::string why;
  options.why = &why;
  TableView view(table);
  Plan plan(view);
  std::vector<TermRef> right;
  bool done = false;
  if (prepared->find_all) {
    done = replay_group(*prepared, roots, table, view, options, plan, right);
  } else {
    for (size_t form = 0; form < prepared->lefts.size(); ++form) {
      if (options.form >= 0 && form != static_cast<size_t>(options.form)) continue;
      const Left& left = prepared->lefts[form];
      LeftTerms terms;
      if (!match_left(left, roots, table, terms)) continue;
      Environment env;
      plan.nodes.clear();
      right.clear();
      if (options.assumed) options.assumed->clear();
      std::string here;
      MatchOptions one = options;
      one.why = &here;
      done = bind_match(*prepared, left, terms, view, one, env) && build_right(*prepared, left, terms, env, plan, right, &here);
      if (done) break;
      why = here;
    }
  }
  if (options.other_type) *options.other_type = !done && plan.other_type;
  if (!done) return input_error(fmt::format("rule {} does not hold there: {}", rule.name, why.empty() ? "another shape" : why));
  auto base = static_cast<uint32_t>(table.nodes.size());
  append(table, plan);
  std::vector<std::pair<uint32_t, uint32_t>> out;
  for (size_t e = 0; e < right.size(); ++e) {
    out.emplace_back(right[e].planned ? base + right[e].index : right[e].index, roots[e]);
  }
  return out;
}

Result<std::vector<std::pair<uint32_t, uint32_t>>> replay(const Rule& rule, uint32_t form, const std::vector<uint32_t>& roots, TermTable& terms) {
  MatchOptions options;
  options.heuristics = false;
  options.form = static_cast<int>(form);
  return replay_with(rule, roots, terms, options);
}

}  // namespace egret::rules
