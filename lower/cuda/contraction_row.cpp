// A contraction whose rows are then reduced: a block computes whole rows of sums into shared memory, tile by tile, and
// then a warp takes a row at a time.  A pair goes on from there (folding.h).
#include <algorithm>

#include "lower/cuda/folding.h"
#include "lower/cuda/schedules.h"
#include "lower/cuda/tiles.h"

namespace egret::lower {

Status inner_axes_to_columns(TiledProduct& tiled, const Stage& anchor) {
  auto is_row = [&](uint32_t v) {
    return std::count(anchor.row_axes.begin(), anchor.row_axes.end(), static_cast<int>(v)) > 0;
  };
  auto one = [&](uint32_t v) { return anchor.meaning.sizes[v] == 1; };
  auto inner = [&](const std::vector<uint32_t>& variables) {
    return std::none_of(variables.begin(), variables.end(), [&](uint32_t v) { return is_row(v) && !one(v); });
  };
  auto rows_alone = [&](const std::vector<uint32_t>& variables) {
    return std::all_of(variables.begin(), variables.end(), [&](uint32_t v) { return is_row(v) || one(v); });
  };
  if (!inner(tiled.columns.variables) || !rows_alone(tiled.rows.variables)) tiled.swap_sides();
  if (!inner(tiled.columns.variables) || !rows_alone(tiled.rows.variables) || !rows_alone(tiled.batch))
    return unsupported_error("the reduction after a contraction is not over the axes of one operand");
  // Neither factor need read an axis of size 1: it goes where the row has it.
  auto move = [&](std::vector<uint32_t>& from, std::vector<uint32_t>& to, bool rows) {
    for (uint32_t v : from) {
      if (one(v) && is_row(v) == rows) to.push_back(v);
    }
    std::erase_if(from, [&](uint32_t v) { return one(v) && is_row(v) == rows; });
    std::sort(to.begin(), to.end());
  };
  move(tiled.columns.variables, tiled.rows.variables, true);
  move(tiled.rows.variables, tiled.columns.variables, false);
  move(tiled.batch, tiled.columns.variables, false);
  return {};
}

Result<Frame> print_contraction_row(Printing& printing) {
  const Stages& stages = printing.stages;
  const int anchor = stages.anchor;
  const Stage& anchor_stage = printing.stage(anchor);
  const Comprehension& meaning = anchor_stage.meaning;
  EGRET_TRY(TiledProduct tiled, tiled_product(stages, anchor));
  EGRET_TRY_VOID(inner_axes_to_columns(tiled, anchor_stage));
  std::optional<Folding> folding;
  if (stages.second >= 0) {
    EGRET_TRY(Folding made, Folding::make(printing, tiled));
    folding.emplace(std::move(made));
  }
  tiled.rows.along_result = printing.choices.rows_along;
  tiled.columns.along_result = printing.choices.columns_along;
  const int64_t batch_size = count_of(anchor_stage, tiled.batch),
                rows_size = count_of(anchor_stage, tiled.rows.variables),
                columns_size = count_of(anchor_stage, tiled.columns.variables);
  const Tile tile = printing.choices.tile;
  const DType sum_type = meaning.result.dtype;
  Frame frame;
  declare_tile(frame, printing, tiled);
  frame.launch(count_text(printing, anchor, tiled.batch) + " * TILES_M",
               batch_size * ((rows_size + tile.m - 1) / tile.m), tile.threads());
  share_tiles(frame, printing, tiled);
  frame.share("scores", held_type(sum_type), held_bytes(sum_type), "TILE_M * COLUMNS", tile.m * columns_size);
  if (folding) folding->share(frame);

  RowScope scope;
  scope.threads = 32;
  scope.lane = "lane";
  for (size_t s = 0; s < stages.stages.size(); ++s) {
    const Stage& stage = stages.stages[s];
    scope.row_axes.push_back(stage.row_axes);
    if (static_cast<int>(s) == anchor || !printing.choices.in_shared[s]) continue;
    const std::string array = "row" + std::to_string(s);
    const auto inner = inner_axes(stage, stage.row_axes);
    const DType dtype = stage.meaning.result.dtype;
    frame.share(array, held_type(dtype), held_bytes(dtype),
                "(BLOCK_X / 32) * " + count_text(printing, static_cast<int>(s), inner),
                tile.threads() / 32 * count_of(stage, inner));
    scope.shared[static_cast<int>(s)] = {array, "warp"};
  }
  scope.shared[anchor] = {"scores", "slot"};
  if (folding && row_elements(printing.stage(stages.folded)) > 1) scope.shared[stages.folded] = {folding->array(), "slot"};
  if (!printing.choices.in_order)
    scope.fold = [](ExprPrinter& printer, ExprId fold) { return parallel_fold(printer, fold, 32, "lane"); };

  Writer& out = printing.out;
  out.line("if (Index(blockIdx.x) >= GRID_BLOCKS) return;");
  out.line("const Index first_m = Index(blockIdx.x) % TILES_M * TILE_M, batch = Index(blockIdx.x) / TILES_M;");
  print_tile_places(printing);
  const std::vector<std::string> batch = cut(printing, anchor, tiled.batch, "batch");
  out.open("for (Index first_n = 0; first_n < COLUMNS; first_n += TILE_N)");
  print_tile_sums(printing, tiled, batch);
  for_each_sum(printing, tiled, batch, [&](const std::vector<std::string>& axes) {
    ExprPrinter printer(printing, anchor, axes, {}, [&](ExprPrinter&, ExprId) { return std::string("sums[i][j]"); });
    const std::string value = printer.body();
    out.line("scores[(m - first_m) * COLUMNS + n] = " + value + ";");
    if (anchor_stage.output >= 0)
      out.line("r" + std::to_string(anchor_stage.output) + "[" +
               printing.address(printing.port_count() + anchor, axes) +
               "] = " + store_text(sum_type, value, printing.library) + ";");
  });
  out.close();
  out.line("__syncthreads();");
  out.line("const Index lane = threadIdx.x % 32, warp = threadIdx.x / 32;");
  out.open("for (Index slot = warp; slot < TILE_M && first_m + slot < ROWS; slot += BLOCK_X / 32)");
  const auto row_texts = cut(printing, anchor, tiled.rows.variables, "(first_m + slot)");
  for (int axis : anchor_stage.row_axes) {
    const auto v = static_cast<uint32_t>(axis);
    const auto in_batch = std::find(tiled.batch.begin(), tiled.batch.end(), v);
    const auto in_rows = std::find(tiled.rows.variables.begin(), tiled.rows.variables.end(), v);
    scope.row.push_back(in_batch != tiled.batch.end() ? batch[in_batch - tiled.batch.begin()]
                                                      : row_texts[in_rows - tiled.rows.variables.begin()]);
  }
  RowPrinter printer(printing, std::move(scope));
  const auto late = after_second(stages);
  for (size_t s = 0; s < stages.stages.size(); ++s) {
    if (static_cast<int>(s) == anchor || late[s]) continue;
    // All lanes have read the sums before other rows take their place.
    if (static_cast<int>(s) == stages.folded && folding->array() == "scores") printer.synchronize();
    printer.print_stage(static_cast<int>(s));
  }
  if (folding) folding->keep(printer);
  out.line("__syncwarp();");
  out.close();
  if (folding) {
    EGRET_TRY_VOID(folding->print(tiled, batch));
  }
  frame.finish();
  return frame;
}

}  // namespace egret::lower
