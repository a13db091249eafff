// proof.json: what a Proof looks like as text, and reading it with everything checked that needs no replay.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

#include "frontends/proof/proof.h"
#include "ir/text/scan.h"
#include "support/hash.h"

namespace egret::proof {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMaxForms = 1'000;        // of a rule's left side
constexpr size_t kMaxEntries = 10'000'000;  // of one list
constexpr const char* kStepNames[] = {"congruence", "chain", "rule", "expand", "fold"};
constexpr const char* kDependenceNames[] = {"constant", "frozen", "data"};

Json to_json(const Input& i) {
  Json j{{"name", i.name}, {"role", to_string(i.role)}, {"type", i.type.to_string()}};
  if (!i.digest.empty()) j["digest"] = i.digest;
  if (i.value) j["value"] = print_tensor(*i.value);
  return j;
}

Json to_json(const rules::TermNode& n) {
  Json attrs = Json::object();
  for (const auto& [name, value] : n.attrs) attrs[name] = egret::to_string(value);
  return {{"op", n.op->name}, {"attrs", attrs}, {"operands", n.operands}, {"type", n.type.to_string()}};
}

Json to_json(const TermFact& f) {
  Json j{{"term", f.term}};
  if (f.splat) j["splat"] = print_number(*f.splat);
  if (f.depends) j["depends"] = kDependenceNames[static_cast<int>(*f.depends)];
  return j;
}

Json to_json(const Step& s) {
  Json j{{"kind", to_string(s.kind)}, {"left", s.left}, {"right", s.right}};
  if (s.kind == Step::Kind::kCongruence || s.kind == Step::Kind::kChain) j["premises"] = s.premises;
  if (s.kind == Step::Kind::kRule) {
    j["rule"] = s.rule;
    if (s.form != 0) j["form"] = s.form;
    j["roots"] = s.roots;
    j["equation"] = s.equation;
    if (!s.facts.empty()) {
      j["facts"] = Json::array();
      for (const TermFact& f : s.facts) j["facts"].push_back(to_json(f));
    }
  }
  return j;
}

Json to_json(const RuleText& r) { return {{"name", r.name}, {"hash", r.hash}, {"text", r.text}}; }
Json to_json(const Alias& a) { return Json::array({a.output, a.input}); }
Json to_json(const Output& o) { return {{"name", o.name}, {"imported", o.imported}, {"chosen", o.chosen}, {"step", o.step}}; }
Json to_json(const KernelClaim& k) {
  return {{"plan", k.prepare ? "prepare" : "run"}, {"body", k.body}, {"ports", k.ports}, {"results", k.results}};
}

template <class Rows>
std::string list_text(const char* name, const Rows& rows) {
  std::string text = fmt::format(" {}: [", Json(name).dump());
  bool first = true;
  for (const auto& row : rows) {
    text += (first ? "\n  " : ",\n  ") + to_json(row).dump(-1, ' ', false, Json::error_handler_t::replace);
    first = false;
  }
  return text + (first ? "],\n" : "\n ],\n");
}

// Everything but the digest and the closing brace.
std::string print_content(const Proof& p) {
  std::string text = "{\n";
  const Json head{{"format", kFormat}, {"model", p.model}, {"source", p.source}, {"program", p.program}, {"freeze", p.freeze}, {"numerics", p.numerics}};
  for (const auto& [key, value] : head.items()) {
    text += fmt::format(" {}: {},\n", Json(key).dump(), value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  std::vector<rules::TermNode> nodes;
  for (TermId t = 0; t < p.terms.size(); ++t) nodes.push_back(p.terms.node(t));
  return text + list_text("inputs", p.inputs) + list_text("aliases", p.aliases) + list_text("terms", nodes) +
         list_text("rules", p.rules) + list_text("steps", p.steps) + list_text("outputs", p.outputs) +
         list_text("kernels", p.kernels);
}

// --- reading -------------------------------------------------------------------------------------------------------------

// Reads the fields of one object: each at most once, of the right kind; `done` refuses fields that nobody asked for.
class Fields {
 public:
  Fields(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) fail("is not an object");
  }
  bool has(const char* key) const { return object_.is_object() && object_.contains(key); }
  std::string text(const char* key) {
    const Json* j = get(key);
    if (j && !j->is_string()) fail(fmt::format("{} is not a string", key));
    return j && j->is_string() ? j->get<std::string>() : std::string();
  }
  bool boolean(const char* key) {
    const Json* j = get(key);
    if (j && !j->is_boolean()) fail(fmt::format("{} is not true or false", key));
    return j && j->is_boolean() && j->get<bool>();
  }
  // In [low, high].
  int64_t integer(const char* key, int64_t low, int64_t high) {
    const Json* j = get(key);
    return j ? integer_of(*j, key, low, high) : low;
  }
  template <class T>
  std::vector<T> integers(const char* key, int64_t low, int64_t high) {
    std::vector<T> out;
    for (const Json& j : list(key)) out.push_back(static_cast<T>(integer_of(j, key, low, high)));
    return out;
  }
  const Json& list(const char* key) {
    static const Json kEmpty = Json::array();
    const Json* j = get(key);
    if (!j || j->is_array()) return j ? *j : kEmpty;
    fail(fmt::format("{} is not a list", key));
    return kEmpty;
  }
  const Json& object(const char* key) {
    static const Json kEmpty = Json::object();
    const Json* j = get(key);
    if (!j || j->is_object()) return j ? *j : kEmpty;
    fail(fmt::format("{} is not an object", key));
    return kEmpty;
  }
  void fail(std::string message) {
    if (!error_) error_ = input_error(fmt::format("proof: {} {}", place_, message));
  }
  Status done() {
    if (!error_ && object_.is_object() && object_.size() != seen_.size()) {
      for (const auto& [key, value] : object_.items()) {
        if (!seen_.contains(key)) fail(fmt::format("has an unknown field {}", key));
      }
    }
    if (error_) return *error_;
    return {};
  }

 private:
  const Json* get(const char* key) {
    seen_.insert(key);
    if (has(key)) return &object_.at(key);
    fail(fmt::format("has no {}", key));
    return nullptr;
  }
  int64_t integer_of(const Json& j, const char* key, int64_t low, int64_t high) {
    const bool too_large = j.is_number_unsigned() && j.get<uint64_t>() > kMaxEntries;
    if (!j.is_number_integer() || too_large || j.get<int64_t>() < low || j.get<int64_t>() > high) {
      fail(fmt::format("{}: {} is not an integer from {} to {}", key, j.dump(-1, ' ', false, Json::error_handler_t::replace), low, high));
      return low;
    }
    return j.get<int64_t>();
  }

  const Json& object_;
  std::string place_;
  std::optional<Error> error_;
  std::set<std::string> seen_;
};

Result<InputRole> role_of(const std::string& text, const std::string& place) {
  for (InputRole r : {InputRole::kData, InputRole::kParameter, InputRole::kConstant}) {
    if (text == to_string(r)) return r;
  }
  return input_error(fmt::format("proof: {} has the unknown role {}", place, text));
}

template <class Value, class Parse>
Result<Value> whole(const std::string& text, const std::string& place, const Parse& parse) {
  Scanner scan(text, place);
  EGRET_TRY(Value value, parse(scan));
  if (!scan.at_end()) return scan.expected("the end");
  return value;
}

Result<Input> read_input(const Json& j, const std::string& place) {
  Fields f(j, place);
  Input in;
  in.name = f.text("name");
  EGRET_TRY(in.role, role_of(f.text("role"), place));
  EGRET_TRY(in.type, Type::parse(f.text("type")));
  if (f.has("digest")) in.digest = f.text("digest");
  if (f.has("value")) {
    EGRET_TRY(in.value, whole<TensorRef>(f.text("value"), place, parse_tensor));
  }
  EGRET_TRY_VOID(f.done());
  return in;
}

Status read_term(const Json& j, const std::string& place, ProofTerms& terms) {
  Fields f(j, place);
  const OpDef* op = find_op(f.text("op"));
  if (!op) return input_error(fmt::format("proof: {} has no known operator", place));
  const size_t number = terms.size();
  if (number == 0 && !f.list("operands").empty()) return input_error(fmt::format("proof: {} has operands that stand after it", place));
  auto operands = f.integers<TermId>("operands", 0, static_cast<int64_t>(number) - 1);
  Attrs attrs;
  for (const auto& [name, value] : f.object("attrs").items()) {
    const AttrSpec* spec = op->attr(name);
    if (!spec || !value.is_string()) return input_error(fmt::format("proof: {} has no attribute {}", place, name));
    EGRET_TRY(attrs[name], whole<AttrValue>(value.get<std::string>(), place, [&](Scanner& s) { return parse_attr_value(s, spec->kind); }));
  }
  const std::string type = f.text("type");
  EGRET_TRY_VOID(f.done());
  std::vector<Type> types;
  for (TermId o : operands) types.push_back(terms.type(o));
  auto complete = complete_attrs(*op, attrs, types);
  if (!complete.ok() || !equal(*complete, attrs)) return input_error(fmt::format("proof: attributes of {} are not complete", place));
  auto added = terms.add(*op, std::move(attrs), std::move(operands));
  if (!added.ok()) return input_error(fmt::format("proof: {} is ill-typed: {}", place, added.error().message));
  if (*added != number) return input_error(fmt::format("proof: {} stands twice", place));
  if (terms.type(*added).to_string() != type) {
    return input_error(fmt::format("proof: {} has type {}, not {}", place, terms.type(*added).to_string(), type));
  }
  return {};
}

Result<TermFact> read_fact(const Json& j, const std::string& place, int64_t last_term) {
  Fields f(j, place + " (a fact)");
  TermFact fact;
  fact.term = static_cast<TermId>(f.integer("term", 0, last_term));
  if (f.has("splat")) {
    EGRET_TRY(fact.splat, whole<double>(f.text("splat"), place, parse_number));
  }
  if (f.has("depends")) {
    const std::string text = f.text("depends");
    for (int d = 0; d < 3; ++d) {
      if (text == kDependenceNames[d]) fact.depends = static_cast<rules::Dependence>(d);
    }
    if (!fact.depends) f.fail("has no known dependence");
  }
  EGRET_TRY_VOID(f.done());
  return fact;
}

Result<Step> read_step(const Json& j, const std::string& place, const Proof& p, int64_t number) {
  Fields f(j, place);
  const int64_t last_term = static_cast<int64_t>(p.terms.size()) - 1;
  Step s;
  const std::string kind = f.text("kind");
  const auto known = std::find(std::begin(kStepNames), std::end(kStepNames), kind);
  if (known == std::end(kStepNames)) f.fail("has no known kind");
  s.kind = static_cast<Step::Kind>(known - std::begin(kStepNames));
  s.left = static_cast<TermId>(f.integer("left", 0, last_term));
  s.right = static_cast<TermId>(f.integer("right", 0, last_term));
  if (s.kind == Step::Kind::kCongruence || s.kind == Step::Kind::kChain) {
    s.premises = f.integers<int64_t>("premises", 1 - number, number - 1);
  }
  if (s.kind == Step::Kind::kRule) {
    s.rule = static_cast<uint32_t>(f.integer("rule", 0, static_cast<int64_t>(p.rules.size()) - 1));
    if (f.has("form")) s.form = static_cast<uint32_t>(f.integer("form", 1, kMaxForms));
    s.roots = f.integers<TermId>("roots", 0, last_term);
    s.equation = static_cast<uint32_t>(f.integer("equation", 0, kMaxEntries));
    if (p.rules.empty()) f.fail("names a rule, but there is none");
    if (f.has("facts")) {
      for (const Json& fact : f.list("facts")) {
        EGRET_TRY(TermFact one, read_fact(fact, place, last_term));
        s.facts.push_back(one);
      }
    }
  }
  EGRET_TRY_VOID(f.done());
  return s;
}

Result<Output> read_output(const Json& j, const std::string& place, const Proof& p) {
  Fields f(j, place);
  const int64_t last_term = static_cast<int64_t>(p.terms.size()) - 1, steps = static_cast<int64_t>(p.steps.size());
  Output o;
  o.name = f.text("name");
  o.imported = static_cast<TermId>(f.integer("imported", 0, last_term));
  o.chosen = static_cast<TermId>(f.integer("chosen", 0, last_term));
  o.step = f.integer("step", -steps, steps);
  EGRET_TRY_VOID(f.done());
  return o;
}

Result<KernelClaim> read_kernel(const Json& j, const std::string& place, const Proof& p) {
  Fields f(j, place);
  const int64_t last_term = static_cast<int64_t>(p.terms.size()) - 1;
  KernelClaim k;
  const std::string plan = f.text("plan");
  if (plan != "prepare" && plan != "run") f.fail("has no known plan");
  k.prepare = plan == "prepare";
  k.body = f.text("body");
  k.ports = f.integers<TermId>("ports", 0, last_term);
  k.results = f.integers<TermId>("results", 0, last_term);
  EGRET_TRY_VOID(f.done());
  return k;
}

Result<RuleText> read_rule(const Json& j, const std::string& place) {
  Fields f(j, place);
  RuleText r{f.text("name"), f.text("hash"), f.text("text")};
  EGRET_TRY_VOID(f.done());
  return r;
}

// Refuses a key that stands twice in one object.
struct DoubledKeys {
  std::vector<std::set<std::string>> open;
  std::string found;
  bool operator()(int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second) found = parsed.get<std::string>();
    return true;
  }
};

Status read_lists(Fields& f, Proof& p) {
  auto each = [&](const char* key, const char* what, size_t first, const auto& read_one) -> Status {
    const Json& rows = f.list(key);
    for (size_t i = 0; i < rows.size(); ++i) EGRET_TRY_VOID(read_one(rows[i], fmt::format("{} {}", what, i + first)));
    return {};
  };
  EGRET_TRY_VOID(each("inputs", "input", 0, [&](const Json& j, const std::string& place) -> Status {
    EGRET_TRY(Input one, read_input(j, place));
    p.inputs.push_back(std::move(one));
    return {};
  }));
  EGRET_TRY_VOID(each("aliases", "alias", 0, [&](const Json& j, const std::string& place) -> Status {
    const bool pair = j.is_array() && j.size() == 2 && j[0].is_number_unsigned() && j[1].is_number_unsigned();
    if (!pair || j[0].get<uint64_t>() > kMaxEntries || j[1].get<uint64_t>() > kMaxEntries) return input_error("proof: " + place + " is no pair");
    p.aliases.push_back({j[0].get<uint32_t>(), j[1].get<uint32_t>()});
    return {};
  }));
  EGRET_TRY_VOID(each("terms", "term", 0, [&](const Json& j, const std::string& place) { return read_term(j, place, p.terms); }));
  EGRET_TRY_VOID(each("rules", "rule", 0, [&](const Json& j, const std::string& place) -> Status {
    EGRET_TRY(RuleText one, read_rule(j, place));
    p.rules.push_back(std::move(one));
    return {};
  }));
  EGRET_TRY_VOID(each("steps", "step", 1, [&](const Json& j, const std::string& place) -> Status {
    EGRET_TRY(Step one, read_step(j, place, p, static_cast<int64_t>(p.steps.size()) + 1));
    p.steps.push_back(std::move(one));
    return {};
  }));
  EGRET_TRY_VOID(each("outputs", "output", 0, [&](const Json& j, const std::string& place) -> Status {
    EGRET_TRY(Output one, read_output(j, place, p));
    p.outputs.push_back(std::move(one));
    return {};
  }));
  return each("kernels", "kernel", 0, [&](const Json& j, const std::string& place) -> Status {
    EGRET_TRY(KernelClaim one, read_kernel(j, place, p));
    p.kernels.push_back(std::move(one));
    return {};
  });
}

}  // namespace

const char* to_string(Step::Kind kind) { return kStepNames[static_cast<int>(kind)]; }

std::string print(const Proof& proof) {
  const std::string content = print_content(proof);
  return content + fmt::format(" \"digest\": \"{}\"\n}}\n", digest(content));
}

Result<Proof> read(std::string_view text, const ReadOptions& options) {
  DoubledKeys doubled;
  const Json json = Json::parse(text, std::ref(doubled), false);
  if (json.is_discarded()) return input_error("proof: not JSON");
  if (!doubled.found.empty()) return input_error("proof: the key " + doubled.found + " stands twice in one object");
  Fields f(json, "the file");
  if (f.text("format") != kFormat) return input_error(fmt::format("proof: the format is not {}", kFormat));
  Proof p;
  p.model = f.text("model");
  p.source = f.text("source");
  p.program = f.text("program");
  p.freeze = f.boolean("freeze");
  p.numerics = f.text("numerics");
  EGRET_TRY_VOID(read_lists(f, p));
  const std::string stated = f.text("digest");
  EGRET_TRY_VOID(f.done());
  // Compared as values, so that blanks and the order of keys are free, and every form is the one that is printed.
  const std::string content = print_content(p);
  const Json printed = Json::parse(content + fmt::format("\"digest\": {}}}", Json(stated).dump()), nullptr, false);
  if (nlohmann::json(printed) != nlohmann::json(json)) return input_error("proof: an entry is not in its printed form");
  if (!options.ignore_digest && stated != digest(content)) {
    return input_error("proof: the digest does not fit the content", "the file was altered; --ignore-digest checks it all the same");
  }
  return p;
}

}  // namespace egret::proof
