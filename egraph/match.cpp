#include "egraph/match.h"

#include <algorithm>

#include "egraph/store.h"

namespace egret::egraph {
namespace {

constexpr uint32_t kMaxDepth = 256;          // of a pattern: hosts read patterns from text
constexpr uint32_t kPollInterval = 1 << 14;  // candidates between two polls

void check_depth(const PatternTerm& term, uint32_t depth) {
  EGRET_CHECK(depth < kMaxDepth, "a pattern is nested too deeply");
  for (const PatternTerm& operand : term.operands) check_depth(operand, depth + 1);
}

}  // namespace

MatchProgram::MatchProgram(std::span<const PatternTerm> roots, uint32_t class_variables, uint32_t attr_variables)
    : class_bound_(class_variables, false), attr_bound_(attr_variables, false) {
  for (size_t r = 0; r < roots.size(); ++r) {
    const PatternTerm& root = roots[r];
    EGRET_CHECK(root.kind == PatternTerm::Kind::kOperator, "a root of a pattern is an operator");
    check_depth(root, 0);
    root_steps_.push_back(static_cast<uint32_t>(steps_.size()));
    std::vector<Join> joins;
    std::vector<OpKind> above;
    find_joins(root, class_bound_, above, joins);
    const Source source = r == 0 ? Source::kGiven : joins.empty() ? Source::kScan : Source::kJoin;
    compile(root, 0, 0, source);
    steps_[root_steps_.back()].joins = std::move(joins);
    if (r > 0 && root_steps_[r] - root_steps_[r - 1] > 1) ordered_ = false;
  }
  for (const Step& step : steps_) ops_.push_back(step.op);
  std::sort(ops_.begin(), ops_.end());
  ops_.erase(std::unique(ops_.begin(), ops_.end()), ops_.end());
  EGRET_CHECK(std::find(class_bound_.begin(), class_bound_.end(), false) == class_bound_.end() &&
                  std::find(attr_bound_.begin(), attr_bound_.end(), false) == attr_bound_.end(),
              "every variable of a pattern is used");
}

// Keeps the bound variables of least depth: those with the shortest way up.
void MatchProgram::find_joins(const PatternTerm& term, const std::vector<bool>& bound, std::vector<OpKind>& above,
                              std::vector<Join>& joins) {
  for (const PatternTerm& operand : term.operands) {
    if (operand.kind == PatternTerm::Kind::kOperator) {
      above.push_back(operand.op);
      find_joins(operand, bound, above, joins);
      above.pop_back();
      continue;
    }
    EGRET_CHECK(operand.variable < bound.size(), "a class variable out of range");
    if (!bound[operand.variable]) continue;
    if (!joins.empty() && joins.front().inner_ops.size() < above.size()) continue;
    if (!joins.empty() && joins.front().inner_ops.size() > above.size()) joins.clear();
    joins.push_back({operand.variable, {above.rbegin(), above.rend()}});
  }
}

void MatchProgram::compile(const PatternTerm& term, uint32_t from_step, uint32_t from_position, Source source) {
  const uint32_t number = static_cast<uint32_t>(steps_.size());
  Step step;
  step.source = source;
  step.op = term.op;
  step.arity = static_cast<uint32_t>(term.operands.size());
  step.attr_kind = term.attr_kind;
  step.attr = term.attr;
  step.from_step = from_step;
  step.from_position = from_position;
  if (term.attr_kind == PatternTerm::Attr::kVariable) {
    EGRET_CHECK(term.attr < attr_bound_.size(), "an attribute variable out of range");
    step.binds_attr = !attr_bound_[term.attr];
    attr_bound_[term.attr] = true;
  }
  step.first_operand = static_cast<uint32_t>(variable_operands_.size());
  for (uint32_t i = 0; i < step.arity; ++i) {
    const PatternTerm& operand = term.operands[i];
    if (operand.kind != PatternTerm::Kind::kVariable) continue;
    EGRET_CHECK(operand.variable < class_bound_.size(), "a class variable out of range");
    variable_operands_.push_back({i, operand.variable, !class_bound_[operand.variable]});
    class_bound_[operand.variable] = true;
  }
  step.operand_count = static_cast<uint32_t>(variable_operands_.size()) - step.first_operand;
  steps_.push_back(std::move(step));
  for (uint32_t i = 0; i < term.operands.size(); ++i) {
    if (term.operands[i].kind == PatternTerm::Kind::kOperator) compile(term.operands[i], number, i, Source::kOperand);
  }
}

// One run of a program: the match so far and the loops over candidates.
class Matcher {
 public:
  Matcher(const MatchProgram& program, const EGraph::Store& store, const std::function<bool(const Match&)>& emit,
          const std::function<bool()>& poll)
      : program_(program), store_(store), emit_(emit), poll_(poll), canonical_(program.class_bound_.size()) {
    match_.nodes.resize(program.steps_.size());
    match_.classes.resize(program.class_bound_.size());
    match_.attrs.resize(program.attr_bound_.size());
  }

  void run(std::span<const Id> root_nodes) {
    for (const Id root : root_nodes) {
      if (!store_.enodes.live(root)) continue;
      if (!candidate(0, root)) return;
      if (!program_.ordered_ && !flush()) return;
    }
  }

 private:
  using Step = MatchProgram::Step;

  // Each returns false to stop the run.
  bool candidate(uint32_t number, Id n) {
    if (++candidates_ % kPollInterval == 0 && poll_ && !poll_()) return false;
    return !binds(program_.steps_[number], n) || next(number, n);
  }

  bool next(uint32_t number, Id n) {
    match_.nodes[number] = n;
    ++number;
    return number == program_.steps_.size() ? found() : descend(number);
  }

  bool descend(uint32_t number) {
    const Step& step = program_.steps_[number];
    switch (step.source) {
      case MatchProgram::Source::kOperand: {
        const Id cls = store_.enodes.canonical_of_live(match_.nodes[step.from_step])[step.from_position];
        const std::span<const OpKind> ops = store_.index.ops_of(cls);
        const std::span<const Id> nodes = store_.index.nodes_of(cls);
        for (size_t i = 0; i < ops.size(); ++i) {
          if (ops[i] == step.op && !candidate(number, nodes[i])) return false;
        }
        return true;
      }
      case MatchProgram::Source::kJoin:
        return descend_join(number, step);
      default:
        for (const Id n : store_.index.nodes_with(step.op)) {
          if (!candidate(number, n)) return false;
        }
        return true;
    }
  }

  bool descend_join(uint32_t number, const Step& step) {
    const auto parents = [&](Id cls) { return store_.index.parents_of(store_.enodes, cls); };
    const MatchProgram::Join* best = &step.joins.front();
    for (const MatchProgram::Join& join : step.joins) {
      if (parents(canonical_[join.variable]).size() < parents(canonical_[best->variable]).size()) best = &join;
    }
    if (best->inner_ops.empty()) {
      for (const Id n : parents(canonical_[best->variable])) {
        if (!candidate(number, n)) return false;
      }
      return true;
    }
    std::vector<Id> frontier{canonical_[best->variable]}, above;
    for (const OpKind op : best->inner_ops) {
      above.clear();
      for (const Id cls : frontier) {
        for (const Id n : parents(cls)) {
          if (store_.enodes.op(n) == op) above.push_back(store_.sets.find(n));
        }
      }
      sort_unique(above);
      frontier.swap(above);
    }
    above.clear();
    for (const Id cls : frontier) {
      const std::span<const Id> nodes = parents(cls);
      above.insert(above.end(), nodes.begin(), nodes.end());
    }
    sort_unique(above);
    for (const Id n : above) {
      if (!candidate(number, n)) return false;
    }
    return true;
  }

  static void sort_unique(std::vector<Id>& ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  }

  bool binds(const Step& step, Id n) {
    const ENodes& enodes = store_.enodes;
    if (enodes.op(n) != step.op || enodes.arity(n) != step.arity) return false;
    if (step.attr_kind == PatternTerm::Attr::kFixed && enodes.attr(n) != step.attr) return false;
    if (step.attr_kind == PatternTerm::Attr::kVariable) {
      if (step.binds_attr) {
        match_.attrs[step.attr] = enodes.attr(n);
      } else if (match_.attrs[step.attr] != enodes.attr(n)) {
        return false;
      }
    }
    const Id* operands = enodes.canonical_of_live(n);
    const MatchProgram::VariableOperand* variables = program_.variable_operands_.data() + step.first_operand;
    for (uint32_t i = 0; i < step.operand_count; ++i) {
      const auto& [position, variable, binds] = variables[i];
      if (binds) {
        canonical_[variable] = operands[position];
        match_.classes[variable] = enodes.exact(n)[position];
      } else if (canonical_[variable] != operands[position]) {
        return false;
      }
    }
    return true;
  }

  bool found() {
    if (program_.ordered_) return emit_(match_);
    held_.push_back(match_);
    return true;
  }

  // Emits the matches of one first root in the promised order: roots before inner e-nodes.
  bool flush() {
    const auto key_less = [&](const Match& a, const Match& b) {
      for (const uint32_t root : program_.root_steps_) {
        if (a.nodes[root] != b.nodes[root]) return a.nodes[root] < b.nodes[root];
      }
      return a.nodes < b.nodes;
    };
    std::sort(held_.begin(), held_.end(), key_less);
    for (const Match& match : held_) {
      if (!emit_(match)) return false;
    }
    held_.clear();
    return true;
  }

  const MatchProgram& program_;
  const EGraph::Store& store_;
  const std::function<bool(const Match&)>& emit_;
  const std::function<bool()>& poll_;
  Match match_;
  std::vector<Id> canonical_;  // value of each class variable
  std::vector<Match> held_;    // matches of the current first root, where they must be sorted
  uint64_t candidates_ = 0;
};

void MatchProgram::run(const EGraph& graph, std::span<const Id> root_nodes,
                       const std::function<bool(const Match&)>& emit, const std::function<bool()>& poll) const {
  EGRET_CHECK(graph.clean(), "searching a graph that needs rebuild");
  Matcher(*this, graph.store(), emit, poll).run(root_nodes);
}

}  // namespace egret::egraph
