#include <fmt/format.h>

#include "costmodel/costmodel.h"
#include "frontends/cli/cli.h"

namespace egret::cli {
namespace {

// `files`: names, or a device file.
Status list_devices(const std::vector<std::string>& files, const std::string& written, Context& context) {
  Json rows = Json::array();
  for (const std::string& name : files) {
    EGRET_TRY(const Device d, load_device(name));
    Json peaks = Json::object();
    for (const auto& [dtype, peak] : d.contraction_peak) peaks[egret::name(dtype)] = peak;
    rows.push_back({{"name", d.name}, {"kind", d.kind == Device::Kind::kCuda ? "cuda" : "host"}, {"arch", d.arch},
                    {"bandwidth", d.bandwidth}, {"cache_bytes", d.cache_bytes}, {"launch_seconds", d.launch_seconds},
                    {"memory_bytes", d.memory_bytes}, {"contraction_peak", peaks}, {"source", d.source}});
    for (const Device::Cache& c : d.caches) rows.back()["caches"].push_back({{"bytes", c.bytes}, {"bandwidth", c.bandwidth}});
  }
  Json object = {{"devices", rows}};
  if (!written.empty()) object["file"] = written;
  context.print(object, [&] {
    fmt::print("{:<8} {:<5} {:<8} {:>14} {:>16} {:>10}\n", "device", "kind", "arch", "bandwidth GB/s", "f32 Gflop/s", "launch us");
    for (const Json& r : rows) {
      fmt::print("{:<8} {:<5} {:<8} {:>14.0f} {:>16.0f} {:>10.1f}\n", r["name"].get<std::string>(), r["kind"].get<std::string>(),
                 r["arch"].get<std::string>(), r["bandwidth"].get<double>() / 1e9, r["contraction_peak"]["f32"].get<double>() / 1e9,
                 r["launch_seconds"].get<double>() * 1e6);
    }
    if (!written.empty()) fmt::print("written to {}; runs for the target `host` read it from then on\n", written);
  });
  return {};
}

Status devices_command(bool measure, const std::string& file, Context& context) {
  if (!measure && !file.empty()) return input_error("-o goes with --measure", "egret devices --measure -o FILE.toml");
  if (!measure) return list_devices(known_devices(), {}, context);
  EGRET_TRY_VOID(measure_host(file));
  std::string written = file;
  if (written.empty()) {
    EGRET_TRY(written, user_device_file("host"));
  }
  // A name without a folder would be taken for a device's.
  return list_devices({written.find('/') == std::string::npos ? "./" + written : written}, written, context);
}

Status list_ops(Context& context) {
  Json rows = Json::array();
  for (const OpDef* op : all_ops()) {
    Json attrs = Json::array();
    for (const AttrSpec& a : op->attrs) attrs.push_back({{"name", a.name}, {"kind", to_string(a.kind)}, {"optional", a.fallback.has_value()}});
    rows.push_back({{"name", op->name}, {"class", to_string(op->op_class)}, {"summary", op->summary}, {"attrs", attrs},
                    {"definition", op->text}});
  }
  context.print(Json{{"ops", rows}}, [&] {
    for (const Json& r : rows) {
      fmt::print("{:<16} {:<12} {}\n", r["name"].get<std::string>(), r["class"].get<std::string>(),
                 r["definition"].get<std::string>().empty() ? r["summary"].get<std::string>() : r["definition"].get<std::string>());
    }
  });
  return {};
}

}  // namespace

void add_inspect(CLI::App& app, Context& context) {
  CLI::App* devices = app.add_subcommand("devices", "the devices that are known");
  auto measure = std::make_shared<bool>(false);
  auto file = std::make_shared<std::string>();
  devices->add_flag("--measure", *measure, "measure this host (about 10 s) and write its device file");
  devices->add_option("-o", *file, "where to; else $EGRET_DEVICES/host.toml, or ~/.config/egret/host.toml, which runs for `host` read");
  devices->callback([measure, file, &context] {
    if (auto status = devices_command(*measure, *file, context); !status.ok()) context.fail(status.error());
  });
  CLI::App* ops = app.add_subcommand("ops", "the operators and their definitions");
  ops->callback([&context] {
    if (auto status = list_ops(context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
