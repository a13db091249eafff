// The text of a kernel put together.
#include <algorithm>

#include "lower/cuda/cuda.h"
#include "lower/cuda/schedules.h"

namespace egret::lower {
namespace {

Result<Frame> print_statements(const Kernel& kernel, Printing& printing) {
  switch (kernel.plan.schedule) {
    case ScheduleClass::kElement:
      return print_element(printing);
    case ScheduleClass::kRow:
      return print_row(printing);
    case ScheduleClass::kContraction:
      return printing.choices.thin ? print_thin_contraction(printing) : print_contraction(printing);
    case ScheduleClass::kContractionRow:
    case ScheduleClass::kContractionPair:
      return print_contraction_row(printing);
    case ScheduleClass::kAlias:
      break;
  }
  return internal_error("an alias has no statements");
}

std::string guarded(const std::vector<CudaConstant>& constants) {
  std::string text;
  for (const CudaConstant& c : constants)
    text += "#ifndef " + c.name + "\n#define " + c.name + " " + std::to_string(c.value) + "\n#endif\n";
  return text;
}

std::string parameters(const Kernel& kernel, bool in_place) {
  std::string text;
  auto add = [&](const Type& type, const char* qualifier, const std::string& name) {
    text += (text.empty() ? "" : ", ") + std::string(qualifier) + stored_type(type.dtype) + (in_place ? "* " : "* __restrict__ ") + name;
  };
  for (size_t p = 0; p < kernel.body.inputs.size(); ++p)
    add(kernel.body.type(kernel.body.inputs[p].value), "const ", "p" + std::to_string(p));
  for (size_t r = 0; r < kernel.body.outputs.size(); ++r)
    add(kernel.body.type(kernel.body.outputs[r].value), "", "r" + std::to_string(r));
  return text;
}

Status check_results(const Kernel& kernel, const Stages& stages) {
  std::vector<uint8_t> made(kernel.body.outputs.size(), 0);
  for (const Stage& stage : stages.stages) {
    if (stage.output >= 0) made[stage.output] = 1;
  }
  if (std::find(made.begin(), made.end(), 0) != made.end())
    return unsupported_error("a kernel gives one value as two results");
  return {};
}

}  // namespace

Result<CudaKernel> print_cuda(const Kernel& kernel, const Stages& stages, const CudaChoices& choices,
                              const std::string& name) {
  CudaKernel result;
  result.name = name;
  if (kernel.plan.schedule == ScheduleClass::kAlias) return result;
  EGRET_TRY_VOID(check_results(kernel, stages));
  const Sizes sizes(stages);
  Printing printing{stages, sizes, choices, {}, {}, {}};
  EGRET_TRY(const Frame frame, print_statements(kernel, printing));
  if (frame.grid > INT32_MAX) return unsupported_error("kernel " + name + " has more blocks than a launch may have");

  const std::string function =
      "extern \"C\" __global__ void __launch_bounds__(BLOCK_X, RESIDENT_BLOCKS) " + name + "(" + parameters(kernel, choices.in_place) +
      ") {\n" + (frame.shared_bytes ? "  extern __shared__ __align__(16) unsigned char shared_memory[];\n" : "");
  std::string pointers;
  for (const std::string& pointer : frame.pointers()) pointers += "  " + pointer + "\n";
  const std::string rest = "typedef " + std::string(choices.wide_index ? "long long" : "int") + " Index;\n" +
                           frame.derived + printing.library.text() + "\n" + function + pointers + printing.out.text() +
                           "}\n";
  for (const CudaConstant& c : sizes.constants()) {
    // D1 is also found in D10: a name that is not used and yet listed does no harm.
    if (rest.find(c.name) != std::string::npos) result.constants.push_back(c);
  }
  result.constants.insert(result.constants.end(), frame.tunables.begin(), frame.tunables.end());
  result.head = "// " + name + ": " + to_string(kernel.plan.schedule) + "\n" + guarded(result.constants);
  result.source = result.head + rest;
  result.grid = {static_cast<uint32_t>(frame.grid), 1, 1};
  result.block = {static_cast<uint32_t>(frame.block), 1, 1};
  result.shared_bytes = static_cast<uint32_t>(frame.shared_bytes);
  return result;
}

Result<CudaKernel> print_cuda(const Kernel& kernel, const std::string& name, bool in_order, bool in_place) {
  if (kernel.plan.schedule == ScheduleClass::kAlias) return print_cuda(kernel, {}, {}, name);
  EGRET_TRY(const Stages stages, make_stages(kernel));
  CudaChoices choices = choose(kernel, stages);
  choices.in_order = in_order;
  choices.in_place = in_place;
  return print_cuda(kernel, stages, choices, name);
}

}  // namespace egret::lower
