// SPDX-License-Identifier: MIT
// Keeps to the limits that a provider states in its headers (requests and tokens per minute), so that they
// are seldom run into. Without sockets or clocks.
#pragma once

#include "strata/llm/codecs/rate_headers.hpp"
#include "strata/llm/token_usage.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace strata::llm {

/// A copy of the provider's buckets, as far as headers tell: what is left is what the latest response said,
/// less what was sent behind it, and refills continuously. A bucket that no response has told of does not
/// limit.
class stated_limits {
 public:
  using clock = std::chrono::steady_clock;

  /// The time from which on one more request is within all limits; may lie in the past.
  [[nodiscard]] clock::time_point opens_at() const noexcept {
    clock::time_point at{};
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      const bucket& b = buckets_[i];
      if (b.rate <= 0) continue;
      // a dearer request than most would just be refused
      const double missing = std::min(costs_[i] + 2 * spread_[i], b.capacity) - b.left;
      if (missing > 0) at = std::max(at, b.as_of + seconds(missing / b.rate));
    }
    return at;
  }
  /// A request is sent. Returns its number.
  std::uint64_t sent(clock::time_point now) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      bucket& b = buckets_[i];
      refill(b, now);
      b.left -= costs_[i];
    }
    return ++sent_;
  }
  /// The headers of the response to request `number`, sent at `sent_at`.
  void heard(const rate_headers& said, std::uint64_t number, clock::time_point sent_at,
             clock::time_point now) noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      const rate_bucket& h = said.buckets[i];
      bucket& b = buckets_[i];
      if (!h.limit || !h.remaining || !(*h.limit >= 1) || number < b.told_by) continue;
      b.told_by = number;
      b.capacity = *h.limit;
      // most limits are per minute; near the bottom the time until it is full says how fast it refills
      b.rate = *h.limit / 60;
      if (h.reset && h.reset->count() > 0 && *h.remaining * 2 <= *h.limit)
        b.rate = std::max(b.rate, (*h.limit - *h.remaining) * 1000 / static_cast<double>(h.reset->count()));
      double left = std::min(*h.remaining, *h.limit);
      // 0 may stand for a debt, which the time until it is full tells
      if (left <= 0 && h.reset)
        left =
            std::clamp(b.capacity * (1 - static_cast<double>(h.reset->count()) / 60'000), -b.capacity, 0.0);
      // the number is that of the moment when the request was admitted, or later
      const double since = std::chrono::duration<double>(now - sent_at).count();
      b.left = std::min(left + b.rate * since, b.capacity) - costs_[i] * static_cast<double>(sent_ - number);
      b.as_of = now;
    }
  }
  /// What a reply took.
  void used(const token_usage& u) noexcept {
    if (!u.known) return;
    const std::array<double, 4> took{1, static_cast<double>(u.input) + static_cast<double>(u.output),
                                     static_cast<double>(u.input - std::min(u.cached, u.input)),
                                     static_cast<double>(u.output)};
    for (std::size_t i = 1; i < costs_.size(); ++i) {
      const double off = costs_[i] <= 0 ? 0 : took[i] - costs_[i];
      costs_[i] = costs_[i] <= 0 ? took[i] : costs_[i] + off / 8;
      spread_[i] += ((off < 0 ? -off : off) - spread_[i]) / 8;
    }
  }

 private:
  struct bucket {
    double rate = 0; // per second; 0: nothing is known
    double capacity = 0;
    double left = 0; // at `as_of`
    clock::time_point as_of{};
    std::uint64_t told_by = 0;
  };
  static clock::duration seconds(double s) noexcept {
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(std::min(s, 3600.0)));
  }
  static void refill(bucket& b, clock::time_point now) noexcept {
    if (now <= b.as_of) return;
    b.left = std::min(b.capacity, b.left + b.rate * std::chrono::duration<double>(now - b.as_of).count());
    b.as_of = now;
  }

  std::array<bucket, 4> buckets_{};         // in the order of rate_headers::buckets
  std::array<double, 4> costs_{1, 0, 0, 0}; // of the next request, from what earlier ones took
  std::array<double, 4> spread_{};          // how far off that has been
  std::uint64_t sent_ = 0;
};

} // namespace strata::llm
