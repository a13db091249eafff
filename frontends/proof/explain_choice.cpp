// The stage of the pass that says on which rules the chosen term rests, and writes the proof.
#include "frontends/pass_stages.h"
#include "frontends/proof/writer.h"

namespace egret {
namespace {

Status explain(OptimizeResult& result, proof::WriteInputs inputs, const OptimizeOptions& options) {
  EGRET_TRY(const rules::Licence licence, rules::Licence::parse(options.numerics));
  inputs.numerics = licence.to_string();
  inputs.freeze = options.freeze;
  EGRET_TRY(const proof::Written written, proof::write(inputs));
  for (const auto& [rule, count] : written.uses) result.rules_used.push_back({rule->name, rule->needs.to_string(), rules::to_string(rule->verdict), count});
  if (options.proof) result.artifact.files["proof.json"] = proof::print(written.proof);
  return {};
}

}  // namespace

Status explain_choice(OptimizeResult& result, const Graph& source, const Imported& program, const Saturation& saturation,
                      const OptimizeOptions& options, const ChosenProgram& chosen) {
  if (!program.tensors->graph().explains()) return {};
  return explain(result, {&source, &program.values, program.tensors.get(), &saturation.compiled, &chosen, {}, false}, options);
}

}  // namespace egret
