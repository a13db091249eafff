// The cost model: seconds that a kernel takes on a device, by the roofline.
//
// Types to know: `Device` (a described machine), `Estimate` (what a kernel does and takes), `estimate`.
// Reading order: costmodel.h, device.cpp (TOML), count.cpp (operations and bytes of a body), packing.cpp,
// estimate.cpp.
// May include: support, ir.
//
// time = launch + max(operations / peak, bytes / bandwidth)   (Williams, Waterman, Patterson, "Roofline", CACM 2009)
// Operations of a body are counted on its DAG, each subterm at the outermost loop that binds its indices: before a
// contraction a map costs once an element a pass, passes = ceil(n / tile_n); a port's bytes count once a pass unless
// the port fits the cache (design decision 6).  Bandwidth is that of the smallest cache level that holds twice all that
// the kernel reads and writes, where the device's levels are known.  On the host a product's operations include the copying
// of a factor into panels (packing.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/kernel.h"
#include "support/result.h"

namespace egret {

struct Device {
  std::string name;                     // "h200"
  enum class Kind { kHost, kCuda } kind = Kind::kHost;
  std::string arch;                     // CUDA: "sm_90a"; host: "x86-64"
  std::map<DType, double> contraction_peak;  // operations a second in dot and convolution, by accumulator dtype
  std::map<DType, double> scalar_peak;  // operations a second in everything else
  double bandwidth = 0;                 // bytes a second from main memory, as a copy kernel reaches
  double cache_bytes = 0;               // of the last cache
  struct Cache {
    double bytes = 0, bandwidth = 0;
  };
  std::vector<Cache> caches;            // smallest first; may be empty: all traffic goes at `bandwidth`
  double launch_seconds = 0;            // of one kernel
  double memory_bytes = 0;
  std::string source;                   // where the figures are from
  std::string hash;                     // digest of the file
};

// "host", "h200", ... from the committed files (embedded), or a path of a TOML file.  For `host`, what the user has
// measured (user_device_file) takes the committed file's place.
Result<Device> load_device(const std::string& name_or_path);
// Where the user's file of a device lies: in the folder EGRET_DEVICES (set and empty: nowhere), else egret/ of
// XDG_CONFIG_HOME or ~/.config.  Error: there is no such folder to name.
Result<std::string> user_device_file(const std::string& name);
// The device of `text`; errors name `file` and the key.
Result<Device> parse_device(const std::string& text, const std::string& file);
std::vector<std::string> known_devices();

struct Estimate {
  double seconds = 0;
  double contraction_flops = 0, scalar_flops = 0;
  double bytes_read = 0, bytes_written = 0;
  double compute_seconds = 0, memory_seconds = 0, launch_seconds = 0;
  double flops() const { return contraction_flops + scalar_flops; }
  double bytes() const { return bytes_read + bytes_written; }
};

// Requires: the plan is what plan_kernel gave.  An alias costs nothing.
Estimate estimate(const Kernel& kernel, const Device& device);

}  // namespace egret
