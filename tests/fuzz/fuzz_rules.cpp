// The rule reader: what is accepted prints to text that prints to itself, and compiles.
#include "rules/rules.h"
#include "tests/fuzz/mutate.h"

namespace egret::fuzz {
namespace {

std::vector<std::string> corpus(const std::vector<std::string>& arguments) { return read_all(arguments, ".rules", 60'000); }

// A part of a file is enough to mutate, and quick: its head and a few of its rules.
std::string part_of(Random& random, const std::string& text) {
  std::vector<std::string> pieces(1);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.starts_with("rule ") || line.starts_with("fuse ")) pieces.emplace_back();
    pieces.back() += line + "\n";
    at = end + 1;
  }
  std::string part = pieces[0];
  for (size_t n = 1 + random.below(3); n > 0 && pieces.size() > 1; --n) part += pieces[1 + random.below(pieces.size() - 1)];
  return part;
}

std::string make(Random& random, const std::vector<std::string>& from) {
  return mutate_text(random, part_of(random, random.pick(from)), from);
}

bool run(std::string_view input) {
  rules::RuleSet rules;
  if (const auto status = rules.add_text(input, "input.rules"); !status.ok()) {
    check_error(status.error());
    EGRET_CHECK(status.error().where.line > 0, "an error of the rule reader has a line");
    return false;
  }
  auto once = rules::reprint(input, "input.rules");
  EGRET_CHECK(once.ok(), "what is accepted can be printed");
  auto twice = rules::reprint(*once, "printed.rules");
  EGRET_CHECK(twice.ok(), once->c_str());
  EGRET_CHECK(*once == *twice, once->c_str());
  rules::TensorEGraph graph(rules::TensorEGraph::Options{});
  const auto licence = rules::Licence::parse("fast");
  EGRET_CHECK(licence.ok(), "the licence word");
  const auto compiled = rules::compile(rules, *licence, graph);
  if (!compiled.ok()) check_error(compiled.error());
  return true;
}

}  // namespace

const Target& target() {
  static const Target kTarget = {"rules", 5, corpus, make, run};
  return kTarget;
}

}  // namespace egret::fuzz
