// A text as a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace egret {

// Appends it with quotes.  What is no UTF-8 becomes U+FFFD.
void append_json_string(std::string_view text, std::string& out);
std::string json_string(std::string_view text);

}  // namespace egret
