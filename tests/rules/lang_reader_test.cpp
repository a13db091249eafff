// The text of rules: messages, printing, licences, loading.
#include <cstdio>

#include <catch2/catch.hpp>

#include "ir/text/scan.h"
#include "rules/lang/check.h"
#include "rules/lang/fusion_rules.h"
#include "rules/lang/library.h"
#include "rules/lang/syntax.h"
#include "rules/rules.h"
#include "support/limits.h"

using namespace egret;
using namespace egret::rules;

namespace {

std::string error_of(const std::string& body) {
  RuleSet set;
  auto status = set.add_text("ruleset t\n" + body, "t.rules");
  return status.ok() ? "" : status.error().to_string();
}

// Faults that only types or roles show appear when the rule is first used.
std::string use_error_of(const std::string& body) {
  RuleSet set;
  auto status = set.add_text("ruleset t\n" + body, "t.rules");
  REQUIRE(status.ok());
  auto used = accepted(set.rules()[0]);
  return used.ok() ? "" : used.error().to_string();
}

std::vector<std::string> tokens(std::string_view text) {
  Scanner scan(text, "t");
  std::vector<std::string> out;
  while (!scan.at_end()) out.emplace_back(scan.next().text);
  return out;
}

}  // namespace

TEST_CASE("every fault of a rule's text has its place and a hint") {
  struct Row {
    const char* body;
    const char* message;
  };
  const Row rows[] = {
      {"rule a: neg(x) = x", "t.rules:2:16: error: expected '=>' or '<=>', found '='\n  hint: a short rule is LEFT => RIGHT; 'find' starts a long one"},
      {"rule a b: neg(x) => x", "t.rules:2:8: error: expected ':' after the name of a rule, found 'b'"},
      {"rule a: x => neg(x)", "t.rules:2:9: error: rule a: the left side is a variable\n  hint: it must apply an operator"},
      {"rule a: 1 => neg(1)", "t.rules:2:9: error: rule a: the left side is a number\n  hint: it must apply an operator"},
      {"rule a: negate(x) => x", "t.rules:2:9: error: rule a: no operator 'negate'\n  hint: `egret ops` lists the operators, docs/rules.md the conditions"},
      {"rule a: neg(x, y) => x", "t.rules:2:9: error: rule a: neg takes 1 operand, not 2\n  hint: positional arguments are operands, named ones attributes"},
      {"rule a: transpose(x, order=p) => x", "t.rules:2:28: error: rule a: transpose has no attribute 'order'\n  hint: its attributes are perm"},
      {"rule a: transpose(x, perm=p, perm=q) => x", "t.rules:2:35: error: rule a: 'perm' is given twice\n  hint: give it once"},
      {"rule a: neg(x) => y", "t.rules:2:19: error: rule a: 'y' is not bound\n  hint: the left side must name it, or 'let' define it"},
      {"rule a: neg(x) => x where frosty(x)", "t.rules:2:27: error: rule a: no operator, condition or computation 'frosty'\n  hint: `egret ops` lists the operators, docs/rules.md the conditions and computations"},
      {"rule a: neg(x) => x where holds(x)", "t.rules:2:27: error: rule a: holds takes (dtype, dtype), not 1 arguments\n  hint: every value of the second is one of the first"},
      {"rule a: neg(x) => x needs luck", "t.rules:2:27: error: rule a: 'luck' is no word of the licence\n  hint: words are nnan ninf nsz arcp contract afn reassoc field cancel range narrow(DTYPE)"},
      {"rule a: for f in maps f(x) => x", "t.rules:2:9: error: rule a: no operator or class 'maps'\n  hint: classes are map, map.unary, map.binary, map.ternary, map.primitive, map.commutative, map.composite, movement, reduction, arg_reduction, contraction, window, composite"},
      {"rule a: x + y <=> x * 2", "t.rules:2:21: error: rule a: 'y' stands on the left of '<=>' alone\n  hint: write '=>', or use it on both sides"},
      {"rule a: neg(x) => x\nrule a: abs(x) => x", "t.rules:3:6: error: rule a: the name is taken\n  hint: names are unique in everything loaded; t.rules:2 has it"},
      {"rule a: neg(x) => x accept y: f32[2]", "t.rules:2:28: error: rule a: the rule has no variable 'y'\n  hint: an example gives types of variables"},
      {"rule a: find p = neg(x)", "t.rules:2:6: error: rule a: 'find' without 'unite'\n  hint: say what the terms found are united with"},
      {"rule a: find p = neg(x) unite q = x", "t.rules:2:31: error: rule a: 'q' was not found\n  hint: unite the names that 'find' binds"},
      {"rule a: find all p = neg(x) unite p = x", "t.rules:2:6: error: rule a: 'find all' needs one term NAME.. = OP(a, b..) with one operand group\n  hint: p.. = dot(a[..], b..[..], over=k)"},
      {"rule where: neg(x) => x where", "t.rules:2:30: error: expected a term, found end of text"},
      {"rule a: neg(rule) => x", "t.rules:2:13: error: 'rule' is a word of the language, not a name"},
      {"nonsense", "t.rules:2:1: error: expected 'rule', 'fuse' or a clause, found 'nonsense'\n  hint: clauses are where, when, let, unite, needs, proof, subsume, accept and reject"},
      {"rule a: dot(x[m, n, w, over=k) => x", "t.rules:2:28: error: expected ']' or ',' after the name of an axis, found '='"},
      {"rule a: relux(x) => x", "t.rules:2:9: error: rule a: no operator 'relux'\n  hint: did you mean relu? `egret ops` lists the operators, docs/rules.md the conditions"},
      {"rule a: concat(axis=0) => 1", "t.rules:2:9: error: rule a: concat takes at least 1 operands, not 0\n  hint: positional arguments are operands, named ones attributes"},
      {"rule a: transpose(x, perm=x) => x", "t.rules:2:27: error: rule a: 'x' is a tensor in one place and an attribute in another\n  hint: give the two different names"},
      {"rule a: dot(a[m.., k..], b[k.., n..], over=q) => b", "t.rules:2:44: error: rule a: 'q' names no axes\n  hint: over= names axes that both operands list, as k in dot(a[m.., k..], b[k.., n..], over=k)"},
      {"rule a: neg(x) => x where nonzero(3)", "t.rules:2:35: error: rule a: nonzero takes (tensor), and this is a number\n  hint: known, and no element is 0"},
      {"rule a: neg(x) => x where rank(x) == x", "t.rules:2:38: error: rule a: 'x' is a tensor, which no comparison takes\n  hint: compare sizes(x), rank(x) or dtype(x); conditions on elements are in docs/rules.md"},
      {"fuse a: for f in nothing f(x) starts kernel", "t.rules:2:9: error: rule a: no operator or class 'nothing'\n  hint: classes are map, movement, reduction, ..."},
  };
  for (const Row& row : rows) {
    INFO(row.body);
    CHECK(error_of(row.body) == row.message);
  }
  CHECK(error_of("rule a: neg(" + std::string(100, '(') + "x") ==
        "t.rules:2:77: error: a term nested too deeply");
  CHECK(read_rules("rule a: neg(x) => x", "t.rules").error().to_string() ==
        "t.rules:1:1: error: expected 'ruleset' at the start of a rule file, found 'rule'");
}

TEST_CASE("faults that roles show") {
  CHECK(use_error_of("rule a: x[i.., j..] + y[i.., j..] => y + x accept x: f32[2], y: f32[2]") ==
        "t.rules:2:6: error: rule a: the axes 'i' and 'j' cannot be told apart\n"
        "  hint: no operator on the left uses them differently; give them one name");
  CHECK(use_error_of("rule a: x[i..] + y => y + x accept x: f32[2], y: f32[2]") ==
        "t.rules:2:6: error: rule a: the variable 'y' needs its axes: others have them\n"
        "  hint: write y[i..] where it first stands; y[] has no axis");
  CHECK(use_error_of("rule a: reduce_sum(x[i.., r..] + y[r.., i..], axes=r) => reduce_sum(x, axes=r) accept x: f32[2,3], y: f32[3,2]") ==
        "t.rules:2:6: error: rule a: operands on the left have their axes in different orders\n"
        "  hint: write the axes of both in one order; matching finds every order");
}

TEST_CASE("printing gives the text back, for every file of the library") {
  CHECK(library_files().size() >= 14);
  for (const LibraryFile& file : library_files()) {
    if (!std::string_view(file.path).ends_with(".rules")) continue;  // PROOFS
    INFO(file.path);
    auto printed = reprint(file.text, file.path);
    REQUIRE(printed.ok());
    CHECK(tokens(*printed) == tokens(file.text));
    CHECK(*reprint(*printed, file.path) == *printed);
  }
}

TEST_CASE("a rule for a class is one rule an operator, one for both ways two") {
  RuleSet set;
  CHECK(set.add_text("ruleset t\nrule a: for f in map.ternary, exp neg(f(x, x, x)) => x", "t").error().to_string() ==
        "t:2:39: error: rule a: exp takes 1 operand, not 3\n  hint: f stands for it");
  REQUIRE(set.add_text("ruleset t rule a: for f in exp, relu, exp neg(f(x)) => f(x) rule b: x + y <=> y + x", "t").ok());
  std::vector<std::string> names;
  for (const Rule& r : set.rules()) names.push_back(r.name);
  CHECK(names == std::vector<std::string>{"a[exp]", "a[relu]", "b", "b/rev"});
  CHECK(set.find("a[relu]")->written == "a");
  CHECK(set.find("a[relu]")->hash != set.find("a[exp]")->hash);
  CHECK(set.find("c") == nullptr);
}

TEST_CASE("a set of the library that is off waits until a run names it") {
  RuleSet set;
  REQUIRE(set.add_library().ok());
  const Rule* split = set.find("sum-of-parts");
  REQUIRE(split != nullptr);
  CHECK_FALSE(split->on);
  CHECK(set.find("neg-neg")->on);
  TensorEGraph tensors;
  auto names_of = [&] {
    std::set<std::string> names;
    const CompiledRules compiled = *compile(set, *Licence::parse("fast"), tensors);
    for (const Rule* r : compiled.rule_of) names.insert(r->name);
    return names;
  };
  CHECK_FALSE(names_of().count("sum-of-parts"));
  CHECK(set.enable("explore.spl").error().to_string().find("no rule set is named explore.spl") != std::string::npos);
  REQUIRE(set.enable("explore.split").ok());
  CHECK(names_of().count("sum-of-parts"));
  CHECK_FALSE(set.find("concat-assoc")->on);
  REQUIRE(set.enable("explore").ok());  // all below it
  CHECK(set.find("concat-assoc")->on);
  RuleSet given;  // a file that a run gives is on
  REQUIRE(given.add_text("ruleset mine off\nrule a: neg(neg(x)) => x", "mine.rules").ok());
  CHECK(given.find("a")->on);
  CHECK(*reprint("ruleset mine off\nrule a: neg(neg(x)) => x", "mine.rules") == "ruleset mine off\n\nrule a:\n  neg(neg(x)) => x\n");
}

TEST_CASE("licences") {
  auto allows = [](const char* run, const char* needs) { return Licence::parse(run)->allows(*Licence::parse(needs)); };
  CHECK(allows("default", "reassoc,nsz"));
  CHECK(allows("default", "field"));
  CHECK_FALSE(allows("default", "field,cancel"));
  CHECK_FALSE(allows("strict", "nsz"));
  CHECK(allows("strict", "strict"));
  CHECK(allows("fast", "field,cancel,range,nnan,ninf,afn"));
  CHECK_FALSE(allows("fast", "narrow(tf32)"));
  CHECK(allows("default,narrow(tf32)", "narrow(tf32),nsz"));
  CHECK(allows("", ""));
  for (const char* text : {"strict", "", "strict,nsz", "strict,reassoc", "contract,nsz"}) CHECK_FALSE(Licence::parse(text)->frees_folds());
  for (const char* text : {"default", "fast", "field", "strict,reassoc,contract"}) CHECK(Licence::parse(text)->frees_folds());
  for (const char* text : {"fast,strict", "nsz,default", "strict,strict", "default,", ",", "strict,,nsz"}) CHECK_FALSE(Licence::parse(text).ok());
  CHECK(Licence::parse("quick").error().to_string() ==
        "error: 'quick' is no word of --numerics\n  hint: strict, default or fast, then nnan ninf nsz arcp contract afn "
        "reassoc field cancel range narrow(DTYPE) after commas");
}

TEST_CASE("fusion rules are switches for classes of operators") {
  RuleSet none, library;
  CHECK_FALSE(fusion_rules(none).any());
  REQUIRE(library.add_library().ok());
  FusionRules all = fusion_rules(library);
  CHECK(all.names.size() == 7);
  CHECK(all.begin.count(&op_named("dot")));
  CHECK(all.begin.count(&op_named("relu")));
  CHECK(all.absorb_before.count(&op_named("transpose")));
  CHECK_FALSE(all.absorb_before.count(&op_named("dot")));
  CHECK(all.absorb_after.count(&op_named("gelu")));
  CHECK(all.absorb_reduction.count(&op_named("argmax")));
  CHECK(all.absorb_contraction.count(&op_named("dot")));
  CHECK(all.side_by_side);
  CHECK(all.side_by_side_shares_operand);
}

namespace {

// Enough rules, three lines each, that their text is read in several parts.
std::vector<std::string> many_rules() {
  std::vector<std::string> out;
  for (int i = 0; i < 800; ++i) {
    const std::string n = std::to_string(i);
    out.push_back("rule r" + n + ":  # the rule r" + n + "\n  x * " + n + " <=> " + n + " * x\n  accept x: f32[3]\n");
  }
  return out;
}

std::string joined(const std::vector<std::string>& rules) {
  std::string text = "ruleset many off\n";
  for (const std::string& r : rules) text += r;
  return text;
}

std::string error_with(int threads, const std::vector<std::string>& rules) {
  RuleSet set(threads);
  auto status = set.add_text(joined(rules), "many.rules");
  REQUIRE_FALSE(status.ok());
  CHECK(set.rules().empty());
  return status.error().to_string();
}

}  // namespace

TEST_CASE("a long text is read in parts: rules, lines and errors are those of one thread") {
  RuleSet one, many(4);
  REQUIRE(joined(many_rules()).size() > size_t{40} << 10);
  REQUIRE(one.add_text(joined(many_rules()), "many.rules").ok());
  REQUIRE(many.add_text(joined(many_rules()), "many.rules").ok());
  REQUIRE(one.rules().size() == 1600);
  REQUIRE(many.rules().size() == 1600);
  for (size_t i = 0; i < 1600; ++i) {
    const Rule &a = one.rules()[i], &b = many.rules()[i];
    CHECK(a.name == "r" + std::to_string(i / 2) + (i % 2 ? "/rev" : ""));
    CHECK(a.line == 2 + static_cast<int>(i / 2) * 3);
    CHECK((a.ruleset == "many" && a.off));
    CHECK((a.name == b.name && a.line == b.line && a.hash == b.hash && a.proof_hash == b.proof_hash && a.text == b.text && b.ruleset == "many" && b.off));
  }
  for (int threads : {1, 4}) {
    auto rules = many_rules();
    rules[600] = rules[10];
    CHECK(error_with(threads, rules) == "many.rules:1802:6: error: rule r10: the name is taken\n  hint: names are unique in everything loaded; many.rules:32 has it");
    rules[500] = "rule bad:\n  nosuch(x) => x\n  accept x: f32[3]\n";  // stands before the name
    CHECK(error_with(threads, rules).starts_with("many.rules:1503:3: error: rule bad: no operator 'nosuch'"));
    rules[700] = "rule worse:\n  x + => x\n  accept x: f32[3]\n";  // a text that does not read has no rules
    CHECK(error_with(threads, rules).starts_with("many.rules:2103:7: error: expected"));
    rules = many_rules();
    for (int i = 0; i < 800; i += 20) rules[i] = "rule s" + std::to_string(i) + ":\n  neg(x,\nrule =1) => x\n";  // no rule begins there
    CHECK(error_with(threads, rules).starts_with("many.rules:4:7: error: rule s0: neg has no attribute 'rule'"));
  }
}

TEST_CASE("a thousand rules load (0.012 s on an idle machine)", "[.speed]") {
  std::string text = "ruleset many\n";
  for (int i = 0; i < 1000; ++i) {
    text += "rule r" + std::to_string(i) + ":\n  dot(x[B.., m.., k..] * s[B.., m..], w[B.., k.., n..], over=k) => dot(x, w, over=k) * s\n"
            "  where frozen(s)\n  needs field\n  accept x: f32[4,3], s: f32[4], w: f32[3,2]\n";
  }
  operators_of_class("map");  // the table of operators is made once a process
  double best = 1;
  for (int round = 0; round < 5; ++round) {
    RuleSet set;
    Stopwatch watch;
    REQUIRE(set.add_text(text, "many.rules").ok());
    best = std::min(best, watch.seconds());
    CHECK(set.rules().size() == 1000);
  }
  std::printf("%.4f s\n", best);
}
