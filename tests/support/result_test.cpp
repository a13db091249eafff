// Result, Error and EGRET_CHECK: what each error prints and which exit status it has.
#include "support/result.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <memory>

using namespace egret;

namespace {

Result<int> half(int x) {
  if (x % 2 != 0) return input_error("odd");
  return x / 2;
}

Result<int> quarter(int x) {
  EGRET_TRY(const int h, half(x));
  EGRET_TRY(int q, half(h));
  return q;
}

Status both_even(int a, int b) {
  EGRET_TRY_VOID(half(a));
  EGRET_TRY_VOID(half(b));
  return {};
}

Result<std::unique_ptr<int>> boxed(int x) {
  EGRET_TRY(int h, half(x));
  return std::make_unique<int>(h);
}

}  // namespace

TEST_CASE("a result is a value or an error") {
  CHECK(half(6).ok());
  CHECK(*half(6) == 3);
  CHECK_FALSE(half(3).ok());
  CHECK(half(3).error().message == "odd");
}

TEST_CASE("EGRET_TRY binds the value or hands the error on") {
  CHECK(*quarter(12) == 3);
  CHECK(quarter(6).error().message == "odd");
  CHECK(quarter(5).error().message == "odd");
  CHECK(both_even(2, 4).ok());
  CHECK_FALSE(both_even(2, 3).ok());
  EGRET_CHECK(boxed(8).ok(), "moves a value that cannot be copied");
  CHECK(**boxed(8) == 4);
}

TEST_CASE("an error prints its place, its text and its hint") {
  CHECK(input_error("bad").to_string() == "error: bad");
  CHECK(input_error("bad", "try this").to_string() == "error: bad\n  hint: try this");
  CHECK(input_error("bad", "", SourceSpan{"a.egret", 0, 0, ""}).to_string() == "a.egret: error: bad");
  CHECK(input_error("bad", "", SourceSpan{"a.egret", 3, 9, ""}).to_string() == "a.egret:3:9: error: bad");
  CHECK(input_error("bad", "", SourceSpan{"", 0, 0, "graph g, node n (Conv)"}).to_string() == "graph g, node n (Conv): error: bad");
  CHECK(input_error("bad", "", SourceSpan{"a.onnx", 0, 0, "node n"}).to_string() == "a.onnx: node n: error: bad");
}

TEST_CASE("what a hostile file put into a message cannot steer a terminal") {
  CHECK(input_error("name \x1b[2J\a\x7f\r").to_string() == "error: name \\x1b[2J\\x07\\x7f\\x0d");
  CHECK(input_error(std::string("a\0b", 3)).to_string() == "error: a\\x00b");
  CHECK(input_error("\xff \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80").to_string() == "error: \\xff \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  CHECK(input_error("\xc3").to_string() == "error: \\xc3");
  CHECK(input_error("\xc2\x9b").to_string() == "error: \\xc2\\x9b");              // CSI as one character
  CHECK(input_error("\xc0\x80 \xed\xa0\x80").to_string() == "error: \\xc0\\x80 \\xed\\xa0\\x80");  // overlong, surrogate
  CHECK(input_error("two\nlines\tand a tab").to_string() == "error: two\nlines\tand a tab");
}

TEST_CASE("each kind of error has the exit status of the contract") {
  CHECK(input_error("").exit_status() == 1);
  CHECK(unsupported_error("").exit_status() == 1);
  CHECK(io_error("").exit_status() == 1);
  CHECK(limit_error("").exit_status() == 3);
  CHECK(internal_error("").exit_status() == 70);
}

TEST_CASE("a failed check ends the process with status 70 and says where") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], 2);
    EGRET_CHECK(1 + 1 == 3, "arithmetic");
    _exit(0);
  }
  close(ends[1]);
  std::string said(4096, '\0');
  const ssize_t size = read(ends[0], said.data(), said.size());
  close(ends[0]);
  said.resize(size > 0 ? static_cast<size_t>(size) : 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 70);
  CHECK_THAT(said, Catch::Contains("a bug in egret: arithmetic (1 + 1 == 3) at ") && Catch::Contains("result_test.cpp:"));
}
