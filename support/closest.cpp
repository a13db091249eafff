#include "support/closest.h"

#include <algorithm>
#include <vector>

namespace egret {
namespace {

constexpr size_t kMostEdits = 3;    // fewer than these
constexpr size_t kLongest = 64;     // of a name; the rest is not looked at

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view closest(std::string_view name, std::span<const std::string_view> known) {
  std::string_view best;
  size_t best_distance = std::min(kMostEdits, name.size() / 2 + 1);
  for (const std::string_view k : known) {
    const size_t d = edit_distance(name.substr(0, kLongest), k);
    if (d < best_distance) best_distance = d, best = k;
  }
  return best;
}

}  // namespace egret
