#include "extract/certify/records.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "extract/certify/exact.h"

namespace egret::certify {
namespace {

constexpr const char* kWithReal = "pvPVscrebgu";

bool skip_blanks(const char*& at, const char* end) {
  while (at < end && *at == ' ') ++at;
  return at < end;
}

}  // namespace

bool RecordReader::next(Record& record) {
  while (!text_.empty()) {
    ++line_;
    const size_t length = std::min(text_.find('\n'), text_.size());
    const std::string_view line = text_.substr(0, length);
    text_.remove_prefix(std::min(length + 1, text_.size()));
    if (line.empty()) continue;
    record.kind = line[0];
    record.real = 0;
    record.numbers.clear();
    record.line = line_;
    const char* at = line.data() + 1;
    const char* const end = line.data() + line.size();
    bool fine = at == end || *at == ' ';
    if (fine && std::strchr(kWithReal, record.kind)) {
      skip_blanks(at, end);
      const auto [after, code] = std::from_chars(at, end, record.real);
      fine = code == std::errc() && Exact::fits(record.real);
      at = after;
    }
    while (fine && skip_blanks(at, end)) {
      int number = 0;
      const auto [after, code] = std::from_chars(at, end, number);
      fine = code == std::errc() && (after == end || *after == ' ') && number != INT32_MIN;
      record.numbers.push_back(number);
      at = after;
    }
    if (fine) return true;
    status_ = refused(record, "the line is malformed");
    return false;
  }
  return false;
}

Error refused(const Record& record, std::string why) {
  return input_error(fmt::format("certificate: proof line {} ('{}'): {}", record.line, record.kind, why));
}

bool indices(const Record& record, size_t from, uint32_t limit, std::vector<uint32_t>& out) {
  out.clear();
  for (size_t n = from; n < record.numbers.size(); ++n) {
    if (record.numbers[n] < 0 || static_cast<uint32_t>(record.numbers[n]) >= limit) return false;
    out.push_back(static_cast<uint32_t>(record.numbers[n]));
  }
  return from <= record.numbers.size();
}

}  // namespace egret::certify
