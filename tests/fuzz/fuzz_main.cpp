// Runs a target's cases in a child process and watches it: a crash, a failed check, a hang or too much memory ends the
// child, and the parent names seed and case, saves the input and starts the next child behind it.
//
//   fuzz_NAME [--seed N] [--seconds S] [--cases N] [--first K] [--file INPUT] PATH...
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "support/files.h"
#include "support/limits.h"
#include "tests/fuzz/fuzz.h"

namespace egret::fuzz {

std::vector<std::string> read_all(const std::vector<std::string>& paths, const std::string& suffix, size_t max_bytes) {
  std::vector<std::string> files, texts;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) files.push_back(path);
    else for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    if (!file.ends_with(suffix) || std::filesystem::is_directory(file)) continue;
    auto text = read_file(file, max_bytes);
    if (text.ok()) texts.push_back(*std::move(text));
  }
  return texts;
}

bool& verbose() {
  static bool on = false;
  return on;
}

void check_error(const Error& error) {
  if (verbose()) std::printf("%s\n", error.to_string().c_str());
  EGRET_CHECK(error.code != ErrorCode::kInternal, error.to_string().c_str());
  EGRET_CHECK(!error.message.empty(), "an error has a text");
  EGRET_CHECK(error.to_string().size() < 100'000, "an error is not as long as its input");
}

namespace {

constexpr uint64_t kMemory = uint64_t{3} << 30;  // address space of a child beyond what it starts with
constexpr int kMaxFailures = 10;

struct Arguments {
  uint64_t seed = 1, cases = ~uint64_t{0}, first = 0;
  double seconds = 20;
  std::string file;
  std::vector<std::string> paths;
};

// What the child tells: shared memory.
struct Progress {
  std::atomic<uint64_t> next;      // case that runs, or is to run
  std::atomic<uint64_t> accepted;
  std::atomic<bool> done;
};

std::string case_input(uint64_t seed, uint64_t number, const std::vector<std::string>& corpus) {
  Random random(hash_combine(seed, number));
  return target().make(random, corpus);
}

void limit_memory() {
#ifndef __SANITIZE_ADDRESS__  // which reserves terabytes
  const rlimit limit{kMemory + peak_resident_bytes(), RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
#endif
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
}

// Cases until the time or the count is over.
void run_cases(const Arguments& a, const std::vector<std::string>& corpus, double seconds, Progress& progress) {
  limit_memory();
  const Stopwatch watch;
  for (uint64_t k = progress.next; k - a.first < a.cases && watch.seconds() < seconds; ++k) {
    progress.next = k;
    if (target().run(case_input(a.seed, k, corpus))) ++progress.accepted;
    progress.next = k + 1;
  }
  progress.done = true;
  std::_Exit(0);
}

// Waits for the child; kills it where a case takes too long.  Returns what went wrong, or nothing.
std::string watch_child(pid_t child, Progress& progress) {
  uint64_t last = progress.next;
  Stopwatch since;
  bool hung = false;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    usleep(5000);
    if (progress.next != last) {
      last = progress.next;
      since = Stopwatch();
    } else if (since.seconds() > target().seconds_per_case && !progress.done) {
      hung = true;
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      break;
    }
  }
  if (hung) return fmt::format("takes more than {} s", target().seconds_per_case);
  if (WIFSIGNALED(status)) return fmt::format("ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0) return fmt::format("ended with status {}", WEXITSTATUS(status));
  return {};
}

int fuzz(const Arguments& a) {
  const std::vector<std::string> corpus = target().corpus(a.paths);
  if (corpus.empty()) {
    std::printf("fuzz %s: no corpus\n", target().name);
    return 1;
  }
  for (const std::string& input : corpus) {
    if (target().run(input)) continue;
    verbose() = true;
    std::printf("fuzz %s: an input of the corpus is refused:\n%.300s\n", target().name, input.c_str());
    target().run(input);
    return 1;
  }
  void* shared = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  EGRET_CHECK(shared != MAP_FAILED, "memory shared with the child");
  auto& progress = *new (shared) Progress{};
  progress.next = a.first;
  std::printf("fuzz %s: seed %llu, %zu inputs to start from\n", target().name, static_cast<unsigned long long>(a.seed), corpus.size());
  std::fflush(stdout);
  const Stopwatch watch;
  int failures = 0;
  while (!progress.done && failures < kMaxFailures) {
    const pid_t child = fork();
    EGRET_CHECK(child >= 0, "fork");
    if (child == 0) run_cases(a, corpus, a.seconds - watch.seconds(), progress);
    const std::string fault = watch_child(child, progress);
    if (fault.empty()) break;
    ++failures;
    const uint64_t number = progress.next;
    const std::string file = fmt::format("fuzz-{}-{}-{}.input", target().name, a.seed, number);
    std::printf("FAILED: seed %llu case %llu %s; again: fuzz_%s --seed %llu --first %llu --cases 1\n",
                static_cast<unsigned long long>(a.seed), static_cast<unsigned long long>(number), fault.c_str(), target().name,
                static_cast<unsigned long long>(a.seed), static_cast<unsigned long long>(number));
    if (const char* folder = std::getenv("EGRET_FUZZ_KEEP")) {
      const auto kept = write_file(std::string(folder) + "/" + file, case_input(a.seed, number, corpus));
      std::printf("  %s\n", kept.ok() ? ("its input: " + file).c_str() : kept.error().to_string().c_str());
    }
    progress.next = number + 1;
  }
  std::printf("fuzz %s: %llu cases in %.1f s, %llu accepted, %d failures\n", target().name,
              static_cast<unsigned long long>(progress.next - a.first), watch.seconds(),
              static_cast<unsigned long long>(progress.accepted), failures);
  return failures == 0 && progress.accepted > 0 ? 0 : 1;
}

}  // namespace
}  // namespace egret::fuzz

#ifdef EGRET_FUZZ_ENTRY

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  egret::fuzz::target().run({reinterpret_cast<const char*>(bytes), size});
  return 0;
}

#else

int main(int argc, char** argv) {
  egret::fuzz::Arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "0";
    if (word == "--seed") a.seed = std::strtoull(value, nullptr, 10), ++i;
    else if (word == "--seconds") a.seconds = std::strtod(value, nullptr), ++i;
    else if (word == "--cases") a.cases = std::strtoull(value, nullptr, 10), ++i;
    else if (word == "--first") a.first = std::strtoull(value, nullptr, 10), ++i;
    else if (word == "--file") a.file = value, ++i;
    else a.paths.push_back(word);
  }
  if (a.file.empty()) return egret::fuzz::fuzz(a);
  egret::fuzz::target().corpus(a.paths);
  const auto input = egret::read_file(a.file);
  EGRET_CHECK(input.ok(), "the input can be read");
  egret::fuzz::verbose() = true;
  std::printf("%s\n", egret::fuzz::target().run(*input) ? "accepted" : "refused");
  return 0;
}

#endif
