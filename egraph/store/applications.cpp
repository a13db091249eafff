#include "egraph/store/applications.h"

#include <algorithm>

namespace egret::egraph {

uint32_t Applications::add_shape(Shape shape) {
  const auto known = std::find(shapes_.begin(), shapes_.end(), shape);
  if (known != shapes_.end()) return static_cast<uint32_t>(known - shapes_.begin());
  shapes_.push_back(std::move(shape));
  return static_cast<uint32_t>(shapes_.size() - 1);
}

uint32_t Applications::begin() {
  if (count_ % kEvery == 0) start_.push_back(static_cast<uint32_t>(words_.size()));
  return static_cast<uint32_t>(count_++);
}

size_t Applications::words_of(const uint32_t* record) const {
  if (*record != kGeneral) return 1 + size_t{shapes_[*record].nodes} + shapes_[*record].made;
  return 7 + size_t{record[2]} + record[3] + record[4] + record[5] + 2 * size_t{record[6]};
}

uint32_t Applications::record(uint32_t shape, const Id* nodes, const Id* made, size_t made_stride) {
  const uint32_t number = begin();
  words_.push_back(shape);
  words_.append(nodes, shapes_[shape].nodes);
  for (uint32_t i = 0; i < shapes_[shape].made; ++i) words_.push_back(made[i * made_stride]);
  return number;
}

uint32_t Applications::record(const Application& a) {
  const uint32_t number = begin();
  const auto count = [](const auto& list) { return static_cast<uint32_t>(list.size()); };
  const uint32_t head[] = {kGeneral,        a.rule,        count(a.nodes),    count(a.classes),
                           count(a.attrs), count(a.made), count(a.equations)};
  words_.append(head, std::size(head));
  for (const auto* list : {&a.nodes, &a.classes, &a.attrs, &a.made}) words_.append(list->data(), list->size());
  for (const auto& [left, right] : a.equations) words_.push_back(left), words_.push_back(right);
  return number;
}

std::string Applications::check(const ENodes& enodes) {
  count_ = 0;
  for (size_t start = 0; start < words_.size(); start += words_of(words_.data() + start)) {
    if (count_ % kEvery == 0 && (count_ / kEvery >= start_.size() || start_[count_ / kEvery] != start)) {
      return "a record of an application is not where it should be";
    }
    ++count_;
    const uint32_t* const at = words_.data() + start;
    const uint64_t room = words_.size() - start - 1;
    const auto are_nodes = [&](const uint32_t* ids, uint64_t count) {
      for (uint64_t i = 0; i < count; ++i) {
        if (ids[i] >= enodes.size()) return false;
      }
      return true;
    };
    if (*at == kGeneral) {
      if (room < 6) return "a record of an application is cut short";
      const uint64_t nodes = at[2], classes = at[3], attrs = at[4], made = at[5], equations = at[6];
      if (nodes + classes + attrs + made + 2 * equations > room - 6) return "a record of an application is cut short";
      const uint32_t* const list = at + 7;
      if (!are_nodes(list, nodes + classes) || !are_nodes(list + nodes + classes + attrs, made + 2 * equations)) {
        return "a record of an application names no e-node";
      }
      continue;
    }
    if (*at >= shapes_.size()) return "a record of an application has no shape";
    const Shape& shape = shapes_[*at];
    if (uint64_t{shape.nodes} + shape.made > room) return "a record of an application is cut short";
    if (!are_nodes(at + 1, uint64_t{shape.nodes} + shape.made)) return "a record of an application names no e-node";
    for (const auto* places : {&shape.classes, &shape.left}) {
      for (const auto& [occurrence, position] : *places) {
        if (position != Place::kItself && position >= enodes.exact(at[1 + occurrence]).size()) {
          return "a record of an application names no operand";
        }
      }
    }
  }
  if (start_.size() != (count_ + kEvery - 1) / kEvery) return "a record of an application is not where it should be";
  return {};
}

Application Applications::get(uint32_t number, const ENodes& enodes) const {
  Application a;
  const uint32_t* at = words_.data() + start_[number / kEvery];
  for (uint32_t i = 0; i < number % kEvery; ++i) at += words_of(at);
  const auto take = [&](std::vector<uint32_t>& list, uint32_t count) {
    list.assign(at, at + count);
    at += count;
  };
  const uint32_t first = *at++;
  if (first == kGeneral) {
    const uint32_t* head = at;
    a.rule = head[0];
    at += 6;
    take(a.nodes, head[1]);
    take(a.classes, head[2]);
    take(a.attrs, head[3]);
    take(a.made, head[4]);
    for (uint32_t e = 0; e < head[5]; ++e) a.equations.emplace_back(at[2 * e], at[2 * e + 1]);
    return a;
  }
  const Shape& shape = shapes_[first];
  a.rule = shape.rule;
  take(a.nodes, shape.nodes);
  take(a.made, shape.made);
  for (const Place& place : shape.classes) a.classes.push_back(place.exact(enodes, a.nodes.data()));
  for (const uint32_t occurrence : shape.attrs) a.attrs.push_back(enodes.attr(a.nodes[occurrence]));
  for (size_t e = 0; e < shape.left.size(); ++e) {
    const auto& [made, index] = shape.right[e];
    a.equations.emplace_back(shape.left[e].exact(enodes, a.nodes.data()), made ? a.made[index] : a.classes[index]);
  }
  return a;
}

}  // namespace egret::egraph
