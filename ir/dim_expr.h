// The interned form of a Dim that is not a constant; for ir/dim.cpp and ir/text/dim_text.cpp only.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "ir/dim.h"

namespace egret {

struct DimExpr;

// coefficient * product of factors; factors are atoms (no sums) in canonical order, repeated for powers.
struct DimTerm {
  int64_t coefficient = 0;
  std::vector<const DimExpr*> factors;
  friend bool operator==(const DimTerm&, const DimTerm&) = default;
};

// Terms by falling degree, then by factors; no two with equal factors, no coefficient 0.
struct DimSum {
  std::vector<DimTerm> terms;
  int64_t constant = 0;
  friend bool operator==(const DimSum&, const DimSum&) = default;
};

struct DimExpr {
  enum class Kind : uint8_t { kName, kDiv, kMod, kMin, kMax, kSum } kind = Kind::kName;
  std::string name;  // kName
  Dim a, b;          // kDiv, kMod, kMin, kMax
  DimSum sum;        // kSum
  uint64_t hash = 0;
  mutable std::atomic<int64_t> name_low{-(int64_t{1} << 60)};
  mutable std::atomic<int64_t> name_high{int64_t{1} << 60};

  DimExpr() = default;
  DimExpr(DimExpr&& other)
      : kind(other.kind), name(std::move(other.name)), a(other.a), b(other.b), sum(std::move(other.sum)),
        hash(other.hash) {}
};

int compare_factors(const std::vector<const DimExpr*>& a, const std::vector<const DimExpr*>& b);

struct DimAccess {
  static const DimExpr* expr(Dim d) { return reinterpret_cast<const DimExpr*>(d.bits_); }
  static Dim dim(const DimExpr* e) {
    Dim d;
    d.bits_ = reinterpret_cast<intptr_t>(e);
    return d;
  }
  static DimSum sum(Dim d);
};

}  // namespace egret
