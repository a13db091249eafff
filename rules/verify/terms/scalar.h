// Scalar terms of a proof for all sizes: reads at index terms, functions, selections, folds over any number of items.
//
// Hash-consed.  A fold binds variables of its own, each running over [0, size); a reading of a tensor names an input.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/definitions/expr.h"
#include "rules/verify/terms/index.h"

namespace egret::rules {

struct ScalarNode {
  enum class Kind : uint8_t {
    kNumber,   // value
    kSize,     // an integer term as a number: ints[0]
    kRead,     // input `number` at ints
    kCall,     // fn(args)
    kSelect,   // cond ? args[0] : args[1]
    kFold,     // over variables `binders` below `ints`, of args[0]
  } kind = Kind::kNumber;
  ScalarFn fn = ScalarFn::kAdd;
  FoldKind fold = FoldKind::kSum;
  DType dtype = DType::f32;
  uint64_t bits = 0;       // of a number: its double, so that -0 is another one
  uint32_t number = 0;
  CondId cond = 0;
  std::vector<IntId> ints;
  std::vector<VariableId> binders;
  std::vector<ScalarId> args;
  double value() const { return std::bit_cast<double>(bits); }
  friend auto operator<=>(const ScalarNode&, const ScalarNode&) = default;
};

inline constexpr double kExactIntegers = 0x1p53;  // below, a double is the integer it stands for

class Scalars {
 public:
  explicit Scalars(Indices& indices) : indices_(indices) {}

  ScalarId number(double value, DType dtype);
  ScalarId size(IntId value, DType dtype);
  ScalarId read(uint32_t input, DType dtype, std::vector<IntId> at);
  ScalarId call(ScalarFn fn, DType dtype, std::vector<ScalarId> args);
  ScalarId select(CondId cond, ScalarId then, ScalarId otherwise);
  ScalarId fold(FoldKind kind, DType dtype, std::vector<VariableId> binders, std::vector<IntId> sizes, ScalarId body);
  ScalarId rebuilt(const ScalarNode& like, std::vector<ScalarId> args);  // the same operator on other arguments

  const ScalarNode& node(ScalarId id) const { return *nodes_[id]; }
  size_t size() const { return nodes_.size(); }
  // Variables that occur free, ascending.
  const std::vector<VariableId>& free(ScalarId id);
  bool depends_on(ScalarId id, const std::vector<VariableId>& variables);

  ScalarId substitute(ScalarId id, const Indices::Substitution& by);
  // In a condition, its index terms and the scalars that stand in them (Indices::substitute_cond leaves those as they are).
  CondId substitute_everywhere(CondId id, const Indices::Substitution& by);
  // With a condition taken as true or false wherever it stands.
  ScalarId assume(ScalarId id, CondId cond, bool truth);
  std::string to_string(ScalarId id) const;
  std::string to_string_index(IntId id) const;
  std::string to_string_cond(CondId id) const;

  Indices& indices() { return indices_; }

 private:
  ScalarId intern(ScalarNode node);
  ScalarId substitute(ScalarId id, const Indices::Substitution& by, std::map<ScalarId, ScalarId>& done);
  ScalarId assume(ScalarId id, CondId cond, bool truth, std::map<ScalarId, ScalarId>& done);

  Indices& indices_;
  std::map<ScalarNode, ScalarId> ids_;
  std::vector<const ScalarNode*> nodes_;
  std::map<ScalarId, std::vector<VariableId>> free_;
};

}  // namespace egret::rules
