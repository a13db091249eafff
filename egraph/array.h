// Array: a growing array of plain values that never copies when it is large.
//
// Small arrays live in malloc's memory.  Large ones are mappings of their own, reserved ahead in virtual memory, moved
// by the page table when they outgrow it and backed by huge pages where the system allows: the first touch of memory is
// the dearest operation on a virtual machine, so nothing is touched twice and nothing that is not used.
// `bytes` counts what was ever used, to the page: that is what the system counts too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

namespace egret::egraph {

// A block of memory that grows in place of its address (array.cpp).  Fresh memory of a mapping reads as zero.
class Region {
 public:
  Region() = default;
  Region(Region&& other) noexcept { swap(other); }
  Region& operator=(Region&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Region();
  void swap(Region& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(mapped_, other.mapped_);
  }
  void* data() const { return data_; }
  size_t capacity() const { return capacity_; }  // bytes
  bool mapped() const { return mapped_; }
  void grow(size_t bytes);  // keeps what is there; at least `bytes`

 private:
  void* data_ = nullptr;
  size_t capacity_ = 0;
  bool mapped_ = false;
};

template <class T>
class Array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Array() = default;
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    swap(other);
    return *this;
  }
  Array(const Array& other) { assign(other.begin(), other.size()); }
  Array& operator=(const Array& other) {
    if (this != &other) assign(other.begin(), other.size());
    return *this;
  }
  void swap(Array& other) noexcept {
    region_.swap(other.region_);
    std::swap(size_, other.size_);
    std::swap(used_, other.used_);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return static_cast<T*>(region_.data()); }
  const T* data() const { return static_cast<const T*>(region_.data()); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T& back() { return data()[size_ - 1]; }
  std::span<const T> span() const { return {data(), size_}; }

  void reserve(size_t count) {
    if (count * sizeof(T) > region_.capacity()) region_.grow(count * sizeof(T));
  }
  void push_back(const T& value) {
    const T copy = value;  // may stand in this array
    extend(1);
    back() = copy;
  }
  // Longer by `count` values of no defined content.
  void extend(size_t count) {
    if ((size_ + count) * sizeof(T) > region_.capacity()) region_.grow((size_ + count) * sizeof(T));
    size_ += count;
    if (size_ > used_) used_ = size_;
  }
  void resize(size_t count, T value = T{}) {
    const size_t old = size_;
    if (count <= old) {
      size_ = count;
      return;
    }
    extend(count - old);
    for (size_t i = old; i < count; ++i) data()[i] = value;
  }
  // `count` values of no defined content.
  void reshape(size_t count) {
    size_ = 0;
    extend(count);
  }
  void append(const T* values, size_t count) {  // `values` outside of this array
    extend(count);
    if (count > 0) std::memcpy(static_cast<void*>(end() - count), values, count * sizeof(T));
  }
  void assign(const T* values, size_t count) {
    size_ = 0;
    append(values, count);
  }
  void clear() { size_ = 0; }
  void release() { Array().swap(*this); }
  uint64_t bytes() const {
    if (!region_.mapped()) return region_.capacity();
    return (used_ * sizeof(T) + 4095) & ~uint64_t{4095};
  }

 private:
  Region region_;
  size_t size_ = 0, used_ = 0;  // used: the most that `size_` was
};

// One bit an id.
class Bits {
 public:
  bool test(uint32_t i) const { return words_[i >> 6] >> (i & 63) & 1; }
  void set(uint32_t i) { words_[i >> 6] |= uint64_t{1} << (i & 63); }
  void clear(uint32_t i) { words_[i >> 6] &= ~(uint64_t{1} << (i & 63)); }
  void cover(size_t count) { words_.resize((count + 63) / 64); }  // new bits are zero
  uint64_t bytes() const { return words_.bytes(); }
  Array<uint64_t>& words() { return words_; }
  const Array<uint64_t>& words() const { return words_; }

 private:
  Array<uint64_t> words_;
};

}  // namespace egret::egraph
