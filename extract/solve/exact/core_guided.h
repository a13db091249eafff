// Core-guided search: an optimum from below.  All costs are assumed not to be paid; each time the SAT solver refutes
// that, the assumptions it used are a core: one of them is paid, the bound rises by the least of their costs, and a
// counter takes over what paying for more of them costs (OLL, Andres et al. 2012; Morgado et al. 2014; stratified and
// hardened as in RC2, Ignatiev et al. 2019).  The first model without loops is optimal.
#pragma once

#include <memory>
#include <string>

#include "extract/solve/exact/engine.h"

namespace egret::extract {

class CoreGuided : public Engine {
 public:
  // The graph must outlive the engine.  With `proof`, fixings of other engines are not taken over, since the proof
  // could not say why they hold.
  CoreGuided(const Hypergraph& graph, bool proof);
  ~CoreGuided() override;

  const char* name() const override { return "core-guided"; }
  Step advance(const Shared& shared, uint64_t work, const Interrupt& interrupted) override;

  // Can it be asked at all?  Not with a fold budget, nor with negative costs where candidates make several items.
  static bool takes(const Hypergraph& graph);

  // Records that prove `lower` of the last step, against the best upper bound so far (docs/certificates.md).
  const std::string& proof() const;

  struct Statistics {
    uint64_t conflicts = 0, calls = 0, cores = 0, core_literals = 0, models = 0, loops = 0;
  };
  Statistics statistics() const;

 private:
  class Search;
  std::unique_ptr<Search> search_;
};

}  // namespace egret::extract
