// Rows: folds shared out among the threads of a row, and what is computed between and after them.
#include <algorithm>

#include "lower/cuda/schedules.h"

namespace egret::lower {
namespace {

constexpr int kBlock = 256;

// Smaller integers travel through shuffles as int.
std::string shuffle(DType t, const std::string& value, const std::string& distance) {
  const bool small = t == DType::boolean || (!is_float(t) && size_in_bytes(t) < 4);
  const std::string call =
      "__shfl_xor_sync(0xffffffffu, " + std::string(small ? "(int)" : "") + value + ", " + distance + ")";
  return small ? "(" + std::string(held_type(t)) + ")" + call : call;
}

// The running value of a fold in one thread: for arg folds the best item and its position (-1: none yet).
struct Accumulator {
  FoldKind fold;
  DType dtype, item;
  std::string value, position;  // plain folds have no position
  bool arg() const { return fold == FoldKind::kArgMax || fold == FoldKind::kArgMin; }
};

void join_items(Printing& printing, const Accumulator& acc, const std::string& value, const std::string& position) {
  Writer& out = printing.out;
  if (!acc.arg()) {
    out.line(acc.value + " = " + join_text(acc.fold, acc.dtype, acc.value, value, printing.library) + ";");
    return;
  }
  // The first of equals: a lower position wins where neither item is better.
  out.open("if (" + position + " >= 0 && (" + acc.position + " < 0 || " +
           better_text(acc.fold, acc.item, value, acc.value) + " || (" + position + " < " + acc.position + " && !(" +
           better_text(acc.fold, acc.item, acc.value, value) + "))))");
  out.line(acc.value + " = " + value + ";");
  out.line(acc.position + " = " + position + ";");
  out.close();
}

void join_lanes(Printing& printing, const Accumulator& acc, const std::string& half) {
  Writer& out = printing.out;
  out.open("for (int distance = " + half + "; distance > 0; distance /= 2)");
  const std::string other = out.fresh("other");
  out.line(std::string("const ") + held_type(acc.item) + " " + other + " = " +
           shuffle(acc.item, acc.value, "distance") + ";");
  std::string position;
  if (acc.arg()) {
    position = out.fresh("at");
    out.line("const long long " + position + " = " + shuffle(DType::i64, acc.position, "distance") + ";");
  }
  join_items(printing, acc, other, position);
  out.close();
}

// Warps leave their values in shared memory; every warp joins them all, in the same order.
void join_warps(Printing& printing, const Accumulator& acc, const std::string& lane) {
  Writer& out = printing.out;
  const std::string type = held_type(acc.item);
  out.line("__syncthreads();");
  out.open("if (" + lane + " % 32 == 0)");
  out.line("reinterpret_cast<" + type + "*>(partials)[" + lane + " / 32] = " + acc.value + ";");
  if (acc.arg()) out.line("partial_positions[" + lane + " / 32] = " + acc.position + ";");
  out.close();
  out.line("__syncthreads();");
  out.line(acc.value + " = reinterpret_cast<" + type + "*>(partials)[" + lane + " % (BLOCK_X / 32)];");
  if (acc.arg()) out.line(acc.position + " = partial_positions[" + lane + " % (BLOCK_X / 32)];");
  join_lanes(printing, acc, "BLOCK_X / 64");
}

}  // namespace

std::string parallel_fold(ExprPrinter& printer, ExprId id, int threads, const std::string& lane) {
  Printing& printing = printer.printing();
  Writer& out = printing.out;
  const Expr& fold = printer.meaning().exprs[id];
  Accumulator acc{fold.fold, fold.dtype, fold.dtype, out.fresh("acc"), ""};
  if (acc.arg()) {
    acc.item = printer.meaning().exprs[fold.args[0]].dtype;
    acc.position = out.fresh("at");
    out.line(std::string(held_type(acc.item)) + " " + acc.value + " = 0;");
    out.line("long long " + acc.position + " = -1;");
  } else {
    out.line(std::string(held_type(acc.dtype)) + " " + acc.value + " = " + identity_text(fold.fold, fold.dtype) + ";");
  }
  const std::string at = out.fresh("k");
  out.open("for (Index " + at + " = " + lane + "; " + at + " < " + printer.product(fold.variables) + "; " + at +
           " += " + (threads == 32 ? "32" : "BLOCK_X") + ")");
  printer.enter();
  printer.bind_flat(fold.variables, at);
  const std::string item = printer.fold_item(fold);
  join_items(printing, acc, item, at);
  printer.leave();
  out.close();
  join_lanes(printing, acc, "16");
  if (threads > 32) join_warps(printing, acc, lane);
  if (!acc.arg()) return acc.value;
  const std::string name = out.fresh("t");
  out.line(std::string("const ") + held_type(fold.dtype) + " " + name + " = " +
           cast_text(DType::i64, fold.dtype, acc.position, printing.library) + ";");
  return name;
}

void share_partials(Frame& frame) {
  frame.share("partials", "double", 8, "32", 32);
  frame.share("partial_positions", "long long", 8, "32", 32);
}

std::vector<uint32_t> inner_axes(const Stage& stage, const std::vector<int>& row_axes) {
  std::vector<uint32_t> result;
  for (int axis = 0; axis < stage.meaning.result.rank(); ++axis) {
    if (std::find(row_axes.begin(), row_axes.end(), axis) == row_axes.end()) result.push_back(axis);
  }
  return result;
}

int64_t count_of(const Stage& stage, const std::vector<uint32_t>& variables) {
  int64_t count = 1;
  for (uint32_t v : variables) count *= stage.meaning.sizes[v];
  return count;
}

std::string count_text(const Printing& printing, int stage, const std::vector<uint32_t>& variables) {
  std::vector<std::string> names;
  for (uint32_t v : variables) names.push_back(printing.sizes.variable(stage, v));
  return Sizes::product(names);
}

void RowPrinter::synchronize() {
  if (scope_.threads > 32)
    printing_.out.line("__syncthreads();");
  else if (scope_.threads > 1)
    printing_.out.line("__syncwarp();");
}

std::vector<std::string> RowPrinter::variables(int stage, const std::vector<std::string>& inner) const {
  const std::vector<int>& row_axes = scope_.row_axes[stage];
  std::vector<std::string> result(printing_.stage(stage).meaning.result.rank(), "0");
  const auto axes = inner_axes(printing_.stage(stage), row_axes);
  for (size_t i = 0; i < axes.size() && i < inner.size(); ++i) result[axes[i]] = inner[i];
  for (size_t k = 0; k < row_axes.size(); ++k) {
    if (row_axes[k] >= 0) result[row_axes[k]] = scope_.row[k];
  }
  return result;
}

std::string RowPrinter::read(int stage, const std::vector<std::string>& indices) {
  if (const auto found = held_.find(stage); found != held_.end()) return found->second;
  const Stage& read = printing_.stage(stage);
  const uint32_t operand = printing_.port_count() + stage;
  if (const auto found = scope_.shared.find(stage); found != scope_.shared.end()) {
    const auto axes = inner_axes(read, scope_.row_axes[stage]);
    std::string at = found->second.slot;
    for (uint32_t axis : axes) {
      at = (at.find(' ') == std::string::npos ? at : "(" + at + ")") + " * " + printing_.sizes.axis(operand, axis);
      if (indices[axis] != "0") at += " + " + indices[axis];
    }
    return found->second.array + "[" + at + "]";
  }
  if (in_memory_.count(stage)) {
    const std::string element = "r" + std::to_string(read.output) + "[" + printing_.address(operand, indices) + "]";
    return "(" + load_text(read.meaning.result.dtype, element, printing_.library) + ")";
  }
  return {};
}

void RowPrinter::store(int stage, const std::vector<std::string>& indices, const std::string& value) {
  const Stage& s = printing_.stage(stage);
  printing_.out.line("r" + std::to_string(s.output) + "[" + printing_.address(printing_.port_count() + stage, indices) +
                     "] = " + store_text(s.meaning.result.dtype, value, printing_.library) + ";");
}

void RowPrinter::print_stage(int stage) {
  const Stage& s = printing_.stage(stage);
  Writer& out = printing_.out;
  const auto inner = inner_axes(s, scope_.row_axes[stage]);
  auto read_stage = [this](int q, const std::vector<std::string>& indices) { return read(q, indices); };
  if (count_of(s, inner) == 1) {
    const auto indices = variables(stage, {});
    ExprPrinter printer(printing_, stage, indices, read_stage, scope_.fold);
    const std::string value = printer.body();
    held_[stage] = value;
    if (s.output < 0) return;
    if (later_) return void(stores_.emplace_back(stage, indices));
    if (scope_.threads > 1) out.open("if (" + scope_.lane + " == 0)");
    store(stage, indices, value);
    if (scope_.threads > 1) out.close();
    return;
  }
  // Folds in index order leave no thread behind another: a result in place waits until all have read.
  if (s.output >= 0 && printing_.choices.in_place && printing_.choices.in_order) synchronize();
  const std::string at = out.fresh("e");
  const std::string step = scope_.threads == 1 ? "1" : scope_.threads == 32 ? "32" : "BLOCK_X";
  out.open("for (Index " + at + " = " + scope_.lane + "; " + at + " < " + count_text(printing_, stage, inner) + "; " +
           at + " += " + step + ")");
  ExprPrinter printer(printing_, stage, variables(stage, {}), read_stage);
  printer.bind_flat(inner, at);
  std::vector<std::string> indices;
  for (int axis = 0; axis < s.meaning.result.rank(); ++axis) indices.push_back(printer.variable(axis));
  const std::string value = printer.body();
  const auto shared = scope_.shared.find(stage);
  if (shared != scope_.shared.end())
    out.line(shared->second.array + "[" + shared->second.slot + " * " + count_text(printing_, stage, inner) + " + " +
             at + "] = " + value + ";");
  if (s.output >= 0) store(stage, indices, value);
  out.close();
  if (shared != scope_.shared.end() || s.output >= 0) synchronize();
  if (s.output >= 0) in_memory_[stage] = true;
}

void RowPrinter::print_point(const std::vector<int>& stages) {
  later_ = true;
  for (int stage : stages) print_stage(stage);
  later_ = false;
  const bool shared = scope_.threads > 1 && !stores_.empty();
  if (shared) printing_.out.open("if (" + scope_.lane + " == 0)");
  for (const auto& [stage, indices] : stores_) store(stage, indices, held_.at(stage));
  if (shared) printing_.out.close();
  stores_.clear();
}

Result<Frame> print_row(Printing& printing) {
  const Stages& stages = printing.stages;
  const CudaChoices& choices = printing.choices;
  const int threads = choices.threads_per_row, rows_a_block = kBlock / threads;
  const std::string rows_text = threads == 1 ? "BLOCK_X" : threads == 32 ? "(BLOCK_X / 32)" : "1";
  Writer& out = printing.out;
  Frame frame;
  const Stage& last = stages.stages.back();
  const int last_number = static_cast<int>(stages.stages.size()) - 1;
  std::vector<uint32_t> row_variables(last.row_axes.begin(), last.row_axes.end());
  const int64_t rows = count_of(last, row_variables);
  frame.derive("ROWS", count_text(printing, last_number, row_variables));
  frame.launch(threads > 32 ? "ROWS" : "(ROWS + " + rows_text + " - 1) / " + rows_text,
               (rows + rows_a_block - 1) / rows_a_block, kBlock);
  if (threads > 32) share_partials(frame);

  RowScope scope;
  scope.threads = threads;
  scope.lane = threads == 1 ? "0" : "lane";
  for (size_t s = 0; s < stages.stages.size(); ++s) {
    const Stage& stage = stages.stages[s];
    scope.row_axes.push_back(stage.row_axes);
    if (!choices.in_shared[s]) continue;
    const auto inner = inner_axes(stage, stage.row_axes);
    const std::string array = "row" + std::to_string(s);
    frame.share(array, held_type(stage.meaning.result.dtype), held_bytes(stage.meaning.result.dtype),
                rows_text + " * " + count_text(printing, static_cast<int>(s), inner),
                rows_a_block * count_of(stage, inner));
    scope.shared[static_cast<int>(s)] = {array, threads == 32 ? "slot" : "0"};
  }
  if (threads > 1 && !choices.in_order)
    scope.fold = [threads](ExprPrinter& printer, ExprId fold) { return parallel_fold(printer, fold, threads, "lane"); };

  if (threads == 1) {
    out.line("const Index row = Index(blockIdx.x) * BLOCK_X + threadIdx.x;");
  } else if (threads == 32) {
    out.line("const Index lane = threadIdx.x % 32, slot = threadIdx.x / 32;");
    out.line("const Index row = Index(blockIdx.x) * (BLOCK_X / 32) + slot;");
  } else {
    out.line("const Index lane = threadIdx.x, row = blockIdx.x;");
  }
  out.line("if (row >= ROWS) return;");
  ExprPrinter cutter(printing, last_number, {}, {});
  cutter.bind_flat(row_variables, "row");
  for (uint32_t v : row_variables) scope.row.push_back(cutter.variable(v));
  RowPrinter printer(printing, std::move(scope));
  for (int s = 0; s <= last_number; ++s) printer.print_stage(s);
  frame.finish();
  return frame;
}

}  // namespace egret::lower
