#include "rules/rules.h"

#include <iterator>
#include <map>

#include <fmt/format.h>

#include "frontends/cli/cli.h"
#include "frontends/explain/partial_match.h"
#include "frontends/opaque.h"
#include "frontends/pass.h"
#include "frontends/pass_stages.h"
#include "frontends/rule_loading.h"
#include "rules/lang/syntax.h"
#include "support/closest.h"

namespace egret::cli {
namespace {

struct Arguments {
  std::vector<std::string> files, match, shapes;
  std::string target = "host";
  bool no_library = false, unproved = false, growth = false;
};

Result<rules::RuleSet> load(const Arguments& a) {
  OptimizeOptions options;
  options.library = !a.no_library;
  options.rule_files = a.files;
  options.unproved = a.unproved;
  options.numerics = "fast,narrow(tf32),narrow(bf16),narrow(f16)";
  EGRET_TRY(LoadedRules loaded, load_rules(options));
  for (const std::string& note : loaded.notes) fmt::print(stderr, "egret: note: {}\n", note);
  return std::move(loaded.set);
}

Status list_rules(const Arguments& a, Context& context) {
  EGRET_TRY(const rules::RuleSet set, load(a));
  Json list = Json::array();
  for (const rules::Rule& r : set.rules()) {
    list.push_back({{"name", r.name}, {"written", r.written}, {"ruleset", r.ruleset}, {"file", r.file}, {"line", r.line},
                    {"kind", r.kind == rules::RuleKind::kFusion ? "fusion" : "algebra"}, {"needs", r.needs.to_string()},
                    {"on", r.on}, {"verdict", rules::to_string(r.verdict)}, {"hash", r.hash}, {"proof_hash", r.proof_hash}, {"text", r.text}});
  }
  context.print(Json{{"rules", list}}, [&] {
    std::string text;
    for (const rules::Rule& r : set.rules()) {
      fmt::format_to(std::back_inserter(text), "{:<40} {:<8} {:<3} {:<9} {:<24} {}:{}\n", r.name, r.kind == rules::RuleKind::kFusion ? "fusion" : "algebra",
                     r.on ? "on" : "off", rules::to_string(r.verdict), r.needs.words.empty() ? "nothing" : r.needs.to_string(), r.file, r.line);
    }
    fmt::print("{}", text);
  });
  return {};
}

constexpr size_t kMaxPlaces = 10'000;

// One rule of algebra (as written) and the rules of fusion; switched on, whatever its set.
Result<rules::RuleSet> alone(const rules::RuleSet& set, const rules::Rule& rule) {
  rules::RuleSet out = set;
  out.keep_alone(rule.written);
  if (!rule.on) EGRET_TRY_VOID(out.enable(rule.ruleset));
  return out;
}

// What the program saves where this rule alone rewrites it, by greedy covers; seconds on the target.
Result<double> saving(const rules::RuleSet& rule, const Graph& graph, const OptimizeOptions& options) {
  EGRET_TRY(const Device device, load_device(options.target));
  EGRET_TRY(const rules::Licence all, rules::Licence::parse("fast"));
  Stopwatch total;
  EGRET_TRY(Imported program, import_program(graph, options));
  extract::FormTable forms(device, rules::fusion_rules(rule));
  EGRET_TRY(Baseline baseline, price_baseline(graph, program, device, forms, options, total));
  EGRET_TRY_VOID(saturate(program, graph, rule, all, options, total));
  EGRET_TRY(const Choice choice, fuse_program(program, forms, options, baseline, total));
  return baseline.greedy.solution.cost - choice.solution.cost;
}

Error no_such_rule(const std::string& name, const rules::RuleSet& set) {
  std::vector<std::string_view> names;
  for (const rules::Rule& r : set.rules()) {
    if (r.kind == rules::RuleKind::kAlgebra) names.push_back(r.written);
    if (r.name == name) return input_error(name + " is a rule of fusion: it makes kernels, and matches no term", "`egret explain` says why a kernel was chosen");
  }
  const std::string_view near = closest(name, names);
  return input_error("no rule of algebra is named " + name, near.empty() ? "`egret rules` lists them" : fmt::format("did you mean {}? `egret rules` lists them", near));
}

// Where the rule comes nearest to matching, and what is missing there: one sentence for each root of its left side.
std::vector<std::string> nearest_places(const rules::Rule& rule, const explain::KeptRun& run) {
  std::vector<std::string> out;
  for (const rules::Equation& e : rules::equations_of(*rule.syntax)) {
    const explain::PartialMatch near = explain::nearest_match(run, *e.left);
    if (near.at == egraph::kNoId) {
      out.push_back(near.missing);
    } else if (near.operators < near.of || !near.missing.empty()) {
      out.push_back(fmt::format("at {} there are {} of its {} operators: {}", explain::describe_node(run, near.at), near.operators, near.of, near.missing));
    } else {
      out.push_back(fmt::format("at {} its operators stand, but not all that it asks of them together", explain::describe_node(run, near.at)));
    }
  }
  return out;
}

// The places of the imported program where a rule matches: the e-nodes of its left side, and what fails there.
Status match_rule(const Arguments& a, Context& context) {
  const std::string &name = a.match[0], &model = a.match[1];
  EGRET_TRY(rules::RuleSet set, load(a));
  for (const rules::Rule& r : set.rules()) {
    if (!r.on && (r.name == name || r.written == name)) {
      EGRET_TRY_VOID(set.enable(r.ruleset));
      break;
    }
  }
  EGRET_TRY(const Graph graph, read_model(model, a.shapes, true));
  OptimizeOptions options;
  options.target = a.target;
  options.freeze = model.ends_with(".onnx");
  EGRET_TRY(Imported program, import_program(graph, options));
  explain::KeptRun run;  // the program before any rule
  run.tensors = std::move(program.tensors);
  rules::TensorEGraph& tensors = *run.tensors;
  std::map<egraph::Id, std::string>& names = run.names;
  for (ValueId v = 0; v < graph.nodes.size(); ++v) names.try_emplace(tensors.graph().find(program.values[v]), graph.node(v).name);
  Json places = Json::array();
  const rules::Rule* known = nullptr;
  size_t fitting = 0;
  for (const rules::Rule& rule : set.rules()) {
    if (rule.kind != rules::RuleKind::kAlgebra || (rule.name != name && rule.written != name)) continue;
    known = &rule;
    EGRET_TRY(const auto found, rules::matches(rule, tensors, kMaxPlaces));
    for (const rules::RuleMatch& m : found) {
      Json place = Json::array();
      for (egraph::Id n : m.nodes) {
        auto it = names.find(tensors.graph().find(n));
        place.push_back({{"op", tensors.op(n).name}, {"value", it == names.end() ? "" : it->second}, {"type", tensors.type(n).to_string()}});
      }
      places.push_back({{"rule", rule.name}, {"nodes", place}, {"applies", m.holds}, {"failed", m.failed}});
      fitting += m.holds;
    }
  }
  if (!known) return no_such_rule(name, set);
  const std::vector<std::string> nearest = places.empty() ? nearest_places(*known, run) : std::vector<std::string>();
  double saves = 0;
  if (fitting > 0 && !first_opaque(graph)) {
    EGRET_TRY(const rules::RuleSet rule, alone(set, *known));
    EGRET_TRY(saves, saving(rule, graph, options));
  }
  context.print(Json{{"rules", places}, {"target", a.target}, {"saves_s", saves}, {"nearest", nearest}}, [&] {
    for (const Json& p : places) {
      fmt::print("{} {}", p["rule"].get<std::string>(), p["applies"].get<bool>() ? "applies at" : "does not apply at");
      for (const Json& n : p["nodes"]) fmt::print(" {}({})", n["op"].get<std::string>(), n["value"].get<std::string>());
      fmt::print("{}\n", p["applies"].get<bool>() ? "" : ": " + p["failed"].get<std::string>());
    }
    for (const std::string& n : nearest) fmt::print("{} matches nowhere: {}\n", known->written, n);
    fmt::print("{} {}, {} where it applies; alone it saves {:.4g} us on {}\n", places.size(), places.size() == 1 ? "place" : "places", fitting, saves * 1e6, a.target);
  });
  return {};
}

// How a rule by itself makes an e-graph grow: the left side of its first `accept` line, saturated with that rule alone.
Status growth_of_rules(const Arguments& a, Context& context) {
  EGRET_TRY(const rules::RuleSet set, load(a));
  EGRET_TRY(const rules::Licence all, rules::Licence::parse("fast"));
  OptimizeOptions options;
  options.freeze = true;
  options.limits.iterations = 6;
  Json list = Json::array();
  for (size_t i = 0; i < set.rules().size(); ++i) {
    const rules::Rule& rule = set.rules()[i];
    const bool seen = i > 0 && set.rules()[i - 1].written == rule.written;
    if (rule.kind != rules::RuleKind::kAlgebra || seen) continue;
    EGRET_TRY(const auto examples, rules::accepted(rule));
    if (examples.empty()) continue;
    EGRET_TRY(const rules::RuleSet one, alone(set, rule));
    const Graph& left = examples.front().left;
    EGRET_TRY(Imported program, import_program(left, options));
    const size_t before = program.tensors->graph().node_count();
    EGRET_TRY(const Saturation grown, saturate(program, left, one, all, options, Stopwatch()));
    list.push_back({{"name", rule.written}, {"enodes_before", before}, {"enodes_after", program.tensors->graph().node_count()},
                    {"iterations", grown.iterations}, {"stop_reason", grown.stop_reason}});
  }
  context.print(Json{{"rules", list}}, [&] {
    fmt::print("{:<44} {:>8} {:>8} {:>11}  {}\n", "rule, alone on its first example", "e-nodes", "after", "iterations", "ended by");
    for (const Json& r : list) {
      fmt::print("{:<44} {:>8} {:>8} {:>11}  {}\n", r["name"].get<std::string>(), r["enodes_before"].get<size_t>(),
                 r["enodes_after"].get<size_t>(), r["iterations"].get<size_t>(), r["stop_reason"].get<std::string>());
    }
  });
  return {};
}

}  // namespace

void add_rules(CLI::App& app, Context& context) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("rules", "list the rules, or the places where one matches");
  c->add_option("files", a->files, "rule files added to the library");
  c->add_flag("--no-library", a->no_library, "leave the library's rules out");
  c->add_flag("--unproved", a->unproved, "load rules of the files that are not proved");
  auto* match = c->add_option("--match", a->match, "RULE MODEL: where the rule matches the imported program, what fails elsewhere, what it saves")->expected(2);
  c->add_option("--shape", a->shapes, "sizes of an input that the file leaves open: INPUT=1,3,48,320 (repeatable)")->allow_extra_args(false);
  c->add_option("--target", a->target, "with --match: the device whose time is saved")->capture_default_str();
  c->add_flag("--growth", a->growth, "how each rule by itself makes an e-graph grow")->excludes(match);
  c->callback([a, &context] {
    if (auto status = a->growth ? growth_of_rules(*a, context) : a->match.empty() ? list_rules(*a, context) : match_rule(*a, context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
