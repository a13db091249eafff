// RuleSet's reading of texts: parsed, checked, expanded and hashed by several threads.
//
// A long text is cut where rules begin.  What the parts give is put together in order, and a text with a part that does not
// read is read again as a whole, so rules and errors are those of one thread.
#include <algorithm>
#include <array>
#include <unordered_map>

#include <fmt/format.h>

#include "rules/lang/check.h"
#include "rules/lang/library.h"
#include "rules/lang/proofs.h"
#include "rules/lang/syntax.h"
#include "support/files.h"
#include "support/hash.h"
#include "support/workers.h"

namespace egret::rules {
namespace {

constexpr size_t kPartBytes = size_t{16} << 10;  // some 50 rules, about a third of a millisecond

void operators_in(const Term& t, std::vector<const OpDef*>& out) {
  if (const OpDef* op = t.op; op && std::find(out.begin(), out.end(), op) == out.end()) out.push_back(op);
  for (const Term& a : t.args) operators_in(a, out);
}

// What a rule that names an operator says of it: the text of its definition.  A composite may stand for any operators, and
// how it does is code.
using Subjects = std::unordered_map<const OpDef*, std::string>;
const Subjects& subjects() {
  static const Subjects all = [] {
    std::string text(composites_digest());
    for (const OpDef* op : all_ops()) text += "\n" + op->text;
    const std::string definitions = digest(text);
    Subjects out;
    for (const OpDef* op : all_ops()) out[op] = "\n" + op->text + (op->expand ? definitions : "");
    return out;
  }();
  return all;
}

// Digests of a rule's expansions: of its text with the definitions that they speak of, what a proof is about.
class SubjectDigest {
 public:
  explicit SubjectDigest(const std::string& text) : all_(text), own_(text.size()) {}

  std::string of(const RuleSyntax& rule) {
    ops_.clear();
    operators_in(rule.left, ops_);
    operators_in(rule.right, ops_);
    for (const auto* bindings : {&rule.find, &rule.lets, &rule.unites}) {
      for (const Binding& b : *bindings) operators_in(b.term, ops_);
    }
    texts_.clear();
    for (const OpDef* op : ops_) texts_.push_back(subjects().at(op));
    std::sort(texts_.begin(), texts_.end());
    all_.resize(own_);
    for (std::string_view t : texts_) all_ += t;
    return digest(all_);
  }

 private:
  std::string all_;
  size_t own_;
  std::vector<const OpDef*> ops_;
  std::vector<std::string_view> texts_;
};

}  // namespace

// A piece of a text, as one thread takes it.
struct TextPart {
  size_t text = 0;  // which one
  std::string_view body;
  int first_line = 1;
  bool begins = true;  // with the name of the set
};

// What a part gives: rules up to the first error.
struct RuleSet::Loaded {
  bool read = false;
  std::string ruleset;
  bool off = false;
  std::vector<Rule> rules;
  std::vector<size_t> written;  // where the expansions of each rule as written begin
  std::optional<Error> error;
};

namespace {

// Appends the parts of a text, in order.
void cut(const RuleText& text, size_t number, std::vector<TextPart>& out) {
  TextPart part{number, text.text, 1, true};
  while (part.body.size() > 2 * kPartBytes) {
    const size_t cut = std::min(part.body.find("\nrule ", kPartBytes), part.body.find("\nfuse ", kPartBytes));
    if (cut == std::string_view::npos) break;
    TextPart rest = part;
    rest.body.remove_prefix(cut);
    rest.begins = false;
    part.body = part.body.substr(0, cut);
    rest.first_line += static_cast<int>(std::count(part.body.begin(), part.body.end(), '\n'));
    out.push_back(part);
    part = rest;
  }
  out.push_back(part);
}

// FILE:LINE of the first rule written under that name; empty where there is none.
std::string place_in(const std::vector<Rule>& rules, const std::string& name) {
  const auto it = std::find_if(rules.begin(), rules.end(), [&](const Rule& r) { return r.written == name; });
  return it == rules.end() ? std::string() : fmt::format("{}:{}", it->file, it->line);
}

// The concrete rules of one as written.
void expand(RuleSyntax syntax, const std::string& file, std::vector<Rule>& out) {
  Rule rule;
  rule.written = syntax.name;
  rule.file = file;
  rule.line = syntax.at.line;
  rule.kind = syntax.kind;
  rule.needs.words = syntax.needs;
  std::sort(rule.needs.words.begin(), rule.needs.words.end());
  rule.text = print_rule(syntax);
  const auto first = static_cast<ptrdiff_t>(out.size());
  SubjectDigest subject(rule.text);
  for (ConcreteRule& concrete : concrete_rules(std::move(syntax))) {
    Rule& one = out.emplace_back(rule);
    one.name = std::move(concrete.name);
    one.hash = subject.of(*concrete.syntax);
    one.syntax = std::move(concrete.syntax);
  }
  set_proof_hash(out.begin() + first, out.end());
}

}  // namespace

RuleSet::Loaded RuleSet::load(const TextPart& part, const std::string& file) {
  Loaded out;
  auto parsed = part.begins ? read_rules(part.body, file) : read_further_rules(part.body, file, part.first_line);
  if (!parsed.ok()) {
    out.error = parsed.take_error();
    return out;
  }
  out.read = true;
  out.ruleset = parsed->ruleset;
  out.off = parsed->off;
  out.rules.reserve(2 * parsed->rules.size());
  for (RuleSyntax& syntax : parsed->rules) {
    if (auto status = check_rule(syntax, file); !status.ok()) {
      out.error = status.take_error();
      return out;
    }
    out.written.push_back(out.rules.size());
    expand(std::move(syntax), file, out.rules);
  }
  return out;
}

Status RuleSet::add_texts(std::span<const RuleText> texts) {
  std::vector<TextPart> parts;
  for (size_t k = 0; k < texts.size(); ++k) cut(texts[k], k, parts);
  std::vector<Loaded> loaded(parts.size());
  const Workers workers(parts.size() > 1 ? threads_ : 1);
  workers.for_each(parts.size(), [&](size_t p) { loaded[p] = load(parts[p], texts[parts[p].text].file); });
  size_t count = rules_.size();
  for (const Loaded& l : loaded) count += l.rules.size();
  if (count > rules_.capacity()) rules_.reserve(std::max(count, 2 * rules_.capacity()));
  for (size_t p = 0; p < parts.size();) {
    const size_t k = parts[p].text;
    size_t end = p + 1;
    while (end < parts.size() && parts[end].text == k) ++end;
    std::span<Loaded> of_text(loaded.data() + p, end - p);
    size_t written = 0;
    for (const Loaded& l : of_text) written += l.written.size();
    const bool all_read = std::all_of(of_text.begin(), of_text.end(), [](const Loaded& l) { return l.read; });
    if (of_text.size() > 1 && (!all_read || written > kMaxRules)) {
      loaded[p] = load({k, texts[k].text, 1, true}, texts[k].file);
      of_text = of_text.first(1);
    }
    EGRET_TRY_VOID(take(of_text));
    p = end;
  }
  return {};
}

// The rules of a text: all, or none and the first error.
Status RuleSet::take(std::span<Loaded> parts) {
  std::unordered_set<std::string> names;
  const auto has_it = [&](const std::string& name) {
    std::string place = place_in(rules_, name);
    for (size_t p = 0; p < parts.size() && place.empty(); ++p) place = place_in(parts[p].rules, name);
    return place;
  };
  for (const Loaded& part : parts) {
    for (size_t first : part.written) {
      const Rule& rule = part.rules[first];
      if (!written_.count(rule.written) && names.insert(rule.written).second) continue;
      return input_error(fmt::format("rule {}: the name is taken", rule.written),
                         fmt::format("names are unique in everything loaded; {} has it", has_it(rule.written)),
                         {rule.file, rule.line, rule.syntax->at.column, {}});
    }
    if (part.error) return *part.error;
  }
  written_.merge(names);
  for (Loaded& part : parts) {
    for (Rule& rule : part.rules) {
      rule.ruleset = parts[0].ruleset;
      rule.off = parts[0].off;
      rules_.push_back(std::move(rule));
    }
  }
  return {};
}

Status RuleSet::add_text(std::string_view text, const std::string& file) { return add_texts(std::array{RuleText{text, file}}); }

Status RuleSet::add_file(const std::string& path) {
  EGRET_TRY(std::string text, read_file(path, uint64_t{4} << 20));
  return add_text(text, path);
}

Status RuleSet::add_library() {
  const size_t before = rules_.size();
  std::vector<RuleText> texts;
  for (const LibraryFile& f : library_files()) {
    if (std::string_view(f.path).ends_with(".rules")) texts.push_back({f.text, f.path});
  }
  EGRET_TRY_VOID(add_texts(texts));
  for (size_t i = before; i < rules_.size(); ++i) {
    rules_[i].on = !rules_[i].off;
    const RecordedProof* proof = library_proofs().find(rules_[i]);
    if (proof) rules_[i].verdict = proof->verdict;
  }
  return {};
}

}  // namespace egret::rules
