#include "rules/verify/z3/z3_context.h"

#include <memory>

namespace egret::rules {
namespace {

constexpr size_t kQuestions = 2'000;

}  // namespace

z3::context& z3_context() {
  thread_local std::unique_ptr<z3::context> context;
  thread_local size_t asked = 0;
  if (!context || ++asked > kQuestions) {
    z3::set_param("ctrl_c", false);  // signals are the process's own affair
    context = std::make_unique<z3::context>();
    asked = 0;
  }
  return *context;
}

}  // namespace egret::rules
