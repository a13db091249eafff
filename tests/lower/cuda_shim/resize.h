// A kernel's body made again at other sizes.
#pragma once

#include <functional>
#include <optional>

#include "ir/kernel.h"

namespace egret::lower {

// Axes of the body that must have one size form a class; `pick` gives each class that is free (no window, cut or table
// of an attribute fixes it) its new size, and the others follow.  None where the sizes do not go together.
std::optional<Graph> resized(const Graph& body, const std::function<int64_t(int number, int64_t old_size)>& pick);

}  // namespace egret::lower
