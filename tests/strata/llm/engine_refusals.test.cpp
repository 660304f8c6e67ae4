// SPDX-License-Identifier: MIT
// What servers answer instead of a reply, played as raw bytes.
// The case numbers are those of failure.hpp.
#include "strata/llm/codecs/utf8.hpp"
#include "strata/llm/fan_out.hpp"
#include "strata/llm/fixture.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

using namespace llm_test;
using loopback::answer;
using loopback::http;
using loopback::script;
using strata::llm::failure_kind;
using strata::llm::finish;
using strata::llm::outcome;

namespace {

/// The first attempt goes wrong, the second brings the reply.
void check_survives(const loopback::act& trouble, llm::engine_settings settings = quick()) {
  script s({trouble, good()});
  const outcome o = ask(openai_at(s.authority()), std::move(settings));
  REQUIRE_MESSAGE(o.ok(), o.failure().message);
  CHECK(o.reply().choices.at(0).text == "hello");
  CHECK(o.reply().attempts == 2);
  CHECK(s.count() == 2);
}

/// The one answer ends the request without another attempt.
outcome check_final(const loopback::act& trouble, failure_kind kind) {
  script s({trouble, good()});
  outcome o = ask(openai_at(s.authority()));
  REQUIRE_FALSE(o.ok());
  CHECK_MESSAGE(o.failure().kind == kind, to_string(o.failure().kind), ": ", o.failure().message);
  CHECK(s.count() == 1);
  return o;
}

outcome reply_to(std::string_view body) {
  script s({answer(200, body)});
  outcome o = ask(openai_at(s.authority()));
  CHECK(s.count() == 1);
  return o;
}

} // namespace

TEST_CASE("case 2: an error within a 200 is classified by what it says") {
  SUBCASE("the upstream failed") {
    check_survives(answer(200, R"({"error":{"code":502,"message":"upstream"}})"));
  }
  SUBCASE("a text") { check_survives(answer(200, R"({"error":"model runner has stopped"})")); }
  SUBCASE("beside choices") {
    check_survives(
        answer(200, R"({"choices":[{"message":{"content":"half"}}],"error":{"code":500,"message":"x"}})"));
  }
  SUBCASE("in an array") {
    const auto o = check_final(
        answer(200, R"([{"error":{"code":400,"message":"Unknown thing","status":"INVALID_ARGUMENT"}}])"),
        failure_kind::bad_request);
    CHECK(o.failure().code == "INVALID_ARGUMENT");
  }
  SUBCASE("quota") {
    check_final(answer(200, R"({"error":{"code":"insufficient_quota","message":"no money"}})"),
                failure_kind::budget);
  }
  SUBCASE("the server gave up while it wrote") {
    check_survives(answer(
        200,
        R"({"choices":[{"index":0,"message":{"content":"par"},"finish_reason":"insufficient_system_resource"}]})"));
  }
}

TEST_CASE("case 3: an answer without text is a paid sample, not a reason to ask again") {
  struct {
    const char* body;
    finish why;
  } const cases[] = {
      {R"({"choices":[{"index":0,"message":{"role":"assistant","content":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}})",
       finish::stop},
      {R"({"choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}})",
       finish::stop},
      {R"({"choices":[{"index":0,"message":{"role":"assistant"},"finish_reason":"content_filter"}],"usage":{"prompt_tokens":7,"completion_tokens":3}})",
       finish::refusal},
      {R"({"choices":[{"index":0,"message":{"content":null,"refusal":"I cannot"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}})",
       finish::refusal},
  };
  for (const auto& c : cases) {
    const outcome o = reply_to(c.body);
    REQUIRE(o.ok());
    REQUIRE(o.reply().choices.size() == 1);
    CHECK(o.reply().choices[0].text.empty());
    CHECK(o.reply().choices[0].why == c.why);
    CHECK_FALSE(o.reply().choices[0].complete());
    CHECK(o.reply().used.output == 3);
  }
  const outcome none = reply_to(R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}})");
  REQUIRE(none.ok());
  CHECK(none.reply().choices.empty());
  CHECK(none.reply().used.input == 7);

  script refusing({answer(
      200,
      R"({"type":"message","content":[],"stop_reason":"refusal","stop_details":{"category":"bio","explanation":"not that"},"usage":{"input_tokens":4,"output_tokens":0}})")});
  const outcome refused = ask(anthropic_at(refusing.authority()));
  REQUIRE(refused.ok());
  CHECK(refused.reply().choices.at(0).why == finish::refusal);
  CHECK(refused.reply().choices.at(0).refusal == "not that");
  CHECK(refusing.count() == 1);
}

TEST_CASE("case 4: a text that was cut off is marked, and not asked for again") {
  const outcome o = reply_to(
      R"({"choices":[{"index":0,"message":{"content":"half a"},"finish_reason":"length"}],"usage":{"prompt_tokens":7,"completion_tokens":1024}})");
  REQUIRE(o.ok());
  CHECK(o.reply().choices.at(0).why == finish::length);
  CHECK_FALSE(o.reply().choices.at(0).complete());
  CHECK(o.reply().used.output == 1024);
  for (const char* why : {"max_tokens", "model_context_window_exceeded"}) {
    script s({answer(200, R"({"content":[{"type":"text","text":"half"}],"stop_reason":")" + std::string(why) +
                              R"(","usage":{"input_tokens":1,"output_tokens":2}})")});
    const outcome a = ask(anthropic_at(s.authority()));
    REQUIRE(a.ok());
    CHECK(a.reply().choices.at(0).why == finish::length);
    CHECK(s.count() == 1);
  }
}

TEST_CASE("case 9: a web page instead of an answer") {
  const std::string page = "<!doctype html><html><body>Bad gateway</body></html>";
  for (const int status : {502, 503, 504, 520, 529})
    check_survives(answer(status, page, "", "text/html; charset=utf-8"));
  check_survives(answer(502, " \n<html>", "", "application/json")); // a page that does not say so
  check_final(answer(413, page, "", "text/html"), failure_kind::too_large);
  for (const int status : {200, 401, 403, 407}) {
    const outcome o = check_final(answer(status, page, "", "text/html"), failure_kind::configuration);
    CHECK(o.failure().message.find("web page") != std::string::npos);
    CHECK(o.failure().body.starts_with("<!doctype"));
  }
  const outcome long_page =
      check_final(answer(403, page + std::string(5000, 'x'), "", "text/html"), failure_kind::configuration);
  CHECK(long_page.failure().body.size() == 500);
  const outcome moved =
      check_final(answer(301, "", "location: https://elsewhere.example/v1\r\n"), failure_kind::configuration);
  CHECK(moved.failure().message.find("https://elsewhere.example/v1") != std::string::npos);
}

TEST_CASE("case 10: a 429 without retry-after") {
  SUBCASE("a rate limit is waited for") {
    check_survives(error(429, R"({"message":"slow","type":"requests","code":"rate_limit_exceeded"})"));
  }
  SUBCASE("the reset of the limit that is used up is the hint") {
    auto settings = quick();
    settings.retry.longest = 10s;
    log l;
    l.attach(settings);
    const auto began = std::chrono::steady_clock::now();
    check_survives(error(429, R"({"message":"slow","code":"rate_limit_exceeded"})",
                         "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 150ms\r\n"
                         "x-ratelimit-remaining-tokens: 10\r\nx-ratelimit-reset-tokens: 1h\r\n"),
                   settings);
    CHECK(std::chrono::steady_clock::now() - began >= 150ms);
    CHECK(std::chrono::steady_clock::now() - began < 5s);
  }
  SUBCASE("an exhausted quota ends everything at once") {
    for (
        const char* inner :
        {R"({"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"})",
         R"({"message":"limit","code":"organization_spend_limit_exceeded"})",
         R"({"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}})"}) {
      script s({error(429, inner)});
      auto settings = quick();
      settings.concurrency = {1, 1};
      llm::engine e(settings);
      llm::client c = e.open(openai_at(s.authority()));
      llm::model_access other = openai_at(s.authority());
      other.model.name = "another-model";
      llm::client d = e.open(other);
      int failed = 0;
      for (int i = 0; i < 50; ++i)
        c.submit(question(),
                 [&](outcome o) { failed += !o.ok() && o.failure().kind == failure_kind::budget ? 1 : 0; });
      e.run();
      CHECK(failed == 50);
      CHECK(s.count() == 1); // and not one more
      REQUIRE(c.stopped());
      CHECK(c.stopped()->message.find("nothing more is sent") != std::string::npos);
      CHECK(d.stopped()); // the same account pays for it
      const outcome o = ask(e, d);
      CHECK_FALSE(o.ok());
      CHECK(s.count() == 1);
    }
  }
}

TEST_CASE("case 13: an absurd retry-after") {
  for (const char* value : {"0", "-5", "soon", "1e999", "", "0x10", "Thu, 01 Jan 1970 00:00:00 GMT"})
    check_survives(error(429, R"({"message":"slow","code":"rate_limit_exceeded"})",
                         "retry-after: " + std::string(value) + "\r\n"));
  const outcome o =
      check_final(error(429, R"({"message":"slow","code":"rate_limit_exceeded"})", "retry-after: 86400\r\n"),
                  failure_kind::rate_limited);
  CHECK(o.failure().message.find("asks to wait for 86400 s") != std::string::npos);
  SUBCASE("a sensible one is a minimum for everybody") {
    script s({error(429, R"({"message":"slow"})", "retry-after-ms: 200\r\n"), good()});
    auto settings = quick();
    log l;
    l.attach(settings);
    llm::engine e(settings);
    llm::client c = e.open(openai_at(s.authority()));
    REQUIRE_FALSE(c.stopped());
    const auto began = std::chrono::steady_clock::now();
    int good_ones = 0;
    c.submit(question(), [&](const outcome& first) {
      CHECK(std::chrono::steady_clock::now() - began >= 200ms);
      good_ones += first.ok() ? 1 : 0;
    });
    CHECK(run_until(e, [&] { return !l.reactions.empty(); })); // the 429 has arrived
    c.submit(question(), [&](const outcome& second) {
      CHECK(std::chrono::steady_clock::now() - began >= 200ms); // it had to wait as well
      good_ones += second.ok() ? 1 : 0;
    });
    e.run();
    CHECK(good_ones == 2);
  }
}

TEST_CASE("case 15: a parameter that is not taken is left out from then on") {
  struct {
    const char* error;
    const char* gone;
    const char* instead;
  } const cases[] = {
      {R"({"message":"Unsupported value: 'temperature' does not support 0.7","param":"temperature","code":"unsupported_value"})",
       "\"temperature\"", ""},
      {R"({"message":"`temperature` is deprecated for this model","type":"invalid_request_error"})",
       "\"temperature\"", ""},
      {R"({"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"})",
       "\"max_tokens\"", "\"max_completion_tokens\""},
      {R"({"code":400,"message":"Invalid JSON payload received. Unknown name \"seed\": Cannot find field.","status":"INVALID_ARGUMENT"})",
       "\"seed\"", ""},
      {R"({"message":"Only 1 choice is supported: n > 1","param":"n"})", "\"n\"", ""},
      {R"({"message":"Unsupported value: 'messages[0].role' does not support 'system' with this model.","param":"messages[0].role","code":"unsupported_value"})",
       "\"role\":\"system\"", "\"role\":\"user\""},
  };
  for (const auto& c : cases) {
    CAPTURE(c.error);
    script s({error(400, c.error), good()});
    llm::engine e(quick());
    llm::client client = e.open(openai_at(s.authority()));
    auto q = question();
    q.temperature = 0.7;
    q.seed = 5;
    q.n = 2;
    REQUIRE(ask(e, client, q).ok());
    REQUIRE(ask(e, client, q).ok());
    const auto requests = s.requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].body.find(c.gone) != std::string::npos);
    for (std::size_t i = 1; i < 3; ++i) {
      CHECK(requests[i].body.find(c.gone) == std::string::npos);
      CHECK(requests[i].body.find(c.instead) != std::string::npos);
    }
  }
  SUBCASE("many requests learn it together") {
    std::atomic<int> refused = 0;
    loopback::server s([&](loopback::wire& w) {
      loopback::request r;
      while (w.read(r)) {
        const bool hot = r.body.find("temperature") != std::string::npos;
        refused += hot ? 1 : 0;
        w.send(hot ? http(400, R"({"error":)" + std::string(cases[0].error) + "}")
                   : http(200, openai_body()));
      }
    });
    auto settings = quick();
    settings.concurrency = {5, 5};
    llm::engine e(settings);
    llm::client client = e.open(openai_at(s.authority()));
    int fine = 0;
    for (int i = 0; i < 20; ++i) {
      auto q = question();
      q.temperature = 1;
      client.submit(q, [&](const outcome& o) { fine += o.ok() ? 1 : 0; });
    }
    e.run();
    CHECK(fine == 20);
    CHECK(refused <= 5); // those that were in flight when the first refusal came
  }
  SUBCASE("any other complaint is final") {
    check_final(
        error(
            400,
            R"({"message":"This model's maximum context length is 8192 tokens","code":"context_length_exceeded"})"),
        failure_kind::bad_request);
    check_final(error(400, R"({"message":"temperature must be between 0 and 2","param":"temperature"})"),
                failure_kind::bad_request);
    check_final(error(422, R"({"message":"no"})"), failure_kind::bad_request);
  }
  SUBCASE("a server that complains for ever") {
    script s({error(400, cases[0].error)});
    auto q = question();
    q.temperature = 1;
    const outcome o = ask(openai_at(s.authority()), quick(), q);
    CHECK_FALSE(o.ok());
    CHECK(s.count() == 2);
  }
}

TEST_CASE("case 16: choices that did not come are asked for again") {
  script s({good()}); // one choice, whatever n is
  llm::engine e(quick());
  llm::client c = e.open(openai_at(s.authority()));
  std::map<std::uint32_t, int> samples;
  bool done = false;
  llm::fan_out(
      c, {{question(), 10}}, {.per_request = 4},
      [&](std::size_t, std::uint32_t first, std::uint32_t, const outcome& o) {
        REQUIRE(o.ok());
        for (std::uint32_t i = 0; i < o.reply().choices.size(); ++i) ++samples[first + i];
      },
      [&] { done = true; });
  e.run();
  CHECK(done);
  CHECK(samples.size() == 10);
  for (const auto& [sample, times] : samples) CHECK(times == 1);
  CHECK(s.count() == 10);
}

TEST_CASE("case 17: odd shapes are read, and what is unknown stays unknown") {
  const outcome floats = reply_to(
      R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":7.0,"completion_tokens":3e0}})");
  REQUIRE(floats.ok());
  CHECK(floats.reply().used.known);
  CHECK(floats.reply().used.input == 7);
  for (const char* usage : {"null", "{}", R"({"prompt_tokens":"many"})",
                            R"({"prompt_tokens":-4,"completion_tokens":1})", "[]", "7"}) {
    const outcome o =
        reply_to(R"({"choices":[{"message":{"content":"x"}}],"usage":)" + std::string(usage) + "}");
    REQUIRE(o.ok());
    CHECK_FALSE(o.reply().used.known);
  }
  const outcome text =
      reply_to("{\"choices\":[{\"message\":{\"content\":\"a\\ud800b\\u0000c\xFF\xC0\x80 d\\udc00\"}}]}");
  REQUIRE_MESSAGE(text.ok(), text.failure().message);
  const std::string r(llm::replacement_character);
  CHECK(text.reply().choices.at(0).text == "a" + r + "b" + r + "c" + r + r + r + " d" + r);
  check_final(error(400, R"({"code":400,"message":"int"})"), failure_kind::bad_request);
  check_survives(error(500, R"({"code":500,"message":"int"})"));
  check_survives(answer(500, R"({"detail":"fastapi"})"));
  check_survives(answer(200, "null"));
  check_survives(answer(200, "{}"));
  // a choice in which nothing at all is said is no answer, unless it says that something was written for it
  check_survives(answer(
      200,
      R"({"choices":[{"index":0,"finish_reason":null}],"usage":{"prompt_tokens":7,"completion_tokens":0}})"));
  const outcome empty = reply_to(
      R"({"choices":[{"index":0,"finish_reason":null}],"usage":{"prompt_tokens":7,"completion_tokens":3}})");
  REQUIRE_MESSAGE(empty.ok(), empty.failure().message);
  CHECK(empty.reply().choices.at(0).text.empty());
  CHECK(empty.reply().used.output == 3);
  check_survives(answer(200, R"({"choices":"none"})"));
}

TEST_CASE("keys, permissions and unknown models stop the model at once") {
  for (const int status : {401, 403, 404}) {
    script s({error(status, R"({"message":"no","type":"invalid_request_error"})")});
    llm::engine e(quick());
    llm::client c = e.open(openai_at(s.authority()));
    int failed = 0;
    for (int i = 0; i < 100; ++i)
      c.submit(question(), [&](const outcome& o) {
        failed += !o.ok() && o.failure().kind == failure_kind::configuration ? 1 : 0;
      });
    e.run();
    CHECK(failed == 100);
    CHECK(s.count() <= 16); // those that were in flight already
    CHECK(c.stopped());
  }
}

TEST_CASE("the server's word on retrying wins") {
  check_final(error(500, R"({"message":"no"})", "x-should-retry: false\r\n"), failure_kind::server_error);
  check_survives(error(400, R"({"message":"odd"})", "x-should-retry: true\r\n"));
  check_final(error(429, R"({"code":"insufficient_quota","message":"x"})", "x-should-retry: true\r\n"),
              failure_kind::budget);
  for (const int status : {408, 409, 429, 500, 502, 503, 504, 529})
    check_survives(error(status, R"({"message":"later"})"));
}
