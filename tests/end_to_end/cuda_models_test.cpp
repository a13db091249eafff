// Every distinct kernel of whole models' programs for the H200: printed, run under the shim at small sizes against the
// reference interpreter, and compiled for sm_80 and sm_90a without a spill.
//
//   cuda_models_test [--target DEVICE] [--list] MODEL.onnx|PROGRAM.egret ...
//
// --list prints the bodies and does no more.  A model that is not there fails: experiments/suites/make_models.py makes it.
//
// All models (about 6 minutes on 2 quiet cores):
//   cuda_models_test .cache/models/{bvlc_alexnet,densenet121,inception_v1,inception_v2,resnet50,shufflenet,squeezenet,
//                                   vgg19,zfnet512,minilm}.onnx
#include <iostream>

#include "ir/text/text.h"
#include "lower/cuda/nvrtc.h"
#include "tests/end_to_end/model_kernels.h"
#include "tests/lower/cuda_shim/check.h"

namespace egret {
namespace {

// True where all is right.
bool judge(const std::string& path, const std::string& target, bool list) {
  auto kernels = test::kernels_of_model(path, target);
  if (!kernels.ok()) {
    std::cout << path << ": " << kernels.error().to_string() << "\n";
    return false;
  }
  if (list) {
    for (const Kernel& k : *kernels) std::cout << to_string(k.plan.schedule) << "\n" << print(k.body) << "\n";
    return true;
  }
  const lower::ShimReport shim = lower::check_under_shim(*kernels);
  lower::CubinReport cubins;
  if (lower::nvrtc_available()) {
    cubins = lower::check_cubins(*kernels, {"sm_80", "sm_90a"});
  } else {
    std::cout << "SKIPPED: " << kernels->size() << " kernels are not compiled, NVRTC is not here\n";
  }
  for (const auto& failures : {shim.failures, shim.not_run, cubins.failures}) {
    for (const std::string& failure : failures) std::cout << "WRONG " << failure << "\n";
  }
  std::cout << path << ": " << shim.kernels << " kernels, " << shim.runs << " runs, " << shim.same_text << " in their own text, "
            << shim.other_text << " printed anew, worst error " << shim.worst_error << "; " << cubins.cubins
            << " cubins, at most " << cubins.most_registers << " registers" << std::endl;
  return shim.kernels > 0 && shim.failures.empty() && shim.not_run.empty() && cubins.failures.empty();
}

}  // namespace
}  // namespace egret

int main(int argc, char** argv) {
  std::string target = "h200";
  std::vector<std::string> models;
  bool list = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--target" && i + 1 < argc) {
      target = argv[++i];
    } else if (word == "--list") {
      list = true;
    } else {
      models.push_back(word);
    }
  }
  bool right = !models.empty();
  for (const std::string& model : models) right &= egret::judge(model, target, list);
  std::cout << (right ? "all right" : "FAILED") << "\n";
  return right ? 0 : 1;
}
