// SPDX-License-Identifier: MIT
// Grouping by class, with hashed keys, with keys that can only be compared, and with programs as their own
// keys.
#include "strata/isomorphism.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

struct plain {
  using task = int;
  using program = std::string;
};
struct by_length {
  using task = int;
  using program = std::string;
  static std::size_t isomorphism_key(const program& p) { return p.size(); }
};
struct compared {
  struct key {
    std::size_t n;
    bool operator==(const key&) const = default;
  };
  using task = int;
  using program = std::string;
  static key isomorphism_key(const program& p) { return {p.size()}; }
};
using classes = std::vector<std::vector<std::size_t>>;

} // namespace

TEST_CASE("classes and members come in order of first appearance") {
  const std::vector<std::string> programs = {"bb", "a", "cc", "bb", "d", "eee"};
  CHECK(strata::isomorphism_classes<plain>(programs) == classes{{0, 3}, {1}, {2}, {4}, {5}});
  CHECK(strata::isomorphism_classes<by_length>(programs) == classes{{0, 2, 3}, {1, 4}, {5}});
  CHECK(strata::isomorphism_classes<compared>(programs) == classes{{0, 2, 3}, {1, 4}, {5}});
  CHECK(strata::isomorphism_classes<plain>(std::vector<std::string>{}).empty());
}

TEST_CASE("a projection finds the program") {
  const std::vector<std::pair<int, std::string>> values = {{1, "a"}, {2, "b"}, {3, "a"}};
  CHECK(strata::isomorphism_classes<plain>(values, &std::pair<int, std::string>::second) ==
        classes{{0, 2}, {1}});
}
