// Why a term is not in the chosen program: each place where a pattern matches the saturated e-graph is priced.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "frontends/explain/explain.h"
#include "frontends/explain/partial_match.h"
#include "ir/op.h"
#include "rules/lang/syntax.h"

namespace egret::explain {
namespace {

using egraph::Id;

constexpr size_t kMaxPlaces = 10'000;
constexpr int kLinesBefore = 2;  // of the text around a pattern

std::string microseconds(double seconds) { return fmt::format("{:.4g} us", seconds * 1e6); }

// An operator whose attributes are not written stands for any.
void open_attributes(rules::Term& term, int& number) {
  if (term.kind == rules::Term::Kind::kCall && term.attrs.empty()) {
    if (const OpDef* op = find_op(term.name); op && !op->attrs.empty()) {
      rules::Term any;
      any.name = fmt::format("any{}", number++);
      term.attrs.emplace_back("all", std::move(any));
    }
  }
  for (rules::Term& a : term.args) open_attributes(a, number);
}

// An error in the text around a pattern as an error in the pattern, with its line and a caret.
Error in_pattern(Error error, const std::string& pattern) {
  const int lines = static_cast<int>(std::count(pattern.begin(), pattern.end(), '\n')) + 1;
  int& line = error.where.line;
  line = std::max(1, line - kLinesBefore);
  size_t begin = 0;
  for (int i = 1; i < std::min(line, lines); ++i) begin = pattern.find('\n', begin) + 1;
  const std::string text = pattern.substr(begin, pattern.find('\n', begin) - begin);
  if (const std::string prefix = "rule not: "; error.message.starts_with(prefix)) error.message.erase(0, prefix.size());
  if (line > lines) {  // it ends too early
    line = lines;
    error.where.column = static_cast<int>(text.size()) + 1;
    error.message = error.message.substr(0, error.message.rfind(", found")) + ", found the end of the pattern";
  }
  error.where.file = "PATTERN";
  error.message = fmt::format("the pattern does not parse: {}\n  {}\n  {}^", error.message, text, std::string(static_cast<size_t>(std::max(0, error.where.column - 1)), ' '));
  error.hint = "a pattern is the left side of a rule (docs/rules.md), as dot(x, concat(w, v)), or the name of a rule of the run";
  return error;
}

// The pattern as a rule that says that it is equal to itself.
Result<rules::RuleSet> as_rule(const std::string& pattern) {
  const std::string text = fmt::format("ruleset why\nrule not:\n{}\n=>\n{}\n", pattern, pattern);
  auto file = rules::read_rules(text, "PATTERN");
  if (const size_t arrow = pattern.find("=>"); arrow != std::string::npos) {
    const auto line = std::count(pattern.begin(), pattern.begin() + static_cast<int64_t>(arrow), '\n');
    const size_t begin = line == 0 ? 0 : pattern.rfind('\n', arrow) + 1;
    return in_pattern(input_error("one term is expected, not a rule with two sides", {}, {"PATTERN", kLinesBefore + 1 + static_cast<int>(line), static_cast<int>(arrow - begin) + 1, {}}), pattern);
  }
  if (!file.ok()) return in_pattern(file.take_error(), pattern);
  if (file->rules.size() != 1 || file->rules[0].kind != rules::RuleKind::kAlgebra || !file->rules[0].is_short) {
    return in_pattern(input_error("it is more than one term", {}, {"PATTERN", kLinesBefore + 1, 1, {}}), pattern);
  }
  int left = 0, right = 0;
  open_attributes(file->rules[0].left, left);
  open_attributes(file->rules[0].right, right);
  rules::RuleSet set;
  auto checked = set.add_text(text, "PATTERN");  // for errors at their places
  if (!checked.ok()) return in_pattern(checked.take_error(), pattern);
  rules::RuleSet open;
  auto status = open.add_text(rules::print_rules(*file), "PATTERN");
  return status.ok() ? std::move(open) : std::move(set);
}

// rule-name, rule-name[relu], rule-name/rev, rule: no term, though a difference of variables reads alike, and a variable alone is none.
bool is_rule_name(const std::string& text) {
  const std::string stem = text.substr(0, text.find_first_of("[/"));
  return stem.find_first_of("abcdefghijklmnopqrstuvwxyz") == 0 && stem.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
}

class WhyNotSearch {
 public:
  WhyNotSearch(const KeptRun& run, const Device& device, const Limits& limits) : run_(run), pricing_(run, device, limits) {}

  // A place: e-nodes that have to be computed all.
  Status place(const std::string& where, std::vector<Id> nodes) {
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    if (!seen_.insert(nodes).second) return {};
    WhyNot out{"", rule, where, "", {}, {}};
    if (std::all_of(nodes.begin(), nodes.end(), [&](Id n) { return pricing_.chosen(n); })) {
      out.kind = "chosen";
      out.text = "is in the chosen program";
    } else if (priced_ < kPricedPlaces) {
      ++priced_;
      std::string why;
      EGRET_TRY(const auto price, pricing_.with(nodes, &why));
      if (price) {
        out.kind = "dearer";
        out.dearer = price->cost - run_.taken;
        out.at_least = std::max(0.0, price->bound - run_.taken);
        out.text = *out.dearer <= 1e-9 * run_.taken
                       ? fmt::format("costs no more: the best program with it takes {}, as the chosen one", microseconds(price->cost))
                       : fmt::format("dearer by {}: the best program with it takes {}, the chosen one {}{}", microseconds(*out.dearer), microseconds(price->cost),
                                     microseconds(run_.taken), price->exact ? "" : fmt::format(" (proved: at least {} dearer)", microseconds(*out.at_least)));
      } else {
        out.kind = "no_form";
        out.text = "is in the e-graph, but in no form that a kernel takes: " + why;
      }
    } else {
      ++left_;
      return {};
    }
    found.push_back(std::move(out));
    return {};
  }

  void say(std::string kind, std::string where, std::string text) { found.push_back({std::move(kind), rule, std::move(where), std::move(text), {}, {}}); }

  std::string rule;  // that is asked for by name
  std::vector<WhyNot> found;
  size_t left() const { return left_; }

 private:
  const KeptRun& run_;
  Pricing pricing_;
  std::set<std::vector<Id>> seen_;
  size_t priced_ = 0, left_ = 0;
};

// Where conditions fail, and where nothing matches at all.
void say_failures(const KeptRun& run, const rules::Rule& rule, const std::vector<rules::RuleMatch>& places, WhyNotSearch& search) {
  size_t said = 0;
  for (const rules::RuleMatch& m : places) {
    if (m.holds || ++said > kPricedPlaces) continue;
    search.say("condition", describe_node(run, m.nodes[0]), "does not match there: " + m.failed);
  }
  if (!places.empty()) return;
  for (const rules::Equation& e : rules::equations_of(*rule.syntax)) {
    const PartialMatch near = nearest_match(run, *e.left);
    if (near.operators == near.of && near.missing.empty() && !rule.syntax->find_all && rules::equations_of(*rule.syntax).size() == 1) {
      search.say("no_match", describe_node(run, near.at), "its operators stand there, but two places that must be equal are not");
    } else if (near.at == egraph::kNoId) {
      search.say("no_match", "", near.missing);
    } else {
      search.say("no_match", describe_node(run, near.at),
                 near.missing.empty() ? "matches alone, but not together with what else the rule asks for"
                                      : fmt::format("the nearest match has {} of {} operators: {}", near.operators, near.of, near.missing));
    }
  }
}

// Why a rule that matches in the saturated e-graph has left no term there.
std::string why_not_made(const KeptRun& run, const rules::Rule& rule) {
  const auto licence = rules::Licence::parse(run.numerics);
  if (licence.ok() && !licence->allows(rule.needs)) return fmt::format("the rule needs {}, which --numerics {} does not allow", rule.needs.to_string(), run.numerics);
  if (!rule.on) return fmt::format("the set {} is off: --rules {} switches it on", rule.ruleset, rule.ruleset);
  if (run.stop_reason != "saturated") return fmt::format("saturation ended by {} before the rule came to this place", run.stop_reason);
  return "the rule's right side was ill-typed or of another type there";
}

// A rule by name: what its applications united, else why there was none.
Status places_of_rule(const KeptRun& run, const rules::Rule& rule, WhyNotSearch& search) {
  bool applied = false;
  for (const KeptRun::Applied& a : run.applied) {
    if (a.rule != rule.name) continue;
    applied = true;
    std::vector<Id> right;
    for (const auto& [from, to] : a.equations) {
      if (!run.tensors->graph().operands(to).empty()) right.push_back(run.live(to));
    }
    EGRET_TRY_VOID(search.place(describe_node(run, run.live(a.equations.front().first)), right));
  }
  if (applied) return {};
  EGRET_TRY(const auto places, rules::matches(rule, *run.tensors, kMaxPlaces));
  if (std::none_of(places.begin(), places.end(), [](const auto& m) { return m.holds; })) {
    say_failures(run, rule, places, search);
    return {};
  }
  size_t said = 0;
  for (const rules::RuleMatch& m : places) {
    if (!m.holds || ++said > kPricedPlaces) continue;
    search.say("not_made", describe_node(run, m.nodes[0]), "matches, but the run never applied it: " + why_not_made(run, rule));
  }
  return {};
}

}  // namespace

Result<std::vector<WhyNot>> why_not(const KeptRun& run, const std::string& pattern, const Device& device, const Limits& limits) {
  WhyNotSearch search(run, device, limits);
  bool named = false;
  for (const rules::Rule& rule : run.rules.rules()) {
    if (rule.kind != rules::RuleKind::kAlgebra || (rule.name != pattern && rule.written != pattern)) continue;
    named = true;
    search.rule = rule.name;
    EGRET_TRY_VOID(places_of_rule(run, rule, search));
  }
  if (!named && is_rule_name(pattern)) return input_error("the run knew no rule named " + pattern, "`egret rules` lists the library's; --rules FILE adds others to a run");
  if (!named) {
    EGRET_TRY(const rules::RuleSet set, as_rule(pattern));
    const rules::Rule& rule = set.rules().front();
    EGRET_TRY(const auto places, rules::matches(rule, *run.tensors, kMaxPlaces));
    bool any = false;
    for (const rules::RuleMatch& m : places) {
      if (!m.holds) continue;
      any = true;
      EGRET_TRY_VOID(search.place(describe_node(run, m.nodes[0]), m.nodes));
    }
    if (!any) say_failures(run, rule, places, search);
  }
  // The cheapest place first: it says how far the pattern was from being chosen.
  std::stable_sort(search.found.begin(), search.found.end(), [](const WhyNot& a, const WhyNot& b) {
    auto rank = [](const WhyNot& w) { return std::pair(w.kind == "chosen" ? 0 : w.dearer ? 1 : 2, w.dearer.value_or(0)); };
    return rank(a) < rank(b);
  });
  if (search.left() > 0) search.say("more", "", fmt::format("{} further places are not priced", search.left()));
  return std::move(search.found);
}

}  // namespace egret::explain
