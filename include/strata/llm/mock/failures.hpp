// SPDX-License-Identifier: MIT
// The ways in which the scripted server can misbehave, each with a name, and how often it does.
// Which request meets which failure is drawn from the seed and the request, so that a rehearsal can be
// repeated.
#pragma once

#include "strata/llm/mock/draws.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm::mock {

enum class misbehaviour : std::uint8_t {
  none,
  truncated,
  error_in_200,
  error_array,
  empty,
  refusal,
  length,
  gzip,
  bad_gzip,
  split,
  reset,
  closed,
  tls,
  html,
  html_200,
  rate_limit,
  slow_down,
  quota,
  idle_close,
  silence,
  drip,
  keep_alive,
  retry_after,
  retry_after_huge,
  no_end,
  stream_error,
  unsupported,
  fewer,
  odd,
  no_usage,
  key_echo,
  status_400,
  status_401,
  status_402,
  status_403,
  status_404,
  status_408,
  status_409,
  status_413,
  status_422,
  status_500,
  status_502,
  status_503,
  status_504,
  status_529,
};

/// What a failure does to a client that copes with it.
enum class effect : std::uint8_t {
  none,    ///< it tries again, and gets exactly the samples it would have got otherwise
  samples, ///< it goes on with other, fewer or worse samples
  fatal,   ///< it has to give up
};

/// One way to misbehave.
struct misbehaviour_row {
  misbehaviour kind;
  std::string_view name;
  effect on_client;
  std::string_view what;
};

[[nodiscard]] inline std::span<const misbehaviour_row> misbehaviours() noexcept {
  using m = misbehaviour;
  using e = effect;
  static constexpr std::array<misbehaviour_row, 44> rows = {{
      {m::truncated, "truncated", e::none, "the body ends before its Content-Length"},
      {m::error_in_200, "error-in-200", e::none, "status 200 with an error object"},
      {m::error_array, "error-array", e::none, "status 200 with an array that holds an error object"},
      {m::empty, "empty", e::samples, "an answer without text, paid for"},
      {m::refusal, "refusal", e::samples, "the model refuses, paid for"},
      {m::length, "length", e::samples, "the answer is cut off in its middle, as by the token limit"},
      {m::gzip, "gzip", e::none, "the answer is compressed although nobody asked for it"},
      {m::bad_gzip, "bad-gzip", e::none, "Content-Encoding: gzip over a body that is not"},
      {m::split, "split", e::none, "chunks that split lines and characters, blank lines before the body"},
      {m::reset, "reset", e::none, "connection reset in the middle of the body"},
      {m::closed, "closed", e::none, "connection closed before the first byte"},
      {m::tls, "tls", e::none,
       "closed, and the next connection breaks in its TLS handshake (plain: at once)"},
      {m::html, "html", e::none, "a web page with status 502, 503, 504, 520 or 524"},
      {m::html_200, "html-200", e::fatal, "a web page with status 200, as from a captive portal"},
      {m::rate_limit, "429", e::none, "rate limit with retry-after"},
      {m::slow_down, "429-bare", e::none, "rate limit without retry-after"},
      {m::quota, "quota", e::fatal, "429 that means: no money left"},
      {m::idle_close, "idle-close", e::none, "a good answer, then the kept connection closes silently"},
      {m::silence, "silence", e::none, "nothing at all for a while, then a reset"},
      {m::drip, "drip", e::none, "only blank lines or comments for a while, then the end"},
      {m::keep_alive, "keep-alive", e::none, "blank lines or comments first, then a good answer"},
      {m::retry_after, "retry-after", e::none, "429 with a retry-after of 0, -5, a past date or nonsense"},
      {m::retry_after_huge, "retry-after-huge", e::fatal, "429 that asks to wait for a day"},
      {m::no_end, "no-end", e::none,
       "a stream that ends before its texts do; otherwise chunks without the last one"},
      {m::stream_error, "stream-error", e::none,
       "an error event after a part of the text; otherwise 529 or 503"},
      {m::unsupported, "unsupported", e::none,
       "400 that names a parameter which can be renamed or dropped; else 500"},
      {m::fewer, "fewer", e::samples, "half of the choices that were asked for"},
      {m::odd, "odd", e::none, "numbers as floats, unknown members and events"},
      {m::no_usage, "no-usage", e::samples, "an answer whose usage is null"},
      {m::key_echo, "key-echo", e::none, "status 500 with the key in its message: does the client hide it?"},
      {m::status_400, "400", e::fatal, "bad request"},
      {m::status_401, "401", e::fatal, "wrong key"},
      {m::status_402, "402", e::fatal, "payment required"},
      {m::status_403, "403", e::fatal, "not permitted"},
      {m::status_404, "404", e::fatal, "no such model"},
      {m::status_408, "408", e::none, "request timeout"},
      {m::status_409, "409", e::none, "conflict"},
      {m::status_413, "413", e::fatal, "request too large, as from a CDN"},
      {m::status_422, "422", e::fatal, "unprocessable"},
      {m::status_500, "500", e::none, "server error"},
      {m::status_502, "502", e::none, "bad gateway"},
      {m::status_503, "503", e::none, "overloaded"},
      {m::status_504, "504", e::none, "gateway timeout"},
      {m::status_529, "529", e::none, "overloaded, in Anthropic's way"},
  }};
  return rows;
}

[[nodiscard]] inline std::string_view to_string(misbehaviour kind) noexcept {
  for (const misbehaviour_row& row : misbehaviours())
    if (row.kind == kind) return row.name;
  return "none";
}

/// How often each happens; the rest of the requests is served well.
class failure_plan {
 public:
  failure_plan() = default;
  /// Probabilities; throws std::invalid_argument if one is outside [0, 1] or they exceed 1 together.
  explicit failure_plan(std::vector<std::pair<misbehaviour, double>> shares) : shares_(std::move(shares)) {
    double sum = 0;
    for (const auto& [kind, p] : shares_) {
      if (!(p >= 0 && p <= 1)) throw std::invalid_argument("a failure rate lies between 0 and 1");
      sum += p;
    }
    if (sum > 1 + 1e-9) throw std::invalid_argument("failure rates are more than 1 together");
  }
  [[nodiscard]] bool empty() const noexcept { return shares_.empty(); }
  /// What happens to the request with that hash. O(kinds).
  [[nodiscard]] misbehaviour draw(std::uint64_t hash) const noexcept {
    double x = unit(hash);
    for (const auto& [kind, p] : shares_) {
      if (x < p) return kind;
      x -= p;
    }
    return misbehaviour::none;
  }
  /// Probability that a request is served well.
  [[nodiscard]] double good() const noexcept {
    double p = 1;
    for (const auto& s : shares_) p -= s.second;
    return p;
  }

 private:
  std::vector<std::pair<misbehaviour, double>> shares_;
};

/// Reads "429=0.05,reset=0.02,rate=0.1"; `rate` is shared equally by all kinds without effect on the samples,
/// `any` by all that are not fatal. Throws std::invalid_argument in one line that names the culprit.
[[nodiscard]] inline failure_plan parse_failures(std::string_view spec) {
  std::vector<std::pair<misbehaviour, double>> shares;
  while (!spec.empty()) {
    const std::string_view item = spec.substr(0, spec.find(','));
    spec.remove_prefix(std::min(spec.size(), item.size() + 1));
    const std::size_t equal = item.find('=');
    const std::string name(item.substr(0, equal));
    const std::string number(equal == std::string_view::npos ? "" : item.substr(equal + 1));
    char* end = nullptr;
    const double p = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0' || !(p >= 0 && p <= 1))
      throw std::invalid_argument("'" + std::string(item) + "' is not NAME=RATE with a rate between 0 and 1");
    if (name == "rate" || name == "any") {
      const effect worst = name == "rate" ? effect::none : effect::samples;
      double kinds = 0;
      for (const misbehaviour_row& row : misbehaviours()) kinds += row.on_client <= worst ? 1 : 0;
      for (const misbehaviour_row& row : misbehaviours())
        if (row.on_client <= worst) shares.emplace_back(row.kind, p / kinds);
      continue;
    }
    misbehaviour found = misbehaviour::none;
    for (const misbehaviour_row& row : misbehaviours())
      if (row.name == name) found = row.kind;
    if (found == misbehaviour::none) {
      std::string known = "rate, any";
      for (const misbehaviour_row& row : misbehaviours()) known += ", " + std::string(row.name);
      throw std::invalid_argument("'" + name + "' is no failure; there are " + known);
    }
    shares.emplace_back(found, p);
  }
  return failure_plan(std::move(shares));
}

} // namespace strata::llm::mock
