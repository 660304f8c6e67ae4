// SPDX-License-Identifier: MIT
// Requests and tokens per minute as buckets that refill continuously, and how providers report them in
// headers. The clock is an argument.
#pragma once

#include "strata/llm/mock/prompt_cache.hpp"
#include "strata/llm/model.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

namespace strata::llm::mock {

/// The time as a limit and a client's clock see it.
struct moment {
  steady_time steady{};
  std::chrono::system_clock::time_point wall{};
};

/// "2026-11-21T03:48:10Z".
[[nodiscard]] inline std::string rfc3339(std::chrono::system_clock::time_point t) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(t);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, n};
}

/// A duration as Go prints it: "1s", "6m0s", "20ms", "7m12.5s".
[[nodiscard]] inline std::string go_text(double seconds) {
  auto ms = static_cast<std::int64_t>(std::ceil(std::clamp(seconds, 0.0, 1e9) * 1000));
  if (ms == 0) return "0s";
  if (ms < 1000) return std::to_string(ms) + "ms";
  std::string out;
  if (ms >= 3'600'000) out += std::to_string(ms / 3'600'000) + "h";
  if (ms >= 60'000) out += std::to_string(ms / 60'000 % 60) + "m";
  out += std::to_string(ms / 1000 % 60);
  if (ms % 1000 != 0) {
    char part[8];
    std::snprintf(part, sizeof part, ".%03d", static_cast<int>(ms % 1000));
    out += part;
    while (out.back() == '0') out.pop_back();
  }
  return out + "s";
}

/// One limit per minute; holds at most a minute's worth.
class bucket {
 public:
  explicit bucket(double per_minute = 0) : limit_(per_minute), left_(per_minute) {}
  [[nodiscard]] bool limited() const noexcept { return limit_ > 0; }
  [[nodiscard]] double limit() const noexcept { return limit_; }
  void refill(steady_time now) noexcept {
    if (now > since_) {
      if (since_ != steady_time{})
        left_ = std::min(limit_, left_ + std::chrono::duration<double>(now - since_).count() * limit_ / 60);
      since_ = now;
    }
  }
  /// Seconds until `amount` can be taken; 0: now. More than the limit is let through when the bucket is full.
  [[nodiscard]] double wait_for(double amount) const noexcept {
    const double wanted = std::min(amount, limit_);
    return !limited() || left_ + 1e-9 >= wanted ? 0 : (wanted - left_) * 60 / limit_;
  }
  void take(double amount) noexcept { left_ -= limited() ? amount : 0; }
  [[nodiscard]] std::uint64_t remaining() const noexcept {
    return static_cast<std::uint64_t>(std::max(0.0, left_));
  }
  [[nodiscard]] double until_full() const noexcept { return limited() ? (limit_ - left_) * 60 / limit_ : 0; }

 private:
  double limit_, left_;
  steady_time since_{};
};

/// The limits of one model.
class rate_limits {
 public:
  rate_limits(double requests, double tokens) : requests_(requests), input_(tokens), output_(tokens) {}

  [[nodiscard]] bool limited() const noexcept { return requests_.limited() || input_.limited(); }

  /// Takes a request with a prompt of that usage, or says how many seconds to wait. Reads from the cache are
  /// free for Anthropic; OpenAI counts all tokens in one bucket.
  [[nodiscard]] double admit(protocol speaks, const token_usage& used, steady_time now) {
    const bool split = speaks == protocol::anthropic_messages;
    const auto in = static_cast<double>(split ? used.input - used.cached : used.input);
    refill(now);
    by_requests_ = requests_.wait_for(1) > 0;
    const double wait =
        std::max({requests_.wait_for(1), input_.wait_for(in), split ? output_.wait_for(1) : 0.0});
    if (wait > 0) return wait;
    requests_.take(1);
    input_.take(in);
    return 0;
  }
  /// What was written is known afterwards, and may leave the bucket in debt.
  void spend(protocol speaks, std::uint64_t output) {
    (speaks == protocol::anthropic_messages ? output_ : input_).take(static_cast<double>(output));
  }
  /// Whether the last refusal was about requests rather than tokens.
  [[nodiscard]] bool by_requests() const noexcept { return by_requests_; }

  /// The providers' headers, each with its line end; nothing for what is not limited.
  void append_headers(std::string& out, protocol speaks, const moment& now) {
    refill(now.steady);
    const auto add = [&](std::string_view name, const bucket& b) {
      if (!b.limited()) return;
      const std::string n(name);
      const auto line = [&](std::string key, std::string value) { out += key + ": " + value + "\r\n"; };
      const auto limit = std::to_string(static_cast<std::uint64_t>(b.limit()));
      const auto left = std::to_string(b.remaining());
      if (speaks == protocol::anthropic_messages) {
        const auto full =
            now.wall + std::chrono::seconds(static_cast<std::int64_t>(std::ceil(b.until_full())));
        line("anthropic-ratelimit-" + n + "-limit", limit);
        line("anthropic-ratelimit-" + n + "-remaining", left);
        line("anthropic-ratelimit-" + n + "-reset", rfc3339(full));
      } else {
        line("x-ratelimit-limit-" + n, limit);
        line("x-ratelimit-remaining-" + n, left);
        line("x-ratelimit-reset-" + n, go_text(b.until_full()));
      }
    };
    add("requests", requests_);
    add("tokens", input_.remaining() <= output_.remaining() ? input_ : output_);
    if (speaks != protocol::anthropic_messages) return;
    add("input-tokens", input_);
    add("output-tokens", output_);
  }

 private:
  void refill(steady_time now) noexcept {
    for (bucket* b : {&requests_, &input_, &output_}) b->refill(now);
  }
  bucket requests_, input_, output_;
  bool by_requests_ = false;
};

} // namespace strata::llm::mock
