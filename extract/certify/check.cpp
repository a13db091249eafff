#include "extract/certify/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "extract/certify/cores.h"
#include "extract/certify/prices.h"
#include "extract/certify/reductions.h"
#include "support/hash.h"

namespace egret::certify {
namespace {

using nlohmann::json;

constexpr const char* kReductions = "UYDZREFGHVPS";
constexpr const char* kPrices = "rebugKfBC/^q";
constexpr const char* kCores = "adlsnmoch";

Error bad(std::string what) { return input_error("certificate: " + std::move(what)); }

// Is every cost, and the claim, a multiple of the grain?
bool grain_holds(const Part& part) {
  const auto multiple = [&](const Exact& cost) {
    const double value = cost.rounded_down();
    return Exact::fits(value) && Exact(value) == cost && std::fmod(value, part.grain) == 0;
  };
  return part.grain > 0 && std::fmod(part.claim, part.grain) == 0 &&
         std::all_of(part.cost.begin(), part.cost.end(), multiple);
}

// A problem on its way down: reductions, then parts.  A part may hold a problem of its own, what is left of it.
struct Level {
  explicit Level(Reductions reductions) : state(std::move(reductions)) {}

  Reductions state;
  Exact bound;  // of the parts so far
  bool in_part = false;
  double claim = 0;                         // of the part
  std::vector<uint32_t> candidates, items;  // of the part
  std::unique_ptr<Part> part;               // once it has begun
  std::unique_ptr<Prices> prices;
  std::unique_ptr<Cores> cores;
  bool proved = false;  // by the problem inside
};

class Proof {
 public:
  explicit Proof(const Instance& instance) { levels_.emplace_back(Reductions(instance)); }

  Status run(std::string_view text, Verdict& verdict) {
    RecordReader reader(text);
    Record record;
    while (reader.next(record)) {
      ++verdict.records;
      EGRET_TRY_VOID(levels_.back().in_part ? in_part(levels_.back(), record) : outside(levels_.back(), record));
    }
    EGRET_TRY_VOID(reader.status());
    if (levels_.size() > 1 || levels_.back().in_part) return bad("the proof ends inside a part");
    verdict.parts = parts_;
    return {};
  }
  Exact bound() const { return bound(levels_.front()); }

 private:
  static Exact bound(const Level& level) { return level.bound + level.state.constant() + level.state.untaken(); }

  Status outside(Level& level, const Record& record) {
    if (record.kind == ')' && levels_.size() > 1) {
      const Exact inside = bound(level);
      levels_.pop_back();
      Level& around = levels_.back();
      if (!around.part->closes(inside)) return refused(record, "the problem inside proves less than the part claims");
      around.proved = true;
      return {};
    }
    if (record.kind != 'p') {
      if (std::strchr(kReductions, record.kind)) return level.state.take(record);
      return refused(record, "no such record outside of a part");
    }
    level.in_part = true;
    level.proved = false;
    level.claim = record.real;
    level.candidates.clear();
    level.items.clear();
    return {};
  }

  Status in_part(Level& level, const Record& record) {
    if (record.kind == 'k' || record.kind == 'i') {
      if (level.part) return refused(record, "the part has begun");
      const bool fine = record.kind == 'k' ? indices(record, 0, level.state.candidates(), level.candidates)
                                           : indices(record, 0, level.state.items(), level.items);
      return fine ? Status() : refused(record, "an index is out of range");
    }
    if (!level.part) {
      level.part = std::make_unique<Part>();
      EGRET_TRY_VOID(level.state.cut(record, level.candidates, level.items, *level.part));
      level.part->claim = level.claim;
      level.prices = std::make_unique<Prices>(*level.part);
    }
    if (record.kind == '(') {
      levels_.emplace_back(Reductions(*level.part, level.prices->out_for_good()));
      return {};
    }
    if (record.kind == '.') return end(level, record);
    if (record.kind == 'v') {
      level.part->grain = record.real;
      return grain_holds(*level.part) ? Status() : refused(record, "a cost, or the claim, is no multiple of it");
    }
    if (std::strchr(kPrices, record.kind)) return level.prices->take(record);
    if (!std::strchr(kCores, record.kind)) return refused(record, "no such record");
    if (!level.cores) {
      level.cores = std::make_unique<Cores>(*level.part);
      for (uint32_t k : level.prices->out_for_good()) level.cores->out(k);
    }
    return level.cores->take(record);
  }

  Status end(Level& level, const Record& record) {
    if (!level.proved && !level.prices->proved() && !(level.cores && level.cores->proved())) {
      return refused(record, "the claim of the part is not proved");
    }
    level.bound += Exact(level.claim);
    ++parts_;
    level.cores.reset();
    level.prices.reset();
    level.part.reset();
    level.in_part = false;
    return {};
  }

  std::deque<Level> levels_;
  size_t parts_ = 0;
};

// {"alpha": {class: price}, "beta": [[class, child, price]], "loops": [{classes, root, gamma}]}: the records r, e and g
// on the problem as it stands in the file, e-graphs alone (shared/tools/check_extraction.py).
Result<Exact> check_class_prices(const json& root, const Instance& instance) {
  Reductions whole(instance);
  std::vector<uint32_t> candidates, items(whole.items());
  for (uint32_t k = 0; k < whole.candidates(); ++k) {
    if (whole.stands(k)) candidates.push_back(k);
  }
  std::iota(items.begin(), items.end(), 0);
  Part part;
  Record record;
  EGRET_TRY_VOID(whole.cut(record, candidates, items, part));
  Prices prices(part);
  bool fine = true;
  const auto item = [&](const json& name) {
    const auto found = name.is_string() ? instance.item_of.find(name.get<std::string>()) : instance.item_of.end();
    fine &= found != instance.item_of.end();
    return fine ? static_cast<int>(found->second) : -1;
  };
  const auto row = [&](char kind, const json& price, std::vector<int> numbers) {
    fine &= price.is_number() && Exact::fits(price.get<double>());
    if (!fine) return bad("a price is no number, or names no class");
    record.kind = kind;
    record.real = price.get<double>();
    record.numbers = std::move(numbers);
    const Status taken = prices.take(record);
    fine &= taken.ok();
    return taken.ok() ? Error() : taken.error();
  };
  const json alpha = root.value("alpha", json::object()), beta = root.value("beta", json::array()),
             loops = root.value("loops", json::array());
  if (!alpha.is_object() || !beta.is_array() || !loops.is_array()) {
    return bad("`alpha`, `beta` or `loops` has another form");
  }
  Error error = bad("`beta` or `loops` has another form");
  for (const auto& [name, price] : alpha.items()) {
    if (fine) error = row('r', price, {item(name)});
  }
  for (const json& entry : beta) {
    fine &= entry.is_array() && entry.size() == 3;
    if (fine) error = row('e', entry[2], {item(entry[0]), item(entry[1])});
  }
  for (const json& entry : loops) {
    fine &= entry.is_object() && entry.contains("classes") && entry["classes"].is_array();
    if (!fine) break;
    std::vector<int> numbers{item(entry.value("root", json()))};
    for (const json& name : entry["classes"]) numbers.push_back(item(name));
    error = row('g', entry.value("gamma", json()), std::move(numbers));
  }
  if (!fine) return error;
  return prices.bound();
}

}  // namespace

Result<Verdict> check_certificate(std::string_view certificate, std::string_view problem, bool ignore_digest) {
  json root = json::parse(certificate, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return bad("the file is no JSON object");
  if (root.value("format", json()) != "egret-certificate 1") return bad("`format` must be \"egret-certificate 1\"");
  if (!ignore_digest) {
    const json stated = root.value("digest", json());
    root.erase("digest");
    if (stated != digest(root.dump(-1, ' ', false, json::error_handler_t::replace))) {
      return bad("its digest is another: something in it was changed");
    }
  }
  EGRET_TRY(const Instance instance, read_instance(problem));
  Verdict verdict;
  if (root.value("candidates", json()) != instance.choices.size() || root.value("items", json()) != instance.items) {
    return bad("it was made for another problem");
  }
  Proof proof(instance);
  const json text = root.value("proof", json(""));
  if (!text.is_string()) return bad("`proof` must be a string");
  EGRET_TRY_VOID(proof.run(text.get_ref<const std::string&>(), verdict));
  Exact bound = proof.bound();
  const json claimed = root.value("bound", json());
  if (!claimed.is_number() || !Exact::fits(claimed.get<double>())) return bad("`bound` must be a number");
  const Exact claim(claimed.get<double>());
  if (bound < claim && instance.egraph && root.contains("alpha")) {
    EGRET_TRY(const Exact priced, check_class_prices(root, instance));
    bound = std::max(bound, priced);
  }
  if (bound < claim) {
    return bad(fmt::format("it claims a bound of {}, and proves {}", claimed.get<double>(), bound.rounded_down()));
  }
  verdict.bound = bound.rounded_down();
  return verdict;
}

}  // namespace egret::certify
