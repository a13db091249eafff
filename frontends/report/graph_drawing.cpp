// Layered drawing (Sugiyama et al., 1981, without the crossing step beyond one barycentre sweep): a box's layer is its
// depth, its place in the layer the mean of its operands' places.
#include "frontends/report/graph_drawing.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/format.h>

namespace egret {
namespace {

struct Box {
  std::string label, title;
  std::vector<size_t> operands;
  bool contraction = false;
};

constexpr double kWidth = 132, kHeight = 24, kGapX = 14, kGapY = 30;
constexpr size_t kMaxBoxes = 3'000;

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : c == '\'' ? "&#39;" : std::string(1, c);
  return out;
}

std::string draw(const std::vector<Box>& boxes) {
  if (boxes.empty()) return "<p>Nothing to draw.</p>";
  if (boxes.size() > kMaxBoxes) return fmt::format("<p>{} boxes: more than the {} that are drawn.</p>", boxes.size(), kMaxBoxes);
  std::vector<size_t> layer(boxes.size(), 0);
  std::map<size_t, std::vector<size_t>> layers;
  for (size_t i = 0; i < boxes.size(); ++i) {
    for (size_t o : boxes[i].operands) layer[i] = std::max(layer[i], layer[o] + 1);
    layers[layer[i]].push_back(i);
  }
  std::vector<double> x(boxes.size(), 0), y(boxes.size(), 0);
  double width = 0;
  for (auto& [l, row] : layers) {
    std::map<size_t, double> wish;
    for (size_t i : row) {
      double sum = 0;
      for (size_t o : boxes[i].operands) sum += x[o];
      wish[i] = boxes[i].operands.empty() ? 0 : sum / static_cast<double>(boxes[i].operands.size());
    }
    std::stable_sort(row.begin(), row.end(), [&](size_t a, size_t b) { return wish[a] < wish[b]; });
    double at = 0;
    for (size_t i : row) {
      x[i] = std::max(at, wish[i]);
      at = x[i] + kWidth + kGapX;
      y[i] = static_cast<double>(l) * (kHeight + kGapY) + 8;
      width = std::max(width, at);
    }
  }
  const double height = static_cast<double>(layers.size()) * (kHeight + kGapY) + 8;
  std::string svg = fmt::format("<svg viewBox='0 0 {0:.0f} {1:.0f}' width='{0:.0f}' height='{1:.0f}'>", width + 8, height);
  for (size_t i = 0; i < boxes.size(); ++i) {
    for (size_t o : boxes[i].operands) {
      svg += fmt::format("<line x1='{:.0f}' y1='{:.0f}' x2='{:.0f}' y2='{:.0f}' stroke='#9aa7b3'/>", x[o] + kWidth / 2,
                         y[o] + kHeight, x[i] + kWidth / 2, y[i]);
    }
  }
  for (size_t i = 0; i < boxes.size(); ++i) {
    svg += fmt::format("<g><title>{}</title><rect x='{:.0f}' y='{:.0f}' width='{}' height='{}' rx='4' fill='{}' stroke='#52606d'/>"
                       "<text x='{:.0f}' y='{:.0f}' text-anchor='middle'>{}</text></g>",
                       escaped(boxes[i].title), x[i], y[i], kWidth, kHeight, boxes[i].contraction ? "#fde3d3" : "#e6f0f8",
                       x[i] + kWidth / 2, y[i] + 16, escaped(boxes[i].label.substr(0, 20)));
  }
  return svg + "</svg>";
}

}  // namespace

std::string draw_graph(const Graph& graph) {
  std::vector<Box> boxes;
  std::map<ValueId, size_t> box;
  for (ValueId v = 0; v < graph.nodes.size(); ++v) {
    const GraphNode& n = graph.nodes[v];
    const GraphInput* input = graph.input_of(v);
    if (n.op->op_class == OpClass::kInput && !(input && input->role == InputRole::kData)) continue;
    Box b{input ? n.name : n.op->name, n.name + ": " + n.type.to_string(), {}, n.op->op_class == OpClass::kContraction};
    for (ValueId o : n.operands) {
      if (auto it = box.find(o); it != box.end()) b.operands.push_back(it->second);
    }
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
    boxes.push_back({program.values[v].name, program.values[v].type.to_string(), {}, false});
  }
  for (const Launch& l : program.run) {
    const Kernel& kernel = program.kernels[l.kernel];
    Box b;
    std::string operators;
    for (const GraphNode& n : kernel.body.nodes) {
      if (n.op->name == "input") continue;
      operators += (operators.empty() ? "" : " ") + n.op->name;
      b.contraction |= n.op->op_class == OpClass::kContraction;
      if (b.label.empty() || n.op->op_class == OpClass::kContraction) b.label = n.op->name;
    }
    const size_t count = kernel.body.nodes.size() - kernel.body.inputs.size();
    if (count > 1) b.label += fmt::format(" + {}", count - 1);
    b.title = fmt::format("{}: {}", to_string(kernel.plan.schedule), operators);
    for (uint32_t i : l.inputs) {
      if (auto it = maker.find(i); it != maker.end()) b.operands.push_back(it->second);
    }
    for (uint32_t o : l.outputs) maker[o] = boxes.size();
    boxes.push_back(std::move(b));
  }
  return draw(boxes);
}

}  // namespace egret
