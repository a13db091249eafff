// From the text of a concrete rule to the forms of its left side.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "ir/definitions/definition.h"
#include "rules/lang/check.h"
#include "rules/lang/left.h"

namespace egret::rules {
namespace {

Error rule_error(const Rule& rule, std::string text, std::string hint = {}) {
  return input_error(fmt::format("rule {}: {}", rule.name, text), std::move(hint), {rule.file, rule.line, rule.syntax->at.column, {}});
}

DType dtype_for(const OpDef& op, size_t operand) {
  if (!op.definition || op.definition->operands.empty()) return DType::f32;
  const auto& specs = op.definition->operands;
  DTypeRule rule = specs[std::min(operand, specs.size() - 1)].dtype;
  if (rule == DTypeRule::kBool || rule == DTypeRule::kCommonLogical) return DType::boolean;
  return rule == DTypeRule::kInt ? DType::i32 : DType::f32;
}

// Names of the left side: variables, groups, attributes.
class Names {
 public:
  explicit Names(PreparedRule& rule) : rule_(rule) {}

  void run() {
    rule_.variables.reserve(4);
    rule_.groups.reserve(4);
    for (const Equation& e : rule_.equations) declare_axes(*e.left);
    for (const Equation& e : rule_.equations) declare_axes(*e.right);
    for (const Binding& b : rule_.syntax->lets) declare_axes(b.term);
    for (const Equation& e : rule_.equations) tensors(*e.left, DType::f32);
    for (const Equation& e : rule_.equations) attributes(*e.left);
  }

 private:
  void declare_axes(const Term& t) {
    if (t.kind == Term::Kind::kName && t.has_axes) {
      axes_.push_back(&t);
      for (const AxisName& a : t.axes) declare_group(a);
      rule_.tracked = true;
    }
    for (const Term& a : t.args) declare_axes(a);
    for (const auto& [name, value] : t.attrs) {
      if (name == "new") declare_new(value);
    }
  }
  void declare_new(const Term& value) {
    for (const Term& a : value.kind == Term::Kind::kList ? value.args : std::vector<Term>{value}) {
      declare_group({a.name, a.many});
    }
  }
  void declare_group(const AxisName& a) {
    for (AxisName& g : rule_.groups) {
      if (g.name != a.name) continue;
      g.many |= a.many;
      return;
    }
    rule_.groups.push_back(a);
  }

  void tensors(const Term& t, DType dtype) {
    if (t.kind == Term::Kind::kName) {
      RuleVariable* known = nullptr;
      for (RuleVariable& v : rule_.variables) {
        if (v.name == t.name) known = &v;
      }
      if (known) return;
      RuleVariable v;
      v.name = t.name;
      v.many = t.many;
      v.dtype = dtype;
      for (const Term* written : axes_) {
        if (written->name == t.name && std::find(v.axes.begin(), v.axes.end(), written->axes) == v.axes.end()) v.axes.push_back(written->axes);
      }
      rule_.variables.push_back(std::move(v));
      return;
    }
    const OpDef* op = t.op;
    for (size_t i = 0; i < t.args.size(); ++i) {
      DType own = op ? dtype_for(*op, i) : DType::f32;
      // Maps of any dtype take what their place takes.
      bool moves = op && (op->op_class == OpClass::kMap || op->op_class == OpClass::kMovement);
      bool passes = moves && own == DType::f32 && dtype != DType::f32;
      tensors(t.args[i], passes ? dtype : own);
    }
  }

  void attributes(const Term& t) {
    for (const Term& a : t.args) attributes(a);
    for (const auto& [name, value] : t.attrs) {
      if (value.kind != Term::Kind::kName || rule_.group(value.name) || dtype_from_name(value.name)) continue;
      auto& names = rule_.attr_variables;
      if (std::find(names.begin(), names.end(), value.name) == names.end()) names.push_back(value.name);
      if (name == "all" && std::find(rule_.tuples.begin(), rule_.tuples.end(), value.name) == rule_.tuples.end()) {
        rule_.tuples.push_back(value.name);
      }
    }
  }

  PreparedRule& rule_;
  std::vector<const Term*> axes_;  // variables where they stand with axes
};

// A value for each attribute variable of the left; of `all=p`, for those without a default.
class Samples {
 public:
  explicit Samples(PreparedRule& rule) : rule_(rule) {
    for (const Equation& e : rule.equations) visit(*e.left);
  }

 private:
  void visit(const Term& t) {
    for (const Term& a : t.args) visit(a);
    if (t.attrs.empty()) return;
    const OpDef* op = t.op;
    for (const auto& [name, value] : t.attrs) {
      if (!op || value.kind != Term::Kind::kName || rule_.group(value.name)) continue;
      bool tuple = name == "all";
      for (const AttrSpec& spec : op->attrs) {
        bool written = std::any_of(t.attrs.begin(), t.attrs.end(), [&](const auto& a) { return a.first == spec.name; });
        if (tuple ? written || spec.fallback : spec.name != name) continue;
        rule_.samples.emplace_back(tuple ? value.name + "." + spec.name : value.name,
                                   spec.fallback ? *spec.fallback : sample_of(spec.kind));
      }
    }
  }
  static AttrValue sample_of(AttrKind kind) {
    switch (kind) {
      case AttrKind::kNumber: return 0.5;
      case AttrKind::kDType: return DType::f64;
      case AttrKind::kWord: return std::string("w");
      case AttrKind::kAxes:
      case AttrKind::kSizes:
      case AttrKind::kInts: return std::vector<Dim>{1};
      default: return Dim(0);
    }
  }

  PreparedRule& rule_;
};

// A left side read off its text.
class WrittenLeft {
 public:
  explicit WrittenLeft(const PreparedRule& rule) : rule_(rule) {}
  Left run() {
    left_.nodes.reserve(kMaxOccurrences);
    left_.leaves.reserve(rule_.variables.size() + 1);
    for (const Equation& e : rule_.equations) left_.roots.push_back(add(*e.left).index);
    return std::move(left_);
  }

 private:
  LeftOperand add(const Term& t) {
    const OpDef* op = t.op;
    if (!op) return leaf(t);
    auto n = static_cast<uint32_t>(left_.nodes.size());
    left_.nodes.push_back({op, &t, {}});
    std::vector<LeftOperand> operands;
    operands.reserve(t.args.size());
    for (const Term& a : t.args) operands.push_back(add(a));
    left_.nodes[n].operands = std::move(operands);
    return {false, n};
  }
  LeftOperand leaf(const Term& t) {
    if (t.kind == Term::Kind::kName) {
      for (uint32_t l = 0; l < left_.leaves.size(); ++l) {
        if (left_.leaves[l].variable == t.name) return {true, l};
      }
    }
    LeftLeaf out;
    if (t.kind == Term::Kind::kNumber) {
      out.number = t.number;
    } else {
      out.variable = t.name;
    }
    out.class_variable = left_.class_variables++;
    left_.leaves.push_back(std::move(out));
    return {true, static_cast<uint32_t>(left_.leaves.size() - 1)};
  }

  const PreparedRule& rule_;
  Left left_;
};

// A left side built at a sample: one axis of size 4 a group.
class SampledLeft {
 public:
  struct Wide {  // the place of an operand, as an implied broadcast fills it
    std::vector<AxisId> axes;
    std::vector<Dim> sizes;
  };
  // `full`: for each variable, the axes it has instead of those written.
  SampledLeft(const Rule& rule, const PreparedRule& prepared, std::map<std::string, Wide> full)
      : rule_(rule), prepared_(prepared), full_(std::move(full)), view_(table_), plan_(view_) {}

  Status run() {
    make_inputs();
    for (const auto& [name, value] : prepared_.samples) env_.attrs.emplace_back(name, value);
    Builder builder(env_, plan_);
    std::vector<TermRef> roots;
    for (const Equation& e : prepared_.equations) {
      auto v = builder.term(*e.left);
      if (!v) return rule_error(rule_, "the left side is ill-typed: " + builder.why);
      if (v->is_number || !v->ref.planned) return rule_error(rule_, "the left side is no operator");
      roots.push_back(v->ref);
    }
    base_ = static_cast<uint32_t>(table_.nodes.size());
    left.tracked = true;
    for (size_t i = 0; i < roots.size(); ++i) {
      EGRET_TRY(LeftOperand root, add(*prepared_.equations[i].left, roots[i]));
      left.roots.push_back(root.index);
    }
    if (left.nodes.size() > kMaxOccurrences) {
      return rule_error(rule_, fmt::format("more than {} operators on the left, implied broadcasts included", kMaxOccurrences));
    }
    append(table_, plan_);
    return name_axes();
  }

  Left left;
  std::map<std::string, Wide> broadcast_to;  // variables with an implied broadcast

 private:
  void make_inputs() {
    env_.view = &view_;
    env_.tracked = true;
    for (uint32_t g = 0; g < prepared_.groups.size(); ++g) {
      env_.groups.emplace_back(prepared_.groups[g].name, std::vector<AxisId>{g});
      env_.axis_sizes.push_back(4);
    }
    for (const RuleVariable& v : prepared_.variables) {
      for (const auto& list : v.axes) {
        std::vector<AxisId> axes = axes_named(list);
        auto wide = full_.find(v.name);
        std::vector<Dim> sizes(axes.size(), 4);
        if (wide != full_.end()) {
          axes = wide->second.axes;
          sizes = wide->second.sizes;
        }
        TermValue value;
        value.ref = {false, static_cast<uint32_t>(table_.nodes.size())};
        value.axes = axes;
        inputs_.push_back({&v.name, &list, wide != full_.end()});
        env_.variables.push_back({v.name, &list, value});
        if (v.many) env_.many.push_back({v.name, {value}});
        static const OpDef& input = op_named("input");
        TermNode& n = table_.nodes.emplace_back();
        n.op = &input;
        n.type = Type::tensor(v.dtype, std::move(sizes));
      }
    }
  }

  std::vector<AxisId> axes_named(const std::vector<AxisName>& names) const {
    std::vector<AxisId> out;
    out.reserve(names.size());
    for (const AxisName& n : names) out.push_back(env_.group(n.name)->at(0));
    return out;
  }

  Result<LeftOperand> add(const Term& t, TermRef ref) {
    if (!ref.planned) return leaf(ref.index);
    const PlannedNode& n = plan_.nodes[ref.index];
    if (n.implied && n.op->name == "splat") {
      LeftLeaf out;
      out.number = std::get<double>(n.attrs.at("value"));
      out.full = true;
      out.class_variable = left.class_variables++;
      left.leaves.push_back(std::move(out));
      left_terms_.leaves.push_back(ref.index);
      planned_leaves_.push_back(true);
      return LeftOperand{true, static_cast<uint32_t>(left.leaves.size() - 1)};
    }
    if (n.implied && n.op->name == "transpose") {
      return rule_error(rule_, "operands on the left have their axes in different orders",
                        "write the axes of both in one order; matching finds every order");
    }
    auto at = static_cast<uint32_t>(left.nodes.size());
    left.nodes.push_back({n.op, n.implied ? nullptr : &t, {}});
    left_terms_.nodes.push_back(ref.index);
    for (size_t i = 0; i < n.operands.size(); ++i) {
      const Term& inner = n.implied ? t : t.args.at(i);
      EGRET_TRY(LeftOperand operand, add(inner, n.operands[i]));
      left.nodes[at].operands.push_back(operand);
      if (n.implied && operand.is_leaf) broadcast_to.emplace(left.leaves[operand.index].variable, Wide{n.axes, n.type.dims});
    }
    return LeftOperand{false, at};
  }

  LeftOperand leaf(uint32_t input) {
    for (uint32_t l = 0; l < left.leaves.size(); ++l) {
      if (!planned_leaves_[l] && left_terms_.leaves[l] == input) return {true, l};
    }
    LeftLeaf out;
    out.variable = *inputs_[input].variable;
    out.axes = inputs_[input].axes;
    out.full = inputs_[input].full;
    out.class_variable = left.class_variables;
    for (const LeftLeaf& l : left.leaves) {
      if (l.variable == out.variable) out.class_variable = l.class_variable;
    }
    if (out.class_variable == left.class_variables) ++left.class_variables;
    left.leaves.push_back(std::move(out));
    left_terms_.leaves.push_back(input);
    planned_leaves_.push_back(false);
    return {true, static_cast<uint32_t>(left.leaves.size() - 1)};
  }

  // Signatures of the names, from the axes of the sample.
  Status name_axes() {
    for (uint32_t& n : left_terms_.nodes) n += base_;
    for (size_t l = 0; l < planned_leaves_.size(); ++l) {
      if (planned_leaves_[l]) left_terms_.leaves[l] += base_;
    }
    JoinedAxes joined;
    if (!join_axes(left, left_terms_, view_, joined)) return rule_error(rule_, "an operator on the left whose axes cannot be followed");
    std::vector<std::vector<AxisId>> joint_of(prepared_.groups.size());  // a group's axis of the sample -> joined axes, ascending
    const auto note = [&](const std::vector<AxisId>& axes, const std::vector<AxisId>& joint) {
      for (size_t k = 0; k < axes.size(); ++k) {
        if (axes[k] >= joint_of.size()) continue;  // the left side made it
        auto& all = joint_of[axes[k]];
        const auto place = std::lower_bound(all.begin(), all.end(), joint[k]);
        if (place == all.end() || *place != joint[k]) all.insert(place, joint[k]);
      }
    };
    for (size_t n = 0; n < left.nodes.size(); ++n) note(plan_.nodes[left_terms_.nodes[n] - base_].axes, joined.nodes[n]);
    for (size_t l = 0; l < left.leaves.size(); ++l) {
      if (!planned_leaves_[l]) note(env_.variables[left_terms_.leaves[l]].value.axes, joined.leaves[l]);
    }
    for (uint32_t g = 0; g < prepared_.groups.size(); ++g) {
      const AxisName& name = prepared_.groups[g];
      const auto& joint = joint_of[g];
      if (joint.empty()) continue;  // of the right side alone
      AxisGroup group{name.name, name.many, {}, {}};
      for (AxisId a : joint) group.signatures.push_back(joined.signatures[a]);
      for (size_t n = 0; n < left.nodes.size(); ++n) {
        if (left.nodes[n].term || !left.nodes[n].operands[0].is_leaf) continue;
        if (!left.leaves[left.nodes[n].operands[0].index].has_axis(name.name)) continue;
        for (uint32_t b = 0; b < kRoleGroups; ++b) group.free.set(n * kRoleGroups + b);
      }
      left.groups.push_back(std::move(group));
    }
    return check_distinct();
  }

  static bool distinct(const AxisGroup& a, const AxisGroup& b) {
    for (const Signature& x : a.signatures) {
      for (const Signature& y : b.signatures) {
        if (((x ^ y) & ~(a.free | b.free)).none()) return false;
      }
    }
    return true;
  }

  // Whether a full operand has the name: then an axis is rather that name's than another's.
  bool in_full_leaf(const std::string& name) const {
    for (const LeftLeaf& l : left.leaves) {
      if (l.full && l.has_axis(name)) return true;
    }
    return false;
  }

  // An axis that fits two names is the narrower one's: the name with fewer free notes, then the one that a full operand
  // has.  Both readings are instances of the rule.
  Status check_distinct() {
    auto rank = [&](const AxisGroup& g) { return std::pair(g.free.count(), !in_full_leaf(g.name)); };
    std::stable_sort(left.groups.begin(), left.groups.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    for (const AxisGroup& a : left.groups) {
      for (const AxisGroup& b : left.groups) {
        if (&a == &b || distinct(a, b) || rank(a) != rank(b)) continue;
        return rule_error(rule_, fmt::format("the axes '{}' and '{}' cannot be told apart", a.name, b.name),
                          "no operator on the left uses them differently; give them one name");
      }
    }
    return {};
  }

  struct Input {
    const std::string* variable;
    const std::vector<AxisName>* axes;
    bool full;
  };

  const Rule& rule_;
  const PreparedRule& prepared_;
  std::map<std::string, Wide> full_;
  TermTable table_;
  TableView view_;
  Plan plan_;
  Environment env_;
  std::vector<Input> inputs_;
  LeftTerms left_terms_;
  std::vector<bool> planned_leaves_;
  uint32_t base_ = 0;
};

// Every choice of broadcasts: implied ones, or none because the tensor is a splat or lacks nothing.
Status sampled_forms(const Rule& rule, PreparedRule& prepared) {
  SampledLeft first(rule, prepared, {});
  EGRET_TRY_VOID(first.run());
  std::vector<std::string> choices;
  for (const auto& [variable, wide] : first.broadcast_to) {
    if (!variable.empty()) choices.push_back(variable);
  }
  if (choices.size() > 3) return rule_error(rule, "more than three operands with implied broadcasts");
  prepared.lefts.push_back(std::move(first.left));
  for (uint32_t subset = 1; subset < 1u << choices.size(); ++subset) {
    std::map<std::string, SampledLeft::Wide> full;
    for (size_t i = 0; i < choices.size(); ++i) {
      if (subset >> i & 1) full[choices[i]] = first.broadcast_to.at(choices[i]);
    }
    SampledLeft next(rule, prepared, full);
    EGRET_TRY_VOID(next.run());
    prepared.lefts.push_back(std::move(next.left));
  }
  return {};
}

Result<std::shared_ptr<const PreparedRule>> prepare_now(const Rule& rule) {
  auto prepared = std::make_shared<PreparedRule>();
  prepared->syntax = rule.syntax.get();
  prepared->equations = equations_of(*rule.syntax);
  prepared->find_all = rule.syntax->find_all;
  Names(*prepared).run();
  Samples samples(*prepared);
  if (prepared->tracked) {
    for (const RuleVariable& v : prepared->variables) {
      if (v.axes.empty()) {
        return rule_error(rule, fmt::format("the variable '{}' needs its axes: others have them", v.name),
                          fmt::format("write {}[i..] where it first stands; {}[] has no axis", v.name, v.name));
      }
    }
    EGRET_TRY_VOID(sampled_forms(rule, *prepared));
  } else {
    prepared->lefts.push_back(WrittenLeft(*prepared).run());
    if (prepared->lefts[0].nodes.size() > kMaxOccurrences) return rule_error(rule, "more than 8 operators on the left");
  }
  if (prepared->find_all) {
    const Term& member = *prepared->equations[0].left;
    for (uint32_t i = 0; i < member.args.size(); ++i) {
      if (!member.args[i].many) prepared->shared_operand = i;
    }
    const Term& slices = *prepared->equations[0].right;
    for (const auto& [name, value] : slices.attrs) {
      if (name == "axis") prepared->varying = value.name;
    }
    const AxisName* axis = prepared->group(prepared->varying);
    if (slices.name != "slices" || slices.args.size() != 1 || !axis || axis->many || !prepared->tracked) {
      return rule_error(rule, "the right side of 'find all' must be slices(TERM, axis=NAME)", "NAME is one axis of the operand group");
    }
  }
  return std::shared_ptr<const PreparedRule>(std::move(prepared));
}

void terms_in(const Term& t, std::vector<const Term*>& out) {
  out.push_back(&t);
  for (const Term& a : t.args) terms_in(a, out);
}

std::vector<const Term*> terms_in(const std::vector<Equation>& equations) {
  std::vector<const Term*> out;
  for (const Equation& e : equations) terms_in(*e.left, out);
  return out;
}

// As the expansion of an operator that is typed alike was prepared: all but operators, and where they stand, is the same.
std::shared_ptr<const PreparedRule> prepared_as(const PreparedRule& other, const RuleSyntax& syntax) {
  auto out = std::make_shared<PreparedRule>(other);
  out->syntax = &syntax;
  out->equations = equations_of(syntax);
  const std::vector<const Term*> before = terms_in(other.equations), now = terms_in(out->equations);
  for (Left& left : out->lefts) {
    for (LeftNode& node : left.nodes) {
      if (!node.term) continue;
      node.term = now[static_cast<size_t>(std::find(before.begin(), before.end(), node.term) - before.begin())];
      node.op = node.term->op;
    }
    for (LeftLeaf& leaf : left.leaves) {
      for (size_t v = 0; leaf.axes && v < out->variables.size(); ++v) {
        const auto& lists = other.variables[v].axes;
        for (size_t l = 0; l < lists.size(); ++l) {
          if (leaf.axes == &lists[l]) leaf.axes = &out->variables[v].axes[l];
        }
      }
    }
  }
  return out;
}

}  // namespace

const RuleVariable* PreparedRule::variable(std::string_view name) const {
  for (const RuleVariable& v : variables) {
    if (v.name == name) return &v;
  }
  return nullptr;
}

const AxisName* PreparedRule::group(std::string_view name) const {
  for (const AxisName& g : groups) {
    if (g.name == name) return &g;
  }
  return nullptr;
}

Result<std::shared_ptr<const PreparedRule>> prepare(const Rule& rule) {
  PreparedSlot& slot = *rule.syntax->prepared;
  std::call_once(slot.once, [&] {
    const RuleSyntax* alike = rule.syntax->alike.get();
    if (alike && alike->prepared->done.load(std::memory_order_acquire)) {
      slot.rule = prepared_as(*alike->prepared->rule, *rule.syntax);
    } else if (auto made = prepare_now(rule); made.ok()) {
      slot.rule = *made;
    } else {
      slot.error = made.take_error();
    }
    slot.done.store(slot.rule != nullptr, std::memory_order_release);
  });
  if (slot.error) return *slot.error;
  return slot.rule;
}

Status check_types(const Rule& rule) {
  if (rule.kind == RuleKind::kFusion) return {};
  EGRET_TRY([[maybe_unused]] const auto prepared, prepare(rule));
  return {};
}

void append(TermTable& table, const Plan& plan) {
  auto base = static_cast<uint32_t>(table.nodes.size());
  for (const PlannedNode& n : plan.nodes) {
    TermNode t{n.op, n.attrs, {}, n.type};
    bool frozen = true;
    for (TermRef r : n.operands) {
      t.operands.push_back(r.planned ? base + r.index : r.index);
      frozen &= t.operands.back() < table.depends.size();
    }
    Dependence weakest = Dependence::kConstant;
    for (uint32_t o : t.operands) weakest = std::max(weakest, frozen ? table.depends[o] : Dependence::kData);
    table.nodes.push_back(std::move(t));
    table.depends.resize(table.nodes.size(), Dependence::kData);
    table.depends.back() = weakest;
    table.splat.resize(table.nodes.size());
    const double* value = n.op->name == "splat" ? std::get_if<double>(&n.attrs.at("value")) : nullptr;
    if (value) table.splat.back() = *value;
  }
}

}  // namespace egret::rules
