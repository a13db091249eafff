#include "egraph/store/links.h"

namespace egret::egraph {

void Links::build(const ENodes& enodes, const UnionFind& sets) {
  drop();
  if (enodes.size() > kMaxIds) return;
  active_ = true;
  for (Id n = 0; n < enodes.size(); ++n) add(enodes, sets.parent(n));
}

void Links::drop() {
  active_ = false;
  buried_ = 0;
  for (Array<Id>* array : {&next_member_, &member_count_, &use_count_, &first_use_, &next_use_, &next_wide_, &wide_owner_}) {
    array->clear();
  }
}

void Links::add(const ENodes& enodes, Id container) {
  const Id n = static_cast<Id>(size());
  next_member_.push_back(n);
  member_count_.push_back(0);
  use_count_.push_back(0);
  first_use_.push_back(kNone);
  next_use_.extend(2);
  if (container == n) {
    member_count_[n] = 1;
  } else {
    next_member_[n] = next_member_[container];
    next_member_[container] = n;
    ++member_count_[container];
  }
  if (!enodes.live(n)) return;
  const Row& row = enodes.row(n);
  if (!row.wide()) {
    for (uint32_t i = 0; i < row.arity(); ++i) add_use(2 * n + i, row.operand[i]);
    return;
  }
  next_wide_.resize(row.operand[0] + row.operand[1]);
  wide_owner_.resize(next_wide_.size(), kNoId);
  const std::span<const Id> operands = enodes.of_live(n);
  for (uint32_t i = 0; i < operands.size(); ++i) {
    wide_owner_[row.operand[0] + i] = n;
    add_use((row.operand[0] + i) | kWide, operands[i]);
  }
}

void Links::add_use(Use use, Id cls) {
  ++use_count_[cls];
  const Use first = first_use_[cls];
  if (first == kNone) {
    next_of(use) = use;
    first_use_[cls] = use;
    return;
  }
  next_of(use) = next_of(first);
  next_of(first) = use;
}

void Links::splice(Id older, Id younger) {
  std::swap(next_member_[older], next_member_[younger]);
  member_count_[older] += member_count_[younger];
  use_count_[older] += use_count_[younger];
  const Use taken = first_use_[younger];
  if (taken == kNone) return;
  first_use_[younger] = kNone;
  if (first_use_[older] == kNone) {
    first_use_[older] = taken;
  } else {
    std::swap(next_of(first_use_[older]), next_of(taken));
  }
}

uint64_t Links::bytes() const {
  uint64_t total = 0;
  for (const Array<Id>* array :
       {&next_member_, &member_count_, &use_count_, &first_use_, &next_use_, &next_wide_, &wide_owner_}) {
    total += array->bytes();
  }
  return total;
}

}  // namespace egret::egraph
