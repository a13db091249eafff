#include "rules/verify/prove/shapes.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "rules/lang/left.h"

namespace egret::rules {
namespace {

constexpr int64_t kAnyInteger = int64_t{1} << 40;

// What an attribute variable of the left side may be.
struct AttrVariable {
  std::string name;      // "s", "p.stride"
  const AttrSpec* spec = nullptr;
  const OpDef* op = nullptr;
  const Term* place = nullptr;  // the operator's occurrence where it first stands: its lists go in step
};

void collect(const Term& t, std::vector<AttrVariable>& out, const PreparedRule& rule) {
  for (const Term& a : t.args) collect(a, out, rule);
  const OpDef* op = t.kind == Term::Kind::kCall ? find_op(t.name) : nullptr;
  if (!op) return;
  auto note = [&](std::string name, const AttrSpec& spec) {
    for (const AttrVariable& v : out) {
      if (v.name == name) return;
    }
    out.push_back({std::move(name), &spec, op, &t});
  };
  for (const auto& [name, value] : t.attrs) {
    if (value.kind != Term::Kind::kName || rule.group(value.name) || dtype_from_name(value.name)) continue;
    if (name != "all") {
      if (const AttrSpec* spec = op->attr(name)) note(value.name, *spec);
      continue;
    }
    for (const AttrSpec& spec : op->attrs) {
      bool written = std::any_of(t.attrs.begin(), t.attrs.end(), [&](const auto& a) { return a.first == spec.name; });
      if (!written) note(value.name + "." + spec.name, spec);
    }
  }
}

// A name has one range in a process: those of sizes and of integers are told apart, and from those that users write.
AttrValue named_list(const std::string& name, int length, bool sizes) {
  std::vector<Dim> out;
  for (int k = 0; k < length; ++k) {
    out.push_back(Dim::named(fmt::format("{}{}{}", name, sizes ? "#" : "~", k), sizes ? 0 : -kAnyInteger, kAnyInteger));
  }
  return out;
}

// Lists of distinct axes below `rank`, shortest first.
std::vector<std::vector<Dim>> axis_lists(int rank) {
  std::vector<std::vector<Dim>> out{{}};
  for (size_t from = 0, length = 0; length < static_cast<size_t>(rank); ++length) {
    const size_t to = out.size();
    for (; from < to; ++from) {
      for (int a = 0; a < rank; ++a) {
        std::vector<Dim> next = out[from];
        if (std::find(next.begin(), next.end(), Dim(a)) != next.end()) continue;
        next.push_back(a);
        out.push_back(std::move(next));
      }
    }
  }
  return out;
}

// Of a variable, a name, or an attribute that is a dtype.
template <class Test>
bool any_dtype(const Assignment& a, const Test& test) {
  return std::any_of(a.dtypes.begin(), a.dtypes.end(), [&](const auto& d) { return test(d.second); }) ||
         std::any_of(a.types.begin(), a.types.end(), [&](const auto& t) { return test(t.second.dtype); }) ||
         std::any_of(a.values.begin(), a.values.end(), [&](const auto& v) {
           const auto* dtype = std::get_if<DType>(&v.second);
           return dtype && test(*dtype);
         });
}

class ShapeMaker {
 public:
  ShapeMaker(const Rule& rule, const PreparedRule& prepared, const ShapeBounds& bounds, const std::function<bool(Shape&)>& visit)
      : rule_(rule), prepared_(prepared), bounds_(bounds), visit_(visit) {
    for (const Equation& e : prepared.equations) collect(*e.left, attrs_, prepared);
  }

  int run() {
    if (!dtype_assignments(rule_)) return -1;
    bases_ = bases();
    int rank = bounds_.rank;
    while (rank > 1 && count(rank) > bounds_.tries) --rank;
    if (count(rank) > bounds_.tries) return -1;
    rank_ = rank;
    for (size_t k = 0; k < bases_.size(); ++k) {
      // Dtypes and ranks do not meet in a definition: further dtypes are tried at the lowest ranks that have a shape.
      made_ = false;
      own_dtypes_ = k == 0;
      for (rank_ = k == 0 ? rank : std::min(rank, 1); rank_ <= rank && !made_; ++rank_) {
        Assignment a = bases_[k];
        if (!choose_rank(a, 0)) return prepared_.tracked ? 0 : rank;
      }
    }
    return prepared_.tracked ? 0 : rank;
  }

 private:
  // What examples say but for sizes and lists, which are ours; then the first of these under every choice of dtypes.
  std::vector<Assignment> bases() const {
    std::vector<Assignment> out;
    std::set<std::string> seen;
    auto take = [&](Assignment b) {
      if (seen.insert(b.to_string()).second) out.push_back(std::move(b));
    };
    std::vector<Assignment> small = small_assignments(rule_, 12);
    if (small.empty()) return out;
    for (Assignment& a : small) {
      Assignment of_first = a;
      copy_dtypes(small[0], of_first);
      take(base(of_first));
    }
    for (const Assignment& a : *dtype_assignments(rule_)) {
      if (bounds_.dtypes == ShapeDTypes::kOwn || (bounds_.dtypes == ShapeDTypes::kKinds && !of_kinds(a))) continue;
      if (!bounds_.narrow_floats && has_narrow_floats(a)) continue;
      Assignment typed = small[0];
      copy_dtypes(a, typed);
      take(base(typed));
    }
    return out;
  }

  static bool stands_for_kind(DType t) {
    return t == DType::f32 || t == DType::f16 || t == DType::i32 || t == DType::u8 || t == DType::boolean;
  }
  static bool of_kinds(const Assignment& a) {
    return !any_dtype(a, [](DType t) { return !stands_for_kind(t); });
  }

  void copy_dtypes(const Assignment& from, Assignment& to) const {
    to.dtypes = from.dtypes;
    for (auto& [name, type] : to.types) type.dtype = from.types.at(name).dtype;
    for (const AttrVariable& v : attrs_) {
      auto it = from.values.find(v.name);
      if (v.spec->kind == AttrKind::kDType && it != from.values.end()) to.values[v.name] = it->second;
    }
  }

  Assignment base(const Assignment& a) const {
    Assignment b;
    b.symbolic = true;
    b.dtypes = a.dtypes;
    b.depends = a.depends;
    for (const RuleVariable& v : prepared_.variables) {
      if (v.many) b.counts[v.name] = 3;
      if (v.axes.empty()) b.types[v.name] = Type::tensor(a.types.at(v.name).dtype, {});
    }
    for (const RuleVariable& v : prepared_.variables) {
      if (!v.many) continue;
      for (int k = 1; k < 3; ++k) b.dtypes[fmt::format("{}_{}", v.name, k)] = b.dtypes[v.name];
    }
    for (const AxisName& g : prepared_.groups) {
      int axes = 1;
      for (const auto& [name, n] : bounds_.group_axes) axes = name == g.name && g.many ? n : axes;
      const bool varies = prepared_.find_all && prepared_.varying == g.name;
      b.groups[g.name] = std::vector<int64_t>(static_cast<size_t>(varies ? 3 : axes), 1);
    }
    for (const AttrVariable& v : attrs_) {
      auto it = a.values.find(v.name);
      if (it != a.values.end() && keeps(v.spec->kind)) b.values[v.name] = it->second;
    }
    return b;
  }

  static bool keeps(AttrKind kind) { return kind == AttrKind::kDType || kind == AttrKind::kWord || kind == AttrKind::kTensor; }

  std::vector<AttrValue> choices(const AttrVariable& v, const Assignment& a, int rank) const {
    std::vector<AttrValue> out;
    switch (v.spec->kind) {
      case AttrKind::kInts:
      case AttrKind::kSizes: {
        const bool sizes = v.spec->kind == AttrKind::kSizes;
        if (v.spec->kind == AttrKind::kInts) {
          auto it = lengths_.find(v.place);
          if (it != lengths_.end()) return {named_list(v.name, it->second, sizes)};
        }
        for (int n = 0; n <= rank; ++n) out.push_back(named_list(v.name, n, sizes));
        break;
      }
      case AttrKind::kAxes:
        for (auto& list : axis_lists(rank)) out.emplace_back(std::move(list));
        break;
      case AttrKind::kAxis:
        for (int k = 0; k < rank; ++k) out.emplace_back(Dim(k));
        break;
      case AttrKind::kInt: {
        if (v.spec->fallback) {
          const Dim usual = std::get<Dim>(*v.spec->fallback);
          out.emplace_back(usual);
          out.emplace_back(Dim::named(fmt::format("{}~above{}", v.name, usual.value()), usual.value() + 1, kAnyInteger));
          out.emplace_back(Dim::named(fmt::format("{}~below{}", v.name, usual.value()), -kAnyInteger, usual.value() - 1));
        } else {
          for (int k = 0; k < rank; ++k) out.emplace_back(Dim(k));
        }
        break;
      }
      case AttrKind::kNumber:
        out.emplace_back(Dim::named(v.name + "~number", -kAnyInteger, kAnyInteger));
        break;
      default: {
        auto it = a.values.find(v.name);
        if (it != a.values.end()) {
          out.push_back(it->second);
        } else if (v.spec->fallback) {
          out.push_back(*v.spec->fallback);
        } else {
          for (const auto& [name, value] : prepared_.samples) {
            if (name == v.name) out.push_back(value);
          }
        }
      }
    }
    return out;
  }

  size_t count(int rank) const {
    size_t out = 1;
    std::set<const Term*> places;
    for (const RuleVariable& v : prepared_.variables) {
      if (v.axes.empty()) out *= static_cast<size_t>(rank + 1);
    }
    for (const AttrVariable& v : attrs_) {
      if (v.spec->kind == AttrKind::kInts && !places.insert(v.place).second) continue;
      out *= std::max<size_t>(1, choices(v, {}, rank).size());
    }
    return out;
  }

  bool choose_rank(Assignment& a, size_t variable) {
    if (variable == prepared_.variables.size()) return choose_attr(a, 0);
    const RuleVariable& v = prepared_.variables[variable];
    if (!v.axes.empty()) return choose_rank(a, variable + 1);
    for (int rank = 0; rank <= rank_; ++rank) {
      std::vector<Dim> dims;
      for (int k = 0; k < rank; ++k) dims.push_back(Dim::named(fmt::format("{}#{}", v.name, k)));
      a.types[v.name].dims = std::move(dims);
      if (!choose_rank(a, variable + 1)) return false;
    }
    return true;
  }

  bool choose_attr(Assignment& a, size_t attr) {
    if (attr == attrs_.size()) return make(a);
    const AttrVariable& v = attrs_[attr];
    const bool leads = v.spec->kind == AttrKind::kInts && !lengths_.contains(v.place);
    for (AttrValue& value : choices(v, a, rank_)) {
      if (leads) lengths_[v.place] = static_cast<int>(std::get<std::vector<Dim>>(value).size());
      a.values[v.name] = value;
      if (!choose_attr(a, attr + 1)) return false;
    }
    if (leads) lengths_.erase(v.place);
    return true;
  }

  bool make(const Assignment& a) {
    // Nothing is assumed any more where they are looked at.
    std::vector<Shape> shapes;
    std::vector<SizeFact> facts;
    {
      AssumeSizes scope(facts);
      do {
        auto made = instance(rule_, a);
        if (made.ok() && *made) shapes.push_back({std::move(**made), facts, a.to_string(), own_dtypes_});
      } while (scope.next());
    }
    made_ |= !shapes.empty();
    return std::all_of(shapes.begin(), shapes.end(), [&](Shape& shape) { return visit_(shape); });
  }

  const Rule& rule_;
  const PreparedRule& prepared_;
  const ShapeBounds& bounds_;
  const std::function<bool(Shape&)>& visit_;
  std::vector<AttrVariable> attrs_;
  std::vector<Assignment> bases_;
  std::map<const Term*, int> lengths_;
  int rank_ = 0;
  bool own_dtypes_ = true;
  bool made_ = false;  // a shape of the base at hand
};

}  // namespace

bool has_narrow_floats(const Assignment& a) {
  return any_dtype(a, [](DType t) { return is_float(t) && row(t).mantissa < row(DType::f32).mantissa; });
}

int for_each_shape(const Rule& rule, const ShapeBounds& bounds, const std::function<bool(Shape&)>& visit) {
  auto prepared = prepare(rule);
  if (!prepared.ok()) return -1;
  return ShapeMaker(rule, **prepared, bounds, visit).run();
}

}  // namespace egret::rules
