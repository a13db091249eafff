// The cost model counts what a person would count on paper, and devices are read or refused with a place.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "costmodel/costmodel.h"
#include "costmodel/count.h"
#include "costmodel/packing.h"
#include "ir/text/text.h"
#include "support/files.h"

using namespace egret;

namespace {

Kernel kernel_of_text(const std::string& text) {
  auto graph = parse_graph(text);
  INFO((graph.ok() ? "" : graph.error().to_string()));
  REQUIRE(graph.ok());
  PlanResult plan = plan_kernel(*graph);
  INFO(plan.reason);
  REQUIRE(plan.plan);
  return {*graph, *plan.plan};
}

double total(const std::map<DType, double>& counts) {
  double sum = 0;
  for (const auto& [dtype, c] : counts) sum += c;
  return sum;
}

}  // namespace

TEST_CASE("a map reads and writes each element once") {
  Kernel k = kernel_of_text("graph g\n  x: f32[8,16]\n  y: f32[8,16]\n  z = add(x, y)\n  return z\n");
  REQUIRE(k.plan.schedule == ScheduleClass::kElement);
  BodyCount c = count(k);
  CHECK(total(c.scalar) == 128);
  CHECK(c.bytes_written == 512);
  CHECK(c.ports[0].elements == 128);
}

TEST_CASE("a product is two operations a multiply-add, and an epilogue is counted once an element") {
  Kernel k = kernel_of_text(
      "graph g\n  a: f32[64,32]\n  b: f32[32,48]\n  c: f32[64,48]\n  p = dot(a, b, lc=[1], rc=[0])\n  q = add(p, c)\n"
      "  return q\n");
  REQUIRE(k.plan.schedule == ScheduleClass::kContraction);
  BodyCount c = count(k);
  CHECK(total(c.contraction) == 2.0 * 64 * 32 * 48);
  CHECK(total(c.scalar) == 64 * 48);
  CHECK(c.bytes_written == 64 * 48 * 4);
}

TEST_CASE("a prologue is paid once a pass over the other factor's tiles") {
  Kernel k = kernel_of_text(
      "graph g\n  a: f32[64,32]\n  b: f32[32,512]\n  e = exp(a)\n  p = dot(e, b, lc=[1], rc=[0])\n  return p\n");
  const double one_exp = total(count(kernel_of_text("graph g\n  a: f32[64,32]\n  e = exp(a)\n  return e\n")).scalar);
  const double passes = 512.0 / static_cast<double>(k.plan.tile[1]);
  CHECK(total(count(k).scalar) == one_exp * passes);
}

TEST_CASE("what a slice leaves out is not read") {
  Kernel k = kernel_of_text(
      "graph g\n  x: f32[100,16]\n  s = slice(x, start=[10,0], limit=[20,16], stride=[1,1])\n  n = neg(s)\n  return n\n");
  CHECK(count(k).ports[0].elements == 160);
}

TEST_CASE("a row kernel computes a staged value once") {
  Kernel k = kernel_of_text(
      "graph g\n  x: f32[4,128]\n  m = reduce_max(x, axes=[1])\n  b = broadcast(m, dims=[0], sizes=[128])\n"
      "  d = sub(x, b)\n  e = exp(d)\n  s = reduce_sum(e, axes=[1])\n  t = broadcast(s, dims=[0], sizes=[128])\n"
      "  r = div(e, t)\n  return r\n");
  REQUIRE(k.plan.schedule == ScheduleClass::kRow);
  const double n = 4 * 128;
  // max 1, sub 1, exp 8, sum 1, div 4 operations an element.
  CHECK(total(count(k).scalar) == n * 15);
  CHECK(count(k).ports[0].elements == n);
}

TEST_CASE("time is launch plus the roofline") {
  auto d = load_device("h200");
  REQUIRE(d.ok());
  Kernel k = kernel_of_text("graph g\n  x: f32[1024,1024]\n  y = neg(x)\n  return y\n");
  const Estimate e = estimate(k, *d);
  CHECK(e.seconds == Approx(d->launch_seconds + 8.0 * 1024 * 1024 / d->bandwidth));
}

TEST_CASE("a host product copies the factor along its vectors, unless that lies in panels or is read once") {
  auto packed = [](int rows, const std::string& w, const std::string& moves, const std::string& attrs, const std::string& tail = "  return y\n") {
    return packed_bytes(kernel_of_text("graph g\n  x: f32[" + std::to_string(rows) + ",100]\n  w: f32[" + w + "]\n" + moves +
                                       "  y = dot(x, v, " + attrs + ")\n" + tail));
  };
  const double whole = 4.0 * 100 * 512;
  const std::string plain = "  v = neg(w)\n", there = "  v = transpose(w, perm=[1,0])\n";
  CHECK(packed(64, "100,512", plain, "lc=[1], rc=[0]") == whole);
  CHECK(packed(64, "512,100", there, "lc=[1], rc=[0]") == whole);
  CHECK(packed(8, "100,512", plain, "lc=[1], rc=[0]") == 0);
  const std::string panels = "  t = transpose(w, perm=[1,0,2])\n  v = reshape(t, sizes=[100,512])\n";
  CHECK(packed(64, "8,100,64", panels, "lc=[1], rc=[0]") == 0);
  CHECK(packed(64, "2,100,256", panels, "lc=[1], rc=[0]") == whole);
  // Stored with its axes exchanged, the product's vectors run along x.
  CHECK(packed(64, "8,100,64", panels, "lc=[1], rc=[0]", "  r = transpose(y, perm=[1,0])\n  return r\n") == 4.0 * 100 * 64);

  auto host = load_device("host"), gpu = load_device("h200");
  REQUIRE(host.ok());
  REQUIRE(gpu.ok());
  const Kernel rows = kernel_of_text("graph g\n  x: f32[64,100]\n  v: f32[100,512]\n  y = dot(x, v, lc=[1], rc=[0])\n  return y\n");
  const Kernel in_panels = kernel_of_text("graph g\n  x: f32[64,100]\n  w: f32[8,100,64]\n" + panels + "  y = dot(x, v, lc=[1], rc=[0])\n  return y\n");
  CHECK(estimate(rows, *host).seconds == Approx(estimate(in_panels, *host).seconds + whole / host->bandwidth));
  CHECK(estimate(rows, *gpu).seconds == estimate(in_panels, *gpu).seconds);
  CHECK(panel_width(768) == 64);
  CHECK(panel_width(96) == 32);
  CHECK(panel_width(1000) == 0);
}

TEST_CASE("devices: every committed file is read; bad ones name key, line and hint") {
  for (const std::string& name : known_devices()) {
    auto device = load_device(name);
    INFO(name);
    REQUIRE(device.ok());
    CHECK(device->name == name);
    CHECK_FALSE(device->source.empty());
  }
  auto unknown = load_device("h900");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().message.find("h200") != std::string::npos);
  auto bad = parse_device("name = \"x\"\nkind = \"cuda\"\narch = \"sm_80\"\nbandwidth = -3\n", "x.toml");
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().where.line == 4);
  CHECK_FALSE(parse_device("name = ", "y.toml").ok());
}

TEST_CASE("a device with cache levels prices traffic at the smallest that holds it twice") {
  const std::string base =
      "name = 'x'\nkind = 'host'\nbandwidth = 10\ncache_bytes = 4000\nlaunch_seconds = 1\nmemory_bytes = 1e9\n"
      "[contraction_peak]\nf32 = 1e12\n[scalar_peak]\nf32 = 1e12\n";
  const std::string levels = "[[cache]]\nbytes = 1000\nbandwidth = 100\n[[cache]]\nbytes = 4000\nbandwidth = 20\n";
  auto device = parse_device(base + levels, "x.toml");
  REQUIRE(device.ok());
  auto seconds = [&](int elements) {
    return estimate(kernel_of_text("graph g\n  x: f32[" + std::to_string(elements) + "]\n  y = neg(x)\n  return y\n"), *device).seconds;
  };
  CHECK(seconds(50) == Approx(1 + 400.0 / 100));     // 400 bytes in all
  CHECK(seconds(200) == Approx(1 + 1600.0 / 20));
  CHECK(seconds(300) == Approx(1 + 2400.0 / 10));
  CHECK_FALSE(parse_device(base + "[[cache]]\nbytes = 1000\n", "x.toml").ok());
  CHECK_FALSE(parse_device(base + "[[cache]]\nbytes = 4000\nbandwidth = 1\n[[cache]]\nbytes = 1000\nbandwidth = 2\n", "x.toml").ok());
  CHECK_FALSE(parse_device("cache = 3\n" + base, "x.toml").ok());
}

TEST_CASE("what the user measured takes the place of host's file, and of no other's") {
  const auto folder = std::filesystem::temp_directory_path() / ("egret_devices_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  setenv("EGRET_DEVICES", folder.c_str(), 1);
  const std::string committed = load_device("host")->hash;
  const std::string text =
      "name = 'host'\nkind = 'host'\nbandwidth = 10\ncache_bytes = 4000\nlaunch_seconds = 1\nmemory_bytes = 1e9\n"
      "[contraction_peak]\nf32 = 1e12\n[scalar_peak]\nf32 = 1e12\n";
  REQUIRE(write_file((folder / "host.toml").string(), text).ok());
  REQUIRE(write_file((folder / "h200.toml").string(), text).ok());
  CHECK(load_device("host")->bandwidth == 10);
  CHECK(load_device("host")->hash != committed);
  CHECK(load_device("h200")->bandwidth > 1e12);
  REQUIRE(write_file((folder / "host.toml").string(), "name = 3\n").ok());
  auto damaged = load_device("host");
  REQUIRE_FALSE(damaged.ok());
  CHECK(damaged.error().to_string().find("host.toml:1") != std::string::npos);
  setenv("EGRET_DEVICES", "", 1);
  CHECK(load_device("host")->hash == committed);
  std::filesystem::remove_all(folder);
}
