// SPDX-License-Identifier: MIT
// What networks and broken servers do to a client, played as raw bytes.
// The case numbers are those of failure.hpp.
#include "strata/llm/fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

using namespace llm_test;
using loopback::answer;
using loopback::bytes;
using loopback::http;
using loopback::script;
using strata::llm::failure_kind;
using strata::llm::outcome;

namespace {

const std::string json_head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

/// The first attempt goes wrong, the second brings the reply.
void check_survives(const loopback::act& trouble, llm::engine_settings settings = quick(),
                    llm::chat_request q = question()) {
  script s({trouble, good()});
  const outcome o = ask(openai_at(s.authority()), std::move(settings), std::move(q));
  REQUIRE_MESSAGE(o.ok(), o.failure().message);
  CHECK(o.reply().choices.at(0).text == "hello");
  CHECK(o.reply().attempts == 2);
  CHECK(s.count() == 2);
}

} // namespace

TEST_CASE("case 1: a truncated body is never taken for an answer") {
  const std::string body = openai_body();
  SUBCASE("shorter than its content-length") {
    check_survives(bytes_then_close(json_head + "content-length: " + std::to_string(body.size() + 10) +
                                    "\r\n\r\n" + body));
  }
  SUBCASE("without the last chunk") {
    check_survives(bytes_then_close(json_head + "transfer-encoding: chunked\r\n\r\n10\r\n" +
                                    body.substr(0, 16) + "\r\n"));
  }
  SUBCASE("without any framing, cut in the middle") {
    check_survives(bytes_then_close(json_head + "\r\n" + body.substr(0, body.size() - 5)));
  }
  SUBCASE("without any framing, but whole") {
    script s({bytes_then_close(json_head + "\r\n" + body)});
    const outcome o = ask(openai_at(s.authority()));
    REQUIRE(o.ok());
    CHECK(o.reply().attempts == 1);
  }
  SUBCASE("longer than its content-length") {
    check_survives(
        bytes(json_head + "content-length: " + std::to_string(body.size() - 10) + "\r\n\r\n" + body));
  }
}

TEST_CASE("case 5: compressed bodies are read, and lies about compression are survived") {
  // gzip of {"choices":[{"message":{"content":"zipped"},"finish_reason":"stop"}]}
  const auto unhex = [](std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return out;
  };
  const std::string zipped =
      unhex("1f8b08000000000002030dc9b10d80300c04c05dbe6682ac82108a8c212eb02d3e155176876b6f40"
            "5a982851d6815bc97a29ca808477f58e82d732f5c05c709a1bdbfe6865f83fec9198dbfc008616b9"
            "8345000000");
  const std::string deflated =
      unhex("789c0dc9b10d80300c04c05dbe6682ac82108a8c212eb02d3e155176876b6f405a982851d6815bc9"
            "7a29ca808477f58e82d732f5c05c709a1bdbfe6865f83fec9198dbfc005c4118c5");
  SUBCASE("gzip") {
    script s({answer(200, zipped, "content-encoding: gzip\r\n")});
    const outcome o = ask(openai_at(s.authority()));
    REQUIRE_MESSAGE(o.ok(), o.failure().message);
    CHECK(o.reply().choices.at(0).text == "zipped");
    CHECK(s.requests().at(0).head.find("accept-encoding: identity") != std::string::npos);
  }
  SUBCASE("deflate") {
    script s({answer(200, deflated, "content-encoding: deflate\r\n")});
    const outcome o = ask(openai_at(s.authority()));
    REQUIRE(o.ok());
    CHECK(o.reply().choices.at(0).text == "zipped");
  }
  SUBCASE("not compressed at all") {
    check_survives(answer(200, openai_body(), "content-encoding: gzip\r\n"));
  }
  SUBCASE("cut off") {
    check_survives(answer(200, zipped.substr(0, zipped.size() - 9), "content-encoding: gzip\r\n"));
  }
  SUBCASE("with a wrong sum") {
    std::string wrong = zipped;
    wrong[wrong.size() - 6] ^= 1;
    check_survives(answer(200, wrong, "content-encoding: gzip\r\n"));
  }
  SUBCASE("an encoding that was not asked for") {
    check_survives(answer(200, "\x0b\x02", "content-encoding: br\r\n"));
  }
  SUBCASE("a bomb") { // 1 MiB of zeros in 1 KiB
    const std::string bomb =
        unhex("1f8b0800000000000203edc13101000000c2a0f54f6d085fa0000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
              "003e031cea38a700001000");
    auto settings = quick();
    settings.transport.reply_bytes = 65536;
    check_survives(answer(200, bomb, "content-encoding: gzip\r\n"), settings);
  }
}

TEST_CASE("case 6: chunks may be cut anywhere") {
  const std::string body = openai_body("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80 \\u00e9\\ud83d\\ude00");
  for (const std::size_t size : {1U, 2U, 3U, 7U}) {
    std::string chunked = json_head + "transfer-encoding: chunked\r\n\r\n";
    for (std::size_t i = 0; i < body.size(); i += size) {
      const std::string piece = body.substr(i, size);
      chunked += std::to_string(piece.size()) + ";x=y\r\n" + piece + "\r\n";
    }
    chunked += "0\r\nx-trailer: 1\r\n\r\n";
    script s({[chunked](loopback::wire& w) {
      w.send_in_pieces(chunked, 40);
      return true;
    }});
    const outcome o = ask(openai_at(s.authority()));
    REQUIRE(o.ok());
    CHECK(o.reply().choices.at(0).text == "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80 \xC3\xA9\xF0\x9F\x98\x80");
  }
}

TEST_CASE("case 7: a connection that breaks is replaced") {
  SUBCASE("reset in the middle of the body") {
    check_survives([](loopback::wire& w) {
      w.send(json_head + "content-length: 500\r\n\r\n{\"choices\":");
      std::this_thread::sleep_for(20ms);
      w.reset();
      return false;
    });
  }
  SUBCASE("closed before any byte") { check_survives(bytes_then_close("")); }
  SUBCASE("reset before any byte") {
    check_survives([](loopback::wire& w) {
      w.reset();
      return false;
    });
  }
  SUBCASE("bytes that are no HTTP") { check_survives(bytes_then_close("SSH-2.0-OpenSSH_9.2\r\n")); }
  SUBCASE("a failure after sending says that it may be billed") {
    script s({bytes_then_close("")});
    auto settings = quick();
    settings.retry.attempts = 2;
    const outcome o = ask(openai_at(s.authority()), settings);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::connection);
    CHECK(o.failure().may_be_billed);
    CHECK(s.count() == 2);
  }
  SUBCASE("nobody listens") {
    int port = 0;
    { port = script({good()}).port(); }
    auto settings = quick();
    settings.retry.attempts = 3;
    log l;
    l.attach(settings);
    const outcome o = ask(openai_at("127.0.0.1:" + std::to_string(port)), settings);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::connection);
    CHECK_FALSE(o.failure().may_be_billed);
    CHECK(o.failure().message.find("127.0.0.1:" + std::to_string(port)) != std::string::npos);
    CHECK(l.reactions.size() == 3);
  }
}

TEST_CASE("case 11: a kept connection that the server closed costs no attempt and no time") {
  // the second request on a connection is read and not answered
  std::atomic<int> served = 0;
  loopback::server s([&](loopback::wire& w) {
    loopback::request r;
    if (!w.read(r)) return;
    ++served;
    w.send(http(200, openai_body()));
    w.read(r);
  });
  auto settings = quick();
  settings.retry.base = 1h; // a counted attempt would be noticed
  settings.retry.longest = 1h;
  settings.retry.attempts = 2;
  log l;
  l.attach(settings);
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  for (int i = 0; i < 3; ++i) REQUIRE(ask(e, c).ok());
  CHECK(served == 3);
  CHECK(std::count(l.reactions.begin(), l.reactions.end(), "once more on a new connection") == 2);
}

TEST_CASE("case 11: a connection whose end was already seen is not used at all") {
  loopback::server s([&](loopback::wire& w) {
    loopback::request r;
    if (w.read(r)) w.send(http(200, openai_body()));
  });
  auto settings = quick();
  log l;
  l.attach(settings);
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(ask(e, c).ok());
    std::this_thread::sleep_for(30ms); // for the end to arrive
  }
  CHECK(l.reactions == std::vector<std::string>{"done", "done", "done"});
  CHECK(s.connections() == 3);
}

TEST_CASE("case 12: silence ends, also behind bytes that mean nothing") {
  auto settings = quick();
  SUBCASE("no byte at all") {
    settings.transport.silent = 300ms;
    check_survives(
        [](loopback::wire& w) {
          w.stay_silent();
          return false;
        },
        settings);
  }
  SUBCASE("blank lines for ever") {
    settings.transport.silent = 300ms;
    settings.transport.total = 400ms;
    check_survives(
        [](loopback::wire& w) {
          w.send(json_head + "transfer-encoding: chunked\r\n\r\n");
          for (int i = 0; i < 100 && !w.stopping(); ++i) {
            w.send("1\r\n\n\r\n");
            std::this_thread::sleep_for(10ms);
          }
          return false;
        },
        settings);
  }
  SUBCASE("blank lines, then the answer") {
    script s({[](loopback::wire& w) {
      w.send(json_head + "transfer-encoding: chunked\r\n\r\n");
      for (int i = 0; i < 10; ++i) w.send_in_pieces("1\r\n\n\r\n", 3);
      char size[16];
      std::snprintf(size, sizeof size, "%zx", openai_body().size());
      w.send(size + ("\r\n" + openai_body()) + "\r\n0\r\n\r\n");
      return true;
    }});
    const outcome o = ask(openai_at(s.authority()), settings);
    REQUIRE(o.ok());
    CHECK(o.reply().choices.at(0).text == "hello");
  }
  SUBCASE("comments in a stream") {
    settings.transport.silent_stream = 300ms;
    settings.transport.total = 400ms;
    auto q = question();
    q.stream = llm::streaming::always;
    check_survives(
        [](loopback::wire& w) {
          w.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n");
          for (int i = 0; i < 100 && !w.stopping(); ++i) {
            w.send(": keep-alive\n\n");
            std::this_thread::sleep_for(10ms);
          }
          return false;
        },
        settings, q);
  }
  SUBCASE("nobody accepts") { // a listener whose queue is full
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&a), size) == 0);
    REQUIRE(::listen(fd, 0) == 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size);
    std::vector<int> fill;
    for (int i = 0; i < 3; ++i) {
      fill.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)::connect(fill.back(), reinterpret_cast<sockaddr*>(&a), size);
    }
    settings.transport.connect = 80ms;
    settings.retry.attempts = 2;
    const outcome o = ask(openai_at("127.0.0.1:" + std::to_string(ntohs(a.sin_port))), settings);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::timeout);
    CHECK(o.failure().message.find("connecting took longer than 80 ms") != std::string::npos);
    for (const int f : fill) ::close(f);
    ::close(fd);
  }
}

TEST_CASE("case 14: a stream counts only if its texts have ended") {
  const std::string head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
  const auto delta = [](std::string_view text) {
    return R"(data: {"choices":[{"index":0,"delta":{"content":")" + std::string(text) + "\"}}]}\n\n";
  };
  const std::string end =
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
  auto q = question();
  q.stream = llm::streaming::always;
  const auto survives = [&](const std::string& broken) {
    script s({bytes_then_close(broken), bytes_then_close(head + delta("he") + delta("llo") + end)});
    const outcome o = ask(openai_at(s.authority()), quick(), q);
    REQUIRE_MESSAGE(o.ok(), o.failure().message);
    CHECK(o.reply().choices.at(0).text == "hello");
    CHECK(o.reply().used.input == 7);
    CHECK(o.reply().attempts == 2);
  };
  SUBCASE("the end is missing") { survives(head + delta("he")); }
  const auto first = [&](const loopback::act& act,
                         llm::model_access (*at)(const std::string&, std::string_view)) {
    auto settings = quick();
    settings.transport.silent_stream =
        400ms; // shorter than it takes to notice the end of a finished stream late
    script s({act});
    const outcome o = ask(at(s.authority(), canary), settings, q);
    REQUIRE_MESSAGE(o.ok(), o.failure().message);
    CHECK(o.reply().choices.at(0).text == "hello");
    CHECK(o.reply().attempts == 1);
    return o.reply().used;
  };
  /// Sends the bytes, then pings for as long as anybody listens.
  const auto then_ping = [](const std::string& bytes, const std::string& ping) -> loopback::act {
    return [=](loopback::wire& w) {
      w.send(bytes);
      while (!w.stopping()) {
        w.send(ping);
        std::this_thread::sleep_for(20ms);
      }
      return false;
    };
  };
  SUBCASE("only [DONE] is missing") {
    const std::string undone = head + delta("hello") + end.substr(0, end.find("data: [DONE]"));
    CHECK(first(bytes_then_close(undone), openai_at).input == 7);
    CHECK(first(then_ping(undone, ": ping\n\n"), openai_at).input == 7);
  }
  SUBCASE("[DONE], then pings") {
    CHECK(first(then_ping(head + delta("hello") + end, ": ping\n\n"), openai_at).input == 7);
  }
  SUBCASE("message_stop, then pings") {
    const std::string all =
        head +
        "data: "
        "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n"
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"hello\"}}\n\n"
        "data: "
        "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":4}"
        "}\n\n"
        "data: {\"type\":\"message_stop\"}\n\n";
    CHECK(first(then_ping(all, "event: ping\ndata: {\"type\":\"ping\"}\n\n"), anthropic_at).input == 7);
  }
  SUBCASE("neither usage nor [DONE], then pings") {
    const std::string bare =
        head + delta("hello") +
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    CHECK_FALSE(first(bytes_then_close(bare), openai_at).known);
    CHECK_FALSE(first(then_ping(bare, ": ping\n\n"), openai_at).known);
  }
  SUBCASE("nothing but the last event") {
    script s({bytes_then_close(head + "data: {\"type\":\"message_stop\"}\n\n"),
              loopback::answer(200, anthropic_body())});
    const outcome o = ask(anthropic_at(s.authority()), quick(), q);
    REQUIRE(o.ok());
    CHECK(o.reply().attempts == 2);
  }
  SUBCASE("a stream nobody asked for that stays open, its type in capitals") {
    script s({then_ping("HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream; charset=utf-8\r\n\r\n" +
                            delta("hello") + end,
                        ": ping\n\n")});
    const outcome o = ask(openai_at(s.authority()));
    REQUIRE(o.ok());
    CHECK(o.reply().choices.at(0).text == "hello");
  }
  SUBCASE("an error after the beginning") {
    survives(head + delta("he") + "data: {\"error\":{\"code\":502,\"message\":\"upstream\"}}\n\n");
  }
  SUBCASE("an error instead of anything") {
    survives(head + "event: error\ndata: {\"error\":\"overloaded\"}\n\n");
  }
  SUBCASE("not JSON") { survives(head + "data: {\"choi\n\n" + end); }
  SUBCASE("a stream that stays open after its last event") {
    script s({[&](loopback::wire& w) {
      w.send(head + delta("hello") + end);
      w.stay_silent();
      return false;
    }});
    const outcome o = ask(openai_at(s.authority()), quick(), q);
    REQUIRE(o.ok());
    CHECK(o.reply().choices.at(0).text == "hello");
  }
  SUBCASE("a server that streams without being asked") {
    script s({bytes_then_close(head + delta("hello") + end)});
    const outcome o = ask(openai_at(s.authority()));
    REQUIRE(o.ok());
    CHECK(o.reply().choices.at(0).text == "hello");
  }
  SUBCASE("a server that does not stream") {
    script s({good()});
    const outcome o = ask(openai_at(s.authority()), quick(), q);
    REQUIRE(o.ok());
    CHECK(o.reply().choices.at(0).text == "hello");
  }
  SUBCASE("Anthropic") {
    const std::string start = "event: message_start\ndata: "
                              "{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_"
                              "tokens\":9,\"output_tokens\":1}}}\n\n"
                              "event: content_block_delta\ndata: "
                              "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_"
                              "delta\",\"text\":\"hello\"}}\n\n";
    const std::string stop = "event: message_delta\ndata: "
                             "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":"
                             "{\"output_tokens\":4}}\n\n"
                             "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    script s({bytes_then_close(head + start),
              bytes_then_close(
                  head + start +
                  "event: error\ndata: "
                  "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n"),
              bytes_then_close(head + start + stop)});
    const outcome o = ask(anthropic_at(s.authority()), quick(), q);
    REQUIRE_MESSAGE(o.ok(), o.failure().message);
    CHECK(o.reply().choices.at(0).text == "hello");
    CHECK(o.reply().used.input == 9);
    CHECK(o.reply().used.output == 4);
    CHECK(o.reply().attempts == 3);
  }
}
