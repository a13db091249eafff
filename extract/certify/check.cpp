#include "extract/certify/check.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>

#include "extract/certify/cores.h"
#include "extract/certify/prices.h"
#include "extract/certify/reductions.h"
#include "support/hash.h"

namespace egret::certify {
namespace {

using nlohmann::json;

// Is every cost, and the claim, a multiple of the grain?
bool grain_holds(const Part& part) {
  const auto multiple = [&](const Exact& cost) {
    const double value = cost.rounded_down();
    return Exact::fits(value) && Exact(value) == cost && std::fmod(value, part.grain) == 0;
  };
  return part.grain > 0 && std::fmod(part.claim, part.grain) == 0 &&
         std::all_of(part.cost.begin(), part.cost.end(), multiple);
}

// A part of a problem whose claim is not proved yet.
struct OpenPart {
  double claim = 0;
  List candidates, items;
  Part part = {};  // once it has begun: then there are `prices`
  std::optional<Prices> prices = {};
  std::optional<Cores> cores = {};
  bool proved = false;  // by the problem inside
};

// A problem on its way down: reductions, then parts.  A part may hold a problem of its own, what is left of it.
struct Level {
  Exact bound() const { return parts + state.outside(); }

  Reductions state;
  Exact parts = {};  // bounds of those so far
  std::optional<OpenPart> open = {};
};

class Proof {
 public:
  explicit Proof(System system) { levels_.push_back({Reductions(std::move(system))}); }

  void take(const Record& record) {
    Level& level = levels_.back();
    if (level.open) return in_part(level, *level.open, record);
    if (record.kind == 'p') {
      level.open.emplace(OpenPart{record.real, {}, {}});
    } else if (record.kind == ')' && levels_.size() > 1) {
      const Exact inside = level.bound();
      levels_.pop_back();
      need(levels_.back().open->part.closes(inside), "the problem inside proves less than the part claims");
      levels_.back().open->proved = true;
    } else {
      need(std::strchr("UYDZREFGHVPSA", record.kind), "no such record outside of a part");
      level.state.take(record);
    }
  }
  Exact bound() const {
    need(levels_.size() == 1 && !levels_.back().open, "the proof ends inside a part");
    return levels_.front().bound();
  }

 private:
  void in_part(Level& level, OpenPart& open, const Record& record) {
    if (record.kind == 'k' || record.kind == 'i') {
      need(!open.prices, "the part has begun");
      if (record.kind == 'k') open.candidates = record.indices(level.state.candidates());
      if (record.kind == 'i') open.items = record.indices(level.state.items());
      return;
    }
    if (!open.prices) {
      open.part = level.state.cut(open.candidates, open.items);
      open.part.claim = open.claim;
      open.prices.emplace(open.part);
    }
    if (record.kind == '(') {
      levels_.push_back({Reductions(open.part, open.prices->out_for_good())});
    } else if (record.kind == '.') {
      need(open.proved || open.prices->proved() || (open.cores && open.cores->proved()), "the claim of the part is not proved");
      level.parts += Exact(open.claim);
      level.open.reset();
    } else if (record.kind == 'v') {
      open.part.grain = record.real;
      need(grain_holds(open.part), "a cost, or the claim, is no multiple of it");
    } else if (std::strchr("uwKfB/^q", record.kind)) {
      open.prices->take(record);
    } else {
      need(std::strchr("adlsnmoch", record.kind), "no such record");
      if (!open.cores) open.cores.emplace(open.part, open.prices->out_for_good());
      open.cores->take(record);
    }
  }

  std::deque<Level> levels_;  // parts are pointed to: they stay where they are
};

Verdict check(std::string_view certificate, std::string_view problem, bool ignore_digest, Record& record) {
  json root = json::parse(certificate, nullptr, /*allow_exceptions=*/false);
  need(root.is_object() && root.value("format", json()) == "egret-certificate 1", "it is no \"egret-certificate 1\"");
  if (!ignore_digest) {
    const json stated = root.value("digest", json());
    root.erase("digest");
    need(stated == digest(root.dump(-1, ' ', false, json::error_handler_t::replace)),
         "its digest is another: something in it was changed");
  }
  System system = read_system(problem);
  need(root.at("candidates") == system.candidates() && root.at("items") == system.items(), "it was made for another problem");
  const json& claimed = root.at("bound");
  need(claimed.is_number() && Exact::fits(claimed.get<double>()), "`bound` must be a number");
  Proof proof(std::move(system));
  std::string_view text = root.at("proof").get_ref<const std::string&>();
  Verdict verdict;
  for (; record.next(text); ++verdict.records) proof.take(record);
  verdict.bound = proof.bound().rounded_down();
  record = {};
  if (proof.bound() < Exact(claimed.get<double>())) {
    throw Refused{fmt::format("it claims a bound of {}, and proves {}", claimed.get<double>(), verdict.bound)};
  }
  return verdict;
}

}  // namespace

Result<Verdict> check_certificate(std::string_view certificate, std::string_view problem, bool ignore_digest) {
  Record record;
  std::string why;
  try {
    return check(certificate, problem, ignore_digest, record);
  } catch (const Refused& refused) {
    why = refused.why;
  } catch (const json::exception& e) {
    why = std::string("it, or the problem, has another form: ") + e.what();
  }
  const std::string place = record.line > 0 ? fmt::format("proof line {} ('{}'): ", record.line, record.kind) : "";
  return input_error("certificate: " + place + why);
}

}  // namespace egret::certify
