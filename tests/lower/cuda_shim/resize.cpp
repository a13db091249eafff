#include "tests/lower/cuda_shim/resize.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace egret::lower {
namespace {

class Resizer {
 public:
  Resizer(const Graph& body, const std::function<int64_t(int, int64_t)>& pick) : body_(body), pick_(pick) {
    for (const GraphNode& node : body.nodes) {
      first_.push_back(old_.size());
      for (int64_t size : node.type.sizes()) old_.push_back(size);
    }
    parent_.resize(old_.size());
    std::iota(parent_.begin(), parent_.end(), size_t{0});
    new_.assign(old_.size(), -1);
  }

  std::optional<Graph> run() {
    for (ValueId v = 0; v < body_.nodes.size(); ++v) {
      if (!unite_node(v)) return std::nullopt;
    }
    unite_windows();
    fix_concatenated();
    fix_parts();
    // Windows and the like say what their results' sizes are, so they come before classes are picked freely.
    for (bool arithmetic : {true, false}) {
      for (ValueId v = 0; v < body_.nodes.size(); ++v) {
        if (is_leaf(v) || has_arithmetic(v) != arithmetic) continue;
        if (!settle(v)) return std::nullopt;
      }
    }
    return rebuild();
  }

 private:
  bool is_input(ValueId v) const { return body_.nodes[v].op->name == "input"; }
  bool is_leaf(ValueId v) const { return body_.nodes[v].operands.empty(); }
  size_t site(ValueId v, int axis) const { return first_[v] + axis; }
  size_t find(size_t x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
    return x;
  }
  void unite(size_t a, size_t b) {
    a = find(a), b = find(b);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);
  }

  bool unite_node(ValueId v) {
    const GraphNode& node = body_.nodes[v];
    if (node.operands.empty()) return true;
    if (node.op->name == "reshape") return unite_reshape(v);
    if (node.op->name == "slice") keep_cut(v);
    auto roles = axis_roles(*node.op, node.attrs, operand_types(body_, node));
    if (!roles.ok()) return false;
    if (node.op->name == "conv" && node.attrs.contains("groups")) keep_groups(v, std::get<Dim>(node.attrs.at("groups")).value());
    std::map<std::pair<int, int>, size_t> seen;
    auto meet = [&](const AxisRole& role, ValueId value, int axis) {
      if (role.use == AxisRole::Use::kOther) return;
      const auto [at, added] = seen.try_emplace({role.group, role.ordinal}, site(value, axis));
      if (!added && old_[at->second] == old_[site(value, axis)]) unite(at->second, site(value, axis));
    };
    for (size_t o = 0; o < node.operands.size(); ++o) {
      for (size_t i = 0; i < roles->operands[o].size(); ++i)
        meet(roles->operands[o][i], node.operands[o], static_cast<int>(i));
    }
    for (size_t i = 0; i < roles->results[0].size(); ++i) meet(roles->results[0][i], v, static_cast<int>(i));
    return true;
  }

  // The operand's axis that a result axis of size arithmetic comes from; none where the operator has several operands.
  std::optional<size_t> windowed(ValueId v, int axis) {
    const GraphNode& node = body_.nodes[v];
    if (node.operands.size() != 1 || body_.type(node.operands[0]).rank() != node.type.rank()) return std::nullopt;
    auto roles = axis_roles(*node.op, node.attrs, operand_types(body_, node));
    if (!roles.ok() || roles->results[0][static_cast<size_t>(axis)].use != AxisRole::Use::kOther) return std::nullopt;
    return site(node.operands[0], axis);
  }

  // Whether a result axis is as long as its operand's, whatever that is (a window of stride 1 with its borders).
  bool keeps_size(ValueId v, int axis) const {
    const GraphNode& node = body_.nodes[v];
    for (int64_t more : {0, 1, 7}) {
      Type operand = body_.type(node.operands[0]);
      const int64_t size = operand.dims[static_cast<size_t>(axis)].value() + more;
      operand.dims[static_cast<size_t>(axis)] = Dim(size);
      auto type = infer_type(*node.op, node.attrs, std::vector<Type>{operand});
      if (!type.ok() || !type->is_tensor() || type->sizes()[static_cast<size_t>(axis)] != size) return false;
    }
    return true;
  }

  // Windows that keep a size, and equal windows whose results have one size (the counts beside an average's sums).
  void unite_windows() {
    struct Window {
      ValueId node;
      int axis;
      size_t from;
    };
    std::vector<Window> windows;
    for (ValueId v = 0; v < body_.nodes.size(); ++v) {
      for (int axis = 0; axis < body_.type(v).rank(); ++axis) {
        const auto from = windowed(v, axis);
        if (!from) continue;
        windows.push_back({v, axis, *from});
        if (keeps_size(v, axis)) unite(site(v, axis), *from);
      }
    }
    for (bool changed = true; changed;) {
      changed = false;
      for (const Window& a : windows) {
        for (const Window& b : windows) {
          const GraphNode &x = body_.nodes[a.node], &y = body_.nodes[b.node];
          if (a.axis != b.axis || x.op != y.op || !equal(x.attrs, y.attrs) || old_[a.from] != old_[b.from] ||
              find(site(a.node, a.axis)) != find(site(b.node, b.axis)) || find(a.from) == find(b.from))
            continue;
          unite(a.from, b.from);
          changed = true;
        }
      }
    }
  }

  // An axis that a slice cuts keeps its size.
  void keep_cut(ValueId v) {
    const ValueId from = body_.nodes[v].operands[0];
    for (int axis = 0; axis < body_.type(v).rank(); ++axis) {
      if (old_[site(v, axis)] != old_[site(from, axis)]) fixed_.push_back(site(from, axis));
    }
  }

  // Channels in and out of a grouped convolution stay multiples of its groups.
  void keep_groups(ValueId v, int64_t groups) {
    if (groups <= 1) return;
    const ValueId x = body_.nodes[v].operands[0], w = body_.nodes[v].operands[1];
    if (old_[site(w, 1)] == 1) {  // the groups are the channels
      fixed_.push_back(site(x, 1));
      fixed_.push_back(site(w, 0));
      return;
    }
    const size_t each = old_.size();  // results of one group
    old_.push_back(old_[site(w, 0)] / groups);
    parent_.push_back(each);
    new_.push_back(-1);
    products_.push_back({site(x, 1), {site(w, 1)}, groups});
    products_.push_back({site(w, 0), {each}, groups});
  }

  // Runs of axes with one product: one to one is the same axis, one to several is a product of the several.
  bool unite_reshape(ValueId v) {
    const ValueId from = body_.nodes[v].operands[0];
    const auto a = body_.type(from).sizes(), b = body_.type(v).sizes();
    size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
      std::vector<size_t> left, right;
      int64_t x = 1, y = 1;
      do {
        if (i < a.size() && (x <= y || j == b.size())) {
          left.push_back(site(from, static_cast<int>(i)));
          x *= a[i++];
        } else {
          right.push_back(site(v, static_cast<int>(j)));
          y *= b[j++];
        }
      } while ((i < a.size() || j < b.size()) && (x != y || left.empty() || right.empty()));
      auto drop_ones = [&](std::vector<size_t>& sites) {
        std::erase_if(sites, [&](size_t s) { return old_[s] == 1; });
      };
      drop_ones(left), drop_ones(right);
      if (left.size() == 1 && right.size() == 1)
        unite(left[0], right[0]);
      else if (left.size() == 1 && right.size() > 1)
        products_.push_back({left[0], right, 1});
      else if (right.size() == 1 && left.size() > 1)
        products_.push_back({right[0], left, 1});
      else {
        fixed_.insert(fixed_.end(), left.begin(), left.end());
        fixed_.insert(fixed_.end(), right.begin(), right.end());
      }
    }
    return true;
  }

  // Where what is concatenated must be a product (the channels of a grouped convolution), it and its parts keep their sizes.
  void fix_concatenated() {
    for (ValueId v = 0; v < body_.nodes.size(); ++v) {
      const GraphNode& node = body_.nodes[v];
      if (node.op->name != "concat") continue;
      const int axis = static_cast<int>(std::get<Dim>(node.attrs.at("axis")).value());
      const auto is_whole = [&](const SizeProduct& p) { return find(p.whole) == find(site(v, axis)); };
      if (std::none_of(products_.begin(), products_.end(), is_whole)) continue;
      fixed_.push_back(site(v, axis));
      for (ValueId o : node.operands) fixed_.push_back(site(o, axis));
    }
  }

  // The parts of a fixed whole, and the whole of fixed parts, are fixed.
  void fix_parts() {
    auto fixed = [&](size_t x) {
      return std::any_of(fixed_.begin(), fixed_.end(), [&](size_t s) { return find(s) == find(x); });
    };
    for (size_t before = fixed_.size() + 1; before != fixed_.size();) {
      before = fixed_.size();
      for (const SizeProduct& p : products_) {
        for (size_t part : p.parts) {
          if (fixed(p.whole) != fixed(part)) fixed_.push_back(fixed(part) ? p.whole : part);
        }
      }
    }
  }

  bool has_arithmetic(ValueId v) {
    if (body_.nodes[v].op->name == "reshape") return false;
    auto roles = axis_roles(*body_.nodes[v].op, body_.nodes[v].attrs, operand_types(body_, body_.nodes[v]));
    if (!roles.ok()) return true;
    for (const auto& result : roles->results) {
      for (const AxisRole& role : result) {
        if (role.use == AxisRole::Use::kOther) return true;
      }
    }
    return false;
  }

  // The new size of a class: already known, a product, fixed, of size 1 (broadcasts stay broadcasts), or picked.
  int64_t size_of(size_t x) {
    const size_t root = find(x);
    if (new_[root] >= 0) return new_[root];
    for (size_t s : fixed_) {
      if (find(s) == root) return new_[root] = old_[root];
    }
    for (const auto& [whole, parts, factor] : products_) {
      if (find(whole) != root) continue;
      int64_t product = factor;
      for (size_t part : parts) product *= size_of(part);
      return new_[root] = product;
    }
    return new_[root] = old_[root] <= 1 ? old_[root] : pick_(static_cast<int>(root), old_[root]);
  }

  Type resized_type(ValueId v) {
    std::vector<Dim> dims;
    for (int axis = 0; axis < body_.type(v).rank(); ++axis) dims.push_back(Dim(size_of(site(v, axis))));
    return Type::tensor(body_.type(v).dtype, dims);
  }

  // Attributes that list sizes of result axes, or limits that are sizes of an operand, follow.
  Attrs resized_attrs(ValueId v) {
    const GraphNode& node = body_.nodes[v];
    Attrs attrs = node.attrs;
    const std::string& op = node.op->name;
    if (op == "splat" || op == "iota" || op == "reshape") attrs["sizes"] = resized_type(v).dims;
    if (op == "broadcast") {
      const auto kept = ints(node.attrs, "dims");
      std::vector<Dim> sizes;
      for (int axis = 0; axis < node.type.rank(); ++axis) {
        if (std::find(kept.begin(), kept.end(), axis) == kept.end()) sizes.push_back(Dim(size_of(site(v, axis))));
      }
      attrs["sizes"] = sizes;
    }
    if (op == "slice") {
      auto start = ints(attrs, "start"), limit = ints(attrs, "limit"), stride = ints(attrs, "stride");
      const ValueId from = node.operands[0];
      for (size_t axis = 0; axis < limit.size(); ++axis) {
        const int64_t old = body_.type(from).dims[axis].value(), now = size_of(site(from, static_cast<int>(axis)));
        if (start[axis] == 0 && limit[axis] == old)
          limit[axis] = now;
        else if (stride[axis] == 1 && now == old)  // what is cut from keeps its size, the part becomes smaller
          limit[axis] = start[axis] + size_of(site(v, static_cast<int>(axis)));
      }
      attrs["limit"] = dims_of(limit);
    }
    return attrs;
  }

  bool settle(ValueId v) {
    const GraphNode& node = body_.nodes[v];
    std::vector<Type> operands;
    for (ValueId o : node.operands) operands.push_back(resized_type(o));
    // Free result axes are picked first where attributes list them.
    auto type = infer_type(*node.op, resized_attrs(v), operands);
    if (!type.ok() || !type->is_tensor() || !type->is_static()) return false;
    const auto sizes = type->sizes();
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      const size_t root = find(site(v, static_cast<int>(axis)));
      if (new_[root] >= 0 && new_[root] != sizes[axis]) return false;
      new_[root] = sizes[axis];
    }
    return true;
  }

  std::optional<Graph> rebuild() {
    GraphBuilder builder(body_.name);
    std::vector<ValueId> map(body_.nodes.size(), 0);
    for (const GraphInput& input : body_.inputs)
      map[input.value] = builder.input(body_.node(input.value).name, resized_type(input.value));
    for (ValueId v = 0; v < body_.nodes.size(); ++v) {
      const GraphNode& node = body_.nodes[v];
      if (is_input(v)) continue;
      std::vector<ValueId> operands;
      for (ValueId o : node.operands) operands.push_back(map[o]);
      auto added = builder.add(*node.op, operands, resized_attrs(v));
      if (!added.ok()) return std::nullopt;
      map[v] = *added;
    }
    for (const GraphOutput& output : body_.outputs) builder.output(map[output.value], output.name);
    return builder.take();
  }

  const Graph& body_;
  const std::function<int64_t(int, int64_t)>& pick_;
  std::vector<size_t> first_, parent_, fixed_;
  std::vector<int64_t> old_, new_;
  struct SizeProduct {
    size_t whole;
    std::vector<size_t> parts;
    int64_t factor;
  };
  std::vector<SizeProduct> products_;
};

}  // namespace

std::optional<Graph> resized(const Graph& body, const std::function<int64_t(int, int64_t)>& pick) {
  return Resizer(body, pick).run();
}

}  // namespace egret::lower
