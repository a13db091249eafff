#include "rules/verify/prove/coverage.h"

#include <algorithm>

#include <cmath>

#include <fmt/format.h>

#include "rules/lang/assign.h"
#include "rules/lang/left.h"
#include "rules/lang/natives.h"
#include "rules/lang/other_type.h"

namespace egret::rules {
namespace {

constexpr size_t kInstances = 24;  // at examples and at sizes made up
constexpr size_t kVaried = 40;     // examples with one attribute changed

using Numbers = std::vector<std::pair<std::string, int64_t>>;

int rank_of(const Assignment& a) {
  size_t most = 0;
  for (const auto& [name, type] : a.types) most = std::max(most, type.dims.size());
  for (const auto& [name, value] : a.values) {
    if (const auto* list = std::get_if<std::vector<Dim>>(&value)) most = std::max(most, list->size());
  }
  return static_cast<int>(most);
}

// The assignment at sizes of which none is 0 or 1.
Assignment enlarged(Assignment a) {
  for (auto& [name, sizes] : a.groups) {
    for (int64_t& s : sizes) s = std::max<int64_t>(s, 2);
  }
  for (auto& [name, type] : a.types) {
    for (Dim& d : type.dims) d = Dim::max(d, 2);
  }
  return a;
}

// The numbers that a shape's names have at a probe; false where the probe has other ranks, lists or axes.
class Match {
 public:
  Match(const PreparedRule& rule, const Assignment& shape, const Assignment& probe) : rule_(rule), shape_(shape), probe_(probe) {}

  bool run() {
    for (const auto& [name, type] : shape_.types) {
      auto it = probe_.types.find(name);
      if (it == probe_.types.end() || !all(type.dims, it->second.dims)) return false;
    }
    for (const RuleVariable& v : rule_.variables) {
      for (const auto& list : v.axes) {
        for (const AxisName& a : list) {
          if (!group(v, a.name)) return false;
        }
      }
    }
    for (size_t k = 0; k < rule_.variables.size(); ++k) {
      auto splat = probe_.splats.find(rule_.variables[k].name);
      if (splat == probe_.splats.end() || splat->second != std::floor(splat->second)) continue;
      const DType dtype = shape_.types.contains(splat->first) ? shape_.types.at(splat->first).dtype : rule_.variables[k].dtype;
      numbers_.emplace_back(named_splat(dtype, static_cast<uint32_t>(k)).to_string(), static_cast<int64_t>(splat->second));
    }
    return std::all_of(shape_.values.begin(), shape_.values.end(), [&](const auto& v) { return value(v.first, v.second); });
  }

  bool meets(const SizeFact& f) const {
    const Dim a = f.a.substitute(numbers_), b = f.b.substitute(numbers_);
    if (!a.is_const() || !b.is_const()) return true;  // of a default that the probe does not name
    switch (f.kind) {
      case SizeFact::Kind::kEqual: return a == b;
      case SizeFact::Kind::kNotEqual: return !(a == b);
      case SizeFact::Kind::kLess: return a.value() < b.value();
      case SizeFact::Kind::kLessEqual: return a.value() <= b.value();
    }
    return false;
  }

 private:
  bool one(Dim name, Dim number) {
    if (!number.is_const()) return false;
    if (name.is_const()) return name == number;
    if (number.value() < name.low() || number.value() > name.high()) return false;
    numbers_.emplace_back(name.to_string(), number.value());
    return true;
  }

  bool all(const std::vector<Dim>& names, const std::vector<Dim>& given) {
    if (names.size() != given.size()) return false;
    for (size_t k = 0; k < names.size(); ++k) {
      if (!one(names[k], given[k])) return false;
    }
    return true;
  }

  // One axis of a group stands for any number of them; a group of members' own axes has one a member.
  bool group(const RuleVariable& v, const std::string& name) {
    auto mine = shape_.groups.find(name), given = probe_.groups.find(name);
    if (mine == shape_.groups.end() || given == probe_.groups.end()) return mine == shape_.groups.end();
    const bool varies = varies_in_group(rule_, name);
    auto call = [&](size_t member, size_t k, int64_t size) {
      numbers_.emplace_back(fmt::format("{}{}.{}.{}", v.name, varies ? std::to_string(member) : "", name, k), size);
    };
    if (varies) {
      for (size_t m = 0; m < given->second.size(); ++m) call(m, 0, given->second[m]);
    } else if (mine->second.size() == given->second.size()) {
      for (size_t k = 0; k < given->second.size(); ++k) call(0, k, given->second[k]);
    } else if (mine->second.size() == 1) {
      int64_t product = 1;
      for (int64_t s : given->second) product *= s;
      call(0, 0, product);
    } else {
      return false;
    }
    return true;
  }

  bool value(const std::string& name, const AttrValue& mine) {
    auto it = probe_.values.find(name);
    if (it == probe_.values.end()) return true;  // its default
    if (const auto* list = std::get_if<std::vector<Dim>>(&mine)) {
      const auto* given = std::get_if<std::vector<Dim>>(&it->second);
      if (!given || (given->empty() && name.find('.') != std::string::npos)) return given;
      // One integer stands for a list of it.
      const bool spread = list->size() > 1 && given->size() == 1 && !(*list)[0].is_const() && (*list)[0].to_string().find('~') != std::string::npos;
      return all(*list, spread ? std::vector<Dim>(list->size(), (*given)[0]) : *given);
    }
    if (const auto* d = std::get_if<Dim>(&mine)) {
      if (const auto* given = std::get_if<Dim>(&it->second)) return one(*d, *given);
    }
    return true;  // dtypes and words are those of the examples
  }

  const PreparedRule& rule_;
  const Assignment &shape_, &probe_;
  Numbers numbers_;
};

}  // namespace

Coverage::Coverage(const Rule& rule, bool narrow_floats) {
  auto prepared = prepare(rule);
  if (!prepared.ok()) return;
  prepared_ = *prepared;
  if (const auto& typed = dtype_assignments(rule)) {
    for (const Assignment& a : *typed) {
      if (narrow_floats || !has_narrow_floats(a)) dtypes_.insert(dtypes_of(a));
    }
  }
  const std::vector<Assignment> instances = small_assignments(rule, kInstances);
  for (const Assignment& a : instances) add(a);
  size_t varied = 0;
  for (const Example& e : rule.syntax->accepts()) {
    auto choices = assignments_of(rule, *prepared_, e);
    if (!choices.ok() || choices->empty()) continue;
    std::vector<Assignment> near = varied_assignments(enlarged(choices->front()));
    near.insert(near.begin(), enlarged(choices->front()));
    for (const Assignment& a : near) {
      if (varied++ < kVaried && attempt_instance(rule, a).instance) add(a);
    }
  }
}

void Coverage::add(const Assignment& a) {
  // Dtypes are no matter here.
  Assignment plain = a;
  for (auto& [name, type] : plain.types) type.dtype = DType::f32;
  plain.dtypes.clear();
  if (seen_.insert(plain.to_string()).second) open_.push_back({a, rank_of(a)});
}

std::string Coverage::dtypes_of(const Assignment& a) const {
  std::string out;
  auto note = [&](const std::string& name, DType dtype) { out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", name, egret::name(dtype)); };
  for (const RuleVariable& v : prepared_->variables) {
    if (auto it = a.types.find(v.name); it != a.types.end()) note(v.name, it->second.dtype);
    if (auto it = a.dtypes.find(v.name); it != a.dtypes.end()) note(v.name, it->second);
  }
  for (const auto& [name, value] : a.values) {
    if (const auto* dtype = std::get_if<DType>(&value)) note(name, *dtype);
  }
  return out;
}

void Coverage::take(const Shape& shape) {
  if (!prepared_) return;
  dtypes_.erase(dtypes_of(shape.instance.assignment));
  covered_ |= std::erase_if(open_, [&](const Probe& p) {
    Match match(*prepared_, shape.instance.assignment, p.at);
    return match.run() && std::all_of(shape.facts.begin(), shape.facts.end(), [&](const SizeFact& f) { return match.meets(f); });
  }) > 0;
}

int Coverage::least_rank() const {
  int least = 1 << 20;
  for (const Probe& p : open_) least = std::min(least, p.rank);
  return covered_ || open_.empty() ? 0 : least;
}

std::optional<std::string> Coverage::lacking(int rank) const {
  for (const Probe& p : open_) {
    if (p.rank <= rank || !covered_) return p.at.to_string();
  }
  return covered_ ? std::nullopt : std::optional<std::string>("its examples");
}

}  // namespace egret::rules
