#include "egraph/plan/plan_trie.h"

#include <algorithm>

namespace egret::egraph {

uint32_t PlanTrie::child(uint32_t parent, Step step, double expected) {
  std::vector<Branch>& branches = nodes_[parent].branches;
  const auto leads = [&](const Branch& branch) {
    return branch.source == step.source && branch.class_known == step.class_known() &&
           (!branch.class_known || branch.class_place == step.class_place) && branch.bound == step.bound;
  };
  auto branch = std::find_if(branches.begin(), branches.end(), leads);
  if (branch == branches.end()) {
    branches.push_back({step.source, step.class_known(), step.class_place, step.bound, 0, {}});
    branch = branches.end() - 1;
  }
  branch->expected = std::max(branch->expected, expected);
  const uint32_t number = static_cast<uint32_t>(nodes_.size());
  for (auto at = branch->first(step.head); at != branch->steps.end() && at->first == step.head; ++at) {
    if (nodes_[at->second].step == step) return at->second;
  }
  const std::pair<uint32_t, uint32_t> entry(step.head, number);
  branch->steps.insert(std::upper_bound(branch->steps.begin(), branch->steps.end(), entry), entry);
  nodes_.push_back({std::move(step), {}, {}});
  return number;
}

void PlanTrie::add(Plan plan, uint32_t rule) {
  classes_ = std::max(classes_, plan.classes);
  attrs_ = std::max(attrs_, plan.attrs);
  depth_ = std::max(depth_, static_cast<uint32_t>(plan.steps.size()));
  // A class that this plan does not ask for another may: steps that bind it are shared.
  for (Step& step : plan.steps) {
    if (step.class_act == Step::Act::kNothing) step.class_act = Step::Act::kBind;
  }
  const auto known = std::find_if(starts_.begin(), starts_.end(), [&](uint32_t s) { return nodes_[s].step == plan.steps[0]; });
  uint32_t at = static_cast<uint32_t>(nodes_.size());
  if (known != starts_.end()) {
    at = *known;
  } else {
    starts_.push_back(at);
    nodes_.push_back({plan.steps[0], {}, {}});
  }
  for (size_t i = 1; i < plan.steps.size(); ++i) at = child(at, plan.steps[i], plan.expected[i]);
  nodes_[at].outputs.push_back({rule, std::move(plan.atoms)});
}

}  // namespace egret::egraph
