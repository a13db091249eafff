// The module egret_llvm: kernels to an object through LLVM 19.
#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <mutex>

#include "lower/host/kernel_emitter.h"

namespace egret::lower {
namespace {

constexpr const char* kTriple = "x86_64-unknown-linux-gnu";

Result<std::unique_ptr<llvm::TargetMachine>> target_machine(HostLevel level) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    // Loop strength reduction takes half of the time of generating code and gains nothing outside of register tiles,
    // where `optimize` runs it.  LLVM has no other switch for it than the command line's.
    auto& switches = llvm::cl::getRegisteredOptions();
    if (auto it = switches.find("disable-lsr"); it != switches.end()) it->second->addOccurrence(0, "disable-lsr", "");
  });
  std::string message;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(kTriple, message);
  if (!target) return unsupported_error("LLVM has no x86-64 target: " + message);
  llvm::TargetOptions options;
  options.NoTrappingFPMath = true;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      kTriple, name(level), "", options, llvm::Reloc::PIC_, llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
  if (!machine) return internal_error("LLVM made no machine for x86-64");
  return machine;
}

// What the kernels need: locals to registers, common addresses, invariants out of loops, small loops unrolled; and in
// register tiles, the module's internal functions, addresses that step.
void optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager calls;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(calls);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, calls, modules);
  llvm::ModulePassManager passes;
  const char* pipeline =
      "function(sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,simplifycfg,"
      "loop-mssa(loop-rotate,licm<allowspeculation>),"
      "loop(indvars,loop-unroll-full),sroa,early-cse<memssa>,instcombine<no-verify-fixpoint>,"
      "gvn<>,loop-mssa(licm<allowspeculation>),dse,adce,simplifycfg)";
  if (auto error = builder.parsePassPipeline(passes, pipeline)) {
    fail_check("pipeline", llvm::toString(std::move(error)).c_str(), __FILE__, __LINE__);
  }
  passes.run(module, modules);
  llvm::FunctionPassManager tile_passes;
  if (auto error = builder.parsePassPipeline(tile_passes, "loop(loop-reduce)")) {
    fail_check("pipeline of tiles", llvm::toString(std::move(error)).c_str(), __FILE__, __LINE__);
  }
  for (llvm::Function& f : module) {
    if (f.hasInternalLinkage() && !f.isDeclaration()) tile_passes.run(f, functions);
  }
}

Result<HostCode> compile(std::span<const HostKernel> kernels, const HostOptions& options) {
  EGRET_TRY(auto machine, target_machine(options.level));
  llvm::LLVMContext context;
  llvm::Module module("egret", context);
  module.setTargetTriple(kTriple);
  module.setDataLayout(machine->createDataLayout());
  HostCode made;
  for (const HostKernel& kernel : kernels) {
    Emitter emitter(module, options.level, options.strict);
    KernelEmitter one(emitter, kernel);
    EGRET_TRY(HostKernelShape shape, one.emit());
    made.shapes.push_back(shape);
  }
  if (!options.code) return made;
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (const char* folder = std::getenv("EGRET_DUMP_LLVM")) {
    std::error_code error;
    llvm::raw_fd_ostream out(std::string(folder) + "/" + kernels.front().symbol + ".ll", error);
    module.print(out, nullptr);
  }
  if (llvm::verifyModule(module, &stream)) return internal_error("host code is not well formed: " + stream.str());
  optimize(module, *machine);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager codegen;
  if (machine->addPassesToEmitFile(codegen, out, nullptr, llvm::CodeGenFileType::ObjectFile)) {
    return internal_error("LLVM cannot write object code");
  }
  codegen.run(module);
  made.objects.emplace_back(bytes.begin(), bytes.end());
  return made;
}

}  // namespace
}  // namespace egret::lower

extern "C" __attribute__((visibility("default"))) void egret_compile_host(
    std::span<const egret::lower::HostKernel> kernels, const egret::lower::HostOptions& options,
    egret::Result<egret::lower::HostCode>* result) {
  *result = egret::lower::compile(kernels, options);
}
