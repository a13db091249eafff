// ExprPrinter: a comprehension's expressions as CUDA C++ statements.
//
// Each scalar becomes one `const` variable; a value is computed once in a scope, and what both branches of a selection
// (or its condition) need is computed before it, so that text grows with the expression's DAG and not with its tree.
// The branch not taken is not executed.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lower/cuda/cuda.h"
#include "lower/cuda/scalar_text.h"
#include "lower/cuda/sizes.h"

namespace egret::lower {

// Indented lines, and names that are new in the kernel.
class Writer {
 public:
  void line(const std::string& text) { text_ += std::string(2 * depth_, ' ') + text + "\n"; }
  void open(const std::string& text) { line(text + " {"), ++depth_; }
  void otherwise() { --depth_, line("} else {"), ++depth_; }
  void close() { --depth_, line("}"); }
  std::string fresh(const char* prefix) { return prefix + std::to_string(next_++); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  int depth_ = 1;
  int next_ = 0;
};

// What printing one kernel shares.
struct Printing {
  const Stages& stages;
  const Sizes& sizes;
  const CudaChoices& choices;
  Writer out;
  Library library;
  // A flat row-major position that has been cut into indices: what is read at all of them is read at the position.
  struct Flat {
    std::string position;
    std::vector<std::string> indices, sizes;
  } flat = {};

  uint32_t port_count() const { return static_cast<uint32_t>(stages.ports.size()); }
  const Stage& stage(int s) const { return stages.stages[s]; }
  // Row-major position of indices in an operand.
  std::string address(uint32_t operand, const std::vector<std::string>& indices) const;
};

class ExprPrinter {
 public:
  // How a stage that is read is found: a held value or an expression, or "" where it is to be computed again.
  using StageRead = std::function<std::string(int stage, const std::vector<std::string>& indices)>;
  // How an outermost fold is printed: gives the held value, or "" for the plain loop.
  using FoldHook = std::function<std::string(ExprPrinter&, ExprId fold)>;

  // `variables`: the C++ text of each result axis; folded ones are declared by the folds.
  ExprPrinter(Printing& printing, int stage, std::vector<std::string> variables, StageRead read_stage,
              FoldHook fold = {});

  std::string scalar(ExprId id);  // prints what it needs, returns a name or a literal
  std::string index(ExprId id);   // returns text in parentheses where it needs them
  std::string condition(ExprId id);
  std::string body();  // the result, converted to the result's type

  // For fold hooks and tiles: prints `variables` of a fold cut out of the flat position `flat`.
  void bind_flat(const std::vector<uint32_t>& variables, const std::string& flat);
  void bind(uint32_t variable, std::string text) { variables_[variable] = std::move(text); }
  std::string product(const std::vector<uint32_t>& variables) const;  // of sizes
  const std::string& variable(uint32_t v) const { return variables_[v]; }
  void set(ExprId id, std::string value) { scopes_.back()[id] = std::move(value); }
  const Comprehension& meaning() const { return meaning_; }
  int stage() const { return stage_; }
  Printing& printing() { return printing_; }
  void enter() { scopes_.emplace_back(); }
  void leave() { scopes_.pop_back(); }
  // The item of a fold at the current indices, in the accumulator's type (arg folds: the body's).
  std::string fold_item(const Expr& fold);

 private:
  using Ids = std::vector<ExprId>;  // sorted
  const Expr& expr(ExprId id) const { return meaning_.exprs[id]; }
  bool has_read(ExprId id);
  const Ids& always(ExprId id);  // what evaluating `id` evaluates whatever the conditions
  std::string argument(ExprId parent, size_t position);
  std::string known(ExprId id) const;
  std::string keep(ExprId id, const std::string& type, const std::string& text);
  std::string index_text(ExprId id);
  std::string read(const Expr& e);
  std::string select(ExprId id);
  std::string fold_loop(const Expr& e);
  std::string inline_stage(int stage, const std::vector<std::string>& indices);
  bool nonnegative(ExprId id) const;

  Printing& printing_;
  int stage_;
  const Comprehension& meaning_;
  std::vector<std::string> variables_;
  StageRead read_stage_;
  FoldHook fold_hook_;
  int fold_depth_ = 0;
  std::vector<std::map<ExprId, std::string>> scopes_;
  std::map<ExprId, Ids> always_;
  std::map<ExprId, bool> has_read_;
};

}  // namespace egret::lower
