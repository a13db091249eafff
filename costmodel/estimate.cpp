#include <algorithm>

#include "costmodel/costmodel.h"
#include "costmodel/count.h"
#include "costmodel/packing.h"

namespace egret {
namespace {

// The peak of `t`, or of the nearest wider dtype of the table.
double peak(const std::map<DType, double>& table, DType t) {
  if (auto it = table.find(t); it != table.end()) return it->second;
  if (auto it = table.find(DType::f32); it != table.end()) return it->second;
  return table.begin()->second;
}

}  // namespace

Estimate estimate(const Kernel& kernel, const Device& device) {
  Estimate e;
  if (kernel.plan.schedule == ScheduleClass::kAlias) return e;
  const BodyCount c = count(kernel);
  for (const auto& [dtype, operations] : c.contraction) {
    e.contraction_flops += operations;
    e.compute_seconds += operations / peak(device.contraction_peak, dtype);
  }
  for (const auto& [dtype, operations] : c.scalar) {
    e.scalar_flops += operations;
    e.compute_seconds += operations / peak(device.scalar_peak, dtype);
  }
  for (const PortTraffic& p : c.ports) {
    const bool cached = p.elements * p.element_bytes <= device.cache_bytes / 2;
    e.bytes_read += p.element_bytes * (cached ? p.elements : p.reads);
  }
  e.bytes_written = c.bytes_written;
  double bandwidth = device.bandwidth;
  for (size_t i = device.caches.size(); i-- > 0;) {
    if (2 * e.bytes() <= device.caches[i].bytes) bandwidth = device.caches[i].bandwidth;
  }
  if (device.kind == Device::Kind::kHost) e.compute_seconds += packed_bytes(kernel) / bandwidth;
  e.memory_seconds = e.bytes() / bandwidth;
  e.launch_seconds = device.launch_seconds;
  e.seconds = e.launch_seconds + std::max(e.compute_seconds, e.memory_seconds);
  return e;
}

}  // namespace egret
