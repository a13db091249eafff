// Where an element of one fold may be found in another: equations between the index terms of reads, solved for the folds' variables.
#pragma once

#include <vector>

#include "rules/verify/terms/scalar.h"

namespace egret::rules {

// Reads of a term, each once.
void collect_reads(const Scalars& s, ScalarId id, std::vector<ScalarId>& out);
// `equation` == 0 solved for one of `open`, which must have coefficient 1 or -1 and stand nowhere else.
bool solve_for(Indices& i, IntId equation, std::vector<VariableId>& open, Indices::Substitution& found);
// The same for a variable inside a quotient that the equation gives, where one of `zeros` (terms that are 0) says that it leaves no rest.
bool solve_through_quotient(Indices& i, IntId equation, const std::vector<IntId>& zeros, std::vector<VariableId>& open, Indices::Substitution& found);
// Terms that are 0 wherever the condition holds; of the conditions that select in a term.
void zeros_of(const Indices& i, CondId c, std::vector<IntId>& out);
void zeros_in(const Scalars& s, const Indices& i, ScalarId id, std::vector<IntId>& out);

inline bool idempotent(FoldKind k) { return k == FoldKind::kMax || k == FoldKind::kMin || k == FoldKind::kAny || k == FoldKind::kAll; }
// The value that adds nothing to a fold.
double identity(FoldKind k, DType t);

}  // namespace egret::rules
