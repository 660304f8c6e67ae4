// SPDX-License-Identifier: MIT
// What counts as code, and the defaults that a language may replace.
#include "strata/language.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using strata::code_length;

namespace {

struct text {
  using task = int;
  using program = std::string;
};
struct opaque {
  using task = int;
  using program = std::unique_ptr<int>; // movable is enough
};
struct measured {
  using task = int;
  using program = std::string;
  static int code_length(const program& p) { return static_cast<int>(p.size()) * 2; }
};
struct without_task {
  using program = std::string;
};
struct without_program {
  using task = int;
};
struct pinned {
  using task = int;
  struct program {
    program(program&&) = delete;
  };
};

static_assert(strata::Language<text> && strata::Language<opaque> && strata::Language<measured>);
static_assert(!strata::Language<without_task> && !strata::Language<without_program> &&
              !strata::Language<pinned>);
static_assert(!strata::Language<int> && !strata::Language<void>);

} // namespace

TEST_CASE("blank lines, white space at the ends of lines, and comments are not code") {
  CHECK(code_length("") == 0);
  CHECK(code_length("\n \n\t\r\n") == 0);
  CHECK(code_length("a = 1") == 5);
  CHECK(code_length("  a = 1  \r\n\n  b\n") == 6);
  CHECK(code_length("# only a comment\na # and one more\n#") == 1);
  CHECK(code_length("a#b\nc") == 2);
}

TEST_CASE("a comment sign inside a literal is code") {
  CHECK(code_length("'#' # x") == 3);
  CHECK(code_length(R"("\"#" # x)") == 5);
  CHECK(code_length("'''\n# text\n''' # x") == 3 + 6 + 3);
  CHECK(code_length("\"\"\"a'#\"\"\"#") == 9);
  CHECK(code_length("''#") == 2);
  CHECK(code_length("'open\n# a comment again") == 5); // an unterminated literal ends with its line
  CHECK(code_length("'''open\n# code to the end") == 7 + 17);
}

TEST_CASE("other comment signs") {
  CHECK(code_length("a // b\n# c", "//") == 4);
  CHECK(code_length("a # b", "") == 5);
}

TEST_CASE("odd ends do not run over") {
  for (const char* s : {"'", "\"", "'''", "''", "'\\", "\\", "'''\\", "#"}) CHECK(code_length(s) <= 4);
  static_assert(code_length("x  # y") == 1);
}

TEST_CASE("length_of: the language's own, else the text's, else 0") {
  CHECK(strata::length_of<text>("a # b") == 1);
  CHECK(strata::length_of<measured>("abc") == 6);
  CHECK(strata::length_of<opaque>(nullptr) == 0);
}
