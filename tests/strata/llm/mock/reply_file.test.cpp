// SPDX-License-Identifier: MIT
// Files of replies: which line answers which question and sample, and what is wrong with a file.
#include "strata/llm/mock/reply_file.hpp"

#include <doctest/doctest.h>

#include <set>
#include <sstream>
#include <string>

using namespace strata::llm::mock;

namespace {

reply_file file(const std::string& lines, wrapping how = wrapping::yaml) {
  std::istringstream in(lines);
  return reply_file::read(in, "replies.jsonl", how);
}
std::string ask(const reply_file& f, std::string_view user, std::uint64_t sample = 0) {
  const call q;
  return f(question{q, user, 0}, sample);
}

} // namespace

TEST_CASE("the lines that fit answer, sample by sample, the others are for all else") {
  const auto f = file("{\"match\":\"gemm\",\"reply\":\"one\"}\n"
                      "\n"
                      "{\"regex\":\"ge+mm\\\\b\",\"replies\":[\"two\",\"three\"]}\r\n"
                      "{\"reply\":\"first\"}\n{\"replies\":[\"second\"]}\n");
  CHECK(ask(f, "do gemm please") == "one");
  CHECK(ask(f, "do gemm please", 1) == "two");
  CHECK(ask(f, "do gemm please", 2) == "three");
  CHECK(ask(f, "do gemm please", 3) == "one");
  CHECK(ask(f, "do geeemm") == "two");
  CHECK(ask(f, "something else") == "first");
  CHECK(ask(f, "something else", 1) == "second");
  CHECK(ask(f, "something else", 2) == "first");
}

TEST_CASE("programs are wrapped, replies are not") {
  const auto f = file("{\"match\":\"p\",\"program\":\"a = 1\\n\\nreturn a\\n\"}\n{\"reply\":\"a = 1\"}");
  CHECK(ask(f, "p") == "```yaml\nimpl: |\n  a = 1\n\n  return a\n```\n");
  CHECK(ask(f, "x") == "a = 1");
  std::set<std::string> shapes;
  for (std::uint64_t i = 0; i < 64; ++i) {
    shapes.insert(wrap("a = 1", wrapping::varied, i));
    CHECK(wrap("a = 1", wrapping::varied, i) == wrap("a = 1\n", wrapping::varied, i));
    CHECK(wrap("a = 1", wrapping::varied, i).find("a = 1") != std::string::npos);
  }
  CHECK(shapes.size() == 8);
}

TEST_CASE("a question that nothing fits gets a sentence, a huge one no stack overflow") {
  const auto f = file("{\"regex\":\"(a|b)*c\",\"reply\":\"x\"}");
  CHECK(ask(f, "none") == "No reply in the file fits this question.");
  CHECK(ask(f, std::string(1 << 20, 'a') + "c") == "x");
}

TEST_CASE("what is wrong with a file is said with its line") {
  const auto why = [](const std::string& lines) -> std::string {
    try {
      static_cast<void>(file(lines));
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return "accepted";
  };
  CHECK(why("") == "replies.jsonl: there is no reply in it");
  CHECK(why("{\"reply\":\"x\"}\nnonsense") == "replies.jsonl:2: is not a JSON object");
  CHECK(why("{\"match\":\"x\"}") == "replies.jsonl:1: has no reply, replies, program or programs");
  CHECK(why("{\"match\":\"x\",\"regex\":\"y\",\"reply\":\"z\"}").find("match and regex") !=
        std::string::npos);
  CHECK(why("{\"regex\":\"(\",\"reply\":\"z\"}").starts_with("replies.jsonl:1: regex: "));
  CHECK(why("{\"reply\":5}") == "replies.jsonl:1: answers are strings");
  CHECK(why("{\"regex\":\"(a)\\\\1\",\"reply\":\"z\"}").find("is not supported") != std::string::npos);
  std::string many;
  for (int i = 0; i < 60; ++i) many += "{\"regex\":\"a{1000}\",\"reply\":\"z\"}\n";
  CHECK(why(many) == "replies.jsonl:50: the regular expressions are too large together");
  CHECK_THROWS_AS(static_cast<void>(reply_file::load("/nonexistent/file")), std::invalid_argument);
  CHECK_THROWS_WITH_AS(static_cast<void>(reply_file::load("/dev/zero")),
                       doctest::Contains("is no regular file"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(static_cast<void>(reply_file::load("/")), doctest::Contains("is a directory"),
                       std::invalid_argument);
}
