// Lists of numbers that change, in blocks that go all at once.  A list that outgrows its place moves to another and what
// it was stays as it is, so what was taken from a list before can be read until that list is assigned or cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

using Span = std::span<const uint32_t>;

class Lists {
 public:
  Lists() = default;
  explicit Lists(size_t count) : lists_(count) {}  // empty ones
  explicit Lists(const Rows& rows) {
    lists_.reserve(rows.size());
    uint32_t* to = take(rows.entries.size());
    std::copy(rows.entries.begin(), rows.entries.end(), to);
    for (size_t r = 0; r < rows.size(); ++r) {
      const auto size = static_cast<uint32_t>(rows[r].size());
      lists_.push_back({to, size, size});
      to += size;
    }
  }

  size_t size() const { return lists_.size(); }
  Span operator[](size_t l) const { return {lists_[l].at, lists_[l].size}; }

  void append(Span list) {
    lists_.push_back({});
    assign(size() - 1, list);
  }
  void assign(size_t l, Span list) {
    List& to = lists_[l];
    if (list.size() > to.room) to = {take(list.size()), 0, static_cast<uint32_t>(list.size())};
    std::copy(list.begin(), list.end(), to.at);
    to.size = static_cast<uint32_t>(list.size());
  }
  void push(size_t l, uint32_t value) {
    List& to = lists_[l];
    if (to.size == to.room) {
      const uint32_t room = std::max(4u, 2 * to.room);
      uint32_t* at = take(room);
      std::copy(to.at, to.at + to.size, at);
      to = {at, to.size, room};
    }
    to.at[to.size++] = value;
  }
  // Drops what `out` says yes to; `sorted`: what is left is ascending and without repeats already.
  template <typename Out>
  void cut(size_t l, bool sorted, Out out) {
    List& list = lists_[l];
    uint32_t* end = std::remove_if(list.at, list.at + list.size, out);
    if (!sorted) {
      std::sort(list.at, end);
      end = std::unique(list.at, end);
    }
    list.size = static_cast<uint32_t>(end - list.at);
  }

 private:
  struct List {
    uint32_t* at = nullptr;
    uint32_t size = 0, room = 0;
  };
  static constexpr size_t kBlock = size_t{1} << 14;

  uint32_t* take(size_t count) {
    if (count > left_) {
      left_ = std::max(kBlock, count);
      blocks_.push_back(std::make_unique_for_overwrite<uint32_t[]>(left_));
      next_ = blocks_.back().get();
    }
    uint32_t* at = next_;
    next_ += count;
    left_ -= count;
    return at;
  }

  std::vector<List> lists_;
  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
  uint32_t* next_ = nullptr;
  size_t left_ = 0;
};

}  // namespace egret::extract
