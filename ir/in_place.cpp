#include "ir/in_place.h"

namespace egret {

bool reads_in_place(const Kernel& kernel, size_t port) {
  if (kernel.plan.schedule != ScheduleClass::kElement) return false;
  const Graph& body = kernel.body;
  std::vector<uint8_t> depends(body.nodes.size(), 0);
  depends[body.inputs[port].value] = 1;
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    for (ValueId o : body.nodes[v].operands) {
      if (!depends[o]) continue;
      if (body.nodes[v].op->op_class != OpClass::kMap) return false;
      depends[v] = 1;
    }
  }
  return body.type(body.inputs[port].value).dims == body.type(body.outputs[0].value).dims;
}

}  // namespace egret
