// ThreadPool: the runtime's own threads.  A loop over items is cut in chunks that do not depend on timing; threads take
// chunks in order as they become free, so what an item computes is the same for any number of threads.
//
// The caller works too and waits only for chunks that others have taken, never for a thread that is still waking up.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace egret {

// How many threads a pool has that is asked for so many; 0: all cores.
int pool_threads(int asked);

class ThreadPool {
 public:
  // threads: 0 is one a processor; the caller's thread is one of them.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }
  // body(thread, begin, end) for chunks of [0, items).  Requires: not called from two threads at once.
  using Body = std::function<void(int thread, int64_t begin, int64_t end)>;
  void run(int64_t items, int64_t chunk, const Body& body);

 private:
  // A loop's number, how many chunks it has and the next one to take, changed as one: a thread that wakes late finds
  // either chunks of the loop that now runs or none.
  struct Ticket {
    uint32_t loop;
    uint16_t chunks, next;
  };
  static uint64_t pack(Ticket t) { return uint64_t{t.loop} << 32 | uint64_t{t.chunks} << 16 | t.next; }
  static Ticket unpack(uint64_t s) {
    return {static_cast<uint32_t>(s >> 32), static_cast<uint16_t>(s >> 16), static_cast<uint16_t>(s)};
  }
  void work(int thread);
  void take_chunks(int thread);

  std::vector<std::thread> workers_;
  std::atomic<uint64_t> ticket_{0};
  std::atomic<uint32_t> loop_{0};  // what sleeping threads wait on
  std::atomic<int> done_{0};       // chunks of the loop that are finished
  std::atomic<int> asleep_{0};
  std::atomic<bool> stop_{false};
  int64_t items_ = 0, chunk_ = 1;
  const Body* body_ = nullptr;
};

}  // namespace egret
