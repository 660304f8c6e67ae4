// SPDX-License-Identifier: MIT
// Rate headers of every provider, and values that make no sense.
#include "strata/llm/codecs/rate_headers.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace strata::llm;
using namespace std::chrono_literals;

namespace {

const std::chrono::sys_seconds now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 20} + 10h;

rate_headers read(std::vector<http_header> headers) {
  http_response r;
  r.headers = std::move(headers);
  return read_rate_headers(r, now);
}

} // namespace

TEST_CASE("rate headers: durations as Go writes them") {
  CHECK(go_duration("1s") == 1000ms);
  CHECK(go_duration("6m0s") == 360s);
  CHECK(go_duration("20ms") == 20ms);
  CHECK(go_duration("7m12s") == 432s);
  CHECK(go_duration("59.961s") == 59961ms);
  CHECK(go_duration("1h2m3.5s") == 3723500ms);
  CHECK(go_duration("100us") == 1ms); // rounded up
  CHECK(go_duration("0s") == 0ms);
  CHECK(go_duration("30") == 30s);
  for (const char* bad : {"", "s", "-1s", "-1", "1x", "1s2", "1m-2s", "inf", "nan", "1e999", "0x10", " 1s"}) {
    CAPTURE(bad);
    CHECK_FALSE(go_duration(bad));
  }
  CHECK(go_duration("99999999999999999h") == std::chrono::milliseconds(1'000'000'000'000));
}

TEST_CASE("rate headers: points in time") {
  CHECK(rfc3339("2026-11-20T10:00:30Z") == now + 30s);
  CHECK(rfc3339("2026-11-20T10:00:30.123Z") == now + 30s);
  CHECK(rfc3339("2026-11-20T12:00:00+02:00") == now);
  for (const char* bad : {"", "2026-11-20", "2026-13-20T10:00:30Z", "2026-02-30T10:00:30Z",
                          "2026-11-20T25:00:30Z", "2026-11-20T10:00:30", "2026-11-20T10:00:30+xx:00"})
    CHECK_FALSE(rfc3339(bad));
  CHECK(http_date("Fri, 20 Nov 2026 10:00:05 GMT") == now + 5s);
  for (const char* bad : {"", "Fri, 20 Xyz 2026 10:00:05 GMT", "Fri, 20 anF 2026 10:00:05 GMT",
                          "Friday, 20-Nov-26 10:00:05 GMT"})
    CHECK_FALSE(http_date(bad));
}

TEST_CASE("rate headers: retry-after in all its forms") {
  CHECK(read({{"retry-after", "2"}}).retry_after == 2s);
  CHECK(read({{"Retry-After", "0.5"}}).retry_after == 500ms);
  CHECK(read({{"retry-after", "9"}, {"retry-after-ms", "250"}}).retry_after == 250ms);
  CHECK(read({{"retry-after", "Fri, 20 Nov 2026 10:00:05 GMT"}}).retry_after == 5s);
  // the server's clock is an hour ahead: its own date counts
  CHECK(read({{"retry-after", "Fri, 20 Nov 2026 11:00:05 GMT"}, {"date", "Fri, 20 Nov 2026 11:00:00 GMT"}})
            .retry_after == 5s);
  CHECK(read({{"retry-after", "86400"}}).retry_after == 24h);
  CHECK(read({{"retry-after", "1e30"}}).retry_after == std::chrono::seconds(1'000'000'000));
  for (const char* bad :
       {"", "0", "-3", "soon", "nan", "inf", "1e999", "3 s", "Thu, 01 Jan 1970 00:00:00 GMT"}) {
    CAPTURE(bad);
    CHECK_FALSE(read({{"retry-after", bad}}).retry_after);
  }
  CHECK(read({{"x-should-retry", "true"}}).should_retry == true);
  CHECK(read({{"x-should-retry", "false"}}).should_retry == false);
  CHECK_FALSE(read({{"x-should-retry", "maybe"}}).should_retry);
}

TEST_CASE("rate headers: what is used up, and until when") {
  const rate_headers openai = read({{"x-ratelimit-limit-requests", "500"},
                                    {"x-ratelimit-remaining-requests", "0"},
                                    {"x-ratelimit-reset-requests", "1m0s"},
                                    {"x-ratelimit-limit-tokens", "30000"},
                                    {"x-ratelimit-remaining-tokens", "29000"},
                                    {"x-ratelimit-reset-tokens", "6m0s"}});
  CHECK(openai.exhausted_for() == 60s);
  const rate_headers anthropic = read({{"anthropic-ratelimit-input-tokens-limit", "1000"},
                                       {"anthropic-ratelimit-input-tokens-remaining", "0"},
                                       {"anthropic-ratelimit-input-tokens-reset", "2026-11-20T10:00:07Z"},
                                       {"anthropic-ratelimit-requests-remaining", "10"},
                                       {"anthropic-ratelimit-requests-reset", "2026-11-20T11:00:00Z"}});
  CHECK(anthropic.exhausted_for() == 7s);
  const rate_headers azure = read({{"x-ratelimit-remaining-requests", "-1"},
                                   {"x-ratelimit-reset-requests", "0"},
                                   {"x-ratelimit-limit-requests", "-1"}});
  CHECK(azure.exhausted_for() == 0ms);
  const rate_headers together =
      read({{"x-tokenlimit-limit", "10"}, {"x-tokenlimit-remaining", "0"}, {"x-tokenlimit-reset", "2"}});
  CHECK(together.exhausted_for() == 2s);
  // OpenRouter's reset is a point in time in milliseconds, which nothing says: it is not waited for
  CHECK(read({{"x-ratelimit-remaining", "0"}, {"x-ratelimit-reset", "1795168800000"}}).exhausted_for() ==
        0ms);
  CHECK(read({}).exhausted_for() == 0ms);
}
