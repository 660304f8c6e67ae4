// SPDX-License-Identifier: MIT
// Replies, streams and errors in the shape of Anthropic's Messages.
#pragma once

#include "strata/llm/codecs/request_body.hpp"
#include "strata/llm/mock/draws.hpp"
#include "strata/llm/mock/written.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strata::llm::mock::anthropic_shape {

[[nodiscard]] inline std::string_view stop_reason(end_of_text why) noexcept {
  switch (why) {
  case end_of_text::stop_sequence:
    return "stop_sequence";
  case end_of_text::length:
    return "max_tokens";
  case end_of_text::refusal:
    return "refusal";
  default:
    return "end_turn";
  }
}

/// The value of the member `usage`; `output` is what has been written so far.
[[nodiscard]] inline std::string usage(const written_reply& r, std::uint64_t output) {
  if (!r.with_usage) return "null";
  const auto n = [&](std::uint64_t tokens) { return std::to_string(tokens) + (r.odd_numbers ? ".0" : ""); };
  return R"({"input_tokens":)" + n(r.used.uncached()) + R"(,"cache_creation_input_tokens":)" +
         n(r.used.cache_write + r.used.cache_write_hour) + R"(,"cache_read_input_tokens":)" +
         n(r.used.cached) + R"(,"cache_creation":{"ephemeral_5m_input_tokens":)" + n(r.used.cache_write) +
         R"(,"ephemeral_1h_input_tokens":)" + n(r.used.cache_write_hour) + R"(},"output_tokens":)" +
         n(output) + R"(,"service_tier":"standard"})";
}

namespace detail {

inline void stop_members(std::string& out, const written_text& t) {
  out += R"("stop_reason":")";
  out += stop_reason(t.why);
  out += R"(","stop_sequence":)";
  if (t.stopped_at.empty())
    out += "null";
  else
    append_json_string(out, t.stopped_at);
}

inline void begin(std::string& out, const written_reply& r) {
  out += R"({"id":)";
  append_json_string(out, r.id);
  out += R"(,"type":"message","role":"assistant","model":)";
  append_json_string(out, r.model);
}

} // namespace detail

/// The body of a reply that is not streamed. O(text).
[[nodiscard]] inline std::string body(const written_reply& r) {
  const written_text& t = r.choices.front();
  std::string out;
  detail::begin(out, r);
  out += R"(,"content":[)";
  if (!t.text.empty() && t.why != end_of_text::refusal) {
    out += R"({"type":"text","text":)";
    append_json_string(out, t.text);
    out += '}';
  }
  if (r.odd_numbers) out += t.text.empty() ? R"({"type":"x_unknown"})" : R"(,{"type":"x_unknown"})";
  out += "],";
  detail::stop_members(out, t);
  if (t.why == end_of_text::refusal) {
    out += R"(,"stop_details":{"type":"refusal","category":null,"explanation":)";
    append_json_string(out, t.text);
    out += '}';
  }
  return out + R"(,"usage":)" + usage(r, r.used.output) + "}";
}

/// The events of a stream, `message_stop` last. O(text).
[[nodiscard]] inline std::vector<std::string> events(const written_reply& r, std::size_t event_tokens) {
  std::vector<std::string> out;
  const auto event = [&](std::string_view name, const std::string& data) {
    out.push_back("event: " + std::string(name) + "\ndata: " + data + "\n\n");
  };
  const written_text& t = r.choices.front();
  std::string start = R"({"type":"message_start","message":)";
  detail::begin(start, r);
  start += R"(,"content":[],"stop_reason":null,"stop_sequence":null,"usage":)" +
           usage(r, std::min<std::uint64_t>(r.used.output, 1)) + "}}";
  event("message_start", start);
  if (!t.text.empty() && t.why != end_of_text::refusal) {
    event("content_block_start",
          R"({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}})");
    event("ping", R"({"type":"ping"})");
    if (r.odd_numbers) event("x_unknown", R"({"type":"x_unknown","index":0.0})");
    for (std::string_view left = t.text; !left.empty();) {
      auto part = whole_characters(left, std::max<std::size_t>(4 * event_tokens, 4));
      if (part.empty()) part = left;
      left.remove_prefix(part.size());
      std::string data = R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":)";
      append_json_string(data, part);
      event("content_block_delta", data + "}}");
    }
    event("content_block_stop", R"({"type":"content_block_stop","index":0})");
  }
  std::string last = R"({"type":"message_delta","delta":{)";
  detail::stop_members(last, t);
  event("message_delta", last + R"(},"usage":)" + usage(r, r.used.output) + "}");
  event("message_stop", R"({"type":"message_stop"})");
  return out;
}

/// The body of an error.
[[nodiscard]] inline std::string error(const refusal& e, std::string_view request_id) {
  std::string out = R"({"type":"error","error":{"type":)";
  append_json_string(out, e.type);
  out += R"(,"message":)";
  append_json_string(out, e.message);
  out += R"(},"request_id":)";
  append_json_string(out, request_id);
  return out + "}";
}

/// The list of models, or one of them.
[[nodiscard]] inline std::string model(std::string_view name) {
  std::string out = R"({"type":"model","id":)";
  append_json_string(out, name);
  out += R"(,"display_name":)";
  append_json_string(out, name);
  return out + R"(,"created_at":"2026-01-01T00:00:00Z"})";
}
[[nodiscard]] inline std::string models(const std::vector<std::string>& names) {
  std::string out = R"({"data":[)";
  for (std::size_t i = 0; i < names.size(); ++i) out += (i == 0 ? "" : ",") + model(names[i]);
  out += R"(],"has_more":false,"first_id":)";
  append_json_string(out, names.empty() ? "" : names.front());
  out += R"(,"last_id":)";
  append_json_string(out, names.empty() ? "" : names.back());
  return out + "}";
}

} // namespace strata::llm::mock::anthropic_shape
