// SPDX-License-Identifier: MIT
// Anthropic Messages: bodies as the vendor's documentation shows them, byte for byte, and responses of every
// kind.
#include "strata/llm/codecs/anthropic.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace strata::llm;

namespace {

const std::chrono::system_clock::time_point now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 20}};

model_profile claude() {
  model_profile m;
  m.provider = "anthropic";
  m.name = "claude-x";
  m.speaks = protocol::anthropic_messages;
  m.takes.cache = caching::marked;
  return m;
}
std::string body_of(const model_profile& m, const chat_request& q) { return anthropic::encode(m, q).body; }
outcome decode(const std::string& body, int status = 200) {
  http_response r;
  r.status = status;
  r.headers = {{"Request-Id", "req_1"}, {"content-type", "application/json"}};
  r.body = body;
  return anthropic::decode(claude(), r, now);
}

} // namespace

TEST_CASE("anthropic: the whole of a request") {
  chat_request q(conversation{{role::system, "Be terse.", true},
                              {role::user, "Say \"hi\"\n"},
                              {role::assistant, "hi"},
                              {role::user, "again"}});
  q.max_tokens = 100;
  q.temperature = 0.7;
  q.stop = {"\n\n", "END"};
  q.n = 4;     // no such parameter
  q.seed = 17; // nor this
  q.cache_key = "k";
  const http_request r = anthropic::encode(claude(), q);
  CHECK(r.body == R"({"model":"claude-x","max_tokens":100,)"
                  R"("system":[{"type":"text","text":"Be terse.","cache_control":{"type":"ephemeral"}}],)"
                  R"("messages":[{"role":"user","content":[{"type":"text","text":"Say \"hi\"\n"}]},)"
                  R"({"role":"assistant","content":[{"type":"text","text":"hi"}]},)"
                  R"({"role":"user","content":[{"type":"text","text":"again"}]}],)"
                  R"("temperature":0.7,"stop_sequences":["\n\n","END"]})");
  CHECK(r.path == "/v1/messages");
  CHECK(r.key == key_header::x_api_key);
  CHECK(r.headers == std::vector<http_header>{{"content-type", "application/json"},
                                              {"accept", "application/json"},
                                              {"anthropic-version", "2023-06-01"}});
  CHECK_FALSE(r.streamed);
}

TEST_CASE("anthropic: parameters only where the model takes them") {
  chat_request q(conversation("s", "u"));
  q.temperature = 1.7;
  q.top_p = 0.9;
  CHECK(body_of(claude(), q).find("\"temperature\":1,") == std::string::npos);
  CHECK(body_of(claude(), q).ends_with("\"temperature\":1}")); // at most 1, and top_p not beside it
  model_profile m = claude();
  m.takes.temperature = false;
  CHECK(body_of(m, q).ends_with("\"top_p\":0.9}"));
  m.takes.top_p = false;
  CHECK(body_of(m, q).find("top_p") == std::string::npos);
  m.takes.max_output_tokens = 64;
  CHECK(body_of(m, q).find("\"max_tokens\":64,") != std::string::npos);
  q.reasoning = effort::high;
  CHECK(body_of(m, q).find("thinking") == std::string::npos);
  m.takes.reasoning = reasoning_control::adaptive;
  m.takes.temperature = true;
  CHECK(body_of(m, q).ends_with(R"("thinking":{"type":"adaptive"},"output_config":{"effort":"high"}})"));
  q.reasoning = effort::none;
  CHECK(body_of(m, q).ends_with(R"("thinking":{"type":"disabled"},"temperature":1})"));
  m.takes.efforts = {effort::low, effort::max};
  q.reasoning = effort::minimal;
  CHECK(body_of(m, q).find(R"({"effort":"low"})") != std::string::npos);
  m.takes.extra_body = R"("service_tier":"auto")";
  CHECK(body_of(m, q).ends_with(R"(,"service_tier":"auto"})"));
}

TEST_CASE("anthropic: at most four markers, the last ones, with the life asked for") {
  std::vector<message> messages;
  for (int i = 0; i < 6; ++i)
    messages.push_back({i == 0 ? role::system : role::user, "part" + std::to_string(i), true});
  messages.push_back({role::user, "", true}); // the server refuses empty blocks
  chat_request q{conversation(messages)};
  q.cache = cache_life::hour1;
  const std::string body = body_of(claude(), q);
  std::size_t markers = 0;
  for (std::size_t at = 0;
       (at = body.find(R"("cache_control":{"type":"ephemeral","ttl":"1h"})", at)) != std::string::npos; ++at)
    ++markers;
  CHECK(markers == 4);
  CHECK(body.find(R"("part1"})") != std::string::npos);
  CHECK(body.find(R"("part2","cache_control")") != std::string::npos);
  CHECK(body.find(R"("text":"")") == std::string::npos);
  model_profile none = claude();
  none.takes.cache = caching::none;
  CHECK(body_of(none, q).find("cache_control") == std::string::npos);
}

TEST_CASE("anthropic: long answers are streamed") {
  chat_request q(conversation("s", "u"));
  q.max_tokens = 21'333;
  CHECK_FALSE(anthropic::encode(claude(), q).streamed);
  q.max_tokens = 21'334;
  const http_request r = anthropic::encode(claude(), q);
  CHECK(r.streamed);
  CHECK(r.body.find("\"stream\":true") != std::string::npos);
  q.stream = streaming::never;
  CHECK_FALSE(anthropic::encode(claude(), q).streamed);
}

TEST_CASE("anthropic: a response with everything") {
  const outcome o = decode(R"({"id":"msg_1","type":"message","role":"assistant","model":"claude-x-1",
    "content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"text","text":"one "},
               {"type":"redacted_thinking","data":"x"},{"type":"tool_use","id":"t","name":"n","input":{}},
               {"type":"text","text":"two","citations":null},{"type":"from_the_future","text":"no"}],
    "stop_reason":"stop_sequence","stop_sequence":"END","stop_details":null,
    "usage":{"input_tokens":10,"cache_creation_input_tokens":300,"cache_read_input_tokens":2000,"output_tokens":50,
             "cache_creation":{"ephemeral_5m_input_tokens":200,"ephemeral_1h_input_tokens":100},
             "output_tokens_details":{"thinking_tokens":20},"service_tier":"standard"}})");
  REQUIRE(o.ok());
  const reply& r = o.reply();
  REQUIRE(r.choices.size() == 1);
  CHECK(r.choices[0].text == "one two");
  CHECK(r.choices[0].why == finish::stop);
  CHECK(r.choices[0].complete());
  CHECK(r.id == "msg_1");
  CHECK(r.model == "claude-x-1");
  CHECK(r.request_id == "req_1");
  token_usage u;
  u.input = 2310;
  u.cached = 2000;
  u.cache_write = 200;
  u.cache_write_hour = 100;
  u.output = 50;
  u.reasoning = 20;
  CHECK(r.used == u);
  CHECK(r.used.uncached() == 10);
}

TEST_CASE("anthropic: reasons to end") {
  const std::pair<const char*, finish> reasons[] = {
      {"\"end_turn\"", finish::stop},     {"\"max_tokens\"", finish::length},
      {"\"refusal\"", finish::refusal},   {"\"model_context_window_exceeded\"", finish::length},
      {"\"tool_use\"", finish::tools},    {"\"pause_turn\"", finish::other},
      {"\"new_in_2027\"", finish::other}, {"null", finish::other}};
  for (const auto& [native, expected] : reasons) {
    const outcome o =
        decode(R"({"content":[{"type":"text","text":"t"}],"stop_reason":)" + std::string(native) +
               R"(,"usage":{"input_tokens":1,"output_tokens":1,"cache_read_input_tokens":null}})");
    REQUIRE(o.ok());
    CHECK(o.reply().choices.at(0).why == expected);
    CHECK(o.reply().used.known);
  }
}

TEST_CASE("anthropic: errors, by what they say and by their status") {
  const std::tuple<int, const char*, failure_kind> errors[] = {
      {400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long"},"request_id":"r"})",
       failure_kind::bad_request},
      {400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API"}})",
       failure_kind::budget},
      {400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits."}})",
       failure_kind::budget},
      {401, R"({"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}})",
       failure_kind::configuration},
      {402, R"({"type":"error","error":{"type":"billing_error","message":"pay"}})", failure_kind::budget},
      {403, R"({"type":"error","error":{"type":"permission_error","message":"no"}})",
       failure_kind::configuration},
      {404, R"({"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}})",
       failure_kind::configuration},
      {409, R"({"type":"error","error":{"type":"conflict_error","message":"x"}})",
       failure_kind::server_error},
      {413, R"({"type":"error","error":{"type":"request_too_large","message":"x"}})",
       failure_kind::too_large},
      {429, R"({"type":"error","error":{"type":"rate_limit_error","message":"slow"}})",
       failure_kind::rate_limited},
      {500, R"({"type":"error","error":{"type":"api_error","message":"x"}})", failure_kind::server_error},
      {504, R"({"type":"error","error":{"type":"timeout_error","message":"x"}})", failure_kind::server_error},
      {529, R"({"type":"error","error":{"type":"overloaded_error","message":"x"}})",
       failure_kind::overloaded},
      {200, R"({"type":"error","error":{"type":"overloaded_error","message":"x"}})",
       failure_kind::overloaded},
      {200, R"({"type":"message","content":"text"})", failure_kind::malformed},
      {200, "", failure_kind::malformed},
      {418, "", failure_kind::bad_request},
      {302, "", failure_kind::configuration},
  };
  for (const auto& [status, body, kind] : errors) {
    CAPTURE(body);
    const outcome o = decode(body, status);
    REQUIRE_FALSE(o.ok());
    CHECK(to_string(o.failure().kind) == to_string(kind));
    CHECK(o.failure().status == status);
    CHECK(o.failure().request_id == "req_1");
    CHECK_FALSE(o.failure().message.empty());
  }
}

TEST_CASE("anthropic: a usage that contradicts itself is not known, and nothing said is no reply") {
  const auto used = [](const std::string& usage) {
    return decode(R"({"content":[{"type":"text","text":"t"}],"stop_reason":"end_turn","usage":)" + usage +
                  "}")
        .reply()
        .used;
  };
  CHECK(used(R"({"input_tokens":3,"output_tokens":4,"cache_read_input_tokens":null})").known);
  for (
      const char* no :
      {"null", "{}", R"({"input_tokens":3})", R"({"output_tokens":3})",
       R"({"input_tokens":18446744073709551615,"output_tokens":1})",
       R"({"input_tokens":-3,"output_tokens":1})", R"({"input_tokens":"3","output_tokens":1})",
       R"({"input_tokens":3,"output_tokens":0.5})",
       R"({"input_tokens":9007199254740992,"output_tokens":1,"cache_read_input_tokens":9007199254740992,
            "cache_creation_input_tokens":9007199254740992})",
       R"({"input_tokens":3,"output_tokens":1,"cache_read_input_tokens":-1})",
       R"({"input_tokens":3,"output_tokens":1,"cache_creation_input_tokens":1e99})",
       R"({"input_tokens":3,"output_tokens":1,"cache_creation_input_tokens":5,"cache_creation":{"ephemeral_1h_input_tokens":6}})",
       R"({"input_tokens":3,"output_tokens":1,"output_tokens_details":{"thinking_tokens":2}})"}) {
    CAPTURE(no);
    const token_usage u = used(no);
    CHECK_FALSE(u.known);
    CHECK(u.input <= largest_count);
    CHECK(u.output <= largest_count);
  }
  CHECK_FALSE(
      decode(R"({"content":[],"stop_reason":null,"usage":{"input_tokens":1,"output_tokens":0}})").ok());
  CHECK_FALSE(decode(R"({"content":[{"type":"thinking","thinking":"hm"}]})").ok());
  CHECK(decode(R"({"content":[],"stop_reason":"end_turn"})").ok()); // paid for
}
