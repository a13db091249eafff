#include "rules/verify/verify.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "ir/evaluate.h"
#include "rules/verify/z3_module.h"
#include "support/module.h"

namespace egret::rules {

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kProved: return "proved";
    case Verdict::kRefuted: return "refuted";
    case Verdict::kUnproved: return "unproved";
  }
  return "?";
}

namespace {

using Theory = EqualityQuery::Theory;

bool needs_word(const Rule& rule, std::string_view word) {
  return std::find(rule.needs.words.begin(), rule.needs.words.end(), word) != rule.needs.words.end();
}

// Rounding may move: then the rule is about real numbers.
bool over_reals(const Rule& rule) {
  for (const char* word : {"field", "reassoc", "contract", "cancel", "range", "afn", "arcp"}) {
    if (needs_word(rule, word)) return true;
  }
  return false;
}

bool only_maps(const Graph& graph) {
  return std::all_of(graph.nodes.begin(), graph.nodes.end(), [](const GraphNode& n) {
    return n.op->op_class == OpClass::kMap || n.op->op_class == OpClass::kInput;
  });
}

// Inputs that give the model's values; elements the model leaves open are zero.
std::vector<Tensor> inputs_of(const Graph& graph, const std::map<uint32_t, double>& model) {
  std::vector<Tensor> inputs;
  uint32_t next = 0;
  for (const GraphInput& input : graph.inputs) {
    Tensor t(graph.type(input.value));
    for (int64_t i = 0; i < t.size(); ++i, ++next) {
      auto it = model.find(next);
      if (it == model.end()) continue;
      if (is_float(t.dtype())) {
        t.set(i, it->second);
      } else {
        t.set_int(i, static_cast<int64_t>(it->second));
      }
    }
    inputs.push_back(std::move(t));
  }
  return inputs;
}

std::string show(const Tensor& t) {
  std::string out = t.type().to_string() + " [";
  for (int64_t i = 0; i < std::min<int64_t>(t.size(), 12); ++i) out += fmt::format("{}{}", i ? ", " : "", t.get(i));
  return out + (t.size() > 12 ? ", ...]" : "]");
}

// What differs when both sides are evaluated at the model's values; empty where nothing does.
std::string replay_counterexample(const RuleInstance& instance, const EqualityAnswer& answer, Theory theory) {
  const auto inputs = inputs_of(instance.left, answer.model);
  const Scalar scalar = theory == Theory::kReal ? Scalar::kDouble : Scalar::kNative;
  auto left = evaluate_reference(instance.left, inputs, scalar), right = evaluate_reference(instance.right, inputs, scalar);
  if (!left.ok() || !right.ok()) return {};
  for (size_t o = 0; o < left->size(); ++o) {
    const Tensor &a = (*left)[o], &b = (*right)[o];
    for (int64_t i = 0; i < a.size(); ++i) {
      const double x = a.get(i), y = b.get(i);
      if (x == y ? std::signbit(x) == std::signbit(y) || theory == Theory::kReal : std::isnan(x) && std::isnan(y)) continue;
      if (std::abs(x - y) <= 1e-9 * std::max({1.0, std::abs(x), std::abs(y)})) {
        if (theory == Theory::kReal || x != y) continue;
      }
      std::string out = fmt::format("{}; element {}: left {}, right {};", instance.where, i, x, y);
      for (size_t k = 0; k < inputs.size(); ++k) {
        out += fmt::format(" {} = {}", instance.left.node(instance.left.inputs[k].value).name, show(inputs[k]));
      }
      return out;
    }
  }
  return {};
}

class RuleVerifier {
 public:
  RuleVerifier(DecideEquality decide, const VerifyOptions& options) : decide_(decide), options_(options) {}

  Verification verify(const std::vector<const Rule*>& expansions) {
    Stopwatch watch;
    Verification out;
    out.name = expansions[0]->written;
    out.kind = expansions[0]->kind;
    out.on = expansions[0]->on;
    out.numerics = expansions[0]->needs.to_string();
    out.ranks = "any";
    out.any_size = true;
    if (out.kind == RuleKind::kFusion) {
      // A kernel's meaning is its body with the ports' terms put in: absorbing changes no term (design decision 6).
      out.verdict = Verdict::kProved;
      return out;
    }
    out.verdict = Verdict::kProved;
    size_t assignments = 0;
    for (const Rule* rule : expansions) {
      for (const Assignment& a : small_assignments(*rule, options_.assignments)) {
        if (watch.seconds() > options_.timeout) {
          give_up(out, "the time limit came first");
          break;
        }
        ++assignments;
        std::string reason;
        auto instance = rules::instance(*rule, a, &reason);
        if (!instance.ok()) {
          give_up(out, instance.error().message);
          break;
        }
        if (*instance) check(*rule, **instance, watch, out);
        if (out.verdict != Verdict::kProved) break;
      }
      if (out.verdict != Verdict::kProved) break;
    }
    if (out.verdict == Verdict::kProved && out.instances == 0) give_up(out, "no small instance satisfies its conditions");
    if (!out.any_size) out.ranks = fmt::format("{} small assignments", out.instances);
    out.seconds = watch.seconds();
    return out;
  }

 private:
  static void give_up(Verification& out, std::string reason) {
    out.verdict = Verdict::kUnproved;
    out.reason = std::move(reason);
  }

  void check(const Rule& rule, const RuleInstance& instance, const Stopwatch& watch, Verification& out) {
    const bool maps = only_maps(instance.left) && only_maps(instance.right);
    if (!maps) out.any_size = false;
    if (maps) {
      // One element of each combination of dtypes and attributes stands for all.
      std::string kinds = rule.name;
      for (const GraphNode& n : instance.left.nodes) kinds += fmt::format(" {}", n.type.is_tensor() ? egret::name(n.type.dtype) : "");
      for (const auto& [key, value] : instance.assignment.values) kinds += fmt::format(" {}={}", key, egret::to_string(value));
      if (instance.left.type(instance.left.outputs[0].value).elements_count() > 0 && !seen_.insert(kinds).second) return;
    }
    Formulas formulas;
    auto left = expand(instance.left, 0, formulas), right = expand(instance.right, 0, formulas);
    if (!left.ok()) return give_up(out, left.error().message);
    if (!right.ok()) return give_up(out, right.error().message);
    std::vector<std::pair<FormulaId, FormulaId>> pairs;
    for (size_t o = 0; o < left->size(); ++o) {
      if ((*left)[o].size() != (*right)[o].size()) return give_up(out, "the sides have different sizes: " + instance.where);
      for (size_t i = 0; i < (*left)[o].size(); ++i) pairs.push_back({(*left)[o][i], (*right)[o][i]});
    }
    if (maps && !pairs.empty()) pairs.resize(1);
    EqualityQuery query;
    query.formulas = &formulas;
    query.pairs = &pairs;
    query.ignore_nan = needs_word(rule, "nnan");
    query.ignore_infinity = needs_word(rule, "ninf");
    query.ignore_sign_of_zero = needs_word(rule, "nsz");
    EqualityAnswer answer;
    for (Theory theory : theories(rule)) {
      query.theory = theory;
      query.timeout_ms = static_cast<unsigned>(std::max(0.05, options_.timeout - watch.seconds()) * 1000);
      answer = {};
      decide_(&query, &answer);
      if (answer.kind == EqualityAnswer::Kind::kEqual) {
        if (!answer.vacuous) ++out.instances;
        return;
      }
    }
    if (answer.kind == EqualityAnswer::Kind::kDifferent) {
      out.counterexample = replay_counterexample(instance, answer, query.theory);
      if (!out.counterexample.empty()) {
        out.verdict = Verdict::kRefuted;
        return;
      }
      return give_up(out, "a model that does not replay: " + instance.where);
    }
    give_up(out, answer.reason + ": " + instance.where);
  }

  static std::vector<Theory> theories(const Rule& rule) {
    if (over_reals(rule)) return {Theory::kReal};
    return {Theory::kUninterpreted, Theory::kFloat};
  }

  DecideEquality decide_;
  const VerifyOptions& options_;
  std::set<std::string> seen_;
};

}  // namespace

Result<std::vector<Verification>> verify(const RuleSet& rules, const VerifyOptions& options) {
  EGRET_TRY(void* symbol, open_module_symbol("egret_z3", "egret_z3_decide"));
  const auto decide = reinterpret_cast<DecideEquality>(symbol);
  std::vector<std::vector<const Rule*>> written;
  std::map<std::string, size_t> number;
  for (const Rule& rule : rules.rules()) {
    if (!options.only.empty() && rule.written != options.only && rule.name != options.only) continue;
    auto [it, fresh] = number.try_emplace(rule.written, written.size());
    if (fresh) written.emplace_back();
    // The other direction of `<=>` is the same equation.
    if (!rule.name.ends_with("/rev") || written[it->second].empty()) written[it->second].push_back(&rule);
  }
  if (written.empty() && !options.only.empty()) return input_error("no rule is named " + options.only, "`egret rules` lists them");
  std::vector<Verification> out(written.size());
  tbb::task_arena arena(std::max(1, options.threads));
  arena.execute([&] {
    tbb::parallel_for(tbb::blocked_range<size_t>(0, written.size(), 1), [&](const auto& range) {
      for (size_t i = range.begin(); i != range.end(); ++i) out[i] = RuleVerifier(decide, options).verify(written[i]);
    }, tbb::simple_partitioner());
  });
  return out;
}

}  // namespace egret::rules
