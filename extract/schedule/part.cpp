#include "extract/schedule/part.h"

namespace egret::extract {

Part part_of(const Problem& problem, const MemoryFacts& facts, const std::vector<std::vector<uint32_t>>& starts,
             const std::vector<uint8_t>& usable) {
  Part out;
  std::vector<uint8_t> wanted = usable;
  wanted.resize(problem.candidates.size(), 0);
  for (const auto& start : starts) {
    for (uint32_t c : start) wanted[c] = 1;
  }
  std::vector<uint32_t> item(problem.items, UINT32_MAX), candidate(problem.candidates.size(), UINT32_MAX);
  auto number = [&](uint32_t i) {
    if (item[i] == UINT32_MAX) {
      item[i] = static_cast<uint32_t>(out.item.size());
      out.item.push_back(i);
    }
    return item[i];
  };
  for (uint32_t c = 0; c < problem.candidates.size(); ++c) {
    if (!wanted[c]) continue;
    candidate[c] = static_cast<uint32_t>(out.candidate.size());
    out.candidate.push_back(c);
    Candidate copy;
    copy.cost = problem.candidates[c].cost;
    for (uint32_t i : problem.candidates[c].results) copy.results.push_back(number(i));
    for (uint32_t i : problem.candidates[c].operands) copy.operands.push_back(number(i));
    out.problem.candidates.push_back(std::move(copy));
    out.usable.push_back(c < usable.size() && usable[c]);
    out.facts.view.push_back(facts.view[c]);
    out.facts.in_place.push_back(facts.ask_in_place ? facts.ask_in_place(c) : std::vector<Takeover>());
  }
  for (uint32_t r : problem.roots) out.problem.roots.push_back(number(r));
  for (uint32_t i = 0; i < problem.items; ++i) {
    if (facts.at_start[i] && facts.bytes[i] > 0) number(i);
  }
  out.problem.items = static_cast<uint32_t>(out.item.size());
  for (uint32_t i : out.item) {
    out.facts.bytes.push_back(facts.bytes[i]);
    out.facts.at_start.push_back(facts.at_start[i]);
  }
  out.facts.other_inputs = facts.other_inputs;
  for (const auto& [root, input] : facts.reuse) {
    if (item[root] != UINT32_MAX && item[input] != UINT32_MAX) out.facts.reuse.emplace_back(item[root], item[input]);
  }
  for (const auto& start : starts) {
    out.starts.emplace_back();
    for (uint32_t c : start) out.starts.back().push_back(candidate[c]);
  }
  return out;
}

}  // namespace egret::extract
