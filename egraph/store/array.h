// Array: a growing array of plain values that never copies when it is large.
//
// Small arrays live in malloc's memory.  Large ones are mappings of their own, reserved ahead in virtual memory, moved
// by the page table when they outgrow it and backed by huge pages where the system allows: the first touch of memory is
// the dearest operation on a virtual machine, so nothing is touched twice and nothing that is not used.
// `bytes` counts what was ever used, to the page, huge ones where these were asked for: that is what the system counts too.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

namespace egret::egraph {

// A block of memory that grows in place of its address (array.cpp).  What was never used of a mapping reads as zero.
class Region {
 public:
  static constexpr size_t kPage = 4096;
  static constexpr size_t kHugePage = size_t{2} << 20;
  static constexpr size_t kLeastHuge = size_t{4} << 20;  // smaller mappings would waste most of a huge page

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
    std::swap(huge_, other.huge_);
  }
  void* data() const { return data_; }
  size_t capacity() const { return capacity_; }  // bytes
  bool mapped() const { return mapped_; }
  bool huge() const { return huge_; }  // asked for huge pages
  void advise_huge();  // all of it will be used
  void grow(size_t bytes, size_t used);  // at least `bytes`, of which the first `used` keep their content
  // Bytes that it takes once `used` of them, perhaps more than there are now, were used.
  uint64_t resident(size_t used) const {
    if (used > capacity_) return resident_once_grown(used);
    const size_t page = huge_ ? kHugePage : kPage, pages = (used + page - 1) & ~(page - 1);
    return mapped_ ? pages : std::min(capacity_, pages);
  }

 private:
  size_t capacity_for(size_t bytes) const;
  uint64_t resident_once_grown(size_t used) const;

  void* data_ = nullptr;
  size_t capacity_ = 0;
  bool mapped_ = false, huge_ = false;
};

// Gives memory of small arrays that were released back to the system, where the allocator would keep it.
void return_released();

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
    if (count * sizeof(T) > region_.capacity()) region_.grow(count * sizeof(T), used_ * sizeof(T));
  }
  void push_back(const T& value) {
    const T copy = value;  // may stand in this array
    extend(1);
    back() = copy;
  }
  // Longer by `count` values of no defined content.
  void extend(size_t count) {
    reserve(size_ + count);
    size_ += count;
    if (size_ > used_) used_ = size_;
  }
  // The same.  Huge pages that nobody used are touched, each by one thread: of two that meet in one, both would clear it.
  template <class Workers>
  void extend(size_t count, const Workers& workers) {
    const size_t fresh = used_ * sizeof(T);
    extend(count);
    if (workers.several() && region_.huge()) touch(fresh, workers);
  }
  // Longer by `count` values of zero bits, which can be read first: of a page that nobody wrote, reading would take one
  // fault and writing another.
  template <class Workers>
  void extend_zero(size_t count, const Workers& workers) {
    const size_t old = size_, fresh = used_;
    extend(count);
    region_.advise_huge();
    const size_t unclean = region_.mapped() ? std::min(size_, fresh) : size_;
    if (unclean > old) std::memset(static_cast<void*>(data() + old), 0, (unclean - old) * sizeof(T));
    if (region_.mapped()) touch(fresh * sizeof(T), workers);
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
  uint64_t bytes() const { return region_.resident(used_ * sizeof(T)); }
  // Bytes that the array takes more once it is longer by `count` values, or was as long as `size`.
  uint64_t growth(size_t count) const { return growth_to(size_ + count); }
  static uint64_t bytes_of(size_t size) { return Region().resident(size * sizeof(T)); }
  uint64_t growth_to(size_t size) const { return region_.resident(std::max(used_, size) * sizeof(T)) - bytes(); }

 private:
  // Writes a byte of each page from byte `fresh` on that was never used.
  template <class Workers>
  void touch(size_t fresh, const Workers& workers) {
    const size_t end = used_ * sizeof(T), task = Region::kHugePage, first = fresh / task;
    if (fresh >= end) return;
    volatile char* const bytes = static_cast<volatile char*>(region_.data());
    workers.for_each((end - 1) / task + 1 - first, [&](size_t t) {
      const size_t begin = std::max(fresh + Region::kPage - 1, (first + t) * task) / Region::kPage * Region::kPage;
      for (size_t at = begin; at < std::min(end, (first + t + 1) * task); at += Region::kPage) bytes[at] = 0;
    });
  }

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
