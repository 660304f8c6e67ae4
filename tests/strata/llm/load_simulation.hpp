// SPDX-License-Identifier: MIT
// A run in virtual time: gate and retries as the engine uses them, against a server that is a function of
// time. No sockets, no sleeping: an hour takes milliseconds, and every run is the same.
#pragma once

#include "strata/llm/gate.hpp"
#include "strata/llm/retry.hpp"
#include "strata/random.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

namespace simulation {

namespace llm = strata::llm;
using time_point = llm::gate::clock::time_point;
using seconds = std::chrono::duration<double>;

inline constexpr time_point start{std::chrono::seconds(1000)};

/// What a server does with one request.
struct answer {
  llm::failure_kind kind = llm::failure_kind::cancelled; ///< cancelled: it is served
  std::chrono::milliseconds takes{500};
  std::chrono::milliseconds retry_after{0}; ///< 0: not said
  llm::rate_headers headers{};
  llm::token_usage used{.input = 1000, .output = 200};

  [[nodiscard]] bool good() const noexcept { return kind == llm::failure_kind::cancelled; }
};

/// Decides at the moment a request arrives. `in_flight` counts the others it is working on.
using server = std::function<answer(time_point now, std::size_t in_flight, strata::random_stream& dice)>;

struct figures {
  double time = 0; ///< seconds until the last reply
  std::size_t served = 0, refused = 0, gave_up = 0, peak = 0;

  [[nodiscard]] double refused_share() const noexcept {
    return static_cast<double>(refused) / static_cast<double>(served + refused);
  }
};

/// `requests` submitted at once; returns when all of them are answered or given up.
inline figures run(std::size_t requests, const server& serve, llm::concurrency_limits limits = {},
                   std::uint64_t seed = 1, const llm::retry_policy& policy = {}) {
  struct request {
    llm::retry_state retries{};
    llm::gate::departure left{};
  };
  struct arrival {
    std::size_t who;
    answer came;
  };
  strata::random_stream dice({seed, 1}), jitter({seed, 2});
  llm::gate gate(limits);
  std::deque<request> all(requests);
  std::deque<std::size_t> ready;
  for (std::size_t i = 0; i < requests; ++i) ready.push_back(i);
  std::multimap<time_point, std::size_t> delayed;
  std::multimap<time_point, arrival> flying;
  figures f;
  time_point now = start;
  while (f.served + f.gave_up < requests) {
    while (!delayed.empty() && delayed.begin()->first <= now) {
      ready.push_front(delayed.begin()->second);
      delayed.erase(delayed.begin());
    }
    while (!ready.empty() && gate.open(now)) {
      const std::size_t who = ready.front();
      ready.pop_front();
      all[who].left = gate.sent(now);
      const answer a = serve(now, flying.size(), dice);
      flying.emplace(now + a.takes, arrival{who, a});
      f.peak = std::max(f.peak, flying.size());
    }
    time_point next = time_point::max();
    if (!flying.empty()) next = flying.begin()->first;
    if (!delayed.empty()) next = std::min(next, delayed.begin()->first);
    if (!ready.empty() && gate.has_room()) next = std::min(next, gate.opens_at());
    now = std::max(now, next);
    if (flying.empty() || flying.begin()->first > now) continue;
    const arrival it = flying.begin()->second;
    flying.erase(flying.begin());
    request& r = all[it.who];
    if (it.came.good()) {
      gate.replied(r.left, now, it.came.headers, it.came.used);
      ++f.served;
      continue;
    }
    ++f.refused;
    llm::failure why{.kind = it.came.kind};
    if (it.came.retry_after.count() > 0) why.retry_after = it.came.retry_after;
    llm::attempt_facts facts{.worked_before = gate.answered()};
    if (llm::complains(why.kind))
      facts.widespread =
          gate.complained(r.left, now, why.kind == llm::failure_kind::rate_limited, it.came.headers);
    else
      gate.failed(r.left);
    facts.reset_hint = it.came.headers.exhausted_for();
    const auto what = r.retries.after(why, facts, now, policy, [&] { return jitter.unit(); });
    if (what.pause.count() > 0) gate.pause(now + what.pause);
    if (what.what == llm::reaction::action::again_later)
      delayed.emplace(now + what.delay, it.who);
    else
      ++f.gave_up;
  }
  f.time = seconds(now - start).count();
  return f;
}

} // namespace simulation
