#include "rules/lang/assign.h"

#include <algorithm>
#include <functional>
#include <cmath>

#include <fmt/format.h>

#include "rules/lang/dtypes.h"

namespace egret::rules {
namespace {

constexpr size_t kMaxShares = 20'000;  // ways to share axes out that are looked at
constexpr size_t kDTypesOfEach = 2;    // further dtypes for each small assignment
constexpr size_t kDTypesOfExample = 3;  // of a rule made by `for`

struct TypedVariable {
  const RuleVariable* variable = nullptr;
  std::vector<Type> types;  // of an operand group: one a member
};

// Numbers of axes for each group, such that every variable's rank and every group's sizes agree.
class Sharing {
 public:
  Sharing(const PreparedRule& rule, const std::vector<TypedVariable>& variables,
          const std::map<std::string, std::vector<int64_t>>& fixed)
      : rule_(rule), variables_(variables), fixed_(fixed) {
    for (const TypedVariable& v : variables) {
      for (const Type& t : v.types) largest_ = std::max(largest_, t.rank());
    }
  }

  std::vector<std::map<std::string, std::vector<int64_t>>> run() {
    counts_.assign(rule_.groups.size(), 0);
    choose(0);
    std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::map<std::string, std::vector<int64_t>>> out;
    for (auto& [cost, sizes] : found_) out.push_back(std::move(sizes));
    return out;
  }

 private:
  void choose(size_t g) {
    if (++steps_ > kMaxShares) return;
    if (g == rule_.groups.size()) {
      auto sizes = sizes_of();
      int cost = 0;
      for (int c : counts_) cost += std::abs(c - 1);
      if (sizes) found_.emplace_back(cost, std::move(*sizes));
      return;
    }
    int low = rule_.groups[g].many ? 0 : 1, high = rule_.groups[g].many ? largest_ : 1;
    if (auto known = fixed_.find(rule_.groups[g].name); known != fixed_.end()) low = high = static_cast<int>(known->second.size());
    for (int c = low; c <= high; ++c) {
      counts_[g] = c;
      choose(g + 1);
    }
  }

  int count(const std::string& group) const {
    for (size_t g = 0; g < rule_.groups.size(); ++g) {
      if (rule_.groups[g].name == group) return counts_[g];
    }
    return 0;
  }

  std::optional<std::map<std::string, std::vector<int64_t>>> sizes_of() const {
    std::map<std::string, std::vector<int64_t>> out = fixed_;
    for (const TypedVariable& v : variables_) {
      for (const auto& list : v.variable->axes) {
        for (size_t member = 0; member < v.types.size(); ++member) {
          if (!add(list, v.types[member], member, out)) return std::nullopt;
        }
      }
    }
    for (size_t g = 0; g < rule_.groups.size(); ++g) {
      if (!out.count(rule_.groups[g].name) && counts_[g] > 0) return std::nullopt;
      out.try_emplace(rule_.groups[g].name);
    }
    return out;
  }

  bool add(const std::vector<AxisName>& list, const Type& type, size_t member,
           std::map<std::string, std::vector<int64_t>>& out) const {
    size_t next = 0;
    for (const AxisName& a : list) {
      std::vector<int64_t> own;
      for (int c = count(a.name); c > 0; --c, ++next) {
        if (next >= type.dims.size() || !type.dims[next].is_const()) return false;
        own.push_back(type.dims[next].value());
      }
      if (varies_in_group(rule_, a.name)) {
        auto& sizes = out[a.name];
        if (own.size() != 1 || sizes.size() > member) return false;
        sizes.push_back(own[0]);
      } else if (auto [it, fresh] = out.emplace(a.name, own); !fresh && it->second != own) {
        return false;
      }
    }
    return next == type.dims.size();
  }

  const PreparedRule& rule_;
  const std::vector<TypedVariable>& variables_;
  const std::map<std::string, std::vector<int64_t>>& fixed_;
  int largest_ = 1;
  size_t steps_ = 0;
  std::vector<int> counts_;
  std::vector<std::pair<int, std::map<std::string, std::vector<int64_t>>>> found_;
};

// Whether dtypes are those of the example but for f32, which in an example of a rule made by `for` stands for what its operator takes.
bool fits(const Assignment& example, const DTypeChoice& choice) {
  const auto same = [](DType given, DType chosen) { return given == DType::f32 || given == chosen; };
  return std::ranges::all_of(choice.variables, [&](const auto& v) {
    const auto type = example.types.find(v.first);
    const auto dtype = example.dtypes.find(v.first);
    return (type == example.types.end() || same(type->second.dtype, v.second)) && (dtype == example.dtypes.end() || same(dtype->second, v.second));
  }) && std::ranges::all_of(choice.attributes, [&](const auto& t) {
    const auto value = example.values.find(t.first);
    const DType* given = value == example.values.end() ? nullptr : std::get_if<DType>(&value->second);
    return !given || same(*given, t.second);
  });
}

Result<Assignment> without_groups(const Rule& rule, const PreparedRule& prepared, const Example& example,
                                  std::vector<TypedVariable>& typed) {
  Assignment a;
  for (const Example::Item& item : example.items) {
    SourceSpan at{rule.file, item.at.line, item.at.column, {}};
    const RuleVariable* v = prepared.variable(item.name);
    if (item.value) {
      auto* list = std::get_if<std::vector<Dim>>(&*item.value);
      auto* number = std::get_if<double>(&*item.value);
      if (list && prepared.group(item.name)) {
        for (Dim d : *list) a.groups[item.name].push_back(d.is_const() ? d.value() : 0);
        a.groups[item.name];
      } else if (number && *number == std::floor(*number) && std::abs(*number) < 0x1p53) {
        a.values[item.name] = Dim(static_cast<int64_t>(*number));
      } else {
        a.values[item.name] = *item.value;
      }
      continue;
    }
    if (!v) {
      if (!item.bare_dtype) return input_error(fmt::format("'{}' is no tensor of the rule", item.name), {}, at);
      a.values[item.name] = item.types[0].dtype;
      continue;
    }
    if (item.splat) a.splats[v->name] = *item.splat;
    if (!item.dependence.empty()) {
      a.depends[v->name] = item.dependence == "frozen" ? Dependence::kFrozen : Dependence::kConstant;
    }
    if (v->many) a.counts[v->name] = static_cast<int>(item.types.size());
    if (v->axes.empty()) {
      a.types[v->name] = item.types[0];
    } else {
      a.dtypes[v->name] = item.types[0].dtype;
      for (size_t i = 1; i < item.types.size(); ++i) a.dtypes[fmt::format("{}_{}", v->name, i)] = item.types[i].dtype;
      typed.push_back({v, item.types});
    }
  }
  return a;
}

}  // namespace

bool varies_in_group(const PreparedRule& rule, std::string_view group) { return rule.find_all && rule.varying == group; }

Result<std::vector<Assignment>> assignments_of(const Rule& rule, const PreparedRule& prepared, const Example& example) {
  std::vector<TypedVariable> typed;
  EGRET_TRY(Assignment base, without_groups(rule, prepared, example, typed));
  std::vector<Assignment> out;
  if (prepared.tracked) {
    for (auto& sizes : Sharing(prepared, typed, base.groups).run()) {
      out.push_back(base);
      out.back().groups = std::move(sizes);
    }
    if (out.empty()) {
      return input_error(fmt::format("rule {}: these types do not fit the axes of the rule", rule.name), {},
                         {rule.file, example.at.line, example.at.column, {}});
    }
    out.resize(1);
  } else {
    out.push_back(base);
  }
  if (rule.name.find('[') == std::string::npos) return out;  // by no `for`
  const auto choices = dtype_choices(prepared);
  for (size_t k = 0; choices && k < choices->size() && out.size() <= kDTypesOfExample; ++k) {
    if (fits(out[0], (*choices)[k])) out.push_back(with_dtypes(out[0], prepared, (*choices)[k]));
  }
  return out;
}

std::vector<Assignment> varied_assignments(const Assignment& assignment) {
  std::vector<Assignment> out;
  for (const auto& [name, value] : assignment.values) {
    auto take = [&](AttrValue other) {
      if (other == value) return;
      out.push_back(assignment);
      out.back().values[name] = std::move(other);
    };
    if (std::holds_alternative<Dim>(value)) {
      for (int64_t v : {0, 1, 2}) take(Dim(v));
    }
    const auto* list = std::get_if<std::vector<Dim>>(&value);
    if (!list) continue;
    take(std::vector<Dim>());
    for (int64_t v : {0, 1}) take(std::vector<Dim>(list->size(), Dim(v)));
    std::vector<Dim> turned(list->rbegin(), list->rend());
    take(turned);
    for (size_t k = 0; k < list->size(); ++k) {
      for (int64_t by : {-1, 1}) {
        std::vector<Dim> other = *list;
        other[k] = other[k] + by;
        take(std::move(other));
      }
      std::vector<Dim> shorter = *list;
      shorter.erase(shorter.begin() + static_cast<ptrdiff_t>(k));
      take(std::move(shorter));
    }
    for (int64_t v : {0, 1}) take(std::vector<Dim>{Dim(v)});
  }
  return out;
}

namespace {

// What an attribute of a tensor of that rank may be: a list of axes or of integers, an axis or a number; kGuesses of each.
constexpr size_t kGuesses = 7;
AttrValue guessed(const AttrValue& sample, size_t k, size_t rank) {
  if (std::holds_alternative<Dim>(sample)) return Dim(static_cast<int64_t>(k % 3));
  if (!std::holds_alternative<std::vector<Dim>>(sample)) return sample;
  std::vector<Dim> list;
  for (size_t i = 0; i < rank; ++i) list.push_back(Dim(static_cast<int64_t>(k == 0 ? i : k == 1 ? rank - 1 - i : k - 2)));
  if (k == 4) list = {};
  if (k >= 5) list = {Dim(static_cast<int64_t>(k - 5))};
  return list;
}

// For a rule about whole tensors without examples: several ranks, one variable at most a scalar, attributes that may fit.
void guess_attributes(const PreparedRule& prepared, const std::function<void(const Assignment&)>& take) {
  for (const std::vector<Dim>& dims : {std::vector<Dim>{2, 3}, {3}, {2, 2}, {2, 3, 2}}) {
    for (size_t scalar = 0; scalar <= prepared.variables.size(); ++scalar) {
      for (size_t k = 0; k < kGuesses * kGuesses; ++k) {
        Assignment a;
        for (size_t v = 0; v < prepared.variables.size(); ++v) {
          a.types[prepared.variables[v].name] = Type::tensor(prepared.variables[v].dtype, v + 1 == scalar ? std::vector<Dim>{} : dims);
        }
        for (size_t s = 0; s < prepared.samples.size(); ++s) {
          const auto& [name, sample] = prepared.samples[s];
          a.values[name] = guessed(sample, s % 2 == 0 ? k % kGuesses : k / kGuesses, dims.size());
        }
        take(a);
      }
    }
  }
}

}  // namespace

std::vector<Assignment> candidate_assignments(const PreparedRule& prepared, const std::vector<Assignment>& examples) {
  std::vector<Assignment> out;
  const auto choices = dtype_choices(prepared);
  size_t next_choice = 0;
  // Under other dtypes, too, in turn.
  auto take = [&](const Assignment& a) {
    out.push_back(a);
    for (size_t k = 0; choices && !choices->empty() && k < kDTypesOfEach; ++k) {
      out.push_back(with_dtypes(a, prepared, (*choices)[++next_choice % choices->size()]));
    }
  };
  for (const Assignment& a : examples) take(a);
  if (!prepared.tracked) {
    if (!prepared.attr_variables.empty()) {
      if (examples.empty()) guess_attributes(prepared, take);
      return out;
    }
    for (const std::vector<Dim>& dims : {std::vector<Dim>{2, 3}, {}, {3}, {0}, {1, 2}, {2, 1, 2}}) {
      Assignment a;
      for (const RuleVariable& v : prepared.variables) a.types[v.name] = Type::tensor(v.dtype, dims);
      take(a);
    }
    return out;
  }
  // A number of axes for each group, and sizes from a short cycle.
  auto make = [&](const std::vector<int>& counts, const std::vector<int64_t>& cycle) {
    Assignment a = examples.empty() ? Assignment() : examples[0];
    size_t next = 0;
    for (size_t g = 0; g < prepared.groups.size(); ++g) {
      auto& sizes = a.groups[prepared.groups[g].name];
      sizes.clear();
      int count = varies_in_group(prepared, prepared.groups[g].name) ? 2
                  : prepared.groups[g].many ? counts[g] : 1;
      for (int c = 0; c < count; ++c) sizes.push_back(cycle[next++ % cycle.size()]);
    }
    for (const RuleVariable& v : prepared.variables) {
      a.dtypes.try_emplace(v.name, v.dtype);
      if (v.many) a.counts[v.name] = 2;
    }
    take(a);
  };
  const std::vector<int> one(prepared.groups.size(), 1);
  make(one, {2, 3, 2, 1});
  make(one, {2});
  make(one, {1});
  for (size_t g = 0; g < one.size(); ++g) {
    if (!prepared.groups[g].many) continue;
    for (int count : {0, 2}) {
      std::vector<int> counts = one;
      counts[g] = count;
      make(counts, {2, 3, 1});
    }
  }
  make(std::vector<int>(one.size(), 2), {2, 1, 2});
  make(one, {3, 2});
  for (size_t g = 0; g < one.size(); ++g) {  // one group empty
    std::vector<int64_t> cycle(one.size(), 2);
    cycle[g] = 0;
    make(one, cycle);
  }
  return out;
}

std::string Assignment::to_string() const {
  std::vector<std::string> parts;
  for (const auto& [name, sizes] : groups) {
    std::string text;
    for (int64_t s : sizes) text += (text.empty() ? "" : ",") + std::to_string(s);
    parts.push_back(fmt::format("{}=[{}]", name, text));
  }
  for (const auto& [name, dtype] : dtypes) parts.push_back(fmt::format("{}:{}", name, egret::name(dtype)));
  for (const auto& [name, type] : types) parts.push_back(fmt::format("{}: {}", name, type.to_string()));
  for (const auto& [name, count] : counts) parts.push_back(fmt::format("{} x{}", name, count));
  for (const auto& [name, value] : values) parts.push_back(fmt::format("{}={}", name, egret::to_string(value)));
  for (const auto& [name, value] : splats) parts.push_back(fmt::format("{} is {}", name, value));
  for (const auto& [name, d] : depends) parts.push_back(name + (d == Dependence::kConstant ? " constant" : " frozen"));
  std::string out;
  for (const std::string& p : parts) out += (out.empty() ? "" : " ") + p;
  return out;
}

}  // namespace egret::rules
