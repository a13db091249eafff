// What two threads can gain on this machine at most: a cache line's way between two processors, and how much more of the
// hash-cons' kind of work, random reads and writes of one array, two do than one.  On virtual machines it changes with where the
// host places the processors.  Not a test: experiments/engine prints it beside its figures.
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

namespace {

constexpr int kRounds = 20;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// A thread on this processor.
template <class Run>
std::thread on(unsigned processor, const Run& run) {
  return std::thread([=] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    run();
  });
}

double round_trip() {
  constexpr uint32_t kTrips = 20'000;
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<uint32_t> ball{0};
    double took = 0;
    std::thread there = on(0, [&] {
      const double start = seconds();
      for (uint32_t i = 0; i < kTrips; ++i) {
        ball.store(2 * i + 1, std::memory_order_release);
        while (ball.load(std::memory_order_acquire) != 2 * i + 2) {
        }
      }
      took = seconds() - start;
    });
    std::thread back = on(1, [&] {
      for (uint32_t i = 0; i < kTrips; ++i) {
        while (ball.load(std::memory_order_acquire) != 2 * i + 1) {
        }
        ball.store(2 * i + 2, std::memory_order_release);
      }
    });
    there.join();
    back.join();
    best = std::min(best, took / kTrips);
  }
  return best;
}

// How often `work(thread)`, which touches memory that both share, is done by two threads in the time that one takes for it.
template <class Work>
double gain(const Work& work) {
  double one = 1e9, two = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const double start = seconds();
    on(0, [&] { work(0); }).join();
    const double middle = seconds();
    std::thread a = on(0, [&] { work(0); }), b = on(1, [&] { work(1); });
    a.join();
    b.join();
    one = std::min(one, middle - start);
    two = std::min(two, seconds() - middle);
  }
  return 2 * one / two;
}

}  // namespace

int main() {
  if (std::thread::hardware_concurrency() < 2) return std::puts("one processor") < 0;
  constexpr size_t kWords = size_t{4} << 20;
  std::vector<uint32_t> words(kWords, 1);
  const auto walk = [&](uint64_t thread, const auto& visit) {
    uint64_t random = 88172645463325252 * (thread + 1);
    for (int i = 0; i < 1'000'000; ++i) {
      random ^= random << 13, random ^= random >> 7, random ^= random << 17;
      visit(std::atomic_ref<uint32_t>(words[random % kWords]));
    }
  };
  std::atomic<uint32_t> sum{0};
  const double reads = gain([&](uint64_t thread) {
    uint32_t mine = 0;
    walk(thread, [&](std::atomic_ref<uint32_t> word) { mine += word.load(std::memory_order_relaxed); });
    sum += mine;
  });
  const double writes = gain([&](uint64_t thread) { walk(thread, [](std::atomic_ref<uint32_t> word) { word.store(7, std::memory_order_relaxed); }); });
  const double swaps = gain([&](uint64_t thread) { walk(thread, [](std::atomic_ref<uint32_t> word) { word.fetch_add(1, std::memory_order_relaxed); }); });
  std::printf("A cache line goes to the other processor and back in %.0f ns; of one array of 16 MiB two threads do %.2f times the random reads, "
              "%.2f times the writes and %.2f times the atomic additions of one.\n", 1e9 * round_trip(), reads, writes, swaps);
}
