// Tiles of a contraction: which variables run along the rows, the columns and the fold of a block's tile, and the parts
// of a tiled kernel that the contraction classes share.
//
// Statements use these names: first_m, first_n (the tile's place), thread_m, thread_n (the thread's block of sums in
// it), sums[i][j]; constants ROWS, COLUMNS, FOLD, TILE_*, THREAD_*.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lower/cuda/schedules.h"

namespace egret::lower {

struct Side {
  ExprId factor = 0;                // of the product, in the anchor
  std::vector<uint32_t> variables;  // of the anchor, that this factor alone uses
  std::optional<ExprId> guard;      // a condition without which the product counts as zero (borders of convolutions)
  bool along_result = false;        // its memory runs along `variables`; else along the fold
};

struct TiledProduct {
  int stage = 0;
  std::string suffix;     // of the names that are the product's own: COLUMNS, FOLD, TILE_N, THREAD_N, tile_n
  std::string held_rows;  // the rows' factor in shared memory already, whole rows of FOLD elements; else empty
  ExprId fold = 0, product = 0;
  std::vector<uint32_t> batch, k;
  Side rows, columns;
  bool left_is_rows = true;
  void swap_sides();
  // Neighbouring threads take neighbouring columns, and so store along the result's last axis.
  void last_axis_to_columns(int rank);
};
Result<TiledProduct> tiled_product(const Stages& stages, int stage);
// The second product of a kContractionPair: its rows' factor is what the first one left, its batch variables are the row axes
// that the other factor reads.
Result<TiledProduct> folding_product(const Stages& stages);

// Classes with rows: the inner axes of the rows go to the columns.
Status inner_axes_to_columns(TiledProduct& tiled, const Stage& anchor);
// Whether neighbours in memory of what a side reads are neighbours along the result rather than along the fold.
bool runs_along_result(const Comprehension& meaning, const Side& side, const std::vector<uint32_t>& k);

Tile tile_for(int64_t batch, int64_t rows, int64_t columns);

// Declares the constants named above (TILES_N apart), for the tile that `printing` chose, and the two arrays of a step.
void declare_tile(Frame& frame, Printing& printing, const TiledProduct& tiled);
void share_tiles(Frame& frame, Printing& printing, const TiledProduct& tiled);
void print_tile_places(Printing& printing);
// Sums of the tile at first_m, first_n.  `batch`: texts of the batch variables.
void print_tile_sums(Printing& printing, const TiledProduct& tiled, const std::vector<std::string>& batch);
// Texts of variables of a stage at a flat row-major position.
std::vector<std::string> cut(Printing& printing, int stage, const std::vector<uint32_t>& variables, const std::string& flat);
// Prints statements for each sum a thread holds; `axes`: texts of the product's result axes.
void for_each_sum(Printing& printing, const TiledProduct& tiled, const std::vector<std::string>& batch,
                  const std::function<void(const std::vector<std::string>& axes)>& print);

}  // namespace egret::lower
