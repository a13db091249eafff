// Rules at concrete sizes: both sides as graphs, for tests and proofs.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "rules/lang/assign.h"
#include "rules/lang/dtypes.h"
#include "rules/lang/other_type.h"
#include "rules/lang/replay.h"

namespace egret::rules {
namespace {

constexpr size_t kSizesForDTypes = 6;  // small assignments at which a choice of dtypes may have an instance
constexpr size_t kChoicesOfLeft = 64;  // of dtypes at which the right side may have another type

// Builds the left side of a rule from an assignment, in a table whose first terms are the rule's variables.
class LeftInstance {
 public:
  LeftInstance(const PreparedRule& rule, const Assignment& assignment) : rule_(rule), given_(assignment), view_(table) {}

  bool run(std::string* why) {
    env_.view = &view_;
    env_.tracked = rule_.tracked;
    for (const auto& [name, value] : given_.values) env_.attrs.emplace_back(name, value);
    for (const auto& [name, value] : rule_.samples) {
      bool of_tuple = name.find('.') != std::string::npos;
      if (of_tuple && !env_.attr(name)) env_.attrs.emplace_back(name, value);
    }
    if (!make_axes(why) || !make_inputs(why)) return false;
    return rule_.find_all ? build_members(why) : build(why);
  }

  TermTable table;
  std::vector<uint32_t> roots;
  std::vector<uint32_t> inputs;       // terms of the variables
  std::vector<std::string> names;

 private:
  static bool fail(std::string* why, std::string text) {
    if (why) *why = std::move(text);
    return false;
  }

  // Sizes of the group's axes in a variable; of a group that differs from member to member, those of this one.
  std::vector<Dim> sizes_of(const std::string& group, const std::string& variable, size_t member) const {
    auto it = given_.groups.find(group);
    if (it == given_.groups.end()) return {};
    const bool varies = varies_in_group(rule_, group);
    if (varies && member >= it->second.size()) return {};
    if (!given_.symbolic) return varies ? std::vector<Dim>{it->second[member]} : dims_of(it->second);
    std::vector<Dim> names;
    for (size_t k = 0; k < (varies ? 1 : it->second.size()); ++k) {
      names.push_back(Dim::named(fmt::format("{}{}.{}.{}", variable, varies ? std::to_string(member) : "", group, k)));
    }
    return names;
  }

  // The first variable that has the group.
  std::string owner_of(const std::string& group) const {
    for (const RuleVariable& v : rule_.variables) {
      for (const auto& list : v.axes) {
        for (const AxisName& a : list) {
          if (a.name == group) return v.name;
        }
      }
    }
    return {};
  }

  bool make_axes(std::string* why) {
    for (const AxisName& g : rule_.groups) {
      auto it = given_.groups.find(g.name);
      if (it == given_.groups.end()) return fail(why, fmt::format("no sizes of the axes '{}'", g.name));
      std::vector<AxisId> axes;
      for (Dim size : sizes_of(g.name, owner_of(g.name), 0)) {
        axes.push_back(static_cast<AxisId>(env_.axis_sizes.size()));
        env_.axis_sizes.push_back(size);
      }
      env_.groups.emplace_back(g.name, axes);
    }
    return true;
  }

  bool make_inputs(std::string* why) {
    for (const RuleVariable& v : rule_.variables) {
      auto count = given_.counts.find(v.name);
      size_t copies = v.many && count != given_.counts.end() ? static_cast<size_t>(count->second) : 1;
      for (size_t c = 0; c < copies; ++c) {
        if (!make_input(v, c, why)) return false;
      }
    }
    return true;
  }

  bool make_input(const RuleVariable& v, size_t copy, std::string* why) {
    TermValue value;
    Type type;
    if (v.axes.empty()) {
      auto t = given_.types.find(v.name);
      if (t == given_.types.end()) return fail(why, fmt::format("no type of '{}'", v.name));
      type = t->second;
    } else {
      auto dtype = copy == 0 ? given_.dtypes.end() : given_.dtypes.find(fmt::format("{}_{}", v.name, copy));
      if (dtype == given_.dtypes.end()) dtype = given_.dtypes.find(v.name);
      type = Type::tensor(dtype == given_.dtypes.end() ? v.dtype : dtype->second, {});
      for (const AxisName& a : v.axes[0]) {
        const auto& axes = *env_.group(a.name);
        value.axes.insert(value.axes.end(), axes.begin(), axes.end());
        for (Dim size : sizes_of(a.name, v.name, copy)) type.dims.push_back(size);
      }
    }
    value.ref = {false, static_cast<uint32_t>(table.nodes.size())};
    inputs.push_back(value.ref.index);
    names.push_back(copy == 0 ? v.name : fmt::format("{}_{}", v.name, copy));
    auto depends = given_.depends.find(v.name);
    auto splat = given_.splats.find(v.name);
    TermNode n;
    n.op = &op_named(splat == given_.splats.end() ? "input" : "splat");
    n.type = type;
    if (splat != given_.splats.end()) n.attrs = {{"value", splat->second}, {"dtype", type.dtype}, {"sizes", type.dims}};
    table.nodes.push_back(std::move(n));
    table.splat.push_back(splat == given_.splats.end() ? std::nullopt : std::optional(splat->second));
    table.depends.push_back(splat != given_.splats.end() ? Dependence::kConstant
                            : depends == given_.depends.end() ? Dependence::kData : depends->second);
    if (v.many) {
      if (copy == 0) env_.many.push_back({v.name, {}});
      env_.many.back().second.push_back(value);
    } else if (v.axes.size() < 2) {
      env_.variables.push_back({v.name, v.axes.empty() ? nullptr : &v.axes[0], value});
    } else {  // several lists of one variable: one tensor, whose sizes must agree
      for (const auto& list : v.axes) {
        value.axes.clear();
        for (const AxisName& a : list) {
          const auto& axes = *env_.group(a.name);
          value.axes.insert(value.axes.end(), axes.begin(), axes.end());
        }
        if (value.axes.size() != type.dims.size()) return fail(why, fmt::format("'{}' has two ranks", v.name));
        env_.variables.push_back({v.name, &list, value});
      }
    }
    return true;
  }

  bool build(std::string* why) {
    Plan plan(view_);
    Builder builder(env_, plan);
    std::vector<TermRef> made;
    for (const Equation& e : rule_.equations) {
      auto v = builder.term(*e.left);
      if (!v) return fail(why, "the left side is ill-typed: " + builder.why);
      if (v->is_number) return fail(why, "the left side is a number");
      made.push_back(v->ref);
    }
    commit(plan, made);
    return true;
  }

  bool build_members(std::string* why) {
    std::vector<TermValue> members = env_.many.empty() ? std::vector<TermValue>{} : env_.many[0].second;
    for (const TermValue& m : members) {
      env_.many[0].second = {m};
      if (!build(why)) return false;
    }
    return true;
  }

  void commit(const Plan& plan, const std::vector<TermRef>& made) {
    auto base = static_cast<uint32_t>(table.nodes.size());
    append(table, plan);
    for (TermRef r : made) roots.push_back(r.planned ? base + r.index : r.index);
  }

  const PreparedRule& rule_;
  const Assignment& given_;
  TableView view_;
  Environment env_;
};

// The terms that outputs need, as a graph over all inputs.
Graph graph_of(const LeftInstance& left, const std::vector<uint32_t>& outputs, const Assignment& a) {
  const TermTable& table = left.table;
  std::vector<bool> needed(table.nodes.size(), false);
  for (uint32_t o : outputs) needed[o] = true;
  for (size_t t = table.nodes.size(); t-- > 0;) {
    for (uint32_t o : table.nodes[t].operands) {
      if (needed[t]) needed[o] = true;
    }
  }
  GraphBuilder builder("rule");
  std::vector<ValueId> value(table.nodes.size(), 0);
  for (size_t i = 0; i < left.inputs.size(); ++i) {
    const TermNode& n = table.nodes[left.inputs[i]];
    auto depends = a.depends.find(left.names[i]);
    InputRole role = depends == a.depends.end() ? InputRole::kData
                     : depends->second == Dependence::kConstant ? InputRole::kConstant : InputRole::kParameter;
    if (n.op->name == "input") value[left.inputs[i]] = builder.input(left.names[i], n.type, role);
  }
  for (size_t t = 0; t < table.nodes.size(); ++t) {
    const TermNode& n = table.nodes[t];
    if (!needed[t] || n.op->name == "input") continue;
    std::vector<ValueId> operands;
    for (uint32_t o : n.operands) operands.push_back(value[o]);
    auto v = builder.add(*n.op, operands, n.attrs);
    EGRET_CHECK(v.ok(), "a term of a rule's instance that was typed once");
    value[t] = *v;
  }
  for (size_t o = 0; o < outputs.size(); ++o) builder.output(value[outputs[o]], fmt::format("out{}", o));
  return builder.take();
}

// Conditions on inputs; nothing where one speaks of another term.
std::optional<std::vector<Hypothesis>> hypotheses_of(const LeftInstance& left, const std::vector<Assumed>& assumed) {
  std::vector<Hypothesis> out;
  std::map<uint32_t, uint32_t> number;
  for (uint32_t t : left.inputs) {
    if (left.table.nodes[t].op->name == "input") number.emplace(t, static_cast<uint32_t>(number.size()));
  }
  for (const Assumed& a : assumed) {
    Hypothesis h{a.native, {}};
    for (TermId t : a.terms) {
      auto it = number.find(t);
      if (it == number.end()) return std::nullopt;
      h.inputs.push_back(it->second);
    }
    out.push_back(std::move(h));
  }
  return out;
}

std::optional<RuleInstance> make_instance(const Rule& rule, const PreparedRule& prepared, const Assignment& assignment,
                                          bool assume, std::string* why, bool* well_typed, bool* other_type = nullptr) {
  LeftInstance left(prepared, assignment);
  if (well_typed) *well_typed = false;
  if (!left.run(why)) return std::nullopt;
  if (well_typed) *well_typed = true;
  std::vector<Assumed> assumed;
  MatchOptions options;
  options.heuristics = !assume;  // `when` is no part of what a rule claims
  if (assume) options.assumed = &assumed;
  options.other_type = other_type;
  const size_t left_size = left.table.nodes.size();
  auto right = replay_with(rule, left.roots, left.table, options);
  if (!right.ok()) {
    if (why) *why = right.error().message;
    return std::nullopt;
  }
  auto hypotheses = hypotheses_of(left, assumed);
  if (!hypotheses) {
    if (why) *why = "a condition on the elements of a term that is no variable";
    return std::nullopt;
  }
  EGRET_CHECK(left.table.nodes.size() >= left_size, "replay appends");
  std::vector<uint32_t> right_roots;
  for (auto [r, l] : *right) right_roots.push_back(r);
  RuleInstance out;
  out.left = graph_of(left, left.roots, assignment);
  out.right = graph_of(left, right_roots, assignment);
  out.assignment = assignment;
  out.where = assignment.to_string();
  out.hypotheses = std::move(*hypotheses);
  return out;
}

}  // namespace

Result<std::optional<RuleInstance>> instance(const Rule& rule, const Assignment& assignment, std::string* reason, bool assume) {
  EGRET_TRY(auto prepared, prepare(rule));
  return make_instance(rule, *prepared, assignment, assume, reason, nullptr);
}

Result<std::vector<RuleInstance>> accepted(const Rule& rule) {
  EGRET_TRY(auto prepared, prepare(rule));
  std::vector<RuleInstance> out;
  for (const Example& e : rule.syntax->accepts()) {
    std::string why;
    EGRET_TRY(std::vector<Assignment> choices, assignments_of(rule, *prepared, e));
    std::optional<RuleInstance> found;
    for (const Assignment& a : choices) {
      if (!found) found = make_instance(rule, *prepared, a, false, &why, nullptr);
    }
    if (!found) {
      return input_error(fmt::format("rule {}: this accept line is not accepted: {}", rule.name, why), {},
                         {rule.file, e.at.line, e.at.column, {}});
    }
    out.push_back(std::move(*found));
  }
  return out;
}

Status check_examples(const Rule& rule) {
  EGRET_TRY_VOID(accepted(rule));
  EGRET_TRY(const auto no, rejected(rule));
  for (size_t k = 0; k < no.size(); ++k) {
    if (!no[k].matched) continue;
    const Position at = rule.syntax->rejects()[k].at;
    return input_error(fmt::format("rule {}: the rule matches at this reject line", rule.name), "a reject line gives types at which the rule must not match; leave it out or add a condition",
                       {rule.file, at.line, at.column, {}});
  }
  return {};
}

Result<std::vector<Rejected>> rejected(const Rule& rule) {
  EGRET_TRY(auto prepared, prepare(rule));
  std::vector<Rejected> out;
  for (const Example& e : rule.syntax->rejects()) {
    Rejected r;
    auto choices = assignments_of(rule, *prepared, e);
    if (!choices.ok()) {
      r.reason = choices.error().message;
      out.push_back(std::move(r));
      continue;
    }
    for (const Assignment& a : *choices) {
      bool well_typed = false;
      std::string why;
      bool matched = make_instance(rule, *prepared, a, false, &why, &well_typed).has_value();
      if (!matched && !well_typed && r.well_typed) continue;
      r.assignment = a;
      r.well_typed |= well_typed;
      r.matched |= matched;
      r.reason = why;
    }
    out.push_back(std::move(r));
  }
  return out;
}

Attempt attempt_instance(const Rule& rule, const Assignment& assignment) {
  Attempt out;
  auto prepared = prepare(rule);
  if (prepared.ok()) out.instance = make_instance(rule, **prepared, assignment, true, &out.why, &out.left_typed, &out.other_type);
  out.other_type = out.other_type && !out.instance;
  return out;
}

bool has_other_type(const Rule& rule, const Assignment& assignment, std::string* why) {
  auto prepared = prepare(rule);
  bool other = false;
  return prepared.ok() && !make_instance(rule, **prepared, assignment, true, why, nullptr, &other) && other;
}

std::optional<std::string> right_of_another_type(const Rule& rule) {
  auto prepared = prepare(rule);
  if (!prepared.ok()) return std::nullopt;
  std::vector<Assignment> candidates;
  for (const Example& e : rule.syntax->accepts()) {
    auto choices = assignments_of(rule, **prepared, e);
    if (choices.ok()) candidates.insert(candidates.end(), choices->begin(), choices->end());
  }
  const auto more = candidate_assignments(**prepared, candidates);
  candidates.insert(candidates.end(), more.begin(), more.end());
  const std::vector<Assignment> plain = candidates;
  const auto choices = left_dtype_choices(**prepared);
  for (size_t k = 0; choices && k < choices->size() && k < kChoicesOfLeft && !plain.empty(); ++k) candidates.push_back(with_dtypes(plain[0], **prepared, (*choices)[k]));
  for (const Assignment& a : plain) {
    const auto varied = varied_assignments(a);
    candidates.insert(candidates.end(), varied.begin(), varied.end());
  }
  for (const Assignment& a : candidates) {
    std::string why;
    if (has_other_type(rule, a, &why)) return a.to_string() + "; " + why;
  }
  return std::nullopt;
}

std::vector<Assignment> small_assignments(const Rule& rule, size_t limit) {
  auto prepared = prepare(rule);
  if (!prepared.ok()) return {};
  std::vector<Assignment> out;
  std::set<std::string> seen;
  auto take = [&](const Assignment& a) {
    if (out.size() >= limit || !seen.insert(a.to_string()).second) return;
    if (make_instance(rule, **prepared, a, true, nullptr, nullptr)) out.push_back(a);
  };
  for (const Example& e : rule.syntax->accepts()) {
    auto choices = assignments_of(rule, **prepared, e);
    if (!choices.ok()) continue;
    for (const Assignment& a : *choices) take(a);
  }
  const std::vector<Assignment> examples = out;
  for (const Assignment& a : candidate_assignments(**prepared, examples)) {
    if (out.size() >= limit) break;
    take(a);
  }
  return out;
}

const std::optional<std::vector<Assignment>>& dtype_assignments(const Rule& rule) {
  PreparedSlot& slot = *rule.syntax->prepared;
  std::call_once(slot.dtypes_once, [&] {
    auto prepared = prepare(rule);
    const auto choices = prepared.ok() ? dtype_choices(**prepared) : std::nullopt;
    if (!choices) return;
    const std::vector<Assignment> sizes = small_assignments(rule, kSizesForDTypes);
    std::set<std::string> seen;
    auto take = [&](const Assignment& a) {
      if (!make_instance(rule, **prepared, a, true, nullptr, nullptr)) return false;
      if (seen.insert(a.to_string()).second) slot.dtypes->push_back(a);
      return true;
    };
    slot.dtypes.emplace();
    if (!sizes.empty()) {
      Assignment own = sizes[0];
      for (const auto& [name, sample] : (*prepared)->samples) {
        if (!choices->empty() && choices->front().attributes.contains(name)) own.values.try_emplace(name, sample);
      }
      take(own);
    }
    for (const DTypeChoice& choice : *choices) {
      std::any_of(sizes.begin(), sizes.end(), [&](const Assignment& a) { return take(with_dtypes(a, **prepared, choice)); });
    }
  });
  return slot.dtypes;
}

}  // namespace egret::rules
