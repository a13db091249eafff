#include "extract/solve/files/problem_json.h"

#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "extract/solve/files/json_file.h"

namespace egret::extract {
namespace {

using nlohmann::json;

constexpr size_t kMaxItems = 100'000'000;

// Items of the file are any integers; ours are dense, in order of first mention.
class Numbering {
 public:
  bool read(const json& value, uint32_t& item) {
    if (!value.is_number_integer()) return false;
    if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return false;
    const auto [entry, fresh] = numbers_.try_emplace(value.get<int64_t>(), static_cast<uint32_t>(numbers_.size()));
    if (fresh) names.push_back(value.dump());
    item = entry->second;
    return numbers_.size() <= kMaxItems;
  }
  bool read(const json& value, std::vector<uint32_t>& items) {
    if (!value.is_array()) return false;
    for (const json& element : value) {
      if (!read(element, items.emplace_back())) return false;
    }
    return true;
  }
  uint32_t size() const { return static_cast<uint32_t>(numbers_.size()); }
  std::vector<std::string> names;

 private:
  std::unordered_map<int64_t, uint32_t> numbers_;
};

const json& at(const json& object, const char* key) {
  static const json absent;
  if (!object.is_object()) return absent;
  const auto found = object.find(key);
  return found == object.end() ? absent : *found;
}

Error bad(std::string what) { return input_error("egret-problem 1: " + std::move(what)); }

Status read_candidate(const json& entry, size_t index, Numbering& items, Problem& problem) {
  Candidate& candidate = problem.candidates.emplace_back();
  const json& cost = at(entry, "cost");
  if (!cost.is_number()) return bad(fmt::format("candidates[{}].cost must be a number", index));
  candidate.cost = cost.get<double>();
  if (!items.read(at(entry, "makes"), candidate.results)) {
    return bad(fmt::format("candidates[{}].makes must be a list of integers", index));
  }
  if (!items.read(at(entry, "reads"), candidate.operands)) {
    return bad(fmt::format("candidates[{}].reads must be a list of integers", index));
  }
  const json& covers = at(entry, "covers");
  if (covers.is_null()) return {};
  if (!covers.is_array()) return bad(fmt::format("candidates[{}].covers must be a list", index));
  for (const json& op : covers) {
    if (!op.is_number_unsigned() || op.get<uint64_t>() >= problem.term_nodes.size()) {
      return bad(fmt::format("candidates[{}].covers names no op", index));
    }
    candidate.covers.push_back(op.get<uint32_t>());
  }
  return {};
}

}  // namespace

Result<ProblemFile> parse_problem(std::string_view text) {
  EGRET_TRY(const json root, parse_json(text, ""));
  if (at(root, "format") != "egret-problem 1") return bad("`format` must be \"egret-problem 1\"");
  ProblemFile file;
  Numbering items;
  if (at(root, "name").is_string()) file.name = at(root, "name").get<std::string>();
  if (at(root, "best").is_number()) file.best = at(root, "best").get<double>();
  if (at(root, "bound").is_number()) file.bound = at(root, "bound").get<double>();
  file.proved = at(root, "proved").is_boolean() && at(root, "proved").get<bool>();
  if (at(root, "goals").is_null()) return bad("`goals` is missing: a list of the items to make");
  if (!items.read(at(root, "goals"), file.problem.roots)) return bad("`goals` must be a list of integers");
  if (file.problem.roots.empty()) return bad("`goals` is empty: nothing is asked for");
  const json& ops = at(root, "ops");
  if (!ops.is_null() && !ops.is_array()) return bad("`ops` must be a list");
  for (size_t n = 0; n < ops.size(); ++n) {
    TermNode& node = file.problem.term_nodes.emplace_back();
    if (!items.read(at(ops[n], "makes"), node.cls) || !items.read(at(ops[n], "reads"), node.operands)) {
      return bad(fmt::format("ops[{}] must have an integer `makes` and a list `reads`", n));
    }
  }
  const json& candidates = at(root, "candidates");
  if (!candidates.is_array()) return bad("`candidates` must be a list");
  for (size_t k = 0; k < candidates.size(); ++k) {
    EGRET_TRY_VOID(read_candidate(candidates[k], k, items, file.problem));
  }
  file.problem.items = items.size();
  file.items = std::move(items.names);
  EGRET_TRY_VOID(validate(file.problem));
  return file;
}

Result<ProblemFile> read_problem(const std::string& path, uint64_t max_bytes) {
  EGRET_TRY(const std::string bytes, read_packed(path, max_bytes));
  auto file = parse_problem(bytes);
  if (file) return file;
  Error error = file.take_error();
  error.where.file = path;
  return error;
}

}  // namespace egret::extract
