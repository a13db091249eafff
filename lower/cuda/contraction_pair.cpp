// A contraction that folds the rows of another: a block's rows stay in shared memory, as the row factor of its tiles.
#include "lower/cuda/folding.h"

#include <algorithm>

namespace egret::lower {

Result<Folding> Folding::make(Printing& printing, TiledProduct& first) {
  const Stages& stages = printing.stages;
  Folding out(printing);
  EGRET_TRY(out.product_, folding_product(stages));
  out.product_.columns.along_result = printing.choices.second_along;
  const Stage &anchor = printing.stage(stages.anchor), &second = printing.stage(stages.second);
  for (uint32_t v : out.product_.batch) {
    const auto at = std::find(second.row_axes.begin(), second.row_axes.end(), static_cast<int>(v)) - second.row_axes.begin();
    const auto axis = static_cast<uint32_t>(anchor.row_axes[at]);
    if (std::erase(first.rows.variables, axis)) first.batch.push_back(axis);
  }
  std::sort(first.batch.begin(), first.batch.end());
  out.late_ = after_second(stages);
  out.kept_ = read_after_second(stages);
  const bool apart = stages.folded != stages.anchor && (!printing.choices.over_sums || row_elements(printing.stage(stages.folded)) == 1);
  out.product_.held_rows = apart ? "folded" : "scores";
  return out;
}

bool Folding::single() const { return array() == "folded" && row_elements(printing_.stage(printing_.stages.folded)) == 1; }

std::string Folding::kept(int stage, const std::string& slot) const {
  if (stage == printing_.stages.anchor) return "scores[" + slot + "]";
  return (stage == printing_.stages.folded ? array() : "kept" + std::to_string(stage)) + "[" + slot + "]";
}

void Folding::share(Frame& frame) {
  const Stages& stages = printing_.stages;
  const CudaChoices& choices = printing_.choices;
  const Stage &second = printing_.stage(stages.second), &folded = printing_.stage(stages.folded);
  frame.tunable("THREAD_N2", choices.second_thread_n);
  frame.derive("TILE_N2", "TILE_N / THREAD_N * THREAD_N2");
  frame.derive("COLUMNS2", count_text(printing_, stages.second, product_.columns.variables));
  frame.derive("FOLD2", count_text(printing_, stages.second, product_.k));
  const int64_t tile_n2 = choices.tile.n / choices.tile.thread_n * choices.second_thread_n;
  const DType factor = second.meaning.exprs[product_.columns.factor].dtype;
  frame.share("tile_n2", held_type(factor), held_bytes(factor), "TILE_K * (TILE_N2 + 4)", choices.tile.k * (tile_n2 + 4));
  if (array() == "folded") {
    const DType dtype = folded.meaning.result.dtype;
    frame.share("folded", held_type(dtype), held_bytes(dtype), "TILE_M * FOLD2", choices.tile.m * row_elements(folded));
  }
  for (int stage : kept_) {
    if (stage == stages.anchor || stage == stages.folded) continue;
    const DType dtype = printing_.stage(stage).meaning.result.dtype;
    frame.share("kept" + std::to_string(stage), held_type(dtype), held_bytes(dtype), "TILE_M", choices.tile.m);
  }
}

void Folding::keep(const RowPrinter& row) {
  std::vector<int> stages;
  for (int stage : kept_) {
    if (stage != printing_.stages.anchor && stage != printing_.stages.folded) stages.push_back(stage);
  }
  if (single()) stages.push_back(printing_.stages.folded);
  if (stages.empty()) return;
  printing_.out.open("if (lane == 0)");
  for (int stage : stages) printing_.out.line(kept(stage, "slot") + " = " + row.held(stage) + ";");
  printing_.out.close();
}

Status Folding::print(const TiledProduct& first, const std::vector<std::string>& batch) {
  const Stages& stages = printing_.stages;
  const Stage &anchor = printing_.stage(stages.anchor), &second = printing_.stage(stages.second);
  EGRET_TRY(const auto places, anchor_axes(stages, stages.second));
  // Text of each row axis of the second product, from those of the first.
  auto row_texts = [&](const std::vector<std::string>& rows) {
    std::vector<std::string> texts(second.meaning.result.rank(), "0");
    for (size_t r = 0; r < second.row_axes.size(); ++r) {
      const auto axis = static_cast<uint32_t>(anchor.row_axes[r]);
      const auto in_batch = std::find(first.batch.begin(), first.batch.end(), axis);
      const auto in_rows = std::find(first.rows.variables.begin(), first.rows.variables.end(), axis);
      std::string& text = texts[second.row_axes[r]];
      if (in_batch != first.batch.end()) text = batch[in_batch - first.batch.begin()];
      if (in_rows != first.rows.variables.end() && !rows.empty()) text = rows[in_rows - first.rows.variables.begin()];
    }
    return texts;
  };
  std::vector<std::string> own_batch;
  const std::vector<std::string> outside = row_texts({});
  for (uint32_t v : product_.batch) own_batch.push_back(outside[v]);

  Writer& out = printing_.out;
  out.line("__syncthreads();");
  out.open("for (Index first_n = 0; first_n < COLUMNS2; first_n += TILE_N2)");
  print_tile_sums(printing_, product_, own_batch);
  out.line("#pragma unroll");
  out.open("for (int i = 0; i < THREAD_M; ++i)");
  out.line("const Index m = first_m + thread_m * THREAD_M + i;");
  std::vector<std::string> axes = row_texts(cut(printing_, stages.anchor, first.rows.variables, "m"));
  out.line("#pragma unroll");
  out.open("for (int j = 0; j < THREAD_N2; ++j)");
  out.line("const Index n = first_n + thread_n + j * (TILE_N2 / THREAD_N2);");
  const auto columns = cut(printing_, stages.second, product_.columns.variables, "n");
  for (size_t i = 0; i < columns.size(); ++i) axes[product_.columns.variables[i]] = columns[i];
  out.open("if (m < ROWS && n < COLUMNS2)");
  RowScope scope;
  scope.row = axes;
  scope.row_axes = places;
  scope.fold = [&](ExprPrinter& printer, ExprId fold) {
    return printer.stage() == stages.second && fold == product_.fold ? std::string("sums[i][j]") : std::string();
  };
  RowPrinter point(printing_, std::move(scope));
  for (int stage : kept_) point.hold(stage, kept(stage, "m - first_m"));
  std::vector<int> after;
  for (size_t s = 0; s < late_.size(); ++s) {
    if (late_[s]) after.push_back(static_cast<int>(s));
  }
  point.print_point(after);
  out.close();
  out.close();
  out.close();
  out.close();
  return {};
}

}  // namespace egret::lower
