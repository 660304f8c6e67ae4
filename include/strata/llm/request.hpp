// SPDX-License-Identifier: MIT
// One question to a model, in terms that mean the same for every provider.
// What a model does not take is left out by the codec, so a request never has to know which model it is for.
#pragma once

#include "strata/llm/message.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

/// How much a reasoning model may think. `unset` leaves it to the provider.
enum class effort : std::uint8_t { unset, none, minimal, low, medium, high, xhigh, max };

[[nodiscard]] constexpr std::string_view to_string(effort e) noexcept {
  constexpr std::string_view names[] = {"unset", "none", "minimal", "low", "medium", "high", "xhigh", "max"};
  return static_cast<std::size_t>(e) < 8 ? names[static_cast<std::size_t>(e)] : "unknown";
}

/// Whether the reply arrives as a stream of events. `automatic` streams only where a silent connection would
/// be dropped: Anthropic with more than 21 333 tokens to write.
enum class streaming : std::uint8_t { automatic, never, always };

/// How long Anthropic keeps a marked prefix.
enum class cache_life : std::uint8_t { minutes5, hour1 };

/// What a budget keeps reserved; its destructor gives it back.
struct kept_back {
  kept_back() = default;
  kept_back(const kept_back&) = delete;
  kept_back& operator=(const kept_back&) = delete;
  virtual ~kept_back() = default;
};

/// What may still be asked to finish what a request begins: one object for it and its follow-ups. The
/// requester empties `kept` when all is over.
struct follow_ups {
  std::uint32_t requests = 0;        ///< at most
  std::uint64_t input_tokens = 0;    ///< at most, of all of them together
  std::uint64_t output_tokens = 0;   ///< at most, of all of them together
  std::shared_ptr<kept_back> kept{}; ///< by a budget that let the request begin
};

/// A request. Cheap to copy: the conversation is shared.
/// It has constructors on purpose: g++ 12 miscompiles a temporary aggregate within a co_await expression.
struct chat_request {
  chat_request() {}
  explicit chat_request(conversation what) : messages(std::move(what)) {}

  conversation messages{};
  std::uint32_t max_tokens = 1024; ///< to be written, hidden reasoning included where the provider counts it
  std::optional<double> temperature{}; ///< sent only where the model takes it
  std::optional<double> top_p{};       ///< sent only where the model takes it
  std::vector<std::string> stop{};     ///< the text ends before any of these; at most four are sent
  std::optional<std::uint64_t> seed{}; ///< sent, reduced to 31 bits, where the model takes it
  std::uint32_t n = 1;                 ///< choices wanted; a reply may bring fewer, see `fan_out`
  effort reasoning = effort::unset;
  std::string cache_key{}; ///< the same for all requests that share a prefix (OpenAI: prompt_cache_key)
  cache_life cache = cache_life::minutes5;
  streaming stream = streaming::automatic;

  std::uint32_t sample = 0; ///< number of the first choice among all samples of this prompt; never sent
  std::uint64_t tag = 0;    ///< for the caller, for instance the stage that asks; never sent

  /// Goes on with what an earlier request began: sent before all that begin something, even by an engine that
  /// is being drained.
  bool follow_up = false;
  std::shared_ptr<follow_ups> later{}; ///< of the conversation it belongs to; none: nothing follows
};

} // namespace strata::llm
