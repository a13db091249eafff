// What a body does: operations and bytes, counted once for a plan, whatever the device.
#pragma once

#include <map>
#include <vector>

#include "ir/kernel.h"

namespace egret {

struct PortTraffic {
  double elements = 0;   // of the port that are read at least once
  double reads = 0;      // elements read from memory if nothing is cached between passes
  double element_bytes = 0;
};

struct BodyCount {
  std::map<DType, double> contraction;  // operations by accumulator dtype; a multiply-add is two
  std::map<DType, double> scalar;       // everything else
  std::vector<PortTraffic> ports;       // the body's inputs
  double bytes_written = 0;
};

BodyCount count(const Kernel& kernel);

// Scalar operations to compute one element of an operator's result, and how many elements of each operand that reads.
struct OperatorCount {
  double operations = 0;        // a fold's combining operations included
  std::vector<double> reads;
  bool contraction = false;
};
OperatorCount count_operator(const OpDef& op, const Attrs& attrs, std::span<const Type> operands);

}  // namespace egret
