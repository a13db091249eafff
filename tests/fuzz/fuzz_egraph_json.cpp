// egraph-serialize files: what is accepted is written to a file that reads to the same numbers of e-nodes and classes.
#include "egraph/interchange/interchange.h"
#include "tests/fuzz/mutate.h"

namespace egret::fuzz {
namespace {

std::vector<std::string> corpus(const std::vector<std::string>& arguments) {
  std::vector<std::string> texts = read_all(arguments, ".json");
  texts.push_back(R"({"nodes": {"a": {"op": "+", "children": ["b", "c"], "eclass": "1"}, "b": {"op": "x\"\u00e9", "eclass": "2", "cost": 2.5},
 "c": {"op": "y", "eclass": "3", "children": [], "subsumed": true}, "d": {"op": "z", "eclass": "3", "unknown": {"deep": [[1], {}]}},
 "e": {"op": "f", "eclass": "4", "children": ["e", "a"]}, "f": {"op": "z", "eclass": "5"}},
 "root_eclasses": ["1", "nowhere"], "class_data": {"1": {"type": "Math", "shape": "[2]"}, "2": {"type": null}}, "comment": [1, "x", null]})");
  return texts;
}

std::string make(Random& random, const std::vector<std::string>& from) {
  return random.one_in(4) ? mutate_bytes(random, random.pick(from), from) : mutate_text(random, random.pick(from), from);
}

std::string written(const egraph::SerializedEGraph& graph) {
  std::string out;
  const Status status = egraph::write_json(graph.graph, egraph::write_options(graph), [&](std::string_view piece) -> Status {
    out += piece;
    return {};
  });
  EGRET_CHECK(status.ok(), "writing to a text does not fail");
  return out;
}

bool run(std::string_view input) {
  auto graph = egraph::read_json(input, "input.json");
  if (!graph.ok()) {
    check_error(graph.error());
    return false;
  }
  const std::string once = written(*graph);
  auto again = egraph::read_json(once, "written.json");
  EGRET_CHECK(again.ok(), once.c_str());
  EGRET_CHECK(again->graph.node_count() - again->cuts == graph->graph.node_count() - graph->cuts, once.c_str());
  EGRET_CHECK(again->graph.class_count() == graph->graph.class_count(), once.c_str());
  if (graph->graph.node_count() < 200) {
    const auto drawing = egraph::to_graphviz(graph->graph, egraph::write_options(*graph));
    EGRET_CHECK(drawing.ok(), "a small graph is drawn");
  }
  return true;
}

}  // namespace

const Target& target() {
  static const Target kTarget = {"egraph_json", 5, corpus, make, run};
  return kTarget;
}

}  // namespace egret::fuzz
