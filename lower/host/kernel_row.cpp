// kRow: folds over inner axes with maps between and after, a row of the parallel axes at a time.
#include <algorithm>

#include "lower/host/row_emitter.h"

namespace egret::lower {

using llvm::Value;

namespace {

std::vector<uint8_t> row_mask(const Stage& stage) {
  std::vector<uint8_t> mask(stage.meaning.result.dims.size(), 0);
  for (int axis : stage.row_axes) mask[static_cast<size_t>(axis)] = 1;
  return mask;
}

double node_cost(const Nest& nest, NodeId root) {
  const Node& node = nest.node(root);
  double sum = node.kind == Node::Kind::kRead ? 0.2 : node.kind == Node::Kind::kCall ? 0.1 : 0.03;
  if (node.kind == Node::Kind::kCall && node.fn >= ScalarFn::kExp) sum += 0.5;
  for (NodeId a : node.args) sum += node_cost(nest, a);
  if (node.kind == Node::Kind::kFold) sum *= static_cast<double>(count(nest, node.variables));
  return sum;
}

}  // namespace

RowEmitter::RowEmitter(KernelEmitter& kernel, std::vector<int> numbers, std::vector<int> kept)
    : kernel_(kernel), e_(kernel.e_), numbers_(std::move(numbers)), kept_(std::move(kept)) {
  const Stages& stages = kernel.stages_;
  nest_ = make_nest([&](Nest& n) {
    rows_.clear();
    parts_.clear();
    std::vector<Linear> row_values;
    for (int64_t size : stages.row_sizes) {
      Nest::Axis axis = n.add_axis(size);
      row_values.push_back(axis.value);
      rows_.insert(rows_.end(), axis.variables.begin(), axis.variables.end());
    }
    for (int number : numbers_) {
      const Stage& stage = stages.stages[static_cast<size_t>(number)];
      const auto sizes = stage.meaning.result.sizes();
      Part part;
      std::vector<Linear> axes(sizes.size());
      const auto mask = row_mask(stage);
      for (size_t i = 0; i < stage.row_axes.size(); ++i) axes[static_cast<size_t>(stage.row_axes[i])] = row_values[i];
      for (size_t i = 0; i < sizes.size(); ++i) {
        if (mask[i]) continue;
        Nest::Axis axis = n.add_axis(sizes[i]);
        axes[i] = axis.value;
        part.inner.insert(part.inner.end(), axis.variables.begin(), axis.variables.end());
      }
      part.root = n.import(stage.meaning, stage.meaning.body, axes, [&](uint32_t operand) -> Nest::Operand {
        if (operand < stages.ports.size()) return {stages.ports[operand].sizes(), {}};
        const Stage& from = stages.stages[operand - stages.ports.size()];
        const auto from_sizes = from.meaning.result.sizes();
        // A result is read where it was stored; what this emitter does not compute itself is a row of scratch.
        const int from_number = static_cast<int>(operand - stages.ports.size());
        if (from.output >= 0 && !is_kept(from_number) && std::find(numbers_.begin(), numbers_.end(), from_number) != numbers_.end())
          return {from_sizes, {}};
        return {from_sizes, row_mask(from)};
      });
      part.output_address = n.track(row_major(axes, sizes));
      part.scratch_address = n.track(row_major(axes, sizes, mask));
      parts_.push_back(std::move(part));
    }
  });
  nest_.merge(rows_);
  for (Part& part : parts_) nest_.merge(part.inner);
  nest_.merge_folds();
  for (const Part& part : parts_) {
    row_cost_ += node_cost(nest_, part.root) * static_cast<double>(count(nest_, part.inner));
  }
  places_ = kernel.port_places();
  places_.resize(stages.ports.size() + stages.stages.size());
}

Scope RowEmitter::scope() const {
  Scope scope;
  scope.nest = &nest_;
  scope.variables.resize(nest_.variable_count());
  scope.operands = places_;
  return scope;
}

int RowEmitter::port_contiguity(NodeId root, VarId v) const {
  return Emitter::contiguity(nest_, {&root, 1}, v, static_cast<uint32_t>(kernel_.stages_.ports.size()));
}

bool RowEmitter::prefer_row_vectors() const {
  if (rows_.empty() || nest_.size(rows_.back()) < e_.lanes / 2) return false;
  int along_rows = 0, along_inner = 0;
  for (const Part& part : parts_) {
    if (count(nest_, part.inner) * e_.lanes > 256 * 1024) return false;
    along_rows += port_contiguity(part.root, rows_.back());
    int best = part.inner.empty() ? 0 : port_contiguity(part.root, part.inner.back());
    std::vector<NodeId> pending = {part.root};
    while (!pending.empty()) {
      const Node& node = nest_.node(pending.back());
      pending.pop_back();
      if (node.kind == Node::Kind::kFold) {
        for (VarId v : node.variables) best = std::max(best, port_contiguity(node.args[0], v));
      }
      pending.insert(pending.end(), node.args.begin(), node.args.end());
    }
    along_inner += best;
  }
  return along_rows > along_inner;
}

void RowEmitter::allocate(bool row_vectors) {
  row_vectors_ = row_vectors;
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Stage& stage = kernel_.stages_.stages[static_cast<size_t>(numbers_[i])];
    OperandPlace place;
    place.dtype = stage.meaning.result.dtype;
    if (is_kept(numbers_[i])) continue;
    if (stage.output >= 0) {
      place.base = kernel_.output(stage.output);
    } else {
      const int64_t elements = count(nest_, parts_[i].inner) * (row_vectors ? e_.lanes : 1);
      place.base = kernel_.scratch(elements * size_in_bytes(place.dtype));
      place.lane_minor = row_vectors;
    }
    place.empty = stage.meaning.result.elements_count() == 0;
    set_place(numbers_[i], place);
  }
}

void RowEmitter::emit(Scope& scope) {
  for (size_t i = 0; i < parts_.size(); ++i) {
    Scope inner = scope;
    inner.operands = places_;
    emit_stage(inner, i);
  }
}

void RowEmitter::emit_stage(Scope& scope, size_t i) {
  const Stage& stage = kernel_.stages_.stages[static_cast<size_t>(numbers_[i])];
  const Part& part = parts_[i];
  const OperandPlace& place = places_[kernel_.stages_.ports.size() + static_cast<size_t>(numbers_[i])];
  if (place.empty) return;  // nothing to store
  const bool to_output = stage.output >= 0 && !is_kept(numbers_[i]);
  const DType dtype = stage.meaning.result.dtype;
  auto put = [&](Scope& at, Value* v) {
    const Linear& address = nest_.tracked(to_output ? part.output_address : part.scratch_address);
    if (place.lane_minor) {
      Value* p = e_.b.CreateGEP(e_.memory_type(dtype), place.base,
                                e_.b.CreateMul(e_.scalar_index(at, address), e_.i64(e_.lanes)));
      e_.b.CreateAlignedStore(e_.to_memory(dtype, e_.widen(v)), p,
                              llvm::Align(static_cast<uint64_t>(size_in_bytes(dtype))));
    } else {
      e_.store(at, v, dtype, place.base, e_.index(at, address));
    }
  };
  auto compute = [&](Scope& at) { put(at, e_.value(at, part.root)); };
  if (part.inner.empty()) return compute(scope);
  const VarId v = part.inner.back();
  // Along the row where it is contiguous; else element by element, with lanes along a fold where one is contiguous.
  const bool scalar = row_vectors_ || nest_.size(v) < 2 ||
                      (Emitter::contiguity(nest_, {&part.root, 1}, v) < 0 && nest_.size(v) < 4 * e_.lanes);
  segments(e_, scope, part.inner, e_.i64(0), e_.i64(count(nest_, part.inner)),
           [&](Scope& outer, Value* low, Value* high) {
             if (scalar) {
               e_.loop(low, high, 1, [&](Value* at) {
                 Scope inner = outer;
                 inner.variables[v] = at;
                 compute(inner);
               });
             } else {
               e_.lane_loop(outer, v, low, high, compute);
             }
           });
}

Status KernelEmitter::emit_row() {
  std::vector<int> all;
  for (size_t i = 0; i < stages_.stages.size(); ++i) all.push_back(static_cast<int>(i));
  RowEmitter rows(*this, all);
  const bool vectors = rows.prefer_row_vectors();
  rows.allocate(vectors);
  const Nest& nest = rows.nest();
  const auto group = rows.rows();
  if (!vectors) {
    shape_.items = count(nest, group);
    shape_.item_cost = rows.row_cost();
    e_.loop(begin_, end_, 1, [&](Value* item) {
      Scope scope = rows.scope();
      if (!group.empty()) bind_group(e_, scope, group, item);
      rows.emit(scope);
    });
    return {};
  }
  const VarId v = group.back();
  const int64_t w = e_.lanes, size = nest.size(v), blocks = (size + w - 1) / w;
  shape_.items = count(nest, group.first(group.size() - 1)) * blocks;
  shape_.item_cost = rows.row_cost() * static_cast<double>(w) / 4;
  e_.loop(begin_, end_, 1, [&](Value* item) {
    Scope scope = rows.scope();
    if (group.size() > 1) bind_group(e_, scope, group.first(group.size() - 1), b_.CreateUDiv(item, e_.i64(blocks)));
    Value* low = b_.CreateMul(b_.CreateURem(item, e_.i64(blocks)), e_.i64(w));
    scope.vector = v;
    scope.variables[v] = low;
    if (size % w == 0) return rows.emit(scope);
    Value* left = b_.CreateSub(e_.i64(size), low);
    Scope partial = scope;
    auto full = [&] { rows.emit(scope); };
    e_.if_then(b_.CreateICmpSGE(left, e_.i64(w)), full, [&] {
      partial.mask.tail = b_.CreateICmpSLT(e_.iota(b_.getInt32Ty()), e_.widen(b_.CreateTrunc(left, b_.getInt32Ty())));
      rows.emit(partial);
    });
  });
  return {};
}

}  // namespace egret::lower
