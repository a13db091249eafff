// One match of a prepared rule: binding its names, and its right side.
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "ir/splat_value.h"
#include "rules/lang/left.h"

namespace egret::rules {
namespace {

bool note(const MatchOptions& options, std::string text) {
  if (options.why && options.why->empty()) *options.why = std::move(text);
  return false;
}

bool same_number(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

// A number stands for a splat of it: for what it is in the type of its place.
bool numbers_fit(const Left& left, const LeftTerms& terms, const TermView& view) {
  for (size_t l = 0; l < left.leaves.size(); ++l) {
    if (!left.leaves[l].number) continue;
    const double number = *left.leaves[l].number;
    auto known = view.splat(terms.leaves[l]);
    if (!known) return false;
    if (same_number(*known, number)) continue;
    if (!same_number(*known, splat_value(view.type(terms.leaves[l])->dtype, number))) return false;
  }
  return true;
}

bool is_axes_kind(AttrKind kind) { return kind == AttrKind::kAxes || kind == AttrKind::kAxis || kind == AttrKind::kSizes; }

// A default in step with a group stands for a list of equal numbers.
bool is_fallback(const AttrSpec& spec, const AttrValue& value) {
  if (!spec.fallback) return false;
  if (equal(*spec.fallback, value)) return true;
  auto *one = std::get_if<std::vector<Dim>>(&*spec.fallback), *list = std::get_if<std::vector<Dim>>(&value);
  if (spec.kind != AttrKind::kInts || !one || !list || one->size() != 1) return false;
  for (Dim d : *list) {
    if (!(d == (*one)[0])) return false;
  }
  return true;
}

bool bind_attr(Environment& env, const std::string& name, const AttrValue& value) {
  if (const AttrValue* known = env.attr(name)) return equal(*known, value);
  env.attrs.emplace_back(name, value);
  return true;
}

// A literal on the left: a number, a list, a dtype.
bool literal_fits(const AttrSpec& spec, const Term& written, const AttrValue& value, Environment& env, bool& literal) {
  literal = written.kind != Term::Kind::kName || dtype_from_name(written.name) || spec.kind == AttrKind::kWord;
  if (!literal) return true;
  Plan empty(*env.view);
  if (spec.kind == AttrKind::kWord && written.kind == Term::Kind::kName) {
    return std::get<std::string>(value) == written.name;
  }
  auto v = Builder(env, empty).value(written);
  auto a = v ? as_attr(*v, spec.kind) : std::nullopt;
  if (!a) return false;
  // One number stands for a list of it.
  const auto* one = std::get_if<std::vector<Dim>>(&*a);
  const auto* list = std::get_if<std::vector<Dim>>(&value);
  if (spec.kind == AttrKind::kInts && one && list && one->size() == 1) {
    for (Dim d : *list) {
      if (!(d == (*one)[0])) return false;
    }
    return true;
  }
  return equal(*a, value);
}

bool bind_node_attrs(const LeftNode& node, const Attrs& attrs, bool tracked, const std::vector<AxisGroup>& groups,
                     Environment& env) {
  const std::string* tuple = nullptr;
  auto is_group = [&](const Term& t) {
    const Term& first = t.kind == Term::Kind::kList && !t.args.empty() ? t.args[0] : t;
    for (const AxisGroup& g : groups) {
      if (tracked && first.kind == Term::Kind::kName && g.name == first.name) return true;
    }
    return false;
  };
  for (const AttrSpec& spec : node.op->attrs) {
    const AttrValue& value = attrs.at(spec.name);
    const Term* written = nullptr;
    for (const auto& [name, term] : node.term->attrs) {
      if (name == spec.name) written = &term;
      if (name == "all") tuple = &term.name;
    }
    if (written && is_group(*written)) continue;
    if (written) {
      bool literal = false;
      if (!literal_fits(spec, *written, value, env, literal)) return false;
      if (!literal && !bind_attr(env, written->name, value)) return false;
    } else if (tuple) {
      if (!bind_attr(env, *tuple + "." + spec.name, value)) return false;
    } else if (!(tracked && is_axes_kind(spec.kind)) && !is_fallback(spec, value)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool bind_attrs(const Left& left, const LeftTerms& terms, const TermView& view, Environment& env) {
  for (size_t n = 0; n < left.nodes.size(); ++n) {
    if (!left.nodes[n].term || left.nodes[n].op->attrs.empty()) continue;
    if (!bind_node_attrs(left.nodes[n], view.attrs(terms.nodes[n]), left.tracked, left.groups, env)) return false;
  }
  return true;
}

bool conditions_hold(const PreparedRule& rule, Environment& env, Plan& plan, const MatchOptions& options) {
  Builder builder(env, plan);
  for (const Term& c : rule.syntax->where) {
    if (!builder.holds(c)) return note(options, "where " + print_term(c));
  }
  for (const Term& c : rule.syntax->when) {
    if (options.heuristics && !builder.holds(c)) return note(options, "when " + print_term(c));
  }
  return true;
}

bool bind_match(const PreparedRule& rule, const Left& left, const LeftTerms& terms, const TermView& view,
                const MatchOptions& options, Environment& env) {
  env.view = &view;
  env.tracked = left.tracked;
  env.assumed = options.assumed;
  for (TermId t : terms.nodes) {
    if (!view.type(t)) return note(options, "a term whose type is not known yet");
  }
  if (!numbers_fit(left, terms, view)) return note(options, "a number on the left is another one here");
  if (!bind_attrs(left, terms, view, env)) return note(options, "attributes differ");
  BoundAxes bound;
  if (left.tracked && !bind_axes(left, terms, view, bound)) return note(options, "an axis that no name stands for");
  for (size_t l = 0; l < left.leaves.size(); ++l) {
    const LeftLeaf& leaf = left.leaves[l];
    if (leaf.number) continue;
    TermValue v;
    v.ref = {false, terms.leaves[l]};
    if (left.tracked) {
      v.axes = std::move(bound.axes.leaves[l]);
      if (bound.leaf_is_number[l]) {
        v.is_number = true;
        v.number = *view.splat(terms.leaves[l]);
        v.dtype = view.type(terms.leaves[l])->dtype;
      }
    }
    env.variables.push_back({leaf.variable, leaf.axes, std::move(v)});
  }
  if (left.tracked) {
    for (size_t g = 0; g < left.groups.size(); ++g) env.groups.emplace_back(left.groups[g].name, std::move(bound.groups[g]));
    env.axis_sizes = std::move(bound.axes.sizes);
    for (uint32_t r : left.roots) env.root_axes.push_back(bound.axes.nodes[r]);
  }
  if (!options.conditions) return true;
  Plan scratch(view);
  return conditions_hold(rule, env, scratch, options);
}

bool build_right(const PreparedRule& rule, const Left& left, const LeftTerms& terms, Environment& env, Plan& plan,
                 std::vector<TermRef>& out, std::string* why) {
  Builder builder(env, plan);
  auto failed = [&] {
    if (why) *why = builder.why;
    return false;
  };
  for (const Binding& b : rule.syntax->lets) {
    if (!builder.let(b)) return failed();
  }
  for (size_t e = 0; e < rule.equations.size(); ++e) {
    auto v = builder.term(*rule.equations[e].right);
    if (!v) return failed();
    const Type& type = *env.view->type(terms.nodes[left.roots[e]]);
    auto ref = builder.as_root(*v, type, left.tracked ? env.root_axes[e] : std::vector<AxisId>{});
    if (!ref) return failed();
    out.push_back(*ref);
  }
  return true;
}

}  // namespace egret::rules
