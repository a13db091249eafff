// OperatorCache: what depends on an operator, its attributes and its operands' types alone, computed once a process:
// enumeration asks the same questions of thousands of bodies.  Thread safety: any number of threads.
#pragma once

#include <map>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <tuple>

#include "ir/op.h"
#include "support/hash.h"

namespace egret {

template <class T>
class OperatorCache {
 public:
  template <class Compute>
  T get(const OpDef& op, const Attrs& attrs, std::span<const Type> operands, Compute compute) {
    uint64_t types = operands.size();
    for (const Type& t : operands) types = hash_combine(types, t.hash());
    const auto key = std::make_tuple(&op, hash(attrs), types);
    {
      std::shared_lock lock(mutex_);
      if (auto it = rows_.find(key); it != rows_.end()) return it->second;
    }
    T value = compute();
    std::unique_lock lock(mutex_);
    return rows_.try_emplace(key, std::move(value)).first->second;
  }

 private:
  std::shared_mutex mutex_;
  std::map<std::tuple<const OpDef*, uint64_t, uint64_t>, T> rows_;
};

}  // namespace egret
