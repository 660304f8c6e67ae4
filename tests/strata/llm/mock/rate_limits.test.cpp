// SPDX-License-Identifier: MIT
// Buckets that refill, and their headers in the spelling of each provider, read back by the client's parser.
#include "strata/llm/mock/rate_limits.hpp"

#include "strata/llm/codecs/rate_headers.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace strata::llm;
using namespace strata::llm::mock;
using namespace std::chrono_literals;

namespace {

const steady_time t0 = steady_time{} + 1h;

http_response parsed(const std::string& lines) {
  http_response r;
  for (std::size_t at = 0; at < lines.size();) {
    const auto end = lines.find("\r\n", at), colon = lines.find(": ", at);
    r.headers.push_back({lines.substr(at, colon - at), lines.substr(colon + 2, end - colon - 2)});
    at = end + 2;
  }
  return r;
}

} // namespace

TEST_CASE("sixty requests per minute are a burst of sixty, then one per second") {
  rate_limits limits(60, 0);
  for (int i = 0; i < 60; ++i) CHECK(limits.admit(protocol::openai_chat, {}, t0) == 0);
  CHECK(limits.admit(protocol::openai_chat, {}, t0) == doctest::Approx(1));
  CHECK(limits.by_requests());
  CHECK(limits.admit(protocol::openai_chat, {}, t0 + 500ms) == doctest::Approx(0.5));
  CHECK(limits.admit(protocol::openai_chat, {}, t0 + 1s) == 0);
  CHECK(limits.admit(protocol::openai_chat, {}, t0 + 1s) > 0);
  for (int i = 0; i < 60; ++i) CHECK(limits.admit(protocol::openai_chat, {}, t0 + 1h) == 0);
  CHECK(limits.admit(protocol::openai_chat, {}, t0 + 1h) > 0);
}

TEST_CASE("tokens: all in one bucket for OpenAI, reads are free and output apart for Anthropic") {
  rate_limits one(0, 6000);
  CHECK(one.admit(protocol::openai_chat, {.input = 5000}, t0) == 0);
  one.spend(protocol::openai_chat, 1500);
  CHECK(one.admit(protocol::openai_chat, {.input = 100}, t0) == doctest::Approx(6));
  CHECK_FALSE(one.by_requests());
  CHECK(one.admit(protocol::openai_chat, {.input = 1'000'000}, t0 + 10min) == 0); // more than a minute has

  rate_limits two(0, 6000);
  CHECK(two.admit(protocol::anthropic_messages, {.input = 9000, .cached = 8000}, t0) == 0);
  CHECK(two.admit(protocol::anthropic_messages, {.input = 5000}, t0) == 0);
  CHECK(two.admit(protocol::anthropic_messages, {.input = 100}, t0) == doctest::Approx(1));
  two.spend(protocol::anthropic_messages, 6099);
  CHECK(two.admit(protocol::anthropic_messages, {.input = 1}, t0) == doctest::Approx(1));
  two.spend(protocol::anthropic_messages, 100);
  CHECK(two.admit(protocol::anthropic_messages, {}, t0) == doctest::Approx(2).epsilon(0.01));
}

TEST_CASE("headers say what a client reads") {
  moment now{t0, std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 4h};
  for (const auto speaks : {protocol::openai_chat, protocol::anthropic_messages}) {
    rate_limits limits(100, 60000);
    REQUIRE(limits.admit(speaks, {.input = 15000}, t0) == 0);
    std::string lines;
    limits.append_headers(lines, speaks, now);
    const auto read = read_rate_headers(parsed(lines), now.wall);
    CHECK(read.buckets[0].limit == 100);
    CHECK(read.buckets[0].remaining == 99);
    CHECK(read.buckets[1].limit == 60000);
    CHECK(read.buckets[1].remaining == 45000);
    CHECK(read.buckets[1].reset == 15s);
    CHECK(read.buckets[2].remaining.has_value() == (speaks == protocol::anthropic_messages));
  }
  rate_limits none(0, 0);
  std::string lines;
  none.append_headers(lines, protocol::openai_chat, now);
  CHECK(lines.empty());
}

TEST_CASE("durations as Go prints them") {
  for (const auto& [seconds, text] : {std::pair{0.0, "0s"},
                                      {0.02, "20ms"},
                                      {1.0, "1s"},
                                      {59.961, "59.961s"},
                                      {360.0, "6m0s"},
                                      {432.5, "7m12.5s"},
                                      {3725.0, "1h2m5s"},
                                      {-3.0, "0s"}}) {
    CHECK(go_text(seconds) == text);
    if (seconds > 0) CHECK(go_duration(text) == std::chrono::milliseconds(static_cast<int>(seconds * 1000)));
  }
}
