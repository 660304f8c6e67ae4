// SPDX-License-Identifier: MIT
// The errors of the providers: status, type, code and words, as clients see them.
// Scripted failures and the server's own rules share them.
#pragma once

#include "strata/llm/mock/call.hpp"
#include "strata/llm/mock/failures.hpp"
#include "strata/llm/model.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::llm::mock {

/// The usual error with that status.
[[nodiscard]] inline refusal refusal_of(int status, protocol speaks, std::string_view model = {}) {
  const bool anthropic = speaks == protocol::anthropic_messages;
  const auto make = [&](std::string_view type_a, std::string_view type_o, std::string_view code,
                        std::string message) {
    refusal r;
    r.status = status;
    r.type = std::string(anthropic ? type_a : type_o);
    r.message = std::move(message);
    if (!anthropic) r.code = std::string(code);
    return r;
  };
  switch (status) {
  case 401:
    return anthropic
               ? make("authentication_error", "", "", "invalid x-api-key")
               : make("", "invalid_request_error", "invalid_api_key",
                      "Incorrect API key provided. You can find your API key in your account's settings.");
  case 402:
    return make("billing_error", "unknown_error", "invalid_request_error", "Insufficient Balance");
  case 403:
    return make("permission_error", "request_forbidden", "unsupported_country_region_territory",
                "Country, region, or territory not supported");
  case 404:
    return anthropic ? make("not_found_error", "", "", "model: " + std::string(model))
                     : make("", "invalid_request_error", "model_not_found",
                            "The model `" + std::string(model) +
                                "` does not exist or you do not have access to it.");
  case 408:
    return make("timeout_error", "timeout", "", "Request timed out.");
  case 409:
    return make("conflict_error", "conflict_error", "", "The request conflicts with another one.");
  case 413:
    return make("request_too_large", "invalid_request_error", "request_too_large",
                "Request exceeds the maximum size");
  case 422:
    return make("invalid_request_error", "invalid_request_error", "unprocessable_entity",
                "Unprocessable entity.");
  case 429:
    return make("rate_limit_error", "requests", "rate_limit_exceeded",
                anthropic
                    ? "This request would exceed your organization's rate limit. Please try again later."
                    : "Rate limit reached for " + std::string(model) +
                          " in organization org-mock. Please try again later.");
  case 502:
    return make("api_error", "server_error", "", "Bad gateway");
  case 503:
    return make("overloaded_error", "server_error", "server_is_overloaded",
                "The server is currently overloaded with other requests. Please try again later.");
  case 504:
    return make("timeout_error", "server_error", "", "Gateway timeout");
  case 529:
    return make("overloaded_error", "server_error", "server_is_overloaded", "Overloaded");
  case 500:
    return make("api_error", "server_error", "",
                anthropic ? "Internal server error"
                          : "The server had an error while processing your request.");
  default:
    return make("invalid_request_error", "invalid_request_error", "", "The request is not valid.");
  }
}

/// The account has run dry.
[[nodiscard]] inline refusal quota_refusal(protocol speaks) {
  refusal r;
  if (speaks == protocol::anthropic_messages) {
    r.message =
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade "
        "or purchase credits.";
    return r;
  }
  r.status = 429;
  r.type = r.code = "insufficient_quota";
  r.message = "You exceeded your current quota, please check your plan and billing details.";
  return r;
}

/// A parameter that the model does not take.
[[nodiscard]] inline refusal unsupported_refusal(protocol speaks, const std::string& parameter) {
  refusal r;
  if (speaks == protocol::anthropic_messages) {
    r.message = "`" + parameter + "` is deprecated for this model.";
    return r;
  }
  r.parameter = parameter;
  r.code = "unsupported_parameter";
  r.message = "Unsupported parameter: '" + parameter + "' is not supported with this model.";
  if (parameter == "max_tokens") r.message += " Use 'max_completion_tokens' instead.";
  return r;
}

/// The parameter that the failure `unsupported` complains about: one that a client can rename or drop without
/// changing the answer. Empty if there is none.
[[nodiscard]] inline std::string dispensable_parameter(const call& q) {
  if (q.speaks == protocol::openai_chat)
    for (const char* name : {"max_tokens", "prompt_cache_key"})
      if (q.has(name)) return name;
  return q.has("top_p") ? "top_p" : "";
}

/// The status of a scripted failure that is nothing but an error; 0 for the others.
[[nodiscard]] constexpr int status_of(misbehaviour kind) noexcept {
  switch (kind) {
  case misbehaviour::status_400:
    return 400;
  case misbehaviour::status_401:
    return 401;
  case misbehaviour::status_402:
    return 402;
  case misbehaviour::status_403:
    return 403;
  case misbehaviour::status_404:
    return 404;
  case misbehaviour::status_408:
    return 408;
  case misbehaviour::status_409:
    return 409;
  case misbehaviour::status_413:
    return 413;
  case misbehaviour::status_422:
    return 422;
  case misbehaviour::status_500:
    return 500;
  case misbehaviour::status_502:
    return 502;
  case misbehaviour::status_503:
    return 503;
  case misbehaviour::status_504:
    return 504;
  case misbehaviour::status_529:
    return 529;
  case misbehaviour::rate_limit:
  case misbehaviour::slow_down:
  case misbehaviour::retry_after:
  case misbehaviour::retry_after_huge:
    return 429;
  default:
    return 0;
  }
}

} // namespace strata::llm::mock
