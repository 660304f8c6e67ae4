// SPDX-License-Identifier: MIT
// Replies, streams and errors in the shape of OpenAI's Chat Completions.
#pragma once

#include "strata/llm/codecs/request_body.hpp"
#include "strata/llm/mock/draws.hpp"
#include "strata/llm/mock/written.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strata::llm::mock::openai_shape {

[[nodiscard]] inline std::string_view finish_reason(end_of_text why) noexcept {
  return why == end_of_text::length ? "length" : "stop";
}

[[nodiscard]] inline std::string count(std::uint64_t n, bool odd) {
  return std::to_string(n) + (odd ? ".0" : "");
}

/// The value of the member `usage`.
[[nodiscard]] inline std::string usage(const written_reply& r) {
  if (!r.with_usage) return "null";
  const auto n = [&](std::uint64_t tokens) { return count(tokens, r.odd_numbers); };
  std::string out = R"({"prompt_tokens":)" + n(r.used.input) + R"(,"completion_tokens":)" + n(r.used.output) +
                    R"(,"total_tokens":)" + n(r.used.input + r.used.output) +
                    R"(,"prompt_tokens_details":{"cached_tokens":)" + n(r.used.cached) +
                    R"(,"audio_tokens":0)";
  if (r.used.cache_write != 0) out += R"(,"cache_write_tokens":)" + n(r.used.cache_write);
  out += R"(},"completion_tokens_details":{"reasoning_tokens":)" + n(r.used.reasoning) +
         R"(,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})";
  return out;
}

inline void begin(std::string& out, const written_reply& r, std::string_view object) {
  out += R"({"id":)";
  append_json_string(out, r.id);
  out += R"(,"object":")";
  out += object;
  out += R"(","created":)" + count(static_cast<std::uint64_t>(r.created), r.odd_numbers) + R"(,"model":)";
  append_json_string(out, r.model);
}
inline constexpr std::string_view fingerprint =
    R"("service_tier":"default","system_fingerprint":"fp_mock000001")";

/// The body of a reply that is not streamed. O(text).
[[nodiscard]] inline std::string body(const written_reply& r) {
  std::string out;
  begin(out, r, "chat.completion");
  out += R"(,"choices":[)";
  for (std::size_t i = 0; i < r.choices.size(); ++i) {
    const written_text& c = r.choices[i];
    const bool refused = c.why == end_of_text::refusal;
    out += (i == 0 ? "" : ",") + (R"({"index":)" + std::to_string(i)) +
           R"(,"message":{"role":"assistant","content":)";
    if (refused)
      out += "null";
    else
      append_json_string(out, c.text);
    out += R"(,"refusal":)";
    if (refused)
      append_json_string(out, c.text);
    else
      out += "null";
    out += R"(,"annotations":[]},"logprobs":null,"finish_reason":")";
    out += finish_reason(c.why);
    out += r.odd_numbers ? R"(","x_unknown":[null]})" : "\"}";
  }
  out += R"(],"usage":)" + usage(r) + ",";
  out += fingerprint;
  return out + "}";
}

/// The events of a stream, `[DONE]` last. Choices take turns. O(text).
[[nodiscard]] inline std::vector<std::string> events(const written_reply& r, std::size_t event_tokens,
                                                     bool include_usage) {
  std::vector<std::string> out;
  const auto chunk = [&](std::size_t index, std::string_view key, std::string_view text, bool first,
                         std::string_view finish) {
    std::string e = "data: ";
    begin(e, r, "chat.completion.chunk");
    e += ",";
    e += fingerprint;
    e += R"(,"choices":[{"index":)" + std::to_string(index) + R"(,"delta":{)";
    if (first) e += R"("role":"assistant","content":"","refusal":null)";
    if (!first && finish.empty()) {
      append_json_string(e, key);
      e += ':';
      append_json_string(e, text);
    }
    e += R"(},"logprobs":null,"finish_reason":)";
    e += finish.empty() ? "null" : "\"" + std::string(finish) + "\"";
    e += "}]";
    if (include_usage) e += R"(,"usage":null)";
    e += "}\n\n";
    out.push_back(std::move(e));
  };
  for (std::size_t i = 0; i < r.choices.size(); ++i) chunk(i, "", "", true, "");
  std::vector<std::string_view> left;
  for (const written_text& c : r.choices) left.push_back(c.text);
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (left[i].empty()) continue;
      auto part = whole_characters(left[i], std::max<std::size_t>(4 * event_tokens, 4));
      if (part.empty()) part = left[i];
      left[i].remove_prefix(part.size());
      chunk(i, r.choices[i].why == end_of_text::refusal ? "refusal" : "content", part, false, "");
      more = true;
    }
  }
  for (std::size_t i = 0; i < r.choices.size(); ++i) chunk(i, "", "", false, finish_reason(r.choices[i].why));
  if (include_usage) {
    std::string e = "data: ";
    begin(e, r, "chat.completion.chunk");
    e += ",";
    e += fingerprint;
    e += R"(,"choices":[],"usage":)" + usage(r) + "}\n\n";
    out.push_back(std::move(e));
  }
  out.emplace_back("data: [DONE]\n\n");
  return out;
}

/// The body of an error.
[[nodiscard]] inline std::string error(const refusal& e) {
  std::string out = R"({"error":{"message":)";
  append_json_string(out, e.message);
  out += R"(,"type":)";
  append_json_string(out, e.type);
  const auto optional = [&](std::string_view name, const std::string& value) {
    out += ",\"" + std::string(name) + "\":";
    if (value.empty())
      out += "null";
    else
      append_json_string(out, value);
  };
  optional("param", e.parameter);
  optional("code", e.code);
  return out + "}}";
}

/// The list of models, or one of them.
[[nodiscard]] inline std::string model(std::string_view name) {
  std::string out = R"({"id":)";
  append_json_string(out, name);
  return out + R"(,"object":"model","created":1700000000,"owned_by":"strata"})";
}
[[nodiscard]] inline std::string models(const std::vector<std::string>& names) {
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < names.size(); ++i) out += (i == 0 ? "" : ",") + model(names[i]);
  return out + "]}";
}

} // namespace strata::llm::mock::openai_shape
