#include "frontends/explain/partial_match.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "ir/splat_value.h"
#include "ir/text/scan.h"

namespace egret::explain {
namespace {

using egraph::Id;
using rules::Term;

constexpr size_t kMaxVisits = 2'000'000;
constexpr size_t kNamedOperators = 6;

// The operator that a term of a pattern is, or empty: a variable.
std::string operator_name(const Term& term) {
  static const std::map<std::string, std::string> kInfix = {{"+", "add"}, {"-", "sub"}, {"*", "mul"}, {"/", "div"}};
  switch (term.kind) {
    case Term::Kind::kCall: return term.name;
    case Term::Kind::kInfix: return kInfix.at(term.name);
    case Term::Kind::kNegate: return "neg";
    default: return "";
  }
}

size_t operators_of(const Term& term) {
  size_t n = operator_name(term).empty() ? 0 : 1;
  for (const Term& a : term.args) n += operators_of(a);
  return n;
}

class Search {
 public:
  explicit Search(const KeptRun& run) : run_(run), graph_(run.tensors->graph()) {}

  struct Fit {
    size_t operators = 0;
    std::string missing;
  };

  Fit at_node(const Term& term, Id node) {
    Fit out{1, ""};
    const auto operands = graph_.canonical_operands(node);
    for (size_t i = 0; i < term.args.size() && i < operands.size(); ++i) {
      const Fit inner = at_class(term.args[i], operands[i]);
      out.operators += inner.operators;
      if (out.missing.empty()) out.missing = inner.missing;
    }
    const bool any_number = std::ranges::any_of(term.args, [](const Term& a) { return a.many; });
    if (out.missing.empty() && !any_number && term.args.size() != operands.size()) {
      out.missing = fmt::format("{} has {} operands, the pattern's {} has {}", describe_node(run_, node), operands.size(),
                                operator_name(term), term.args.size());
    }
    return out;
  }

  Fit at_class(const Term& term, Id cls) {
    cls = graph_.find(cls);
    if (term.kind == Term::Kind::kNumber) {
      const auto splat = run_.tensors->splat(cls);
      const DType dtype = run_.tensors->type(cls).dtype;
      if (splat && *splat == splat_value(dtype, term.number)) return {};
      return {0, fmt::format("{} stands where the pattern has {}", splat ? print_number(*splat) : describe(run_, cls), print_number(term.number))};
    }
    const std::string op = operator_name(term);
    if (op.empty()) return {};
    Fit best;
    std::set<std::string> others;
    for (Id n : graph_.nodes_of(cls)) {
      if (++visits_ > kMaxVisits) break;
      if (run_.tensors->op(n).name != op) {
        others.insert(run_.tensors->op(n).name);
        continue;
      }
      Fit fit = at_node(term, n);
      if (fit.operators > best.operators) best = std::move(fit);
    }
    if (best.operators > 0) return best;
    std::string names;
    for (const std::string& o : others) {
      if (static_cast<size_t>(std::count(names.begin(), names.end(), ',')) + 1 < kNamedOperators || names.empty()) names += (names.empty() ? "" : ", ") + o;
    }
    return {0, fmt::format("no {} is equal to {}: its terms begin with {}", op, describe(run_, cls), names)};
  }

 private:
  const KeptRun& run_;
  const egraph::EGraph& graph_;
  size_t visits_ = 0;
};

}  // namespace

std::string describe(const KeptRun& run, Id cls) {
  cls = run.tensors->graph().find(cls);
  if (auto it = run.names.find(cls); it != run.names.end()) return it->second;
  const auto nodes = run.tensors->graph().nodes_of(cls);
  return nodes.empty() ? "a term" : describe_node(run, nodes[0], 1);
}

std::string describe_node(const KeptRun& run, Id node, int depth) {
  const rules::TensorEGraph& tensors = *run.tensors;
  if (tensors.op(node).name == "input") return std::get<std::string>(tensors.attrs_of(node).at("name"));
  if (tensors.op(node).name == "splat") return print_number(std::get<double>(tensors.attrs_of(node).at("value")));
  if (const auto splat = tensors.splat(node)) return print_number(*splat);
  std::string text = tensors.op(node).name + "(";
  const auto operands = tensors.graph().canonical_operands(node);
  for (size_t i = 0; i < operands.size(); ++i) {
    auto it = run.names.find(tensors.graph().find(operands[i]));
    text += i ? ", " : "";
    text += it != run.names.end() ? it->second : depth > 0 ? describe_node(run, tensors.graph().nodes_of(operands[i])[0], depth - 1) : "..";
  }
  return text + ")";
}

PartialMatch nearest_match(const KeptRun& run, const Term& pattern) {
  Search search(run);
  PartialMatch out{0, operators_of(pattern), egraph::kNoId, {}};
  const std::string op = operator_name(pattern);
  const auto kind = run.tensors->graph().find_op(op);
  if (!kind || run.tensors->graph().nodes_with(*kind).empty()) {
    out.missing = fmt::format("the e-graph holds no {}", op);
    return out;
  }
  for (Id n : run.tensors->graph().nodes_with(*kind)) {
    auto fit = search.at_node(pattern, n);
    if (fit.operators > out.operators) out = {fit.operators, out.of, n, fit.missing};
  }
  return out;
}

}  // namespace egret::explain
