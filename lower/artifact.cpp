// Writing an artifact's files.
#include <filesystem>

#include <fmt/format.h>

#include "lower/lower.h"
#include "lower/runtime/plan.h"
#include "support/files.h"

namespace egret {
namespace {

namespace fs = std::filesystem;

// What an artifact may hold: an older one is replaced, anything else is left alone.
bool belongs(const fs::path& relative) {
  const std::string name = relative.generic_string();
  const std::string extension = relative.extension().string();
  if (name == kPlanFile || name == kWeightsFile || name == "proof.json" || name == "kernels") return true;
  return name.rfind("kernels/", 0) == 0 && (extension == ".o" || extension == ".cu" || extension == ".cubin");
}

}  // namespace

Status write_artifact(const Artifact& artifact, const std::string& folder) {
  std::error_code error;
  const fs::path root(folder);
  if (fs::exists(root, error)) {
    if (!fs::is_directory(root, error)) return io_error(fmt::format("{} is no folder", folder), "", SourceSpan{folder, 0, 0, ""});
    for (auto it = fs::recursive_directory_iterator(root, error); !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
      if (!belongs(fs::relative(it->path(), root, error))) {
        return input_error(fmt::format("{} holds files that are no artifact's ({})", folder, it->path().filename().string()),
                           "name a new or empty folder");
      }
    }
    if (error) return io_error(fmt::format("cannot read {}: {}", folder, error.message()));
  }
  fs::create_directories(root / "kernels", error);
  if (error) return io_error(fmt::format("cannot make {}: {}", folder, error.message()), "", SourceSpan{folder, 0, 0, ""});
  // A plan that names parts which are being replaced must not be found meanwhile.
  fs::remove(root / kPlanFile, error);
  for (auto it = fs::directory_iterator(root / "kernels", error); !error && it != fs::directory_iterator(); it.increment(error)) {
    if (!artifact.files.count("kernels/" + it->path().filename().string())) fs::remove(it->path(), error);
  }
  for (const char* file : {kWeightsFile, "proof.json"}) {
    if (!artifact.files.count(file)) fs::remove(root / file, error);
  }
  for (const auto& [path, bytes] : artifact.files) {
    if (path != kPlanFile) EGRET_TRY_VOID(write_file((root / path).string(), bytes));
  }
  if (auto plan = artifact.files.find(kPlanFile); plan != artifact.files.end()) {
    EGRET_TRY_VOID(write_file((root / kPlanFile).string(), plan->second));
  }
  return {};
}

}  // namespace egret
