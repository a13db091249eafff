// The grammar of guards: which predicates of a rule's left side may stand in an inferred condition.
#include <algorithm>
#include <functional>

#include "rules/lang/left.h"
#include "rules/verify/guard/guard.h"

namespace egret::rules {
namespace {

Term name(const std::string& n) {
  Term t;
  t.name = n;
  return t;
}

Term number(double x) {
  Term t;
  t.kind = Term::Kind::kNumber;
  t.number = x;
  return t;
}

Term call(const std::string& native, std::vector<Term> args) {
  Term t;
  t.kind = Term::Kind::kCall;
  t.name = native;
  t.args = std::move(args);
  return t;
}

Term compare(const std::string& relation, Term a, Term b) {
  Term t;
  t.kind = Term::Kind::kCompare;
  t.name = relation;
  t.args = {std::move(a), std::move(b)};
  return t;
}

// Attribute variables of the left side by the kind of value that they stand for.
struct AttrNames {
  std::vector<std::string> lists, axis_lists, axes, dtypes, numbers;
};

void collect(const Term& t, const PreparedRule& rule, AttrNames& out) {
  for (const Term& a : t.args) collect(a, rule, out);
  const OpDef* op = t.kind == Term::Kind::kCall ? find_op(t.name) : nullptr;
  if (!op) return;
  auto note = [&](const std::string& n, const AttrSpec& spec) {
    std::vector<std::string>* to = nullptr;
    switch (spec.kind) {
      case AttrKind::kInts: case AttrKind::kSizes: to = &out.lists; break;
      case AttrKind::kAxes: to = &out.axis_lists; break;
      case AttrKind::kAxis: to = &out.axes; break;
      case AttrKind::kDType: to = &out.dtypes; break;
      case AttrKind::kInt: to = &out.numbers; break;
      default: return;
    }
    if (std::find(to->begin(), to->end(), n) == to->end()) to->push_back(n);
  };
  for (const auto& [attr, value] : t.attrs) {
    if (value.kind != Term::Kind::kName || rule.group(value.name) || dtype_from_name(value.name)) continue;
    if (attr != "all") {
      if (const AttrSpec* spec = op->attr(attr)) note(value.name, *spec);
      continue;
    }
    for (const AttrSpec& spec : op->attrs) {
      const bool written = std::any_of(t.attrs.begin(), t.attrs.end(), [&](const auto& a) { return a.first == spec.name; });
      if (!written) note(value.name + "." + spec.name, spec);
    }
  }
}

class Grammar {
 public:
  explicit Grammar(const PreparedRule& rule) : rule_(rule) {
    for (const Equation& e : rule.equations) collect(*e.left, rule, attrs_);
  }

  std::vector<Atom> run() {
    of_types();
    of_groups();
    of_lists();
    of_axes();
    return std::move(out_);
  }

 private:
  void add(Term t, bool of_dtypes = false) {
    std::string text = print_term(t);
    out_.push_back({std::move(t), std::move(text), of_dtypes});
  }

  static Term sizes(const std::string& x) { return call("sizes", {name(x)}); }

  void of_types() {
    const auto& xs = rule_.variables;
    for (const RuleVariable& x : xs) {
      const Term dtype = call("dtype", {name(x.name)});
      of_dtype(x.name);
      add(compare("==", dtype, name("bool")), true);
      for (const std::string& t : attrs_.dtypes) {
        add(compare("==", dtype, name(t)), true);
        add(call("holds", {name(t), dtype}), true);
      }
    }
    for (size_t i = 0; i < xs.size(); ++i) {
      if (!xs[i].axes.empty() || xs[i].many) continue;
      for (size_t j = i + 1; j < xs.size(); ++j) {
        if (!xs[j].axes.empty() || xs[j].many) continue;
        for (int k = 0; k < kAxes; ++k) add(compare("==", size_at(xs[i].name, k), size_at(xs[j].name, k)));
        add(compare("==", call("suffix", {sizes(xs[i].name), number(2)}), call("suffix", {sizes(xs[j].name), number(2)})));
        add(compare("==", sizes(xs[i].name), sizes(xs[j].name)));
      }
      add(compare(">=", sizes(xs[i].name), number(1)));
      for (int k = 0; k < kAxes; ++k) add(compare(">=", size_at(xs[i].name, k), number(1)));
      for (int rank = 1; rank < kAxes; ++rank) add(compare("==", call("rank", {name(xs[i].name)}), number(rank)));
    }
    for (const std::string& t : attrs_.dtypes) {
      of_dtype(t);
      for (const char* fixed : {"bool", "i64"}) add(compare("==", name(t), name(fixed)), true);
    }
    for (size_t i = 0; i + 1 < attrs_.dtypes.size(); ++i) {
      const Term t = name(attrs_.dtypes[i]), u = name(attrs_.dtypes[i + 1]);
      add(compare("==", t, u), true);
      add(call("holds", {t, u}), true);
      add(call("holds", {u, t}), true);
    }
  }

  // Of a tensor, or of an attribute that is a dtype.
  void of_dtype(const std::string& n) {
    for (const char* native : {"is_signed", "is_float", "is_exact"}) add(call(native, {name(n)}), true);
  }

  static Term size_at(const std::string& x, int axis) { return call("at", {sizes(x), number(axis)}); }

  void of_groups() {
    for (const AxisName& g : rule_.groups) {
      add(compare(">=", call("size", {name(g.name)}), number(1)));
      if (g.many) {
        add(compare(">=", call("count", {name(g.name)}), number(1)));
        add(compare("==", call("count", {name(g.name)}), number(0)));
      }
      add(compare("==", call("size", {name(g.name)}), number(1)));
      for (const AxisName& h : rule_.groups) {
        if (&g < &h) add(compare("==", call("size", {name(g.name)}), call("size", {name(h.name)})));
      }
    }
  }

  void of_lists() {
    for (const std::string& l : attrs_.lists) {
      add(compare(">=", name(l), number(0)));
      add(compare("<=", name(l), number(0)));
      add(compare(">=", name(l), number(1)));
      add(compare("==", name(l), number(0)));
      add(compare("==", name(l), number(1)));
      for (const std::string& m : attrs_.lists) {
        if (&l == &m) continue;
        add(compare(">=", name(l), name(m)));
        if (&l < &m) add(compare("==", name(l), name(m)));
      }
      for (const RuleVariable& x : rule_.variables) {
        if (!x.axes.empty() || x.many) continue;
        add(compare("<=", name(l), sizes(x.name)));
        add(compare("==", name(l), sizes(x.name)));
        add(compare("==", call("suffix", {name(l), number(2)}), call("suffix", {sizes(x.name), number(2)})));
      }
    }
    for (const std::string& n : attrs_.numbers) {
      add(compare(">=", name(n), number(0)));
      add(compare("==", name(n), number(0)));
      add(compare("==", name(n), number(1)));
    }
  }

  void of_axes() {
    std::vector<std::string> single = attrs_.axes;
    for (size_t i = 0; i < single.size(); ++i) {
      for (int k = 0; k < kAxes; ++k) add(compare("==", name(single[i]), number(k)));
      for (size_t j = 0; j < single.size(); ++j) {
        if (i == j) continue;
        if (i < j) add(compare("!=", name(single[i]), name(single[j])));
        add(compare("<", name(single[i]), name(single[j])));
        if (i < j) add(compare("==", name(single[i]), name(single[j])));
      }
      for (const std::string& list : attrs_.axis_lists) {
        add(call("has", {name(list), name(single[i])}));
        add(compare("==", call("count", {call("without", {name(list), call_list(single[i])})}), call("count", {name(list)})));
      }
      for (const RuleVariable& x : rule_.variables) {
        if (!x.axes.empty() || x.many) continue;
        add(compare(">=", call("at", {sizes(x.name), name(single[i])}), number(1)));
        add(compare("==", call("at", {sizes(x.name), name(single[i])}), number(1)));
      }
    }
    for (const std::string& p : attrs_.axis_lists) {
      add(compare(">=", call("count", {name(p)}), number(1)));
      add(compare("==", call("count", {name(p)}), number(0)));
      add(compare("==", call("count", {name(p)}), number(1)));
      add(call("is_identity", {name(p)}));
      add(compare("==", name(p), call("sorted", {name(p)})));
      for (const RuleVariable& x : rule_.variables) {
        if (!x.axes.empty() || x.many) continue;
        add(call("keeps_order", {name(p), sizes(x.name)}));
        add(compare("==", call("compose", {sizes(x.name), name(p)}), number(1)));
        add(compare(">=", call("compose", {sizes(x.name), name(p)}), number(1)));
      }
      for (const std::string& q : attrs_.axis_lists) {
        if (&p == &q) continue;
        if (&p < &q) add(compare("==", name(p), name(q)));
        if (&p < &q) add(call("is_identity", {call("compose", {name(p), name(q)})}));
        add(compare("==", call("count", {call("without", {name(p), name(q)})}), call("count", {name(p)})));
        add(compare("==", call("count", {call("without", {name(p), name(q)})}), number(0)));
      }
    }
  }

  static Term call_list(const std::string& n) {
    Term t;
    t.kind = Term::Kind::kList;
    t.args = {name(n)};
    return t;
  }

  static constexpr int kAxes = 4;  // that predicates name one by one
  const PreparedRule& rule_;
  AttrNames attrs_;
  std::vector<Atom> out_;
};

}  // namespace

std::vector<Atom> shape_atoms(const Rule& rule) {
  auto prepared = prepare(rule);
  return prepared.ok() ? Grammar(**prepared).run() : std::vector<Atom>{};
}

std::vector<Atom> element_atoms(const Rule& rule) {
  auto prepared = prepare(rule);
  std::vector<Atom> out;
  if (!prepared.ok()) return out;
  for (const char* native : {"finite", "nonzero", "nonnegative", "positive"}) {
    for (const RuleVariable& x : (*prepared)->variables) {
      if (x.many) continue;
      Term t = call(native, {name(x.name)});
      std::string text = print_term(t);
      out.push_back({std::move(t), std::move(text)});
    }
  }
  return out;
}

}  // namespace egret::rules
