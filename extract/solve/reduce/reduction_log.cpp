#include "extract/solve/reduce/reduction_log.h"

#include <fmt/format.h>

#include <map>

namespace egret::extract {
namespace {

class Writer {
 public:
  Writer(const std::vector<ReductionStep>& log, const std::function<uint32_t(uint32_t)>& number, std::string& text)
      : log_(log), number_(number), text_(text) {}

  void run() {
    for (size_t s = 0; s < log_.size();) s = write(s);
  }

 private:
  // Steps of one rule that stand together and say the same of one thing become one record; returns the next step.
  size_t write(size_t s) {
    const ReductionStep& step = log_[s];
    const bool fresh = s == 0 || log_[s - 1].rule != step.rule;
    size_t end = s;
    switch (step.rule) {
      case Rule::kUseless:
        if (fresh) text_ += "U\n";
        break;
      case Rule::kCircular: {
        std::map<uint32_t, std::vector<uint32_t>> by_item;
        for (; end < log_.size() && log_[end].rule == step.rule; ++end)
          by_item[log_[end].reason].push_back(number_(log_[end].subject));
        for (const auto& [item, list] : by_item) record('Y', item, list);
        return end;
      }
      case Rule::kDominated:
        line("D {} {}\n", number_(step.subject), number_(step.reason));
        break;
      case Rule::kFree:
        if (fresh || log_[s - 1].reason != step.reason) line("Z {}\n", number_(step.reason));
        break;
      case Rule::kContracted:
        line("F {}\n", step.subject);
        break;
      case Rule::kForced:
        line("R {} {}\n", step.subject, step.reason);
        break;
      case Rule::kUnlinked: {
        std::vector<uint32_t> list;
        for (; end < log_.size() && log_[end].rule == step.rule && log_[end].reason == step.reason; ++end)
          list.push_back(number_(log_[end].subject));
        record('E', step.reason, list);
        return end;
      }
      case Rule::kPaid:
        line("P {} {}\n", step.amount, step.subject);
        break;
      case Rule::kSplit: {
        std::vector<uint32_t> list;
        for (; end < log_.size() && log_[end].rule == step.rule && log_[end].subject == step.subject; ++end)
          list.push_back(log_[end].reason);
        record('S', number_(step.subject), list);
        return end;
      }
      case Rule::kFolded:
        if (fresh || log_[s - 1].reason != step.reason) line("G {}\n", step.reason);
        break;
      case Rule::kCombined:
        if (fresh || log_[s - 1].reason != step.reason) line("H {}\n", step.reason);
        break;
      case Rule::kMoved:
        line("V {} {}\n", step.amount, step.subject);
        break;
      case Rule::kExchanged:
      case Rule::kExchangedItem: {
        std::vector<uint32_t> pairs;
        for (; log_[end].rule != Rule::kSymmetric; ++end) {
          const bool item = log_[end].rule == Rule::kExchangedItem;
          for (uint32_t x : {log_[end].subject, log_[end].reason}) pairs.push_back(item ? 2 * x + 1 : 2 * number_(x));
        }
        record('A', number_(log_[end].subject), pairs);
        return end + 1;
      }
      case Rule::kSymmetric:
        break;  // written with its exchange
      case Rule::kBound:
        break;  // never in a log: bounds come after the reductions
    }
    return s + 1;
  }

  template <typename... Values>
  void line(const char* format, const Values&... values) {
    fmt::vformat_to(std::back_inserter(text_), format, fmt::make_format_args(values...));
  }
  void record(char kind, uint32_t first, const std::vector<uint32_t>& rest) {
    line("{} {}", kind, first);
    for (uint32_t x : rest) line(" {}", x);
    text_ += '\n';
  }

  const std::vector<ReductionStep>& log_;
  const std::function<uint32_t(uint32_t)>& number_;
  std::string& text_;
};

}  // namespace

void write_reduction_log(const std::vector<ReductionStep>& log, const std::function<uint32_t(uint32_t)>& number,
                         std::string& text) {
  Writer(log, number, text).run();
}

}  // namespace egret::extract
