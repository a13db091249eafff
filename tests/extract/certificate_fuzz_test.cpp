// Random problems of at most 12 classes (cycles, shared children, repeated roots, several results, costs of zero and
// below) against enumeration: the engines, and certificates, which must hold, reach the optimum and never pass it, also
// when they are altered.  EGRET_FUZZ_CASES sets how many (default: 100,000 problems for all methods together),
// EGRET_FUZZ_SEED the first of their seeds (default: 1).
#include <bit>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

#include "extract/certify/check.h"
#include "extract/solve/exact/core_guided.h"
#include "extract/solve/exact/cut_cases.h"
#include "extract/solve/portfolio/certificate.h"
#include "extract/solve/solve.h"
#include "tests/extract/random.h"

using namespace egret;
using namespace egret::extract;

namespace {

struct Case {
  Problem problem;
  std::string text;                  // the file it stands for
  std::vector<std::string> classes;  // names, of an e-graph
};

double random_cost(Random& random, uint32_t kind) {
  if (random.one_in(5)) return 0;
  return kind == 0   ? 1
         : kind == 1 ? 1 + random.below(9)
         : kind == 2 ? (1 + random.below(2000)) * 0.001
                     : (1 + random.below(99999)) / 7.0;
}

// One result each: an e-graph, in which costs may be negative.
Case random_egraph(Random& random) {
  Case c;
  Problem& p = c.problem;
  p.terms = true;
  p.items = 2 + random.below(11);
  const uint32_t nodes = p.items + random.below(13 - p.items), kind = random.below(4);
  const bool negative = random.one_in(4);
  nlohmann::ordered_json file;
  for (uint32_t k = 0; k < nodes; ++k) {
    Candidate node;
    node.cost = random_cost(random, kind) * (negative && random.one_in(3) ? -1 : 1);
    node.results = {k < p.items ? k : random.below(p.items)};
    const uint32_t below = node.results[0];
    for (uint32_t o = random.below(4); o > 0; --o) {
      const bool anywhere = below == 0 ? random.one_in(6) : random.one_in(3);
      if (anywhere || below > 0) node.operands.push_back(random.below(anywhere ? p.items : below));
    }
    nlohmann::ordered_json entry{{"op", "f"}, {"cost", node.cost}, {"eclass", "c" + std::to_string(below)}};
    entry["children"] = nlohmann::ordered_json::array();
    for (uint32_t o : node.operands) entry["children"].push_back("n" + std::to_string(o));  // node o makes class o
    file["nodes"]["n" + std::to_string(k)] = std::move(entry);
    p.candidates.push_back(std::move(node));
  }
  for (uint32_t r = 1 + random.below(3); r > 0; --r) {
    p.roots.push_back(p.items - 1 - random.below(std::min(p.items, 4u)));
    file["root_eclasses"].push_back("c" + std::to_string(p.roots.back()));
  }
  for (uint32_t i = 0; i < p.items; ++i) c.classes.push_back("c" + std::to_string(i));
  c.text = file.dump();
  return c;
}

// Several results, costs of any sign; the file numbers items as the reader of the solver does, in order of first mention.
Case random_hyper(Random& random) {
  Case c;
  Problem& p = c.problem;
  p.items = 2 + random.below(9);
  const uint32_t n = 3 + random.below(8), kind = random.below(4);
  const bool negative = random.one_in(4);
  nlohmann::json file{{"format", "egret-problem 1"}, {"ops", nlohmann::json::array()}};
  for (uint32_t i = 0; i < p.items; ++i) file["ops"].push_back({{"makes", i}, {"reads", nlohmann::json::array()}});
  for (uint32_t r = 1 + random.below(3); r > 0; --r)
    p.roots.push_back(p.items - 1 - random.below(std::min(p.items, 3u)));
  for (uint32_t k = 0; k < n; ++k) {
    Candidate candidate;
    candidate.cost = random_cost(random, kind) * (negative && random.one_in(3) ? -1 : 1);
    for (uint32_t r = 1 + random.below(3); r > 0; --r) candidate.results.push_back(random.below(p.items));
    const uint32_t top =
        random.one_in(3) ? p.items : *std::min_element(candidate.results.begin(), candidate.results.end());
    for (uint32_t o = random.below(4); o > 0 && top > 0; --o) candidate.operands.push_back(random.below(top));
    file["candidates"].push_back(
        {{"cost", candidate.cost}, {"makes", candidate.results}, {"reads", candidate.operands}});
    p.candidates.push_back(std::move(candidate));
  }
  // The goals come first in the file, and so in the numbering.
  std::vector<uint32_t> order;
  for (uint32_t r : p.roots) {
    if (std::find(order.begin(), order.end(), r) == order.end()) order.push_back(r);
  }
  for (uint32_t i = 0; i < p.items; ++i) {
    if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
  }
  std::vector<uint32_t> number(p.items);
  for (uint32_t i = 0; i < p.items; ++i) number[order[i]] = i;
  file["goals"] = p.roots;
  for (uint32_t& r : p.roots) r = number[r];
  for (Candidate& candidate : p.candidates) {
    for (uint32_t& i : candidate.results) i = number[i];
    for (uint32_t& i : candidate.operands) i = number[i];
  }
  c.text = file.dump();
  return c;
}

// The least cost over all sets of candidates, of which at most 12 are there.
std::optional<double> enumerate(const Problem& p) {
  const auto n = static_cast<uint32_t>(p.candidates.size());
  std::vector<uint32_t> makes(n, 0), reads(n, 0);
  uint32_t roots = 0;
  for (uint32_t k = 0; k < n; ++k) {
    for (uint32_t i : p.candidates[k].results) makes[k] |= 1u << i;
    for (uint32_t i : p.candidates[k].operands) reads[k] |= 1u << i;
  }
  for (uint32_t r : p.roots) roots |= 1u << r;
  std::optional<double> best;
  for (uint32_t set = 0; set < (1u << n); ++set) {
    double cost = 0;
    uint32_t all = 0, wanted = roots;
    bool twice = false;
    for (uint32_t left = set; left; left &= left - 1) {
      const auto k = static_cast<uint32_t>(std::countr_zero(left));
      cost += p.candidates[k].cost;
      twice |= (all & makes[k]) != 0;
      all |= makes[k];
      wanted |= reads[k];
    }
    if ((wanted & ~all) || (p.terms && (twice || (all & ~wanted))) || (best && cost >= *best)) continue;
    uint32_t made = 0, left = set;
    for (bool again = true; again && left;) {
      again = false;
      for (uint32_t rest = left; rest; rest &= rest - 1) {
        const auto k = static_cast<uint32_t>(std::countr_zero(rest));
        if (reads[k] & ~made) continue;
        made |= makes[k];
        left &= ~(1u << k);
        again = true;
      }
    }
    if (left == 0) best = cost;
  }
  return best;
}

// Costs below zero may add up to nothing: their sizes are what rounding is relative to.
bool close(double a, double b, double size = 1) {
  return std::abs(a - b) <= 1e-9 * std::max({size, std::abs(a), std::abs(b)});
}

double size_of(const Problem& p) {
  double size = 1;
  for (const Candidate& c : p.candidates) size += std::abs(c.cost);
  return size;
}

// Core-guided search alone, without a bound to start from.
void check_core_guided(const Problem& p, double best) {
  const auto graph = make_hypergraph(p);
  REQUIRE(graph.ok());
  if (!CoreGuided::takes(*graph) || graph->roots.empty()) return;
  CoreGuided engine(*graph, /*proof=*/false);
  const Limits limits;
  const Stopwatch clock;
  Shared shared;
  shared.fixed.assign(graph->size(), Fixed::kOpen);
  Step step;
  for (int slice = 0; slice < 1000 && step.outcome == Outcome::kSpent; ++slice) {
    step = engine.advance(shared, 20'000, {&limits, &clock, nullptr});
    if (!step.found.solution.empty()) shared.incumbent = step.found;
  }
  REQUIRE(step.outcome == Outcome::kProved);
  REQUIRE(close(step.found.lower, best));
  REQUIRE(close(shared.incumbent.upper, best));
  std::vector<uint32_t> chosen;
  for (uint32_t k : shared.incumbent.solution) chosen.push_back(graph->original[k]);
  Solution solution;
  solution.chosen = chosen;
  solution.cost = shared.incumbent.upper;
  REQUIRE(check_solution(p, solution).ok());
}

// A copy of one record or of a run of them comes in somewhere else, or they go.
void alter_records(std::string& proof, Random& random) {
  std::vector<std::string> lines;
  for (size_t at = 0, end = 0; at < proof.size(); at = end + 1) {
    end = std::min(proof.find('\n', at), proof.size());
    lines.push_back(proof.substr(at, end - at));
  }
  const auto place = [&] { return static_cast<std::ptrdiff_t>(random.below(static_cast<uint32_t>(lines.size()))); };
  const auto from = place();
  const auto count = random.one_in(2) ? 1 : std::min<std::ptrdiff_t>(1 + place(), std::ssize(lines) - from);
  const std::vector<std::string> run(lines.begin() + from, lines.begin() + from + count);
  if (random.one_in(2)) lines.erase(lines.begin() + from, lines.begin() + from + count);
  if (!random.one_in(4) && !lines.empty()) lines.insert(lines.begin() + place() + random.one_in(2), run.begin(), run.end());
  proof.clear();
  for (const std::string& line : lines) proof += line + "\n";
}

// Changes one number of the records, by a little or to another number that stands there, or the records' order.
std::string altered(const std::string& certificate, Random& random) {
  auto json = nlohmann::json::parse(certificate);
  std::string proof = json["proof"];
  std::vector<std::pair<size_t, size_t>> numbers;
  for (size_t p = 0; p < proof.size(); ++p) {
    if (proof[p] != ' ') continue;
    const size_t end = proof.find_first_of(" \n", p + 1);
    numbers.emplace_back(p + 1, end - p - 1);
  }
  if (numbers.empty()) return certificate;
  if (random.one_in(3)) {
    alter_records(proof, random);
    json["proof"] = proof;
    json["bound"] = -1e9;  // any bound will do: what is proved must be true
    return json.dump();
  }
  const auto [at, size] = numbers[random.below(static_cast<uint32_t>(numbers.size()))];
  const double old = std::stod(proof.substr(at, size));
  const auto [other, other_size] = numbers[random.below(static_cast<uint32_t>(numbers.size()))];
  const int change = static_cast<int>(random.below(3));
  const std::string fresh = change == 0   ? proof.substr(other, other_size)
                            : change == 1 ? std::to_string(static_cast<int>(old) + (random.one_in(2) ? 1 : -1))
                                          : std::to_string(-static_cast<int>(old));
  proof.replace(at, size, fresh);
  json["proof"] = proof;
  if (random.one_in(3)) json["bound"] = json["bound"].get<double>() + 0.001;
  return json.dump();
}

// What is proved after an alteration is still true.
void check_alterations(const Case& c, const std::string& certificate, double best, Random& random, size_t& refused) {
  for (int a = 0; a < 4; ++a) {
    const std::string text = altered(certificate, random);
    if (nlohmann::json::parse(text) == nlohmann::json::parse(certificate)) continue;
    REQUIRE_FALSE(certify::check_certificate(text, c.text).ok());
    const auto verdict = certify::check_certificate(text, c.text, /*ignore_digest=*/true);
    if (!verdict.ok()) ++refused;
    if (verdict.ok()) REQUIRE(verdict->bound <= best + 1e-12 * std::abs(best));
  }
}

// A branch tree over cuts alone, without reductions, cores or dual ascent, proves the optimum and no more.
void check_cases(const Case& c, double best) {
  const auto highs = Highs::open();
  if (!highs) return;
  const auto graph = make_hypergraph(c.problem);
  REQUIRE(graph.ok());
  const Limits limits;
  const Stopwatch clock;
  const Interrupt interrupt{&limits, &clock, nullptr};
  CutProgram program(*graph, *highs, best);
  const auto verdict = [&](double claim, const std::string& records) {
    std::string proof = fmt::format("U\np {}\nk", claim);
    for (uint32_t k : graph->original) proof += fmt::format(" {}", k);
    proof += "\ni";
    for (uint32_t i = 0; i < graph->items; ++i) proof += fmt::format(" {}", i);
    const nlohmann::json json = {{"format", "egret-certificate 1"}, {"candidates", c.problem.candidates.size()},
                                 {"items", c.problem.items}, {"bound", claim}, {"proof", proof + "\n" + records + ".\n"}};
    return certify::check_certificate(json.dump(), c.text, /*ignore_digest=*/true);
  };
  const double claim = best * (1 - 1e-9);
  Cases cases(*graph, program, best * (1 - 5e-10));
  REQUIRE(cases.prove(UINT64_MAX / 2, interrupt));
  const auto proved = verdict(claim, cases.records());
  if (!proved.ok()) FAIL(proved.error().message << "\n" << c.text << "\n" << cases.records());
  REQUIRE_FALSE(verdict(best + 1e-6, cases.records()).ok());
  Cases more(*graph, program, best + 1);
  REQUIRE_FALSE(more.prove(UINT64_MAX / 2, interrupt));
  REQUIRE(more.found() >= best - 1e-9 * best);  // the first choice that is cheaper than asked for
  REQUIRE(more.found() < best + 1);
}

}  // namespace

// A part's claim is about the costs that stood when it was cut: what is paid after that would count twice.
TEST_CASE("a reduction after a part is refused", "[extract]") {
  const std::string problem = R"({"format": "egret-problem 1", "goals": [0],
    "candidates": [{"makes": [0], "reads": [], "cost": 5}]})";
  const auto verdict = [&](const std::string& proof, double bound) {
    const nlohmann::json json = {{"format", "egret-certificate 1"}, {"candidates", 1}, {"items", 1},
                                 {"bound", bound}, {"proof", proof}};
    return certify::check_certificate(json.dump(), problem, /*ignore_digest=*/true);
  };
  const std::string part = "k 0\ni 0\nu 2 0\nf\n.\n";
  REQUIRE(verdict("P 3 0\np 2\n" + part, 5).ok());
  REQUIRE_FALSE(verdict("P 3 0\np 2\n" + part, 5.001).ok());
  const auto twice = verdict("p 2\n" + part + "P 5 0\n", 7);
  REQUIRE_FALSE(twice.ok());
  REQUIRE(twice.error().message.find("after a part") != std::string::npos);
}

TEST_CASE("random problems: engines and certificates agree with enumeration", "[extract]") {
  const char* wanted = std::getenv("EGRET_FUZZ_CASES");
  const uint64_t cases = wanted ? std::strtoull(wanted, nullptr, 10) : 100'000;
  const char* from = std::getenv("EGRET_FUZZ_SEED");
  const uint64_t first = from ? std::strtoull(from, nullptr, 10) : 1;
  size_t feasible = 0, negative = 0, certified = 0, refused = 0, exact = 0;
  for (uint64_t seed = first; seed < first + cases; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Case c = random.one_in(3) ? random_hyper(random) : random_egraph(random);
    const auto best = enumerate(c.problem);
    if (!best) {
      REQUIRE_FALSE(make_hypergraph(c.problem).ok());
      continue;
    }
    ++feasible;
    const bool below_zero = std::any_of(c.problem.candidates.begin(), c.problem.candidates.end(),
                                        [](const Candidate& k) { return k.cost < 0; });
    negative += below_zero;
    if (c.problem.terms || !below_zero) check_core_guided(c.problem, *best);
    if (seed % (below_zero ? 40 : 4) == 0) {
      const auto found = solve_portfolio(c.problem);
      REQUIRE(found.ok());
      REQUIRE(found->optimal);
      REQUIRE(close(found->cost, *best));
    }
    if (!below_zero && seed % 4 == 1) {
      const auto greedy = solve_greedy(c.problem);
      REQUIRE(greedy.ok());
      REQUIRE(check_solution(c.problem, *greedy).ok());
      REQUIRE(greedy->cost >= *best - 1e-9 * std::abs(*best));
    }
    if (!below_zero && *best > 0 && seed % 32 == 5) check_cases(c, *best);
    if (!below_zero && seed % 100 == 2) {
      SolveOptions alone;
      alone.engines = Engines::kHighs;
      const auto answer = solve_portfolio(c.problem, alone);
      if (!answer.ok() && answer.error().code == ErrorCode::kUnsupported) continue;
      REQUIRE(answer.ok());
      REQUIRE(close(answer->cost, *best));
      ++exact;
    }
    if (seed % 4 != 3) continue;
    // With the cost known, or not.
    const auto proof = prove_bound(c.problem, random.one_in(2) ? *best : std::numeric_limits<double>::infinity(), {});
    REQUIRE(proof.ok());
    const std::string certificate = certificate_text(c.problem, c.classes, *proof);
    const auto verdict = certify::check_certificate(certificate, c.text);
    if (!verdict.ok()) FAIL(verdict.error().message << "\n" << c.text << "\n" << certificate);
    REQUIRE(verdict->bound <= *best + 1e-12 * std::abs(*best));
    if (!close(verdict->bound, *best, below_zero ? size_of(c.problem) : 1))
      FAIL(verdict->bound << " of " << *best << "\n" << c.text << "\n" << certificate);
    ++certified;
    if (seed % 16 == 3) check_alterations(c, certificate, *best, random, refused);
  }
  CHECK(feasible > cases / 3);
  CHECK(negative > cases / 50);
  CHECK(certified > cases / 20);
  WARN(feasible << " feasible of " << cases << " (" << negative << " with costs below zero), " << certified
                << " certificates, " << refused << " altered ones refused without the digest, " << exact
                << " by HiGHS alone");
}
