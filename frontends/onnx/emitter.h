// Emitter: the nodes and initializers of an ONNX graph that is being written, and the operators of ir in terms of them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "frontends/onnx/wire.h"
#include "ir/graph.h"

namespace egret::onnx {

using Names = std::vector<std::string>;
using Ints = std::vector<int64_t>;

// One attribute of an ONNX node.
struct NodeAttribute {
  enum class Kind { kInt, kInts, kFloat, kText, kTensor } kind = Kind::kInt;
  std::string name;
  int64_t integer = 0;
  Ints ints;
  float number = 0;
  std::string text;
  const Tensor* tensor = nullptr;
};
NodeAttribute attribute(std::string name, int64_t value);
NodeAttribute attribute(std::string name, Ints values);
NodeAttribute attribute(std::string name, double value);
NodeAttribute attribute(std::string name, std::string_view value);

class Emitter {
 public:
  // The value that is being written: its name is given to the last node.
  struct Target {
    ValueId value = 0;
    const GraphNode* node = nullptr;
    std::vector<std::string> operands;  // names
    std::vector<const Type*> types;     // of the operands
    const Attrs& attrs() const { return node->attrs; }
    const Type& type() const { return node->type; }
  };

  explicit Emitter(const Graph& graph);
  Result<std::string> model();

  // A node with one result, whose name is returned: `result`, or a fresh name where that is empty or an output's.
  std::string node(std::string_view op, const Names& inputs, std::vector<NodeAttribute> attributes = {},
                   std::string result = {});
  void node_of_several(std::string_view op, const Names& inputs, const std::vector<NodeAttribute>& attributes,
                       const Names& results);
  std::string integers(const Ints& values);       // an i64 vector
  std::string scalar(double value, DType dtype);  // of rank 0
  std::string initializer(const Tensor& tensor);
  std::string reshape(const std::string& x, const Ints& sizes);
  std::string transpose(const std::string& x, const Ints& perm);
  std::string expand(const std::string& x, const Ints& sizes);
  // Pads or, where negative, cuts.
  std::string pad(const std::string& x, const Ints& low, const Ints& high, const std::string& with);
  std::string pad(const std::string& x, const Ints& low, const Ints& high, double with, DType dtype);
  // The elements of x, of those sizes, apart by `interior`.
  std::string spread(std::string x, Ints sizes, const Ints& interior, const std::string& with);
  std::string fresh();
  const std::string& name(ValueId v) const { return names_.at(v).front(); }
  const Names& parts(ValueId v) const { return names_.at(v); }
  const Graph& graph() const { return graph_; }
  // One name a value, several of a tuple.
  void set_names(ValueId v, Names names) { names_[v] = std::move(names); }

 private:
  Status write_node(ValueId v);
  void write_signature();
  void add_initializer(const Tensor& tensor, const std::string& name);

  const Graph& graph_;
  WireWriter nodes_, initializers_, inputs_, outputs_;
  std::unordered_map<ValueId, Names> names_;
  std::map<Ints, std::string> integers_;
  std::map<std::pair<std::string, DType>, std::string> scalars_;
  std::unordered_set<std::string> taken_, output_names_;
  std::string base_;  // of fresh names
  int counter_ = 0;
};

// Writes one operator: returns the names of its results (one, or the parts of a tuple).  A composite that the table
// lacks is expanded before writing; any other operator that it lacks has no ONNX form.
using OpWriter = Result<Names> (*)(Emitter&, const Emitter::Target&);
const std::unordered_map<std::string_view, OpWriter>& op_writers();  // writer_folds.cpp

void add_map_writers(std::unordered_map<std::string_view, OpWriter>& table);       // writer_maps.cpp
void add_movement_writers(std::unordered_map<std::string_view, OpWriter>& table);  // writer_movement.cpp
void add_fold_writers(std::unordered_map<std::string_view, OpWriter>& table);      // writer_folds.cpp
void add_window_writers(std::unordered_map<std::string_view, OpWriter>& table);    // writer_windows.cpp

}  // namespace egret::onnx
