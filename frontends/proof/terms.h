// ProofTerms: a hash-consed table of typed terms, and what can be read off a term: its value where it is a leaf that
// states it, and what it depends on.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "rules/rules.h"
#include "support/result.h"

namespace egret::proof {

using TermId = uint32_t;

// The element that fills all of `value`, as a tensor of rank 0; null where elements differ or there is none.
TensorRef uniform(const Tensor& value);

class ProofTerms {
 public:
  // The term's number; a new one at the end of the table where it is not there yet.  Attributes must be complete.
  // Error: ill-typed.
  Result<TermId> add(const OpDef& op, Attrs attrs, std::vector<TermId> operands);
  std::optional<TermId> find(const OpDef& op, const Attrs& attrs, std::span<const TermId> operands) const;
  size_t size() const { return table_.nodes.size(); }
  const rules::TermNode& node(TermId t) const { return table_.nodes[t]; }
  const Type& type(TermId t) const { return table_.nodes[t].type; }
  bool is_input(TermId t) const { return node(t).op->op_class == OpClass::kInput && node(t).op->name == "input"; }
  // Requires: an input or a literal that stands by name.
  const std::string& input_name(TermId t) const;

  // Signature of the program: role of each input by name, and its value where it is a small known constant.  To be called
  // once, before facts are asked for.
  void declare_input(const std::string& name, rules::Dependence depends, TensorRef value);
  rules::Dependence depends(TermId t) const;
  // The value that a leaf states: splats (a rank-0 tensor), literals, constant inputs.  Null for other terms.
  TensorRef stated(TermId t) const;
  std::optional<double> stated_splat(TermId t) const;  // where all elements that a leaf states are one number
  // A leaf that states the value which operator t has on operands that state theirs?  Splats of any size for maps and for
  // movements that only repeat elements; else at most kMaxFold elements.
  bool folds_to(TermId t, TermId leaf) const;
  // The value that operator t has on operands that state theirs, as `folds_to` computes it: of rank 0 where it is one number
  // everywhere.  Null where it has none.
  TensorRef evaluated(TermId t) const;

  // The table that rules are replayed over.  Facts are blank but for splats, which are structure; replaying may append
  // terms, which `truncate` takes away again.
  rules::TermTable& table() { return table_; }
  void truncate(size_t size);

 private:
  uint64_t key(const OpDef& op, const Attrs& attrs, std::span<const TermId> operands) const;
  void append_blank_facts();
  rules::TermTable table_;
  std::unordered_multimap<uint64_t, TermId> index_;
  std::map<std::string, std::pair<rules::Dependence, TensorRef>> inputs_;
  mutable std::vector<rules::Dependence> depends_;  // of the first terms, as far as computed
};

}  // namespace egret::proof
