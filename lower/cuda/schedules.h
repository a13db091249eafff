// The schedules: one function a class, that prints the statements of a kernel and says how it is launched.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "lower/cuda/cuda.h"
#include "lower/cuda/expr_printer.h"
#include "support/result.h"

namespace egret::lower {

// What stands around the statements.  Every figure is given twice: as text over the constants of the head, and as the
// number that the text has at the sizes given.
class Frame {
 public:
  std::vector<CudaConstant> tunables;  // block and tile lengths, guarded like the sizes
  std::string derived;                 // constexpr lines
  int64_t grid = 1, block = 1, shared_bytes = 0;

  // A guarded constant of the head.
  void tunable(const std::string& name, int64_t value) { tunables.push_back({name, value}); }
  void derive(const std::string& name, const std::string& text);
  // Shared memory of `count` elements; its name is a pointer in the kernel's statements.
  void share(const std::string& name, const std::string& type, int64_t type_bytes, const std::string& count,
             int64_t count_value);
  // Blocks of `threads` threads, as many as `blocks` says; registers are left for `resident` blocks a multiprocessor
  // (said to the compiler, for left to itself it aims at more and spills).
  void launch(const std::string& blocks, int64_t blocks_value, int64_t threads, int resident = 2);
  const std::vector<std::string>& pointers() const { return pointers_; }  // declarations of the shared arrays
  // Ends the list of shared arrays: SHARED_BYTES.
  void finish();

 private:
  std::vector<std::string> pointers_;
  std::string last_offset_ = "0";
};

// Statements over one point of the parallel axes, computed by `threads` neighbouring threads together.
struct RowScope {
  int threads = 1;               // 1; 32: a warp; more: the whole block
  std::string lane = "0";        // number of this thread among them
  std::vector<std::string> row;  // text of each parallel axis
  std::vector<std::vector<int>>
      row_axes;  // of each stage: its result axes that are the parallel axes; -1: it lacks one
  struct Shared {
    std::string array;  // whole rows, stage's other axes in row-major order
    std::string slot;   // which row of the array is this one's
  };
  std::map<int, Shared> shared;  // stages whose row is staged
  ExprPrinter::FoldHook fold;    // how an outermost fold of a whole stage is printed; none: plain loops
};

class RowPrinter {
 public:
  RowPrinter(Printing& printing, RowScope scope) : printing_(printing), scope_(std::move(scope)) {}
  void print_stage(int stage);
  // The stages of one point one after the other; all values stand before the first store, so that a result may take the place of a
  // port read at the same element.  Requires: stages of one element.
  void print_point(const std::vector<int>& stages);
  void hold(int stage, std::string value) { held_[stage] = std::move(value); }
  // Of a stage of one element a row that was printed: its value.
  const std::string& held(int stage) const { return held_.at(stage); }
  // Waits for the other threads of the row.
  void synchronize();

 private:
  std::vector<std::string> variables(int stage, const std::vector<std::string>& inner) const;
  std::string read(int stage, const std::vector<std::string>& indices);
  void store(int stage, const std::vector<std::string>& indices, const std::string& value);

  Printing& printing_;
  RowScope scope_;
  std::map<int, std::string> held_;  // stages with one element a row: the value, in every thread
  std::map<int, bool> in_memory_;    // results whose row other threads may read back
  bool later_ = false;               // stores of single elements wait
  std::vector<std::pair<int, std::vector<std::string>>> stores_;
};

// Axes of a stage's result that are not among `row_axes`, their number of elements, and that number as text.
std::vector<uint32_t> inner_axes(const Stage& stage, const std::vector<int>& row_axes);
int64_t count_of(const Stage& stage, const std::vector<uint32_t>& variables);
std::string count_text(const Printing& printing, int stage, const std::vector<uint32_t>& variables);

// A fold shared out among a warp or a block; gives the value in every thread.
std::string parallel_fold(ExprPrinter& printer, ExprId fold, int threads, const std::string& lane);
// Declares what parallel_fold of a whole block needs.
void share_partials(Frame& frame);

// For each stage, its result axes at which it holds the axes of the stage `anchor`, a contraction (-1: none).
Result<std::vector<std::vector<int>>> anchor_axes(const Stages& stages, int anchor);
std::vector<int> all_stages(const Stages& stages);

Result<Frame> print_element(Printing& printing);
Result<Frame> print_row(Printing& printing);
Result<Frame> print_contraction(Printing& printing);
Result<Frame> print_contraction_row(Printing& printing);  // kContractionRow, kContractionPair
Result<Frame> print_thin_contraction(Printing& printing);

}  // namespace egret::lower
