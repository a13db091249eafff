// Nest: what indices depend on, and merging of loops that every index uses as one.
#include <algorithm>

#include "lower/host/nest.h"

namespace egret::lower {

int64_t Nest::coefficient(const Linear& index, VarId v, bool* inside) const {
  int64_t found = 0;
  for (auto [a, c] : index.terms) {
    const Atom& atom = atoms_[a];
    if (atom.kind == Atom::Kind::kVariable) {
      if (atom.variable == v) found = c;
    } else if (inside) {
      if (atom.kind == Atom::Kind::kScalar ? depends(atom.scalar, v) : depends(atom.a, v) || depends(atom.b, v)) {
        *inside = true;
      }
    }
  }
  return found;
}

bool Nest::depends(const Linear& index, VarId v) const {
  bool inside = false;
  return coefficient(index, v, &inside) != 0 || inside;
}

bool Nest::depends(NodeId id, VarId v) const {
  std::vector<uint8_t> seen(nodes_.size());
  std::vector<NodeId> pending = {id};
  while (!pending.empty()) {
    const NodeId n = pending.back();
    pending.pop_back();
    if (seen[n]) continue;
    seen[n] = 1;
    if (depends(nodes_[n].index, v)) return true;
    pending.insert(pending.end(), nodes_[n].args.begin(), nodes_[n].args.end());
  }
  return false;
}

std::vector<NodeId> Nest::reads(NodeId root) const {
  std::vector<uint8_t> seen(nodes_.size());
  std::vector<NodeId> pending = {root}, found;
  auto visit = [&](const Linear& index, auto&& self) -> void {
    for (auto [a, c] : index.terms) {
      const Atom& atom = atoms_[a];
      if (atom.kind == Atom::Kind::kScalar) pending.push_back(atom.scalar);
      self(atom.a, self);
      self(atom.b, self);
    }
  };
  while (!pending.empty()) {
    const NodeId n = pending.back();
    pending.pop_back();
    if (seen[n]) continue;
    seen[n] = 1;
    if (nodes_[n].kind == Node::Kind::kRead) found.push_back(n);
    visit(nodes_[n].index, visit);
    pending.insert(pending.end(), nodes_[n].args.begin(), nodes_[n].args.end());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool Nest::mergeable(const Linear& index, VarId outer, VarId inner) const {
  return coefficient(index, outer) == coefficient(index, inner) * sizes_[inner];
}

void Nest::drop(Linear& index, VarId outer, VarId) const {
  const AtomId gone = variable_atoms_[outer];
  std::erase_if(index.terms, [&](const auto& term) { return term.first == gone; });
}

void Nest::merge(std::vector<VarId>& group) {
  std::erase_if(group, [&](VarId v) { return sizes_[v] == 1; });
  for (size_t i = group.size(); i-- > 1;) {
    const VarId outer = group[i - 1], inner = group[i];
    bool fits = true;
    for (const Linear& index : tracked_) fits = fits && mergeable(index, outer, inner);
    for (const Atom& atom : atoms_) fits = fits && mergeable(atom.a, outer, inner) && mergeable(atom.b, outer, inner);
    for (const Node& node : nodes_) fits = fits && mergeable(node.index, outer, inner);
    if (!fits) continue;
    for (Linear& index : tracked_) drop(index, outer, inner);
    for (Atom& atom : atoms_) drop(atom.a, outer, inner), drop(atom.b, outer, inner);
    for (Node& node : nodes_) drop(node.index, outer, inner);
    sizes_[inner] *= sizes_[outer];
    sizes_[outer] = 1;
    atoms_[variable_atoms_[inner]].high = std::max<int64_t>(sizes_[inner] - 1, 0);
    group.erase(group.begin() + static_cast<std::ptrdiff_t>(i) - 1);
  }
}

void Nest::merge_folds() {
  for (size_t n = 0; n < nodes_.size(); ++n) {
    if (nodes_[n].kind != Node::Kind::kFold) continue;
    if (nodes_[n].fold == FoldKind::kArgMax || nodes_[n].fold == FoldKind::kArgMin) continue;
    std::vector<VarId> group = nodes_[n].variables;
    merge(group);
    nodes_[n].variables = std::move(group);
  }
}

}  // namespace egret::lower
