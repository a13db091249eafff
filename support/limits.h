// Limits and cancellation: what bounds a loop, and how a host asks it to stop.
//
// Work budgets (nodes, matches, bytes) are deterministic; seconds are a safety net (design decision 11).
// A loop calls `Stopwatch::expired` at least once a batch.  Reaching a limit is a result, not an error.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace egret {

// Set by Ctrl-C or by a host; read by every loop.  Thread safety: any thread may set or read it.
class StopToken {
 public:
  void request_stop() { stopped_.store(true, std::memory_order_relaxed); }
  bool stop_requested() const { return stopped_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> stopped_{false};
};

// The process-wide token that the command line's signal handler sets.
StopToken& process_stop_token();

struct Limits {
  uint64_t enodes = 100'000;
  uint64_t matches = 10'000'000;            // matches applied in the whole run
  uint64_t bytes = uint64_t{8} << 30;       // of egret's own arenas
  uint64_t iterations = 30;
  double seconds = 600;
  const StopToken* stop = nullptr;          // not owned; may be null
};

// Seconds since construction, and whether a limit in seconds or a stop request has come.
class Stopwatch {
 public:
  Stopwatch() : start_(std::chrono::steady_clock::now()) {}
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  bool expired(const Limits& limits) const {
    return (limits.stop && limits.stop->stop_requested()) || seconds() >= limits.seconds;
  }

 private:
  std::chrono::steady_clock::time_point start_;
};

// Peak resident memory of this process in bytes.
uint64_t peak_resident_bytes();

}  // namespace egret
