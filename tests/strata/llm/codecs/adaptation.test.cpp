// SPDX-License-Identifier: MIT
// Learning from refusals: complaints of many servers, each parameter once, and nothing learnt from other
// complaints.
#include "strata/llm/codecs/adaptation.hpp"

#include "strata/llm/codecs/codec.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace strata::llm;

namespace {

failure refusal(const std::string& message, const std::string& parameter = "", const std::string& code = "") {
  return failure{.kind = failure_kind::bad_request,
                 .message = message,
                 .status = 400,
                 .code = code,
                 .parameter = parameter};
}
model_profile everything(protocol speaks = protocol::openai_chat) {
  model_profile m;
  m.provider = "test";
  m.name = "some-model";
  m.speaks = speaks;
  m.takes.max_n = 8;
  m.takes.seed = m.takes.cache_key = true;
  m.takes.reasoning = reasoning_control::effort_field;
  return m;
}
/// With every parameter there is.
chat_request asked() {
  chat_request q(conversation("Be terse.", "Say hello."));
  q.max_tokens = 4096;
  q.temperature = 0.7;
  q.top_p = 0.9;
  q.seed = 7;
  q.stop = {"###"};
  q.n = 8;
  q.reasoning = effort::minimal;
  q.cache_key = "strata";
  q.stream = streaming::always;
  return q;
}

} // namespace

TEST_CASE("adaptation: what servers say") {
  struct {
    const char* message;
    const char* learnt;
  } const cases[] = {
      {"`temperature` is deprecated for this model.", "temperature"},
      {"Unsupported parameter: 'top_p' is not supported with this model.", "top_p"},
      {"Invalid JSON payload received. Unknown name \"seed\": Cannot find field.", "seed"},
      {"litellm.UnsupportedParamsError: claude does not support parameters: ['n'], for model=x", "n is"},
      {"only 1 completion choice is supported: `n`", "n is"},
      {"stop: Extra inputs are not permitted", "stop"},
      {"Unrecognized request argument supplied: prompt_cache_key", "prompt_cache_key"},
      {"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
       "instead.",
       "max_completion_tokens is sent"},
      {"reasoning_effort is not supported by this model", "effort"},
      {"stream_options: unknown parameter", "stream_options"},
      {"messages[0].role: 'system' is not supported, use 'developer'", "role developer"},
      {"role 'system' is not supported", "role user"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.message);
    model_profile m = everything();
    adaptation a;
    CHECK(learn(a, m, refusal(c.message), asked()).find(c.learnt) != std::string::npos);
    CHECK_FALSE(m.takes == everything().takes);
    const capabilities before = m.takes;
    if (std::string(c.learnt) != "role developer")
      CHECK(learn(a, m, refusal(c.message), asked()).empty()); // never twice
    if (std::string(c.learnt) != "role developer") CHECK(m.takes == before);
  }
}

TEST_CASE("adaptation: the name of the limit is changed once, not back and forth") {
  model_profile m = everything();
  m.takes.max_tokens_field = "max_completion_tokens";
  adaptation a;
  CHECK_FALSE(learn(a, m, refusal("unknown parameter", "max_completion_tokens"), asked()).empty());
  CHECK(m.takes.max_tokens_field == "max_tokens");
  CHECK(learn(a, m, refusal("unsupported", "max_tokens"), asked()).empty());
  CHECK(m.takes.max_tokens_field == "max_tokens");
}

TEST_CASE("adaptation: other complaints teach nothing") {
  for (const char* message :
       {"This model's maximum context length is 8192 tokens", "temperature must be between 0 and 2",
        "max_tokens: 99999 > 8192, which is the maximum allowed number of output tokens",
        "messages: roles must alternate", "", "the network is not supported", "this content is not permitted",
        "request (9031 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "Invalid 'messages[0].content': string too long. Expected a string with maximum length 1048576",
        "max_tokens must be at most 8192", "n must be between 1 and 128",
        "The input was flagged; please don't ask for that", "seeds of doubt"}) {
    CAPTURE(message);
    model_profile m = everything();
    adaptation a;
    CHECK(learn(a, m, refusal(message), asked()) == "");
    CHECK(m.takes == everything().takes);
    CHECK(a.empty());
  }
  model_profile m = everything();
  adaptation a;
  failure other = refusal("`temperature` is deprecated");
  other.kind = failure_kind::configuration;
  CHECK(learn(a, m, other, asked()).empty());
  SUBCASE("nor a complaint about what was not sent") {
    chat_request plain(conversation("Be terse.", "Say hello."));
    for (const char* name : {"temperature", "top_p", "seed", "stop", "n", "prompt_cache_key",
                             "stream_options", "reasoning_effort"})
      CHECK(learn(a, m, refusal("Unsupported parameter", name, "unsupported_parameter"), plain).empty());
  }
}

namespace {

/// A refusal as a server sent it, through the codec that reads it.
failure from_server(const model_profile& m, int status, const std::string& body) {
  http_response r;
  r.status = status;
  r.headers = {{"content-type", "application/json"}};
  r.body = body;
  const outcome o = decode(m, asked(), r, {});
  REQUIRE_FALSE(o.ok());
  return o.failure();
}

} // namespace

TEST_CASE("adaptation: refusals of OpenAI, vLLM, llama.cpp, Ollama, Together, Gemini, Anthropic and others") {
  constexpr auto chat = protocol::openai_chat;
  constexpr auto messages = protocol::anthropic_messages;
  struct {
    protocol speaks;
    int status;
    const char* body;
    const char* learnt; // as it is stored
  } const cases[] =
      {
          // OpenAI
          {chat, 400,
           R"~({"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}})~",
           "limit_as max_completion_tokens"},
          {chat, 400,
           R"~({"error":{"message":"Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}})~",
           "without temperature"},
          {chat, 400,
           R"~({"error":{"message":"max_tokens is too large: 4096. This model supports at most 2048 completion tokens, whereas you provided 4096.","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}})~",
           "max_tokens 2048"},
          {chat, 400,
           R"~({"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested 9096 tokens (5000 in the messages, 4096 in the completion). Please reduce the length of the messages or completion.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})~",
           "max_tokens 2993"},
          {chat, 400,
           R"~({"error":{"message":"Invalid 'n': integer above maximum value. Expected a value <= 4, but got 8 instead.","type":"invalid_request_error","param":"n","code":"integer_above_max_value"}})~",
           "n 4"},
          {chat, 400,
           R"~({"error":{"message":"Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: 'low', 'medium', and 'high'.","type":"invalid_request_error","param":"reasoning_effort","code":"unsupported_value"}})~",
           "efforts low medium high"},
          {chat, 400,
           R"~({"error":{"message":"Unrecognized request argument supplied: reasoning_effort","type":"invalid_request_error","param":null,"code":null}})~",
           "without reasoning"},
          {chat, 400,
           R"~({"error":{"message":"Unsupported parameter: 'stop' is not supported with this model.","type":"invalid_request_error","param":"stop","code":"unsupported_parameter"}})~",
           "without stop"},
          {chat, 400,
           R"~({"error":{"message":"Unsupported value: 'messages[0].role' does not support 'system' with this model.","type":"invalid_request_error","param":"messages[0].role","code":"unsupported_value"}})~",
           "role user"},
          {chat, 400,
           R"~({"error":{"message":"Unknown parameter: 'prompt_cache_key'.","type":"invalid_request_error","param":"prompt_cache_key","code":"unknown_parameter"}})~",
           "without prompt_cache_key"},
          // vLLM
          {chat, 400,
           R"~({"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5096 tokens (1000 in the messages, 4096 in the completion). Please reduce the length of the messages or completion.","type":"BadRequestError","param":null,"code":400})~",
           "max_tokens 2903"},
          {chat, 400,
           R"~({"error":{"message":"'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 4096 tokens and your request has 1096 input tokens (4096 > 4096 - 1096). None","type":"BadRequestError","param":null,"code":400}})~",
           "max_tokens 2813"},
          {chat, 400,
           R"~({"error":{"message":"'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 4608 tokens and your request has 1008 input tokens (4096 > 4608 - 1008). None","type":"BadRequestError","param":null,"code":400}})~",
           "max_tokens 3375"},
          {chat, 400,
           R"~({"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'prompt_cache_key'), 'msg': 'Extra inputs are not permitted', 'input': 'strata'}]","type":"BadRequestError","param":null,"code":400})~",
           "without prompt_cache_key"},
          {chat, 400,
           R"~({"error":{"message":"Stream options can only be defined when `stream=True`. stream_options is not supported","type":"BadRequestError","param":null,"code":400}})~",
           "without stream_options"},
          {chat, 400,
           R"~({"error":{"message":"n must be 1 in this deployment, got 8.","type":"BadRequestError","param":"n","code":400}})~",
           "n 1"},
          // llama.cpp
          {chat, 400,
           R"~({"error":{"code":400,"message":"Field 'n': Value must be between 1 <= value <= 2, but got 8","type":"invalid_request_error"}})~",
           "n 2"},
          {chat, 400,
           R"~({"error":{"code":400,"message":"request (9031 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9031,"n_ctx":4096}})~",
           ""},
          {chat, 400,
           R"~({"error":{"code":400,"message":"n_choices is not supported: only one completion choice is allowed","type":"invalid_request_error"}})~",
           "n 1"},
          // Ollama
          {chat, 400,
           R"~({"error":{"message":"json: unknown field \"seed\"","type":"invalid_request_error","param":null,"code":null}})~",
           "without seed"},
          {chat, 400,
           R"~({"error":"\"some-model\" does not support thinking: reasoning_effort is not available"})~",
           "without reasoning"},
          // Together
          {chat, 422,
           R"~({"error":{"message":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 5121 `inputs` tokens and 4096 `max_new_tokens`","type":"invalid_request_error","param":null,"code":null}})~", "max_tokens 2880"},
          {chat, 400,
           R"~({"error":{"message":"n must be between 1 and 4","type":"invalid_request_error","param":"n","code":"invalid_parameter"}})~",
           "n 4"},
          // Gemini
          {chat, 400,
           R"~([{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"seed\": Cannot find field.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"description":"Invalid JSON payload received. Unknown name \"seed\": Cannot find field."}]}]}}])~",
           "without seed"},
          {chat, 400,
           R"~([{"error":{"code":400,"message":"Unable to submit request because it has a maxOutputTokens value of 4096 but the supported range is from 1 (inclusive) to 2049 (exclusive). Update the value and try again.","status":"INVALID_ARGUMENT"}}])~",
           "max_tokens 2048"},
          {chat, 400,
           R"~([{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT","details":[{"fieldViolations":[{"field":"generation_config.candidate_count","description":"must be at most 2"}]}]}}])~",
           "n 1"},
          {chat, 400,
           R"~([{"error":{"code":400,"message":"Only one candidate can be specified: candidateCount must be 1","status":"INVALID_ARGUMENT"}}])~",
           "n 1"},
          // Anthropic
          {messages, 400,
           R"~({"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 4096 > 2048, which is the maximum allowed number of output tokens for some-model"},"request_id":"req_1"})~",
           "max_tokens 2048"},
          {messages, 400,
           R"~({"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 197904 + 4096 > 200000, decrease input length or `max_tokens` and try again"}})~",
           "max_tokens 1965"},
          {messages, 400,
           R"~({"type":"error","error":{"type":"invalid_request_error","message":"`temperature` is deprecated for this model."}})~",
           "without temperature"},
          {messages, 400,
           R"~({"type":"error","error":{"type":"invalid_request_error","message":"`temperature` and `top_p` cannot both be specified for this model. Please use only one."}})~",
           "without top_p"},
          {messages, 400,
           R"~({"type":"error","error":{"type":"invalid_request_error","message":"temperature: Input should be less than or equal to 0.5"}})~",
           "max_temperature 0.5"},
          {messages, 400,
           R"~({"type":"error","error":{"type":"invalid_request_error","message":"output_config.effort: Input should be 'low', 'medium', 'high' or 'max'"}})~",
           "efforts low medium high max"},
          {messages, 400,
           R"~({"type":"error","error":{"type":"invalid_request_error","message":"system.0.cache_control: Extra inputs are not permitted"}})~",
           "without cache_control"},
          {messages, 400,
           R"~({"type":"error","error":{"type":"invalid_request_error","message":"thinking: Extra inputs are not permitted"}})~",
           "without reasoning"},
          // DeepSeek, Mistral, Groq, LiteLLM, FastAPI
          {chat, 400,
           R"~({"error":{"message":"Invalid n value (currently only n = 1 is supported)","type":"invalid_request_error","param":null,"code":"invalid_request_error"}})~",
           "n 1"},
          {chat, 400,
           R"~({"error":{"message":"Invalid max_tokens value, the valid range of max_tokens is [1, 2048]","type":"invalid_request_error","param":null,"code":"invalid_request_error"}})~",
           "max_tokens 2048"},
          {chat, 422,
           R"~({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":7}]},"type":"invalid_request_error","param":null,"code":null})~",
           "without seed"},
          {chat, 422,
           R"~({"detail":[{"loc":["body","n"],"msg":"ensure this value is less than or equal to 3","type":"value_error.number.not_le","ctx":{"limit_value":3}}]})~",
           "n 3"},
          {chat, 422,
           R"~({"detail":[{"loc":["body","top_p"],"msg":"extra fields not permitted","type":"value_error.extra"}]})~",
           "without top_p"},
          {chat, 400,
           R"~({"error":{"message":"`max_tokens` must be less than or equal to `2,048`, the maximum value for `max_tokens` is less than the `context_window` for this model","type":"invalid_request_error"}})~",
           "max_tokens 2048"},
          {chat, 400,
           R"~({"error":{"message":"litellm.UnsupportedParamsError: anthropic does not support parameters: ['n'], for model=x. To drop these, set `litellm.drop_params=True`","type":null,"param":null,"code":"400"}})~",
           "n 1"},
      };
  for (const auto& c : cases) {
    CAPTURE(c.body);
    model_profile m = everything(c.speaks);
    if (c.speaks == messages) {
      m.takes.reasoning = reasoning_control::adaptive;
      m.takes.cache = caching::marked;
    }
    adaptation a;
    const failure refused = from_server(m, c.status, c.body);
    CHECK(refused.kind == failure_kind::bad_request);
    const std::string words = learn(a, m, refused, asked());
    CHECK(words.empty() == a.empty());
    CHECK(a.text() == (*c.learnt == '\0' ? "" : std::string(c.learnt) + "\n"));
  }
}

TEST_CASE("adaptation: temperatures") {
  model_profile m = everything();
  adaptation a;
  auto q = asked();
  q.temperature = 0;
  q.n = 1;
  CHECK(learn(a, m, refusal("`temperature` must be strictly positive"), q) ==
        "temperature 0 is sent as 0.01");
  CHECK(sent_temperature(m.takes, q) == 0.01);
  q.temperature = 1.5;
  CHECK(learn(a, m, refusal("temperature must be between 0 and 1"), q) == "temperatures are lowered to 1");
  CHECK(sent_temperature(m.takes, q) == 1.0);
  m = everything();
  q.temperature = 0;
  q.n = 8;
  CHECK(learn(a, m, refusal("n must be 1 when using greedy sampling (temperature 0), got 8."), q) ==
        "one choice is asked for at temperature 0");
  CHECK(sent_choices(m.takes, q) == 1);
  q.temperature = 0.7;
  CHECK(sent_choices(m.takes, q) == 8);
}

TEST_CASE("adaptation: members of a user's own are left out when they are refused") {
  model_profile m = everything();
  m.takes.extra_body = R"("top_k":40,"chat_template_kwargs":{"a":[1,"}\"",{"b":2}],"c":","},"min_p":0.1)";
  adaptation a;
  CHECK(learn(a, m, refusal("Unrecognized request argument supplied: chat_template_kwargs"), asked()) ==
        "chat_template_kwargs is not sent any more");
  CHECK(m.takes.extra_body == R"("top_k":40,"min_p":0.1)");
  CHECK_FALSE(learn(a, m, refusal("extra fields not permitted", "top_k"), asked()).empty());
  CHECK_FALSE(learn(a, m, refusal("extra fields not permitted", "min_p"), asked()).empty());
  CHECK(m.takes.extra_body.empty());
  for (const char* broken :
       {"", ",", "\"", "\"a", "\"a\":", "\"a\":[", ":::", "\"a\":\"\\", "]}", "\"a\" 1"}) {
    m.takes.extra_body = broken;
    (void)learn(a, m, refusal("extra fields not permitted", "a"), asked());
  }
}

TEST_CASE("adaptation: a server that lies is not followed for ever") {
  model_profile m = everything();
  adaptation a;
  int lessons = 0;
  std::uint32_t limit = 4096;
  for (int i = 0; i < 1000; ++i) { // whatever is asked for is one too many
    limit = sent_max_tokens(m.takes, asked());
    lessons +=
        learn(a, m, refusal("max_tokens must be at most " + std::to_string(limit - 1)), asked()).empty() ? 0
                                                                                                         : 1;
    lessons += learn(a, m, refusal("unsupported parameter", "temperature"), asked()).empty() ? 0 : 1;
  }
  CHECK(lessons == static_cast<int>(adaptation::most));
}

TEST_CASE("adaptation: what was learnt is stored as text, and the same afterwards") {
  model_profile m = everything();
  adaptation a;
  for (const char* message :
       {"n must be between 1 and 2", "max_tokens must be at most 1000", "seed is not supported",
        "Unsupported value: 'temperature' does not support 0.7", "role 'system' is not supported",
        "reasoning_effort: supported values are low and high", "stop is not allowed"})
    CHECK_FALSE(learn(a, m, refusal(message), asked()).empty());
  CHECK(a.size() == 7);
  const adaptation again = adaptation::read(a.text());
  CHECK(again == a);
  model_profile same = everything();
  again.apply(same.takes);
  CHECK(same.takes == m.takes);
  SUBCASE("what is not understood is left out") {
    CHECK(adaptation::read("n 2\nwithout gravity\nn x\n\nn 0\nmax_tokens -1\nrole admin\nefforts none at "
                           "all\nn 99999999999\n")
              .text() == "n 2\nefforts none at all\n");
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "n 2\n";
    CHECK(adaptation::read(many).size() == adaptation::most);
  }
  SUBCASE("requests know whether they are sent as asked") {
    const capabilities before = everything().takes;
    CHECK(changed_parameters(before, before, asked()).empty());
    CHECK_FALSE(changed_parameters(before, m.takes, asked()).empty());
    chat_request modest(conversation("Be terse.", "Say hello."));
    modest.max_tokens = 500;
    capabilities fewer = before;
    fewer.max_n = 1;
    fewer.seed = fewer.temperature = fewer.stop = false; // nothing that it asks for
    CHECK(changed_parameters(before, fewer, modest).empty());
  }
}
