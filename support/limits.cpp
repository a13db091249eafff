#include "support/limits.h"

#include <sys/resource.h>

namespace egret {

StopToken& process_stop_token() {
  static StopToken token;
  return token;
}

uint64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace egret
