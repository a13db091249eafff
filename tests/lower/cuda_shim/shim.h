// What lets g++ compile and run a printed CUDA kernel without a GPU.
//
// The threads of a block are fibres that run one after another; a barrier or a shuffle yields, blocks run in sequence.
// A barrier that some threads of the block (warp) never reach, or that two threads reach at different lines, ends the
// process with a message.  Shared memory and the exchange of shuffles are poisoned at the start of each block, and the
// order of the threads may be reversed, so that a missing barrier shows.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>
#ifndef __x86_64__
#include <ucontext.h>
#endif

#define __global__
#define __device__
#define __shared__
#define __forceinline__ inline
#define __launch_bounds__(threads, blocks)
#define __align__(bytes) __attribute__((aligned(bytes)))

struct ShimIndex {
  unsigned x = 0, y = 0, z = 0;
};
static ShimIndex threadIdx, blockIdx;

constexpr size_t kShimShared = 96 * 1024 + 1024, kShimGuard = 256;
extern "C" {
__attribute__((aligned(16))) unsigned char shared_memory[kShimShared + kShimGuard];
}

namespace shim {

constexpr int kMaxThreads = 1024, kWarp = 32;
constexpr size_t kStack = 64 * 1024;

enum class State { kReady, kAtWarp, kAtBlock, kDone };

struct Fibre {
  State state = State::kReady;
  int line = 0;         // of the barrier it waits at
  unsigned parity = 0;  // of its next shuffle
#ifdef __x86_64__
  void* stack_pointer = nullptr;
#else
  ucontext_t context;
#endif
};

struct Machine {
  std::vector<Fibre> fibres{kMaxThreads};
  std::vector<unsigned char> stacks = std::vector<unsigned char>(kMaxThreads * kStack);
  int current = 0, threads = 0;
  void (*body)(void*) = nullptr;
  void* argument = nullptr;
  uint64_t exchange[2][kMaxThreads];
#ifdef __x86_64__
  void* scheduler = nullptr;
#else
  ucontext_t scheduler;
#endif
};
inline Machine& machine() {
  static Machine instance;
  return instance;
}

[[noreturn]] inline void fail(const char* what, int line) {
  std::fprintf(stderr, "shim: block %u, thread %u, line %d: %s\n", blockIdx.x, threadIdx.x, line, what);
  std::abort();
}

#ifdef __x86_64__
// Saves the registers that a call keeps, stores the stack pointer, takes the other's.
__attribute__((naked, noinline)) inline void switch_stack(void** /*from*/, void* /*to*/) {
  __asm__ volatile(
      "pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
      "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
      "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret\n");
}
inline void to_scheduler() {
  Machine& m = machine();
  switch_stack(&m.fibres[m.current].stack_pointer, m.scheduler);
}
inline void to_fibre(int thread) {
  Machine& m = machine();
  switch_stack(&m.scheduler, m.fibres[thread].stack_pointer);
}
#else
inline void to_scheduler() {
  Machine& m = machine();
  swapcontext(&m.fibres[m.current].context, &m.scheduler);
}
inline void to_fibre(int thread) {
  Machine& m = machine();
  swapcontext(&m.scheduler, &m.fibres[thread].context);
}
#endif

inline void fibre_main() {
  Machine& m = machine();
  m.body(m.argument);
  m.fibres[m.current].state = State::kDone;
  to_scheduler();
  std::abort();
}

inline void make_fibre(int thread) {
  Machine& m = machine();
  Fibre& fibre = m.fibres[thread];
  fibre = Fibre{};
  unsigned char* stack = m.stacks.data() + thread * kStack;
#ifdef __x86_64__
  auto top = reinterpret_cast<uintptr_t>(stack + kStack) & ~uintptr_t{15};
  auto* words = reinterpret_cast<uint64_t*>(top);
  *--words = 0;  // a return address nobody uses keeps the alignment of a call
  *--words = reinterpret_cast<uint64_t>(&fibre_main);
  for (int i = 0; i < 6; ++i) *--words = 0;
  fibre.stack_pointer = words;
#else
  getcontext(&fibre.context);
  fibre.context.uc_stack.ss_sp = stack;
  fibre.context.uc_stack.ss_size = kStack;
  fibre.context.uc_link = nullptr;
  makecontext(&fibre.context, fibre_main, 0);
#endif
}

inline void wait(State at, int line) {
  Machine& m = machine();
  const int self = m.current;
  m.fibres[self].state = at;
  m.fibres[self].line = line;
  to_scheduler();
  threadIdx.x = static_cast<unsigned>(self);
}

// Frees threads [first, last) where all that still run wait at the same barrier.
inline bool release(int first, int last, State at) {
  Machine& m = machine();
  int line = -1;
  for (int t = first; t < last; ++t) {
    const Fibre& fibre = m.fibres[t];
    if (fibre.state == State::kDone) continue;
    if (fibre.state != at) return false;
    if (line >= 0 && fibre.line != line) fail("threads wait at different barriers", fibre.line);
    line = fibre.line;
  }
  for (int t = first; t < last; ++t) {
    if (m.fibres[t].state == at) m.fibres[t].state = State::kReady;
  }
  return line >= 0;
}

inline void run_block(int threads, size_t shared_bytes, bool reversed) {
  Machine& m = machine();
  m.threads = threads;
  std::memset(shared_memory, 0xff, shared_bytes + kShimGuard);
  std::memset(m.exchange, 0xff, sizeof m.exchange);
  for (int t = 0; t < threads; ++t) make_fibre(t);
  for (;;) {
    bool ran = false;
    for (int i = 0; i < threads; ++i) {
      const int t = reversed ? threads - 1 - i : i;
      if (m.fibres[t].state != State::kReady) continue;
      ran = true;
      m.current = t;
      threadIdx.x = static_cast<unsigned>(t);
      to_fibre(t);
    }
    for (int first = 0; first < threads; first += kWarp)
      ran |= release(first, first + kWarp < threads ? first + kWarp : threads, State::kAtWarp);
    ran |= release(0, threads, State::kAtBlock);
    if (!ran) break;
  }
  for (int t = 0; t < threads; ++t) {
    if (m.fibres[t].state != State::kDone) fail("a barrier that not all threads reach", m.fibres[t].line);
  }
}

template <class T>
T shuffle_xor(T value, int distance, int line) {
  Machine& m = machine();
  const int self = m.current;
  const unsigned parity = m.fibres[self].parity++ % 2;
  static_assert(sizeof(T) <= 8, "a shuffle moves up to 8 bytes");
  std::memcpy(&m.exchange[parity][self], &value, sizeof value);
  wait(State::kAtWarp, line);
  std::memcpy(&value, &m.exchange[parity][self ^ distance], sizeof value);
  return value;
}

template <class... A, size_t... I>
void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
  kernel(static_cast<A>(arguments[I])...);
}

// Runs a kernel whose parameters are pointers.  Answers 0, or 1 where shared memory was overrun.
template <class... A>
int launch(void (*kernel)(A...), long long grid, int threads, size_t shared_bytes, bool reversed, void** arguments) {
  if (shared_bytes > kShimShared) fail("more shared memory than devices have", 0);
  struct Call {
    void (*kernel)(A...);
    void** arguments;
  } target{kernel, arguments};
  Machine& m = machine();
  m.argument = &target;
  m.body = [](void* argument) {
    auto* t = static_cast<Call*>(argument);
    call(t->kernel, t->arguments, std::index_sequence_for<A...>{});
  };
  for (long long block = 0; block < grid; ++block) {
    blockIdx.x = static_cast<unsigned>(block);
    run_block(threads, shared_bytes, reversed);
    for (size_t i = 0; i < kShimGuard; ++i) {
      if (shared_memory[shared_bytes + i] != 0xff) return 1;
    }
  }
  return 0;
}

}  // namespace shim

#define __syncthreads() shim::wait(shim::State::kAtBlock, __LINE__)
#define __syncwarp() shim::wait(shim::State::kAtWarp, __LINE__)
#define __shfl_xor_sync(mask, value, distance) shim::shuffle_xor(value, distance, __LINE__)

static inline float __uint_as_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
static inline unsigned __float_as_uint(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}
static inline double __longlong_as_double(long long bits) {
  double value;
  std::memcpy(&value, &bits, 8);
  return value;
}
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
static inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
