// Seeded inputs.  Only integer arithmetic and exact float operations: the same values on every machine.
#include <cmath>

#include "ir/evaluate/evaluate.h"
#include "support/hash.h"

namespace egret {
namespace {

class Generator {
 public:
  explicit Generator(uint64_t seed) : state_(seed) {}

  uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }  // splitmix64

  // Near enough to normal(0, 1): the sum of 12 uniform 16-bit numbers, about its mean, over its deviation.
  double normal() {
    int64_t sum = 0;
    for (int word = 0; word < 3; ++word) {
      uint64_t bits = next();
      for (int part = 0; part < 4; ++part, bits >>= 16) sum += static_cast<int64_t>(bits & 0xffff);
    }
    return (static_cast<double>(sum) - 12 * 32767.5) / 65536.0;
  }
  double uniform() { return static_cast<double>(next() >> 40) / 0x1p24; }  // [0, 1)

 private:
  uint64_t state_;
};

bool ends_in(const std::string& name, std::string_view end) {
  return name.size() >= end.size() && name.compare(name.size() - end.size(), end.size(), end) == 0;
}

bool is_variance(const std::string& name) {
  return ends_in(name, "var") || ends_in(name, "variance") || ends_in(name, "second_moment");
}

// Values that one result element of a product with this parameter sums: all axes but the first, as in a convolution's
// [out, in, taps..]; the first axis of a matrix [in, out].
int64_t fan_in(const std::vector<int64_t>& sizes) {
  if (sizes.size() == 2) return sizes[0];
  int64_t product = 1;
  for (size_t i = 1; i < sizes.size(); ++i) product *= sizes[i];
  return product;
}

Tensor random_tensor(const Type& type, const std::string& name, InputRole role, uint64_t seed) {
  Tensor tensor(type);
  Generator generator(seed);
  const bool variance = is_variance(name);
  const int64_t terms = role == InputRole::kData ? 1 : std::max<int64_t>(1, fan_in(tensor.sizes()));
  const double scale = 1 / std::sqrt(static_cast<double>(terms));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (!is_float(type.dtype)) {
      tensor.set_int(i, static_cast<int64_t>(generator.next() % (type.dtype == DType::boolean ? 2 : 10)));
    } else {
      tensor.set(i, variance ? 0.5 + generator.uniform() : generator.normal() * scale);
    }
  }
  return tensor;
}

}  // namespace

std::vector<Tensor> random_inputs(const Graph& graph, uint64_t seed) {
  std::vector<Tensor> tensors;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const GraphInput& input = graph.inputs[i];
    const GraphNode& node = graph.node(input.value);
    if (input.data) {
      tensors.emplace_back();  // the evaluators take the data
    } else {
      tensors.push_back(random_tensor(node.type, node.name, input.role, hash_combine(seed, i)));
    }
  }
  return tensors;
}

}  // namespace egret
