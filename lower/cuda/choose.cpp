// Choices: what the schedules decide by looking at sizes and at how ports are read.
#include <algorithm>

#include "lower/cuda/schedules.h"
#include "lower/cuda/tiles.h"

namespace egret::lower {
namespace {

constexpr int64_t kRowShared = 48 * 1024;   // what a block has without asking
constexpr int64_t kMostShared = 96 * 1024;  // what every device from sm_80 on gives a block that asks
constexpr int64_t kShortRow = 8, kWarpRow = 1024, kFewRows = 256, kThin = 4, kLongFold = 128;

std::vector<uint8_t> uses_of(const Comprehension& meaning, const std::vector<uint8_t>& wanted) {
  std::vector<uint8_t> uses(meaning.exprs.size(), 0);
  for (ExprId id = 0; id < meaning.exprs.size(); ++id) {
    const Expr& e = meaning.exprs[id];
    if (e.kind == ExprKind::kIndex) uses[id] = wanted[e.number];
    for (ExprId arg : e.args) uses[id] |= uses[arg];
  }
  return uses;
}

// Whether the folds walk across memory: the last axis of what they read moves with a result axis, not with the fold.
bool folds_across(const Stage& stage) {
  const Comprehension& meaning = stage.meaning;
  std::vector<uint8_t> folded(meaning.sizes.size(), 0), result(meaning.sizes.size(), 0);
  for (int axis = 0; axis < meaning.result.rank(); ++axis) result[axis] = meaning.sizes[axis] > 1;
  for (const Expr& e : meaning.exprs) {
    for (uint32_t v : e.variables) folded[v] = meaning.sizes[v] > 1;
  }
  const auto in_fold = uses_of(meaning, folded), in_result = uses_of(meaning, result);
  bool across = false, along = false;
  for (ExprId id = 0; id < meaning.exprs.size(); ++id) {
    const Expr& e = meaning.exprs[id];
    if (e.kind != ExprKind::kRead || e.args.empty() || !in_fold[id]) continue;
    along |= in_fold[e.args.back()];
    across |= in_result[e.args.back()] && !in_fold[e.args.back()];
  }
  return across && !along;
}

int64_t longest_fold(const Stage& stage) {
  int64_t longest = 0;
  for (const Expr& e : stage.meaning.exprs) {
    if (e.kind == ExprKind::kFold) longest = std::max(longest, count_of(stage, e.variables));
  }
  return longest;
}

// Stages that a later one reads.
std::vector<uint8_t> read_later(const Stages& stages) {
  std::vector<uint8_t> result(stages.stages.size(), 0);
  for (const Stage& stage : stages.stages) {
    for (const Expr& e : stage.meaning.exprs) {
      if (e.kind == ExprKind::kRead && e.number >= stages.ports.size()) result[e.number - stages.ports.size()] = 1;
    }
  }
  return result;
}

// Rows of later interest go to shared memory while there is room; those with folds first, for they are dear to repeat.
void place_rows(const Stages& stages, int64_t slots, int64_t room, CudaChoices& choices) {
  const auto later = read_later(stages), late = after_second(stages);
  for (bool with_fold : {true, false}) {
    for (size_t s = 0; s < stages.stages.size(); ++s) {
      const Stage& stage = stages.stages[s];
      if (static_cast<int>(s) == stages.anchor || static_cast<int>(s) == stages.folded || late[s] || !later[s] || (longest_fold(stage) > 0) != with_fold) continue;
      const int64_t elements = count_of(stage, inner_axes(stage, stage.row_axes));
      const int64_t bytes = slots * elements * held_bytes(stage.meaning.result.dtype);
      if (elements == 1 || bytes > room) continue;
      choices.in_shared[s] = 1;
      room -= bytes + 16;
    }
  }
}

void choose_row(const Stages& stages, CudaChoices& choices) {
  int64_t rows = 1, longest = 1;
  bool across = true, has_fold = false, stages_rows = false;
  for (int64_t size : stages.row_sizes) rows *= size;
  const auto later = read_later(stages);
  for (size_t s = 0; s < stages.stages.size(); ++s) {
    const Stage& stage = stages.stages[s];
    const int64_t inner = count_of(stage, inner_axes(stage, stage.row_axes));
    const int64_t fold = longest_fold(stage);
    longest = std::max({longest, inner, fold});
    stages_rows |= inner > 1 && later[s];
    if (inner > 1 || fold == 0) continue;
    has_fold = true;
    across = across && folds_across(stage);
  }
  const bool thread_a_row = !stages_rows && (longest <= kShortRow || (has_fold && across && rows >= 32));
  choices.threads_per_row = thread_a_row ? 1 : longest <= (rows < kFewRows ? kFewRows : kWarpRow) ? 32 : 256;
  if (choices.threads_per_row > 1) place_rows(stages, 256 / choices.threads_per_row, kRowShared - 1024, choices);
}

void choose_runs(const TiledProduct& tiled, const Comprehension& meaning, CudaChoices& choices) {
  choices.rows_along = runs_along_result(meaning, tiled.rows, tiled.k);
  choices.columns_along = runs_along_result(meaning, tiled.columns, tiled.k);
}

void choose_contraction(const Stages& stages, CudaChoices& choices) {
  auto tiled = tiled_product(stages, stages.anchor);
  if (!tiled.ok()) return;
  const Stage& anchor = stages.stages[stages.anchor];
  tiled->last_axis_to_columns(anchor.meaning.result.rank());
  choose_runs(*tiled, anchor.meaning, choices);
  const int64_t batch = count_of(anchor, tiled->batch), rows = count_of(anchor, tiled->rows.variables),
                columns = count_of(anchor, tiled->columns.variables);
  choices.tile = tile_for(batch, rows, columns);
  choices.thin = std::min(rows, columns) <= kThin;
  if (!choices.thin) return;
  // A warp a result where the larger factor runs along the fold, else a thread.
  const bool along_result = rows > columns ? choices.rows_along : choices.columns_along;
  choices.threads_per_row = count_of(anchor, tiled->k) >= kLongFold && !along_result ? 32 : 1;
}

void choose_contraction_row(const Stages& stages, CudaChoices& choices) {
  const Stage& anchor = stages.stages[stages.anchor];
  const int64_t columns = count_of(anchor, inner_axes(anchor, anchor.row_axes));
  const int64_t row_bytes = columns * held_bytes(anchor.meaning.result.dtype);
  choices.threads_per_row = 32;
  if (auto tiled = tiled_product(stages, stages.anchor); tiled.ok() && inner_axes_to_columns(*tiled, anchor).ok())
    choose_runs(*tiled, anchor.meaning, choices);
  if (columns <= 64)
    choices.tile = {16, 32, 16, 2, 1};
  else if (16 * row_bytes <= 64 * 1024)
    choices.tile = {16, 128, 16, 2, 4};
  else
    choices.tile = {8, 128, 16, 1, 4};
  const int64_t tiles = 2 * choices.tile.k * (choices.tile.m + choices.tile.n + 8) * 8;
  place_rows(stages, 8, kMostShared - choices.tile.m * row_bytes - tiles, choices);
}

// As many rows a block as shared memory holds of the first product's sums and of what is folded.
void choose_contraction_pair(const Stages& stages, CudaChoices& choices) {
  const Stage &anchor = stages.stages[stages.anchor], &folded = stages.stages[stages.folded], &second = stages.stages[stages.second];
  choices.threads_per_row = 32;
  choices.over_sums = rows_replace_sums(stages);
  if (auto tiled = tiled_product(stages, stages.anchor); tiled.ok() && inner_axes_to_columns(*tiled, anchor).ok())
    choose_runs(*tiled, anchor.meaning, choices);
  if (auto tiled = folding_product(stages); tiled.ok())
    choices.second_along = runs_along_result(second.meaning, tiled->columns, tiled->k);
  const bool apart = stages.folded != stages.anchor && !choices.over_sums;
  const int64_t columns = row_elements(anchor);
  int64_t row_bytes = columns * held_bytes(anchor.meaning.result.dtype);
  if (apart) row_bytes += row_elements(folded) * held_bytes(folded.meaning.result.dtype);
  for (size_t s = 0; s < stages.stages.size(); ++s) row_bytes += 8;  // a value of the whole row
  static constexpr Tile kTiles[] = {{16, 128, 16, 2, 4}, {8, 128, 16, 1, 4}, {4, 128, 16, 1, 4}, {2, 64, 16, 1, 2}};
  auto tiles = [](const Tile& tile) { return int64_t{8} * tile.k * (tile.m + 2 * tile.n + 12); };
  choices.tile = kTiles[3];
  for (size_t t = std::size(kTiles); t-- > 0;) {
    if (kTiles[t].m * row_bytes + tiles(kTiles[t]) <= kMostShared) choices.tile = kTiles[t];
  }
  if (columns <= 64 && choices.tile.m == 16) choices.tile = {16, 32, 16, 2, 1};
  const int64_t width = row_elements(second), threads_n = choices.tile.n / choices.tile.thread_n;
  const int most = choices.tile.threads() >= 128 ? 4 : 2;
  choices.second_thread_n = width <= threads_n ? 1 : width <= 2 * threads_n ? 2 : most;
  place_rows(stages, choices.tile.threads() / 32, kMostShared - choices.tile.m * row_bytes - tiles(choices.tile), choices);
}

}  // namespace

CudaChoices choose(const Kernel& kernel, const Stages& stages) {
  CudaChoices choices;
  choices.in_shared.assign(stages.stages.size(), 0);
  int64_t largest = 0;
  for (const Type& port : stages.ports) largest = std::max(largest, port.elements_count());
  for (const Stage& stage : stages.stages) {
    largest = std::max(largest, stage.meaning.result.elements_count());
    largest = std::max(largest, longest_fold(stage));
    for (const Expr& e : stage.meaning.exprs) largest = std::max(largest, std::abs(e.integer));
  }
  choices.wide_index = largest > (int64_t{1} << 30);
  switch (kernel.plan.schedule) {
    case ScheduleClass::kRow:
      choose_row(stages, choices);
      break;
    case ScheduleClass::kContraction:
      choose_contraction(stages, choices);
      break;
    case ScheduleClass::kContractionRow:
      choose_contraction_row(stages, choices);
      break;
    case ScheduleClass::kContractionPair:
      choose_contraction_pair(stages, choices);
      break;
    default:
      break;
  }
  return choices;
}

}  // namespace egret::lower
