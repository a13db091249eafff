// The report: one self-contained HTML page of an optimization; no network, no script needed to read it.
#pragma once

#include <string>

#include "frontends/pass.h"

namespace egret {

// Before/after figures, a roofline plot of the kernels, the rules used, the graph before (in `source`, may be null) and
// after, and the sources of the kernels.
std::string html_report(const OptimizeResult& result, const Graph* source = nullptr);

}  // namespace egret
