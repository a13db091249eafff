// Reader of `egret-problem 1` (shared/tools/check_fusion.py says what it means): JSON, plain or gzip.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "extract/solve/problem.h"

namespace egret::extract {

struct ProblemFile {
  Problem problem;                    // items renumbered densely; candidates keep their indices
  std::vector<std::string> items;     // as the file numbers them
  std::string name;
  std::optional<double> best, bound;  // what the file says is known
  bool proved = false;
};

// Errors: kIo where the file cannot be read, kInput where its contents are wrong.  At most `max_bytes` unpacked.
Result<ProblemFile> read_problem(const std::string& path, uint64_t max_bytes = uint64_t{2} << 30);
Result<ProblemFile> parse_problem(std::string_view json);

}  // namespace egret::extract
