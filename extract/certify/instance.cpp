#include "extract/certify/instance.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "extract/certify/exact.h"

namespace egret::certify {
namespace {

using Json = nlohmann::json;

constexpr uint32_t kNone = UINT32_MAX;

Error bad(std::string what) { return input_error("problem: " + std::move(what)); }

void sort_unique(std::vector<uint32_t>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

// An id as its text: strings as they are, integers as their digits.
Result<std::string> id_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  return bad("an id is neither a string nor an integer");
}

Result<double> cost_of(const Json& value) {
  if (!value.is_number()) return bad("a cost is no number");
  const double cost = value.get<double>();
  if (!Exact::fits(cost)) return bad(fmt::format("the cost {} is outside the range of exact sums", cost));
  return cost;
}

// The keys of `nodes` as they follow in the text.
class NodeOrder : public nlohmann::json_sax<Json> {
 public:
  std::vector<std::string> names;

  bool key(string_t& name) override {
    if (depth_ == 1) inside_ = name == "nodes";
    if (depth_ == 2 && inside_) names.push_back(name);
    return true;
  }
  bool start_object(size_t) override { return ++depth_, true; }
  bool end_object() override { return --depth_, true; }
  bool start_array(size_t) override { return ++depth_, true; }
  bool end_array() override { return --depth_, true; }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(Json::binary_t&) override { return true; }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  int depth_ = 0;
  bool inside_ = false;
};

Result<Instance> read_egraph(const Json& root, std::string_view text) {
  NodeOrder order;
  Json::sax_parse(text, &order);
  Instance out;
  out.egraph = true;
  const Json& nodes = root["nodes"];
  if (!nodes.is_object()) return bad("`nodes` must be an object");
  std::unordered_map<std::string, uint32_t> class_of_node;
  bool children_are_classes = false;
  for (const std::string& name : order.names) {
    const Json& node = nodes[name];
    if (!node.is_object() || !node.contains("eclass")) return bad("node " + name + " has no `eclass`");
    EGRET_TRY(const std::string cls, id_text(node["eclass"]));
    const uint32_t item = out.item_of.try_emplace(cls, static_cast<uint32_t>(out.item_of.size())).first->second;
    if (!class_of_node.emplace(name, item).second) return bad("node " + name + " occurs twice");
    if (!node.contains("children")) continue;
    for (const Json& child : node["children"]) children_are_classes |= child.is_number_integer();
  }
  out.items = static_cast<uint32_t>(out.item_of.size());
  const auto& names = children_are_classes ? out.item_of : class_of_node;
  for (const std::string& name : order.names) {
    const Json& node = nodes[name];
    if (node.contains("subsumed") && node["subsumed"] == true) continue;
    Choice choice;
    choice.cost = 1;
    if (node.contains("cost")) {
      EGRET_TRY(choice.cost, cost_of(node["cost"]));
    }
    choice.makes = {class_of_node[name]};
    if (node.contains("children")) {
      for (const Json& child : node["children"]) {
        EGRET_TRY(const std::string id, id_text(child));
        const auto found = names.find(id);
        if (found == names.end()) return bad(fmt::format("child {} of node {} names nothing", id, name));
        choice.reads.push_back(found->second);
      }
    }
    out.choices.push_back(std::move(choice));
  }
  if (!root.contains("root_eclasses") || !root["root_eclasses"].is_array())
    return bad("`root_eclasses` must be a list");
  for (const Json& value : root["root_eclasses"]) {
    EGRET_TRY(const std::string id, id_text(value));
    const auto found = out.item_of.find(id);
    if (found == out.item_of.end()) return bad("root " + id + " names no class");
    out.roots.push_back(found->second);
  }
  return out;
}

class ItemNumbers {
 public:
  Result<uint32_t> number(const Json& value) {
    if (!value.is_number_integer()) return bad("an item is no integer");
    return numbers_.try_emplace(value.get<int64_t>(), static_cast<uint32_t>(numbers_.size())).first->second;
  }
  Result<std::vector<uint32_t>> list(const Json& value) {
    if (!value.is_array()) return bad("a list of items is none");
    std::vector<uint32_t> out;
    for (const Json& element : value) {
      EGRET_TRY(const uint32_t item, number(element));
      out.push_back(item);
    }
    return out;
  }
  uint32_t size() const { return static_cast<uint32_t>(numbers_.size()); }

 private:
  std::unordered_map<int64_t, uint32_t> numbers_;
};

Result<Instance> read_problem(const Json& root) {
  Instance out;
  ItemNumbers items;
  EGRET_TRY(out.roots, items.list(root.value("goals", Json())));
  for (const Json& op : root.value("ops", Json::array())) {
    EGRET_TRY_VOID(items.number(op.value("makes", Json())).ok() ? Status() : Status(bad("an op makes no item")));
    EGRET_TRY_VOID(items.list(op.value("reads", Json())).ok() ? Status() : Status(bad("an op reads no items")));
  }
  if (!root.contains("candidates") || !root["candidates"].is_array()) return bad("`candidates` must be a list");
  for (const Json& entry : root["candidates"]) {
    if (!entry.is_object()) return bad("a candidate is no object");
    Choice choice;
    EGRET_TRY(choice.cost, cost_of(entry.value("cost", Json())));
    EGRET_TRY(choice.makes, items.list(entry.value("makes", Json())));
    EGRET_TRY(choice.reads, items.list(entry.value("reads", Json())));
    out.choices.push_back(std::move(choice));
  }
  out.items = items.size();
  return out;
}

}  // namespace

Result<Instance> read_instance(std::string_view json) {
  const Json root = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return bad("the file is no JSON object");
  Result<Instance> read = bad("expected an e-graph (`nodes`, `root_eclasses`) or an `egret-problem 1`");
  if (root.contains("nodes")) {
    read = read_egraph(root, json);
  } else if (root.value("format", Json()) == "egret-problem 1") {
    read = read_problem(root);
  }
  if (!read) return read;
  sort_unique(read->roots);
  if (read->roots.empty()) return bad("there are no roots");
  for (Choice& choice : read->choices) {
    sort_unique(choice.makes);
    sort_unique(choice.reads);
  }
  return read;
}

}  // namespace egret::certify
