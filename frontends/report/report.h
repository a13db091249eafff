// The report: one self-contained HTML page of an optimization; no network, no script needed to read it.
#pragma once

#include <string>

#include "frontends/pass.h"

namespace egret {

// What most of a kernel's predicted time goes to: "launch", "arithmetic" or "memory".
const char* bound_by(const Estimate& estimate);

// Before/after figures, a roofline plot of the kernels, the rules used, the kernels with what they recompute and their
// runners-up, the graph before (in `source`, may be null) and after, and the sources of the kernels.
std::string html_report(const OptimizeResult& result, const Graph* source = nullptr);

}  // namespace egret
