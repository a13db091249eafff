#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "egraph/interchange/interchange.h"
#include "support/json_text.h"

namespace egret::egraph {
namespace {

constexpr size_t kPiece = size_t{1} << 20;

void append_number(uint32_t number, std::string& out) {
  char digits[10];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

class Writer {
 public:
  Writer(const EGraph& graph, const WriteOptions& options, const std::function<Status(std::string_view)>& sink)
      : graph_(graph), options_(options), sink_(sink) {}

  Status write() {
    out_ = "{\"nodes\":{";
    for (const Id cls : graph_.classes()) {
      uint32_t index = 0;
      for (const Id node : graph_.nodes_of(cls)) {
        if (options_.visible && !options_.visible(node)) continue;
        write_node(cls, index++, node);
        if (out_.size() >= kPiece) EGRET_TRY_VOID(flush());
      }
    }
    out_ += "},\n\"root_eclasses\":[";
    std::vector<Id> roots;
    for (const Id root : options_.roots) roots.push_back(graph_.find(root));
    std::sort(roots.begin(), roots.end());
    roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
    for (size_t i = 0; i < roots.size(); ++i) {
      out_ += i == 0 ? "\"" : ",\"";
      append_number(roots[i], out_);
      out_ += '"';
    }
    out_ += "],\n\"class_data\":{";
    if (options_.class_data) EGRET_TRY_VOID(write_class_data());
    out_ += "}}\n";
    return flush();
  }

 private:
  void write_node(Id cls, uint32_t index, Id node) {
    out_ += first_ ? "\n\"" : ",\n\"";
    first_ = false;
    append_number(cls, out_);
    out_ += '.';
    append_number(index, out_);
    out_ += "\":{\"op\":";
    out_ += op_text(graph_.op(node));
    out_ += ",\"children\":[";
    bool first_operand = true;
    for (const Id operand : graph_.canonical_operands(node)) {
      out_ += first_operand ? "\"" : ",\"";
      first_operand = false;
      append_number(operand, out_);
      out_ += ".0\"";
    }
    out_ += "],\"eclass\":\"";
    append_number(cls, out_);
    if (!options_.data) {
      out_ += "\",\"cost\":1.0}";
      return;
    }
    const NodeData data = options_.data(node);
    out_ += "\",\"cost\":";
    out_ += fmt::format("{}", data.cost);
    out_ += data.subsumed ? ",\"subsumed\":true}" : "}";
  }

  Status write_class_data() {
    bool first_class = true;
    for (const Id cls : graph_.classes()) {
      const ClassData data = options_.class_data(cls);
      if (data.empty()) continue;
      out_ += first_class ? "\n\"" : ",\n\"";
      first_class = false;
      append_number(cls, out_);
      out_ += "\":{";
      for (size_t i = 0; i < data.size(); ++i) {
        if (i > 0) out_ += ',';
        append_json_string(data[i].first, out_);
        out_ += ':';
        append_json_string(data[i].second, out_);
      }
      out_ += '}';
      if (out_.size() >= kPiece) EGRET_TRY_VOID(flush());
    }
    return {};
  }

  // The operator's name as a JSON string, made once.
  const std::string& op_text(OpKind op) {
    if (op >= op_texts_.size()) op_texts_.resize(op + 1);
    if (op_texts_[op].empty()) append_json_string(graph_.op_name(op), op_texts_[op]);
    return op_texts_[op];
  }

  Status flush() {
    EGRET_TRY_VOID(sink_(out_));
    out_.clear();
    return {};
  }

  const EGraph& graph_;
  const WriteOptions& options_;
  const std::function<Status(std::string_view)>& sink_;
  std::vector<std::string> op_texts_;
  std::string out_;
  bool first_ = true;
};

}  // namespace

Status write_json(const EGraph& graph, const WriteOptions& options, const std::function<Status(std::string_view)>& sink) {
  EGRET_CHECK(graph.clean(), "writing an e-graph that needs rebuild");
  return Writer(graph, options, sink).write();
}

}  // namespace egret::egraph
