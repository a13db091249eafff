#include "ir/tensor.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "ir/round.h"

namespace egret {

namespace {

template <class T>
T load(const std::vector<std::byte>& bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void store(std::vector<std::byte>& bytes, int64_t i, T value) {
  std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
}

// Truncates and saturates; NaN gives 0.
template <class T>
T truncate(double x) {
  constexpr double low = static_cast<double>(std::numeric_limits<T>::min());
  constexpr double high = static_cast<double>(std::numeric_limits<T>::max());
  if (std::isnan(x)) return 0;
  if (x <= low) return std::numeric_limits<T>::min();
  if (x >= high) return std::numeric_limits<T>::max();
  return static_cast<T>(x);
}

// Calls f with a value of the C++ type that stores an integer dtype.
template <class F>
auto with_integer(DType t, F f) {
  switch (t) {
    case DType::i32: return f(int32_t{});
    case DType::i16: return f(int16_t{});
    case DType::i8: return f(int8_t{});
    case DType::u64: return f(uint64_t{});
    case DType::u32: return f(uint32_t{});
    case DType::u16: return f(uint16_t{});
    case DType::u8:
    case DType::boolean: return f(uint8_t{});
    default: return f(int64_t{});
  }
}

}  // namespace

Tensor::Tensor(Type type) : type_(std::move(type)), bytes_(static_cast<size_t>(type_.bytes())) {}

Tensor::Tensor(Type type, std::vector<std::byte> bytes) : type_(std::move(type)), bytes_(std::move(bytes)) {
  EGRET_CHECK(static_cast<int64_t>(bytes_.size()) == type_.bytes(), "bytes of a tensor");
}

double Tensor::get(int64_t i) const {
  switch (dtype()) {
    case DType::f64: return load<double>(bytes_, i);
    case DType::f32:
    case DType::tf32: return load<float>(bytes_, i);
    case DType::f16: return float_of_f16(load<uint16_t>(bytes_, i));
    case DType::bf16: return float_of_bf16(load<uint16_t>(bytes_, i));
    default:
      return with_integer(dtype(), [&](auto zero) { return static_cast<double>(load<decltype(zero)>(bytes_, i)); });
  }
}

int64_t Tensor::get_int(int64_t i) const {
  if (is_float(dtype())) return truncate<int64_t>(get(i));
  return with_integer(dtype(), [&](auto zero) { return static_cast<int64_t>(load<decltype(zero)>(bytes_, i)); });
}

void Tensor::set(int64_t i, double value) {
  switch (dtype()) {
    case DType::f64: return store(bytes_, i, value);
    case DType::f32: return store(bytes_, i, static_cast<float>(value));
    case DType::tf32: return store(bytes_, i, round_to_tf32(to_float_odd(value)));
    case DType::f16: return store(bytes_, i, f16_of_float(to_float_odd(value)));
    case DType::bf16: return store(bytes_, i, bf16_of_float(to_float_odd(value)));
    case DType::boolean: return store(bytes_, i, static_cast<uint8_t>(value != 0));
    default: return with_integer(dtype(), [&](auto zero) { store(bytes_, i, truncate<decltype(zero)>(value)); });
  }
}

void Tensor::set_int(int64_t i, int64_t value) {
  if (is_float(dtype())) return set(i, static_cast<double>(value));
  if (dtype() == DType::boolean) return store(bytes_, i, static_cast<uint8_t>(value != 0));
  with_integer(dtype(), [&](auto zero) { store(bytes_, i, static_cast<decltype(zero)>(value)); });
}

Tensor Tensor::splat(Type type, double value) {
  Tensor t(std::move(type));
  int64_t count = t.size();
  if (count == 0) return t;
  t.set(0, value);
  size_t width = static_cast<size_t>(size_in_bytes(t.dtype()));
  for (int64_t i = 1; i < count; ++i) std::memcpy(t.bytes_.data() + i * width, t.bytes_.data(), width);
  return t;
}

bool operator==(const Tensor& a, const Tensor& b) { return a.type_ == b.type_ && a.bytes_ == b.bytes_; }

}  // namespace egret
