// Workers: loops over chunks, in one thread or in a TBB arena of the host's size.  Chunks depend on the sizes alone.
// Under ThreadSanitizer the threads are plain ones: it does not see the order that an uninstrumented TBB gives.
#pragma once

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace egret {

class Workers {
 public:
  Workers() = default;
  // 0: as many as the machine has; at most as many as TBB allows (tbb::global_control).
  explicit Workers(int threads) {
    const auto most = tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism);
    threads_ = std::min(threads > 0 ? threads : tbb::info::default_concurrency(), static_cast<int>(most));
    if (threads_ > 1) arena_ = std::make_unique<tbb::task_arena>(threads_);
  }
  int threads() const { return threads_; }
  bool several() const { return arena_ != nullptr; }

  // Calls run(i) for each i below `count`, in any order.
  template <class Run>
  void for_each(size_t count, Run&& run) const {
    if (!arena_ || count < 2) {
      for (size_t i = 0; i < count; ++i) run(i);
      return;
    }
#ifdef __SANITIZE_THREAD__
    std::atomic<size_t> next{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < threads_; ++t) {
      threads.emplace_back([&] {
        for (size_t i = next++; i < count; i = next++) run(i);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return;
#endif
    arena_->execute([&] { tbb::parallel_for(size_t{0}, count, run, tbb::simple_partitioner()); });
  }
  // Calls run(begin, end, chunk) for chunks of `grain` of 0 .. count-1.
  template <class Run>
  void for_chunks(size_t count, size_t grain, Run&& run) const {
    for_each(chunks(count, grain), [&](size_t c) { run(c * grain, std::min(count, (c + 1) * grain), c); });
  }
  // As `for_each`, and each thread begins with a share of its own, the same in every loop of as many calls; what is left of
  // the others' it takes then.  What a loop wrote is so near the thread that goes on with it: processors may share no cache.
  template <class Run>
  void for_each_own(size_t count, Run&& run) const {
    if (!arena_ || count < 2) return for_each(count, run);
    const size_t threads = static_cast<size_t>(threads_);
    std::vector<std::atomic<bool>> taken(count);
    for_each(threads, [&](size_t call) {
#ifdef __SANITIZE_THREAD__
      const size_t self = call;
#else
      const size_t self = static_cast<size_t>(tbb::this_task_arena::current_thread_index()) % threads;
#endif
      for (size_t k = 0, first = self * count / threads; k < count; ++k) {
        const size_t i = first + k < count ? first + k : first + k - count;
        if (!taken[i].exchange(true, std::memory_order_relaxed)) run(i);
      }
    });
  }
  template <class Run>
  void for_own_chunks(size_t count, size_t grain, Run&& run) const {
    for_each_own(chunks(count, grain), [&](size_t c) { run(c * grain, std::min(count, (c + 1) * grain), c); });
  }
  static size_t chunks(size_t count, size_t grain) { return (count + grain - 1) / grain; }

 private:
  int threads_ = 1;
  std::unique_ptr<tbb::task_arena> arena_;
};

}  // namespace egret
