#include "rules/verify/terms/witnesses.h"

#include <algorithm>

#include "support/hash.h"

namespace egret::rules {
namespace {

constexpr size_t kModels = 96;      // kept
constexpr size_t kDrawn = 24;       // before the first question
constexpr size_t kNeighbours = 4;   // models whose neighbours are tried
constexpr size_t kVariables = 10;   // of a goal that a neighbour moves
constexpr int64_t kDrawnValues[] = {1, 2, 3, 0, 2, 1, 4, 5};

constexpr size_t kKnown = 12;  // models that a shape leaves to the next

// Of this name; or of the first axis, where the shape before had fewer.
const int64_t* find_named(const NamedNumbers& named, const std::string& name) {
  if (named.empty()) return nullptr;
  auto it = named.find(name);
  if (it == named.end()) {
    const size_t digits = name.find_last_not_of("0123456789") + 1;
    if (digits == 0 || digits == name.size()) return nullptr;
    it = named.find(name.substr(0, digits) + "0");
  }
  return it == named.end() ? nullptr : &it->second;
}

int64_t floor_div(int64_t a, int64_t b) { return a / b - ((a % b != 0) && ((a < 0) != (b < 0))); }

}  // namespace

std::optional<int64_t> Witnesses::variable(Model& m, VariableId v) const {
  if (auto it = m.values.find(v); it != m.values.end()) return it->second;
  if (const int64_t* known = find_named(m.named, i_.name(v))) {
    m.values.emplace(v, *known);
    return *known;
  }
  const uint64_t r = mix(m.seed * 0x9e3779b97f4a7c15ULL + v + 1);
  int64_t value = kDrawnValues[r % std::size(kDrawnValues)];
  if (const IntId* size = i_.size_of(v)) {
    const auto n = term(m, *size);
    if (!n) return std::nullopt;
    value = *n > 0 ? static_cast<int64_t>(r % static_cast<uint64_t>(*n)) : 0;
  }
  m.values.emplace(v, value);
  return value;
}

std::optional<int64_t> Witnesses::atom(Model& m, uint32_t number) const {
  const IntAtom& a = i_.atom(number);
  switch (a.kind) {
    case IntAtom::Kind::kVariable: return variable(m, a.number);
    case IntAtom::Kind::kScalar: return static_cast<int64_t>(mix(m.seed + a.number * 7919) % 4);  // of data: any number
    case IntAtom::Kind::kCoordinate: {
      auto position = term(m, a.a);
      for (size_t k = a.sizes.size(); k-- > 0 && position;) {
        const auto size = term(m, a.sizes[k]);
        if (!size || *size < 1) return std::nullopt;
        if (k == a.number) return k == 0 ? *position : *position - floor_div(*position, *size) * *size;
        position = floor_div(*position, *size);
      }
      return std::nullopt;
    }
    default: break;
  }
  const auto x = term(m, a.a), y = term(m, a.b);
  if (!x || !y) return std::nullopt;
  if (a.kind == IntAtom::Kind::kMin) return std::min(*x, *y);
  if (a.kind == IntAtom::Kind::kMax) return std::max(*x, *y);
  return *y < 1 ? std::nullopt : std::optional(floor_div(*x, *y));
}

std::optional<int64_t> Witnesses::term(Model& m, IntId id) const {
  if (auto it = m.terms.find(id); it != m.terms.end()) return it->second;
  std::optional<int64_t> sum = 0;
  for (const IntTerm& t : i_.polynomial(id)) {
    int64_t product = t.coefficient;
    for (uint32_t number : t.atoms) {
      const auto value = sum ? atom(m, number) : std::nullopt;
      if (!value || __builtin_mul_overflow(product, *value, &product)) sum.reset();
    }
    int64_t next = 0;
    if (sum) sum = __builtin_add_overflow(*sum, product, &next) ? std::nullopt : std::optional(next);
  }
  m.terms.emplace(id, sum);
  return sum;
}

int8_t Witnesses::condition(Model& m, CondId id) const {
  if (auto it = m.conditions.find(id); it != m.conditions.end()) return it->second;
  const CondNode& n = i_.cond(id);
  int8_t out = -1;
  switch (n.kind) {
    case CondNode::Kind::kTrue: out = 1; break;
    case CondNode::Kind::kFalse: out = 0; break;
    case CondNode::Kind::kNonNegative:
    case CondNode::Kind::kZero:
      if (const auto v = term(m, n.value)) out = n.kind == CondNode::Kind::kZero ? *v == 0 : *v >= 0;
      break;
    case CondNode::Kind::kTruth: out = static_cast<int8_t>(mix(m.seed + n.scalar * 104729) & 1); break;
    case CondNode::Kind::kNot:
      out = condition(m, n.args[0]);
      out = out < 0 ? out : static_cast<int8_t>(1 - out);
      break;
    case CondNode::Kind::kAnd:
    case CondNode::Kind::kOr: {
      const bool all = n.kind == CondNode::Kind::kAnd;
      out = all;
      for (CondId a : n.args) {
        const int8_t one = condition(m, a);
        if (one < 0 || one != static_cast<int8_t>(all)) out = one;
        if (one != static_cast<int8_t>(all)) break;
      }
      break;
    }
  }
  m.conditions.emplace(id, out);
  return out;
}

bool Witnesses::meets(Model& m, const std::vector<CondId>& hypotheses) const {
  return std::all_of(hypotheses.begin(), hypotheses.end(), [&](CondId h) { return condition(m, h) == 1; });
}

bool Witnesses::keep(Model m) {
  models_.push_front(std::move(m));
  if (models_.size() > kModels) models_.pop_back();
  return true;
}

void Witnesses::draw() {
  if (seed_ > 0) return;
  while (seed_ < kDrawn) {
    Model m;
    m.seed = ++seed_;
    keep(std::move(m));
  }
  for (size_t k = known_.size(); k-- > 0;) {
    Model m;
    m.seed = ++seed_;
    m.named = known_[k];
    keep(std::move(m));
  }
}

void Witnesses::add(std::vector<std::pair<VariableId, int64_t>> values) {
  Model m;
  m.seed = ++seed_;
  NamedNumbers named;
  for (const auto& [v, value] : values) {
    m.values.emplace(v, value);
    named.emplace(i_.name(v), value);
  }
  keep(std::move(m));
  known_.push_front(std::move(named));
  if (known_.size() > kKnown) known_.pop_back();
}

bool Witnesses::refute(const std::vector<CondId>& hypotheses, CondId goal) {
  draw();
  std::vector<Model*> near;
  for (Model& m : models_) {
    const int8_t holds = condition(m, goal);
    if (holds < 0 || (holds == 1 && near.size() >= kNeighbours) || !meets(m, hypotheses)) continue;
    if (holds == 0) return true;
    near.push_back(&m);
  }
  std::vector<VariableId> variables;
  std::vector<ScalarId> scalars;
  i_.variables_of_cond(goal, variables, scalars);
  std::sort(variables.begin(), variables.end());
  variables.erase(std::unique(variables.begin(), variables.end()), variables.end());
  if (variables.size() > kVariables) variables.resize(kVariables);
  for (Model* m : near) {
    for (VariableId v : variables) {
      const auto at = variable(*m, v);
      if (!at) continue;
      for (int64_t value : {*at + 1, *at - 1, int64_t{0}, *at + 2}) {
        if (value == *at) continue;
        Model moved;
        moved.seed = m->seed;
        moved.values = m->values;
        moved.named = m->named;
        moved.values[v] = value;
        if (condition(moved, goal) == 0 && meets(moved, hypotheses)) return keep(std::move(moved));
      }
    }
  }
  return false;
}

}  // namespace egret::rules
