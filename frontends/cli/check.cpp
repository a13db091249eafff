#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "frontends/cli/cli.h"
#include "frontends/proof/check.h"
#include "support/files.h"

namespace egret::cli {
namespace {

struct Arguments {
  std::string proof, model, artifact;
  bool ignore_digest = false;
};

constexpr uint64_t kMaxProofBytes = uint64_t{2} << 30;

// A model whose sizes are open is read at those that the proof speaks of.
Result<Graph> read_model_of(const std::string& path, const std::string& proof_text) {
  auto as_it_stands = read_model(path, {}, true);
  if (as_it_stands.ok()) return as_it_stands;
  auto proof = proof::read(proof_text, {.ignore_digest = true});
  if (!proof.ok()) return as_it_stands;
  std::vector<std::string> shapes;
  for (const proof::Input& i : proof->inputs) {
    if (i.role != InputRole::kData || !i.type.is_tensor()) continue;
    std::string sizes;
    for (const Dim& d : i.type.dims) sizes += (sizes.empty() ? "" : ",") + d.to_string();
    if (!sizes.empty()) shapes.push_back(i.name + "=" + sizes);
  }
  auto again = read_model(path, shapes, true);
  return again.ok() ? std::move(again) : std::move(as_it_stands);
}

Status check_command(const Arguments& a, Context& context) {
  EGRET_TRY(const std::string text, read_file(a.proof, kMaxProofBytes));
  if (!a.artifact.empty() && !std::filesystem::is_directory(a.artifact)) return io_error(a.artifact + " is no folder");
  std::optional<Graph> model;
  if (!a.model.empty()) {
    EGRET_TRY(model, read_model_of(a.model, text));
  }
  proof::CheckInputs inputs;
  inputs.model = model ? &*model : nullptr;
  inputs.artifact = a.artifact;
  inputs.ignore_digest = a.ignore_digest;
  const proof::CheckReport report = proof::check(text, inputs);
  const Json failed = report.ok ? Json(nullptr) : Json(report.failed_step);
  context.print(Json{{"steps", report.steps}, {"ok", report.ok}, {"failed_step", failed}, {"trusted", report.trusted}}, [&] {
    if (report.ok) {
      fmt::print("the proof holds: {} steps\n", report.steps);
    } else {
      fmt::print("the proof FAILS: {}\n", report.failed_step);
    }
    for (const std::string& t : report.trusted) fmt::print("  trusted: {}\n", t);
  });
  if (!report.ok) context.exit_status = kNo;
  return {};
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("check", "replay an optimization's proof with the independent checker");
  c->add_option("proof", a->proof, "proof.json")->required();
  c->add_option("--model", a->model, "the model that was optimized: compared with what the proof imports")->check(a_path());
  c->add_option("--artifact", a->artifact, "the artifact's folder: its kernels are compared with those of the proof")->check(a_path());
  c->add_flag("--ignore-digest", a->ignore_digest, "check the content although the digest may not fit");
  c->callback([a, &context] {
    if (auto status = check_command(*a, context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
