#include "extract/certify/record.h"

#include <charconv>
#include <cstring>

#include "extract/certify/exact.h"

namespace egret::certify {

bool Record::next(std::string_view& text) {
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

List Record::indices(uint32_t limit, size_t from, size_t count) const {
  need(from <= numbers.size() && (count == 0 || numbers.size() - from == count), "it has too few or too many numbers");
  List out(numbers.begin() + static_cast<std::ptrdiff_t>(from), numbers.end());
  need(std::all_of(out.begin(), out.end(), [&](uint32_t x) { return x < limit; }), "an index is out of range");
  return out;
}

uint32_t Record::first(uint32_t limit) const {
  need(!numbers.empty() && numbers[0] >= 0 && static_cast<uint32_t>(numbers[0]) < limit, "an index is out of range");
  return static_cast<uint32_t>(numbers[0]);
}

}  // namespace egret::certify
