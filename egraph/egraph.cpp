#include "egraph/egraph.h"

#include <algorithm>
#include <utility>

#include "egraph/store/store.h"

namespace egret::egraph {
namespace {

constexpr size_t kMaxIds = size_t{1} << 31;

}  // namespace

EGraph::EGraph() : EGraph(Options{}) {}
EGraph::EGraph(Options options) : store_(std::make_unique<Store>(options)) {}
EGraph::~EGraph() = default;
EGraph::EGraph(EGraph&&) noexcept = default;
EGraph& EGraph::operator=(EGraph&&) noexcept = default;

OpKind EGraph::intern_op(std::string_view name) {
  EGRET_CHECK(store_->op_names.size() < kMaxOp, "too many operators");
  const auto [entry, is_new] =
      store_->op_numbers.try_emplace(std::string(name), static_cast<OpKind>(store_->op_names.size()));
  if (is_new) store_->op_names.emplace_back(name);
  return entry->second;
}

std::string_view EGraph::op_name(OpKind op) const {
  EGRET_CHECK(op < store_->op_names.size(), "an operator that was not interned");
  return store_->op_names[op];
}

std::optional<OpKind> EGraph::find_op(std::string_view name) const {
  const auto entry = store_->op_numbers.find(std::string(name));
  if (entry == store_->op_numbers.end()) return std::nullopt;
  return entry->second;
}

Id EGraph::Store::add(OpKind op, AttrId attr, std::span<const Id> operands) {
  EGRET_CHECK(op < op_names.size(), "an operator that was not interned");
  canonical_scratch.clear();
  for (const Id operand : operands) {
    EGRET_CHECK(operand < sets.size(), "an operand that is no e-node");
    canonical_scratch.push_back(find_and_shorten(operand));
  }
  const size_t count = operands.size();
  const uint32_t head = row_head(op, count);
  const uint32_t tag = tag_of(head, attr, canonical_scratch.data(), count);
  const Id known = table.find(tag, same_key(head, attr, canonical_scratch.data(), count));
  if (known != kNoId) return known;
  EGRET_CHECK(sets.size() < kMaxIds && enodes.pool_size() + count < kMaxIds, "the e-graph is full");
  exact_scratch.assign(operands.begin(), operands.end());  // `operands` may point into the arrays that grow
  const Id id = enodes.add(op, attr, exact_scratch, canonical_scratch);
  sets.add();
  table.insert(tag, id);
  count_new(id);
  return id;
}

bool EGraph::Store::unite(Id a, Id b, Justification why) {
  const Id root_a = find_and_shorten(a), root_b = find_and_shorten(b);
  if (root_a == root_b) return false;
  const Id older = std::min(root_a, root_b), younger = std::max(root_a, root_b);
  if (options.explanations) proof.connect(a, b, why);
  facts.unite(older, younger);
  sets.link(older, younger);
  displaced.push_back(younger);
  displaced_bits.set(younger);
  changes.mark(younger);
  --class_count;
  clean = false;
  return true;
}

uint64_t EGraph::Store::bytes() const {
  return enodes.bytes() + sets.bytes() + table.bytes() + changes.bytes() + links.bytes() + index.bytes() + facts.bytes() +
         proof.bytes() + applications.bytes() + subsumed.bytes() + displaced.bytes() + displaced_bits.bytes() + readers_of.bytes() +
         2 * tag_scratch.bytes();  // tags and places, whether or not several threads need places
}

uint64_t EGraph::Store::growth(size_t requests) const {
  return enodes.growth(requests) + sets.growth(requests) + table.growth(requests) + facts.growth(requests) + 2 * requests / 8 +
         (options.explanations ? proof.growth(requests) : 0) + 2 * tag_scratch.growth_to(requests);
}

Id EGraph::add(OpKind op, AttrId attr, std::span<const Id> operands) { return store_->add(op, attr, operands); }

std::optional<Id> EGraph::lookup(OpKind op, AttrId attr, std::span<const Id> operands) const {
  std::vector<Id> canonical;
  canonical.reserve(operands.size());
  for (const Id operand : operands) canonical.push_back(find(operand));
  const uint32_t head = row_head(op, canonical.size());
  const Id known = store_->table.find(tag_of(head, attr, canonical.data(), canonical.size()),
                                      store_->same_key(head, attr, canonical.data(), canonical.size()));
  return known != kNoId ? std::optional<Id>(known) : std::nullopt;
}

bool EGraph::unite(Id a, Id b, Justification why) {
  EGRET_CHECK(a < id_count() && b < id_count(), "uniting an id that is no e-node");
  return store_->unite(a, b, why);
}

bool EGraph::clean() const { return store_->clean; }

void EGraph::reserve(size_t nodes, size_t operands) {
  store_->enodes.reserve(nodes, operands);
  store_->sets.reserve(nodes);
  store_->table.reserve(nodes);
  store_->facts.reserve(nodes);
  if (store_->options.explanations) store_->proof.reserve(nodes);
}

Id EGraph::find(Id id) const {
  EGRET_CHECK(id < store_->sets.size(), "finding an id that is no e-node");
  return store_->sets.find(id);
}

void EGraph::Store::subsume(Id node) {
  any_subsumed = true;
  subsumed.cover(enodes.size());
  subsumed.set(enodes.live_form(node));
}

void EGraph::subsume(Id node) {
  EGRET_CHECK(node < id_count(), "subsuming an id that is no e-node");
  store_->subsume(node);
}

bool EGraph::subsumed(Id node) const {
  return store_->any_subsumed && store_->subsumed.test(store_->enodes.live_form(node));
}

size_t EGraph::rebuild() { return store_->rebuild(*this, Workers()); }

size_t EGraph::node_count() const { return store_->live_count; }
size_t EGraph::id_count() const { return store_->enodes.size(); }
size_t EGraph::class_count() const { return store_->class_count; }

uint64_t EGraph::bytes() const { return store_->bytes(); }

OpKind EGraph::op(Id node) const { return store_->enodes.op(node); }
AttrId EGraph::attr(Id node) const { return store_->enodes.attr(node); }
std::span<const Id> EGraph::operands(Id node) const { return store_->enodes.exact(node); }
std::span<const Id> EGraph::canonical_operands(Id node) const { return store_->enodes.canonical(node); }
std::span<const Id> EGraph::nodes_of(Id cls) const { return store_->index.nodes_of(find(cls)); }
std::span<const Id> EGraph::nodes_with(OpKind op) const { return store_->index.nodes_with(op); }
std::span<const Id> EGraph::parents_of(Id cls) const {
  EGRET_CHECK(store_->displaced.empty(), "parents_of on a graph that needs rebuild");
  return store_->index.parents_of(find(cls));
}

std::vector<Id> EGraph::classes() const {
  std::vector<Id> roots;
  roots.reserve(class_count());
  for (Id id = 0; id < id_count(); ++id) {
    if (store_->sets.canonical(id)) roots.push_back(id);
  }
  return roots;
}

uint32_t EGraph::add_analysis(Analysis analysis) {
  if (id_count() > 0) store_->clean = false;
  return store_->facts.add_analysis(std::move(analysis), id_count());
}

Fact EGraph::fact(uint32_t analysis, Id id) const {
  EGRET_CHECK(analysis < store_->facts.count(), "a fact of an analysis that was not added");
  return store_->facts.fact(analysis, find(id));
}

void EGraph::set_fact(uint32_t analysis, Id id, Fact fact) {
  EGRET_CHECK(analysis < store_->facts.count(), "a fact of an analysis that was not added");
  store_->facts.set(analysis, find(id), id, fact);
  if (store_->facts.stale()) store_->clean = false;
}

std::span<const Conflict> EGraph::conflicts() const { return store_->facts.conflicts(); }

bool EGraph::explains() const { return store_->options.explanations; }

std::vector<EGraph::Edge> EGraph::explain(Id a, Id b) const {
  EGRET_CHECK(explains(), "explain without Options::explanations");
  EGRET_CHECK(find(a) == find(b), "explaining ids that are not equal");
  return store_->proof.path(a, b);
}

Application EGraph::application(uint32_t index) const {
  EGRET_CHECK(index < store_->applications.size(), "an application that was not recorded");
  return store_->applications.get(index, store_->enodes);
}

uint32_t EGraph::record_application(const Application& application) {
  EGRET_CHECK(explains(), "record_application without Options::explanations");
  return store_->applications.record(application);
}

size_t EGraph::application_count() const { return store_->applications.size(); }

}  // namespace egret::egraph
