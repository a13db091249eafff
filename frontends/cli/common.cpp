#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include "frontends/cli/cli.h"
#include "frontends/named_sizes.h"
#include "frontends/onnx/reader.h"
#include "ir/text/text.h"
#include "support/files.h"
#include "support/hint.h"

namespace egret::cli {

std::string text_of(const Json& object) { return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

void Context::print(const Json& object, const std::function<void()>& text) const {
  print_written([&] { return text_of(object); }, text);
}

void Context::print_written(const std::function<std::string()>& object, const std::function<void()>& text) const {
  if (json) {
    std::fputs(object().c_str(), stdout);
  } else {
    text();
  }
}

namespace {

constexpr size_t kShownColumns = 200;  // longer lines are not shown

// The line of the file that an error speaks of, and a caret below its column; empty where there is no such text.
std::string shown_line(const SourceSpan& where) {
  if (where.file.empty() || where.line <= 0 || where.column <= 0) return {};
  std::error_code error;
  if (!std::filesystem::is_regular_file(where.file, error)) return {};
  auto text = read_file(where.file, uint64_t{16} << 20);
  if (!text.ok()) return {};
  size_t at = 0;
  for (int k = 1; k < where.line && at != std::string::npos; ++k) at = text->find('\n', at) == std::string::npos ? std::string::npos : text->find('\n', at) + 1;
  if (at == std::string::npos) return {};
  std::string line = text->substr(at, text->find('\n', at) - at);
  const auto plain = [](char c) { return c >= ' ' && c <= '~'; };
  if (line.size() > kShownColumns || !std::all_of(line.begin(), line.end(), plain) || static_cast<size_t>(where.column) > line.size() + 1) return {};
  return fmt::format("    {}\n    {}^\n", line, std::string(static_cast<size_t>(where.column) - 1, ' '));
}

}  // namespace

void Context::fail(const Error& given) {
  Error error = given;
  if (error.hint.empty() && error.code == ErrorCode::kInternal) error.hint = "this is a fault of egret's: please report the command and its input";
  if (error.hint.empty() && error.code == ErrorCode::kLimit) error.hint = "raise the limit that is named";
  if (error.hint.empty()) error.hint = fmt::format("`egret {} --help` lists the options", command);
  std::string text = error.to_string();
  const size_t hint = std::min(text.find("\n  hint: "), text.size());
  const std::string shown = shown_line(error.where);
  if (!shown.empty()) text.insert(hint, "\n" + shown.substr(0, shown.size() - 1));
  std::fprintf(stderr, "egret: %s\n", text.c_str());
  exit_status = error.exit_status();
}

void LimitOptions::add_to(CLI::App& command) {
  command.add_option("--node-limit", node_limit, "e-nodes at most")->check(at_least(0))->capture_default_str();
  command.add_option("--time-limit", time_limit, "seconds at most (a safety net: see docs)")->capture_default_str();
  command.add_option("--memory-limit", memory_limit, "bytes of egret's own arenas at most (512M, 8G)")->capture_default_str();
  command.add_option("--threads", threads, "threads; 0: all cores; the answer does not depend on it")->capture_default_str();
  command.add_option("--seed", seed, "seed of everything random")->check(at_least(0))->capture_default_str();
}

CLI::Validator at_least(int least) {
  const auto wrong = [least](const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end != text.c_str() && *end == '\0' && value >= least) return std::string();
    return fmt::format("`{}` is no number of at least {}", text, least);
  };
  return CLI::Validator(wrong, fmt::format("at least {}", least));
}

CLI::Validator a_path() {
  return CLI::Validator([](const std::string& text) { return text.empty() ? std::string("an empty path") : std::string(); }, "PATH", "path");
}

Result<uint64_t> parse_bytes(const std::string& text) {
  size_t end = 0;
  double value = 0;
  try {
    value = std::stod(text, &end);
  } catch (const std::exception&) {
    end = 0;
  }
  double unit = 1;
  const std::string suffix = text.substr(end);
  if (suffix == "K" || suffix == "k") unit = 1024.0;
  else if (suffix == "M") unit = 1024.0 * 1024;
  else if (suffix == "G") unit = 1024.0 * 1024 * 1024;
  else if (!suffix.empty()) end = 0;
  if (end == 0 || !(value >= 0) || value * unit > 1e18) {
    return input_error(fmt::format("`{}` is no number of bytes", text), "write 4096, 512M or 8G");
  }
  return static_cast<uint64_t>(value * unit);
}

Result<Limits> LimitOptions::limits() const {
  if (threads < 0 || threads > 1024) return input_error("--threads must be between 0 and 1024");
  if (!(time_limit >= 0)) return input_error("--time-limit must be a number of seconds");
  Limits limits{.enodes = node_limit, .iterations = 12, .seconds = time_limit, .stop = &process_stop_token()};
  EGRET_TRY(limits.bytes, parse_bytes(memory_limit));
  return limits;
}

Status check_writable(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::absolute(path, error).parent_path();
  if (!fs::is_directory(folder, error)) return io_error(fmt::format("cannot write {}: its folder does not exist", path), "make the folder first");
  if (fs::exists(path, error) && fs::is_other(path, error)) {  // a device, a pipe
    return access(path.c_str(), W_OK) == 0 ? Status() : io_error(fmt::format("cannot write {}: no permission", path), "name a file");
  }
  if (fs::is_directory(path, error)) return io_error(fmt::format("cannot write {}: a folder stands there", path), "name a file");
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return io_error(fmt::format("cannot write {}: no permission for its folder", path), "name a folder that can be written");
  }
  return {};
}

Result<Graph> read_model(const std::string& path, const std::vector<std::string>& shapes, bool allow_opaque) {
  auto ends_with = [&](std::string_view suffix) {
    return path.size() >= suffix.size() && path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0;
  };
  std::map<std::string, std::vector<int64_t>> sizes;
  for (const std::string& s : shapes) {
    const size_t at = s.find('=');
    if (at == std::string::npos || at == 0) return input_error("--shape expects INPUT=1,3,224,224, not " + s, "give the option once an input");
    const auto [place, fresh] = sizes.try_emplace(s.substr(0, at));
    if (!fresh) return input_error(fmt::format("--shape gives the sizes of `{}` twice", place->first), "give the option once an input");
    std::vector<int64_t>& list = place->second;
    const std::string rest = s.substr(at + 1);
    if (rest.ends_with(',')) return input_error(fmt::format("--shape {}: a size is missing behind the last comma", s), "sizes are whole numbers: 1,3,224,224");
    for (size_t i = 0; i < rest.size();) {
      size_t comma = std::min(rest.find(',', i), rest.size());
      const std::string word = rest.substr(i, comma - i);
      if (word.empty() || word.size() > 12 || word.find_first_not_of("0123456789") != std::string::npos) {
        return input_error(fmt::format("--shape {}: `{}` is no size", s, word), "sizes are whole numbers: 1,3,224,224");
      }
      list.push_back(std::stoll(word));
      i = comma + 1;
    }
  }
  if (ends_with(".onnx")) {
    OnnxOptions options;
    options.shapes = sizes;
    options.allow_opaque = allow_opaque;
    return or_hint(read_onnx(path, options), "is this the file that was exported, whole?  `onnx.checker` of Python says more of it");
  }
  if (ends_with(".egret")) {
    EGRET_TRY(std::string text, read_file(path, uint64_t{1} << 30));
    EGRET_TRY(Graph graph, or_hint(parse_graph(text, path),
                                   "a line is `name = operator(operands, attribute=value)`; `egret ops` lists the operators with their types"));
    return at_sizes(std::move(graph), sizes);
  }
  if (ends_with(".mlir")) {
    return unsupported_error("reading StableHLO (.mlir) is not part of this version", "export the model as .onnx", {path, 0, 0, {}});
  }
  return input_error("cannot tell what " + path + " is", "a model ends in .onnx or .egret");
}

}  // namespace egret::cli
