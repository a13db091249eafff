// The Z3 context of a thread: making one takes longer than most questions, and no two threads may share one.
#pragma once

#include <z3++.h>

namespace egret::rules {

// Made anew after some thousand questions, for a context keeps what it has seen: nothing made in it may outlive a question.
z3::context& z3_context();

}  // namespace egret::rules
