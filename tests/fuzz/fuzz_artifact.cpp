// The artifact loader over changed files.  A changed byte is refused; with digests made to fit again, anything may be
// answered but a crash.  Nothing that is loaded here is run: that would be running a stranger's code.
#include <algorithm>
#include <filesystem>
#include <map>

#include "lower/runtime/executable.h"
#include "support/files.h"
#include "tests/fuzz/mutate.h"

namespace egret::fuzz {
namespace {

using Files = std::map<std::string, std::string>;

// An artifact as one text: a line "name size" before each file.
std::string pack(const Files& files) {
  std::string text;
  for (const auto& [name, bytes] : files) text += name + " " + std::to_string(bytes.size()) + "\n" + bytes;
  return text;
}

Files unpack(std::string_view text) {
  Files files;
  while (!text.empty()) {
    const size_t line = text.find('\n'), space = text.substr(0, line).rfind(' ');
    if (line == std::string_view::npos || space == std::string_view::npos) break;
    const size_t size = std::strtoull(std::string(text.substr(space + 1, line - space - 1)).c_str(), nullptr, 10);
    const std::string_view bytes = text.substr(line + 1);
    files[std::string(text.substr(0, space))] = bytes.substr(0, size);
    text = size <= bytes.size() ? bytes.substr(size) : std::string_view();
  }
  return files;
}

std::vector<Files>& originals() {
  static std::vector<Files> all;
  return all;
}

// Every folder below the arguments that holds a plan.json.
std::vector<std::string> corpus(const std::vector<std::string>& arguments) {
  std::vector<std::string> packed;
  for (const std::string& argument : arguments) {
    std::vector<std::filesystem::path> folders;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argument)) {
      if (entry.path().filename() == "plan.json") folders.push_back(entry.path().parent_path());
    }
    std::sort(folders.begin(), folders.end());
    for (const auto& folder : folders) {
      Files files;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_directory() || entry.path().filename() == "proof.json") continue;
        auto bytes = read_file(entry.path().string());
        if (bytes.ok()) files[std::filesystem::relative(entry.path(), folder).generic_string()] = *std::move(bytes);
      }
      packed.push_back(pack(files));
      originals().push_back(std::move(files));
    }
  }
  return packed;
}

// The plan's digest of `path`, and its own, made to fit what the files are now.
void fit_digests(Files& files, const std::string& path, const std::string& old_digest) {
  std::string& plan = files["plan.json"];
  if (path != "plan.json") {
    const std::string now = digest(files[path]);
    for (size_t at = plan.find(old_digest); at != std::string::npos; at = plan.find(old_digest, at + 1)) plan.replace(at, now.size(), now);
  }
  constexpr size_t kHead = 13, kLength = 32;  // {\n "digest": "...
  if (plan.size() < kHead + kLength) return;
  plan.replace(kHead, kLength, std::string(kLength, '0'));
  plan.replace(kHead, kLength, digest(plan));
}

std::string make(Random& random, const std::vector<std::string>& from) {
  Files files = unpack(random.pick(from));
  std::vector<std::string> names;
  for (const auto& [name, bytes] : files) names.push_back(name);
  const std::string& name = random.one_in(2) ? "plan.json" : random.pick(names);
  const std::string before = files[name], old_digest = digest(before);
  const bool text = name == "plan.json" && random.one_in(2);
  files[name] = text ? mutate_text(random, before, {before}) : mutate_bytes(random, before, {before});
  if (random.one_in(16)) files.erase(name);
  else if (!random.one_in(4)) fit_digests(files, name, old_digest);
  return pack(files);
}

bool run(std::string_view input) {
  const Files files = unpack(input);
  const auto loaded = Executable::from_files(files, 1);
  if (!loaded.ok()) {
    check_error(loaded.error());
    return false;
  }
  // Loaded: then what is loaded is an original, or its digests were made anew, so that its plan is another one.
  for (const Files& original : originals()) {
    auto plan = files.find("plan.json");
    if (plan != files.end() && plan->second == original.at("plan.json")) EGRET_CHECK(files == original, "a changed file is refused");
  }
  EGRET_CHECK(loaded->inputs().size() < 10'000 && loaded->outputs().size() < 10'000, "ports are counted");
  return true;
}

}  // namespace

const Target& target() {
  static const Target kTarget = {"artifact", 5, corpus, make, run};
  return kTarget;
}

}  // namespace egret::fuzz
