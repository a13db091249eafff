// Scanner: tokens of egret's text forms (graphs, types, sizes, definitions), with places for error messages.
//
// Blanks, line ends and `#` comments separate tokens and mean nothing else.  Names are [A-Za-z_][A-Za-z0-9_]*; strings
// are in double quotes with \" \\ \n \t; numbers are unsigned decimal (with fraction and exponent) or 0x hexadecimal.
#pragma once

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attr.h"
#include "ir/type.h"
#include "support/result.h"

namespace egret {

struct Token {
  enum class Kind : uint8_t { kEnd, kName, kNumber, kString, kPunct, kBad } kind = Kind::kEnd;
  std::string_view text;  // of a string: between the quotes, escapes not replaced
  int line = 1, column = 1;
  bool is(std::string_view punct_or_name) const {
    return text.size() == punct_or_name.size() && (kind == Kind::kPunct || kind == Kind::kName) && text[0] == punct_or_name[0] &&
           std::memcmp(text.data(), punct_or_name.data(), text.size()) == 0;
  }
};

class Scanner {
 public:
  Scanner(std::string_view text, std::string file, int first_line = 1);

  const Token& peek() const { return ahead_[first_]; }
  const Token& peek(unsigned ahead) {  // ahead < 4
    while (count_ <= ahead) ahead_[(first_ + count_++) % kAhead] = scan();
    return ahead_[(first_ + ahead) % kAhead];
  }
  Token next() {
    const Token t = peek();
    advance();
    return t;
  }
  bool at_end() const { return peek().kind == Token::Kind::kEnd; }
  bool accept(std::string_view punct_or_name) {  // takes it where it is next
    if (!peek().is(punct_or_name)) return false;
    advance();
    return true;
  }
  Status expect(std::string_view punct_or_name, std::string_view context);
  Result<std::string> name(std::string_view what);           // a name token
  Result<std::string> name_or_string(std::string_view what);  // a name, or a quoted string
  Result<int64_t> integer(std::string_view what);             // with an optional minus sign

  SourceSpan here() const { return span(peek()); }
  SourceSpan span(const Token& token) const { return {file_, token.line, token.column, {}}; }
  // An error at the next token; "expected WHAT, found TOKEN".
  Error expected(std::string_view what, std::string hint = {});

 private:
  static constexpr unsigned kAhead = 4;

  Token scan();
  void advance();
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  std::string_view text_;
  std::string file_;
  size_t pos_ = 0;
  int line_ = 1;
  size_t line_start_ = 0;
  std::array<Token, kAhead> ahead_;  // count_ of them from first_ on, around; at least one
  unsigned first_ = 0, count_ = 1;
};

std::string unescape(std::string_view quoted);
std::string quote(std::string_view raw);         // with the quotes
bool is_plain_name(std::string_view text);       // a name token
std::string describe(const Token& token);        // "'x'", "end of text"

// Parsers of the parts that several text forms share.  Limits: depth 64, sizes at most 2^40, rank 32.
inline constexpr int kMaxTextDepth = 64;
inline constexpr int kMaxRank = 32;
inline constexpr int64_t kMaxElements = int64_t{1} << 48;  // of one tensor; keeps index arithmetic within 64 bits
Result<Dim> parse_dim(Scanner& scan, int depth = 0);
Result<Type> parse_type(Scanner& scan, int depth = 0);
Result<AttrValue> parse_attr_value(Scanner& scan, AttrKind kind);
Result<double> parse_number(Scanner& scan);      // signed; inf and nan
Result<TensorRef> parse_tensor(Scanner& scan);   // f32[2] [1, 2]; the last value stands for the rest: [0, ...]
Result<TensorRef> parse_tensor_values(Scanner& scan, const Type& type, const SourceSpan& type_place);
std::string print_number(double value);          // shortest text that reads back the same
std::string print_tensor(const Tensor& tensor);

}  // namespace egret
