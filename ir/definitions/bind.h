// Binding: how the axis groups of a definition stand in given operands; the common ground of the type rule, the
// comprehensions, the axis roles and the verifier's terms.  For ir/ and rules/verify/ only.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ir/definitions/definition.h"

namespace egret {

struct Binding {
  const OpDef* op = nullptr;
  const Definition* def = nullptr;
  std::span<const Type> operands;
  std::vector<const AttrValue*> attrs;               // by number; null: absent
  std::vector<int> counts;                           // axes of each group; -1 while not known
  std::vector<std::vector<std::vector<int>>> axes;   // [operand][place]: positions of its axes
  std::vector<std::vector<int>> result_axes;         // [place]
  int result_rank = 0;

  const DefOperand& spec(size_t operand) const { return def->operands[def->spec_of(operand)]; }
  const std::vector<Dim>* list(int attr) const { return std::get_if<std::vector<Dim>>(attrs[attr]); }
  // Size of axis `step` of a group in an operand; one axis serves every step.
  Dim size(size_t operand, int group, int step) const;
  DType common_dtype() const;
  // The operand that a node reads: of an operand group the one picked.
  size_t operand_of(const DefNode& read, std::optional<size_t> picked) const;
};

// Groups and their axes; errors are about ranks and attribute lists.  `counts_only` leaves out what needs the lists of
// `ints` attributes at their full length (used to spread defaults).
Result<Binding> bind(const OpDef& op, const Attrs& attrs, std::span<const Type> operands, bool counts_only = false);

// Where an expression on sizes is evaluated.
struct SizePlace {
  int step = 0;                  // position in the group
  int part = 0;                  // under `each`
  std::optional<size_t> picked;  // operand of an operand group
};
Result<Dim> eval_size(const Binding& b, DefId id, SizePlace place);
// The size of axis `place.step` of a fold's binder.
Result<Dim> binder_size(const Binding& b, const DefBinder& binder, SizePlace place);

// In which dtypes a fold is taken whose result is wanted as another: narrow floats are summed in f32 where nothing else is written.
struct FoldDTypes {
  DType element, accumulator;
  std::optional<DType> widened;  // what is read in this dtype is cast to the accumulator's
};
FoldDTypes fold_dtypes(const Binding& b, const DefNode& fold, DType want);

// Whether a condition on sizes is proved; false with `why` otherwise.
Result<bool> prove(const Binding& b, DefId id, SizePlace place, std::string* why);
// The value of a condition on attributes alone (groups == 1); nothing where it depends on more.
std::optional<bool> decide_by_attrs(const Binding& b, DefId id);

}  // namespace egret
