// SPDX-License-Identifier: MIT
#include "step/syntax/code_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace step::syntax;

TEST_CASE("code_only removes comments, blank lines, trailing blanks and the indentation of the whole") {
  CHECK(code_only("x = 1  # one\n\n   \n# two\ny = 2   \n") == "x = 1\ny = 2\n");
  CHECK(code_only("    if a: # c\n      b\n    c") == "if a:\n  b\nc\n");
  CHECK(code_only("") == "");
  CHECK(code_only("# only\n  # comments") == "");
  CHECK(code_only("x = 1\r\ny = 2\r\n") == "x = 1\ny = 2\n");
}

TEST_CASE("strings are code, whatever they hold") {
  CHECK(code_only("x = '#a' # b") == "x = '#a'\n");
  CHECK(code_only("x = \"\\\"#\" # b") == "x = \"\\\"#\"\n");
  CHECK(code_only("  x = '''a  \n\n # b\n'''  # c\n  y") == "x = '''a  \n\n # b\n'''\ny\n");
  CHECK(code_only("x = 'a \\\n # b' # c") == "x = 'a \\\n # b'\n");
  CHECK(code_only("x = r'\\' # b'") ==
        "x = r'\\' # b'\n"); // as in Python, a raw string cannot end in a backslash
  CHECK(code_only("x = 'open # a\ny # b") == "x = 'open # a\ny\n");
}

TEST_CASE("lengths count characters and line ends of code") {
  CHECK(code_lines("a\n\n# b\nc # d\n") == 2);
  CHECK(code_length("a\n\n# b\nc # d\n") == 4);
  CHECK(code_length("é = 1") == 6);
  CHECK(code_length("") == 0);
  CHECK(code_length("    x = 1\n    y = 2") == code_length("x = 1 # c\n\ny = 2\n"));
}
