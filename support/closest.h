// The known name that a misspelt one most likely meant, for hints.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace egret {

// By edit distance, the first of several; empty where none is near.
std::string_view closest(std::string_view name, std::span<const std::string_view> known);

}  // namespace egret
