#include "tests/fuzz/wire_tree.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "tests/fuzz/mutate.h"

namespace egret::fuzz {
namespace {

constexpr int kMaxDepth = 24;

std::optional<uint64_t> read_varint(std::string_view bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes[at++]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return value;
  }
  return {};
}

void write_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

std::optional<std::vector<WireField>> fields_of(std::string_view bytes, int depth) {
  std::vector<WireField> fields;
  for (size_t at = 0; at < bytes.size();) {
    const auto key = read_varint(bytes, at);
    if (!key || (*key >> 3) == 0 || (*key >> 3) > 1000) return {};
    WireField f;
    f.number = static_cast<uint32_t>(*key >> 3);
    f.type = static_cast<int>(*key & 7);
    if (f.type == 0) {
      const auto value = read_varint(bytes, at);
      if (!value) return {};
      f.value = *value;
    } else if (f.type == 1 || f.type == 5) {
      const size_t size = f.type == 1 ? 8 : 4;
      if (bytes.size() - at < size) return {};
      std::memcpy(&f.value, bytes.data() + at, size);
      at += size;
    } else if (f.type == 2) {
      const auto size = read_varint(bytes, at);
      if (!size || *size > bytes.size() - at) return {};
      f.bytes = bytes.substr(at, *size);
      at += *size;
      auto inner = depth < kMaxDepth && !f.bytes.empty() ? fields_of(f.bytes, depth + 1) : std::nullopt;
      if (inner) f.children = std::move(*inner), f.message = true;
    } else {
      return {};
    }
    fields.push_back(std::move(f));
  }
  return fields;
}

// Every list of fields of the tree, the root's first.
void lists_of(std::vector<WireField>& fields, std::vector<std::vector<WireField>*>& lists) {
  if (!fields.empty()) lists.push_back(&fields);
  for (WireField& f : fields) lists_of(f.children, lists);
}

void change_leaf(Random& random, WireField& f, const std::vector<WireField>& from) {
  if (f.type != 2) {
    f.value = random.one_in(2) ? static_cast<uint64_t>(odd_number(random)) : random.next() >> random.below(64);
  } else if (!f.message) {
    const WireField& other = from[random.below(from.size())];
    if (other.type == 2 && !random.one_in(3)) f = WireField{f.number, 2, 0, other.bytes, {}, false};
    else if (f.bytes.size() < 100'000) f.bytes = mutate_bytes(random, f.bytes, {f.bytes + std::string(3, '\0'), "Conv"});
  }
}

}  // namespace

std::vector<WireField> parse_wire(std::string_view bytes, int depth) {
  auto fields = fields_of(bytes, depth);
  return fields ? std::move(*fields) : std::vector<WireField>();
}

std::string write_wire(const std::vector<WireField>& fields) {
  std::string out;
  for (const WireField& f : fields) {
    write_varint(out, (uint64_t{f.number} << 3) | static_cast<uint64_t>(f.type));
    if (f.type == 0) {
      write_varint(out, f.value);
    } else if (f.type == 2) {
      const std::string inner = f.message ? write_wire(f.children) : f.bytes;
      write_varint(out, inner.size());
      out += inner;
    } else {
      out.append(reinterpret_cast<const char*>(&f.value), f.type == 1 ? 8 : 4);
    }
    if (out.size() > 1'000'000) break;
  }
  return out;
}

void mutate_wire(Random& random, std::vector<WireField>& fields, const std::vector<WireField>& other) {
  for (size_t n = 1 + random.below(random.one_in(3) ? 4 : 2); n > 0; --n) {
    std::vector<std::vector<WireField>*> lists, others;
    lists_of(fields, lists);
    auto copy = other;
    lists_of(copy, others);
    if (lists.empty() || others.empty()) return;
    std::vector<WireField>& list = *random.pick(lists);
    const std::vector<WireField>& from = *random.pick(others);
    const size_t at = random.below(list.size());
    const auto place = list.begin() + static_cast<ptrdiff_t>(at);
    switch (random.below(10)) {
      case 0: list.erase(place); break;
      case 1: list.insert(place, WireField(list[random.below(list.size())])); break;
      case 2: std::swap(list[at], list[random.below(list.size())]); break;
      case 3: list[at] = from[random.below(from.size())]; break;
      case 4: list.insert(place, from[random.below(from.size())]); break;
      case 5: list[at].number = 1 + static_cast<uint32_t>(random.below(30)); break;
      case 6: {  // nested into itself
        WireField inner = list[at];
        if (inner.message && inner.children.size() < 50) list[at].children.push_back(std::move(inner));
        break;
      }
      default: change_leaf(random, list[at], from);
    }
  }
}

}  // namespace egret::fuzz
