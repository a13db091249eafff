// Products: MatMul, Gemm, Einsum.
#include <algorithm>
#include <map>
#include <numeric>

#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

Sizes range(int64_t begin, int64_t end) {
  Sizes values(static_cast<size_t>(std::max<int64_t>(0, end - begin)));
  std::iota(values.begin(), values.end(), begin);
  return values;
}

}  // namespace

// NumPy's matmul.  An operand without batch axes is a `dot` without them, so that the weights stay a matrix.
Value matmul(Node& n, Value a, Value b) {
  n.check(n.rank(a) >= 1 && n.rank(b) >= 1, "operands should have an axis at least");
  if (n.rank(b) == 1) return n.dot(a, b, {}, {}, {n.rank(a) - 1}, {0});
  if (n.rank(a) == 1) {  // [k] x [.., k, n] -> [.., n]
    return n.dot(b, a, {}, {}, {n.rank(b) - 2}, {0});
  }
  const Sizes sa = n.sizes(a), sb = n.sizes(b);
  if (sa.back() != sb[sb.size() - 2]) {
    n.fail("sizes do not fit: " + n.type(a).to_string() + " and " + n.type(b).to_string());
  }
  if (n.rank(b) == 2) return n.dot(a, b, {}, {}, {n.rank(a) - 1}, {0});
  Sizes batch_a(sa.begin(), sa.end() - 2), batch_b(sb.begin(), sb.end() - 2);
  Sizes batch = batch_a.size() > batch_b.size() ? batch_a : batch_b;
  const Sizes& other = batch_a.size() > batch_b.size() ? batch_b : batch_a;
  for (size_t i = 0; i < other.size(); ++i) {
    int64_t& size = batch[batch.size() - other.size() + i];
    if (size == 1) size = other[i];
  }
  Sizes full_a = batch, full_b = batch;
  full_a.insert(full_a.end(), sa.end() - 2, sa.end());
  full_b.insert(full_b.end(), sb.end() - 2, sb.end());
  const auto count = static_cast<int64_t>(batch.size());
  a = n.broadcast_to(a, full_a);
  b = n.broadcast_to(b, full_b);
  return n.dot(a, b, range(0, count), range(0, count), {count + 1}, {count});
}

namespace {

void mat_mul(Node& n) { n.out(matmul(n, n.in(0), n.in(1))); }

void fused_mat_mul(Node& n) {  // com.microsoft: alpha * op(a) x op(b)
  Value a = n.in(0), b = n.in(1);
  const auto swapped = [&](Value v) {
    Sizes perm = range(0, n.rank(v));
    if (perm.size() >= 2) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    return n.transpose(v, perm);
  };
  if (n.attr_int("transBatchA", 0) != 0 || n.attr_int("transBatchB", 0) != 0) n.unsupported("transBatchA, transBatchB");
  if (n.attr_int("transA", 0) != 0) a = swapped(a);
  if (n.attr_int("transB", 0) != 0) b = swapped(b);
  const Value y = matmul(n, a, b);
  const double alpha = n.attr_float("alpha", 1);
  n.out(alpha == 1 ? y : n.map("mul", {y, n.number(y, alpha)}));
}

void gemm(Node& n) {
  const Value a = n.in(0), b = n.in(1);
  n.check(n.rank(a) == 2 && n.rank(b) == 2, "operands should be matrices");
  const int64_t lc = n.attr_int("transA", 0) != 0 ? 0 : 1, rc = n.attr_int("transB", 0) != 0 ? 1 : 0;
  const double alpha = n.attr_float("alpha", 1), beta = n.attr_float("beta", 1);
  Value y = n.dot(a, b, {}, {}, {lc}, {rc});
  if (alpha != 1) y = n.map("mul", {y, n.number(y, alpha)});
  if (n.has(2) && beta != 0) {
    Value c = n.in(2);
    if (beta != 1) c = n.map("mul", {c, n.number(c, beta)});
    y = n.add("add", {y, n.broadcast_to(c, n.sizes(y))});
  }
  n.out(y);
}

// One operand of an einsum: labels of its axes, all different.
struct Term {
  Value value;
  std::string labels;
};

bool contains(const std::string& text, char c) { return text.find(c) != std::string::npos; }

// Sums away labels of `t` that nobody else needs.
Term summed(Node& n, const Term& t, const std::string& needed) {
  Sizes axes;
  std::string kept;
  for (size_t i = 0; i < t.labels.size(); ++i) {
    if (contains(needed, t.labels[i]))
      kept += t.labels[i];
    else
      axes.push_back(static_cast<int64_t>(i));
  }
  return {n.reduce("reduce_sum", t.value, axes, false), kept};
}

// Labels in both and in `needed` are batches, in both and not needed are summed over.
Term contracted(Node& n, Term a, Term b, const std::string& needed) {
  a = summed(n, a, needed + b.labels);
  b = summed(n, b, needed + a.labels);
  Sizes lb, rb, lc, rc;
  std::string batches, left, right;
  for (size_t i = 0; i < a.labels.size(); ++i) {
    const size_t j = b.labels.find(a.labels[i]);
    if (j == std::string::npos) {
      left += a.labels[i];
      continue;
    }
    const bool batch = contains(needed, a.labels[i]);
    (batch ? lb : lc).push_back(static_cast<int64_t>(i));
    (batch ? rb : rc).push_back(static_cast<int64_t>(j));
    if (batch) batches += a.labels[i];
  }
  for (const char c : b.labels) {
    if (!contains(a.labels, c)) right += c;
  }
  if (lc.empty()) {  // an outer product: a map
    const std::string labels = batches + left + right;
    const auto spread = [&](const Term& t) {
      Sizes perm, sizes;
      for (const char c : labels) {
        const size_t at = t.labels.find(c);
        sizes.push_back(at == std::string::npos ? 1 : n.size(t.value, static_cast<int64_t>(at)));
        if (at != std::string::npos) perm.push_back(static_cast<int64_t>(at));
      }
      return n.reshape(n.transpose(t.value, perm), sizes);
    };
    return {n.map("mul", {spread(a), spread(b)}), labels};
  }
  return {n.dot(a.value, b.value, lb, rb, lc, rc), batches + left + right};
}

// Ellipses are written out with labels that the equation does not use; digits are not legal in it.
std::string without_ellipsis(Node& n, std::string labels, int64_t rank, int64_t& ellipsis_rank) {
  const size_t at = labels.find("...");
  if (at == std::string::npos) return labels;
  const int64_t count = rank < 0 ? ellipsis_rank : rank - static_cast<int64_t>(labels.size() - 3);
  n.check(count >= 0 && count <= 10, "the ellipsis stands for too many axes");
  ellipsis_rank = std::max(ellipsis_rank, count);
  std::string digits;  // aligned to the right: the last axis is always '9'
  for (int64_t i = 0; i < count; ++i) digits += static_cast<char>('0' + 10 - count + i);
  return labels.replace(at, 3, digits);
}

void einsum(Node& n) {
  std::string equation = n.attr_string("equation", "");
  equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
  const size_t arrow = equation.find("->");
  const std::string left = equation.substr(0, arrow);
  std::vector<Term> terms;
  int64_t ellipsis_rank = 0;
  size_t start = 0;
  for (size_t i = 0; i < n.inputs_count(); ++i) {
    n.check(start <= left.size(), "the equation has fewer operands than the node");
    const size_t comma = std::min(left.find(',', start), left.size());
    const Value v = n.in(i);
    Term t{v, without_ellipsis(n, left.substr(start, comma - start), n.rank(v), ellipsis_rank)};
    n.check(static_cast<int>(t.labels.size()) == n.rank(v), "the equation does not fit an operand's rank");
    for (const char c : t.labels) {
      if (std::count(t.labels.begin(), t.labels.end(), c) != 1) n.unsupported("a diagonal in an einsum");
    }
    terms.push_back(t);
    start = comma + 1;
  }
  n.check(!terms.empty() && start == left.size() + 1, "the equation has more operands than the node");
  std::string result;
  if (arrow != std::string::npos) {
    result = without_ellipsis(n, equation.substr(arrow + 2), -1, ellipsis_rank);
  } else {  // labels that stand once, in order of the alphabet
    std::map<char, int> count;
    for (const Term& t : terms) {
      for (const char c : t.labels) ++count[c];
    }
    for (const auto& [c, times] : count) {
      if (times == 1 || (c >= '0' && c <= '9')) result += c;
    }
  }
  Term all = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) {
    std::string needed = result;
    for (size_t j = i + 1; j < terms.size(); ++j) needed += terms[j].labels;
    all = contracted(n, all, terms[i], needed);
  }
  all = summed(n, all, result);
  n.check(all.labels.size() == result.size(), "a label of the result stands in no operand");
  Sizes perm;
  for (const char c : result) {
    n.check(contains(all.labels, c), "a label of the result stands in no operand");
    perm.push_back(static_cast<int64_t>(all.labels.find(c)));
  }
  n.axes(perm, n.rank(all.value));
  n.out(n.transpose(all.value, perm));
}

}  // namespace

void add_product_handlers(HandlerTable& table) {
  table["MatMul"] = mat_mul;
  table["com.microsoft.FusedMatMul"] = fused_mat_mul;
  table["Gemm"] = gemm;
  table["Einsum"] = einsum;
}

}  // namespace egret::onnx
