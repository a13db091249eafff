#include "lower/cuda/expr_printer.h"

#include <algorithm>

#include "support/result.h"

namespace egret::lower {
namespace {

constexpr size_t kShort = 32;  // an index text up to this long is repeated rather than named

bool is_index_kind(ExprKind kind) { return kind <= ExprKind::kToIndex; }
bool is_condition_kind(ExprKind kind) { return kind >= ExprKind::kLess && kind <= ExprKind::kTruth; }

}  // namespace

std::string Printing::address(uint32_t operand, const std::vector<std::string>& indices) const {
  if (indices.empty()) return "0";
  if (indices == flat.indices) {
    std::vector<std::string> names;
    for (size_t axis = 0; axis < indices.size(); ++axis) names.push_back(sizes.axis(operand, static_cast<int>(axis)));
    if (names == flat.sizes) return flat.position;
  }
  std::string text = indices[0];
  for (size_t axis = 1; axis < indices.size(); ++axis) {
    const std::string& size = sizes.axis(operand, static_cast<int>(axis));
    if (text == "0") {
      text = indices[axis];
    } else {
      text = (axis > 1 ? "(" + text + ")" : text) + " * " + size + (indices[axis] == "0" ? "" : " + " + indices[axis]);
    }
  }
  return text;
}

ExprPrinter::ExprPrinter(Printing& printing, int stage, std::vector<std::string> variables, StageRead read_stage,
                         FoldHook fold)
    : printing_(printing),
      stage_(stage),
      meaning_(printing.stage(stage).meaning),
      variables_(std::move(variables)),
      read_stage_(std::move(read_stage)),
      fold_hook_(std::move(fold)),
      scopes_(1) {
  variables_.resize(meaning_.sizes.size());
}

std::string ExprPrinter::body() {
  const std::string value = scalar(meaning_.body);
  const DType from = expr(meaning_.body).dtype, to = meaning_.result.dtype;
  if (from == to) return value;
  const std::string name = printing_.out.fresh("t");
  printing_.out.line(std::string("const ") + held_type(to) + " " + name + " = " +
                     cast_text(from, to, value, printing_.library) + ";");
  return name;
}

std::string ExprPrinter::known(ExprId id) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto found = scope->find(id); found != scope->end()) return found->second;
  }
  return {};
}

std::string ExprPrinter::keep(ExprId id, const std::string& type, const std::string& text) {
  const std::string name = printing_.out.fresh("t");
  printing_.out.line("const " + type + " " + name + " = " + text + ";");
  return scopes_.back()[id] = name;
}

bool ExprPrinter::has_read(ExprId id) {
  if (const auto found = has_read_.find(id); found != has_read_.end()) return found->second;
  bool result = expr(id).kind == ExprKind::kRead;
  for (ExprId arg : expr(id).args) result = result || has_read(arg);
  return has_read_[id] = result;
}

const ExprPrinter::Ids& ExprPrinter::always(ExprId id) {
  if (const auto found = always_.find(id); found != always_.end()) return found->second;
  const Expr& e = expr(id);
  Ids result = {id};
  auto add = [&](const Ids& more) {
    Ids merged;
    std::set_union(result.begin(), result.end(), more.begin(), more.end(), std::back_inserter(merged));
    result = std::move(merged);
  };
  if (e.kind == ExprKind::kSelect) {
    add(always(e.args[0]));
    const Ids &a = always(e.args[1]), &b = always(e.args[2]);
    Ids both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    add(both);
  } else if (e.kind == ExprKind::kAnd || e.kind == ExprKind::kOr) {
    add(always(e.args[0]));
  } else if (e.kind != ExprKind::kFold) {
    for (ExprId arg : e.args) add(always(arg));
  }
  return always_[id] = std::move(result);
}

std::string ExprPrinter::argument(ExprId parent, size_t position) {
  const ExprId id = expr(parent).args[position];
  return expr(id).kind == ExprKind::kInt ? printing_.sizes.constant(stage_, parent, position) : index(id);
}

bool ExprPrinter::nonnegative(ExprId id) const {
  const Expr& e = expr(id);
  switch (e.kind) {
    case ExprKind::kIndex:
    case ExprKind::kMod:
      return true;
    case ExprKind::kInt:
      return e.integer >= 0;
    case ExprKind::kDiv:
      return nonnegative(e.args[0]);
    case ExprKind::kMax:
      return nonnegative(e.args[0]) || nonnegative(e.args[1]);
    case ExprKind::kAdd:
    case ExprKind::kMul:
    case ExprKind::kMin:
      return std::all_of(e.args.begin(), e.args.end(), [&](ExprId arg) { return nonnegative(arg); });
    default:
      return false;
  }
}

std::string ExprPrinter::index(ExprId id) {
  if (expr(id).kind == ExprKind::kIndex) return variables_[expr(id).number];
  if (expr(id).kind == ExprKind::kInt) return std::to_string(expr(id).integer);
  if (std::string value = known(id); !value.empty()) return value;
  const std::string text = index_text(id);
  if (text.size() <= kShort) return scopes_.back()[id] = text;
  return keep(id, "Index", text);
}

std::string ExprPrinter::index_text(ExprId id) {
  const Expr& e = expr(id);
  if (e.kind == ExprKind::kToIndex) return "Index(" + scalar(e.args[0]) + ")";
  std::string text = argument(id, 0);
  const bool plain = nonnegative(e.args[0]);
  for (size_t p = 1; p < e.args.size(); ++p) {
    const std::string b = argument(id, p);
    switch (e.kind) {
      case ExprKind::kAdd:
        text = "(" + text + " + " + b + ")";
        break;
      case ExprKind::kSub:
        text = "(" + text + " - " + b + ")";
        break;
      case ExprKind::kMul:
        text = "(" + text + " * " + b + ")";
        break;
      case ExprKind::kMin:
        text = "(" + text + " < " + b + " ? " + text + " : " + b + ")";
        break;
      case ExprKind::kMax:
        text = "(" + text + " > " + b + " ? " + text + " : " + b + ")";
        break;
      case ExprKind::kDiv:
      case ExprKind::kMod: {
        const bool div = e.kind == ExprKind::kDiv;
        if (!plain) printing_.library.need(div ? "floor_div" : "floor_mod");
        text = plain ? "(" + text + (div ? " / " : " % ") + b + ")"
                     : std::string(div ? "floor_div" : "floor_mod") + "(" + text + ", " + b + ")";
        break;
      }
      default:
        EGRET_CHECK(false, "index expressions are arithmetic");
    }
  }
  return text;
}

std::string ExprPrinter::condition(ExprId id) {
  const Expr& e = expr(id);
  switch (e.kind) {
    case ExprKind::kLess:
      return "(" + argument(id, 0) + " < " + argument(id, 1) + ")";
    case ExprKind::kLessEqual:
      return "(" + argument(id, 0) + " <= " + argument(id, 1) + ")";
    case ExprKind::kEqual:
      return "(" + argument(id, 0) + " == " + argument(id, 1) + ")";
    case ExprKind::kNot:
      return "!" + condition(e.args[0]);
    case ExprKind::kTruth: {
      const std::string value = scalar(e.args[0]);
      return expr(e.args[0]).dtype == DType::boolean ? value : "(" + value + " != 0)";
    }
    case ExprKind::kAnd:
    case ExprKind::kOr:
      break;
    default:
      EGRET_CHECK(false, "a condition");
  }
  const bool conjunction = e.kind == ExprKind::kAnd;
  if (e.args.empty()) return conjunction ? "true" : "false";
  std::string text = condition(e.args[0]);
  int opened = 0;
  std::string name;
  for (size_t p = 1; p < e.args.size(); ++p) {
    if (!has_read(e.args[p])) {
      text += (conjunction ? " && " : " || ") + condition(e.args[p]);
      continue;
    }
    // A read on the right happens only where the left does not decide.
    if (name.empty()) {
      name = printing_.out.fresh("c");
      printing_.out.line("bool " + name + " = " + text + ";");
    } else {
      printing_.out.line(name + " = " + text + ";");
    }
    printing_.out.open(std::string("if (") + (conjunction ? "" : "!") + name + ")");
    enter();
    ++opened;
    text = condition(e.args[p]);
  }
  if (name.empty()) return e.args.size() > 1 ? "(" + text + ")" : text;
  printing_.out.line(name + " = " + text + ";");
  for (; opened > 0; --opened) leave(), printing_.out.close();
  return name;
}

std::string ExprPrinter::scalar(ExprId id) {
  if (std::string value = known(id); !value.empty()) return value;
  const Expr& e = expr(id);
  switch (e.kind) {
    case ExprKind::kNumber:
      return number_text(e.dtype, e.value);
    case ExprKind::kRead:
      return scopes_.back()[id] = read(e);
    case ExprKind::kSelect:
      return select(id);
    case ExprKind::kValue: {
      const std::string at = is_index_kind(expr(e.args[0]).kind) ? argument(id, 0) : condition(e.args[0]);
      return keep(id, held_type(e.dtype), cast_text(DType::i64, e.dtype, "(long long)(" + at + ")", printing_.library));
    }
    case ExprKind::kFold: {
      std::string value = fold_hook_ && fold_depth_ == 0 ? fold_hook_(*this, id) : std::string();
      if (value.empty()) value = fold_loop(e);
      return scopes_.back()[id] = value;
    }
    case ExprKind::kCall:
      break;
    default:
      EGRET_CHECK(false, "a scalar expression");
  }
  std::vector<std::string> args;
  for (ExprId arg : e.args) args.push_back(scalar(arg));
  const DType from = expr(e.args[0]).dtype;
  return keep(id, held_type(e.dtype), call_text(e.fn, from, e.dtype, args, printing_.library));
}

std::string ExprPrinter::read(const Expr& e) {
  std::vector<std::string> indices;
  for (ExprId arg : e.args) indices.push_back(index(arg));
  std::string value;
  const uint32_t ports = printing_.port_count();
  if (e.number >= ports) {
    const int stage = static_cast<int>(e.number - ports);
    value = read_stage_ ? read_stage_(stage, indices) : std::string();
    if (value.empty()) return inline_stage(stage, indices);
    if (value.find('[') == std::string::npos) return value;
    const std::string name = printing_.out.fresh("t");
    printing_.out.line(std::string("const ") + held_type(e.dtype) + " " + name + " = " + value + ";");
    return name;
  }
  const std::string element = "p" + std::to_string(e.number) + "[" + printing_.address(e.number, indices) + "]";
  const std::string name = printing_.out.fresh("t");
  printing_.out.line(std::string("const ") + held_type(e.dtype) + " " + name + " = " +
                     load_text(e.dtype, element, printing_.library) + ";");
  return name;
}

std::string ExprPrinter::inline_stage(int stage, const std::vector<std::string>& indices) {
  ExprPrinter inner(printing_, stage, indices, read_stage_);
  return inner.body();
}

std::string ExprPrinter::select(ExprId id) {
  const Expr& e = expr(id);
  Writer& out = printing_.out;
  const std::string test = condition(e.args[0]);
  // What both branches evaluate is no branch's own.
  const Ids &a = always(e.args[1]), &b = always(e.args[2]);
  Ids both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  for (ExprId shared : both) {
    const ExprKind kind = expr(shared).kind;
    if (!is_index_kind(kind) && !is_condition_kind(kind)) scalar(shared);
  }
  auto simple = [&](ExprId branch) { return expr(branch).kind == ExprKind::kNumber || !known(branch).empty(); };
  if (simple(e.args[1]) && simple(e.args[2]))
    return keep(id, held_type(e.dtype), test + " ? " + scalar(e.args[1]) + " : " + scalar(e.args[2]));
  const std::string name = out.fresh("t");
  out.line(std::string(held_type(e.dtype)) + " " + name + ";");
  for (int branch = 1; branch <= 2; ++branch) {
    if (branch == 1)
      out.open("if (" + test + ")");
    else
      out.otherwise();
    enter();
    const std::string value = scalar(e.args[branch]);
    out.line(name + " = " + value + ";");
    leave();
  }
  out.close();
  return scopes_.back()[id] = name;
}

std::string ExprPrinter::product(const std::vector<uint32_t>& variables) const {
  std::vector<std::string> names;
  for (uint32_t v : variables) names.push_back(printing_.sizes.variable(stage_, v));
  return Sizes::product(names);
}

void ExprPrinter::bind_flat(const std::vector<uint32_t>& variables, const std::string& flat) {
  std::string rest = flat;
  for (size_t k = variables.size(); k-- > 0;) {
    const std::string& size = printing_.sizes.variable(stage_, variables[k]);
    if (k == 0) {
      variables_[variables[k]] = rest;
      continue;
    }
    const std::string name = printing_.out.fresh("i");
    printing_.out.line("const Index " + name + " = " + rest + " % " + size + ";");
    variables_[variables[k]] = name;
    const std::string next = printing_.out.fresh("i");
    printing_.out.line("const Index " + next + " = " + rest + " / " + size + ";");
    rest = next;
  }
}

std::string ExprPrinter::fold_item(const Expr& fold) {
  ++fold_depth_;
  const std::string value = scalar(fold.args[0]);
  --fold_depth_;
  const DType from = expr(fold.args[0]).dtype;
  if (fold.fold == FoldKind::kArgMax || fold.fold == FoldKind::kArgMin || from == fold.dtype) return value;
  const std::string name = printing_.out.fresh("t");
  printing_.out.line(std::string("const ") + held_type(fold.dtype) + " " + name + " = " +
                     cast_text(from, fold.dtype, value, printing_.library) + ";");
  return name;
}

// One loop a variable, in row-major order.
std::string ExprPrinter::fold_loop(const Expr& e) {
  Writer& out = printing_.out;
  const bool arg = e.fold == FoldKind::kArgMax || e.fold == FoldKind::kArgMin;
  const DType item_type = expr(e.args[0]).dtype;
  const std::string acc = out.fresh("acc"), best = arg ? out.fresh("best") : "", at = arg ? out.fresh("at") : "";
  if (arg) {
    out.line(std::string(held_type(item_type)) + " " + best + " = 0;");
    out.line("long long " + acc + " = -1, " + at + " = 0;");
  } else {
    out.line(std::string(held_type(e.dtype)) + " " + acc + " = " + identity_text(e.fold, e.dtype) + ";");
  }
  enter();
  for (uint32_t v : e.variables) {
    const std::string i = out.fresh("i");
    out.open("for (Index " + i + " = 0; " + i + " < " + printing_.sizes.variable(stage_, v) + "; ++" + i + ")");
    variables_[v] = i;
  }
  const std::string item = fold_item(e);
  if (arg) {
    out.line("if (" + acc + " < 0 || " + better_text(e.fold, item_type, item, best) + ") " + best + " = " + item +
             ", " + acc + " = " + at + ";");
    out.line("++" + at + ";");
  } else {
    out.line(acc + " = " + join_text(e.fold, e.dtype, acc, item, printing_.library) + ";");
  }
  for (size_t k = 0; k < e.variables.size(); ++k) out.close();
  leave();
  if (!arg || e.dtype == DType::i64) return acc;
  const std::string name = out.fresh("t");
  out.line(std::string("const ") + held_type(e.dtype) + " " + name + " = " +
           cast_text(DType::i64, e.dtype, acc, printing_.library) + ";");
  return name;
}

}  // namespace egret::lower
