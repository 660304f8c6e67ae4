// SPDX-License-Identifier: MIT
// Keys that cannot be printed by accident, and their removal from texts.
#include "strata/llm/secret.hpp"

#include <doctest/doctest.h>

#include <concepts>
#include <sstream>
#include <string>
#include <type_traits>

using strata::llm::redactor;
using strata::llm::secret;

namespace {

template <class T>
concept printable = requires(std::ostream& out, const T& t) {
  out << t;
};
static_assert(!printable<secret>);
static_assert(!std::equality_comparable<secret>);
static_assert(!std::convertible_to<secret, std::string>);
static_assert(!std::convertible_to<std::string, secret>); // not by accident either

} // namespace

TEST_CASE("secret: it is trimmed, and refused without being repeated") {
  std::string wire = "x: ";
  secret(" \tsk-123\r\n").reveal_to(wire);
  CHECK(wire == "x: sk-123");
  CHECK(secret("  ").empty());
  for (const char* bad : {"sk 123", "sk\r\nx-evil: 1", "sk\x01", "schl\xC3\xBCssel", "sk\x7f"}) {
    try {
      const secret s(bad);
      FAIL("accepted");
    } catch (const std::invalid_argument& e) {
      CHECK(std::string(e.what()).find("sk") == std::string::npos);
    }
  }
}

TEST_CASE("redactor: every occurrence, in every form") {
  const redactor r{secret("sk-proj-abc/DEF+ghi=123456")};
  CHECK(r.cleaned("") == "");
  CHECK(r.cleaned("nothing here") == "nothing here");
  CHECK(r.cleaned("sk-proj-abc/DEF+ghi=123456") == "[key]");
  CHECK(r.cleaned("a sk-proj-abc/DEF+ghi=123456sk-proj-abc/DEF+ghi=123456 b") == "a [key][key] b");
  CHECK(r.cleaned("?k=sk-proj-abc%2FDEF%2Bghi%3D123456&x") == "?k=[key]&x");
  CHECK(r.cleaned(R"({"k":"sk-proj-abc\/DEF+ghi=123456"})") == R"({"k":"[key]"})");
  CHECK(r.cleaned("cut off: sk-proj-abc/DEF+g") == "cut off: [key]");
  CHECK(r.cleaned("\\u0073k-proj-abc/DEF+ghi=123456") == "\\u0073[key]");
  CHECK(r.cleaned("ends with DEF+ghi=123456.") == "ends with [key].");
  CHECK(r.cleaned("keys begin with sk-proj-") == "keys begin with sk-proj-");
  CHECK(r.found_in("x sk-proj-abc/DEF+ghi=123456 y"));
  CHECK_FALSE(r.found_in("x sk-proj y"));
}

TEST_CASE("redactor: a placeholder of a key does not destroy the text") {
  const redactor r{secret("x")};
  CHECK(r.cleaned("example x, (x) x-ray max") == "example [key], ([key]) x-ray max");
  CHECK_FALSE(r.found_in("x"));
  std::string program = "return step.Promote().apply(x)"; // what a model wrote stays as it is
  r.clean_whole(program, redactor::telling);
  CHECK(program == "return step.Promote().apply(x)");
  const redactor none;
  CHECK(none.cleaned("text") == "text");
  CHECK(none.empty());
}
