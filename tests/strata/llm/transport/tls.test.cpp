// SPDX-License-Identifier: MIT
// TLS against servers with certificates of a test's own authority: what is trusted works, and everything else
// is refused before a request is sent, with a message that says why.
#include "strata/llm/fixture.hpp"
#include "strata/llm/transport/certificates.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace llm_test;
using loopback::authority;
using loopback::script;
using loopback::subject;
using loopback::with_tls;
using strata::llm::failure_kind;
using strata::llm::outcome;

namespace {

llm::engine_settings trusting(const authority& ca) {
  auto s = quick();
  s.transport.ca_file = ca.file();
  s.transport.system_certificates = false;
  return s;
}
std::string secure(const script& s, const std::string& host = "127.0.0.1") {
  return "https://" + host + ":" + std::to_string(s.port()) + "/v1";
}

void check_refused(const authority& trusted, const script& s, const std::string& why,
                   const std::string& host = "127.0.0.1") {
  const outcome o = ask(openai_at(secure(s, host)), trusting(trusted));
  REQUIRE_FALSE(o.ok());
  CHECK(o.failure().kind == failure_kind::configuration);
  CHECK_MESSAGE(o.failure().message.find(why) != std::string::npos, o.failure().message);
  CHECK(o.failure().message.find(host + ":" + std::to_string(s.port())) != std::string::npos);
  CHECK(o.failure().message.find(trusted.file()) != std::string::npos);
  CHECK(s.count() == 0); // no request, and above all no key
}

} // namespace

TEST_CASE("tls: a trusted server is talked to, over connections that are kept") {
  const authority ca;
  script s({good()}, with_tls(ca.serve()));
  llm::engine e(trusting(ca));
  llm::client c = e.open(openai_at(secure(s)));
  for (int i = 0; i < 5; ++i) {
    const outcome o = ask(e, c);
    REQUIRE_MESSAGE(o.ok(), o.failure().message);
    CHECK(o.reply().choices.at(0).text == "hello");
  }
  CHECK(s.connections() == 1);
  CHECK(s.requests().at(0).head.find("authorization: Bearer " + std::string(canary)) != std::string::npos);
}

TEST_CASE("tls: names are looked up, and tried until one answers") {
  const authority ca;
  script s({good()}, with_tls(ca.serve({.names = "DNS:localhost"})));
  const outcome o =
      ask(openai_at(secure(s, "localhost")), trusting(ca)); // ::1 may come first: nobody is there
  REQUIRE_MESSAGE(o.ok(), o.failure().message);
  CHECK(o.reply().attempts == 1);
}

TEST_CASE("tls: requests and replies of many records") {
  const authority ca;
  const std::string text(3'000'000, 'x');
  script s({good(text)}, with_tls(ca.serve()));
  const outcome o = ask(openai_at(secure(s)), trusting(ca), question(std::string(2'000'000, 'q')));
  REQUIRE_MESSAGE(o.ok(), o.failure().message);
  CHECK(o.reply().choices.at(0).text == text);
  CHECK(s.requests().at(0).body.size() > 2'000'000);
}

TEST_CASE("tls: certificates that are not accepted") {
  const authority ca;
  const authority stranger;
  SUBCASE("another address") {
    check_refused(ca, script({good()}, with_tls(ca.serve({.names = "DNS:localhost"}))),
                  "IP address mismatch");
  }
  SUBCASE("another name") {
    check_refused(ca, script({good()}, with_tls(ca.serve({.names = "DNS:elsewhere.example"}))),
                  "ostname mismatch", "localhost");
  }
  SUBCASE("expired") {
    check_refused(ca, script({good()}, with_tls(ca.serve({.from_days = -30, .to_days = -1}))),
                  "certificate has expired");
  }
  SUBCASE("from the future") {
    check_refused(ca, script({good()}, with_tls(ca.serve({.from_days = 1, .to_days = 30}))), "not yet valid");
  }
  SUBCASE("an authority that is not known") {
    check_refused(ca, script({good()}, with_tls(stranger.serve())), "unable to get local issuer certificate");
  }
}

TEST_CASE("case 8: a handshake that fails is tried again a few times") {
  const authority ca;
  SUBCASE("it works the second time") {
    std::atomic<int> connections = 0;
    const auto tls = with_tls(ca.serve());
    script s({good()}, [&](int fd, const std::atomic<bool>& stop) -> std::unique_ptr<loopback::wire> {
      if (connections++ > 0) return tls(fd, stop);
      ::close(fd);
      return nullptr;
    });
    const outcome o = ask(openai_at(secure(s)), trusting(ca));
    REQUIRE_MESSAGE(o.ok(), o.failure().message);
    CHECK(o.reply().attempts == 2);
  }
  SUBCASE("the server does not speak TLS") {
    loopback::server s([](loopback::wire& w) {
      std::string ignored;
      w.receive(ignored);
      w.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    auto settings = trusting(ca);
    settings.retry.attempts = 50;
    log l;
    l.attach(settings);
    const outcome o = ask(openai_at("https://" + s.authority() + "/v1"), settings);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::configuration); // nothing has ever worked there
    CHECK(o.failure().message.find("write http:// in its address") != std::string::npos);
    CHECK(o.failure().message.find("TLS handshake failed") != std::string::npos);
    CHECK(l.reactions.size() == 3);
  }
  SUBCASE("the server falls silent") {
    loopback::server s([](loopback::wire& w) { w.stay_silent(); });
    auto settings = trusting(ca);
    settings.transport.connect = 80ms;
    settings.retry.attempts = 2;
    const outcome o = ask(openai_at("https://" + s.authority() + "/v1"), settings);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::timeout);
  }
}

TEST_CASE("tls: what is broken on a plain connection is broken here too") {
  const authority ca;
  const std::string body = openai_body();
  script s({bytes_then_close("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + body),
            [&](loopback::wire& w) {
              w.send(loopback::http(200, body).substr(0, 150));
              w.reset();
              return false;
            },
            [&](loopback::wire& w) {
              w.send_in_pieces(loopback::http(200, body), 7);
              return true;
            }},
           with_tls(ca.serve()));
  const outcome o = ask(openai_at(secure(s)), trusting(ca));
  REQUIRE_MESSAGE(o.ok(), o.failure().message);
  CHECK(o.reply().attempts == 3);
}

TEST_CASE("tls: a CA file that cannot be read is said at once") {
  auto s = quick();
  s.transport.ca_file = "/nonexistent/ca.pem";
  CHECK_THROWS_WITH(llm::engine{s}, doctest::Contains("/nonexistent/ca.pem"));
}
