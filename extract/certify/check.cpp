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

// A problem on its way down: reductions, then parts.  A part may hold a problem of its own, what is left of it.
struct Level {
  explicit Level(Reductions reductions) : state(std::move(reductions)) {}

  Exact bound() const { return parts + state.outside(); }

  Reductions state;
  Exact parts;  // bounds of those so far
  bool in_part = false;
  double claim = 0;        // of the part
  List candidates, items;  // of the part
  std::unique_ptr<Part> part;  // once it has begun
  std::optional<Prices> prices;
  std::optional<Cores> cores;
  bool proved = false;  // by the problem inside
};

class Proof {
 public:
  explicit Proof(const System& system) { levels_.emplace_back(Reductions(system)); }

  void take(const Record& record) {
    Level& level = levels_.back();
    if (level.in_part) return in_part(level, record);
    if (record.kind == 'p') {
      level.in_part = true;
      level.claim = record.real;
    } else if (record.kind == ')' && levels_.size() > 1) {
      const Exact inside = level.bound();
      levels_.pop_back();
      need(levels_.back().part->closes(inside), "the problem inside proves less than the part claims");
      levels_.back().proved = true;
    } else {
      need(std::strchr("UYDZREFGHVPS", record.kind), "no such record outside of a part");
      level.state.take(record);
    }
  }
  Exact bound() const {
    need(levels_.size() == 1 && !levels_.back().in_part, "the proof ends inside a part");
    return levels_.front().bound();
  }
  size_t parts() const { return parts_; }

 private:
  void in_part(Level& level, const Record& record) {
    if (record.kind == 'k' || record.kind == 'i') {
      need(!level.part, "the part has begun");
      (record.kind == 'k' ? level.candidates : level.items) =
          record.indices(record.kind == 'k' ? level.state.candidates() : level.state.items());
      return;
    }
    if (!level.part) {
      level.part = std::make_unique<Part>(level.state.cut(level.candidates, level.items));
      level.part->claim = level.claim;
      level.prices.emplace(*level.part);
    }
    if (record.kind == '(') {
      levels_.emplace_back(Reductions(*level.part, level.prices->out_for_good()));
    } else if (record.kind == '.') {
      end(level);
    } else if (record.kind == 'v') {
      level.part->grain = record.real;
      need(grain_holds(*level.part), "a cost, or the claim, is no multiple of it");
    } else if (std::strchr("uwKfB/^q", record.kind)) {
      level.prices->take(record);
    } else {
      need(std::strchr("adlsnmoch", record.kind), "no such record");
      if (!level.cores) level.cores.emplace(*level.part, level.prices->out_for_good());
      level.cores->take(record);
    }
  }

  void end(Level& level) {
    need(level.proved || level.prices->proved() || (level.cores && level.cores->proved()), "the claim of the part is not proved");
    level.parts += Exact(level.claim);
    ++parts_;
    level.cores.reset();
    level.prices.reset();
    level.part.reset();
    level.candidates.clear();
    level.items.clear();
    level.in_part = level.proved = false;
  }

  std::deque<Level> levels_;
  size_t parts_ = 0;
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
  const System system = read_system(problem);
  need(root.at("candidates") == system.candidates() && root.at("items") == system.items(), "it was made for another problem");
  const json& claimed = root.at("bound");
  need(claimed.is_number() && Exact::fits(claimed.get<double>()), "`bound` must be a number");
  Proof proof(system);
  std::string_view text = root.at("proof").get_ref<const std::string&>();
  Verdict verdict;
  for (; record.next(text); ++verdict.records) proof.take(record);
  verdict.parts = proof.parts();
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
