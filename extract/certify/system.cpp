#include "extract/certify/system.h"

#include <nlohmann/json.hpp>

#include "support/egraph_text.h"

namespace egret::certify {
namespace {

using Json = nlohmann::json;

Exact exact(double cost) {
  need(Exact::fits(cost), "a cost is outside the range of exact sums");
  return Exact(cost);
}

System read_egraph(const EGraphText& text) {
  System system;
  system.terms = true;
  system.resize_items(text.class_names.size());
  for (size_t n = 0; n < text.nodes.size(); ++n) {
    const auto children = text.children_of(n);
    if (text.nodes[n].subsumed) continue;
    system.add(exact(text.nodes[n].cost), {text.nodes[n].cls}, {children.begin(), children.end()});
  }
  for (const std::string& name : text.roots) {
    const uint32_t root = text.class_names.find(name);
    need(root != Names::kNone, "a root names no class");
    system.root[root] = 1;
  }
  return system;
}

System read_problem(const Json& root) {
  System system;
  Names items;
  const auto number = [&](const Json& id) {
    need(id.is_number_integer(), "an item is no integer");
    return items.number(id.dump());
  };
  const auto list = [&](const Json& values) {
    need(values.is_array(), "a list of items is none");
    List out;
    for (const Json& value : values) out.push_back(number(value));
    system.resize_items(items.size());
    return out;
  };
  for (uint32_t goal : list(root.at("goals"))) system.root[goal] = 1;
  for (const Json& op : root.value("ops", Json::array())) {
    number(op.at("makes"));
    list(op.at("reads"));
  }
  for (const Json& entry : root.at("candidates")) {
    const Json& cost = entry.at("cost");
    need(cost.is_number(), "a cost is no number");
    List makes = list(entry.at("makes")), reads = list(entry.at("reads"));
    system.add(exact(cost.get<double>()), std::move(makes), std::move(reads));
  }
  for (uint32_t k = 0, all = system.candidates(); k < all; ++k) {
    if (!system.cost[k].negative()) continue;
    const Exact earned = std::exchange(system.cost[k], Exact());
    const uint32_t item = system.items();
    system.resize_items(item + 1);
    system.root[item] = 1;
    system.makes[k].push_back(item);
    system.makers[item].push_back(k);
    system.constant += earned;
    system.add(Exact() - earned, {item}, {});
  }
  return system;
}

}  // namespace

System read_system(std::string_view text) {
  System system;
  const auto egraph = read_egraph_text(text, "", /*with_ops=*/false);
  if (egraph.ok()) {
    system = read_egraph(*egraph);
  } else {
    const Json root = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    need(root.is_object(), "the problem is no JSON object");
    if (root.contains("nodes")) throw Refused{egraph.error().message};
    need(root.value("format", Json()) == "egret-problem 1", "the problem is neither an e-graph nor an `egret-problem 1`");
    system = read_problem(root);
  }
  need(std::find(system.root.begin(), system.root.end(), 1) != system.root.end(), "the problem has no roots");
  return system;
}

void System::add(const Exact& price, List made, List read) {
  const uint32_t k = candidates();
  sort_unique(made);
  sort_unique(read);
  std::erase_if(made, [&](uint32_t item) { return holds(read, item); });
  if (made.empty() && (terms || !price.negative())) read.clear();
  for (uint32_t item : made) makers[item].push_back(k);
  for (uint32_t item : read) readers[item].push_back(k);
  makes.push_back(std::move(made));
  reads.push_back(std::move(read));
  cost.push_back(price);
}

List System::leading_in(const List& set) const {
  List out;
  for (uint32_t i : set) {
    for (uint32_t k : makers[i]) {
      if (!any_of(reads[k], [&](uint32_t d) { return holds(set, d); })) out.push_back(k);
    }
  }
  sort_unique(out);
  return out;
}

}  // namespace egret::certify
