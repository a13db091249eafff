// JsonHandler: an egraph-serialize file as flat arrays, filled while the text is read once.
//
// Unknown keys are passed over at any depth.  Names of e-nodes and of classes are numbered as they come up, be it as a
// key or as a child.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <unordered_map>
#include <vector>

#include "egraph/interchange/interchange.h"

namespace egret::egraph {

class Names {
 public:
  uint32_t number(std::string&& name) {
    const auto [entry, is_new] = numbers_.try_emplace(std::move(name), static_cast<uint32_t>(names_.size()));
    if (is_new) names_.push_back(&entry->first);
    return entry->second;
  }
  size_t size() const { return names_.size(); }
  const std::string& operator[](uint32_t number) const { return *names_[number]; }

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<const std::string*> names_;
};

class JsonHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Node {
    uint32_t name = kNone, op = kNone, cls = kNone;
    uint32_t first_child = 0;  // up to the next node's
    double cost = 1;
    bool subsumed = false;
  };

  std::vector<Node> nodes;
  std::vector<uint32_t> children;  // names of e-nodes
  Names node_names, class_names, ops;
  std::vector<uint32_t> node_of_name;  // kNone for a name that was only a child so far
  std::vector<std::string> roots;
  std::vector<std::pair<std::string, ClassData>> class_data;
  bool has_nodes = false;
  std::string fault, fault_node;  // what ended the reading, and the e-node in which
  size_t fault_byte = SIZE_MAX;   // where the text is no JSON

  bool key(string_t& name) override;
  bool start_object(size_t) override;
  bool end_object() override;
  bool start_array(size_t) override;
  bool end_array() override;
  bool string(string_t& value) override;
  bool number_integer(number_integer_t value) override;
  bool number_unsigned(number_unsigned_t value) override;
  bool number_float(number_float_t value, const string_t& text) override;
  bool boolean(bool value) override;
  bool null() override;
  bool binary(nlohmann::json::binary_t&) override;
  bool parse_error(size_t byte, const std::string&, const nlohmann::detail::exception& e) override;

 private:
  enum class Part : uint8_t { kOther, kNodes, kRoots, kClassData };
  enum class Field : uint8_t { kOther, kOp, kChildren, kClass, kCost, kSubsumed };

  bool in_node() const { return depth_ == 3 && part_ == Part::kNodes; }
  bool in_children() const { return depth_ == 4 && part_ == Part::kNodes && field_ == Field::kChildren; }
  bool in_class_data() const { return depth_ == 3 && part_ == Part::kClassData; }
  bool number(double value, std::string text);
  bool unexpected(const char* what);
  bool fail(std::string what);
  uint32_t name_of_node(std::string&& name);

  int depth_ = 0;  // objects and lists around the place
  Part part_ = Part::kOther;
  Field field_ = Field::kOther;
};

}  // namespace egret::egraph
