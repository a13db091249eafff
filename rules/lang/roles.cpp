#include "rules/lang/roles.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include "ir/definitions/definition.h"
#include "ir/graph.h"
#include "support/hash.h"

namespace egret::rules {
namespace {

Role make_role(uint32_t group, uint32_t position) { return {group << 16 | position}; }

// Groups of the definition: those after an axis count as those before it, with positions behind.
struct Renaming {
  std::vector<uint32_t> group;
  std::vector<uint32_t> offset;

  explicit Renaming(const Definition& def) : group(def.groups.size()), offset(def.groups.size(), 0) {
    std::iota(group.begin(), group.end(), 0);
    for (const DefOperand& operand : def.operands) {
      int before = -1;
      for (const DefPlace& p : operand.places) {
        if (p.where == DefPlace::Where::kBefore) before = p.group;
      }
      for (const DefPlace& p : operand.places) {
        if (p.where != DefPlace::Where::kAfter || before < 0) continue;
        group[p.group] = static_cast<uint32_t>(before);
        offset[p.group] = 0x4000;
      }
    }
  }
  Role operator()(AxisRole r) const { return make_role(group[r.group], r.ordinal + offset[r.group]); }
};

// An axis that a definition reads by another group under a condition on attributes (channels of a convolution) stands in
// its own place's group.
void restore_places(const Definition& def, size_t operand, std::vector<AxisRole>& axes) {
  std::set<int> own, seen;
  for (const DefPlace& p : def.operands[def.spec_of(operand)].places) own.insert(p.group);
  for (const AxisRole& a : axes) seen.insert(a.group);
  for (AxisRole& a : axes) {
    if (own.count(a.group)) continue;
    for (int g : own) {
      if (!seen.count(g)) a.group = static_cast<uint16_t>(g);
    }
  }
}

std::unique_ptr<OpRoles> defined_roles(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  auto found = axis_roles(op, attrs, operands);
  if (!found.ok() || found->results.size() != 1 || op.definition->each) return nullptr;
  if (op.definition->groups.size() > kRoleGroups) return nullptr;
  Renaming rename(*op.definition);
  auto roles = std::make_unique<OpRoles>();
  for (size_t o = 0; o < found->operands.size(); ++o) {
    restore_places(*op.definition, o, found->operands[o]);
    auto& axes = roles->operands.emplace_back();
    for (AxisRole r : found->operands[o]) axes.push_back(rename(r));
  }
  for (AxisRole r : found->results[0]) roles->result.push_back(rename(r));
  return roles;
}

// Operators whose roles say all that happens to an axis.
bool is_transparent(const OpDef& op) {
  constexpr const char* kNames[] = {"broadcast", "transpose", "dot",         "reduce_sum", "reduce_prod",
                                    "reduce_max", "reduce_min", "reduce_any", "reduce_all"};
  return op.op_class == OpClass::kMap || op.op_class == OpClass::kInput ||
         std::any_of(std::begin(kNames), std::end(kNames), [&](const char* n) { return op.name == n; });
}

Result<std::pair<Graph, ValueId>> decomposition(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  GraphBuilder builder(op.name);
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < operands.size(); ++i) inputs.push_back(builder.input("x" + std::to_string(i), operands[i]));
  EGRET_TRY(ValueId result, op.expand(builder, inputs, attrs));
  EGRET_TRY(Graph all, expand_composites([&] {
    builder.output(result, "y");
    return builder.take();
  }()));
  return std::pair{all, all.outputs[0].value};
}

// Axes of all values of a decomposition, joined; the notes (node, group) on each.
class Decomposed {
 public:
  explicit Decomposed(const Graph& graph) : graph_(graph) {
    for (const GraphNode& n : graph.nodes) {
      base_.push_back(parent_.size());
      for (int k = 0; k < n.type.rank(); ++k) parent_.push_back(parent_.size());
    }
    notes_.resize(parent_.size());
  }

  bool join() {
    for (size_t v = 0; v < graph_.nodes.size(); ++v) {
      const GraphNode& n = graph_.nodes[v];
      if (n.operands.empty()) continue;
      if (!is_transparent(*n.op)) return false;
      const OpRoles* roles = roles_of(*n.op, n.attrs, operand_types(graph_, n));
      if (!roles) return false;
      std::map<uint32_t, size_t> place;
      auto visit = [&](size_t at, Role r) {
        notes_[at].insert({v, r.group()});
        auto [it, fresh] = place.emplace(r.number, at);
        if (!fresh) parent_[root(at)] = root(it->second);
      };
      for (size_t o = 0; o < n.operands.size(); ++o) {
        for (size_t k = 0; k < roles->operands[o].size(); ++k) visit(base_[n.operands[o]] + k, roles->operands[o][k]);
      }
      for (size_t k = 0; k < roles->result.size(); ++k) visit(base_[v] + k, roles->result[k]);
    }
    return true;
  }

  // Numbers groups by their notes, so that the number does not depend on ranks; false where two numbers would be one.
  bool roles(ValueId value, std::vector<Role>& out) {
    for (int k = 0; k < graph_.type(value).rank(); ++k) {
      size_t r = root(base_[value] + static_cast<size_t>(k));
      auto known = role_of_root_.find(r);
      if (known == role_of_root_.end()) {
        std::set<std::pair<size_t, uint32_t>> all;
        for (size_t p = 0; p < parent_.size(); ++p) {
          if (root(p) == r) all.insert(notes_[p].begin(), notes_[p].end());
        }
        uint64_t h = kSeed;
        for (auto [node, group] : all) h = hash_combine(h, node * 64 + group);
        uint32_t number = static_cast<uint32_t>(h % kRoleGroups);
        auto [group, fresh] = notes_of_group_.emplace(number, all);
        if (!fresh && group->second != all) return false;
        known = role_of_root_.emplace(r, make_role(number, next_[number]++)).first;
      }
      out.push_back(known->second);
    }
    return true;
  }

 private:
  static constexpr uint64_t kSeed = 7;  // gives every composite of ir/ops distinct numbers (tested)

  size_t root(size_t p) {
    while (parent_[p] != p) p = parent_[p] = parent_[parent_[p]];
    return p;
  }

  const Graph& graph_;
  std::vector<size_t> base_, parent_;
  std::vector<std::set<std::pair<size_t, uint32_t>>> notes_;
  std::map<size_t, Role> role_of_root_;
  std::map<uint32_t, std::set<std::pair<size_t, uint32_t>>> notes_of_group_;
  std::map<uint32_t, uint32_t> next_;
};

std::unique_ptr<OpRoles> composite_roles(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  auto expanded = decomposition(op, attrs, operands);
  if (!expanded.ok()) return nullptr;
  Decomposed axes(expanded->first);
  if (!axes.join()) return nullptr;
  auto roles = std::make_unique<OpRoles>();
  for (size_t o = 0; o < operands.size(); ++o) {
    if (!axes.roles(expanded->first.inputs[o].value, roles->operands.emplace_back())) return nullptr;
  }
  if (!axes.roles(expanded->second, roles->result)) return nullptr;
  return roles;
}

std::unique_ptr<OpRoles> compute(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  for (const Type& t : operands) {
    if (!t.is_tensor()) return nullptr;
  }
  if (is_elementwise(op)) {
    auto roles = std::make_unique<OpRoles>();
    std::vector<Role> axes;
    for (int k = 0; k < operands[0].rank(); ++k) axes.push_back(make_role(0, static_cast<uint32_t>(k)));
    roles->operands.assign(operands.size(), axes);
    roles->result = axes;
    return roles;
  }
  if (op.definition) return defined_roles(op, attrs, operands);
  return op.expand ? composite_roles(op, attrs, operands) : nullptr;
}

// Roles depend on ranks and attributes; of composites also on sizes.
struct Key {
  const OpDef* op;
  Attrs attrs;
  std::vector<Type> types;
};

struct Cache {
  std::shared_mutex mutex;
  std::unordered_multimap<uint64_t, std::pair<Key, std::unique_ptr<OpRoles>>> rows;
};

Cache& cache() {
  static Cache* const instance = new Cache;  // never destroyed: threads may outlive statics
  return *instance;
}

bool same(const Key& key, const OpDef& op, const Attrs& attrs, std::span<const Type> types) {
  if (key.op != &op || key.types.size() != types.size() || !equal(key.attrs, attrs)) return false;
  for (size_t i = 0; i < types.size(); ++i) {
    if (op.expand ? !(key.types[i] == types[i]) : key.types[i].rank() != types[i].rank()) return false;
  }
  return true;
}

bool all_maps(const OpDef& op) {
  if (op.op_class == OpClass::kMap) return true;
  if (!op.expand || op.max_operands < 0) return false;
  Attrs attrs;
  for (const AttrSpec& a : op.attrs) {
    if (a.kind != AttrKind::kNumber) return false;
    attrs[a.name] = a.fallback.value_or(AttrValue(0.5));
  }
  std::vector<Type> types(static_cast<size_t>(op.min_operands), Type::tensor(DType::f32, {3}));
  auto expanded = decomposition(op, attrs, types);
  if (!expanded.ok()) return false;
  for (const GraphNode& n : expanded->first.nodes) {
    if (n.op->op_class != OpClass::kMap && n.op->op_class != OpClass::kInput) return false;
  }
  return true;
}

}  // namespace

bool is_elementwise(const OpDef& op) {
  static const std::set<const OpDef*> all = [] {
    std::set<const OpDef*> s;
    for (const OpDef* o : all_ops()) {
      if (all_maps(*o)) s.insert(o);
    }
    return s;
  }();
  return op.op_class == OpClass::kMap || (op.expand && all.count(&op));
}

const OpRoles* roles_of(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  uint64_t h = hash_combine(hash_string(op.name), hash(attrs));
  for (const Type& t : operands) h = hash_combine(h, op.expand ? t.hash() : static_cast<uint64_t>(t.rank()));
  Cache& c = cache();
  {
    std::shared_lock lock(c.mutex);
    auto [begin, end] = c.rows.equal_range(h);
    for (auto it = begin; it != end; ++it) {
      if (same(it->second.first, op, attrs, operands)) return it->second.second.get();
    }
  }
  auto roles = compute(op, attrs, operands);
  std::unique_lock lock(c.mutex);
  auto it = c.rows.emplace(h, std::pair{Key{&op, attrs, {operands.begin(), operands.end()}}, std::move(roles)});
  return it->second.second.get();
}

}  // namespace egret::rules
