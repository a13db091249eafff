#include "extract/solve/portfolio/whole.h"

#include <future>

#include "extract/solve/portfolio/block.h"

namespace egret::extract {
namespace {

constexpr uint64_t kWindowShare = 4;    // of the work for far answers the window and all beside it get one part each

// Yes of an incumbent that has no solution, with a gap of 0.
bool farther_than(double gap, const Incumbent& best) { return !(best.upper - best.lower <= gap * std::abs(best.upper)); }

// Until the work is spent; false where the engine can do no more.
bool run(Block& block, Engine& engine, uint64_t& work, const SolveOptions& options, const Interrupt& interrupt) {
  while (work > 0 && !block.proved() && !interrupt()) {
    const Step step = engine.advance(block.shared(), work, interrupt);
    work -= std::min(work, step.work);
    block.merge(step);
    if (step.outcome == Outcome::kGivenUp || step.work == 0) return false;
    if (!farther_than(options.gap, block.incumbent())) break;
  }
  return true;
}

// The narrow window to its end, for a better answer, beside the program over all candidates, for the bound.  What is merged
// does not depend on who was faster: a proof ends the second, never the first.
void go_on(Block& block, Engine& all, Engine& narrow, const SolveOptions& options, const Stopwatch& clock) {
  StopToken proved;
  Block bound(block.graph(), block.incumbent());
  const Interrupt interrupt{&options.limits, &clock, nullptr}, interrupt_bound{&options.limits, &clock, &proved};
  const auto policy = options.threads == 1 ? std::launch::deferred : std::launch::async;
  auto beside = std::async(policy, [&, work = options.far_work / kWindowShare]() mutable { run(bound, all, work, options, interrupt_bound); });
  uint64_t work = options.far_work / kWindowShare;
  run(block, narrow, work, options, interrupt);
  if (block.proved()) proved.request_stop();
  beside.get();
  if (block.proved()) return;
  Step found;
  found.found = bound.incumbent();
  block.merge(found);
}

}  // namespace

Incumbent solve_whole(const Hypergraph& graph, const Problem& problem, Incumbent start, std::vector<SideRow> side_rows,
                      const SolveOptions& options, uint64_t& work, const Stopwatch& clock) {
  Block block(graph, std::move(start));
  const auto engine = make_highs_engine(graph, &problem, side_rows);
  const Interrupt interrupt{&options.limits, &clock, nullptr};
  const bool more = engine && run(block, *engine, work, options, interrupt);
  if (more && options.far_work > 0 && farther_than(std::max(options.far, options.gap), block.incumbent()) && !interrupt()) {
    go_on(block, *engine, *make_highs_engine(graph, &problem, std::move(side_rows), Window::kNarrow), options, clock);
  }
  return block.incumbent();
}

}  // namespace egret::extract
