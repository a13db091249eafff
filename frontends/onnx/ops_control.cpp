// Nodes with graphs inside: conditionals; loops and scans whose number of steps is known at import, unrolled.
#include <algorithm>

#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

constexpr uint64_t kMaxUnrolledNodes = 1 << 16;  // of one loop, those of the loops in it included

const GraphMessage& graph(Node& n, const char* name) {
  const AttributeMessage* a = n.attr(name);
  if (!a || a->graphs.size() != 1) n.fail(std::string("attribute '") + name + "' should be a graph");
  return a->graphs[0];
}

// A condition known at import chooses its branch; else both are computed and selected from, which needs equal types.
void conditional(Node& n) {
  const Value condition = n.in(0);
  n.check(n.type(condition).elements_count() == 1 && n.dtype(condition) == DType::boolean,
          "the condition should be one bool");
  if (const TensorRef known = n.importer().known(condition)) {
    const std::vector<Value> results =
        n.importer().run_graph(graph(n, known->get_int(0) != 0 ? "then_branch" : "else_branch"), {});
    for (size_t i = 0; i < n.outputs_count() && i < results.size(); ++i) n.out(i, results[i]);
    return;
  }
  const std::vector<Value> yes = n.importer().run_graph(graph(n, "then_branch"), {});
  const std::vector<Value> no = n.importer().run_graph(graph(n, "else_branch"), {});
  n.check(yes.size() == no.size(), "the branches have different numbers of results");
  for (size_t i = 0; i < n.outputs_count() && i < yes.size(); ++i) {
    if (!(n.type(yes[i]) == n.type(no[i]))) {
      n.unsupported("the branches give different types, " + n.type(yes[i]).to_string() + " and " +
                    n.type(no[i]).to_string() + ", and the condition is not known at import");
    }
    const Value chosen = n.broadcast_to(n.reshape(condition, {}), n.sizes(yes[i]));
    n.out(i, n.add("select", {chosen, yes[i], no[i]}));
  }
}

// The body of a loop or a scan, step by step: it takes `carried` values and gives them anew, then those to be stacked.
class Body {
 public:
  Body(Node& n, size_t leading, size_t carried) : node_(n), graph_(graph(n, "body")), leading_(leading), carried_(carried), nodes_left_(n.importer().nodes_left()) {
    node_.check(graph_.outputs.size() >= leading + carried, "the body has fewer outputs than it carries values");
    stacked_.resize(graph_.outputs.size() - leading - carried);
  }

  // Gives the body's first `leading` outputs; `state` holds the carried values before and after.
  std::vector<Value> step(std::vector<Value> arguments, std::vector<Value>& state) {
    const uint64_t used = nodes_left_ - node_.importer().nodes_left();
    if (steps_ == kMaxSteps || used + graph_.nodes.size() > kMaxUnrolledNodes) {
      node_.unsupported("a body that is done more than " + std::to_string(steps_) + " times");
    }
    ++steps_;
    node_.check(arguments.size() == graph_.inputs.size(), "the body has another number of inputs than it is given");
    const std::vector<Value> results = node_.importer().run_graph(graph_, arguments);
    const auto first = results.begin() + static_cast<std::ptrdiff_t>(leading_), last = first + static_cast<std::ptrdiff_t>(carried_);
    state.assign(first, last);
    for (size_t k = 0; k < stacked_.size(); ++k) stacked_[k].push_back(last[static_cast<std::ptrdiff_t>(k)]);
    return {results.begin(), first};
  }

  size_t stacked_count() const { return stacked_.size(); }

  // What every step gave as its output `k` to be stacked, along a new axis; `axis` counts from the end if negative.
  Value stacked(size_t k, int64_t axis, bool backwards) {
    std::vector<Value> parts = stacked_[k];
    if (parts.empty()) node_.unsupported("a stack of the results of no step");
    Sizes sizes = node_.sizes(parts[0]);
    axis = node_.axis(axis, node_.rank(parts[0]) + 1);
    sizes.insert(sizes.begin() + axis, 1);
    for (Value& v : parts) v = node_.reshape(v, sizes);
    if (backwards) std::reverse(parts.begin(), parts.end());
    return node_.concat(parts, axis);
  }

 private:
  Node& node_;
  const GraphMessage& graph_;
  const size_t leading_, carried_;
  const uint64_t nodes_left_;  // of the file, before the first step
  int64_t steps_ = 0;
  std::vector<std::vector<Value>> stacked_;
};

// Inputs: how often at most, whether at all, the carried values.  The body takes the number of the step, whether to go
// on and the carried values; it gives whether to go on.
void loop(Node& n) {
  n.check(n.inputs_count() >= 2, "a loop has two inputs at least");
  const std::optional<int64_t> most = n.has(0) ? std::optional(n.input_int(0, "the number of steps")) : std::nullopt;
  Value going = n.has(1) ? n.in(1) : n.splat(DType::boolean, {}, 1);
  std::vector<Value> state;
  for (size_t i = 2; i < n.inputs_count(); ++i) state.push_back(n.in(i));
  Body body(n, 1, state.size());
  for (int64_t i = 0; !most || i < *most; ++i) {
    if (n.known_number(going, "whether the loop goes on") == 0) break;
    std::vector<Value> arguments{n.integers(DType::i64, {}, {i}), going};
    arguments.insert(arguments.end(), state.begin(), state.end());
    going = body.step(std::move(arguments), state)[0];
  }
  for (size_t i = 0; i < n.outputs_count(); ++i) {
    if (n.wants(i)) n.out(i, i < state.size() ? state[i] : body.stacked(i - state.size(), 0, false));
  }
}

// Inputs: the carried values, then those of which each step takes one slice.
void scan(Node& n) {
  if (n.version < 9) n.unsupported("a scan of operator set 8", "convert the model to operator set 9 or later");
  const int64_t scanned = n.attr_int("num_scan_inputs", 0), carried = static_cast<int64_t>(n.inputs_count()) - scanned;
  n.check(scanned >= 1 && carried >= 0, "num_scan_inputs is out of range");
  std::vector<Value> state, sources;
  for (size_t i = 0; i < n.inputs_count(); ++i) (static_cast<int64_t>(i) < carried ? state : sources).push_back(n.in(i));
  Body body(n, 0, state.size());
  Sizes axes = n.attr_ints("scan_input_axes", Sizes(sources.size(), 0));
  const Sizes directions = n.attr_ints("scan_input_directions", Sizes(sources.size(), 0));
  const Sizes out_axes = n.attr_ints("scan_output_axes", Sizes(body.stacked_count(), 0));
  const Sizes out_directions = n.attr_ints("scan_output_directions", Sizes(body.stacked_count(), 0));
  n.check(axes.size() == sources.size() && directions.size() == sources.size() && out_axes.size() == body.stacked_count() &&
              out_directions.size() == body.stacked_count(),
          "axes or directions of the scan do not fit its inputs and outputs");
  for (size_t k = 0; k < sources.size(); ++k) axes[k] = n.axis(axes[k], n.rank(sources[k]));
  const int64_t steps = n.size(sources[0], axes[0]);
  for (size_t k = 0; k < sources.size(); ++k) n.check(n.size(sources[k], axes[k]) == steps, "the scanned inputs have different numbers of steps");
  for (int64_t i = 0; i < steps; ++i) {
    std::vector<Value> arguments = state;
    for (size_t k = 0; k < sources.size(); ++k) {
      const int64_t at = directions[k] != 0 ? steps - 1 - i : i;
      Sizes rest = n.sizes(sources[k]);
      rest.erase(rest.begin() + axes[k]);
      arguments.push_back(n.reshape(n.slice_axis(sources[k], axes[k], at, at + 1), rest));
    }
    body.step(std::move(arguments), state);
  }
  for (size_t i = 0; i < n.outputs_count(); ++i) {
    if (!n.wants(i)) continue;
    const size_t k = i - state.size();
    n.out(i, i < state.size() ? state[i] : body.stacked(k, out_axes[k], out_directions[k] != 0));
  }
}

}  // namespace

void add_control_handlers(HandlerTable& table) {
  table["If"] = conditional;
  table["Loop"] = loop;
  table["Scan"] = scan;
}

}  // namespace egret::onnx
