// The lines of a proof: a letter, a number with a point where the letter's record has one, then integers.  What is wrong
// is refused by an exception, which does not leave this folder.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace egret::certify {

struct Refused {
  std::string why;
};
inline void need(bool fact, const char* otherwise) {
  if (!fact) throw Refused{otherwise};
}

using List = std::vector<uint32_t>;
inline bool holds(const List& sorted, uint32_t x) { return std::binary_search(sorted.begin(), sorted.end(), x); }
inline void sort_unique(List& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

struct Record {
  char kind = 0;
  double real = 0;  // of the kinds that start with one: fits an Exact
  std::vector<int> numbers;
  size_t line = 0;  // from 1

  // numbers[from...]: each must be an index below `limit`, and they `count` in all (0: any number).
  List indices(uint32_t limit, size_t from = 0, size_t count = 0) const;
  uint32_t first(uint32_t limit) const;  // numbers[0] as an index
  // Takes the next line of `text`; false at its end.
  bool next(std::string_view& text);
};

}  // namespace egret::certify
