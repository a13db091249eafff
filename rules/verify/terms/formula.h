// Formula: scalar terms over variables, shared and folded as they are built; what an instance of a rule is expanded to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/definitions/expr.h"
#include "ir/graph.h"
#include "ir/tensor.h"
#include "support/result.h"

namespace egret::rules {

using FormulaId = uint32_t;

struct FormulaNode {
  enum class Kind : uint8_t { kConstant, kVariable, kCall, kSelect } kind = Kind::kConstant;
  ScalarFn fn = ScalarFn::kAdd;      // kCall
  DType dtype = DType::f32;          // i64 for indices, boolean for conditions
  double value = 0;                  // kConstant
  bool negative_zero = false;        // of which
  uint32_t variable = 0;             // kVariable
  std::vector<FormulaId> args;
  friend auto operator<=>(const FormulaNode&, const FormulaNode&) = default;
};

class Formulas {
 public:
  FormulaId constant(double value, DType dtype);
  FormulaId variable(uint32_t number, DType dtype);
  FormulaId call(ScalarFn fn, DType dtype, std::vector<FormulaId> args);
  FormulaId select(FormulaId condition, FormulaId then, FormulaId otherwise);
  const FormulaNode& node(FormulaId id) const { return nodes_[id]; }
  size_t size() const { return nodes_.size(); }
  bool is_constant(FormulaId id) const { return nodes_[id].kind == FormulaNode::Kind::kConstant; }

 private:
  FormulaId add(FormulaNode node);
  std::vector<FormulaNode> nodes_;
  std::map<FormulaNode, FormulaId> index_;
};

inline constexpr size_t kMaxFormulas = 400'000;  // of one instance

// Elements of every output of `graph`, whose inputs' elements are variables from `first` on, input by input.  Error: an
// operator without a comprehension, or more than kMaxFormulas terms.
Result<std::vector<std::vector<FormulaId>>> expand(const Graph& graph, uint32_t first, Formulas& formulas);

}  // namespace egret::rules
