// SPDX-License-Identifier: MIT
// What all requests to one model share: how many may be in flight, how fast they are sent, until when nobody
// sends, and whether anything has stopped the model for good. Without sockets or clocks; the engine has one
// per provider and model.
#pragma once

#include "strata/llm/failure.hpp"
#include "strata/llm/limits.hpp"
#include "strata/llm/stated_limits.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace strata::llm {

/// Reacts to the rate of complaints, not to each of them: an overloaded reply now and then costs only its own
/// request time, whatever the number of requests in flight.
///
/// - Until the first reply, one request is in flight.
/// - Then the window doubles per round trip, until more than an eighth of the replies are complaints.
/// - Then it shrinks by their share (to 50..70%), and grows again, faster and faster, once it has been calm
/// for
///   a while. The while becomes longer each time the same limit is met.
/// - If the share of complaints stays the same with much less load, it is not our load that causes them, and
///   the window opens again.
/// - Complaints about a rate (429) also slow down sending, to what was served lately.
/// - Limits stated in headers are kept before anything is refused.
class gate {
 public:
  using clock = std::chrono::steady_clock;

  /// A request in flight.
  struct departure {
    clock::time_point at{};
    std::uint64_t number = 0;
  };

  explicit gate(concurrency_limits limits) noexcept
      : limits_(limits),
        window_(static_cast<double>(std::clamp<std::size_t>(limits.initial, 1, limits.maximum))) {}

  /// Whether a request may be sent now.
  [[nodiscard]] bool open(clock::time_point now) const noexcept { return has_room() && now >= opens_at(); }
  /// Whether a request may be sent at `opens_at`, unless something changes before.
  [[nodiscard]] bool has_room() const noexcept { return !stopped_ && in_flight_ < window(); }
  [[nodiscard]] clock::time_point opens_at() const noexcept {
    return std::max({paused_until_, paced_until_, stated_.opens_at()});
  }
  /// Requests that may be in flight at once.
  [[nodiscard]] std::size_t window() const noexcept {
    return answered_ ? static_cast<std::size_t>(window_) : 1;
  }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] clock::time_point paused_until() const noexcept { return paused_until_; }
  /// Whether any request has brought a reply.
  [[nodiscard]] bool answered() const noexcept { return answered_; }

  departure sent(clock::time_point now) noexcept {
    lately_ = ++in_flight_;
    if (pace_ > 0) paced_until_ = std::max(paced_until_, now) + seconds(1 / pace_);
    return {now, stated_.sent(now)};
  }

  // Each departure ends in one of three ways.

  /// It brought a reply, whose headers and usage these are.
  void replied(const departure& d, clock::time_point now, const rate_headers& said = {},
               const token_usage& used = {.known = false}) noexcept {
    stated_.used(used);
    stated_.heard(said, d.number, d.at, now);
    if (!answered_) {
      answered_ = true;
      begin_phase(now);
      --in_flight_;
      return;
    }
    const bool current = count(d, false, false);
    if (current) {
      calm_ += 1;
      if (troubled_ && now_.good > size() / 2) troubled_ = false;
      grow();
      settle(now);
    }
    --in_flight_;
  }
  /// The provider complained: overloaded, too many requests (`limited`), or no answer in time. Returns
  /// whether it does so often enough that everybody should hold back, rather than only this request.
  bool complained(const departure& d, clock::time_point now, bool limited,
                  const rate_headers& said = {}) noexcept {
    stated_.heard(said, d.number, d.at, now);
    --in_flight_;
    if (!answered_) return true;
    if (!count(d, true, limited)) return true; // of the burst that has been reacted to
    if (now_.bad < std::max(4.0, size() * (tolerated + usual_))) {
      settle(now);
      return troubled_ && now_.bad * 4 >= now_.all();
    }
    return react(now);
  }
  /// It failed in a way that says nothing about load.
  void failed(const departure&) noexcept { --in_flight_; }

  /// Nobody sends before `until`.
  void pause(clock::time_point until) noexcept { paused_until_ = std::max(paused_until_, until); }

  /// No request will be sent any more; the first reason stays.
  void stop(failure why) {
    if (!stopped_) stopped_ = std::move(why);
  }
  [[nodiscard]] const std::optional<failure>& stopped() const noexcept { return stopped_; }

 private:
  /// Outcomes of the requests sent between two changes.
  struct phase {
    clock::time_point began{}; // requests sent since then belong to it
    clock::time_point since{}; // and are counted from then on
    double window = 0;
    double good = 0, bad = 0, limited = 0;

    [[nodiscard]] double all() const noexcept { return good + bad; }
    [[nodiscard]] double rate() const noexcept { return all() > 0 ? bad / all() : 0; }
  };
  static constexpr double tolerated = 0.125; // share of complaints, beyond what is usual

  static clock::duration seconds(double s) noexcept {
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(std::min(s, 60.0)));
  }
  /// Outcomes that say something about the rate: about a round trip, more where complaints are usual.
  [[nodiscard]] double size() const noexcept { return std::max(std::min(window_, 512.0), 32 + 256 * usual_); }

  /// Whether it belongs to the present phase.
  bool count(const departure& d, bool bad, bool limited) noexcept {
    const bool current = d.at >= now_.began;
    phase* p = current ? &now_ : last_.all() > 0 && d.at >= last_.began ? &last_ : nullptr;
    if (p != nullptr) {
      (bad ? p->bad : p->good) += 1;
      if (limited) p->limited += 1;
    }
    return current;
  }
  /// After enough outcomes without a reaction: learns what is usual, steps back from a little too much.
  void settle(clock::time_point now) noexcept {
    if (now_.all() < size()) return;
    const double rate = now_.rate();
    const double chance = pace_ > 0 ? 0 : 2 / size();
    if (rate > usual_ + 0.05 + chance && (now_.window > steady_ || pace_ > 0)) {
      window_ = std::min(window_, std::max(steady_, window_ * (1 - rate)));
      pace_ *= 1 - rate;
      calm_ = 0;
      doubling_ = false;
      growth_ = slowest;
    } else {
      if (rate <= usual_ + 0.05) last_ = {}; // what was done has helped
      usual_ += (rate - usual_) / 4;
      steady_ = now_.window;
    }
    now_ = {.began = now_.began, .since = now, .window = window_};
  }
  /// After a reply: the window grows only if it was the limit.
  void grow() noexcept {
    const bool full = 2 * in_flight_ >= window();
    if (doubling_) {
      if (full) window_ += 1;
    } else if (probing()) {
      growth_ = std::min(0.5, growth_ * (1 + 1 / window_));
      if (full) window_ += growth_;
      if (pace_ > 0) pace_ *= 1 + std::min(growth_, 0.1) / std::max(window_, 16.0);
      if (pace_ > 1e5) pace_ = 0;
    }
    window_ = std::min(window_, static_cast<double>(limits_.maximum));
  }
  /// Too many complaints. Returns whether to hold back.
  bool react(clock::time_point now) noexcept {
    const double rate = now_.rate();
    in_vain_ = last_.all() > 0 && last_.rate() < 0.5 ? in_vain_ + 1 : 0;
    if (in_vain_ == 0) {
      top_ = window_;
      top_pace_ = pace_;
    } else if (top_pace_ <= 0) {
      top_pace_ = pace_;
    }
    const bool much_less = pace_ > 0 ? pace_ <= top_pace_ / 3 : window_ <= top_ / 3;
    if (in_vain_ >= 2 && much_less && rate < 0.5) { // and still refused: that is not what it depends on
      usual_ = std::max(last_.rate(), usual_);
      window_ = steady_ = std::max(window_, top_);
      doubling_ = true;
      pace_ = 0;
      begin_phase(now);
      last_ = {};
      troubled_ = false;
      return false;
    }
    const double used = std::min(window_, static_cast<double>(lately_));
    if (rate < 0.9) {
      if (now_.limited * 2 > now_.bad) slow_down(now);
      // it grew until it met the same limit; that of a rate shows at any window
      const bool again = used <= 1.25 * hit_ || now_.limited * 2 > now_.bad;
      if (doubling_ || (probing() && !again))
        patience_ = 2;
      else if (probing())
        patience_ = std::min(64.0, 2 * patience_);
      hit_ = used;
    }
    last_ = now_;
    window_ = steady_ = std::max(1.0, used * std::clamp(1 - rate, 0.5, 0.7));
    begin_phase(now);
    doubling_ = false;
    troubled_ = true;
    growth_ = slowest;
    calm_ = 0;
    return true;
  }
  /// Whether it has been calm long enough to grow.
  [[nodiscard]] bool probing() const noexcept { return calm_ >= patience_ * std::max(window_, 16.0); }
  void begin_phase(clock::time_point now) noexcept { now_ = {.began = now, .since = now, .window = window_}; }
  /// Sends no faster than was served in this phase.
  void slow_down(clock::time_point now) noexcept {
    const double time = std::chrono::duration<double>(now - now_.since).count();
    if (time <= 0) return;
    const double served = 0.9 * now_.good / time;
    if (pace_ > 0)
      pace_ = std::clamp(served, (now_.rate() < 0.5 ? 0.7 : 0.3) * pace_, pace_);
    else if (served > 0)
      pace_ = served;
  }

  static constexpr double slowest = 0.05;

  concurrency_limits limits_;
  stated_limits stated_;
  double window_;
  std::size_t in_flight_ = 0;
  std::size_t lately_ = 1; // in flight when the last one was sent
  bool answered_ = false;
  bool doubling_ = true;          // until too many complaints for the first time
  bool troubled_ = false;         // since a reaction, until it has been calm for half a phase
  double pace_ = 0;               // requests per second; 0: as fast as the window allows
  double usual_ = 0;              // share of complaints when all is well
  double steady_ = 1;             // a window that was well
  double calm_ = 0;               // replies since the last reaction
  double patience_ = 2;           // round trips before the window grows again
  double growth_ = slowest;       // of the window, per reply
  int in_vain_ = 0;               // reactions in a row that have not helped
  double top_ = 1, top_pace_ = 0; // window and pace before them
  double hit_ = 0;                // the window at the last reaction
  phase now_{}, last_{};
  clock::time_point paused_until_{};
  clock::time_point paced_until_{};
  std::optional<failure> stopped_;
};

} // namespace strata::llm
