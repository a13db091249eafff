#include "extract/certify/part.h"

#include <algorithm>

namespace egret::certify {

bool Part::negative() const {
  return std::any_of(cost.begin(), cost.end(), [](const Exact& c) { return c.negative(); });
}

bool Part::one_maker(uint32_t item) const {
  return std::all_of(makers[item].begin(), makers[item].end(), [&](uint32_t k) { return makes[k].size() == 1; });
}

bool Part::closes(const Exact& bound) const {
  if (bound >= Exact(claim)) return true;
  return grain > 0 && bound > Exact(claim) - Exact(grain);
}

}  // namespace egret::certify
