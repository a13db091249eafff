// kElement: every result element by itself, in vectors along the axis that reads and stores contiguously.
#include <algorithm>

#include "lower/host/kernel_emitter.h"

namespace egret::lower {

using llvm::Value;

namespace {

struct ElementNest {
  std::vector<NodeId> roots;
  std::vector<uint32_t> addresses;  // tracked, by stage
  std::vector<VarId> group;
};

Nest fill_nest(const Stages& stages, const std::vector<int>& numbers, std::span<const int64_t> sizes,
               std::span<const std::vector<int>> maps, std::span<const int> order, ElementNest* out) {
  Nest nest = make_nest([&](Nest& n) {
    *out = {};
    std::vector<Linear> axes(sizes.size());
    for (int a : order) {
      Nest::Axis axis = n.add_axis(sizes[static_cast<size_t>(a)]);
      axes[static_cast<size_t>(a)] = axis.value;
      out->group.insert(out->group.end(), axis.variables.begin(), axis.variables.end());
    }
    for (size_t i = 0; i < numbers.size(); ++i) {
      const Comprehension& meaning = stages.stages[static_cast<size_t>(numbers[i])].meaning;
      std::vector<Linear> own;
      for (int a : maps[i]) own.push_back(a < 0 ? Linear{} : axes[static_cast<size_t>(a)]);
      out->roots.push_back(n.import(meaning, meaning.body, own, [&](uint32_t operand) -> Nest::Operand {
        if (operand < stages.ports.size()) return {stages.ports[operand].sizes(), {}};
        return {stages.stages[operand - stages.ports.size()].meaning.result.sizes(), {}};
      }));
      out->addresses.push_back(n.track(row_major(own, meaning.result.sizes())));
    }
  });
  nest.merge(out->group);
  nest.merge_folds();
  return nest;
}

bool has_vector_fold(const Nest& nest, NodeId root, int lanes) {
  const Node& node = nest.node(root);
  if (node.kind == Node::Kind::kFold && node.fold != FoldKind::kArgMax && node.fold != FoldKind::kArgMin &&
      !node.variables.empty() && nest.size(node.variables.back()) >= lanes &&
      Emitter::contiguity(nest, {&node.args[0], 1}, node.variables.back()) > 0) {
    return true;
  }
  return std::any_of(node.args.begin(), node.args.end(), [&](NodeId a) { return has_vector_fold(nest, a, lanes); });
}

// Work of one element: operations, with folds multiplied out.
double cost(const Nest& nest, NodeId root) {
  const Node& node = nest.node(root);
  double sum = node.kind == Node::Kind::kRead ? 0.4 : node.kind == Node::Kind::kCall ? 0.15 : 0.05;
  if (node.kind == Node::Kind::kCall && node.fn >= ScalarFn::kExp) sum += 0.6;
  for (NodeId a : node.args) sum += cost(nest, a);
  if (node.kind == Node::Kind::kFold) sum *= static_cast<double>(count(nest, node.variables));
  return sum;
}

// A movement whose reads are contiguous along another axis than its stores: the read's axis, where squares can be
// transposed in registers.
std::optional<VarId> transposed_axis(const Nest& nest, const ElementNest& element, int lanes) {
  if (element.roots.size() != 1 || element.group.size() < 2) return std::nullopt;
  const VarId inner = element.group.back();
  if (nest.size(inner) < lanes / 2) return std::nullopt;
  for (size_t n = 0; n < nest.node_count(); ++n) {
    const auto kind = nest.node(static_cast<NodeId>(n)).kind;
    if (kind == Node::Kind::kFold || kind == Node::Kind::kSelect) return std::nullopt;
  }
  const auto reads = nest.reads(element.roots[0]);
  std::optional<VarId> axis;
  for (NodeId read : reads) {
    if (nest.depends(nest.node(read).index, inner) == false) continue;
    for (VarId v : element.group) {
      bool inside = false;
      if (v != inner && nest.coefficient(nest.node(read).index, v, &inside) == 1 && !inside) {
        if (axis && *axis != v) return std::nullopt;
        axis = v;
      }
    }
  }
  if (!axis || nest.size(*axis) < lanes / 2) return std::nullopt;
  if (Emitter::contiguity(nest, element.roots, inner) >= 0) return std::nullopt;
  return axis;
}

}  // namespace

Status KernelEmitter::emit_element(const std::vector<int>& numbers, const CommonSpace& space) {
  ElementNest element;
  const Nest nest = fill_nest(stages_, numbers, space.sizes, space.maps, space.order, &element);
  std::vector<VarId>& group = element.group;
  std::vector<OperandPlace> places = port_places();
  places.resize(stages_.ports.size() + stages_.stages.size());
  Scope scope;
  scope.nest = &nest;
  scope.variables.resize(nest.variable_count());

  shape_.items = count(nest, group);
  for (NodeId root : element.roots) shape_.item_cost += cost(nest, root);
  if (shape_.items == 0) return {};  // nothing to store

  // Computes all results of one element (or one vector of them) and stores them.
  auto compute = [&](Scope& inner) {
    std::vector<OperandPlace> local = places;
    inner.operands = local;
    std::vector<Value*> values;
    for (size_t i = 0; i < numbers.size(); ++i) {
      values.push_back(e_.value(inner, element.roots[i]));
      OperandPlace& own = local[stages_.ports.size() + static_cast<size_t>(numbers[i])];
      own.base = nullptr;
      own.own = values.back();
      own.dtype = stages_.stages[static_cast<size_t>(numbers[i])].meaning.result.dtype;
    }
    for (size_t i = 0; i < numbers.size(); ++i) {
      const Stage& stage = stages_.stages[static_cast<size_t>(numbers[i])];
      if (stage.output < 0) continue;
      e_.store(inner, values[i], stage.meaning.result.dtype, output(stage.output),
               e_.index(inner, nest.tracked(element.addresses[i])));
    }
  };

  // What is folded is read most often: it decides along which axis the vectors lie.
  bool folds = false;
  std::vector<NodeId> folded;
  for (NodeId root : element.roots) {
    if (e_.strict || !has_vector_fold(nest, root, e_.lanes)) continue;
    folds = true;
    folded.push_back(root);
  }
  const bool by_fold = folds && (group.empty() || nest.size(group.back()) < e_.lanes / 2 ||
                                 Emitter::contiguity(nest, folded, group.back()) < 0);
  if (group.empty() || by_fold) {
    e_.loop(begin_, end_, 1, [&](Value* i) {
      Scope inner = scope;
      if (!group.empty()) bind_group(e_, inner, group, i);
      compute(inner);
    });
    return {};
  }
  if (auto axis = transposed_axis(nest, element, e_.lanes)) {
    return emit_transposed(nest, scope, places, element.roots[0], nest.tracked(element.addresses[0]), group, *axis,
                           stages_.stages[static_cast<size_t>(numbers[0])]);
  }
  const VarId v = group.back();
  segments(e_, scope, group, begin_, end_, [&](Scope& outer, Value* low, Value* high) {
    outer.operands = places;
    specialize(e_, outer, element.roots, v, 40, [&](Scope& chosen) { e_.lane_loop(chosen, v, low, high, compute); });
  });
  return {};
}

// Squares of lanes x lanes: read in vectors along `axis`, transposed, stored along the last axis of the result.
Status KernelEmitter::emit_transposed(const Nest& nest, Scope& scope, const std::vector<OperandPlace>& places,
                                      NodeId root, const Linear& address, std::vector<VarId> group, VarId axis,
                                      const Stage& stage) {
  const VarId inner = group.back();
  const int64_t w = e_.lanes, rows = nest.size(axis), columns = nest.size(inner);
  std::vector<VarId> others;
  for (VarId v : group) {
    if (v != axis && v != inner) others.push_back(v);
  }
  const int64_t blocks = (rows + w - 1) / w;
  shape_.items = count(nest, others) * blocks;
  shape_.item_cost *= static_cast<double>(w * columns);
  e_.loop(begin_, end_, 1, [&](Value* item) {
    Scope at = scope;
    at.operands = places;
    if (!others.empty()) bind_group(e_, at, others, b_.CreateUDiv(item, e_.i64(blocks)));
    Value* row = b_.CreateMul(b_.CreateURem(item, e_.i64(blocks)), e_.i64(w));
    Value* row_end = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b_.CreateAdd(row, e_.i64(w)), e_.i64(rows));
    e_.loop(e_.i64(0), e_.i64(columns), w, [&](Value* column) {
      Value* column_end =
          b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b_.CreateAdd(column, e_.i64(w)), e_.i64(columns));
      Value* left_rows = b_.CreateTrunc(b_.CreateSub(row_end, row), b_.getInt32Ty());
      Value* left_columns = b_.CreateTrunc(b_.CreateSub(column_end, column), b_.getInt32Ty());
      std::vector<Value*> square;
      for (int64_t j = 0; j < w; ++j) {
        Scope read = at;
        read.vector = axis;
        read.variables[axis] = row;
        read.variables[inner] =
            b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, b_.CreateAdd(column, e_.i64(j)), e_.i64(columns - 1));
        if (rows % w) read.mask.tail = b_.CreateICmpSLT(e_.iota(b_.getInt32Ty()), e_.widen(left_rows));
        square.push_back(e_.to_memory(stage.meaning.result.dtype, e_.widen(e_.value(read, root))));
      }
      e_.transpose(square);
      Value* mask = columns % w ? b_.CreateICmpSLT(e_.iota(b_.getInt32Ty()), e_.widen(left_columns))
                                : llvm::Constant::getAllOnesValue(e_.vector_of(b_.getInt1Ty()));
      for (int64_t j = 0; j < w; ++j) {
        Scope write = at;
        write.variables[axis] = b_.CreateAdd(row, e_.i64(j));
        write.variables[inner] = column;
        llvm::Type* type = e_.memory_type(stage.meaning.result.dtype);
        Value* p = b_.CreateGEP(type, output(stage.output), e_.scalar_index(write, address));
        // A row beyond the end is masked out whole.
        Value* lanes = rows % w ? b_.CreateAnd(mask, e_.widen(b_.CreateICmpSLT(write.variables[axis], row_end))) : mask;
        b_.CreateMaskedStore(square[static_cast<size_t>(j)], p,
                             llvm::Align(static_cast<uint64_t>(size_in_bytes(stage.meaning.result.dtype))), lanes);
      }
    });
  });
  return {};
}

}  // namespace egret::lower
