// Mutations that several targets share: of bytes, and of texts as tokens.
#pragma once

#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace egret::fuzz {

// One to eight faults as a bad disk, a bad network or a bad program makes them: bits, runs, truncation, splices.
std::string mutate_bytes(Random& random, std::string input, const std::vector<std::string>& corpus);

// One to eight changes of tokens, lines and numbers; words come from the corpus.
std::string mutate_text(Random& random, const std::string& input, const std::vector<std::string>& corpus);

// A number that breaks readers: at borders of types, or small.
int64_t odd_number(Random& random);

}  // namespace egret::fuzz
