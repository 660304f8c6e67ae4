// SPDX-License-Identifier: MIT
// Why a request brought no reply, and how far the reason reaches: this attempt, this request, this model,
// or everything that is billed to the same account.
//
// What arrives instead of a good reply, by the numbers that the tests use, and what becomes of it:
//   1 a truncated body                        again; a part is never taken for an answer
//   2 an error within a 200                   classified by what it says
//   3 no text, or a refusal                   a reply, since it was paid for; nothing said at all: again
//   4 a text that was cut off                 a reply, marked
//   5 a compressed body                       read if it is what it says, else again
//   6 chunks cut anywhere                     put together
//   7 a reset, or an end in the middle        again on a new connection
//   8 TLS                                     a failed handshake again, a bad certificate never
//   9 a web page                              5xx again, else the address or the proxy is wrong
//  10 429 without retry-after                 a quota ends everything, else reset headers or backoff
//  11 a kept connection that was closed       again at once, not counted
//  12 silence, or keep-alive bytes for ever   given up after a time, then again
//  13 an absurd retry-after                   own backoff, or the end of this model if it is too long
//  14 a stream that ends before its texts     again
//  15 a parameter that is not taken           again without it, and so from then on
//  16 fewer choices than asked for            `fan_out` asks for the others
//  17 numbers and text in odd shape           read leniently; what is unknown or cannot be is not zero
//  18 the key, anywhere                       replaced before anybody sees it
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::llm {

enum class failure_kind : std::uint8_t {
  // another attempt may succeed
  connection,   ///< no connection, reset, closed, or cut off in the middle of a reply
  timeout,      ///< no connection, no byte or no end within the time allowed
  malformed,    ///< bytes that are no reply: broken JSON or HTTP, unknown encoding, a stream without its end
  rate_limited, ///< too many requests or tokens per minute
  overloaded,   ///< the provider cannot serve anybody just now
  server_error, ///< any other failure on the provider's side
  // this request can never succeed
  bad_request, ///< refused: a parameter, the length of the prompt, its content
  too_large,   ///< the request or the reply exceeds a limit on its size
  expired,     ///< it was tried for too long; `message` says what happened last
  cancelled,   ///< by the caller, or because the client was shut down
  declined,    ///< by the caller's `admit` hook
  // no request to this model can succeed
  configuration, ///< key, permission, model name, certificate, or something that is not the provider answered
  // nothing that is billed to this account can succeed
  budget, ///< credit, quota or spend limit exhausted
};

[[nodiscard]] constexpr std::string_view to_string(failure_kind kind) noexcept {
  switch (kind) {
  case failure_kind::connection:
    return "connection";
  case failure_kind::timeout:
    return "timeout";
  case failure_kind::malformed:
    return "malformed";
  case failure_kind::rate_limited:
    return "rate_limited";
  case failure_kind::overloaded:
    return "overloaded";
  case failure_kind::server_error:
    return "server_error";
  case failure_kind::bad_request:
    return "bad_request";
  case failure_kind::too_large:
    return "too_large";
  case failure_kind::expired:
    return "expired";
  case failure_kind::cancelled:
    return "cancelled";
  case failure_kind::declined:
    return "declined";
  case failure_kind::configuration:
    return "configuration";
  case failure_kind::budget:
    return "budget";
  }
  return "unknown";
}

/// What a failure puts an end to.
enum class reach : std::uint8_t { attempt, request, model, provider };

[[nodiscard]] constexpr reach reach_of(failure_kind kind) noexcept {
  if (kind <= failure_kind::server_error) return reach::attempt;
  if (kind <= failure_kind::declined) return reach::request;
  return kind == failure_kind::configuration ? reach::model : reach::provider;
}

/// Why there is no reply. No text in it ever contains a key.
struct failure {
  failure_kind kind = failure_kind::malformed;
  std::string message{};      ///< one sentence, with what to do about it where that is known
  int status = 0;             ///< HTTP status; 0 if none arrived
  std::string code{};         ///< the provider's own code or type
  std::string parameter{};    ///< the request field it complains about
  std::string request_id{};   ///< the provider's, for support
  std::string body{};         ///< first bytes of what arrived instead of a reply, for the log
  bool may_be_billed = false; ///< the request had been sent: the provider may have done the work
  /// The provider asks to wait at least this long. Zero or negative values have been dropped.
  std::optional<std::chrono::milliseconds> retry_after{};
  /// The provider says that trying again will (not) help.
  std::optional<bool> should_retry{};

  friend bool operator==(const failure&, const failure&) = default;
};

} // namespace strata::llm
