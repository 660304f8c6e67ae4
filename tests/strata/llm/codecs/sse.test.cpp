// SPDX-License-Identifier: MIT
// Server-sent events: the rules of the format, and that it does not matter where the bytes are cut.
#include "strata/llm/codecs/sse.hpp"
#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <string>
#include <utility>
#include <vector>

using strata::llm::sse_parser;

namespace {

using events = std::vector<std::pair<std::string, std::string>>;

events parse(std::string_view text, const std::vector<std::size_t>& cuts) {
  events out;
  sse_parser p;
  std::size_t from = 0;
  const auto feed = [&](std::size_t to) {
    p.feed(text.substr(from, to - from), [&](std::string_view name, std::string_view data) {
      out.emplace_back(name, data);
      return true;
    });
    from = to;
  };
  for (const std::size_t c : cuts) feed(c);
  feed(text.size());
  return out;
}

} // namespace

TEST_CASE("sse: the rules of lines and fields") {
  CHECK(parse("data: a\n\n", {}) == events{{"", "a"}});
  CHECK(parse("data:a\r\n\r\ndata:  b\r\rdata\n\n", {}) == events{{"", "a"}, {"", " b"}, {"", ""}});
  CHECK(parse("\n\n\r\n: comment\n\nevent: ping\ndata: {}\nid: 7\nretry: 3\nunknown: x\n\n", {}) ==
        events{{"ping", "{}"}});
  CHECK(parse("data: one\ndata: two\ndata:\n\n", {}) == events{{"", "one\ntwo\n"}});
  CHECK(parse("event: lonely\n\ndata: x\n\n", {}) == events{{"", "x"}});
  CHECK(parse("data: unfinished\n", {}) == events{});
  CHECK(parse("\xEF\xBB\xBF"
              "data: bom\n\n",
              {}) == events{{"", "bom"}});
}

TEST_CASE("sse: any cutting gives the same events") {
  const std::string alphabet[] = {
      "data:",       "data: ", "event: x", ":",         "\n", "\n",       "\r\n",
      "\r",          "\r",     "a",        "{\"k\":1}", " ",  "\xC3\xBC", "\xF0\x9F\x98\x80",
      "\xEF\xBB\xBF"};
  for (std::uint32_t round = 0; round < 3000; ++round) {
    strata::random_stream random({round, 1});
    std::string text;
    for (std::uint64_t i = random.below(40); i > 0; --i) text += alphabet[random.below(std::size(alphabet))];
    const events whole = parse(text, {});
    std::vector<std::size_t> every(text.size());
    for (std::size_t i = 0; i < every.size(); ++i) every[i] = i;
    CHECK(parse(text, every) == whole);
    std::vector<std::size_t> some;
    for (const std::size_t c : every)
      if (random.chance(0.3)) some.push_back(c);
    CHECK(parse(text, some) == whole);
  }
}

TEST_CASE("sse: an endless line or event is refused") {
  sse_parser p(1000);
  const auto ignore = [](std::string_view, std::string_view) { return true; };
  bool fine = true;
  for (int i = 0; i < 20 && fine; ++i) fine = p.feed(std::string(100, 'x'), ignore);
  CHECK_FALSE(fine);
  CHECK_FALSE(p.feed("\n\n", ignore));
  sse_parser q(1000);
  fine = true;
  for (int i = 0; i < 200 && fine; ++i) fine = q.feed("data: 0123456789\n", ignore);
  CHECK_FALSE(fine);
}
