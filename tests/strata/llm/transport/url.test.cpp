// SPDX-License-Identifier: MIT
// Addresses of servers: what is read, what is refused, and which ones are on this machine.
#include "strata/llm/transport/url.hpp"

#include <doctest/doctest.h>

#include <string>

using strata::llm::parse_url;
using strata::llm::url;

namespace {

url good(const std::string& text) {
  std::string problem;
  const auto u = parse_url(text, problem);
  REQUIRE_MESSAGE(u, text, ": ", problem);
  return *u;
}

} // namespace

TEST_CASE("url: the parts of an address") {
  CHECK(good("https://API.Example.com/v1/") == url{true, "api.example.com", 443, "/v1"});
  CHECK(good("http://h") == url{false, "h", 80, ""});
  CHECK(good("HTTPS://H/V1") == url{true, "h", 443, "/V1"});
  CHECK(good("Http://h") == url{false, "h", 80, ""});
  CHECK(good("http://h:8000/") == url{false, "h", 8000, ""});
  CHECK(good("http://[2001:DB8::1]:8000/v1") == url{false, "2001:db8::1", 8000, "/v1"});
  CHECK(good("http://[2001:db8::1]:8000/v1").host_header() == "[2001:db8::1]:8000");
  CHECK(good("https://h:443").host_header() == "h");
  CHECK(good("https://h:80").host_header() == "h:80");
  CHECK(good("https://h").authority() == "h:443");
  CHECK(good("https://h:444/a/b/").text() == "https://h:444/a/b");
}

TEST_CASE("url: what is on this machine") {
  for (const char* local : {"http://localhost", "http://127.0.0.1:9", "http://127.9.9.9", "http://[::1]:9"})
    CHECK(good(local).loopback());
  for (const char* other :
       {"http://localhost.example", "http://127.0.0.1.example", "http://10.0.0.1", "http://[::2]"})
    CHECK_FALSE(good(other).loopback());
}

TEST_CASE("url: what is refused") {
  for (const std::string bad : {"",
                                "h",
                                "ftp://h",
                                "http://",
                                "http:///v1",
                                "http://:80",
                                "http://h:",
                                "http://h:0",
                                "http://h:65536",
                                "http://h:8x",
                                "http://h:-1",
                                "http://u@h",
                                "http://u:p@h",
                                "http://h?x=1",
                                "http://h/v1?x",
                                "http://h /",
                                "http://h\r\nx: y",
                                "http://h\x7f",
                                "http://[::1",
                                "http://[::1]x",
                                "http://[h]",
                                "http://a:b:c",
                                "http://h\\",
                                "http://h\xC3\xBC",
                                "http://h/\xC3\xBC",
                                "http://h/\xFF",
                                "HTTP:/h"}) {
    CAPTURE(bad);
    std::string problem;
    CHECK_FALSE(parse_url(bad, problem));
    CHECK_FALSE(problem.empty());
    CHECK(problem.find("u:p") == std::string::npos);
  }
  std::string problem;
  CHECK_FALSE(parse_url("http://" + std::string(5000, 'a'), problem));
}
