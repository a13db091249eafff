// Proofs: why the chosen kernels compute what the imported program computes, as a file that needs no e-graph to check.
//
// A proof is a table of terms (hash-consed: equal terms are one), steps that equate terms, and claims: each output's
// imported term equals its chosen term, and the kernels, inlined over their ports, make exactly the chosen terms.
// Types to know: `Proof` (the file as data), `Step`, `ProofTerms` (terms.h), `CheckReport` (check.h).
// Reading order: proof.h, terms.h, check.h, check_steps.cpp, check_kernels.cpp, check_outside.cpp (the checker);
// writer.h, equalities.h (from the e-graph's explanations to steps); file.cpp (JSON).
// May include: support, ir, rules; the writer also egraph and the pass.  The checker includes nothing of egraph/.
//
// proof.json, "egret-proof 1".  Terms are numbered from 0, operands before users; steps from 1.  A premise is the number
// of an earlier step, negative where it is read from right to left, 0 where both terms are the same term.  Attributes
// and types are in the text form of graphs.  A literal of more than 4,096 different elements stands as a leaf `input` whose name is
// "literal:" and its digest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontends/proof/terms.h"
#include "ir/graph.h"
#include "support/result.h"

namespace egret::proof {

inline constexpr std::string_view kFormat = "egret-proof 1";

struct Input {
  std::string name;
  InputRole role = InputRole::kData;
  Type type;
  std::string digest;  // of the value, where the program has it; else empty
  TensorRef value;     // of a small constant whose value a step evaluates; else null
};

// A rule that steps apply: its text as written, so that the checker reads it anew.
struct RuleText {
  std::string name, hash, text;  // name: of the expansion (name[relu], name/rev)
};

// What a rule's condition asks of a term, where the term's own form does not show it.
struct TermFact {
  TermId term = 0;
  std::optional<double> splat;            // every element is this number
  std::optional<rules::Dependence> depends;
  friend bool operator==(const TermFact&, const TermFact&) = default;
};
// The order of a step's facts, in which none stands twice: by term, what it is before where it comes from.
inline bool stands_before(const TermFact& a, const TermFact& b) {
  return a.term != b.term ? a.term < b.term : a.splat.has_value() > b.splat.has_value();
}

struct Step {
  enum class Kind : uint8_t {
    kCongruence,  // one operator; premise i equates operand i
    kChain,       // premises lead from left to right
    kRule,        // an instance of a rule: `roots` are its left terms
    kExpand,      // left is a composite, right its decomposition
    kFold,        // left is an operator on leaves that state their values, right a leaf that states its value
  } kind = Kind::kCongruence;
  TermId left = 0, right = 0;
  std::vector<int64_t> premises;
  uint32_t rule = 0, form = 0, equation = 0;  // kRule; form: of the left side (rules::replay)
  std::vector<TermId> roots;
  std::vector<TermFact> facts;
};
const char* to_string(Step::Kind);

struct Output {
  std::string name;
  TermId imported = 0, chosen = 0;
  int64_t step = 0;  // imported = chosen; 0: the same term
};

struct KernelClaim {
  bool prepare = false;         // runs before the run plan
  std::string body;             // text form
  std::vector<TermId> ports, results;
};

struct Proof {
  std::string model, source;    // `source`: source_digest
  std::string program;          // program_digest
  std::string numerics;         // the run's licence
  bool freeze = false;          // parameters are frozen
  std::vector<Input> inputs;    // of the imported program, in signature order
  std::vector<Alias> aliases;
  ProofTerms terms;
  std::vector<RuleText> rules;
  std::vector<Step> steps;      // step i + 1
  std::vector<Output> outputs;
  std::vector<KernelClaim> kernels;  // in order
};

// Deterministic bytes; ends with a digest of everything before it.
std::string print(const Proof& proof);

struct ReadOptions {
  bool ignore_digest = false;
};
// Errors (kInput) name the entry.  Every term is typed anew; unknown, missing and doubled keys, forms that are not the
// printed ones, and terms that stand twice are errors.
Result<Proof> read(std::string_view text, const ReadOptions& options);

// Digest of what is imported and under which licence: model, freeze, numerics, inputs, imported terms, output names, aliases.
std::string source_digest(const Proof& proof);
// Digest of the kernels: plan and body of each, in order.
std::string program_digest(const Proof& proof);

// The name by which a literal too large for the file stands.
std::string literal_name(const Tensor& value);
std::string tensor_digest(const Tensor& value);  // of the bytes
// Whether the file shows the value: at most 4,096 elements, or one number everywhere.
bool is_shown(const Tensor& value);

// Interns the terms of a graph's nodes (composites as they stand), in order.  `literal:` leaves for large constants;
// instance numbers of opaque operators as the e-graph gives them.
Result<std::vector<TermId>> terms_of(const Graph& graph, ProofTerms& terms);

}  // namespace egret::proof
