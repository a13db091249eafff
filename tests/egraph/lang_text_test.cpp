// The text form of programs: printing and reading again, and what every wrong input is told.
#include <catch2/catch.hpp>

#include "egraph/lang/number.h"
#include "egraph/lang/program.h"
#include "support/files.h"

using namespace egret;
using namespace egret::egraph::lang;

namespace {

Program parsed(const std::string& text) {
  auto program = parse_program(text, "test.sexp");
  if (!program.ok()) FAIL(program.error().to_string());
  return *std::move(program);
}

struct Wrong {
  const char* text;
  int line, column;
  const char* message;  // a part of it
};

void require_error(const Wrong& wrong) {
  INFO(wrong.text);
  const auto program = parse_program(wrong.text, "test.sexp");
  REQUIRE_FALSE(program.ok());
  const Error& error = program.error();
  INFO(error.to_string());
  CHECK(error.where.file == "test.sexp");
  CHECK(error.where.line == wrong.line);
  CHECK(error.where.column == wrong.column);
  CHECK(error.message.find(wrong.message) != std::string::npos);
  CHECK(error.exit_status() == 1);
}

}  // namespace

TEST_CASE("what is printed reads to the same program") {
  const std::string text =
      "(analysis const-fold)\n"
      "(rule comm-add (+ ?a ?b) (+ ?b ?a))\n"
      "(birule id (+ ?a 0) ?a)\n"
      "(rule cancel (/ ?a ?a) 1 (when (not-zero ?a) (differ ?a (+ b 0))))\n"
      "(multi square-eq ((= ?a (f ?x)) (= ?b (g ?x))) ((= ?a ?b) (= (h ?x) ?a)))\n"
      "(start (* a (+ b -1.5e3)))\n"
      "(start x)\n"
      "(goal (* a b) (* b a))\n";
  CHECK(print(parsed(text)) == text);
  const std::string loose = "; a comment\n(rule  comm-add\t(+ ?a ?b) ; another\r\n (+ ?b ?a))(start (f)) ; no end of line";
  CHECK(print(parsed(loose)) == "(rule comm-add (+ ?a ?b) (+ ?b ?a))\n(start f)\n");
  CHECK(print(parsed("")).empty());
  CHECK(print(parsed("; nothing\n")).empty());
}

TEST_CASE("the programs of the tests print to themselves but for comments and line ends") {
  for (const char* name : {"math", "boolean_adder", "fuel"}) {
    auto text = read_file(std::string(EGRET_SOURCE_DIR "/tests/egraph/programs/") + name + ".sexp");
    REQUIRE(text.ok());
    const std::string once = print(parsed(*text));
    CHECK(once == print(parsed(once)));
    CHECK(parsed(once).rules.size() == parsed(*text).rules.size());
  }
}

TEST_CASE("a wrong program is told where and what") {
  const Wrong cases[] = {
      {"(start (f a)", 1, 1, "never closed"},
      {"(start a)\n  (rule r (f ?x) (g (h ?x))", 2, 3, "never closed"},
      {"(start a))", 1, 10, "closes nothing"},
      {"(start a)\n)", 2, 1, "closes nothing"},
      {"abc", 1, 1, "outside of a form"},
      {"\n\n  (theorem x)", 3, 4, "unknown form `theorem`"},
      {"()", 1, 1, "without a name"},
      {"((start a))", 1, 1, "without a name"},
      {"(start (f a))\n(start (f a b))", 2, 9, "`f` has 2 operands here and 1"},
      {"(rule r (f ?x) (f))", 1, 17, "`f` has 0 operands here and 1"},
      {"(start f)(goal (f a) b)", 1, 17, "`f` has 1 operand here and 0"},
      {"(rule r (f ?x) (g ?y))", 1, 19, "`?y` is not bound"},
      {"(rule r (f ?x) ?x (when (not-zero ?y)))", 1, 35, "`?y` is not bound"},
      {"(birule r (f ?x ?y) (g ?x))", 1, 11, "`?y` is not bound"},
      {"(multi m ((= ?a (f ?x))) ((= ?a ?c)))", 1, 33, "`?c` is not bound"},
      {"(multi m ((= ?a ?b)) ((= ?a ?b)))", 1, 17, "pattern with an operator"},
      {"(multi m ((= (g b) (f ?x))) ((= ?x b)))", 1, 14, "variable that names the root"},
      {"(multi m () ((= ?x b)))", 1, 10, "list of equations"},
      {"(multi m ((= ?a (f ?x))) ((= b c)))", 1, 27, "a variable on one side"},
      {"(rule r (f ?x) ?x (when (odd ?x)))", 1, 26, "unknown condition `odd`"},
      {"(rule r (f ?x) ?x (when (differ ?x)))", 1, 25, "`differ` takes 2 operands, not 1"},
      {"(rule r (f ?x) ?x (if (not-zero ?x)))", 1, 19, "expected conditions"},
      {"(rule r (f ?x) ?x (when))", 1, 19, "expected conditions"},
      {"(rule r (f ?x))", 1, 1, "takes a name, two sides"},
      {"(rule (f ?x) (g ?x) (h ?x))", 1, 7, "expected the rule's name"},
      {"(rule r (?f ?x) ?x)", 1, 10, "cannot stand for an operator"},
      {"(rule r ((f) ?x) ?x)", 1, 10, "expected an operator's name"},
      {"(start ())", 1, 8, "an empty list"},
      {"(start (f ?x))", 1, 11, "variable `?x` in a term without variables"},
      {"(goal a ?x)", 1, 9, "variable `?x`"},
      {"(goal a)", 1, 1, "`goal` takes two terms, not 1"},
      {"(start a b)", 1, 1, "`start` takes one term, not 2"},
      {"(start (12 a))", 1, 9, "number `12` is given operands"},
      {"(analysis intervals)", 1, 11, "unknown analysis"},
      {"(start a\x01)", 1, 9, "control character"},
  };
  for (const Wrong& wrong : cases) require_error(wrong);
}

TEST_CASE("terms nest a hundred thousand deep, sides of rules do not") {
  const size_t depth = 100'000;
  std::string term;
  for (size_t i = 0; i < depth; ++i) term += "(f ";
  term += "a" + std::string(depth, ')');
  const Program deep = parsed("(start " + term + ")\n(goal " + term + " a)\n");
  CHECK(deep.starts[0].size() == depth + 1);
  CHECK(print(deep) == print(parsed(print(deep))));
  require_error({("(rule r " + term + " a)").c_str(), 1, 9 + 3 * static_cast<int>(kMaxPatternDepth), "nests more than 200 deep"});
  require_error({("(start " + std::string(depth, '(')).c_str(), 1, 7 + static_cast<int>(depth), "never closed"});
}

TEST_CASE("numbers are exact quotients") {
  const auto text = [](const char* atom) {
    const auto number = parse_number(atom);
    return number ? to_string(*number) : "none";
  };
  CHECK(text("12") == "12");
  CHECK(text("-0") == "0");
  CHECK(text("+7") == "7");
  CHECK(text("0.250") == "0.25");
  CHECK(text("-.5") == "-0.5");
  CHECK(text("1.5e3") == "1500");
  CHECK(text("15e-1") == "1.5");
  CHECK(text("2/6") == "1/3");
  CHECK(text("9223372036854775807") == "9223372036854775807");
  CHECK(text("9223372036854775808") == "none");
  CHECK(text("1e400") == "none");
  CHECK(text("0e99999999999999999999") == "none");
  CHECK(text("1/0") == "none");
  CHECK(text("1e") == "none");
  CHECK(text("-") == "none");
  CHECK(text("1x") == "none");
  CHECK(is_number("1e400"));
  CHECK_FALSE(is_number("x1"));
  CHECK_FALSE(add({INT64_MAX, 1}, {1, 1}));
  CHECK(subtract({1, 2}, {1, 3}) == Number{1, 6});
  CHECK(multiply({INT64_MAX, 3}, {3, INT64_MAX}) == Number{1, 1});
  CHECK_FALSE(divide({1, 1}, {0, 1}));
  CHECK(divide({1, 1}, {-2, 1}) == Number{-1, 2});
}
