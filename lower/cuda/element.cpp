// The frame of a kernel's text, and the schedule of elements: a thread a result element.
#include "lower/cuda/schedules.h"

namespace egret::lower {

void Frame::derive(const std::string& name, const std::string& text) {
  derived += "constexpr Index " + name + " = " + text + ";\n";
}

void Frame::share(const std::string& name, const std::string& type, int64_t type_bytes, const std::string& count,
                  int64_t count_value) {
  const std::string offset = "OFFSET_" + name;
  derive(offset, last_offset_);
  last_offset_ = offset + " + ((" + count + ") * " + std::to_string(type_bytes) + " + 15) / 16 * 16";
  shared_bytes += (count_value * type_bytes + 15) / 16 * 16;
  pointers_.push_back(type + "* const " + name + " = reinterpret_cast<" + type + "*>(shared_memory + " + offset + ");");
}

void Frame::launch(const std::string& blocks, int64_t blocks_value, int64_t threads, int resident) {
  tunable("BLOCK_X", threads);
  tunable("RESIDENT_BLOCKS", resident);
  derive("GRID_BLOCKS", blocks);
  derive("GRID_X", "GRID_BLOCKS > 0 ? GRID_BLOCKS : 1");
  grid = blocks_value > 0 ? blocks_value : 1;
  block = threads;
}

void Frame::finish() { derive("SHARED_BYTES", last_offset_); }

Result<Frame> print_element(Printing& printing) {
  const Stages& stages = printing.stages;
  Writer& out = printing.out;
  Frame frame;
  const Stage& first = stages.stages[0];
  std::vector<uint32_t> axes = inner_axes(first, {});
  constexpr int64_t kThreads = 256;
  frame.derive("COUNT", count_text(printing, 0, axes));
  frame.launch("(COUNT + BLOCK_X - 1) / BLOCK_X", (count_of(first, axes) + kThreads - 1) / kThreads, kThreads);
  out.line("const Index element = Index(blockIdx.x) * BLOCK_X + threadIdx.x;");
  out.line("if (element >= COUNT) return;");
  ExprPrinter cutter(printing, 0, {}, {});
  cutter.bind_flat(axes, "element");
  std::vector<std::string> indices;
  for (uint32_t axis : axes) indices.push_back(cutter.variable(axis));
  printing.flat = {"element", indices, {}};
  for (uint32_t axis : axes) printing.flat.sizes.push_back(printing.sizes.variable(0, axis));
  std::vector<std::string> values;
  for (size_t s = 0; s < stages.stages.size(); ++s) {
    if (stages.stages[s].meaning.result.rank() != static_cast<int>(axes.size()))
      return unsupported_error("an element kernel with results of different ranks");
    auto read_stage = [&](int q, const std::vector<std::string>& at) {
      return at == indices ? values[q] : std::string();
    };
    ExprPrinter printer(printing, static_cast<int>(s), indices, read_stage);
    values.push_back(printer.body());
  }
  // All values stand before the first store, so that a result may take the place of a port read at the same element.
  for (size_t s = 0; s < stages.stages.size(); ++s) {
    const Stage& stage = stages.stages[s];
    if (stage.output < 0) continue;
    out.line("r" + std::to_string(stage.output) +
             "[element] = " + store_text(stage.meaning.result.dtype, values[s], printing.library) + ";");
  }
  frame.finish();
  return frame;
}

}  // namespace egret::lower
