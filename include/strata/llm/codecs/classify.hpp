// SPDX-License-Identifier: MIT
// Says what a response that is no reply means: from the error object first, whatever the status, then from
// the status. Quota comes before rate limit, because both arrive as 429.
#pragma once

#include "strata/llm/codecs/json.hpp"
#include "strata/llm/codecs/rate_headers.hpp"
#include "strata/llm/failure.hpp"
#include "strata/llm/http.hpp"
#include "strata/llm/model.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata::llm {

namespace detail {

inline constexpr std::size_t body_excerpt = 500; // bytes kept for the log

inline std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

template <std::size_t N> bool mentions(std::string_view text, const std::array<std::string_view, N>& words) {
  for (const std::string_view w : words)
    if (text.find(w) != std::string_view::npos) return true;
  return false;
}

inline bool looks_like_markup(const http_response& response) {
  if (response.media_type().find("html") != std::string::npos) return true;
  for (const char c : response.body)
    if (static_cast<unsigned char>(c) > 0x20) return c == '<';
  return false;
}

/// The error in a body, in any of the shapes servers use: {"error": {..}}, {"error": "text"}, [{"error":
/// ..}],
/// {"type": "error", "error": ..}, {"object": "error", "message": ..}, {"detail": ..}, {"detail": [{"loc":
/// ..}]}.
struct error_object {
  std::string message{}, type{}, code{}, parameter{}, detail_code{};
};

/// What validators of requests list, the first of it: [{"loc": ["body", "n"], "msg": .., "type": ..}] or
/// [{"fieldViolations": [{"field": .., "description": ..}]}].
inline void read_violation(const boost::json::value* list, error_object& e) {
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return;
  const boost::json::value* first = &list->get_array()[0];
  if (const auto* fields = member(first, "fieldViolations");
      fields != nullptr && fields->is_array() && !fields->get_array().empty()) {
    e.parameter = text_of(member(&fields->get_array()[0], "field"));
    if (e.message.empty()) e.message = text_of(member(&fields->get_array()[0], "description"));
    return;
  }
  if (const auto* place = member(first, "loc"); place != nullptr && place->is_array())
    for (const boost::json::value& part : place->get_array())
      if (part.is_string() && e.parameter.size() < 200)
        e.parameter += (e.parameter.empty() ? "" : ".") + text_of(&part);
  if (const std::string message = text_of(member(first, "msg")); !message.empty() && e.message.empty())
    e.message = (e.parameter.empty() ? "" : e.parameter + ": ") + message;
  if (e.code.empty()) e.code = code_of(member(first, "type"));
}

inline std::optional<error_object> find_error(const boost::json::value* body, bool failed_status) {
  if (body != nullptr && body->is_array() && body->get_array().size() == 1) body = &body->get_array()[0];
  if (body == nullptr || !body->is_object()) return std::nullopt;
  error_object e;
  const boost::json::value* inner = member(body, "error");
  if (inner != nullptr && inner->is_string()) {
    e.message = text_of(inner);
    return e;
  }
  if (inner == nullptr && text_of(member(body, "object")) == "error") inner = body;
  if (inner == nullptr && failed_status && (member(body, "message") || member(body, "detail"))) inner = body;
  if (inner == nullptr || !inner->is_object()) return std::nullopt;
  e.message = text_of(member(inner, "message"));
  if (e.message.empty()) e.message = text_of(member(inner, "detail"));
  const auto* message = member(inner, "message");
  for (const auto* list : {member(inner, "detail"), member(message, "detail"), member(inner, "details")})
    if (e.parameter.empty()) read_violation(list, e);
  e.type = text_of(member(inner, "type"));
  if (e.type.empty()) e.type = text_of(member(inner, "status"));
  if (const std::string code = code_of(member(inner, "code")); !code.empty()) e.code = code;
  if (const std::string p = text_of(member(inner, "param")); !p.empty()) e.parameter = p;
  e.detail_code = code_of(member(member(inner, "details"), "error_code"));
  return e;
}

/// A server of https that was spoken to without TLS, in the words of nginx, Go, Apache and others.
inline bool wants_tls(std::string_view body) {
  static constexpr std::array<std::string_view, 4> words = {"http request was sent to https",
                                                            "http request to an https server",
                                                            "speaking plain http to an ssl", "requires tls"};
  return mentions(lower_case(body.substr(0, 4096)), words);
}
inline std::string_view path_of(protocol speaks) noexcept {
  return speaks == protocol::anthropic_messages ? "/v1/messages" : "/chat/completions";
}
/// The prompt alone is too long.
inline bool is_context(const error_object& e, const std::string& message) {
  static constexpr std::array<std::string_view, 7> words = {
      "context size",       "context length",    "context window", "context_length",
      "prompt is too long", "input is too long", "maximum context"};
  return e.type == "exceed_context_size_error" || e.code == "context_length_exceeded" ||
         mentions(message, words);
}

inline bool is_quota(const error_object& e, const std::string& message) {
  static constexpr std::array<std::string_view, 10> codes = {"insufficient_quota",
                                                             "credit_balance_exhausted",
                                                             "organization_spend_limit_exceeded",
                                                             "project_spend_limit_exceeded",
                                                             "organization_usage_limit_exceeded",
                                                             "billing_error",
                                                             "billing_hard_limit_reached",
                                                             "enforced_spend_limit_reached",
                                                             "insufficient_balance",
                                                             "billing_not_active"};
  for (const std::string_view c : codes)
    if (e.code == c || e.type == c || e.detail_code == c) return true;
  static constexpr std::array<std::string_view, 7> phrases = {
      "credit balance is too low",
      "reached your specified api usage limits",
      "exceeded your current quota",
      "insufficient balance",
      "insufficient credits",
      "perday",
      "quota exceeded for quota metric 'generate requests per day"};
  return mentions(message, phrases);
}

} // namespace detail

/// What a status means by itself.
[[nodiscard]] constexpr failure_kind kind_of_status(int status) noexcept {
  if (status == 408 || status == 409 || status == 425) return failure_kind::server_error;
  if (status == 429) return failure_kind::rate_limited;
  if (status == 413) return failure_kind::too_large;
  if (status == 402) return failure_kind::budget;
  if (status == 503 || status == 529) return failure_kind::overloaded;
  if (status == 501 || status == 505) return failure_kind::configuration; // not an API
  if (status >= 500) return failure_kind::server_error;
  if (status == 401 || status == 403 || status == 404 || status == 405 || status == 407 || status == 410)
    return failure_kind::configuration;
  if (status >= 300 && status < 400) return failure_kind::configuration;
  if (status >= 400) return failure_kind::bad_request;
  return failure_kind::malformed;
}

/// Turns a response into a failure. `body` is its JSON, or null if it is none. For status 2xx it is called
/// when there is an error object or no schema to be found.
[[nodiscard]] inline failure classify(const model_profile& model, const http_response& response,
                                      const boost::json::value* body,
                                      std::chrono::system_clock::time_point now) {
  failure f;
  f.status = response.status;
  f.may_be_billed = true;
  f.body = response.body.substr(0, 16 * detail::body_excerpt); // cut to size after keys have been removed
  if (const std::string* id = response.header("request-id")) f.request_id = *id;
  if (const std::string* id = response.header("x-request-id"); id != nullptr && f.request_id.empty())
    f.request_id = *id;
  const rate_headers rates = read_rate_headers(response, now);
  f.retry_after = rates.retry_after;
  f.should_retry = rates.should_retry;

  const std::string who = model.provider + " (" + model.name + ")";
  const bool failed_status = response.status >= 400;
  const auto error = detail::find_error(body, failed_status);
  if (!error) {
    const bool markup = detail::looks_like_markup(response);
    f.kind = kind_of_status(response.status);
    const std::string status = std::to_string(response.status);
    if (markup && (response.status < 300 || response.status == 401 || response.status == 403 ||
                   response.status == 407)) {
      f.kind = failure_kind::configuration;
      f.message =
          who + ": a web page came back (status " + status +
          ") instead of an answer; check the address, the proxy and whether this network needs a login";
    } else if (response.status >= 300 && response.status < 400) {
      const std::string* to = response.header("location");
      f.message = who + ": the server redirects" + (to != nullptr ? " to " + *to : std::string()) +
                  "; give that address instead";
    } else if (detail::wants_tls(response.body)) {
      f.kind = failure_kind::configuration;
      f.message = who + ": the server expects TLS at this port (status " + status + "); write https:// in " +
                  model.base_url;
    } else if (response.status == 404 || response.status == 405 || response.status == 410 ||
               response.status == 501) {
      f.message = who + ": status " + status + (markup ? " with a web page" : "") +
                  ": there is no such service at " + model.base_url +
                  std::string(detail::path_of(model.speaks)) +
                  "; check the address (host, port, and a path like /v1)";
    } else if (response.status == 402 && f.retry_after) {
      f.kind = failure_kind::rate_limited;
      f.message = who + ": status 402, to be tried again later";
    } else if (f.kind == failure_kind::malformed) {
      f.message = who + ": status " + status + " with a body that is not an answer";
    } else {
      f.message = who + ": status " + status + (markup ? " with a web page" : "") +
                  (f.kind == failure_kind::configuration ? "; check key, model name and address" : "");
    }
    return f;
  }

  // an error within a 200, or a gateway that reports another's status
  int status = response.status;
  if (!failed_status) {
    status = 0;
    if (error->code.size() == 3 && error->code >= "400" && error->code <= "599")
      status = std::stoi(error->code);
  }
  f.code = !error->code.empty() && status != 0 && error->code == std::to_string(status) ? error->type
           : !error->code.empty()                                                       ? error->code
                                                                                        : error->type;
  f.parameter = error->parameter;
  const std::string message = detail::lower_case(error->message);
  const auto is = [&](std::string_view name) { return error->code == name || error->type == name; };

  if (detail::is_quota(*error, message))
    f.kind = failure_kind::budget;
  else if (is("authentication_error") || is("invalid_api_key") || is("permission_error") ||
           is("not_found_error") || is("model_not_found") || is("UNAUTHENTICATED") ||
           is("PERMISSION_DENIED") || is("account_deactivated"))
    f.kind = failure_kind::configuration;
  else if (is("rate_limit_error") || is("rate_limit_exceeded") || is("RESOURCE_EXHAUSTED"))
    f.kind = failure_kind::rate_limited;
  else if (is("overloaded_error") || is("server_is_overloaded") || is("UNAVAILABLE") ||
           is("unavailable_error"))
    f.kind = failure_kind::overloaded;
  else if (is("slow_down"))
    f.kind = status == 503 ? failure_kind::overloaded : failure_kind::rate_limited;
  else if (is("request_too_large"))
    f.kind = failure_kind::too_large;
  else if (is("api_error") || is("timeout_error") || is("server_error") || is("conflict_error") ||
           is("INTERNAL"))
    f.kind = failure_kind::server_error;
  else if (status >= 400)
    f.kind = kind_of_status(status);
  else if (is("invalid_request_error") || is("INVALID_ARGUMENT") || is("context_length_exceeded") ||
           is("BadRequestError"))
    f.kind = failure_kind::bad_request;
  else
    f.kind = failure_kind::server_error; // an error that names nothing, in a 200

  // providers that use a status in their own way
  if (status == 400 && message.find("api key") != std::string::npos) f.kind = failure_kind::configuration;
  if (status == 403 && model.provider == "together" &&
      (message.find("token") != std::string::npos || message.find("context") != std::string::npos))
    f.kind = failure_kind::bad_request;
  if (status == 403 && model.provider == "openrouter" &&
      (message.find("moderation") != std::string::npos || message.find("flagged") != std::string::npos))
    f.kind = failure_kind::bad_request;
  if (status == 402 && f.retry_after && model.provider == "openrouter") f.kind = failure_kind::rate_limited;

  f.message = who + ": " + (error->message.empty() ? "an error without a message" : error->message);
  if (status != 0)
    f.message += " (status " + std::to_string(status) + (f.code.empty() ? "" : ", " + f.code) + ")";
  else if (!f.code.empty())
    f.message += " (" + f.code + ")";
  if (f.kind == failure_kind::configuration && (status == 401 || status == 403) &&
      !model.key_variables.empty())
    f.message += "; check " + model.key_variables.front();
  if (f.kind == failure_kind::configuration && status == 404)
    f.message +=
        message.find("model") != std::string::npos
            ? "; check the model's name, and whether this key may use it"
            : "; check the address " + model.base_url + ", which often ends in /v1, and the model's name";
  if (f.kind == failure_kind::bad_request && detail::is_context(*error, message))
    f.message +=
        "; the prompt is longer than the model's context: give the server a larger one (llama.cpp: -c, "
        "which its slots share; Ollama: num_ctx; vLLM: --max-model-len) or choose another model";
  if (f.kind == failure_kind::budget) f.message += "; nothing more is sent: top up, then resume the run";
  return f;
}

} // namespace strata::llm
