#include "extract/solve/files/egraph_json.h"

#include <algorithm>

#include <fmt/format.h>

#include "extract/solve/solve.h"
#include "support/egraph_text.h"

namespace egret::extract {

Result<EGraphFile> parse_egraph(std::string_view text, const std::string& path) {
  EGRET_TRY(EGraphText read, read_egraph_text(text, path, /*with_ops=*/false));
  const SourceSpan where{path, 0, 0, {}};
  if (read.roots.empty()) return input_error("it has no roots", "list the classes to extract in `root_eclasses`", where);
  EGraphFile file;
  Problem& problem = file.problem;
  problem.terms = true;
  problem.items = static_cast<uint32_t>(read.class_names.size());
  for (const std::string& root : read.roots) {
    const uint32_t cls = read.class_names.find(root);
    if (cls == Names::kNone) {
      return input_error(fmt::format("root {} names no class", root), "write canonical class ids in `root_eclasses`", where);
    }
    problem.roots.push_back(cls);
  }
  for (uint32_t c = 0; c < problem.items; ++c) file.class_names.emplace_back(read.class_names[c]);
  for (size_t n = 0; n < read.nodes.size(); ++n) {
    const EGraphText::Node& node = read.nodes[n];
    if (node.subsumed) continue;
    const auto children = read.children_of(n);
    Candidate& candidate = problem.candidates.emplace_back();
    candidate.cost = node.cost;
    candidate.results = {node.cls};
    candidate.operands.assign(children.begin(), children.end());
    file.node_names.emplace_back(read.node_names[node.name]);
  }
  if (auto valid = validate(problem); !valid.ok()) {
    Error error = valid.error();
    error.where = where;
    return error;
  }
  return file;
}

bool looks_like_egraph(std::string_view text) {
  // The first key that is one of either format decides; both stand early in every file written by a tool.
  bool egraph = false;
  const auto earlier = [&](std::string_view key, bool of_egraph) {
    const size_t at = text.find(key);
    if (at != std::string_view::npos) text = text.substr(0, at), egraph = of_egraph;
  };
  earlier("\"nodes\"", true);
  earlier("\"format\"", false);
  earlier("\"root_eclasses\"", true);
  earlier("\"candidates\"", false);
  return egraph;
}

double tree_cost(const Problem& problem, const std::vector<uint32_t>& chosen) {
  Solution as_set;
  as_set.chosen = chosen;
  std::vector<double> size(problem.items, 0);
  for (uint32_t k : order(problem, as_set)) {
    double sum = problem.candidates[k].cost;
    for (uint32_t item : problem.candidates[k].operands) sum += size[item];
    for (uint32_t item : problem.candidates[k].results) size[item] = sum;
  }
  double total = 0;
  for (uint32_t root : problem.roots) total += size[root];
  return total;
}

}  // namespace egret::extract
