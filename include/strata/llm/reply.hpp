// SPDX-License-Identifier: MIT
// What a model answered: one or more texts, why each of them ended, and what they cost.
// An empty, refused or cut-off text is a reply too, since it was paid for; `choice::complete` tells.
#pragma once

#include "strata/llm/failure.hpp"
#include "strata/llm/token_usage.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace strata::llm {

/// Why a text ended.
enum class finish : std::uint8_t {
  stop,    ///< by itself or at a stop sequence
  length,  ///< cut off: `max_tokens` or the model's context is used up
  refusal, ///< the model or a filter refused
  tools,   ///< it wants to call a tool, which this client never offers
  other,   ///< anything else, or not said
};

[[nodiscard]] constexpr std::string_view to_string(finish f) noexcept {
  constexpr std::string_view names[] = {"stop", "length", "refusal", "tools", "other"};
  return static_cast<std::size_t>(f) < 5 ? names[static_cast<std::size_t>(f)] : "unknown";
}

/// One text. Valid UTF-8 without NUL.
struct choice {
  std::string text{};
  finish why = finish::stop;
  std::string native_finish{}; ///< the provider's own word for it
  std::string refusal{};       ///< its explanation, if it refused

  /// There is text, and it is not cut off.
  [[nodiscard]] bool complete() const noexcept {
    return !text.empty() && (why == finish::stop || why == finish::other);
  }
  friend bool operator==(const choice&, const choice&) = default;
};

/// A reply. `choices` may be fewer than asked for, and never more.
struct reply {
  std::vector<choice> choices{};
  token_usage used{};
  std::string id{};
  std::string model{};       ///< what the provider says answered
  std::string request_id{};  ///< of the HTTP exchange, for support
  std::string fingerprint{}; ///< of the provider's configuration; seeds repeat only while it stays the same
  // filled in by the engine
  /// Empty if the request was sent as asked; otherwise the parameters it was sent with instead, because the
  /// server does not take what was asked for. See `changed_parameters`.
  std::string changed{};
  std::uint32_t attempts = 1;              ///< HTTP exchanges it took
  std::chrono::duration<double> seconds{}; ///< of the last one, from sending to the last byte

  friend bool operator==(const reply&, const reply&) = default;
};

/// A reply, or why there is none.
class outcome {
 public:
  outcome(llm::reply r) : value_(std::move(r)) {}   // NOLINT(google-explicit-constructor)
  outcome(llm::failure f) : value_(std::move(f)) {} // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool ok() const noexcept { return value_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  /// Either throws std::bad_variant_access if there is none.
  [[nodiscard]] const llm::reply& reply() const& { return std::get<0>(value_); }
  [[nodiscard]] llm::reply& reply() & { return std::get<0>(value_); }
  [[nodiscard]] llm::reply&& reply() && { return std::get<0>(std::move(value_)); }
  [[nodiscard]] const llm::failure& failure() const& { return std::get<1>(value_); }
  [[nodiscard]] llm::failure& failure() & { return std::get<1>(value_); }
  [[nodiscard]] llm::failure&& failure() && { return std::get<1>(std::move(value_)); }

  friend bool operator==(const outcome&, const outcome&) = default;

 private:
  std::variant<llm::reply, llm::failure> value_;
};

} // namespace strata::llm
