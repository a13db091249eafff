#include "extract/certify/system.h"

#include <nlohmann/json.hpp>
#include <unordered_map>

namespace egret::certify {
namespace {

using Json = nlohmann::json;
using Numbers = std::unordered_map<std::string, uint32_t>;

// The keys of `nodes` as they follow in the text.
struct NodeOrder {
  std::vector<std::string> names;
  int depth = 0;
  bool inside = false;

  bool key(std::string& name) {
    if (depth == 1) inside = name == "nodes";
    if (depth == 2 && inside) names.push_back(name);
    return true;
  }
  bool start_object(size_t) { return ++depth, true; }
  bool end_object() { return --depth, true; }
  bool start_array(size_t) { return start_object(0); }
  bool end_array() { return end_object(); }
  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(int64_t) { return true; }
  bool number_unsigned(uint64_t) { return true; }
  bool number_float(double, const std::string&) { return true; }
  bool string(std::string&) { return true; }
  bool binary(Json::binary_t&) { return true; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) { return false; }
};

// An id as its text: strings as they are, integers as their digits.
std::string id_text(const Json& value, bool integer_alone = false) {
  need(value.is_number_integer() || (value.is_string() && !integer_alone), "an id is neither a string nor an integer");
  return value.is_string() ? value.get<std::string>() : value.dump();
}

uint32_t number(Numbers& numbers, std::string id) {
  return numbers.try_emplace(std::move(id), static_cast<uint32_t>(numbers.size())).first->second;
}

void add(System& system, const Json& cost, List makes, List reads) {
  need(cost.is_number() && Exact::fits(cost.get<double>()), "a cost is no number, or outside the range of exact sums");
  sort_unique(makes);
  sort_unique(reads);
  system.cost.emplace_back(cost.get<double>());
  system.makes.push_back(std::move(makes));
  system.reads.push_back(std::move(reads));
}

List read_egraph(const Json& root, std::string_view text, System& system, Numbers& items) {
  const Json& nodes = root.at("nodes");
  NodeOrder order;
  Json::sax_parse(text, &order);
  const Json none = Json::array();
  const auto children = [&](const Json& node) -> const Json& { return node.contains("children") ? node["children"] : none; };
  Numbers class_of_node;
  bool children_are_classes = false;
  for (const std::string& name : order.names) {
    const Json& node = nodes.at(name);
    need(class_of_node.emplace(name, number(items, id_text(node.at("eclass")))).second, "a node occurs twice");
    for (const Json& child : children(node)) children_are_classes |= child.is_number_integer();
  }
  const Numbers& named = children_are_classes ? items : class_of_node;
  for (const std::string& name : order.names) {
    const Json& node = nodes.at(name);
    if (node.value("subsumed", Json()) == true) continue;
    List reads;
    for (const Json& child : children(node)) {
      const auto found = named.find(id_text(child));
      need(found != named.end(), "a child names nothing");
      reads.push_back(found->second);
    }
    add(system, node.value("cost", Json(1)), {class_of_node.at(name)}, std::move(reads));
  }
  List roots;
  for (const Json& value : root.at("root_eclasses")) {
    const auto found = items.find(id_text(value));
    need(found != items.end(), "a root names no class");
    roots.push_back(found->second);
  }
  system.terms = true;
  return roots;
}

List read_problem(const Json& root, System& system, Numbers& items) {
  const auto list = [&](const Json& values) {
    need(values.is_array(), "a list of items is none");
    List out;
    for (const Json& value : values) out.push_back(number(items, id_text(value, true)));
    return out;
  };
  const List roots = list(root.at("goals"));
  for (const Json& op : root.value("ops", Json::array())) {
    number(items, id_text(op.at("makes"), true));
    list(op.at("reads"));
  }
  for (const Json& entry : root.at("candidates")) {
    List makes = list(entry.at("makes"));
    add(system, entry.at("cost"), std::move(makes), list(entry.at("reads")));
  }
  return roots;
}

}  // namespace

System read_system(std::string_view text) {
  const Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  need(root.is_object(), "the problem is no JSON object");
  System system;
  Numbers items;
  const bool egraph = root.contains("nodes");
  need(egraph || root.value("format", Json()) == "egret-problem 1", "the problem is neither an e-graph nor an `egret-problem 1`");
  const List roots = egraph ? read_egraph(root, text, system, items) : read_problem(root, system, items);
  need(!roots.empty(), "the problem has no roots");
  system.root.assign(items.size(), 0);
  for (uint32_t r : roots) system.root[r] = 1;
  return system;
}

List Part::leading_in(const List& set) const {
  List out;
  for (uint32_t i : set) {
    for (uint32_t k : makers[i]) {
      if (std::none_of(reads[k].begin(), reads[k].end(), [&](uint32_t d) { return holds(set, d); })) out.push_back(k);
    }
  }
  sort_unique(out);
  return out;
}

}  // namespace egret::certify
