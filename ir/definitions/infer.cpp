// The type rule: operands against the definition, sizes of results, `where` conditions.
#include <fmt/format.h>

#include "ir/assume.h"
#include "ir/definitions/bind.h"
#include "ir/graph.h"
#include "ir/text/scan.h"

namespace egret {

namespace {

Error type_error(const OpDef& op, std::string text) { return input_error(fmt::format("{}: {}", op.name, text)); }

Status check_arity(const OpDef& op, size_t count) {
  int n = static_cast<int>(count);
  if (n >= op.min_operands && (op.max_operands < 0 || n <= op.max_operands)) return {};
  std::string wanted = op.max_operands < 0 ? fmt::format("at least {}", op.min_operands)
                       : op.min_operands == op.max_operands ? fmt::format("{}", op.min_operands)
                       : fmt::format("{} to {}", op.min_operands, op.max_operands);
  return type_error(op, fmt::format("{} operands given, {} needed", n, wanted));
}

const char* wanted(DTypeRule rule) {
  switch (rule) {
    case DTypeRule::kCommonFloat: return "a float dtype";
    case DTypeRule::kCommonNumber: return "a float or integer dtype";
    case DTypeRule::kCommonLogical: return "bool or an integer dtype";
    case DTypeRule::kInt: return "an integer dtype";
    case DTypeRule::kBool: return "bool";
    default: return "any dtype";
  }
}

bool allows(DTypeRule rule, DType t) {
  switch (rule) {
    case DTypeRule::kCommonFloat: return is_float(t);
    case DTypeRule::kCommonNumber: return is_float(t) || is_integer(t);
    case DTypeRule::kCommonLogical: return !is_float(t);
    case DTypeRule::kInt: return is_integer(t);
    case DTypeRule::kBool: return t == DType::boolean;
    default: return true;
  }
}

Status check_dtypes(const OpDef& op, std::span<const Type> operands) {
  const Definition& def = *op.definition;
  std::optional<size_t> first;
  for (size_t o = 0; o < operands.size(); ++o) {
    const DefOperand& spec = def.operands[def.spec_of(o)];
    if (!allows(spec.dtype, operands[o].dtype)) {
      return type_error(op, fmt::format("operand {} is {}, {} needed", spec.name, operands[o].to_string(), wanted(spec.dtype)));
    }
    if (spec.dtype > DTypeRule::kCommonLogical) continue;
    if (first && operands[*first].dtype != operands[o].dtype) {
      return type_error(op, fmt::format("operands {} and {} differ in dtype: {} and {}", *first, o,
                                        operands[*first].to_string(), operands[o].to_string()));
    }
    if (!first) first = o;
  }
  return {};
}

// The axis by which `pick` locates differs from operand to operand.
int picked_group(const Definition& def) {
  for (const DefNode& n : def.nodes) {
    if (n.kind == DefKind::kPick) return n.other;
  }
  return -1;
}

Status check_equal_sizes(const Binding& b) {
  struct Seen {
    size_t operand;
    int axis;
  };
  std::vector<std::vector<Seen>> seen(b.def->groups.size());
  int picked = picked_group(*b.def);
  for (size_t o = 0; o < b.operands.size(); ++o) {
    const auto& places = b.spec(o).places;
    for (size_t p = 0; p < places.size(); ++p) {
      int g = places[p].group;
      if (g == picked) continue;
      for (size_t k = 0; k < b.axes[o][p].size(); ++k) {
        int axis = b.axes[o][p][k];
        if (k >= seen[g].size()) {
          seen[g].push_back({o, axis});
          continue;
        }
        Seen s = seen[g][k];
        Dim x = b.operands[s.operand].dims[s.axis], y = b.operands[o].dims[axis];
        if (x == y || AssumeSizes::take({SizeFact::Kind::kEqual, x, y})) continue;
        return type_error(*b.op, fmt::format("sizes {} and {} differ (axis {} of operand {}: {}, axis {} of operand {}: {})",
                                             x.to_string(), y.to_string(), s.axis, s.operand,
                                             b.operands[s.operand].to_string(), axis, o, b.operands[o].to_string()));
      }
    }
  }
  return {};
}

Result<Type> result_type(const Binding& b, int part) {
  const Definition& def = *b.def;
  DType dtype = def.result_dtype ? *def.result_dtype
                : def.result_dtype_attr >= 0 ? std::get<DType>(*b.attrs[def.result_dtype_attr])
                                             : b.common_dtype();
  std::vector<Dim> dims(b.result_rank);
  for (size_t p = 0; p < def.result.size(); ++p) {
    const DefPlace& place = def.result[p];
    for (size_t k = 0; k < b.result_axes[p].size(); ++k) {
      Dim d;
      if (place.size) {
        EGRET_TRY(d, eval_size(b, *place.size, {static_cast<int>(k), part, {}}));
        if (d.low() < 0 && !AssumeSizes::take({SizeFact::Kind::kLessEqual, 0, d})) {
          return type_error(*b.op, fmt::format("axis {} of the result would have size {}", b.result_axes[p][k], d.to_string()));
        }
      } else {
        bool found = false;
        for (size_t o = 0; o < b.operands.size() && !found; ++o) {
          for (const DefPlace& q : b.spec(o).places) found |= q.group == place.group;
          if (found) d = b.size(o, place.group, static_cast<int>(k));
        }
        EGRET_CHECK(found, "a result axis without a size");
      }
      dims[b.result_axes[p][k]] = d;
    }
  }
  Type type = Type::tensor(dtype, std::move(dims));
  if (type.rank() > kMaxRank) return type_error(*b.op, fmt::format("the result would have more than {} axes", kMaxRank));
  Dim elements = 1;
  for (Dim d : type.dims) elements = elements * Dim::max(d, 1);
  if (elements.is_const() && elements.value() > kMaxElements) {
    return type_error(*b.op, fmt::format("the result {} is too large", type.to_string()));
  }
  return type;
}

// Of a map of operands that are alike in their sizes, where no more is to be checked.
std::optional<Type> map_type(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  const Definition& def = *op.definition;
  if (op.op_class != OpClass::kMap || !def.where.empty() || operands.empty()) return std::nullopt;
  std::optional<DType> common;
  for (size_t o = 0; o < operands.size(); ++o) {
    if (operands[o].dims != operands[0].dims) return std::nullopt;
    if (!common && def.operands[def.spec_of(o)].dtype <= DTypeRule::kCommonLogical) common = operands[o].dtype;
  }
  const int to = def.result_dtype_attr;
  const DType dtype = def.result_dtype ? *def.result_dtype
                      : to >= 0        ? std::get<DType>(attrs.at(op.attrs[static_cast<size_t>(to)].name))
                                       : common.value_or(operands[0].dtype);
  return Type::tensor(dtype, operands[0].dims);
}

Result<Type> infer_defined(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  EGRET_TRY_VOID(check_dtypes(op, operands));
  if (auto type = map_type(op, attrs, operands)) return *std::move(type);
  EGRET_TRY(Binding b, bind(op, attrs, operands));
  EGRET_TRY_VOID(check_equal_sizes(b));
  for (const DefCondition& c : b.def->where) {
    std::string why;
    EGRET_TRY(bool proved, prove(b, c.node, {}, &why));
    if (!proved) return type_error(op, fmt::format("needs {}; {}", c.text, why));
  }
  if (!b.def->each) return result_type(b, 0);
  std::vector<Type> parts;
  int count = static_cast<int>(b.list(*b.def->each)->size());
  for (int part = 0; part < count; ++part) {
    EGRET_TRY(Type t, result_type(b, part));
    parts.push_back(std::move(t));
  }
  return Type::tuple(std::move(parts));
}

Result<Type> infer_composite(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  GraphBuilder builder(op.name);
  std::vector<ValueId> inputs;
  for (size_t i = 0; i < operands.size(); ++i) inputs.push_back(builder.input(fmt::format("x{}", i), operands[i]));
  auto result = op.expand(builder, inputs, attrs);
  if (!result.ok()) {
    Error e = result.take_error();
    e.message = fmt::format("{}: {}", op.name, e.message);
    return e;
  }
  return builder.type(*result);
}

}  // namespace

Result<Type> infer_type(const OpDef& op, const Attrs& attrs, std::span<const Type> operands) {
  EGRET_TRY_VOID(check_arity(op, operands.size()));
  if (op.type_rule) return op.type_rule(attrs, operands);
  for (size_t o = 0; o < operands.size(); ++o) {
    if (!operands[o].is_tensor()) return type_error(op, fmt::format("operand {} is {}, a tensor needed", o, operands[o].to_string()));
  }
  return op.expand ? infer_composite(op, attrs, operands) : infer_defined(op, attrs, operands);
}

}  // namespace egret
