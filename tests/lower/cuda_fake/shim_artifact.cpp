#include "tests/lower/cuda_fake/shim_artifact.h"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "lower/runtime/plan.h"
#include "support/files.h"
#include "support/hash.h"

namespace egret::lower {
namespace {

Result<std::string> compile(const std::string& source, const std::string& function, const std::string& stem) {
  const std::string text = "#include \"tests/lower/cuda_shim/shim.h\"\n" + source +
                           "template <class... A> constexpr long long parameters(void (*)(A...)) { return sizeof...(A); }\n"
                           "extern \"C\" int egret_shim_run_" + function + "(int reversed, void** arguments) {\n"
                           "  return shim::launch(" + function + ", GRID_X, BLOCK_X, SHARED_BYTES, reversed != 0, arguments);\n}\n"
                           "extern \"C\" void egret_shim_geometry_" + function + "(long long* out) {\n"
                           "  out[0] = GRID_X, out[1] = BLOCK_X, out[2] = SHARED_BYTES, out[3] = parameters(" + function + ");\n}\n";
  EGRET_TRY_VOID(write_file(stem + ".cpp", text));
  const std::string command = "g++ -std=c++17 -O2 -w -fPIC -shared -fno-math-errno -ffp-contract=off -I '" EGRET_SOURCE_DIR
                              "' '" + stem + ".cpp' -o '" + stem + ".so' 2> '" + stem + ".log'";
  if (std::system(command.c_str()) != 0) {
    auto log = read_file(stem + ".log");
    return internal_error("g++ does not compile " + function + ":\n" + (log.ok() ? log->substr(0, 2000) : ""));
  }
  return read_file(stem + ".so");
}

}  // namespace

Result<std::map<std::string, std::string>> with_shim_cubins(std::map<std::string, std::string> files) {
  EGRET_TRY(Plan plan, parse_plan(files[kPlanFile]));
  std::string folder = (std::filesystem::temp_directory_path() / "egret-shim-XXXXXX").string();
  if (!mkdtemp(folder.data())) return io_error("no temporary folder");
  std::vector<std::optional<Result<std::string>>> made(plan.kernels.size());
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t k = next++; k < plan.kernels.size(); k = next++) {
      if (!plan.kernels[k].cuda) continue;
      const PlanCuda& cuda = *plan.kernels[k].cuda;
      made[k] = compile(files[cuda.source], cuda.function, folder + "/" + cuda.function);
    }
  };
  std::thread second(work);
  work();
  second.join();
  std::filesystem::remove_all(folder);
  for (size_t k = 0; k < plan.kernels.size(); ++k) {
    if (!made[k]) continue;
    PlanCuda& cuda = *plan.kernels[k].cuda;
    for (const auto& [architecture, path] : cuda.cubins) files.erase(path), plan.files.erase(path);
    const std::string path = "kernels/" + cuda.function + ".sm_90a.cubin";
    cuda.cubins = {{"sm_90a", path}};
    EGRET_TRY(files[path], std::move(*made[k]));
    plan.files[path] = digest(files[path]);
  }
  files[kPlanFile] = print_plan(plan);
  return files;
}

}  // namespace egret::lower
