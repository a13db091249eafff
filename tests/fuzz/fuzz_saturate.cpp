// Programs of `egret saturate`: what is accepted prints to text that reads to itself, and runs within small limits.
#include "egraph/lang/session.h"
#include "tests/fuzz/mutate.h"

namespace egret::fuzz {
namespace {

using namespace egraph::lang;

std::vector<std::string> corpus(const std::vector<std::string>& arguments) {
  std::vector<std::string> texts = read_all(arguments, ".sexp");
  texts.push_back(
      "(analysis const-fold) ; folds\n(birule id (+ ?a 0) ?a)\n(rule cancel (/ ?a ?a) 1 (when (not-zero ?a) (is-symbol ?a) (differ ?a (+ b 1/2))))\n"
      "(multi square-eq ((= ?a (f ?x)) (= ?b (g ?x))) ((= ?a ?b) (= (h ?x) ?a)) (when (equal ?x ?x)))\n"
      "(multi chain ((= ?a (h ?x)) (= ?b (k ?a ?a))) ((= ?b ?x)))\n(start (* a (+ b -1.5e3)))\n(goal (* a b) (* b a))\n");
  return texts;
}

// A part of a program is enough to mutate, and quick: some of its lines.
std::string part_of(Random& random, const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    lines.back() += c;
    if (c == '\n') lines.emplace_back();
  }
  std::string part;
  for (size_t n = 1 + random.below(8); n > 0; --n) part += random.pick(lines);
  return part;
}

std::string make(Random& random, const std::vector<std::string>& from) {
  return mutate_text(random, part_of(random, random.pick(from)), from);
}

bool run(std::string_view input) {
  auto program = parse_program(input, "input.sexp");
  if (!program.ok()) {
    check_error(program.error());
    EGRET_CHECK(program.error().where.line > 0 && program.error().where.column > 0, "an error of a program has a place");
    return false;
  }
  const std::string once = print(*program);
  auto again = parse_program(once, "printed.sexp");
  EGRET_CHECK(again.ok(), once.c_str());
  EGRET_CHECK(print(*again) == once, once.c_str());
  Session session(*std::move(program));
  egraph::RunOptions options;
  options.limits = {.enodes = 500, .matches = 2'000, .bytes = uint64_t{64} << 20, .iterations = 4, .seconds = 2};
  session.run(options);
  const auto best = session.best();
  for (size_t i = 0; i < best.size(); ++i) {
    EGRET_CHECK(best[i].size <= session.program().starts[i].size(), "the best term is no larger than the start");
  }
  session.goals();
  return true;
}

}  // namespace

const Target& target() {
  static const Target kTarget = {"saturate", 5, corpus, make, run};
  return kTarget;
}

}  // namespace egret::fuzz
