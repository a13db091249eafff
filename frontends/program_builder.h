// From extraction's answer to a Program: launches in order, what is prepared before the run, and the same as a graph.
#pragma once

#include "extract/fusion/fusion.h"
#include "extract/solve/solve.h"
#include "ir/graph.h"
#include "lower/program.h"

namespace egret {

struct ChosenProgram {
  Program program;
  Graph graph;                                   // the chosen term, inputs as in the source
  std::vector<std::vector<egraph::Id>> run_nodes;  // e-node of each operator of each run launch's body (kNoId: ports)
  std::vector<egraph::Id> graph_nodes;           // e-node of each node of `graph`
  std::vector<uint32_t> run_candidates;          // of the extraction problem, of each run launch
};

// `source` is the imported graph, `values` the ids of its values in `tensors`.  `launches`: candidates in order, each after
// what it reads; one may stand several times.  What is made before the run is as in `solution`.
Result<ChosenProgram> build_program(const Graph& source, const std::vector<egraph::Id>& values,
                                    const rules::TensorEGraph& tensors, const extract::FusionProblem& problem,
                                    const extract::Solution& solution, const std::vector<uint32_t>& launches);

}  // namespace egret
