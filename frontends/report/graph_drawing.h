// Graphs as SVG: layers by depth, a box an operator (or a kernel), lines for operands.
#pragma once

#include <string>

#include "ir/graph.h"
#include "lower/program.h"

namespace egret {

std::string draw_graph(const Graph& graph);
std::string draw_program(const Program& program);

}  // namespace egret
