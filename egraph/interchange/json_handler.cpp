#include "egraph/interchange/json_handler.h"

#include <cmath>

#include <fmt/format.h>

namespace egret::egraph {
namespace {

constexpr size_t kMaxNodes = 500'000'000;

}  // namespace

bool JsonHandler::fail(std::string what) {
  fault = std::move(what);
  if (part_ == Part::kNodes && depth_ >= 2 && !nodes.empty()) fault_node = node_names[nodes.back().name];
  return false;
}

uint32_t JsonHandler::name_of_node(std::string&& name) {
  const uint32_t number = node_names.number(std::move(name));
  if (number == node_of_name.size()) node_of_name.push_back(kNone);
  return number;
}

bool JsonHandler::key(string_t& name) {
  if (depth_ == 1) {
    part_ = name == "nodes"           ? Part::kNodes
            : name == "root_eclasses" ? Part::kRoots
            : name == "class_data"    ? Part::kClassData
                                      : Part::kOther;
    has_nodes |= part_ == Part::kNodes;
  } else if (depth_ == 2 && part_ == Part::kNodes) {
    if (nodes.size() >= kMaxNodes) return fail("more e-nodes than can be numbered");
    const uint32_t number = name_of_node(std::move(name));
    const bool twice = node_of_name[number] != kNone;
    node_of_name[number] = static_cast<uint32_t>(nodes.size());
    nodes.emplace_back().name = number;
    nodes.back().first_child = static_cast<uint32_t>(children.size());
    if (twice) return fail("this e-node occurs twice");
  } else if (in_node()) {
    field_ = name == "op"         ? Field::kOp
             : name == "children" ? Field::kChildren
             : name == "eclass"   ? Field::kClass
             : name == "cost"     ? Field::kCost
             : name == "subsumed" ? Field::kSubsumed
                                  : Field::kOther;
  } else if (depth_ == 2 && part_ == Part::kClassData) {
    class_data.emplace_back(std::move(name), ClassData{});
  } else if (in_class_data()) {
    class_data.back().second.emplace_back(std::move(name), "");
  }
  return true;
}

bool JsonHandler::start_object(size_t) {
  const bool allowed = depth_ == 0 || part_ == Part::kOther || (depth_ == 1 && part_ != Part::kRoots) ||
                       (depth_ == 2 && part_ != Part::kRoots) || (in_node() && field_ == Field::kOther) ||
                       (depth_ >= 3 && part_ == Part::kClassData) || (depth_ > 3 && field_ == Field::kOther);
  if (!allowed) return unexpected("an object");
  ++depth_;
  return true;
}

bool JsonHandler::end_object() {
  --depth_;
  if (depth_ == 2 && part_ == Part::kNodes) {
    if (nodes.back().op == kNone) return ++depth_, fail("`op` is missing");
    if (nodes.back().cls == kNone) return ++depth_, fail("`eclass` is missing");
  }
  if (depth_ == 1) part_ = Part::kOther;
  return true;
}

bool JsonHandler::start_array(size_t) {
  const bool allowed = (depth_ > 0 && part_ == Part::kOther) || (depth_ == 1 && part_ == Part::kRoots) ||
                       (in_node() && (field_ == Field::kOther || field_ == Field::kChildren)) ||
                       (depth_ >= 3 && part_ == Part::kClassData) ||
                       (depth_ > 3 && part_ == Part::kNodes && field_ == Field::kOther);
  if (!allowed) return unexpected("a list");
  ++depth_;
  return true;
}

bool JsonHandler::end_array() {
  if (--depth_ == 1) part_ = Part::kOther;
  return true;
}

bool JsonHandler::string(string_t& value) {
  if (in_children()) return children.push_back(name_of_node(std::move(value))), true;
  if (in_node() && field_ == Field::kOp) return nodes.back().op = ops.number(std::move(value)), true;
  if (in_node() && field_ == Field::kClass) return nodes.back().cls = class_names.number(std::move(value)), true;
  if (depth_ == 2 && part_ == Part::kRoots) return roots.push_back(std::move(value)), true;
  if (in_class_data()) return class_data.back().second.back().second = std::move(value), true;
  return unexpected("a string");
}

bool JsonHandler::number(double value, std::string text) {
  if (in_node() && field_ == Field::kCost) {
    if (!std::isfinite(value)) return fail(fmt::format("the cost {} is not finite", text));
    return nodes.back().cost = value, true;
  }
  return unexpected("a number");
}
bool JsonHandler::number_integer(number_integer_t value) { return number(static_cast<double>(value), {}); }
bool JsonHandler::number_unsigned(number_unsigned_t value) { return number(static_cast<double>(value), {}); }
bool JsonHandler::number_float(number_float_t value, const string_t& text) { return number(value, text); }

bool JsonHandler::boolean(bool value) {
  if (in_node() && field_ == Field::kSubsumed) return nodes.back().subsumed = value, true;
  return unexpected("a truth value");
}

bool JsonHandler::null() {
  if (in_class_data()) return class_data.back().second.pop_back(), true;  // "type": null is no type
  return unexpected("null");
}

bool JsonHandler::binary(nlohmann::json::binary_t&) { return unexpected("binary data"); }

bool JsonHandler::parse_error(size_t byte, const std::string&, const nlohmann::detail::exception& e) {
  fault = e.what();
  if (const size_t text = fault.find("] "); text != std::string::npos) fault = fault.substr(text + 2);
  fault_byte = byte > 0 ? byte - 1 : 0;
  return false;
}

// A value that is none of ours is wrong where one of ours stands.
bool JsonHandler::unexpected(const char* what) {
  if (depth_ == 0) return fail(fmt::format("the file is {}, expected an object", what));
  if (part_ == Part::kNodes) {
    static const char* const kFields[] = {"", "`op` is {}, expected a text", "`children` holds {}, expected names of e-nodes",
                                          "`eclass` is {}, expected a text", "`cost` is {}, expected a number",
                                          "`subsumed` is {}, expected true or false"};
    if (depth_ == 1) return fail(fmt::format("`nodes` is {}, expected an object", what));
    if (depth_ == 2) return fail(fmt::format("an e-node is {}, expected an object", what));
    if (field_ == Field::kOther) return true;
    if (in_node() && field_ == Field::kChildren) return fail(fmt::format("`children` is {}, expected a list", what));
    return fail(fmt::format(fmt::runtime(kFields[static_cast<int>(field_)]), what));
  }
  if (part_ == Part::kRoots) return fail(fmt::format("`root_eclasses` is or holds {}, expected a list of texts", what));
  if (part_ == Part::kClassData && depth_ <= 2) return fail(fmt::format("`class_data` is or holds {}, expected objects", what));
  return true;
}

}  // namespace egret::egraph
