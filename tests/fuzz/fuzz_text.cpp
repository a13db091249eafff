// The text form of graphs: what is accepted prints and parses to the same text and is valid.
#include "ir/graph.h"
#include "ir/op.h"
#include "ir/text/text.h"
#include "tests/fuzz/mutate.h"

namespace egret::fuzz {
namespace {

std::vector<std::string> corpus(const std::vector<std::string>& arguments) {
  std::vector<std::string> texts = read_all(arguments, ".egret");
  for (const OpDef* op : all_ops()) {  // every operator's name and attributes are words to mutate with
    std::string line = "graph g\n  x: f32[2,3]\n  y = neg(x)  # " + op->name + "(x";
    for (const AttrSpec& attr : op->attrs) line += ", " + attr.name + "=[1, 0]";
    texts.push_back(line + ")\n  return y\n");
  }
  return texts;
}

// A program that was never well formed: random operators over what is there.
std::string random_program(Random& random) {
  static const std::vector<std::string> kTypes = {"f32[2,3]", "f32[]", "i64[4]", "bool[2]", "f32[n,3]", "f16[1,2,3,4]", "f32[0]", "bf16[n,n]"};
  std::string text = "graph g\n";
  std::vector<std::string> values;
  const std::span<const OpDef* const> ops = all_ops();
  for (size_t i = 0; i < 1 + random.below(3); ++i) {
    values.push_back("x" + std::to_string(i));
    text += "  " + std::string(random.one_in(4) ? "param " : "") + values.back() + ": " + random.pick(kTypes) + "\n";
  }
  for (size_t i = 0; i < 1 + random.below(5); ++i) {
    const OpDef& op = *ops[random.below(ops.size())];
    std::string call = "  v" + std::to_string(i) + " = " + op.name + "(";
    for (size_t k = 0; k < 1 + random.below(3); ++k) call += (k ? ", " : "") + random.pick(values);
    for (const AttrSpec& attr : op.attrs) {
      if (random.one_in(6)) continue;
      call += ", " + attr.name + "=";
      const auto number = [&] { return std::to_string(random.one_in(8) ? odd_number(random) : static_cast<int64_t>(random.below(5))); };
      switch (random.below(4)) {
        case 0: call += number(); break;
        case 1: call += "f32"; break;
        default:
          call += "[" + number();
          for (size_t k = random.below(4); k > 0; --k) call += ", " + number();
          call += "]";
      }
    }
    text += call + ")\n";
    values.push_back("v" + std::to_string(i));
  }
  return text + "  return " + values.back() + "\n";
}

std::string make(Random& random, const std::vector<std::string>& from) {
  if (random.one_in(3)) return random_program(random);
  return mutate_text(random, random.pick(from), from);
}

bool run(std::string_view input) {
  auto graphs = parse_graphs(input, "input.egret");
  if (!graphs.ok()) {
    check_error(graphs.error());
    EGRET_CHECK(graphs.error().where.line > 0, "an error of the text form has a line");
    return false;
  }
  for (const Graph& graph : *graphs) {
    const auto valid = validate(graph);
    EGRET_CHECK(valid.ok(), "what the parser accepts is valid");
    const std::string once = print(graph);
    auto again = parse_graph(once);
    EGRET_CHECK(again.ok(), once.c_str());
    EGRET_CHECK(print(*again) == once, once.c_str());
    const auto flat = expand_composites(graph);
    if (!flat.ok()) check_error(flat.error());
  }
  return true;
}

}  // namespace

const Target& target() {
  static const Target kTarget = {"text", 5, corpus, make, run};
  return kTarget;
}

}  // namespace egret::fuzz
