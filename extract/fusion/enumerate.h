// Enumeration of bodies with one result, a list a class.
#pragma once

#include <vector>

#include "extract/fusion/fusion.h"

namespace egret::extract {

struct Enumeration {
  std::vector<Id> classes;                // needed for the roots and makeable, in order of depth
  std::vector<uint8_t> known;             // by class: is it among them?
  std::vector<std::vector<Body>> bodies;  // by class; by flow, cheapest first
  std::vector<double> flow;               // by class: seconds to make it, shared among its readers
  bool limit_reached = false;
};

Enumeration enumerate(const FusionGraph& graph, BodyTable& table, const std::vector<Id>& roots, const FusionOptions& options);

}  // namespace egret::extract
