// Extrema, any and all as sets: two are equal if every item of each is one of the other.
#include <algorithm>
#include <cmath>
#include <optional>

#include "rules/verify/prove/prover.h"
#include "rules/verify/terms/unify.h"

namespace egret::rules {
namespace {

constexpr size_t kMostItems = 12;  // of a side
constexpr size_t kMostReads = 6;   // that are equated
constexpr int kDeepest = 12;

// The binary function that a fold repeats.
ScalarFn function_of(FoldKind k) {
  switch (k) {
    case FoldKind::kMax: return ScalarFn::kMax;
    case FoldKind::kMin: return ScalarFn::kMin;
    case FoldKind::kAny: return ScalarFn::kOr;
    default: return ScalarFn::kAnd;
  }
}

std::optional<FoldKind> lattice_of(const ScalarNode& n) {
  if (n.kind == ScalarNode::Kind::kFold) return idempotent(n.fold) ? std::optional(n.fold) : std::nullopt;
  if (n.kind != ScalarNode::Kind::kCall) return std::nullopt;
  for (FoldKind k : {FoldKind::kMax, FoldKind::kMin, FoldKind::kAny, FoldKind::kAll}) {
    const bool truth = k == FoldKind::kAny || k == FoldKind::kAll;
    if (n.fn == function_of(k) && truth == (n.dtype == DType::boolean)) return k;
  }
  return std::nullopt;
}

}  // namespace

// The items of a term, under variables of their own.  False where there are too many.
bool Prover::items_of(ScalarId id, FoldKind kind, Item at, std::vector<Item>& out) {
  const ScalarNode n = s_.node(id);
  if (n.kind == ScalarNode::Kind::kFold && n.fold == kind) {
    Indices::Substitution rename;
    for (size_t k = 0; k < n.binders.size(); ++k) {
      const VariableId v = i_.fresh(i_.name(n.binders[k]) + "\"");
      i_.set_size(v, n.ints[k]);
      rename[n.binders[k]] = i_.variable(v);
      at.binders.push_back(v);
      at.sizes.push_back(n.ints[k]);
    }
    return items_of(s_.substitute(n.args[0], rename), kind, std::move(at), out);
  }
  if (lattice_of(n) == kind) return items_of(n.args[0], kind, at, out) && items_of(n.args[1], kind, at, out);
  if (n.kind == ScalarNode::Kind::kSelect && about_indices(n.cond)) {
    Item other = at;
    other.guard = i_.all({at.guard, i_.negate(n.cond)});
    at.guard = i_.all({at.guard, n.cond});
    return items_of(n.args[0], kind, std::move(at), out) && items_of(n.args[1], kind, std::move(other), out);
  }
  const double nothing = identity(kind, n.dtype);
  if (n.kind == ScalarNode::Kind::kNumber && n.value() == nothing) return true;
  at.body = id;
  out.push_back(std::move(at));
  return out.size() <= kMostItems;
}

// Where in `other` this item stands.
std::optional<Prover::ItemFound> Prover::item_in(const Item& item, const Item& other, const Context& context) {
  Context inside = context;
  for (size_t k = 0; k < item.binders.size(); ++k) {
    const IntId v = i_.variable(item.binders[k]);
    inside.push_back(i_.non_negative(v));
    inside.push_back(i_.less(v, item.sizes[k]));
  }
  if (item.guard != Indices::kTrueCond) inside.push_back(item.guard);
  std::vector<ScalarId> mine, theirs;
  collect_reads(s_, item.body, mine);
  collect_reads(s_, other.body, theirs);
  std::vector<IntId> zeros;
  zeros_of(i_, other.guard, zeros);
  auto size_of = [&](VariableId v) {
    return other.sizes[static_cast<size_t>(std::find(other.binders.begin(), other.binders.end(), v) - other.binders.begin())];
  };
  std::optional<ItemFound> out;
  auto holds = [&](std::vector<VariableId> open, Indices::Substitution found) {
    // What no read tells is the first position.
    for (VariableId v : open) found[v] = i_.constant(0);
    for (auto& [v, value] : found) value = i_.substitute(value, found);
    std::vector<CondId> there;
    for (VariableId v : other.binders) {
      const IntId at = found.contains(v) ? found.at(v) : i_.variable(v);
      there.push_back(i_.non_negative(at));
      there.push_back(i_.less(at, size_of(v)));
    }
    there.push_back(s_.substitute_everywhere(other.guard, found));
    const ScalarId body = s_.substitute(other.body, found);
    if (!entails(inside, i_.all(std::move(there))) || !equal(item.body, body, inside)) return false;
    out = ItemFound{std::move(found), body};
    return true;
  };
  if (theirs.empty()) {
    holds(other.binders, {});
    return out;
  }
  size_t tried = 0;
  for (ScalarId p : mine) {
    for (ScalarId q : theirs) {
      const ScalarNode x = s_.node(p), y = s_.node(q);
      if (x.number != y.number || x.ints.size() != y.ints.size() || ++tried > kMostReads) continue;
      Indices::Substitution found;
      std::vector<VariableId> open = other.binders;
      for (size_t round = 0; round < 2; ++round) {
        for (size_t axis = 0; axis < x.ints.size(); ++axis) {
          const IntId equation = i_.sub(x.ints[axis], y.ints[axis]);
          solve_for(i_, equation, open, found);
          if (!open.empty()) solve_through_quotient(i_, equation, zeros, open, found);
        }
      }
      // Of two variables that one equation ties, one goes as far as it can.
      const auto settled = [&](auto&& self, const std::vector<VariableId>& left, const Indices::Substitution& so_far) -> bool {
        if (holds(left, so_far)) return true;
        for (VariableId v : left) {
          for (size_t axis = 0; axis < x.ints.size(); ++axis) {
            const IntId equation = i_.substitute(i_.sub(x.ints[axis], y.ints[axis]), so_far);
            Indices::Substitution none;
            for (VariableId o : left) none[o] = i_.constant(0);
            Indices::Substitution far = so_far;
            far[v] = i_.min(i_.substitute(equation, none), i_.sub(size_of(v), i_.constant(1)));
            std::vector<VariableId> rest = left;
            std::erase(rest, v);
            if (solve_for(i_, i_.substitute(equation, {{v, far[v]}}), rest, far) && self(self, rest, far)) return true;
          }
        }
        return false;
      };
      if (settled(settled, open, found)) return out;
    }
  }
  return out;
}

bool Prover::by_cover(ScalarId left, ScalarId right, const Context& context) {
  const auto kind = lattice_of(s_.node(left)), other = lattice_of(s_.node(right));
  if (depth_ > kDeepest || exhausted_ || (!kind && !other) || (kind && other && *kind != *other)) return false;
  const FoldKind fold = kind ? *kind : *other;
  std::vector<Item> a, b;
  if (!items_of(left, fold, {}, a) || !items_of(right, fold, {}, b)) return false;
  const auto binds = [](const Item& item) { return !item.binders.empty(); };
  if (std::none_of(a.begin(), a.end(), binds) && std::none_of(b.begin(), b.end(), binds)) return false;
  ++depth_;
  ++matching_;
  using Places = std::vector<ProofLog::CoverPlace>;
  auto covered = [&](const std::vector<Item>& items, const std::vector<Item>& by, Places& places) {
    return std::all_of(items.begin(), items.end(), [&](const Item& item) {
      for (size_t k = 0; k < by.size(); ++k) {
        if (auto found = item_in(item, by[k], context)) {
          places.push_back({k, std::move(found->at), found->body});
          return true;
        }
      }
      return false;
    });
  };
  Places of_left, of_right;
  const bool out = covered(a, b, of_left) && covered(b, a, of_right);
  --matching_;
  --depth_;
  if (out && log_) {
    const auto items = [](const std::vector<Item>& from) {
      std::vector<ProofLog::CoverItem> to;
      for (const Item& item : from) to.push_back({item.binders, item.sizes, item.guard, item.body});
      return to;
    };
    log_->cover(context, {left, right}, fold, items(a), of_left, items(b), of_right);
  }
  return out;
}

}  // namespace egret::rules
