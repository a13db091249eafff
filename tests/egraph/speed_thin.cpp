// A long-thin program as a whole process: speed_thin RULES BACKGROUND.  Each iteration one rule of RULES matches once,
// over a graph of BACKGROUND e-nodes; prints the time an iteration takes.  Not a test.
#include <cstdio>
#include <cstdlib>

#include "tests/egraph/terms.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

int main(int argc, char** argv) {
  const int rule_count = argc > 1 ? std::atoi(argv[1]) : 500;
  const uint64_t background = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 60'000;
  EGraph graph({.explanations = false});
  const OpKind g = graph.intern_op("g");
  const Id leaf = insert(graph, "x");
  for (Id i = 0; graph.node_count() < background; ++i) graph.add(g, 0, {{i, leaf}});
  insert(graph, "(s0 (k0 x))");
  std::vector<Rewrite> rules;
  for (int r = 0; r < rule_count; ++r) {
    const std::string a = std::to_string(r), b = std::to_string(r + 1);
    rules.push_back(rewrite(graph, "r" + a, {"(s" + a + " (k" + a + " ?x))"}, {"(s" + b + " (k" + b + " ?x))"}));
  }
  const Report report = run(graph, rules, unlimited(1u << 20));
  std::printf("%zu iterations, %zu e-nodes, %.4f s: %.2f us an iteration, %.1f ns a rule and iteration\n", report.iterations.size(),
              graph.node_count(), report.seconds, report.seconds * 1e6 / static_cast<double>(report.iterations.size()),
              report.seconds * 1e9 / static_cast<double>(report.iterations.size()) / rule_count);
}
