// Parser of operator definitions.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "ir/definitions/definition.h"
#include "ir/text/scan.h"

namespace egret {

namespace {

std::optional<ScalarFn> scalar_fn(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(ScalarFn::kIsFinite); ++i) {
    if (text == name(static_cast<ScalarFn>(i))) return static_cast<ScalarFn>(i);
  }
  return std::nullopt;
}

std::optional<FoldKind> fold_kind(std::string_view text) {
  for (int i = 0; i <= static_cast<int>(FoldKind::kArgMin); ++i) {
    if (text == name(static_cast<FoldKind>(i))) return static_cast<FoldKind>(i);
  }
  return std::nullopt;
}

class DefinitionParser {
 public:
  explicit DefinitionParser(std::string_view text) : scan_(text, "<definition>") {}

  Result<ParsedOp> parse();

 private:
  struct PendingAttr {  // a place names an attribute before it is declared
    size_t operand, place;
    std::string name;
  };

  Status parse_operands();
  Status parse_operand();
  Status parse_attrs();
  Status parse_result();
  Status parse_where();
  Result<DefPlace> parse_place(bool in_result, std::string* attr);
  Result<DTypeRule> parse_dtype_rule();
  Result<AttrValue> parse_fallback(AttrKind kind);

  Result<DefId> parse_expr(int depth = 0);
  Result<DefId> parse_and(int depth);
  Result<DefId> parse_comparison(int depth);
  Result<DefId> parse_sum(int depth);
  Result<DefId> parse_product(int depth);
  Result<DefId> parse_primary(int depth);
  Result<DefId> parse_named(int depth);
  Result<DefId> parse_call(const std::string& fn, int depth);
  Result<DefId> parse_fold(FoldKind fold, int depth);
  Result<DefId> parse_all(int depth);
  Result<DefId> parse_pick(int depth);
  Result<DefId> parse_read(int operand, int depth);
  Result<std::vector<DefId>> parse_args(int depth);
  bool at_fold();

  int group_number(const std::string& name, bool declare, bool many);
  int find_group(std::string_view name) const;
  int find_operand(std::string_view name) const;
  int find_attr(std::string_view name) const;
  DefId add(DefKind kind, std::vector<DefId> args = {}, int number = 0, int other = 0);
  Status note_steps();
  void note_steps_of(DefId id, int context);
  void note_lengths(DefId id, int group);
  int first_group(DefId id) const;

  Scanner scan_;
  ParsedOp op_;
  Definition def_;
  std::vector<PendingAttr> pending_;
};

DefId DefinitionParser::add(DefKind kind, std::vector<DefId> args, int number, int other) {
  DefNode n;
  n.kind = kind;
  n.args = std::move(args);
  n.number = number;
  n.other = other;
  def_.nodes.push_back(std::move(n));
  return static_cast<DefId>(def_.nodes.size() - 1);
}

int DefinitionParser::find_group(std::string_view name) const {
  for (size_t i = 0; i < def_.groups.size(); ++i) {
    if (def_.groups[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

int DefinitionParser::find_operand(std::string_view name) const {
  for (size_t i = 0; i < def_.operands.size(); ++i) {
    if (def_.operands[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

int DefinitionParser::find_attr(std::string_view name) const {
  for (size_t i = 0; i < op_.attrs.size(); ++i) {
    if (op_.attrs[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

int DefinitionParser::group_number(const std::string& name, bool declare, bool many) {
  int g = find_group(name);
  if (g >= 0 || !declare) return g;
  def_.groups.push_back({name, many});
  return static_cast<int>(def_.groups.size()) - 1;
}

Result<ParsedOp> DefinitionParser::parse() {
  EGRET_TRY_VOID(scan_.expect("op", "before an operator's name"));
  EGRET_TRY(op_.name, scan_.name("the operator's name"));
  EGRET_TRY_VOID(parse_operands());
  if (scan_.peek().is("{")) EGRET_TRY_VOID(parse_attrs());
  for (const PendingAttr& p : pending_) {
    int attr = find_attr(p.name);
    if (attr < 0) return input_error(fmt::format("{}: no attribute '{}'", op_.name, p.name));
    def_.operands[p.operand].places[p.place].attr = attr;
  }
  for (const DefOperand& o : def_.operands) {
    op_.min_operands += 1;
    op_.max_operands = o.variadic ? -1 : op_.max_operands + 1;
  }
  if (op_.max_operands < 0 && !scan_.peek().is("->")) op_.min_operands -= 1;  // without a meaning: none will do
  if (scan_.accept("->")) {
    EGRET_TRY_VOID(parse_result());
    EGRET_TRY_VOID(parse_where());
    EGRET_TRY_VOID(note_steps());
    op_.definition = std::make_shared<Definition>(std::move(def_));
  }
  if (!scan_.at_end()) return scan_.expected("the end of the definition");
  return std::move(op_);
}

Status DefinitionParser::parse_operands() {
  EGRET_TRY_VOID(scan_.expect("(", "before the operands"));
  while (!scan_.accept(")")) {
    if (!def_.operands.empty()) EGRET_TRY_VOID(scan_.expect(",", "between operands"));
    EGRET_TRY_VOID(parse_operand());
  }
  return {};
}

Status DefinitionParser::parse_operand() {
  DefOperand operand;
  EGRET_TRY(operand.name, scan_.name("an operand's name"));
  operand.variadic = scan_.accept("...");
  def_.operands.push_back(operand);
  DefOperand& o = def_.operands.back();
  if (scan_.accept("[")) {
    while (!scan_.accept("]")) {
      if (!o.places.empty()) EGRET_TRY_VOID(scan_.expect(",", "between places"));
      std::string attr;
      EGRET_TRY(DefPlace place, parse_place(false, &attr));
      if (!attr.empty()) pending_.push_back({def_.operands.size() - 1, o.places.size(), attr});
      o.places.push_back(place);
    }
  }
  if (scan_.accept(":")) {
    EGRET_TRY(o.dtype, parse_dtype_rule());
  }
  return {};
}

Result<DTypeRule> DefinitionParser::parse_dtype_rule() {
  constexpr std::pair<const char*, DTypeRule> kRules[] = {
      {"float", DTypeRule::kCommonFloat}, {"number", DTypeRule::kCommonNumber}, {"logical", DTypeRule::kCommonLogical},
      {"int", DTypeRule::kInt},           {"bool", DTypeRule::kBool},           {"any", DTypeRule::kAny}};
  for (auto [text, rule] : kRules) {
    if (scan_.accept(text)) return rule;
  }
  return scan_.expected("float, number, logical, int, bool or any");
}

// In an operand, the attribute's name is left in `attr` (it is declared later).
Result<DefPlace> DefinitionParser::parse_place(bool in_result, std::string* attr) {
  DefPlace place;
  EGRET_TRY(std::string group, scan_.name("an axis"));
  bool many = scan_.accept("..");
  if (scan_.accept("@")) {
    place.where = scan_.accept("<")   ? DefPlace::Where::kBefore
                  : scan_.accept(">") ? DefPlace::Where::kAfter
                                      : DefPlace::Where::kAt;
    EGRET_TRY(std::string name, scan_.name("an attribute"));
    if (in_result) place.attr = find_attr(name);
    *attr = name;
    many = true;
  }
  if (in_result && scan_.accept("=")) {
    EGRET_TRY(place.size, parse_sum(0));
  }
  place.group = static_cast<uint16_t>(group_number(group, true, many));
  return place;
}

Result<AttrValue> DefinitionParser::parse_fallback(AttrKind kind) {
  if (kind == AttrKind::kInts && scan_.peek().kind == Token::Kind::kNumber) {
    EGRET_TRY(int64_t value, scan_.integer("an integer"));
    return AttrValue(std::vector<Dim>{Dim(value)});
  }
  return parse_attr_value(scan_, kind);
}

Status DefinitionParser::parse_attrs() {
  EGRET_TRY_VOID(scan_.expect("{", "before the attributes"));
  while (!scan_.accept("}")) {
    if (!op_.attrs.empty()) EGRET_TRY_VOID(scan_.expect(",", "between attributes"));
    AttrSpec spec;
    EGRET_TRY(spec.name, scan_.name("an attribute"));
    EGRET_TRY_VOID(scan_.expect(":", "after an attribute"));
    EGRET_TRY(std::string kind, scan_.name("an attribute's kind"));
    int k = 0;
    while (k <= static_cast<int>(AttrKind::kTensor) && kind != to_string(static_cast<AttrKind>(k))) ++k;
    if (k > static_cast<int>(AttrKind::kTensor)) return input_error("no attribute kind '" + kind + "'");
    spec.kind = static_cast<AttrKind>(k);
    if (scan_.accept("=")) {
      EGRET_TRY(spec.fallback, parse_fallback(spec.kind));
    }
    op_.attrs.push_back(std::move(spec));
  }
  // A place that one `axis` attribute names is one axis.
  for (const PendingAttr& p : pending_) {
    int a = find_attr(p.name);
    const DefPlace& place = def_.operands[p.operand].places[p.place];
    bool one = a >= 0 && op_.attrs[a].kind == AttrKind::kAxis && place.where == DefPlace::Where::kAt;
    if (one) def_.groups[place.group].many = false;
  }
  return {};
}

Status DefinitionParser::parse_result() {
  if (scan_.accept("each")) {
    EGRET_TRY_VOID(scan_.expect("part", "after 'each'"));
    EGRET_TRY_VOID(scan_.expect("in", "after 'each part'"));
    EGRET_TRY(std::string attr, scan_.name("an attribute"));
    def_.each = find_attr(attr);
  }
  EGRET_TRY_VOID(scan_.expect("[", "before the result's axes"));
  while (!scan_.accept("]")) {
    if (!def_.result.empty()) EGRET_TRY_VOID(scan_.expect(",", "between places"));
    std::string attr;
    EGRET_TRY(DefPlace place, parse_place(true, &attr));
    if (!attr.empty() && place.attr < 0) return input_error("no attribute '" + attr + "'");
    def_.result.push_back(place);
  }
  if (scan_.accept(":")) {
    EGRET_TRY(std::string dtype, scan_.name("a dtype or an attribute"));
    def_.result_dtype = dtype_from_name(dtype);
    if (!def_.result_dtype) def_.result_dtype_attr = find_attr(dtype);
    if (!def_.result_dtype && def_.result_dtype_attr < 0) return input_error("no dtype '" + dtype + "'");
  }
  EGRET_TRY_VOID(scan_.expect("=", "before the meaning"));
  EGRET_TRY(def_.body, parse_expr());
  return {};
}

Status DefinitionParser::parse_where() {
  if (!scan_.accept("where")) return {};
  do {
    const char* begin = scan_.peek().text.data();
    DefCondition c;
    EGRET_TRY(c.node, parse_and(0));
    const char* end = scan_.at_end() ? nullptr : scan_.peek().text.data();
    c.text = end ? std::string(begin, end) : std::string(begin);
    for (char& ch : c.text) ch = ch == '\n' ? ' ' : ch;
    while (!c.text.empty() && c.text.back() == ' ') c.text.pop_back();
    def_.where.push_back(std::move(c));
  } while (scan_.accept(","));
  return {};
}

Result<DefId> DefinitionParser::parse_expr(int depth) {
  if (depth > kMaxTextDepth) return input_error("a definition is nested too deeply", {}, scan_.here());
  EGRET_TRY(DefId condition, parse_and(depth));
  if (!scan_.accept("?")) return condition;
  EGRET_TRY(DefId then, parse_expr(depth + 1));
  EGRET_TRY_VOID(scan_.expect(":", "between the branches"));
  EGRET_TRY(DefId otherwise, parse_expr(depth + 1));
  return add(DefKind::kCond, {condition, then, otherwise});
}

Result<DefId> DefinitionParser::parse_and(int depth) {
  EGRET_TRY(DefId left, parse_comparison(depth));
  while (scan_.accept("and")) {
    EGRET_TRY(DefId right, parse_comparison(depth));
    left = add(DefKind::kAnd, {left, right});
  }
  return left;
}

// Chains: a <= b < c means a <= b and b < c.
Result<DefId> DefinitionParser::parse_comparison(int depth) {
  EGRET_TRY(DefId left, parse_sum(depth));
  std::optional<DefId> all;
  for (;;) {
    std::string op(scan_.peek().text);
    if (op != "<" && op != "<=" && op != ">" && op != ">=" && op != "==" && op != "!=") break;
    scan_.next();
    EGRET_TRY(DefId right, parse_sum(depth));
    bool swapped = op[0] == '>';
    DefKind kind = op == "==" ? DefKind::kEqual : op == "!=" ? DefKind::kNotEqual
                   : op.size() == 2 ? DefKind::kLessEqual : DefKind::kLess;
    DefId one = swapped ? add(kind, {right, left}) : add(kind, {left, right});
    all = all ? add(DefKind::kAnd, {*all, one}) : one;
    left = right;
  }
  return all ? *all : left;
}

Result<DefId> DefinitionParser::parse_sum(int depth) {
  EGRET_TRY(DefId left, parse_product(depth));
  while (scan_.peek().is("+") || scan_.peek().is("-")) {
    DefKind kind = scan_.next().is("+") ? DefKind::kAdd : DefKind::kSub;
    EGRET_TRY(DefId right, parse_product(depth));
    left = add(kind, {left, right});
  }
  return left;
}

Result<DefId> DefinitionParser::parse_product(int depth) {
  EGRET_TRY(DefId left, parse_primary(depth));
  for (;;) {
    const Token& t = scan_.peek();
    DefKind kind = t.is("*")     ? DefKind::kMul
                   : t.is("/")   ? DefKind::kFloatDiv
                   : t.is("div") ? DefKind::kIntDiv
                   : t.is("mod") ? DefKind::kMod
                                 : DefKind::kNumber;
    if (kind == DefKind::kNumber) return left;
    scan_.next();
    EGRET_TRY(DefId right, parse_primary(depth));
    left = add(kind, {left, right});
  }
}

// max and min are folds where a list of binders, not of expressions, follows.
bool DefinitionParser::at_fold() {
  const Token& t = scan_.peek();
  auto fold = fold_kind(t.text);
  if (!fold || t.kind != Token::Kind::kName) return false;
  if (scan_.peek(1).is("<")) return true;
  if (!scan_.peek(1).is("(")) return false;
  if (*fold == FoldKind::kAll) return !scan_.peek(3).is(":");
  if (*fold != FoldKind::kMax && *fold != FoldKind::kMin) return true;
  const Token &name = scan_.peek(2), &after = scan_.peek(3);
  bool binder_end = after.is(")") || after.is(",") || after.is("=") || after.is("..");
  return name.kind == Token::Kind::kName && binder_end && find_operand(name.text) < 0 && find_attr(name.text) < 0;
}

Result<DefId> DefinitionParser::parse_primary(int depth) {
  if (depth > kMaxTextDepth) return input_error("a definition is nested too deeply", {}, scan_.here());
  if (scan_.accept("(")) {
    EGRET_TRY(DefId e, parse_expr(depth + 1));
    EGRET_TRY_VOID(scan_.expect(")", "after an expression"));
    return e;
  }
  if (scan_.accept("-")) {
    EGRET_TRY(DefId e, parse_primary(depth + 1));
    return add(DefKind::kNeg, {e});
  }
  if (scan_.peek().kind == Token::Kind::kNumber) {
    EGRET_TRY(double value, parse_number(scan_));
    DefId id = add(DefKind::kNumber);
    def_.nodes[id].value = value;
    return id;
  }
  return parse_named(depth);
}

Result<DefId> DefinitionParser::parse_named(int depth) {
  if (at_fold()) {
    FoldKind fold = *fold_kind(scan_.next().text);
    return parse_fold(fold, depth + 1);
  }
  EGRET_TRY(std::string name, scan_.name("an expression"));
  if (name == "all") return parse_all(depth + 1);
  if (name == "pick") return parse_pick(depth + 1);
  if (name == "lowest") return add(DefKind::kLowest);
  if (name == "highest") return add(DefKind::kHighest);
  if (name == "part" && def_.each) return add(DefKind::kPart);
  int operand = find_operand(name);
  if (operand >= 0 && scan_.accept(".")) {
    EGRET_TRY(std::string axis, scan_.name("an axis"));
    int group = find_group(axis);
    if (group < 0) return input_error(fmt::format("{}: no axis '{}'", op_.name, axis));
    return add(DefKind::kSize, {}, operand, group);
  }
  if (operand >= 0 && scan_.accept("[")) return parse_read(operand, depth + 1);
  if (int attr = find_attr(name); attr >= 0) return add(DefKind::kAttr, {}, attr);
  if (int group = find_group(name); group >= 0) {
    if (!scan_.accept("[")) return add(DefKind::kGroup, {}, group);
    EGRET_TRY(DefId index, parse_sum(depth + 1));
    EGRET_TRY_VOID(scan_.expect("]", "after an axis number"));
    return add(DefKind::kNth, {index}, group);
  }
  if (scan_.accept("(")) return parse_call(name, depth + 1);
  return input_error(fmt::format("{}: unknown name '{}'", op_.name, name));
}

Result<std::vector<DefId>> DefinitionParser::parse_args(int depth) {
  std::vector<DefId> args;
  while (!scan_.accept(")")) {
    if (!args.empty()) EGRET_TRY_VOID(scan_.expect(",", "between arguments"));
    EGRET_TRY(DefId arg, parse_expr(depth));
    args.push_back(arg);
  }
  return args;
}

Result<DefId> DefinitionParser::parse_read(int operand, int depth) {
  std::vector<DefId> indices;
  while (!scan_.accept("]")) {
    if (!indices.empty()) EGRET_TRY_VOID(scan_.expect(",", "between indices"));
    EGRET_TRY(DefId index, parse_expr(depth));
    indices.push_back(index);
  }
  if (indices.size() != def_.operands[operand].places.size()) {
    return input_error(fmt::format("{}: a read of {} needs one index a place", op_.name, def_.operands[operand].name));
  }
  return add(DefKind::kRead, std::move(indices), operand);
}

Result<DefId> DefinitionParser::parse_call(const std::string& fn, int depth) {
  EGRET_TRY(std::vector<DefId> args, parse_args(depth));
  auto wants = [&](size_t n) { return args.size() == n; };
  if (fn == "value" && wants(1)) return add(DefKind::kValue, std::move(args));
  if (fn == "clamp" && wants(3)) return add(DefKind::kClamp, std::move(args));
  if (fn == "unflatten" && wants(1)) return add(DefKind::kUnflatten, std::move(args));
  if (fn == "total" && wants(1)) return add(DefKind::kTotal, std::move(args));
  if (fn == "before" && wants(1)) return add(DefKind::kBefore);
  if (fn == "flatten" && wants(1)) return add(DefKind::kFlatten, {}, def_.nodes[args[0]].number);
  if (fn == "rank" && wants(1)) return add(DefKind::kRank, {}, def_.nodes[args[0]].number);
  if (fn == "count" && wants(1)) {
    const DefNode& of = def_.nodes[args[0]];
    return of.kind == DefKind::kSize ? add(DefKind::kCount, {}, of.number, of.other)
                                     : add(DefKind::kCount, {}, -1, of.number);
  }
  if (fn == "cast" && wants(2)) return add(DefKind::kCast, {args[0]}, def_.nodes[args[1]].number);
  auto known = scalar_fn(fn);
  if (!known || arity(*known) != static_cast<int>(args.size())) {
    return input_error(fmt::format("{}: no function '{}' of {} arguments", op_.name, fn, args.size()));
  }
  DefId id = add(DefKind::kCall, std::move(args));
  def_.nodes[id].fn = *known;
  return id;
}

Result<DefId> DefinitionParser::parse_fold(FoldKind fold, int depth) {
  std::optional<DType> accumulator;
  if (scan_.accept("<")) {
    EGRET_TRY_VOID(scan_.expect("acc", "of a fold"));
    EGRET_TRY_VOID(scan_.expect("=", "after acc"));
    EGRET_TRY(std::string dtype, scan_.name("a dtype"));
    accumulator = dtype_from_name(dtype);
    if (!accumulator) return input_error(fmt::format("{}: no dtype '{}'", op_.name, dtype));
    EGRET_TRY_VOID(scan_.expect(">", "after the accumulator"));
  }
  EGRET_TRY_VOID(scan_.expect("(", "before the bound axes"));
  std::vector<DefBinder> binders;
  while (!scan_.accept(")")) {
    if (!binders.empty()) EGRET_TRY_VOID(scan_.expect(",", "between bound axes"));
    EGRET_TRY(std::string name, scan_.name("an axis"));
    bool many = scan_.accept("..");
    DefBinder binder;
    bool sized = scan_.accept("=");
    if (sized) {
      EGRET_TRY(binder.size, parse_sum(depth));
    }
    int group = group_number(name, sized, many);
    if (group < 0) return input_error(fmt::format("{}: the bound axis '{}' has no size", op_.name, name));
    binder.group = static_cast<uint16_t>(group);
    binders.push_back(binder);
  }
  EGRET_TRY(DefId body, parse_product(depth));
  DefId id = add(DefKind::kFold, {body});
  def_.nodes[id].fold = fold;
  def_.nodes[id].accumulator = accumulator;
  def_.nodes[id].binders = std::move(binders);
  return id;
}

Result<DefId> DefinitionParser::parse_all(int depth) {
  EGRET_TRY_VOID(scan_.expect("(", "after all"));
  EGRET_TRY(std::string name, scan_.name("an axis group"));
  int group = find_group(name);
  if (group < 0) return input_error(fmt::format("{}: no axis group '{}'", op_.name, name));
  EGRET_TRY_VOID(scan_.expect(":", "after the group"));
  EGRET_TRY(DefId condition, parse_and(depth));
  EGRET_TRY_VOID(scan_.expect(")", "after a condition"));
  return add(DefKind::kAll, {condition}, group);
}

Result<DefId> DefinitionParser::parse_pick(int depth) {
  EGRET_TRY_VOID(scan_.expect("(", "after pick"));
  EGRET_TRY(std::string number, scan_.name("a name"));
  EGRET_TRY_VOID(scan_.expect("in", "after the name"));
  EGRET_TRY(std::string operands, scan_.name("an operand group"));
  EGRET_TRY_VOID(scan_.expect("at", "after the operand group"));
  EGRET_TRY(std::string axis, scan_.name("an axis"));
  EGRET_TRY_VOID(scan_.expect(")", "after pick"));
  int operand = find_operand(operands), group = find_group(axis);
  if (operand < 0 || group < 0) return input_error(op_.name + ": pick of an unknown operand or axis");
  EGRET_TRY(DefId read, parse_primary(depth));
  return add(DefKind::kPick, {read}, operand, group);
}

// The first group of many axes that an expression goes in step with.
int DefinitionParser::first_group(DefId id) const {
  const DefNode& n = def_.nodes[id];
  int group = n.kind == DefKind::kGroup ? n.number : n.kind == DefKind::kSize ? n.other : -1;
  if (group >= 0 && def_.groups[group].many) return group;
  for (DefId arg : n.args) {
    if (int g = first_group(arg); g >= 0) return g;
  }
  return -1;
}

void DefinitionParser::note_steps_of(DefId id, int context) {
  const DefNode& n = def_.nodes[id];
  if (n.kind == DefKind::kAttr && op_.attrs[n.number].kind == AttrKind::kInts && context >= 0 &&
      def_.step_group[n.number] < 0) {
    def_.step_group[n.number] = context;
  }
  for (size_t i = 0; i < n.args.size(); ++i) {
    int inner = context;
    if (n.kind == DefKind::kAll) inner = n.number;
    if (n.kind == DefKind::kRead) inner = first_group(n.args[i]);
    note_steps_of(n.args[i], inner);
  }
  for (const DefBinder& b : n.binders) {
    if (b.size) note_steps_of(*b.size, b.group);
  }
}

// Groups of operands come first, so that the length of a list follows from ranks wherever it can.
Status DefinitionParser::note_steps() {
  def_.step_group.assign(op_.attrs.size(), -1);
  for (const DefPlace& p : def_.result) {
    if (p.size && def_.groups[p.group].many) note_steps_of(*p.size, p.group);
  }
  for (const DefCondition& c : def_.where) note_steps_of(c.node, -1);
  note_steps_of(def_.body, -1);
  for (const DefPlace& p : def_.result) {
    if (p.size) note_lengths(*p.size, p.group);
  }
  for (const DefCondition& c : def_.where) note_lengths(c.node, -1);
  note_lengths(def_.body, -1);
  return {};
}

// What stands in an expression that is taken once for each axis of `group` (-1: once).
void DefinitionParser::note_lengths(DefId id, int group) {
  const DefNode& n = def_.nodes[id];
  const auto note = [&](DefStep step) {
    if (std::find(def_.steps.begin(), def_.steps.end(), step) == def_.steps.end()) def_.steps.push_back(step);
  };
  const int own = n.kind == DefKind::kGroup ? n.number : n.kind == DefKind::kSize ? n.other : -1;
  if (own >= 0 && own != group && def_.groups[own].many) note({false, own, group});
  if (n.kind == DefKind::kAttr) note({true, n.number, group});
  if (n.kind == DefKind::kNth || n.kind == DefKind::kTotal) return;
  for (size_t i = 0; i < n.args.size(); ++i) {
    const int inner = n.kind == DefKind::kAll ? n.number : n.kind == DefKind::kRead ? def_.operands[n.number].places[i].group : group;
    note_lengths(n.args[i], inner);
  }
  for (const DefBinder& binder : n.binders) {
    if (binder.size) note_lengths(*binder.size, binder.group);
  }
}

}  // namespace

Result<ParsedOp> parse_definition(std::string_view text) { return DefinitionParser(text).parse(); }

}  // namespace egret
