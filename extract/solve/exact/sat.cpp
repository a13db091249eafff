#include "extract/solve/exact/sat.h"

#include "support/result.h"

#ifdef EGRET_HAVE_SAT
#include <algorithm>
#include <cadical.hpp>
#include <climits>
#include <cstdio>

namespace egret::extract {
namespace {

// Takes CaDiCaL's binary DRAT apart: 'a' or 'd', literals as variable-length numbers 2 |l| + (l < 0), and 0.
class ProofTap {
 public:
  explicit ProofTap(ClauseLog* log) : log_(log) {
    cookie_io_functions_t functions{};
    functions.write = [](void* self, const char* bytes, size_t n) {
      static_cast<ProofTap*>(self)->take(bytes, n);
      return static_cast<ssize_t>(n);
    };
    file_ = fopencookie(this, "w", functions);
    EGRET_CHECK(file_, "no stream for the proof");
  }
  ~ProofTap() { std::fclose(file_); }
  FILE* file() { return file_; }
  void flush() { std::fflush(file_); }

 private:
  void take(const char* bytes, size_t n) {
    for (size_t p = 0; p < n; ++p) {
      const auto byte = static_cast<unsigned char>(bytes[p]);
      if (kind_ == 0) {
        kind_ = byte;
        continue;
      }
      number_ |= static_cast<uint64_t>(byte & 127) << shift_;
      shift_ += 7;
      if (byte & 128) continue;
      if (number_ == 0) {
        kind_ == 'a' ? log_->add(clause_) : log_->drop(clause_);
        clause_.clear();
        kind_ = 0;
      } else {
        clause_.push_back(number_ & 1 ? -static_cast<int>(number_ >> 1) : static_cast<int>(number_ >> 1));
      }
      number_ = 0;
      shift_ = 0;
    }
  }

  ClauseLog* log_;
  FILE* file_ = nullptr;
  int kind_ = 0, shift_ = 0;
  uint64_t number_ = 0;
  std::vector<int> clause_;
};

class Stopper : public CaDiCaL::Terminator {
 public:
  bool terminate() override { return stop && *stop && (*stop)(); }
  const std::function<bool()>* stop = nullptr;
};

// CaDiCaL's interface has no count of conflicts; each gives one learned clause.
class ConflictCounter : public CaDiCaL::Learner {
 public:
  bool learning(int) override { return ++count, false; }
  void learn(int) override {}
  uint64_t count = 0;
};

}  // namespace

struct SatSolver::Impl {
  std::unique_ptr<ProofTap> tap;  // closed after the solver that writes to it
  Stopper stopper;
  ConflictCounter counter;
  CaDiCaL::Solver solver;
  uint64_t calls = 0;
};

SatSolver::SatSolver(ClauseLog* log) : impl_(std::make_unique<Impl>()) {
  CaDiCaL::Solver& s = impl_->solver;
  s.set("quiet", 1);
  s.set("seed", 0);
  s.set("phase", 0);  // most candidates are not chosen
  for (const char* off :
       {"elim", "block", "cover", "condition", "decompose", "ternary", "probe", "transred", "lucky", "walk"}) {
    s.set(off, 0);
  }
  if (log) {
    impl_->tap = std::make_unique<ProofTap>(log);
    s.trace_proof(impl_->tap->file(), "memory");
  }
  s.connect_terminator(&impl_->stopper);
  s.connect_learner(&impl_->counter);
}

SatSolver::~SatSolver() {
  impl_->solver.disconnect_terminator();
  impl_->solver.disconnect_learner();
}

void SatSolver::add(std::span<const int> clause) {
  for (int literal : clause) impl_->solver.add(literal);
  impl_->solver.add(0);
}

SatStatus SatSolver::solve(std::span<const int> assumptions, uint64_t conflicts, const std::function<bool()>& stop) {
  for (int literal : assumptions) impl_->solver.assume(literal);
  impl_->solver.limit("conflicts", static_cast<int>(std::min<uint64_t>(conflicts, INT_MAX)));
  impl_->stopper.stop = &stop;
  ++impl_->calls;
  const int answer = impl_->solver.solve();
  impl_->stopper.stop = nullptr;
  return answer == 10 ? SatStatus::kModel : answer == 20 ? SatStatus::kUnsatisfiable : SatStatus::kUnknown;
}

bool SatSolver::value(int literal) const { return impl_->solver.val(literal) > 0; }
bool SatSolver::failed(int assumption) const { return impl_->solver.failed(assumption); }

void SatSolver::flush_log() {
  if (!impl_->tap) return;
  impl_->solver.flush_proof_trace();
  impl_->tap->flush();
}

bool SatSolver::available() { return true; }
uint64_t SatSolver::conflicts() const { return impl_->counter.count; }
uint64_t SatSolver::calls() const { return impl_->calls; }

}  // namespace egret::extract

#else

// A build without CaDiCaL: nobody asks, since `available` says no.
namespace egret::extract {

struct SatSolver::Impl {};
SatSolver::SatSolver(ClauseLog*) {}
SatSolver::~SatSolver() = default;
void SatSolver::add(std::span<const int>) {}
SatStatus SatSolver::solve(std::span<const int>, uint64_t, const std::function<bool()>&) { return SatStatus::kUnknown; }
bool SatSolver::value(int) const { return false; }
bool SatSolver::failed(int) const { return false; }
void SatSolver::flush_log() {}
bool SatSolver::available() { return false; }
uint64_t SatSolver::conflicts() const { return 0; }
uint64_t SatSolver::calls() const { return 0; }

}  // namespace egret::extract

#endif
