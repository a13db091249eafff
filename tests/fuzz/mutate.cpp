#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <cctype>
#include <limits>

namespace egret::fuzz {
namespace {

constexpr size_t kMaxInput = 200'000;  // doubling mutations stop here

std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.'; };
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    if (word(text[i])) {
      while (end < text.size() && word(text[end])) ++end;
    } else if (text[i] == ' ') {
      while (end < text.size() && text[end] == ' ') ++end;
    }
    tokens.emplace_back(text.substr(i, end - i));
    i = end;
  }
  return tokens;
}

std::string joined(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& t : tokens) {
    text += t;
    if (text.size() > kMaxInput) break;
  }
  return text;
}

bool is_number(const std::string& token) { return !token.empty() && std::isdigit(static_cast<unsigned char>(token[0])); }

std::string odd_text(Random& random) {
  static const std::vector<std::string> kWords = {"nan", "inf", "-inf", "1e999", "1e-999", "0x1p-1074", "-0", "..", "@", "#", "\"",
                                                  "\\", "\0x", "\t", "\r\n", "\xc3\xa9", "\xff", "[", "]", "(", ")", "{", "}",
                                                  "=>", "<=>", "f32[", "i64", "bool", "f16[0]", "x[-1]", "%", "$"};
  switch (random.below(4)) {
    case 0: return std::to_string(odd_number(random));
    case 1: return std::string(1 + random.below(3000), "([{a1-"[random.below(6)]);
    default: return random.pick(kWords);
  }
}

// Swaps, drops, doubles and moves whole lines.
std::string mutate_lines(Random& random, const std::string& input) {
  std::vector<std::string> lines;
  for (size_t at = 0; at <= input.size();) {
    const size_t end = std::min(input.find('\n', at), input.size());
    lines.push_back(input.substr(at, end - at));
    at = end + 1;
  }
  const size_t a = random.below(lines.size()), b = random.below(lines.size());
  switch (random.below(4)) {
    case 0: std::swap(lines[a], lines[b]); break;
    case 1: lines.erase(lines.begin() + static_cast<ptrdiff_t>(a)); break;
    case 2: lines.insert(lines.begin() + static_cast<ptrdiff_t>(a), lines[b]); break;
    default: lines.insert(lines.begin() + static_cast<ptrdiff_t>(a), random.below(40), lines[b]); break;
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

void mutate_token(Random& random, std::vector<std::string>& tokens, const std::vector<std::string>& words) {
  const size_t at = random.below(tokens.size());
  const auto place = tokens.begin() + static_cast<ptrdiff_t>(at);
  switch (random.below(8)) {
    case 0: tokens.erase(place); break;
    case 1: tokens.insert(place, random.pick(words)); break;
    case 2: tokens[at] = odd_text(random); break;
    case 3: std::swap(tokens[at], tokens[random.below(tokens.size())]); break;
    case 4: {
      std::vector<std::string> part(place, place + static_cast<ptrdiff_t>(1 + random.below(std::min<size_t>(12, tokens.size() - at))));
      const auto to = tokens.begin() + static_cast<ptrdiff_t>(random.below(tokens.size()));
      tokens.insert(to, part.begin(), part.end());
      break;
    }
    default: {  // a word becomes a word, a number a number: still likely to be well formed
      const bool number = is_number(tokens[at]);
      if (number) {
        tokens[at] = std::to_string(random.one_in(3) ? odd_number(random) : static_cast<int64_t>(random.below(9)));
      } else {
        for (int tries = 0; tries < 8; ++tries) {
          const std::string& word = random.pick(words);
          if (std::isalpha(static_cast<unsigned char>(word[0])) == std::isalpha(static_cast<unsigned char>(tokens[at][0]))) {
            tokens[at] = word;
            break;
          }
        }
      }
    }
  }
}

}  // namespace

int64_t odd_number(Random& random) {
  static const std::vector<int64_t> kBorders = {0, 1, 2, -1, -2, 127, 128, 255, 256, 32767, 65535, 65536, 1 << 20, INT32_MAX,
                                                int64_t{1} << 31, int64_t{1} << 32, int64_t{1} << 40, int64_t{1} << 53,
                                                int64_t{1} << 62, std::numeric_limits<int64_t>::max(),
                                                std::numeric_limits<int64_t>::min(), INT32_MIN};
  if (random.one_in(3)) return static_cast<int64_t>(random.below(9));
  const auto number = static_cast<uint64_t>(random.pick(kBorders));
  return static_cast<int64_t>(random.one_in(4) ? number - random.below(3) : number);
}

std::string mutate_bytes(Random& random, std::string input, const std::vector<std::string>& corpus) {
  for (size_t n = 1 + random.below(random.one_in(3) ? 8 : 2); n > 0; --n) {
    if (input.empty()) input = random.pick(corpus);
    if (input.empty()) return input;
    const size_t at = random.below(input.size());
    switch (random.below(8)) {
      case 0: input[at] = static_cast<char>(input[at] ^ (1 << random.below(8))); break;
      case 1: input[at] = static_cast<char>(random.next()); break;
      case 2: input[at] = "\x00\x01\x7f\x80\xff"[random.below(5)]; break;
      case 3: input.resize(at); break;
      case 4: input.erase(at, 1 + random.below(std::min<size_t>(64, input.size() - at))); break;
      case 5: input.insert(at, 1 + random.below(16), static_cast<char>(random.next())); break;
      case 6:
        if (input.size() < kMaxInput) input.insert(random.below(input.size()), input.substr(at, 1 + random.below(200)));
        break;
      default: {
        const std::string& other = random.pick(corpus);
        const size_t from = random.below(other.size() + 1);
        input = input.substr(0, at) + other.substr(from);
      }
    }
  }
  return input;
}

std::string mutate_text(Random& random, const std::string& input, const std::vector<std::string>& corpus) {
  if (random.one_in(12)) return mutate_bytes(random, input, corpus);
  const std::vector<std::string> words = tokens_of(random.pick(corpus));
  std::string text = random.one_in(4) ? mutate_lines(random, input) : input;
  std::vector<std::string> tokens = tokens_of(text);
  for (size_t n = 1 + random.below(random.one_in(3) ? 8 : 2); n > 0 && !tokens.empty() && !words.empty(); --n) {
    mutate_token(random, tokens, words);
  }
  return joined(tokens);
}

}  // namespace egret::fuzz
