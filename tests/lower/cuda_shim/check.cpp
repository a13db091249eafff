#include "tests/lower/cuda_shim/check.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "ir/evaluate/evaluate.h"
#include "ir/in_place.h"
#include "ir/text/text.h"
#include "lower/cuda/nvrtc.h"
#include "tests/lower/cuda_shim/resize.h"
#include "tests/lower/cuda_shim/shim_run.h"

namespace egret::lower {
namespace {

constexpr double kMostWork = 50;  // for kernels that cannot be made small, times the usual work

// Scalar operations that the interpreter does for a body, roughly.
double work_of(const Graph& body) {
  double work = 0;
  for (const GraphNode& node : body.nodes) {
    if (node.operands.empty()) continue;
    auto meanings = instantiate(*node.op, node.attrs, operand_types(body, node));
    if (!meanings.ok()) return 1e30;
    for (const Comprehension& meaning : *meanings) {
      double points = 1;
      for (int64_t size : meaning.sizes) points *= static_cast<double>(std::max<int64_t>(size, 1));
      work += points * static_cast<double>(meaning.exprs.size());
    }
  }
  return work;
}

struct Run {
  int entry = 0;
  std::string what;  // kernel and variant, for messages
  Graph body;
};

std::string after_head(const CudaKernel& kernel) { return kernel.source.substr(kernel.head.size()); }

void make_special(Tensor& tensor) {
  static const double kFloats[] = {std::nan(""), INFINITY, -INFINITY, -0.0, 0.0, 3e38, -1e30};
  static const int64_t kInts[] = {-1, INT32_MIN, INT32_MAX, 0, 100, -100, 127};
  for (int64_t i = 3; i < tensor.size(); i += 11) {
    if (is_float(tensor.dtype()))
      tensor.set(i, kFloats[i / 11 % 7]);
    else if (is_integer(tensor.dtype()))
      tensor.set_int(i, kInts[i / 11 % 7]);
  }
}

class Checker {
 public:
  Checker(int64_t work, double tolerance, bool special, const CudaChoices& given)
      : work_(static_cast<double>(work)), tolerance_(tolerance), special_(special), given_(given) {}

  void add(const Kernel& kernel, const std::string& name) {
    const std::string what = name + " (" + to_string(kernel.plan.schedule) + ")\n" + print(kernel.body);
    auto stages = make_stages(kernel);
    if (!stages.ok()) return fail(what, stages.error().message);
    const CudaChoices choices = chosen(kernel, *stages);
    auto printed = print_cuda(kernel, *stages, choices, name);
    if (!printed.ok()) return fail(what, printed.error().message);
    ++report_.kernels;
    bool same = false, other = false;
    if (work_of(kernel.body) <= work_) {
      runs_.push_back({batch_.add(*printed), what + "at its own sizes", kernel.body});
      same = true;
    }
    std::set<std::string> seen = {body_text(kernel.body)};
    for (int variant = 0; variant < 4; ++variant) {
      const auto body = small_body(kernel.body, variant);
      if (!body || !seen.insert(body_text(*body)).second) continue;
      const auto ran_same = add_small(kernel, *printed, choices, *body, what, variant, name);
      if (ran_same) (*ran_same ? same : other) = true;
    }
    if (!same && !other && work_of(kernel.body) <= kMostWork * work_) {
      runs_.push_back({batch_.add(*printed), what + "at its own sizes", kernel.body});
      same = true;
    }
    report_.same_text += same;
    report_.other_text += !same && other;
    if (!same && !other) report_.not_run.push_back(what + "no small sizes");
  }

  ShimReport finish() {
    auto compiled = batch_.compile();
    if (!compiled.ok()) {
      fail("the batch", compiled.error().message);
      return std::move(report_);
    }
    for (const Run& run : runs_) compare(run);
    return std::move(report_);
  }

 private:
  CudaChoices chosen(const Kernel& kernel, const Stages& stages) const {
    CudaChoices choices = choose(kernel, stages);
    choices.in_order = given_.in_order;
    choices.in_place = given_.in_place;
    return choices;
  }

  void fail(const std::string& what, const std::string& why) { report_.failures.push_back(what + ": " + why); }

  // Variant 0: a tile and a tail; 1: some tens; 2: a few; 3: ones.  Sizes shrink until the interpreter can follow.
  std::optional<Graph> small_body(const Graph& body, int variant) const {
    static constexpr int64_t kSizes[4][5] = {
        {70, 37, 133, 18, 65}, {19, 33, 12, 40, 7}, {3, 5, 2, 4, 6}, {1, 1, 1, 1, 1}};
    for (int64_t divisor = 1; divisor <= 64; divisor *= 2) {
      int next = 0;
      auto small = resized(body, [&](int, int64_t old) {
        const int64_t size = std::max<int64_t>(1, kSizes[variant][next++ % 5] / divisor);
        return std::min(old, size);
      });
      if (small && work_of(*small) <= work_) return small;
    }
    return std::nullopt;
  }

  // Whether the kernel's own text serves at these sizes; none where the body is no kernel of this class.
  std::optional<bool> add_small(const Kernel& kernel, const CudaKernel& printed, const CudaChoices& choices,
                                const Graph& body, const std::string& what, int variant, const std::string& name) {
    const PlanResult plan = plan_kernel(body);
    if (!plan.plan || plan.plan->schedule != kernel.plan.schedule) return std::nullopt;
    const Kernel small{body, *plan.plan};
    auto stages = make_stages(small);
    const std::string where = what + "variant " + std::to_string(variant);
    if (!stages.ok()) return fail(where, stages.error().message), std::nullopt;
    const bool alike = stages->stages.size() == choices.in_shared.size();
    auto again = print_cuda(small, *stages, alike ? choices : chosen(small, *stages), name);
    if (!again.ok()) return fail(where, again.error().message), std::nullopt;
    if (alike && after_head(*again) == after_head(printed)) {
      std::map<std::string, int64_t> defines;
      for (const CudaConstant& constant : again->constants) defines[constant.name] = constant.value;
      runs_.push_back({batch_.add(printed, defines), where + " by -D", body});
      expected_.push_back({runs_.back().entry, {again->grid[0], again->block[0], again->shared_bytes}});
      return true;
    }
    runs_.push_back({batch_.add(*again), where + " printed anew", body});
    expected_.push_back({runs_.back().entry, {again->grid[0], again->block[0], again->shared_bytes}});
    return false;
  }

  void compare(const Run& run) {
    for (const auto& [entry, geometry] : expected_) {
      if (entry != run.entry) continue;
      const auto found = batch_.geometry(entry);
      if (found.grid != geometry.grid || found.block != geometry.block || found.shared_bytes != geometry.shared_bytes)
        return fail(run.what, "launch geometry of the text and of the plan differ");
    }
    std::vector<Tensor> inputs = random_inputs(run.body, 7);
    if (special_) {
      for (Tensor& input : inputs) make_special(input);
    }
    auto reference = evaluate_reference(run.body, inputs);
    if (!reference.ok()) return fail(run.what, "reference: " + reference.error().message);
    std::vector<Type> types;
    for (const GraphOutput& output : run.body.outputs) types.push_back(run.body.type(output.value));
    std::vector<Takeover> taken;
    if (given_.in_place) {
      const Kernel kernel{run.body, *plan_kernel(run.body).plan};
      std::vector<uint32_t> buffers;
      for (uint32_t p = 0; p < inputs.size(); ++p) buffers.push_back(p);
      take_over(in_place(kernel), buffers, [](const Takeover&) { return true; }, [&](const Takeover& pair) { taken.push_back(pair); });
      report_.in_place[kernel.plan.schedule] += static_cast<int>(taken.size());
    }
    auto results = batch_.run(run.entry, inputs, types, taken);
    if (!results.ok()) return fail(run.what, results.error().message);
    ++report_.runs;
    for (size_t r = 0; r < types.size(); ++r) {
      const double error = relative_error((*reference)[r], (*results)[r]);
      report_.worst_error = std::max(report_.worst_error, error);
      if (!(error <= (is_float(types[r].dtype) && size_in_bytes(types[r].dtype) == 2 ? 2e-2 : tolerance_)))
        fail(run.what, "result " + std::to_string(r) + " differs by " + std::to_string(error));
    }
  }

  double work_, tolerance_;
  bool special_;
  const CudaChoices given_;
  ShimReport report_;
  ShimBatch batch_;
  std::vector<Run> runs_;
  std::vector<std::pair<int, ShimBatch::Geometry>> expected_;
};

}  // namespace

ShimReport check_under_shim(const std::vector<Kernel>& kernels, int64_t work, double tolerance, bool special, const CudaChoices& choices) {
  Checker checker(work, tolerance, special, choices);
  std::set<std::string> seen;
  for (size_t k = 0; k < kernels.size(); ++k) {
    if (kernels[k].plan.schedule == ScheduleClass::kAlias || !seen.insert(body_text(kernels[k].body)).second) continue;
    checker.add(kernels[k], "k" + std::to_string(k));
  }
  return checker.finish();
}

CubinReport check_cubins(const std::vector<Kernel>& kernels, const std::vector<std::string>& architectures) {
  CubinReport report;
  std::mutex mutex;
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t k = next++; k < kernels.size(); k = next++) {
      const std::string name = "k" + std::to_string(k);
      auto printed = print_cuda(kernels[k], name);
      for (const std::string& arch : architectures) {
        std::string failure;
        if (!printed.ok()) failure = printed.error().message;
        if (failure.empty() && printed->source.empty()) continue;
        int registers = 0;
        if (failure.empty()) {
          auto cubin = compile_cubin(printed->source, name, arch);
          if (!cubin.ok())
            failure = cubin.error().message;
          else if (cubin->spill_bytes != 0)
            failure = "spills " + std::to_string(cubin->spill_bytes) + " bytes";
          else
            registers = cubin->registers;
        }
        const std::lock_guard lock(mutex);
        report.most_registers = std::max(report.most_registers, registers);
        if (failure.empty())
          ++report.cubins;
        else
          report.failures.push_back(name + " for " + arch + ": " + failure + "\n" + print(kernels[k].body));
      }
    }
  };
  std::thread second(work);
  work();
  second.join();
  return report;
}

std::vector<Kernel> kernels_of_text(const std::string& text) {
  auto graph = parse_graph(text);
  EGRET_CHECK(graph.ok(), graph.ok() ? "" : graph.error().to_string().c_str());
  auto body = expand_composites(*graph);
  EGRET_CHECK(body.ok(), body.ok() ? "" : body.error().to_string().c_str());
  if (PlanResult plan = plan_kernel(*body); plan.plan) return {Kernel{*body, *plan.plan}};
  std::vector<Kernel> kernels;
  for (const GraphNode& node : body->nodes) {
    if (node.operands.empty() || !node.type.is_tensor()) continue;
    if (auto kernel = kernel_of(*node.op, node.attrs, operand_types(*body, node)); kernel.ok()) kernels.push_back(std::move(*kernel));
  }
  return kernels;
}

}  // namespace egret::lower
