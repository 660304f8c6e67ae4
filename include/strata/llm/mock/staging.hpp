// SPDX-License-Identifier: MIT
// Turns a reply or an error into a script: framing, pauses, and the scripted misbehaviour.
// Pure functions; the service decides what happens, this file how it looks on the wire.
#pragma once

#include "strata/llm/mock/anthropic_shape.hpp"
#include "strata/llm/mock/openai_shape.hpp"
#include "strata/llm/mock/refusals.hpp"
#include "strata/llm/mock/script.hpp"
#include "strata/llm/mock/settings.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm::mock {

/// What all scripts of one request share.
struct stage {
  const settings& how;
  protocol speaks = protocol::openai_chat;
  std::string request_id{};
  std::string headers{};  ///< whole lines for every response: request id, rate limits, ..
  std::uint64_t hash = 0; ///< of the request and the attempt
  double delay_ms = 0;    ///< before the first byte
  bool stream = false;
  bool include_usage = false;
};

/// An error in the shape of the protocol, as a response of its own.
[[nodiscard]] inline std::string error_body(const stage& s, const refusal& r) {
  return s.speaks == protocol::anthropic_messages ? anthropic_shape::error(r, s.request_id)
                                                  : openai_shape::error(r);
}
[[nodiscard]] inline script error_script(const stage& s, const refusal& r, std::string_view more = {}) {
  const std::string body = error_body(s, r);
  script out;
  out.say(http_head(r.status, "application/json", s.headers + std::string(more)) + sized(body.size()) + body,
          s.delay_ms);
  return out;
}

namespace detail {

inline script page(const stage& s, int status) {
  const std::string title = std::to_string(status) + " " + std::string(reason_of(status));
  const std::string body = "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" +
                           title + "</h1></center>\r\n<hr><center>gateway</center>\r\n</body>\r\n</html>\r\n";
  script out;
  out.say(http_head(status, "text/html", "") + sized(body.size()) + body, s.delay_ms);
  return out;
}

/// Nothing but signs of life, then a reset.
inline script drip(const stage& s) {
  const bool sse = s.stream;
  script out;
  out.say(http_head(200, sse ? "text/event-stream; charset=utf-8" : "application/json", s.headers) +
              std::string(chunked),
          s.delay_ms);
  const auto every = std::max<double>(static_cast<double>(s.how.silence_for.count()) / 10, 1);
  for (int i = 0; i < 10; ++i) out.say(chunk(sse ? ": keep-alive\n\n" : "\n"), every);
  out.end = ending::reset;
  return out;
}

} // namespace detail

/// The script of a failure in which nothing was written for the client; no pieces for kinds that need a
/// reply.
[[nodiscard]] inline script failure_script(const stage& s, misbehaviour kind, const call& q,
                                           std::string_view key) {
  using m = misbehaviour;
  script out;
  if (const int status = status_of(kind); status != 0) {
    const refusal r = refusal_of(status, s.speaks, q.model);
    std::string more;
    if (kind == m::rate_limit) more = "retry-after: 1\r\n";
    if (kind == m::retry_after_huge) more = "retry-after: 86400\r\n";
    if (kind == m::retry_after) {
      constexpr std::string_view odd[] = {"0", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "1e", "nan"};
      more = "retry-after: " + std::string(odd[mix(s.hash, 13) % std::size(odd)]) + "\r\n";
    }
    if (s.speaks == protocol::anthropic_messages && (status == 429 || status == 529))
      more += "x-should-retry: true\r\n";
    return error_script(s, r, more);
  }
  switch (kind) {
  case m::quota: {
    const refusal r = quota_refusal(s.speaks);
    return error_script(s, r);
  }
  case m::error_in_200:
  case m::error_array: {
    refusal r = refusal_of(s.speaks == protocol::anthropic_messages ? 529 : 503, s.speaks);
    r.status = 200;
    if (kind == m::error_in_200) return error_script(s, r);
    const std::string body = "[" + error_body(s, r) + "]\n";
    out.say(http_head(200, "application/json", s.headers) + sized(body.size()) + body, s.delay_ms);
    return out;
  }
  case m::stream_error:
    return s.stream
               ? out
               : error_script(s, refusal_of(s.speaks == protocol::anthropic_messages ? 529 : 503, s.speaks));
  case m::html: {
    constexpr int statuses[] = {502, 503, 504, 520, 524};
    return detail::page(s, statuses[mix(s.hash, 9) % std::size(statuses)]);
  }
  case m::html_200:
    return detail::page(s, 200);
  case m::closed:
  case m::tls:
    out.say("", s.delay_ms);
    out.end = ending::close;
    out.break_next_connection = kind == m::tls;
    return out;
  case m::silence:
    out.say("", 0);
    out.end = ending::hold;
    return out;
  case m::drip:
    return detail::drip(s);
  case m::unsupported: {
    const std::string name = dispensable_parameter(q);
    return error_script(s, name.empty() ? refusal_of(500, s.speaks) : unsupported_refusal(s.speaks, name));
  }
  case m::key_echo: {
    refusal r = refusal_of(500, s.speaks);
    r.message = "unhandled exception: headers={'authorization': 'Bearer " + std::string(key) +
                "', 'x-api-key': '" + std::string(key) + "'}";
    return error_script(s, r);
  }
  default:
    return out;
  }
}

/// The script of a reply, well or badly delivered.
[[nodiscard]] inline script reply_script(const stage& s, misbehaviour kind, const written_reply& r) {
  using m = misbehaviour;
  const bool anthropic = s.speaks == protocol::anthropic_messages;
  script out;
  if (!s.stream) {
    std::string body = anthropic ? anthropic_shape::body(r) : openai_shape::body(r);
    std::string head = http_head(200, "application/json", s.headers);
    if (kind == m::gzip) body = gzip(body);
    if (kind == m::gzip || kind == m::bad_gzip) head += "content-encoding: gzip\r\n";
    if (kind == m::split || kind == m::keep_alive || kind == m::no_end) {
      out.say(head + std::string(chunked), s.delay_ms);
      if (kind == m::keep_alive)
        for (int i = 0; i < 3; ++i) out.say(chunk("\n"), 10);
      if (kind == m::split) {
        out.say(chunk(" \r\n\n"));
        std::size_t n = 0;
        for (std::string_view left = body; !left.empty(); ++n) {
          const std::string_view part = left.substr(0, 1 + mix(s.hash, n) % 23);
          left.remove_prefix(part.size());
          out.say(chunk(part), n < 16 ? 0.2 : 0);
        }
      } else {
        out.say(chunk(body));
      }
      if (kind == m::no_end)
        out.end = ending::close;
      else
        out.say(last_chunk);
      return out;
    }
    out.say(head + sized(body.size()) + body, s.delay_ms);
    if (kind == m::truncated || kind == m::reset) {
      const std::size_t cut = 1 + mix(s.hash, 1) % std::max<std::size_t>(body.size() - 1, 1);
      out.bytes.resize(out.bytes.size() - cut);
      out.pieces.back().size -= cut;
    }
  } else {
    std::vector<std::string> events = anthropic
                                          ? anthropic_shape::events(r, s.how.event_tokens)
                                          : openai_shape::events(r, s.how.event_tokens, s.include_usage);
    std::string head =
        http_head(200, "text/event-stream; charset=utf-8", "cache-control: no-cache\r\n" + s.headers);
    if (kind == m::stream_error) {
      events.resize(std::max<std::size_t>(events.size() / 2, 1));
      refusal e = refusal_of(anthropic ? 529 : 500, s.speaks);
      events.push_back((anthropic ? "event: error\ndata: " : "data: ") + error_body(s, e) + "\n\n");
    }
    // of Chat Completions also the end of a text is missing: with all of them there is a whole answer
    if (kind == m::no_end || (!anthropic && (kind == m::truncated || kind == m::reset))) {
      const std::size_t cut = (anthropic ? 1U : 3U) + mix(s.hash, 2) % 3;
      events.resize(events.size() - std::min(cut, events.size() - 1));
    }
    if (kind == m::gzip || kind == m::bad_gzip) {
      std::string all;
      for (const std::string& e : events) all += e;
      out.say(head + "content-encoding: gzip\r\n" + std::string(chunked) +
                  chunk(kind == m::gzip ? gzip(all) : all) + std::string(last_chunk),
              s.delay_ms);
      return out;
    }
    out.say(head + std::string(chunked), s.delay_ms);
    if (kind == m::keep_alive)
      for (int i = 0; i < 3; ++i)
        out.say(chunk(anthropic ? "event: ping\ndata: {\"type\": \"ping\"}\n\n" : ": keep-alive\n\n"), 10);
    const double pause = s.how.token_ms * std::max<std::uint32_t>(s.how.event_tokens, 1);
    std::size_t n = 0;
    for (std::string& e : events) {
      if (kind != m::split) {
        out.say(chunk(e), n == 0 ? 0 : pause);
        ++n;
        continue;
      }
      std::string crlf = ": comment\r\n";
      for (const char c : e) crlf += c == '\n' ? "\r\n" : std::string(1, c);
      for (std::string_view left = crlf; !left.empty(); ++n) {
        const std::string_view part = left.substr(0, 1 + mix(s.hash, n) % 23);
        left.remove_prefix(part.size());
        out.say(chunk(part), n < 16 ? 0.2 : 0);
      }
    }
    if (kind == m::truncated || kind == m::reset) {
      std::size_t keep = 1 + mix(s.hash, 1) % std::max<std::size_t>(out.pieces.size() - 1, 1);
      keep = std::min(keep, out.pieces.size());
      std::size_t size = 0;
      for (std::size_t i = 0; i < keep; ++i) size += out.pieces[i].size;
      out.pieces.resize(keep);
      out.pieces.back().size -= std::min<std::size_t>(out.pieces.back().size, 3);
      out.bytes.resize(size - 3);
    } else {
      out.go_on(last_chunk);
    }
  }
  if (kind == m::truncated) out.end = ending::close;
  if (kind == m::reset) out.end = ending::reset;
  if (kind == m::idle_close) out.end = ending::idle_close;
  return out;
}

} // namespace strata::llm::mock
