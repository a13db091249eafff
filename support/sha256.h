// SHA-256 (FIPS 180-4): for what other tools must be able to check.  hash.h is for our own tables and files.
#pragma once

#include <string>
#include <string_view>

namespace egret {

std::string sha256(std::string_view bytes);  // 64 lower-case hexadecimal digits

}  // namespace egret
