// SPDX-License-Identifier: MIT
// The window of requests in flight: it opens while all is well, closes when the provider complains often, and
// keeps real limits. Whole runs in virtual time.
#include "strata/llm/gate.hpp"

#include "strata/llm/load_simulation.hpp"
#include "strata/llm/mock/rate_limits.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <string>

using namespace strata::llm;
using namespace simulation;
using namespace std::chrono_literals;

namespace {

/// As many requests as the window allows, each brought back by `outcome(index)`: true for a reply.
template <class F> std::size_t round_trip(gate& g, time_point& now, F&& outcome) {
  std::vector<gate::departure> sent;
  while (g.open(now)) sent.push_back(g.sent(now));
  now += 100ms;
  for (std::size_t i = 0; i < sent.size(); ++i)
    outcome(i) ? g.replied(sent[i], now) : (void)g.complained(sent[i], now, false);
  return sent.size();
}
constexpr auto well = [](std::size_t) { return true; };

answer served(strata::random_stream& dice) {
  return {.takes = std::chrono::milliseconds(200 + static_cast<int>(dice.unit() * 700))};
}
/// Refuses a share of all requests, whatever the load.
server now_and_then(double share, failure_kind how, std::chrono::milliseconds retry_after = 0ms) {
  return [=](time_point, std::size_t, strata::random_stream& dice) {
    answer a = served(dice);
    if (dice.unit() < share) {
      a.kind = how;
      a.retry_after = retry_after;
    }
    return a;
  };
}
/// Works on so many at once.
server capped(std::size_t most, failure_kind how) {
  return [=](time_point, std::size_t in_flight, strata::random_stream& dice) {
    answer a = served(dice);
    if (in_flight >= most) {
      a.kind = how;
      a.takes = 20ms;
    }
    return a;
  };
}
/// Limits per minute, as `strata mock-llm --rpm` and `--tpm` keep them.
server limited(double requests, double tokens, protocol speaks, bool says_left, bool says_when) {
  const auto limits = std::make_shared<mock::rate_limits>(requests, tokens);
  return [=](time_point now, std::size_t, strata::random_stream& dice) {
    answer a = served(dice);
    a.used.input = 900 + static_cast<std::uint64_t>(dice.unit() * 200);
    a.used.output = 100 + static_cast<std::uint64_t>(dice.unit() * 200);
    const double wait = limits->admit(speaks, a.used, now);
    if (wait > 0) {
      a.kind = failure_kind::rate_limited;
      a.takes = 5ms;
      if (says_when) a.retry_after = std::chrono::milliseconds(static_cast<int>(wait * 1000) + 1);
    } else {
      limits->spend(speaks, a.used.output);
    }
    if (!says_left) return a;
    const std::chrono::system_clock::time_point wall(now.time_since_epoch());
    std::string lines;
    limits->append_headers(lines, speaks, {now, wall});
    http_response response;
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = lines.find("\r\n", at), colon = lines.find(": ", at);
      response.headers.push_back({lines.substr(at, colon - at), lines.substr(colon + 2, end - colon - 2)});
      at = end + 2;
    }
    a.headers = read_rate_headers(response, wall);
    return a;
  };
}

} // namespace

TEST_CASE("gate: one request until the first reply, whatever the first ones meet") {
  gate g({.initial = 16, .maximum = 256});
  auto now = start;
  CHECK(g.window() == 1);
  CHECK(round_trip(g, now, [](std::size_t) { return false; }) == 1);
  CHECK_FALSE(g.answered());
  const auto refused = g.sent(now);
  CHECK_FALSE(g.open(now));
  CHECK(g.complained(refused, now, true)); // and all wait for it
  const auto wrong = g.sent(now);
  g.failed(wrong);
  CHECK(g.window() == 1);
  CHECK(round_trip(g, now, well) == 1);
  CHECK(g.answered());
  CHECK(g.window() == 16);
}

TEST_CASE("gate: the window doubles per round trip until complaints are many") {
  gate g({.initial = 4, .maximum = 100});
  auto now = start;
  round_trip(g, now, well);
  CHECK(round_trip(g, now, well) == 4);
  CHECK(round_trip(g, now, well) >= 6);
  for (int i = 0; i < 20; ++i) round_trip(g, now, [](std::size_t k) { return k % 20 != 7; }); // 5%
  CHECK(g.window() == 100);

  const std::size_t before = g.window();
  round_trip(g, now, [](std::size_t k) { return k % 3 != 0; });
  CHECK(g.window() < before);
  CHECK(g.window() >= before / 2);
  for (int i = 0; i < 60; ++i) round_trip(g, now, well);
  CHECK(g.window() == 100);
}

TEST_CASE("gate: complaints about one burst count once, and the window is never 0") {
  gate g({.initial = 64, .maximum = 64});
  auto now = start;
  round_trip(g, now, well);
  CHECK(round_trip(g, now, [](std::size_t) { return false; }) == 64);
  CHECK(g.window() == 32);
  for (int i = 0; i < 100; ++i) round_trip(g, now, [](std::size_t) { return false; });
  CHECK(g.window() == 1);
}

TEST_CASE("gate: it is back soon after an outage") {
  gate g({.initial = 16, .maximum = 256});
  auto now = start;
  for (int i = 0; i < 12; ++i) round_trip(g, now, well);
  CHECK(g.window() == 256);
  for (int i = 0; i < 300; ++i) round_trip(g, now, [](std::size_t) { return false; });
  CHECK(g.window() == 1);
  int trips = 0;
  while (g.window() < 200 && trips < 1000) {
    round_trip(g, now, well);
    ++trips;
  }
  CHECK(trips < 80); // by one per round trip it would be 200
}

TEST_CASE("gate: a window that is not used does not grow") {
  gate g({.initial = 16, .maximum = 1000});
  for (int i = 0; i < 500; ++i) g.replied(g.sent(start), start);
  CHECK(g.window() == 16);
}

TEST_CASE("gate: it converges on what a provider can take") {
  // a server that takes 40 requests at a time and refuses more
  gate g({.initial = 16, .maximum = 256});
  auto now = start;
  std::size_t served = 0;
  std::size_t refused = 0;
  for (int trip = 0; trip < 400; ++trip) {
    const std::size_t burst = round_trip(g, now, [](std::size_t i) { return i < 40; });
    served += std::min<std::size_t>(burst, 40);
    refused += burst - std::min<std::size_t>(burst, 40);
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

TEST_CASE("gate: overload now and then costs little: 1% at most 1.5 times the time, 2% twice") {
  struct {
    failure_kind how;
    std::chrono::milliseconds retry_after;
  } const kinds[] = {{failure_kind::overloaded, 0ms},
                     {failure_kind::overloaded, 1000ms},
                     {failure_kind::rate_limited, 0ms},
                     {failure_kind::rate_limited, 1000ms},
                     {failure_kind::timeout, 0ms}};
  for (const std::size_t requests : {1000U, 4000U, 20'000U})
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const double undisturbed = run(requests, now_and_then(0, failure_kind::overloaded), {}, seed).time;
      for (const auto& k : kinds)
        for (const auto& [share, most] : {std::pair{0.01, 1.5}, {0.02, 2.0}, {0.05, 2.5}}) {
          const figures f = run(requests, now_and_then(share, k.how, k.retry_after), {}, seed);
          CAPTURE(requests);
          CAPTURE(seed);
          CAPTURE(share);
          CAPTURE(to_string(k.how));
          CAPTURE(k.retry_after.count());
          CHECK(f.gave_up == 0);
          CHECK(f.time < most * undisturbed);
        }
    }
}

TEST_CASE("gate: overload that does not depend on our load does not close the window") {
  const double undisturbed = run(20'000, now_and_then(0, failure_kind::overloaded)).time;
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    for (const auto& [share, most] : {std::pair{0.1, 2.0}, {0.15, 4.0}, {0.2, 6.0}}) {
      CAPTURE(seed);
      CAPTURE(share);
      CHECK(run(20'000, now_and_then(share, failure_kind::overloaded), {}, seed).time < most * undisturbed);
    }
}

TEST_CASE("gate: stated limits are kept: hardly anything is refused, and nothing is wasted") {
  for (const protocol speaks : {protocol::openai_chat, protocol::anthropic_messages})
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      CAPTURE(static_cast<int>(speaks));
      for (const double rpm : {30.0, 60.0, 600.0, 3000.0})
        for (const std::size_t requests : {300U, 2000U}) {
          CAPTURE(rpm);
          CAPTURE(requests);
          const figures f = run(requests, limited(rpm, 0, speaks, true, true), {}, seed);
          CHECK(f.gave_up == 0);
          CHECK(f.refused_share() < 0.05);
          const double least = std::max(0.0, (static_cast<double>(requests) - rpm) / rpm * 60);
          CHECK(f.time < 1.1 * least + 8);
        }
      for (const double tpm : {60'000.0, 600'000.0}) {
        CAPTURE(tpm);
        const figures f = run(2000, limited(0, tpm, speaks, true, true), {}, seed);
        CHECK(f.refused_share() < 0.05);
        CHECK(f.time < 1.1 * (2000 * 1200 - tpm) / tpm * 60 + 8);
      }
    }
}

TEST_CASE("gate: limits that are not stated are found") {
  for (const bool says_when : {true, false})
    for (const auto& [rpm, requests] : {std::pair{60.0, 8000U}, {600.0, 8000U}, {3000.0, 20'000U}}) {
      CAPTURE(says_when);
      CAPTURE(rpm);
      const figures f = run(requests, limited(rpm, 0, protocol::openai_chat, false, says_when));
      CHECK(f.gave_up == 0);
      CHECK(f.refused_share() < 0.05); // more of a short run: what is not stated has to be met
      CHECK(f.time < 1.5 * (requests - rpm) / rpm * 60 + 10);
    }
  for (const failure_kind how : {failure_kind::overloaded, failure_kind::rate_limited})
    for (const std::size_t most : {4U, 40U, 100U}) {
      CAPTURE(most);
      const figures f = run(8000, capped(most, how));
      CHECK(f.gave_up == 0);
      CHECK(f.refused_share() < 0.05);
      CHECK(f.time < 2 * 8000 * 0.55 / static_cast<double>(most) + 10);
    }
}

TEST_CASE("gate: a burst of overload and an outage end, and the run goes on at full speed") {
  const auto outage = [](time_point from, time_point to) {
    return [=](time_point now, std::size_t, strata::random_stream& dice) {
      answer a = served(dice);
      if (now >= from && now < to) {
        a.kind = failure_kind::overloaded;
        a.takes = 10ms;
      }
      return a;
    };
  };
  const double undisturbed = run(20'000, outage(start, start)).time;
  for (const auto length : {500ms, 5'000ms, 60'000ms}) {
    CAPTURE(length.count());
    const figures f = run(20'000, outage(start + 10s, start + 10s + length));
    CHECK(f.gave_up == 0);
    CHECK(f.time < undisturbed + 2.5 * seconds(length).count() + 25);
  }
}

TEST_CASE("gate: a limit that appears late slows down to it, not to a standstill") {
  const auto from = start + 120s; // about 460 requests per second until then
  for (const double per_second : {5.0, 50.0}) {
    auto left = std::make_shared<std::pair<double, time_point>>(0.0, from);
    const figures f = run(60'000, [=](time_point now, std::size_t, strata::random_stream& dice) {
      answer a = served(dice);
      if (now < from) return a;
      left->first = std::min(left->first + per_second * seconds(now - left->second).count(), per_second);
      left->second = now;
      if (left->first >= 1) {
        left->first -= 1;
      } else {
        a.kind = failure_kind::rate_limited;
        a.takes = 10ms;
      }
      return a;
    });
    const double rest = 60'000 - 120 * 450.0;
    CAPTURE(per_second);
    CHECK(f.gave_up == 0);
    CHECK(f.time < 120 + 2.0 * rest / per_second);
    CHECK(f.refused_share() < 0.05);
  }
}
