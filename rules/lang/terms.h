// Terms as matching and building see them: a view of what exists (an e-graph, a table of exact terms) and a plan of what
// will be added.  One implementation of matching by role and of right sides works on these for the engine, for replay and
// for tests.  For rules/lang only.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/rules.h"

namespace egret::rules {

using TermId = uint32_t;

class TermView {
 public:
  virtual ~TermView() = default;
  virtual const OpDef& op(TermId node) const = 0;
  virtual const Attrs& attrs(TermId node) const = 0;
  virtual const Type* type(TermId term) const = 0;  // null: not known (yet)
  virtual std::optional<double> splat(TermId term) const = 0;
  virtual TensorRef literal(TermId term) const = 0;
  virtual Dependence depends(TermId term) const = 0;
};

// An existing term, or the number of a planned node.
struct TermRef {
  bool planned = false;
  uint32_t index = 0;
  friend bool operator==(const TermRef&, const TermRef&) = default;
};

using AxisId = uint32_t;  // an axis that operators pass on, whatever its size at each place

struct PlannedNode {
  const OpDef* op = nullptr;
  Attrs attrs;
  std::vector<TermRef> operands;
  Type type;
  bool implied = false;      // not written in the rule: a broadcast, a transpose, a splat
  std::vector<AxisId> axes;  // where axes are tracked
};

// A term at hand.  A number has no type until it meets a tensor.  `axes` where axes are tracked.
struct TermValue {
  bool is_number = false;
  double number = 0;
  std::optional<DType> dtype;  // of a number, where known
  std::optional<Dim> size;     // of a number that depends on named sizes (proofs alone)
  TermRef ref;
  std::vector<AxisId> axes;
};

class Plan {
 public:
  explicit Plan(const TermView& view) : view_(&view) {}
  const TermView& view() const { return *view_; }
  const Type& type(TermRef ref) const { return ref.planned ? nodes[ref.index].type : *view_->type(ref.index); }

  std::vector<PlannedNode> nodes;
  bool other_type = false;  // the right side is well typed, and provably of another type than the left

 private:
  const TermView* view_;
};

// A table of exact terms as a view.
class TableView : public TermView {
 public:
  explicit TableView(const TermTable& table) : table_(&table) {}
  const OpDef& op(TermId t) const override { return *table_->nodes[t].op; }
  const Attrs& attrs(TermId t) const override { return table_->nodes[t].attrs; }
  const Type* type(TermId t) const override { return &table_->nodes[t].type; }
  std::optional<double> splat(TermId t) const override {
    return t < table_->splat.size() ? table_->splat[t] : std::nullopt;
  }
  TensorRef literal(TermId t) const override {
    const TermNode& n = table_->nodes[t];
    auto it = n.op->name == "constant" ? n.attrs.find("value") : n.attrs.end();
    return it == n.attrs.end() ? nullptr : std::get<TensorRef>(it->second);
  }
  Dependence depends(TermId t) const override {
    return t < table_->depends.size() ? table_->depends[t] : Dependence::kData;
  }

 private:
  const TermTable* table_;
};

// Appends a plan; the number of planned node i is the first new one plus i.
void append(TermTable& table, const Plan& plan);

}  // namespace egret::rules
