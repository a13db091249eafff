// The proof checker over altered proofs: an answer, whatever the text; only what reads as a proof can hold.
#include <algorithm>
#include <cstdio>

#include "frontends/proof/check.h"
#include "tests/fuzz/mutate.h"

namespace egret::fuzz {
namespace {

std::vector<std::string>& originals() {
  static std::vector<std::string> all;
  return all;
}

std::vector<std::string> corpus(const std::vector<std::string>& arguments) {
  return originals() = read_all(arguments, "proof.json", 200'000);
}

std::string make(Random& random, const std::vector<std::string>& from) { return mutate_text(random, random.pick(from), from); }

bool run(std::string_view input) {
  proof::CheckInputs inputs;
  inputs.ignore_digest = true;
  const proof::CheckReport report = proof::check(input, inputs);
  EGRET_CHECK(report.ok || !report.failed_step.empty(), "a check that fails says where");
  if (report.ok) {
    // Another text may say the same (blanks, digits of the digest); an altered proof does not hold.
    const auto proof = proof::read(input, {.ignore_digest = true});
    EGRET_CHECK(proof.ok(), "what holds is a proof");
    const std::string says = proof::print(*proof);
    const bool known = std::find(originals().begin(), originals().end(), says) != originals().end();
    if (!known) std::printf("%s\n", says.c_str());
    EGRET_CHECK(known || originals().empty(), "an altered proof is refused");
  }
  inputs.ignore_digest = false;
  EGRET_CHECK(report.ok || !proof::check(input, inputs).ok, "the digest excuses nothing");
  if (!report.ok && verbose()) std::printf("%s\n", report.failed_step.c_str());
  return report.ok;
}

}  // namespace

const Target& target() {
  static const Target kTarget = {"proof", 10, corpus, make, run};
  return kTarget;
}

}  // namespace egret::fuzz
