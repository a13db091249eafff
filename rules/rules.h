// Rules: what a person writes (text), checked, and compiled to the engine's rewrites.
//
// Types to know: `Rule` and `RuleSet` (the text as data), `TensorEGraph` (lang/language.h), `compile` (to
// egraph::Rewrite), `RuleInstance` (a rule at concrete sizes: what is tested and proved), `verify` (verify/verify.h).
// Reading order: docs/rules.md, rules.h, lang/language.h, lang/signature.h, verify/verify.h.
// May include: support, ir, egraph.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "egraph/runner.h"
#include "ir/graph.h"
#include "rules/lang/language.h"
#include "support/result.h"

namespace egret::rules {

// What a rule needs to be true (design decision 7): a set of licence words, and types it may narrow to.
struct Licence {
  std::vector<std::string> words;  // sorted; "nnan ninf nsz arcp contract afn reassoc field cancel range narrow(T)"
  bool allows(const Licence& needs) const;
  Slack slack() const;  // what a run with this licence lets move of known values
  // Whether something lets a fold's order move and a product be rounded with its sum; else lowering keeps both.
  bool frees_folds() const;
  // "strict", "default" or "fast", with further words after commas; or words alone.
  static Result<Licence> parse(std::string_view text);
  std::string to_string() const;
};

enum class RuleKind { kAlgebra, kFusion };

enum class Verdict { kProved, kRefuted, kUnproved };
const char* to_string(Verdict);

struct RuleSyntax;  // the parsed rule: lang/syntax.h
struct TextPart;    // lang/loading.cpp

struct Rule {
  std::string name;            // unique in everything loaded; `for` expansions are name[relu], reversed ones name/rev
  std::string written;         // name as written, without expansion
  std::string ruleset, file;
  int line = 0;
  RuleKind kind = RuleKind::kAlgebra;
  bool off = false;            // its file says so
  bool on = true;              // compiled; a rule of the library that is off, only once its set is enabled
  Licence needs;
  std::string text;            // canonical text of the rule as written
  std::string hash;            // digest of `text` and of the definitions it names
  std::string proof_hash;      // of the rule as written: what a recorded verdict is about (lang/proofs.h)
  Verdict verdict = Verdict::kUnproved;  // recorded, or what the caller found
  std::shared_ptr<const RuleSyntax> syntax;
};

struct RuleText {
  std::string_view text;
  std::string file;  // for messages
};

class RuleSet {
 public:
  // Loads with that many threads, 0: as many as the machine has.  What is loaded, and errors, do not depend on it.
  explicit RuleSet(int threads = 1) : threads_(threads) {}

  // Reads one file's text; errors name file:line:column and give a hint.
  Status add_text(std::string_view text, const std::string& file);
  Status add_texts(std::span<const RuleText> texts);  // one after the other
  Status add_file(const std::string& path);
  // The library that is embedded in the binary.
  Status add_library();
  // Switches the sets of that name on ("explore.split"; a prefix as "explore" means all below it).
  Status enable(std::string_view ruleset);

  // Takes rules as written out, each with every rule that it was expanded to.
  void remove(std::span<const std::string> written);

  // Takes all other rules of algebra out.
  void keep_alone(std::string_view written) {
    std::erase_if(rules_, [&](const Rule& r) { return r.kind == RuleKind::kAlgebra && r.written != written; });
  }

  // What is known of a rule as written, all its expansions.
  void set_verdict(std::string_view written, Verdict verdict);
  // Switches one off: it is not compiled.
  void switch_off(std::string_view written);

  const std::vector<Rule>& rules() const { return rules_; }      // expanded, in order
  const Rule* find(std::string_view name) const;
  int threads() const { return threads_; }

 private:
  struct Loaded;
  static Loaded load(const TextPart& part, const std::string& file);
  Status take(std::span<Loaded> parts);

  int threads_;
  std::vector<Rule> rules_;
  std::unordered_set<std::string> written_;  // names as written
};

// print(parse(x)) = x for canonical text.
Result<std::string> reprint(std::string_view text, const std::string& file);

// Rewrites of the algebraic rules that `licence` allows, in order; `rule_of[i]` is the rule of rewrite i.  The rewrites
// refer to `graph`, which must outlive them.  `other_type[i]` is set once a right side of rewrite i was well typed and
// provably of another type than the left (design decision 8 b); such a match is dropped.
using TypeAlarm = std::shared_ptr<std::atomic<bool>>;
struct CompiledRules {
  std::vector<egraph::Rewrite> rewrites;
  std::vector<const Rule*> rule_of;
  std::vector<TypeAlarm> other_type;
};
Result<CompiledRules> compile(const RuleSet& rules, const Licence& licence, TensorEGraph& graph);

// Where a rule's operators stand in a rebuilt graph, and which condition fails there (`egret rules --match`).
struct RuleMatch {
  std::vector<egraph::Id> nodes;  // e-node of each operator of the left side
  bool holds = false;
  std::string failed;             // what does not fit: a condition as written, an axis without a name, a type
};
Result<std::vector<RuleMatch>> matches(const Rule& rule, TensorEGraph& graph, size_t limit);

// --- rules at concrete sizes ---------------------------------------------------------------------------------------

// Sizes of the axes of every group, dtypes of variables, values of attribute and number variables.
struct Assignment {
  std::map<std::string, std::vector<int64_t>> groups;
  std::map<std::string, DType> dtypes;
  std::map<std::string, int> counts;        // operand groups: how many
  std::map<std::string, AttrValue> values;  // attribute variables
  std::map<std::string, Type> types;        // of variables without written axes
  std::map<std::string, double> splats;     // variables that are one number everywhere
  std::map<std::string, Dependence> depends;  // where not data
  // Axes of groups have names for sizes, each variable its own; typing says which are equal (ir/assume.h).  `groups` then
  // gives numbers of axes alone.
  bool symbolic = false;
  std::string to_string() const;
};

// What a condition says of the elements of an input ("nonzero", "positive", "nonnegative", "finite"; "at_most" of two);
// "frozen" and "constant" say nothing of them.
struct Hypothesis {
  std::string condition;
  std::vector<uint32_t> inputs;
};

// Both sides as graphs over the same inputs (the rule's variables, in order of appearance); output i of `left` equals
// output i of `right`.
struct RuleInstance {
  Graph left, right;
  Assignment assignment;
  std::string where;    // the sizes, for messages
  std::vector<Hypothesis> hypotheses;  // conditions on values that were taken as true (`assume`)
};

// The instance of an assignment; nullopt where `where` rejects it or a side is ill-typed (`reason` says which).  With
// `assume`, conditions on the elements of inputs become hypotheses; without, they must be known to hold.
Result<std::optional<RuleInstance>> instance(const Rule& rule, const Assignment& assignment, std::string* reason = nullptr,
                                             bool assume = true);
// The instances that its accept (or reject) lines describe.
Result<std::vector<RuleInstance>> accepted(const Rule& rule);
struct Rejected {
  Assignment assignment;
  bool matched = false;
  bool well_typed = false;  // the left side is; else the line shows nothing
  std::string reason;
};
Result<std::vector<Rejected>> rejected(const Rule& rule);
// An error at the first accept line at which the rule does not match, or reject line at which it does.
Status check_examples(const Rule& rule);
// The first of the accept lines' and other small assignments at which the left side has a type, the rule's conditions hold, and the
// right side has provably another type, and which; the engine would quarantine the rule there.
std::optional<std::string> right_of_another_type(const Rule& rule);
// Up to `limit` small assignments that have an instance: those of the accept lines, then several ranks a group, sizes 0..3,
// each dtype class, in a fixed order.
std::vector<Assignment> small_assignments(const Rule& rule, size_t limit);
// For each choice of dtypes under which the rule has an instance (lang/dtypes.h), a small assignment that has one; that of an accept
// line first.  Nothing where there are too many choices.
const std::optional<std::vector<Assignment>>& dtype_assignments(const Rule& rule);

// --- replay (for the proof checker: no engine code) --------------------------------------------------------------------

// Terms by number, operands smaller than their users.
struct TermNode {
  const OpDef* op = nullptr;
  Attrs attrs;
  std::vector<uint32_t> operands;
  Type type;
};
struct TermTable {
  std::vector<TermNode> nodes;
  std::vector<std::optional<double>> splat;   // known splat values
  std::vector<Dependence> depends;
};
// The right side that one form of `rule` gives (of its left side, counted as `compile` makes rewrites of it) for the left
// terms `roots` (one a root of the rule, found by structural matching on exact terms), appended to `terms`: the k-th is the
// k-th node that the rewrite plans.  Returns the numbers of the right terms, one an equation, with the left term each is equal
// to.  Error where that form does not match there or the rule's condition fails.
Result<std::vector<std::pair<uint32_t, uint32_t>>> replay(const Rule& rule, uint32_t form, const std::vector<uint32_t>& roots, TermTable& terms);

}  // namespace egret::rules
