#include "rules/lang/signature.h"

#include <algorithm>

namespace egret::rules {
namespace {

// Axes at places, joined.
class Places {
 public:
  Places(const Left& left, const LeftTerms& terms, const TermView& view) : left_(left), terms_(terms), view_(view) {}

  bool join() {
    for (TermId t : terms_.nodes) node_base_.push_back(allot(t));
    for (TermId t : terms_.leaves) leaf_base_.push_back(allot(t));
    if (!known_) return false;
    notes_.resize(parent_.size());
    std::vector<Type> types;
    for (size_t n = 0; n < left_.nodes.size(); ++n) {
      types.clear();
      for (const LeftOperand& o : left_.nodes[n].operands) types.push_back(type(o));
      const OpRoles* roles = roles_of(view_.op(terms_.nodes[n]), view_.attrs(terms_.nodes[n]), types);
      if (!roles) return false;
      seen_.clear();
      for (size_t o = 0; o < types.size(); ++o) {
        const LeftOperand& operand = left_.nodes[n].operands[o];
        uint32_t base = operand.is_leaf ? leaf_base_[operand.index] : node_base_[operand.index];
        visit(n, base, roles->operands[o]);
      }
      visit(n, node_base_[n], roles->result);
    }
    return true;
  }

  void number(JoinedAxes& out) {
    id_.assign(parent_.size(), kNone);
    out.nodes.resize(left_.nodes.size());
    out.leaves.resize(left_.leaves.size());
    for (uint32_t r : left_.roots) number_term(node_base_[r], terms_.nodes[r], out.nodes[r], out);
    for (size_t l = 0; l < left_.leaves.size(); ++l) number_term(leaf_base_[l], terms_.leaves[l], out.leaves[l], out);
    for (size_t n = 0; n < left_.nodes.size(); ++n) {
      out.nodes[n].clear();
      number_term(node_base_[n], terms_.nodes[n], out.nodes[n], out);
    }
    out.signatures.resize(out.sizes.size());
    for (uint32_t p = 0; p < parent_.size(); ++p) out.signatures[id_[root(p)]] |= notes_[p];
  }

 private:
  static constexpr uint32_t kNone = ~0u;

  const Type& type(const LeftOperand& o) const {
    return *view_.type(o.is_leaf ? terms_.leaves[o.index] : terms_.nodes[o.index]);
  }

  uint32_t allot(TermId term) {
    auto base = static_cast<uint32_t>(parent_.size());
    const Type* t = view_.type(term);
    known_ &= t && t->is_tensor();
    for (int k = 0; known_ && k < t->rank(); ++k) parent_.push_back(static_cast<uint32_t>(parent_.size()));
    return base;
  }

  void visit(size_t node, uint32_t base, const std::vector<Role>& roles) {
    for (uint32_t k = 0; k < roles.size(); ++k) {
      notes_[base + k].set(node * kRoleGroups + roles[k].group());
      auto same = std::find_if(seen_.begin(), seen_.end(), [&](const auto& s) { return s.first == roles[k].number; });
      if (same == seen_.end()) {
        seen_.emplace_back(roles[k].number, base + k);
      } else {
        parent_[root(base + k)] = root(same->second);
      }
    }
  }

  uint32_t root(uint32_t p) {
    while (parent_[p] != p) p = parent_[p] = parent_[parent_[p]];
    return p;
  }

  void number_term(uint32_t base, TermId term, std::vector<AxisId>& axes, JoinedAxes& out) {
    const Type& t = *view_.type(term);
    for (int k = 0; k < t.rank(); ++k) {
      uint32_t& id = id_[root(base + static_cast<uint32_t>(k))];
      if (id == kNone) {
        id = static_cast<uint32_t>(out.sizes.size());
        out.sizes.push_back(t.dims[static_cast<size_t>(k)]);
      }
      axes.push_back(id);
    }
  }

  const Left& left_;
  const LeftTerms& terms_;
  const TermView& view_;
  bool known_ = true;
  std::vector<uint32_t> node_base_, leaf_base_, parent_, id_;
  std::vector<Signature> notes_;
  std::vector<std::pair<uint32_t, uint32_t>> seen_;  // role number -> place, of one occurrence
};

bool twice(const std::vector<AxisId>& axes) {
  for (size_t i = 0; i < axes.size(); ++i) {
    if (std::find(axes.begin(), axes.begin() + i, axes[i]) != axes.begin() + i) return true;
  }
  return false;
}

}  // namespace

bool LeftLeaf::has_axis(std::string_view name) const {
  return axes && std::any_of(axes->begin(), axes->end(), [&](const AxisName& a) { return a.name == name; });
}

const AxisGroup* Left::group(std::string_view name) const {
  for (const AxisGroup& g : groups) {
    if (g.name == name) return &g;
  }
  return nullptr;
}

bool join_axes(const Left& left, const LeftTerms& terms, const TermView& view, JoinedAxes& out) {
  Places places(left, terms, view);
  if (!places.join()) return false;
  places.number(out);
  return true;
}

namespace {

constexpr uint32_t kNoGroup = ~0u;

struct Named {
  uint32_t group = kNoGroup;
  uint32_t use = 0;  // which of the name's signatures
};

Named name_of(const Left& left, const Signature& signature) {
  for (uint32_t g = 0; g < left.groups.size(); ++g) {
    const AxisGroup& group = left.groups[g];
    for (uint32_t u = 0; u < group.signatures.size(); ++u) {
      if ((signature & ~group.free) == (group.signatures[u] & ~group.free)) return {g, u};
    }
  }
  return {};
}

// Makes the axes of a name's further uses one with those of the first; false where there are more or fewer.
bool join_uses(const AxisGroup& group, std::vector<std::vector<AxisId>>& uses, std::vector<AxisId>& to) {
  for (size_t u = 0; u < group.signatures.size(); ++u) {
    if (uses[u].size() != uses[0].size() || (!group.many && uses[u].size() != 1)) return false;
    for (size_t k = 0; k < uses[u].size(); ++k) to[uses[u][k]] = uses[0][k];
  }
  return true;
}

}  // namespace

bool bind_axes(const Left& left, const LeftTerms& terms, const TermView& view, BoundAxes& out) {
  if (!join_axes(left, terms, view, out.axes)) return false;
  std::vector<Named> names(out.axes.sizes.size());
  std::vector<std::vector<std::vector<AxisId>>> uses(left.groups.size());
  for (size_t g = 0; g < left.groups.size(); ++g) uses[g].resize(left.groups[g].signatures.size());
  for (AxisId a = 0; a < names.size(); ++a) {
    names[a] = name_of(left, out.axes.signatures[a]);
    if (names[a].group == kNoGroup) return false;
    uses[names[a].group][names[a].use].push_back(a);
  }
  std::vector<AxisId> to(names.size());
  for (size_t g = 0; g < left.groups.size(); ++g) {
    if (!join_uses(left.groups[g], uses[g], to)) return false;
    out.groups.push_back(uses[g][0]);
  }
  for (auto* lists : {&out.axes.nodes, &out.axes.leaves}) {
    for (auto& axes : *lists) {
      for (AxisId& a : axes) a = to[a];
    }
  }
  out.leaf_is_number.assign(left.leaves.size(), 0);
  for (size_t l = 0; l < left.leaves.size(); ++l) {
    const LeftLeaf& leaf = left.leaves[l];
    if (leaf.full && view.splat(terms.leaves[l])) {
      out.leaf_is_number[l] = 1;
      continue;
    }
    if (leaf.number) continue;
    if (twice(out.axes.leaves[l])) return false;
    for (AxisId a : out.axes.leaves[l]) {
      if (!leaf.has_axis(left.groups[names[a].group].name)) return false;
    }
  }
  return true;
}

}  // namespace egret::rules
