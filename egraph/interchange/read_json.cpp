#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "egraph/interchange/interchange.h"
#include "support/egraph_text.h"
#include "support/hash.h"

namespace egret::egraph {
namespace {

// From the arrays of a file to a graph.  A class' first e-node is made before any other of its e-nodes and before every
// e-node that reads the class, so it is the canonical id from the start and no key ever becomes stale.
class Builder {
 public:
  Builder(const EGraphText& file, SerializedEGraph& out) : file_(file), out_(out) {}

  void build() {
    count_needs();
    class_id_.assign(file_.class_names.size(), kNoId);
    inhabited_.assign(file_.class_names.size(), false);
    for (const EGraphText::Node& node : file_.nodes) inhabited_[node.cls] = true;
    for (uint32_t n = 0; n < file_.nodes.size(); ++n) {
      if (needs_[n] == 0) ready_.push_back(n);
    }
    for (uint32_t cls = 0;; ++cls) {
      for (size_t at = 0; at < ready_.size(); ++at) insert(ready_[at]);
      ready_.clear();
      while (cls < class_id_.size() && (class_id_[cls] != kNoId || !inhabited_[cls])) ++cls;
      if (cls == class_id_.size()) break;
      cut(cls);
    }
    out_.graph.rebuild();
  }

  Id class_id(uint32_t cls) const { return class_id_[cls]; }  // kNoId: a name that no e-node kept

 private:
  // For each e-node the children whose class has no id yet; for each class the e-nodes that read it.
  void count_needs() {
    needs_.resize(file_.nodes.size());
    reader_start_.assign(file_.class_names.size() + 1, 0);
    for (const uint32_t child : file_.children) ++reader_start_[child + 1];
    for (size_t c = 1; c < reader_start_.size(); ++c) reader_start_[c] += reader_start_[c - 1];
    readers_.resize(file_.children.size());
    std::vector<uint32_t> at(reader_start_.begin(), reader_start_.end() - 1);
    for (uint32_t n = 0; n < file_.nodes.size(); ++n) {
      needs_[n] = static_cast<uint32_t>(file_.children_of(n).size());
      for (const uint32_t child : file_.children_of(n)) readers_[at[child]++] = n;
    }
  }

  void name_class(uint32_t cls, Id id) {
    class_id_[cls] = id;
    for (uint32_t r = reader_start_[cls]; r < reader_start_[cls + 1]; ++r) {
      if (--needs_[readers_[r]] == 0) ready_.push_back(readers_[r]);
    }
  }

  void insert(uint32_t n) {
    const EGraphText::Node& node = file_.nodes[n];
    operands_.clear();
    for (const uint32_t child : file_.children_of(n)) operands_.push_back(class_id_[child]);
    NodeData data{node.cost, node.subsumed, 0};
    const OpKind op = out_.graph.intern_op(file_.ops[node.op]);
    AttrId attr = intern(data);
    if (const auto first = out_.graph.lookup(op, attr, operands_)) {
      data.copy = ++copies_[*first];
      attr = intern(data);
    }
    const Id id = out_.graph.add(op, attr, operands_);
    if (class_id_[node.cls] == kNoId) {
      name_class(node.cls, id);
    } else {
      out_.graph.unite(class_id_[node.cls], id, {Justification::Kind::kGiven, 0, 0});
    }
  }

  void cut(uint32_t cls) {
    const OpKind op = out_.graph.intern_op(SerializedEGraph::kCut);
    name_class(cls, out_.graph.add(op, intern({1, false, static_cast<uint32_t>(out_.cuts++)}), {}));
  }

  AttrId intern(const NodeData& data) {
    const uint64_t key = hash_combine(std::bit_cast<uint64_t>(data.cost), uint64_t{data.copy} << 1 | data.subsumed);
    for (auto [entry, end] = attrs_.equal_range(key); entry != end; ++entry) {
      const NodeData& known = out_.data[entry->second];
      if (std::bit_cast<uint64_t>(known.cost) == std::bit_cast<uint64_t>(data.cost) && known.subsumed == data.subsumed &&
          known.copy == data.copy) {
        return entry->second;
      }
    }
    const AttrId attr = static_cast<AttrId>(out_.data.size());
    out_.data.push_back(data);
    attrs_.emplace(key, attr);
    return attr;
  }

  const EGraphText& file_;
  SerializedEGraph& out_;
  std::vector<uint32_t> needs_, reader_start_, readers_, ready_;
  std::vector<Id> class_id_, operands_;
  std::vector<bool> inhabited_;
  std::unordered_map<Id, uint32_t> copies_;  // of an e-node with copy 0
  std::unordered_multimap<uint64_t, AttrId> attrs_;
};

}  // namespace

Result<SerializedEGraph> read_json(std::string_view text, const std::string& file) {
  EGRET_TRY(EGraphText read, read_egraph_text(text, file));
  SerializedEGraph out;
  out.data.emplace_back();
  Builder builder(read, out);
  builder.build();
  std::unordered_map<std::string, Id> classes;
  for (uint32_t c = 0; c < read.class_names.size(); ++c) {
    if (builder.class_id(c) != kNoId) classes.emplace(read.class_names[c], builder.class_id(c));
  }
  for (std::string& root : read.roots) {
    const auto known = classes.find(root);
    if (known != classes.end()) {
      out.roots.push_back(known->second);
    } else {
      out.unknown_roots.push_back(std::move(root));
    }
  }
  for (auto& [name, data] : read.class_data) {
    if (const auto known = classes.find(name); known != classes.end()) out.class_data.emplace_back(known->second, std::move(data));
  }
  return out;
}

WriteOptions write_options(const SerializedEGraph& read) {
  WriteOptions options;
  options.roots = read.roots;
  const std::optional<OpKind> cut = read.graph.find_op(SerializedEGraph::kCut);
  if (read.cuts > 0) options.visible = [&read, cut](Id node) { return read.graph.op(node) != cut; };
  options.data = [&read](Id node) { return read.data[read.graph.attr(node)]; };
  if (!read.class_data.empty()) {
    std::unordered_map<Id, const ClassData*> known;
    for (const auto& [cls, data] : read.class_data) known.emplace(read.graph.find(cls), &data);
    options.class_data = [known = std::move(known)](Id cls) {
      const auto entry = known.find(cls);
      return entry == known.end() ? ClassData{} : *entry->second;
    };
  }
  return options;
}

}  // namespace egret::egraph
