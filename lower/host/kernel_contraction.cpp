// kContraction and kContractionRow: products in register tiles, then the stages after the anchor on each tile or row.
#include <algorithm>
#include <numeric>

#include "lower/host/product_emitter.h"
#include "lower/host/row_emitter.h"

namespace egret::lower {

using llvm::Value;

namespace {

// For each axis of a stage, the anchor's axis it reads there (-1: an axis of size 1 that no read uses).
Result<std::vector<int>> anchor_axes(const Stages& stages, int number) {
  const Stage& stage = stages.stages[static_cast<size_t>(number)];
  std::vector<int> map(stage.meaning.result.dims.size(), -1);
  if (number == stages.anchor) {
    std::iota(map.begin(), map.end(), 0);
    return map;
  }
  const uint32_t anchor = static_cast<uint32_t>(stages.ports.size()) + static_cast<uint32_t>(stages.anchor);
  const auto sizes = stage.meaning.result.sizes();
  for (const Expr& e : stage.meaning.exprs) {
    if (e.kind != ExprKind::kRead || e.number != anchor) continue;
    for (size_t i = 0; i < e.args.size(); ++i) {
      const Expr& index = stage.meaning.exprs[e.args[i]];
      if (index.kind == ExprKind::kIndex && index.number < map.size()) {
        map[index.number] = static_cast<int>(i);
      } else if (!(index.kind == ExprKind::kInt && index.integer == 0)) {
        return unsupported_error("a stage reads the contraction at another element than its own");
      }
    }
    for (size_t r = 0; r < map.size(); ++r) {
      if (map[r] < 0 && sizes[r] != 1) return unsupported_error("a stage repeats an element of the contraction");
    }
    return map;
  }
  return unsupported_error("a stage of a contraction does not read it");
}

// The value of the anchor from its accumulator: the roundings that stand around the fold.
Value* finish(Emitter& e, const Comprehension& meaning, ExprId fold, Value* accumulator) {
  std::vector<ExprId> casts;
  for (ExprId at = meaning.body; at != fold; at = meaning.exprs[at].args[0]) casts.push_back(at);
  DType from = meaning.exprs[fold].dtype;
  for (size_t i = casts.size(); i-- > 0;) {
    accumulator = e.cast(from, meaning.exprs[casts[i]].dtype, accumulator);
    from = meaning.exprs[casts[i]].dtype;
  }
  return accumulator;
}

}  // namespace

double product_cost(const ProductPlan& plan, HostLevel level) {
  const double flops_per_ns = 20 * vector_bytes(level) / 16.0;
  constexpr double kBytesPerNs = 12;  // of a factor that is streamed once
  const double factor = static_cast<double>(plan.batch_size * plan.v_size) * static_cast<double>(plan.k_size);
  const double compute = 2 * factor * static_cast<double>(plan.s_size) / flops_per_ns;
  if (!plan.along_k) return compute;
  return std::max(compute, factor * static_cast<double>(size_in_bytes(plan.dtype)) / kBytesPerNs);
}

namespace {

// The results of a kContraction on one tile: a nest over the anchor's digits.
struct Epilogue {
  Nest nest;
  std::vector<VarId> batch, v, s;
  struct Part {
    NodeId root;
    uint32_t address;
    int stage;
  };
  std::vector<Part> parts;
};

Epilogue make_epilogue(const Stages& stages, const ProductPlan& plan, const std::vector<int>& outputs,
                       const std::vector<std::vector<int>>& axis_maps) {
  Epilogue out;
  const Comprehension& anchor = stages.stages[static_cast<size_t>(stages.anchor)].meaning;
  out.nest = make_nest([&](Nest& n) {
    out.batch.clear(), out.v.clear(), out.s.clear(), out.parts.clear();
    std::vector<Linear> axes(anchor.result.dims.size());
    for (const ProductPlan::Digit& digit : plan.digits) {
      Nest::Axis axis = n.add_axis(digit.size);
      axes[digit.axis] = axes[digit.axis] + axis.value * digit.weight;
      using Group = ProductPlan::Digit::Group;
      auto& group = digit.group == Group::kV ? out.v : digit.group == Group::kS ? out.s : out.batch;
      group.insert(group.end(), axis.variables.begin(), axis.variables.end());
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Stage& stage = stages.stages[static_cast<size_t>(outputs[i])];
      std::vector<Linear> own;
      for (int a : axis_maps[i]) own.push_back(a < 0 ? Linear{} : axes[static_cast<size_t>(a)]);
      Epilogue::Part part{0, n.track(row_major(own, stage.meaning.result.sizes())), outputs[i]};
      if (outputs[i] != stages.anchor) {
        part.root = n.import(stage.meaning, stage.meaning.body, own, [&](uint32_t operand) -> Nest::Operand {
          if (operand < stages.ports.size()) return {stages.ports[operand].sizes(), {}};
          return {stages.stages[operand - stages.ports.size()].meaning.result.sizes(), {}};
        });
      }
      out.parts.push_back(part);
    }
  });
  out.nest.merge(out.batch);
  out.nest.merge(out.v);
  out.nest.merge(out.s);
  out.nest.merge_folds();
  return out;
}

}  // namespace

void KernelEmitter::emit_epilogue(ProductEmitter& product, const std::vector<int>& outputs,
                                  const std::vector<std::vector<int>>& axis_maps) {
  const ProductPlan& plan = product.plan();
  const Epilogue epilogue = make_epilogue(stages_, plan, outputs, axis_maps);
  const Stage& anchor = stages_.stages[static_cast<size_t>(stages_.anchor)];
  std::vector<OperandPlace> places = port_places();
  places.resize(stages_.ports.size() + stages_.stages.size());
  llvm::Type* type = e_.register_type(plan.dtype);
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(plan.dtype)));

  auto compute = [&](Scope& at, Value* c, bool scalar) {
    std::vector<OperandPlace> local = places;
    at.operands = local;
    Value* sum = nullptr;
    if (scalar) {
      sum = b_.CreateAlignedLoad(type, c, align);
    } else if (at.mask.tail) {
      sum = b_.CreateMaskedLoad(e_.vector_of(type), c, align, at.mask.tail,
                                llvm::Constant::getNullValue(e_.vector_of(type)));
    } else {
      sum = b_.CreateAlignedLoad(e_.vector_of(type), c, align);
    }
    OperandPlace& own = local[stages_.ports.size() + static_cast<size_t>(stages_.anchor)];
    own.own = finish(e_, anchor.meaning, plan.fold, sum);
    own.dtype = anchor.meaning.result.dtype;
    // All values stand before the first store: a result may lie where a port lies.
    std::vector<Value*> values;
    for (const Epilogue::Part& part : epilogue.parts) values.push_back(part.stage == stages_.anchor ? own.own : e_.value(at, part.root));
    for (size_t i = 0; i < values.size(); ++i) {
      const Epilogue::Part& part = epilogue.parts[i];
      const Stage& stage = stages_.stages[static_cast<size_t>(part.stage)];
      e_.store(at, values[i], stage.meaning.result.dtype, output(stage.output),
               e_.index(at, epilogue.nest.tracked(part.address)));
    }
  };

  product.emit([&](Value* batch, const TileBounds& bounds) {
    Scope scope;
    scope.nest = &epilogue.nest;
    scope.variables.resize(epilogue.nest.variable_count());
    if (!epilogue.batch.empty()) bind_group(e_, scope, epilogue.batch, batch);
    e_.loop(
        bounds.s_begin, bounds.s_end, 1,
        [&](Value* s) {
          Scope row = scope;
          if (!epilogue.s.empty()) bind_group(e_, row, epilogue.s, s);
          Value* c =
              b_.CreateGEP(type, bounds.tile, b_.CreateMul(b_.CreateSub(s, bounds.s_begin), e_.i64(bounds.row_stride)));
          if (epilogue.v.empty()) return compute(row, c, true);
          const VarId v = epilogue.v.back();
          if (epilogue.v.size() == 1 && bounds.full_vectors > 0) {
            for (int64_t j = 0; j < bounds.full_vectors; ++j) {
              Scope at = row;
              at.vector = v;
              at.variables[v] = b_.CreateAdd(bounds.v_begin, e_.i64(j * e_.lanes));
              compute(at, b_.CreateConstGEP1_64(type, c, static_cast<uint64_t>(j * e_.lanes)), false);
            }
            return;
          }
          segments(e_, row, epilogue.v, bounds.v_begin, bounds.v_end, [&](Scope& outer, Value* low, Value* high) {
            e_.lane_loop(outer, v, low, high, [&](Scope& at) {
              Value* position = e_.i64(0);
              int64_t stride = 1;
              for (size_t i = epilogue.v.size(); i-- > 0;) {
                position = b_.CreateAdd(position, b_.CreateMul(at.variables[epilogue.v[i]], e_.i64(stride)));
                stride *= epilogue.nest.size(epilogue.v[i]);
              }
              compute(at, b_.CreateGEP(type, c, b_.CreateSub(position, bounds.v_begin)), false);
            });
          });
        },
        "epilogue");
  });
}

Status KernelEmitter::emit_contraction() {
  const bool rows = has_rows(kernel_.schedule);
  std::vector<int> others, outputs;
  std::vector<std::vector<int>> axis_maps;
  for (size_t i = 0; i < stages_.stages.size(); ++i) {
    if (static_cast<int>(i) != stages_.anchor) others.push_back(static_cast<int>(i));
    if (stages_.stages[i].output >= 0) outputs.push_back(static_cast<int>(i));
  }
  const Stage& anchor = stages_.stages[static_cast<size_t>(stages_.anchor)];
  std::vector<int> axis_order;
  if (!rows) {
    for (int number : outputs) {
      EGRET_TRY(auto map, anchor_axes(stages_, number));
      axis_maps.push_back(std::move(map));
    }
    for (int a : axis_maps[0]) {
      if (a >= 0) axis_order.push_back(a);
    }
  }
  EGRET_TRY(Product product, product_of(anchor));
  std::optional<ProductPlan> plan;
  if (!e_.strict) plan = plan_product(stages_, product, e_.level, rows, axis_order);
  if (plan && !rows) {
    const double cost = product_cost(*plan, e_.level);
    ProductEmitter emitter(*this, std::move(*plan), false);
    emit_epilogue(emitter, outputs, axis_maps);
    shape_.items = emitter.items();
    shape_.item_cost = cost / static_cast<double>(std::max<int64_t>(shape_.items, 1));
    return {};
  }
  if (plan && stages_.second >= 0) return emit_contraction_pair(std::move(*plan));
  if (plan && rows) return emit_contraction_rows(std::move(*plan), others);
  if (rows) return emit_row();
  // Element by element over the anchor's axes, in the order of the first result.
  CommonSpace space;
  space.sizes = anchor.meaning.result.sizes();
  for (size_t a = 0; a < space.sizes.size(); ++a) {
    if (std::find(axis_order.begin(), axis_order.end(), static_cast<int>(a)) == axis_order.end()) {
      space.order.push_back(static_cast<int>(a));
    }
  }
  space.order.insert(space.order.end(), axis_order.begin(), axis_order.end());
  std::vector<int> numbers = outputs;
  if (anchor.output < 0) {
    numbers.insert(numbers.begin(), stages_.anchor);
    axis_maps.insert(axis_maps.begin(), std::vector<int>());
    for (size_t a = 0; a < space.sizes.size(); ++a) axis_maps[0].push_back(static_cast<int>(a));
  }
  space.maps = axis_maps;
  return emit_element(numbers, space);
}

// Blocks of whole rows: the product into scratch, then the stages of each row.
Status KernelEmitter::emit_contraction_rows(ProductPlan plan, const std::vector<int>& others) {
  const Stage& anchor = stages_.stages[static_cast<size_t>(stages_.anchor)];
  const DType dtype = anchor.meaning.result.dtype;
  if (dtype != plan.dtype) return emit_row();
  const double cost = product_cost(plan, e_.level);
  const double row_count = static_cast<double>(plan.batch_size * plan.s_size);
  RowEmitter rows(*this, others);
  rows.allocate(false);
  ProductEmitter product(*this, std::move(plan), true);
  shape_.items = product.items();
  shape_.item_cost =
      (cost + row_count * rows.row_cost()) / static_cast<double>(std::max<int64_t>(shape_.items, 1));
  product.emit([&](Value* batch, const TileBounds& bounds) {
    e_.loop(
        bounds.s_begin, bounds.s_end, 1,
        [&](Value* s) {
          const std::vector<Value*> values = row_values(product.plan(), batch, s);
          Value* c = b_.CreateGEP(e_.register_type(dtype), bounds.tile,
                                  b_.CreateMul(b_.CreateSub(s, bounds.s_begin), e_.i64(bounds.row_stride)));
          OperandPlace place;
          place.base = c;
          place.dtype = dtype;
          rows.set_place(stages_.anchor, place);
          Scope scope = rows.scope();
          if (!rows.rows().empty()) bind_group(e_, scope, rows.rows(), row_position(values));
          rows.emit(scope);
          if (anchor.output >= 0) copy_row(stages_.anchor, c, values);
        },
        "row");
  });
  return {};
}

// From the digits of its batch and S positions.
std::vector<Value*> KernelEmitter::row_values(const ProductPlan& plan, Value* batch, Value* s) {
  const Stage& anchor = stages_.stages[static_cast<size_t>(stages_.anchor)];
  using Group = ProductPlan::Digit::Group;
  std::vector<Value*> axes(anchor.meaning.result.dims.size(), e_.i64(0)), values;
  for (size_t i = plan.digits.size(); i-- > 0;) {
    const auto& digit = plan.digits[i];
    if (digit.group == Group::kV || digit.size == 1) continue;
    Value*& left = digit.group == Group::kS ? s : batch;
    Value* value = b_.CreateMul(b_.CreateURem(left, e_.i64(digit.size)), e_.i64(digit.weight));
    left = b_.CreateUDiv(left, e_.i64(digit.size));
    axes[digit.axis] = b_.CreateAdd(axes[digit.axis], value);
  }
  for (int axis : anchor.row_axes) values.push_back(axes[static_cast<size_t>(axis)]);
  return values;
}

Value* KernelEmitter::row_position(const std::vector<Value*>& values) {
  Value* position = e_.i64(0);
  int64_t stride = 1;
  for (size_t i = stages_.row_sizes.size(); i-- > 0;) {
    position = b_.CreateAdd(position, b_.CreateMul(values[i], e_.i64(stride)));
    stride *= stages_.row_sizes[i];
  }
  return position;
}

// Element by element along the axes inside the row.
void KernelEmitter::copy_row(int number, Value* row, const std::vector<Value*>& values) {
  const Stage& stage = stages_.stages[static_cast<size_t>(number)];
  const auto sizes = stage.meaning.result.sizes();
  Nest nest;
  std::vector<Linear> indices;
  std::vector<Value*> axes(sizes.size());
  std::vector<VarId> group;
  std::vector<uint8_t> skip(sizes.size(), 0);
  for (size_t i = 0; i < stage.row_axes.size(); ++i) {
    const auto a = static_cast<size_t>(stage.row_axes[i]);
    skip[a] = 1;
    axes[a] = values[i];
  }
  Scope scope;
  std::vector<std::pair<VarId, Value*>> bound;
  for (size_t a = 0; a < sizes.size(); ++a) {
    Nest::Axis axis = nest.add_axis(sizes[a]);
    indices.push_back(axis.value);
    if (skip[a]) {
      bound.push_back({axis.variables[0], axes[a]});
    } else {
      group.push_back(axis.variables[0]);
    }
  }
  const uint32_t to = nest.track(row_major(indices, sizes));
  const uint32_t from = nest.track(row_major(indices, sizes, skip));
  nest.merge(group);
  scope.nest = &nest;
  scope.variables.resize(nest.variable_count());
  for (auto [v, value] : bound) scope.variables[v] = value;
  const DType dtype = stage.meaning.result.dtype;
  OperandPlace place;
  place.base = row;
  place.dtype = dtype;
  auto copy = [&](Scope& at) {
    e_.store(at, e_.load(at, place, e_.index(at, nest.tracked(from))), dtype, output(stage.output),
             e_.index(at, nest.tracked(to)));
  };
  if (group.empty()) return copy(scope);
  segments(e_, scope, group, e_.i64(0), e_.i64(count(nest, group)),
           [&](Scope& outer, Value* low, Value* high) { e_.lane_loop(outer, group.back(), low, high, copy); });
}

}  // namespace egret::lower
