// RuleSet and Licence: what is loaded, and what a run allows.
#include <algorithm>
#include <set>
#include <unordered_set>

#include <fmt/format.h>

#include "rules/lang/check.h"

namespace egret::rules {
namespace {

constexpr const char* kPlainWords[] = {"nnan", "ninf",    "nsz",   "arcp",   "contract",
                                       "afn",  "reassoc", "field", "cancel", "range"};
constexpr const char* kFieldWords[] = {"reassoc", "contract", "arcp", "nsz"};

}  // namespace

bool is_licence_word(std::string_view word) {
  bool narrow = word.starts_with("narrow(") && word.ends_with(")") && dtype_from_name(word.substr(7, word.size() - 8));
  return narrow || std::find(std::begin(kPlainWords), std::end(kPlainWords), word) != std::end(kPlainWords);
}

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

bool Licence::frees_folds() const { return allows({{"contract", "reassoc"}}); }

Result<Licence> Licence::parse(std::string_view text) {
  std::set<std::string> words;
  for (size_t begin = 0; begin <= text.size() && !text.empty();) {
    const bool first = begin == 0;
    size_t end = std::min(text.find(',', begin), text.size());
    std::string word(text.substr(begin, end - begin));
    begin = end + 1;
    const bool base = word == "strict" || word == "default" || word == "fast";
    if (base && !first) return input_error(fmt::format("--numerics {}: '{}' stands after another word", text, word), "one of strict, default and fast comes first, further words after commas");
    if (word == "strict") continue;
    if (word == "default") {
      words.insert("field");
    } else if (word == "fast") {
      words.insert(std::begin(kPlainWords), std::end(kPlainWords));
    } else if (is_licence_word(word)) {
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

void RuleSet::remove(std::span<const std::string> written) {
  const std::unordered_set<std::string_view> gone(written.begin(), written.end());
  std::erase_if(rules_, [&](const Rule& r) { return gone.contains(r.written); });
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
