// SPDX-License-Identifier: MIT
#include "step/message.hpp"

#include "step/fault.hpp"
#include "step/syntax/source.hpp"
#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace step;

namespace {

/// Empty when the text may be shown; otherwise what it contains.
std::string unfit(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto point = syntax::detail::decode_utf8(text.substr(i));
    if (point.length == 0) return "malformed UTF-8 at " + std::to_string(i);
    const auto c = point.value;
    if ((c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0)) return "a control at " + std::to_string(i);
    if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f)
      return "a bidi control at " + std::to_string(i);
    i += point.length;
  }
  return {};
}

} // namespace

TEST_CASE("a message that is fit stays as it is") {
  for (const std::string text : {"", "one line", "two\nlines", "caf\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x98\x80"})
    CHECK(bounded_message(text) == text);
  const std::string longest(longest_message, 'a');
  CHECK(bounded_message(longest) == longest);
}

TEST_CASE("controls, malformed bytes and changes of direction are escaped as Python writes them") {
  CHECK(bounded_message("\x1b[31mred\tx\x7f") == "\\x1b[31mred\\x09x\\x7f");
  CHECK(bounded_message("a\xC2\x9B"
                        "31m") == "a\\x9b31m");
  CHECK(bounded_message("a\xE2\x80\xAE"
                        "b\xE2\x81\xA6") == "a\\u202eb\\u2066");
  CHECK(bounded_message("\xFF\xC3(\xED\xA0\x80\xC0\xAF") == "\\xff\\xc3(\\xed\\xa0\\x80\\xc0\\xaf");
  CHECK(bounded_message(std::string("a\0b", 3)) == "a\\x00b");
}

TEST_CASE("what is too long keeps its beginning and its end") {
  const auto text = bounded_message("the name '" + std::string(100'000, 'n') + "' is unknown", 256);
  CHECK(text.size() <= 256);
  CHECK(text.starts_with("the name 'nnn"));
  CHECK(text.ends_with("nnn' is unknown"));
  CHECK(text.find(" bytes left out) .. ") != std::string::npos);
  CHECK(clipped("short", 128) == "short");
}

TEST_CASE("whatever the bytes, a message is bounded, well-formed and steers nothing, and a second pass "
          "changes nothing") {
  strata::random_stream random(strata::stream_key{.seed = 7});
  const std::vector<std::string> parts{
      "a",    "\n",       "\x1b",         "\xC3\xA9",           "\xE4\xB8\xAD", "\xF0\x9F\x98\x80",
      "\x80", "\xF0\x9F", "\xE2\x80\xAE", std::string(1, '\0'), "\xFF"};
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    const auto length = random.below(round % 2 == 0 ? 300 : 6'000);
    const auto kinds = 1 + random.below(static_cast<std::uint32_t>(parts.size()));
    while (text.size() < length) text += parts[random.below(static_cast<std::uint32_t>(kinds))];
    for (const std::size_t most : {std::size_t{256}, std::size_t{257}, longest_message}) {
      const auto out = bounded_message(text, most);
      REQUIRE(out.size() <= most);
      REQUIRE(unfit(out) == "");
      REQUIRE(bounded_message(out, most) == out);
    }
  }
}

TEST_CASE("a fault's message is bounded wherever it is made") {
  const Fault fault(FaultKind::type, "in " + std::string(5'000'000, '\x01'));
  CHECK(fault.message.size() <= Fault::longest);
  CHECK(unfit(fault.message) == "");
}
