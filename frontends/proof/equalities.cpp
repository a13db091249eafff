#include "frontends/proof/equalities.h"

#include <algorithm>

#include <fmt/format.h>

namespace egret::proof {

using egraph::EGraph;
using egraph::Justification;

Equalities::Equalities(const rules::TensorEGraph& tensors, const rules::CompiledRules& compiled, Proof& proof)
    : tensors_(tensors), graph_(tensors.graph()), compiled_(compiled), proof_(proof), exact_(graph_.id_count()) {}

Result<TermId> Equalities::exact(Id node) {
  std::vector<Id> open{node};
  while (!open.empty()) {
    const Id n = open.back();
    if (exact_[n]) {
      open.pop_back();
      continue;
    }
    const size_t before = open.size();
    std::vector<TermId> operands;
    for (Id o : graph_.operands(n)) {
      if (exact_[o]) {
        operands.push_back(*exact_[o]);
      } else {
        open.push_back(o);
      }
    }
    if (open.size() > before) continue;
    const OpDef* op = &tensors_.op(n);
    Attrs attrs = tensors_.attrs_of(n);
    if (op->name == "input") attrs = {{"name", attrs.at("name")}, {"type", tensors_.type(n).to_string()}};
    if (op->name == "constant") {
      const TensorRef& value = std::get<TensorRef>(attrs.at("value"));
      if (!is_shown(*value)) {
        op = &op_named("input");
        attrs = {{"name", literal_name(*value)}, {"type", value->type().to_string()}};
      }
    }
    EGRET_TRY(const TermId term, proof_.terms.add(*op, std::move(attrs), std::move(operands)));
    exact_[n] = term;
    node_of_exact_.try_emplace(term, n);
    open.pop_back();
  }
  return *exact_[node];
}

// --- steps ------------------------------------------------------------------------------------------------------------

int64_t Equalities::add_step(Step step, uint32_t application) {
  if (step.left == step.right) return 0;
  const bool forward = step.left < step.right;
  const auto key = std::minmax(step.left, step.right);
  auto known = step_of_.find({key.first, key.second});
  if (known == step_of_.end()) {
    const int64_t number = static_cast<int64_t>(proof_.steps.size()) + 1;
    known = step_of_.emplace(std::pair(key.first, key.second), forward ? number : -number).first;
    proof_.steps.push_back(std::move(step));
    step_applications_.push_back(application);
  }
  return forward ? known->second : -known->second;
}

int64_t Equalities::congruence(TermId left, TermId right, std::vector<int64_t> premises) {
  Step s;
  s.left = left;
  s.right = right;
  s.premises = std::move(premises);
  return add_step(std::move(s));
}

int64_t Equalities::chain(TermId left, TermId right, std::vector<int64_t> premises) {
  std::erase(premises, 0);
  if (left == right) return 0;
  if (premises.size() == 1) return premises[0];
  Step s;
  s.kind = Step::Kind::kChain;
  s.left = left;
  s.right = right;
  s.premises = std::move(premises);
  return add_step(std::move(s));
}

// --- e-nodes ----------------------------------------------------------------------------------------------------------

uint32_t Equalities::newest_union(Id a, Id b) const {
  uint32_t newest = 0;
  if (a == b) return 0;
  for (const EGraph::Edge& e : graph_.explain(a, b)) newest = std::max(newest, e.number + 1);
  return newest;
}

const std::vector<Id>& Equalities::members(Id cls) {
  if (members_.empty()) {
    members_.resize(graph_.id_count());
    for (Id id = 0; id < graph_.id_count(); ++id) members_[graph_.find(id)].push_back(id);
  }
  return members_[graph_.find(cls)];
}

std::optional<int64_t> Equalities::need(Id a, Id b) {
  if (a == b) return 0;
  auto known = proved_.find(std::minmax(a, b));
  if (known != proved_.end()) return a < b ? known->second : -known->second;
  missing_.push_back(std::minmax(a, b));
  return std::nullopt;
}

Result<int64_t> Equalities::prove(Id a, Id b) {
  if (auto known = need(a, b)) return *known;
  std::vector<Pair> open{std::minmax(a, b)};
  std::set<Pair> in_progress;
  while (!open.empty()) {
    const Pair pair = open.back();
    if (proved_.contains(pair)) {
      open.pop_back();
      continue;
    }
    missing_.clear();
    auto attempted = attempt(pair);
    if (!attempted.ok()) return attempted.take_error();
    in_progress.insert(pair);
    if (*attempted) {
      proved_[pair] = **attempted;
      in_progress.erase(pair);
      open.pop_back();
      continue;
    }
    EGRET_CHECK(!missing_.empty(), "an equality without a proof that waits for nothing");
    for (const Pair& m : missing_) {
      if (in_progress.contains(m)) return internal_error(fmt::format("the explanation of e-nodes {} and {} rests on itself", m.first, m.second));
    }
    open.insert(open.end(), missing_.begin(), missing_.end());
  }
  return *need(a, b);
}

Equalities::Attempt Equalities::attempt(Pair pair) {
  const auto [a, b] = pair;
  const std::vector<EGraph::Edge> path = graph_.explain(a, b);
  if (path.size() == 1) return attempt_edge(path[0]);
  EGRET_TRY(const TermId left, exact(a));
  EGRET_TRY(const TermId right, exact(b));
  std::vector<int64_t> premises;
  bool all = true;
  for (const EGraph::Edge& e : path) {
    const auto premise = need(e.from, e.to);
    all &= premise.has_value();
    premises.push_back(premise.value_or(0));
  }
  if (!all) return std::optional<int64_t>();
  return std::optional(chain(left, right, std::move(premises)));
}

// The step says smaller id = larger id, as `proved_` wants it.
Equalities::Attempt Equalities::attempt_edge(const EGraph::Edge& edge) {
  const Id from = edge.forward ? edge.from : edge.to, to = edge.forward ? edge.to : edge.from;
  Attempt made = std::optional<int64_t>();
  if (edge.why.kind == Justification::Kind::kCongruence) {
    made = attempt_congruence(from, to);
  } else if (edge.why.kind == Justification::Kind::kRule) {
    made = attempt_rule(from, to, edge);
  } else if (edge.why.kind == Justification::Kind::kGiven && edge.why.detail == rules::TensorEGraph::kDecomposition) {
    made = attempt_decomposition(from, to, edge.number);
  } else if (edge.why.kind == Justification::Kind::kGiven && edge.why.detail == rules::TensorEGraph::kFolded) {
    folding_.insert(edge.number);
    made = attempt_fold(from, to, edge.number);
    if (!made.ok() || *made) folding_.erase(edge.number);
  } else {
    return internal_error("a union that no step can state");
  }
  if (!made.ok() || !*made || from < to) return made;
  return std::optional(-**made);
}

Equalities::Attempt Equalities::attempt_congruence(Id a, Id b) {
  EGRET_TRY(const TermId left, exact(a));
  EGRET_TRY(const TermId right, exact(b));
  const auto x = graph_.operands(a), y = graph_.operands(b);
  std::vector<int64_t> premises;
  bool all = x.size() == y.size();
  EGRET_CHECK(all, "congruent e-nodes with different arities");
  for (size_t i = 0; i < x.size(); ++i) {
    const auto premise = need(x[i], y[i]);
    all &= premise.has_value();
    premises.push_back(premise.value_or(0));
  }
  if (!all) return std::optional<int64_t>();
  return std::optional(congruence(left, right, std::move(premises)));
}

}  // namespace egret::proof
