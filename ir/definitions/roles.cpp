// Axis roles: where each axis of an operand stands in the definition, and how the meaning uses it there.
#include "ir/definitions/bind.h"
#include "ir/op.h"

namespace egret {

namespace {

using Use = AxisRole::Use;

// What the reads of a definition say about one place of one operand.
struct PlaceUse {
  int group = -1;  // of the bare index that reads it; -1: none seen
  bool other = false;
};

class RoleReader {
 public:
  explicit RoleReader(const Binding& b) : b_(b) {
    for (const DefOperand& o : b.def->operands) uses_.emplace_back(o.places.size());
    folded_.assign(b.def->groups.size(), false);
    arithmetic_.assign(b.def->groups.size(), false);
    visit(b.def->body);
  }

  AxisRoles run() {
    AxisRoles roles;
    for (const DefGroup& g : b_.def->groups) roles.groups.push_back(g.name);
    std::vector<bool> in_result(b_.def->groups.size(), false);
    for (const DefPlace& p : b_.def->result) in_result[p.group] = true;
    for (size_t o = 0; o < b_.operands.size(); ++o) {
      std::vector<AxisRole> axes(b_.operands[o].rank());
      size_t spec = b_.def->spec_of(o);
      for (size_t p = 0; p < uses_[spec].size(); ++p) {
        const PlaceUse& use = uses_[spec][p];
        AxisRole role;
        bool bare = use.group >= 0 && !use.other;
        role.group = bare ? static_cast<uint16_t>(use.group) : b_.def->operands[spec].places[p].group;
        role.use = !bare ? Use::kOther : folded_[use.group] ? Use::kFolded : in_result[use.group] ? Use::kPassed : Use::kOther;
        place(role, b_.axes[o][p], axes);
      }
      roles.operands.push_back(std::move(axes));
    }
    size_t results = b_.def->each ? b_.list(*b_.def->each)->size() : 1;
    for (size_t r = 0; r < results; ++r) {
      std::vector<AxisRole> axes(b_.result_rank);
      for (size_t p = 0; p < b_.def->result.size(); ++p) {
        AxisRole role;
        role.group = b_.def->result[p].group;
        role.use = arithmetic_[role.group] ? Use::kOther : Use::kPassed;
        place(role, b_.result_axes[p], axes);
      }
      roles.results.push_back(std::move(axes));
    }
    return roles;
  }

 private:
  static void place(AxisRole role, const std::vector<int>& at, std::vector<AxisRole>& axes) {
    for (size_t k = 0; k < at.size(); ++k) {
      role.ordinal = static_cast<uint16_t>(k);
      axes[at[k]] = role;
    }
  }

  // An index that is one group's own, once conditions on attributes are decided; -1 otherwise.
  int bare_group(DefId id) const {
    const DefNode& n = b_.def->node(id);
    if (n.kind == DefKind::kGroup) return n.number;
    if (n.kind != DefKind::kCond) return -1;
    auto known = decide_by_attrs(b_, n.args[0]);
    return known ? bare_group(n.args[*known ? 1 : 2]) : -1;
  }

  // Every group under an expression is used in arithmetic (or cut by a condition).
  void mark(DefId id) {
    const DefNode& n = b_.def->node(id);
    if (n.kind == DefKind::kGroup || n.kind == DefKind::kFlatten || n.kind == DefKind::kNth) arithmetic_[n.number] = true;
    if (n.kind == DefKind::kRead || n.kind == DefKind::kFold) return visit(id);
    if (n.kind == DefKind::kCond) {
      if (auto known = decide_by_attrs(b_, n.args[0])) return mark(n.args[*known ? 1 : 2]);
    }
    for (DefId a : n.args) mark(a);
  }

  void visit_read(const DefNode& n) {
    for (size_t p = 0; p < n.args.size(); ++p) {
      PlaceUse& use = uses_[n.number][p];
      int group = bare_group(n.args[p]);
      if (group < 0) {
        use.other = true;
        mark(n.args[p]);
        continue;
      }
      if (picked_ == group) use.other = true;
      if (use.group >= 0 && use.group != group) use.other = true;
      use.group = group;
    }
  }

  void visit(DefId id) {
    const DefNode& n = b_.def->node(id);
    switch (n.kind) {
      case DefKind::kRead: return visit_read(n);
      case DefKind::kFold:
        for (const DefBinder& binder : n.binders) folded_[binder.group] = true;
        break;
      case DefKind::kPick:
        picked_ = n.other;
        arithmetic_[n.other] = true;
        break;
      case DefKind::kLess:
      case DefKind::kLessEqual:
      case DefKind::kEqual:
      case DefKind::kNotEqual:
      case DefKind::kValue: return mark(id);
      case DefKind::kCond:
        if (auto known = decide_by_attrs(b_, n.args[0])) return visit(n.args[*known ? 1 : 2]);
        break;
      default: break;
    }
    for (DefId a : n.args) visit(a);
  }

  const Binding& b_;
  std::vector<std::vector<PlaceUse>> uses_;  // [operand of the definition][place]
  std::vector<bool> folded_, arithmetic_;    // [group]
  int picked_ = -1;
};

// An operator without a definition treats its axes as its own.
AxisRoles opaque_roles(std::span<const Type> operands, const Type& result) {
  AxisRoles roles;
  uint16_t next = 0;
  auto fresh = [&](int rank) {
    std::vector<AxisRole> axes;
    for (int k = 0; k < rank; ++k) axes.push_back({next++, 0, Use::kOther});
    return axes;
  };
  for (const Type& t : operands) roles.operands.push_back(fresh(t.rank()));
  if (result.kind == Type::Kind::kTuple) {
    for (const Type& t : result.elements) roles.results.push_back(fresh(t.rank()));
  } else {
    roles.results.push_back(fresh(result.rank()));
  }
  for (uint16_t i = 0; i < next; ++i) roles.groups.push_back("a" + std::to_string(i));
  return roles;
}

}  // namespace

Result<AxisRoles> axis_roles(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  if (!op.definition) {
    EGRET_TRY(Type result, infer_type(op, attrs, operands));
    return opaque_roles(operands, result);
  }
  EGRET_TRY(Binding b, bind(op, attrs, operands));
  return RoleReader(b).run();
}

}  // namespace egret
