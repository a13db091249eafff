// Engine: a plan with its object code in memory: runs launches over values at fixed places.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "ir/tensor.h"
#include "lower/runtime/elf_object.h"
#include "lower/runtime/plan.h"
#include "lower/runtime/thread_pool.h"
#include "support/result.h"

namespace egret {

// Zeroed memory on huge pages where the system has them.
class Memory {
 public:
  explicit Memory(uint64_t bytes = 0);
  Memory(Memory&& other) noexcept : data_(other.data_), size_(other.size_) { other.data_ = nullptr, other.size_ = 0; }
  Memory& operator=(Memory&& other) noexcept;
  ~Memory();
  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t size_ = 0;
};

class Engine {
 public:
  // Fails where the object lacks a function of the plan, this processor lacks the plan's level, or memory is short.
  static Result<std::unique_ptr<Engine>> make(Plan plan, std::string_view object, int threads);

  const Plan& plan() const { return plan_; }
  std::byte* place(uint32_t value) const { return places_[value]; }  // null: has no place in the run plan
  uint64_t bytes() const;

  // `launch_seconds`: of each launch of the run plan, the least of the runs it has seen (0: none yet).
  void run(std::vector<double>* launch_seconds = nullptr);
  // Runs the prepare plan: `weights[value]` are its inputs' bytes; returns its `prepared` values (empty tensors
  // elsewhere).
  Result<std::vector<Tensor>> prepare(const std::vector<std::span<const std::byte>>& weights);

 private:
  Engine(Plan plan, int threads);
  void launch(const PlanLaunch& launch, const std::vector<void*>& places);

  using Function = void (*)(void* const* ports, void* scratch, int64_t begin, int64_t end);
  Plan plan_;
  ElfObject object_;
  std::vector<Function> functions_;
  Memory arena_, weights_, scratch_;
  uint64_t scratch_stride_ = 0;
  std::vector<std::byte*> places_;
  ThreadPool pool_;
};

}  // namespace egret
