// A kept run, read back.  The files come from outside: every number is checked before it is used.
#include "frontends/explain/kept_run.h"

#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "ir/definitions/registry.h"
#include "ir/text/scan.h"
#include "support/files.h"

namespace egret::explain {
namespace {

using Json = nlohmann::json;
using egraph::Id;

constexpr uint64_t kMaxBytes = uint64_t{1} << 31;
constexpr const char* kHint = "RUN is a folder that `egret optimize MODEL --keep-run RUN` wrote";

struct Damaged {  // caught in read_run: the entry that is wrong
  std::string entry;
};

[[noreturn]] void damaged(std::string entry) { throw Damaged{std::move(entry)}; }

Result<Json> read_object(const std::string& folder, const char* file) {
  const std::string path = folder + "/" + file;
  EGRET_TRY(const std::string text, read_file(path, kMaxBytes));
  Json j = Json::parse(text, nullptr, false);
  if (!j.is_object()) return input_error(fmt::format("{} is no JSON object", path), kHint, {path, 0, 0, {}});
  return j;
}

template <class T>
T number(const Json& j, const std::string& entry, uint64_t limit = UINT64_MAX) {
  if constexpr (std::is_floating_point_v<T>) {
    if (!j.is_number()) damaged(entry);
    return j.get<T>();
  } else {
    if (!j.is_number_unsigned() || j.get<uint64_t>() >= limit) damaged(entry);
    return j.get<T>();
  }
}

std::vector<uint32_t> numbers(const Json& j, const std::string& entry, uint64_t limit) {
  if (!j.is_array()) damaged(entry);
  std::vector<uint32_t> out;
  for (const Json& v : j) out.push_back(number<uint32_t>(v, entry, limit));
  return out;
}

const Json& list(const Json& j, const char* key, size_t least = 0) {
  auto it = j.find(key);
  if (it == j.end() || !it->is_array() || it->size() < least) damaged(key);
  return *it;
}

std::string text_of(const Json& j, const std::string& entry) {
  if (!j.is_string()) damaged(entry);
  return j.get<std::string>();
}

class Reader {
 public:
  Reader(const Json& choice, KeptRun& run) : j_(choice), run_(run) {}

  Status read() {
    if (j_.value("format", Json()) != Json(kChoiceFormat)) damaged("format");
    EGRET_TRY_VOID(nodes());
    for (const Json& v : list(j_, "values")) {
      if (!v.is_array() || v.size() != 2) damaged("values");
      run_.names.try_emplace(find(number<uint32_t>(v[1], "values", ids_.size())), text_of(v[0], "values"));
    }
    applications();
    problem();
    return extract::validate(run_.problem);
  }

 private:
  Id find(uint32_t file_id) const { return run_.tensors->graph().find(ids_[file_id]); }

  // Inputs first, as one graph, so that each has its role; then the others, which are terms over earlier ones.
  Status nodes() {
    std::map<std::string, InputRole> roles;
    for (const Json& input : list(j_, "inputs")) {
      if (!input.is_object()) damaged("inputs");
      const std::string role = text_of(input.value("role", Json()), "inputs");
      roles[text_of(input.value("name", Json()), "inputs")] =
          role == "constant" ? InputRole::kConstant : role == "parameter" ? InputRole::kParameter : InputRole::kData;
    }
    const Json& rows = list(j_, "nodes");
    std::vector<std::pair<const OpDef*, Attrs>> made;
    Graph inputs;
    std::vector<size_t> input_rows;
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::string entry = fmt::format("nodes[{}]", i);
      if (!rows[i].is_array() || rows[i].size() != 4) damaged(entry);
      const OpDef* op = find_op(text_of(rows[i][0], entry));
      if (!op) damaged(entry);
      EGRET_TRY(Attrs attrs, attributes(*op, rows[i][1], entry));
      if (op->name == "input") {
        const std::string name = std::get<std::string>(attrs.at("name"));
        EGRET_TRY(Type type, Type::parse(std::get<std::string>(attrs.at("type"))));
        inputs.nodes.push_back({op, attrs, {}, type, name});
        auto role = roles.find(name);
        inputs.inputs.push_back({static_cast<ValueId>(inputs.nodes.size() - 1), role == roles.end() ? InputRole::kConstant : role->second, nullptr});
        input_rows.push_back(i);
      }
      made.emplace_back(op, std::move(attrs));
    }
    EGRET_TRY(const std::vector<Id> input_ids, run_.tensors->insert(inputs));
    for (size_t i = 0, next = 0; i < rows.size(); ++i) {
      const std::string entry = fmt::format("nodes[{}]", i);
      if (next < input_rows.size() && input_rows[next] == i) {
        ids_.push_back(input_ids[next++]);
        continue;
      }
      std::vector<Id> operands;
      for (uint32_t o : numbers(rows[i][2], entry, i)) operands.push_back(ids_[o]);
      EGRET_TRY(const Id id, run_.tensors->add(*made[i].first, made[i].second, operands));
      ids_.push_back(id);
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto cls = number<uint32_t>(rows[i][3], fmt::format("nodes[{}]", i), rows.size());
      if (!(run_.tensors->type(ids_[i]) == run_.tensors->type(ids_[cls]))) damaged(fmt::format("nodes[{}]", i));
      if (cls != i) run_.tensors->graph().unite(ids_[i], ids_[cls], {});
    }
    run_.tensors->graph().rebuild();
    return {};
  }

  Result<Attrs> attributes(const OpDef& op, const Json& row, const std::string& entry) {
    Attrs attrs;
    if (!row.is_object()) damaged(entry);
    for (const auto& [name, value] : row.items()) {
      const AttrSpec* spec = op.attr(name);
      if (!spec) damaged(entry);
      Scanner scan(row[name].get_ref<const std::string&>(), entry);
      EGRET_TRY(attrs[name], parse_attr_value(scan, spec->kind));
    }
    for (const AttrSpec& spec : op.attrs) {
      if (!attrs.contains(spec.name)) damaged(entry);
    }
    return attrs;
  }

  void applications() {
    std::vector<std::string> names;
    for (const Json& name : list(j_, "rules")) names.push_back(text_of(name, "rules"));
    for (const Json& row : list(j_, "applications")) {
      if (!row.is_array() || row.size() != 3 || !row[1].is_array()) damaged("applications");
      KeptRun::Applied a{names[number<uint32_t>(row[0], "applications", names.size())], {}, {}};
      for (const Json& e : row[1]) {
        const auto ids = numbers(e, "applications", ids_.size());
        if (ids.size() != 2) damaged("applications");
        a.equations.emplace_back(ids_[ids[0]], ids_[ids[1]]);
      }
      for (uint32_t n : numbers(row[2], "applications", ids_.size())) a.made.push_back(ids_[n]);
      run_.applied.push_back(std::move(a));
    }
  }

  void problem() {
    extract::Problem& p = run_.problem;
    for (uint32_t c : numbers(list(j_, "items"), "items", ids_.size())) run_.item_class.push_back(find(c));
    p.items = static_cast<uint32_t>(run_.item_class.size());
    p.roots = numbers(list(j_, "roots"), "roots", p.items);
    for (uint32_t f : numbers(list(j_, "free"), "free", 2)) p.free_items.push_back(static_cast<uint8_t>(f));
    if (!p.free_items.empty() && p.free_items.size() != p.items) damaged("free");
    p.fold_budget = number<double>(j_.value("fold_budget", Json()), "fold_budget");
    for (const Json& t : list(j_, "terms")) {
      if (!t.is_array() || t.size() != 2) damaged("terms");
      p.term_nodes.push_back({number<uint32_t>(t[0], "terms", p.items), numbers(t[1], "terms", p.items)});
    }
    const Json& rows = list(j_, "candidates");
    for (size_t c = 0; c < rows.size(); ++c) {
      const std::string entry = fmt::format("candidates[{}]", c);
      const Json& row = rows[c];
      if (!row.is_array() || row.size() != 6) damaged(entry);
      p.candidates.push_back({number<double>(row[0], entry), numbers(row[2], entry, p.items), numbers(row[3], entry, p.items),
                              number<double>(row[1], entry), numbers(row[4], entry, p.term_nodes.size())});
      std::vector<Id> inside;
      for (uint32_t n : numbers(row[5], entry, ids_.size())) inside.push_back(run_.live(ids_[n]));
      run_.inside.push_back(std::move(inside));
    }
    run_.solution.chosen = numbers(list(j_, "chosen"), "chosen", rows.size());
    run_.solution.cost = number<double>(j_.value("cost", Json()), "cost");
    run_.solution.bound = number<double>(j_.value("bound", Json()), "bound");
    run_.solution.optimal = j_.value("optimal", Json(false)) == Json(true);
    run_.taken = number<double>(j_.value("taken", Json()), "taken");
  }

  const Json& j_;
  KeptRun& run_;
  std::vector<Id> ids_;  // by number in the file
};

Status read_options(const Json& j, KeptRun& run) {
  auto text = [&](const char* key) { return text_of(j.value(key, Json()), key); };
  run.model = text("model");
  run.target = text("target");
  run.stop_reason = text("stop_reason");
  for (const Json& used : list(j, "rules_used")) {
    if (!used.is_object()) damaged("rules_used");
    run.verdicts[text_of(used.value("name", Json()), "rules_used")] = text_of(used.value("verdict", Json()), "rules_used");
  }
  auto options = j.find("options");
  if (options == j.end() || !options->is_object()) damaged("options");
  run.numerics = text_of(options->value("numerics", Json()), "options.numerics");
  run.freeze = options->value("freeze", Json(false)) == Json(true);
  if (options->value("library", Json(true)) == Json(true)) EGRET_TRY_VOID(run.rules.add_library());
  for (const Json& file : list(*options, "rules")) {
    if (!file.is_object()) damaged("options.rules");
    const std::string name = text_of(file.value("name", Json()), "options.rules");
    EGRET_TRY_VOID(file.contains("text") ? run.rules.add_text(text_of(file["text"], "options.rules"), name) : run.rules.enable(name));
  }
  return {};
}

}  // namespace

Id KeptRun::live(Id node) const {
  const egraph::EGraph& g = tensors->graph();
  return g.lookup(g.op(node), g.attr(node), g.operands(node)).value_or(node);
}

Result<KeptRun> read_run(const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) return input_error(folder + " is no folder", kHint);
  for (const char* file : {"run.json", "choice.json"}) {
    if (!std::filesystem::is_regular_file(folder + "/" + file, error)) {
      const bool opaque = file == std::string_view("choice.json");
      return input_error(fmt::format("{} is no kept run: it holds no {}", folder, file),
                         opaque ? std::string(kHint) + "; of a model with operators unknown to egret it cannot be explained" : kHint);
    }
  }
  EGRET_TRY(const Json figures, read_object(folder, "run.json"));
  EGRET_TRY(const Json choice, read_object(folder, "choice.json"));
  KeptRun run;
  const char* file = "run.json";
  try {
    EGRET_TRY_VOID(read_options(figures, run));
    file = "choice.json";
    run.tensors = std::make_unique<rules::TensorEGraph>(rules::TensorEGraph::Options{.freeze = run.freeze});
    EGRET_TRY_VOID(Reader(choice, run).read());
  } catch (const Damaged& d) {
    return input_error(fmt::format("{}/{} is damaged: {}", folder, file, d.entry), kHint);
  } catch (const Json::exception& e) {
    return input_error(fmt::format("{}/{} is damaged: {}", folder, file, e.what()), kHint);
  }
  if (std::filesystem::is_regular_file(folder + "/proof.json", error)) {
    EGRET_TRY(run.proof, read_file(folder + "/proof.json", kMaxBytes));
  }
  return run;
}

}  // namespace egret::explain
