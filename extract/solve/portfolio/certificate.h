// The certificate file (docs/certificates.md): {"format": "egret-certificate 1", "candidates": n, "items": n, "bound":
// b, "proof": records, "digest": of the rest}, and for an e-graph "alpha", "beta" and "loops", a price certificate of
// the whole file in the form of shared/tools/check_extraction.py.
#pragma once

#include <string>
#include <vector>

#include "extract/solve/portfolio/prover.h"
#include "extract/solve/problem.h"

namespace egret::extract {

// `class_names` by item; empty: not an e-graph.
std::string certificate_text(const Problem& problem, const std::vector<std::string>& class_names, const Proof& proof);

}  // namespace egret::extract
