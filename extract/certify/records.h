// The lines of a proof: a letter, a number with a point where the letter's record has one, then integers.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace egret::certify {

struct Record {
  char kind = 0;
  double real = 0;  // of the kinds that start with one
  std::vector<int> numbers;
  size_t line = 0;  // from 1
};

class RecordReader {
 public:
  explicit RecordReader(std::string_view text) : text_(text) {}

  // False at the end, or where a line is malformed (then `status` says so).
  bool next(Record& record);
  const Status& status() const { return status_; }

 private:
  std::string_view text_;
  size_t line_ = 0;
  Status status_;
};

// The error of a record that proves nothing.
Error refused(const Record& record, std::string why);

// numbers[from...] as indices below `limit`; false where one is not.
bool indices(const Record& record, size_t from, uint32_t limit, std::vector<uint32_t>& out);

}  // namespace egret::certify
