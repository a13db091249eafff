// Result<T>: a value, or an Error that says what was wrong with what came from outside.
//
// Used where the outside world can be wrong (files, options, solvers, devices). A fault of egret's own is an
// EGRET_CHECK, which ends the process with status 70. No exception leaves a folder.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace egret {

// Each code has one exit status of the command line (contract: 1 input, 2 the answer is no, 3 limit, 70 bug).
enum class ErrorCode {
  kInput,        // a file, an option or a value is wrong (exit 1)
  kUnsupported,  // well formed, but not known to egret or switched off in this build (exit 1)
  kIo,           // cannot read or write (exit 1)
  kLimit,        // a limit stopped it before any answer (exit 3)
  kInternal,     // a bug in egret (exit 70)
};

// A place in an input: line and column are from 1; 0 means not known.  `place` names a graph, node and operator
// where the input has no lines (ONNX).
struct SourceSpan {
  std::string file;
  int line = 0;
  int column = 0;
  std::string place;
};

struct Error {
  ErrorCode code = ErrorCode::kInput;
  std::string message;  // what is wrong, and what was expected
  std::string hint;     // one thing to try; may be empty
  SourceSpan where;

  // "file:line:column: error: message\n  hint: ..." as the command line prints it.
  std::string to_string() const;
  int exit_status() const;
};

Error input_error(std::string message, std::string hint = {}, SourceSpan where = {});
Error unsupported_error(std::string message, std::string hint = {}, SourceSpan where = {});
Error io_error(std::string message, std::string hint = {}, SourceSpan where = {});
Error limit_error(std::string message, std::string hint = {});
Error internal_error(std::string message);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }
  Error take_error() { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return *error_; }
  Error take_error() { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

[[noreturn]] void fail_check(const char* condition, const char* text, const char* file, int line);

}  // namespace egret

// Evaluates an expression of type Result<T> and binds its value, or returns its error from this function.
#define EGRET_CONCAT_(a, b) a##b
#define EGRET_CONCAT(a, b) EGRET_CONCAT_(a, b)
#define EGRET_TRY(declaration, expression) EGRET_TRY_(EGRET_CONCAT(try_, __LINE__), declaration, expression)
#define EGRET_TRY_(temporary, declaration, expression)    \
  auto temporary = (expression);                          \
  if (!temporary.ok()) return temporary.take_error();     \
  declaration = *std::move(temporary)
#define EGRET_TRY_VOID(expression)                                     \
  do {                                                                 \
    if (auto status_ = (expression); !status_.ok()) return status_.take_error(); \
  } while (false)

// Always on; for facts that are cheap to test.
#define EGRET_CHECK(condition, text) \
  ((condition) ? (void)0 : ::egret::fail_check(#condition, text, __FILE__, __LINE__))
#ifdef NDEBUG
#define EGRET_DCHECK(condition, text) ((void)0)
#else
#define EGRET_DCHECK(condition, text) EGRET_CHECK(condition, text)
#endif
