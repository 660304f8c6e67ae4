// SPDX-License-Identifier: MIT
// The first request to a model: nothing else is sent before it is answered, what is wrong with an address is
// said soon and with advice, and once a model has answered failures are survived as ever.
#include "strata/llm/fixture.hpp"
#include "strata/llm/transport/certificates.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace llm_test;
using loopback::answer;
using loopback::script;
using strata::llm::failure_kind;
using strata::llm::outcome;

namespace {

/// The retries a user has, except that only a part of the time is waited.
llm::engine_settings unhurried(std::chrono::milliseconds first_contact = 400ms) {
  auto s = quick();
  s.retry = {};
  s.retry.first_contact = first_contact;
  s.transport.connect = 10s;
  s.transport.silent = 600s;
  return s;
}
/// Many requests that all fail with one configuration error within five seconds; returns it.
llm::failure all_fail_soon(llm::model_access where, llm::engine_settings settings = unhurried()) {
  int attempts = 0;
  settings.hooks.on_attempt = [&](const llm::attempt& a) {
    ++attempts;
    CHECK(a.in_flight == 0);
  };
  llm::engine e(std::move(settings));
  llm::client c = e.open(std::move(where));
  llm::failure why;
  int failed = 0;
  for (int i = 0; i < 50; ++i)
    c.submit(question(), [&](const outcome& o) {
      REQUIRE_FALSE(o.ok());
      CHECK_MESSAGE(o.failure().kind == failure_kind::configuration, o.failure().message);
      why = o.failure();
      ++failed;
    });
  const auto began = std::chrono::steady_clock::now();
  e.run();
  CHECK(std::chrono::steady_clock::now() - began < 5s);
  CHECK(failed == 50);
  CHECK(attempts >= 1);
  CHECK(attempts < 15);
  CHECK(c.stopped());
  return why;
}
void says(const llm::failure& why, const std::string& words) {
  CHECK_MESSAGE(why.message.find(words) != std::string::npos, why.message);
}
std::string port_of(int port) { return "127.0.0.1:" + std::to_string(port); }
loopback::act raw(std::string bytes) { return bytes_then_close(std::move(bytes)); }

} // namespace

TEST_CASE("first contact: one request before all others") {
  std::atomic<int> in_flight = 0, peak_before = 0, served = 0;
  loopback::server s([&](loopback::wire& w) {
    loopback::request r;
    while (w.read(r)) {
      const int now = ++in_flight;
      if (served == 0 && now > peak_before) peak_before = now;
      std::this_thread::sleep_for(served == 0 ? 60ms : 5ms);
      --in_flight;
      ++served;
      w.send(loopback::http(200, openai_body()));
    }
  });
  auto settings = quick();
  settings.concurrency = {32, 64};
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  int fine = 0;
  for (int i = 0; i < 100; ++i) c.submit(question(), [&](const outcome& o) { fine += o.ok() ? 1 : 0; });
  e.run();
  CHECK(fine == 100);
  CHECK(peak_before == 1);
  CHECK(s.connections() > 8);
}

TEST_CASE("first contact: nobody listens") {
  int port = 0;
  { port = script({good()}).port(); }
  const auto why = all_fail_soon(openai_at(port_of(port)), unhurried(llm::retry_policy{}.first_contact));
  says(why, "is the server running there, and is the port right?");
  says(why, port_of(port));
  says(why, "nothing has worked there yet");
}

TEST_CASE("first contact: a name that does not exist") {
  const auto why = all_fail_soon(openai_at("http://no-such-host.invalid/v1"));
  says(why, "no-such-host.invalid: the name cannot be looked up");
  says(why, "check the address");
}

TEST_CASE(
    "first contact: nobody accepts") { // a listener whose queue is full, as a port that a firewall drops
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
  says(all_fail_soon(openai_at(port_of(ntohs(a.sin_port))), unhurried(llm::retry_policy{}.first_contact)),
       "connecting took longer than");
  for (const int f : fill) ::close(f);
  ::close(fd);
}

TEST_CASE("first contact: something else answers") {
  struct {
    const char* name;
    loopback::act does;
    const char* said;
  } const cases[] = {
      {"ssh", raw("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "begins 'SSH-2.0-OpenSSH_9.2p1 Debian-2'"},
      {"mail", raw("220 mail.example ESMTP ready\r\n"), "begins '220 mail.example ESMTP ready'"},
      {"bytes", raw(std::string("\x01\x02\x00\xff\xfe", 5)), "does not speak HTTP"},
      {"closes", raw(""), "nothing has worked there yet"},
      {"resets",
       [](loopback::wire& w) {
         w.reset();
         return false;
       },
       "nothing has worked there yet"},
      {"plain text", answer(200, "It works!", "", "text/plain"), "begins 'It works!'; is http"},
      {"other JSON", answer(200, R"({"status":"ok"})"), "with a body that is not an answer"},
      {"page", answer(200, "<html><body>Welcome to nginx!</body></html>", "", "text/html"),
       "a web page came back"},
      {"404 page", answer(404, "<html>404 Not Found</html>", "", "text/html"),
       "there is no such service at http"},
      {"404 text", answer(404, "404 page not found\n", "", "text/plain"),
       "/v1/chat/completions; check the address"},
      {"404 JSON", answer(404, R"({"detail":"Not Found"})"), "which often ends in /v1"},
      {"404 model", error(404, R"({"message":"The model `x` does not exist","code":"model_not_found"})"),
       "check the model's name"},
      {"405", answer(405, "<html>Method Not Allowed</html>", "", "text/html"), "there is no such service"},
      {"501", answer(501, "<html>Unsupported method ('POST')</html>", "", "text/html"),
       "there is no such service"},
      {"moved", answer(307, "", "location: https://elsewhere.example/v1\r\n"), "give that address instead"},
      {"login", answer(302, "", "location: /login\r\n"), "redirects to /login"},
      {"401", error(401, R"({"message":"Invalid key","code":"invalid_api_key"})"), "Invalid key"},
      {"403", answer(403, "Forbidden", "", "text/plain"), "check key, model name and address"},
      {"https expected",
       answer(400, "<html>The plain HTTP request was sent to HTTPS port</html>", "", "text/html"),
       "write https:// in http"},
      {"https expected", answer(400, "Client sent an HTTP request to an HTTPS server.\n", "", "text/plain"),
       "write https:// in http"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    script s({c.does});
    says(all_fail_soon(openai_at(s.authority())), c.said);
    CHECK(s.count() < 15);
  }
}

TEST_CASE("first contact: http where https is spoken, and https where it is not") {
  const loopback::authority ca;
  SUBCASE("http to https") {
    script s({good()}, loopback::with_tls(ca.serve()));
    const auto why = all_fail_soon(openai_at(s.authority()));
    CHECK((why.message.find("write https://") != std::string::npos ||
           why.message.find("nothing has worked there yet") != std::string::npos));
  }
  SUBCASE("an alert of TLS") {
    script s({raw("\x15\x03\x01\x00\x02\x02\x46")});
    says(all_fail_soon(openai_at(s.authority())), "speaks TLS at this port: write https://");
  }
  SUBCASE("https to http") {
    script s({good()});
    says(all_fail_soon(openai_at("https://" + s.authority() + "/v1")), "TLS");
  }
  SUBCASE("self-signed") {
    script s({good()}, loopback::with_tls(ca.serve()));
    says(all_fail_soon(openai_at("https://" + s.authority() + "/v1")), "certificate is not accepted");
    CHECK(s.count() == 0);
  }
}

TEST_CASE("first contact: a server that is starting, overloaded or limited is waited for") {
  for (const auto& slow : {error(503, R"({"message":"Loading model","type":"unavailable_error","code":503})"),
                           error(429, R"({"message":"slow","code":"rate_limit_exceeded"})"),
                           error(500, R"({"message":"oops"})")}) {
    std::vector<loopback::act> acts(6, slow);
    acts.push_back(good());
    script s(acts);
    auto settings = quick();
    settings.retry.first_contact = 1ms;
    CHECK(ask(openai_at(s.authority()), settings).ok());
  }
}

TEST_CASE("first contact: once it has worked, an outage is sat out") {
  std::vector<loopback::act> acts = {good()};
  for (int i = 0; i < 20; ++i) acts.push_back(error(503, R"({"message":"overloaded"})"));
  for (int i = 0; i < 5; ++i) acts.push_back(bytes_then_close(""));
  acts.push_back(good());
  script s(acts);
  auto settings = quick();
  settings.retry.first_contact = 1ms;
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  REQUIRE(ask(e, c).ok());
  CHECK(ask(e, c).ok());
}

TEST_CASE("first contact: a silent server is named, and not given up") {
  std::atomic<bool> go = false;
  loopback::server s([&](loopback::wire& w) {
    loopback::request r;
    while (w.read(r)) {
      while (!go && !w.stopping()) std::this_thread::sleep_for(2ms);
      w.send(loopback::http(200, openai_body()));
    }
  });
  auto settings = quick();
  settings.transport.silent = 60s;
  settings.silence = 40ms;
  int named = 0;
  settings.hooks.on_silence = [&](const llm::model_profile& m, std::chrono::seconds) {
    CHECK(m.base_url.find(s.authority()) != std::string::npos);
    if (++named == 2) go = true; // 40 ms and 160 ms
  };
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  int fine = 0;
  for (int i = 0; i < 20; ++i) c.submit(question(), [&](const outcome& o) { fine += o.ok() ? 1 : 0; });
  e.run();
  CHECK(fine == 20);
  CHECK(named == 2);
  SUBCASE("it can be cancelled") {
    go = false;
    llm::engine other(settings);
    llm::client d = other.open(openai_at(s.authority()));
    int cancelled = 0;
    for (int i = 0; i < 3; ++i)
      d.submit(question(), [&](const outcome& o) {
        cancelled += !o.ok() && o.failure().kind == failure_kind::cancelled ? 1 : 0;
      });
    CHECK(run_until(other, [&] { return other.counters().in_flight == 1; }));
    other.cancel_all("enough");
    other.run();
    CHECK(cancelled == 3);
  }
}

TEST_CASE("what a server does not take: learnt once, told once, taken along to the next run") {
  std::atomic<int> refused = 0;
  loopback::server s([&](loopback::wire& w) {
    loopback::request r;
    while (w.read(r)) {
      const auto has = [&](const char* what) { return r.body.find(what) != std::string::npos; };
      std::string body;
      if (has(R"("n":8)"))
        body =
            R"({"error":{"code":400,"message":"Field 'n': Value must be between 1 <= value <= 2, but got 8","type":"invalid_request_error"}})";
      else if (has(R"("temperature")"))
        body =
            R"({"detail":[{"loc":["body","temperature"],"msg":"extra fields not permitted","type":"value_error.extra"}]})";
      refused += body.empty() ? 0 : 1;
      w.send(body.empty() ? loopback::http(200, openai_body())
                          : loopback::http(body.front() == '{' && has(R"("n":8)") ? 400 : 422, body));
    }
  });
  std::vector<std::string> told;
  std::string learnt;
  auto settings = quick();
  settings.hooks.on_adapted = [&](const llm::model_profile&, std::string_view what, const std::string& all) {
    told.emplace_back(what);
    learnt = all;
  };
  auto q = question();
  q.n = 8;
  q.temperature = 0.7;
  std::string changed;
  const auto ask_many = [&](std::string_view known) {
    llm::engine e(settings);
    llm::client c = e.open(openai_at(s.authority()), known);
    int fine = 0;
    for (int i = 0; i < 30; ++i)
      c.submit(q, [&](const outcome& o) {
        if (!o.ok()) return;
        ++fine;
        changed = o.reply().changed;
      });
    e.run();
    CHECK(fine == 30);
  };
  ask_many("");
  CHECK(refused == 2); // the first request found out for all
  REQUIRE(told.size() == 2);
  CHECK(told[0].find("at most 2 choices are asked for at once (n); it said: ") == 0);
  CHECK(told[1].find("temperature is not sent any more; it said: ") == 0);
  CHECK(learnt == "n 2\nwithout temperature\n");
  CHECK(changed == "max_tokens 1024, role system");
  ask_many(learnt);
  CHECK(refused == 2);
  CHECK(told.size() == 2);
  CHECK(changed == "max_tokens 1024, role system");
}
