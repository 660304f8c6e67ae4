// SPDX-License-Identifier: MIT
// The window of requests in flight: it opens while all is well, and closes quickly when the provider
// complains.
#include "strata/llm/gate.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <deque>

using namespace strata::llm;
using namespace std::chrono_literals;

namespace {

const gate::clock::time_point start{1000s};

/// One round trip with as many requests as the window allows.
std::size_t round_trip(gate& g) {
  std::size_t sent = 0;
  while (g.open(start)) {
    g.sent();
    ++sent;
  }
  for (std::size_t i = 0; i < sent; ++i) {
    g.succeeded();
    g.ended();
  }
  return sent;
}

} // namespace

TEST_CASE("gate: the window grows fast until the first complaint, slowly after it") {
  gate g({.initial = 4, .maximum = 100});
  CHECK(round_trip(g) == 4);
  const std::size_t second = round_trip(g);
  CHECK(second >= 6);
  CHECK(second <= 8);
  for (int i = 0; i < 20; ++i) round_trip(g);
  CHECK(g.window() == 100);

  for (int i = 0; i < 100; ++i) g.sent();
  g.shrink(start, start + 1s);
  CHECK(g.window() == 50);
  for (int i = 0; i < 100; ++i) g.ended();
  const std::size_t before = g.window();
  round_trip(g);
  CHECK(g.window() <= before + 1);
  for (int i = 0; i < 400; ++i) round_trip(g);
  CHECK(g.window() == 100);
}

TEST_CASE("gate: complaints about one burst count once") {
  gate g({.initial = 64, .maximum = 64});
  for (int i = 0; i < 64; ++i) g.sent();
  for (int i = 0; i < 30; ++i) g.shrink(start, start + 1s);
  CHECK(g.window() == 32);
  g.shrink(start + 2s, start + 3s); // a later burst
  CHECK(g.window() == 16);
  for (int i = 4; i < 100; ++i) g.shrink(start + std::chrono::seconds(i), start + std::chrono::seconds(i));
  CHECK(g.window() == 1); // never 0
}

TEST_CASE("gate: a window that is not used does not grow") {
  gate g({.initial = 16, .maximum = 1000});
  for (int i = 0; i < 500; ++i) {
    g.sent();
    g.succeeded();
    g.ended();
  }
  CHECK(g.window() == 16);
}

TEST_CASE("gate: it converges on what a provider can take") {
  // a server that takes 40 requests at a time and refuses more
  gate g({.initial = 16, .maximum = 256});
  auto now = start;
  std::size_t served = 0;
  std::size_t refused = 0;
  for (int trip = 0; trip < 400; ++trip) {
    std::deque<gate::clock::time_point> burst;
    while (g.open(now)) {
      g.sent();
      burst.push_back(now);
    }
    now += 100ms;
    for (std::size_t i = 0; i < burst.size(); ++i) {
      if (i < 40) {
        g.succeeded();
        ++served;
      } else {
        g.shrink(burst[i], now);
        ++refused;
      }
      g.ended();
    }
  }
  CHECK(served > 400 * 40 * 6 / 10);
  CHECK(refused < served / 20);
}

TEST_CASE("gate: pauses and stops") {
  gate g({.initial = 2, .maximum = 2});
  CHECK(g.open(start));
  g.pause(start + 5s);
  g.pause(start + 3s); // the longer one holds
  CHECK_FALSE(g.open(start + 4s));
  CHECK(g.open(start + 5s));
  g.stop({.kind = failure_kind::budget, .message = "first"});
  g.stop({.kind = failure_kind::configuration, .message = "second"});
  CHECK_FALSE(g.open(start + 10s));
  CHECK(g.stopped()->message == "first");
}
