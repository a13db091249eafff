// A hint for errors that have none: who calls knows what the reader of the message may try.
#pragma once

#include <string_view>

#include "support/result.h"

namespace egret {

// The result; an error without a hint gets this one.
template <class T>
Result<T> or_hint(Result<T> result, std::string_view hint) {
  if (result.ok() || !result.error().hint.empty()) return result;
  Error error = result.take_error();
  error.hint = hint;
  return error;
}

}  // namespace egret
