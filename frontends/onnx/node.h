// Node: what the handler of an ONNX operator sees: inputs, attributes, and the operators that it may put into the
// graph, with NumPy's broadcasting made explicit.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontends/onnx/importer.h"

namespace egret::onnx {

using Sizes = std::vector<int64_t>;

// Steps of a loop or a recurrent layer that are unrolled.
inline constexpr int64_t kMaxSteps = 256;

class Node {
 public:
  Node(Importer& importer, const NodeMessage& message, int64_t version)
      : version(version), importer_(importer), message_(message) {}

  const int64_t version;  // of the operator set

  // Inputs and outputs.
  size_t inputs_count() const { return message_.inputs.size(); }
  size_t outputs_count() const { return message_.outputs.size(); }
  bool has(size_t i) const { return i < message_.inputs.size() && !importer_.left_out(message_.inputs[i]); }
  bool wants(size_t i) const { return i < message_.outputs.size() && !message_.outputs[i].empty(); }
  Value in(size_t i);
  void out(Value value) { out(0, value); }
  void out(size_t i, Value value);
  const NodeMessage& message() const { return message_; }
  Importer& importer() { return importer_; }

  // Attributes; a wrong kind is an error.
  bool has_attr(std::string_view name) { return attr(name) != nullptr; }
  int64_t attr_int(std::string_view name, int64_t fallback);
  double attr_float(std::string_view name, double fallback);
  std::string attr_string(std::string_view name, std::string fallback);
  Sizes attr_ints(std::string_view name, Sizes fallback = {});
  const AttributeMessage* attr(std::string_view name) { return importer_.attribute(message_, name); }

  // What is known of values.
  const Type& type(Value v) const { return importer_.type(v); }
  Sizes sizes(Value v) const { return importer_.type(v).sizes(); }
  int rank(Value v) const { return importer_.type(v).rank(); }
  DType dtype(Value v) const { return importer_.type(v).dtype; }
  int64_t size(Value v, int64_t axis) const { return importer_.type(v).dims[axis].value(); }
  // Integers of an input that must be known at import (shapes, axes); `what` names it in the error.
  Sizes known_ints(Value v, std::string_view what);
  Sizes input_ints(size_t input, std::string_view what) { return known_ints(in(input), what); }
  int64_t input_int(size_t input, std::string_view what);  // one integer
  double known_number(Value v, std::string_view what);
  // Axis in [-rank, rank) made positive.
  int64_t axis(int64_t axis, int64_t rank);
  Sizes axes(Sizes axes, int64_t rank);  // each made positive, none twice, sorted

  // Errors; they name the node.  `unsupported` may become an opaque node.
  [[noreturn]] void fail(std::string message, std::string hint = {}) const;
  [[noreturn]] void unsupported(std::string message, std::string hint = {}) const;
  void check(bool condition, std::string_view message) const;

  // Building.  `add` takes operands as they are.
  Value add(std::string_view op, std::initializer_list<Value> operands, Attrs attrs = {});
  Value add(std::string_view op, const std::vector<Value>& operands, Attrs attrs = {});
  // A map with operands broadcast to their common sizes.
  Value map(std::string_view op, std::vector<Value> operands, Attrs attrs = {});
  Value splat(DType dtype, const Sizes& sizes, double value) { return importer_.splat(dtype, sizes, value); }
  Value number(Value like, double value) { return splat(dtype(like), {}, value); }  // a scalar of like's dtype
  Value integers(DType dtype, const Sizes& sizes, const Sizes& values);
  Value floats(DType dtype, const Sizes& sizes, const std::vector<double>& values);
  Value cast(Value v, DType to);
  Value reshape(Value v, const Sizes& sizes);
  Value transpose(Value v, const Sizes& perm);
  Value slice(Value v, const Sizes& start, const Sizes& limit, const Sizes& stride);
  Value slice_axis(Value v, int64_t axis, int64_t start, int64_t limit, int64_t stride = 1);
  Value concat(const std::vector<Value>& values, int64_t axis);
  Value gather(Value v, Value indices, int64_t axis);  // indices in range
  Value pad(Value v, const Sizes& low, const Sizes& high, Value with);
  Value iota(DType dtype, const Sizes& sizes, int64_t axis);
  Value broadcast_to(Value v, const Sizes& sizes);
  // x's axes at `dims` of the result, the other sizes new.
  Value broadcast_in(Value v, const Sizes& dims, const Sizes& sizes);
  Value reduce(std::string_view op, Value v, const Sizes& axes, bool keep);
  Value keep_axes(Value reduced, Value source, const Sizes& axes);  // sizes 1 where axes were
  Value dot(Value a, Value b, Sizes lb, Sizes rb, Sizes lc, Sizes rc);
  Sizes common_sizes(const std::vector<Value>& values);

 private:
  void check_kind(const AttributeMessage& a, int32_t kind, const char* what) const;
  Importer& importer_;
  const NodeMessage& message_;
};

using Handler = void (*)(Node&);

// The handler of an operator of the standard domain ("" or "ai.onnx"), or of the few well-known ones of
// com.microsoft; null where there is none.
Handler find_handler(std::string_view domain, std::string_view op);

// The families, each in its file; name -> handler.
using HandlerTable = std::map<std::string_view, Handler>;
void add_map_handlers(HandlerTable& table);         // ops_maps.cpp
void add_arithmetic_handlers(HandlerTable& table);  // ops_arithmetic.cpp
void add_shape_handlers(HandlerTable& table);       // ops_shape.cpp
void add_index_handlers(HandlerTable& table);       // ops_index.cpp
void add_reduce_handlers(HandlerTable& table);      // ops_reduce.cpp
void add_product_handlers(HandlerTable& table);     // ops_product.cpp
void add_window_handlers(HandlerTable& table);      // ops_window.cpp
void add_norm_handlers(HandlerTable& table);        // ops_norm.cpp
void add_resize_handlers(HandlerTable& table);      // ops_resize.cpp
void add_constant_handlers(HandlerTable& table);    // ops_constant.cpp
void add_control_handlers(HandlerTable& table);     // ops_control.cpp
void add_recurrent_handlers(HandlerTable& table);   // ops_recurrent.cpp
void add_quantized_handlers(HandlerTable& table);   // ops_quantized.cpp
void add_attention_handlers(HandlerTable& table);   // ops_attention.cpp
void add_loss_handlers(HandlerTable& table);        // ops_loss.cpp

// What several families need.
Value matmul(Node& n, Value a, Value b);       // NumPy's (ops_product.cpp)
Value convolution(Node& n, Value x, Value w);  // by the node's attributes, without bias (ops_window.cpp)

int64_t product(const Sizes& sizes, size_t begin, size_t end);
inline int64_t product(const Sizes& sizes) { return product(sizes, 0, sizes.size()); }

}  // namespace egret::onnx
