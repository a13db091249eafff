#include "ir/in_place.h"

#include <algorithm>

namespace egret {
namespace {

bool is_map(const Graph& body, ValueId v) { return body.nodes[v].op->op_class == OpClass::kMap; }

class InPlace {
 public:
  explicit InPlace(const Kernel& kernel) : kernel_(kernel), body_(kernel.body), shape_(body_shape(kernel.body, kernel.plan)) {
    output_.assign(body_.nodes.size(), 0);
    for (const GraphOutput& o : body_.outputs) output_[o.value] = 1;
    rows_ = 1;
    for (int64_t s : shape_.row_sizes) rows_ *= s;
  }

  bool holds(size_t port, size_t result) const {
    const ValueId p = body_.inputs[port].value, r = body_.outputs[result].value;
    const Type &from = body_.type(p), &to = body_.type(r);
    if (from.dims != to.dims || size_in_bytes(from.dtype) != size_in_bytes(to.dtype)) return false;
    switch (kernel_.plan.schedule) {
      case ScheduleClass::kElement:
      case ScheduleClass::kContraction:
        return at_elements(p, r);
      case ScheduleClass::kRow:
      case ScheduleClass::kContractionRow:
      case ScheduleClass::kContractionPair:
        return in_rows(p, r);
      case ScheduleClass::kAlias:
        break;
    }
    return false;
  }

 private:
  // Maps alone lead from the port to results.  Where another result than `r` reads it too, or `r` does not, all of them must be computed
  // at the same place: the contraction's axes may not move on the way to them.
  bool at_elements(ValueId p, ValueId r) const {
    const size_t n = body_.nodes.size();
    std::vector<uint8_t> depends(n, 0);
    depends[p] = 1;
    for (ValueId v = 0; v < n; ++v) {
      for (ValueId o : body_.nodes[v].operands) {
        if (!depends[o]) continue;
        if (!is_map(body_, v)) return false;
        depends[v] = 1;
      }
    }
    if (kernel_.plan.schedule == ScheduleClass::kElement) return true;
    bool alone = depends[r] != 0;
    for (const GraphOutput& o : body_.outputs) alone = alone && (o.value == r || !depends[o.value]);
    if (alone) return true;
    for (ValueId v = kernel_.plan.anchor + 1; v < n; ++v) {
      if (shape_.after_fold[v] && !is_map(body_, v)) return false;
    }
    return true;
  }

  // Until a value is stored, or folded to one number a row, whoever reads it may compute it again from the port.
  bool in_rows(ValueId p, ValueId r) const {
    const auto& axes = shape_.row_axes[p];
    if (axes.size() != shape_.row_sizes.size() || axes != shape_.row_axes[r]) return false;
    if (body_.type(p).elements_count() <= rows_) return false;  // a row's threads all keep its one element
    if (has_anchor(kernel_.plan.schedule) && r == kernel_.plan.anchor) return false;
    if (kernel_.plan.schedule == ScheduleClass::kContractionPair && r == kernel_.plan.second) return false;
    std::vector<uint8_t> open(body_.nodes.size(), 0);
    open[p] = 1;
    for (ValueId v = 0; v < body_.nodes.size(); ++v) {
      const auto& operands = body_.nodes[v].operands;
      if (std::none_of(operands.begin(), operands.end(), [&](ValueId o) { return open[o] != 0; })) continue;
      const bool map = is_map(body_, v) && shape_.row_axes[v] == axes;
      const bool row = body_.nodes[v].op->op_class == OpClass::kReduction && shape_.row_axes[v].size() == axes.size() &&
                       body_.type(v).elements_count() == rows_;
      if (!map && !row) return false;
      if ((row || output_[v]) && v > r) return false;  // computed after the result
      open[v] = map && !output_[v];
    }
    return true;
  }

  const Kernel& kernel_;
  const Graph& body_;
  const BodyShape shape_;
  std::vector<uint8_t> output_;
  int64_t rows_ = 1;
};

}  // namespace

std::vector<Takeover> in_place(const Kernel& kernel) {
  std::vector<Takeover> out;
  if (kernel.plan.schedule == ScheduleClass::kAlias) return out;
  const InPlace all(kernel);
  for (size_t r = 0; r < kernel.body.outputs.size(); ++r) {
    for (size_t p = 0; p < kernel.body.inputs.size(); ++p) {
      if (all.holds(p, r)) out.push_back({static_cast<uint32_t>(p), static_cast<uint32_t>(r)});
    }
  }
  return out;
}

}  // namespace egret
