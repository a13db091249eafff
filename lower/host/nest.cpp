#include "lower/host/nest.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "support/result.h"

namespace egret::lower {
namespace {

int64_t floor_div(int64_t a, int64_t b) { return a / b - ((a % b != 0) && ((a % b < 0) != (b < 0))); }
int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

}  // namespace

Linear operator+(const Linear& a, const Linear& b) {
  Linear sum;
  sum.constant = a.constant + b.constant;
  size_t i = 0, j = 0;
  while (i < a.terms.size() || j < b.terms.size()) {
    if (j == b.terms.size() || (i < a.terms.size() && a.terms[i].first < b.terms[j].first)) {
      sum.terms.push_back(a.terms[i++]);
    } else if (i == a.terms.size() || b.terms[j].first < a.terms[i].first) {
      sum.terms.push_back(b.terms[j++]);
    } else {
      const int64_t c = a.terms[i].second + b.terms[j].second;
      if (c != 0) sum.terms.push_back({a.terms[i].first, c});
      ++i, ++j;
    }
  }
  return sum;
}

Linear operator*(const Linear& a, int64_t factor) {
  if (factor == 0) return {};
  Linear product = a;
  product.constant *= factor;
  for (auto& term : product.terms) term.second *= factor;
  return product;
}

bool Node::operator<(const Node& o) const {
  // Numbers compare by their bits, so that NaN and -0 are values like others.
  auto bits = [](double d) {
    int64_t b;
    static_assert(sizeof b == sizeof d);
    __builtin_memcpy(&b, &d, sizeof b);
    return b;
  };
  return std::make_tuple(kind, fn, fold, dtype, operand, bits(value), integer, index, args, variables) <
         std::make_tuple(o.kind, o.fn, o.fold, o.dtype, o.operand, bits(o.value), o.integer, o.index, o.args,
                         o.variables);
}

Nest::Axis Nest::add_axis(int64_t size) {
  const uint32_t number = axis_count_++;
  std::vector<int64_t> weights = {1};
  if (auto it = cuts_.find(number); it != cuts_.end())
    weights.insert(weights.end(), it->second.begin(), it->second.end());
  Axis axis;
  int64_t above = size;
  for (size_t i = weights.size(); i-- > 0;) {
    const int64_t digit_size = weights[i] == 0 ? 0 : above / weights[i];
    above = weights[i];
    const VarId v = static_cast<VarId>(sizes_.size());
    sizes_.push_back(digit_size);
    digits_.push_back({number, weights[i], size});
    Atom atom;
    atom.variable = v;
    atom.high = std::max<int64_t>(digit_size - 1, 0);
    variable_atoms_.push_back(static_cast<AtomId>(atoms_.size()));
    atoms_.push_back(atom);
    axis.variables.push_back(v);
    if (digit_size > 1) axis.value = axis.value + Linear{0, {{variable_atoms_[v], weights[i]}}};
  }
  return axis;
}

std::pair<int64_t, int64_t> Nest::range(const Linear& index) const {
  int64_t low = index.constant, high = index.constant;
  for (auto [a, c] : index.terms) {
    const auto& atom = atoms_[a];
    low += c > 0 ? c * atom.low : c * atom.high;
    high += c > 0 ? c * atom.high : c * atom.low;
  }
  return {low, high};
}

Linear Nest::atom_index(Atom atom) {
  auto key = std::make_tuple(static_cast<uint8_t>(atom.kind), atom.scalar, atom.divisor, atom.a, atom.b);
  auto [it, fresh] = atom_ids_.emplace(std::move(key), static_cast<AtomId>(atoms_.size()));
  if (fresh) atoms_.push_back(std::move(atom));
  return {0, {{it->second, 1}}};
}

void Nest::want_cut(const Linear& a, int64_t c) {
  if (a.terms.size() != 1 || a.constant != 0 || a.terms[0].second != 1) return;
  const Atom& atom = atoms_[a.terms[0].first];
  if (atom.kind != Atom::Kind::kVariable) return;
  const Digit& digit = digits_[atom.variable];
  const int64_t cut = digit.weight * c;
  if (digit.axis_size % cut != 0 || cut >= digit.axis_size) return;
  auto& wanted = wanted_[digit.axis];
  if (wanted.empty()) {
    if (auto it = cuts_.find(digit.axis); it != cuts_.end()) wanted = it->second;
  }
  for (int64_t w : wanted) {
    if (w == cut || (w % cut != 0 && cut % w != 0)) return;
  }
  wanted.insert(std::upper_bound(wanted.begin(), wanted.end(), cut), cut);
}

bool Nest::peel(const Linear& a, int64_t c, int64_t* g, Linear* upper, Linear* lower) const {
  std::set<int64_t> candidates;
  for (auto [atom, coefficient] : a.terms) candidates.insert(std::gcd(coefficient, c));
  for (auto it = candidates.rbegin(); it != candidates.rend(); ++it) {
    if (*it <= 1) break;
    Linear low, high;
    low.constant = floor_mod(a.constant, *it);
    high.constant = floor_div(a.constant, *it);
    for (auto [atom, coefficient] : a.terms) {
      if (coefficient % *it == 0) {
        high.terms.push_back({atom, coefficient / *it});
      } else {
        low.terms.push_back({atom, coefficient});
      }
    }
    const auto [from, to] = range(low);
    if (from >= 0 && to < *it) {
      *g = *it;
      *upper = std::move(high);
      *lower = std::move(low);
      return true;
    }
  }
  return false;
}

Linear Nest::div(const Linear& a, int64_t c) {
  if (c == 1) return a;
  Linear quotient, rest;
  quotient.constant = floor_div(a.constant, c);
  rest.constant = floor_mod(a.constant, c);
  for (auto [atom, coefficient] : a.terms) {
    if (coefficient % c == 0) {
      quotient.terms.push_back({atom, coefficient / c});
    } else {
      rest.terms.push_back({atom, coefficient});
    }
  }
  const auto [low, high] = range(rest);
  if (floor_div(low, c) == floor_div(high, c)) {
    quotient.constant += floor_div(low, c);
    return quotient;
  }
  int64_t g;
  Linear upper, lower;
  if (peel(rest, c, &g, &upper, &lower)) return quotient + div(upper, c / g);
  want_cut(rest, c);
  Atom atom;
  atom.kind = Atom::Kind::kDiv;
  atom.a = rest;
  atom.divisor = c;
  atom.low = floor_div(low, c);
  atom.high = floor_div(high, c);
  return quotient + atom_index(std::move(atom));
}

Linear Nest::mod(const Linear& a, int64_t c) {
  if (c == 1) return {};
  Linear rest;
  rest.constant = floor_mod(a.constant, c);
  for (auto [atom, coefficient] : a.terms) {
    if (coefficient % c != 0) rest.terms.push_back({atom, coefficient});
  }
  const auto [low, high] = range(rest);
  if (floor_div(low, c) == floor_div(high, c)) {
    rest.constant -= floor_div(low, c) * c;
    return rest;
  }
  int64_t g;
  Linear upper, lower;
  if (peel(rest, c, &g, &upper, &lower)) return mod(upper, c / g) * g + lower;
  want_cut(rest, c);
  Atom atom;
  atom.kind = Atom::Kind::kMod;
  atom.a = rest;
  atom.divisor = c;
  atom.high = c - 1;
  return atom_index(std::move(atom));
}

Linear Nest::min_max(Atom::Kind kind, const Linear& a, const Linear& b) {
  const auto [low, high] = range(a + b * -1);
  const bool is_min = kind == Atom::Kind::kMin;
  if (high <= 0) return is_min ? a : b;
  if (low >= 0) return is_min ? b : a;
  const auto ra = range(a), rb = range(b);
  Atom atom;
  atom.kind = kind;
  atom.a = a;
  atom.b = b;
  atom.low = is_min ? std::min(ra.first, rb.first) : std::max(ra.first, rb.first);
  atom.high = is_min ? std::min(ra.second, rb.second) : std::max(ra.second, rb.second);
  return atom_index(std::move(atom));
}

NodeId Nest::add(Node node) {
  auto [it, fresh] = node_ids_.emplace(node, static_cast<NodeId>(nodes_.size()));
  if (fresh) nodes_.push_back(std::move(node));
  return it->second;
}

NodeId Nest::positive(Linear index) {
  const auto [low, high] = range(index);
  Node node;
  node.dtype = DType::boolean;
  node.kind = low > 0 ? Node::Kind::kTrue : high <= 0 ? Node::Kind::kFalse : Node::Kind::kPositive;
  if (node.kind == Node::Kind::kPositive) node.index = std::move(index);
  return add(std::move(node));
}

NodeId Nest::zero(Linear index) {
  const auto [low, high] = range(index);
  Node node;
  node.dtype = DType::boolean;
  node.kind = low == 0 && high == 0 ? Node::Kind::kTrue : low > 0 || high < 0 ? Node::Kind::kFalse : Node::Kind::kZero;
  if (node.kind == Node::Kind::kZero) node.index = std::move(index);
  return add(std::move(node));
}

// One import: expressions of a comprehension by number, each translated once.
struct Nest::Import {
  Nest& nest;
  const Comprehension& meaning;
  const std::function<Operand(uint32_t)>& operand;
  std::vector<std::optional<Linear>> variables;
  std::vector<std::optional<Linear>> indices;
  std::vector<std::optional<NodeId>> scalars;
  std::map<uint32_t, Operand> operands;

  const Linear& index(ExprId id) {
    if (!indices[id]) {
      Linear made = make_index(meaning.exprs[id]);
      indices[id] = std::move(made);
    }
    return *indices[id];
  }

  Linear make_index(const Expr& e) {
    switch (e.kind) {
      case ExprKind::kIndex:
        EGRET_CHECK(variables[e.number], "an index variable is bound");
        return *variables[e.number];
      case ExprKind::kInt:
        return {e.integer, {}};
      case ExprKind::kAdd:
        return index(e.args[0]) + index(e.args[1]);
      case ExprKind::kSub:
        return index(e.args[0]) + index(e.args[1]) * -1;
      case ExprKind::kMul: {
        const Linear a = index(e.args[0]), b = index(e.args[1]);
        EGRET_CHECK(a.is_constant() || b.is_constant(), "a product of two indices is not linear");
        return a.is_constant() ? b * a.constant : a * b.constant;
      }
      case ExprKind::kDiv:
        return nest.div(index(e.args[0]), constant(e.args[1]));
      case ExprKind::kMod:
        return nest.mod(index(e.args[0]), constant(e.args[1]));
      case ExprKind::kMin:
        return nest.min_max(Atom::Kind::kMin, index(e.args[0]), index(e.args[1]));
      case ExprKind::kMax:
        return nest.min_max(Atom::Kind::kMax, index(e.args[0]), index(e.args[1]));
      default:
        break;
    }
    EGRET_CHECK(e.kind == ExprKind::kToIndex, "an index expression");
    Atom atom;
    atom.kind = Atom::Kind::kScalar;
    atom.scalar = scalar(e.args[0]);
    atom.low = -(int64_t{1} << 40);
    atom.high = int64_t{1} << 40;
    return nest.atom_index(std::move(atom));
  }

  int64_t constant(ExprId id) {
    const Linear& c = index(id);
    EGRET_CHECK(c.is_constant() && c.constant > 0, "a divisor is a positive constant");
    return c.constant;
  }

  NodeId scalar(ExprId id) {
    if (!scalars[id]) {
      const NodeId made = make_scalar(meaning.exprs[id]);
      scalars[id] = made;
    }
    return *scalars[id];
  }

  bool is(NodeId n, Node::Kind kind) const { return nest.nodes_[n].kind == kind; }

  NodeId make_scalar(const Expr& e) {
    using K = Node::Kind;
    Node node;
    node.dtype = e.dtype;
    switch (e.kind) {
      case ExprKind::kLess:
        return nest.positive(index(e.args[1]) + index(e.args[0]) * -1);
      case ExprKind::kLessEqual:
        return nest.positive(index(e.args[1]) + index(e.args[0]) * -1 + Linear{1, {}});
      case ExprKind::kEqual:
        return nest.zero(index(e.args[0]) + index(e.args[1]) * -1);
      case ExprKind::kAnd:
      case ExprKind::kOr:
        return connective(e);
      case ExprKind::kNot: {
        const NodeId a = scalar(e.args[0]);
        node.dtype = DType::boolean;
        node.kind = is(a, K::kTrue) ? K::kFalse : is(a, K::kFalse) ? K::kTrue : K::kNot;
        if (node.kind == K::kNot) node.args = {a};
        break;
      }
      case ExprKind::kTruth:
        node.kind = K::kTruth;
        node.dtype = DType::boolean;
        node.args = {scalar(e.args[0])};
        break;
      case ExprKind::kNumber:
        node.kind = K::kNumber;
        node.value = e.value;
        node.integer = e.integer;
        break;
      case ExprKind::kRead:
        node.kind = K::kRead;
        node.operand = e.number;
        node.index = address(e);
        break;
      case ExprKind::kCall:
        node.kind = K::kCall;
        node.fn = e.fn;
        for (ExprId a : e.args) node.args.push_back(scalar(a));
        break;
      case ExprKind::kSelect: {
        const NodeId condition = scalar(e.args[0]);
        if (is(condition, K::kTrue)) return scalar(e.args[1]);
        if (is(condition, K::kFalse)) return scalar(e.args[2]);
        node.kind = K::kSelect;
        node.args = {condition, scalar(e.args[1]), scalar(e.args[2])};
        break;
      }
      case ExprKind::kFold:
        node.kind = K::kFold;
        node.fold = e.fold;
        for (uint32_t v : e.variables) {
          Axis axis = nest.add_axis(meaning.sizes[v]);
          variables[v] = axis.value;
          node.variables.insert(node.variables.end(), axis.variables.begin(), axis.variables.end());
        }
        node.args = {scalar(e.args[0])};
        break;
      case ExprKind::kValue:
        node.kind = K::kValue;
        node.index = index(e.args[0]);
        break;
      default:
        EGRET_CHECK(false, "a scalar expression");
    }
    return nest.add(std::move(node));
  }

  NodeId connective(const Expr& e) {
    using K = Node::Kind;
    const bool is_and = e.kind == ExprKind::kAnd;
    const K neutral = is_and ? K::kTrue : K::kFalse, absorbing = is_and ? K::kFalse : K::kTrue;
    Node node;
    node.dtype = DType::boolean;
    for (ExprId a : e.args) {
      const NodeId arg = scalar(a);
      if (is(arg, neutral)) continue;
      if (is(arg, absorbing)) return arg;
      node.args.push_back(arg);
    }
    if (node.args.size() == 1) return node.args[0];
    node.kind = node.args.empty() ? neutral : is_and ? K::kAnd : K::kOr;
    return nest.add(std::move(node));
  }

  Linear address(const Expr& e) {
    auto it = operands.find(e.number);
    if (it == operands.end()) it = operands.emplace(e.number, operand(e.number)).first;
    const Operand& from = it->second;
    EGRET_CHECK(from.sizes.size() == e.args.size(), "a read has an index an axis");
    Linear flat;
    int64_t stride = 1;
    for (size_t i = e.args.size(); i-- > 0;) {
      if (!from.skip.empty() && from.skip[i]) continue;
      if (from.sizes[i] != 1) flat = flat + index(e.args[i]) * stride;
      stride *= from.sizes[i];
    }
    return flat;
  }
};

NodeId Nest::import(const Comprehension& meaning, ExprId root, std::span<const Linear> variables,
                    const std::function<Operand(uint32_t)>& operand) {
  Import import{*this, meaning, operand, {}, {}, {}, {}};
  import.variables.resize(meaning.sizes.size());
  import.indices.resize(meaning.exprs.size());
  import.scalars.resize(meaning.exprs.size());
  for (size_t i = 0; i < variables.size(); ++i) import.variables[i] = variables[i];
  return import.scalar(root);
}

NodeId Nest::guarded(NodeId condition, NodeId value) {
  if (nodes_[condition].kind == Node::Kind::kTrue) return value;
  Node zero;
  zero.dtype = nodes_[value].dtype;
  Node select;
  select.kind = Node::Kind::kSelect;
  select.dtype = zero.dtype;
  select.args = {condition, value, add(std::move(zero))};
  return add(std::move(select));
}

uint32_t Nest::track(Linear index) {
  tracked_.push_back(std::move(index));
  return static_cast<uint32_t>(tracked_.size() - 1);
}

Nest make_nest(const std::function<void(Nest&)>& fill) {
  Nest::Cuts cuts;
  for (int round = 0; round < 8; ++round) {
    Nest nest(cuts);
    fill(nest);
    bool more = false;
    for (const auto& [axis, weights] : nest.wanted_cuts()) {
      if (cuts[axis] != weights) more = true;
      cuts[axis] = weights;
    }
    if (!more || round == 7) return nest;
  }
  return Nest();
}

}  // namespace egret::lower
