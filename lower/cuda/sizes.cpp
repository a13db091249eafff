#include "lower/cuda/sizes.h"

#include <algorithm>
#include <numeric>

namespace egret::lower {

Sizes::Sizes(const Stages& stages) : stages_(stages) {
  for (const Type& port : stages.ports) {
    axis_first_.push_back(value_.size());
    for (int64_t size : port.sizes()) value_.push_back(size);
  }
  for (const Stage& stage : stages.stages) {
    variable_first_.push_back(value_.size());
    for (int64_t size : stage.meaning.sizes) value_.push_back(size);
  }
  parent_.resize(value_.size());
  std::iota(parent_.begin(), parent_.end(), size_t{0});
  const int count = static_cast<int>(stages.stages.size());
  for (int s = 0; s < count; ++s) unite_reads(s);
  std::vector<int> first_rows;  // the stage that row axes are compared with
  for (int s = 0; s < count; ++s) {
    const Stage& stage = stages.stages[s];
    if (stage.row_axes.empty()) continue;
    if (first_rows.empty()) first_rows.push_back(s);
    const Stage& first = stages.stages[first_rows[0]];
    for (size_t k = 0; k < stage.row_axes.size() && k < first.row_axes.size(); ++k)
      unite(variable_site(s, stage.row_axes[k]), variable_site(first_rows[0], first.row_axes[k]));
  }
  name_of_.assign(value_.size(), SIZE_MAX);
  for (size_t site = 0; site < value_.size(); ++site) {
    size_t& number = name_of_[find(site)];
    if (number != SIZE_MAX) continue;
    number = constants_.size();
    constants_.push_back({"D" + std::to_string(constants_.size()), value_[site]});
  }
  spelled_.resize(stages.stages.size());
  for (int s = 0; s < count; ++s) spell(s);
}

size_t Sizes::axis_site(uint32_t operand, int axis) const {
  const size_t ports = stages_.ports.size();
  return operand < ports ? axis_first_[operand] + axis : variable_first_[operand - ports] + axis;
}

int Sizes::rank(uint32_t operand) const {
  const size_t ports = stages_.ports.size();
  return operand < ports ? stages_.ports[operand].rank() : stages_.stages[operand - ports].meaning.result.rank();
}

int64_t Sizes::axis_size(uint32_t operand, int axis) const { return value_[axis_site(operand, axis)]; }

size_t Sizes::find(size_t site) const {
  while (parent_[site] != site) site = parent_[site] = parent_[parent_[site]];
  return site;
}

void Sizes::unite(size_t a, size_t b) {
  a = find(a), b = find(b);
  if (a == b || value_[a] != value_[b]) return;
  parent_[std::max(a, b)] = std::min(a, b);
}

void Sizes::unite_reads(int stage) {
  const Comprehension& meaning = stages_.stages[stage].meaning;
  for (const Expr& expr : meaning.exprs) {
    if (expr.kind != ExprKind::kRead) continue;
    for (size_t axis = 0; axis < expr.args.size(); ++axis) {
      const Expr& index = meaning.exprs[expr.args[axis]];
      if (index.kind == ExprKind::kIndex)
        unite(variable_site(stage, index.number), axis_site(expr.number, static_cast<int>(axis)));
    }
  }
}

std::optional<Sizes::Extent> Sizes::extent(int stage, ExprId id) const {
  const Comprehension& meaning = stages_.stages[stage].meaning;
  const Expr& expr = meaning.exprs[id];
  if (expr.kind == ExprKind::kIndex) return Extent{meaning.sizes[expr.number], variable(stage, expr.number)};
  if (expr.kind == ExprKind::kMod && meaning.exprs[expr.args[1]].kind == ExprKind::kInt)
    return Extent{meaning.exprs[expr.args[1]].integer, constant(stage, id, 1)};
  return std::nullopt;
}

// Merged axes: in a sum of terms x_i * c_i a coefficient is the next smaller one times the extent of its x.
void Sizes::spell_sum(int stage, ExprId sum) {
  const Comprehension& meaning = stages_.stages[stage].meaning;
  struct Term {
    int64_t coefficient;
    ExprId factor, product;  // product: the multiplication, where there is one
  };
  std::vector<Term> terms;
  std::vector<ExprId> open = {sum};
  while (!open.empty()) {
    const ExprId id = open.back();
    open.pop_back();
    const Expr& expr = meaning.exprs[id];
    if (expr.kind == ExprKind::kAdd) {
      open.insert(open.end(), expr.args.begin(), expr.args.end());
    } else if (expr.kind == ExprKind::kMul && meaning.exprs[expr.args[1]].kind == ExprKind::kInt) {
      terms.push_back({meaning.exprs[expr.args[1]].integer, expr.args[0], id});
    } else if (expr.kind != ExprKind::kInt) {
      terms.push_back({1, id, id});
    }
  }
  std::stable_sort(terms.begin(), terms.end(),
                   [](const Term& a, const Term& b) { return a.coefficient < b.coefficient; });
  std::string spelled = "1";
  for (size_t i = 0; i + 1 < terms.size(); ++i) {
    const auto of = extent(stage, terms[i].factor);
    if (!of || terms[i].coefficient * of->value != terms[i + 1].coefficient || of->value <= 1) return;
    spelled = spelled == "1" ? of->text : "(" + spelled + " * " + of->text + ")";
    spelled_[stage][{terms[i + 1].product, 1}] = spelled;
  }
}

// Merged axes, comparisons with the size of an axis that is read at the same index, and what reads cut.
void Sizes::spell(int stage) {
  const Comprehension& meaning = stages_.stages[stage].meaning;
  auto& spelled = spelled_[stage];
  std::map<ExprId, std::pair<int64_t, std::string>> read_at;  // index expression -> size and name of the axis
  for (const Expr& expr : meaning.exprs) {
    if (expr.kind != ExprKind::kRead) continue;
    for (size_t axis = 0; axis < expr.args.size(); ++axis)
      read_at.try_emplace(expr.args[axis], axis_size(expr.number, static_cast<int>(axis)),
                          this->axis(expr.number, static_cast<int>(axis)));
    spell_read(stage, expr);
  }
  for (ExprId id = 0; id < meaning.exprs.size(); ++id) {
    const Expr& expr = meaning.exprs[id];
    if (expr.kind == ExprKind::kLess || expr.kind == ExprKind::kLessEqual) {
      for (size_t p = 0; p < 2; ++p) {
        const auto found = read_at.find(expr.args[1 - p]);
        const Expr& bound = meaning.exprs[expr.args[p]];
        if (found == read_at.end() || bound.kind != ExprKind::kInt) continue;
        const auto& [size, name] = found->second;
        if (bound.integer == size) spelled[{id, p}] = name;
        if (bound.integer == size - 1 && size > 1) spelled[{id, p}] = "(" + name + " - 1)";
      }
    }
    // Sums inside sums are spelled again by the outermost, which stands later.
    if (expr.kind == ExprKind::kAdd) spell_sum(stage, id);
  }
}

// x[e div c, e mod c]: c is the size of the later axis, or a product of sizes; x[min(e, size - 1)]: a clamp.
void Sizes::spell_read(int stage, const Expr& read) {
  for (size_t axis = 0; axis < read.args.size(); ++axis)
    spell_divisors(stage, read, static_cast<int>(axis), read.args[axis]);
}

void Sizes::spell_divisors(int stage, const Expr& read, int axis, ExprId index) {
  const Comprehension& meaning = stages_.stages[stage].meaning;
  const Expr& expr = meaning.exprs[index];
  switch (expr.kind) {
    case ExprKind::kDiv:
    case ExprKind::kMod:
    case ExprKind::kMin:
    case ExprKind::kMax:
      break;
    default:
      return;
  }
  for (size_t p = 0; p < expr.args.size(); ++p) {
    const Expr& constant = meaning.exprs[expr.args[p]];
    if (constant.kind != ExprKind::kInt) {
      spell_divisors(stage, read, axis, expr.args[p]);
      continue;
    }
    if (expr.kind == ExprKind::kMin && constant.integer > 0 && constant.integer == axis_size(read.number, axis) - 1) {
      spelled_[stage][{index, p}] = "(" + this->axis(read.number, axis) + " - 1)";
      continue;
    }
    int64_t value = 1;
    std::vector<std::string> names;
    for (int a = expr.kind == ExprKind::kDiv ? axis + 1 : axis; a < rank(read.number); ++a) {
      value *= axis_size(read.number, a);
      names.push_back(this->axis(read.number, a));
      if (value == constant.integer && value > 1) {
        spelled_[stage][{index, p}] = product(names);
        break;
      }
    }
  }
}

std::string Sizes::constant(int stage, ExprId parent, size_t position) const {
  const auto found = spelled_[stage].find({parent, position});
  if (found != spelled_[stage].end()) return found->second;
  const Comprehension& meaning = stages_.stages[stage].meaning;
  const int64_t value = meaning.exprs[meaning.exprs[parent].args[position]].integer;
  return value < 0 ? "(" + std::to_string(value) + ")" : std::to_string(value);
}

std::string Sizes::product(const std::vector<std::string>& names) {
  if (names.empty()) return "Index(1)";
  if (names.size() == 1) return "Index(" + names[0] + ")";
  std::string text = "(Index(" + names[0] + ")";
  for (size_t i = 1; i < names.size(); ++i) text += " * " + names[i];
  return text + ")";
}

}  // namespace egret::lower
