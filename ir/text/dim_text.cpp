// Text form of Dim: + - * div mod over names and integers, min(a, b), max(a, b).
#include <fmt/format.h>

#include "ir/dim_expr.h"
#include "ir/text/scan.h"

namespace egret {

namespace {

constexpr int64_t kLargestLiteral = int64_t{1} << 40;
constexpr size_t kMaxTerms = 64;  // of a parsed size; bounds the expansion of products

bool is_atom_text(Dim d) {
  if (d.is_const()) return d.value() >= 0;
  auto kind = DimAccess::expr(d)->kind;
  return kind == DimExpr::Kind::kName || kind == DimExpr::Kind::kMin || kind == DimExpr::Kind::kMax;
}

std::string operand_text(Dim d) {
  return is_atom_text(d) ? d.to_string() : fmt::format("({})", d.to_string());
}

std::string term_text(const DimTerm& t) {
  std::string text;
  for (const DimExpr* f : t.factors) {
    if (!text.empty()) text += '*';
    bool alone = t.factors.size() == 1 && t.coefficient == 1;
    text += alone ? DimAccess::dim(f).to_string() : operand_text(DimAccess::dim(f));
  }
  if (std::abs(t.coefficient) != 1) text += fmt::format("*{}", std::abs(t.coefficient));
  return text;
}

Result<Dim> checked(Dim d, Scanner& scan) {
  if (!d.is_const() && DimAccess::sum(d).terms.size() > kMaxTerms) {
    return input_error("a size has too many terms", "name the size instead", scan.here());
  }
  return d;
}

Result<Dim> parse_primary(Scanner& scan, int depth) {
  if (depth > kMaxTextDepth) return input_error("a size is nested too deeply", {}, scan.here());
  if (scan.accept("(")) {
    EGRET_TRY(Dim d, parse_dim(scan, depth + 1));
    EGRET_TRY_VOID(scan.expect(")", "after a size"));
    return d;
  }
  if (scan.accept("-")) {
    EGRET_TRY(Dim d, parse_primary(scan, depth + 1));
    return Dim(0) - d;
  }
  if (scan.peek().kind == Token::Kind::kNumber) {
    const Token size = scan.peek();
    EGRET_TRY(int64_t value, scan.integer("an integer size"));
    if (value > kLargestLiteral) return input_error("a size is larger than 2^40", {}, scan.span(size));
    return Dim(value);
  }
  if (scan.peek().kind == Token::Kind::kName && scan.peek(1).is("(")) {
    bool is_min = scan.peek().is("min");
    if (!is_min && !scan.peek().is("max")) return scan.expected("a size");
    scan.next();
    scan.next();
    EGRET_TRY(Dim a, parse_dim(scan, depth + 1));
    EGRET_TRY_VOID(scan.expect(",", "between two sizes"));
    EGRET_TRY(Dim b, parse_dim(scan, depth + 1));
    EGRET_TRY_VOID(scan.expect(")", "after two sizes"));
    return is_min ? Dim::min(a, b) : Dim::max(a, b);
  }
  if (scan.peek().kind != Token::Kind::kName) return scan.expected("a size (an integer or a name)");
  return Dim::named(scan.next().text);
}

Result<Dim> parse_product(Scanner& scan, int depth) {
  EGRET_TRY(Dim left, parse_primary(scan, depth));
  for (;;) {
    if (scan.accept("*")) {
      EGRET_TRY(Dim right, parse_primary(scan, depth));
      EGRET_TRY(left, checked(left * right, scan));
    } else if (scan.peek().is("div") || scan.peek().is("mod")) {
      bool div = scan.next().is("div");
      const Token divisor = scan.peek();
      EGRET_TRY(Dim right, parse_primary(scan, depth));
      if (right == Dim(0)) return input_error("division by zero in a size", {}, scan.span(divisor));
      left = div ? Dim::div(left, right) : Dim::mod(left, right);
    } else {
      return left;
    }
  }
}

}  // namespace

Result<Dim> parse_dim(Scanner& scan, int depth) {
  EGRET_TRY(Dim left, parse_product(scan, depth));
  while (scan.peek().is("+") || scan.peek().is("-")) {
    bool plus = scan.next().is("+");
    EGRET_TRY(Dim right, parse_product(scan, depth));
    EGRET_TRY(left, checked(plus ? left + right : left - right, scan));
  }
  return left;
}

Result<Dim> Dim::parse(std::string_view text) {
  Scanner scan(text, "<size>");
  EGRET_TRY(Dim d, parse_dim(scan));
  if (!scan.at_end()) return scan.expected("the end of a size");
  return d;
}

std::string Dim::to_string() const {
  using Kind = DimExpr::Kind;
  if (is_const()) return std::to_string(value());
  const DimExpr* e = DimAccess::expr(*this);
  switch (e->kind) {
    case Kind::kName: return e->name;
    case Kind::kDiv: return fmt::format("{} div {}", operand_text(e->a), operand_text(e->b));
    case Kind::kMod: return fmt::format("{} mod {}", operand_text(e->a), operand_text(e->b));
    case Kind::kMin: return fmt::format("min({}, {})", e->a.to_string(), e->b.to_string());
    case Kind::kMax: return fmt::format("max({}, {})", e->a.to_string(), e->b.to_string());
    case Kind::kSum: break;
  }
  std::string text;
  for (const DimTerm& t : e->sum.terms) {
    text += text.empty() ? (t.coefficient < 0 ? "-" : "") : (t.coefficient < 0 ? " - " : " + ");
    text += term_text(t);
  }
  if (e->sum.constant > 0) text += fmt::format(" + {}", e->sum.constant);
  if (e->sum.constant < 0) text += fmt::format(" - {}", -e->sum.constant);
  return text;
}

}  // namespace egret
