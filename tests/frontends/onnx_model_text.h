// Small ONNX files for tests, made field by field.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "frontends/onnx/wire.h"

namespace egret::onnx::test {

using Ints = std::vector<int64_t>;

inline WireWriter tensor(const std::string& name, int64_t element, const Ints& dims, const std::string& raw) {
  WireWriter out;
  for (const int64_t d : dims) out.int64(1, d);
  out.int64(2, element);
  out.bytes(8, name);
  out.bytes(9, raw);
  return out;
}

inline std::string raw_ints(const Ints& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t));
}

inline std::string raw_floats(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

// A dimension below 0 is open; named `n` where it is -2.
inline WireWriter value(const std::string& name, int64_t element, const Ints& dims) {
  WireWriter shape, tensor_type, type, out;
  for (const int64_t d : dims) {
    WireWriter dim;
    if (d >= 0) dim.int64(1, d);
    if (d == -2) dim.bytes(2, "n");
    shape.message(1, dim);
  }
  tensor_type.int64(1, element);
  tensor_type.message(2, shape);
  type.message(1, tensor_type);
  out.bytes(1, name);
  out.message(2, type);
  return out;
}

inline WireWriter attribute(const std::string& name, int64_t value) {
  WireWriter out;
  out.bytes(1, name);
  out.int64(3, value);
  out.int64(20, 2);
  return out;
}

inline WireWriter float_attribute(const std::string& name, float value) {
  WireWriter out;
  out.bytes(1, name);
  out.float32(2, value);
  out.int64(20, 1);
  return out;
}

// Inside a function: a FLOAT that the call gives under the name `of`.
inline WireWriter attribute_of_call(const std::string& name, const std::string& of) {
  WireWriter out;
  out.bytes(1, name);
  out.int64(20, 1);
  out.bytes(21, of);
  return out;
}

inline WireWriter tensor_attribute(const std::string& name, const WireWriter& tensor) {
  WireWriter out;
  out.bytes(1, name);
  out.message(5, tensor);
  out.int64(20, 4);
  return out;
}

inline WireWriter graph_attribute(const std::string& name, const WireWriter& graph) {
  WireWriter out;
  out.bytes(1, name);
  out.message(6, graph);
  out.int64(20, 5);
  return out;
}

inline WireWriter node(const std::string& op, const std::vector<std::string>& inputs,
                       const std::vector<std::string>& outputs, const std::vector<WireWriter>& attributes = {},
                       const std::string& domain = {}) {
  WireWriter out;
  for (const std::string& i : inputs) out.bytes(1, i);
  for (const std::string& o : outputs) out.bytes(2, o);
  out.bytes(3, op + "_1");
  out.bytes(4, op);
  for (const WireWriter& a : attributes) out.message(5, a);
  if (!domain.empty()) out.bytes(7, domain);
  return out;
}

// A function of the domain `my` that makes `y`.
inline WireWriter function(const std::string& name, const std::vector<std::string>& inputs, const std::vector<WireWriter>& nodes,
                           const std::string& overload = {}) {
  WireWriter out;
  out.bytes(1, name);
  out.bytes(10, "my");
  for (const std::string& i : inputs) out.bytes(4, i);
  out.bytes(5, "y");
  for (const WireWriter& n : nodes) out.message(7, n);
  if (!overload.empty()) out.bytes(13, overload);
  return out;
}

struct GraphParts {
  std::vector<WireWriter> nodes, initializers, inputs, outputs, values;
};

inline WireWriter graph(const GraphParts& parts) {
  WireWriter out;
  for (const WireWriter& n : parts.nodes) out.message(1, n);
  out.bytes(2, "g");
  for (const WireWriter& i : parts.initializers) out.message(5, i);
  for (const WireWriter& i : parts.inputs) out.message(11, i);
  for (const WireWriter& o : parts.outputs) out.message(12, o);
  for (const WireWriter& v : parts.values) out.message(13, v);
  return out;
}

inline std::string model(const GraphParts& parts, int64_t opset = 17, const std::vector<WireWriter>& functions = {}) {
  WireWriter set, out;
  set.bytes(1, "");
  set.int64(2, opset);
  out.int64(1, 8);
  out.message(7, graph(parts));
  for (const WireWriter& f : functions) out.message(25, f);
  out.message(8, set);
  return out.take();
}

}  // namespace egret::onnx::test
