#include "extract/solve/files/egraph_json.h"

#include <cmath>
#include <limits>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "extract/solve/files/json_file.h"
#include "extract/solve/solve.h"

namespace egret::extract {
namespace {

using nlohmann::json;

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kMaxNames = 200'000'000;

class Names {
 public:
  uint32_t id(std::string&& name) {
    const auto [it, fresh] = ids_.try_emplace(std::move(name), static_cast<uint32_t>(names_.size()));
    if (fresh) names_.push_back(&it->first);
    return it->second;
  }
  uint32_t find(const std::string& name) const {
    const auto it = ids_.find(name);
    return it == ids_.end() ? kNone : it->second;
  }
  size_t size() const { return names_.size(); }
  const std::string& operator[](uint32_t id) const { return *names_[id]; }

 private:
  std::unordered_map<std::string, uint32_t> ids_;
  std::vector<const std::string*> names_;
};

struct Node {
  uint32_t name = kNone, cls = kNone;
  double cost = 1;
  bool subsumed = false, has_op = false;
  std::vector<uint32_t> children;  // names
};

// Follows the text once and keeps what is needed; unknown keys are passed over at any depth.
class Handler : public nlohmann::json_sax<json> {
 public:
  Names nodes_seen, classes, child_names;
  std::vector<Node> nodes;
  std::vector<std::string> roots;
  bool integer_children = false, has_nodes = false, has_roots = false;
  std::string fault, fault_place;
  size_t fault_byte = std::string::npos;

  bool key(string_t& name) override {
    if (depth_ == 1) {
      top_ = name == "nodes" ? Top::kNodes : name == "root_eclasses" ? Top::kRoots : Top::kOther;
      has_nodes |= top_ == Top::kNodes;
      has_roots |= top_ == Top::kRoots;
    } else if (depth_ == 2 && top_ == Top::kNodes) {
      const size_t before = nodes_seen.size();
      if (nodes_seen.size() > kMaxNames) return bad("more nodes than egret can number");
      nodes.emplace_back().name = nodes_seen.id(std::move(name));
      if (nodes_seen.size() == before) return bad("this id occurs twice");
    } else if (depth_ == 3 && top_ == Top::kNodes) {
      field_ = name == "children" ? Field::kChildren : name == "eclass" ? Field::kClass : name == "cost" ? Field::kCost
             : name == "subsumed" ? Field::kSubsumed : Field::kOther;
    }
    return true;
  }

  bool start_object(size_t) override {
    if (in_node() && field_ != Field::kOther) return bad("a field is an object that must not be one");
    if (depth_ == 1 && top_ == Top::kRoots) return bad("`root_eclasses` must be a list");
    if (depth_ == 2 && top_ == Top::kRoots) return bad("`root_eclasses` must be a list of class ids");
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    if (depth_ == 2 && top_ == Top::kNodes && nodes.back().cls == kNone) return bad("`eclass` is missing");
    return true;
  }
  bool start_array(size_t) override {
    if (depth_ == 0) return bad("the file must be an object");
    if (depth_ == 1 && top_ == Top::kNodes) return bad("`nodes` must be an object");
    if (depth_ == 2 && top_ == Top::kNodes) return bad("a node must be an object");
    if (in_node() && field_ != Field::kOther && field_ != Field::kChildren) return bad("a field is a list that must not be one");
    if ((depth_ == 2 && top_ == Top::kRoots) || (depth_ == 4 && field_ == Field::kChildren && top_ == Top::kNodes)) {
      return bad("a list stands where an id is expected");
    }
    ++depth_;
    return true;
  }
  bool end_array() override { return --depth_, true; }

  bool string(string_t& value) override {
    if (depth_ == 2 && top_ == Top::kRoots) return roots.push_back(std::move(value)), true;
    if (in_children()) return nodes.back().children.push_back(child_names.id(std::move(value))), true;
    if (in_node() && field_ == Field::kClass) return nodes.back().cls = classes.id(std::move(value)), true;
    return scalar("a string");
  }
  bool number_integer(number_integer_t value) override { return integer(std::to_string(value), static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return integer(std::to_string(value), static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t& text) override {
    if (in_node() && field_ == Field::kCost) {
      if (!std::isfinite(value)) return bad(fmt::format("the cost {} is not finite", text));
      return nodes.back().cost = value, true;
    }
    return scalar("a fraction");
  }
  bool boolean(bool value) override {
    if (in_node() && field_ == Field::kSubsumed) return nodes.back().subsumed = value, true;
    return scalar("a truth value");
  }
  bool null() override {
    if (in_node() && field_ == Field::kSubsumed) return true;
    return scalar("null");
  }
  bool binary(json::binary_t&) override { return scalar("binary data"); }
  bool parse_error(size_t byte, const std::string&, const nlohmann::detail::exception& e) override {
    fault = e.what();
    if (const size_t text = fault.find("] "); text != std::string::npos) fault = fault.substr(text + 2);
    fault_byte = byte > 0 ? byte - 1 : 0;
    return false;
  }

 private:
  enum class Top { kOther, kNodes, kRoots };
  enum class Field { kOther, kChildren, kClass, kCost, kSubsumed };

  bool in_node() const { return depth_ == 3 && top_ == Top::kNodes; }
  bool in_children() const { return depth_ == 4 && top_ == Top::kNodes && field_ == Field::kChildren; }

  bool integer(std::string digits, double value) {
    if (in_node() && field_ == Field::kCost) return nodes.back().cost = value, true;
    if (depth_ == 2 && top_ == Top::kRoots) return roots.push_back(std::move(digits)), true;
    if (in_node() && field_ == Field::kClass) return nodes.back().cls = classes.id(std::move(digits)), true;
    if (!in_children()) return scalar("an integer");
    integer_children = true;
    nodes.back().children.push_back(child_names.id(std::move(digits)));
    return true;
  }

  // A scalar that is none of ours is wrong where a field of ours stands.
  bool scalar(const char* what) {
    if (depth_ == 0) return bad("the file must be an object");
    if (depth_ == 1 && top_ == Top::kNodes) return bad("`nodes` must be an object");
    if (depth_ == 1 && top_ == Top::kRoots) return bad("`root_eclasses` must be a list");
    if (depth_ == 2 && top_ == Top::kNodes) return bad("a node must be an object");
    if (depth_ == 2 && top_ == Top::kRoots) return bad(fmt::format("`root_eclasses` holds {}, expected class ids", what));
    if (in_children()) return bad(fmt::format("`children` holds {}, expected ids", what));
    if (in_node() && field_ == Field::kChildren) return bad("`children` must be a list");
    if (in_node() && field_ == Field::kClass) return bad(fmt::format("`eclass` is {}, expected an id", what));
    if (in_node() && field_ == Field::kCost) return bad(fmt::format("`cost` is {}, expected a finite number", what));
    if (in_node() && field_ == Field::kSubsumed) return bad(fmt::format("`subsumed` is {}, expected a truth value", what));
    return true;
  }

  bool bad(std::string what) {
    fault = std::move(what);
    if (top_ == Top::kNodes && depth_ >= 2 && !nodes.empty()) fault_place = "node " + nodes_seen[nodes.back().name];
    return false;
  }

  int depth_ = 0;
  Top top_ = Top::kOther;
  Field field_ = Field::kOther;
};

Error bad(std::string what, std::string hint = {}) {
  return input_error("e-graph: " + std::move(what), std::move(hint));
}

// Children as classes: through the node they name, or by themselves in the other dialect.
Result<std::vector<uint32_t>> classes_of_children(const Handler& read) {
  std::vector<uint32_t> class_of_node(read.nodes_seen.size(), kNone), out(read.child_names.size(), kNone);
  for (const Node& n : read.nodes) class_of_node[n.name] = n.cls;
  for (uint32_t c = 0; c < out.size(); ++c) {
    const std::string& name = read.child_names[c];
    if (read.integer_children) {
      out[c] = read.classes.find(name);
    } else if (const uint32_t node = read.nodes_seen.find(name); node != kNone) {
      out[c] = class_of_node[node];
    }
    if (out[c] != kNone) continue;
    for (const Node& n : read.nodes) {
      if (std::find(n.children.begin(), n.children.end(), c) == n.children.end()) continue;
      const bool is_class = read.classes.find(name) != kNone;
      return bad(fmt::format("child {} of node {} names no {}", name, read.nodes_seen[n.name], read.integer_children ? "class" : "node"),
                 read.integer_children ? "integer children are class ids; strings are node ids"
                 : is_class            ? "it names a class: name a node of that class, or write class ids as integers"
                                       : "every child must be a node of the file");
    }
  }
  return out;
}

}  // namespace

Result<EGraphFile> parse_egraph(std::string_view text) {
  Handler read;
  if (!json::sax_parse(text.begin(), text.end(), &read)) {
    SourceSpan where = read.fault_byte == std::string::npos ? SourceSpan{} : place_of(text, read.fault_byte);
    where.place = read.fault_place;
    return input_error("e-graph: " + read.fault, {}, where);
  }
  if (!read.has_nodes) return bad("`nodes` is missing", "see extraction-gym for the format");
  if (!read.has_roots || read.roots.empty()) return bad("it has no roots", "list the classes to extract in `root_eclasses`");
  EGRET_TRY(const auto class_of_child, classes_of_children(read));
  EGraphFile file;
  Problem& problem = file.problem;
  problem.terms = true;
  problem.items = static_cast<uint32_t>(read.classes.size());
  for (const std::string& root : read.roots) {
    const uint32_t cls = read.classes.find(root);
    if (cls == kNone) {
      return bad(fmt::format("root {} names no class", root), "write canonical class ids in `root_eclasses`");
    }
    problem.roots.push_back(cls);
  }
  for (uint32_t c = 0; c < problem.items; ++c) file.class_names.push_back(read.classes[c]);
  for (Node& node : read.nodes) {
    if (node.subsumed) continue;
    Candidate& candidate = problem.candidates.emplace_back();
    candidate.cost = node.cost;
    candidate.results = {node.cls};
    for (uint32_t child : node.children) candidate.operands.push_back(class_of_child[child]);
    file.node_names.push_back(read.nodes_seen[node.name]);
  }
  EGRET_TRY_VOID(validate(problem));
  return file;
}

bool looks_like_egraph(std::string_view text) {
  // The first key that is one of either format decides; both stand early in every file written by a tool.
  const size_t nodes = text.find("\"nodes\""), roots = text.find("\"root_eclasses\"");
  const size_t format = text.find("\"format\""), candidates = text.find("\"candidates\"");
  return std::min(nodes, roots) < std::min(format, candidates);
}

double tree_cost(const Problem& problem, const std::vector<uint32_t>& chosen) {
  std::vector<uint32_t> maker(problem.items, kNone);
  for (uint32_t k : chosen) {
    for (uint32_t item : problem.candidates[k].results) maker[item] = k;
  }
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
