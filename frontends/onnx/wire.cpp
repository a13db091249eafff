// Layout: each field is a varint key (field number * 8 + wire type) and its value: a varint (7 bits a byte, low bits
// first, at most 10 bytes), 8 or 4 little-endian bytes, or a varint length and that many bytes.
#include "frontends/onnx/wire.h"

#include <cstring>

namespace egret::onnx {

void WireReader::fail(std::string_view why) {
  if (failed()) return;
  fault_ = "offset " + std::to_string(base_ + position_) + ": " + std::string(why);
  pending_ = false;
}

void WireReader::fail_as(const WireReader& inner) {
  if (!failed() && inner.failed()) fault_ = inner.fault_;
}

uint64_t WireReader::raw_varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (position_ >= bytes_.size()) {
      fail("the bytes end inside a number");
      return 0;
    }
    const auto byte = static_cast<uint8_t>(bytes_[position_++]);
    if (shift == 63 && byte > 1) break;
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return value;
  }
  fail("a number of more than 64 bits");
  return 0;
}

template <class T>
T WireReader::raw_fixed() {
  T value = 0;
  if (bytes_.size() - position_ < sizeof(T)) {
    fail("the bytes end inside a number");
    return value;
  }
  std::memcpy(&value, bytes_.data() + position_, sizeof(T));
  position_ += sizeof(T);
  return value;
}

void WireReader::skip() {
  switch (type_) {
    case WireType::kVarint:
      varint();
      break;
    case WireType::kFixed64:
      float64();
      break;
    case WireType::kFixed32:
      float32();
      break;
    case WireType::kBytes:
      bytes();
      break;
  }
}

bool WireReader::next() {
  if (pending_) skip();
  if (failed() || position_ == bytes_.size()) return false;
  const uint64_t key = raw_varint();
  if (failed()) return false;
  const uint64_t wire = key & 7;
  if (wire != 0 && wire != 1 && wire != 2 && wire != 5) fail("wire type " + std::to_string(wire) + " is not known");
  if ((key >> 3) == 0 || (key >> 3) > 0x1fffffff) fail("field number " + std::to_string(key >> 3) + " is not legal");
  if (failed()) return false;
  field_ = static_cast<uint32_t>(key >> 3);
  type_ = static_cast<WireType>(wire);
  pending_ = true;
  return true;
}

uint64_t WireReader::varint() {
  pending_ = false;
  if (type_ != WireType::kVarint) fail("field " + std::to_string(field_) + " should be a number");
  return failed() ? 0 : raw_varint();
}

float WireReader::float32() {
  pending_ = false;
  if (type_ != WireType::kFixed32) fail("field " + std::to_string(field_) + " should be a 32-bit number");
  return failed() ? 0 : raw_fixed<float>();
}

double WireReader::float64() {
  pending_ = false;
  if (type_ != WireType::kFixed64) fail("field " + std::to_string(field_) + " should be a 64-bit number");
  return failed() ? 0 : raw_fixed<double>();
}

std::string_view WireReader::bytes() {
  pending_ = false;
  if (type_ != WireType::kBytes) fail("field " + std::to_string(field_) + " should be text or a message");
  if (failed()) return {};
  const uint64_t length = raw_varint();
  if (failed()) return {};
  if (length > bytes_.size() - position_) {
    fail("length " + std::to_string(length) + " is beyond the end");
    return {};
  }
  const std::string_view value = bytes_.substr(position_, length);
  position_ += length;
  return value;
}

WireReader WireReader::message() {
  const std::string_view inner = bytes();
  return WireReader(inner, base_ + position_ - inner.size());
}

template <class T>
void WireReader::append_varints(std::vector<T>& values) {
  if (type_ != WireType::kBytes) {
    values.push_back(static_cast<T>(varint()));
    return;
  }
  WireReader run = message();
  while (run.position_ < run.bytes_.size() && !run.failed()) values.push_back(static_cast<T>(run.raw_varint()));
  fail_as(run);
}

template <class T>
void WireReader::append_fixed(std::vector<T>& values, WireType single) {
  if (type_ == single) {
    pending_ = false;
    values.push_back(raw_fixed<T>());
    return;
  }
  const std::string_view run = bytes();
  if (run.size() % sizeof(T) != 0) return fail("a packed run has a broken length");
  const size_t count = values.size();
  values.resize(count + run.size() / sizeof(T));
  if (!run.empty()) std::memcpy(values.data() + count, run.data(), run.size());
}

void WireReader::append(std::vector<int64_t>& values) { append_varints(values); }
void WireReader::append(std::vector<uint64_t>& values) { append_varints(values); }
void WireReader::append(std::vector<int32_t>& values) { append_varints(values); }
void WireReader::append(std::vector<float>& values) { append_fixed(values, WireType::kFixed32); }
void WireReader::append(std::vector<double>& values) { append_fixed(values, WireType::kFixed64); }

void WireWriter::raw_varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out_.push_back(static_cast<char>(value));
}

void WireWriter::varint(uint32_t field, uint64_t value) {
  raw_varint(uint64_t{field} << 3);
  raw_varint(value);
}

void WireWriter::float32(uint32_t field, float value) {
  raw_varint((uint64_t{field} << 3) | 5);
  char raw[4];
  std::memcpy(raw, &value, 4);
  out_.append(raw, 4);
}

void WireWriter::bytes(uint32_t field, std::string_view value) {
  raw_varint((uint64_t{field} << 3) | 2);
  raw_varint(value.size());
  out_.append(value);
}

}  // namespace egret::onnx
