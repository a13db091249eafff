#include "rules/lang/proofs.h"

#include <map>

#include "rules/lang/library.h"
#include "support/hash.h"

namespace egret::rules {
namespace {

std::map<std::string_view, std::string_view> read_verdicts() {
  std::map<std::string_view, std::string_view> by_hash;
  for (const LibraryFile& file : library_files()) {
    if (!std::string_view(file.path).ends_with("PROOFS")) continue;
    std::string_view rest = file.text;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      const std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const size_t first = line.find(' '), second = line.find(' ', first + 1);
      if (line.starts_with('#') || first == std::string_view::npos || second == std::string_view::npos) continue;
      by_hash[line.substr(first + 1, second - first - 1)] = line.substr(0, first);
    }
  }
  return by_hash;
}

}  // namespace

std::string text_hash(const Rule& rule) { return digest(rule.text); }

std::string recorded_verdict(const Rule& rule) {
  static const auto by_hash = read_verdicts();
  auto it = by_hash.find(text_hash(rule));
  return it == by_hash.end() ? "unproved" : std::string(it->second);
}

}  // namespace egret::rules
