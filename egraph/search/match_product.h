// MatchProducts: the matches of a pattern of two e-nodes, one below the other, as products: a root with each e-node of a
// list.  Associativity and distribution have many times more matches than there are e-nodes; their products have not.
//
// The lists are those of the graph that was searched.  Where classes have become equal since, live e-nodes stand for
// several of a list, so the matches that are left are fewer than those that were found: they are written out then.
#pragma once

#include <functional>

#include "egraph/search/search_task.h"
#include "egraph/store/store.h"

namespace egret::egraph {

class Query;

// Whether matches of the query are a root with any e-node of its operator in the class of one operand of the root.
bool has_products(const Query& query);

// Finds the matches of a task, of which it keeps at most `most`; `poll` is asked now and then whether to go on.
// Requires: has_products(query).  Thread safety: any number at once on a graph that does not change.
void find_products(const Query& query, const EGraph::Store& store, uint64_t most, const std::function<bool()>& poll,
                   SearchTask& task);

// Names e-nodes by the live ones that replaced them, each match once, in the order of its e-nodes.
void make_live(const EGraph::Store& store, MatchProducts& products);

// Writes the matches out, each two e-nodes, in pieces: visit(matches, count), which may change them.
template <class Visit>
void expand(const MatchProducts& products, Visit&& visit) {
  constexpr size_t kPiece = 1 << 14;
  Array<Id> piece;
  piece.reserve(2 * kPiece);
  for (const MatchProducts::Entry& entry : products.entries) {
    for (uint32_t i = 0; i < entry.count; ++i) {
      if (piece.size() == 2 * kPiece) {
        visit(piece.data(), kPiece);
        piece.clear();
      }
      piece.push_back(entry.root);
      piece.push_back(products.members[entry.begin + i]);
    }
  }
  if (!piece.empty()) visit(piece.data(), piece.size() / 2);
}

}  // namespace egret::egraph
