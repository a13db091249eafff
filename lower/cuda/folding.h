// Folding: the second product of a kContractionPair, once a block's rows stand in shared memory.
//
// Uses the first product's threads: a thread has the same rows of both.  Statements are printed by print_contraction_row,
// which both classes share up to here.
#pragma once

#include <string>
#include <vector>

#include "lower/cuda/schedules.h"
#include "lower/cuda/tiles.h"

namespace egret::lower {

class Folding {
 public:
  // Moves row axes that the second product's other factor reads from the rows of `first` to its batch.
  static Result<Folding> make(Printing& printing, TiledProduct& first);

  // Constants and arrays, after those of the first product.
  void share(Frame& frame);
  // The array that holds the rows to fold.
  const std::string& array() const { return product_.held_rows; }
  // In a row's statements, after its stages: what is read of the row later.
  void keep(const RowPrinter& row);
  // All products of the block, and the stages after them.  `batch`: texts of the first product's batch variables.
  Status print(const TiledProduct& first, const std::vector<std::string>& batch);

 private:
  explicit Folding(Printing& printing) : printing_(printing) {}
  bool single() const;  // the rows to fold have one element each and an array of their own
  std::string kept(int stage, const std::string& slot) const;

  Printing& printing_;
  TiledProduct product_;
  std::vector<uint8_t> late_;
  std::vector<int> kept_;  // stages of one element a row that later ones read
};

}  // namespace egret::lower
