#include "extract/solve/exact/engine.h"

#include "extract/solve/graph/grain.h"

namespace egret::extract {

void conclude(Step& step, const Incumbent& best, double grain, bool interrupted) {
  step.found.lower = best.lower;
  if (interrupted) step.outcome = Outcome::kInterrupted;
  if (best.lower < cutoff(best.upper, grain)) return;
  step.found.lower = best.upper;
  step.outcome = Outcome::kProved;
}

}  // namespace egret::extract
