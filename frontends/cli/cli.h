// The command line: one function a command, which adds itself to the program and fills in an exit status.
//
// With --json a command prints one JSON object on stdout and nothing else there; notes go to stderr (shared contract).
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <string>

#include "ir/graph.h"
#include "support/limits.h"
#include "support/result.h"

namespace egret::cli {

enum Exit { kDone = 0, kWrong = 1, kNo = 2, kLimit = 3, kBug = 70 };

using Json = nlohmann::ordered_json;

// An object as every command prints it: indented by two, bytes that are no UTF-8 replaced, with the end of its last line.
std::string text_of(const Json& object);

struct Context {
  bool json = false;
  int exit_status = kDone;
  std::string command;  // its name, for the hint of an error that has none
  // Prints the object (with --json), or calls `text` for people.
  void print(const Json& object, const std::function<void()>& text) const;
  // The same, where `object` writes what text_of would: for lists so long that values would take longer than the work.
  void print_written(const std::function<std::string()>& object, const std::function<void()>& text) const;
  // Prints the error and sets the exit status.
  void fail(const Error& error);
};

// Options that several commands share.
struct LimitOptions {
  uint64_t node_limit = 8'000;
  double time_limit = 600;
  std::string memory_limit = "8G";
  int threads = 0;
  uint64_t seed = 0;
  void add_to(CLI::App& command);
  Result<Limits> limits() const;
};

// Holds for numbers of at least so much.
CLI::Validator at_least(int least);

// Holds for paths that are not empty (a variable of a script that is not set).
CLI::Validator a_path();

// "4096", "512M", "8G": bytes.
Result<uint64_t> parse_bytes(const std::string& text);

// Whether a file can be made at `path`: asked before long work.
Status check_writable(const std::string& path);

// Reads .onnx or .egret.  `shapes`: "INPUT=1,3,224,224".
Result<Graph> read_model(const std::string& path, const std::vector<std::string>& shapes, bool allow_opaque);

// Measures this host and writes its device file, to `file` or (empty) where runs for the target `host` look for it.
Status measure_host(const std::string& file);

void add_check(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);
void add_extract(CLI::App& app, Context& context);
void add_inspect(CLI::App& app, Context& context);   // devices, ops
void add_optimize(CLI::App& app, Context& context);
void add_rules(CLI::App& app, Context& context);
void add_run(CLI::App& app, Context& context);
void add_saturate(CLI::App& app, Context& context);
void add_verify(CLI::App& app, Context& context);

}  // namespace egret::cli
