// Compose: writes the decomposition of a composite; the first error ends it.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace egret {

class Compose {
 public:
  explicit Compose(GraphBuilder& builder) : builder_(builder) {}

  ValueId op(std::string_view name, std::vector<ValueId> operands, Attrs attrs = {});
  // A number at every element of a value of v's type.
  ValueId like(ValueId v, double value);
  ValueId like(ValueId v, Dim value);
  // A number that an attribute gives: in a proof it may be a name.
  ValueId like(ValueId v, const AttrValue& value);
  template <class Number>
  ValueId scaled(ValueId v, const Number& factor) { return op("mul", {v, like(v, factor)}); }
  template <class Number>
  ValueId plus(ValueId v, const Number& addend) { return op("add", {v, like(v, addend)}); }
  // v reduced over `axes`; its mean there.
  ValueId reduced(std::string_view reduction, ValueId v, const std::vector<Dim>& axes);
  ValueId mean(ValueId v, const std::vector<Dim>& axes);
  // v, which lacks the axes of `full` listed, repeated along them.
  ValueId along(ValueId v, ValueId full, const std::vector<Dim>& axes);
  // v, whose axes are those of `full` from `first` on, repeated along all others.
  ValueId at(ValueId v, ValueId full, int first);

  const Type& type(ValueId v) const { return builder_.type(v); }
  int rank(ValueId v) const { return type(v).rank(); }
  // The product of the sizes of axes; an error where they are not known, unless sizes are assumed (ir/assume.h).
  Dim count(ValueId v, const std::vector<Dim>& axes);
  ValueId fail(Error error);
  bool failed() const { return error_.has_value(); }
  Result<ValueId> done(ValueId v);

 private:
  GraphBuilder& builder_;
  std::optional<Error> error_;
};

}  // namespace egret
