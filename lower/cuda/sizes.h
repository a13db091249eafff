// Sizes: the named constants of a kernel's text.
//
// Axes of ports and variables of stages that must have one size (because one is read at the bare other) share a name
// D0, D1, ...  Constants inside index arithmetic that are such a size, or a product of them, are spelled by name, so
// that the text after the head is the same for other sizes.  A spelling is always equal to the constant at the sizes
// given; whether it still means the same at others is for whoever changes them to find out (by printing at those
// sizes).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lower/cuda/cuda.h"
#include "lower/kernel/stages.h"

namespace egret::lower {

class Sizes {
 public:
  explicit Sizes(const Stages& stages);

  // Name of the size of an operand's axis; operands are numbered as in a stage's reads (ports, then stages).
  const std::string& axis(uint32_t operand, int axis) const { return name(axis_site(operand, axis)); }
  const std::string& variable(int stage, uint32_t variable) const { return name(variable_site(stage, variable)); }
  // How argument `position` of expression `parent`, an integer constant, is spelled.
  std::string constant(int stage, ExprId parent, size_t position) const;
  // D0, D1, ... with their values.
  const std::vector<CudaConstant>& constants() const { return constants_; }

  // "D0 * D1" in the type Index; "Index(1)" for none.
  static std::string product(const std::vector<std::string>& names);

 private:
  struct Extent {  // an index expression is in [0, value), and how `value` is spelled
    int64_t value;
    std::string text;
  };
  size_t axis_site(uint32_t operand, int axis) const;
  size_t variable_site(int stage, uint32_t variable) const { return variable_first_[stage] + variable; }
  size_t find(size_t site) const;
  void unite(size_t a, size_t b);
  const std::string& name(size_t site) const { return constants_[name_of_[find(site)]].name; }
  int rank(uint32_t operand) const;
  int64_t axis_size(uint32_t operand, int axis) const;
  void unite_reads(int stage);
  void spell(int stage);
  void spell_sum(int stage, ExprId sum);
  void spell_read(int stage, const Expr& read);
  void spell_divisors(int stage, const Expr& read, int axis, ExprId index);
  std::optional<Extent> extent(int stage, ExprId index) const;

  const Stages& stages_;
  std::vector<size_t> axis_first_, variable_first_;  // first site of a port, of a stage
  std::vector<int64_t> value_;                       // of a site
  mutable std::vector<size_t> parent_;
  std::vector<size_t> name_of_;  // of a root, in constants_
  std::vector<CudaConstant> constants_;
  std::vector<std::map<std::pair<ExprId, size_t>, std::string>> spelled_;  // stage -> (parent, position)
};

}  // namespace egret::lower
