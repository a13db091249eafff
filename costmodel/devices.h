// The committed device files, embedded at configure time.
#pragma once

#include <span>

namespace egret {

struct DeviceText {
  const char* name;
  const char* toml;
};
std::span<const DeviceText> device_texts();

}  // namespace egret
