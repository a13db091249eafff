#include "ir/inline.h"

#include <algorithm>

namespace egret {

Inliner::Inliner(const Graph& body)
    : body_(body), stage_of_(body.nodes.size(), -1), port_of_(body.nodes.size(), -1), meanings_(body.nodes.size()) {
  for (size_t p = 0; p < body.inputs.size(); ++p) port_of_[body.inputs[p].value] = static_cast<int>(p);
}

void Inliner::set_stage(ValueId v, int stage, bool only_in_place) {
  stage_of_[v] = stage;
  if (only_in_place) in_place_only_.push_back(v);
}

Result<Comprehension> Inliner::meaning_of(ValueId v) {
  out_ = Comprehension{};
  out_.result = body_.type(v);
  out_.sizes = body_.type(v).sizes();
  memo_.clear();
  root_ = v;
  own_.clear();
  for (int i = 0; i < out_.result.rank(); ++i) own_.push_back(index(static_cast<uint32_t>(i)));
  EGRET_TRY(out_.body, value(v, own_));
  return std::move(out_);
}

ExprId Inliner::index(uint32_t variable) {
  Expr e;
  e.kind = ExprKind::kIndex;
  e.number = variable;
  return out_.add(std::move(e));
}

ExprId Inliner::read(size_t operand, DType dtype, Indices indices) {
  Expr e;
  e.kind = ExprKind::kRead;
  e.number = static_cast<uint32_t>(operand);
  e.dtype = dtype;
  e.args = std::move(indices);
  return out_.add(std::move(e));
}

Result<ExprId> Inliner::value(ValueId v, const Indices& indices) {
  const GraphNode& node = body_.nodes[v];
  if (port_of_[v] >= 0) return read(static_cast<size_t>(port_of_[v]), node.type.dtype, indices);
  if (v != root_ && stage_of_[v] >= 0) {
    const bool restricted = std::find(in_place_only_.begin(), in_place_only_.end(), v) != in_place_only_.end();
    if (!restricted || indices == own_) return read(body_.inputs.size() + static_cast<size_t>(stage_of_[v]), node.type.dtype, indices);
  }
  auto key = std::make_pair(v, indices);
  if (auto it = memo_.find(key); it != memo_.end()) return it->second;
  if (!meanings_[v]) {
    EGRET_TRY(auto all, instantiate(*node.op, node.attrs, operand_types(body_, node)));
    meanings_[v] = std::move(all[0]);
  }
  const Comprehension& meaning = *meanings_[v];
  Indices variables = indices;
  const auto first_folded = static_cast<uint32_t>(out_.sizes.size());
  for (size_t i = indices.size(); i < meaning.sizes.size(); ++i) {
    variables.push_back(index(static_cast<uint32_t>(out_.sizes.size())));
    out_.sizes.push_back(meaning.sizes[i]);
  }
  EGRET_TRY(const ExprId made, copied(v, variables, first_folded));
  memo_[std::move(key)] = made;
  return made;
}

Result<ExprId> Inliner::copied(ValueId v, const Indices& variables, uint32_t first_folded) {
  const Comprehension& meaning = *meanings_[v];
  Indices copy(meaning.exprs.size(), 0);
  const auto axes = static_cast<uint32_t>(meaning.result.rank());
  for (ExprId i = 0; i < meaning.exprs.size(); ++i) {
    const Expr& e = meaning.exprs[i];
    if (e.kind == ExprKind::kIndex) {
      copy[i] = variables[e.number];
      continue;
    }
    Indices args;
    for (ExprId a : e.args) args.push_back(copy[a]);
    if (e.kind == ExprKind::kRead) {
      EGRET_TRY(copy[i], value(body_.nodes[v].operands[e.number], args));
      continue;
    }
    Expr c = e;
    c.args = std::move(args);
    for (uint32_t& variable : c.variables) variable = first_folded + (variable - axes);
    copy[i] = out_.add(std::move(c));
  }
  return copy[meaning.body];
}

}  // namespace egret
