#include "tests/lower/pair_bodies.h"

#include <algorithm>
#include <vector>

#include "support/hash.h"

namespace egret::test {
namespace {

using Sizes = std::vector<int64_t>;

class PairMaker {
 public:
  explicit PairMaker(uint64_t seed) : state_(seed) {}

  std::optional<Graph> make() {
    static constexpr int64_t kSizes[] = {1, 2, 3, 5, 7, 16, 17, 33, 40, 67};
    auto size = [&] { return one_in(40) ? 0 : kSizes[pick(10)]; };
    const int64_t m = size(), n = size(), k = size(), d = size();
    batch_ = Sizes(pick(3));
    for (int64_t& b : batch_) b = 1 + static_cast<int64_t>(pick(3));
    shared_ = batch_.size() == 2 && one_in(2);
    const ValueId q = factor(m, k, false), keys = factor(n, k, shared_), values = factor(d, n, shared_);
    scores_ = product(q, keys, false);
    rows_ = scores_;
    if (!failed_) between();
    if (!failed_) folded_ = product(rows_, values, one_in(4));
    if (!failed_) after();
    if (failed_) return std::nullopt;
    builder_.output(last_, "r0");
    if (one_in(4) && rows_ != last_) builder_.output(rows_, "r1");
    if (one_in(8)) builder_.output(scores_, "r2");
    if (one_in(6) && sum_) builder_.output(*sum_, "r3");
    if (one_in(8) && folded_ != last_) builder_.output(folded_, "r4");
    return remove_dead(builder_.take());
  }

 private:
  uint64_t pick(uint64_t n) { return mix(state_ += 0x9e3779b97f4a7c15ULL) % n; }
  bool one_in(uint64_t n) { return pick(n) == 0; }
  Sizes sizes(ValueId v) const { return builder_.type(v).sizes(); }
  ValueId input(const Sizes& sizes) {
    return builder_.input("x" + std::to_string(builder_.graph().nodes.size()), Type::tensor(DType::f32, dims_of(sizes)));
  }
  ValueId op(std::string_view name, std::vector<ValueId> operands, Attrs attrs = {}) {
    if (failed_) return 0;
    auto added = builder_.add(name, std::move(operands), std::move(attrs));
    failed_ |= !added.ok();
    return added.ok() ? *added : 0;
  }
  ValueId map(ValueId v) {
    static const char* const kOps[] = {"tanh", "relu", "neg", "logistic"};
    return op(kOps[pick(4)], {v});
  }
  ValueId broadcast(ValueId v, const Sizes& kept, const Sizes& added) {
    return op("broadcast", {v}, {{"dims", dims_of(kept)}, {"sizes", dims_of(added)}});
  }
  Sizes first(size_t count) const {
    Sizes out;
    for (size_t i = 0; i < count; ++i) out.push_back(static_cast<int64_t>(i));
    return out;
  }

  // [batch.., free, folded], in one of several layouts and perhaps of fewer values; the first batch axis only where `shared`.
  ValueId factor(int64_t free, int64_t folded, bool shared) {
    Sizes own = batch_;
    if (shared) own.pop_back();
    const bool swapped = one_in(2);
    own.push_back(swapped ? folded : free);
    own.push_back(swapped ? free : folded);
    ValueId v = input(own);
    if (one_in(3)) v = map(v);
    if (swapped) {
      Sizes perm = first(own.size());
      std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
      v = op("transpose", {v}, {{"perm", dims_of(perm)}});
    }
    if (shared) v = broadcast(v, {0, 2, 3}, {batch_[1]});
    return v;
  }

  // [batch.., free of a, free of b]; turned: b's first.
  ValueId product(ValueId a, ValueId b, bool turned) {
    if (turned) std::swap(a, b);
    const Sizes batch = first(batch_.size()), last = {static_cast<int64_t>(batch_.size()) + 1};
    turned_ = turned;
    return op("dot", {a, b}, {{"lb", dims_of(batch)}, {"rb", dims_of(batch)}, {"lc", dims_of(last)}, {"rc", dims_of(last)}});
  }

  ValueId folded_rows(const char* fold, ValueId v) {
    return op(fold, {v}, {{"axes", dims_of({static_cast<int64_t>(batch_.size()) + 1})}});
  }
  ValueId spread(ValueId row, ValueId like) {
    return broadcast(row, first(batch_.size() + 1), {sizes(like).back()});
  }

  void between() {
    if (one_in(2)) rows_ = map(rows_);
    if (one_in(3)) rows_ = op("add", {rows_, input(sizes(rows_))});
    if (one_in(3)) {  // what lies behind is not seen
      const Sizes all = sizes(rows_);
      const auto last = static_cast<int64_t>(all.size()) - 1;
      const Attrs here{{"axis", Dim(last - 1)}, {"dtype", DType::i32}, {"sizes", dims_of(all)}};
      const Attrs there{{"axis", Dim(last)}, {"dtype", DType::i32}, {"sizes", dims_of(all)}};
      const ValueId before = op("ge", {op("iota", {}, here), op("iota", {}, there)});
      if (!failed_) rows_ = op("select", {before, rows_, builder_.splat(-1e4, DType::f32, dims_of(all))});
    }
    if (one_in(3) || failed_) return;
    const ValueId most = folded_rows("reduce_max", rows_);
    if (failed_) return;
    rows_ = op("exp", {op("sub", {rows_, spread(most, rows_)})});
    sum_ = folded_rows("reduce_sum", rows_);
    if (!failed_ && one_in(3)) rows_ = op("div", {rows_, spread(*sum_, rows_)});
  }

  void after() {
    last_ = folded_;
    if (sum_ && one_in(2)) {
      Sizes kept = first(batch_.size());
      kept.push_back(static_cast<int64_t>(batch_.size()) + (turned_ ? 1 : 0));
      const Sizes all = sizes(last_);
      last_ = op("div", {last_, broadcast(*sum_, kept, {turned_ ? all[all.size() - 2] : all.back()})});
    }
    if (one_in(3)) last_ = map(last_);
    if (!failed_ && one_in(3)) last_ = op(one_in(2) ? "add" : "mul", {last_, input(sizes(last_))});
    if (!failed_ && one_in(3)) {
      Sizes perm = first(sizes(last_).size());
      std::rotate(perm.begin(), perm.begin() + 1, perm.end() - static_cast<int64_t>(pick(2)));
      last_ = op("transpose", {last_}, {{"perm", dims_of(perm)}});
    }
    if (!failed_ && one_in(6)) last_ = map(last_);
  }

  uint64_t state_;
  GraphBuilder builder_{"pair"};
  Sizes batch_;
  bool shared_ = false, failed_ = false, turned_ = false;
  ValueId scores_ = 0, rows_ = 0, folded_ = 0, last_ = 0;
  std::optional<ValueId> sum_;
};

}  // namespace

std::optional<Graph> pair_body(uint64_t seed) { return PairMaker(seed).make(); }

}  // namespace egret::test
