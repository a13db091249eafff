// Importer: turns the nodes of one ONNX model into nodes of a GraphBuilder.
//
// A Value is one ONNX value: it may be in the graph already, or be known (a tensor, or one number everywhere) and enter
// the graph only when an operator needs it there.  An operator whose operands are all known is evaluated at once, by
// the definition of the operator itself; so shape arithmetic never reaches the graph.
//
// Inside this folder a fault of the file is thrown (Failure) and caught in reader.cpp; nothing leaves it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontends/onnx/model.h"
#include "frontends/onnx/reader.h"
#include "ir/graph.h"

namespace egret::onnx {

struct Failure {
  Error error;
};

using Value = uint32_t;  // index of Importer::slots_

// Larger known integers (position tables, masks) and floats are not computed at import.
inline constexpr int64_t kFoldedIntegers = 1 << 16;
inline constexpr int64_t kFoldedFloats = 4096;
// Larger constants become inputs with data instead of `constant` nodes.
inline constexpr int64_t kInlineElements = 4096;

class Node;

class Importer {
 public:
  Importer(const ModelMessage& model, std::string base_dir, const OnnxOptions& options);
  Graph run();  // throws Failure

  // Values.
  const Type& type(Value v) const { return slots_[v].type; }
  Value tensor(Tensor tensor, std::string name = {});
  Value dense(const SparseMessage& sparse);
  Value splat(DType dtype, const std::vector<int64_t>& sizes, double value);
  Value in_graph(ValueId id);
  // The number that all elements have, where that is known and `v` is no parameter.
  std::optional<double> uniform(Value v);
  // The elements, where they are known (parameters included: for what becomes an attribute); null otherwise.
  TensorRef known(Value v);
  bool foldable(Value v);  // known, small, and no parameter
  // Puts a value into the graph; `spread`: a uniform one becomes a `splat`.
  ValueId operand(Value v, bool spread = false);
  // Adds an operator, or its value where all operands are foldable.
  Value add(std::string_view op, const std::vector<Value>& operands, Attrs attrs);

  // Nodes.
  void run_nodes(const std::vector<NodeMessage>& nodes);
  // A graph inside a node, in the scope around it; its outputs.  `arguments`: its inputs.
  std::vector<Value> run_graph(const GraphMessage& graph, const std::vector<Value>& arguments);
  // Whether an input is left out: an empty name, or an input of the function around it that the call leaves out.
  bool left_out(std::string_view name) const;
  // An attribute, inside a function perhaps the call's; null where there is none.
  const AttributeMessage* attribute(const NodeMessage& node, std::string_view name) const;
  [[noreturn]] void fail(Error error) const;
  void check_size(const Type& type) const;  // sizes whose product is out of range
  void spend_constant_bytes(int64_t bytes);
  const std::string& base_dir() const { return base_dir_; }
  const OnnxOptions& options() const { return options_; }
  uint64_t nodes_left() const { return nodes_left_; }  // that may still be run

 private:
  friend class Node;
  struct Slot {
    Type type;
    TensorRef tensor;                        // known elements
    std::optional<double> splat;             // known: all elements are this number
    const TensorMessage* message = nullptr;  // an initializer not decoded yet
    bool parameter = false;                  // never folded: weights may change
    std::string name;                        // of the input that it becomes
    std::optional<ValueId> id;               // once in the graph
    std::optional<ValueId> spread_id;        // the same as a `splat`
  };
  // Names visible where nodes stand: an inner scope sees the outer one (branches), or does not (functions).
  struct Scope {
    std::unordered_map<std::string_view, Value> values;
    std::unordered_map<std::string_view, const ValueMessage*> declared;  // value_info, for opaque nodes
    bool sees_outer = false;
    const NodeMessage* call = nullptr;  // of a function
    const FunctionMessage* function = nullptr;
  };

  Value new_slot(Slot slot);
  void decode(Slot& slot);
  std::optional<Value> find(std::string_view name) const;
  void define(std::string_view name, Value value);
  void declare_inputs();
  std::vector<int64_t> input_sizes(const ValueMessage& input);
  void bind_named_dimensions();
  void add_initializers(const GraphMessage& graph);
  void run_node(const NodeMessage& node);
  void run_function(const FunctionMessage& function, const NodeMessage& call);
  const FunctionMessage* function_of(const NodeMessage& node) const;
  void add_opaque(const NodeMessage& node, const Error& reason);
  std::optional<Type> declared_type(std::string_view name) const;
  void count_fallback(const std::string& op, const std::string& reason);
  std::optional<Value> folded(const OpDef& op, const std::vector<Value>& operands, const Attrs& attrs);
  ValueId add_input(const Slot& slot, InputRole role);
  void name_values();
  int64_t opset(std::string_view domain) const;

  const ModelMessage& model_;
  const std::string base_dir_;
  const OnnxOptions& options_;
  GraphBuilder builder_;
  std::vector<Slot> slots_;
  std::vector<Scope> scopes_;
  std::map<std::string, int64_t, std::less<>> named_dimensions_;
  std::set<std::string> input_names_;
  std::vector<std::pair<ValueId, std::string>> inputs_;       // with the names that they should have
  std::vector<std::pair<ValueId, std::string>> value_names_;  // what the file calls a node's result
  SourceSpan place_;
  int64_t opaque_count_ = 0;
  uint64_t nodes_left_ = 0;
  uint64_t constant_bytes_left_ = 0;
};

}  // namespace egret::onnx
