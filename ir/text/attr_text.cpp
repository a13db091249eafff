// Text form of attribute values and tensors.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "ir/round.h"
#include "ir/text/scan.h"

namespace egret {

namespace {

constexpr int64_t kMaxTextElements = int64_t{1} << 28;

template <class T>
std::string shortest(T value) {
  char text[64];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

uint64_t bits_of(const Tensor& t, int64_t i) {
  size_t width = static_cast<size_t>(size_in_bytes(t.dtype()));
  uint64_t bits = 0;
  std::memcpy(&bits, t.bytes().data() + i * width, width);
  return bits;
}

// The NaN that the text `nan` stands for.
uint64_t plain_nan(DType dtype) {
  Tensor t(Type::tensor(dtype, {}));
  t.set(0, std::numeric_limits<double>::quiet_NaN());
  return bits_of(t, 0);
}

// A NaN with a payload is written as its bits in hexadecimal.
std::string element_text(const Tensor& t, int64_t i) {
  if (t.dtype() == DType::boolean) return t.get_int(i) ? "true" : "false";
  if (t.dtype() == DType::u64) return shortest(static_cast<uint64_t>(t.get_int(i)));
  if (!is_float(t.dtype())) return shortest(t.get_int(i));
  double value = t.get(i);
  if (std::isnan(value) && bits_of(t, i) != plain_nan(t.dtype())) return fmt::format("{:#x}", bits_of(t, i));
  if (t.dtype() == DType::f64 || !std::isfinite(value)) return print_number(value);
  return shortest(static_cast<float>(value));
}

Status parse_element(Scanner& scan, Tensor& t, int64_t i) {
  if (t.dtype() == DType::boolean) {
    bool value = scan.peek().is("true");
    if (!value && !scan.peek().is("false")) return scan.expected("true or false");
    scan.next();
    t.set_int(i, value);
    return {};
  }
  if (is_float(t.dtype())) {
    const Token& token = scan.peek();
    if (token.kind == Token::Kind::kNumber && token.text.substr(0, 2) == "0x") {
      uint64_t bits = 0;
      std::from_chars(token.text.data() + 2, token.text.data() + token.text.size(), bits, 16);
      size_t width = static_cast<size_t>(size_in_bytes(t.dtype()));
      std::memcpy(t.bytes().data() + i * width, &bits, width);
      scan.next();
      return {};
    }
    EGRET_TRY(double value, parse_number(scan));
    t.set(i, value);
    return {};
  }
  bool negative = scan.accept("-");
  const Token& token = scan.peek();
  uint64_t magnitude = 0;
  const char* last = token.text.data() + token.text.size();
  auto [end, code] = std::from_chars(token.text.data(), last, magnitude);
  if (token.kind != Token::Kind::kNumber || code != std::errc() || end != last) return scan.expected("an integer");
  t.set_int(i, static_cast<int64_t>(negative ? -magnitude : magnitude));
  bool sign_kept = t.dtype() == DType::u64 ? !negative : (negative ? t.get_int(i) <= 0 : t.get_int(i) >= 0);
  uint64_t back = static_cast<uint64_t>(t.get_int(i));
  if (!sign_kept || (negative ? -back : back) != magnitude) {
    return input_error(fmt::format("the value is out of the range of {}", name(t.dtype())), {}, scan.here());
  }
  scan.next();
  return {};
}

Result<std::vector<Dim>> parse_dims(Scanner& scan) {
  EGRET_TRY_VOID(scan.expect("[", "of a list"));
  std::vector<Dim> dims;
  while (!scan.accept("]")) {
    if (!dims.empty()) EGRET_TRY_VOID(scan.expect(",", "between values of a list"));
    EGRET_TRY(Dim d, parse_dim(scan));
    dims.push_back(d);
    if (dims.size() > 4096) return input_error("a list of more than 4096 values", {}, scan.here());
  }
  return dims;
}

bool all_equal(const Tensor& t) {
  size_t width = static_cast<size_t>(size_in_bytes(t.dtype())), bytes = t.bytes().size();
  return bytes <= width || std::memcmp(t.bytes().data(), t.bytes().data() + width, bytes - width) == 0;
}

}  // namespace

std::string print_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return shortest(value);
}

Result<double> parse_number(Scanner& scan) {
  bool negative = scan.accept("-");
  const Token& t = scan.peek();
  double value = 0;
  if (t.is("inf")) {
    value = std::numeric_limits<double>::infinity();
  } else if (t.is("nan")) {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    const char* last = t.text.data() + t.text.size();
    auto [end, code] = std::from_chars(t.text.data(), last, value);
    if (code == std::errc::result_out_of_range) return input_error("the number is out of range", {}, scan.here());
    if (t.kind != Token::Kind::kNumber || code != std::errc() || end != last) return scan.expected("a number");
  }
  scan.next();
  return negative ? -value : value;
}

std::string print_tensor(const Tensor& tensor) {
  std::string text = tensor.type().to_string() + " [";
  int64_t count = tensor.size();
  if (count > 1 && all_equal(tensor)) return text + element_text(tensor, 0) + ", ...]";
  for (int64_t i = 0; i < count; ++i) {
    if (i) text += ", ";
    text += element_text(tensor, i);
  }
  return text + "]";
}

Result<TensorRef> parse_tensor(Scanner& scan) {
  SourceSpan where = scan.here();
  EGRET_TRY(Type type, parse_type(scan));
  return parse_tensor_values(scan, type, where);
}

Result<TensorRef> parse_tensor_values(Scanner& scan, const Type& type, const SourceSpan& where) {
  if (!type.is_tensor() || !type.is_static()) return input_error("the type of a constant needs known sizes", {}, where);
  int64_t count = type.elements_count();
  if (count > kMaxTextElements) return input_error("a constant in text has more than 2^28 elements", {}, where);
  EGRET_TRY_VOID(scan.expect("[", "before the values of a tensor"));
  auto tensor = std::make_shared<Tensor>(type);
  int64_t given = 0;
  while (!scan.accept("]")) {
    if (given > 0) EGRET_TRY_VOID(scan.expect(",", "between values"));
    if (given > 0 && scan.accept("...")) {
      size_t width = static_cast<size_t>(size_in_bytes(type.dtype));
      std::byte* bytes = tensor->bytes().data();
      for (; given < count; ++given) std::memcpy(bytes + given * width, bytes + (given - 1) * width, width);
      EGRET_TRY_VOID(scan.expect("]", "after '...'"));
      break;
    }
    if (given >= count) {
      return input_error(fmt::format("more values than the {} of {}", count, type.to_string()), {}, scan.here());
    }
    EGRET_TRY_VOID(parse_element(scan, *tensor, given++));
  }
  if (given != count) {
    return input_error(fmt::format("{} values for the {} of {}", given, count, type.to_string()),
                       "end the list with ', ...' to repeat the last value", where);
  }
  return TensorRef(std::move(tensor));
}

Result<AttrValue> parse_attr_value(Scanner& scan, AttrKind kind) {
  switch (kind) {
    case AttrKind::kAxes:
    case AttrKind::kSizes:
    case AttrKind::kInts: {
      EGRET_TRY(std::vector<Dim> dims, parse_dims(scan));
      return AttrValue(std::move(dims));
    }
    case AttrKind::kAxis:
    case AttrKind::kInt: {
      EGRET_TRY(Dim d, parse_dim(scan));
      return AttrValue(d);
    }
    case AttrKind::kNumber: {
      EGRET_TRY(double value, parse_number(scan));
      return AttrValue(value);
    }
    case AttrKind::kDType: {
      auto dtype = scan.peek().kind == Token::Kind::kName ? dtype_from_name(scan.peek().text) : std::nullopt;
      if (!dtype) return scan.expected("a dtype", "dtypes are f64 f32 tf32 f16 bf16 i64 i32 i16 i8 u64 u32 u16 u8 bool");
      scan.next();
      return AttrValue(*dtype);
    }
    case AttrKind::kWord: {
      EGRET_TRY(std::string word, scan.name_or_string("a word"));
      return AttrValue(std::move(word));
    }
    case AttrKind::kTensor: break;
  }
  EGRET_TRY(TensorRef tensor, parse_tensor(scan));
  return AttrValue(std::move(tensor));
}

}  // namespace egret
