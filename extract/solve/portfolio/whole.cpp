#include "extract/solve/portfolio/whole.h"

#include "extract/solve/portfolio/block.h"

namespace egret::extract {

Incumbent solve_whole(const Hypergraph& graph, const Problem& problem, Incumbent start, std::vector<SideRow> side_rows,
                      const SolveOptions& options, uint64_t work, const Stopwatch& clock) {
  Block block(graph, std::move(start));
  const auto engine = make_highs_engine(graph, &problem, std::move(side_rows));
  const Interrupt interrupt{&options.limits, &clock, nullptr};
  while (engine && work > 0 && !block.proved() && !interrupt()) {
    const Step step = engine->advance(block.shared(), work, interrupt);
    work -= std::min(work, step.work);
    block.merge(step);
    if (step.outcome == Outcome::kGivenUp || step.work == 0) break;
    const Incumbent& best = block.incumbent();
    if (best.upper - best.lower <= options.gap * std::abs(best.upper)) break;
  }
  return block.incumbent();
}

}  // namespace egret::extract
