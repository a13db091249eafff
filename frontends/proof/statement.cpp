// What a proof speaks of: the imported program as terms, and its digest.
#include <algorithm>

#include <fmt/format.h>

#include "frontends/proof/proof.h"
#include "ir/text/scan.h"
#include "support/hash.h"

namespace egret::proof {
namespace {

// Numbers of the terms that the imported outputs rest on, operands first, in an order that does not depend on how the
// table is numbered.
std::vector<TermId> in_order(const Proof& proof, std::vector<uint32_t>& place) {
  constexpr uint32_t kUnseen = ~0u;
  place.assign(proof.terms.size(), kUnseen);
  std::vector<TermId> order;
  std::vector<std::pair<TermId, size_t>> open;  // a term and how many of its operands were visited
  for (const Output& o : proof.outputs) {
    if (place[o.imported] == kUnseen) open.emplace_back(o.imported, 0);
    while (!open.empty()) {
      auto& [t, next] = open.back();
      const auto& operands = proof.terms.node(t).operands;
      while (next < operands.size() && place[operands[next]] != kUnseen) ++next;
      if (next < operands.size()) {
        open.emplace_back(operands[next], 0);
        continue;
      }
      place[t] = static_cast<uint32_t>(order.size());
      order.push_back(t);
      open.pop_back();
    }
  }
  return order;
}

}  // namespace

std::string source_digest(const Proof& proof) {
  std::string text = fmt::format("{} {} {} {}\n", kFormat, quote(proof.model), proof.freeze, quote(proof.numerics));
  for (const Input& i : proof.inputs) {
    text += fmt::format("{} {} {} {}\n", quote(i.name), to_string(i.role), i.type.to_string(), i.digest);
  }
  std::vector<uint32_t> place;
  for (TermId t : in_order(proof, place)) {
    const rules::TermNode& n = proof.terms.node(t);
    text += n.op->name;
    for (const auto& [name, value] : n.attrs) text += fmt::format(" {}={}", name, egret::to_string(value));
    for (TermId o : n.operands) text += fmt::format(" {}", place[o]);
    text += "\n";
  }
  for (const Output& o : proof.outputs) text += fmt::format("{} = {}\n", quote(o.name), place[o.imported]);
  for (const Alias& a : proof.aliases) text += fmt::format("{} {}\n", a.output, a.input);
  return digest(text);
}

std::string program_digest(const Proof& proof) {
  std::string text;
  for (const KernelClaim& k : proof.kernels) text += fmt::format("{} {}\n", k.prepare ? "prepare" : "run", quote(k.body));
  return digest(text);
}

std::string tensor_digest(const Tensor& value) {
  return digest({reinterpret_cast<const char*>(value.bytes().data()), value.bytes().size()});
}

std::string literal_name(const Tensor& value) { return "literal:" + tensor_digest(value); }

bool is_shown(const Tensor& value) {
  constexpr int64_t kMaxElements = 4'096;
  return value.size() <= kMaxElements || uniform(value);
}

Result<std::vector<TermId>> terms_of(const Graph& graph, ProofTerms& terms) {
  std::vector<TermId> ids;
  std::vector<Attrs> instances;  // of opaque operators and effects
  int64_t instance = 0;
  for (const GraphNode& n : graph.nodes) {
    Attrs attrs = n.attrs;
    if (n.op->purity != Purity::kPure && n.op->attr("id")) {
      // As rules/lang/language.cpp numbers instances that the source does not tell apart.
      const bool seen = std::any_of(instances.begin(), instances.end(), [&](const Attrs& a) { return equal(a, attrs); });
      if (seen) attrs["id"] = Dim(--instance);
      instances.push_back(attrs);
    }
    std::vector<TermId> operands;
    for (ValueId o : n.operands) operands.push_back(ids[o]);
    const OpDef* op = n.op;
    if (op->name == "input") attrs = {{"name", attrs.at("name")}, {"type", n.type.to_string()}};
    if (op->name == "constant") {
      const TensorRef& value = std::get<TensorRef>(attrs.at("value"));
      if (!is_shown(*value)) {
        op = &op_named("input");
        attrs = {{"name", literal_name(*value)}, {"type", n.type.to_string()}};
      }
    }
    EGRET_TRY(const TermId id, terms.add(*op, std::move(attrs), std::move(operands)));
    ids.push_back(id);
  }
  return ids;
}

}  // namespace egret::proof
