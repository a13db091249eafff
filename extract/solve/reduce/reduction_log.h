// The log of the reductions as records of a proof (docs/certificates.md).
#pragma once

#include <functional>
#include <string>

#include "extract/solve/reduce/reduction.h"

namespace egret::extract {

// `number` gives the candidates of the log their numbers in the proof.
void write_reduction_log(const std::vector<ReductionStep>& log, const std::function<uint32_t(uint32_t)>& number,
                         std::string& text);

}  // namespace egret::extract
