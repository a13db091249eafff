#include "tests/end_to_end/model_kernels.h"

#include <set>

#include "frontends/onnx/reader.h"
#include "frontends/pass.h"
#include "ir/text/text.h"
#include "support/files.h"

namespace egret::test {
namespace {

Result<Graph> read(const std::string& path) {
  if (path.ends_with(".onnx")) return read_onnx(path);
  EGRET_TRY(const std::string text, read_file(path));
  return parse_graph(text, path);
}

}  // namespace

Result<std::vector<Kernel>> kernels_of_model(const std::string& path, const std::string& target) {
  EGRET_TRY(const Graph graph, read(path));
  OptimizeOptions options;
  options.target = target;
  options.freeze = path.ends_with(".onnx");
  options.lower = false;
  options.proof = false;
  EGRET_TRY(OptimizeResult result, optimize(graph, options));
  std::vector<Kernel> kernels;
  std::set<uint32_t> used;
  for (const Launch& launch : result.program.run) {
    if (!used.insert(launch.kernel).second) continue;
    kernels.push_back(std::move(result.program.kernels[launch.kernel]));
  }
  return kernels;
}

}  // namespace egret::test
