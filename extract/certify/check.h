// The checker of certificates: what a certificate proves about a problem file, or why it proves nothing.
//
// It shares no code with the solvers and sums costs exactly (exact.h).  Trusted: this folder, the JSON library with
// support/egraph_text.h over it, and the meaning of a problem as docs/certificates.md states it.  Reading order: check.h,
// docs/certificates.md, exact.h, record.h, system.h, reductions.h, prices.h, cores.h, propagate.h.
#pragma once

#include <string_view>

#include "support/result.h"

namespace egret::certify {

struct Verdict {
  double bound = 0;  // no valid choice costs less; rounded down
  size_t records = 0;
};

// Both texts are JSON, unpacked.  An error says which line of the proof proves nothing.  The digest finds what was
// changed by accident; without it what is wrong is still refused, but a change that proves as much is not.
Result<Verdict> check_certificate(std::string_view certificate, std::string_view problem, bool ignore_digest = false);

}  // namespace egret::certify
