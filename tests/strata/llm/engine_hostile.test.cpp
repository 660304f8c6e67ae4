// SPDX-License-Identifier: MIT
// Servers that mean harm: replies of any size and shape are bounded, and a key that is sent back is never
// seen.
#include "strata/llm/fixture.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace llm_test;
using loopback::answer;
using loopback::http;
using loopback::script;
using strata::llm::failure_kind;
using strata::llm::outcome;

TEST_CASE("hostile servers: sizes are bounded") {
  auto settings = quick();
  settings.transport.reply_bytes = 10'000;
  settings.transport.header_bytes = 4'000;
  settings.retry.attempts = 2;
  const auto kind_of = [&](const loopback::act& a, bool streamed = false) {
    script s({a});
    auto q = question();
    if (streamed) q.stream = llm::streaming::always;
    const outcome o = ask(openai_at(s.authority()), settings, q);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().message.size() < 600);
    return o.failure().kind;
  };
  CHECK(kind_of(answer(200, std::string(10'001, ' '))) == failure_kind::too_large);
  CHECK(kind_of(loopback::bytes("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{")) ==
        failure_kind::too_large);
  CHECK(kind_of(loopback::bytes("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n{")) ==
        failure_kind::malformed);
  CHECK(kind_of(loopback::bytes("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}")) ==
        failure_kind::malformed);
  CHECK(kind_of(loopback::bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}")) ==
        failure_kind::malformed);
  CHECK(kind_of(loopback::bytes("HTTP/1.1 200 OK\r\nx: " + std::string(5'000, 'x') + "\r\n\r\n{}")) ==
        failure_kind::malformed);
  CHECK(kind_of(loopback::bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")) ==
        failure_kind::malformed);
  CHECK(
      kind_of(loopback::bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n")) !=
      failure_kind::configuration);
  CHECK(kind_of(loopback::bytes("HTTP/1.1 999999 OK\r\n\r\n")) == failure_kind::malformed);
  CHECK(kind_of(loopback::bytes(std::string(20'000, 'A'))) == failure_kind::malformed);
  CHECK(kind_of(loopback::bytes("\r\n\r\n\r\n\r\n\0\0\0\0")) == failure_kind::malformed);
  std::string chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200; ++i) chunks += "64\r\n" + std::string(100, ' ') + "\r\n";
  CHECK(kind_of(loopback::bytes(chunks)) == failure_kind::too_large);
  std::string info;
  for (int i = 0; i < 20; ++i) info += "HTTP/1.1 102 Processing\r\n\r\n";
  CHECK(kind_of(bytes_then_close(info)) == failure_kind::malformed);
  std::string stream = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
  for (int i = 0; i < 2000; ++i) stream += "data: {\"choices\":[]}\n\n";
  CHECK(kind_of(bytes_then_close(stream), true) == failure_kind::too_large);
}

TEST_CASE("informational responses before the real one are skipped") {
  script s({loopback::bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" +
                            http(200, openai_body()))});
  const outcome o = ask(openai_at(s.authority()));
  REQUIRE_MESSAGE(o.ok(), o.failure().message);
  CHECK(o.reply().choices.at(0).text == "hello");
}

TEST_CASE("case 18: a key that the server sends back, in whatever place, is never seen") {
  const std::string key(canary);
  const std::string escaped = "sk-canary\\/7f3a9b+QZ==do-not-print";
  const std::string unicode = "\\u0073k-canary/7f3a9b+QZ==do-not-print";
  const std::string percent = "sk-canary%2F7f3a9b%2BQZ%3D%3Ddo-not-print";
  std::vector<loopback::act> acts;
  for (const std::string& k : {key, escaped, unicode, percent}) {
    acts.push_back(answer(200,
                          R"({"id":")" + k + R"(","model":")" + k + R"(","system_fingerprint":")" + k +
                              R"(","choices":[{"message":{"content":"your key is )" + k +
                              R"( ok","refusal":")" + k + R"("},"finish_reason":")" + k + R"("}]})",
                          "x-request-id: " + k + "\r\n"));
    acts.push_back(answer(400,
                          R"({"error":{"message":"bad )" + k + R"(","type":")" + k + R"(","code":")" + k +
                              R"(","param":")" + k + R"("}})",
                          "x-request-id: " + k + "\r\n"));
    acts.push_back(answer(401, R"({"error":")" + k + R"("})"));
    acts.push_back(answer(403, "<html>" + k + "</html>", "", "text/html"));
    acts.push_back(
        answer(403, "<html>" + std::string(475, 'x') + k, "", "text/html")); // cut off within the key
    acts.push_back(answer(302, "", "location: https://h/?k=" + k + "\r\n"));
    acts.push_back(answer(429, R"({"error":{"message":")" + k + R"("}})", "retry-after: 99999\r\n"));
    acts.push_back(answer(200, "{}", "content-encoding: " + k + "\r\n"));
    acts.push_back(bytes_then_close("HTTP/1.1 200 " + k + "\r\n" + k + "\r\n\r\n"));
  }
  acts.push_back(bytes_then_close(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"sk-canary/7f3a\"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"9b+QZ==do-not-print\"}}]}\n\ndata: "
      "[DONE]\n\n"));
  acts.push_back(bytes_then_close(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"error\":\"" + key + "\"}\n\n"));
  for (std::size_t i = 0; i < acts.size(); ++i) {
    CAPTURE(i);
    for (const bool claude : {false, true}) {
      script s({acts[i]});
      auto settings = quick();
      settings.retry.attempts = 2;
      std::string seen;
      settings.hooks.on_attempt = [&](const llm::attempt& a) {
        if (a.failed != nullptr)
          for (const auto& t :
               {a.failed->message, a.failed->body, a.failed->code, a.failed->parameter, a.failed->request_id})
            seen += t + "\n";
        seen += a.reaction;
      };
      auto q = question();
      q.stream = llm::streaming::always;
      const outcome o = ask(claude ? anthropic_at(s.authority()) : openai_at(s.authority()), settings, q);
      if (o.ok()) {
        const llm::reply& r = o.reply();
        for (const auto& t : {r.id, r.model, r.fingerprint, r.request_id}) seen += t + "\n";
        for (const auto& c : r.choices) seen += c.text + c.refusal + c.native_finish;
      } else {
        for (const auto& t : {o.failure().message, o.failure().body, o.failure().code, o.failure().request_id,
                              o.failure().parameter})
          seen += t;
      }
      CHECK_MESSAGE(seen.find("canary") == std::string::npos, seen);
      CHECK_MESSAGE(seen.find("do-not-print") == std::string::npos, seen);
      const std::string head = s.requests().at(0).head; // only the server gets it, in one place
      CHECK(head.find((claude ? "x-api-key: " : "authorization: Bearer ") + key + "\r\n") !=
            std::string::npos);
      CHECK(s.requests().at(0).body.find("canary") == std::string::npos);
    }
  }
}

TEST_CASE("a server without a key gets no header for one") {
  script s({good()});
  REQUIRE(ask(openai_at(s.authority(), "")).ok());
  CHECK(s.requests().at(0).head.find("uthorization") == std::string::npos);
}
