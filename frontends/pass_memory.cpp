#include "frontends/pass_memory.h"

#include <algorithm>

#include "extract/fusion/sequence.h"
#include "lower/memory_use.h"

namespace egret {
namespace {

extract::Signature signature_of(const Graph& source, const Imported& program) {
  extract::Signature out;
  std::vector<uint8_t> at_run;
  for (const GraphInput& input : source.inputs) {
    const egraph::Id id = program.values[input.value];
    at_run.push_back(program.tensors->depends(program.tensors->graph().find(id)) == rules::Dependence::kData);
    if (at_run.back()) out.inputs.push_back(id);
  }
  for (const Alias& a : source.aliases) {
    if (at_run[a.input]) out.reuse.emplace_back(program.values[source.outputs[a.output].value], program.values[source.inputs[a.input].value]);
  }
  return out;
}

class Placing {
 public:
  Placing(const Graph& source, const Imported& program, const Choice& choice, const Device& device, const OptimizeOptions& options)
      : source_(source), program_(program), choice_(choice), device_(device), lowered_(options.lower), limited_(options.memory_limit_device.has_value()) {
    lower_.threads = options.threads;
    lower_.strict = in_order(options);
  }

  Result<ChosenProgram> build(const std::vector<uint32_t>& launches) const {
    return build_program(source_, program_.values, *program_.tensors, choice_.problem, choice_.solution, launches);
  }

  Result<DeviceBytes> bytes(const Program& program) {
    if (device_.kind == Device::Kind::kCuda) return cuda_memory(program);
    // Without a limit lowering tells the scratch.
    uint64_t scratch = 0;
    if (!lowered_ || limited_) {
      EGRET_TRY(scratch, host_scratch(program, lower_, known_));
    }
    return host_memory(program, scratch);
  }

 private:
  const Graph& source_;
  const Imported& program_;
  const Choice& choice_;
  const Device& device_;
  const bool lowered_, limited_;
  LowerOptions lower_;
  KnownScratch known_;
};

}  // namespace

Result<ChosenProgram> place_program(OptimizeResult& result, const Graph& source, const Imported& program, const Choice& choice,
                                    const Device& device, const OptimizeOptions& options, const Stopwatch& total) {
  Placing placing(source, program, choice, device, options);
  const extract::FusionGraph graph(*program.tensors);
  const extract::MemoryFacts facts =
      extract::memory_facts(graph, choice.problem, choice.solution, signature_of(source, program), kPlaceAlignment);
  const std::vector<uint32_t> plain = extract::launches_of(choice.problem, facts, choice.solution);
  EGRET_TRY(ChosenProgram chosen, placing.build(plain));
  EGRET_TRY(result.memory, placing.bytes(chosen.program));
  result.peak_unlimited = result.memory.total();
  const extract::Profile profile = extract::profile(choice.problem.problem, facts, plain);
  EGRET_CHECK(profile.valid, "each kernel comes after what it reads");
  result.arena_floor = std::max(profile.live.front(), profile.live.back());
  if (!options.memory_limit_device || result.memory.total() <= *options.memory_limit_device) return chosen;
  const uint64_t limit = *options.memory_limit_device;
  const auto frontier = extract::rematerialized(graph, choice.problem, facts, choice.solution, remaining(options, total));
  // Takes the sequence where it needs less than `least`.  No program needs less than its sequence's peak.
  uint64_t least = result.memory.total();
  auto take = [&](const extract::Sequence& sequence) -> Status {
    EGRET_TRY(ChosenProgram found, placing.build(sequence.launches));
    EGRET_TRY(const DeviceBytes bytes, placing.bytes(found.program));
    if (bytes.total() >= least) return {};
    least = bytes.total();
    result.memory = bytes;
    chosen = std::move(found);
    return {};
  };
  for (const extract::Sequence& sequence : frontier) {  // the cheapest that fits
    if (least <= limit) break;
    if (sequence.peak <= limit) EGRET_TRY_VOID(take(sequence));
  }
  for (size_t i = frontier.size(); i-- > 0 && least > limit;) {  // none: what needs least
    if (frontier[i].peak >= least) break;
    EGRET_TRY_VOID(take(frontier[i]));
  }
  if (total.expired(options.limits)) result.limits_reached.push_back("memory: time_limit");
  if (least > limit) result.smallest_memory_limit = least;
  return chosen;
}

}  // namespace egret
