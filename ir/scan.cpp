#include "ir/scan.h"

#include <charconv>
#include <cctype>

#include <fmt/format.h>

namespace egret {

namespace {

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool in_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Longest first.
constexpr std::string_view kPuncts[] = {"...", "..", "->", "=>", "<=", ">=", "==", "!="};

}  // namespace

Scanner::Scanner(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

Token Scanner::scan() {
  for (;; ++pos_) {
    char c = at(pos_);
    if (c == '#') {
      while (pos_ < text_.size() && text_[pos_] != '\n') ++pos_;
      c = at(pos_);
    }
    if (pos_ >= text_.size()) break;
    if (c == '\n') {
      ++line_;
      line_start_ = pos_ + 1;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      break;
    }
  }
  Token t;
  t.line = line_;
  t.column = static_cast<int>(pos_ - line_start_) + 1;
  if (pos_ >= text_.size()) return t;
  size_t begin = pos_;
  char c = text_[pos_];
  if (starts_name(c)) {
    while (in_name(at(pos_))) ++pos_;
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
    size_t length = 1;
    for (std::string_view p : kPuncts) {
      if (text_.substr(pos_, p.size()) == p) {
        length = p.size();
        break;
      }
    }
    if (!std::isprint(static_cast<unsigned char>(c))) t.kind = Token::Kind::kBad;
    pos_ += length;
  }
  t.text = text_.substr(begin, pos_ - begin);
  return t;
}

const Token& Scanner::peek(int ahead) {
  while (count_ <= ahead) ahead_[count_++] = scan();
  return ahead_[ahead];
}

Token Scanner::next() {
  Token t = peek();
  for (int i = 1; i < count_; ++i) ahead_[i - 1] = ahead_[i];
  --count_;
  return t;
}

bool Scanner::accept(std::string_view punct_or_name) {
  if (!peek().is(punct_or_name)) return false;
  next();
  return true;
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
