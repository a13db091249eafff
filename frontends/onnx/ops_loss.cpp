// Losses of classification: the logarithm of a probability at the class that is wanted, weighted and summed up.
#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

// log_probability [N, C, ...], target [N, ...]: the losses, reduced as the node says.
Value likelihood_loss(Node& n, Value log_probability) {
  const Value target = n.in(1);
  const Sizes sizes = n.sizes(log_probability);
  n.check(sizes.size() >= 2 && n.rank(target) + 1 == static_cast<int>(sizes.size()), "the operand should be [N, C, ...], the target [N, ...]");
  Sizes dims;
  for (int64_t a = 0; a < static_cast<int64_t>(sizes.size()); ++a) {
    if (a != 1) dims.push_back(a);
  }
  const Value wanted = n.broadcast_in(target, dims, sizes);
  Value hit = n.map("eq", {wanted, n.iota(n.dtype(target), sizes, 1)});
  if (n.has_attr("ignore_index")) {
    hit = n.add("and", {hit, n.map("ne", {wanted, n.number(wanted, static_cast<double>(n.attr_int("ignore_index", 0)))})});
  }
  const Value weight = n.has(2) ? n.broadcast_in(n.in(2), {1}, sizes) : n.splat(n.dtype(log_probability), sizes, 1);
  const Value zero = n.number(log_probability, 0);
  const Value counted = n.map("select", {hit, n.add("mul", {log_probability, weight}), zero});
  const Value losses = n.add("neg", {n.reduce("reduce_sum", counted, {1}, false)});
  const std::string reduction = n.attr_string("reduction", "mean");
  n.check(reduction == "none" || reduction == "sum" || reduction == "mean", "reduction should be none, sum or mean");
  if (reduction == "none") return losses;
  Sizes all;
  for (int64_t a = 0; a < n.rank(losses); ++a) all.push_back(a);
  const Value sum = n.reduce("reduce_sum", losses, all, false);
  if (reduction == "sum") return sum;
  all.push_back(n.rank(losses));
  return n.add("div", {sum, n.reduce("reduce_sum", n.map("select", {hit, weight, zero}), all, false)});
}

void negative_log_likelihood(Node& n) { n.out(likelihood_loss(n, n.in(0))); }

void softmax_cross_entropy(Node& n) {
  const Value log_probability = n.add("log_softmax", {n.in(0)}, {{"axis", Dim(1)}});
  n.out(0, likelihood_loss(n, log_probability));
  if (n.wants(1)) n.out(1, log_probability);
}

}  // namespace

void add_loss_handlers(HandlerTable& table) {
  table["NegativeLogLikelihoodLoss"] = negative_log_likelihood;
  table["SoftmaxCrossEntropyLoss"] = softmax_cross_entropy;
}

}  // namespace egret::onnx
