// Fusion of a program in text form as it stands, without algebra: speed_fusion FILE [RUNS].  Prints the least processor
// time of some runs for the bodies with one result, for the whole pool and for the covers.  Not a test.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "extract/fusion/covers.h"
#include "extract/fusion/enumerate.h"
#include "ir/text/text.h"
#include "rules/lang/fusion_rules.h"
#include "support/files.h"

using namespace egret;
using namespace egret::extract;

namespace {

double now() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Status measure(const char* path, int runs) {
  EGRET_TRY(const std::string text, read_file(path));
  EGRET_TRY(const Graph program, parse_graph(text, path));
  rules::RuleSet set;
  EGRET_TRY_VOID(set.add_library());
  EGRET_TRY(const Device device, load_device("h200"));
  rules::TensorEGraph tensors(rules::TensorEGraph::Options{.freeze = false});
  EGRET_TRY(const std::vector<egraph::Id> values, tensors.insert(program));
  tensors.fold_constants();
  std::vector<Id> roots;
  for (const GraphOutput& o : program.outputs) roots.push_back(values[o.value]);
  double single = 1e9, pool = 1e9, covers = 1e9;
  for (int r = 0; r < runs; ++r) {
    FormTable forms(device, rules::fusion_rules(set));
    FusionSpace space(tensors, forms);
    FusionOptions options;
    double start = now();
    const Enumeration found = enumerate(space.graph, space.table, roots, options);
    single = std::min(single, now() - start);
    FormTable fresh(device, rules::fusion_rules(set));
    FusionSpace again(tensors, fresh);
    start = now();
    EGRET_TRY(const FusionProblem problem, fuse(again, roots, options));
    pool = std::min(pool, now() - start);
    // The covers once more, over the pool that holds their kernels by now.
    FusionProblem copy = problem;
    BodyKeys seen;
    for (const Body& b : copy.bodies) seen.insert(b.key());
    start = now();
    EGRET_TRY(const auto found_covers, cover_portfolio(again.graph, again.table, again.table.rules(), options.limits, roots, copy, seen));
    covers = std::min(covers, now() - start);
    if (r > 0) continue;
    std::printf("%zu operators, %zu candidates, %zu forms\n", program.nodes.size() - program.inputs.size(), problem.problem.candidates.size(), fresh.size());
    for (const Solution& c : found_covers) std::printf("  %-9s %.6g us\n", c.method.c_str(), c.cost * 1e6);
  }
  std::printf("seconds: bodies of one result %.3f, pool and covers %.3f, covers %.3f\n", single, pool, covers);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 1;
  const Status done = measure(argv[1], argc > 2 ? std::atoi(argv[2]) : 3);
  if (!done.ok()) std::printf("%s\n", done.error().to_string().c_str());
  return done.ok() ? 0 : 1;
}
