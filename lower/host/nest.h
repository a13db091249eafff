// Nest: comprehensions as loop bodies: indices as linear forms over loop variables, reads at flat row-major addresses.
//
// This is the form between `Comprehension` and LLVM IR.  Index arithmetic is simplified by ranges; a variable that only
// meets div or mod by c is cut in two loops (hi * c + lo), and neighbouring loops that every index uses as one are
// merged, so that inner loops are as long as the definition allows and free of division.
// Nothing here knows LLVM.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ir/definitions/expr.h"

namespace egret::lower {

using VarId = uint32_t;
using AtomId = uint32_t;
using NodeId = uint32_t;

// constant + sum of coefficient * atom; terms sorted by atom, coefficients not 0.
struct Linear {
  int64_t constant = 0;
  std::vector<std::pair<AtomId, int64_t>> terms;
  bool is_constant() const { return terms.empty(); }
  friend bool operator==(const Linear&, const Linear&) = default;
  friend bool operator<(const Linear& a, const Linear& b) {
    return a.constant != b.constant ? a.constant < b.constant : a.terms < b.terms;
  }
};
Linear operator+(const Linear& a, const Linear& b);
Linear operator*(const Linear& a, int64_t factor);

struct Atom {
  enum class Kind : uint8_t { kVariable, kDiv, kMod, kMin, kMax, kScalar } kind = Kind::kVariable;
  VarId variable = 0;
  int64_t divisor = 1;  // kDiv, kMod
  Linear a, b;          // kDiv, kMod: a; kMin, kMax: both
  NodeId scalar = 0;    // kScalar: an integer scalar used as an index
  int64_t low = 0, high = 0;
};

struct Node {
  enum class Kind : uint8_t {
    kNumber,
    kRead,
    kCall,
    kSelect,
    kFold,
    kValue,
    kTrue,
    kFalse,
    kPositive,
    kZero,
    kAnd,
    kOr,
    kNot,
    kTruth,  // conditions; kPositive: index > 0, kZero: index == 0
  } kind = Kind::kNumber;
  ScalarFn fn = ScalarFn::kAdd;
  FoldKind fold = FoldKind::kSum;
  DType dtype = DType::f32;
  uint32_t operand = 0;  // kRead
  double value = 0;      // kNumber
  int64_t integer = 0;   // kNumber of an integer type
  Linear index;          // kRead: element address; kPositive, kZero, kValue
  std::vector<NodeId> args;
  std::vector<VarId> variables;  // kFold: loops, outermost first
  bool operator<(const Node& other) const;
};

class Nest {
 public:
  // An axis of a result or of a fold: one loop variable, or several where it is cut.
  struct Axis {
    Linear value;
    std::vector<VarId> variables;  // outermost first
  };
  using Cuts = std::map<uint32_t, std::vector<int64_t>>;  // axis number -> divisors, each dividing the next

  explicit Nest(Cuts cuts = {}) : cuts_(std::move(cuts)) {}

  Axis add_axis(int64_t size);

  // The element sizes of operand `p` (its row-major strides make addresses).  Asked during `import`.
  struct Operand {
    std::vector<int64_t> sizes;
    std::vector<uint8_t> skip;  // axes left out of the address (rows of scratch); empty: none
  };
  // Imports `root` of a comprehension; `variables` gives the result axes, fold variables become new axes.
  NodeId import(const Comprehension& meaning, ExprId root, std::span<const Linear> variables,
                const std::function<Operand(uint32_t)>& operand);
  // condition ? value : 0
  NodeId guarded(NodeId condition, NodeId value);
  // An index that merging must respect (an output's address).
  uint32_t track(Linear index);
  const Linear& tracked(uint32_t i) const { return tracked_[i]; }

  int64_t size(VarId v) const { return sizes_[v]; }
  size_t variable_count() const { return sizes_.size(); }
  const Atom& atom(AtomId a) const { return atoms_[a]; }
  const Node& node(NodeId n) const { return nodes_[n]; }
  size_t node_count() const { return nodes_.size(); }
  std::pair<int64_t, int64_t> range(const Linear& index) const;
  // Coefficient of a variable where it stands bare; `inside` is set where an atom other than itself depends on it.
  int64_t coefficient(const Linear& index, VarId v, bool* inside = nullptr) const;
  bool depends(const Linear& index, VarId v) const;
  bool depends(NodeId node, VarId v) const;  // any index below it, folds included

  // Merges neighbours of `group` (outermost first) that every index uses as one axis; drops variables of size 1.
  void merge(std::vector<VarId>& group);
  void merge_folds();
  const Cuts& wanted_cuts() const { return wanted_; }

  // Every kRead below `root`, each once.
  std::vector<NodeId> reads(NodeId root) const;

 private:
  Linear atom_index(Atom atom);
  Linear div(const Linear& a, int64_t c);
  Linear mod(const Linear& a, int64_t c);
  Linear min_max(Atom::Kind kind, const Linear& a, const Linear& b);
  void want_cut(const Linear& a, int64_t c);
  // a = g * upper + lower with 0 <= lower < g and g dividing c, where one is found.
  bool peel(const Linear& a, int64_t c, int64_t* g, Linear* upper, Linear* lower) const;
  NodeId add(Node node);
  NodeId positive(Linear index);
  NodeId zero(Linear index);
  bool mergeable(const Linear& index, VarId outer, VarId inner) const;
  void drop(Linear& index, VarId outer, VarId inner) const;

  struct Import;
  friend struct Import;

  Cuts cuts_, wanted_;
  uint32_t axis_count_ = 0;
  std::vector<int64_t> sizes_;
  struct Digit {
    uint32_t axis;
    int64_t weight;
    int64_t axis_size;
  };
  std::vector<Digit> digits_;  // by variable
  std::vector<Atom> atoms_;
  std::vector<AtomId> variable_atoms_;
  std::vector<Node> nodes_;
  std::map<Node, NodeId> node_ids_;
  std::map<std::tuple<uint8_t, uint32_t, int64_t, Linear, Linear>, AtomId> atom_ids_;
  std::vector<Linear> tracked_;
};

// Fills a nest, and again with the cuts that the first filling found useful.
Nest make_nest(const std::function<void(Nest&)>& fill);

}  // namespace egret::lower
