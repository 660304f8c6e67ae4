// SPDX-License-Identifier: MIT
// OpenAI Chat Completions and its relatives: bodies byte for byte, and responses with the peculiarities of
// every provider.
#include "strata/llm/codecs/openai.hpp"

#include <doctest/doctest.h>

#include <string>
#include <tuple>
#include <vector>

using namespace strata::llm;

namespace {

const std::chrono::system_clock::time_point now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};

model_profile gpt(std::string provider = "openai") {
  model_profile m;
  m.provider = std::move(provider);
  m.name = "gpt-x";
  m.takes.max_n = 8;
  m.takes.seed = true;
  m.takes.max_tokens_field = "max_completion_tokens";
  m.takes.cache_key = true;
  return m;
}
std::string body_of(const model_profile& m, const chat_request& q) { return openai::encode(m, q).body; }
outcome decode(const std::string& body, int status = 200, std::uint32_t asked = 1,
               const std::string& provider = "openai", std::vector<http_header> headers = {}) {
  http_response r;
  r.status = status;
  r.headers = std::move(headers);
  r.headers.push_back({"x-request-id", "req_1"});
  r.body = body;
  return openai::decode(gpt(provider), r, asked, now);
}

} // namespace

TEST_CASE("openai: the whole of a request") {
  chat_request q(conversation("Be terse.", "Say \"hi\"\t\x01\xFFgr\xC3\xBC\xC3\x9F"));
  q.max_tokens = 100;
  q.temperature = 0.4;
  q.top_p = 0.95;
  q.stop = {"a", "b", "c", "d", "e"};
  q.seed = 0xffffffffffU;
  q.n = 4;
  q.cache_key = "group 1";
  q.stream = streaming::always;
  const http_request r = openai::encode(gpt(), q);
  CHECK(r.body ==
        "{\"model\":\"gpt-x\",\"messages\":[{\"role\":\"system\",\"content\":\"Be terse.\"},"
        "{\"role\":\"user\",\"content\":\"Say \\\"hi\\\"\\t\\u0001\xEF\xBF\xBDgr\xC3\xBC\xC3\x9F\"}],"
        "\"max_completion_tokens\":100,\"temperature\":0.4,\"top_p\":0.95,\"seed\":2147483647,"
        "\"stop\":[\"a\",\"b\",\"c\",\"d\"],\"n\":4,\"prompt_cache_key\":\"group 1\",\"stream\":true,"
        "\"stream_options\":{\"include_usage\":true}}");
  CHECK(r.path == "/chat/completions");
  CHECK(r.key == key_header::bearer);
  CHECK(r.streamed);
  CHECK(r.headers ==
        std::vector<http_header>{{"content-type", "application/json"}, {"accept", "text/event-stream"}});
}

TEST_CASE("openai: parameters only where the model takes them") {
  chat_request q(conversation("s", "u"));
  q.temperature = 1.5;
  q.top_p = 0.5;
  q.seed = 1;
  q.stop = {"x"};
  q.n = 20;
  q.cache_key = "k";
  q.reasoning = effort::max;
  model_profile m = gpt();
  m.takes = {};
  m.takes.temperature = m.takes.top_p = m.takes.stop = false;
  m.takes.system_role = "developer";
  CHECK(
      body_of(m, q) ==
      R"({"model":"gpt-x","messages":[{"role":"developer","content":"s"},{"role":"user","content":"u"}],"max_tokens":1024})");
  m = gpt();
  m.takes.max_temperature = 1;
  m.takes.reasoning = reasoning_control::effort_field;
  m.takes.efforts = {effort::low, effort::high};
  const std::string body = body_of(m, q);
  CHECK(body.find("\"n\":8,") != std::string::npos);
  CHECK(body.find("\"temperature\":1,") != std::string::npos);
  CHECK(body.find("\"reasoning_effort\":\"high\"") != std::string::npos);
  m.takes.reasoning = reasoning_control::thinking_switch;
  m.takes.efforts = {effort::none, effort::low, effort::high, effort::max};
  CHECK(body_of(m, q).find(R"("thinking":{"type":"enabled"},"reasoning_effort":"max")") != std::string::npos);
  q.reasoning = effort::none;
  CHECK(body_of(m, q).find(R"("thinking":{"type":"disabled"})") != std::string::npos);
  CHECK(body_of(m, chat_request{}).find(R"("messages":[])") != std::string::npos);
}

TEST_CASE("openai: several choices, in the order of their index, and never more than asked for") {
  const std::string body = R"({"id":"c","model":"gpt-x-1","system_fingerprint":"fp","choices":[
      {"index":2,"message":{"content":"two"},"finish_reason":"length"},
      {"index":0,"message":{"content":"zero"},"finish_reason":"stop"},
      {"index":1,"message":{"content":"one"},"finish_reason":"eos"}],
      "usage":{"prompt_tokens":2000,"completion_tokens":90,"total_tokens":2090,
               "prompt_tokens_details":{"cached_tokens":1024,"cache_write_tokens":900},
               "completion_tokens_details":{"reasoning_tokens":40}}})";
  const outcome o = decode(body, 200, 3);
  REQUIRE(o.ok());
  const reply& r = o.reply();
  REQUIRE(r.choices.size() == 3);
  CHECK(r.choices[0].text == "zero");
  CHECK(r.choices[1].why == finish::stop);
  CHECK(r.choices[2].why == finish::length);
  token_usage u;
  u.input = 2000;
  u.cached = 1024;
  u.cache_write = 900;
  u.output = 90;
  u.reasoning = 40;
  CHECK(r.used == u);
  CHECK(r.fingerprint == "fp");
  CHECK(r.model == "gpt-x-1");
  CHECK(r.request_id == "req_1");
  CHECK(decode(body, 200, 2).reply().choices.size() == 2);
}

TEST_CASE("openai: usage in the dialects") {
  const auto used = [](const std::string& usage) {
    return decode(R"({"choices":[{"message":{"content":"x"}}],"usage":)" + usage + "}").reply().used;
  };
  CHECK(
      used(
          R"({"prompt_tokens":100,"completion_tokens":1,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36})")
          .cached == 64);
  CHECK(used(R"({"prompt_tokens":100,"completion_tokens":1,"prompt_tokens_details":null})").cached == 0);
  CHECK(used(R"({"prompt_tokens":100,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":5000}})")
            .cached == 100);
  CHECK(
      used(
          R"({"prompt_tokens":100,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":9}})")
          .reasoning == 1);
}

TEST_CASE("openai: errors of all providers") {
  struct {
    int status;
    const char* provider;
    const char* body;
    failure_kind kind;
  } const errors[] = {
      {400, "openai",
       R"({"error":{"message":"m","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}})",
       failure_kind::bad_request},
      {401, "openai",
       R"({"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})",
       failure_kind::configuration},
      {404, "openai",
       R"({"error":{"message":"no such model","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
       failure_kind::configuration},
      {429, "openai",
       R"({"error":{"message":"m","type":"tokens","param":null,"code":"rate_limit_exceeded"}})",
       failure_kind::rate_limited},
      {429, "openai",
       R"({"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})",
       failure_kind::budget},
      {429, "openai", R"({"error":{"message":"m","type":"x","code":"project_spend_limit_exceeded"}})",
       failure_kind::budget},
      {429, "openai", R"({"error":{"message":"m","type":"x","code":"slow_down"}})",
       failure_kind::rate_limited},
      {503, "openai", R"({"error":{"message":"m","type":"x","code":"slow_down"}})", failure_kind::overloaded},
      {503, "openai", R"({"error":{"message":"m","type":"x","code":"server_is_overloaded"}})",
       failure_kind::overloaded},
      {402, "deepseek",
       R"({"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}})",
       failure_kind::budget},
      {422, "deepseek", R"({"error":{"message":"m"}})", failure_kind::bad_request},
      {402, "together", R"({"error":{"message":"limit"}})", failure_kind::budget},
      {403, "together", R"({"error":{"message":"prompt plus max_tokens exceed the context length"}})",
       failure_kind::bad_request},
      {403, "openrouter", R"({"error":{"code":403,"message":"flagged","metadata":{}}})",
       failure_kind::bad_request},
      {403, "openai", R"({"error":{"message":"country","code":"unsupported_country_region_territory"}})",
       failure_kind::configuration},
      {200, "openrouter",
       R"({"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"x"}}})",
       failure_kind::server_error},
      {200, "openrouter", R"({"error":{"code":429,"message":"busy"}})", failure_kind::rate_limited},
      {200, "openrouter", R"({"error":{"code":402,"message":"no credit"}})", failure_kind::budget},
      {200, "openrouter",
       R"({"choices":[{"index":0,"error":{"code":502,"message":"mid"},"message":{"content":"par"},"finish_reason":null}]})",
       failure_kind::server_error},
      {200, "openrouter", R"({"choices":[{"index":0,"message":{"content":"par"},"finish_reason":"error"}]})",
       failure_kind::server_error},
      {400, "gemini",
       R"([{"error":{"code":400,"message":"Unknown name \"seed\"","status":"INVALID_ARGUMENT","details":[]}}])",
       failure_kind::bad_request},
      {400, "gemini",
       R"([{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}])",
       failure_kind::configuration},
      {429, "gemini",
       R"([{"error":{"code":429,"message":"Quota exceeded: GenerateRequestsPerDayPerProjectPerModel","status":"RESOURCE_EXHAUSTED"}}])",
       failure_kind::budget},
      {429, "gemini",
       R"([{"error":{"code":429,"message":"Resource has been exhausted","status":"RESOURCE_EXHAUSTED"}}])",
       failure_kind::rate_limited},
      {503, "gemini",
       R"([{"error":{"code":503,"message":"The model is overloaded","status":"UNAVAILABLE"}}])",
       failure_kind::overloaded},
      {404, "server",
       R"({"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404})",
       failure_kind::configuration},
      {400, "server",
       R"({"object":"error","message":"n must be 1 when using greedy sampling","type":"BadRequestError","code":400})",
       failure_kind::bad_request},
      {503, "server", R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})",
       failure_kind::overloaded},
      {500, "server", R"({"error":"model runner has unexpectedly stopped"})", failure_kind::server_error},
      {404, "server", R"({"detail":"Not Found"})", failure_kind::configuration},
      {200, "deepseek",
       R"({"choices":[{"index":0,"message":{"content":"par"},"finish_reason":"insufficient_system_resource"}]})",
       failure_kind::server_error},
      {200, "openai", R"({"object":"list","data":[]})", failure_kind::malformed},
  };
  for (const auto& e : errors) {
    CAPTURE(e.body);
    const outcome o = decode(e.body, e.status, 1, e.provider);
    REQUIRE_FALSE(o.ok());
    CHECK(to_string(o.failure().kind) == to_string(e.kind));
  }
  const outcome later =
      decode(R"({"error":{"code":402,"message":"x"}})", 402, 1, "openrouter", {{"Retry-After", "3"}});
  CHECK(later.failure().kind == failure_kind::rate_limited);
  CHECK(later.failure().retry_after == std::chrono::seconds(3));
}

TEST_CASE("openai: leading blank lines and a byte order mark are skipped") {
  const std::string body = R"({"choices":[{"message":{"content":"x"}}]})";
  CHECK(decode("\n\n \r\n" + body).ok());
  CHECK(decode("\xEF\xBB\xBF" + body + "\n").ok());
}

TEST_CASE("openai: hostile bodies end in a failure, quickly and within bounds") {
  const auto refused = [](const std::string& body) {
    const outcome o = decode(body);
    return !o.ok() && o.failure().kind == failure_kind::malformed && o.failure().body.size() <= 8000;
  };
  CHECK(refused(std::string(1'000'000, '[')));
  CHECK(refused("{\"choices\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}"));
  std::string nested;
  for (int i = 0; i < 50'000; ++i) nested += "{\"a\":";
  CHECK(refused(nested));
  std::string many = "{\"choices\":[";
  for (int i = 0; i < 4'000'000; ++i) many += "0,";
  CHECK(refused(many + "0]}")); // 16 bytes a value: more memory than a document may take
  CHECK(refused("{\"choices\":[{\"message\":{\"content\":\"x\"}}]} trailing"));
  CHECK(refused(std::string("\0\0\0", 3)));
  CHECK(refused("{\"choices\":[{\"message\":{\"content\":\"\n\"}}]}")); // a bare line end in a string
  const outcome odd =
      decode(R"({"choices":[7,null,"x",{"message":7},{"message":{"content":["a"]}},{"index":-1}]})", 200, 9);
  REQUIRE_FALSE(odd.ok()); // nothing was said in any of them
  CHECK(odd.failure().kind == failure_kind::malformed);
}

TEST_CASE("openai: choices in which nothing was said are none") {
  const auto choices = [](const std::string& list) {
    return decode(R"({"choices":[)" + list + "]}", 200, 8);
  };
  CHECK_FALSE(
      choices(R"({"index":0,"message":{"role":"assistant","content":null},"finish_reason":null})").ok());
  CHECK(choices("").reply().choices.empty()); // fewer than asked for
  const outcome two =
      choices(R"({"index":0},{"index":0,"message":{"content":"a"}},{"index":0,"message":{"content":"b"}},
                 {"index":5,"message":{"content":""},"finish_reason":"stop"})");
  REQUIRE(two.ok());
  REQUIRE(two.reply().choices.size() == 3);
  CHECK(two.reply().choices[0].text == "a");
  CHECK(two.reply().choices[1].text == "b");
  CHECK(two.reply().choices[2].text.empty()); // paid for
}

TEST_CASE("openai: a usage that contradicts itself is not known") {
  const auto used = [](const std::string& usage) {
    return decode(R"({"choices":[{"message":{"content":"x"}}],"usage":)" + usage + "}").reply().used;
  };
  CHECK(used(R"({"prompt_tokens":100,"completion_tokens":5})").known);
  CHECK(
      used(R"({"prompt_tokens":100.0,"completion_tokens":5e0,"prompt_tokens_details":{"cached_tokens":100}})")
          .known);
  for (
      const char* no :
      {R"({})", R"(null)", R"([])", R"({"prompt_tokens":100})", R"({"completion_tokens":100})",
       R"({"prompt_tokens":18446744073709551615,"completion_tokens":5})",
       R"({"prompt_tokens":9007199254740993,"completion_tokens":5})",
       R"({"prompt_tokens":9223372036854775808,"completion_tokens":9223372036854775808})",
       R"({"prompt_tokens":100,"completion_tokens":-5})", R"({"prompt_tokens":100,"completion_tokens":"5"})",
       R"({"prompt_tokens":100,"completion_tokens":5.5})",
       R"({"prompt_tokens":100,"completion_tokens":1e30})",
       R"({"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":101}})",
       R"({"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":-1}})",
       R"({"prompt_tokens":100,"completion_tokens":5,"prompt_cache_hit_tokens":"64"})",
       R"({"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":60}})",
       R"({"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cache_write_tokens":18446744073709551615}})",
       R"({"prompt_tokens":100,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}})"}) {
    CAPTURE(no);
    const token_usage u = used(no);
    CHECK_FALSE(u.known);
    CHECK(u.input <= largest_count);
    CHECK(u.output <= largest_count);
  }
  // hidden reasoning that is in the total only
  const token_usage hidden = used(R"({"prompt_tokens":100,"completion_tokens":5,"total_tokens":1105})");
  CHECK(hidden.known);
  CHECK(hidden.output == 1005);
  CHECK(used(R"({"prompt_tokens":100,"completion_tokens":5,"total_tokens":3})").output == 5);
}

TEST_CASE("openai: a cost that the server states counts where the catalogue says so, or if it is more") {
  const auto cost = [](bool states_cost, double price, const std::string& stated) {
    model_profile m = gpt();
    m.takes.states_cost = states_cost;
    if (price > 0) m.prices = {{.input = price, .output = price}};
    http_response r;
    r.status = 200;
    r.body =
        R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":1000,"completion_tokens":1000,"cost":)" +
        stated + "}}";
    const auto used = openai::decode(m, r, 1, now).reply().used;
    return m.cost(used, now);
  };
  CHECK(cost(true, 0, "0.00125") == 0.00125);
  CHECK(cost(true, 1, "0") == 0.0);
  CHECK(cost(false, 1, "0") == doctest::Approx(0.002));
  CHECK(cost(false, 1, "0.001") == doctest::Approx(0.002));
  CHECK(cost(false, 1, "0.5") == 0.5);
  CHECK_FALSE(cost(false, 0, "0")); // no price is known, and the server does not set one
  for (const char* no : {"-1", "1e400", "1e7", "\"0\"", "null", "[]"}) {
    CHECK(cost(true, 1, no) == doctest::Approx(0.002));
    CHECK(cost(false, 1, no) == doctest::Approx(0.002));
  }
}
