// The lines of a proof: a letter, a number with a point where the letter's record has one, then integers.  What is wrong
// is refused by an exception, which does not leave this folder.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "extract/certify/exact.h"

namespace egret::certify {

struct Refused {
  std::string why;
};
inline void need(bool fact, const char* otherwise) { if (!fact) throw Refused{otherwise}; }

using List = std::vector<uint32_t>;
inline bool holds(const List& sorted, uint32_t x) { return std::binary_search(sorted.begin(), sorted.end(), x); }
bool any_of(const List& list, auto test) { return std::any_of(list.begin(), list.end(), test); }
bool all_of(const List& list, auto test) { return std::all_of(list.begin(), list.end(), test); }
void sort_unique(auto& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

struct Record {
  char kind = 0;
  double real = 0;  // of the kinds that start with one: fits an Exact
  std::vector<int> numbers;
  size_t line = 0;  // from 1

  // numbers[from...]: each must be an index below `limit`, and they `count` in all (0: any number).
  List indices(uint32_t limit, size_t from = 0, size_t count = 0) const {
    need(from <= numbers.size() && (count == 0 || numbers.size() - from == count), "it has too few or too many numbers");
    List out(numbers.begin() + static_cast<std::ptrdiff_t>(from), numbers.end());
    need(all_of(out, [&](uint32_t x) { return x < limit; }), "an index is out of range");
    return out;
  }
  // numbers[0] as an index.
  uint32_t first(uint32_t limit) const {
    need(!numbers.empty() && static_cast<uint32_t>(numbers[0]) < limit, "an index is out of range");
    return static_cast<uint32_t>(numbers[0]);
  }
  // Takes the next line of `text`; false at its end.
  bool next(std::string_view& text) {
    std::string_view rest;
    while (rest.empty()) {
      if (text.empty()) return false;
      ++line;
      const size_t length = std::min(text.find('\n'), text.size());
      rest = text.substr(0, length);
      text.remove_prefix(std::min(length + 1, text.size()));
    }
    kind = rest[0];
    real = 0;
    numbers.clear();
    const char *at = rest.data() + 1, *const end = rest.data() + rest.size();
    const auto read = [&](auto& value) {
      need(*at == ' ', "the line is malformed");
      while (at < end && *at == ' ') ++at;
      const auto [after, code] = std::from_chars(at, end, value);
      need(code == std::errc(), "the line is malformed");
      at = after;
    };
    if (std::strchr("pvPVscuw", kind)) read(real);
    need(Exact::fits(real), "the number is outside the range of exact sums");
    while (at < end) {
      read(numbers.emplace_back());
      need(numbers.back() != INT32_MIN, "the line is malformed");
    }
    return true;
  }
};

}  // namespace egret::certify
