#include "lower/cuda/tiles.h"

#include <algorithm>

namespace egret::lower {
namespace {

using Variables = std::vector<uint32_t>;

// Whether a step of one of `variables` moves the last axis of a port that `factor` reads.
bool contiguous(const Comprehension& meaning, ExprId factor, const Variables& variables) {
  std::vector<uint8_t> uses(meaning.exprs.size(), 0), inside(meaning.exprs.size(), 0);
  inside[factor] = 1;
  for (ExprId id = 0; id < meaning.exprs.size(); ++id) {
    const Expr& e = meaning.exprs[id];
    if (e.kind == ExprKind::kIndex && std::count(variables.begin(), variables.end(), e.number)) uses[id] = 1;
    for (ExprId arg : e.args) uses[id] |= uses[arg];
  }
  bool result = false;
  size_t rank = 0;
  for (ExprId id = factor + 1; id-- > 0;) {
    if (!inside[id]) continue;
    const Expr& e = meaning.exprs[id];
    for (ExprId arg : e.args) inside[arg] = 1;
    if (e.kind != ExprKind::kRead || e.args.empty() || e.args.size() < rank) continue;
    rank = e.args.size();
    result = uses[e.args.back()];
  }
  return result;
}

}  // namespace

Result<TiledProduct> tiled_product(const Stages& stages, int stage) {
  if (stage < 0) return internal_error("a contraction kernel without an anchor");
  const Stage& anchor = stages.stages[stage];
  EGRET_TRY(const Product product, product_of(anchor));
  TiledProduct tiled;
  tiled.stage = stage;
  tiled.batch = product.batch;
  tiled.fold = product.fold;
  tiled.k = product.k;
  tiled.rows = {product.left, product.m, {}, false};
  tiled.columns = {product.right, product.n, {}, false};
  const Comprehension& meaning = anchor.meaning;
  tiled.product = meaning.exprs[tiled.fold].args[0];
  const Expr& item = meaning.exprs[tiled.product];
  if (item.kind == ExprKind::kSelect) {
    const Expr& otherwise = meaning.exprs[item.args[2]];
    tiled.product = item.args[1];
    tiled.rows.guard = item.args[0];
    if (otherwise.kind != ExprKind::kNumber || otherwise.value != 0)
      return unsupported_error("a product that counts as something else than zero at borders");
  }
  return tiled;
}

Result<TiledProduct> folding_product(const Stages& stages) {
  EGRET_TRY(TiledProduct tiled, tiled_product(stages, stages.second));
  const Stage& second = stages.stages[stages.second];
  const auto folded = static_cast<uint32_t>(stages.ports.size()) + static_cast<uint32_t>(stages.folded);
  auto is_folded = [&](const Side& side) {
    const Expr& read = second.meaning.exprs[side.factor];
    return read.kind == ExprKind::kRead && read.number == folded;
  };
  if (!is_folded(tiled.rows)) tiled.swap_sides();
  if (!is_folded(tiled.rows) || tiled.rows.guard || tiled.columns.guard)
    return internal_error("the second contraction does not read the rows of the first");
  // Row axes of size 1, which the factors need not read, go to the rows; other such axes to the columns.
  std::vector<uint32_t> batch;
  auto is_row = [&](uint32_t v) { return std::count(second.row_axes.begin(), second.row_axes.end(), static_cast<int>(v)) > 0; };
  Variables rows, columns;
  for (const Variables* group : {&tiled.batch, &tiled.rows.variables, &tiled.columns.variables}) {
    for (uint32_t v : *group) {
      const bool one = second.meaning.sizes[v] == 1;
      if (is_row(v) && group != &tiled.rows.variables && !one)
        batch.push_back(v);
      else
        (is_row(v) ? rows : columns).push_back(v);
    }
  }
  std::sort(rows.begin(), rows.end());
  std::sort(columns.begin(), columns.end());
  std::sort(batch.begin(), batch.end());
  tiled.batch = std::move(batch);
  tiled.rows.variables = std::move(rows);
  tiled.columns.variables = std::move(columns);
  tiled.suffix = "2";
  return tiled;
}

void TiledProduct::swap_sides() {
  std::swap(rows, columns);
  left_is_rows = !left_is_rows;
}

void TiledProduct::last_axis_to_columns(int rank) {
  const auto last = static_cast<uint32_t>(rank) - 1;
  if (std::count(rows.variables.begin(), rows.variables.end(), last)) swap_sides();
}

bool runs_along_result(const Comprehension& meaning, const Side& side, const Variables& k) {
  if (side.variables.empty() || !contiguous(meaning, side.factor, side.variables)) return false;
  // Where both move the last axis (a window sliding over a row) the longer run counts.
  return k.empty() || !contiguous(meaning, side.factor, k) ||
         meaning.sizes[side.variables.back()] >= meaning.sizes[k.back()];
}

Tile tile_for(int64_t batch, int64_t rows, int64_t columns) {
  static constexpr Tile kTiles[] = {{128, 128, 16, 8, 8}, {64, 64, 16, 4, 4}, {32, 32, 32, 2, 2}};
  constexpr int64_t kEnoughBlocks = 128;  // about one for each multiprocessor of the larger devices
  if (rows <= 16 && columns > 32) return {16, 128, 16, 2, 4};
  if (columns <= 16 && rows > 32) return {128, 16, 16, 4, 2};
  for (const Tile& tile : kTiles) {
    if (rows * 2 <= tile.m || columns * 2 <= tile.n) continue;
    const int64_t blocks = batch * ((rows + tile.m - 1) / tile.m) * ((columns + tile.n - 1) / tile.n);
    if (blocks >= kEnoughBlocks) return tile;
  }
  return kTiles[2];
}

void declare_tile(Frame& frame, Printing& printing, const TiledProduct& tiled) {
  const int anchor = tiled.stage;
  const Tile& tile = printing.choices.tile;
  frame.tunable("TILE_M", tile.m);
  frame.tunable("TILE_N", tile.n);
  frame.tunable("TILE_K", tile.k);
  frame.tunable("THREAD_M", tile.thread_m);
  frame.tunable("THREAD_N", tile.thread_n);
  frame.derive("ROWS", count_text(printing, anchor, tiled.rows.variables));
  frame.derive("COLUMNS", count_text(printing, anchor, tiled.columns.variables));
  frame.derive("FOLD", count_text(printing, anchor, tiled.k));
  frame.derive("TILES_M", "(ROWS + TILE_M - 1) / TILE_M");
}

void share_tiles(Frame& frame, Printing& printing, const TiledProduct& tiled) {
  const Tile& tile = printing.choices.tile;
  const Comprehension& meaning = printing.stage(tiled.stage).meaning;
  const DType left = meaning.exprs[tiled.rows.factor].dtype, right = meaning.exprs[tiled.columns.factor].dtype;
  // 4: tiles filled along k would otherwise meet one bank of shared memory.
  frame.share("tile_m", held_type(left), held_bytes(left), "TILE_K * (TILE_M + 4)", tile.k * (tile.m + 4));
  frame.share("tile_n", held_type(right), held_bytes(right), "TILE_K * (TILE_N + 4)", tile.k * (tile.n + 4));
}

namespace {

// Fills one tile: element (k, x) of the tile is the factor at first_k + k and first + x, zero outside.
class TileLoad {
 public:
  TileLoad(Printing& printing, const TiledProduct& tiled, const Side& side, const char* axis,
           const std::vector<std::string>& batch)
      : printing_(printing), tiled_(tiled), side_(side), axis_(axis), batch_(batch) {}

  // What does not change from tile to tile: the place along the result where each thread stands.
  void before_loop(const std::string& first) {
    if (!side_.along_result) return;
    Writer& out = printing_.out;
    at_ = out.fresh("x");
    out.line("const Index " + at_ + " = " + first + " + threadIdx.x % " + tile() + ";");
    ExprPrinter cutter(printing_, tiled_.stage, {}, {});
    cutter.bind_flat(side_.variables, at_);
    for (uint32_t v : side_.variables) cut_.push_back(cutter.variable(v));
  }

  void print(const std::string& first, const std::string& limit) {
    Writer& out = printing_.out;
    const std::string tile = this->tile(), array = (axis_[0] == 'M' ? "tile_m" : "tile_n") + tiled_.suffix;
    const std::string x = out.fresh("x"), k = out.fresh("k");
    ExprPrinter printer(printing_, tiled_.stage, {}, {});
    // An axis of size 1 may stand on the other side and yet be read here.
    for (uint32_t v = 0; v < static_cast<uint32_t>(printer.meaning().result.rank()); ++v) {
      if (printer.meaning().sizes[v] == 1) printer.bind(v, "0");
    }
    for (size_t i = 0; i < tiled_.batch.size(); ++i) printer.bind(tiled_.batch[i], batch_[i]);
    if (side_.along_result) {
      out.open("for (int " + k + " = threadIdx.x / " + tile + "; " + k + " < TILE_K; " + k + " += BLOCK_X / " + tile +
               ")");
      for (size_t i = 0; i < cut_.size(); ++i) printer.bind(side_.variables[i], cut_[i]);
    } else {
      out.line("const int " + k + " = threadIdx.x % TILE_K;");
      out.open("for (int " + x + " = threadIdx.x / TILE_K; " + x + " < " + tile + "; " + x + " += BLOCK_X / TILE_K)");
    }
    const std::string at = side_.along_result ? at_ : "(" + first + " + " + x + ")";
    const DType dtype = printer.meaning().exprs[side_.factor].dtype;
    out.line(std::string(held_type(dtype)) + " value = 0;");
    out.open("if (" + at + " < " + limit + " && first_k + " + k + " < FOLD" + tiled_.suffix + ")");
    if (!side_.along_result) printer.bind_flat(side_.variables, at);
    printer.bind_flat(tiled_.k, "(first_k + " + k + ")");
    if (side_.guard) out.open("if (" + printer.condition(*side_.guard) + ")");
    const std::string value = printer.scalar(side_.factor);
    out.line("value = " + value + ";");
    if (side_.guard) out.close();
    out.close();
    out.line(array + "[" + k + " * (" + tile + " + 4) + " + (side_.along_result ? "threadIdx.x % " + tile : x) +
             "] = value;");
    out.close();
  }

 private:
  std::string tile() const { return std::string("TILE_") + axis_ + tiled_.suffix; }

  Printing& printing_;
  const TiledProduct& tiled_;
  const Side& side_;
  const char* axis_;
  const std::vector<std::string>& batch_;
  std::string at_;
  std::vector<std::string> cut_;
};

}  // namespace

void print_tile_sums(Printing& printing, const TiledProduct& tiled, const std::vector<std::string>& batch) {
  Writer& out = printing.out;
  const Comprehension& meaning = printing.stage(tiled.stage).meaning;
  const std::string fold_length = "FOLD" + tiled.suffix, thread_n = "THREAD_N" + tiled.suffix, tile_n = "TILE_N" + tiled.suffix;
  const Expr& fold = meaning.exprs[tiled.fold];
  const Expr& item = meaning.exprs[tiled.product];
  const DType row_type = meaning.exprs[tiled.rows.factor].dtype,
              column_type = meaning.exprs[tiled.columns.factor].dtype;
  out.line(std::string(held_type(fold.dtype)) + " sums[THREAD_M][" + thread_n + "];");
  out.line("#pragma unroll");
  out.open("for (int i = 0; i < THREAD_M; ++i)");
  out.line("#pragma unroll");
  out.line("for (int j = 0; j < " + thread_n + "; ++j) sums[i][j] = 0;");
  out.close();
  TileLoad rows(printing, tiled, tiled.rows, "M", batch), columns(printing, tiled, tiled.columns, "N", batch);
  const bool held = !tiled.held_rows.empty();
  if (!held) rows.before_loop("first_m");
  columns.before_loop("first_n");
  out.open("for (Index first_k = 0; first_k < " + fold_length + "; first_k += TILE_K)");
  if (!held) {
    out.open("");
    rows.print("first_m", "ROWS");
    out.close();
  }
  out.open("");
  columns.print("first_n", "COLUMNS" + tiled.suffix);
  out.close();
  out.line("__syncthreads();");
  // Not the whole tile: half of its code takes a quarter less of the compiler's time, and 10 registers fewer.
  out.line("#pragma unroll 8");
  out.open(held ? "for (int k = 0; k < TILE_K && first_k + k < " + fold_length + "; ++k)" : "for (int k = 0; k < TILE_K; ++k)");
  out.line(std::string(held_type(row_type)) + " a[THREAD_M];");
  out.line(std::string(held_type(column_type)) + " b[" + thread_n + "];");
  out.line("#pragma unroll");
  out.line("for (int i = 0; i < THREAD_M; ++i) a[i] = " +
           (held ? tiled.held_rows + "[(thread_m * THREAD_M + i) * " + fold_length + " + first_k + k];"
                 : std::string("tile_m[k * (TILE_M + 4) + thread_m * THREAD_M + i];")));
  out.line("#pragma unroll");
  out.line("for (int j = 0; j < " + thread_n + "; ++j) b[j] = tile_n" + tiled.suffix + "[k * (" + tile_n + " + 4) + thread_n + j * (" +
           tile_n + " / " + thread_n + ")];");
  out.line("#pragma unroll");
  out.open("for (int i = 0; i < THREAD_M; ++i)");
  out.line("#pragma unroll");
  const std::string left = tiled.left_is_rows ? "a[i]" : "b[j]", right = tiled.left_is_rows ? "b[j]" : "a[i]";
  std::string value = call_text(ScalarFn::kMul, row_type, item.dtype, {left, right}, printing.library);
  if (item.dtype != fold.dtype) value = cast_text(item.dtype, fold.dtype, "(" + value + ")", printing.library);
  out.open("for (int j = 0; j < " + thread_n + "; ++j)");
  if (fold.dtype == DType::f32 || fold.dtype == DType::f64) {
    out.line("sums[i][j] += " + value + ";");
  } else {
    out.line(std::string("const ") + held_type(fold.dtype) + " value = " + value + ";");
    out.line("sums[i][j] = " + join_text(FoldKind::kSum, fold.dtype, "sums[i][j]", "value", printing.library) + ";");
  }
  out.close();
  out.close();
  out.close();
  out.line("__syncthreads();");
  out.close();
}

void print_tile_places(Printing& printing) {
  printing.out.line(
      "const int thread_n = threadIdx.x % (TILE_N / THREAD_N), thread_m = threadIdx.x / (TILE_N / THREAD_N);");
}

std::vector<std::string> cut(Printing& printing, int stage, const Variables& variables, const std::string& flat) {
  ExprPrinter cutter(printing, stage, {}, {});
  cutter.bind_flat(variables, flat);
  std::vector<std::string> result;
  for (uint32_t v : variables) result.push_back(cutter.variable(v));
  return result;
}

void for_each_sum(Printing& printing, const TiledProduct& tiled, const std::vector<std::string>& batch,
                  const std::function<void(const std::vector<std::string>& axes)>& print) {
  Writer& out = printing.out;
  std::vector<std::string> axes(printing.stage(tiled.stage).meaning.result.rank(), "0");
  auto place = [&](const Variables& variables, const std::vector<std::string>& texts) {
    for (size_t i = 0; i < variables.size(); ++i) axes[variables[i]] = texts[i];
  };
  place(tiled.batch, batch);
  out.line("#pragma unroll");
  out.open("for (int i = 0; i < THREAD_M; ++i)");
  out.line("const Index m = first_m + thread_m * THREAD_M + i;");
  place(tiled.rows.variables, cut(printing, tiled.stage, tiled.rows.variables, "m"));
  out.line("#pragma unroll");
  const std::string thread_n = "THREAD_N" + tiled.suffix;
  out.open("for (int j = 0; j < " + thread_n + "; ++j)");
  out.line("const Index n = first_n + thread_n + j * (TILE_N" + tiled.suffix + " / " + thread_n + ");");
  place(tiled.columns.variables, cut(printing, tiled.stage, tiled.columns.variables, "n"));
  out.open("if (m < ROWS && n < COLUMNS" + tiled.suffix + ")");
  print(axes);
  out.close();
  out.close();
  out.close();
}

}  // namespace egret::lower
