// The facts of TensorEGraph's classes: interned types, known values, dependence.  For rules/lang only.
#pragma once

#include <atomic>
#include <map>
#include <unordered_map>
#include <vector>

#include "rules/lang/language.h"

namespace egret::rules {

// A known value: a number at every element, or a small tensor, or (all elements equal) both; and its enclosure: how far the
// run's licence may have moved any of it, and whether that says anything of it (enclosure.h).
struct KnownValue {
  std::optional<double> splat;
  TensorRef literal;
  double radius = 0;
  DType dtype = DType::f32;
  bool defined = true;
};

// Interns types as facts 0, 1, ...
class TypeTable {
 public:
  egraph::Fact intern(const Type& type);
  const Type& type(egraph::Fact fact) const { return rows_[fact]; }

 private:
  std::vector<Type> rows_;
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;
};

class ValueTable {
 public:
  egraph::Fact intern(const KnownValue& value);  // kNoFact where nothing is known
  const KnownValue& value(egraph::Fact fact) const { return rows_[fact]; }
  // One of two facts whose enclosures meet, the one that is not defined or the narrower; kConflict where they do not.  A value and its radius stay together, so
  // every fact encloses what exact arithmetic gives, and a class that computes itself anew (x + 0) never widens its own.
  egraph::Fact join(egraph::Fact a, egraph::Fact b, const Slack& slack) const;

 private:
  std::vector<KnownValue> rows_;
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;
};

struct TensorEGraph::Facts {
  Options options;
  TypeTable types;
  ValueTable values;
  uint32_t type_analysis = 0, value_analysis = 0, dependence_analysis = 0;
  std::vector<const OpDef*> ops;                      // by OpKind; null: unknown
  std::map<uint32_t, GraphInput> inputs;              // by attribute id of the `input` e-node
  std::map<std::string, uint32_t> input_attrs;        // attribute id by name
  struct Rounded {
    double radius = 0;
    bool lossy = true;  // algebra may give back what was lost, relative to it any number
  };
  std::map<egraph::AttrId, Rounded> rounded;          // what a leaf was folded from, by its attribute id, where that was rounded
  int64_t next_instance = 0;                          // of opaque e-nodes
  std::atomic<uint64_t> type_errors{0};               // e-nodes whose type does not follow from their operands'

  // Value of an e-node from the values of its operands; nothing where it is not worth knowing.
  KnownValue evaluate(const OpDef& op, const Attrs& attrs, std::span<const KnownValue> operands,
                      std::span<const Type> types, const Type& result) const;
  // The value alone, without its radius.
  KnownValue point(const OpDef& op, const Attrs& attrs, std::span<const KnownValue> operands, std::span<const Type> types,
                   const Type& result) const;
};

}  // namespace egret::rules
