#include "egraph/apply/apply.h"

#include <algorithm>

#include "egraph/search/closed_matches.h"

namespace egret::egraph {
namespace {

constexpr size_t kGrain = 1024;  // matches a task

}  // namespace

uint64_t Maker::growth(const RuleState& rule, size_t matches) const {
  const RightPlan& right = *rule.right;
  const bool explains = store_.options.explanations;
  const auto to = [&](const std::vector<Array<Id>>& columns, size_t column) {
    return column < columns.size() ? columns[column].growth_to(matches) : Array<Id>::bytes_of(matches);
  };
  const size_t nodes = right.nodes.size(), equations = right.left.size();
  uint64_t total = store_.growth(matches * nodes) + keys_.growth_to(matches) + closed_.growth_to(matches * rule.stride());
  for (const uint32_t v : right.variables) total += to(variables_, v) * (explains ? 2 : 1);
  for (size_t n = 0; n < nodes; ++n) total += to(made_, n);
  total += 2 * pending_.growth(matches * equations);  // once in the chunks where they are found
  if (explains) total += matches * (1 + equations * 2 * sizeof(Justification) + (2 + rule.stride() + nodes) * sizeof(uint32_t));
  return total;
}

uint64_t Maker::bytes() const {
  uint64_t total = keys_.bytes() + closed_.bytes() + pending_.bytes() + reasons_.capacity() * sizeof(Justification) + new_.capacity() / 8;
  for (const auto* columns : {&variables_, &exact_, &made_}) {
    for (const Array<Id>& column : *columns) total += column.bytes();
  }
  return total;
}

// Makes room for the columns of the class variables that the right side uses.
void Maker::reshape(const RuleState& rule, size_t count) {
  const std::span<const Applications::Place> places = rule.query->class_places();
  const bool explains = store_.options.explanations;
  variables_.resize(std::max(variables_.size(), places.size()));
  exact_.resize(variables_.size());
  made_.resize(std::max(made_.size(), rule.right->nodes.size()));
  for (const uint32_t v : rule.right->variables) {
    variables_[v].reshape(count);
    if (explains) exact_[v].reshape(count);
  }
}

// Writes a part of these columns.
void Maker::gather(const RuleState& rule, const Id* matches, size_t begin, size_t end) {
  const bool explains = store_.options.explanations;
  const uint32_t stride = rule.stride();
  for (const uint32_t v : rule.right->variables) {
    const Applications::Place place = rule.query->class_places()[v];
    Array<Id>& column = variables_[v];
    for (size_t i = begin; i < end; ++i) {
      column[i] = place.canonical(store_.enodes, matches + i * stride);
      if (place.position == Applications::Place::kItself) column[i] = store_.sets.find(column[i]);
      if (explains) exact_[v][i] = place.exact(store_.enodes, matches + i * stride);
    }
  }
}

// `prepare(begin, end)` comes before the matches of this range are read.
template <class Prepare>
void Maker::make_column(const RuleState& rule, uint32_t node, const Id* matches, size_t count, const Prepare& prepare) {
  const RightPlan::Node& plan = rule.right->nodes[node];
  const uint32_t stride = rule.stride(), arity = static_cast<uint32_t>(plan.operands.size());
  const uint32_t attr_occurrence = plan.attr_is_variable ? rule.query->attr_places()[plan.attr] : 0;
  keys_.reshape(count);
  made_[node].reshape(count);
  EGraph::Store::Requests requests;
  requests.fill = [&](size_t begin, size_t end) {
    prepare(begin, end);
    for (size_t i = begin; i < end; ++i) {
      Row key{row_head(plan.op, arity), plan.attr, {0, 0}};
      if (plan.attr_is_variable) key.attr = store_.enodes.attr(matches[i * stride + attr_occurrence]);
      keys_[i] = key;
    }
    for (uint32_t k = 0; k < arity; ++k) {
      const Operand& operand = plan.operands[k];
      if (operand.made) {
        const Array<Id>& column = made_[operand.index];
        for (size_t i = begin; i < end; ++i) keys_[i].operand[k] = store_.sets.find(column[i]);
      } else {
        const Array<Id>& column = variables_[operand.index];
        for (size_t i = begin; i < end; ++i) keys_[i].operand[k] = column[i];
      }
    }
  };
  if (joins_at_once(rule, node)) requests.container = [&](size_t i) { return container(rule, matches + i * stride); };
  const Id first = static_cast<Id>(store_.enodes.size());
  store_.intern({keys_.data(), count}, requests, made_[node].data(), workers_);
  if (!store_.options.explanations) return;
  Id next = first;
  for (size_t i = 0; i < count; ++i) {
    if (made_[node][i] != next) continue;
    const auto exact = [&](uint32_t k) {
      if (k >= arity) return Id{0};
      const Operand& operand = plan.operands[k];
      return operand.made ? made_[operand.index][i] : exact_[operand.index][i];
    };
    store_.enodes.set_exact(next++, exact(0), exact(1));
    new_[i] = true;
  }
}

// Whether new e-nodes of the column join the classes of the roots as they are made.  With explanations: when edges are.
bool Maker::joins_at_once(const RuleState& rule, uint32_t node) const {
  const RightPlan& right = *rule.right;
  return node + 1 == right.nodes.size() && right.joining < right.left.size() && !store_.options.explanations;
}

Id Maker::container(const RuleState& rule, const Id* match) const {
  return store_.sets.find(rule.right->left[rule.right->joining].canonical(store_.enodes, match));
}

// E-nodes of more than two operands, one by one.
void Maker::make_wide_column(const RuleState& rule, uint32_t node, const Id* matches, size_t count) {
  const RightPlan::Node& plan = rule.right->nodes[node];
  made_[node].reshape(count);
  std::vector<Id> operands(plan.operands.size());
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < operands.size(); ++k) {
      const Operand& operand = plan.operands[k];
      const bool as_written = store_.options.explanations && !operand.made;
      operands[k] = as_written ? exact_[operand.index][i] : value(operand, i);
    }
    AttrId attr = plan.attr;
    if (plan.attr_is_variable) attr = store_.enodes.attr(matches[i * rule.stride() + rule.query->attr_places()[plan.attr]]);
    const size_t ids = store_.enodes.size();
    made_[node][i] = store_.add(plan.op, attr, operands);
    if (store_.enodes.size() == ids) continue;
    if (store_.options.explanations) new_[i] = true;
    if (joins_at_once(rule, node)) store_.sets.place(made_[node][i], container(rule, matches + i * rule.stride()));
  }
}

void Maker::make(const RuleState& rule, const Id* matches, size_t count, RewriteCount& counts) {
  reshape(rule, count);
  complete(rule, 0, matches, count, counts, [&](size_t begin, size_t end) { gather(rule, matches, begin, end); });
}

void Maker::make_closed(const RuleState& rule, const Id* closed, size_t count, RewriteCount& counts) {
  const uint32_t stride = rule.stride(), inner = inner_nodes(*rule.right);
  closed_.reshape(count * stride);
  reshape(rule, count);
  for (uint32_t node = 0; node < inner; ++node) made_[node].reshape(count);
  complete(rule, inner, closed_.data(), count, counts, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const Id* const entry = closed + i * (stride + inner);
      std::copy_n(entry, stride, closed_.data() + i * stride);
      for (uint32_t node = 0; node < inner; ++node) made_[node][i] = entry[stride + node];
    }
    gather(rule, closed_.data(), begin, end);
  });
}

template <class Prepare>
void Maker::complete(const RuleState& rule, uint32_t node, const Id* matches, size_t count, RewriteCount& counts,
                     const Prepare& prepare) {
  const RightPlan& right = *rule.right;
  if (store_.options.explanations) new_.assign(count, false);
  const auto wide = [&](uint32_t n) { return right.nodes[n].operands.size() > 2; };
  const bool prepares = node < right.nodes.size() && !wide(node);
  if (!prepares) {
    workers_.for_own_chunks(count, kGrain, [&](size_t begin, size_t end, size_t) { prepare(begin, end); });
  }
  Id first_of_last = static_cast<Id>(store_.enodes.size());
  for (uint32_t n = node; n < right.nodes.size(); ++n) {
    first_of_last = static_cast<Id>(store_.enodes.size());
    if (wide(n)) {
      make_wide_column(rule, n, matches, count);
    } else if (n == node) {
      make_column(rule, n, matches, count, prepare);
    } else {
      make_column(rule, n, matches, count, [](size_t, size_t) {});
    }
  }
  counts.applied += count;
  if (store_.options.explanations) {
    finish_explained(rule, matches, count, first_of_last, counts);
  } else {
    finish(rule, matches, count, first_of_last, counts);
  }
  for (size_t i = 0; i < count && rule.rewrite->subsume; ++i) subsumed_.push_back(matches[i * rule.stride()]);
}

// New e-nodes of the last column joined the class of their root; all else that is not equal yet is held back.
void Maker::finish(const RuleState& rule, const Id* matches, size_t count, Id first_of_last, RewriteCount& counts) {
  const RightPlan& right = *rule.right;
  const uint32_t stride = rule.stride();
  if (right.joining < right.left.size()) {
    const size_t joined = store_.enodes.size() - first_of_last;
    store_.class_count -= joined;
    counts.united += joined;
  }
  std::vector<std::vector<Pending>> found(Workers::chunks(count, kGrain));
  for (uint32_t e = 0; e < right.left.size(); ++e) {
    workers_.for_own_chunks(count, kGrain, [&](size_t begin, size_t end, size_t chunk) {
      const Array<Id>& column = right.right[e].made ? made_[right.right[e].index] : variables_[right.right[e].index];
      for (size_t i = begin; i < end; ++i) {
        const Id left = store_.sets.find(right.left[e].canonical(store_.enodes, matches + i * stride));
        const Id made = store_.sets.find(column[i]);
        if (left != made) found[chunk].push_back({left, made});
      }
    });
    for (std::vector<Pending>& part : found) {
      pending_.append(part.data(), part.size());
      part.clear();
    }
  }
}

// The same match by match, with records of the applications and edges of the proof.
void Maker::finish_explained(const RuleState& rule, const Id* matches, size_t count, Id first_of_last,
                             RewriteCount& counts) {
  const RightPlan& right = *rule.right;
  std::vector<Id> made(right.nodes.size());
  const bool joins = right.joining < right.left.size() && right.nodes.back().operands.size() <= 2;
  Id next = first_of_last;
  for (size_t i = 0; i < count; ++i) {
    const Id* const nodes = matches + i * rule.stride();
    const auto right_of = [&](size_t e) {
      const Operand& operand = right.right[e];
      return operand.made ? made_[operand.index][i] : exact_[operand.index][i];
    };
    bool matters = new_[i];
    for (size_t e = 0; e < right.left.size() && !matters; ++e) {
      matters = store_.sets.find(right.left[e].exact(store_.enodes, nodes)) != store_.sets.find(right_of(e));
    }
    if (!matters) continue;
    for (size_t k = 0; k < made.size(); ++k) made[k] = made_[k][i];
    const uint32_t application = store_.applications.record(rule.shape, nodes, made.data(), 1);
    for (uint32_t e = 0; e < right.left.size(); ++e) {
      const Justification why{Justification::Kind::kRule, application, e};
      const Id root = right.left[e].exact(store_.enodes, nodes), other = right_of(e);
      if (joins && e == right.joining && other == next && next < store_.enodes.size()) {
        store_.sets.place(next++, store_.sets.find(root));
        store_.proof.connect_new(other, root, false, why);
        --store_.class_count;
        ++counts.united;
      } else if (store_.sets.find(root) != store_.sets.find(other)) {
        pending_.push_back({root, other});
        reasons_.push_back(why);
      }
    }
  }
}

void Maker::make(const RuleState& rule, uint32_t rule_number, const Match& match, const RightSide& side,
                 RewriteCount& counts) {
  ++counts.applied;
  const size_t ids = store_.enodes.size();
  std::vector<Id> made, operands;
  const auto id_of = [&](const RightSide::Operand& operand) {
    if (!operand.planned) return operand.index;
    EGRET_CHECK(operand.index < made.size(), "a right side refers to a node planned later");
    return made[operand.index];
  };
  for (const RightSide::Node& node : side.nodes) {
    operands.clear();
    for (const RightSide::Operand& operand : node.operands) operands.push_back(id_of(operand));
    made.push_back(store_.add(node.op, node.attr, operands));
  }
  bool matters = store_.enodes.size() > ids;
  for (const auto& [left, right] : side.equations) matters |= store_.sets.find(left) != store_.sets.find(id_of(right));
  if (rule.rewrite->subsume && !match.nodes.empty()) subsumed_.push_back(match.nodes[0]);
  if (!matters) return;
  uint32_t application = 0;
  if (store_.options.explanations) {
    Application record{rule_number, match.nodes, match.classes, match.attrs, made, {}};
    for (const auto& [left, right] : side.equations) record.equations.emplace_back(left, id_of(right));
    application = store_.applications.record(record);
  }
  for (uint32_t e = 0; e < side.equations.size(); ++e) {
    pending_.push_back({side.equations[e].first, id_of(side.equations[e].second)});
    if (store_.options.explanations) reasons_.push_back({Justification::Kind::kRule, application, e});
  }
}

void Maker::unite(std::span<RewriteCount> counts) {
  for (size_t r = 0; r < runs_.size(); ++r) {
    const size_t end = r + 1 < runs_.size() ? runs_[r + 1].begin : pending_.size();
    for (size_t i = runs_[r].begin; i < end; ++i) {
      const Justification why = store_.options.explanations ? reasons_[i] : Justification{};
      counts[runs_[r].rule].united += store_.unite(pending_[i].left, pending_[i].right, why);
    }
  }
  for (const Id n : subsumed_) store_.subsume(n);
  subsumed_.clear();
  pending_.clear();
  reasons_.clear();
  runs_.clear();
}

}  // namespace egret::egraph
