#include "egraph/lang/const_fold.h"

#include <algorithm>
#include <unordered_map>

#include "egraph/store/store.h"
#include "support/hash.h"

namespace egret::egraph::lang {
namespace {

enum class Meaning : uint8_t { kNone, kNumber, kAdd, kSubtract, kMultiply, kDivide, kNegate };

Meaning meaning_of(std::string_view name, uint32_t operands) {
  static const struct {
    const char* names[3];
    Meaning meaning;
  } kBinary[] = {{{"+", "add", "Add"}, Meaning::kAdd},
                 {{"-", "sub", "Sub"}, Meaning::kSubtract},
                 {{"*", "mul", "Mul"}, Meaning::kMultiply},
                 {{"/", "div", "Div"}, Meaning::kDivide}};
  if (operands == 1 && (name == "-" || name == "neg" || name == "Neg")) return Meaning::kNegate;
  if (operands != 2) return Meaning::kNone;
  for (const auto& row : kBinary) {
    if (std::find(std::begin(row.names), std::end(row.names), name) != std::end(row.names)) return row.meaning;
  }
  return Meaning::kNone;
}

constexpr Number kUnknown{0, 0};  // of a fact that nothing has given yet

struct NumberHash {
  size_t operator()(const Number& n) const {
    return hash_combine(static_cast<uint64_t>(n.numerator), static_cast<uint64_t>(n.denominator));
  }
};

}  // namespace

struct ConstFold::State {
  struct Operator {
    Meaning meaning = Meaning::kNone;
    Fact number = kNoFact;  // kNumber
    bool taken_up = false;
  };
  std::vector<Operator> operators;  // by OpKind
  std::vector<Number> numbers;      // by Fact
  std::vector<Id> leaves;           // by Fact, the number's e-node without operands; kNoId: none that is known
  std::unordered_map<Number, Fact, NumberHash> facts;
  std::vector<std::pair<Id, Fact>> pending;  // e-nodes that folded, whose class may lack its leaf

  Fact intern(const Number& number) {
    const auto [entry, is_new] = facts.try_emplace(number, static_cast<Fact>(numbers.size()));
    if (is_new) numbers.push_back(number);
    leaves.resize(numbers.size(), kNoId);
    return entry->second;
  }

  // A number whose fact is known from before; false where either is taken by another.
  bool assign(const Number& number, Fact fact) {
    const auto [entry, is_new] = facts.try_emplace(number, fact);
    if (!is_new) return entry->second == fact;
    if (fact < numbers.size() && numbers[fact] != kUnknown) return false;
    if (numbers.size() <= fact) numbers.resize(fact + 1, kUnknown);
    numbers[fact] = number;
    leaves.resize(numbers.size(), kNoId);
    return true;
  }

  // Whether the number's leaf is known to stand in the e-node's class.
  bool has_leaf(const EGraph& graph, Id node, Fact number) const {
    return leaves[number] != kNoId && graph.find(leaves[number]) == graph.find(node);
  }

  void set(OpKind op, Meaning meaning, Fact number) {
    if (operators.size() <= op) operators.resize(op + 1);
    operators[op] = {meaning, number, false};
  }

  std::optional<Number> fold(Meaning meaning, std::span<const Number> operands) const {
    switch (meaning) {
      case Meaning::kAdd:
        return add(operands[0], operands[1]);
      case Meaning::kSubtract:
        return subtract(operands[0], operands[1]);
      case Meaning::kMultiply:
        return multiply(operands[0], operands[1]);
      case Meaning::kDivide:
        return divide(operands[0], operands[1]);
      case Meaning::kNegate:
        return subtract({}, operands[0]);
      default:
        return std::nullopt;
    }
  }

  void make(const EGraph& graph, uint32_t analysis, std::span<const Id> nodes, std::span<Fact> out) {
    const EGraph::Store& store = graph.store();
    for (size_t i = 0; i < nodes.size(); ++i) {
      const OpKind op = store.enodes.op(nodes[i]);
      if (op >= operators.size() || operators[op].meaning == Meaning::kNone) continue;
      if (operators[op].meaning == Meaning::kNumber) {
        out[i] = operators[op].number;
        leaves[out[i]] = nodes[i];
        continue;
      }
      Number values[2];
      size_t known = 0;
      const std::span<const Id> operands = store.enodes.of_live(nodes[i]);
      for (const Id operand : operands) {
        const Fact fact = store.facts.fact(analysis, operand);
        if (fact == kNoFact) break;
        values[known++] = numbers[fact];
      }
      if (known < operands.size()) continue;
      if (const auto number = fold(operators[op].meaning, {values, known})) {
        out[i] = intern(*number);
        if (!has_leaf(graph, nodes[i], out[i])) pending.emplace_back(nodes[i], out[i]);
      }
    }
  }
};

ConstFold::ConstFold(EGraph& graph) : state_(std::make_shared<State>()) {
  Analysis analysis;
  analysis.name = "const-fold";
  const auto number = std::make_shared<uint32_t>(0);
  analysis.make = [state = state_, number](const EGraph& g, std::span<const Id> nodes, std::span<Fact> out) {
    state->make(g, *number, nodes, out);
  };
  analysis.join = [](Fact a, Fact b) { return a == b ? a : kConflict; };
  analysis_ = *number = graph.add_analysis(std::move(analysis));
}
ConstFold::~ConstFold() = default;
ConstFold::ConstFold(ConstFold&&) noexcept = default;
ConstFold& ConstFold::operator=(ConstFold&&) noexcept = default;

void ConstFold::declare(OpKind op, std::string_view name, uint32_t operands) {
  const std::optional<Number> number = operands == 0 ? parse_number(name) : std::nullopt;
  if (number) {
    state_->set(op, Meaning::kNumber, state_->intern(*number));
  } else {
    state_->set(op, meaning_of(name, operands), kNoFact);
  }
}

void ConstFold::settle(EGraph& graph) {
  State& s = *state_;
  std::vector<std::pair<Id, Fact>> folded;
  for (graph.rebuild(); !s.pending.empty(); graph.rebuild()) {
    folded.swap(s.pending);
    s.pending.clear();
    for (const auto& [node, fact] : folded) {
      // A class keeps its first number where two contradict; the conflict is the graph's to report.
      if (s.has_leaf(graph, node, fact) || graph.fact(analysis_, node) != fact) continue;
      const std::string name = to_string(s.numbers[fact]);
      const OpKind op = graph.intern_op(name);
      s.set(op, Meaning::kNumber, fact);
      s.leaves[fact] = graph.add(op, 0, {});
      graph.unite(s.leaves[fact], node, {Justification::Kind::kFact, analysis_, 0});
    }
    folded.clear();
  }
  prune(graph);
}

std::optional<Number> ConstFold::value(const EGraph& graph, Id id) const {
  const Fact fact = graph.fact(analysis_, id);
  return fact == kNoFact ? std::nullopt : std::optional(state_->numbers[fact]);
}

void ConstFold::prune(EGraph& graph) {
  const EGraph::Store& store = graph.store();
  pruned_ = 0;
  store.enodes.for_each_live([&](Id node) {
    if (store.enodes.row(node).arity() == 0 || store.facts.fact(analysis_, store.sets.parent(node)) == kNoFact) return;
    if (!graph.subsumed(node)) graph.subsume(node);
    ++pruned_;
  });
}

bool ConstFold::take_up(const EGraph& graph) {
  const size_t most = state_->numbers.size() + graph.id_count();  // facts are numbered without gaps
  for (Id node = 0; node < graph.id_count(); ++node) {
    const OpKind op = graph.op(node);
    if (op < state_->operators.size() && state_->operators[op].taken_up) continue;
    const size_t operands = graph.operands(node).size();
    const Fact fact = graph.fact(analysis_, node);
    const std::optional<Number> number = operands == 0 ? parse_number(graph.op_name(op)) : std::nullopt;
    if (number && fact != kNoFact && (fact >= most || !state_->assign(*number, fact))) {
      *state_ = {};
      return false;
    }
    declare(op, graph.op_name(op), static_cast<uint32_t>(operands));
    state_->operators[op].taken_up = true;
  }
  for (Id node = 0; node < graph.id_count(); ++node) {
    const Fact fact = graph.fact(analysis_, node);
    if (fact == kNoFact || (fact < state_->numbers.size() && state_->numbers[fact] != kUnknown)) continue;
    *state_ = {};
    return false;
  }
  return true;
}

}  // namespace egret::egraph::lang
