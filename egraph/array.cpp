#include "egraph/array.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "support/result.h"

namespace egret::egraph {
namespace {

constexpr size_t kHugePage = Region::kHugePage;
constexpr size_t kLeastMapping = size_t{1} << 20;  // smaller blocks come from malloc

// An address range of `bytes`, aligned to a huge page.
void* reserve_range(size_t bytes) {
  void* range = mmap(nullptr, bytes + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  EGRET_CHECK(range != MAP_FAILED, "out of memory");
  char* const begin = static_cast<char*>(range);
  char* const aligned = begin + (-reinterpret_cast<uintptr_t>(begin) & (kHugePage - 1));
  if (aligned > begin) munmap(begin, static_cast<size_t>(aligned - begin));
  munmap(aligned + bytes, static_cast<size_t>(begin + kHugePage - aligned));
  return aligned;
}

}  // namespace

Region::~Region() {
  if (mapped_) {
    munmap(data_, capacity_);
  } else {
    std::free(data_);
  }
}

void Region::advise_huge() {
  if (mapped_ && capacity_ < kLeastHuge) madvise(data_, capacity_, MADV_HUGEPAGE);
}

void Region::grow(size_t bytes, size_t used) {
  if (bytes <= capacity_) return;
  size_t wanted = std::max({bytes, capacity_ * 2, size_t{64}});
  if (!mapped_ && wanted < kLeastMapping) {
    void* const data = std::realloc(data_, wanted);
    EGRET_CHECK(data != nullptr, "out of memory");
    data_ = data;
    capacity_ = wanted;
    return;
  }
  wanted = (wanted + kHugePage - 1) & ~(kHugePage - 1);
  void* range = reserve_range(wanted);
  if (mapped_) {
    range = mremap(data_, capacity_, wanted, MREMAP_MAYMOVE | MREMAP_FIXED, range);
    EGRET_CHECK(range != MAP_FAILED, "out of memory");
  } else {
    const int failed = mprotect(range, wanted, PROT_READ | PROT_WRITE);
    EGRET_CHECK(failed == 0, "out of memory");
    if (used > 0) std::memcpy(range, data_, used);
    std::free(data_);
  }
  if (wanted >= kLeastHuge) madvise(range, wanted, MADV_HUGEPAGE);
  data_ = range;
  capacity_ = wanted;
  mapped_ = true;
}

}  // namespace egret::egraph
