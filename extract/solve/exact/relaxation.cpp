#include "extract/solve/exact/relaxation.h"

#include <cmath>

#include "extract/solve/exact/highs.h"
#include "support/hash.h"

namespace egret::extract {
namespace {

constexpr double kWorthLumping = 0.4;  // of the columns: more kinds save too little

// What each row says, whatever numbers term nodes have.
std::vector<uint64_t> row_keys(const IlpModel& model, const Terms& terms) {
  std::vector<uint64_t> node(terms.node_class.size());
  for (uint32_t n = 0; n < node.size(); ++n) {
    node[n] = terms.node_class[n];
    for (uint32_t o : terms.node_operands[n]) node[n] = hash_combine(node[n], o);
  }
  std::vector<uint64_t> out;
  for (const RowName& name : model.row_name) {
    const bool of_node = name.what == RowName::What::kCover || name.what == RowName::What::kEdge;
    out.push_back(hash_combine(hash_combine(static_cast<uint64_t>(name.what), of_node ? node[name.first] : name.first), name.second));
  }
  return out;
}

}  // namespace

Result<Relaxation> solve_relaxation(const Problem& problem, const Colours& colours, uint64_t iterations, const Limits& limits) {
  const auto highs = Highs::open();
  if (!highs) {
    return unsupported_error("a linear relaxation needs HiGHS, which this build was configured without",
                             "configure with EGRET_ILP=ON, or use the greedy extractor");
  }
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  const double scale = cost_scale(graph);
  const Terms terms = trusted_terms(problem, graph, graph.original);
  const IlpModel model = build_model(graph, terms, {}, scale);
  const Stopwatch clock;
  const Interrupt interrupt{&limits, &clock, nullptr};
  Kinds kinds;
  if (!colours.empty()) kinds = find_kinds(model, terms, colours);
  const bool lumped = !colours.empty() && static_cast<double>(kinds.columns) < kWorthLumping * static_cast<double>(model.cost.size());
  const HighsAnswer answer = highs->solve(lumped ? lump(model, kinds, /*uniform=*/false) : model, {.linear = true, .iterations = iterations, .interrupt = &interrupt});
  if (answer.state.status == kHighsInfeasible) return input_error("infeasible: no choice keeps the limit on folded weights", "raise --fold-limit");
  if (answer.state.status != kHighsOptimal) return limit_error("the linear relaxation: no optimum within its limits", "raise --time-limit");
  Relaxation out;
  out.bound = answer.state.objective / scale;
  out.iterations = answer.iterations();
  out.value.assign(problem.candidates.size(), 0);
  out.reduced_cost.assign(problem.candidates.size(), HUGE_VAL);
  for (uint32_t k = 0; k < graph.size(); ++k) {
    const uint32_t c = lumped ? kinds.column[k] : k;
    out.value[graph.original[k]] = answer.x[c] / (lumped ? kinds.copies[c] : 1);
    out.reduced_cost[graph.original[k]] = answer.reduced_cost[c] / scale;
  }
  const std::vector<uint64_t> key = row_keys(model, terms);
  for (size_t r = 0; r < key.size(); ++r) {
    if (const double dual = answer.row_dual[lumped ? kinds.row[r] : r]; dual != 0) out.duals.emplace(key[r], dual / scale);
  }
  return out;
}

Result<std::vector<double>> priced(const Problem& problem, const Relaxation& relaxation) {
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  const Terms terms = trusted_terms(problem, graph, graph.original);
  const IlpModel model = build_model(graph, terms, {}, 1);
  const std::vector<uint64_t> key = row_keys(model, terms);
  std::vector<double> column = model.cost;
  for (size_t r = 0; r < key.size(); ++r) {
    const auto dual = relaxation.duals.find(key[r]);
    if (dual == relaxation.duals.end()) continue;
    for (auto e = static_cast<size_t>(model.row_start[r]); e < static_cast<size_t>(model.row_start[r + 1]); ++e) {
      column[static_cast<size_t>(model.index[e])] -= dual->second * model.value[e];
    }
  }
  std::vector<double> out(problem.candidates.size(), HUGE_VAL);
  for (uint32_t k = 0; k < graph.size(); ++k) out[graph.original[k]] = column[k];
  return out;
}

}  // namespace egret::extract
