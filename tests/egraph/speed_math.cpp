// math-microbenchmark as a whole process: speed_math STEPS [THREADS [EXPLANATIONS]].  Prints seconds, e-nodes, peak memory.
// Not a test: experiments and the documentation of the engine use it.
#include <cstdio>
#include <cstdlib>

#include "support/limits.h"
#include "tests/egraph/terms.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

int main(int argc, char** argv) {
  const uint64_t steps = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
  EGraph graph({.explanations = argc > 3 && argv[3][0] == '1'});
  insert_math_terms(graph);
  const std::vector<Rewrite> rules = math_rules(graph);
  RunOptions options = unlimited(steps, threads);
  options.limits.bytes = uint64_t{1} << 40;
  const Report report = run(graph, rules, options);
  double search = 0, apply = 0, rebuild = 0;
  for (const Iteration& i : report.iterations) search += i.search_s, apply += i.apply_s, rebuild += i.rebuild_s;
  const double nodes = static_cast<double>(graph.node_count()), peak = static_cast<double>(egret::peak_resident_bytes());
  std::printf("%zu e-nodes, %zu classes, %zu ids: %.4f s (search %.4f, apply %.4f, rebuild %.4f); %.1f B an e-node counted, %.1f B peak\n",
              graph.node_count(), graph.class_count(), graph.id_count(), report.seconds, search, apply, rebuild,
              static_cast<double>(graph.bytes()) / nodes, peak / nodes);
}
