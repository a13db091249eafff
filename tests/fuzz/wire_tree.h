// A protobuf file as a tree of fields, to change its structure and write it back with lengths that fit.
//
// The schema is not needed: bytes that parse as fields down to their last byte are taken for a message, others for text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace egret::fuzz {

struct WireField {
  uint32_t number = 0;
  int type = 0;                     // 0 varint, 1 eight bytes, 2 bytes or message, 5 four bytes
  uint64_t value = 0;               // types 0, 1, 5
  std::string bytes;                // type 2 where it is no message
  std::vector<WireField> children;  // type 2 where it is one
  bool message = false;
};

// Empty where the bytes are no fields.
std::vector<WireField> parse_wire(std::string_view bytes, int depth = 0);
std::string write_wire(const std::vector<WireField>& fields);

// One to four changes of the tree: fields dropped, doubled, swapped, exchanged with those of another file, numbers and
// texts replaced, messages nested into each other.
void mutate_wire(Random& random, std::vector<WireField>& fields, const std::vector<WireField>& other);

}  // namespace egret::fuzz
