// What lies outside the file: the model that was imported, and the artifact that was written.
#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "frontends/proof/check.h"
#include "lower/runtime/plan.h"
#include "support/files.h"
#include "support/hash.h"

namespace egret::proof {

Status check_model(const Proof& proof, const Graph& model, std::vector<std::string>& trusted) {
  auto differ = [](const std::string& what) { return input_error("the model: " + what); };
  if (model.name != proof.model) return differ("it is named " + model.name);
  if (model.inputs.size() != proof.inputs.size()) return differ(fmt::format("it has {} inputs", model.inputs.size()));
  for (size_t i = 0; i < model.inputs.size(); ++i) {
    const GraphInput& found = model.inputs[i];
    const Input& wanted = proof.inputs[i];
    const GraphNode& node = model.node(found.value);
    const std::string digest = found.data ? tensor_digest(*found.data) : "";
    if (std::get<std::string>(node.attrs.at("name")) != wanted.name || found.role != wanted.role || !(node.type == wanted.type)) {
      return differ(fmt::format("input {} is {} {}: {}", i, to_string(found.role), node.name, node.type.to_string()));
    }
    if (!found.data && found.role == InputRole::kParameter && !wanted.digest.empty()) {
      trusted.push_back(fmt::format("the value of {}, which the model leaves open", wanted.name));
    } else if (digest != wanted.digest) {
      return differ(fmt::format("the value of {} is another", wanted.name));
    }
  }
  ProofTerms terms;
  EGRET_TRY(const std::vector<TermId> ids, terms_of(model, terms));
  // Terms of the model as terms of the proof.
  std::vector<std::optional<TermId>> known(terms.size());
  for (TermId t = 0; t < terms.size(); ++t) {
    const rules::TermNode& n = terms.node(t);
    std::vector<TermId> operands;
    for (TermId o : n.operands) {
      if (known[o]) operands.push_back(*known[o]);
    }
    if (operands.size() == n.operands.size()) known[t] = proof.terms.find(*n.op, n.attrs, operands);
  }
  if (model.outputs.size() != proof.outputs.size()) return differ(fmt::format("it has {} outputs", model.outputs.size()));
  for (size_t i = 0; i < model.outputs.size(); ++i) {
    if (model.outputs[i].name != proof.outputs[i].name) return differ(fmt::format("output {} is named {}", i, model.outputs[i].name));
    if (known[ids[model.outputs[i].value]] != proof.outputs[i].imported) {
      return differ(fmt::format("output {} is another term", model.outputs[i].name));
    }
  }
  if (model.aliases.size() != proof.aliases.size()) return differ("its aliases are others");
  for (size_t i = 0; i < model.aliases.size(); ++i) {
    if (model.aliases[i].output != proof.aliases[i].output || model.aliases[i].input != proof.aliases[i].input) return differ("its aliases are others");
  }
  return {};
}

namespace {

// The plan of an artifact against the kernels of the proof: each launch is one claim, in the proof's order, and each claim is
// launched.  Views launch nothing and have no order.
class ArtifactChecker {
 public:
  ArtifactChecker(const Proof& proof, const Plan& plan) : proof_(proof), plan_(plan), term_(plan.values.size()) {
    for (const KernelClaim& k : proof.kernels) claims_.insert({{k.prepare, k.body, k.ports, k.results}, claims_.size()});
  }

  Status check() {
    EGRET_TRY_VOID(check_values());
    for (const PlanLaunch& l : plan_.prepare) EGRET_TRY_VOID(in_order(l, true));
    std::vector<uint8_t> seen(plan_.views.size(), 0);
    EGRET_TRY_VOID(views(seen));
    for (const PlanLaunch& l : plan_.run) {
      EGRET_TRY_VOID(in_order(l, false));
      EGRET_TRY_VOID(views(seen));
    }
    if (!claims_.empty()) return input_error("the artifact does not launch a kernel of the proof");
    return check_signature();
  }

 private:
  // What is there before any launch: inputs and weights by name, literals by value.
  Status check_values() {
    std::map<std::pair<std::string, std::string>, TermId> literals;
    for (TermId t = 0; t < proof_.terms.size(); ++t) {
      const std::string type = proof_.terms.type(t).to_string();
      if (proof_.terms.node(t).op->name == "constant") literals[{tensor_digest(*proof_.terms.stated(t)), type}] = t;
      if (!proof_.terms.is_input(t)) continue;
      const std::string& name = proof_.terms.input_name(t);
      if (name.starts_with("literal:")) literals[{name.substr(8), type}] = t;
    }
    for (size_t v = 0; v < plan_.values.size(); ++v) {
      const PlanValue& value = plan_.values[v];
      if (value.role != "input" && value.role != "weight") continue;
      const std::string type = value.type.to_string();
      const auto input = std::find_if(proof_.inputs.begin(), proof_.inputs.end(), [&](const Input& i) { return i.name == value.name; });
      if (input == proof_.inputs.end()) {
        const auto literal = literals.find({value.hash, type});
        if (literal != literals.end()) term_[v] = literal->second;
        continue;
      }
      if (!(input->type == value.type)) return input_error(fmt::format("the artifact: {} has type {}", value.name, type));
      if (value.role == "weight" && !value.hash.empty() && value.hash != input->digest) {
        return input_error(fmt::format("the artifact: {} has another value", value.name));
      }
      term_[v] = proof_.terms.find(op_named("input"), {{"name", input->name}, {"type", type}}, {});
    }
    return {};
  }

  Status in_order(const PlanLaunch& l, bool prepare) {
    EGRET_TRY(const size_t claim, launch(l, prepare));
    if (claim < next_) return input_error(fmt::format("the artifact: kernel {} is launched before one that the proof has after it", l.kernel));
    next_ = claim + 1;
    return {};
  }

  // The place in the proof of what it launches.
  Result<size_t> launch(const PlanLaunch& l, bool prepare) {
    const std::string& body = plan_.kernels[l.kernel].body;
    std::vector<TermId> ports;
    for (uint32_t v : l.inputs) {
      if (!term_[v]) return input_error(fmt::format("the artifact: kernel {} reads what is not made", l.kernel));
      ports.push_back(*term_[v]);
    }
    EGRET_TRY(std::vector<TermId> results, inline_body(proof_.terms, body, ports));
    if (results.size() != l.outputs.size()) return input_error(fmt::format("the artifact: kernel {} has other results", l.kernel));
    for (size_t i = 0; i < results.size(); ++i) term_[l.outputs[i]] = results[i];
    const Launched wanted{prepare, body, std::move(ports), std::move(results)};
    const auto claim = claims_.lower_bound({wanted, 0});
    if (claim == claims_.end() || claim->first != wanted) return input_error(fmt::format("the artifact: the proof claims no launch of kernel {} there", l.kernel));
    const size_t at = claim->second;
    claims_.erase(claim);
    return at;
  }

  // Views whose operand is made.
  Status views(std::vector<uint8_t>& seen) {
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = 0; i < seen.size(); ++i) {
        const PlanLaunch& l = plan_.views[i];
        const bool ready = std::all_of(l.inputs.begin(), l.inputs.end(), [&](uint32_t v) { return term_[v].has_value(); });
        if (seen[i] || !ready) continue;
        if (auto made = launch(l, false); !made.ok()) return made.take_error();
        seen[i] = 1;
        changed = true;
      }
    }
    return {};
  }

  Status check_signature() const {
    std::vector<std::string> wanted, found;
    std::map<uint32_t, uint32_t> number;  // of an input among those given at run time
    for (uint32_t i = 0; i < proof_.inputs.size(); ++i) {
      const Input& in = proof_.inputs[i];
      if (in.role == InputRole::kConstant || (in.role == InputRole::kParameter && proof_.freeze)) continue;
      number[i] = static_cast<uint32_t>(wanted.size());
      wanted.push_back(in.name);
    }
    for (uint32_t v : plan_.inputs) found.push_back(plan_.values[v].name);
    if (wanted != found) return input_error("the artifact: its inputs are others");
    if (plan_.outputs.size() != proof_.outputs.size()) return input_error("the artifact: its outputs are others");
    for (size_t i = 0; i < plan_.outputs.size(); ++i) {
      const Output& o = proof_.outputs[i];
      if (plan_.output_names[i] != o.name || term_[plan_.outputs[i]] != o.chosen) return input_error("the artifact: output " + o.name + " is another");
    }
    std::vector<std::pair<uint32_t, uint32_t>> aliases;
    for (const Alias& a : proof_.aliases) {
      if (number.contains(a.input)) aliases.emplace_back(a.output, number.at(a.input));
    }
    return aliases == plan_.aliases ? Status{} : input_error("the artifact: its aliases are others");
  }

  using Launched = std::tuple<bool, std::string, std::vector<TermId>, std::vector<TermId>>;  // prepares, body, ports, results
  const Proof& proof_;
  const Plan& plan_;
  std::vector<std::optional<TermId>> term_;      // by value
  std::set<std::pair<Launched, size_t>> claims_;  // with their places in the proof
  size_t next_ = 0;                              // the place after the last launch's
};

}  // namespace

Status check_artifact(const Proof& proof, const std::string& folder) {
  EGRET_TRY(const std::string text, read_file(folder + "/" + kPlanFile, uint64_t{1} << 30));
  EGRET_TRY(const Plan plan, parse_plan(text));
  for (const auto& [path, hash] : plan.files) {
    if (path.starts_with("/") || path.find("..") != std::string::npos) return input_error("the artifact names a file outside of it: " + path);
    EGRET_TRY(const std::string bytes, read_file(folder + "/" + path));
    if (digest(bytes) != hash) return input_error("the artifact: " + path + " was changed");
  }
  return ArtifactChecker(proof, plan).check();
}

}  // namespace egret::proof
