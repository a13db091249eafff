// The laws at the head of each library file follow from the file's rules.
//
// A law is a comment line "# law NAME: LEFT => RIGHT [where ..] accept ..", written as a rule is; lines "#   ..." go on.
// Both sides, at the sizes of its accept line, are put into one e-graph, and the rules of the file, with commutativity and
// associativity (explore.commute), must make them one class.  No rule of the file says a law itself: that is tested too.
#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "egraph/runner.h"
#include "ir/text/text.h"
#include "rules/lang/library.h"
#include "rules/lang/syntax.h"
#include "rules/rules.h"

using namespace egret;
using namespace egret::rules;

namespace {

std::string laws_in(std::string_view text) {
  std::string out;
  bool within = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with("# law ")) {
      out += "rule law-" + std::string(line.substr(6)) + "\n";
      within = true;
    } else if (within && line.starts_with("#   ")) {
      out += "  " + std::string(line.substr(4)) + "\n";
    } else {
      within = false;
    }
  }
  return out;
}

std::string_view text_of(std::string_view path) {
  for (const LibraryFile& f : library_files()) {
    if (f.path == path) return f.text;
  }
  return {};
}

// Why the law does not follow; empty where it does.
std::string underivable(const Rule& law, const RuleSet& rules) {
  auto instances = accepted(law);
  if (!instances.ok()) return instances.error().to_string();
  if (instances->empty()) return "no accept line";
  for (const RuleInstance& instance : *instances) {
    TensorEGraph tensors({.freeze = true, .explanations = false});
    auto left = tensors.insert(instance.left), right = tensors.insert(instance.right);
    if (!left.ok() || !right.ok()) return "a side that cannot be inserted";
    auto compiled = compile(rules, *Licence::parse("fast"), tensors);
    if (!compiled.ok()) return compiled.error().to_string();
    const egraph::Id a = (*left)[instance.left.outputs[0].value], b = (*right)[instance.right.outputs[0].value];
    auto same = [&] { return tensors.graph().find(a) == tensors.graph().find(b); };
    if (same()) return "both sides are one before any rule";
    egraph::RunOptions run;
    run.limits.enodes = 20'000;
    run.after_iteration = [&](egraph::EGraph& graph, const egraph::Iteration&) {
      if (tensors.fold_constants() > 0 && !graph.clean()) graph.rebuild();
      return !same();
    };
    const egraph::Report report = egraph::run(tensors.graph(), compiled->rewrites, run);
    if (!same()) return std::string("not at ") + instance.where + ": " + egraph::to_string(report.stop_reason);
  }
  return {};
}

}  // namespace

TEST_CASE("the laws that a file names follow from its rules") {
  const std::string_view commute = text_of("library/explore/commute.rules");
  REQUIRE_FALSE(commute.empty());
  size_t laws = 0, files = 0;
  for (const LibraryFile& file : library_files()) {
    const std::string_view path = file.path;
    if (!path.ends_with(".rules") || path.ends_with("fusion.rules")) continue;
    INFO(path);
    RuleSet named, rules;
    auto status = named.add_text("ruleset laws\n" + laws_in(file.text), file.path);
    if (!status.ok()) FAIL(status.error().to_string());
    REQUIRE(rules.add_text(file.text, file.path).ok());
    if (path != "library/explore/commute.rules") REQUIRE(rules.add_text(commute, "commute").ok());
    CHECK(named.rules().size() >= 1);
    ++files;
    std::set<std::string> stated;
    for (const Rule& r : rules.rules()) stated.insert(print_term(r.syntax->left) + " => " + print_term(r.syntax->right));
    for (const Rule& law : named.rules()) {
      INFO(law.name);
      CHECK(stated.count(print_term(law.syntax->left) + " => " + print_term(law.syntax->right)) == 0);
      CHECK(underivable(law, rules) == "");
      ++laws;
    }
  }
  CHECK(files >= 30);
  CHECK(laws >= 60);
}

TEST_CASE("a law that is false, or needs another file, is not derived") {
  RuleSet rules, laws;
  REQUIRE(rules.add_text(text_of("library/algebra/logic.rules"), "logic").ok());
  REQUIRE(laws.add_text("ruleset laws\n"
                        "rule false-one: and(x, or(y, x)) => y  accept x: bool[2], y: bool[2]\n"
                        "rule of-another: relu(relu(x)) => relu(x)  accept x: f32[2]\n", "laws").ok());
  for (const Rule& law : laws.rules()) CHECK(underivable(law, rules) != "");
}
