// SPDX-License-Identifier: MIT
// HTTPS through a proxy: which server goes through which proxy, the tunnel itself, and proxies that refuse.
#include "strata/llm/transport/proxy.hpp"
#include "strata/llm/fixture.hpp"
#include "strata/llm/transport/certificates.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace llm_test;
using loopback::authority;
using loopback::script;
using loopback::with_tls;
using strata::llm::failure_kind;
using strata::llm::outcome;

namespace {

llm::url server(const std::string& text) {
  std::string problem;
  const auto u = llm::parse_url(text, problem);
  REQUIRE_MESSAGE(u, problem);
  return *u;
}

/// Opens the tunnel that is asked for, and carries bytes until one side ends.
class tunnel {
 public:
  explicit tunnel(std::string refusal = {}, std::string first = {})
      : refusal_(std::move(refusal)), first_(std::move(first)),
        server_([this](loopback::wire& w) { serve(w); }) {}
  [[nodiscard]] std::string authority() const { return server_.authority(); }
  [[nodiscard]] std::vector<loopback::request> requests() const { return journal_.all(); }

 private:
  void serve(loopback::wire& w) {
    loopback::request r;
    if (!w.read(r)) return;
    journal_.add(r);
    if (!refusal_.empty()) return w.send(refusal_);
    const std::size_t colon = r.head.find(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(r.head.c_str() + colon + 1)));
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
      w.send(first_ + "HTTP/1.1 200 Connection established\r\nproxy-agent: test\r\n\r\n");
      pollfd both[2] = {{w.descriptor(), POLLIN, 0}, {fd, POLLIN, 0}};
      while (!w.stopping()) {
        if (::poll(both, 2, 10) <= 0) continue;
        char bytes[65536];
        bool ended = false;
        for (int i = 0; i < 2; ++i) {
          if (both[i].revents == 0) continue;
          const auto n = ::recv(both[i].fd, bytes, sizeof bytes, 0);
          if (n <= 0 || ::send(both[1 - i].fd, bytes, static_cast<std::size_t>(n), MSG_NOSIGNAL) != n)
            ended = true;
        }
        if (ended) break;
      }
    }
    ::close(fd);
  }

  std::string refusal_, first_;
  loopback::journal journal_;
  loopback::server server_;
};

outcome ask_through(const tunnel& t, const script& s, const authority& ca, const std::string& user = "") {
  auto settings = quick();
  settings.transport.ca_file = ca.file();
  settings.transport.system_certificates = false;
  settings.transport.proxy = "http://" + user + t.authority();
  settings.retry.attempts = 2;
  return ask(openai_at("https://" + s.authority() + "/v1"), settings);
}

} // namespace

TEST_CASE("proxy: the environment chooses as curl reads it") {
  std::map<std::string, std::string> variables;
  const llm::environment env = [&](const std::string& name) { return variables[name]; };
  const auto through = [&](const std::string& address) {
    const auto p = llm::proxy_for(server(address), std::nullopt, env);
    return p ? p->address.authority() : "";
  };
  CHECK(through("https://api.example.com") == "");
  variables["HTTPS_PROXY"] = "http://proxy.example:3128";
  CHECK(through("https://api.example.com") == "proxy.example:3128");
  CHECK(through("http://api.example.com") == "");
  variables["https_proxy"] = "other.example:8080";
  CHECK(through("https://api.example.com") == "other.example:8080");
  variables["NO_PROXY"] = "localhost, .example.org,api.example.com,10.0.0.1:8443,::1";
  CHECK(through("https://api.example.com") == "");
  CHECK(through("https://v2.api.example.com") == "");
  CHECK(through("https://myapi.example.com") == "other.example:8080");
  CHECK(through("https://example.org") == "");
  CHECK(through("https://a.b.example.org") == "");
  CHECK(through("https://10.0.0.1:8443") == "");
  CHECK(through("https://10.0.0.1") == "other.example:8080");
  CHECK(through("https://[::1]:99") == "");
  variables["NO_PROXY"] = "*";
  CHECK(through("https://anything.example") == "");
  CHECK(llm::proxy_for(server("https://a.example"), "", env) == std::nullopt);
  CHECK(llm::proxy_for(server("https://a.example"), "p.example:1", env)->address.port == 1);
  CHECK(llm::proxy_for(server("https://a.example"), "HTTP://p.example:1", env)->address.port == 1);
}

TEST_CASE("proxy: NO_PROXY names hosts, domains and ranges") {
  const struct {
    const char* list;
    const char* host;
    bool direct;
  } rows[] = {
      {"example.com", "example.com", true},
      {"example.com", "www.example.com", true},
      {"example.com", "notexample.com", false},
      {"example.com", "example.com.evil.org", false},
      {".example.com", "example.com", true},
      {".example.com", "a.b.example.com", true},
      {".example.com", "badexample.com", false},
      {"example.com.", "example.com", true},
      {".example.com.", "www.example.com", true},
      {"example.com", "www.example.com.", true},
      {"EXAMPLE.com", "www.Example.COM", true},
      {"a.example,b.example", "b.example", true},
      {"a.example, b.example", "b.example", true},
      {"  a.example\t,, b.example  ", "b.example", true},
      {"a.example b.example", "b.example", true},
      {"*", "any.example", true},
      {" * ", "any.example", true},
      {"*.example.com", "www.example.com", false},
      {"a,*", "any.example", false},
      {".", "any.example", false},
      {"", "any.example", false},
      {",", "any.example", false},
      {"com", "example.com", true},
      {"10.0.0.0/8", "10.1.2.3", true},
      {"10.0.0.0/8", "11.1.2.3", false},
      {"192.168.1.128/25", "192.168.1.200", true},
      {"192.168.1.128/25", "192.168.1.100", false},
      {"10.0.0.1", "10.0.0.1", true},
      {"10.0.0.1/32", "10.0.0.1", true},
      {"10.0.0.1/33", "10.0.0.1", false},
      {"10.0.0.1/x", "10.0.0.1", false},
      {"0.1", "10.0.0.1", false},
      {".0.1", "10.0.0.1", false},
      {"10.0.0.0/8", "host.10.0.0.0", false},
      {"fd00::/8", "[fd12::1]", true},
      {"fd00::/8", "[fe80::1]", false},
      {"2001:db8::1", "[2001:DB8:0::1]", true},
      {"[::1]", "[::1]", true},
      {"example.com:8443", "example.com:8443", true},
      {"example.com:8443", "example.com", false},
      {"[::1]:99", "[::1]:99", true},
      {"[::1]:99", "[::1]:98", false},
  };
  for (const auto& r : rows) {
    CAPTURE(r.list);
    CAPTURE(r.host);
    CHECK(llm::without_proxy(r.list, server("https://" + std::string(r.host))) == r.direct);
  }
}

TEST_CASE("proxy: informational answers before the tunnel is open") {
  const authority ca;
  script s({good()}, with_tls(ca.serve()));
  const tunnel t("", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n");
  const outcome o = ask_through(t, s, ca);
  REQUIRE_MESSAGE(o.ok(), o.failure().message);
  CHECK(o.reply().choices.at(0).text == "hello");
  const tunnel never([] {
    std::string all;
    for (int i = 0; i < 100; ++i) all += "HTTP/1.1 100 Continue\r\n\r\n";
    return all;
  }());
  CHECK_FALSE(ask_through(never, s, ca).ok());
}

TEST_CASE("proxy: addresses that cannot be used are refused without repeating the password") {
  for (const char* bad : {"https://u:secretpassword@p:1", "socks5://u:secretpassword@p",
                          "http://u:secretpassword@p:99999", "http://u:secretpassword@"}) {
    try {
      (void)llm::parse_proxy(bad);
      FAIL("accepted ", bad);
    } catch (const std::runtime_error& e) {
      CHECK(std::string(e.what()).find("secretpassword") == std::string::npos);
    }
  }
  std::string wire;
  llm::parse_proxy("http://user:p%40ss@h:1").credentials.reveal_to(wire);
  CHECK(wire == "dXNlcjpwQHNz"); // user:p@ss
}

TEST_CASE("proxy: requests go through its tunnel, and are encrypted inside") {
  const authority ca;
  script s({good()}, with_tls(ca.serve()));
  tunnel t;
  const outcome o = ask_through(t, s, ca, "user:hunter22@");
  REQUIRE_MESSAGE(o.ok(), o.failure().message);
  CHECK(o.reply().choices.at(0).text == "hello");
  REQUIRE(t.requests().size() == 1);
  const std::string head = t.requests()[0].head;
  CHECK(head.starts_with("CONNECT " + s.authority() + " HTTP/1.1\r\n"));
  CHECK(head.find("Proxy-Authorization: Basic dXNlcjpodW50ZXIyMg==\r\n") != std::string::npos);
  CHECK(head.find(canary) == std::string::npos);
}

TEST_CASE("proxy: refusals") {
  const authority ca;
  script s({good()}, with_tls(ca.serve()));
  SUBCASE("password wanted") {
    const outcome o = ask_through(tunnel("HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n"), s, ca);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::configuration);
    CHECK(o.failure().message.find("HTTPS_PROXY") != std::string::npos);
  }
  SUBCASE("not allowed") {
    const outcome o = ask_through(tunnel("HTTP/1.1 403 No\r\n\r\n"), s, ca);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::configuration);
  }
  SUBCASE("cannot reach the server just now") {
    const tunnel t("HTTP/1.1 503 Later\r\n\r\n");
    const outcome o = ask_through(t, s, ca);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::connection);
    CHECK(t.requests().size() == 2);
  }
  SUBCASE("no HTTP at all") {
    const outcome o = ask_through(tunnel("SOCKS what\r\n\r\n"), s, ca);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::configuration);
  }
  SUBCASE("an endless header") {
    const outcome o = ask_through(tunnel("HTTP/1.1 200 OK\r\nx: " + std::string(100'000, 'x')), s, ca);
    REQUIRE_FALSE(o.ok());
    CHECK(o.failure().kind == failure_kind::malformed);
  }
  CHECK(s.count() == 0);
}
