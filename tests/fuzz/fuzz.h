// Fuzzing: seeded inputs made from a corpus, each fed to one reader under a time and a memory limit.
//
// A fuzz program is one `Target` linked with fuzz_main.cpp.  Case k of seed s is the same input in every run, whatever
// the machine and the time it has.  A target fails by EGRET_CHECK, by crashing, or by passing its limits.
// Built with EGRET_FUZZ=ON the same target is an entry for libFuzzer (LLVMFuzzerTestOneInput).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/hash.h"
#include "support/result.h"

namespace egret::fuzz {

// splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  size_t below(size_t n) { return n == 0 ? 0 : static_cast<size_t>(next() % n); }
  bool one_in(size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) { return from[below(from.size())]; }

 private:
  uint64_t state_;
};

struct Target {
  const char* name;
  double seconds_per_case;  // a case that takes longer hangs
  // Well-formed inputs; arguments are the files and folders named on the command line.
  std::vector<std::string> (*corpus)(const std::vector<std::string>& arguments);
  std::string (*make)(Random&, const std::vector<std::string>& corpus);
  // True where the input was accepted.
  bool (*run)(std::string_view input);
};

const Target& target();

// The text of every file under the paths whose name ends in `suffix`, by path; at most `max_bytes` each.
std::vector<std::string> read_all(const std::vector<std::string>& paths, const std::string& suffix, size_t max_bytes = 20'000);

// An error that a reader may give: about the input, with a text, never a bug of egret's own.
void check_error(const Error& error);
// Whether check_error also prints: for one input by hand, and for the corpus.
bool& verbose();

}  // namespace egret::fuzz
