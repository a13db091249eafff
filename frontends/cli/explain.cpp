#include "frontends/explain/explain.h"

#include <fmt/format.h>

#include "frontends/cli/cli.h"

namespace egret::cli {
namespace {

struct Arguments {
  std::string run, why_not;
  double time_limit = 600;
};

Json seconds_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::string microseconds(double seconds) { return fmt::format("{:.4g} us", seconds * 1e6); }

std::string joined(const std::vector<std::string>& parts, const char* between) { return fmt::format("{}", fmt::join(parts, between)); }

std::string saving_text(const std::optional<double>& saves, const explain::KeptRun& run) {
  return saves ? fmt::format("saves {} ({:.1f} % of the program)", microseconds(*saves), 100 * *saves / run.taken) : "";
}

// How far the choice is the best one.
std::string choice_text(const explain::KeptRun& run) {
  std::string text = fmt::format("{} takes {} on {}, predicted; {} of {} candidates chosen; ", run.model, microseconds(run.taken), run.target,
                                 run.solution.chosen.size(), run.problem.candidates.size());
  if (run.taken < run.solution.cost * (1 - 1e-12)) return text + "algebra found nothing cheaper than the program as it was imported, fused";
  return text + (run.solution.optimal ? "no choice of them is cheaper" : fmt::format("no choice of them takes less than {}", microseconds(run.solution.bound)));
}

Json kernel_json(const explain::KernelReason& k) {
  Json j{{"kind", "kernel"}, {"covers", k.covers}, {"results", k.results}, {"rules", k.rules}, {"seconds", k.seconds}, {"apart_s", seconds_or_null(k.alone)},
         {"runner_up", k.instead}, {"runner_up_s", seconds_or_null(k.dearer)}};
  j["text"] = fmt::format("makes {} in {}: {}", joined(k.results, ", "), microseconds(k.seconds), joined(k.covers, "; "));
  return j;
}

Status why(const Arguments& a, const explain::KeptRun& run, Context& context) {
  EGRET_TRY(const Device device, load_device(run.target));
  const Limits limits{.seconds = a.time_limit, .stop = &process_stop_token()};
  EGRET_TRY(const explain::Explanation found, explain::explain_run(run, device, limits));
  Json steps = Json::array(), reasons = Json::array();
  for (const explain::StepReason& s : found.steps) {
    steps.push_back({{"rule", s.rule}, {"needs", s.needs}, {"verdict", s.verdict}, {"from", s.from}, {"to", s.to}, {"chosen", s.chosen}, {"saves_s", seconds_or_null(s.saves)}});
  }
  reasons.push_back({{"kind", "choice"}, {"text", choice_text(run)}});
  for (const explain::RuleReason& r : found.rules) {
    reasons.push_back({{"kind", "rule"}, {"rule", r.rule}, {"applications", r.applications}, {"saves_s", seconds_or_null(r.saves)},
                       {"text", fmt::format("{}, applied {} times: {}", r.rule, r.applications, r.saves ? saving_text(r.saves, run) : "on the way to other terms")}});
  }
  for (const explain::KernelReason& k : found.kernels) reasons.push_back(kernel_json(k));
  context.print(Json{{"steps", steps}, {"reasons", reasons}}, [&] {
    fmt::print("{}\n", choice_text(run));
    if (!found.steps.empty()) fmt::print("\nrewrites on the way from the source:\n");
    for (const explain::StepReason& s : found.steps) {
      fmt::print("  {}{}{}\n", s.rule, s.needs.empty() ? "" : " (" + s.needs + ")", s.saves ? ": " + saving_text(s.saves, run) : s.chosen ? "" : ": on the way");
      for (size_t i = 0; i < s.from.size(); ++i) fmt::print("    {}  ->  {}\n", s.from[i], s.to[i]);
    }
    if (!found.rules.empty()) fmt::print("\nwithout all terms of one rule:\n");
    for (const explain::RuleReason& r : found.rules) {
      fmt::print("  {:<40} x{:<4} {}\n", r.rule, r.applications, r.saves ? saving_text(r.saves, run) : "on the way to other terms");
    }
    fmt::print("\nkernels:\n");
    for (const explain::KernelReason& k : found.kernels) {
      fmt::print("  {} in {}{}{}\n", joined(k.results, ", "), microseconds(k.seconds),
                 k.alone && k.covers.size() > 1 ? fmt::format(" (its operators apart: {})", microseconds(*k.alone)) : "",
                 k.rules.empty() ? "" : "; by " + joined(k.rules, ", "));
      for (const std::string& covered : k.covers) fmt::print("    {}\n", covered);
      if (!k.dearer) continue;
      std::vector<std::string> instead;
      for (const auto& covers : k.instead) instead.push_back(joined(covers, "; "));
      fmt::print("    runner-up, {}{}: {}\n", *k.dearer < 0 ? "" : "+", microseconds(*k.dearer), joined(instead, "  |  "));
    }
  });
  return {};
}

Status why_not(const Arguments& a, const explain::KeptRun& run, Context& context) {
  EGRET_TRY(const Device device, load_device(run.target));
  const Limits limits{.seconds = a.time_limit, .stop = &process_stop_token()};
  EGRET_TRY(const std::vector<explain::WhyNot> found, explain::why_not(run, a.why_not, device, limits));
  Json reasons = Json::array();
  for (const explain::WhyNot& w : found) {
    reasons.push_back({{"kind", w.kind}, {"rule", w.rule}, {"place", w.place}, {"dearer_s", seconds_or_null(w.dearer)}, {"at_least_s", seconds_or_null(w.at_least)}, {"text", w.text}});
  }
  context.print(Json{{"steps", Json::array()}, {"pattern", a.why_not}, {"chosen_s", run.taken}, {"reasons", reasons}}, [&] {
    for (const explain::WhyNot& w : found) fmt::print("{}{}{}\n", w.place, w.place.empty() ? "" : ": ", w.text);
    if (found.empty()) fmt::print("nothing is to be said of {}: it has no place in the e-graph\n", a.why_not);
  });
  return {};
}

}  // namespace

void add_explain(CLI::App& app, Context& context) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("explain", "why a program was chosen, and why another was not");
  c->add_option("run", a->run, "folder that `optimize --keep-run` wrote")->required();
  c->add_option("--why-not", a->why_not, "a rule's name or a term of the rule language: what keeps it out, or how much dearer it is");
  c->add_option("--time-limit", a->time_limit, "seconds at most for each price")->check(at_least(0))->capture_default_str();
  c->callback([a, c, &context] {
    auto run = explain::read_run(a->run);
    if (!run.ok()) return context.fail(run.error());
    const auto status = c->count("--why-not") > 0 ? why_not(*a, *run, context) : why(*a, *run, context);
    if (!status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
