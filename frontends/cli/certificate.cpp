// The certificates of `egret extract`: written after a run, and checked by the checker that shares no code with it.
#include "extract/solve/portfolio/certificate.h"

#include <fmt/format.h>

#include <cmath>

#include "extract/certify/check.h"
#include "extract/solve/files/json_file.h"
#include "frontends/cli/certificate.h"
#include "support/files.h"

namespace egret::cli {
namespace {

constexpr uint64_t kMaxFile = uint64_t{2} << 30;  // bytes, unpacked

}  // namespace

Status certify(const CertificateRequest& request, extract::Solution& answer) {
  EGRET_TRY(const std::string problem, extract::read_packed(request.problem_file, kMaxFile));
  extract::SolveOptions options;
  options.limits.seconds = request.seconds;
  options.limits.stop = &process_stop_token();
  EGRET_TRY(const extract::Proof proof, extract::prove_bound(*request.problem, answer.cost, options));
  const std::string text = extract::certificate_text(*request.problem, *request.class_names, proof);
  const auto verdict = certify::check_certificate(text, problem);
  if (!verdict.ok()) return internal_error("extraction: " + verdict.error().message);
  EGRET_TRY_VOID(write_file(request.certificate_file, text));
  answer.bound = std::min(answer.cost, std::max(answer.bound, verdict->bound));
  answer.certified = verdict->bound >= answer.cost - 1e-9 * std::abs(answer.cost);
  answer.optimal |= answer.certified;
  return {};
}

Status check_certificate_command(const std::string& certificate_file, const std::string& problem_file,
                                 bool ignore_digest, Context& context) {
  EGRET_TRY(const std::string certificate, extract::read_packed(certificate_file, kMaxFile));
  EGRET_TRY(const std::string problem, extract::read_packed(problem_file, kMaxFile));
  const Stopwatch clock;
  const auto verdict = certify::check_certificate(certificate, problem, ignore_digest);
  const double seconds = clock.seconds();
  if (!verdict.ok()) context.exit_status = kNo;
  const std::string error = verdict.ok() ? "" : verdict.error().message;
  context.print(verdict.ok()
                    ? Json{{"ok", true}, {"bound", verdict->bound}, {"records", verdict->records}, {"seconds", seconds}}
                    : Json{{"ok", false}, {"bound", nullptr}, {"error", error}, {"seconds", seconds}},
                [&] {
                  if (verdict.ok()) {
                    fmt::print("the certificate holds: no choice costs less than {} ({} records, {:.3f} s)\n",
                               verdict->bound, verdict->records, seconds);
                  } else {
                    fmt::print("the certificate proves NOTHING: {}\n", error);
                  }
                });
  return {};
}

}  // namespace egret::cli
