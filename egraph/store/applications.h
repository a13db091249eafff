// Applications: what each recorded application of a rewrite matched and made, as words in one array.
//
// Applications of one pattern and right side have one shape, so a record is the shape's number, the matched e-nodes and
// the e-nodes made; variables and equations are read off the exact operands of the matched e-nodes.
#pragma once

#include <vector>

#include "egraph/store/enodes.h"

namespace egret::egraph {

class Applications {
 public:
  struct Place {  // operand `position` of the e-node that occurrence `occurrence` matched, or that e-node itself
    uint32_t occurrence, position;
    static constexpr uint32_t kItself = ~uint32_t{0};
    bool operator==(const Place&) const = default;
    Id canonical(const ENodes& enodes, const Id* match) const {  // where parents and rows are canonical, but for kItself
      const Id n = match[occurrence];
      return position == kItself ? n : enodes.operands_of(enodes.row(n))[position];
    }
    Id exact(const ENodes& enodes, const Id* match) const {
      const Id n = match[occurrence];
      return position == kItself ? n : enodes.exact(n)[position];
    }
  };
  struct Right {  // what the left side of one equation is united with: an e-node made, or a class variable
    bool made;
    uint32_t index;
    bool operator==(const Right&) const = default;
  };
  struct Shape {
    uint32_t rule = 0, nodes = 0, made = 0;  // counts of matched and made e-nodes
    std::vector<Place> classes;              // where each class variable stands
    std::vector<uint32_t> attrs;             // the occurrence that binds each attribute variable
    std::vector<Place> left;                 // of each equation
    std::vector<Right> right;                // parallel to `left`
    bool operator==(const Shape&) const = default;
  };

  uint32_t add_shape(Shape shape);
  // Each returns the application's number.
  uint32_t record(uint32_t shape, const Id* nodes, const Id* made, size_t made_stride);
  uint32_t record(const Application& application);

  size_t size() const { return count_; }
  Application get(uint32_t number, const ENodes& enodes) const;
  uint64_t bytes() const { return start_.bytes() + words_.bytes(); }

  // Of arrays that were read from outside: what is wrong, or nothing.  Counts them.
  std::string check(const ENodes& enodes);
  template <class Visit>
  void visit_arrays(Visit&& visit) {
    visit(start_), visit(words_);
  }
  const std::vector<Shape>& shapes() const { return shapes_; }
  void set_shapes(std::vector<Shape> shapes) { shapes_ = std::move(shapes); }

 private:
  static constexpr uint32_t kGeneral = ~uint32_t{0};  // in place of a shape: everything is written out

  static constexpr uint32_t kEvery = 16;

  uint32_t begin();                             // of a record: its number
  size_t words_of(const uint32_t* record) const;  // how many it has

  std::vector<Shape> shapes_;
  Array<uint32_t> start_, words_;  // where each sixteenth record stands; records
  size_t count_ = 0;
};

}  // namespace egret::egraph
