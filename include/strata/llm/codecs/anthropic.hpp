// SPDX-License-Identifier: MIT
// The Anthropic Messages protocol as pure functions: a request becomes a body, a response becomes a reply or
// a failure. Events of a stream are put together in `stream.hpp`.
#pragma once

#include "strata/llm/codecs/classify.hpp"
#include "strata/llm/codecs/json.hpp"
#include "strata/llm/codecs/request_body.hpp"
#include "strata/llm/http.hpp"
#include "strata/llm/model.hpp"
#include "strata/llm/reply.hpp"
#include "strata/llm/request.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace strata::llm::anthropic {

/// Longer answers are streamed, or the idle connection is dropped on the way (the vendor's own rule).
inline constexpr std::uint32_t longest_unstreamed = 21'333;

namespace detail {

inline void append_block(std::string& out, const message& m, bool mark, cache_life life) {
  out += R"({"type":"text","text":)";
  append_json_string(out, m.text);
  if (mark) {
    out += R"(,"cache_control":{"type":"ephemeral")";
    if (life == cache_life::hour1) out += R"(,"ttl":"1h")";
    out += '}';
  }
  out += '}';
}

} // namespace detail

[[nodiscard]] inline bool streams(const chat_request& q) noexcept {
  return q.stream == streaming::always ||
         (q.stream == streaming::automatic && q.max_tokens > longest_unstreamed);
}

/// The request on the wire, without the key. O(prompt).
[[nodiscard]] inline http_request encode(const model_profile& model, const chat_request& q) {
  const capabilities& takes = model.takes;
  request_body body(q.messages.bytes() + q.messages.bytes() / 16);
  body.add("model", model.name);
  body.add("max_tokens", sent_max_tokens(takes, q));

  // at most four markers: the last ones cover the most
  std::size_t skip = 0;
  for (const message& m : q.messages) skip += m.shared_prefix && !m.text.empty() ? 1 : 0;
  skip = takes.cache == caching::marked ? (skip > 4 ? skip - 4 : 0) : skip;
  const auto marked = [&](const message& m) { return m.shared_prefix && (skip == 0 || skip-- == 0); };

  std::string system, turns; // the order on the wire is the order of the cache: system, then messages
  for (const message& m : q.messages) {
    if (m.text.empty()) continue; // the server refuses empty blocks
    if (m.from == role::system) {
      system += system.empty() ? '[' : ',';
      detail::append_block(system, m, marked(m), q.cache);
    } else {
      turns += turns.empty() ? '[' : ',';
      turns += m.from == role::user ? R"({"role":"user","content":[)" : R"({"role":"assistant","content":[)";
      detail::append_block(turns, m, marked(m), q.cache);
      turns += "]}";
    }
  }
  if (!system.empty()) body.name("system").append(system) += ']';
  body.name("messages").append(turns.empty() ? "[" : turns) += ']';

  bool thinks = false;
  if (takes.reasoning == reasoning_control::adaptive && q.reasoning != effort::unset) {
    const effort e = accepted_effort(q.reasoning, takes.efforts);
    thinks = e != effort::none;
    body.name("thinking") += thinks ? R"({"type":"adaptive"})" : R"({"type":"disabled"})";
    if (thinks) {
      body.name("output_config") += R"({"effort":)";
      append_json_string(body.tail(), to_string(e == effort::minimal ? effort::low : e));
      body.tail() += '}';
    }
  }
  // newer models refuse both at once, and either together with thinking
  if (takes.temperature && q.temperature && !thinks)
    body.add("temperature", std::min(*sent_temperature(takes, q), 1.0));
  else if (takes.top_p && q.top_p && !thinks)
    body.add("top_p", std::clamp(*q.top_p, 0.0, 1.0));
  if (takes.stop && !q.stop.empty()) body.add("stop_sequences", q.stop);
  const bool stream = streams(q);
  if (stream) body.add("stream", true);
  body.raw(takes.extra_body);

  http_request out;
  out.path = "/v1/messages";
  out.headers = {{"content-type", "application/json"},
                 {"accept", stream ? "text/event-stream" : "application/json"},
                 {"anthropic-version", "2023-06-01"}};
  out.key = key_header::x_api_key;
  out.streamed = stream;
  out.body = std::move(body).done();
  return out;
}

[[nodiscard]] inline finish finish_of(std::string_view native) noexcept {
  if (native == "end_turn" || native == "stop_sequence") return finish::stop;
  if (native == "max_tokens" || native == "model_context_window_exceeded") return finish::length;
  if (native == "refusal") return finish::refusal;
  if (native == "tool_use") return finish::tools;
  return finish::other;
}

/// Adds the counts in `usage` to what is known; counts in a later event replace earlier ones. `known` becomes
/// false if there is something in place of a count, or if counts contradict each other or earlier ones: they
/// only grow. Whether all counts are there is for the caller to say.
inline void read_usage(const boost::json::value* usage, token_usage& used) {
  const auto* said_input = member(usage, "input_tokens");
  const auto* said_output = member(usage, "output_tokens");
  const auto* said_read = member(usage, "cache_read_input_tokens");
  const auto* said_written = member(usage, "cache_creation_input_tokens");
  const auto* said_hour = member(member(usage, "cache_creation"), "ephemeral_1h_input_tokens");
  const auto* said_thought = member(member(usage, "output_tokens_details"), "thinking_tokens");
  for (const auto* said : {said_input, said_output, said_read, said_written, said_hour, said_thought})
    used.known = used.known && !miscounted(said);
  const token_usage before = used;
  const std::uint64_t written_before = used.cache_write + used.cache_write_hour; // at most `largest_count`
  const std::uint64_t fresh = count_of(said_input).value_or(before.uncached());
  const std::uint64_t written = count_of(said_written).value_or(written_before);
  const std::uint64_t hour = count_of(said_hour).value_or(before.cache_write_hour);
  used.cached = count_of(said_read).value_or(before.cached);
  used.cache_write_hour = std::min(hour, written);
  used.cache_write = written - used.cache_write_hour;
  used.output = count_of(said_output).value_or(before.output);
  const std::uint64_t thought = count_of(said_thought).value_or(before.reasoning);
  used.reasoning = std::min(thought, used.output);
  used.input = fresh + used.cached + written;
  if (hour > written || thought > used.output || fresh < before.uncached() || used.cached < before.cached ||
      written < written_before || used.output < before.output || used.input > largest_count) {
    used.known = false;
    used.raise_to(before);
    used.input = std::min(used.input, largest_count);
  }
}

/// A response becomes a reply with one choice, or a failure. Never throws for what a server sends.
[[nodiscard]] inline outcome decode(const model_profile& model, const http_response& response,
                                    std::chrono::system_clock::time_point now) {
  const auto json = read_json(response.body);
  const boost::json::value* body = json ? &*json : nullptr;
  const boost::json::value* content = member(body, "content");
  if (response.status != 200 || llm::detail::find_error(body, false) || content == nullptr ||
      !content->is_array())
    return classify(model, response, body, now);

  reply r;
  choice c;
  for (const boost::json::value& block : content->get_array())
    if (text_of(member(&block, "type")) == "text") c.text += text_of(member(&block, "text"));
  c.native_finish = text_of(member(body, "stop_reason"));
  c.why = finish_of(c.native_finish);
  if (c.why == finish::refusal) {
    const auto* details = member(body, "stop_details");
    c.refusal = text_of(member(details, "explanation"));
    if (c.refusal.empty()) c.refusal = text_of(member(details, "category"));
  }
  const auto* usage = member(body, "usage");
  r.used.known = member(usage, "input_tokens") != nullptr && member(usage, "output_tokens") != nullptr;
  read_usage(usage, r.used);
  if (c.text.empty() && c.native_finish.empty() && (!r.used.known || r.used.output == 0))
    return classify(model, response, body, now); // nothing was said, and nothing written
  r.choices.push_back(std::move(c));
  r.id = text_of(member(body, "id"));
  r.model = text_of(member(body, "model"));
  if (const std::string* id = response.header("request-id")) r.request_id = *id;
  return r;
}

} // namespace strata::llm::anthropic
