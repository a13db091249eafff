// RowEmitter: the stages of one row of the parallel axes, in order, into scratch and results.
#pragma once

#include <algorithm>

#include "lower/host/kernel_emitter.h"

namespace egret::lower {

class RowEmitter {
 public:
  // `numbers`: the stages to compute; another stage that they read (the anchor) is given a place by `set_place`, and so are
  // those of `numbers` that are `kept`: rows in scratch, though they may be results.
  RowEmitter(KernelEmitter& kernel, std::vector<int> numbers, std::vector<int> kept = {});

  const Nest& nest() const { return nest_; }
  std::span<const VarId> rows() const { return rows_; }
  double row_cost() const { return row_cost_; }
  void set_place(int stage, OperandPlace place) {
    places_[kernel_.stages_.ports.size() + static_cast<size_t>(stage)] = place;
  }
  // A scope with no variable bound.
  Scope scope() const;

  // Vectors along the last parallel axis (adjacent rows in lanes), rather than along each row.
  bool prefer_row_vectors() const;
  void allocate(bool row_vectors);  // scratch of the stages
  // The row whose variables are bound in the scope (row vectors: scope.vector is the last of rows()).
  void emit(Scope& scope);

 private:
  void emit_stage(Scope& scope, size_t i);
  bool is_kept(int number) const { return std::find(kept_.begin(), kept_.end(), number) != kept_.end(); }
  int port_contiguity(NodeId root, VarId v) const;

  KernelEmitter& kernel_;
  Emitter& e_;
  std::vector<int> numbers_, kept_;
  Nest nest_;
  std::vector<VarId> rows_;
  struct Part {
    NodeId root = 0;
    uint32_t output_address = 0, scratch_address = 0;  // tracked
    std::vector<VarId> inner;
  };
  std::vector<Part> parts_;
  std::vector<OperandPlace> places_;
  bool row_vectors_ = false;
  double row_cost_ = 0;
};

}  // namespace egret::lower
