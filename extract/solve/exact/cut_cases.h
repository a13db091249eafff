// A lower bound proved by cases: a branch tree over candidates, out or in, each leaf closed by prices from the linear
// program over cuts.  Its records are those of docs/certificates.md.
#pragma once

#include <limits>
#include <string>

#include "extract/solve/exact/cut_program.h"

namespace egret::extract {

class Cases {
 public:
  // Every leaf is to reach `enough`.  `program` is of `graph`.
  Cases(const Hypergraph& graph, CutProgram& program, double enough) : graph_(graph), program_(program), enough_(enough) {}

  // False where `work` units, or the interrupt, end it first, or where a choice cheaper than `enough` turns up.
  // `fixed`, if given, is out of question to begin with; the records do not say why.
  bool prove(uint64_t work, const Interrupt& interrupt, const std::vector<Fixed>& fixed = {});

  const std::string& records() const { return text_; }
  // The cost of a valid choice that was found on the way, or infinite.
  double found() const { return found_; }

 private:
  bool prove_case(int depth);
  bool drop_dear(const DualAscent& dual, std::vector<uint32_t>& dropped);
  uint32_t branching_candidate() const;

  const Hypergraph& graph_;
  CutProgram& program_;
  const double enough_;
  std::vector<Fixed> fixed_;
  const Interrupt* interrupt_ = nullptr;
  uint64_t last_work_ = 0;
  std::string text_;
  double found_ = std::numeric_limits<double>::infinity();
};

// Records of cuts, each with its price.
void write_cuts(const std::vector<Cut>& cuts, std::string& text);
// Records of candidates that cuts show to be too dear: they are dropped from here on.
void write_dropped(const std::vector<Cut>& cuts, const std::vector<uint32_t>& dropped, std::string& text);
// Records that close a case in which a root cannot be made; `cut` holds the root and all that cannot be made.  `size` is
// at least the claim.
void write_blocked(const Cut& cut, double size, std::string& text);

}  // namespace egret::extract
