// A SAT solver under assumptions: CaDiCaL behind a narrow face, with budgets in conflicts and the proof it writes.
//
// The same calls give the same answers: fixed seed, budgets counted in conflicts, no clock.  Techniques whose steps
// are not implied by the formula (variable elimination and the like) are off, so every clause that the solver logs
// follows by unit propagation (RUP) from those before it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace egret::extract {

// What the solver derives, in order.  `add` clauses follow by unit propagation; `drop` ones are needed no longer.
class ClauseLog {
 public:
  virtual ~ClauseLog() = default;
  virtual void add(std::span<const int> clause) = 0;
  virtual void drop(std::span<const int> clause) = 0;
};

enum class SatStatus { kModel, kUnsatisfiable, kUnknown };

class SatSolver {
 public:
  // `log` may be null; it must outlive the solver.
  explicit SatSolver(ClauseLog* log);
  ~SatSolver();
  SatSolver(const SatSolver&) = delete;
  SatSolver& operator=(const SatSolver&) = delete;

  // Is there a solver in this build?
  static bool available();

  // Literals are +-variable, variables from 1.
  void add(std::span<const int> clause);
  void add(std::initializer_list<int> clause) { add(std::span<const int>(clause.begin(), clause.size())); }

  // Ends with kUnknown after `conflicts` conflicts, or when `stop` says so.
  SatStatus solve(std::span<const int> assumptions, uint64_t conflicts, const std::function<bool()>& stop);

  // After kModel.
  bool value(int literal) const;
  // After kUnsatisfiable: was the assumption used?
  bool failed(int assumption) const;
  // All that has been derived so far is in the log.
  void flush_log();

  uint64_t conflicts() const;  // of all calls
  uint64_t calls() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace egret::extract
