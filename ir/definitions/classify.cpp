// Classes of operators and commutativity, read off the definition.
#include <algorithm>

#include "ir/definitions/definition.h"
#include "ir/definitions/registry.h"

namespace egret {

namespace {

// What stands in a definition's body.
struct Shape {
  bool folds = false;         // whole body or part of it is a fold
  bool product_fold = false;  // a fold of a product of reads of two operands
  bool bare = true;           // every read has bare indices of its own places, and no condition is on indices
  std::vector<int> read_operands;
};

class ShapeReader {
 public:
  explicit ShapeReader(const Definition& def) : def_(def) { visit(def.body); }
  Shape shape() const { return shape_; }

 private:
  // A factor is a read, or a read where a condition on indices holds (padding).
  const DefNode& factor(DefId id) const {
    const DefNode& n = def_.node(id);
    return n.kind == DefKind::kCond ? def_.node(n.args[1]) : n;
  }

  bool reads_two_operands(DefId id) const {
    const DefNode& n = def_.node(id);
    if (n.kind != DefKind::kMul) return false;
    const DefNode &a = factor(n.args[0]), &b = factor(n.args[1]);
    return a.kind == DefKind::kRead && b.kind == DefKind::kRead && a.number != b.number;
  }

  void visit(DefId id) {
    const DefNode& n = def_.node(id);
    switch (n.kind) {
      case DefKind::kFold:
        shape_.folds = true;
        if (n.fold == FoldKind::kSum && reads_two_operands(n.args[0])) shape_.product_fold = true;
        for (const DefBinder& b : n.binders) shape_.bare &= !b.size.has_value();
        break;
      case DefKind::kRead:
        shape_.read_operands.push_back(n.number);
        for (size_t p = 0; p < n.args.size(); ++p) {
          const DefNode& index = def_.node(n.args[p]);
          shape_.bare &= index.kind == DefKind::kGroup && index.number == def_.operands[n.number].places[p].group;
          if (index.kind != DefKind::kGroup) visit(n.args[p]);
        }
        return;
      case DefKind::kLess:
      case DefKind::kLessEqual:
      case DefKind::kEqual:
      case DefKind::kNotEqual:
      case DefKind::kValue:
      case DefKind::kPick: shape_.bare = false; break;
      default: break;
    }
    for (DefId a : n.args) visit(a);
  }

  const Definition& def_;
  Shape shape_;
};

// Operand and result axes are the same groups, in order.
bool same_places(const std::vector<DefPlace>& a, const std::vector<DefPlace>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].group != b[i].group || a[i].where != b[i].where || a[i].attr != b[i].attr || b[i].size) return false;
  }
  return true;
}

bool commutes(ScalarFn fn) {
  constexpr ScalarFn kFns[] = {ScalarFn::kAdd, ScalarFn::kMul, ScalarFn::kMax, ScalarFn::kMin, ScalarFn::kAnd,
                               ScalarFn::kOr,  ScalarFn::kXor, ScalarFn::kEq,  ScalarFn::kNe};
  return std::find(std::begin(kFns), std::end(kFns), fn) != std::end(kFns);
}

// Equal once operands 0 and 1 are exchanged on the right.
bool equal_swapped(const Definition& def, DefId x, DefId y) {
  const DefNode &a = def.node(x), &b = def.node(y);
  if (a.kind != b.kind || a.fn != b.fn || a.fold != b.fold || a.value != b.value || a.other != b.other) return false;
  if (a.args.size() != b.args.size() || a.binders.size() != b.binders.size()) return false;
  for (size_t i = 0; i < a.binders.size(); ++i) {
    if (a.binders[i].group != b.binders[i].group) return false;
  }
  bool of_operand = a.kind == DefKind::kRead || a.kind == DefKind::kSize;
  if (of_operand ? a.number != 1 - b.number : a.number != b.number) return false;
  bool in_order = true;
  for (size_t i = 0; i < a.args.size(); ++i) in_order &= equal_swapped(def, a.args[i], b.args[i]);
  if (in_order) return true;
  bool symmetric = a.kind == DefKind::kAdd || a.kind == DefKind::kMul || (a.kind == DefKind::kCall && commutes(a.fn));
  return symmetric && a.args.size() == 2 && equal_swapped(def, a.args[0], b.args[1]) &&
         equal_swapped(def, a.args[1], b.args[0]);
}

}  // namespace

OpClass classify(const OpDef& op) {
  if (op.expand) return OpClass::kComposite;
  if (op.max_operands == 0) return OpClass::kInput;
  if (op.name == "get") return OpClass::kTuple;
  if (!op.definition) return OpClass::kOther;
  const Definition& def = *op.definition;
  if (def.each) return OpClass::kTuple;
  Shape shape = ShapeReader(def).shape();
  if (shape.product_fold) return OpClass::kContraction;
  if (shape.folds) return shape.bare ? OpClass::kReduction : OpClass::kWindow;
  bool map = shape.bare;
  for (const DefOperand& o : def.operands) map &= !o.variadic && same_places(o.places, def.result);
  return map ? OpClass::kMap : OpClass::kMovement;
}

bool is_commutative(const OpDef& op) {
  if (!op.definition || op.min_operands != 2 || op.max_operands != 2) return false;
  const Definition& def = *op.definition;
  const DefOperand &a = def.operands[0], &b = def.operands[1];
  return a.dtype == b.dtype && same_places(a.places, b.places) && equal_swapped(def, def.body, def.body);
}

}  // namespace egret
