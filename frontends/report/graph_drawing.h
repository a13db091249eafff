// Graphs as SVG: layers by depth, a box an operator (or a kernel), lines for operands.
#pragma once

#include <string>

#include "ir/graph.h"
#include "lower/program.h"

namespace egret {

std::string draw_graph(const Graph& graph);  // what depends on data; work on weights alone is left out
std::string draw_program(const Program& program);
std::string drawing_legend();

}  // namespace egret
