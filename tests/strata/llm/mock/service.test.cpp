// SPDX-License-Identifier: MIT
// What clients see, without sockets: shapes of both protocols, streams, errors, `n`, usage, numbering of
// samples, and that everything is a function of the seed.
#include "strata/llm/mock/service.hpp"

#include "strata/llm/codecs/codec.hpp"
#include "strata/llm/mock/support.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

using namespace strata::llm;
using namespace strata::llm::mock;
using namespace mock_test;

namespace {

/// Says its sample number.
answerer numbered() {
  return [](const question& q, std::uint64_t sample) {
    return std::string(q.last_user) + " #" + std::to_string(sample);
  };
}
std::string first_text(const response& r) {
  const auto json = r.json();
  if (const auto* choices = json.as_object().if_contains("choices"))
    return std::string(choices->at(0).at("message").at("content").as_string());
  return std::string(json.at("content").at(0).at("text").as_string());
}
token_usage openai_usage(const response& r) {
  return openai::read_usage(r.json().as_object().if_contains("usage"));
}

} // namespace

TEST_CASE("OpenAI: a reply has the members that the API documents") {
  bench b;
  const auto r = b.ask(chat_path, chat_body("12345678", R"(,"n":2)"));
  CHECK(r.status == 200);
  CHECK(r.complete);
  CHECK(r.header("content-type") == "application/json");
  CHECK(r.header("x-request-id").starts_with("req_"));
  const auto json = r.json();
  CHECK(std::string(json.at("id").as_string()).starts_with("chatcmpl-"));
  CHECK(json.at("object") == "chat.completion");
  CHECK(json.at("created") == 1795233600);
  CHECK(json.at("model") == "m");
  CHECK(json.at("system_fingerprint").is_string());
  REQUIRE(json.at("choices").as_array().size() == 2);
  const auto& choice = json.at("choices").at(1);
  CHECK(choice.at("index") == 1);
  CHECK(choice.at("finish_reason") == "stop");
  CHECK(choice.at("logprobs").is_null());
  CHECK(choice.at("message").at("role") == "assistant");
  CHECK(choice.at("message").at("content") == "Hello, world. How are you today?");
  CHECK(choice.at("message").at("refusal").is_null());
  const auto& usage = json.at("usage");
  CHECK(usage.at("prompt_tokens") == 2 + 4);
  CHECK(usage.at("completion_tokens") == 2 * 8);
  CHECK(usage.at("total_tokens") == 22);
  CHECK(usage.at("prompt_tokens_details").at("cached_tokens") == 0);
  CHECK(usage.at("completion_tokens_details").at("reasoning_tokens") == 0);
}

TEST_CASE("Anthropic: a reply has the members that the API documents") {
  bench b;
  const auto r = b.ask(messages_path, message_body("12345678"));
  CHECK(r.status == 200);
  CHECK(r.header("request-id").starts_with("req_01"));
  const auto json = r.json();
  CHECK(std::string(json.at("id").as_string()).starts_with("msg_01"));
  CHECK(json.at("type") == "message");
  CHECK(json.at("role") == "assistant");
  CHECK(json.at("model") == "m");
  CHECK(json.at("content").at(0).at("type") == "text");
  CHECK(first_text(r) == "Hello, world. How are you today?");
  CHECK(json.at("stop_reason") == "end_turn");
  CHECK(json.at("stop_sequence").is_null());
  const auto& usage = json.at("usage");
  CHECK(usage.at("input_tokens") == 6);
  CHECK(usage.at("output_tokens") == 8);
  CHECK(usage.at("cache_creation_input_tokens") == 0);
  CHECK(usage.at("cache_read_input_tokens") == 0);
  CHECK(usage.at("cache_creation").at("ephemeral_1h_input_tokens") == 0);
}

TEST_CASE("streams carry the same text, reason and usage as replies, in the providers' order of events") {
  settings s;
  s.event_tokens = 2;
  bench b(s, canned("Gr\xC3\xBC\xC3\x9F dich, \xF0\x9F\x8C\x8D! How are you today?"));
  const auto whole = first_text(b.ask(chat_path, chat_body()));

  SUBCASE("OpenAI") {
    const auto r =
        b.ask(chat_path, chat_body("hi", R"(,"n":2,"stream":true,"stream_options":{"include_usage":true})"));
    CHECK(r.header("content-type") == "text/event-stream; charset=utf-8");
    CHECK(r.complete);
    const auto data = data_of(r.body);
    CHECK(r.chunks.size() >= 2 * whole.size() / 8);
    CHECK(data.back() == "[DONE]");
    std::string texts[2];
    std::map<std::int64_t, std::string> reasons;
    bool usage_seen = false;
    for (std::size_t i = 0; i + 1 < data.size(); ++i) {
      const auto e = boost::json::parse(data[i]);
      CHECK(e.at("object") == "chat.completion.chunk");
      if (e.at("choices").as_array().empty()) {
        CHECK(i + 2 == data.size());
        CHECK(e.at("usage").at("completion_tokens") == 2 * tokens_of(whole));
        usage_seen = true;
        continue;
      }
      CHECK(e.at("usage").is_null());
      const auto& c = e.at("choices").at(0);
      const auto index = c.at("index").as_int64();
      if (const auto* text = c.at("delta").as_object().if_contains("content"))
        texts[index] += std::string(text->as_string());
      if (c.at("finish_reason").is_string()) reasons[index] = std::string(c.at("finish_reason").as_string());
    }
    CHECK(usage_seen);
    CHECK(texts[0] == whole);
    CHECK(texts[1] == whole);
    CHECK(reasons == std::map<std::int64_t, std::string>{{0, "stop"}, {1, "stop"}});
    CHECK(data_of(b.ask(chat_path, chat_body("hi", R"(,"stream":true)")).body)[0].find("usage") ==
          std::string::npos);
  }
  SUBCASE("Anthropic") {
    const auto r = b.ask(messages_path, message_body("hi", R"(,"stream":true)"));
    CHECK(r.complete);
    std::string types, text;
    for (const auto& d : data_of(r.body)) {
      const auto e = boost::json::parse(d);
      const std::string type(e.at("type").as_string());
      CHECK(r.body.find("event: " + type + "\ndata: " + d + "\n\n") != std::string::npos);
      if (type == "content_block_delta")
        text += std::string(e.at("delta").at("text").as_string());
      else
        types += type + " ";
      if (type == "message_start") CHECK(e.at("message").at("usage").at("input_tokens") == 5);
      if (type == "message_delta") {
        CHECK(e.at("delta").at("stop_reason") == "end_turn");
        CHECK(e.at("usage").at("output_tokens") == tokens_of(whole));
      }
    }
    CHECK(types == "message_start content_block_start ping content_block_stop message_delta message_stop ");
    CHECK(text == whole);
  }
}

TEST_CASE("token limit and stop sequences cut the text and say so") {
  bench b({}, canned("one two three four five"));
  auto json = b.ask(chat_path, chat_body("hi", R"(,"max_tokens":3)")).json();
  CHECK(json.at("choices").at(0).at("finish_reason") == "length");
  CHECK(json.at("choices").at(0).at("message").at("content") == "one two thre");
  CHECK(json.at("usage").at("completion_tokens") == 3);
  json = b.ask(chat_path, chat_body("hi", R"(,"stop":[" four","three"])")).json();
  CHECK(json.at("choices").at(0).at("message").at("content") == "one two ");
  CHECK(json.at("choices").at(0).at("finish_reason") == "stop");
  json = b.ask(messages_path, message_body("hi", R"(,"stop_sequences":["two"])")).json();
  CHECK(json.at("stop_reason") == "stop_sequence");
  CHECK(json.at("stop_sequence") == "two");
  json = b.ask(messages_path, R"({"model":"m","max_tokens":0,"messages":[{"role":"user","content":"hi"}]})")
             .json();
  CHECK(json.at("content").as_array().empty());
  CHECK(json.at("stop_reason") == "max_tokens");
  CHECK(json.at("usage").at("output_tokens") == 0);
}

TEST_CASE("requests that a provider refuses are refused in its way") {
  bench b;
  const auto openai = [&](std::string_view body) {
    const auto r = b.ask(chat_path, body);
    CHECK(r.status == 400);
    const auto json = r.json();
    const auto& e = json.at("error");
    CHECK(e.at("type") == "invalid_request_error");
    return e.at("param").is_null() ? std::string() : std::string(e.at("param").as_string());
  };
  CHECK(openai("nonsense").empty());
  CHECK(openai("[]").empty());
  CHECK(openai(R"({"messages":[]})") == "model");
  CHECK(openai(R"({"model":"m"})") == "messages");
  CHECK(openai(R"({"model":"m","messages":[]})") == "messages");
  CHECK(openai(R"({"model":"m","messages":[{"role":"boss","content":"x"}]})") == "messages[0].role");
  CHECK(openai(R"({"model":"m","messages":[{"role":"user","content":7}]})") == "messages[0].content");
  CHECK(openai(chat_body("x", R"(,"temperature":2.1)")) == "temperature");
  CHECK(openai(chat_body("x", R"(,"n":0)")) == "n");
  CHECK(openai(chat_body("x", R"(,"n":129)")) == "n");
  CHECK(openai(chat_body("x", R"(,"max_tokens":5,"max_completion_tokens":5)")) == "max_tokens");
  CHECK(openai(chat_body("x", R"(,"stop":["a","b","c","d","e"])")) == "stop");
  CHECK(openai(chat_body("x", R"(,"stream_options":{"include_usage":true})")) == "stream_options");

  const auto anthropic = [&](std::string_view body) {
    const auto r = b.ask(messages_path, body);
    CHECK(r.status == 400);
    const auto json = r.json();
    CHECK(json.at("type") == "error");
    CHECK(json.at("error").at("type") == "invalid_request_error");
    CHECK(json.at("request_id").as_string() == r.header("request-id").c_str());
    return std::string(json.at("error").at("message").as_string());
  };
  CHECK(anthropic(R"({"model":"m","messages":[{"role":"user","content":"x"}]})") ==
        "max_tokens: Field required");
  CHECK(anthropic(message_body("x", R"(,"n":2)")) == "n: Extra inputs are not permitted");
  CHECK(anthropic(message_body("x", R"(,"temperature":1.5)")).starts_with("temperature: "));
  CHECK(anthropic(R"({"model":"m","max_tokens":5,"messages":[{"role":"system","content":"x"}]})")
            .find("system") != std::string::npos);
  std::string marks = R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":[)";
  for (int i = 0; i < 5; ++i)
    marks +=
        std::string(i == 0 ? "" : ",") + R"({"type":"text","text":"x","cache_control":{"type":"ephemeral"}})";
  CHECK(anthropic(marks + "]}]}").find("maximum of 4 blocks") != std::string::npos);
  CHECK(b.service.counts().failures.at("bad_request") == 18);
}

TEST_CASE("keys: any that is not empty, or the one that was set, none is repeated") {
  settings s;
  s.key = canary;
  bench b(s);
  const auto status = [&](std::string_view x_api_key, std::string_view authorization) {
    const std::string body = chat_body();
    const incoming in{"POST", chat_path, x_api_key, authorization, "", body};
    const auto bytes = b.service.handle(in, b.now).bytes;
    CHECK(bytes.find("sk-") == std::string::npos);
    return bytes.substr(9, 3);
  };
  CHECK(status("", "Bearer " + std::string(canary)) == "200");
  CHECK(status(canary, "") == "200");
  CHECK(status("", "") == "401");
  CHECK(status("", "Bearer ") == "401");
  CHECK(status("", "Bearer sk-wrong") == "401");
  CHECK(status("sk-wrong", "") == "401");
  CHECK(status("", "Basic " + std::string(canary)) == "401");
  CHECK(to_json(b.service.counts()).find(canary) == std::string::npos);
}

TEST_CASE("n may be supported, refused or ignored") {
  settings s;
  s.supports_n = false;
  bench refuses(s);
  CHECK(refuses.ask(chat_path, chat_body("x", R"(,"n":2)")).json().at("error").at("param") == "n");
  CHECK(refuses.ask(chat_path, chat_body("x", R"(,"n":1)")).status == 200);
  s.ignores_n = true;
  bench ignores(s);
  CHECK(ignores.ask(chat_path, chat_body("x", R"(,"n":5)")).json().at("choices").as_array().size() == 1);
  CHECK(ignores.service.counts().delivered.choices == 1);
}

TEST_CASE("parameters and models that are not known") {
  settings s;
  s.refused = {"temperature", "seed"};
  s.models = {"m", "other"};
  bench b(s);
  CHECK(b.ask(chat_path, chat_body("x", R"(,"temperature":1)")).json().at("error").at("code") ==
        "unsupported_parameter");
  CHECK(b.ask(messages_path, message_body("x", R"(,"temperature":1)")).status == 400);
  CHECK(b.ask(chat_path, R"({"model":"nobody","messages":[{"role":"user","content":"x"}]})").status == 404);
  incoming in{"GET", "/v1/models", "k", "", "", ""};
  CHECK(b.service.handle(in, b.now).bytes.find(R"({"object":"list","data":[{"id":"m","object":"model")") !=
        std::string::npos);
  in.anthropic_version = "2023-06-01";
  CHECK(b.service.handle(in, b.now).bytes.find(R"("first_id":"m","last_id":"other")") != std::string::npos);
  in.target = "/v1/models/nobody";
  CHECK(b.service.handle(in, b.now).bytes.starts_with("HTTP/1.1 404"));
}

TEST_CASE("samples: numbered by seed and choice, else by what has been delivered") {
  bench b({}, numbered());
  CHECK(first_text(b.ask(chat_path, chat_body("q", R"(,"seed":41)"))) == "q #41");
  const auto three = b.ask(chat_path, chat_body("q", R"(,"seed":41,"n":3)")).json();
  CHECK(three.at("choices").at(2).at("message").at("content") == "q #43");
  CHECK(first_text(b.ask(chat_path, chat_body("q", R"(,"seed":41)"))) == "q #41");

  CHECK(first_text(b.ask(messages_path, message_body("q"))) == "q #0");
  CHECK(first_text(b.ask(messages_path, message_body("q"))) == "q #1");
  CHECK(first_text(b.ask(messages_path, message_body("other"))) == "other #0");
  CHECK(first_text(b.ask(messages_path, message_body("q", R"(,"temperature":0.5)"))) == "q #0");
  CHECK(first_text(b.ask(messages_path, message_body("q", R"(,"metadata":{"user_id":"u"})"))) == "q #0");
  CHECK(first_text(b.ask(messages_path, message_body("q"), false)) == "q #2"); // does not arrive ..
  CHECK(first_text(b.ask(messages_path, message_body("q"))) == "q #2");        // .. so it comes again
  CHECK(first_text(b.ask(messages_path, message_body("q"))) == "q #3");
}

TEST_CASE("the count is what the replies said, with the money for it") {
  settings s;
  add_price(s.prices, "input=2,cached=0.5,output=8");
  bench b(s, numbered());
  token_usage sum;
  const std::string prompt(8000, 'x');
  for (int i = 0; i < 5; ++i) {
    sum += openai_usage(b.ask(chat_path, chat_body(prompt, R"(,"n":3,"seed":)" + std::to_string(i))));
    b.now.steady += std::chrono::seconds(1);
  }
  const auto& l = b.service.counts();
  CHECK(l.requests == 5);
  CHECK(l.delivered.choices == 15);
  CHECK(l.delivered.used == sum);
  CHECK(sum.cached == 4 * 1920);
  CHECK(l.delivered.cost ==
        static_cast<picodollars>(sum.uncached() * 2'000'000 + sum.cached * 500'000 + sum.output * 8'000'000));
  const auto stats = boost::json::parse(to_json(l));
  CHECK(stats.at("input_tokens") == sum.input);
  CHECK(stats.at("models").at("m").at("choices") == 15);
  CHECK(stats.at("cost_usd").as_double() == doctest::Approx(dollars(l.delivered.cost)));
}

TEST_CASE("rate limits are enforced with the providers' headers") {
  settings s;
  s.requests_per_minute = 2;
  bench b(s);
  auto r = b.ask(chat_path, chat_body());
  CHECK(r.header("x-ratelimit-limit-requests") == "2");
  CHECK(r.header("x-ratelimit-remaining-requests") == "1");
  CHECK(r.header("x-ratelimit-reset-requests") == "30s");
  b.ask(chat_path, chat_body());
  r = b.ask(chat_path, chat_body());
  CHECK(r.status == 429);
  CHECK(r.header("retry-after") == "30");
  CHECK(r.json().at("error").at("code") == "rate_limit_exceeded");
  CHECK(r.json().at("error").at("type") == "requests");
  b.now.steady += std::chrono::seconds(30);
  b.now.wall += std::chrono::seconds(30);
  CHECK(b.ask(messages_path, message_body()).status == 200);
  r = b.ask(messages_path, message_body());
  CHECK(r.status == 429);
  CHECK(r.header("x-should-retry") == "true");
  CHECK(r.header("anthropic-ratelimit-requests-reset") == "2026-11-21T04:01:30Z");
  CHECK(b.service.counts().failures.at("rate_limited") == 2);
  CHECK(b.service.counts().delivered.replies == 3);
}

TEST_CASE("equal seeds and requests give equal bytes, whatever comes between, other seeds others") {
  settings s;
  s.failures = parse_failures("rate=0.5");
  s.latency = {10, 20};
  const auto play = [&](std::uint64_t seed, bool disturbed) {
    s.seed = seed;
    bench b(s, numbered());
    std::string all;
    for (int i = 0; i < 60; ++i) {
      if (disturbed) b.ask(chat_path, chat_body("something else"));
      const auto t = b.play(chat_path, chat_body("q", R"(,"seed":)" + std::to_string(i % 20)));
      all += t.bytes.substr(t.bytes.find("\r\n\r\n") + 1) + std::to_string(t.pieces[0].delay_ms) +
             std::to_string(static_cast<int>(t.end));
    }
    return all;
  };
  CHECK(play(1, false) == play(1, true));
  CHECK(play(1, false) != play(2, false));
}

TEST_CASE("every failure looks as its name says to our own codecs") {
  const std::map<misbehaviour, failure_kind> kinds = {
      {misbehaviour::error_in_200, failure_kind::overloaded},
      {misbehaviour::error_array, failure_kind::overloaded},
      {misbehaviour::html_200, failure_kind::configuration},
      {misbehaviour::stream_error, failure_kind::overloaded},
      {misbehaviour::rate_limit, failure_kind::rate_limited},
      {misbehaviour::slow_down, failure_kind::rate_limited},
      {misbehaviour::quota, failure_kind::budget},
      {misbehaviour::retry_after, failure_kind::rate_limited},
      {misbehaviour::unsupported, failure_kind::bad_request},
      {misbehaviour::status_400, failure_kind::bad_request},
      {misbehaviour::status_401, failure_kind::configuration},
      {misbehaviour::status_402, failure_kind::budget},
      {misbehaviour::status_403, failure_kind::configuration},
      {misbehaviour::status_404, failure_kind::configuration},
      {misbehaviour::status_408, failure_kind::server_error},
      {misbehaviour::status_409, failure_kind::server_error},
      {misbehaviour::status_413, failure_kind::too_large},
      {misbehaviour::status_422, failure_kind::bad_request},
      {misbehaviour::status_500, failure_kind::server_error},
      {misbehaviour::status_502, failure_kind::server_error},
      {misbehaviour::status_503, failure_kind::overloaded},
      {misbehaviour::status_504, failure_kind::server_error},
      {misbehaviour::status_529, failure_kind::overloaded},
  };
  for (const auto speaks : {protocol::openai_chat, protocol::anthropic_messages})
    for (const auto& row : misbehaviours()) {
      CAPTURE(row.name);
      settings s;
      s.failures = failure_plan({{row.kind, 1.0}});
      bench b(s);
      const bool anthropic = speaks == protocol::anthropic_messages;
      const auto r = b.ask(anthropic ? messages_path : chat_path,
                           anthropic ? message_body("hi", R"(,"top_p":1)")
                                     : chat_body("hi", R"(,"max_tokens":100,"n":4)"));
      CHECK(b.service.counts().failures.at(std::string(row.name)) == 1);
      if (row.kind != misbehaviour::key_echo) CHECK((r.head + r.body).find(canary) == std::string::npos);
      model_profile model;
      model.speaks = speaks;
      http_response wire{r.status, {{"content-type", r.header("content-type")}}, r.body};
      const auto read = [&] {
        return anthropic ? anthropic::decode(model, wire, b.now.wall)
                         : openai::decode(model, wire, 4, b.now.wall);
      };
      if (const auto expected = kinds.find(row.kind); expected != kinds.end()) {
        CHECK(r.complete);
        const auto got = read();
        REQUIRE_FALSE(got.ok());
        CHECK(to_string(got.failure().kind) == to_string(expected->second));
        CHECK(b.service.counts().delivered.replies == 0);
      }
      using m = misbehaviour;
      switch (row.kind) {
      case m::truncated:
      case m::reset:
      case m::no_end:
        CHECK_FALSE(r.complete);
        CHECK(b.service.counts().undelivered.replies == 1);
        break;
      case m::split:
      case m::keep_alive:
      case m::odd:
      case m::idle_close: {
        const auto got = read();
        REQUIRE(got.ok());
        CHECK(got.reply().choices.at(0).text == "Hello, world. How are you today?");
        CHECK(got.reply().used == b.service.counts().delivered.used);
        break;
      }
      case m::fewer:
        CHECK(read().reply().choices.size() == (anthropic ? 1 : 2));
        break;
      case m::empty:
      case m::refusal:
      case m::length: {
        const auto got = read();
        REQUIRE(got.ok());
        CHECK_FALSE(got.reply().choices.at(0).complete());
        CHECK(got.reply().used == b.service.counts().delivered.used);
        break;
      }
      case m::no_usage:
        CHECK_FALSE(read().reply().used.known);
        break;
      case m::html:
        CHECK(r.status >= 502);
        CHECK(r.body.starts_with("<html>"));
        break;
      case m::bad_gzip:
        CHECK(r.header("content-encoding") == "gzip");
        CHECK(r.body.starts_with("{"));
        break;
      case m::key_echo:
        CHECK(r.body.find(canary) != std::string::npos);
        break;
      default:
        break;
      }
    }
}

TEST_CASE("broken streams lack their end, and all others have it") {
  for (const auto speaks : {protocol::openai_chat, protocol::anthropic_messages})
    for (const auto& row : misbehaviours()) {
      CAPTURE(row.name);
      settings s;
      s.failures = failure_plan({{row.kind, 1.0}});
      s.event_tokens = 1;
      bench b(s);
      const bool anthropic = speaks == protocol::anthropic_messages;
      const auto r = anthropic ? b.ask(messages_path, message_body("hi", R"(,"stream":true)"))
                               : b.ask(chat_path, chat_body("hi", R"(,"stream":true)"));
      if (r.header("content-type") != "text/event-stream; charset=utf-8") continue;
      const bool ends =
          r.body.find(anthropic ? "\"message_stop\"" : "[DONE]") != std::string::npos && r.complete;
      const bool should = b.service.counts().delivered.replies == 1;
      if (row.kind != misbehaviour::bad_gzip) CHECK(ends == should); // that one is whole, but unreadable
      if (row.kind == misbehaviour::stream_error) CHECK(r.body.find("\"error\"") != std::string::npos);
    }
}

TEST_CASE("hostile bodies end in an error, soon") {
  bench b;
  std::string deep =
      R"({"model":"m","messages":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK(b.ask(chat_path, deep).status == 400);
  std::string many = R"({"model":"m","messages":[)";
  for (int i = 0; i < 150'000; ++i) many += R"({"role":"user","content":""},)";
  many.back() = ']';
  CHECK(b.ask(chat_path, many + "}").status != 500);
  CHECK(b.ask(messages_path, many + R"(,"max_tokens":1})").status != 500);
  CHECK(b.ask(chat_path, chat_body("\xff\xfe\\ud800")).status == 200); // repaired, as lenient servers do
  CHECK(b.ask(chat_path, chat_body("x", R"(,"seed":-9223372036854775808,"n":128)")).status == 200);
  CHECK(b.ask(chat_path, chat_body("x", R"(,"seed":18446744073709551615,"n":2)")).status == 200);
  CHECK(b.ask(chat_path,
              R"({"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]})")
            .status == 200);
  CHECK(b.ask("/v1/" + std::string(100'000, 'x'), "").body.size() < 1000);
}
