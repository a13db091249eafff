// SexpReader: s-expressions of a text, one top-level form at a time.
//
// A form is a flat list of nodes in pre-order, so depth costs no stack and a form of a hundred megabytes costs twelve
// bytes a node.  `;` starts a comment that ends with the line; every other run of bytes without white space and
// parentheses is an atom.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace egret::egraph::lang {

struct SexpNode {
  uint32_t offset = 0;  // of the atom or of the `(`, from the start of its form
  uint32_t length = 0;  // of the atom's text; 0: a list
  uint32_t end = 0;     // one past the last node inside; of an atom its own index + 1

  bool is_list() const { return length == 0; }
};

class SexpReader {
 public:
  // `text` must outlive the reader; `file` is for errors.
  SexpReader(std::string_view text, std::string file);

  // Reads the next form; false at the end of the text.  What the last form gave is no longer valid.
  Result<bool> next();

  std::span<const SexpNode> nodes() const { return nodes_; }
  std::string_view atom(const SexpNode& node) const { return text_.substr(form_start_ + node.offset, node.length); }
  size_t offset(const SexpNode& node) const { return form_start_ + node.offset; }  // in the text
  // Line and column of a place in the text; counts its lines, so it is for errors.
  SourceSpan where(size_t offset) const;

 private:
  void skip_blank();

  std::string_view text_;
  std::string file_;
  size_t at_ = 0;          // of the first byte not read
  size_t form_start_ = 0;  // of the current form
  std::vector<SexpNode> nodes_;
  std::vector<uint32_t> open_;  // lists being read
};

}  // namespace egret::egraph::lang
