// RuleSet and Licence: what is loaded, and what a run allows.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "rules/lang/check.h"
#include "rules/lang/library.h"
#include "rules/lang/proofs.h"
#include "rules/lang/syntax.h"
#include "support/files.h"
#include "support/hash.h"

namespace egret::rules {
namespace {

constexpr const char* kPlainWords[] = {"nnan", "ninf",    "nsz",   "arcp",   "contract",
                                       "afn",  "reassoc", "field", "cancel", "range"};
constexpr const char* kFieldWords[] = {"reassoc", "contract", "arcp", "nsz"};

bool is_word(const std::string& word) {
  bool narrow = word.starts_with("narrow(") && word.ends_with(")") && dtype_from_name(word.substr(7, word.size() - 8));
  return narrow || std::find(std::begin(kPlainWords), std::end(kPlainWords), word) != std::end(kPlainWords);
}

void operators_in(const Term& t, std::vector<const OpDef*>& out) {
  if (const OpDef* op = operator_of(t); op && std::find(out.begin(), out.end(), op) == out.end()) out.push_back(op);
  for (const Term& a : t.args) operators_in(a, out);
}

// A composite may stand for any operators, and how it does is code.
const std::string& all_definitions() {
  static const std::string all = [] {
    std::string text(composites_digest());
    for (const OpDef* op : all_ops()) text += "\n" + op->text;
    return digest(text);
  }();
  return all;
}

// A rule's text with the definitions it speaks of: what a proof of it is about.
std::string subject(const RuleSyntax& rule, const std::string& text) {
  std::vector<const OpDef*> ops;
  operators_in(rule.left, ops);
  operators_in(rule.right, ops);
  for (const auto* bindings : {&rule.find, &rule.lets, &rule.unites}) {
    for (const Binding& b : *bindings) operators_in(b.term, ops);
  }
  std::vector<std::string> texts;
  for (const OpDef* op : ops) texts.push_back(op->expand ? op->text + all_definitions() : op->text);
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  std::string all = text;
  for (const std::string& t : texts) all += "\n" + t;
  return all;
}

}  // namespace

bool Licence::allows(const Licence& needs) const {
  const auto has = [&](std::string_view w) { return std::find(words.begin(), words.end(), w) != words.end(); };
  const auto of_field = [](std::string_view w) { return std::find(std::begin(kFieldWords), std::end(kFieldWords), w) != std::end(kFieldWords); };
  return std::all_of(needs.words.begin(), needs.words.end(), [&](const std::string& w) { return has(w) || (of_field(w) && has("field")); });
}

Slack Licence::slack() const {
  auto has = [&](std::string_view w) { return std::any_of(words.begin(), words.end(), [&](const std::string& x) { return x.starts_with(w); }); };
  Slack out;
  out.rounding = has("field") || has("reassoc") || has("contract") || has("arcp") || has("afn") || has("cancel") || has("range") || has("narrow");
  out.signs_of_zero = out.rounding || has("nsz");
  out.only_finite = out.rounding || has("nnan") || has("ninf");
  out.relative = has("narrow") ? 0x1p-7 : has("afn") ? 0x1p-12 : 0;
  return out;
}

Result<Licence> Licence::parse(std::string_view text) {
  std::set<std::string> words;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    std::string word(text.substr(begin, end - begin));
    begin = end + 1;
    if (word == "strict" || word.empty()) continue;
    if (word == "default") {
      words.insert("field");
    } else if (word == "fast") {
      words.insert(std::begin(kPlainWords), std::end(kPlainWords));
    } else if (is_word(word)) {
      words.insert(word);
    } else {
      return input_error(fmt::format("'{}' is no word of --numerics", word),
                         "strict, default or fast, then nnan ninf nsz arcp contract afn reassoc field cancel range "
                         "narrow(DTYPE) after commas");
    }
  }
  return Licence{{words.begin(), words.end()}};
}

std::string Licence::to_string() const {
  std::string text;
  for (const std::string& w : words) text += (text.empty() ? "" : ",") + w;
  return text;
}

Status RuleSet::add_text(std::string_view text, const std::string& file) {
  EGRET_TRY(RuleFile parsed, read_rules(text, file));
  std::unordered_set<std::string> names;
  std::vector<Rule> fresh;
  for (RuleSyntax& syntax : parsed.rules) {
    EGRET_TRY_VOID(check_rule(syntax, file));
    if (written_.count(syntax.name) || !names.insert(syntax.name).second) {
      return input_error(fmt::format("rule {}: the name is taken", syntax.name), "names are unique in everything loaded",
                         {file, syntax.at.line, syntax.at.column, {}});
    }
    Rule rule;
    rule.written = syntax.name;
    rule.ruleset = parsed.ruleset;
    rule.off = parsed.off;
    rule.file = file;
    rule.line = syntax.at.line;
    rule.kind = syntax.kind;
    rule.needs.words = syntax.needs;
    std::sort(rule.needs.words.begin(), rule.needs.words.end());
    rule.text = print_rule(syntax);
    const size_t first = fresh.size();
    for (ConcreteRule& concrete : concrete_rules(std::move(syntax))) {
      Rule& one = fresh.emplace_back(rule);
      one.name = std::move(concrete.name);
      one.hash = digest(subject(concrete.syntax, rule.text));
      one.syntax = std::make_shared<const RuleSyntax>(std::move(concrete.syntax));
    }
    set_proof_hash(fresh.begin() + static_cast<ptrdiff_t>(first), fresh.end());
  }
  written_.merge(names);
  rules_.insert(rules_.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
  return {};
}

Status RuleSet::add_file(const std::string& path) {
  EGRET_TRY(std::string text, read_file(path, uint64_t{4} << 20));
  return add_text(text, path);
}

Status RuleSet::add_library() {
  for (const LibraryFile& f : library_files()) {
    if (!std::string_view(f.path).ends_with(".rules")) continue;
    const size_t before = rules_.size();
    EGRET_TRY_VOID(add_text(f.text, f.path));
    for (size_t i = before; i < rules_.size(); ++i) {
      rules_[i].on = !rules_[i].off;
      const RecordedProof* proof = library_proofs().find(rules_[i]);
      if (proof) rules_[i].verdict = proof->verdict;
    }
  }
  return {};
}

void RuleSet::set_verdict(std::string_view written, Verdict verdict) {
  for (Rule& r : rules_) {
    if (r.written == written) r.verdict = verdict;
  }
}

void RuleSet::switch_off(std::string_view written) {
  for (Rule& r : rules_) {
    if (r.written == written) r.on = false;
  }
}

Status RuleSet::enable(std::string_view ruleset) {
  bool known = false;
  std::set<std::string> sets;
  for (Rule& r : rules_) {
    sets.insert(r.ruleset);
    const bool below = r.ruleset.size() > ruleset.size() && r.ruleset[ruleset.size()] == '.';
    if (!r.ruleset.starts_with(ruleset) || (!below && r.ruleset.size() != ruleset.size())) continue;
    r.on = known = true;
  }
  if (known) return {};
  std::string names;
  for (const std::string& s : sets) names += (names.empty() ? "" : ", ") + s;
  return input_error(fmt::format("no rule set is named {}", ruleset), "the sets are " + names);
}

const Rule* RuleSet::find(std::string_view name) const {
  for (const Rule& r : rules_) {
    if (r.name == name) return &r;
  }
  return nullptr;
}

}  // namespace egret::rules
