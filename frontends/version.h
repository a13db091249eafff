// What this build is: version, and which heavy dependencies are on.
#pragma once

#include <string>

namespace egret {

std::string version_text();

}  // namespace egret
