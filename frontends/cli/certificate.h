// `egret extract --certificate` and `--check-certificate`.
#pragma once

#include <string>
#include <vector>

#include "extract/solve/solve.h"
#include "frontends/cli/cli.h"

namespace egret::cli {

struct CertificateRequest {
  std::string certificate_file, problem_file;
  const extract::Problem* problem = nullptr;
  const std::vector<std::string>* class_names = nullptr;  // empty: no e-graph
  double seconds = 600;
};

// Proves a bound on the cost that was found, checks the proof, and writes it.  Raises `bound` to what was proved and
// sets `certified` where that is the cost.
Status certify(const CertificateRequest& request, extract::Solution& answer);

// Prints what the certificate proves of the problem; exit status 2 where that is nothing.
Status check_certificate_command(const std::string& certificate_file, const std::string& problem_file,
                                 bool ignore_digest, Context& context);

}  // namespace egret::cli
