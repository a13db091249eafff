#include "rules/verify/prove/ranks.h"

#include <algorithm>
#include <map>

#include "ir/definitions/definition.h"
#include "rules/lang/syntax.h"

namespace egret::rules {
namespace {

class UseReader {
 public:
  UseReader(Scalars& scalars, const std::set<std::string>& many, AxisUse& use)
      : s_(scalars), i_(scalars.indices()), many_(many), use_(use) {}

  void visit(ScalarId id) {
    if (!seen_.insert(id).second) return;
    const ScalarNode& n = s_.node(id);
    std::vector<ScalarId> inside = n.args;
    for (IntId term : n.ints) {
      VariableId v = 0;
      if (n.kind == ScalarNode::Kind::kRead && i_.is_variable(term, &v)) continue;
      touch(term, inside);
    }
    if (n.kind == ScalarNode::Kind::kSelect) {
      std::vector<VariableId> variables;
      i_.variables_of_cond(n.cond, variables, inside);
      for (VariableId v : variables) touched(v);
      // A condition on one index is about one axis, which its operator names.
      std::sort(variables.begin(), variables.end());
      variables.erase(std::unique(variables.begin(), variables.end()), variables.end());
      if (std::count_if(variables.begin(), variables.end(), [&](VariableId v) { return i_.size_of(v); }) > 1) conditions_.insert(n.cond);
      use_.conditions = std::max(use_.conditions, conditions_.size());
    }
    for (ScalarId a : inside) visit(a);
  }

 private:
  void touch(IntId term, std::vector<ScalarId>& inside) {
    std::vector<VariableId> variables;
    i_.variables_of(term, variables, inside);
    for (VariableId v : variables) touched(v);
  }

  // The axis of an index variable is told by the names in its size: `x.s.0` is an axis of x's group s.
  void touched(VariableId v) {
    const IntId* size = i_.size_of(v);
    if (!size) return;  // no index: a size or an attribute
    std::vector<VariableId> names;
    std::vector<ScalarId> scalars;
    i_.variables_of(*size, names, scalars);
    bool named = false;
    for (VariableId name : names) {
      const std::string& text = i_.name(name);
      const size_t first = text.find('.'), last = text.rfind('.');
      if (first == std::string::npos || first == last || i_.size_of(name)) continue;
      named = true;
      const std::string group = text.substr(first + 1, last - first - 1);
      if (many_.contains(group)) use_.groups.insert(group);
    }
    use_.whole |= !named;
  }

  Scalars& s_;
  Indices& i_;
  const std::set<std::string>& many_;
  AxisUse& use_;
  std::set<ScalarId> seen_;
  std::set<CondId> conditions_;
};

using Uses = std::map<std::string, size_t>;

void names_in(const Term& t, Uses& uses) {
  if (t.kind == Term::Kind::kName) ++uses[t.name];
  for (const Term& a : t.args) names_in(a, uses);
}

void largest_number(const Term& t, size_t& largest) {
  if (t.kind == Term::Kind::kNumber && t.number > 0 && t.number < 1024) largest = std::max(largest, static_cast<size_t>(t.number));
  for (const Term& a : t.args) largest_number(a, largest);
}

bool lists_axes(const AttrSpec& spec) { return spec.kind == AttrKind::kAxes || spec.kind == AttrKind::kAxis; }

// Variables that stand for axes: those that an attribute of that kind is, on the left.
void axis_variables(const Term& t, std::set<std::string>& lists, std::set<std::string>& single) {
  for (const Term& a : t.args) axis_variables(a, lists, single);
  const OpDef* op = t.kind == Term::Kind::kCall ? find_op(t.name) : nullptr;
  if (!op) return;
  for (const auto& [name, value] : t.attrs) {
    if (value.kind != Term::Kind::kName) continue;
    for (const AttrSpec& spec : op->attrs) {
      if (name == "all" && spec.kind == AttrKind::kAxes) lists.insert(value.name);
      if (name == "all" && spec.kind == AttrKind::kAxis) single.insert(value.name);
      if (spec.name != name) continue;
      if (spec.kind == AttrKind::kAxes) lists.insert(value.name);
      if (spec.kind == AttrKind::kAxis) single.insert(value.name);
    }
  }
}

// Uses along the worst path of reads.  Lists of one operator are read at one axis: its attribute that uses a name most counts.
Uses uses_of(const Term& t) {
  Uses below;
  for (const Term& a : t.args) {
    for (const auto& [name, n] : uses_of(a)) below[name] = std::max(below[name], n);
  }
  const OpDef* op = t.kind == Term::Kind::kCall ? find_op(t.name) : nullptr;
  Uses here;
  for (const auto& [name, value] : t.attrs) {
    const AttrSpec* spec = op ? op->attr(name) : nullptr;
    if (spec && spec->kind != AttrKind::kInts && !lists_axes(*spec)) continue;
    Uses in;
    names_in(value, in);
    for (const auto& [variable, n] : in) here[variable] = std::max(here[variable], n);
  }
  for (const auto& [variable, n] : here) below[variable] += n;
  return below;
}

// Axes that a definition names one by one, in order (the batch and the channels of a convolution).
size_t fixed_axes(const Graph& graph) {
  size_t most = 0;
  for (const GraphNode& n : graph.nodes) {
    if (!n.op->definition) continue;
    for (const DefOperand& o : n.op->definition->operands) {
      size_t own = 0;
      for (const DefPlace& p : o.places) own += p.where == DefPlace::Where::kInOrder && !n.op->definition->groups[p.group].many;
      most = std::max(most, own);
    }
  }
  return most;
}

bool reshapes(const Graph& g) {
  return std::any_of(g.nodes.begin(), g.nodes.end(), [](const GraphNode& n) { return n.op->name == "reshape"; });
}

}  // namespace

void note_use(Scalars& scalars, ScalarId left, ScalarId right, const std::set<std::string>& many, AxisUse& use) {
  AxisUse one, other;
  UseReader(scalars, many, one).visit(left);
  UseReader(scalars, many, other).visit(right);
  for (const AxisUse& u : {one, other}) {
    use.groups.insert(u.groups.begin(), u.groups.end());
    use.whole |= u.whole;
  }
  use.conditions = std::max(use.conditions, one.conditions + other.conditions);
}

void note_use(const Graph& left, const Graph& right, AxisUse& use) {
  use.fixed = std::max({use.fixed, fixed_axes(left), fixed_axes(right)});
  const bool positions = keeps_positions(left, right);
  use.positions &= positions;
  use.reshapes |= !positions && (reshapes(left) || reshapes(right));
}

int needed_rank(const Rule& rule, const AxisUse& use) {
  std::set<std::string> lists, single;
  Uses uses;
  size_t number = 0;
  auto count = [&](const Term& t) {
    axis_variables(t, lists, single);
    for (const auto& [name, n] : uses_of(t)) uses[name] += n;
  };
  auto numbers = [&](const Term& t, auto&& self) -> void {
    for (const auto& [name, value] : t.attrs) largest_number(value, number);
    for (const Term& a : t.args) self(a, self);
  };
  for (const Equation& e : equations_of(*rule.syntax)) {
    count(*e.left);
    count(*e.right);
    numbers(*e.left, numbers);
    numbers(*e.right, numbers);
  }
  for (const Binding& b : rule.syntax->lets) count(b.term);
  for (const Term& c : rule.syntax->where) {
    for (const Term& side : c.args) largest_number(side, number);
  }
  size_t most = 0;
  for (const auto& [name, n] : uses) most = std::max(most, lists.contains(name) ? n : 0);
  return static_cast<int>(use.conditions + most + single.size() + std::max(use.fixed, number) + 1);
}

bool keeps_positions(const Graph& left, const Graph& right) {
  auto keeps = [](const Graph& g) {
    return std::all_of(g.nodes.begin(), g.nodes.end(), [](const GraphNode& n) {
      return n.op->op_class == OpClass::kMap || n.op->name == "input" || n.op->name == "splat" || n.op->name == "reshape";
    });
  };
  return keeps(left) && keeps(right);
}

}  // namespace egret::rules
