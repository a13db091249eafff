// Witnesses: numbers for index variables, by which a condition is seen not to follow before Z3 is asked.
//
// Most questions of a proof are answered "no" (two indices are not always one, a condition is not always met), and Z3 finds
// a model anew for each.  A model is kept here, and tried on the next question; so are its neighbours.  A witness is
// checked by evaluation, so no answer of Z3 is trusted for it, and "no" is the safe answer of every question anyway.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "rules/verify/terms/index.h"

namespace egret::rules {

// Numbers by name, for the next shape of a rule: its variables are others, of the same names.
using NamedNumbers = std::map<std::string, int64_t>;

class Witnesses {
 public:
  // `known`: of shapes before; what Z3 finds is added.
  Witnesses(const Indices& indices, std::deque<NamedNumbers>& known) : i_(indices), known_(known) {}

  // Some numbers meet all hypotheses and not the goal.
  bool refute(const std::vector<CondId>& hypotheses, CondId goal);
  // Numbers that Z3 found; variables that it does not name are drawn.
  void add(std::vector<std::pair<VariableId, int64_t>> values);

 private:
  // One choice of numbers.  Terms never change, so what they come to is remembered.
  struct Model {
    uint64_t seed = 0;
    NamedNumbers named;  // of a shape before
    std::unordered_map<VariableId, int64_t> values;
    std::unordered_map<IntId, std::optional<int64_t>> terms;
    std::unordered_map<CondId, int8_t> conditions;  // 0 false, 1 true, -1 none
  };
  std::optional<int64_t> variable(Model& m, VariableId v) const;
  std::optional<int64_t> atom(Model& m, uint32_t number) const;
  std::optional<int64_t> term(Model& m, IntId id) const;
  int8_t condition(Model& m, CondId id) const;
  bool meets(Model& m, const std::vector<CondId>& hypotheses) const;
  bool keep(Model m);
  void draw();

  const Indices& i_;
  std::deque<NamedNumbers>& known_;
  std::deque<Model> models_;  // latest first
  uint64_t seed_ = 0;
};

}  // namespace egret::rules
