#include "frontends/proof/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace egret::proof {

Status check_inputs(Proof& proof) {
  std::set<std::string> names;
  for (const Input& i : proof.inputs) {
    if (!names.insert(i.name).second) return input_error(fmt::format("input {}: two inputs have this name", i.name));
    if (i.name.starts_with("literal:")) return input_error(fmt::format("input {}: a name that stands for a literal", i.name));
    if (i.role == InputRole::kConstant && i.digest.empty()) return input_error(fmt::format("input {}: a constant without a value", i.name));
    if (i.value && (i.role != InputRole::kConstant || !(i.value->type() == i.type) || tensor_digest(*i.value) != i.digest)) {
      return input_error(fmt::format("input {}: the value is not that of the digest", i.name));
    }
    const bool frozen = i.role == InputRole::kParameter && proof.freeze;
    proof.terms.declare_input(i.name,
                              i.role == InputRole::kConstant ? rules::Dependence::kConstant
                              : frozen                       ? rules::Dependence::kFrozen
                                                             : rules::Dependence::kData,
                              i.value);
  }
  for (TermId t = 0; t < proof.terms.size(); ++t) {
    if (!proof.terms.is_input(t) || proof.terms.input_name(t).starts_with("literal:")) continue;
    auto it = std::find_if(proof.inputs.begin(), proof.inputs.end(), [&](const Input& i) { return i.name == proof.terms.input_name(t); });
    if (it == proof.inputs.end() || !(it->type == proof.terms.type(t))) {
      return input_error(fmt::format("term {}: no input of this name and type", t));
    }
  }
  for (const Alias& a : proof.aliases) {
    if (a.output >= proof.outputs.size() || a.input >= proof.inputs.size()) return input_error("an alias of no output or no input");
  }
  return {};
}

Result<rules::RuleSet> check_rules(const Proof& proof, std::vector<std::string>& trusted) {
  std::set<std::string> texts;
  std::string file = "ruleset proof\n";
  for (const RuleText& r : proof.rules) {
    if (texts.insert(r.text).second) file += "\n" + r.text + "\n";
  }
  rules::RuleSet set, library;
  EGRET_TRY_VOID(set.add_text(file, "rules of the proof"));
  EGRET_TRY_VOID(library.add_library());
  EGRET_TRY(const rules::Licence licence, rules::Licence::parse(proof.numerics));
  std::set<std::string> names;
  for (const RuleText& r : proof.rules) {
    const std::string where = "rule " + r.name;
    if (!names.insert(r.name).second) return input_error(where + ": stands twice");
    const rules::Rule* rule = set.find(r.name);
    if (!rule) return input_error(where + ": is not in its text");
    if (rule->text != r.text) return input_error(where + ": the text is not in its printed form");
    if (rule->hash != r.hash) return input_error(where + ": the hash is not that of its text");
    if (!licence.allows(rule->needs)) return input_error(fmt::format("{}: needs {}, the run allows {}", where, rule->needs.to_string(), proof.numerics));
    const rules::Rule* known = library.find(r.name);
    if (!known || known->hash != r.hash) trusted.push_back(fmt::format("rule {}: not in the library", r.name));
  }
  return set;
}

Status check_outputs(const Proof& proof) {
  for (const Output& o : proof.outputs) {
    const std::string where = "output " + o.name;
    if (o.step == 0) {
      if (o.imported != o.chosen) return input_error(where + ": two terms, and no step that equates them");
      continue;
    }
    const Step& s = proof.steps[static_cast<size_t>(std::abs(o.step)) - 1];
    const bool holds = o.step > 0 ? s.left == o.imported && s.right == o.chosen : s.right == o.imported && s.left == o.chosen;
    if (!holds) return input_error(fmt::format("{}: step {} does not equate its terms", where, std::abs(o.step)));
  }
  return {};
}

Status check_all_used(const Proof& proof) {
  std::vector<uint8_t> steps(proof.steps.size(), 0), terms(proof.terms.size(), 0), rules(proof.rules.size(), 0);
  for (const Output& o : proof.outputs) {
    terms[o.imported] = terms[o.chosen] = 1;
    if (o.step != 0) steps[static_cast<size_t>(std::abs(o.step)) - 1] = 1;
  }
  for (const KernelClaim& k : proof.kernels) {
    for (TermId t : k.results) terms[t] = 1;
    for (TermId t : k.ports) terms[t] = 1;
  }
  for (size_t i = steps.size(); i-- > 0;) {
    if (!steps[i]) return input_error(fmt::format("step {}: nothing needs it", i + 1));
    const Step& s = proof.steps[i];
    terms[s.left] = terms[s.right] = 1;
    if (s.kind == Step::Kind::kRule) rules[s.rule] = 1;
    for (TermId t : s.roots) terms[t] = 1;
    for (int64_t p : s.premises) {
      if (p != 0) steps[static_cast<size_t>(std::abs(p)) - 1] = 1;
    }
  }
  for (size_t t = terms.size(); t-- > 0;) {
    if (!terms[t]) return input_error(fmt::format("term {}: nothing needs it", t));
    for (TermId o : proof.terms.node(static_cast<TermId>(t)).operands) terms[o] = 1;
  }
  for (size_t r = 0; r < rules.size(); ++r) {
    if (!rules[r]) return input_error(fmt::format("rule {}: no step applies it", proof.rules[r].name));
  }
  return {};
}

namespace {

Status check_parts(Proof& proof, const CheckInputs& inputs, CheckReport& report) {
  EGRET_TRY_VOID(check_inputs(proof));
  if (source_digest(proof) != proof.source) return input_error("the source: its hash is not that of what is imported");
  if (program_digest(proof) != proof.program) return input_error("the program: its hash is not that of the kernels");
  EGRET_TRY(const rules::RuleSet rules, check_rules(proof, report.trusted));
  EGRET_TRY_VOID(check_steps(proof, rules));
  EGRET_TRY_VOID(check_outputs(proof));
  EGRET_TRY_VOID(check_kernels(proof));
  EGRET_TRY_VOID(check_all_used(proof));
  if (inputs.model) EGRET_TRY_VOID(check_model(proof, *inputs.model, report.trusted));
  if (!inputs.artifact.empty()) EGRET_TRY_VOID(check_artifact(proof, inputs.artifact));
  return {};
}

}  // namespace

CheckReport check(std::string_view text, const CheckInputs& inputs) {
  CheckReport report;
  report.trusted = {"definitions of the operators (ir/ops)", "verdicts of the library's rules (rules/library/PROOFS)"};
  if (!inputs.model) report.trusted.push_back("the imported terms are those of the model (not given)");
  report.trusted.push_back(inputs.model ? "the reader of the model" : "the reader of the model (not run)");
  if (inputs.artifact.empty()) report.trusted.push_back("the artifact runs these kernels (not given)");
  report.trusted.push_back("lowering of kernel bodies to code, memory and prepared weights");
  auto proof = read(text, {.ignore_digest = inputs.ignore_digest});
  if (!proof.ok()) {
    const Error& e = proof.error();
    report.failed_step = e.where.file.empty() ? e.message : e.where.file + ": " + e.message;
    return report;
  }
  report.steps = proof->steps.size();
  if (auto status = check_parts(*proof, inputs, report); !status.ok()) {
    report.failed_step = status.error().message;
    return report;
  }
  report.ok = true;
  return report;
}

}  // namespace egret::proof
