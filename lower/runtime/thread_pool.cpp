#include "lower/runtime/thread_pool.h"

#include <algorithm>

namespace egret {
namespace {

// Between two launches a worker looks a little while before it sleeps: launches follow each other within microseconds.
constexpr int kSpins = 4000;
constexpr int64_t kMaxChunks = 4096;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

int pool_threads(int asked) {
  if (asked <= 0) asked = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(asked, 1, 256);
}

ThreadPool::ThreadPool(int threads) {
  threads = pool_threads(threads);
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  loop_.fetch_add(1);
  loop_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::take_chunks(int thread) {
  uint64_t seen = ticket_.load(std::memory_order_acquire);
  for (;;) {
    Ticket t = unpack(seen);
    if (t.next >= t.chunks) return;
    ++t.next;
    if (!ticket_.compare_exchange_weak(seen, pack(t), std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    // The loop cannot end before this chunk is done, so its fields stay as they are.
    const int64_t begin = (t.next - int64_t{1}) * chunk_;
    (*body_)(thread, begin, std::min(begin + chunk_, items_));
    if (done_.fetch_add(1, std::memory_order_acq_rel) + 1 == t.chunks) done_.notify_one();
    seen = ticket_.load(std::memory_order_acquire);
  }
}

void ThreadPool::work(int thread) {
  uint32_t seen = 0;
  for (;;) {
    for (int i = 0; i < kSpins && loop_.load(std::memory_order_acquire) == seen; ++i) pause();
    if (loop_.load(std::memory_order_acquire) == seen) {
      asleep_.fetch_add(1);
      loop_.wait(seen);
      asleep_.fetch_sub(1);
    }
    seen = loop_.load(std::memory_order_acquire);
    if (stop_) return;
    take_chunks(thread);
  }
}

void ThreadPool::run(int64_t items, int64_t chunk, const Body& body) {
  if (items <= 0) return;
  chunk = std::max<int64_t>({chunk, 1, (items + kMaxChunks - 1) / kMaxChunks});
  if (workers_.empty() || items <= chunk) {
    body(0, 0, items);
    return;
  }
  const int64_t chunks = (items + chunk - 1) / chunk;
  items_ = items;
  chunk_ = chunk;
  body_ = &body;
  done_.store(0, std::memory_order_relaxed);
  const uint32_t loop = loop_.load(std::memory_order_relaxed) + 1;
  ticket_.store(pack({loop, static_cast<uint16_t>(chunks), 0}), std::memory_order_release);
  loop_.store(loop);
  if (asleep_.load() > 0) loop_.notify_all();
  take_chunks(0);
  const int all = static_cast<int>(chunks);
  for (int i = 0; i < kSpins && done_.load(std::memory_order_acquire) != all; ++i) pause();
  for (int done = done_.load(std::memory_order_acquire); done != all; done = done_.load(std::memory_order_acquire)) {
    done_.wait(done, std::memory_order_acquire);
  }
}

}  // namespace egret
