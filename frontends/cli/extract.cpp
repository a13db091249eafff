// `egret extract`: extraction alone, on an e-graph of others (egraph-serialize) or on an egret-problem.
#include <malloc.h>

#include <cmath>

#include <fmt/format.h>

#include "extract/certify/exact.h"
#include "extract/solve/files/egraph_json.h"
#include "extract/solve/solve.h"
#include "frontends/cli/certificate.h"
#include "frontends/cli/cli.h"
#include "frontends/cli/extract_answers.h"
#include "support/files.h"

namespace egret::cli {
namespace {

using extract::Problem;
using extract::Solution;

constexpr uint64_t kGreedySteps = 20'000;  // of each part's local search: a fraction of a millisecond

struct Arguments {
  std::string file, method = "portfolio", cost = "dag", solution, certificate, check_certificate;
  bool ignore_digest = false, progress = false;
  double time_limit = 600, gap = 0;
  int threads = 0;
  AnswersRequest several;
};

extract::SolveOptions solve_options(const Arguments& a) {
  extract::SolveOptions options;
  options.limits.seconds = a.time_limit;
  options.limits.stop = &process_stop_token();
  options.threads = a.threads;
  options.gap = a.gap;
  options.engines = a.method == "portfolio" ? extract::Engines::kAll : a.method == "ilp" ? extract::Engines::kHighs : extract::Engines::kNone;
  options.once = a.method == "greedy";
  if (options.once) options.greedy_steps = kGreedySteps;
  return options;
}

// `stream`: a list, to which each improvement of the best or the bound is added.
Result<Solution> solve(const Problem& problem, const Arguments& a, Json& stream) {
  if (a.cost == "tree") return extract::solve_tree(problem);
  extract::SolveOptions options = solve_options(a);
  options.progress = [&](const extract::Progress& p) {
    stream.push_back({{"work", p.work}, {"seconds", p.seconds}, {"best", finite(p.best)}, {"bound", finite(p.bound)}});
    if (a.progress) fmt::print(stderr, "work {} ({:.3f} s): best {}, bound {}\n", p.work, p.seconds, p.best, p.bound);
  };
  return extract::solve_portfolio(problem, options);
}

// A certificate's checker adds costs up exactly, in a number of 512 bits.
Status check_summable(const ExtractInput& input, const std::string& file) {
  for (size_t k = 0; k < input.problem.candidates.size(); ++k) {
    const double cost = input.problem.candidates[k].cost;
    if (certify::Exact::fits(cost)) continue;
    return input_error(fmt::format("it costs {}: a certificate needs costs of 0, or of a size from 1e-80 to 1e56", cost),
                       "scale the costs, or leave out --certificate", {file, 0, 0, input.candidate_name(k)});
  }
  return {};
}

// What was freed is used again rather than given back: a run of some milliseconds spends a tenth of them in page faults.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 25);
  mallopt(M_TRIM_THRESHOLD, 1 << 28);
#endif
}

Status extract_command(const Arguments& a, Context& context) {
  keep_freed_memory();
  if (!(a.time_limit > 0)) return input_error("--time-limit must be a positive number of seconds");
  if (std::isnan(a.gap)) return input_error("--gap must be a number from 0 to 1");
  if (!a.solution.empty() && a.solution == a.certificate) return input_error("--solution and --certificate name the same file", "name two");
  for (const std::string& path : {a.solution, a.certificate}) {
    if (!path.empty()) EGRET_TRY_VOID(check_writable(path));
  }
  if (!a.check_certificate.empty()) return check_certificate_command(a.check_certificate, a.file, a.ignore_digest, context);
  EGRET_TRY(const ExtractInput input, read_extract_input(a.file));
  const bool by_tree = a.cost == "tree";
  if (by_tree && !input.egraph) {
    return input_error("--cost tree needs an e-graph; an egret-problem has no tree cost", "leave out --cost", {a.file, 0, 0, ""});
  }
  if (const auto root = unmakeable_root(input.problem)) {
    context.exit_status = kNo;
    context.print(Json{{"method", a.method}, {"tree_cost", nullptr}, {"dag_cost", nullptr}, {"bound", nullptr},
                       {"optimal", false}, {"certified", false}, {"seconds", 0}, {"infeasible", true}},
                  [&] { fmt::print("infeasible: no choice makes {}, a root\n", input.item_name(*root)); });
    return {};
  }
  if (a.several.wanted()) {
    if (by_tree || !a.certificate.empty()) return input_error("several answers have neither a tree cost nor a certificate", "leave out --cost tree and --certificate");
    return several_answers(a.several, a.file, input, solve_options(a), a.solution, context);
  }
  if (by_tree && !a.certificate.empty()) return input_error("--certificate is of the DAG cost", "leave out --cost tree");
  if (!a.certificate.empty()) EGRET_TRY_VOID(check_summable(input, a.file));
  Json stream = Json::array();
  EGRET_TRY(Solution answer, solve(input.problem, a, stream));
  if (auto valid = check_solution(input.problem, answer); !valid.ok()) {
    return internal_error("extraction: " + valid.error().message);
  }
  const double tree = input.egraph ? extract::tree_cost(input.problem, answer.chosen) : std::nan("");
  if (!a.certificate.empty()) {
    EGRET_TRY_VOID(certify({a.certificate, a.file, &input.problem, &input.class_names, a.time_limit}, answer));
  }
  if (!a.solution.empty()) EGRET_TRY_VOID(write_file(a.solution, solution_text(input, answer, tree, by_tree)));
  const Json object{{"method", a.method}, {"tree_cost", finite(tree)}, {"dag_cost", answer.cost},
                    {"bound", finite(answer.bound)}, {"optimal", answer.optimal}, {"certified", answer.certified},
                    {"seconds", answer.seconds}, {"stream", stream}};
  context.print(object, [&] {
    fmt::print("cost {} (bound {}, {}){}, {:.3f} s\n", answer.cost, answer.bound, answer.optimal ? "optimal" : "not proved",
               std::isfinite(tree) ? fmt::format(", tree cost {}", tree) : "", answer.seconds);
  });
  return {};
}

}  // namespace

void add_extract(CLI::App& app, Context& context) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("extract", "the cheapest choice from an e-graph (egraph-serialize) or an egret-problem");
  c->add_option("file", a->file, "FILE.json or FILE.json.gz")->required();
  c->add_option("--method", a->method,
                "greedy: one round of covers; beam: the best covers improved; ilp: HiGHS alone; portfolio: every engine")
      ->check(CLI::IsMember({"greedy", "beam", "ilp", "portfolio"}))->capture_default_str();
  c->add_option("--cost", a->cost, "dag: each chosen class once; tree: shared parts each time")
      ->check(CLI::IsMember({"dag", "tree"}))->capture_default_str();
  c->add_option("--time-limit", a->time_limit, "seconds at most; the best so far is the answer")->capture_default_str();
  c->add_option("--gap", a->gap, "stop when cost and bound are that close, relative to the cost")
      ->check(CLI::Range(0.0, 1.0))->capture_default_str();
  c->add_option("--threads", a->threads, "threads; 0: all cores; the answer does not depend on it")
      ->check(at_least(0))->capture_default_str();
  c->add_flag("--progress", a->progress, "a line on stderr for each improvement of the best or the bound");
  c->add_option("--solution", a->solution, "write the choice: class -> node, or {\"choice\": [index]} for a problem")->check(a_path());
  c->add_option("--certificate", a->certificate, "prove a bound on what was found, for at most --time-limit again, and write the proof")->check(a_path());
  CLI::Option* check = c->add_option("--check-certificate", a->check_certificate, "say what this certificate proves of the file; nothing is solved");
  CLI::Option* top = c->add_option("--top", a->several.top, "the K cheapest answers that differ")->check(at_least(1));
  c->add_option("--distance", a->several.distance, "of each answer, so many chosen nodes that cost something are in no later one (with --top)")
      ->check(at_least(1))->capture_default_str()->needs(top);
  c->add_option("--pareto", a->several.pareto, "FILE of a second cost: {node: cost}, or a list for an egret-problem; the front of both");
  CLI::Option* intervals = c->add_option("--intervals", a->several.intervals, "FILE of costs known within bounds: {node: [least, greatest]}, or a list of pairs; the best answer at its worst");
  c->add_option("--uncertain", a->several.uncertain, "at most so many of the chosen cost more than their least (with --intervals)")
      ->check(at_least(0))->capture_default_str()->needs(intervals);
  c->add_flag("--ignore-digest", a->ignore_digest, "check a certificate whose digest is another")->needs(check);
  c->callback([a, &context] {
    if (auto status = extract_command(*a, context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
