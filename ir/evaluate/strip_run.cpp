// Runs strip programs: a tree walk whose every step works on up to kStrip lanes.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>

#include "ir/evaluate/strip.h"
#include "ir/evaluate/strip_lanes.h"

namespace egret::strip {
namespace {

bool is_arg_fold(FoldKind kind) { return kind == FoldKind::kArgMax || kind == FoldKind::kArgMin; }

// Evaluates expressions at a point (every variable has a value) or along a strip: lane i has the lane variable's value
// plus i.  One for each task; not shared by threads.
class Interpreter {
 public:
  Interpreter(const Program& program, std::span<const TensorRef> operands)
      : p_(program), operands_(operands), at_(kMaxVars + 1, 0) {}

  void set(Var v, int64_t value) { at_[v] = value; }
  void set_lane(Var v) { lane_ = v; }
  const std::optional<Error>& error() const { return error_; }

  template <class T>
  void eval(Id id, int n, T* out) {
    const Node& e = p_.nodes[id];
    if (n > 1 && !has_lane(e.depends)) {
      eval(id, 1, out);
      std::fill(out + 1, out + n, out[0]);
      return;
    }
    switch (e.kind) {
      case ExprKind::kNumber:
        std::fill(out, out + n, convert_lane<T>(DType::f64, e.dtype, e.value));
        return;
      case ExprKind::kRead:
        return read(e, n, out);
      case ExprKind::kSelect:
        return select(e, n, out);
      case ExprKind::kFold:
        return is_arg_fold(e.fold) ? arg_fold(e, n, out) : fold(e, n, out);
      case ExprKind::kValue: {
        std::array<int64_t, kStrip> index;
        lanes(e.offset, n, index.data());
        for (int i = 0; i < n; ++i) out[i] = convert_lane<T>(DType::i64, e.dtype, index[i]);
        return;
      }
      default:
        return call(e, n, out);
    }
  }

  // The value converted to `to`, whose lane is T.
  template <class T>
  void eval_as(Id id, DType to, int n, T* out) {
    const DType from = p_.nodes[id].dtype;
    if (from == to) return eval(id, n, out);
    with_lane(from, [&](auto zero) {
      std::array<decltype(zero), kStrip> x;
      eval(id, n, x.data());
      for (int i = 0; i < n; ++i) out[i] = convert_lane<T>(from, to, x[i]);
    });
  }

 private:
  static constexpr Var kNoVar = kMaxVars;

  bool has_lane(VarSet set) const { return lane_ < kMaxVars && (set >> lane_ & 1); }

  // Indices.

  int64_t value_at(const Affine& a) {
    int64_t sum = a.base;
    for (const Term& term : a.terms) sum += term.coef * (term.is_atom ? atom_at(p_.atoms[term.id]) : at_[term.id]);
    return sum;
  }

  int64_t atom_at(const Atom& atom) {
    switch (atom.kind) {
      case ExprKind::kDiv:
        return floor_div(value_at(atom.a), atom.divisor);
      case ExprKind::kMod:
        return floor_mod(value_at(atom.a), atom.divisor);
      case ExprKind::kMin:
        return std::min(value_at(atom.a), value_at(atom.b));
      case ExprKind::kMax:
        return std::max(value_at(atom.a), value_at(atom.b));
      case ExprKind::kMul:
        return value_at(atom.a) * value_at(atom.b);
      default:
        break;
    }
    int64_t value = 0;
    eval_as(atom.scalar, DType::i64, 1, &value);
    return value;
  }

  void lanes(const Affine& a, int n, int64_t* out) {
    int64_t start = a.base, stride = 0;
    for (const Term& term : a.terms) {
      if (term.is_atom && n > 1 && has_lane(p_.atoms[term.id].depends)) continue;
      start += term.coef * (term.is_atom ? atom_at(p_.atoms[term.id]) : at_[term.id]);
      if (!term.is_atom && term.id == lane_) stride = term.coef;
    }
    for (int i = 0; i < n; ++i) out[i] = start + stride * i;
    if (n == 1 || !has_lane(a.bent)) return;
    std::array<int64_t, kStrip> values;
    for (const Term& term : a.terms) {
      if (!term.is_atom || !has_lane(p_.atoms[term.id].depends)) continue;
      atom_lanes(p_.atoms[term.id], n, values.data());
      for (int i = 0; i < n; ++i) out[i] += term.coef * values[i];
    }
  }

  void atom_lanes(const Atom& atom, int n, int64_t* out) {
    if (atom.kind == ExprKind::kToIndex) return eval_as(atom.scalar, DType::i64, n, out);
    lanes(atom.a, n, out);
    if (atom.kind == ExprKind::kDiv) {
      for (int i = 0; i < n; ++i) out[i] = floor_div(out[i], atom.divisor);
    } else if (atom.kind == ExprKind::kMod) {
      for (int i = 0; i < n; ++i) out[i] = floor_mod(out[i], atom.divisor);
    } else {
      std::array<int64_t, kStrip> other;
      lanes(atom.b, n, other.data());
      for (int i = 0; i < n; ++i) {
        out[i] = atom.kind == ExprKind::kMin   ? std::min(out[i], other[i])
                 : atom.kind == ExprKind::kMax ? std::max(out[i], other[i])
                                               : out[i] * other[i];
      }
    }
  }

  int64_t stride_of(const Affine& a) const { return lane_ < kMaxVars ? a.coef(lane_) : 0; }

  // Calls `visit(begin, length, value)` for every run of equal lanes of a mask, with the lane variable at its begin.
  template <class Visit>
  void for_runs(const uint8_t* mask, int n, const Visit& visit) {
    for (int begin = 0; begin < n;) {
      int end = begin + 1;
      while (end < n && mask[end] == mask[begin]) ++end;
      at_[lane_] += begin;
      visit(begin, end - begin, mask[begin] != 0);
      at_[lane_] -= begin;
      begin = end;
    }
  }

  // Conditions: the mask of n lanes; true where all lanes agree (then the whole mask is that value).
  bool condition(Id id, int n, uint8_t* mask) {
    using Kind = Condition::Kind;
    const Condition& c = p_.conditions[id];
    if (n > 1 && !has_lane(c.depends)) {
      condition(id, 1, mask);
      std::memset(mask + 1, mask[0], n - 1);
      return true;
    }
    switch (c.kind) {
      case Kind::kTrue:
      case Kind::kFalse:
        std::memset(mask, c.kind == Kind::kTrue, n);
        return true;
      case Kind::kNotNegative:
      case Kind::kZero:
        return compare(c, n, mask);
      case Kind::kNot: {
        const bool same = condition(c.args[0], n, mask);
        for (int i = 0; i < n; ++i) mask[i] = !mask[i];
        return same;
      }
      case Kind::kAnd:
      case Kind::kOr: {
        // An argument is looked at only where those before it leave the value open.
        const bool all = c.kind == Kind::kAnd;
        bool same = condition(c.args[0], n, mask);
        for (size_t k = 1; k < c.args.size(); ++k) {
          if (same && (mask[0] != 0) != all) return true;
          if (same) {
            same = condition(c.args[k], n, mask);
            continue;
          }
          std::array<uint8_t, kStrip> rest;
          for_runs(mask, n, [&](int begin, int length, bool value) {
            if (value == all)
              condition(c.args[k], length, rest.data() + begin);
            else
              std::memset(rest.data() + begin, value, length);
          });
          std::memcpy(mask, rest.data(), n);
          same = uniform(mask, n);
        }
        return same;
      }
      default:
        break;
    }
    std::array<int64_t, kStrip> truth;  // kTruth
    eval_as(c.scalar, DType::boolean, n, truth.data());
    for (int i = 0; i < n; ++i) mask[i] = truth[i] != 0;
    return uniform(mask, n);
  }

  bool compare(const Condition& c, int n, uint8_t* mask) {
    const bool equal = c.kind == Condition::Kind::kZero;
    if (n > 1 && !equal && !has_lane(c.affine.bent)) {
      const int64_t first = value_at(c.affine), last = first + stride_of(c.affine) * (n - 1);
      if ((first >= 0) == (last >= 0)) {
        std::memset(mask, first >= 0, n);
        return true;
      }
    }
    std::array<int64_t, kStrip> difference;
    lanes(c.affine, n, difference.data());
    for (int i = 0; i < n; ++i) mask[i] = equal ? difference[i] == 0 : difference[i] >= 0;
    return uniform(mask, n);
  }

  static bool uniform(const uint8_t* mask, int n) { return n == 1 || std::memcmp(mask, mask + 1, n - 1) == 0; }

  // Scalars.

  template <class T>
  void read(const Node& e, int n, T* out) {
    if (!e.axes.empty() && !in_range(e, n)) {
      std::fill(out, out + n, T{});
      return;
    }
    const std::byte* bytes = operands_[e.operand]->bytes().data();
    if (n == 1 || !has_lane(e.offset.bent)) {
      const int64_t start = value_at(e.offset), stride = n == 1 ? 0 : stride_of(e.offset);
      with_stored(e.dtype, [&](auto zero) {
        using Stored = decltype(zero);
        const Stored* data = reinterpret_cast<const Stored*>(bytes) + start;
        if (stride == 1) {
          for (int i = 0; i < n; ++i) out[i] = load_lane<T>(data[i]);
        } else {
          for (int i = 0; i < n; ++i) out[i] = load_lane<T>(data[i * stride]);
        }
      });
      return;
    }
    std::array<int64_t, kStrip> offset;
    lanes(e.offset, n, offset.data());
    with_stored(e.dtype, [&](auto zero) {
      const auto* data = reinterpret_cast<const decltype(zero)*>(bytes);
      for (int i = 0; i < n; ++i) out[i] = load_lane<T>(data[offset[i]]);
    });
  }

  bool in_range(const Node& e, int n) {
    std::array<int64_t, kStrip> index;
    for (size_t axis = 0; axis < e.axes.size(); ++axis) {
      const int64_t size = p_.operand_sizes[e.operand][axis];
      int count = n;
      if (n > 1 && !has_lane(e.axes[axis].bent)) {  // linear: the ends decide
        index[0] = value_at(e.axes[axis]);
        index[1] = index[0] + stride_of(e.axes[axis]) * (n - 1);
        count = 2;
      } else {
        lanes(e.axes[axis], n, index.data());
      }
      for (int i = 0; i < count; ++i) {
        if (index[i] >= 0 && index[i] < size) continue;
        if (!error_) {
          error_ = internal_error("operand " + std::to_string(e.operand) + " is read at " + std::to_string(index[i]) +
                                  " on axis " + std::to_string(axis) + " of size " + std::to_string(size));
        }
        return false;
      }
    }
    return true;
  }

  template <class T>
  void select(const Node& e, int n, T* out) {
    std::array<uint8_t, kStrip> mask;
    if (condition(e.condition, n, mask.data())) return eval_as(e.args[mask[0] ? 0 : 1], e.dtype, n, out);
    if (p_.nodes[e.args[0]].safe && p_.nodes[e.args[1]].safe) {
      std::array<T, kStrip> otherwise;
      eval_as(e.args[0], e.dtype, n, out);
      eval_as(e.args[1], e.dtype, n, otherwise.data());
      for (int i = 0; i < n; ++i) out[i] = mask[i] ? out[i] : otherwise[i];
      return;
    }
    for_runs(mask.data(), n,
             [&](int begin, int length, bool value) { eval_as(e.args[value ? 0 : 1], e.dtype, length, out + begin); });
  }

  template <class T>
  void call(const Node& e, int n, T* out) {
    const DType from = p_.nodes[e.args[0]].dtype;
    if (e.fn == ScalarFn::kCast) return eval_as(e.args[0], e.dtype, n, out);
    if (gives_bool(e.fn)) {
      with_lane(from, [&](auto zero) { test(e, from, n, zero, out); });
      return;
    }
    eval(e.args[0], n, out);
    if (e.args.size() == 1) return apply(e.fn, from, out, out, n);
    std::array<T, kStrip> second;
    eval(e.args[1], n, second.data());
    apply(e.fn, from, out, second.data(), n);
  }

  template <class Lane, class T>
  void test(const Node& e, DType from, int n, Lane, T* out) {
    std::array<Lane, kStrip> a, b;
    eval(e.args[0], n, a.data());
    if (e.args.size() > 1)
      eval(e.args[1], n, b.data());
    else
      b = a;
    for (int i = 0; i < n; ++i) {
      if constexpr (std::is_same_v<Lane, int64_t>)
        out[i] = static_cast<T>(int_call(e.fn, from, a[i], b[i]));
      else
        out[i] = static_cast<T>(float_test(e.fn, a[i], b[i]));
    }
  }

  // Folds.

  template <class T>
  static T identity(const Node& e) {
    if constexpr (std::is_same_v<T, int64_t>)
      return int_identity(e.fold, e.dtype);
    else
      return static_cast<T>(float_identity(e.fold));
  }

  // Calls `step(flat)` at every point of the first `count` variables of a fold, in row-major order; restores them.
  template <class Step>
  void for_each_point(const Node& e, size_t count, const Step& step) {
    int64_t points = 1;
    for (size_t k = 0; k < count; ++k) points *= p_.sizes[e.variables[k]];
    std::array<int64_t, kMaxVars> saved;
    for (size_t k = 0; k < count; ++k) saved[k] = std::exchange(at_[e.variables[k]], 0);
    for (int64_t flat = 0; flat < points && !error_; ++flat) {
      step(flat);
      for (size_t k = count; k-- > 0;) {
        if (++at_[e.variables[k]] < p_.sizes[e.variables[k]]) break;
        at_[e.variables[k]] = 0;
      }
    }
    for (size_t k = 0; k < count; ++k) at_[e.variables[k]] = saved[k];
  }

  template <class T>
  void fold(const Node& e, int n, T* out) {
    std::fill(out, out + n, identity<T>(e));
    const int64_t inner = e.variables.empty() ? 1 : p_.sizes[e.variables.back()];
    if (n <= 8 && inner >= 4 * n) {
      for (int i = 0; i < n; ++i) {
        at_[lane_] += i;
        along(e, out + i);
        at_[lane_] -= i;
      }
      return;
    }
    std::array<T, kStrip> item;
    for_each_point(e, e.variables.size(), [&](int64_t) {
      eval_as(e.args[0], e.dtype, n, item.data());
      apply(combining_function(e.fold), e.dtype, out, item.data(), n);
    });
  }

  // One element of a fold, with the innermost folded variable as the lane.
  template <class T>
  void along(const Node& e, T* out) {
    const Var outer_lane = std::exchange(lane_, e.variables.back());
    const int64_t saved = at_[lane_];
    const ScalarFn fn = combining_function(e.fold);
    std::array<T, kStrip> item;
    for_each_point(e, e.variables.size() - 1, [&](int64_t) {
      for (int64_t start = 0; start < p_.sizes[lane_] && !error_; start += kStrip) {
        at_[lane_] = start;
        const int n = static_cast<int>(std::min<int64_t>(kStrip, p_.sizes[lane_] - start));
        eval_as(e.args[0], e.dtype, n, item.data());
        if (fn == ScalarFn::kAdd && (e.dtype == DType::f32 || e.dtype == DType::f64)) {
          for (int i = 0; i < n; ++i) *out += item[i];
        } else {
          for (int i = 0; i < n; ++i) apply(fn, e.dtype, out, &item[i], 1);
        }
      }
    });
    at_[lane_] = saved;
    lane_ = outer_lane;
  }

  template <class T>
  void arg_fold(const Node& e, int n, T* out) {
    std::array<int64_t, kStrip> position;
    std::fill_n(position.begin(), n, -1);
    const DType body = p_.nodes[e.args[0]].dtype;
    with_lane(body, [&](auto zero) {
      using Lane = decltype(zero);
      std::array<Lane, kStrip> best, item;
      const auto is_nan = [](Lane x) { return x != x; };
      for_each_point(e, e.variables.size(), [&](int64_t flat) {
        eval(e.args[0], n, item.data());
        for (int i = 0; i < n; ++i) {
          const Lane x = item[i], y = best[i];
          bool better = position[i] < 0 || (is_nan(x) && !is_nan(y));
          if constexpr (std::is_same_v<Lane, int64_t>) {
            better = better || (e.fold == FoldKind::kArgMax ? int_less(body, y, x) : int_less(body, x, y));
          } else {
            better = better || (e.fold == FoldKind::kArgMax ? x > y : x < y);
          }
          if (!better) continue;
          best[i] = x;
          position[i] = flat;
        }
      });
    });
    for (int i = 0; i < n; ++i) {
      if (position[i] < 0 && !error_) error_ = internal_error("arg-max or arg-min of an empty axis");
      out[i] = convert_lane<T>(DType::i64, e.dtype, position[i]);
    }
  }

  const Program& p_;
  std::span<const TensorRef> operands_;
  std::vector<int64_t> at_;  // of every variable, and a place for kNoVar
  Var lane_ = kNoVar;
  std::optional<Error> error_;
};

// The result cut into strips along one of its axes.
struct Cut {
  Var lane = kMaxVars;  // no variable: a single element
  int64_t lane_size = 1, lane_stride = 0;
  std::vector<Var> others;       // outermost first
  std::vector<int64_t> strides;  // of `others` in the result
  int64_t chunks = 1, strips = 1;

  explicit Cut(const Program& p) {
    size_t chosen = p.result.size();
    for (size_t i = p.result.size(); i-- > 0;) {  // the innermost, unless it is short and another is longer
      const int64_t size = p.sizes[p.result[i]];
      const int64_t best = chosen == p.result.size() ? 0 : p.sizes[p.result[chosen]];
      if (chosen == p.result.size() || (best < 32 && size > best)) chosen = i;
    }
    int64_t stride = 1;
    std::vector<int64_t> all(p.result.size());
    for (size_t i = p.result.size(); i-- > 0; stride *= p.sizes[p.result[i]]) all[i] = stride;
    for (size_t i = 0; i < p.result.size(); ++i) {
      if (i == chosen) {
        lane = p.result[i];
        lane_size = p.sizes[lane];
        lane_stride = all[i];
        chunks = (lane_size + kStrip - 1) / kStrip;
        continue;
      }
      others.push_back(p.result[i]);
      strides.push_back(all[i]);
      strips *= p.sizes[p.result[i]];
    }
    strips *= chunks;
  }
};

void run_range(const Program& p, const Cut& cut, int64_t begin, int64_t end, Interpreter& interpreter, std::byte* out) {
  if (cut.lane != kMaxVars) interpreter.set_lane(cut.lane);
  for (int64_t strip = begin; strip < end && !interpreter.error(); ++strip) {
    const int64_t start = strip % cut.chunks * kStrip;
    int64_t rest = strip / cut.chunks, offset = start * cut.lane_stride;
    for (size_t k = cut.others.size(); k-- > 0;) {
      const int64_t size = p.sizes[cut.others[k]], at = rest % size;
      rest /= size;
      interpreter.set(cut.others[k], at);
      offset += at * cut.strides[k];
    }
    if (cut.lane != kMaxVars) interpreter.set(cut.lane, start);
    const int n = static_cast<int>(std::min<int64_t>(kStrip, cut.lane_size - start));
    with_lane(p.dtype, [&](auto zero) {
      std::array<decltype(zero), kStrip> lanes;
      interpreter.eval_as(p.body, p.dtype, n, lanes.data());
      with_stored(p.dtype, [&](auto stored) {
        using Stored = decltype(stored);
        auto* data = reinterpret_cast<Stored*>(out) + offset;
        for (int i = 0; i < n; ++i) data[i * cut.lane_stride] = store_lane<Stored>(lanes[i]);
      });
    });
  }
}

}  // namespace

Status run(const Program& p, std::span<const TensorRef> operands, std::span<std::byte> out, const Limits& limits,
           const Stopwatch& watch) {
  const Cut cut(p);
  std::mutex mutex;
  std::optional<Error> error;
  int64_t error_at = cut.strips;  // the first strip's error is reported, whatever thread comes first
  std::atomic<bool> expired{false};
  const int64_t grain = std::max<int64_t>(1, 4096 / std::min<int64_t>(cut.lane_size, kStrip));
  tbb::parallel_for(tbb::blocked_range<int64_t>(0, cut.strips, grain), [&](const tbb::blocked_range<int64_t>& range) {
    if (expired.load(std::memory_order_relaxed)) return;
    Interpreter interpreter(p, operands);
    run_range(p, cut, range.begin(), range.end(), interpreter, out.data());
    if (watch.expired(limits)) expired = true;
    if (!interpreter.error()) return;
    std::lock_guard lock(mutex);
    if (range.begin() < error_at) {
      error_at = range.begin();
      error = interpreter.error();
    }
  });
  if (error) return *std::move(error);
  if (expired) return limit_error("evaluation was stopped");
  return {};
}

}  // namespace egret::strip
