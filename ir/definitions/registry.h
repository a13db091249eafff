// The tables that operators are registered from, a family a file in ir/ops/.  For ir/ only.
#pragma once

#include <span>

#include "ir/op.h"

namespace egret {

struct OpText {
  const char* summary;
  const char* text;                       // docs/definitions.md
  OpDef::Expand expand = nullptr;         // composite
  OpDef::TypeRule type_rule = nullptr;    // leaves, tuples and operators without a comprehension
  Purity purity = Purity::kPure;
};

std::span<const OpText> leaf_ops();
std::span<const OpText> pointwise_ops();
std::span<const OpText> movement_ops();
std::span<const OpText> contraction_ops();
std::span<const OpText> convolution_ops();
std::span<const OpText> reduction_ops();
std::span<const OpText> window_ops();
std::span<const OpText> indexing_ops();
std::span<const OpText> activation_ops();     // composites
std::span<const OpText> normalization_ops();  // composites
std::span<const OpText> resize_ops();         // composite
std::span<const OpText> shape_ops();          // composites: expand, matmul, one_hot, pooling

// Reads classes off a definition (ir/definitions/classify.cpp).
OpClass classify(const OpDef& op);
bool is_commutative(const OpDef& op);

}  // namespace egret
