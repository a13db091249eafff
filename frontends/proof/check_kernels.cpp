// Inlining: the body of each kernel over its ports' terms gives the claimed results, term by term.
#include <fmt/format.h>

#include <algorithm>

#include "frontends/proof/check.h"
#include "ir/kernel.h"
#include "ir/text/text.h"

namespace egret::proof {

Result<std::vector<TermId>> inline_body(const ProofTerms& terms, const std::string& body, const std::vector<TermId>& ports) {
  EGRET_TRY(const Graph graph, parse_graph(body, "body"));
  if (body_text(graph) != body) return input_error("the body is not in its printed form");
  if (graph.inputs.size() != ports.size()) return input_error(fmt::format("{} ports for a body of {}", ports.size(), graph.inputs.size()));
  std::vector<TermId> term(graph.nodes.size(), 0);
  for (size_t i = 0; i < ports.size(); ++i) {
    const ValueId v = graph.inputs[i].value;
    if (!(terms.type(ports[i]) == graph.type(v))) return input_error(fmt::format("port {} has another type", i));
    term[v] = ports[i];
  }
  for (ValueId v = 0; v < graph.nodes.size(); ++v) {
    const GraphNode& n = graph.node(v);
    if (n.op->name == "input") continue;
    std::vector<TermId> operands;
    for (ValueId o : n.operands) operands.push_back(term[o]);
    const auto found = terms.find(*n.op, n.attrs, operands);
    if (!found) return input_error(fmt::format("{} of the body is no term of the proof", n.name));
    term[v] = *found;
  }
  std::vector<TermId> results;
  for (const GraphOutput& o : graph.outputs) results.push_back(term[o.value]);
  return results;
}

namespace {

bool is_leaf(const ProofTerms& terms, TermId t) { return terms.is_input(t) || terms.node(t).op->name == "constant"; }

}  // namespace

Status check_kernels(const Proof& proof) {
  std::vector<uint8_t> made(proof.terms.size(), 0), read(proof.kernels.size(), 0);
  std::vector<uint32_t> maker(proof.terms.size(), 0);
  for (TermId t = 0; t < proof.terms.size(); ++t) made[t] = is_leaf(proof.terms, t);
  bool running = false;
  for (size_t k = 0; k < proof.kernels.size(); ++k) {
    const KernelClaim& kernel = proof.kernels[k];
    const std::string where = fmt::format("kernel {}", k);
    running |= !kernel.prepare;
    if (kernel.prepare && running) return input_error(where + ": prepares after the run has begun");
    for (TermId t : kernel.ports) {
      if (!made[t]) return input_error(fmt::format("{}: reads term {}, which nothing has made", where, t));
      if (kernel.prepare && proof.terms.depends(t) == rules::Dependence::kData) {
        return input_error(fmt::format("{}: prepares from term {}, which depends on data", where, t));
      }
      if (!is_leaf(proof.terms, t)) read[maker[t]] = 1;
    }
    auto results = inline_body(proof.terms, kernel.body, kernel.ports);
    if (!results.ok()) {
      Error e = results.take_error();
      e.message = where + ": " + e.message;
      return e;
    }
    if (*results != kernel.results) return input_error(where + ": the body gives other terms than are claimed");
    for (TermId t : kernel.results) {
      maker[t] = static_cast<uint32_t>(k);  // a kernel that runs again makes the term anew, for what comes after
      made[t] = 1;
    }
  }
  for (const Output& o : proof.outputs) {
    if (!made[o.chosen]) return input_error(fmt::format("output {}: no kernel makes term {}", o.name, o.chosen));
    if (!is_leaf(proof.terms, o.chosen)) read[maker[o.chosen]] = 1;
  }
  for (size_t k = 0; k < read.size(); ++k) {
    if (!read[k]) return input_error(fmt::format("kernel {}: nothing reads what it makes", k));
  }
  return {};
}

}  // namespace egret::proof
