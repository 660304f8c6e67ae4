// SPDX-License-Identifier: MIT
// Learns from a refusal which parameter a model does not take, so that the request can be sent again without
// it. Every parameter is dropped or renamed at most once per model.
#pragma once

#include "strata/llm/codecs/classify.hpp"
#include "strata/llm/failure.hpp"
#include "strata/llm/model.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace strata::llm {

/// What has been learnt about one model so far.
class adaptation {
 public:
  /// Changes `takes` if the failure complains about a parameter that can be left out or renamed; returns what
  /// was done, in words, or nothing if the complaint is about something else.
  [[nodiscard]] std::string learn(const failure& refused, capabilities& takes) {
    if (refused.kind != failure_kind::bad_request) return {};
    const std::string message = detail::lower_case(refused.message);
    static constexpr std::array<std::string_view, 14> complaints = {
        "unsupported", "not support",  "deprecated",    "unknown name", "unrecognized",
        "unexpected",  "extra inputs", "not permitted", "not allowed",  "unknown parameter",
        "instead",     "only 1",       "not available", "n > 1"};
    const bool complaint = refused.code == "unsupported_parameter" || refused.code == "unsupported_value" ||
                           refused.code == "unknown_parameter" || detail::mentions(message, complaints);
    if (!complaint) return {};
    const auto about = [&](std::string_view name) {
      return refused.parameter.empty() ? names(message, name) : refused.parameter == name;
    };
    // the longer names first: "n" is part of many a sentence
    if (about("max_completion_tokens") && takes.max_tokens_field == "max_completion_tokens" &&
        once(limit_field)) {
      takes.max_tokens_field = "max_tokens";
      return "max_tokens is sent instead of max_completion_tokens";
    }
    if (about("max_tokens") && takes.max_tokens_field == "max_tokens" && once(limit_field)) {
      takes.max_tokens_field = "max_completion_tokens";
      return "max_completion_tokens is sent instead of max_tokens";
    }
    if (about("temperature") && takes.temperature && once(temperature)) {
      takes.temperature = false;
      return "temperature is not sent any more";
    }
    if (about("top_p") && takes.top_p && once(top_p)) {
      takes.top_p = false;
      return "top_p is not sent any more";
    }
    if (about("seed") && takes.seed && once(seed)) {
      takes.seed = false;
      return "seed is not sent any more";
    }
    if ((about("stop") || about("stop_sequences")) && takes.stop && once(stop)) {
      takes.stop = false;
      return "stop sequences are not sent any more";
    }
    if (about("prompt_cache_key") && takes.cache_key && once(cache_key)) {
      takes.cache_key = false;
      return "prompt_cache_key is not sent any more";
    }
    if (about("stream_options") && takes.stream_usage && once(stream_usage)) {
      takes.stream_usage = false;
      return "stream_options is not sent any more";
    }
    if ((about("reasoning_effort") || about("thinking") || about("output_config")) &&
        takes.reasoning != reasoning_control::none && once(reasoning)) {
      takes.reasoning = reasoning_control::none;
      return "the effort is not sent any more";
    }
    const bool role_refused = refused.parameter.find("role") != std::string::npos || names(message, "role");
    if (role_refused && (names(message, "system") || names(message, "developer")) &&
        takes.system_role != "user") {
      if (takes.system_role == "system" && names(message, "developer") && once(developer)) {
        takes.system_role = "developer";
        return "instructions are sent with the role developer";
      }
      if (once(system_role)) {
        takes.system_role = "user";
        return "instructions are sent with the role user";
      }
    }
    if (about("n") && takes.max_n > 1 && once(n)) {
      takes.max_n = 1;
      return "n is not sent any more";
    }
    return {};
  }

 private:
  enum parameter : std::uint32_t {
    limit_field = 1,
    temperature = 2,
    top_p = 4,
    seed = 8,
    stop = 16,
    cache_key = 32,
    stream_usage = 64,
    reasoning = 128,
    developer = 256,
    system_role = 512,
    n = 1024,
  };
  bool once(parameter p) noexcept {
    if ((done_ & p) != 0) return false;
    done_ |= p;
    return true;
  }
  /// Whether the message has the name as a word of its own.
  static bool names(std::string_view message, std::string_view name) noexcept {
    const auto part = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    for (std::size_t at = 0; (at = message.find(name, at)) != std::string_view::npos; ++at) {
      const std::size_t end = at + name.size();
      if ((at == 0 || !part(message[at - 1])) && (end == message.size() || !part(message[end]))) return true;
    }
    return false;
  }

  std::uint32_t done_ = 0;
};

} // namespace strata::llm
