// An artifact whose cubins are its own CUDA texts compiled by g++ under the shim, for the fake driver to run.
#pragma once

#include <map>
#include <string>

#include "support/result.h"

namespace egret::lower {

// `files` of an artifact with CUDA text.  Every kernel gets one cubin, for "sm_90a"; digests follow.
Result<std::map<std::string, std::string>> with_shim_cubins(std::map<std::string, std::string> files);

}  // namespace egret::lower
