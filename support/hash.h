// Hashes: fast mixing for tables, and a stable digest for files (xxHash's XXH3, 128 bits).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace egret {

// Finalizer of splitmix64: every input bit moves every output bit.
inline uint64_t mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
inline uint64_t hash_combine(uint64_t seed, uint64_t value) { return mix(seed * 0x9e3779b97f4a7c15ULL + value); }

uint64_t hash_bytes(const void* data, size_t size, uint64_t seed = 0);
inline uint64_t hash_string(std::string_view s, uint64_t seed = 0) { return hash_bytes(s.data(), s.size(), seed); }

// 32 lower-case hexadecimal digits; the same on every machine and run.
std::string digest(std::string_view bytes);

}  // namespace egret
