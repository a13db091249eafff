#include "support/result.h"

#include <cstdio>
#include <cstdlib>

namespace egret {
namespace {

// Length of the UTF-8 character at `at`, or 0: not well formed (overlong forms and surrogates included).
size_t utf8_length(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) || (first == 0xf0 && second < 0x90) ||
                   (first == 0xf4 && second >= 0x90);
  return bad ? 0 : length;
}

// Names from a hostile file must not steer a terminal: control characters and bytes that are no UTF-8 as \xNN.
std::string printable(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    size_t length = utf8_length(text, at);
    if (c == 0x7f || (c < 0x20 && c != '\n' && c != '\t')) length = 0;
    if (c == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0) length = 0;  // C1 controls
    if (length > 0) {
      out.append(text, at, length);
      at += length;
      continue;
    }
    constexpr const char* kHex = "0123456789abcdef";
    out += {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
    ++at;
  }
  return out;
}

}  // namespace

std::string Error::to_string() const {
  std::string text;
  if (!where.file.empty()) text += where.file + ":";
  if (where.line > 0) text += std::to_string(where.line) + ":";
  if (where.column > 0) text += std::to_string(where.column) + ":";
  if (!where.place.empty()) text += (text.empty() ? "" : " ") + where.place + ":";
  if (!text.empty()) text += " ";
  text += "error: " + message;
  if (!hint.empty()) text += "\n  hint: " + hint;
  return printable(text);
}

int Error::exit_status() const {
  switch (code) {
    case ErrorCode::kInput:
    case ErrorCode::kUnsupported:
    case ErrorCode::kIo:
      return 1;
    case ErrorCode::kLimit:
      return 3;
    case ErrorCode::kInternal:
      return 70;
  }
  return 70;
}

Error input_error(std::string message, std::string hint, SourceSpan where) {
  return {ErrorCode::kInput, std::move(message), std::move(hint), std::move(where)};
}
Error unsupported_error(std::string message, std::string hint, SourceSpan where) {
  return {ErrorCode::kUnsupported, std::move(message), std::move(hint), std::move(where)};
}
Error io_error(std::string message, std::string hint, SourceSpan where) {
  return {ErrorCode::kIo, std::move(message), std::move(hint), std::move(where)};
}
Error limit_error(std::string message, std::string hint) {
  return {ErrorCode::kLimit, std::move(message), std::move(hint), {}};
}
Error internal_error(std::string message) { return {ErrorCode::kInternal, std::move(message), {}, {}}; }

void fail_check(const char* condition, const char* text, const char* file, int line) {
  std::fprintf(stderr, "egret: a bug in egret: %s (%s) at %s:%d\n", text, condition, file, line);
  std::fflush(stderr);
  std::_Exit(70);
}

}  // namespace egret
