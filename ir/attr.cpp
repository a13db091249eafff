#include "ir/attr.h"

#include <bit>
#include <cstring>

#include "ir/text/scan.h"
#include "support/hash.h"

namespace egret {

const char* to_string(AttrKind kind) {
  constexpr const char* kNames[] = {"axes", "axis", "sizes", "ints", "int", "number", "dtype", "word", "tensor"};
  return kNames[static_cast<int>(kind)];
}

bool equal(const AttrValue& a, const AttrValue& b) {
  if (a.index() != b.index()) return false;
  if (auto* x = std::get_if<double>(&a)) {
    return std::bit_cast<uint64_t>(*x) == std::bit_cast<uint64_t>(std::get<double>(b));
  }
  if (auto* x = std::get_if<TensorRef>(&a)) {
    const TensorRef& y = std::get<TensorRef>(b);
    return *x == y || (*x && y && **x == *y);
  }
  return a == b;
}

bool equal(const Attrs& a, const Attrs& b) {
  if (a.size() != b.size()) return false;
  for (auto x = a.begin(), y = b.begin(); x != a.end(); ++x, ++y) {
    if (x->first != y->first || !equal(x->second, y->second)) return false;
  }
  return true;
}

namespace {

uint64_t hash_value(const AttrValue& value) {
  uint64_t h = value.index();
  if (auto* x = std::get_if<Dim>(&value)) return hash_combine(h, x->hash());
  if (auto* x = std::get_if<std::vector<Dim>>(&value)) {
    for (Dim d : *x) h = hash_combine(h, d.hash());
    return h;
  }
  if (auto* x = std::get_if<double>(&value)) return hash_combine(h, std::bit_cast<uint64_t>(*x));
  if (auto* x = std::get_if<DType>(&value)) return hash_combine(h, static_cast<uint64_t>(*x));
  if (auto* x = std::get_if<std::string>(&value)) return hash_string(*x, h);
  const TensorRef& t = std::get<TensorRef>(value);
  if (!t) return h;
  return hash_bytes(t->bytes().data(), t->bytes().size(), hash_combine(h, t->type().hash()));
}

const AttrValue& find(const Attrs& attrs, const std::string& name) {
  auto it = attrs.find(name);
  EGRET_CHECK(it != attrs.end(), "an attribute that is not there");
  return it->second;
}

}  // namespace

uint64_t hash(const Attrs& attrs) {
  uint64_t h = attrs.size();
  for (const auto& [name, value] : attrs) h = hash_combine(hash_string(name, h), hash_value(value));
  return h;
}

std::string to_string(const AttrValue& value) {
  if (auto* x = std::get_if<Dim>(&value)) return x->to_string();
  if (auto* x = std::get_if<std::vector<Dim>>(&value)) {
    std::string text = "[";
    for (size_t i = 0; i < x->size(); ++i) text += (i ? ", " : "") + (*x)[i].to_string();
    return text + "]";
  }
  if (auto* x = std::get_if<double>(&value)) return print_number(*x);
  if (auto* x = std::get_if<DType>(&value)) return name(*x);
  if (auto* x = std::get_if<std::string>(&value)) return is_plain_name(*x) ? *x : quote(*x);
  const TensorRef& t = std::get<TensorRef>(value);
  return t ? print_tensor(*t) : "none";
}

std::vector<Dim> dims_of(const std::vector<int64_t>& values) { return {values.begin(), values.end()}; }

std::vector<int64_t> ints(const Attrs& attrs, const std::string& name) {
  std::vector<int64_t> result;
  for (Dim d : std::get<std::vector<Dim>>(find(attrs, name))) result.push_back(d.value());
  return result;
}

int64_t integer(const Attrs& attrs, const std::string& name) { return std::get<Dim>(find(attrs, name)).value(); }
double number(const Attrs& attrs, const std::string& name) { return std::get<double>(find(attrs, name)); }
DType dtype(const Attrs& attrs, const std::string& name) { return std::get<DType>(find(attrs, name)); }

AttrTable::AttrTable() { rows_.emplace_back(); }

uint32_t AttrTable::intern(const Attrs& attrs) {
  if (attrs.empty()) return 0;
  uint64_t h = hash(attrs);
  auto [begin, end] = by_hash_.equal_range(h);
  for (auto it = begin; it != end; ++it) {
    if (equal(rows_[it->second], attrs)) return it->second;
  }
  auto id = static_cast<uint32_t>(rows_.size());
  rows_.push_back(attrs);
  by_hash_.emplace(h, id);
  return id;
}

}  // namespace egret
