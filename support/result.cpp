#include "support/result.h"

#include <cstdio>
#include <cstdlib>

namespace egret {

std::string Error::to_string() const {
  std::string text;
  if (!where.file.empty()) text += where.file + ":";
  if (where.line > 0) text += std::to_string(where.line) + ":";
  if (where.column > 0) text += std::to_string(where.column) + ":";
  if (!where.place.empty()) text += (text.empty() ? "" : " ") + where.place + ":";
  if (!text.empty()) text += " ";
  text += "error: " + message;
  if (!hint.empty()) text += "\n  hint: " + hint;
  return text;
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
