// SPDX-License-Identifier: MIT
// One face for all protocols: encode a request, decode a response, read a stream. Pure functions; the engine
// and the scripted server of the command line are both made of them.
#pragma once

#include "strata/llm/codecs/anthropic.hpp"
#include "strata/llm/codecs/openai.hpp"
#include "strata/llm/codecs/stream.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace strata::llm {

/// What goes on the wire, without the key. O(prompt).
[[nodiscard]] inline http_request encode(const model_profile& model, const chat_request& question) {
  return model.speaks == protocol::anthropic_messages ? anthropic::encode(model, question)
                                                      : openai::encode(model, question);
}

/// What came back, as a reply or as a failure with its class. `now` is when it arrived. Never throws for what
/// a server sends; what is no reply is a failure.
[[nodiscard]] inline outcome decode(const model_profile& model, const chat_request& question,
                                    const http_response& response,
                                    std::chrono::system_clock::time_point now) {
  const std::uint32_t asked = std::max(1U, question.n);
  if (response.status == 200 && response.media_type() == "text/event-stream") {
    stream_reader events(model, asked, response.body.size() + 1); // some servers stream without being asked
    events.feed(response.body, now);
    return std::move(events).result();
  }
  return model.speaks == protocol::anthropic_messages ? anthropic::decode(model, response, now)
                                                      : openai::decode(model, response, asked, now);
}

} // namespace strata::llm
