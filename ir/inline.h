// Inlining: values of a kernel's body as comprehensions over its ports, each operator's meaning substituted into its readers.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "ir/definitions/expr.h"
#include "ir/graph.h"

namespace egret {

// Requires of the body: static types; operators with definitions of one result.  Refers to it.
class Inliner {
 public:
  explicit Inliner(const Graph& body);

  // From now on `v` is not inlined but read, as operand number `ports + stage`; `only_in_place`: only where it is read at the
  // reader's own index.
  void set_stage(ValueId v, int stage, bool only_in_place);

  // The value for all its indices; operand number p < ports is port p.
  Result<Comprehension> meaning_of(ValueId v);

 private:
  using Indices = std::vector<ExprId>;

  ExprId index(uint32_t variable);
  ExprId read(size_t operand, DType dtype, Indices indices);
  Result<ExprId> value(ValueId v, const Indices& indices);
  // `variables`: what the variables of v's meaning become; `first_folded`: the result's variable for its first folded one.
  Result<ExprId> copied(ValueId v, const Indices& variables, uint32_t first_folded);

  const Graph& body_;
  std::vector<int> stage_of_, port_of_;
  std::vector<ValueId> in_place_only_;
  std::vector<std::optional<Comprehension>> meanings_;  // by value; made on first use
  Comprehension out_;
  ValueId root_ = 0;
  Indices own_;                                         // the root's own indices
  std::map<std::pair<ValueId, Indices>, ExprId> memo_;
};

}  // namespace egret
