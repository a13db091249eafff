// How a pool of bodies becomes a problem and grows: what the files of this folder share.
#pragma once

#include <span>
#include <unordered_set>
#include <vector>

#include "extract/fusion/fusion.h"

namespace egret::extract {

// Items, roots, term nodes, and what is there before the run; no kernels yet.
FusionProblem empty_problem(const FusionGraph& graph, std::vector<Id> classes, const std::vector<Id>& roots, double fold_limit);

// Appends candidates: those that are there keep their numbers.  Requires: ports and outputs are items' classes.
void add_bodies(FusionProblem& problem, std::vector<Body> bodies);

// A seed in the saturated graph: canonical classes, and the e-nodes that now stand for its own.  Nothing is left (no output)
// where all that it makes is there already.  nullopt where it may not be one kernel any more.
std::optional<Body> reseated(const FusionGraph& graph, BodyTable& table, const Body& seed);

// One body that computes what both do; nullopt where they take different e-nodes for a class, or together do too much.
std::optional<Body> joined(const Body& a, const Body& b);

// The part of `inside` that `outputs` need, where `leaf` (if any) is read instead of computed.  Without ports; nullopt where an
// output is not inside.
std::optional<Body> cone(const FusionGraph& graph, const std::vector<Choice>& inside, std::vector<Id> outputs,
                         Id leaf = egraph::kNoId);

// Keys of the bodies of a pool: no body twice.
using BodyKeys = std::unordered_set<uint64_t>;

// Bodies of several results beside those of `problem`, from pairs and inner values that the bodies of `chosen` suggest.
std::vector<Body> multi_result(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules,
                               const FusionProblem& problem, std::span<const uint32_t> chosen, BodyKeys& seen);

// The family closed under dropping a result: appends, for each body of several results, those that make all but one of them.
// Only then does every item have at most one maker in some optimum, which the strong rows of the integer program say.
void close_under_dropping(const FusionGraph& graph, BodyTable& table, std::vector<Body>& bodies, BodyKeys& seen);

}  // namespace egret::extract
