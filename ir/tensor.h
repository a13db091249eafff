// Tensor: a dense row-major array in host memory; what the evaluators, constants and the runtime's callers hold.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ir/type.h"

namespace egret {

class Tensor {
 public:
  Tensor() = default;
  // Zeroed storage of a static tensor type.
  explicit Tensor(Type type);
  Tensor(Type type, std::vector<std::byte> bytes);  // Requires: bytes.size() == type.bytes()

  const Type& type() const { return type_; }
  DType dtype() const { return type_.dtype; }
  std::vector<int64_t> sizes() const { return type_.sizes(); }
  int64_t size() const { return type_.elements_count(); }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::span<std::byte> bytes() { return bytes_; }
  template <class T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }
  template <class T>
  std::span<T> as() {
    return {reinterpret_cast<T*>(bytes_.data()), bytes_.size() / sizeof(T)};
  }
  // Element `i` in row-major order, converted (f16, bf16, integers and bool included).  i64 beyond 2^53 loses bits:
  // use get_int.
  double get(int64_t i) const;
  int64_t get_int(int64_t i) const;
  void set(int64_t i, double value);  // rounds to nearest even; integers truncate
  void set_int(int64_t i, int64_t value);

  static Tensor splat(Type type, double value);
  friend bool operator==(const Tensor&, const Tensor&);  // type and bytes

 private:
  Type type_;
  std::vector<std::byte> bytes_;
};
using TensorRef = std::shared_ptr<const Tensor>;

}  // namespace egret
