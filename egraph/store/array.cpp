#include "egraph/store/array.h"

#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "support/result.h"

namespace egret::egraph {
namespace {

constexpr size_t kHugePage = Region::kHugePage;
constexpr size_t kLeastMapping = size_t{1} << 20;  // smaller blocks come from malloc

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) & ~(unit - 1); }

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
  if (!mapped_ || huge_) return;
  madvise(data_, capacity_, MADV_HUGEPAGE);
  huge_ = true;
}

void return_released() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

size_t Region::capacity_for(size_t bytes) const {
  const size_t wanted = std::max({bytes, capacity_ * 2, size_t{64}});
  return !mapped_ && wanted < kLeastMapping ? wanted : round_up(wanted, kHugePage);
}

uint64_t Region::resident_once_grown(size_t used) const {
  const size_t capacity = capacity_for(used);
  if (!mapped_ && capacity < kLeastMapping) return std::min(capacity, round_up(used, kPage));
  return round_up(used, huge_ || capacity >= kLeastHuge ? kHugePage : kPage);
}

void Region::grow(size_t bytes, size_t used) {
  if (bytes <= capacity_) return;
  const size_t wanted = capacity_for(bytes);
  if (!mapped_ && wanted < kLeastMapping) {
    void* const data = std::realloc(data_, wanted);
    EGRET_CHECK(data != nullptr, "out of memory");
    data_ = data;
    capacity_ = wanted;
    return;
  }
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
  data_ = range;
  capacity_ = wanted;
  mapped_ = true;
  if (wanted >= kLeastHuge) {
    huge_ = false;  // what was added is not
    advise_huge();
  }
}

}  // namespace egret::egraph
