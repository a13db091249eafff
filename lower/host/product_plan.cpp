#include "lower/host/product_plan.h"

#include <algorithm>

#include "costmodel/packing.h"

namespace egret::lower {

Balanced Balanced::cut(int64_t total, int64_t at_most) {
  Balanced b;
  b.total = total;
  b.count = std::max<int64_t>((total + at_most - 1) / at_most, 1);
  b.longer = (total + b.count - 1) / b.count;
  b.extra = b.count - (b.longer * b.count - total);
  return b;
}

double tile_cycles(int64_t rows, int64_t vectors, int registers) {
  const double fma = static_cast<double>(rows * vectors * registers);
  const double loads = 0.6 * static_cast<double>(rows) + static_cast<double>(vectors * registers);
  return std::max({fma, loads, 4.0}) + 0.5;
}

namespace {

using Group = ProductPlan::Digit::Group;

int64_t count_of(const Nest& nest, const std::vector<VarId>& group) {
  int64_t n = 1;
  for (VarId v : group) n *= nest.size(v);
  return n;
}

// The common stride of `group` in `index` as one axis: the last variable's coefficient, each other that times the sizes
// after it.  None where they do not fit, or an atom inside depends on them.
std::optional<int64_t> stride_of(const Nest& nest, const Linear& index, const std::vector<VarId>& group) {
  int64_t stride = 0, expected = 0;
  for (size_t i = group.size(); i-- > 0;) {
    bool inside = false;
    const int64_t c = nest.coefficient(index, group[i], &inside);
    if (inside) return std::nullopt;
    if (i + 1 == group.size()) {
      stride = c;
    } else if (c != expected) {
      return std::nullopt;
    }
    expected = c * nest.size(group[i]);
  }
  return stride;
}

Nest fill(const Stages& stages, int stage, const Product& product, ProductPlan* plan, std::vector<std::vector<VarId>>* axes,
          NodeId* left, NodeId* right) {
  const Comprehension& meaning = stages.stages[static_cast<size_t>(stage)].meaning;
  return make_nest([&](Nest& n) {
    axes->clear();
    plan->k.clear();
    std::vector<Linear> values(meaning.sizes.size());
    for (int i = 0; i < meaning.result.rank(); ++i) {
      Nest::Axis axis = n.add_axis(meaning.sizes[static_cast<size_t>(i)]);
      values[static_cast<size_t>(i)] = axis.value;
      axes->push_back(axis.variables);
    }
    for (uint32_t v : product.k) {
      Nest::Axis axis = n.add_axis(meaning.sizes[v]);
      values[v] = axis.value;
      plan->k.insert(plan->k.end(), axis.variables.begin(), axis.variables.end());
    }
    auto operand = [&](uint32_t p) -> Nest::Operand {
      if (p < stages.ports.size()) return {stages.ports[p].sizes(), {}};
      const Stage& row = stages.stages[p - stages.ports.size()];
      std::vector<uint8_t> skip(row.meaning.result.dims.size(), 0);
      for (int axis : row.row_axes) skip[static_cast<size_t>(axis)] = 1;
      return {row.meaning.result.sizes(), skip};
    };
    *left = n.import(meaning, product.left, values, operand);
    // A border's condition goes with the first factor, whose variables it is about.
    const Expr& item = meaning.exprs[meaning.exprs[product.fold].args[0]];
    if (item.kind == ExprKind::kSelect) *left = n.guarded(n.import(meaning, item.args[0], values, operand), *left);
    *right = n.import(meaning, product.right, values, operand);
  });
}

// Sizes of the digits as they were made, and their groups.
void classify(const Stages& stages, bool rows, const std::vector<int>& axis_order,
              const std::vector<std::vector<VarId>>& axes, NodeId left, NodeId right, ProductPlan* plan) {
  Nest& nest = plan->nest;
  const Stage& anchor = stages.stages[static_cast<size_t>(stages.anchor)];
  struct Side {
    bool m, n;
  };
  std::vector<std::pair<VarId, Side>> sides;
  for (const auto& axis : axes) {
    for (VarId v : axis) {
      const bool in_left = nest.size(v) > 1 && nest.depends(left, v),
                 in_right = nest.size(v) > 1 && nest.depends(right, v);
      sides.push_back({v, {in_left && !in_right, in_right && !in_left}});
    }
  }
  auto side_of = [&](VarId v) {
    return std::find_if(sides.begin(), sides.end(), [&](auto& s) { return s.first == v; })->second;
  };
  int64_t m = 1, n = 1;
  for (const auto& [v, side] : sides) {
    if (side.m) m *= nest.size(v);
    if (side.n) n *= nest.size(v);
  }
  auto is_row = [&](size_t axis) {
    return std::find(anchor.row_axes.begin(), anchor.row_axes.end(), static_cast<int>(axis)) != anchor.row_axes.end();
  };
  // V: the side of the innermost axis of the result in memory; of a row, the side of the axes inside the row.
  int choice = 0;  // 1: m, 2: n
  if (rows) {
    for (size_t a = 0; a < axes.size(); ++a) {
      for (VarId v : axes[a]) {
        if (!is_row(a) && nest.size(v) > 1) choice = side_of(v).m ? 1 : 2;
      }
    }
  } else {
    for (size_t i = axis_order.size(); i-- > 0 && !choice;) {
      const auto& axis = axes[static_cast<size_t>(axis_order[i])];
      for (size_t j = axis.size(); j-- > 0 && !choice;) {
        const Side side = side_of(axis[j]);
        choice = side.m ? 1 : side.n ? 2 : 0;
      }
    }
  }
  if (!choice) choice = m > n ? 1 : 2;
  const bool v_is_left = choice == 1;
  std::vector<uint8_t> apart(axes.size(), 0);  // rows that one item may not hold together
  if (rows && stages.second >= 0) {
    if (auto shared = shared_rows(stages); shared.ok()) {
      for (size_t r = 0; r < shared->size(); ++r) apart[static_cast<size_t>(anchor.row_axes[r])] = (*shared)[r];
    }
  }
  plan->v_root = v_is_left ? left : right;
  plan->s_root = v_is_left ? right : left;
  for (size_t a = 0; a < axes.size(); ++a) {
    int64_t weight = 1;
    std::vector<ProductPlan::Digit> digits;
    for (size_t j = axes[a].size(); j-- > 0;) {
      const VarId v = axes[a][j];
      const Side side = side_of(v);
      Group group = (side.m && v_is_left) || (side.n && !v_is_left)   ? Group::kV
                    : (side.m && !v_is_left) || (side.n && v_is_left) ? Group::kS
                                                                      : Group::kBatch;
      if (rows && group == Group::kV && is_row(a)) group = Group::kBatch;
      if (apart[a] && group == Group::kS) group = Group::kBatch;
      digits.insert(digits.begin(), {static_cast<uint32_t>(a), weight, nest.size(v), group});
      weight *= nest.size(v);
    }
    for (size_t j = 0; j < digits.size(); ++j) {
      auto& group = digits[j].group == Group::kV ? plan->v : digits[j].group == Group::kS ? plan->s : plan->batch;
      group.push_back(axes[a][j]);
      plan->digits.push_back(digits[j]);
    }
  }
}

// The variable of `group` along which every read of `root` is contiguous or constant, and not all are constant.
std::optional<VarId> contiguous_along(const Nest& nest, NodeId root, const std::vector<VarId>& group) {
  const auto reads = nest.reads(root);
  for (size_t i = group.size(); i-- > 0;) {
    bool fits = true, any = false;
    for (NodeId read : reads) {
      bool inside = false;
      const int64_t c = nest.coefficient(nest.node(read).index, group[i], &inside);
      fits = fits && !inside && (c == 0 || c == 1);
      any = any || c == 1;
    }
    if (fits && any) return group[i];
  }
  return std::nullopt;
}

// Few rows of S, and V's factor contiguous along a variable of K and not along V: that variable, to be innermost.
std::optional<VarId> streamed_along(const ProductPlan& plan) {
  if (plan.s_size > kFewProductRows) return std::nullopt;
  if (contiguous_along(plan.nest, plan.v_root, plan.v)) return std::nullopt;
  auto along = contiguous_along(plan.nest, plan.v_root, plan.k);
  if (along && plan.nest.size(*along) < plan.lanes) return std::nullopt;
  return along;
}

// The order of K: where S is a plain read, by falling stride; else the variable along which S is contiguous last.
void order_k(std::optional<VarId> innermost, ProductPlan* plan) {
  const Nest& nest = plan->nest;
  const auto reads = nest.reads(innermost ? plan->v_root : plan->s_root);
  auto key = [&](VarId v) {
    if (innermost == v) return int64_t{0};
    int64_t c = 0;
    for (NodeId read : reads) {
      const int64_t here = std::abs(nest.coefficient(nest.node(read).index, v));
      c = c == 0 ? here : here == 0 ? c : std::min(c, here);
    }
    return c == 0 ? int64_t{1} << 60 : c;
  };
  std::stable_sort(plan->k.begin(), plan->k.end(), [&](VarId a, VarId b) { return key(a) > key(b); });
}

// V lies in panels: contiguous along its last variable, a whole number of vectors, wherever the others put a panel.
bool in_panels(const ProductPlan& plan, const Linear& index) {
  if (plan.along_k || plan.v.size() < 2) return false;
  for (VarId v : plan.v) {
    bool inside = false;
    const int64_t c = plan.nest.coefficient(index, v, &inside);
    if (inside || (v == plan.v.back() && c != 1)) return false;
  }
  return plan.nest.size(plan.v.back()) % plan.lanes == 0;
}

void choose_places(const Stages& stages, ProductPlan* plan) {
  Nest& nest = plan->nest;
  auto plain = [&](NodeId root) {
    const Node& node = nest.node(root);
    return node.kind == Node::Kind::kRead && node.dtype == plan->dtype && node.operand < stages.ports.size() &&
           stages.ports[node.operand].elements_count() > 0;
  };
  if (plain(plan->s_root)) {
    const Linear& index = nest.node(plan->s_root).index;
    const auto s = stride_of(nest, index, plan->s), k = stride_of(nest, index, plan->k);
    if (s && k && (*k == 1 || plan->k_size == 1 || (plan->s_size <= 2 && *k > 0 && !plan->along_k))) {
      plan->s_direct = true;
      plan->s_stride = *s;
      plan->k_stride = *k;
    }
  }
  if (plain(plan->v_root)) {
    const Linear& index = nest.node(plan->v_root).index;
    const auto v = stride_of(nest, index, plan->v), k = stride_of(nest, index, plan->k);
    if (v && k && *v == 1) {
      plan->v_direct = true;
      plan->v_k_stride = *k;
    } else if (k && in_panels(*plan, index)) {
      plan->v_direct = true;
      plan->v_k_stride = *k;
      plan->v_panel = nest.size(plan->v.back());
    }
  }
  if (plan->v_direct || plan->along_k || plan->v.empty()) return;
  // V's factor contiguous along K, V itself not: squares are transposed in registers.
  const VarId inner = plan->v.back();
  bool strided = false, guarded = false;
  for (size_t n = 0; n < nest.node_count(); ++n) {
    const auto kind = nest.node(static_cast<NodeId>(n)).kind;
    guarded = guarded || kind == Node::Kind::kSelect || kind == Node::Kind::kFold;
  }
  std::optional<VarId> along;
  for (NodeId read : nest.reads(plan->v_root)) {
    const Linear& index = nest.node(read).index;
    bool inside = false;
    if (std::abs(nest.coefficient(index, inner, &inside)) > 4 && !inside) strided = true;
    for (VarId v : plan->k) {
      if (nest.coefficient(index, v) == 1 && nest.size(v) >= plan->lanes / 2) along = v;
    }
  }
  if (strided && !guarded && along && nest.size(inner) >= plan->lanes / 2) plan->v_transpose = along;
}

// A tail costs its share of a vector and a reduction a position, which a long K hides.
void choose_tail(ProductPlan* plan) {
  constexpr int64_t kLongFold = 256, kManyRows = 16;
  const int64_t tail = plan->v_size % plan->lanes;
  if (plan->along_k || !plan->s_direct || plan->k_stride != 1 || size_in_bytes(plan->dtype) != 4) return;
  if (plan->k_size < kLongFold || plan->s_size < kManyRows || plan->v_size < plan->lanes) return;
  if (tail <= plan->lanes / 2) plan->v_tail = tail;
}

void choose_tiles(HostLevel level, ProductPlan* plan) {
  const int registers =
      std::max<int>(1, static_cast<int>(size_in_bytes(plan->dtype)) * plan->lanes / vector_bytes(level));
  if (plan->along_k) {
    const int64_t accumulators = (level == HostLevel::kV4 ? 16 : 8) / registers;
    plan->panels = Balanced::cut((plan->v_size + plan->lanes - 1) / plan->lanes, 1);
    plan->tiles = {Balanced::cut(plan->s_size, accumulators)};
    plan->v_step = std::clamp<int64_t>(accumulators / plan->tiles[0].longer, 1, 4);
    return;
  }
  const int budget = level == HostLevel::kV4 ? 26 : 12;
  const int64_t vectors = (plan->v_size - plan->v_tail + plan->lanes - 1) / plan->lanes;
  double best = 0;
  for (int64_t nv = 1; nv <= 8; ++nv) {
    if (nv * registers > budget) break;
    const int64_t rows_max =
        std::max<int64_t>(std::min<int64_t>((budget - (nv > 4 ? 2 : 0)) / (nv * registers), 14), 1);
    if (nv > 4 && plan->s_size > rows_max) break;
    if (plan->v_panel % (nv * plan->lanes) != 0) continue;  // no panel of registers across two in memory
    const Balanced panels = Balanced::cut(vectors, nv);
    double cycles = 0;
    std::vector<Balanced> tiles;
    for (int short_ = 0; short_ < 2; ++short_) {
      const int64_t length = panels.longer - short_;
      if (length == 0) break;
      const int64_t number = short_ ? panels.count - panels.extra : panels.extra;
      int64_t rows = std::max<int64_t>(std::min<int64_t>(budget / (length * registers), 14), 1);
      if (length == 3 && level == HostLevel::kV4) rows = std::min<int64_t>(rows, 8);
      const Balanced t = Balanced::cut(plan->s_size, rows);
      cycles += static_cast<double>(number) * (static_cast<double>(t.extra) * tile_cycles(t.longer, length, registers) +
                                               static_cast<double>(t.count - t.extra) *
                                                   tile_cycles(std::max<int64_t>(t.longer - 1, 1), length, registers));
      tiles.push_back(t);
    }
    if (best == 0 || cycles < best * 0.999) {
      best = cycles;
      plan->panels = panels;
      plan->tiles = std::move(tiles);
    }
  }
}

void choose_blocks(bool rows, ProductPlan* plan) {
  const int64_t bytes = size_in_bytes(plan->dtype);
  const int64_t panel_row = plan->panels.longer * plan->lanes * bytes;
  const Nest& nest = plan->nest;
  // K in blocks where a panel would not stay in the second-level cache.
  const int64_t outer = plan->k.empty() ? 1 : nest.size(plan->k[0]);
  plan->k_block = outer;
  const int64_t rest = outer > 0 ? plan->k_size / outer : 1;
  if (!rows && !plan->along_k && plan->s_direct && plan->k_size * panel_row > 512 * 1024) {
    const int64_t fit = std::max<int64_t>(256 * 1024 / (rest * panel_row), 1);
    plan->k_block = Balanced::cut(outer, fit).longer;
  }
  const double flops =
      2.0 * static_cast<double>(plan->batch_size * plan->v_size) * static_cast<double>(plan->s_size * plan->k_size);
  const int64_t wanted = flops < 1e6 ? 1 : flops < 1e7 ? 4 : 8;
  if (plan->along_k && !rows) {
    plan->v_blocks = std::clamp<int64_t>((wanted + plan->batch_size - 1) / plan->batch_size, 1, plan->panels.count);
    return;
  }
  const int64_t tiles = plan->tiles[0].count;
  auto blocks_for = [&](int64_t others) { return (wanted + others - 1) / std::max<int64_t>(others, 1); };
  if (rows) {
    // Whole rows in scratch.
    const int64_t fit = rows_of_block(plan->v_size * bytes);
    const int64_t for_threads = std::min(tiles, blocks_for(plan->batch_size));
    plan->s_blocks = std::clamp<int64_t>((plan->s_size + fit - 1) / fit, for_threads, std::max<int64_t>(tiles, 1));
  } else if (plan->s_direct) {
    plan->v_blocks = plan->panels.count;
    const int64_t most = std::max<int64_t>(tiles / 4, 1);
    plan->s_blocks =
        std::clamp<int64_t>(std::max((plan->s_size + 1023) / 1024, blocks_for(plan->batch_size * plan->panels.count)),
                            1, std::max<int64_t>(most, (plan->s_size + 1023) / 1024));
  } else {
    const int64_t fit =
        std::max<int64_t>(256 * 1024 / std::max<int64_t>(plan->k_size * bytes, 1), plan->tiles[0].longer);
    plan->s_blocks = std::clamp<int64_t>((plan->s_size + fit - 1) / fit, 1, tiles);
    const int64_t missing = blocks_for(plan->batch_size * plan->s_blocks);
    plan->v_blocks = std::clamp<int64_t>(missing, 1, std::max<int64_t>(plan->panels.count / 2, 1));
  }
}

bool tiled_in_registers(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::f64:
    case DType::i32:
    case DType::i64:
    case DType::u32:
    case DType::u64:
      return true;
    default:
      return false;
  }
}

// Panels for tiles of so many rows.
void choose_panels(HostLevel level, int64_t rows, ProductPlan* plan) {
  const int registers = std::max<int>(1, static_cast<int>(size_in_bytes(plan->dtype)) * plan->lanes / vector_bytes(level));
  const int64_t budget = level == HostLevel::kV4 ? 26 : 12, vectors = (plan->v_size + plan->lanes - 1) / plan->lanes;
  double best = 0;
  for (int64_t nv = 1; nv <= 8 && (nv == 1 || nv * rows * registers <= budget); ++nv) {
    if (plan->v_panel % (nv * plan->lanes) != 0) continue;
    const Balanced panels = Balanced::cut(vectors, nv);
    const double cycles = static_cast<double>(panels.extra) * tile_cycles(rows, panels.longer, registers) +
                          static_cast<double>(panels.count - panels.extra) * tile_cycles(rows, panels.longer - 1, registers);
    if (best == 0 || cycles < best * 0.999) {
      best = cycles;
      plan->panels = panels;
    }
  }
}

}  // namespace

std::optional<ProductPlan> plan_folding(const Stages& stages, HostLevel level, const ProductPlan& first) {
  const Stage& second = stages.stages[static_cast<size_t>(stages.second)];
  const auto product = product_of(second);
  if (!product.ok()) return std::nullopt;
  const auto& exprs = second.meaning.exprs;
  ProductPlan plan;
  plan.fold = product->fold;
  plan.dtype = exprs[product->fold].dtype;
  plan.lanes = first.lanes;
  if (!tiled_in_registers(plan.dtype) || exprs[product->left].dtype != plan.dtype || exprs[product->right].dtype != plan.dtype) return std::nullopt;
  std::vector<std::vector<VarId>> axes;
  NodeId left = 0, right = 0;
  plan.nest = fill(stages, stages.second, *product, &plan, &axes, &left, &right);
  Nest& nest = plan.nest;
  const Expr& factor = exprs[product->left];
  const bool rows_left = factor.kind == ExprKind::kRead && factor.number == stages.ports.size() + static_cast<size_t>(stages.folded);
  plan.s_root = rows_left ? left : right;
  plan.v_root = rows_left ? right : left;
  plan.s_given = true;
  plan.row_axes.resize(axes.size());
  for (size_t a = 0; a < axes.size(); ++a) {
    const bool row = std::count(second.row_axes.begin(), second.row_axes.end(), static_cast<int>(a)) > 0;
    auto& group = row ? plan.row_axes[a] : plan.v;
    group.insert(group.end(), axes[a].begin(), axes[a].end());
  }
  for (auto* group : {&plan.k, &plan.v}) std::erase_if(*group, [&](VarId v) { return nest.size(v) == 1; });
  plan.v_size = count_of(nest, plan.v);
  plan.k_size = count_of(nest, plan.k);
  plan.batch_size = first.batch_size;
  plan.s_size = first.s_size;
  if (plan.v_size == 0 || plan.k_size == 0) return std::nullopt;
  order_k(std::nullopt, &plan);
  nest.merge(plan.v);
  nest.merge(plan.k);
  if (nest.node(plan.s_root).kind != Node::Kind::kRead) return std::nullopt;
  const auto stride = stride_of(nest, nest.node(plan.s_root).index, plan.k);
  if (!stride || (*stride != 1 && plan.k_size != 1)) return std::nullopt;
  choose_places(stages, &plan);
  constexpr int64_t kFewLines = 128;  // elements
  plan.v_near = plan.v_direct && plan.v_panel == 0 && plan.v_k_stride > 0 && plan.v_k_stride <= kFewLines;
  plan.tiles = {first.tiles[0]};
  plan.s_blocks = first.s_blocks;
  choose_panels(level, plan.tiles[0].longer, &plan);
  plan.k_block = plan.k.empty() ? 1 : nest.size(plan.k[0]);
  return plan;
}

std::optional<ProductPlan> plan_product(const Stages& stages, const Product& product, HostLevel level, bool rows,
                                        const std::vector<int>& axis_order) {
  const Stage& anchor = stages.stages[static_cast<size_t>(stages.anchor)];
  const auto& exprs = anchor.meaning.exprs;
  ProductPlan plan;
  plan.fold = product.fold;
  plan.dtype = exprs[product.fold].dtype;
  plan.lanes = vector_bytes(level) / 4;
  const DType factor = exprs[product.left].dtype;
  if (!tiled_in_registers(plan.dtype) || factor != plan.dtype) return std::nullopt;
  std::vector<std::vector<VarId>> axes;
  NodeId left = 0, right = 0;
  plan.nest = fill(stages, stages.anchor, product, &plan, &axes, &left, &right);
  classify(stages, rows, axis_order, axes, left, right, &plan);
  if (rows) {
    for (const auto& digit : plan.digits) {
      const auto& row_axes = anchor.row_axes;
      const bool parallel = std::find(row_axes.begin(), row_axes.end(), static_cast<int>(digit.axis)) != row_axes.end();
      if (!parallel && digit.size > 1 && digit.group != ProductPlan::Digit::Group::kV) return std::nullopt;
    }
  }
  Nest& nest = plan.nest;
  auto drop_ones = [&](std::vector<VarId>& group) { std::erase_if(group, [&](VarId v) { return nest.size(v) == 1; }); };
  drop_ones(plan.k);
  drop_ones(plan.v);
  drop_ones(plan.s);
  drop_ones(plan.batch);
  plan.batch_size = count_of(nest, plan.batch);
  plan.v_size = count_of(nest, plan.v);
  plan.s_size = count_of(nest, plan.s);
  plan.k_size = count_of(nest, plan.k);
  if (plan.batch_size == 0 || plan.v_size == 0 || plan.s_size == 0 || plan.k_size == 0) return std::nullopt;
  const auto along = streamed_along(plan);
  plan.along_k = along.has_value();
  order_k(along, &plan);
  nest.merge(plan.batch);
  nest.merge(plan.v);
  nest.merge(plan.s);
  nest.merge(plan.k);
  choose_places(stages, &plan);
  if (!rows && !plan.along_k) {
    // Too few rows to fill registers: element by element, unless V streams contiguously.
    if (plan.s_size <= 2 && !plan.v_direct) return std::nullopt;
    if (plan.v_size < plan.lanes / 2 && plan.s_size < plan.lanes) return std::nullopt;
  }
  if (!rows) choose_tail(&plan);
  choose_tiles(level, &plan);
  choose_blocks(rows, &plan);
  if (plan.s_direct) {
    Linear address = nest.node(plan.s_root).index;
    plan.s_address = nest.track(address);
  }
  return plan;
}

}  // namespace egret::lower
