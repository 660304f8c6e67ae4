// SPDX-License-Identifier: MIT
// Keys that cannot be printed by accident.
#include "strata/llm/secret.hpp"

#include <doctest/doctest.h>

#include <concepts>
#include <sstream>
#include <string>
#include <type_traits>

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
  for (const char* bad : {"sk 123", "sk\r\nx-evil: 1", "sk\x01", "schl\xC3\xBCssel", "sk\x7f", "sk\xFF"}) {
    try {
      const secret s(bad);
      FAIL("accepted");
    } catch (const std::invalid_argument& e) {
      CHECK(std::string(e.what()).find("sk") == std::string::npos);
    }
  }
  CHECK_NOTHROW(secret(std::string(secret::longest, 'k')));
  CHECK_THROWS_AS(secret(std::string(secret::longest + 1, 'k')), std::invalid_argument);
}
