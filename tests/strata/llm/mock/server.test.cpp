// SPDX-License-Identifier: MIT
// The scripted server on a socket: keep-alive, streams, broken connections, limits, many clients, TLS,
// stopping.
#include "strata/llm/mock/server.hpp"

#include "strata/llm/mock/support.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace strata::llm;
using namespace strata::llm::mock;
using namespace mock_test;
using namespace std::chrono_literals;

namespace {

const std::string hello = "Hello, world. How are you today?";

struct running {
  explicit running(settings s = {}, answerer a = canned(hello)) : server(std::move(s), std::move(a)) {
    server.start();
  }
  response ask(std::string_view path, std::string_view body) {
    connection c(server.port());
    c.send(post(path, body));
    return c.read();
  }
  mock::server server;
};

/// What `check` says, once it is true or five seconds have passed.
template <class Check> bool soon(Check check) {
  for (int i = 0; i < 500; ++i) {
    if (check()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return check();
}

} // namespace

TEST_CASE("requests follow each other on one connection, also without waiting") {
  running r;
  connection c(r.server.port());
  for (int i = 0; i < 3; ++i) {
    c.send(post(chat_path, chat_body()));
    const auto answer = c.read();
    CHECK(answer.complete);
    CHECK(answer.json().at("choices").at(0).at("message").at("content") == hello.c_str());
  }
  c.send(post(chat_path, chat_body()) + post(messages_path, message_body()));
  CHECK(c.read().json().at("object") == "chat.completion");
  CHECK(c.read().json().at("type") == "message");
  c.send("GET /mock/stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto stats = c.read();
  CHECK(stats.json().at("requests") == 5);
  CHECK(stats.json().at("connections") == 1);
  CHECK(stats.body.find(canary) == std::string::npos);
  CHECK(c.closes(2000));
}

TEST_CASE("a stream arrives event by event, at the pace that was set") {
  settings s;
  s.latency = {30, 30};
  s.token_ms = 5;
  s.event_tokens = 2;
  running r(s);
  const auto began = std::chrono::steady_clock::now();
  const auto answer = r.ask(chat_path, chat_body("hi", R"(,"stream":true)"));
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(answer.complete);
  CHECK(answer.chunks.size() == 1 + 4 + 1 + 1); // role, text, reason, [DONE]
  for (const auto& chunk : answer.chunks) CHECK(chunk.ends_with("\n\n"));
  CHECK(took >= 30ms + 6 * 10ms);
  const auto again = std::chrono::steady_clock::now();
  CHECK(r.ask(chat_path, chat_body()).complete);
  CHECK(std::chrono::steady_clock::now() - again >= 30ms + 8 * 5ms);
}

TEST_CASE("broken connections are broken on the wire") {
  const auto with = [](misbehaviour kind) {
    settings s;
    s.failures = failure_plan({{kind, 1.0}});
    s.silence_for = 100ms;
    return s;
  };
  using m = misbehaviour;
  for (const m kind : {m::truncated, m::reset, m::no_end, m::closed, m::silence, m::drip, m::tls}) {
    CAPTURE(to_string(kind));
    for (const char* more : {"", R"(,"stream":true)"}) {
      running r(with(kind));
      const auto answer = r.ask(chat_path, chat_body("hi", more));
      const bool whole = kind == m::no_end && *more != '\0'; // only events are missing
      CHECK(answer.closed != whole);
      CHECK(answer.complete == whole);
      if (kind == m::closed || kind == m::silence || kind == m::tls) CHECK(answer.status == 0);
      if (kind == m::tls) {
        connection next(r.server.port());
        CHECK(next.closes(2000));
        CHECK(r.ask("/x", "").status == 404); // only one is broken
      }
      CHECK(r.server.stats().delivered.replies == 0);
    }
  }
  running idle(with(m::idle_close));
  connection c(idle.server.port());
  c.send(post(chat_path, chat_body()));
  const auto answer = c.read();
  CHECK(answer.complete);
  CHECK(answer.header("connection").empty());
  CHECK(c.closes(2000));
}

TEST_CASE("hostile clients: too large, too slow, no HTTP") {
  settings s;
  s.most_body = 10'000;
  s.most_bodies = 15'000;
  s.request_within = 600ms;
  s.idle_for = 600ms;
  running r(s);
  const std::string head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n";
  const auto status = [&](const std::string& bytes) {
    connection c(r.server.port());
    c.send(bytes);
    return c.read().status;
  };
  CHECK(status(head + "Content-Length: 10001\r\n\r\n") == 413);
  CHECK(status(head + "Content-Length: 99999999999999999999\r\n\r\n") == 400);
  CHECK(status(head + "Transfer-Encoding: chunked\r\n\r\n5000\r\n" + std::string(0x5000, 'x') +
               "\r\n0\r\n\r\n") == 413);
  CHECK(status("GET / HTTP/1.1\r\n" + std::string(70'000, 'a') + "\r\n\r\n") == 431);
  CHECK(status("\x16\x03\x01 this is TLS, or nonsense\r\n\r\n") == 400);
  CHECK(status("DELETE /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer k\r\n\r\n") == 405);

  connection first(r.server.port()), slow(r.server.port());
  first.send(head + "Content-Length: 9000\r\n\r\n"); // promises 9 of 15 kB
  CHECK(soon([&] { return status(head + "Content-Length: 9000\r\n\r\n{") == 503; }));
  CHECK(status(head + "Content-Length: " + std::to_string(chat_body().size()) + "\r\n\r\n" + chat_body()) ==
        200);
  slow.send("POST /v1/chat");
  CHECK(first.closes(5000));
  CHECK(slow.closes(5000));
  CHECK(soon([&] { return r.server.stats().open_connections == 0; }));
  CHECK(r.ask(chat_path, chat_body()).status == 200);
}

TEST_CASE("a client that leaves while it waits gets nothing, and its sample is given to the next") {
  settings s;
  s.latency = {100, 100};
  running r(s, [](const question&, std::uint64_t sample) { return "#" + std::to_string(sample); });
  {
    connection c(r.server.port());
    c.send(post(messages_path, message_body()));
    CHECK(soon([&] { return r.server.stats().requests == 1; }));
  }
  CHECK(soon([&] { return r.server.stats().undelivered.replies == 1; }));
  CHECK(r.ask(messages_path, message_body()).json().at("content").at(0).at("text") == "#0");
}

TEST_CASE("curl's Expect: 100-continue is answered") {
  running r;
  connection c(r.server.port());
  const std::string body = chat_body();
  c.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nExpect: "
         "100-continue\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n");
  CHECK(c.read().status == 100);
  c.send(body);
  CHECK(c.read().status == 200);
}

TEST_CASE("hundreds of clients at once on one thread, each with its own samples") {
  rlimit descriptors{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &descriptors) == 0);
  const std::size_t many = std::min<std::size_t>(400, descriptors.rlim_cur / 2 - 50);
  settings s;
  s.latency = {50, 100};
  running r(s, [](const question& q, std::uint64_t sample) {
    return std::string(q.last_user) + std::to_string(sample);
  });
  std::vector<connection> all;
  for (std::size_t i = 0; i < many; ++i) all.emplace_back(r.server.port());
  const auto began = std::chrono::steady_clock::now();
  for (auto& c : all) c.send(post(messages_path, message_body("#")));
  std::set<std::string> texts;
  for (auto& c : all) texts.insert(std::string(c.read().json().at("content").at(0).at("text").as_string()));
  CHECK(texts.size() == many); // nobody got another's
  CHECK(std::chrono::steady_clock::now() - began < 8s);
  CHECK(r.server.stats().most_connections == many);
  CHECK(r.server.stats().delivered.replies == many);
}

TEST_CASE("more connections than allowed wait for their turn") {
  settings s;
  s.most_connections = 2;
  running r(s);
  std::vector<connection> all;
  for (int i = 0; i < 6; ++i) {
    all.emplace_back(r.server.port());
    all.back().send(post(chat_path, chat_body()));
  }
  for (auto& c : all) {
    CHECK(c.read().status == 200);
    c.close();
  }
  CHECK(r.server.stats().most_connections <= 2);
}

TEST_CASE("stopping lets replies in progress end, within its patience") {
  settings s;
  s.latency = {200, 200};
  running r(s);
  connection busy(r.server.port()), idle(r.server.port());
  busy.send(post(chat_path, chat_body()));
  CHECK(soon([&] { return r.server.stats().requests == 1; }));
  const auto began = std::chrono::steady_clock::now();
  r.server.stop();
  CHECK(std::chrono::steady_clock::now() - began < 1500ms);
  CHECK(busy.read().complete);
  CHECK(idle.closes(1000));
  CHECK_FALSE(connection(r.server.port()).open());
  CHECK(r.server.stats().delivered.replies == 1);

  s.latency = {20'000, 20'000};
  s.grace = 100ms;
  running impatient(s);
  connection waits(impatient.server.port());
  waits.send(post(chat_path, chat_body()));
  CHECK(soon([&] { return impatient.server.stats().requests == 1; }));
  impatient.server.stop();
  CHECK(waits.read().status == 0);
  CHECK(impatient.server.stats().undelivered.replies == 1);
}

TEST_CASE("what cannot be listened on is said in one line") {
  running r;
  settings s;
  s.port = r.server.port();
  const auto why = [&]() -> std::string {
    try {
      const mock::server other(s, canned("x"));
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "accepted";
  };
  CHECK(why() == "cannot listen on 127.0.0.1:" + std::to_string(s.port) + ": Address already in use");
  s.address = "nonsense";
  CHECK(why().starts_with("cannot understand the address nonsense"));
  s.address = "127.0.0.1";
  s.port = 0;
  s.tls_certificate = s.tls_key = "/nonexistent.pem";
  CHECK(why().starts_with("/nonexistent.pem: is no certificate"));
}
