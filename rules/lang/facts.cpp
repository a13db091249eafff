#include "rules/lang/facts.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "ir/evaluate/evaluate.h"
#include "ir/splat_value.h"
#include "rules/lang/enclosure.h"
#include "support/hash.h"

namespace egret::rules {
namespace {

bool same_bits(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

// Numbers that a double holds exactly.
bool exact(const Tensor& t, int64_t i) {
  return is_float(t.dtype()) || size_in_bytes(t.dtype()) < 8 || std::abs(t.get(i)) <= 0x1p53;
}

std::optional<double> splat_of(const Tensor& t) {
  if (t.size() == 0 || !exact(t, 0)) return std::nullopt;
  size_t width = t.bytes().size() / static_cast<size_t>(t.size());
  for (int64_t i = 1; i < t.size(); ++i) {
    if (!std::equal(t.bytes().begin(), t.bytes().begin() + width, t.bytes().begin() + i * width)) return std::nullopt;
  }
  return t.get(0);
}

KnownValue known(TensorRef t, uint64_t max_literal) {
  KnownValue v;
  if (!t) return v;
  v.splat = splat_of(*t);
  if (static_cast<uint64_t>(t->size()) <= max_literal) v.literal = std::move(t);
  return v;
}

// Every element of the result is an element of the operands.
bool only_moves(const OpDef& op) {
  constexpr const char* kMoves[] = {"broadcast", "transpose", "reshape", "slice", "concat", "reverse", "gather"};
  return std::any_of(std::begin(kMoves), std::end(kMoves), [&](const char* name) { return op.name == name; });
}

}  // namespace

egraph::Fact TypeTable::intern(const Type& type) {
  uint64_t h = type.hash();
  auto [begin, end] = by_hash_.equal_range(h);
  for (auto it = begin; it != end; ++it) {
    if (rows_[it->second] == type) return it->second;
  }
  auto id = static_cast<uint32_t>(rows_.size());
  rows_.push_back(type);
  by_hash_.emplace(h, id);
  return id;
}

egraph::Fact ValueTable::intern(const KnownValue& value) {
  if (!value.splat && !value.literal) return egraph::kNoFact;
  uint64_t h = value.splat ? std::bit_cast<uint64_t>(*value.splat) : 1;
  if (value.literal) {
    h = hash_bytes(value.literal->bytes().data(), value.literal->bytes().size(), hash_combine(h, value.literal->type().hash()));
  }
  auto [begin, end] = by_hash_.equal_range(h);
  for (auto it = begin; it != end; ++it) {
    const KnownValue& row = rows_[it->second];
    bool splats = row.splat.has_value() == value.splat.has_value() && (!row.splat || same_bits(*row.splat, *value.splat));
    bool literals = bool(row.literal) == bool(value.literal) && (!row.literal || *row.literal == *value.literal);
    if (splats && literals && row.radius == value.radius && row.dtype == value.dtype && row.defined == value.defined) return it->second;
  }
  auto id = static_cast<uint32_t>(rows_.size());
  rows_.push_back(value);
  by_hash_.emplace(h, id);
  return id;
}

egraph::Fact ValueTable::join(egraph::Fact a, egraph::Fact b, const Slack& slack) const {
  const KnownValue &x = rows_[a], &y = rows_[b];
  if (contradict(x, y, slack)) return egraph::kConflict;
  if (x.defined != y.defined) return x.defined ? b : a;
  // What is bounded, says most of the elements, was moved least, is older: an order, so a join of any number is one.
  if (std::isfinite(x.radius) != std::isfinite(y.radius)) return std::isfinite(x.radius) ? a : b;
  if (bool(x.literal) != bool(y.literal)) return x.literal ? a : b;
  if (x.radius != y.radius) return x.radius < y.radius ? a : b;
  return std::min(a, b);
}

KnownValue TensorEGraph::Facts::evaluate(const OpDef& op, const Attrs& attrs, std::span<const KnownValue> operands,
                                         std::span<const Type> types, const Type& result) const {
  KnownValue out = point(op, attrs, operands, types, result);
  if (!out.splat && !out.literal) return out;
  auto again = [&](std::span<const KnownValue> others) { return point(op, attrs, others, types, result); };
  out.dtype = result.dtype;
  const Enclosure enclosure = enclosure_of(op, out, operands, again, options.slack);
  out.radius = enclosure.radius;
  out.defined = enclosure.defined;
  return out;
}

KnownValue TensorEGraph::Facts::point(const OpDef& op, const Attrs& attrs, std::span<const KnownValue> operands,
                                      std::span<const Type> operand_types, const Type& result) const {
  if (op.name == "constant") return known(std::get<TensorRef>(attrs.at("value")), options.max_literal);
  if (op.name == "splat") return {splat_value(result.dtype, std::get<double>(attrs.at("value"))), nullptr};
  if (!result.is_tensor() || op.purity != Purity::kPure || operands.empty()) return {};
  bool splats = std::all_of(operands.begin(), operands.end(), [](const KnownValue& v) { return v.splat.has_value(); });
  if (splats && only_moves(op) && op.name != "gather") {
    for (const KnownValue& v : operands) {
      if (!same_bits(*v.splat, *operands[0].splat)) splats = false;
    }
    if (splats) return {operands[0].splat, nullptr};
  } else if (splats && op.op_class == OpClass::kMap) {
    std::vector<Tensor> scalars;
    for (size_t i = 0; i < operands.size(); ++i) {
      scalars.push_back(Tensor::splat(Type::tensor(operand_types[i].dtype, {}), *operands[i].splat));
    }
    auto value = evaluate_op(op, attrs, scalars);
    if (!value.ok()) return {};
    return {splat_of((*value)[0]), nullptr};
  }
  if (!result.is_static() || static_cast<uint64_t>(result.elements_count()) > options.max_literal) return {};
  std::vector<Tensor> values;
  bool whole = false;  // some operand is a tensor, not a number everywhere
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operand_types[i].is_static() || static_cast<uint64_t>(operand_types[i].elements_count()) > options.max_literal) return {};
    whole |= operands[i].literal != nullptr;
    if (operands[i].literal) {
      values.push_back(*operands[i].literal);
    } else if (operands[i].splat) {
      values.push_back(Tensor::splat(operand_types[i], *operands[i].splat));
    } else {
      return {};
    }
  }
  if (!whole) return {};
  auto value = evaluate_op(op, attrs, values);
  if (!value.ok() || value->size() != 1) return {};
  return known(std::make_shared<const Tensor>(std::move((*value)[0])), options.max_literal);
}

}  // namespace egret::rules
