// SPDX-License-Identifier: MIT
// The accounting of prompt caches: automatic by prefix, and by marks, with their times.
#include "strata/llm/mock/prompt_cache.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace strata::llm;
using namespace strata::llm::mock;
using namespace std::chrono_literals;

namespace {

// 4 bytes are a token, a message has 4 more
std::string tokens(std::size_t n, char c = 'a') { return std::string(4 * n, c); }

call openai(std::string system, std::string user) {
  call q;
  q.speaks = protocol::openai_chat;
  q.prompt = {{role::system, std::move(system)}, {role::user, std::move(user)}};
  return q;
}
call anthropic(std::string system, std::string user, cache_mark mark = cache_mark::minutes) {
  call q = openai(std::move(system), std::move(user));
  q.speaks = protocol::anthropic_messages;
  q.prompt[0].mark = mark;
  return q;
}
const steady_time t0 = steady_time{} + 1h;

} // namespace

TEST_CASE("automatic: nothing below the minimum, then steps of 128") {
  prompt_cache cache{cache_settings{}};
  const auto shorter = openai(tokens(1000), tokens(10)); // 1018 tokens
  CHECK(cache.use(shorter, 1, t0, t0).cached == 0);
  CHECK(cache.use(shorter, 1, t0, t0).cached == 0);

  const auto prompt = openai(tokens(1100, 'b'), tokens(10)); // 1118 tokens
  auto used = cache.use(prompt, 1, t0, t0);
  CHECK(used.input == 1118);
  CHECK(used.cached == 0);
  CHECK(used.cache_write == 0);
  CHECK(cache.use(prompt, 1, t0 + 1s, t0 + 1s).cached == 1024);
  CHECK(cache.use(openai(tokens(1100, 'b'), tokens(200)), 1, t0 + 1s, t0 + 1s).cached == 1024);
  CHECK(cache.use(openai(tokens(1100, 'b'), tokens(200)), 1, t0 + 2s, t0 + 2s).cached == 1280);
  CHECK(cache.use(openai(tokens(1100, 'c'), tokens(200)), 1, t0 + 2s, t0 + 2s).cached == 0);
  CHECK(cache.use(prompt, 2, t0 + 2s, t0 + 2s).cached == 0); // another account
}

TEST_CASE("a prompt sent at the same time misses: an entry exists once its reply begins") {
  prompt_cache cache{cache_settings{}};
  for (const bool marked : {false, true}) {
    const auto q = marked ? anthropic(tokens(2000), "x") : openai(tokens(2000), "x");
    CHECK(cache.use(q, 1, t0, t0 + 500ms).cached == 0);
    CHECK(cache.use(q, 1, t0 + 400ms, t0 + 900ms).cached == 0);
    CHECK(cache.use(q, 1, t0 + 500ms, t0 + 1s).cached > 1900);
  }
}

TEST_CASE("automatic writes are counted where models do") {
  cache_settings how;
  how.writes_counted = true;
  prompt_cache cache{how};
  const auto q = openai(tokens(1100), tokens(10));
  CHECK(cache.use(q, 1, t0, t0).cache_write == 1024);
  const auto again = cache.use(q, 1, t0, t0);
  CHECK(again.cached == 1024);
  CHECK(again.cache_write == 0);
}

TEST_CASE("marked: written up to the mark, read without it being counted as input") {
  prompt_cache cache{cache_settings{}};
  auto used = cache.use(anthropic(tokens(2000), tokens(6)), 1, t0, t0);
  CHECK(used.input == 2014);
  CHECK(used.cache_write == 2004);
  CHECK(used.cached == 0);
  CHECK(used.uncached() == 10);
  used = cache.use(anthropic(tokens(2000), tokens(16)), 1, t0 + 1s, t0 + 1s);
  CHECK(used.cached == 2004);
  CHECK(used.cache_write == 0);
  CHECK(used.uncached() == 20);
  used = cache.use(anthropic(tokens(2000), tokens(16), cache_mark::none), 1, t0 + 2s, t0 + 2s);
  CHECK(used.cached == 0); // no mark, no cache
  used = cache.use(anthropic(tokens(1000), tokens(2000)), 1, t0, t0);
  CHECK(used.cache_write == 0); // the marked part is too short
}

TEST_CASE(
    "marked: a later mark reads up to the earlier one and writes the rest, looking back over 20 blocks") {
  prompt_cache cache{cache_settings{}};
  static_cast<void>(cache.use(anthropic(tokens(2000), tokens(6)), 1, t0, t0));
  auto longer = anthropic(tokens(2000), tokens(6), cache_mark::none);
  longer.prompt.push_back({role::assistant, tokens(100)});
  longer.prompt.push_back({role::user, tokens(50), cache_mark::minutes});
  auto used = cache.use(longer, 1, t0, t0);
  CHECK(used.cached == 2004);
  CHECK(used.cache_write == 10 + 104 + 54);
  auto far = anthropic(tokens(2000), tokens(6), cache_mark::none);
  for (int i = 0; i < 25; ++i) far.prompt.push_back({role::user, tokens(1), cache_mark::none, false});
  far.prompt.back().mark = cache_mark::minutes;
  used = cache.use(far, 1, t0, t0);
  CHECK(used.cached == 0); // the entry is more than 20 blocks back
  CHECK(used.cache_write == 2014 + 25);
}

TEST_CASE("entries live five minutes after their last use, those of an hour an hour") {
  prompt_cache cache{cache_settings{}};
  const auto q = anthropic(tokens(2000), "x");
  const auto h = anthropic(tokens(2000, 'h'), "x", cache_mark::hour);
  CHECK(cache.use(q, 1, t0, t0).cache_write == 2004);
  const auto hour = cache.use(h, 1, t0, t0);
  CHECK(hour.cache_write_hour == 2004);
  CHECK(hour.cache_write == 0);
  CHECK(cache.use(q, 1, t0 + 4min, t0 + 4min).cached == 2004);
  CHECK(cache.use(q, 1, t0 + 8min, t0 + 8min).cached == 2004); // renewed
  CHECK(cache.use(q, 1, t0 + 14min, t0 + 14min).cached == 0);
  CHECK(cache.use(h, 1, t0 + 59min, t0 + 59min).cached == 2004);
}

TEST_CASE("a preview stores nothing, without caching nothing is cached, memory is bounded") {
  prompt_cache cache{cache_settings{}};
  const auto q = anthropic(tokens(2000), "x");
  CHECK(cache.preview(q, 1, t0).cache_write == 2004);
  CHECK(cache.size() == 0);
  cache_settings off;
  off.enabled = false;
  prompt_cache none{off};
  static_cast<void>(none.use(q, 1, t0, t0));
  CHECK(none.use(q, 1, t0, t0).cached == 0);
  cache_settings small;
  small.most_entries = 100;
  prompt_cache bounded{small};
  for (int i = 0; i < 50; ++i)
    static_cast<void>(bounded.use(openai(std::to_string(i) + tokens(4000), "x"), 1, t0, t0));
  CHECK(bounded.size() <= 200);
}
