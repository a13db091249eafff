#include "ir/text/scan.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace egret {

namespace {

enum : uint8_t { kDigit = 1, kLetter = 2, kBlank = 4 };

constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> out{};
  for (int c = '0'; c <= '9'; ++c) out[c] = kDigit;
  for (int c = 'a'; c <= 'z'; ++c) out[c] = out[c - 'a' + 'A'] = kLetter;
  out['_'] = kLetter;
  out[' '] = out['\t'] = out['\r'] = kBlank;
  return out;
}();
bool is_a(char c, int classes) { return kClasses[static_cast<unsigned char>(c)] & classes; }
bool is_digit(char c) { return is_a(c, kDigit); }
bool starts_name(char c) { return is_a(c, kLetter); }
bool in_name(char c) { return is_a(c, kLetter | kDigit); }

// The length of the punctuation that starts with a, b, c: "...", "..", "->", "=>", "<=", ">=", "==", "!=", or one character.
size_t punct_length(char a, char b, char c) {
  if (a == '.') return b != '.' ? 1 : c == '.' ? 3 : 2;
  if (b == '>') return a == '-' || a == '=' ? 2 : 1;
  return b == '=' && (a == '<' || a == '>' || a == '=' || a == '!') ? 2 : 1;
}

}  // namespace

Scanner::Scanner(std::string_view text, std::string file, int first_line) : text_(text), file_(std::move(file)), line_(first_line) { ahead_[0] = scan(); }

void Scanner::advance() {
  first_ = (first_ + 1) % kAhead;
  if (--count_ == 0) {
    ahead_[first_] = scan();
    count_ = 1;
  }
}

Token Scanner::scan() {
  for (; pos_ < text_.size(); ++pos_) {
    if (is_a(text_[pos_], kBlank)) continue;
    if (text_[pos_] == '#') pos_ = std::min(text_.find('\n', pos_), text_.size());
    if (at(pos_) != '\n') break;
    ++line_;
    line_start_ = pos_ + 1;
  }
  Token t;
  t.line = line_;
  t.column = static_cast<int>(pos_ - line_start_) + 1;
  if (pos_ >= text_.size()) return t;
  size_t begin = pos_;
  char c = text_[pos_];
  if (starts_name(c)) {
    while (pos_ < text_.size() && in_name(text_[pos_])) ++pos_;
    t.kind = Token::Kind::kName;
  } else if (is_digit(c)) {
    t.kind = Token::Kind::kNumber;
    if (c == '0' && at(pos_ + 1) == 'x') {
      pos_ += 2;
      while (std::isxdigit(static_cast<unsigned char>(at(pos_)))) ++pos_;
    } else {
      while (is_digit(at(pos_))) ++pos_;
      if (at(pos_) == '.' && at(pos_ + 1) != '.') {
        ++pos_;
        while (is_digit(at(pos_))) ++pos_;
      }
      size_t sign = at(pos_ + 1) == '+' || at(pos_ + 1) == '-' ? 1 : 0;
      if ((at(pos_) == 'e' || at(pos_) == 'E') && is_digit(at(pos_ + 1 + sign))) {
        pos_ += 1 + sign;
        while (is_digit(at(pos_))) ++pos_;
      }
    }
  } else if (c == '"') {
    ++pos_;
    while (pos_ < text_.size() && text_[pos_] != '"' && text_[pos_] != '\n') pos_ += text_[pos_] == '\\' ? 2 : 1;
    if (at(pos_) != '"') {
      pos_ = std::min(pos_, text_.size());
      t.kind = Token::Kind::kBad;
      t.text = text_.substr(begin, pos_ - begin);
      return t;
    }
    t.kind = Token::Kind::kString;
    t.text = text_.substr(begin + 1, pos_ - begin - 1);
    ++pos_;
    return t;
  } else {
    t.kind = Token::Kind::kPunct;
    if (!std::isprint(static_cast<unsigned char>(c))) t.kind = Token::Kind::kBad;
    pos_ += punct_length(c, at(pos_ + 1), at(pos_ + 2));
  }
  t.text = text_.substr(begin, pos_ - begin);
  return t;
}

Error Scanner::expected(std::string_view what, std::string hint) {
  return input_error(fmt::format("expected {}, found {}", what, describe(peek())), std::move(hint), here());
}

Status Scanner::expect(std::string_view punct_or_name, std::string_view context) {
  if (accept(punct_or_name)) return {};
  return expected(fmt::format("'{}' {}", punct_or_name, context));
}

Result<std::string> Scanner::name(std::string_view what) {
  if (peek().kind != Token::Kind::kName) return expected(what);
  return std::string(next().text);
}

Result<std::string> Scanner::name_or_string(std::string_view what) {
  if (peek().kind == Token::Kind::kString) return unescape(next().text);
  return name(what);
}

Result<int64_t> Scanner::integer(std::string_view what) {
  bool negative = accept("-");
  const Token& t = peek();
  int64_t value = 0;
  auto [end, code] = std::from_chars(t.text.data(), t.text.data() + t.text.size(), value);
  if (t.kind != Token::Kind::kNumber || code != std::errc() || end != t.text.data() + t.text.size()) return expected(what);
  next();
  return negative ? -value : value;
}

std::string unescape(std::string_view quoted) {
  std::string result;
  for (size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] != '\\' || i + 1 == quoted.size()) {
      result += quoted[i];
      continue;
    }
    char c = quoted[++i];
    result += c == 'n' ? '\n' : c == 't' ? '\t' : c;
  }
  return result;
}

std::string quote(std::string_view raw) {
  std::string result = "\"";
  for (char c : raw) {
    if (c == '"' || c == '\\') result += '\\';
    if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else {
      result += c;
    }
  }
  return result + "\"";
}

bool is_plain_name(std::string_view text) {
  if (text.empty() || !starts_name(text[0])) return false;
  for (char c : text) {
    if (!in_name(c)) return false;
  }
  return true;
}

std::string describe(const Token& token) {
  if (token.kind == Token::Kind::kEnd) return "end of text";
  if (token.kind == Token::Kind::kString) return fmt::format("\"{}\"", token.text.substr(0, 40));
  if (token.kind == Token::Kind::kBad && token.text.substr(0, 1) == "\"") return "a string without its end";
  if (token.kind == Token::Kind::kBad) {
    return fmt::format("the byte {:#04x}", static_cast<unsigned>(static_cast<unsigned char>(token.text[0])));
  }
  return fmt::format("'{}'", token.text.substr(0, 40));
}

}  // namespace egret
