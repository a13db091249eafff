// Loading rules as a whole: speed_loading [RULES [RUNS [THREADS]]].  Reads, checks, expands and compiles that many rules as written (the
// library's, again and again under other names), and prints the least time of some runs.  Not a test.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <regex>
#include <string>
#include <vector>

#include "rules/lang/library.h"
#include "rules/rules.h"
#include "support/limits.h"

using namespace egret;
using namespace egret::rules;

int main(int argc, char** argv) {
  const size_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000;
  const int runs = argc > 2 ? std::atoi(argv[2]) : 9;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 0;
  std::vector<std::string> copies;
  size_t written = 0;
  for (int copy = 0; written < wanted; ++copy) {
    for (const LibraryFile& f : library_files()) {
      if (!std::string_view(f.path).ends_with(".rules") || written >= wanted) continue;
      const std::regex head("\n(rule|fuse) ([a-z0-9-]+):");
      std::string text = std::regex_replace(std::string(f.text), head, "\n$1 $2-" + std::to_string(copy) + ":");
      written += static_cast<size_t>(std::distance(std::sregex_iterator(text.begin(), text.end(), head), std::sregex_iterator()));
      copies.push_back(std::move(text));
    }
  }
  std::vector<RuleText> texts;
  for (const std::string& text : copies) texts.push_back({text, "copy.rules"});
  double read = 1e9, all = 1e9;
  size_t expanded = 0, rewrites = 0;
  for (int r = 0; r < runs; ++r) {
    Stopwatch watch;
    RuleSet set(threads);
    if (auto s = set.add_texts(texts); !s.ok()) {
      std::printf("%s\n", s.error().to_string().c_str());
      return 1;
    }
    const double loaded = watch.seconds();
    TensorEGraph graph;
    const auto compiled = compile(set, *Licence::parse("fast"), graph);
    if (!compiled.ok()) {
      std::printf("%s\n", compiled.error().to_string().c_str());
      return 1;
    }
    read = std::min(read, loaded);
    all = std::min(all, watch.seconds());
    expanded = set.rules().size();
    rewrites = compiled->rewrites.size();
  }
  std::printf("%zu rules as written, %zu expanded, %zu rewrites: %.1f ms (read and checked %.1f)\n", written, expanded, rewrites, all * 1e3, read * 1e3);
}
