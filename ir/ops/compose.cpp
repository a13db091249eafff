#include "ir/ops/compose.h"

#include <algorithm>

#include "ir/assume.h"

namespace egret {

ValueId Compose::op(std::string_view name, std::vector<ValueId> operands, Attrs attrs) {
  if (error_) return 0;
  auto v = builder_.add(name, std::move(operands), std::move(attrs));
  return v.ok() ? *v : fail(v.take_error());
}

ValueId Compose::like(ValueId v, double value) {
  if (error_) return 0;
  return builder_.splat(value, type(v).dtype, type(v).dims);
}

ValueId Compose::like(ValueId v, Dim value) {
  if (error_ || value.is_const()) return like(v, error_ ? 0.0 : static_cast<double>(value.value()));
  return op("splat", {}, {{"value", value}, {"dtype", type(v).dtype}, {"sizes", type(v).dims}});
}

ValueId Compose::like(ValueId v, const AttrValue& value) {
  if (const Dim* d = std::get_if<Dim>(&value)) return like(v, *d);
  return like(v, std::get<double>(value));
}

ValueId Compose::reduced(std::string_view reduction, ValueId v, const std::vector<Dim>& axes) {
  return op(reduction, {v}, {{"axes", axes}});
}

Dim Compose::count(ValueId v, const std::vector<Dim>& axes) {
  Dim product = 1;
  for (Dim a : axes) {
    if (a.value() >= rank(v)) {
      fail(input_error("axis " + a.to_string() + " is out of range of " + type(v).to_string()));
      return 1;
    }
    product = product * type(v).dims[static_cast<size_t>(a.value())];
  }
  if (product.is_const() || AssumeSizes::active()) return product;
  fail(input_error("the size " + product.to_string() + " must be known"));
  return 1;
}

ValueId Compose::mean(ValueId v, const std::vector<Dim>& axes) {
  if (error_) return 0;
  const Dim n = count(v, axes);
  ValueId sum = reduced("reduce_sum", v, axes);
  return op("div", {sum, like(sum, n)});
}

ValueId Compose::along(ValueId v, ValueId full, const std::vector<Dim>& axes) {
  if (error_) return 0;
  std::vector<Dim> kept, sizes;
  for (int a = 0; a < rank(full); ++a) {
    if (std::find(axes.begin(), axes.end(), Dim(a)) == axes.end()) {
      kept.push_back(a);
    } else {
      sizes.push_back(type(full).dims[static_cast<size_t>(a)]);
    }
  }
  if (sizes.empty()) return v;
  return op("broadcast", {v}, {{"dims", kept}, {"sizes", sizes}});
}

ValueId Compose::at(ValueId v, ValueId full, int first) {
  if (error_) return 0;
  std::vector<Dim> others;
  for (int a = 0; a < rank(full); ++a) {
    if (a < first || a >= first + rank(v)) others.push_back(a);
  }
  return along(v, full, others);
}

ValueId Compose::fail(Error error) {
  if (!error_) error_ = std::move(error);
  return 0;
}

Result<ValueId> Compose::done(ValueId v) {
  if (error_) return *std::move(error_);
  return v;
}

}  // namespace egret
