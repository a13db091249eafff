// The functions that object code of an artifact may call: its only undefined symbols.
#pragma once

#include <string_view>

namespace egret {

// Null for a name that is not in the table.
void* runtime_symbol(std::string_view name);

}  // namespace egret
