#include "frontends/pass_layouts.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>

#include "costmodel/packing.h"

namespace egret {
namespace {

using egraph::Id;

constexpr size_t kMostLaidOut = 4'096;  // matrices

// By these the way there and back is the matrix, and its product the product; in the order in which they apply.
constexpr std::array kRules = {"transpose-transpose", "transpose-identity", "reshape-reshape", "reshape-identity", "dot-of-transpose-right"};

std::optional<std::vector<uint32_t>> rewrites_named(const rules::CompiledRules& compiled) {
  std::vector<uint32_t> out;
  for (const char* name : kRules) {
    const auto before = out.size();
    for (uint32_t i = 0; i < compiled.rule_of.size(); ++i) {
      if (compiled.rule_of[i]->name == name) out.push_back(i);
    }
    if (out.size() == before) return std::nullopt;
  }
  return out;
}

class Layouts {
 public:
  explicit Layouts(Imported& program) : tensors_(*program.tensors), panels_(program.panels) {}

  // Adds the terms; false where there was nothing to lay out.
  Result<bool> add_terms() {
    const egraph::EGraph& g = tensors_.graph();
    const auto products = g.nodes_with(tensors_.op_kind(op_named("dot")));
    for (Id product : std::vector<Id>(products.begin(), products.end())) {
      const auto operands = g.canonical_operands(product);
      const Id x = g.find(operands[0]), w = g.find(operands[1]);
      const Attrs attrs = tensors_.attrs_of(product);
      if (!fits(x, w, attrs) || !seen_.insert({x, w}).second || seen_.size() > kMostLaidOut) continue;
      EGRET_TRY_VOID(add_terms_of(x, w, attrs));
    }
    return !seen_.empty();
  }

 private:
  bool fits(Id x, Id w, const Attrs& attrs) const {
    const bool frozen = tensors_.depends(w) != rules::Dependence::kData && tensors_.depends(x) == rules::Dependence::kData;
    const Type& type = tensors_.type(w);
    if (!frozen || !type.is_tensor() || !type.is_static() || type.rank() != 2 || !ints(attrs, "rb").empty()) return false;
    const auto over = ints(attrs, "rc");
    if (tensors_.type(x).elements_count() <= kFewProductRows * type.dims[static_cast<size_t>(over.empty() ? 0 : over[0])].value()) return false;
    return over.size() == 1 && panel_width(type.dims[static_cast<size_t>(1 - over[0])].value()) > 0;
  }

  // t = the matrix with its axes exchanged, for e-nodes of an input's class are in no kernel; q = t cut in panels, p = panels
  // one after the other, and t again from p; the product of t.
  Status add_terms_of(Id x, Id w, const Attrs& attrs) {
    const std::vector<int64_t> sizes = tensors_.type(w).sizes();
    const bool columns_first = ints(attrs, "rc")[0] == 0;  // of t
    const int64_t k = sizes[columns_first ? 0 : 1], n = sizes[columns_first ? 1 : 0], width = panel_width(n);
    const std::vector<int64_t> swap = {1, 0}, there = columns_first ? std::vector<int64_t>{0, 2, 1} : std::vector<int64_t>{1, 0, 2};
    const std::vector<int64_t> cut = columns_first ? std::vector<int64_t>{n / width, width, k} : std::vector<int64_t>{k, n / width, width};
    EGRET_TRY(const Id t, add("transpose", {{"perm", dims_of(swap)}}, {w}));
    EGRET_TRY(const Id q, add("reshape", {{"sizes", dims_of(cut)}}, {t}));
    EGRET_TRY(const Id p, add("transpose", {{"perm", dims_of(there)}}, {q}));
    panels_.push_back(p);
    EGRET_TRY(const Id back, add("transpose", {{"perm", dims_of(there)}}, {p}));
    EGRET_TRY_VOID(add("reshape", {{"sizes", dims_of(std::vector<int64_t>{sizes[1], sizes[0]})}}, {back}));
    Attrs exchanged = attrs;
    exchanged["rc"] = dims_of(std::vector<int64_t>{columns_first ? 1 : 0});
    return add("dot", std::move(exchanged), {x, t}).ok() ? Status() : internal_error("a product of a matrix in panels has no type");
  }

  Result<Id> add(const char* name, Attrs attrs, std::vector<Id> operands) {
    const OpDef& op = op_named(name);
    EGRET_TRY(const Attrs complete, complete_attrs(op, attrs));
    return tensors_.add(op, complete, operands);
  }

  rules::TensorEGraph& tensors_;
  std::vector<Id>& panels_;
  std::set<std::pair<Id, Id>> seen_;
};

}  // namespace

Status lay_out_weights(Imported& program, const rules::CompiledRules& compiled, const Device& device, const OptimizeOptions& options,
                       const Stopwatch& total) {
  if (device.kind != Device::Kind::kHost) return {};
  const auto rewrites = rewrites_named(compiled);
  if (!rewrites) return {};
  rules::TensorEGraph& tensors = *program.tensors;
  EGRET_TRY(const bool any, Layouts(program).add_terms());
  if (!any) return {};
  tensors.graph().rebuild();
  for (uint32_t number : *rewrites) {
    egraph::Rewrite rewrite = compiled.rewrites[number];
    rewrite.matches_per_iteration = 0;  // of sets that grow without end so many are made; here once all
    egraph::RunOptions run;
    run.limits = remaining(options, total);
    run.limits.enodes = std::numeric_limits<uint64_t>::max();
    run.limits.iterations = 1;
    run.threads = options.threads;
    egraph::run(tensors.graph(), std::span(&rewrite, 1), run, number);
  }
  return {};
}

}  // namespace egret
