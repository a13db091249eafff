// Contractions in tiles: both factors' values are staged in shared memory (the prologue runs there), each thread keeps
// a small block of sums in registers, and the epilogue runs on them where they are stored.
#include <algorithm>
#include <numeric>

#include "lower/cuda/schedules.h"
#include "lower/cuda/tiles.h"

namespace egret::lower {

std::vector<int> all_stages(const Stages& stages) {
  std::vector<int> all(stages.stages.size());
  std::iota(all.begin(), all.end(), 0);
  return all;
}

Result<std::vector<std::vector<int>>> anchor_axes(const Stages& stages, int anchor) {
  const int rank = stages.stages[anchor].meaning.result.rank();
  const uint32_t anchor_operand = static_cast<uint32_t>(stages.ports.size()) + anchor;
  std::vector<std::vector<int>> result;
  for (size_t s = 0; s < stages.stages.size(); ++s) {
    std::vector<int>& places = result.emplace_back(rank, -1);
    const Comprehension& meaning = stages.stages[s].meaning;
    if (static_cast<int>(s) == anchor) {
      for (int axis = 0; axis < rank; ++axis) places[axis] = axis;
      continue;
    }
    for (const Expr& e : meaning.exprs) {
      if (e.kind != ExprKind::kRead || e.number < stages.ports.size()) continue;
      // A stage between gives the anchor's axes through its own.
      std::vector<int> through(rank, -1);
      for (int axis = 0; axis < rank; ++axis) through[axis] = axis;
      if (e.number != anchor_operand) through = result[e.number - stages.ports.size()];
      for (int axis = 0; axis < rank; ++axis) {
        if (through[axis] < 0) continue;
        const Expr& index = meaning.exprs[e.args[through[axis]]];
        if (index.kind == ExprKind::kInt) continue;
        const bool own = index.kind == ExprKind::kIndex && static_cast<int>(index.number) < meaning.result.rank() &&
                         (places[axis] < 0 || places[axis] == static_cast<int>(index.number));
        if (!own) return unsupported_error("the contraction is read at another element than the one computed");
        places[axis] = static_cast<int>(index.number);
      }
    }
  }
  return result;
}

Result<Frame> print_contraction(Printing& printing) {
  const Stages& stages = printing.stages;
  const int anchor = stages.anchor;
  const Comprehension& meaning = printing.stage(anchor).meaning;
  EGRET_TRY(TiledProduct tiled, tiled_product(stages, anchor));
  EGRET_TRY(const auto places, anchor_axes(stages, anchor));
  tiled.last_axis_to_columns(meaning.result.rank());
  tiled.rows.along_result = printing.choices.rows_along;
  tiled.columns.along_result = printing.choices.columns_along;
  const int64_t batch_size = count_of(printing.stage(anchor), tiled.batch),
                rows_size = count_of(printing.stage(anchor), tiled.rows.variables),
                columns_size = count_of(printing.stage(anchor), tiled.columns.variables);
  const Tile tile = printing.choices.tile;
  Frame frame;
  declare_tile(frame, printing, tiled);
  frame.derive("TILES_N", "(COLUMNS + TILE_N - 1) / TILE_N");
  frame.launch(count_text(printing, anchor, tiled.batch) + " * TILES_M * TILES_N",
               batch_size * ((rows_size + tile.m - 1) / tile.m) * ((columns_size + tile.n - 1) / tile.n),
               tile.threads(), tile.thread_m * tile.thread_n > 16 ? 1 : 2);
  share_tiles(frame, printing, tiled);

  Writer& out = printing.out;
  out.line("if (Index(blockIdx.x) >= GRID_BLOCKS) return;");
  out.line("const Index first_n = Index(blockIdx.x) % TILES_N * TILE_N;");
  out.line("const Index first_m = Index(blockIdx.x) / TILES_N % TILES_M * TILE_M;");
  out.line("const Index batch = Index(blockIdx.x) / (TILES_N * TILES_M);");
  print_tile_places(printing);
  const std::vector<std::string> batch = cut(printing, anchor, tiled.batch, "batch");
  print_tile_sums(printing, tiled, batch);
  for_each_sum(printing, tiled, batch, [&](const std::vector<std::string>& axes) {
    RowScope scope;
    scope.row = axes;
    scope.row_axes = places;
    scope.fold = [&](ExprPrinter& printer, ExprId fold) {
      return printer.stage() == anchor && fold == tiled.fold ? std::string("sums[i][j]") : std::string();
    };
    RowPrinter printer(printing, std::move(scope));
    printer.print_point(all_stages(stages));
  });
  frame.finish();
  return frame;
}

Result<Frame> print_thin_contraction(Printing& printing) {
  const Stages& stages = printing.stages;
  const int anchor = stages.anchor, threads = printing.choices.threads_per_row;
  constexpr int kBlock = 256;
  EGRET_TRY(const auto places, anchor_axes(stages, anchor));
  std::vector<uint32_t> axes = inner_axes(printing.stage(anchor), {});
  const int64_t count = count_of(printing.stage(anchor), axes), a_block = kBlock / threads;
  Frame frame;
  frame.derive("COUNT", count_text(printing, anchor, axes));
  const std::string a_block_text = threads == 1 ? "BLOCK_X" : "(BLOCK_X / 32)";
  frame.launch("(COUNT + " + a_block_text + " - 1) / " + a_block_text, (count + a_block - 1) / a_block, kBlock);
  Writer& out = printing.out;
  if (threads == 32) out.line("const Index lane = threadIdx.x % 32;");
  out.line("const Index element = Index(blockIdx.x) * " + a_block_text + " + threadIdx.x" +
           (threads == 32 ? " / 32;" : ";"));
  out.line("if (element >= COUNT) return;");
  RowScope scope;
  scope.threads = threads;
  scope.lane = threads == 32 ? "lane" : "0";
  scope.row = cut(printing, anchor, axes, "element");
  printing.flat = {"element", scope.row, {}};
  for (uint32_t axis : axes) printing.flat.sizes.push_back(printing.sizes.variable(anchor, axis));
  scope.row_axes = places;
  if (threads == 32 && !printing.choices.in_order)
    scope.fold = [](ExprPrinter& printer, ExprId fold) { return parallel_fold(printer, fold, 32, "lane"); };
  RowPrinter printer(printing, std::move(scope));
  printer.print_point(all_stages(stages));
  frame.finish();
  return frame;
}

}  // namespace egret::lower
