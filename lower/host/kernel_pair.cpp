// kContractionPair: a block of whole rows of one product in scratch, the stages of each row, then the second product of the
// block, whose factor along the scalars the rows are.
#include <algorithm>

#include "lower/host/product_emitter.h"
#include "lower/host/row_emitter.h"

namespace egret::lower {

using llvm::Value;

namespace {

// What a pair's stages are to the second product.
struct PairStages {
  std::vector<int> before, after;  // neither product among them
  std::vector<int> kept;           // of `before`: what the second product or a stage after it reads
};

PairStages pair_stages(const Stages& stages) {
  PairStages out;
  const auto late = after_second(stages);
  const auto read = read_after_second(stages);
  for (size_t s = 0; s < late.size(); ++s) {
    const int number = static_cast<int>(s);
    if (number == stages.anchor || number == stages.second) continue;
    (late[s] ? out.after : out.before).push_back(number);
    if (!late[s] && (number == stages.folded || std::count(read.begin(), read.end(), number) > 0)) out.kept.push_back(number);
  }
  return out;
}

}  // namespace

Status KernelEmitter::emit_contraction_pair(ProductPlan plan) {
  const Stage &anchor = stages_.stages[static_cast<size_t>(stages_.anchor)], &second = stages_.stages[static_cast<size_t>(stages_.second)];
  auto folding_plan = plan_folding(stages_, e_.level, plan);
  if (!folding_plan || anchor.meaning.result.dtype != plan.dtype || second.meaning.result.dtype != folding_plan->dtype) return emit_row();
  const PairStages parts = pair_stages(stages_);
  double cost = product_cost(plan, e_.level) + product_cost(*folding_plan, e_.level);
  const double row_count = static_cast<double>(plan.batch_size * plan.s_size);
  RowEmitter before(*this, parts.before, parts.kept), after(*this, parts.after);
  before.allocate(false);
  after.allocate(false);
  cost += row_count * (before.row_cost() + after.row_cost());
  ProductEmitter product(*this, std::move(plan), true);
  const bool in_sums = stages_.folded == stages_.anchor || rows_replace_sums(stages_);
  ProductEmitter folding(*this, std::move(*folding_plan), true, in_sums ? product.sums() : nullptr, in_sums ? product.c_stride() : 0);
  shape_.items = product.items();
  shape_.item_cost = cost / static_cast<double>(std::max<int64_t>(shape_.items, 1));

  // Rows of a stage that stand for the whole block: base and elements from one to the next.
  struct Rows {
    int stage;
    Value* base;
    int64_t stride;
  };
  std::vector<Rows> block = {{stages_.anchor, product.sums(), product.c_stride()}};
  for (int number : parts.kept) {
    const Stage& stage = stages_.stages[static_cast<size_t>(number)];
    const int64_t elements = row_elements(stage);
    if (number == stages_.folded) {
      block.push_back({number, folding.rows(), folding.rows_stride()});
    } else {
      block.push_back({number, scratch(product.rows_of_item() * elements * size_in_bytes(stage.meaning.result.dtype)), elements});
    }
  }
  auto place_at = [&](const Rows& rows, Value* row) {
    OperandPlace place;
    place.dtype = stages_.stages[static_cast<size_t>(rows.stage)].meaning.result.dtype;
    place.base = b_.CreateGEP(e_.memory_type(place.dtype), rows.base, b_.CreateMul(row, e_.i64(rows.stride)));
    return place;
  };
  auto emit_rows = [&](RowEmitter& rows, std::span<const Rows> known, const std::vector<Value*>& values, Value* row) {
    for (const Rows& of : known) rows.set_place(of.stage, place_at(of, row));
    Scope scope = rows.scope();
    if (!rows.rows().empty()) bind_group(e_, scope, rows.rows(), row_position(values));
    rows.emit(scope);
  };
  auto copy = [&](const Rows& rows, const std::vector<Value*>& values, Value* row) {
    if (stages_.stages[static_cast<size_t>(rows.stage)].output >= 0) copy_row(rows.stage, place_at(rows, row).base, values);
  };
  const Rows sums{stages_.second, folding.sums(), folding.c_stride()};
  std::vector<Rows> later = block;
  later.push_back(sums);

  product.emit([&](Value* batch, const TileBounds& bounds) {
    auto each_row = [&](const char* name, const std::function<void(const std::vector<Value*>& values, Value* row)>& body) {
      e_.loop(
          bounds.s_begin, bounds.s_end, 1,
          [&](Value* s) { body(row_values(product.plan(), batch, s), b_.CreateSub(s, bounds.s_begin)); }, name);
    };
    each_row("row", [&](const std::vector<Value*>& values, Value* row) {
      copy(block[0], values, row);  // before other rows take its place
      emit_rows(before, block, values, row);
      for (size_t i = 1; i < block.size(); ++i) copy(block[i], values, row);
    });
    std::vector<Value*> axes(second.meaning.result.dims.size(), e_.i64(0));
    const std::vector<Value*> values = row_values(product.plan(), batch, bounds.s_begin);
    for (size_t r = 0; r < values.size(); ++r) axes[static_cast<size_t>(second.row_axes[r])] = values[r];
    folding.emit_block(axes, bounds.s_block);
    each_row("after", [&](const std::vector<Value*>& values, Value* row) {
      if (!parts.after.empty()) emit_rows(after, later, values, row);
      copy(sums, values, row);
    });
  });
  return {};
}

}  // namespace egret::lower
