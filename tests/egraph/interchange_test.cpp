// egraph-serialize JSON and Graphviz: what others wrote is read and written again, and wrong files are told so.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <set>

#include "egraph/interchange/interchange.h"
#include "egraph/lang/session.h"
#include "extract/solve/files/json_file.h"
#include "support/hash.h"

using namespace egret;
using namespace egret::egraph;

namespace {

using Json = nlohmann::json;

std::string written(const EGraph& graph, const WriteOptions& options) {
  std::string out;
  const Status status = write_json(graph, options, [&](std::string_view piece) -> Status { return out += piece, Status{}; });
  REQUIRE(status.ok());
  return out;
}

SerializedEGraph read(const std::string& text) {
  auto graph = read_json(text, "test.json");
  if (!graph.ok()) FAIL(graph.error().to_string());
  return *std::move(graph);
}

std::string error_of(const std::string& text) {
  const auto graph = read_json(text, "test.json");
  REQUIRE_FALSE(graph.ok());
  CHECK(graph.error().exit_status() == 1);
  return graph.error().to_string();
}

// Two files are the same e-graph if their classes can be refined to the same partition: colours of classes from the
// e-nodes they hold, round by round.  Also compares costs, roots and class data.
std::multiset<std::string> colours(const Json& file) {
  std::map<std::string, std::string> colour;
  for (const auto& [id, node] : file["nodes"].items()) colour[node["eclass"]] = "";
  for (const auto& root : file.value("root_eclasses", Json::array())) {
    if (colour.count(root)) colour[root] = "root";
  }
  const Json data = file.value("class_data", Json::object());
  for (const auto& [cls, fields] : data.items()) {
    if (!colour.count(cls)) continue;
    for (const auto& [key, text] : fields.items()) {
      if (text.is_string()) colour[cls] += key + "=" + text.get<std::string>() + ";";
    }
  }
  std::map<std::string, std::string> class_of;
  for (const auto& [id, node] : file["nodes"].items()) class_of[id] = node["eclass"];
  for (int round = 0; round < 4; ++round) {
    std::map<std::string, std::multiset<std::string>> parts;
    for (const auto& [id, node] : file["nodes"].items()) {
      std::string text = node["op"].get<std::string>() + "@" + std::to_string(node.value("cost", 1.0)) + (node.value("subsumed", false) ? "s(" : "(");
      for (const auto& child : node.value("children", Json::array())) text += colour[class_of[child]] + ",";
      parts[node["eclass"]].insert(text);
    }
    std::map<std::string, std::string> next;
    for (const auto& [cls, members] : parts) {
      std::string all = colour[cls] + "|";
      for (const std::string& member : members) all += member + ";";
      next[cls] = std::to_string(hash_string(all));
    }
    colour = std::move(next);
  }
  std::multiset<std::string> all;
  for (const auto& [cls, text] : colour) all.insert(text);
  return all;
}

}  // namespace

TEST_CASE("a small file") {
  const std::string text = R"({"nodes": {"a": {"op": "+", "children": ["b", "c"], "eclass": "1"}, "b": {"op": "x\"\u00e9", "eclass": "2", "cost": 2.5},
    "c": {"op": "y", "eclass": "3", "children": [], "subsumed": true}, "d": {"op": "z", "eclass": "3", "unknown": {"deep": [[1], {}]}}},
    "root_eclasses": ["1", "nowhere"], "class_data": {"1": {"type": "Math", "shape": "[2]"}, "2": {"type": null}}, "comment": [1, "x", null]})";
  const SerializedEGraph graph = read(text);
  CHECK(graph.graph.node_count() == 4);
  CHECK(graph.graph.class_count() == 3);
  CHECK(graph.roots.size() == 1);
  CHECK(graph.unknown_roots == std::vector<std::string>{"nowhere"});
  CHECK(graph.cuts == 0);
  const std::string again = written(graph.graph, write_options(graph));
  CHECK(colours(Json::parse(text)) == colours(Json::parse(again)));
  CHECK(written(read(again).graph, write_options(read(again))) == written(read(again).graph, write_options(read(again))));
}

TEST_CASE("e-nodes that only missing attributes tell apart stay apart; classes without a term are kept") {
  const std::string text = R"({"nodes": {
    "w1": {"op": "weight", "eclass": "w"}, "w2": {"op": "weight", "eclass": "v"}, "w3": {"op": "weight", "eclass": "v"},
    "f1": {"op": "f", "eclass": "p", "children": ["q1"]}, "q1": {"op": "g", "eclass": "q", "children": ["f1", "w1"]},
    "s": {"op": "h", "eclass": "s", "children": ["s"]}}})";
  const SerializedEGraph graph = read(text);
  CHECK(graph.graph.class_count() == 5);
  CHECK(graph.cuts == 2);
  CHECK(graph.graph.node_count() == 6 + 2);
  CHECK(colours(Json::parse(text)) == colours(Json::parse(written(graph.graph, write_options(graph)))));
}

TEST_CASE("integers name classes") {
  const SerializedEGraph graph =
      read(R"({"nodes": {"0": {"op": "f", "eclass": 7, "children": [9, 9]}, "1": {"op": "x", "eclass": 9}}, "root_eclasses": [7]})");
  CHECK(graph.graph.node_count() == 2);
  REQUIRE(graph.roots.size() == 1);
  CHECK(graph.graph.nodes_of(graph.roots[0]).size() == 1);
}

TEST_CASE("wrong files") {
  const auto says = [](const std::string& text, const std::string& part) {
    INFO(text);
    const std::string error = error_of(text);
    INFO(error);
    CHECK(error.find(part) != std::string::npos);
    CHECK(error.find("test.json") == 0);
  };
  says("", "test.json:1:1");
  says("[]", "expected an object");
  says("{\n  \"nodes\": {,}}", "test.json:2:13");
  says("{}", "`nodes` is missing");
  says(R"({"nodes": []})", "`nodes` is a list");
  says(R"({"nodes": {"a": 1}})", "a node is a number");
  says(R"({"nodes": {"a": {"op": "f"}}})", "`eclass` is missing");
  says(R"({"nodes": {"a": {"eclass": "1"}}})", "`op` is missing");
  says(R"({"nodes": {"a": {"op": 3, "eclass": "1"}}})", "`op` is a number");
  says(R"({"nodes": {"a": {"op": "f", "eclass": "1", "children": ["b"]}}})", "child b names no node");
  says(R"({"nodes": {"a": {"op": "f", "eclass": "1", "children": [[]]}}})", "`children` holds a list");
  says(R"({"nodes": {"a": {"op": "f", "eclass": "1", "children": "b"}}})", "`children` is a string");
  says(R"({"nodes": {"a": {"op": "f", "eclass": "1", "cost": "dear"}}})", "`cost` is a string");
  says(R"({"nodes": {"a": {"op": "f", "eclass": "1", "cost": 1e999}}})", "test.json");
  says(R"({"nodes": {"a": {"op": "f", "eclass": "1", "subsumed": 1}}})", "`subsumed` is a number");
  says(R"({"nodes": {"a": {"op": "f", "eclass": "1"}, "a": {"op": "f", "eclass": "1"}}})", "occurs twice");
  says(R"({"nodes": {}, "root_eclasses": {}})", "root_eclasses");
  says(R"({"nodes": {}, "root_eclasses": [1.5]})", "root_eclasses");
  says(R"({"nodes": {}, "class_data": {"1": "x"}})", "class_data");
  says(std::string(1'000'000, '['), "expected an object");
  says(R"({"x": )" + std::string(1'000'000, '['), "test.json:1:");
  const std::string whole = R"({"nodes": {"a": {"op": "f", "eclass": "1"}}})";
  says(whole + std::string("\0x", 2), "test.json:1:45: error: a zero byte");
  says(whole + " x", "test.json:1:");
  says("{\"nodes\": {\"\xff\": {\"op\": \"f\", \"eclass\": \"1\"}}}", "ill-formed UTF-8");
}

TEST_CASE("every file of extraction-gym is read and written again") {
  const std::filesystem::path gym = EGRET_SOURCE_DIR "/../shared/data/extraction-gym";
  if (!std::filesystem::exists(gym)) {
    WARN("SKIPPED: 1 test: no extraction-gym beside the tree");
    return;
  }
  size_t files = 0, nodes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(gym)) {
    const std::string path = entry.path().string();
    if (path.find(".json") == std::string::npos) continue;
    INFO(path);
    auto text = extract::read_packed(path);
    REQUIRE(text.ok());
    auto graph = read_json(*text, path);
    REQUIRE(graph.ok());
    ++files;
    nodes += graph->graph.node_count() - graph->cuts;
    const std::string again = written(graph->graph, write_options(*graph));
    auto second = read_json(again, "again.json");
    REQUIRE(second.ok());
    REQUIRE(second->graph.node_count() == graph->graph.node_count());
    REQUIRE(second->graph.class_count() == graph->graph.class_count());
    REQUIRE(second->roots.size() <= graph->roots.size());
    if (text->size() < 100'000) {  // the rest would take a minute
      Json known = Json::parse(*text);
      REQUIRE(graph->graph.node_count() - graph->cuts == known["nodes"].size());
      REQUIRE(colours(known) == colours(Json::parse(again)));
    }
  }
  CHECK(files >= 500);
  CHECK(nodes >= 800'000);
}

TEST_CASE("a saturated graph is written as its visible e-nodes, and drawn where it is small") {
  auto program = lang::parse_program("(analysis const-fold)(rule c (+ ?a ?b) (+ ?b ?a))(start (f (+ 1 2) (+ x \"q\\\xff)))", "test.sexp");
  REQUIRE(program.ok());
  lang::Session session(*std::move(program));
  RunOptions options;
  const auto report = session.run(options);
  WriteOptions write;
  write.roots = session.roots();
  write.visible = [&](Id node) { return session.visible(node); };
  const Json file = Json::parse(written(session.graph(), write));
  CHECK(file["nodes"].size() == report.enodes);
  CHECK(file["root_eclasses"].size() == 1);
  std::set<std::string> ops;
  for (const auto& [id, node] : file["nodes"].items()) {
    ops.insert(node["op"].get<std::string>());
    for (const auto& child : node["children"]) CHECK(file["nodes"].contains(child));
  }
  CHECK(ops == std::set<std::string>{"+", "1", "2", "3", "f", "x", "\"q\\\xef\xbf\xbd"});
  const auto drawing = to_graphviz(session.graph(), write);
  REQUIRE(drawing.ok());
  CHECK(drawing->find("[label=\"\\\"q\\\\") != std::string::npos);
  write.graphviz_nodes = 3;
  const auto refused = to_graphviz(session.graph(), write);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("at most 3 e-nodes") != std::string::npos);
}
