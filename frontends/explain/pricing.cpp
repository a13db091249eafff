#include "frontends/explain/pricing.h"

#include <algorithm>

#include <fmt/format.h>

namespace egret::explain {
namespace {

using egraph::Id;

constexpr uint64_t kPriceWork = 4'000'000;  // of the exact engines: some seconds

// An e-node's operator as a kernel of its own, where its operands are items.
std::optional<extract::Candidate> kernel_alone(const KeptRun& run, const Device& device, Id node, std::string* why) {
  const rules::TensorEGraph& tensors = *run.tensors;
  auto item = [&](Id cls) {
    auto it = std::find(run.item_class.begin(), run.item_class.end(), tensors.graph().find(cls));
    return it == run.item_class.end() ? std::optional<uint32_t>() : static_cast<uint32_t>(it - run.item_class.begin());
  };
  const OpDef& op = tensors.op(node);
  extract::Candidate out;
  std::vector<Type> types;
  for (Id o : tensors.graph().canonical_operands(node)) {
    types.push_back(tensors.type(o));
    const auto read = item(o);
    if (!read) {
      *why = fmt::format("no kernel makes an operand of {}", op.name);
      return std::nullopt;
    }
    out.operands.push_back(*read);
  }
  const auto made = item(node);
  if (!made) {
    *why = fmt::format("the class of {} is needed by no kernel", op.name);
    return std::nullopt;
  }
  if (std::count(out.operands.begin(), out.operands.end(), *made) > 0) {
    *why = fmt::format("{} reads the class that it makes", op.name);
    return std::nullopt;
  }
  auto kernel = kernel_of(op, tensors.attrs_of(node), types);
  if (!kernel.ok()) {
    *why = kernel.error().message;
    return std::nullopt;
  }
  std::sort(out.operands.begin(), out.operands.end());
  out.operands.erase(std::unique(out.operands.begin(), out.operands.end()), out.operands.end());
  out.results = {*made};
  out.cost = estimate(*kernel, device).seconds;
  return out;
}

}  // namespace

bool Pricing::given(Id cls) const {
  auto it = std::find(run_.item_class.begin(), run_.item_class.end(), run_.tensors->graph().find(cls));
  if (it == run_.item_class.end()) return run_.tensors->depends(cls) != rules::Dependence::kData;
  const auto item = static_cast<uint32_t>(it - run_.item_class.begin());
  return run_.problem.is_free(item) || run_.tensors->depends(cls) != rules::Dependence::kData;
}

Result<std::optional<Price>> Pricing::solve(const extract::Problem& problem) const {
  extract::SolveOptions options;
  options.limits = limits_;
  options.work = kPriceWork;
  auto start = extract::solve_greedy(problem, options);
  if (!start.ok()) {
    if (start.error().code == ErrorCode::kInput || start.error().code == ErrorCode::kLimit) return std::optional<Price>();
    return start.take_error();
  }
  EGRET_TRY(const extract::Solution best, extract::solve_portfolio(problem, options, &*start));
  return std::optional<Price>({best.cost, best.bound, best.optimal});
}

Result<std::optional<Price>> Pricing::with(std::span<const Id> forced, std::string* why) const {
  extract::Problem problem = run_.problem;
  if (problem.free_items.empty()) problem.free_items.assign(problem.items, 0);
  for (Id node : forced) {
    if (given(node)) continue;
    const uint32_t item = problem.items++;
    problem.free_items.push_back(0);
    problem.roots.push_back(item);
    size_t makers = 0;
    for (size_t c = 0; c < run_.inside.size(); ++c) {
      if (std::count(run_.inside[c].begin(), run_.inside[c].end(), node) == 0) continue;
      problem.candidates[c].results.push_back(item);
      ++makers;
    }
    if (makers > 0) continue;
    auto alone = kernel_alone(run_, device_, node, why);
    if (!alone) return std::optional<Price>();
    alone->results.push_back(item);
    problem.candidates.push_back(std::move(*alone));
  }
  EGRET_TRY(auto price, solve(problem));
  if (!price) *why = "its kernels would read each other's results in a cycle";
  return price;
}

Result<std::optional<Price>> Pricing::without(std::span<const Id> forbidden) const {
  extract::Problem problem = run_.problem;
  problem.candidates.clear();
  for (size_t c = 0; c < run_.inside.size(); ++c) {
    const bool holds = std::any_of(forbidden.begin(), forbidden.end(), [&](Id n) { return std::count(run_.inside[c].begin(), run_.inside[c].end(), n) > 0; });
    if (!holds) problem.candidates.push_back(run_.problem.candidates[c]);
  }
  return solve(problem);
}

bool Pricing::chosen(Id node) const {
  return std::any_of(run_.solution.chosen.begin(), run_.solution.chosen.end(), [&](uint32_t c) {
    return std::count(run_.inside[c].begin(), run_.inside[c].end(), node) > 0;
  });
}

}  // namespace egret::explain
