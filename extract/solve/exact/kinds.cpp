#include "extract/solve/exact/kinds.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "extract/solve/exact/highs.h"
#include "extract/solve/reduce/undominated.h"
#include "support/hash.h"

namespace egret::extract {
namespace {

constexpr double kWorthLumping = 0.5;      // of the columns: more kinds save too little
constexpr double kTolerance = 1e-7;        // of HiGHS: a reduced cost may be so far below zero
constexpr double kSupport = 1e-7;          // a larger value is chosen in part
constexpr double kEnough = 1e-3;           // of the cost: a gap that no integer program is asked to close
constexpr uint64_t kIntegerIterations = 10'000;

uint64_t bits(double x) { return std::bit_cast<uint64_t>(x == 0 ? 0.0 : x); }

// Numbers by first occurrence.
uint32_t number(const std::vector<uint64_t>& colours, std::vector<uint32_t>& out) {
  std::unordered_map<uint64_t, uint32_t> place;
  out.clear();
  for (uint64_t c : colours) out.push_back(place.try_emplace(c, static_cast<uint32_t>(place.size())).first->second);
  return static_cast<uint32_t>(place.size());
}

// The entries of the lumped rows, column by column of the model: (kind of row, sum), ascending.
struct Columns {
  std::vector<size_t> start;
  std::vector<std::pair<uint32_t, double>> entries;
  std::span<const std::pair<uint32_t, double>> operator[](size_t c) const { return {entries.data() + start[c], start[c + 1] - start[c]}; }
};

Columns columns_by_kind(const IlpModel& model, const std::vector<uint32_t>& kind) {
  const size_t columns = model.cost.size(), rows = model.row_lower.size();
  Columns raw;
  raw.start.assign(columns + 1, 0);
  for (int32_t c : model.index) ++raw.start[static_cast<size_t>(c) + 1];
  std::partial_sum(raw.start.begin(), raw.start.end(), raw.start.begin());
  raw.entries.resize(model.index.size());
  std::vector<size_t> next(raw.start.begin(), raw.start.end() - 1);
  for (size_t r = 0; r < rows; ++r) {
    for (auto e = static_cast<size_t>(model.row_start[r]); e < static_cast<size_t>(model.row_start[r + 1]); ++e) {
      raw.entries[next[static_cast<size_t>(model.index[e])]++] = {kind[r], model.value[e]};
    }
  }
  Columns out;
  out.start.push_back(0);
  for (size_t c = 0; c < columns; ++c) {
    std::sort(raw.entries.begin() + static_cast<ptrdiff_t>(raw.start[c]), raw.entries.begin() + static_cast<ptrdiff_t>(raw.start[c + 1]));
    for (const auto& [k, v] : raw[c]) {
      if (out.entries.size() > out.start.back() && out.entries.back().first == k) out.entries.back().second += v;
      else out.entries.emplace_back(k, v);
    }
    out.start.push_back(out.entries.size());
  }
  return out;
}

bool same_column(const IlpModel& model, const Columns& columns, size_t a, size_t b) {
  return model.cost[a] == model.cost[b] && model.lower[a] == model.lower[b] && model.upper[a] == model.upper[b] &&
         model.integer[a] == model.integer[b] && std::ranges::equal(columns[a], columns[b]);
}

std::vector<uint64_t> row_colours(const IlpModel& model, const Terms& terms, const Colours& colours) {
  std::vector<uint64_t> node;
  for (uint32_t n = 0; n < terms.node_class.size(); ++n) {
    uint64_t reads = 0;
    for (uint32_t o : terms.node_operands[n]) reads += mix(colours[o]);
    node.push_back(hash_combine(colours[terms.node_class[n]], reads));
  }
  auto of = [](const std::vector<uint64_t>& from, uint32_t i) { return i == UINT32_MAX ? 0 : from[i]; };
  std::vector<uint64_t> out;
  for (size_t r = 0; r < model.row_name.size(); ++r) {
    const RowName& name = model.row_name[r];
    const bool of_node = name.what == RowName::What::kCover || name.what == RowName::What::kEdge;
    uint64_t h = hash_combine(static_cast<uint64_t>(name.what), of(of_node ? node : colours, name.first));
    h = hash_combine(h, of(colours, name.second));
    out.push_back(hash_combine(hash_combine(h, bits(model.row_lower[r])), bits(model.row_upper[r])));
  }
  return out;
}

// The cheapest choice among `candidates` that greedy covers find.
std::optional<Solution> greedy_among(const Problem& problem, const std::vector<uint32_t>& candidates, const Limits& limits) {
  Problem part = problem;
  part.candidates.clear();
  for (uint32_t c : candidates) part.candidates.push_back(problem.candidates[c]);
  SolveOptions options;
  options.limits = limits;
  auto found = solve_greedy(part, options);
  if (!found.ok()) return std::nullopt;
  for (uint32_t& c : found->chosen) c = candidates[c];
  return *std::move(found);
}

class KindsSolver {
 public:
  KindsSolver(const Highs& highs, const Problem& problem, const Colours& colours, const Solution& start, uint64_t iterations, const Limits& limits)
      : highs_(highs), problem_(problem), colours_(colours), best_(start), iterations_(iterations), limits_(limits) {}

  Result<Solution> run() {
    EGRET_TRY(const Hypergraph whole, make_hypergraph(problem_));
    graph_ = undominated(whole);  // some optimum needs no other
    scale_ = cost_scale(graph_);
    const Terms terms = trusted_terms(problem_, graph_, graph_.original);
    model_ = build_model(graph_, terms, {}, scale_);
    kinds_ = find_kinds(model_, terms, colours_);
    if (static_cast<double>(kinds_.columns) > kWorthLumping * static_cast<double>(model_.cost.size())) return best_;
    const Interrupt interrupt{&limits_, &clock_, nullptr};
    const HighsAnswer linear = highs_.solve(lump(model_, kinds_, /*uniform=*/false), {.linear = true, .iterations = iterations_, .interrupt = &interrupt});
    if (linear.state.status != kHighsOptimal) return best_;
    const double slack = kTolerance * std::accumulate(model_.upper.begin(), model_.upper.end(), 0.0);
    best_.bound = std::max(best_.bound, std::min(best_.cost, (linear.state.objective - slack) / scale_));
    try_among(members(linear.x, kSupport));
    if (best_.cost - best_.bound > kEnough * best_.cost) choose_alike(linear.reduced_cost);
    best_.optimal = best_.cost - best_.bound <= 1e-9 * std::abs(best_.cost);
    best_.seconds = clock_.seconds();
    return best_;
  }

 private:
  Limits left() const {
    Limits out = limits_;
    out.seconds = std::max(0.0, limits_.seconds - clock_.seconds());
    return out;
  }

  // Candidates of the problem whose kind has a value above `above`.
  std::vector<uint32_t> members(const std::vector<double>& value, double above) const {
    std::vector<uint32_t> out;
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (value[kinds_.column[k]] > above) out.push_back(graph_.original[k]);
    }
    return out;
  }

  // With what is chosen so far beside them there is always a choice.
  void try_among(std::vector<uint32_t> candidates) {
    candidates.insert(candidates.end(), best_.chosen.begin(), best_.chosen.end());
    std::sort(candidates.begin(), candidates.end());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    if (clock_.expired(limits_)) return;
    if (auto found = greedy_among(problem_, candidates, left())) take(std::move(*found));
  }

  void take(Solution found) {
    if (found.cost >= best_.cost || !check_solution(problem_, found).ok()) return;
    found.bound = best_.bound;
    found.method = "kinds";
    best_ = std::move(found);
  }

  // The lumped integer program: what is done in one layer is done in all of its kind.
  void choose_alike(const std::vector<double>& reduced) {
    IlpModel uniform = lump(model_, kinds_, /*uniform=*/true);
    for (uint32_t c = 0; c < kinds_.columns; ++c) {
      const double dearer = std::max(0.0, reduced[c]) * kinds_.copies[c] / scale_;
      if (uniform.integer[c] && best_.bound + dearer > best_.cost) uniform.upper[c] = 0;
    }
    const Interrupt interrupt{&limits_, &clock_, nullptr};
    const HighsAnswer answer = highs_.solve(uniform, {.iterations = std::min(iterations_, kIntegerIterations), .interrupt = &interrupt,
                                                      .absolute_gap = kEnough * best_.cost * scale_});
    if (!answer.state.has_solution) return;
    Solution whole;
    whole.chosen = members(answer.x, 0.5);
    for (uint32_t c : whole.chosen) whole.cost += problem_.candidates[c].cost;
    take(whole);
    try_among(std::move(whole.chosen));
  }

  const Highs& highs_;
  const Problem& problem_;
  const Colours& colours_;
  Solution best_;
  const uint64_t iterations_;
  const Limits& limits_;
  Stopwatch clock_;
  Hypergraph graph_;
  IlpModel model_;
  Kinds kinds_;
  double scale_ = 1;
};

}  // namespace

Kinds find_kinds(const IlpModel& model, const Terms& terms, const Colours& colours) {
  Kinds out;
  out.rows = number(row_colours(model, terms, colours), out.row);
  const Columns columns = columns_by_kind(model, out.row);
  std::unordered_map<uint64_t, std::vector<uint32_t>> by_hash;  // first members of the kinds with that hash
  std::vector<uint32_t> first;
  for (uint32_t c = 0; c < model.cost.size(); ++c) {
    uint64_t h = hash_combine(bits(model.cost[c]), model.integer[c]);
    for (const auto& [k, v] : columns[c]) h = hash_combine(hash_combine(h, k), bits(v));
    std::vector<uint32_t>& known = by_hash[h];
    const auto same = std::ranges::find_if(known, [&](uint32_t kind) { return same_column(model, columns, first[kind], c); });
    if (same == known.end()) {
      known.push_back(out.columns);
      first.push_back(c);
      out.column.push_back(out.columns++);
      out.copies.push_back(1);
    } else {
      out.column.push_back(*same);
      ++out.copies[*same];
    }
  }
  return out;
}

IlpModel lump(const IlpModel& model, const Kinds& kinds, bool uniform) {
  IlpModel out;
  out.cost.resize(kinds.columns);
  out.lower.resize(kinds.columns);
  out.upper.resize(kinds.columns);
  out.integer.resize(kinds.columns);
  std::vector<double> unit(kinds.columns, 1);  // copies that a column's 1 stands for
  for (size_t c = 0; c < model.cost.size(); ++c) {
    const uint32_t k = kinds.column[c];
    if (uniform && model.integer[c]) unit[k] = kinds.copies[k];
    out.cost[k] = model.cost[c] * unit[k];
    out.lower[k] = model.lower[c] * kinds.copies[k] / unit[k];
    out.upper[k] = model.upper[c] * kinds.copies[k] / unit[k];
    out.integer[k] = model.integer[c];
  }
  // A column of the model's first member stands for the kind: all are equal.
  std::vector<std::vector<std::pair<uint32_t, double>>> rows(kinds.rows);
  const Columns columns = columns_by_kind(model, kinds.row);
  std::vector<uint8_t> seen(kinds.columns, 0);
  for (size_t c = 0; c < model.cost.size(); ++c) {
    const uint32_t k = kinds.column[c];
    if (seen[k]) continue;
    seen[k] = 1;
    for (const auto& [row, value] : columns[c]) {
      if (value != 0) rows[row].emplace_back(k, value * unit[k]);
    }
  }
  out.row_lower.assign(kinds.rows, 0);
  out.row_upper.assign(kinds.rows, 0);
  for (size_t r = 0; r < model.row_lower.size(); ++r) {
    out.row_lower[kinds.row[r]] += model.row_lower[r];
    out.row_upper[kinds.row[r]] += model.row_upper[r];
  }
  for (const auto& row : rows) {
    for (const auto& [k, value] : row) {
      out.index.push_back(static_cast<int32_t>(k));
      out.value.push_back(value);
    }
    out.row_start.push_back(static_cast<int32_t>(out.index.size()));
  }
  return out;
}

Result<Solution> solve_kinds(const Problem& problem, const Colours& colours, const Solution& start, uint64_t iterations, const Limits& limits) {
  const auto highs = Highs::open();
  if (!highs) return start;
  return KindsSolver(*highs, problem, colours, start, iterations, limits).run();
}

}  // namespace egret::extract
