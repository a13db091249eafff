// The rule library as embedded in the binary: every rules/library/<group>/<topic>.rules, and
// rules/library/PROOFS (proofs.h).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace egret::rules {

struct LibraryFile {
  const char* path;  // "library/algebra/identities.rules"
  std::string_view text;
};

std::span<const LibraryFile> library_files();  // by path
std::string_view composites_digest();           // of the source files that decompose composites

}  // namespace egret::rules
