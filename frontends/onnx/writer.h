// Graphs to ONNX files: the standard domain only, operator set 20.
//
// Every pure operator of ir is written; composites that ONNX has stay one node, others are expanded.  Parameters and
// constants become initializers.  Errors (kUnsupported) name the value whose operator has no ONNX form: opaque nodes,
// and a few general cases (interior padding, window sums with padding inside of a dilation, ...).
#pragma once

#include <string>

#include "ir/graph.h"
#include "support/result.h"

namespace egret {

Result<std::string> write_onnx(const Graph& graph);

}  // namespace egret
