// Layered drawing (Sugiyama et al., 1981): a box's layer is its depth, sources stand just above their first reader; the order
// in a layer comes from barycentre sweeps, the place from the mean of the neighbours.
#include "frontends/report/graph_drawing.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "frontends/report/html.h"

namespace egret {
namespace {

struct Box {
  std::string label, title;
  std::vector<size_t> operands;
  const char* color = "#e6f0f8";
};

constexpr const char *kProduct = "#fbd9c3", *kFold = "#d9efdc", *kMove = "#eceff2", *kInput = "#ffffff", *kMap = "#dcebf8";
constexpr double kWidth = 132, kHeight = 26, kGapX = 16, kGapY = 34;
constexpr size_t kMaxBoxes = 3'000, kLabel = 21;
constexpr int kSweeps = 6;

const char* color_of(OpClass c) {
  if (c == OpClass::kContraction) return kProduct;
  if (c == OpClass::kReduction || c == OpClass::kWindow) return kFold;
  return c == OpClass::kMovement ? kMove : kMap;
}

class Layout {
 public:
  explicit Layout(const std::vector<Box>& boxes)
      : boxes_(boxes), layer_(boxes.size(), 0), x_(boxes.size(), 0), readers_(boxes.size()) {
    size_t count = 0;
    for (size_t i = 0; i < boxes.size(); ++i) {
      for (size_t o : boxes[i].operands) {
        layer_[i] = std::max(layer_[i], layer_[o] + 1);
        readers_[o].push_back(i);
      }
    }
    for (size_t i = boxes.size(); i-- > 0;) {
      if (!boxes[i].operands.empty() || readers_[i].empty()) continue;
      size_t first = layer_[readers_[i][0]];
      for (size_t r : readers_[i]) first = std::min(first, layer_[r]);
      layer_[i] = first - 1;
    }
    for (size_t l : layer_) count = std::max(count, l + 1);
    rows_.resize(count);
    for (size_t i = 0; i < boxes.size(); ++i) rows_[layer_[i]].push_back(i);
    for (auto& row : rows_) place(row, [&](size_t i) { return static_cast<double>(std::find(row.begin(), row.end(), i) - row.begin()); });
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
      const bool down = sweep % 2 == 0;
      for (size_t k = 0; k < rows_.size(); ++k) {
        auto& row = rows_[down ? k : rows_.size() - 1 - k];
        place(row, [&](size_t i) { return wish(i, down ? boxes_[i].operands : readers_[i]); });
      }
    }
    const double left = boxes.empty() ? 0 : *std::min_element(x_.begin(), x_.end());
    for (double& x : x_) x += 6 - left;
  }

  double x(size_t i) const { return x_[i]; }
  double y(size_t i) const { return static_cast<double>(layer_[i]) * (kHeight + kGapY) + 8; }
  double width() const { return boxes_.empty() ? 0 : *std::max_element(x_.begin(), x_.end()) + kWidth + 6; }
  double height() const { return static_cast<double>(rows_.size()) * (kHeight + kGapY) + 8; }

 private:
  double wish(size_t i, const std::vector<size_t>& neighbours) const {
    if (neighbours.empty()) return x_[i];
    double sum = 0;
    for (size_t n : neighbours) sum += x_[n];
    return sum / static_cast<double>(neighbours.size());
  }

  // Orders a row by what its boxes wish and puts them there, apart, the row shifted so that it lies where it wishes.
  template <class Wish>
  void place(std::vector<size_t>& row, const Wish& wish_of) {
    std::map<size_t, double> wish;
    for (size_t i : row) wish[i] = wish_of(i);
    std::stable_sort(row.begin(), row.end(), [&](size_t a, size_t b) { return wish[a] < wish[b]; });
    double at = -1e9, moved = 0;
    for (size_t i : row) {
      x_[i] = std::max(at, wish[i]);
      at = x_[i] + kWidth + kGapX;
      moved += x_[i] - wish[i];
    }
    for (size_t i : row) x_[i] -= moved / static_cast<double>(row.size());
  }

  const std::vector<Box>& boxes_;
  std::vector<size_t> layer_;
  std::vector<double> x_;
  std::vector<std::vector<size_t>> readers_, rows_;
};

std::string draw(const std::vector<Box>& boxes) {
  if (boxes.empty()) return "<p>Nothing to draw.</p>";
  if (boxes.size() > kMaxBoxes) return fmt::format("<p>{} boxes: more than the {} that are drawn.</p>", boxes.size(), kMaxBoxes);
  const Layout at(boxes);
  std::string svg = fmt::format("<svg viewBox='0 0 {0:.0f} {1:.0f}' width='{0:.0f}' height='{1:.0f}'>", at.width(), at.height());
  for (size_t i = 0; i < boxes.size(); ++i) {
    for (size_t o : boxes[i].operands) {
      const double x0 = at.x(o) + kWidth / 2, y0 = at.y(o) + kHeight, x1 = at.x(i) + kWidth / 2, y1 = at.y(i);
      svg += fmt::format("<path d='M{:.0f} {:.0f}C{:.0f} {:.0f} {:.0f} {:.0f} {:.0f} {:.0f}' fill='none' stroke='#9aa7b3'/>", x0, y0, x0,
                         y0 + kGapY / 2, x1, y1 - kGapY / 2, x1, y1);
    }
  }
  for (size_t i = 0; i < boxes.size(); ++i) {
    const std::string& label = boxes[i].label;
    svg += fmt::format("<g><title>{}</title><rect x='{:.0f}' y='{:.0f}' width='{}' height='{}' rx='5' fill='{}' stroke='#7b8794'/>"
                       "<text x='{:.0f}' y='{:.0f}' text-anchor='middle'>{}</text></g>",
                       escaped(boxes[i].title), at.x(i), at.y(i), kWidth, kHeight, boxes[i].color, at.x(i) + kWidth / 2, at.y(i) + 17,
                       escaped(label.size() > kLabel ? label.substr(0, kLabel - 2) + ".." : label));
  }
  return svg + "</svg>";
}

}  // namespace

std::string drawing_legend() {
  std::string out = "<p class=note>";
  for (const auto& [color, what] : {std::pair(kProduct, "product or convolution"), {kFold, "reduction or pooling"}, {kMap, "map"}, {kMove, "movement"}, {kInput, "input"}}) {
    out += fmt::format("<span class=key style='background:{}'></span>{} &nbsp; ", color, what);
  }
  return out + "Point at a box for its type.</p>";
}

std::string draw_graph(const Graph& graph) {
  std::vector<Box> boxes;
  std::map<ValueId, size_t> box;  // of what depends on data
  for (ValueId v = 0; v < graph.nodes.size(); ++v) {
    const GraphNode& n = graph.nodes[v];
    const GraphInput* input = graph.input_of(v);
    Box b{input ? n.name : n.op->name, n.name + ": " + n.type.to_string(), {}, input ? kInput : color_of(n.op->op_class)};
    for (ValueId o : n.operands) {
      if (auto it = box.find(o); it != box.end()) b.operands.push_back(it->second);
    }
    const bool opaque = n.op->purity != Purity::kPure;
    if (b.operands.empty() && !opaque && !(input && input->role == InputRole::kData)) continue;
    box[v] = boxes.size();
    boxes.push_back(std::move(b));
  }
  return draw(boxes);
}

std::string draw_program(const Program& program) {
  std::vector<Box> boxes;
  std::map<uint32_t, size_t> maker;
  for (uint32_t v : program.inputs) {
    maker[v] = boxes.size();
    boxes.push_back({program.values[v].name, program.values[v].type.to_string(), {}, kInput});
  }
  size_t number = 0;
  for (const Launch& l : program.run) {
    const Kernel& kernel = program.kernels[l.kernel];
    Box b;
    std::string operators, heaviest;
    OpClass best = OpClass::kMovement;
    auto weight = [](OpClass c) { return c == OpClass::kContraction ? 3 : c == OpClass::kReduction || c == OpClass::kWindow ? 2 : c == OpClass::kMap ? 1 : 0; };
    for (const GraphNode& n : kernel.body.nodes) {
      if (n.op->name == "input") continue;
      operators += (operators.empty() ? "" : " ") + n.op->name;
      if (heaviest.empty() || weight(n.op->op_class) > weight(best)) heaviest = n.op->name, best = n.op->op_class;
    }
    const size_t count = kernel.body.nodes.size() - kernel.body.inputs.size();
    b.label = fmt::format("k{} {}{}", number, heaviest, count > 1 ? fmt::format(" + {}", count - 1) : "");
    b.title = fmt::format("k{}, {}: {}", number++, to_string(kernel.plan.schedule), operators);
    b.color = color_of(best);
    for (uint32_t i : l.inputs) {
      if (auto it = maker.find(i); it != maker.end()) b.operands.push_back(it->second);
    }
    for (uint32_t o : l.outputs) maker[o] = boxes.size();
    boxes.push_back(std::move(b));
  }
  return draw(boxes);
}

}  // namespace egret
