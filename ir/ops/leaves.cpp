// Leaves, tuples, and operators without a comprehension.
#include <fmt/format.h>

#include "ir/definitions/registry.h"

namespace egret {

namespace {

Result<Type> type_of_input(const Attrs& attrs, std::span<const Type>) {
  return Type::parse(std::get<std::string>(attrs.at("type")));
}

Result<Type> type_of_constant(const Attrs& attrs, std::span<const Type>) {
  return std::get<TensorRef>(attrs.at("value"))->type();
}

Result<Type> type_of_get(const Attrs& attrs, std::span<const Type> operands) {
  const Type& t = operands[0];
  Dim index = std::get<Dim>(attrs.at("index"));
  if (t.kind != Type::Kind::kTuple) return input_error(fmt::format("get: the operand is {}, a tuple needed", t.to_string()));
  if (!index.is_const() || index.value() < 0 || index.value() >= static_cast<int64_t>(t.elements.size())) {
    return input_error(fmt::format("get: no element {} in {}", index.to_string(), t.to_string()));
  }
  return t.elements[static_cast<size_t>(index.value())];
}

constexpr OpText kOps[] = {
    {"an input of the graph", "op input(){name: word, type: word}", nullptr, type_of_input},
    {"a tensor known beforehand", "op constant(){value: tensor}", nullptr, type_of_constant},
    {"one number everywhere",
     "op splat(){value: number, dtype: dtype, sizes: sizes = []} -> [i.. = sizes]:dtype = value"},
    {"positions along an axis",
     "op iota(){axis: axis, dtype: dtype, sizes: sizes} -> [i.. = sizes]:dtype = value(i[axis])\n"
     "  where axis < rank(i)"},
    {"one element of a tuple", "op get(t){index: int}", nullptr, type_of_get},
    {"an operator that egret does not know; never merged, copied or dropped",
     "op opaque(xs...){name: word, id: int, type: word}", nullptr, type_of_input, Purity::kOpaque},
};

}  // namespace

std::span<const OpText> leaf_ops() { return kOps; }

}  // namespace egret
