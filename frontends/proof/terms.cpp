#include "frontends/proof/terms.h"

#include <algorithm>
#include <cstring>

#include "ir/evaluate/evaluate.h"
#include "ir/splat_value.h"
#include "support/hash.h"

namespace egret::proof {
namespace {

constexpr int64_t kMaxFold = 4'096;  // elements of a tensor that a step evaluates
constexpr std::string_view kLiteral = "literal:";

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end());
}

}  // namespace

TensorRef uniform(const Tensor& value) {
  const size_t width = static_cast<size_t>(size_in_bytes(value.dtype()));
  const auto bytes = value.bytes();
  if (bytes.size() < width || std::memcmp(bytes.data(), bytes.data() + width, bytes.size() - width) != 0) return nullptr;
  return std::make_shared<const Tensor>(Type::tensor(value.dtype(), {}), std::vector<std::byte>(bytes.begin(), bytes.begin() + width));
}

namespace {

// Every element of the result is one of the operands'.
bool only_moves(const OpDef& op) {
  constexpr std::string_view kNames[] = {"broadcast", "transpose", "reshape", "slice", "concat", "reverse"};
  return std::find(std::begin(kNames), std::end(kNames), op.name) != std::end(kNames);
}

}  // namespace

uint64_t ProofTerms::key(const OpDef& op, const Attrs& attrs, std::span<const TermId> operands) const {
  uint64_t h = hash_string(op.name, hash(attrs));
  for (TermId o : operands) h = hash_combine(h, o);
  return h;
}

std::optional<TermId> ProofTerms::find(const OpDef& op, const Attrs& attrs, std::span<const TermId> operands) const {
  auto [begin, end] = index_.equal_range(key(op, attrs, operands));
  for (auto it = begin; it != end; ++it) {
    const rules::TermNode& n = node(it->second);
    if (n.op == &op && std::equal(n.operands.begin(), n.operands.end(), operands.begin(), operands.end()) && equal(n.attrs, attrs)) {
      return it->second;
    }
  }
  return std::nullopt;
}

Result<TermId> ProofTerms::add(const OpDef& op, Attrs attrs, std::vector<TermId> operands) {
  if (auto known = find(op, attrs, operands)) return *known;
  std::vector<Type> types;
  for (TermId o : operands) types.push_back(type(o));
  EGRET_TRY(Type type, infer_type(op, attrs, types));
  const TermId id = static_cast<TermId>(size());
  index_.emplace(key(op, attrs, operands), id);
  table_.nodes.push_back({&op, std::move(attrs), std::move(operands), std::move(type)});
  append_blank_facts();
  return id;
}

void ProofTerms::append_blank_facts() {
  for (size_t t = table_.splat.size(); t < size(); ++t) {
    std::optional<double> value;
    if (const auto& n = node(static_cast<TermId>(t)); n.op->name == "splat") value = splat_value(dtype(n.attrs, "dtype"), number(n.attrs, "value"));
    table_.splat.push_back(value);
  }
  table_.depends.resize(size(), rules::Dependence::kData);
}

void ProofTerms::truncate(size_t size) {
  table_.nodes.resize(size);
  table_.splat.resize(size);
  table_.depends.resize(size, rules::Dependence::kData);
}

const std::string& ProofTerms::input_name(TermId t) const { return std::get<std::string>(node(t).attrs.at("name")); }

void ProofTerms::declare_input(const std::string& name, rules::Dependence depends, TensorRef value) {
  inputs_[name] = {depends, std::move(value)};
}

rules::Dependence ProofTerms::depends(TermId t) const {
  using rules::Dependence;
  for (TermId u = static_cast<TermId>(depends_.size()); u <= t; ++u) {
    const rules::TermNode& n = node(u);
    Dependence weakest = n.op->purity == Purity::kPure ? Dependence::kConstant : Dependence::kData;
    if (is_input(u) && !input_name(u).starts_with(kLiteral)) {
      auto it = inputs_.find(input_name(u));
      weakest = it == inputs_.end() ? Dependence::kData : it->second.first;
    }
    for (TermId o : n.operands) weakest = std::max(weakest, depends_[o]);
    depends_.push_back(weakest);
  }
  return depends_[t];
}

TensorRef ProofTerms::stated(TermId t) const {
  const rules::TermNode& n = node(t);
  if (n.op->name == "splat") {
    return std::make_shared<const Tensor>(Tensor::splat(Type::tensor(dtype(n.attrs, "dtype"), {}), number(n.attrs, "value")));
  }
  if (n.op->name == "constant") return std::get<TensorRef>(n.attrs.at("value"));
  if (is_input(t)) {
    auto it = inputs_.find(input_name(t));
    if (it != inputs_.end()) return it->second.second;
  }
  return nullptr;
}

std::optional<double> ProofTerms::stated_splat(TermId t) const {
  const TensorRef value = stated(t);
  const TensorRef element = value ? uniform(*value) : nullptr;
  if (!element) return std::nullopt;
  return element->get(0);
}

TensorRef ProofTerms::evaluated(TermId t) const {
  const rules::TermNode& n = node(t);
  if (!type(t).is_tensor() || !type(t).is_static() || n.op->purity != Purity::kPure) return nullptr;
  if (TensorRef own = stated(t)) return own;
  if (n.op->name == "gather" && stated(n.operands[0])) {
    if (TensorRef element = uniform(*stated(n.operands[0]))) return element;
  }
  if (!n.op->definition && !n.op->expand) return nullptr;
  std::vector<Tensor> values, elements;
  bool small = type(t).elements_count() <= kMaxFold;
  for (TermId o : n.operands) {
    const TensorRef value = stated(o);
    if (!value || !type(o).is_static()) return nullptr;
    if (const TensorRef element = uniform(*value)) elements.push_back(*element);
    small &= type(o).elements_count() <= kMaxFold;
    if (!small) continue;
    values.push_back(node(o).op->name == "splat" ? Tensor::splat(type(o), value->get(0)) : *value);
  }
  const bool uniform_operands = !n.operands.empty() && elements.size() == n.operands.size();
  if (uniform_operands && only_moves(*n.op)) {
    const bool alike = std::all_of(elements.begin(), elements.end(), [&](const Tensor& e) { return same_bytes(e, elements[0]); });
    if (alike) return std::make_shared<const Tensor>(std::move(elements[0]));
  }
  const bool as_scalars = uniform_operands && n.op->op_class == OpClass::kMap;
  if (!as_scalars && !small) return nullptr;
  auto result = evaluate_op(*n.op, n.attrs, as_scalars ? elements : values);
  if (!result.ok() || result->size() != 1) return nullptr;
  return std::make_shared<const Tensor>(std::move(result->front()));
}

bool ProofTerms::folds_to(TermId t, TermId leaf) const {
  const TensorRef wanted = stated(leaf);
  if (!wanted || !(type(t) == type(leaf))) return false;
  const TensorRef found = evaluated(t);
  if (!found) return false;
  if (same_bytes(*found, *wanted) || type(t).elements_count() == 0) return true;  // without elements all values are one
  const TensorRef element = uniform(*found), wanted_element = uniform(*wanted);
  return element && wanted_element && same_bytes(*element, *wanted_element);
}

}  // namespace egret::proof
