// The text form of graphs (.egret files): print(parse(x)) = x up to blanks and comments, parse(print(g)) = g.
//
//   graph two_heads
//     a: f32[64,32]                        # data input
//     param b: f32[32,8]                   # parameter;  const c: f32[2] = [1, 2]  is a constant
//     p = dot(a, b, lc=[1], rc=[0])        # operands by position, attributes by name, defaults left out
//     q = relu(p)
//     return p, out = q                    # output names where they differ from the value's
//     alias 0 = b                          # output 0 may reuse the buffer of input b
//
// `#` starts a comment.  Sizes may be names (`f32[batch,32]`).  A file may hold several graphs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "support/result.h"

namespace egret {

Result<std::vector<Graph>> parse_graphs(std::string_view text, const std::string& file = "<text>");
Result<Graph> parse_graph(std::string_view text, const std::string& file = "<text>");  // exactly one
std::string print(const Graph& graph);

}  // namespace egret
