#define XXH_INLINE_ALL
#include "support/hash.h"

#include <xxhash.h>

namespace egret {

uint64_t hash_bytes(const void* data, size_t size, uint64_t seed) { return XXH3_64bits_withSeed(data, size, seed); }

std::string digest(std::string_view bytes) {
  XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
  std::string text(32, '0');
  for (int i = 0; i < 16; ++i) {
    text[15 - i] = "0123456789abcdef"[h.high64 >> (4 * i) & 15];
    text[31 - i] = "0123456789abcdef"[h.low64 >> (4 * i) & 15];
  }
  return text;
}

}  // namespace egret
