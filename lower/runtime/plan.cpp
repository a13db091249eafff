#include "lower/runtime/plan.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "support/hash.h"

namespace egret {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "egret-plan 2";
constexpr const char* kHead = "{\n \"digest\": \"";
constexpr size_t kDigestLength = 32;
constexpr uint64_t kMaxBytes = uint64_t{1} << 40;

const char* place_name(PlanValue::Place place) {
  return place == PlanValue::Place::kArena ? "arena" : place == PlanValue::Place::kWeights ? "weights" : "prepare";
}

Json launches_json(const std::vector<PlanLaunch>& launches) {
  Json list = Json::array();
  for (const PlanLaunch& l : launches)
    list.push_back({{"kernel", l.kernel}, {"inputs", l.inputs}, {"outputs", l.outputs}});
  return list;
}

Json value_json(const PlanValue& v) {
  Json json = {{"role", v.role}, {"type", v.type.to_string()}, {"place", place_name(v.place)}};
  if (!v.name.empty()) json["name"] = v.name;
  if (v.place != PlanValue::Place::kPrepare) json["offset"] = v.offset;
  if (v.place == PlanValue::Place::kWeights) json["hash"] = v.hash, json["embedded"] = v.embedded;
  if (v.place == PlanValue::Place::kPrepare && !v.hash.empty()) json["hash"] = v.hash;
  return json;
}

Json cuda_json(const PlanCuda& cuda) {
  Json json = {{"source", cuda.source}, {"function", cuda.function},         {"grid", cuda.grid},
               {"block", cuda.block},   {"shared_bytes", cuda.shared_bytes}, {"arch_min", cuda.arch_min}};
  json["constants"] = Json::object();
  for (const auto& [name, value] : cuda.constants) json["constants"][name] = value;
  json["cubins"] = Json::object();
  for (const auto& [architecture, path] : cuda.cubins) json["cubins"][architecture] = path;
  return json;
}

// Reads fields of untrusted JSON; the first fault is kept.
class Reader {
 public:
  Status fault;

  void fail(const std::string& what) {
    if (fault.ok()) fault = input_error("plan.json is damaged: " + what, "write the artifact again");
  }
  const Json& field(const Json& of, const char* name) {
    static const Json kNull;
    if (!of.is_object() || !of.contains(name)) {
      fail(fmt::format("no field `{}`", name));
      return kNull;
    }
    return of[name];
  }
  std::string text(const Json& of, const char* name, bool optional = false) {
    if (optional && of.is_object() && !of.contains(name)) return {};
    const Json& j = field(of, name);
    if (!j.is_string()) return fail(fmt::format("`{}` is no text", name)), "";
    return j.get<std::string>();
  }
  uint64_t number(const Json& j, uint64_t limit, const char* name) {
    if (!j.is_number_integer() || (j.is_number_integer() && !j.is_number_unsigned() && j.get<int64_t>() < 0)) {
      return fail(fmt::format("`{}` is no natural number", name)), 0;
    }
    const uint64_t n = j.get<uint64_t>();
    if (n > limit) return fail(fmt::format("`{}` is too large", name)), 0;
    return n;
  }
  uint64_t number(const Json& of, const char* name, uint64_t limit) { return number(field(of, name), limit, name); }
  const Json& list(const Json& of, const char* name, size_t limit = 1'000'000) {
    static const Json kEmpty = Json::array();
    const Json& j = field(of, name);
    if (!j.is_array() || j.size() > limit) return fail(fmt::format("`{}` is no list", name)), kEmpty;
    return j;
  }
  std::vector<uint32_t> indices(const Json& of, const char* name, size_t count) {
    std::vector<uint32_t> all;
    for (const Json& j : list(of, name)) {
      if (count == 0) return fail(fmt::format("`{}` names what is not there", name)), all;
      all.push_back(static_cast<uint32_t>(number(j, count - 1, name)));
    }
    return all;
  }
};

PlanValue read_value(Reader& r, const Json& json) {
  PlanValue v;
  v.role = r.text(json, "role");
  v.name = r.text(json, "name", true);
  auto type = Type::parse(r.text(json, "type"));
  if (!type.ok() || !type->is_tensor() || !type->is_static()) return r.fail("type of a value"), v;
  v.type = *type;
  uint64_t elements = 1;
  for (int64_t s : v.type.sizes()) {
    if (s < 0 || (s > 0 && elements > kMaxBytes / static_cast<uint64_t>(s))) return r.fail("size of a value"), v;
    elements *= static_cast<uint64_t>(s);
  }
  if (elements * 8 > kMaxBytes) return r.fail("size of a value"), v;
  const std::string place = r.text(json, "place");
  if (place == "arena") {
    v.place = PlanValue::Place::kArena;
  } else if (place == "weights") {
    v.place = PlanValue::Place::kWeights;
  } else if (place == "prepare") {
    v.place = PlanValue::Place::kPrepare;
    v.hash = r.text(json, "hash", true);
    return v;
  } else {
    return r.fail("place of a value"), v;
  }
  v.offset = r.number(json, "offset", kMaxBytes);
  if (v.offset % kPlaceAlignment) r.fail("offset of a value");
  if (v.place == PlanValue::Place::kWeights) {
    v.hash = r.text(json, "hash");
    const Json& embedded = r.field(json, "embedded");
    if (!embedded.is_boolean()) return r.fail("`embedded`"), v;
    v.embedded = embedded.get<bool>();
  }
  return v;
}

std::array<uint32_t, 3> read_extent(Reader& r, const Json& json, const char* name, uint64_t limit) {
  std::array<uint32_t, 3> extent = {1, 1, 1};
  const Json& list = r.list(json, name, 3);
  if (list.size() != 3) return r.fail(fmt::format("`{}` has not three sizes", name)), extent;
  for (size_t i = 0; i < 3; ++i) extent[i] = static_cast<uint32_t>(r.number(list[i], limit, name));
  if (extent[0] == 0 || extent[1] == 0 || extent[2] == 0) r.fail(fmt::format("`{}` has a size of 0", name));
  return extent;
}

PlanCuda read_cuda(Reader& r, const Json& json) {
  constexpr uint64_t kMostBlocks = (uint64_t{1} << 31) - 1, kMostThreads = 1024, kMostShared = 256 * 1024;
  PlanCuda cuda;
  cuda.source = r.text(json, "source");
  cuda.function = r.text(json, "function");
  cuda.grid = read_extent(r, json, "grid", kMostBlocks);
  cuda.block = read_extent(r, json, "block", kMostThreads);
  cuda.shared_bytes = static_cast<uint32_t>(r.number(json, "shared_bytes", kMostShared));
  cuda.arch_min = r.text(json, "arch_min");
  for (const auto& [name, value] : r.field(json, "constants").items()) {
    if (!value.is_number_integer()) return r.fail("a constant of a kernel is no integer"), cuda;
    cuda.constants.push_back({name, value.get<int64_t>()});
  }
  for (const auto& [architecture, path] : r.field(json, "cubins").items()) {
    if (!path.is_string()) return r.fail("a cubin of a kernel is no path"), cuda;
    cuda.cubins[architecture] = path.get<std::string>();
  }
  return cuda;
}

std::vector<PlanLaunch> read_launches(Reader& r, const Json& root, const char* name, const Plan& plan) {
  std::vector<PlanLaunch> launches;
  for (const Json& json : r.list(root, name)) {
    PlanLaunch launch;
    if (plan.kernels.empty()) return r.fail("a launch of no kernel"), launches;
    launch.kernel = static_cast<uint32_t>(r.number(json, "kernel", plan.kernels.size() - 1));
    launch.inputs = r.indices(json, "inputs", plan.values.size());
    launch.outputs = r.indices(json, "outputs", plan.values.size());
    if (launch.inputs.size() + launch.outputs.size() > 64) r.fail("a launch has too many ports");
    launches.push_back(std::move(launch));
  }
  return launches;
}

void check_places(Reader& r, const Plan& plan) {
  for (const PlanValue& v : plan.values) {
    const auto bytes = static_cast<uint64_t>(v.type.bytes());
    const uint64_t limit = v.place == PlanValue::Place::kArena ? plan.arena_bytes : plan.weight_bytes;
    if (v.place != PlanValue::Place::kPrepare && (v.offset > limit || bytes > limit - v.offset)) {
      r.fail("a value lies outside of its memory");
    }
  }
  auto placed = [&](uint32_t v) { return plan.values[v].place != PlanValue::Place::kPrepare; };
  for (const PlanLaunch& l : plan.run) {
    for (uint32_t v : l.inputs)
      if (!placed(v)) r.fail("a launch reads a value without a place");
    for (uint32_t v : l.outputs) {
      if (plan.values[v].place != PlanValue::Place::kArena) r.fail("a launch writes a value without a place");
    }
  }
  for (uint32_t v : plan.inputs)
    if (plan.values[v].place != PlanValue::Place::kArena) r.fail("place of an input");
  for (uint32_t v : plan.outputs)
    if (!placed(v)) r.fail("place of an output");
  if (plan.output_names.size() != plan.outputs.size()) r.fail("names of outputs");
}

}  // namespace

std::string print_plan(const Plan& plan) {
  Json root = {{"digest", std::string(kDigestLength, '0')},
               {"format", kFormat},
               {"name", plan.name},
               {"target", plan.target},
               {"device_hash", plan.device_hash},
               {"host", {{"level", plan.host_level}, {"objects", plan.host_objects}}},
               {"arena_bytes", plan.arena_bytes},
               {"weight_bytes", plan.weight_bytes},
               {"inputs", plan.inputs},
               {"outputs", plan.outputs},
               {"output_names", plan.output_names}};
  root["aliases"] = Json::array();
  for (auto [output, input] : plan.aliases) root["aliases"].push_back({{"output", output}, {"input", input}});
  root["buffers"] = Json::array();
  for (const PlanValue& v : plan.values) root["buffers"].push_back(value_json(v));
  root["kernels"] = Json::array();
  for (const PlanKernel& k : plan.kernels) {
    Json json = {{"schedule", k.schedule}, {"body", k.body}};
    if (!k.symbol.empty()) {
      json["host"] = {{"symbol", k.symbol},
                      {"items", k.items},
                      {"scratch_bytes", k.scratch_bytes},
                      {"item_picoseconds", k.item_picoseconds}};
    }
    if (k.cuda) json["cuda"] = cuda_json(*k.cuda);
    root["kernels"].push_back(std::move(json));
  }
  root["prepare"] = launches_json(plan.prepare);
  root["run"] = launches_json(plan.run);
  root["views"] = launches_json(plan.views);
  root["files"] = Json::object();
  for (const auto& [path, hash] : plan.files) root["files"][path] = hash;
  std::string text = root.dump(1) + "\n";
  text.replace(std::string_view(kHead).size(), kDigestLength, digest(text));
  return text;
}

Result<Plan> parse_plan(std::string_view given) {
  const size_t head = std::string_view(kHead).size();
  std::string text(given);
  if (text.size() < head + kDigestLength || text.compare(0, head, kHead) != 0) {
    return input_error("plan.json is no plan of an artifact", "expected the file that `egret optimize -o DIR` writes");
  }
  const std::string told = text.substr(head, kDigestLength);
  text.replace(head, kDigestLength, std::string(kDigestLength, '0'));
  if (digest(text) != told) return input_error("plan.json was changed: its digest differs", "write the artifact again");
  const Json root = Json::parse(text, nullptr, false);
  Reader r;
  if (root.is_discarded()) return input_error("plan.json is no JSON");
  if (r.text(root, "format") != kFormat) {
    return unsupported_error(
        fmt::format("plan.json has format `{}`; this runtime reads `{}`", r.text(root, "format"), kFormat));
  }
  Plan plan;
  plan.name = r.text(root, "name");
  plan.target = r.text(root, "target");
  plan.device_hash = r.text(root, "device_hash");
  plan.host_level = r.text(r.field(root, "host"), "level");
  for (const Json& json : r.list(r.field(root, "host"), "objects")) {
    if (!json.is_string()) return r.fail("an object of host code is no path"), r.fault.take_error();
    plan.host_objects.push_back(json.get<std::string>());
  }
  plan.arena_bytes = r.number(root, "arena_bytes", kMaxBytes);
  plan.weight_bytes = r.number(root, "weight_bytes", kMaxBytes);
  for (const Json& json : r.list(root, "buffers")) {
    plan.values.push_back(read_value(r, json));
    if (!r.fault.ok()) return r.fault.take_error();
  }
  for (const Json& json : r.list(root, "kernels")) {
    PlanKernel k;
    k.schedule = r.text(json, "schedule");
    k.body = r.text(json, "body");
    if (json.is_object() && json.contains("host")) {
      const Json& host = json["host"];
      k.symbol = r.text(host, "symbol");
      k.items = static_cast<int64_t>(r.number(host, "items", kMaxBytes));
      k.scratch_bytes = static_cast<int64_t>(r.number(host, "scratch_bytes", kMaxBytes));
      k.item_picoseconds = static_cast<int64_t>(r.number(host, "item_picoseconds", uint64_t{1} << 53));
    }
    if (json.is_object() && json.contains("cuda")) k.cuda = read_cuda(r, json["cuda"]);
    plan.kernels.push_back(std::move(k));
  }
  plan.inputs = r.indices(root, "inputs", plan.values.size());
  plan.outputs = r.indices(root, "outputs", plan.values.size());
  for (const Json& json : r.list(root, "output_names"))
    plan.output_names.push_back(json.is_string() ? json.get<std::string>() : "");
  for (const Json& json : r.list(root, "aliases")) {
    plan.aliases.push_back({static_cast<uint32_t>(r.number(json, "output", plan.outputs.size())),
                            static_cast<uint32_t>(r.number(json, "input", plan.inputs.size()))});
  }
  plan.prepare = read_launches(r, root, "prepare", plan);
  plan.run = read_launches(r, root, "run", plan);
  plan.views = read_launches(r, root, "views", plan);
  const Json& files = r.field(root, "files");
  if (files.is_object()) {
    for (const auto& [path, hash] : files.items()) plan.files[path] = hash.is_string() ? hash.get<std::string>() : "";
  }
  if (r.fault.ok()) check_places(r, plan);
  if (!r.fault.ok()) return r.fault.take_error();
  return plan;
}

DeviceBytes cuda_bytes(uint64_t arena, uint64_t weights) { return {arena, weights, 0}; }

DeviceBytes host_bytes(uint64_t arena, uint64_t weights, uint64_t scratch, int threads) {
  constexpr uint64_t kPage = 4096;
  // Vectors may read past the last value.  A page more for each thread: their scratch does not compete for the same cache sets.
  const uint64_t stride = (scratch + kPage - 1) / kPage * kPage + kPage;
  return {arena + kPlaceAlignment, weights + kPlaceAlignment, stride * static_cast<uint64_t>(threads)};
}

}  // namespace egret
