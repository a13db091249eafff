// `egret saturate PROGRAM`: the engine alone, on an untyped language.
#include <fmt/format.h>

#include "egraph/interchange/interchange.h"
#include "egraph/lang/session.h"
#include "egraph/snapshot.h"
#include "frontends/cli/cli.h"
#include "support/file_writer.h"
#include "support/files.h"
#include "support/json_text.h"

namespace egret::cli {
namespace {

using egraph::lang::BestTerm;
using egraph::lang::SaturateReport;
using egraph::lang::Session;

constexpr uint64_t kNoLimit = UINT64_MAX;
constexpr size_t kPrintedTerm = 2'000;  // characters of a term shown to people

struct Arguments {
  std::string program, memory_limit = "8G", scheduler = "simple", dump, snapshot, resume;
  uint64_t iterations = kNoLimit, node_limit = kNoLimit;
  double time_limit = 600;
  int threads = 0;
};

Result<egraph::RunOptions> run_options(const Arguments& a) {
  egraph::RunOptions options;
  if (a.threads < 0 || a.threads > 1024) return input_error("--threads must be between 0 and 1024");
  if (!(a.time_limit >= 0)) return input_error("--time-limit must be a number of seconds");
  options.threads = a.threads;
  options.scheduler = a.scheduler == "backoff" ? egraph::Scheduler::kBackoff : egraph::Scheduler::kSimple;
  options.limits = {.enodes = a.node_limit, .matches = kNoLimit, .iterations = a.iterations, .seconds = a.time_limit,
                    .stop = &process_stop_token()};
  EGRET_TRY(options.limits.bytes, parse_bytes(a.memory_limit));
  return options;
}

// The object but for its longest lists.
Json to_json(const SaturateReport& r, const std::vector<BestTerm>& best, const std::vector<bool>& goals) {
  Json j;
  j["enodes"] = r.enodes;
  j["eclasses"] = r.eclasses;
  j["stop_reason"] = r.stop_reason;
  j["seconds"] = r.seconds;
  j["peak_bytes"] = peak_resident_bytes();
  j["arena_bytes"] = r.bytes;
  j["best"] = Json::array();
  for (const BestTerm& b : best) j["best"].push_back({{"term", b.term}, {"size", b.size}});
  j["goals"] = goals;
  return j;
}

// Appends a field that is a list of objects: `write` appends the fields of one.
template <class Row, class Write>
void append_list(std::string& text, const char* name, const std::vector<Row>& rows, const Write& write) {
  fmt::format_to(std::back_inserter(text), "  \"{}\": [", name);
  for (size_t i = 0; i < rows.size(); ++i) {
    text += i == 0 ? "\n    {\n" : ",\n    {\n";
    write(rows[i]);
    text += "\n    }";
  }
  text += rows.empty() ? "]" : "\n  ]";
}

// The whole object, of thousands of iterations and rules.
std::string object_text(const SaturateReport& r, const std::vector<BestTerm>& best, const std::vector<bool>& goals) {
  std::string text = "{\n";
  append_list(text, "iterations", r.iterations, [&](const egraph::Iteration& i) {
    fmt::format_to(std::back_inserter(text),
                   "      \"enodes\": {},\n      \"eclasses\": {},\n      \"search_s\": {},\n      \"apply_s\": {},\n      \"rebuild_s\": {}",
                   i.enodes, i.eclasses, i.search_s, i.apply_s, i.rebuild_s);
  });
  const std::string rest = text_of(to_json(r, best, goals));
  text += "," + rest.substr(1, rest.size() - 4) + ",\n";  // without its braces
  append_list(text, "rules", r.rules, [&](const auto& use) {
    fmt::format_to(std::back_inserter(text), "      \"name\": {},\n      \"matches\": {},\n      \"applied\": {},\n      \"search_s\": {}",
                   json_string(use.name), use.matches, use.applied, use.search_s);
  });
  return text + "\n}\n";
}

void print_text(const SaturateReport& r, const Session& session, const std::vector<BestTerm>& best, const std::vector<bool>& goals) {
  fmt::print("{} e-nodes in {} classes, {} iterations ({}), {:.3f} s, {:.1f} MiB\n", r.enodes, r.eclasses, r.iterations.size(),
             r.stop_reason, r.seconds, static_cast<double>(peak_resident_bytes()) / (1 << 20));
  for (const BestTerm& b : best) {
    const bool whole = b.term.size() <= kPrintedTerm;
    fmt::print("best ({}): {}{}\n", b.size, b.term.substr(0, kPrintedTerm), whole ? "" : " .. (the whole: --json)");
  }
  for (size_t i = 0; i < goals.size(); ++i) {
    const auto& goal = session.program().goals[i];
    std::string text;
    print_term(goal.left, session.program().symbols, {}, text);
    text += " = ";
    print_term(goal.right, session.program().symbols, {}, text);
    fmt::print("goal {}: {}\n", goals[i] ? "reached" : "NOT reached", text);
  }
}

Status write_dump(const std::string& path, const Session& session) {
  egraph::WriteOptions options;
  options.roots = session.roots();
  options.visible = [&session](egraph::Id node) { return session.visible(node); };
  FileWriter file(path);
  if (path.ends_with(".dot")) {
    EGRET_TRY(const std::string drawing, egraph::to_graphviz(session.graph(), options));
    EGRET_TRY_VOID(file.write(drawing));
  } else {
    EGRET_TRY_VOID(egraph::write_json(session.graph(), options, [&file](std::string_view piece) { return file.write(piece); }));
  }
  return file.commit();
}

Result<Session> open_session(const Arguments& a) {
  EGRET_TRY(const std::string text, read_file(a.program));
  EGRET_TRY(egraph::lang::Program program, egraph::lang::parse_program(text, a.program));
  if (a.resume.empty()) return Session(std::move(program));
  EGRET_TRY(egraph::EGraph graph, egraph::load_snapshot(a.resume));
  return Session::resume(std::move(program), std::move(graph));
}

Status saturate_command(const Arguments& a, Context& context) {
  EGRET_TRY(egraph::RunOptions options, run_options(a));
  uint64_t iterations = 0;
  if (!a.dump.empty()) {
    if (!a.dump.ends_with(".json") && !a.dump.ends_with(".dot")) return input_error("--dump writes .json or .dot, not " + a.dump);
    EGRET_TRY_VOID(check_writable(a.dump));
  }
  if (!a.snapshot.empty()) EGRET_TRY_VOID(check_writable(a.snapshot));
  EGRET_TRY(Session session, open_session(a));
  const Stopwatch clock;
  double told = 0;
  options.after_iteration = [&](egraph::EGraph& graph, const egraph::Iteration&) {
    ++iterations;
    if (clock.seconds() - told < 1) return true;
    told = clock.seconds();
    fmt::print(stderr, "egret: iteration {}: {} e-nodes, {} classes, {:.0f} s\n", iterations, graph.node_count(), graph.class_count(), told);
    return true;
  };
  const SaturateReport report = session.run(options);
  if (!a.snapshot.empty()) EGRET_TRY_VOID(egraph::save_snapshot(session.graph(), a.snapshot));
  const std::vector<BestTerm> best = session.best();
  if (!a.dump.empty()) EGRET_TRY_VOID(write_dump(a.dump, session));
  const std::vector<bool> goals = session.goals();
  context.print_written([&] { return object_text(report, best, goals); }, [&] { print_text(report, session, best, goals); });
  if (std::find(goals.begin(), goals.end(), false) != goals.end()) context.exit_status = kNo;
  return {};
}

}  // namespace

void add_saturate(CLI::App& app, Context& context) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("saturate", "the e-graph engine alone, on an untyped language (docs/saturate.md)");
  c->add_option("program", a->program, "rules and terms as s-expressions")->required();
  c->add_option("--iterations", a->iterations, "rounds of search, apply and rebuild at most")->check(at_least(0));
  c->add_option("--node-limit", a->node_limit, "e-nodes at most")->check(at_least(0));
  c->add_option("--time-limit", a->time_limit, "seconds at most")->capture_default_str();
  c->add_option("--memory-limit", a->memory_limit, "bytes of the engine's arenas at most (512M, 8G)")->capture_default_str();
  c->add_option("--threads", a->threads, "threads; 0: all cores; the answer does not depend on it")->capture_default_str();
  c->add_option("--scheduler", a->scheduler, "simple: every rule in every iteration; backoff: a rule with many matches pauses")
      ->check(CLI::IsMember({"simple", "backoff"}))->capture_default_str();
  c->add_option("--snapshot", a->snapshot, "write the e-graph as it is at the end, to resume from")->check(a_path());
  c->add_option("--resume", a->resume, "begin with the e-graph of a snapshot that this program made")->check(a_path());
  c->add_option("--dump", a->dump, "write the e-graph: FILE.json (egraph-serialize), or a small one as FILE.dot (Graphviz)")->check(a_path());
  c->callback([a, &context] {
    if (auto status = saturate_command(*a, context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
