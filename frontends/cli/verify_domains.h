// `egret verify` of the scalar rule sets of others (rules/domains/domain.h).
#pragma once

#include <string>
#include <vector>

#include "frontends/cli/cli.h"
#include "rules/verify/verify.h"

namespace egret::cli {

// Whether a file that can be read holds LEFT ==> RIGHT.
bool is_domain_file(const std::string& file);

// `domain`: of all files; empty: what each file's name says.
Status verify_domains(const std::vector<std::string>& files, const std::string& domain, bool markdown, const rules::VerifyOptions& options,
                      Context& context);

}  // namespace egret::cli
