#include "support/egraph_text.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#if defined(__SSE2__)
#define RAPIDJSON_SSE2
#endif
#include <rapidjson/reader.h>

#include "support/files.h"

namespace egret {
namespace {

constexpr size_t kMaxNodes = 500'000'000;
constexpr uint32_t kNone = Names::kNone;
constexpr const char* kFormat = "the format is egraph-serialize's: nodes, root_eclasses, class_data";

class Handler {
 public:
  explicit Handler(bool with_ops) : with_ops_(with_ops) {}

  EGraphText read;                     // children are numbers of node_names until the end
  std::vector<uint32_t> node_of_name;  // kNone for a name that was only a child so far
  bool has_nodes = false, integer_children = false;
  std::string fault, fault_node;       // what ended the reading, and the node in which
  size_t fault_byte = SIZE_MAX;        // where the text is no JSON

  bool key(std::string_view name);
  bool start_object();
  bool end_object();
  bool start_array();
  bool end_array();
  bool string(std::string_view value);
  bool integer(std::string_view digits, double value);
  bool real(std::string_view digits, double value);
  bool boolean(bool value);
  bool null();
  bool unexpected(const char* what);
  bool fail(std::string what);

 private:
  enum class Part : uint8_t { kOther, kNodes, kRoots, kClassData };
  enum class Field : uint8_t { kOther, kOp, kChildren, kClass, kCost, kSubsumed };

  bool in_node() const { return depth_ == 3 && part_ == Part::kNodes; }
  bool in_children() const { return depth_ == 4 && part_ == Part::kNodes && field_ == Field::kChildren; }
  bool in_class_data() const { return depth_ == 3 && part_ == Part::kClassData; }
  bool id(std::string_view text);
  uint32_t name_of_node(std::string_view name);

  bool with_ops_;
  int depth_ = 0;  // objects and lists around the place
  Part part_ = Part::kOther;
  Field field_ = Field::kOther;
};

bool Handler::fail(std::string what) {
  fault = std::move(what);
  if (part_ == Part::kNodes && depth_ >= 2 && !read.nodes.empty()) fault_node = read.node_names[read.nodes.back().name];
  return false;
}

uint32_t Handler::name_of_node(std::string_view name) {
  const uint32_t number = read.node_names.number(name);
  if (number == node_of_name.size()) node_of_name.push_back(kNone);
  return number;
}

bool Handler::key(std::string_view name) {
  if (depth_ == 1) {
    part_ = name == "nodes"           ? Part::kNodes
            : name == "root_eclasses" ? Part::kRoots
            : name == "class_data"    ? Part::kClassData
                                      : Part::kOther;
    has_nodes |= part_ == Part::kNodes;
  } else if (depth_ == 2 && part_ == Part::kNodes) {
    if (read.nodes.size() >= kMaxNodes) return fail("more nodes than can be numbered");
    const uint32_t number = name_of_node(name);
    const bool twice = node_of_name[number] != kNone;
    node_of_name[number] = static_cast<uint32_t>(read.nodes.size());
    read.nodes.emplace_back().name = number;
    read.nodes.back().first_child = static_cast<uint32_t>(read.children.size());
    if (twice) return fail("this node occurs twice");
  } else if (in_node()) {
    field_ = name == "op"         ? Field::kOp
             : name == "children" ? Field::kChildren
             : name == "eclass"   ? Field::kClass
             : name == "cost"     ? Field::kCost
             : name == "subsumed" ? Field::kSubsumed
                                  : Field::kOther;
  } else if (depth_ == 2 && part_ == Part::kClassData) {
    read.class_data.emplace_back(name, std::vector<std::pair<std::string, std::string>>{});
  } else if (in_class_data()) {
    read.class_data.back().second.emplace_back(name, "");
  }
  return true;
}

bool Handler::start_object() {
  const bool allowed = depth_ == 0 || part_ == Part::kOther || (depth_ == 1 && part_ != Part::kRoots) ||
                       (depth_ == 2 && part_ != Part::kRoots) || (in_node() && field_ == Field::kOther) ||
                       (depth_ >= 3 && part_ == Part::kClassData) || (depth_ > 3 && field_ == Field::kOther);
  if (!allowed) return unexpected("an object");
  ++depth_;
  return true;
}

bool Handler::end_object() {
  --depth_;
  if (depth_ == 2 && part_ == Part::kNodes) {
    if (read.nodes.back().op == kNone) return ++depth_, fail("`op` is missing");
    if (read.nodes.back().cls == kNone) return ++depth_, fail("`eclass` is missing");
  }
  if (depth_ == 1) part_ = Part::kOther;
  return true;
}

bool Handler::start_array() {
  const bool allowed = (depth_ > 0 && part_ == Part::kOther) || (depth_ == 1 && part_ == Part::kRoots) ||
                       (in_node() && (field_ == Field::kOther || field_ == Field::kChildren)) ||
                       (depth_ >= 3 && part_ == Part::kClassData) ||
                       (depth_ > 3 && part_ == Part::kNodes && field_ == Field::kOther);
  if (!allowed) return unexpected("a list");
  ++depth_;
  return true;
}

bool Handler::end_array() {
  if (--depth_ == 1) part_ = Part::kOther;
  return true;
}

// A text or an integer where an id may stand.  False where none may.
bool Handler::id(std::string_view text) {
  if (in_children()) {
    read.children.push_back(name_of_node(text));
  } else if (in_node() && field_ == Field::kClass) {
    read.nodes.back().cls = read.class_names.number(text);
  } else if (depth_ == 2 && part_ == Part::kRoots) {
    read.roots.emplace_back(text);
  } else {
    return false;
  }
  return true;
}

bool Handler::string(std::string_view value) {
  if (id(value)) return true;
  if (in_node() && field_ == Field::kOp) return read.nodes.back().op = with_ops_ ? read.ops.number(value) : 0, true;
  if (in_class_data()) return read.class_data.back().second.back().second = value, true;
  return unexpected("a string");
}

bool Handler::integer(std::string_view digits, double value) {
  if (in_node() && field_ == Field::kCost) return read.nodes.back().cost = value, true;
  integer_children |= in_children();
  return id(digits) || unexpected("a number");
}

bool Handler::real(std::string_view digits, double value) {
  if (!in_node() || field_ != Field::kCost) return unexpected("a number");
  if (!std::isfinite(value)) return fail(fmt::format("the cost {} is not finite", digits));
  return read.nodes.back().cost = value, true;
}

bool Handler::boolean(bool value) {
  if (in_node() && field_ == Field::kSubsumed) return read.nodes.back().subsumed = value, true;
  return unexpected("a truth value");
}

bool Handler::null() {
  if (in_class_data()) return read.class_data.back().second.pop_back(), true;  // "type": null is no type
  if (in_node() && field_ == Field::kSubsumed) return true;
  return unexpected("null");
}

// A value that is none of ours is wrong where one of ours stands.
bool Handler::unexpected(const char* what) {
  if (depth_ == 0) return fail(fmt::format("the file is {}, expected an object", what));
  if (part_ == Part::kNodes) {
    static const char* const kFields[] = {"", "`op` is {}, expected a text", "`children` holds {}, expected ids of nodes",
                                          "`eclass` is {}, expected an id", "`cost` is {}, expected a finite number",
                                          "`subsumed` is {}, expected true or false"};
    if (depth_ == 1) return fail(fmt::format("`nodes` is {}, expected an object", what));
    if (depth_ == 2) return fail(fmt::format("a node is {}, expected an object", what));
    if (field_ == Field::kOther) return true;
    if (in_node() && field_ == Field::kChildren) return fail(fmt::format("`children` is {}, expected a list", what));
    return fail(fmt::format(fmt::runtime(kFields[static_cast<int>(field_)]), what));
  }
  if (part_ == Part::kRoots) return fail(fmt::format("`root_eclasses` is or holds {}, expected a list of class ids", what));
  if (part_ == Part::kClassData && depth_ <= 2) return fail(fmt::format("`class_data` is or holds {}, expected objects", what));
  return true;
}

// RapidJSON's events for the handler: it reads in place, so texts are views into what it reads, and numbers come as they are
// written.  An integer that 64 bits do not hold is left to the other parser, as is what is out of the range of doubles.
class Quick {
 public:
  explicit Quick(Handler& handler) : handler_(handler) {}
  bool Null() { return handler_.null(); }
  bool Bool(bool value) { return handler_.boolean(value); }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
    const std::string_view digits(text, length);
    const char* end = text + length;
    if (digits.find_first_of(".eE") != std::string_view::npos) {
      double value = 0;
      return std::from_chars(text, end, value).ec == std::errc{} && handler_.real(digits, value);
    }
    int64_t value = 0;
    if (std::from_chars(text, end, value).ec != std::errc{}) return false;
    return handler_.integer(value == 0 ? std::string_view("0") : digits, static_cast<double>(value));
  }
  bool String(const char* text, rapidjson::SizeType length, bool) { return handler_.string({text, length}); }
  bool Key(const char* text, rapidjson::SizeType length, bool) { return handler_.key({text, length}); }
  bool StartObject() { return handler_.start_object(); }
  bool EndObject(rapidjson::SizeType) { return handler_.end_object(); }
  bool StartArray() { return handler_.start_array(); }
  bool EndArray(rapidjson::SizeType) { return handler_.end_array(); }
  // With numbers as texts none of these comes.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  Handler& handler_;
};

bool read_quickly(std::string_view text, Handler& handler) {
  constexpr unsigned kPlain = rapidjson::kParseIterativeFlag | rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;
  constexpr unsigned kUnicode = kPlain | rapidjson::kParseValidateEncodingFlag;
  std::string copy;  // reading in place writes, and reads sixteen bytes at a time
  copy.reserve(text.size() + 16);
  copy = text;
  rapidjson::InsituStringStream stream(copy.data());
  rapidjson::Reader reader;
  Quick events(handler);
  unsigned char seen = 0;
  for (char c : text) seen |= static_cast<unsigned char>(c);
  return !(seen < 0x80 ? reader.Parse<kPlain>(stream, events) : reader.Parse<kUnicode>(stream, events)).IsError();
}

// The same events from the parser that words what is wrong, and the place where a text is no JSON.
class Worded : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Worded(Handler& handler) : handler_(handler) {}
  bool key(string_t& name) override { return handler_.key(name); }
  bool start_object(size_t) override { return handler_.start_object(); }
  bool end_object() override { return handler_.end_object(); }
  bool start_array(size_t) override { return handler_.start_array(); }
  bool end_array() override { return handler_.end_array(); }
  bool string(string_t& value) override { return handler_.string(value); }
  bool number_integer(number_integer_t value) override { return handler_.integer(std::to_string(value), static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return handler_.integer(std::to_string(value), static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t& text) override { return handler_.real(text, value); }
  bool boolean(bool value) override { return handler_.boolean(value); }
  bool null() override { return handler_.null(); }
  bool binary(nlohmann::json::binary_t&) override { return handler_.unexpected("binary data"); }
  bool parse_error(size_t byte, const std::string&, const nlohmann::detail::exception& e) override {
    std::string_view what = e.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ...", or an id and what is wrong
    const size_t place = what.find(": "), id = what.find("] ");
    if (place != std::string_view::npos || id != std::string_view::npos) what.remove_prefix((place != std::string_view::npos ? place : id) + 2);
    handler_.fault = what;
    handler_.fault_byte = byte > 0 ? byte - 1 : 0;
    return false;
  }

 private:
  Handler& handler_;
};

// Children as classes: through the node they name, or by themselves in the other dialect.
Status resolve_children(Handler& handler, const std::string& file) {
  EGraphText& read = handler.read;
  for (size_t n = 0; n < read.nodes.size(); ++n) {
    const auto row = read.children_of(n);
    for (size_t c = static_cast<size_t>(row.data() - read.children.data()), end = c + row.size(); c < end; ++c) {
      uint32_t& child = read.children[c];
      const std::string_view name = read.node_names[child];
      uint32_t cls = kNone;
      if (handler.integer_children) {
        cls = read.class_names.find(name);
      } else if (const uint32_t node = handler.node_of_name[child]; node != kNone) {
        cls = read.nodes[node].cls;
      }
      if (cls == kNone) {
        const bool is_class = read.class_names.find(name) != kNone;
        return input_error(fmt::format("its child {} names no {} of the file", name, handler.integer_children ? "class" : "node"),
                           handler.integer_children ? "integer children are class ids; strings are node ids"
                           : is_class               ? "it names a class: name a node of that class, or write class ids as integers"
                                                    : "every child must be a node of the file",
                           {file, 0, 0, fmt::format("node {}", read.node_names[read.nodes[n].name])});
      }
      child = cls;
    }
  }
  return {};
}

}  // namespace

Result<EGraphText> read_egraph_text(std::string_view text, const std::string& file, bool with_ops) {
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    return input_error("a zero byte, which no JSON has", kFormat, place_of(text, zero, file));  // the parsers would end there
  }
  Handler handler(with_ops);
  bool read = read_quickly(text, handler);
  if (!read) {
    handler = Handler(with_ops);
    Worded worded(handler);
    read = nlohmann::json::sax_parse(text.begin(), text.end(), &worded);
  }
  if (!read) {
    SourceSpan where = handler.fault_byte == SIZE_MAX ? SourceSpan{file, 0, 0, {}} : place_of(text, handler.fault_byte, file);
    if (!handler.fault_node.empty()) where.place = "node " + handler.fault_node;
    return input_error(handler.fault, kFormat, where);
  }
  if (!handler.has_nodes) return input_error("`nodes` is missing", kFormat, {file, 0, 0, {}});
  EGRET_TRY_VOID(resolve_children(handler, file));
  return std::move(handler.read);
}

}  // namespace egret
