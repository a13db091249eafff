#include "extract/solve/portfolio/certificate.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "extract/solve/bound/price_certificate.h"
#include "support/hash.h"

namespace egret::extract {
namespace {

using Json = nlohmann::json;

// A cut around root r is what alpha and a loop give together: r is made once at least, and not without something that
// leads into the loop.
void add_prices(const Problem& problem, const std::vector<std::string>& names, Json& out) {
  out["alpha"] = Json::object();
  out["beta"] = Json::array();
  out["loops"] = Json::array();
  const auto prices = price_certificate(problem);
  if (!prices.ok()) return;  // costs below zero: the proof alone
  for (const auto& [root, price] : prices->roots) out["alpha"][names[root]] = price;
  for (const auto& [cls, child, price] : prices->edges) out["beta"].push_back({names[cls], names[child], price});
  for (const Cut& cut : prices->loops) {
    Json classes = Json::array();
    for (uint32_t i : cut.items) classes.push_back(names[i]);
    out["loops"].push_back({{"classes", std::move(classes)}, {"root", names[cut.root]}, {"gamma", cut.price}});
  }
}

}  // namespace

std::string certificate_text(const Problem& problem, const std::vector<std::string>& class_names, const Proof& proof) {
  const auto earns = [&](const Candidate& c) { return c.cost < 0 && !problem.terms; };
  const auto earners = std::count_if(problem.candidates.begin(), problem.candidates.end(), earns);  // each adds a candidate and an item
  Json out;
  out["format"] = "egret-certificate 1";
  out["candidates"] = std::ssize(problem.candidates) + earners;
  out["items"] = problem.items + earners;
  out["bound"] = proof.bound;
  if (!class_names.empty()) add_prices(problem, class_names, out);
  out["proof"] = proof.records;
  out["digest"] = digest(out.dump(-1, ' ', false, Json::error_handler_t::replace));
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace egret::extract
