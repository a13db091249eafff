#include "egraph/lang/session.h"

#include <algorithm>

#include <fmt/format.h>

#include "egraph/lang/compile.h"
#include "egraph/lang/smallest_terms.h"
#include "egraph/store/store.h"

namespace egret::egraph::lang {

Session::Session(Program program) : Session(std::move(program), EGraph({.explanations = false})) {}

Session::Session(Program program, EGraph graph)
    : program_(std::make_unique<const Program>(std::move(program))), graph_(std::move(graph)), language_(*program_, graph_) {}

Result<Session> Session::resume(Program program, EGraph graph) {
  Session session(std::move(program), std::move(graph));
  if (!session.language_.taken_up()) {
    return input_error("the snapshot's facts are not those of const-fold", "resume with the program that made the snapshot");
  }
  for (SymbolId symbol = 0; symbol < session.program_->symbols.size(); ++symbol) {
    const size_t operands = session.program_->arity[symbol];
    for (const Id node : session.graph_.nodes_with(session.language_.op(symbol))) {
      if (session.graph_.operands(node).size() == operands) break;
      return input_error(fmt::format("`{}` has {} operands in the program and {} in the snapshot", session.program_->symbols.name(symbol),
                                     operands, session.graph_.operands(node).size()),
                         "resume with the program that made the snapshot");
    }
  }
  return session;
}

void Session::settle() {
  if (language_.fold()) {
    language_.fold()->settle(graph_);
  } else {
    graph_.rebuild();
  }
}

SaturateReport Session::run(const RunOptions& options) {
  const Stopwatch clock;
  SaturateReport report;
  for (const Term& start : program_->starts) starts_.push_back(language_.insert(graph_, start));
  settle();
  const CompiledRules compiled = compile(language_);
  RunOptions own = options;
  bool sound = graph_.conflicts().empty();
  if (ConstFold* fold = language_.fold()) {
    own.after_iteration = [&, fold](EGraph& graph, const Iteration& iteration) {
      const double start = clock.seconds();
      fold->settle(graph);
      report.iterations.push_back(iteration);
      report.iterations.back().rebuild_s += clock.seconds() - start;
      report.iterations.back().enodes = graph.node_count() - fold->pruned();
      report.iterations.back().eclasses = graph.class_count();
      sound = graph.conflicts().empty();
      return sound && (!options.after_iteration || options.after_iteration(graph, report.iterations.back()));
    };
  }
  const Report run = sound ? egraph::run(graph_, compiled.rewrites, own) : Report{};
  if (!language_.fold()) report.iterations = run.iterations;
  report.stop_reason = sound ? to_string(run.stop_reason) : "unsound";
  for (const Rule& rule : program_->rules) report.rules.push_back({rule.name, 0, 0, 0});
  for (size_t r = 0; r < run.rewrites.size(); ++r) {
    RuleUse& use = report.rules[compiled.rule[r]];
    use.matches += run.rewrites[r].matches;
    use.applied += run.rewrites[r].applied;
    use.search_s += run.rewrites[r].search_seconds;
  }
  report.enodes = graph_.node_count() - (language_.fold() ? language_.fold()->pruned() : 0);
  report.eclasses = graph_.class_count();
  report.bytes = graph_.bytes();
  graph_.store().index.release();  // what comes now needs it no more, and memory of its own
  report.seconds = clock.seconds();
  return report;
}

std::vector<Id> Session::roots() const {
  std::vector<Id> roots;
  for (const Id start : starts_) roots.push_back(graph_.find(start));
  return roots;
}

std::vector<BestTerm> Session::best() const {
  std::vector<BestTerm> best;
  if (starts_.empty()) return best;
  size_t bound = 0;  // a start term is in its own class
  for (const Term& start : program_->starts) bound = std::max(bound, start.size());
  const SmallestTerms smallest(graph_, static_cast<uint32_t>(std::min<size_t>(bound, UINT32_MAX - 1)));
  for (const Id start : starts_) best.push_back({smallest.text(start), smallest.size(start)});
  return best;
}

std::vector<bool> Session::goals() {
  std::vector<std::pair<Id, Id>> pairs;
  for (const Goal& goal : program_->goals) {
    const Id left = language_.insert(graph_, goal.left);
    pairs.emplace_back(left, language_.insert(graph_, goal.right));
  }
  settle();
  std::vector<bool> answers;
  for (const auto& [left, right] : pairs) answers.push_back(graph_.find(left) == graph_.find(right));
  return answers;
}

}  // namespace egret::egraph::lang
