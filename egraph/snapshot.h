// Snapshots: an e-graph as bytes, and back.
//
// The bytes are the arrays themselves in sections, each with its length and checksum, behind a header with a version
// and a mark of the byte order.  What can be made from the rest (hash-cons, lists) is not stored, so the bytes are a
// function of the graph alone: equal graphs, ids included, have equal snapshots, whatever number of threads made them.
// A graph that was loaded goes on exactly as the saved one would have (RunOptions::resume goes on between iterations).
//
// Loading trusts nothing: lengths, checksums, ids, arities, parents and the proof forest are checked before use.
#pragma once

#include <string>
#include <string_view>

#include "egraph/egraph.h"
#include "support/result.h"

namespace egret::egraph {

// Requires: graph.clean().  Facts are stored as the numbers that the analyses gave them; analyses themselves are not.
std::string to_snapshot(const EGraph& graph);
// `name` is for errors.  An analysis added to the loaded graph under a stored name takes its stored facts up.
Result<EGraph> from_snapshot(std::string_view bytes, const std::string& name);

Status save_snapshot(const EGraph& graph, const std::string& path);  // whole or not at all
Result<EGraph> load_snapshot(const std::string& path);

}  // namespace egret::egraph
