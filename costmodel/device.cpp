#include <toml++/toml.h>

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "costmodel/costmodel.h"
#include "costmodel/devices.h"
#include "support/files.h"
#include "support/hash.h"

namespace egret {
namespace {

Error key_error(const std::string& file, const toml::table& table, const std::string& key, const std::string& expected) {
  SourceSpan where{file, 0, 0, {}};
  if (const toml::node* node = table.get(key)) {
    where.line = static_cast<int>(node->source().begin.line);
    where.column = static_cast<int>(node->source().begin.column);
  }
  return input_error(fmt::format("`{}` must be {}", key, expected), "see costmodel/devices/h200.toml for a whole file",
                     where);
}

Result<double> positive(const toml::table& table, const std::string& key, const std::string& file) {
  auto value = table[key].value<double>();
  if (!value || !(*value > 0) || *value > 1e30) return key_error(file, table, key, "a positive number");
  return *value;
}

Result<std::map<DType, double>> peaks(const toml::table& table, const std::string& key, const std::string& file) {
  const toml::table* rows = table[key].as_table();
  if (!rows || rows->empty()) return key_error(file, table, key, "a table of dtype = operations a second");
  std::map<DType, double> out;
  for (const auto& [name, node] : *rows) {
    const std::string dtype(name.str());
    auto t = dtype_from_name(dtype);
    auto value = node.value<double>();
    if (!t) return key_error(file, *rows, dtype, "a dtype (f32, bf16, i8, ...)");
    if (!value || !(*value > 0)) return key_error(file, *rows, dtype, "a positive number");
    out[*t] = *value;
  }
  return out;
}

// [[cache]] tables, smallest first.
Result<std::vector<Device::Cache>> caches(const toml::table& table, const std::string& file) {
  std::vector<Device::Cache> out;
  if (!table.contains("cache")) return out;
  const toml::array* rows = table["cache"].as_array();
  if (!rows) return key_error(file, table, "cache", "a list of [[cache]] tables with bytes and bandwidth");
  for (const toml::node& node : *rows) {
    const toml::table* row = node.as_table();
    if (!row) return key_error(file, table, "cache", "a list of [[cache]] tables with bytes and bandwidth");
    Device::Cache cache;
    EGRET_TRY(cache.bytes, positive(*row, "bytes", file));
    EGRET_TRY(cache.bandwidth, positive(*row, "bandwidth", file));
    if (!out.empty() && cache.bytes <= out.back().bytes) return key_error(file, *row, "bytes", "larger than those of the level before");
    out.push_back(cache);
  }
  return out;
}

}  // namespace

Result<std::string> user_device_file(const std::string& name) {
  std::string folder;
  if (const char* chosen = std::getenv("EGRET_DEVICES")) {
    folder = chosen;
  } else if (const char* config = std::getenv("XDG_CONFIG_HOME"); config && *config) {
    folder = std::string(config) + "/egret";
  } else if (const char* home = std::getenv("HOME"); home && *home) {
    folder = std::string(home) + "/.config/egret";
  }
  if (folder.empty()) return input_error("there is no folder for device files", "set EGRET_DEVICES to one");
  return folder + "/" + name + ".toml";
}

Result<Device> parse_device(const std::string& text, const std::string& file) {
  toml::table table;
  try {
    table = toml::parse(text);
  } catch (const toml::parse_error& e) {
    return input_error(std::string(e.description()), "a device file is TOML",
                       {file, static_cast<int>(e.source().begin.line), static_cast<int>(e.source().begin.column), {}});
  }
  Device device;
  auto name = table["name"].value<std::string>();
  if (!name || name->empty()) return key_error(file, table, "name", "a string");
  device.name = *name;
  auto kind = table["kind"].value<std::string>();
  if (!kind || (*kind != "host" && *kind != "cuda")) return key_error(file, table, "kind", "\"host\" or \"cuda\"");
  device.kind = *kind == "cuda" ? Device::Kind::kCuda : Device::Kind::kHost;
  device.arch = table["arch"].value_or(std::string());
  if (device.kind == Device::Kind::kCuda && device.arch.rfind("sm_", 0) != 0) {
    return key_error(file, table, "arch", "an architecture such as \"sm_90a\"");
  }
  EGRET_TRY(device.bandwidth, positive(table, "bandwidth", file));
  EGRET_TRY(device.cache_bytes, positive(table, "cache_bytes", file));
  EGRET_TRY(device.launch_seconds, positive(table, "launch_seconds", file));
  EGRET_TRY(device.memory_bytes, positive(table, "memory_bytes", file));
  EGRET_TRY(device.contraction_peak, peaks(table, "contraction_peak", file));
  EGRET_TRY(device.scalar_peak, peaks(table, "scalar_peak", file));
  EGRET_TRY(device.caches, caches(table, file));
  device.source = table["source"].value_or(std::string());
  device.hash = digest(text);
  return device;
}

Result<Device> load_device(const std::string& name_or_path) {
  if (name_or_path == "host") {
    auto measured = user_device_file(name_or_path);
    std::error_code error;
    if (measured.ok() && std::filesystem::exists(*measured, error)) {
      EGRET_TRY(const std::string text, read_file(*measured, 1 << 20));
      return parse_device(text, *measured);
    }
  }
  for (const DeviceText& d : device_texts()) {
    if (name_or_path == d.name) return parse_device(d.toml, name_or_path + ".toml");
  }
  if (name_or_path.find('/') == std::string::npos && name_or_path.find(".toml") == std::string::npos) {
    std::string names;
    for (const DeviceText& d : device_texts()) names += std::string(names.empty() ? "" : ", ") + d.name;
    return input_error(fmt::format("unknown device `{}`; expected one of {}, or a TOML file", name_or_path, names),
                       "`egret devices` lists them");
  }
  EGRET_TRY(std::string text, read_file(name_or_path, 1 << 20));
  return parse_device(text, name_or_path);
}

std::vector<std::string> known_devices() {
  std::vector<std::string> names;
  for (const DeviceText& d : device_texts()) names.push_back(d.name);
  return names;
}

}  // namespace egret
