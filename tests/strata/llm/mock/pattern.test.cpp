// SPDX-License-Identifier: MIT
// Regular expressions without backtracking: against the standard library's on small ones, and on those that
// keep the standard library busy for years.
#include "strata/llm/mock/pattern.hpp"

#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>

using strata::llm::mock::pattern;

namespace {

std::string some_expression(strata::random_stream& random, int depth = 0) {
  const auto one = [&]() -> std::string {
    switch (random.below(depth > 3 ? 6 : 9)) {
    case 0:
    case 1:
      return std::string(1, static_cast<char>('a' + random.below(3)));
    case 2:
      return ".";
    case 3:
      return random.chance(0.5) ? "[ab]" : "[^a-b_]";
    case 4:
      return random.chance(0.5) ? "\\w" : "\\d";
    case 5:
      return random.chance(0.5) ? "\\s" : "\\W";
    case 6:
      return "(" + some_expression(random, depth + 1) + ")";
    case 7:
      return "(?:" + some_expression(random, depth + 1) + ")";
    default:
      return "(" + some_expression(random, depth + 1) + "|" + some_expression(random, depth + 1) + ")";
    }
  };
  std::string out;
  for (std::uint64_t i = 1 + random.below(3); i > 0; --i) {
    if (random.chance(0.06)) out += random.chance(0.5) ? "^" : "$";
    if (random.chance(0.06)) out += random.chance(0.5) ? "\\b" : "\\B";
    out += one();
    constexpr const char* repeats[] = {"*", "+", "?", "{2}", "{1,2}", "{0,1}", "*?", "+?", "{1,}"};
    if (random.chance(0.3)) out += repeats[random.below(9)];
  }
  return out;
}

} // namespace

TEST_CASE("pattern: as the standard library finds it") {
  int found = 0;
  for (std::uint32_t round = 0; round < 3000; ++round) {
    strata::random_stream random({round, 23});
    const std::string expression = some_expression(random);
    CAPTURE(expression);
    const pattern ours(expression);
    const std::regex theirs(expression, std::regex::ECMAScript);
    for (int i = 0; i < 4; ++i) {
      std::string text;
      for (std::uint64_t k = random.below(9); k > 0; --k) text += "aabbcd_1 \xC3"[random.below(10)];
      CAPTURE(text);
      const bool there = std::regex_search(text, theirs);
      found += there ? 1 : 0;
      CHECK(ours.found_in(text) == there);
    }
  }
  CHECK(found > 2000);
}

TEST_CASE("pattern: what it reads") {
  const auto fits = [](const char* expression, std::string_view text) {
    return pattern(expression).found_in(text);
  };
  CHECK(fits("", ""));
  CHECK(fits("a|", "x"));
  CHECK(fits("^softmax$", "softmax"));
  CHECK_FALSE(fits("^softmax$", "a softmax"));
  CHECK(fits("task: \\w+_2$", "# task: moe_2"));
  CHECK(fits("[a\\-z]{3}", "-z-"));
  CHECK(fits("[]a]", "a") == false); // as in ECMAScript, [] is the empty set
  CHECK(fits("[^]", "\n"));
  CHECK(fits("\\x41\\.\\(", "A.("));
  CHECK(fits("[\\b]", "\b"));
  CHECK(fits("[\\d-]", "-"));
  CHECK(fits("\xC3\xBC+", "gr\xC3\xBC\xC3\x9F"));
  CHECK(fits("]}", "]}"));
  CHECK_FALSE(fits(".", "\n"));
}

TEST_CASE("pattern: what it refuses, with the place") {
  for (const char* bad : {"(",
                          ")",
                          "a)",
                          "[",
                          "[a",
                          "*",
                          "a**",
                          "a{2",
                          "a{,2}",
                          "a{3,2}",
                          "a{1001}",
                          "\\",
                          "(?=a)",
                          "(?!a)",
                          "(?<n>a)",
                          "(a)\\1",
                          "\\q",
                          "\\x1",
                          "[z-a]",
                          "[\\d-z]",
                          "^*",
                          "(((a{100}){100}){100})",
                          "(((){1000}){1000}){1000}",
                          "a{2}{2}"}) {
    CAPTURE(bad);
    CHECK_THROWS_WITH_AS(pattern{bad}, doctest::Contains("at character "), std::invalid_argument);
  }
  CHECK_THROWS_AS(pattern(std::string(200, '(') + std::string(200, ')')), std::invalid_argument);
  CHECK_THROWS_AS(pattern(std::string(1'000'000, 'a')), std::invalid_argument);
}

TEST_CASE("pattern: nothing takes more than a moment") {
  const std::string text(4096, 'a');
  for (const char* bad : {"(a*)*b", "(a+)+$b", "(a|aa)+b", "(a|a)*b", "(a?){100}a{100}b", "(.*)*(.*)*(.*)*b",
                          "(()*)*b", "((a*)*)*b"}) {
    CAPTURE(bad);
    CHECK_FALSE(pattern(bad).found_in(text));
  }
}
