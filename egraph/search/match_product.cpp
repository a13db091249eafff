#include "egraph/search/match_product.h"

#include <algorithm>
#include <bit>

#include "egraph/search/matcher.h"

namespace egret::egraph {
namespace {

constexpr size_t kPollInterval = 1 << 12;  // e-nodes looked at between two polls

// What stands below the roots of a task, class by class.
class Lists {
 public:
  struct List {
    uint32_t begin = 0, count = 0;
  };
  struct Below {
    Id cls = kNoId;
    List all, changed;  // e-nodes; those of them that changed
  };

  Lists(const Step& step, const EGraph::Store& store, size_t roots, Array<Id>& members, Id* classes, AttrId* attrs)
      : step_(step), store_(store), members_(members), classes_(classes), attrs_(attrs), slots_(std::bit_ceil(2 * roots)) {}

  // Of a class; `entries` becomes greater by what was looked at.
  const Below& of(Id cls, size_t& entries) {
    size_t at = cls * kSpread >> 16 & (slots_.size() - 1);
    while (slots_[at].cls != kNoId && slots_[at].cls != cls) at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].cls == kNoId) slots_[at] = make(cls, entries);
    return slots_[at];
  }

 private:
  static constexpr uint64_t kSpread = 0x9e3779b97f4a7c15ULL;

  Below make(Id cls, size_t& entries) {
    Below below{cls, {static_cast<uint32_t>(members_.size()), 0}, {}};
    const std::span<const Id> nodes = store_.index.nodes_of(cls);
    const uint32_t* const heads = store_.index.heads_of(cls).data();
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (heads[i] == step_.head && store_.matchable(nodes[i]) && fits(store_, step_, nodes[i], true, classes_, attrs_)) {
        members_.push_back(nodes[i]);
      }
    }
    below.all.count = static_cast<uint32_t>(members_.size()) - below.all.begin;
    below.changed.begin = static_cast<uint32_t>(members_.size());
    for (uint32_t i = 0; i < below.all.count; ++i) {
      const Id n = members_[below.all.begin + i];
      if (store_.changes.test(n)) members_.push_back(n);
    }
    below.changed.count = static_cast<uint32_t>(members_.size()) - below.changed.begin;
    if (below.changed.count == below.all.count) {
      below.changed = below.all;
      members_.resize(below.all.begin + below.all.count);
    }
    entries += nodes.size();
    return below;
  }

  const Step& step_;
  const EGraph::Store& store_;
  Array<Id>& members_;
  Id* const classes_;
  AttrId* const attrs_;
  std::vector<Below> slots_;  // by class
};

}  // namespace

bool has_products(const Query& query) {
  const std::vector<Step>& steps = query.plan().steps;
  if (query.roots().size() != 1 || steps.size() != 2) return false;
  const Step &root = steps[0], &below = steps[1];
  if (below.source != Step::Source::kJoin || !below.class_known() || !below.bound.empty() || below.attr_act == Step::Act::kCheck) return false;
  return std::any_of(root.operands.begin(), root.operands.end(), [&](const Step::Operand& o) { return o.place == below.class_place; }) &&
         std::none_of(below.operands.begin(), below.operands.end(), [&](const Step::Operand& o) { return o.place == below.class_place; });
}

void find_products(const Query& query, const EGraph::Store& store, uint64_t most, const std::function<bool()>& poll,
                   SearchTask& task) {
  const Step &root = query.plan().steps[0], &below = query.plan().steps[1];
  std::vector<Id> classes(query.plan().classes);
  std::vector<AttrId> attrs(query.plan().attrs);
  Lists lists(below, store, task.roots.size(), task.products.members, classes.data(), attrs.data());
  size_t looked_at = 0;
  for (const Id n : task.roots) {
    if (++looked_at >= kPollInterval) {
      looked_at = 0;
      if (!poll()) return;
    }
    if (!store.matchable(n) || !fits(store, root, n, false, classes.data(), attrs.data())) continue;
    const Lists::Below& found = lists.of(classes[below.class_place], looked_at);
    const Lists::List list = task.everything || store.changes.test(n) ? found.all : found.changed;
    const uint32_t count = static_cast<uint32_t>(std::min<uint64_t>(list.count, most - task.count));
    if (count > 0) task.products.entries.push_back({n, list.begin, count});
    task.count += count;
    if (count == list.count) continue;
    ++task.cut;
    return;
  }
}

void make_live(const EGraph::Store& store, MatchProducts& products) {
  using Entry = MatchProducts::Entry;
  // Lists first, each once, in its place: shorter where it repeats.
  Array<Entry>& entries = products.entries;
  const auto by_list = [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.count, a.root) < std::tie(b.begin, b.count, b.root); };
  for (Entry& entry : entries) entry.root = store.enodes.live_form(entry.root);
  std::sort(entries.begin(), entries.end(), by_list);
  Array<Id> members;
  std::vector<Id> list;
  for (size_t i = 0; i < entries.size();) {
    const auto [root, begin, count] = entries[i];
    list.assign(products.members.begin() + begin, products.members.begin() + begin + count);
    for (Id& n : list) n = store.enodes.live_form(n);
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    const uint32_t place = static_cast<uint32_t>(members.size());
    members.append(list.data(), list.size());
    for (; i < entries.size() && entries[i].begin == begin && entries[i].count == count; ++i) {
      entries[i].begin = place;
      entries[i].count = static_cast<uint32_t>(list.size());
    }
  }
  // Then roots: each with one list.
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return std::tie(a.root, a.begin) < std::tie(b.root, b.begin); });
  size_t kept = 0;
  for (size_t i = 0; i < entries.size();) {
    Entry entry = entries[i];
    bool several = false;
    list.clear();
    for (; i < entries.size() && entries[i].root == entry.root; ++i) {
      if (entries[i].begin == entry.begin) continue;
      if (!several) list.assign(members.begin() + entry.begin, members.begin() + entry.begin + entry.count);
      several = true;
      list.insert(list.end(), members.begin() + entries[i].begin, members.begin() + entries[i].begin + entries[i].count);
    }
    if (several) {
      std::sort(list.begin(), list.end());
      list.erase(std::unique(list.begin(), list.end()), list.end());
      entry.begin = static_cast<uint32_t>(members.size());
      entry.count = static_cast<uint32_t>(list.size());
      members.append(list.data(), list.size());
    }
    entries[kept++] = entry;
  }
  entries.resize(kept);
  products.members.swap(members);
}

}  // namespace egret::egraph
