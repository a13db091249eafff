// Enumeration of bodies with one result, a list a class.
#pragma once

#include <map>
#include <vector>

#include "extract/fusion/fusion.h"

namespace egret::extract {

struct Enumeration {
  std::vector<Id> classes;                 // needed for the roots, in order of depth
  std::map<Id, std::vector<Body>> bodies;  // by flow, cheapest first
  std::map<Id, double> flow;               // seconds to make a class, shared among its readers
  bool limit_reached = false;
};

Enumeration enumerate(const FusionGraph& graph, const std::vector<Id>& roots, const Device& device,
                      const FusionOptions& options);

}  // namespace egret::extract
