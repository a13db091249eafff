// Protobuf's wire format, read and written by hand: fields of a message, one after the other.
//
// A WireReader walks one message inside bytes that the caller keeps alive; strings and sub-messages are views into
// them.  The first fault (truncation, an over-long varint, a length beyond the end, a group, field 0) is kept with its
// offset and ends the walk, so a caller asks `failed` once, after its loop.  Nothing is allocated for a length that
// the bytes do not hold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace egret::onnx {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

class WireReader {
 public:
  // `base` is the offset of `bytes` in the file, for messages.
  explicit WireReader(std::string_view bytes, uint64_t base = 0) : bytes_(bytes), base_(base) {}

  // Moves to the next field; false at the end or after a fault.  A field whose value was not read is skipped.
  bool next();
  uint32_t field() const { return field_; }
  WireType type() const { return type_; }

  // The value of the current field.  A wire type that does not fit is a fault; the value is then 0 or empty.
  uint64_t varint();
  int64_t int64() { return static_cast<int64_t>(varint()); }
  int32_t int32() { return static_cast<int32_t>(varint()); }
  float float32();
  double float64();
  std::string_view bytes();
  WireReader message();

  // Repeated scalars: one value or a packed run is appended.
  void append(std::vector<int64_t>& values);
  void append(std::vector<uint64_t>& values);
  void append(std::vector<int32_t>& values);
  void append(std::vector<float>& values);
  void append(std::vector<double>& values);

  bool failed() const { return !fault_.empty(); }
  const std::string& fault() const { return fault_; }  // "offset 17: length 90 is beyond the end"
  // Takes over the fault of a sub-message or a caller's own check.
  void fail(std::string_view why);
  void fail_as(const WireReader& inner);

 private:
  uint64_t raw_varint();
  template <class T>
  T raw_fixed();
  void skip();
  template <class T>
  void append_varints(std::vector<T>& values);
  template <class T>
  void append_fixed(std::vector<T>& values, WireType single);

  std::string_view bytes_;
  uint64_t base_ = 0;
  size_t position_ = 0;
  uint32_t field_ = 0;
  WireType type_ = WireType::kVarint;
  bool pending_ = false;  // the current field's value is not read yet
  std::string fault_;
};

// Appends fields to a string.  Sub-messages are written into a writer of their own first.
class WireWriter {
 public:
  void varint(uint32_t field, uint64_t value);
  void int64(uint32_t field, int64_t value) { varint(field, static_cast<uint64_t>(value)); }
  void float32(uint32_t field, float value);
  void bytes(uint32_t field, std::string_view value);
  void message(uint32_t field, const WireWriter& value) { bytes(field, value.out_); }
  const std::string& str() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void raw_varint(uint64_t value);
  std::string out_;
};

}  // namespace egret::onnx
