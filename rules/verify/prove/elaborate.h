// From a graph over named sizes to scalar terms: an element of a value at any index.
//
// Reads the operators' one definition (ir/definitions/definition.h) as `instantiate` does, but sizes and indices are terms.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/assume.h"
#include "ir/graph.h"
#include "rules/verify/terms/scalar.h"
#include "support/result.h"

namespace egret::rules {

// Terms for named sizes: a variable each, but where facts say what a name is.
class Sizes {
 public:
  explicit Sizes(Indices& indices) : indices_(indices) {}

  IntId term(Dim d);
  // Takes facts in: an equality that gives a name makes it that term; the rest become hypotheses.
  void take(const std::vector<SizeFact>& facts);
  // Nothing is known of the names but their ranges and which of them are one: then some sizes meet all of it.
  bool all_free() const;
  // What holds of the names: their ranges, and the facts that are left.
  std::vector<CondId> hypotheses();
  // The names that were asked for, and what they are under the facts.
  std::vector<std::pair<std::string, IntId>> names();

 private:
  IntId named(const std::string& name, Dim d);
  bool solve(IntId zero);

  Indices& indices_;
  std::map<std::string, VariableId> variables_;
  std::map<std::string, std::pair<int64_t, int64_t>> ranges_;
  Indices::Substitution solved_;
  std::vector<SizeFact> left_;
};

// Elements of the values of one graph, whose inputs are those of the proof.  Composites must have been expanded.
class Elements {
 public:
  Elements(const Graph& graph, Sizes& sizes, Scalars& scalars);
  // Every element of an input is this number.
  void set_splat(uint32_t input, Dim number) { splats_[input] = number; }
  // `in_range`: conditions that the reader's definition promises of the index.
  Result<ScalarId> at(ValueId value, const std::vector<IntId>& index, const std::vector<CondId>& in_range = {});

 private:
  friend class Meaning;
  Result<ScalarId> part(ValueId value, int part, const std::vector<IntId>& index, const std::vector<CondId>& in_range);

  const Graph& graph_;
  Sizes& sizes_;
  Scalars& scalars_;
  std::map<ValueId, uint32_t> inputs_;
  std::map<uint32_t, Dim> splats_;
  std::map<std::tuple<ValueId, int, std::vector<IntId>>, ScalarId> done_;
};

}  // namespace egret::rules
