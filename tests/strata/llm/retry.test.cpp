// SPDX-License-Identifier: MIT
// What follows from a failure, with the clock and the dice in the test's hands: every delay is checked
// exactly.
#include "strata/llm/retry.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace strata::llm;
using namespace std::chrono_literals;
using action = reaction::action;

namespace {

const retry_state::clock::time_point start{1000s};

failure of(failure_kind kind) { return failure{.kind = kind, .message = "trouble"}; }

/// One attempt after another at the same moment, with the same throw of the dice.
struct scenario {
  retry_policy policy{};
  retry_state state{};
  double dice = 0.5;
  retry_state::clock::time_point now = start;

  reaction after(const failure& f, const attempt_facts& facts = {}) {
    return state.after(f, facts, now, policy, [this] { return dice; });
  }
};

} // namespace

TEST_CASE("retry: delays double up to a limit, with full jitter") {
  for (const double dice : {0.0, 0.25, 0.999}) {
    scenario s;
    s.dice = dice;
    for (const int longest : {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000, 60000, 60000}) {
      const reaction r = s.after(of(failure_kind::server_error));
      CHECK(r.what == action::again_later);
      CHECK(r.delay == std::chrono::milliseconds(static_cast<int>(dice * longest)));
      CHECK(r.pause == 0ms);
    }
    const reaction last = s.after(of(failure_kind::server_error));
    CHECK(last.what == action::give_up);
    CHECK(last.because == "trouble (given up after 12 attempts)");
  }
}

TEST_CASE("retry: what each kind of failure leads to") {
  struct {
    failure_kind kind;
    action what;
    bool complains;
  } const cases[] = {
      {failure_kind::connection, action::again_later, false},
      {failure_kind::timeout, action::again_later, true},
      {failure_kind::malformed, action::again_later, false},
      {failure_kind::rate_limited, action::again_later, true},
      {failure_kind::overloaded, action::again_later, true},
      {failure_kind::server_error, action::again_later, false},
      {failure_kind::bad_request, action::give_up, false},
      {failure_kind::too_large, action::give_up, false},
      {failure_kind::expired, action::give_up, false},
      {failure_kind::cancelled, action::give_up, false},
      {failure_kind::declined, action::give_up, false},
      {failure_kind::configuration, action::stop_model, false},
      {failure_kind::budget, action::stop_provider, false},
  };
  for (const auto& c : cases) {
    CAPTURE(to_string(c.kind));
    scenario s;
    const reaction r = s.after(of(c.kind));
    CHECK(r.what == c.what);
    CHECK(complains(c.kind) == c.complains);
  }
}

TEST_CASE("retry: an overloaded provider is given longer") {
  scenario s;
  CHECK(s.after(of(failure_kind::overloaded)).delay == 2000ms);
  CHECK(s.after(of(failure_kind::overloaded)).delay == 4000ms);
}

TEST_CASE("retry: an overload now and then concerns one request, and not for long") {
  scenario s;
  reaction r = s.after(of(failure_kind::overloaded), {.worked_before = true, .widespread = false});
  CHECK(r.delay == 250ms);
  CHECK(r.pause == 0ms);
  failure f = of(failure_kind::rate_limited);
  f.retry_after = 4s; // its own delay is still at least that
  r = s.after(f, {.worked_before = true, .widespread = false});
  CHECK(r.delay == 4s + 500ms);
  CHECK(r.pause == 0ms);
  f.retry_after.reset();
  CHECK(s.after(f, {.worked_before = true, .widespread = false}).pause == 0ms);
}

TEST_CASE("retry: a rate limit is no failed attempt, and pauses everybody") {
  scenario s;
  s.policy.attempts = 2;
  for (int i = 0; i < 50; ++i) {
    const reaction r = s.after(of(failure_kind::rate_limited));
    CHECK(r.what == action::again_later);
    CHECK(r.delay == std::min(500ms * (1 << std::min(i, 16)), 30000ms));
    CHECK(r.pause == r.delay / 2);
  }
  CHECK(s.after(of(failure_kind::server_error)).what == action::again_later);
  CHECK(s.after(of(failure_kind::server_error)).what == action::give_up);
}

TEST_CASE("retry: retry-after is a minimum, and the hint of a reset the second choice") {
  scenario s;
  failure f = of(failure_kind::rate_limited);
  f.retry_after = 20s;
  reaction r = s.after(f, {.reset_hint = 50s});
  CHECK(r.pause == 20s);
  CHECK(r.delay == 20s + 500ms);
  f.retry_after.reset();
  r = s.after(f, {.reset_hint = 30s});
  CHECK(r.pause == 30s);
  CHECK(r.delay == 30s + 500ms);
  r = s.after(f, {.reset_hint = 3h});
  CHECK(r.pause == 60s);             // a hint is no order
  f.kind = failure_kind::overloaded; // also with other failures
  f.retry_after = 4s;
  CHECK(s.after(f).pause == 4s);
}

TEST_CASE("retry: a wait that is too long ends the model, with the reason") {
  scenario s;
  failure f = of(failure_kind::rate_limited);
  f.retry_after = 300s;
  CHECK(s.after(f).what == action::again_later);
  f.retry_after = 300s + 1ms;
  const reaction r = s.after(f);
  CHECK(r.what == action::stop_model);
  CHECK(r.because.find("longer than this run will (300 s)") != std::string::npos);
  CHECK(r.because.find("trouble") != std::string::npos);
}

TEST_CASE("retry: a kept connection that was closed is replaced at once, but only once in a row") {
  scenario s;
  const attempt_facts stale{.connection_was_reused = true};
  CHECK(s.after(of(failure_kind::connection), stale).what == action::again_now);
  CHECK(s.after(of(failure_kind::connection), stale).what == action::again_later);
  CHECK(s.after(of(failure_kind::connection), stale).what == action::again_now);
  scenario t;
  CHECK(t.after(of(failure_kind::connection), {.connection_was_reused = true, .any_byte_received = true})
            .what == action::again_later);
  CHECK(t.after(of(failure_kind::timeout), stale).what == action::again_later);
}

TEST_CASE("retry: failed handshakes are given up sooner") {
  scenario s;
  const attempt_facts handshake{.tls_handshake = true, .worked_before = true};
  CHECK(s.after(of(failure_kind::connection), handshake).what == action::again_later);
  CHECK(s.after(of(failure_kind::connection), handshake).what == action::again_later);
  CHECK(s.after(of(failure_kind::connection), handshake).what == action::give_up);
}

TEST_CASE("retry: where nothing has ever worked, the model is given up soon") {
  for (const failure_kind kind : {failure_kind::connection, failure_kind::malformed, failure_kind::timeout}) {
    scenario s;
    const attempt_facts facts{.connecting = kind == failure_kind::timeout, .took = 1s};
    int attempts = 0;
    reaction r;
    for (; attempts < 100; ++attempts) {
      r = s.after(of(kind), facts);
      if (r.what != action::again_later) break;
      CHECK(r.delay >= 300ms);
      CHECK(r.delay <= 600ms);
      s.now += r.delay;
    }
    CHECK(r.what == action::stop_model);
    CHECK(r.unreachable);
    CHECK(s.now - start < 4s);
    CHECK(attempts < 12);
    CHECK(r.because.find("nothing has worked there yet") != std::string::npos);
  }
  SUBCASE("a handshake of TLS sooner") {
    scenario s;
    const attempt_facts handshake{.tls_handshake = true};
    CHECK(s.after(of(failure_kind::connection), handshake).what == action::again_later);
    CHECK(s.after(of(failure_kind::connection), handshake).what == action::again_later);
    CHECK(s.after(of(failure_kind::connection), handshake).what == action::stop_model);
  }
  SUBCASE("but a server that is slow, limits, or is overloaded is waited for") {
    for (const failure_kind kind : {failure_kind::timeout, failure_kind::rate_limited,
                                    failure_kind::overloaded, failure_kind::server_error}) {
      scenario s;
      CHECK(s.after(of(kind)).what == action::again_later);
      s.now += 10s;
      CHECK(s.after(of(kind)).what == action::again_later);
    }
  }
}

TEST_CASE("retry: the server's word decides, except about money and keys") {
  failure f = of(failure_kind::server_error);
  f.should_retry = false;
  CHECK(scenario{}.after(f).what == action::give_up);
  f = of(failure_kind::bad_request);
  f.should_retry = true;
  CHECK(scenario{}.after(f).what == action::again_later);
  f = of(failure_kind::too_large);
  f.should_retry = true;
  CHECK(scenario{}.after(f).what == action::give_up);
  f = of(failure_kind::budget);
  f.should_retry = true;
  CHECK(scenario{}.after(f).what == action::stop_provider);
  f = of(failure_kind::configuration);
  f.should_retry = true;
  CHECK(scenario{}.after(f).what == action::stop_model);
}

TEST_CASE("retry: patience ends") {
  scenario s;
  s.policy.patience = 100s;
  failure f = of(failure_kind::rate_limited);
  f.retry_after = 30s;
  CHECK(s.after(f).what == action::again_later);
  s.now = start + 69s;
  CHECK(s.after(f).what == action::again_later);
  s.now = start + 70s;
  const reaction r = s.after(f);
  CHECK(r.what == action::give_up);
  CHECK(r.because == "trouble (given up after 70 s)");
  CHECK(r.out_of_patience);
}

TEST_CASE("retry: an outage in the middle of a run is sat out, up to the end of patience") {
  for (const failure_kind kind : {failure_kind::connection, failure_kind::overloaded}) {
    scenario s;
    s.policy.attempts = 3;
    for (int i = 0; i < 40; ++i)
      CHECK(s.after(of(kind), {.worked_before = true}).what == action::again_later);
    s.now = start + 2h;
    CHECK(s.after(of(kind), {.worked_before = true}).what == action::give_up);
    scenario never_worked;
    never_worked.policy.attempts = 3;
    CHECK(never_worked.after(of(kind)).what == action::again_later);
    CHECK(never_worked.after(of(kind)).what == action::again_later);
    CHECK(never_worked.after(of(kind)).what == action::give_up);
  }
  scenario billed; // replies that break off are paid for
  billed.policy.attempts = 2;
  failure f = of(failure_kind::connection);
  f.may_be_billed = true;
  CHECK(billed.after(f, {.worked_before = true}).what == action::again_later);
  CHECK(billed.after(f, {.worked_before = true}).what == action::give_up);
}

TEST_CASE("retry: times in words") {
  CHECK(retry_state::seconds(0ms) == "0 s");
  CHECK(retry_state::seconds(2500ms) == "2.5 s");
  CHECK(retry_state::seconds(40ms) == "0 s");
  CHECK(retry_state::seconds(99950ms) == "100 s");
  CHECK(retry_state::seconds(86400s) == "86400 s");
}
