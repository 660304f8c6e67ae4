// SPDX-License-Identifier: MIT
// What response headers say about limits: when to come back, and which limit is used up until when.
// Every provider spells it differently, and any value may be absurd.
#pragma once

#include "strata/llm/http.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace strata::llm {

/// One limit: so many per minute, so many left, full again after `reset`.
struct rate_bucket {
  std::optional<double> limit{};
  std::optional<double> remaining{};
  std::optional<std::chrono::milliseconds> reset{};
};

/// Everything the headers say.
struct rate_headers {
  std::optional<std::chrono::milliseconds> retry_after{}; ///< only if positive
  std::optional<bool> should_retry{};
  std::array<rate_bucket, 4> buckets{}; ///< requests, tokens, input tokens, output tokens

  /// How long until a limit that is used up is free again; 0 if none is, or that is not said.
  [[nodiscard]] std::chrono::milliseconds exhausted_for() const noexcept {
    std::chrono::milliseconds longest{0};
    for (const rate_bucket& b : buckets)
      if (b.remaining && *b.remaining <= 0 && b.reset) longest = std::max(longest, *b.reset);
    return longest;
  }
};

namespace detail {

inline constexpr double longest_wait = 1e9; // seconds

inline std::optional<double> number(std::string_view text, std::string_view* rest = nullptr) {
  const std::string copy(text.substr(0, 40));
  if (copy.empty() || !((copy[0] >= '0' && copy[0] <= '9') || copy[0] == '.' || copy[0] == '-'))
    return std::nullopt;
  if (copy.size() > 1 && (copy[1] == 'x' || copy[1] == 'X')) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (end == copy.c_str() || !std::isfinite(value)) return std::nullopt;
  const auto used = static_cast<std::size_t>(end - copy.c_str());
  if (rest != nullptr)
    *rest = text.substr(used);
  else if (used != text.size())
    return std::nullopt;
  return value;
}

inline std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(std::ceil(std::min(seconds, longest_wait) * 1000)));
}

inline std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  unsigned value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return value;
}

inline std::optional<std::chrono::sys_seconds> moment(unsigned y, unsigned mo, unsigned d, unsigned h,
                                                      unsigned mi, unsigned s) {
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(y)), std::chrono::month(mo),
                                         std::chrono::day(d)};
  if (!date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(h) + std::chrono::minutes(mi) +
         std::chrono::seconds(s);
}

} // namespace detail

/// A duration as Go prints it: "1s", "6m0s", "20ms", "7m12s", "59.961s", "1h2m"; a bare number is seconds.
[[nodiscard]] inline std::optional<std::chrono::milliseconds> go_duration(std::string_view text) {
  double seconds = 0;
  if (const auto bare = detail::number(text)) {
    if (*bare < 0) return std::nullopt;
    return detail::milliseconds_of(*bare);
  }
  if (text.empty() || text.size() > 64) return std::nullopt;
  while (!text.empty()) {
    std::string_view rest;
    const auto value = detail::number(text, &rest);
    if (!value || *value < 0) return std::nullopt;
    struct unit {
      std::string_view name;
      double seconds;
    };
    constexpr unit units[] = {{"ms", 1e-3}, {"us", 1e-6}, {"\xC2\xB5s", 1e-6}, {"ns", 1e-9}, {"h", 3600},
                              {"m", 60},    {"s", 1},     {"d", 86400}};
    bool known = false;
    for (const unit& u : units) // the longer names come first
      if (rest.starts_with(u.name)) {
        seconds += *value * u.seconds;
        text = rest.substr(u.name.size());
        known = true;
        break;
      }
    if (!known) return std::nullopt;
  }
  return detail::milliseconds_of(seconds);
}

/// "2026-11-20T10:20:30Z", also with a fraction or an offset.
[[nodiscard]] inline std::optional<std::chrono::sys_seconds> rfc3339(std::string_view text) {
  using detail::digits;
  const auto y = digits(text, 0, 4), mo = digits(text, 5, 2), d = digits(text, 8, 2), h = digits(text, 11, 2),
             mi = digits(text, 14, 2), s = digits(text, 17, 2);
  if (!y || !mo || !d || !h || !mi || !s || text[4] != '-' || text[7] != '-' || text[13] != ':')
    return std::nullopt;
  auto when = detail::moment(*y, *mo, *d, *h, *mi, *s);
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.')
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9';) ++at;
  if (!when || at >= text.size()) return std::nullopt;
  if (text[at] == 'Z' || text[at] == 'z') return when;
  const auto oh = digits(text, at + 1, 2), om = digits(text, at + 4, 2);
  if ((text[at] != '+' && text[at] != '-') || !oh || !om) return std::nullopt;
  const auto offset = std::chrono::hours(*oh) + std::chrono::minutes(*om);
  return text[at] == '+' ? *when - offset : *when + offset;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
[[nodiscard]] inline std::optional<std::chrono::sys_seconds> http_date(std::string_view text) {
  using detail::digits;
  if (text.size() != 29 || !text.ends_with(" GMT") || text[3] != ',') return std::nullopt;
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t month = months.find(text.substr(8, 3));
  const auto d = digits(text, 5, 2), y = digits(text, 12, 4), h = digits(text, 17, 2),
             mi = digits(text, 20, 2), s = digits(text, 23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || !d || !y || !h || !mi || !s) return std::nullopt;
  return detail::moment(*y, static_cast<unsigned>(month / 3 + 1), *d, *h, *mi, *s);
}

/// Reads the headers of a response that arrived at `now`. Where the server states its own time, that counts
/// instead of ours.
[[nodiscard]] inline rate_headers read_rate_headers(const http_response& response,
                                                    std::chrono::system_clock::time_point now) {
  using std::chrono::milliseconds;
  if (const std::string* date = response.header("date"))
    if (const auto server = http_date(*date)) now = *server;
  const auto until = [&](std::chrono::sys_seconds when) {
    return std::chrono::duration_cast<milliseconds>(when - now);
  };
  rate_headers out;
  if (const std::string* h = response.header("retry-after-ms"))
    if (const auto ms = detail::number(*h); ms && *ms > 0)
      out.retry_after = detail::milliseconds_of(*ms / 1000);
  if (const std::string* h = response.header("retry-after"); h != nullptr && !out.retry_after) {
    if (const auto s = detail::number(*h)) {
      if (*s > 0) out.retry_after = detail::milliseconds_of(*s);
    } else if (const auto date = http_date(*h)) {
      if (until(*date).count() > 0) out.retry_after = until(*date);
    }
  }
  if (const std::string* h = response.header("x-should-retry")) {
    if (*h == "true") out.should_retry = true;
    if (*h == "false") out.should_retry = false;
  }
  const auto read = [&](rate_bucket& b, const std::string& prefix, const std::string& suffix) {
    if (const std::string* h = response.header(prefix + "limit" + suffix))
      if (const auto n = detail::number(*h); n && *n > 0) b.limit = n;
    if (const std::string* h = response.header(prefix + "remaining" + suffix))
      if (const auto n = detail::number(*h); n && *n >= 0) b.remaining = n;
    if (const std::string* h = response.header(prefix + "reset" + suffix)) {
      if (const auto when = rfc3339(*h))
        b.reset = std::max(until(*when), milliseconds{0});
      else if (const auto time = go_duration(*h); time && time->count() < 1'000'000'000)
        b.reset = time; // larger ones are points in time
    }
  };
  bool any = false; // most responses of most servers have none of these
  for (const http_header& h : response.headers)
    any = any || h.name.find("limit") != std::string::npos || h.name.find("Limit") != std::string::npos;
  if (!any) return out;
  constexpr std::string_view kinds[] = {"requests", "tokens", "input-tokens", "output-tokens"};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string kind(kinds[i]);
    read(out.buckets[i], "anthropic-ratelimit-" + kind + "-", "");
    read(out.buckets[i], "x-ratelimit-", "-" + kind);
  }
  read(out.buckets[0], "x-ratelimit-", "");
  read(out.buckets[1], "x-tokenlimit-", "");
  return out;
}

} // namespace strata::llm
