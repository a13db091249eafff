// Scalars in CUDA C++: how types are stored and held, constants, scalar functions, conversions, folds.
//
// f16, bf16 and tf32 are held as float and rounded after every operation; f16 and bf16 are stored as 16 bits and
// converted by bit arithmetic written out, bool is stored as a byte.  Functions that CUDA has no builtin for are device
// functions printed once a kernel (`Library`).
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ir/definitions/expr.h"
#include "ir/type.h"

namespace egret::lower {

const char* held_type(DType);    // of a variable: "float", "long long", "bool"
int64_t held_bytes(DType);       // at least its size
const char* stored_type(DType);  // of an array element: "unsigned short", "unsigned char"

std::string number_text(DType dtype, double value);

// The device functions a kernel needs, in an order in which each stands after those it uses.
class Library {
 public:
  void need(const std::string& name);
  std::string text() const;

 private:
  std::set<std::string> needed_;
};

// A call of `fn` on arguments of type `from` (held values), giving `to`.
std::string call_text(ScalarFn fn, DType from, DType to, const std::vector<std::string>& args, Library& library);
std::string cast_text(DType from, DType to, const std::string& value, Library& library);
std::string load_text(DType dtype, const std::string& element, Library& library);  // stored -> held
std::string store_text(DType dtype, const std::string& value, Library& library);   // held -> stored

std::string identity_text(FoldKind fold, DType dtype);
// Joins two held values of a fold (not arg-max, arg-min).
std::string join_text(FoldKind fold, DType dtype, const std::string& a, const std::string& b, Library& library);
// Whether `item` is better than `best` in an arg-max or arg-min: a condition; the first of equals stays.
std::string better_text(FoldKind fold, DType dtype, const std::string& item, const std::string& best);

}  // namespace egret::lower
