#include "rules/rules.h"

#include <fmt/format.h>

#include "frontends/cli/cli.h"
#include "frontends/pass.h"
#include "frontends/pass_stages.h"
#include "rules/lang/proofs.h"

namespace egret::cli {
namespace {

struct Arguments {
  std::vector<std::string> files, match, shapes;
  bool no_library = false;
};

Result<rules::RuleSet> load(const Arguments& a) {
  OptimizeOptions options;
  options.library = !a.no_library;
  options.rule_files = a.files;
  return load_rules(options);
}

Status list_rules(const Arguments& a, Context& context) {
  EGRET_TRY(const rules::RuleSet set, load(a));
  Json list = Json::array();
  for (const rules::Rule& r : set.rules()) {
    list.push_back({{"name", r.name}, {"written", r.written}, {"ruleset", r.ruleset}, {"file", r.file}, {"line", r.line},
                    {"kind", r.kind == rules::RuleKind::kFusion ? "fusion" : "algebra"}, {"needs", r.needs.to_string()},
                    {"on", r.on},                     {"verdict", rules::recorded_verdict(r)}, {"hash", r.hash}, {"text", r.text}});
  }
  context.print(Json{{"rules", list}}, [&] {
    for (const rules::Rule& r : set.rules()) {
      fmt::print("{:<40} {:<8} {:<3} {:<9} {:<24} {}:{}\n", r.name, r.kind == rules::RuleKind::kFusion ? "fusion" : "algebra", r.on ? "on" : "off",
                 rules::recorded_verdict(r), r.needs.to_string().empty() ? "nothing" : r.needs.to_string(), r.file, r.line);
    }
  });
  return {};
}

// The places of the imported program where a rule matches: the e-nodes of its left side and their types.
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
  rules::TensorEGraph tensors({.freeze = model.ends_with(".onnx"), .explanations = false});
  EGRET_TRY(const auto values, tensors.insert(graph));
  tensors.fold_constants();
  EGRET_TRY(const rules::Licence all, rules::Licence::parse("fast"));
  EGRET_TRY(const rules::CompiledRules compiled, rules::compile(set, all, tensors));
  std::map<egraph::Id, std::string> names;
  for (ValueId v = 0; v < graph.nodes.size(); ++v) names.try_emplace(tensors.graph().find(values[v]), graph.node(v).name);
  Json places = Json::array();
  bool known = false;
  for (size_t i = 0; i < compiled.rewrites.size(); ++i) {
    if (compiled.rule_of[i]->name != name && compiled.rule_of[i]->written != name) continue;
    known = true;
    const egraph::Rewrite& rewrite = compiled.rewrites[i];
    auto emit = [&](const egraph::Match& match) {
      const bool holds = !rewrite.condition || rewrite.condition(tensors.graph(), match);
      egraph::RightSide right;
      const bool planned = holds && rewrite.applier(tensors.graph(), match, right);
      Json place = Json::array();
      for (egraph::Id n : match.nodes) {
        auto it = names.find(tensors.graph().find(n));
        place.push_back({{"op", tensors.op(n).name}, {"value", it == names.end() ? "" : it->second}, {"type", tensors.type(n).to_string()}});
      }
      places.push_back({{"rule", compiled.rule_of[i]->name}, {"nodes", place}, {"applies", planned},
                        {"failed", planned ? "" : holds ? "the right side is ill-typed here" : "its axes or conditions do not fit"}});
      return places.size() < 10'000;
    };
    if (rewrite.searcher) {
      rewrite.searcher(tensors.graph(), emit);
    } else {
      const auto roots = tensors.graph().nodes_with(rewrite.pattern.roots()[0].op);
      rewrite.pattern.search(tensors.graph(), roots, emit);
    }
  }
  if (!known) return input_error("no rule is named " + name, "`egret rules` lists them");
  context.print(Json{{"rules", places}}, [&] {
    for (const Json& p : places) {
      fmt::print("{} {}", p["rule"].get<std::string>(), p["applies"].get<bool>() ? "applies at" : "does not apply at");
      for (const Json& n : p["nodes"]) fmt::print(" {}({})", n["op"].get<std::string>(), n["value"].get<std::string>());
      fmt::print("{}\n", p["applies"].get<bool>() ? "" : ": " + p["failed"].get<std::string>());
    }
    fmt::print("{} places\n", places.size());
  });
  return {};
}

}  // namespace

void add_rules(CLI::App& app, Context& context) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("rules", "list the rules, or the places where one matches");
  c->add_option("files", a->files, "rule files added to the library");
  c->add_flag("--no-library", a->no_library, "leave the library's rules out");
  c->add_option("--match", a->match, "RULE MODEL: where the rule matches the imported program")->expected(2);
  c->add_option("--shape", a->shapes, "sizes of an input that the file leaves open");
  c->callback([a, &context] {
    if (auto status = a->match.empty() ? list_rules(*a, context) : match_rule(*a, context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
