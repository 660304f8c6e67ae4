// SPDX-License-Identifier: MIT
// What tests of the engine share: impatient settings, models on a loopback server, and answers that a real
// server would give.
#pragma once

#include "strata/llm/engine.hpp"
#include "strata/llm/loopback.hpp"

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llm_test {

namespace llm = strata::llm;
using namespace std::chrono_literals;

inline constexpr std::string_view canary = "sk-canary/7f3a9b+QZ==do-not-print";

/// Short delays, no proxy from the environment, and timeouts that end a hanging test.
inline llm::engine_settings quick() {
  llm::engine_settings s;
  s.retry.base = 2ms;
  s.retry.longest = 20ms;
  s.transport.connect = 5s;
  s.transport.silent = 5s;
  s.transport.silent_stream = 5s;
  s.transport.total = 10s;
  s.transport.proxy = "";
  return s;
}

inline llm::model_access openai_at(const std::string& address, std::string_view key = canary) {
  llm::model_access a;
  a.model.provider = "test";
  a.model.name = "some-model";
  a.model.base_url = address.find("://") == std::string::npos ? "http://" + address + "/v1" : address;
  a.model.speaks = llm::protocol::openai_chat;
  a.model.takes.max_n = 8;
  a.model.takes.seed = true;
  a.key = llm::secret(key);
  return a;
}
inline llm::model_access anthropic_at(const std::string& address, std::string_view key = canary) {
  llm::model_access a;
  a.model.provider = "test";
  a.model.name = "some-model";
  a.model.base_url = "http://" + address;
  a.model.speaks = llm::protocol::anthropic_messages;
  a.model.takes.cache = llm::caching::marked;
  a.key = llm::secret(key);
  return a;
}

inline llm::chat_request question(std::string text = "say hello") {
  return llm::chat_request(llm::conversation("You are terse.", std::move(text)));
}

/// One choice as OpenAI sends it.
inline std::string openai_body(std::string_view text = "hello") {
  return R"({"id":"c1","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":")" +
         std::string(text) +
         R"(","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}})";
}
inline std::string anthropic_body(std::string_view text = "hello") {
  return R"({"id":"m1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":")" +
         std::string(text) +
         R"("}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":3}})";
}
inline loopback::act good(std::string_view text = "hello") {
  return loopback::answer(200, openai_body(text));
}
inline loopback::act error(int status, std::string_view inner, std::string_view headers = "") {
  return loopback::answer(status, R"({"error":)" + std::string(inner) + "}", headers);
}
/// Sends the bytes and ends the connection.
inline loopback::act bytes_then_close(std::string raw) {
  return [raw = std::move(raw)](loopback::wire& w) {
    w.send(raw);
    return false;
  };
}

/// What happened at every attempt: the reaction, or the message of the failure.
struct log {
  std::vector<std::string> reactions;
  std::vector<std::string> messages;

  void attach(llm::engine_settings& s) {
    s.hooks.on_attempt = [this](const llm::attempt& a) {
      reactions.emplace_back(a.reaction);
      messages.push_back(
          a.failed != nullptr ? a.failed->message + " | " + a.failed->body + " | " + a.failed->code : "");
    };
  }
};

/// Works until something has become true, at most for ten seconds.
template <class F> bool run_until(llm::engine& e, F&& done) {
  for (int i = 0; i < 2000; ++i) {
    if (done()) return true;
    e.run_for(5ms);
  }
  return false;
}

/// Asks once and returns the outcome.
inline llm::outcome ask(llm::engine& e, llm::client& c, llm::chat_request q = question()) {
  llm::outcome out = llm::failure{.message = "no outcome"};
  c.submit(std::move(q), [&out](llm::outcome o) { out = std::move(o); });
  e.run();
  return out;
}
inline llm::outcome ask(llm::model_access where, llm::engine_settings settings = quick(),
                        llm::chat_request q = question()) {
  llm::engine e(std::move(settings));
  llm::client c = e.open(std::move(where));
  return ask(e, c, std::move(q));
}

} // namespace llm_test
