#include <fmt/format.h>

#include "costmodel/costmodel.h"
#include "frontends/cli/cli.h"

namespace egret::cli {
namespace {

Status list_devices(Context& context) {
  Json rows = Json::array();
  for (const std::string& name : known_devices()) {
    EGRET_TRY(const Device d, load_device(name));
    Json peaks = Json::object();
    for (const auto& [dtype, peak] : d.contraction_peak) peaks[egret::name(dtype)] = peak;
    rows.push_back({{"name", d.name}, {"kind", d.kind == Device::Kind::kCuda ? "cuda" : "host"}, {"arch", d.arch},
                    {"bandwidth", d.bandwidth}, {"cache_bytes", d.cache_bytes}, {"launch_seconds", d.launch_seconds},
                    {"memory_bytes", d.memory_bytes}, {"contraction_peak", peaks}, {"source", d.source}});
  }
  context.print(Json{{"devices", rows}}, [&] {
    fmt::print("{:<8} {:<5} {:<8} {:>14} {:>16} {:>10}\n", "device", "kind", "arch", "bandwidth GB/s", "f32 Gflop/s", "launch us");
    for (const Json& r : rows) {
      fmt::print("{:<8} {:<5} {:<8} {:>14.0f} {:>16.0f} {:>10.1f}\n", r["name"].get<std::string>(), r["kind"].get<std::string>(),
                 r["arch"].get<std::string>(), r["bandwidth"].get<double>() / 1e9, r["contraction_peak"]["f32"].get<double>() / 1e9,
                 r["launch_seconds"].get<double>() * 1e6);
    }
  });
  return {};
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
  devices->callback([&context] {
    if (auto status = list_devices(context); !status.ok()) context.fail(status.error());
  });
  CLI::App* ops = app.add_subcommand("ops", "the operators and their definitions");
  ops->callback([&context] {
    if (auto status = list_ops(context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
