// Writing an artifact's files.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

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
  if (name == "run.json" || name == "source.egret" || name == "optimized.egret" || name == "egraph.json" || name == "choice.json") return true;  // --keep-run
  return name.rfind("kernels/", 0) == 0 && (extension == ".o" || extension == ".cu" || extension == ".cubin");
}

// A finished folder takes the place of `root`: exchanged with an older artifact, so that one of the two is always there.
Status put_in_place(const fs::path& staged, const fs::path& root) {
  if (std::rename(staged.c_str(), root.c_str()) == 0) return {};  // absent, or an empty folder
  if (renameat2(AT_FDCWD, staged.c_str(), AT_FDCWD, root.c_str(), RENAME_EXCHANGE) == 0) return {};
  return io_error(fmt::format("cannot put the artifact in place: {}", std::strerror(errno)), "name a new folder",
                  SourceSpan{root.string(), 0, 0, ""});
}

}  // namespace

Status check_artifact_folder(const std::string& folder) {
  std::error_code error;
  const fs::path root = fs::absolute(folder, error);
  const SourceSpan where{folder, 0, 0, ""};
  if (fs::exists(root, error)) {
    if (!fs::is_directory(root, error)) return io_error("a file stands where the artifact's folder should be", "name a new folder", where);
    for (auto it = fs::recursive_directory_iterator(root, error); !error && it != fs::recursive_directory_iterator();
         it.increment(error)) {
      if (!belongs(fs::relative(it->path(), root, error))) {
        return input_error(fmt::format("the folder holds files that are no artifact's ({})", it->path().filename().string()),
                           "name a new or empty folder", where);
      }
    }
    if (error) return io_error(fmt::format("cannot read the folder: {}", error.message()), "name a new folder", where);
  }
  fs::path above = root;
  while (!fs::exists(above, error) && above.has_relative_path()) above = above.parent_path();
  if (!fs::is_directory(above, error) || access(above.c_str(), W_OK | X_OK) != 0) {
    return io_error(fmt::format("cannot make the artifact's folder in {}", above.string()), "name a folder that can be written", where);
  }
  return {};
}

Status write_artifact(const Artifact& artifact, const std::string& folder) {
  EGRET_TRY_VOID(check_artifact_folder(folder));
  std::error_code error;
  fs::path root = fs::weakly_canonical(folder, error);  // behind links, without a slash at the end
  if (error || !root.has_filename()) root = fs::absolute(folder, error).lexically_normal();
  if (!root.has_filename()) root = root.parent_path();
  const SourceSpan where{folder, 0, 0, ""};
  // Written beside the folder whole, then put in its place.
  const fs::path made_first = [&] {
    fs::path p = root.parent_path();
    fs::path first;
    for (; !fs::exists(p, error) && p.has_relative_path(); p = p.parent_path()) first = p;
    return first;
  }();
  const fs::path staged = root.parent_path() / fmt::format(".egret.{}.{:x}.tmp", getpid(), std::hash<std::string>()(root.string()));
  auto give_up = [&](Error reason) -> Status {
    fs::remove_all(staged, error);
    if (!made_first.empty()) fs::remove_all(made_first, error);
    return reason;
  };
  fs::create_directories(staged / "kernels", error);
  if (error) return give_up(io_error(fmt::format("cannot make the artifact's folder: {}", error.message()), "name a new folder", where));
  for (const auto& [path, bytes] : artifact.files) {
    if (auto status = write_file((staged / path).string(), bytes); !status.ok()) {
      return give_up(io_error(fmt::format("cannot write the artifact's file {}: {}", path, status.error().message),
                              "is the disk full?", where));
    }
  }
  if (auto status = put_in_place(staged, root); !status.ok()) return give_up(status.take_error());
  fs::remove_all(staged, error);  // the older one, where there was one
  return {};
}

}  // namespace egret
