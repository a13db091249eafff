#include "egraph/pattern.h"

#include <algorithm>

#include "egraph/search/matcher.h"

namespace egret::egraph {

PatternTerm PatternTerm::variable_of(uint32_t number) {
  PatternTerm term;
  term.variable = number;
  return term;
}

PatternTerm PatternTerm::operator_of(OpKind op, std::vector<PatternTerm> operands) {
  PatternTerm term;
  term.kind = Kind::kOperator;
  term.op = op;
  term.operands = std::move(operands);
  return term;
}

PatternTerm PatternTerm::with_attr(AttrId fixed) const {
  PatternTerm term = *this;
  term.attr_kind = Attr::kFixed;
  term.attr = fixed;
  return term;
}

PatternTerm PatternTerm::with_attr_variable(uint32_t number) const {
  PatternTerm term = *this;
  term.attr_kind = Attr::kVariable;
  term.attr = number;
  return term;
}

PatternTerm PatternTerm::named(uint32_t number) const {
  PatternTerm term = *this;
  term.name = number;
  return term;
}

Pattern::Pattern(std::vector<PatternTerm> roots, uint32_t class_variables, uint32_t attr_variables)
    : roots_(std::move(roots)), class_variables_(class_variables), attr_variables_(attr_variables) {
  query_ = std::make_shared<const Query>(roots_, class_variables, attr_variables);
  occurrences_ = static_cast<uint32_t>(query_->atoms().size());
}

void Pattern::search_with(const EGraph& graph, std::span<const Id> root_nodes,
                          const std::function<bool(const Match&)>& emit) const {
  EGRET_CHECK(!roots_.empty(), "searching an empty pattern");
  EGRET_CHECK(graph.clean(), "searching a graph that needs rebuild");
  const EGraph::Store& store = graph.store();
  const auto always = [] { return true; };
  Match match;
  if (roots_.size() == 1) {  // a plan that goes down finds matches in the order promised
    const auto found = [&](const Id* nodes) {
      fill_match(*query_, store, nodes, match);
      return emit(match);
    };
    Matcher(*query_, false, store, store.enodes.size(), found, always).run(root_nodes);
    return;
  }
  std::vector<std::vector<Id>> held;  // of one first root
  const auto found = [&](const Id* nodes) {
    held.emplace_back(nodes, nodes + occurrences_);
    return true;
  };
  const auto before = [&](const std::vector<Id>& a, const std::vector<Id>& b) {
    for (const uint32_t root : query_->roots()) {
      if (a[root] != b[root]) return a[root] < b[root];
    }
    return a < b;
  };
  for (const Id& root : root_nodes) {
    held.clear();
    Matcher(*query_, false, store, store.enodes.size(), found, always).run({&root, 1});
    std::sort(held.begin(), held.end(), before);
    for (const std::vector<Id>& nodes : held) {
      fill_match(*query_, store, nodes.data(), match);
      if (!emit(match)) return;
    }
  }
}

}  // namespace egret::egraph
