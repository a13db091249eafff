// An altered proof is refused without the digest's help.
#include <nlohmann/json.hpp>

#include <random>

#include "tests/frontends/proof_cases.h"

using namespace egret;
using namespace egret::proof;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char* kRules = R"(
ruleset case

rule neg-neg: neg(neg(x)) => x
rule add-comm: x + y => y + x
rule add-assoc: (x + y) + z <=> x + (y + z)
  needs reassoc
rule factor: x * z + y * z => (x + y) * z
  needs field
rule dot-assoc: dot(dot(a[B.., m.., k..], b[B.., k.., l..], over=k), c[B.., l.., n..], over=l) => dot(a, dot(b, c, over=l), over=k)
  where frozen(b), frozen(c)
  needs field
)";

constexpr const char* kGraph = R"(graph altered
  a: f32[6,8]
  param w: f32[8,4]
  param v: f32[4,3]
  d: f32[6,3]
  const k: f32[6,3] = [0.5, ...]
  p = dot(a, w, lc=[1], rc=[0])
  q = dot(p, v, lc=[1], rc=[0])
  two = splat(value=2, dtype=f32, sizes=[6,3])
  kk = mul(k, two)
  m = mul(q, kk)
  n = mul(d, kk)
  o = add(m, n)
  r = neg(o)
  s = neg(r)
  t = softmax(s, axis=1)
  return t
)";

std::vector<Json*> leaves(Json& root) {
  std::vector<Json*> out, open{&root};
  while (!open.empty()) {
    Json* j = open.back();
    open.pop_back();
    if (j->is_structured()) {
      for (auto& [key, value] : j->items()) {
        if (key != "digest" || j != &root) open.push_back(&value);
      }
    } else {
      out.push_back(j);
    }
  }
  return out;
}

// Changes one entry; the result differs from what was there.
void alter(Json& proof, std::mt19937& random) {
  std::vector<Json*> places = leaves(proof);
  auto any = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (;;) {
    Json& j = *places[any(places.size())];
    const Json before = j;
    if (j.is_string()) {
      std::string text = j.get<std::string>();
      const size_t kind = any(3);
      if (kind == 0) {
        Json& other = *places[any(places.size())];
        if (!other.is_string()) continue;
        j = other;
      } else if (kind == 1 && !text.empty()) {
        text[any(text.size())] = static_cast<char>('0' + any(70));
        j = text;
      } else if (!text.empty()) {
        text.erase(any(text.size()), 1);
        j = text;
      }
    } else if (j.is_boolean()) {
      j = !j.get<bool>();
    } else {
      j = j.get<int64_t>() + (any(2) ? 1 : -1) * static_cast<int64_t>(1 + any(3));
    }
    if (j != before) return;
  }
}

// Swaps two entries of a list, or writes one twice.
bool rearrange(Json& proof, std::mt19937& random, bool twice) {
  std::vector<Json*> lists, open{&proof};
  while (!open.empty()) {
    Json* j = open.back();
    open.pop_back();
    if (j->is_array() && j->size() >= (twice ? 1 : 2)) lists.push_back(j);
    if (j->is_structured()) {
      for (auto& value : *j) open.push_back(&value);
    }
  }
  Json& list = *lists[random() % lists.size()];
  const size_t a = random() % list.size(), b = random() % list.size();
  if (twice) {
    const Json entry = list[a];
    list.insert(list.begin() + static_cast<std::ptrdiff_t>(b), entry);
    return true;
  }
  if (list[a] == list[b]) return false;
  std::swap(list[a], list[b]);
  return true;
}

}  // namespace

TEST_CASE("random alterations are found without the digest") {
  auto c = make_case(kGraph, kRules);
  const std::string text = proved(*c);
  const Json original = Json::parse(text);
  // Another arrangement of the same values is the same proof.
  CheckInputs inputs;
  inputs.ignore_digest = true;
  REQUIRE(check(original.dump(), inputs).ok);
  REQUIRE(original.at("steps").size() > 10);
  std::mt19937 random(7);
  for (int i = 0; i < 1200; ++i) {
    Json altered = original;
    if (i % 4 == 3) {
      if (!rearrange(altered, random, i % 8 == 7)) continue;
    } else {
      alter(altered, random);
    }
    const CheckReport report = check(altered.dump(-1, ' ', false, Json::error_handler_t::replace), inputs);
    if (report.ok) {
      std::string where;
      for (const auto& d : Json::diff(original, altered)) where += d.dump() + "\n";
      FAIL("accepted: " << where);
    }
    CHECK_FALSE(report.failed_step.empty());
  }
}

TEST_CASE("the digest covers the content") {
  auto c = make_case("graph g\n  a: f32[4]\n  b = neg(a)\n  return b\n", "");
  std::string text = proved(*c);
  text.replace(text.rfind("\"digest\": \"") + 11, 1, text[text.rfind("\"digest\": \"") + 11] == '0' ? "1" : "0");
  CHECK_FALSE(check(text, {}).ok);
  CheckInputs ignoring;
  ignoring.ignore_digest = true;
  CHECK(check(text, ignoring).ok);
}

TEST_CASE("a proof of another model is refused") {
  auto c = make_case("graph g\n  a: f32[4]\n  b = neg(a)\n  return b\n", "");
  const std::string text = proved(*c);
  for (const char* other : {"graph g\n  a: f32[4]\n  b = abs(a)\n  return b\n", "graph g\n  a: f32[5]\n  b = neg(a)\n  return b\n",
                            "graph g\n  c: f32[4]\n  b = neg(c)\n  return b\n", "graph h\n  a: f32[4]\n  b = neg(a)\n  return b\n",
                            "graph g\n  param a: f32[4]\n  b = neg(a)\n  return b\n", "graph g\n  a: f32[4]\n  b = neg(a)\n  return c = b\n"}) {
    auto model = parse_graph(other);
    PROOF_REQUIRE_OK(model);
    CheckInputs inputs;
    inputs.model = &*model;
    INFO(other);
    CHECK_FALSE(check(text, inputs).ok);
  }
}

TEST_CASE("what is no proof is refused with a message") {
  for (const char* text : {"", "{", "[]", "{}", "{\"format\": \"egret-proof 1\"}", "{\"format\": \"egret-proof 2\"}", "\"x\"",
                           "{\"a\": 1, \"a\": 2}"}) {
    const CheckReport report = check(text, {});
    CHECK_FALSE(report.ok);
    CHECK_FALSE(report.failed_step.empty());
  }
}
