#include "egraph/lang/sexp.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

namespace egret::egraph::lang {
namespace {

enum class Byte : uint8_t { kAtom, kBlank, kOpen, kClose, kComment, kControl };

constexpr std::array<Byte, 256> kBytes = [] {
  std::array<Byte, 256> kinds{};
  for (int c = 0; c < 0x20; ++c) kinds[c] = Byte::kControl;
  for (const char c : {' ', '\t', '\n', '\r', '\v', '\f'}) kinds[static_cast<uint8_t>(c)] = Byte::kBlank;
  kinds[0x7f] = Byte::kControl;
  kinds['('] = Byte::kOpen;
  kinds[')'] = Byte::kClose;
  kinds[';'] = Byte::kComment;
  return kinds;
}();

Byte kind(char c) { return kBytes[static_cast<uint8_t>(c)]; }

constexpr size_t kMaxForm = std::numeric_limits<uint32_t>::max() - 1;

}  // namespace

SexpReader::SexpReader(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}

SourceSpan SexpReader::where(size_t offset) const {
  const std::string_view before = text_.substr(0, offset);
  const size_t line_start = before.rfind('\n') + 1;  // 0 where there is none
  return {file_, static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(offset - line_start) + 1, {}};
}

void SexpReader::skip_blank() {
  while (at_ < text_.size()) {
    const Byte k = kind(text_[at_]);
    if (k == Byte::kBlank) {
      ++at_;
    } else if (k == Byte::kComment) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      return;
    }
  }
}

Result<bool> SexpReader::next() {
  nodes_.clear();
  open_.clear();
  skip_blank();
  form_start_ = at_;
  if (at_ == text_.size()) return false;
  do {
    skip_blank();
    if (at_ == text_.size()) {
      return input_error("this `(` is never closed", "add a `)`", where(offset(nodes_[open_.back()])));
    }
    if (at_ - form_start_ > kMaxForm) return input_error("a form of more than 4 GiB", "write several forms", where(form_start_));
    const uint32_t begin = static_cast<uint32_t>(at_ - form_start_);
    const uint32_t index = static_cast<uint32_t>(nodes_.size());
    switch (kind(text_[at_])) {
      case Byte::kOpen:
        open_.push_back(index);
        nodes_.push_back({begin, 0, 0});
        ++at_;
        break;
      case Byte::kClose:
        if (open_.empty()) return input_error("a `)` that closes nothing", "remove it", where(at_));
        nodes_[open_.back()].end = index;
        open_.pop_back();
        ++at_;
        break;
      case Byte::kControl:
        return input_error(fmt::format("a control character (byte {})", static_cast<int>(static_cast<uint8_t>(text_[at_]))),
                           "a program is text", where(at_));
      default:
        while (at_ < text_.size() && kind(text_[at_]) == Byte::kAtom) ++at_;
        nodes_.push_back({begin, static_cast<uint32_t>(at_ - form_start_ - begin), index + 1});
    }
  } while (!open_.empty());
  return true;
}

}  // namespace egret::egraph::lang
