#include "rules/lang/group.h"

#include <algorithm>

#include <fmt/format.h>

namespace egret::rules {
namespace {

bool fail(const MatchOptions& options, std::string text) {
  if (options.why && options.why->empty()) *options.why = std::move(text);
  return false;
}

const Environment::Variable* variable(const Environment& env, std::string_view name) {
  for (const auto& v : env.variables) {
    if (v.name == name) return &v;
  }
  return nullptr;
}

std::string_view name_of_axis(const Environment& env, AxisId axis) {
  for (const auto& [name, axes] : env.groups) {
    if (std::find(axes.begin(), axes.end(), axis) != axes.end()) return name;
  }
  return {};
}

// The shared operand and the group of a member's term.
const Term& shared_term(const PreparedRule& rule) { return rule.equations[0].left->args[rule.shared_operand]; }
const Term& group_term(const PreparedRule& rule) { return rule.equations[0].left->args[1 - rule.shared_operand]; }

// Axis numbers of a member in those of the first: the shared operand's axes by position, every other by its name and its
// position in the group.
class Renumbering {
 public:
  Renumbering(const Environment& first, std::string_view shared) : first_(first), shared_(shared) {}

  bool run(const Environment& member, std::vector<AxisId>& map) const {
    map.assign(member.axis_sizes.size(), ~0u);
    const auto &a = variable(first_, shared_)->value.axes, &b = variable(member, shared_)->value.axes;
    if (a.size() != b.size()) return false;
    for (size_t k = 0; k < b.size(); ++k) map[b[k]] = a[k];
    for (const auto& [name, axes] : member.groups) {
      const auto& same = *first_.group(name);
      for (size_t k = 0; k < axes.size(); ++k) {
        if (map[axes[k]] != ~0u) continue;
        if (axes.size() != same.size()) return false;
        map[axes[k]] = same[k];
      }
    }
    return std::find(map.begin(), map.end(), ~0u) == map.end();
  }

 private:
  const Environment& first_;
  std::string_view shared_;
};

void renumber(std::vector<AxisId>& axes, const std::vector<AxisId>& map) {
  for (AxisId& a : axes) a = map[a];
}

// Part `index` of a value along an axis, where parts have these sizes.
std::optional<TermValue> part(Builder& builder, const Plan& plan, const TermValue& whole, AxisId axis,
                              const std::vector<Dim>& sizes, size_t index) {
  const Type type = plan.type(whole.ref);
  std::vector<Dim> start(type.dims.size(), 0), limit = type.dims, stride(type.dims.size(), 1);
  auto place = static_cast<size_t>(std::find(whole.axes.begin(), whole.axes.end(), axis) - whole.axes.begin());
  if (place == whole.axes.size()) return std::nullopt;
  for (size_t i = 0; i < index; ++i) start[place] = start[place] + sizes[i];
  limit[place] = start[place] + sizes[index];
  return builder.node(op_named("slice"), {{"start", start}, {"limit", limit}, {"stride", stride}}, {whole});
}

}  // namespace

std::optional<GroupMember> bind_member(const PreparedRule& rule, const LeftTerms& terms, const TermView& view) {
  GroupMember m;
  m.terms = terms;
  MatchOptions options;
  options.conditions = false;  // they speak of the whole group
  if (!bind_match(rule, rule.lefts[0], terms, view, options, m.env)) return std::nullopt;
  const auto* a = variable(m.env, shared_term(rule).name);
  for (AxisId axis : a->value.axes) m.key.emplace_back(name_of_axis(m.env, axis));
  for (const auto& [name, axes] : m.env.groups) {
    if (name == rule.varying) continue;
    for (AxisId axis : axes) {
      const auto& shared = a->value.axes;
      if (std::find(shared.begin(), shared.end(), axis) != shared.end()) continue;
      m.key.push_back(fmt::format("{}:{}", name, m.env.axis_sizes[axis].to_string()));
    }
  }
  for (const auto& [name, value] : m.env.attrs) m.key.push_back(name + "=" + to_string(value));
  return m;
}

bool build_group(const PreparedRule& rule, std::vector<GroupMember>& members, const TermView& view,
                 const MatchOptions& options, Plan& plan, std::vector<TermRef>& out) {
  Environment env = members[0].env;
  env.view = &view;
  env.assumed = options.assumed;
  const Term &shared = shared_term(rule), &group = group_term(rule);
  Renumbering renumbering(members[0].env, shared.name);
  std::vector<TermValue> operands;
  std::vector<std::vector<AxisId>> roots;
  for (GroupMember& m : members) {
    std::vector<AxisId> map;
    if (!renumbering.run(m.env, map)) return fail(options, "members of the group have their axes in different roles");
    TermValue v = variable(m.env, group.name)->value;
    renumber(v.axes, map);
    operands.push_back(std::move(v));
    roots.push_back(m.env.root_axes[0]);
    renumber(roots.back(), map);
  }
  std::erase_if(env.variables, [&](const auto& v) { return v.name == group.name; });
  env.many.push_back({group.name, operands});
  if (!conditions_hold(rule, env, plan, options)) return false;
  Builder builder(env, plan);
  for (const Binding& b : rule.syntax->lets) {
    if (!builder.let(b)) return fail(options, builder.why);
  }
  const Term& slices = *rule.equations[0].right;
  const AxisId axis = env.group(rule.varying)->at(0);
  auto whole = builder.term(slices.args[0]);
  if (!whole) return fail(options, builder.why);
  std::vector<Dim> sizes;
  for (const TermValue& v : operands) {
    auto place = std::find(v.axes.begin(), v.axes.end(), axis) - v.axes.begin();
    sizes.push_back(plan.type(v.ref).dims[static_cast<size_t>(place)]);
  }
  for (size_t i = 0; i < members.size(); ++i) {
    auto v = part(builder, plan, *whole, axis, sizes, i);
    auto ref = v ? builder.as_root(*v, *view.type(members[i].terms.nodes[0]), roots[i]) : std::nullopt;
    if (!ref) return fail(options, builder.why);
    out.push_back(*ref);
  }
  return true;
}

}  // namespace egret::rules
