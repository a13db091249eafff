// The messages of an ONNX file (onnx.proto) as plain structs: only the fields that the reader uses.
//
// Strings and raw tensor bytes are views into the file's bytes, which must outlive the structs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace egret::onnx {

// TensorProto.DataType; the numbers are the file's.
enum ElementType : int32_t {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16
};

struct TensorMessage {
  std::string_view name;
  std::vector<int64_t> dims;
  int32_t element_type = 0;
  std::string_view raw;
  bool has_raw = false;
  bool external = false;
  std::vector<std::pair<std::string_view, std::string_view>> external_entries;  // location, offset, length
  std::vector<float> floats;
  std::vector<int32_t> ints32;
  std::vector<int64_t> ints64;
  std::vector<double> doubles;
  std::vector<uint64_t> uints64;
};

struct SparseMessage {
  TensorMessage values, indices;  // values has the name; indices: positions in row-major order, or a row of indices each
  std::vector<int64_t> dims;
};

struct DimMessage {
  int64_t value = -1;     // -1: open
  std::string_view name;  // of an open one; may be empty
};

struct ValueMessage {
  std::string_view name;
  bool is_tensor = false;
  int32_t element_type = 0;
  bool has_shape = false;
  std::vector<DimMessage> dims;
};

struct GraphMessage;

struct AttributeMessage {
  std::string_view name;
  std::string_view reference;  // inside a function: the attribute of the call that is meant
  int32_t type = 0;            // 1 FLOAT, 2 INT, 3 STRING, 4 TENSOR, 5 GRAPH, 6 FLOATS, 7 INTS, 8 STRINGS, ...
  float f = 0;
  int64_t i = 0;
  std::string_view s;
  std::vector<TensorMessage> tensors;  // `t`, or `tensors`
  std::vector<SparseMessage> sparse;   // `sparse_tensor`
  std::vector<GraphMessage> graphs;    // `g`, or `graphs`
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
};

struct NodeMessage {
  std::string_view name, op, domain, overload;
  std::vector<std::string_view> inputs, outputs;  // an empty name: left out
  std::vector<AttributeMessage> attributes;

  const AttributeMessage* attribute(std::string_view attribute_name) const;
};

struct GraphMessage {
  std::string_view name;
  std::vector<NodeMessage> nodes;
  std::vector<TensorMessage> initializers;
  std::vector<ValueMessage> inputs, outputs, values;
  std::vector<SparseMessage> sparse;  // initializers too
};

struct OpsetMessage {
  std::string_view domain;
  int64_t version = 0;
};

struct FunctionMessage {
  std::string_view name, domain, overload;  // together they are its name
  std::vector<std::string_view> inputs, outputs;
  std::vector<AttributeMessage> defaults;
  std::vector<NodeMessage> nodes;
  std::vector<OpsetMessage> opsets;
};

struct ModelMessage {
  int64_t ir_version = 0;
  std::vector<OpsetMessage> opsets;
  GraphMessage graph;
  bool has_graph = false;
  std::vector<FunctionMessage> functions;
};

// Graphs in attributes (branches, loop bodies) may nest this deep.
inline constexpr int kMaxDepth = 16;

// Errors: kInput with the offset of the fault.  `max_nodes` bounds the nodes of the file, those in branches included.
Result<ModelMessage> parse_model(std::string_view bytes, uint64_t max_nodes);
// One TensorProto (`.pb` files of test data).
Result<TensorMessage> parse_tensor(std::string_view bytes);

}  // namespace egret::onnx
