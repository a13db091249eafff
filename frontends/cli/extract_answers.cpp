#include "frontends/cli/extract_answers.h"

#include <fmt/format.h>

#include "extract/solve/answers/answers.h"
#include "extract/solve/files/egraph_json.h"
#include "extract/solve/files/json_file.h"
#include "extract/solve/files/problem_json.h"
#include "support/files.h"

namespace egret::cli {
namespace {

using extract::Solution;

constexpr uint64_t kMaxFile = uint64_t{2} << 30;  // bytes, unpacked

// What a file says of each candidate: {node: value} (null where a node is missing), or a list of all.
Result<std::vector<Json>> values_of(const std::string& path, const ExtractInput& input) {
  EGRET_TRY(const std::string text, extract::read_packed(path, kMaxFile));
  EGRET_TRY(const nlohmann::json root, extract::parse_json(text, path));
  const SourceSpan where{path, 0, 0, {}};
  const size_t count = input.problem.candidates.size();
  std::vector<Json> out(count);
  if (!input.egraph) {
    if (!root.is_array() || root.size() != count) {
      return input_error(fmt::format("expected a list of {} values, one for each candidate", count), "a JSON list, in the order of the problem", where);
    }
    for (size_t k = 0; k < count; ++k) out[k] = root[k];
    return out;
  }
  if (!root.is_object()) return input_error("expected an object {node: value}", "its keys are ids of the e-graph's `nodes`", where);
  std::unordered_map<std::string, size_t> numbers;
  for (size_t k = 0; k < count; ++k) numbers.emplace(input.node_names[k], k);
  for (const auto& [name, value] : root.items()) {
    const auto found = numbers.find(name);
    if (found == numbers.end()) return input_error("node " + name + " is not of the e-graph", "subsumed nodes are none", where);
    out[found->second] = value;
  }
  return out;
}

Result<std::vector<double>> second_costs(const std::string& path, const ExtractInput& input) {
  EGRET_TRY(const auto values, values_of(path, input));
  std::vector<double> out;
  for (size_t k = 0; k < values.size(); ++k) {
    const SourceSpan where{path, 0, 0, input.candidate_name(k)};
    if (!values[k].is_null() && !values[k].is_number()) return input_error("its second cost is no number", "nodes left out cost nothing", where);
    out.push_back(values[k].is_null() ? 0 : values[k].get<double>());
    if (out.back() < 0) return input_error(fmt::format("its second cost is {}: a front needs costs that are not below zero", out.back()), "", where);
  }
  return out;
}

// Sets the costs to the least; the answer is how much more each may cost.
Result<std::vector<double>> intervals(const std::string& path, const ExtractInput& input, extract::Problem& problem) {
  EGRET_TRY(const auto values, values_of(path, input));
  std::vector<double> spread(values.size(), 0);
  for (size_t k = 0; k < values.size(); ++k) {
    const Json& pair = values[k];
    if (pair.is_null()) continue;
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number() || pair[0] > pair[1]) {
      return input_error("its interval is not [least, greatest]", "nodes left out cost what the e-graph says", {path, 0, 0, input.candidate_name(k)});
    }
    problem.candidates[k].cost = pair[0].get<double>();
    spread[k] = pair[1].get<double>() - pair[0].get<double>();
  }
  EGRET_TRY_VOID(validate(problem));
  return spread;
}

// Several answers, and fronts, are of costs that are not below zero.
Status check_costs(const ExtractInput& input, const std::string& file) {
  for (size_t k = 0; k < input.problem.candidates.size(); ++k) {
    const double cost = input.problem.candidates[k].cost;
    if (cost >= 0) continue;
    return input_error(fmt::format("it costs {}: --top and --pareto need costs that are not below zero", cost), "leave them out for the one best answer",
                       {file, 0, 0, input.candidate_name(k)});
  }
  return {};
}

Json choice_of(const ExtractInput& input, const Solution& answer) {
  if (!input.egraph) return answer.chosen;
  Json choices = Json::object();
  for (uint32_t k : answer.chosen) choices[input.class_names[input.problem.candidates[k].results[0]]] = input.node_names[k];
  return choices;
}

Json entry(const ExtractInput& input, const Solution& answer) {
  return Json{{"cost", answer.cost}, {"bound", finite(answer.bound)}, {"optimal", answer.optimal}, {"choice", choice_of(input, answer)}};
}

}  // namespace

std::string ExtractInput::item_name(uint32_t item) const {
  return egraph ? "class " + class_names[item] : "item " + item_names[item];
}
std::string ExtractInput::candidate_name(size_t k) const { return egraph ? "node " + node_names[k] : fmt::format("candidate {}", k); }

Result<ExtractInput> read_extract_input(const std::string& path) {
  EGRET_TRY(const std::string text, extract::read_packed(path, kMaxFile));
  if (extract::looks_like_egraph(text)) {
    EGRET_TRY(auto file, extract::parse_egraph(text, path));
    return ExtractInput{std::move(file.problem), true, std::move(file.node_names), std::move(file.class_names), {}};
  }
  auto file = extract::parse_problem(text);
  if (file.ok()) return ExtractInput{std::move(file->problem), false, {}, {}, std::move(file->items)};
  Error error = file.take_error();
  if (error.hint.empty()) error.hint = "expected an e-graph (`nodes`, `root_eclasses`) or an `egret-problem 1`";
  error.where.file = path;
  return error;
}

std::string solution_text(const ExtractInput& input, const Solution& answer, double tree, bool by_tree) {
  Json out;
  if (!input.egraph) {
    out["choice"] = answer.chosen;
    return out.dump() + "\n";
  }
  out["choices"] = choice_of(input, answer);
  if (!by_tree) {
    out["dag"] = answer.cost;
    if (std::isfinite(tree)) out["tree"] = tree;
    if (std::isfinite(answer.bound)) out["lower_bound"] = answer.bound;
    out["status"] = answer.optimal ? "optimal" : "stopped";
  }
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status several_answers(const AnswersRequest& request, const std::string& file, const ExtractInput& input,
                       const extract::SolveOptions& options, const std::string& solution_file, Context& context) {
  if ((request.top > 0) + !request.pareto.empty() + !request.intervals.empty() > 1) {
    return input_error("--top, --pareto and --intervals exclude each other", "ask for one of them");
  }
  if (request.intervals.empty()) EGRET_TRY_VOID(check_costs(input, file));
  const Stopwatch clock;
  std::vector<Solution> answers;
  Json object{{"method", request.top > 0 ? "top" : request.pareto.empty() ? "robust" : "pareto"}}, list = Json::array();
  if (request.top > 0) {
    EGRET_TRY(auto found, extract::solve_top(input.problem, request.top, request.distance, options));
    answers = std::move(found.solutions);
    for (const Solution& answer : answers) list.push_back(entry(input, answer));
    object["complete"] = found.complete;
  } else if (!request.pareto.empty()) {
    EGRET_TRY(const auto second, second_costs(request.pareto, input));
    EGRET_TRY(auto front, extract::solve_pareto(input.problem, second, options));
    for (extract::FrontPoint& point : front.points) {
      list.push_back(entry(input, point.solution));
      list.back()["second"] = point.second;
      answers.push_back(std::move(point.solution));
    }
    object["complete"] = front.complete;
  } else {
    extract::Problem problem = input.problem;
    EGRET_TRY(const auto spread, intervals(request.intervals, input, problem));
    EGRET_TRY(const Solution answer, extract::solve_robust(problem, spread, request.uncertain, options));
    list.push_back(entry(input, answer));
    answers.push_back(answer);
  }
  if (answers.empty()) return limit_error("extraction: no solution within its limits", "raise --time-limit");
  Solution first = answers[0];
  if (request.intervals.empty()) EGRET_TRY_VOID(check_solution(input.problem, first));
  if (!solution_file.empty()) {
    EGRET_TRY_VOID(write_file(solution_file, solution_text(input, first, std::nan(""), !request.intervals.empty())));
  }
  object.update({{"tree_cost", input.egraph ? finite(extract::tree_cost(input.problem, first.chosen)) : Json(nullptr)},
                 {"dag_cost", first.cost}, {"bound", finite(first.bound)}, {"optimal", first.optimal}, {"certified", false},
                 {"seconds", clock.seconds()}, {"answers", list}});
  context.print(object, [&] {
    for (size_t n = 0; n < list.size(); ++n) {
      fmt::print("{}: cost {}{} ({})\n", n + 1, answers[n].cost,
                 list[n].contains("second") ? fmt::format(", second cost {}", list[n]["second"].get<double>()) : "",
                 answers[n].optimal ? "proved" : "not proved");
    }
  });
  return {};
}

}  // namespace egret::cli
