// SPDX-License-Identifier: MIT
// Puts the events of a streamed reply together again, for both protocols. A stream without its last event, or
// with an error in it, is no reply, however much text came before.
#pragma once

#include "strata/llm/codecs/anthropic.hpp"
#include "strata/llm/codecs/openai.hpp"
#include "strata/llm/codecs/sse.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

/// Reads the body of one streamed response. Feed it bytes as they arrive, then ask for the result.
class stream_reader {
 public:
  /// `asked`: choices asked for; `most_bytes` of text in all.
  stream_reader(const model_profile& model, std::uint32_t asked, std::size_t most_bytes)
      : model_(&model), asked_(std::clamp(asked, 1U, 1024U)), left_(most_bytes), events_(most_bytes) {}

  stream_reader(const model_profile&&, std::uint32_t, std::size_t) = delete; // it refers to the model

  /// False: the rest does not matter, because the last event was seen or the stream is broken.
  bool feed(std::string_view bytes, std::chrono::system_clock::time_point now) {
    if (finished_ || broken_) return false;
    if (bytes.size() > left_) {
      broken_ = fault(failure_kind::too_large, "the stream is longer than allowed");
      return false;
    }
    left_ -= bytes.size();
    const bool go_on = events_.feed(bytes, [&](std::string_view, std::string_view data) {
      return model_->speaks == protocol::anthropic_messages ? anthropic_event(data, now)
                                                            : openai_event(data, now);
    });
    if (!go_on && !finished_ && !broken_)
      broken_ = fault(failure_kind::too_large, "an event of the stream is longer than allowed");
    return !finished_ && !broken_;
  }

  /// The last event was seen.
  [[nodiscard]] bool finished() const noexcept { return finished_; }

  /// The reply, if the stream was complete.
  [[nodiscard]] outcome result() && {
    if (broken_) return std::move(*broken_);
    if (!finished_) return fault(failure_kind::malformed, "the stream ended before its last event");
    for (choice& c : choices_) {
      make_valid_utf8(c.text);
      reply_.choices.push_back(std::move(c));
    }
    return std::move(reply_);
  }

 private:
  [[nodiscard]] failure fault(failure_kind kind, std::string_view what) const {
    failure f;
    f.kind = kind;
    f.status = 200;
    f.message = model_->provider + " (" + model_->name + "): " + std::string(what);
    f.may_be_billed = true;
    return f;
  }
  bool fail(failure f) {
    broken_ = std::move(f);
    return false;
  }
  bool fail_with_error(const boost::json::value& event, std::string_view data,
                       std::chrono::system_clock::time_point now) {
    http_response response;
    response.status = 200;
    response.body = std::string(data);
    return fail(classify(*model_, response, &event, now));
  }

  bool anthropic_event(std::string_view data, std::chrono::system_clock::time_point now) {
    const auto json = read_json(data);
    if (!json) return fail(fault(failure_kind::malformed, "an event of the stream is not JSON"));
    const boost::json::value* event = &*json;
    const std::string type = text_of(member(event, "type"));
    if (type == "error" || llm::detail::find_error(event, false)) return fail_with_error(*event, data, now);
    if (choices_.empty()) choices_.resize(1);
    choice& c = choices_[0];
    if (type == "message_start") {
      const auto* m = member(event, "message");
      reply_.id = text_of(member(m, "id"));
      reply_.model = text_of(member(m, "model"));
      input_known_ = count_of(member(member(m, "usage"), "input_tokens")).has_value();
      anthropic::read_usage(member(m, "usage"), reply_.used);
      reply_.used.known = false; // until the last count of the output
    } else if (type == "content_block_start") {
      const auto* block = member(event, "content_block");
      if (text_of(member(block, "type")) == "text") c.text += text_of(member(block, "text"));
    } else if (type == "content_block_delta") {
      const auto* delta = member(event, "delta");
      if (text_of(member(delta, "type")) == "text_delta") c.text += text_of(member(delta, "text"));
    } else if (type == "message_delta") {
      const auto* delta = member(event, "delta");
      if (const auto* why = member(delta, "stop_reason")) {
        c.native_finish = text_of(why);
        c.why = anthropic::finish_of(c.native_finish);
        if (c.why == finish::refusal)
          c.refusal = text_of(member(member(delta, "stop_details"), "explanation"));
      }
      const auto* usage = member(event, "usage");
      anthropic::read_usage(usage, reply_.used);
      input_known_ = input_known_ || count_of(member(usage, "input_tokens")).has_value();
      reply_.used.known = input_known_ && count_of(member(usage, "output_tokens")).has_value();
    } else if (type == "message_stop") {
      finished_ = true;
      return false;
    }
    return true;
  }

  bool openai_event(std::string_view data, std::chrono::system_clock::time_point now) {
    while (!data.empty() && data.back() == ' ') data.remove_suffix(1);
    if (data == "[DONE]") {
      if (choices_.empty()) return fail(fault(failure_kind::malformed, "the stream had no choices"));
      if (!usage_seen_) reply_.used.known = false;
      finished_ = true;
      return false;
    }
    const auto json = read_json(data);
    if (!json) return fail(fault(failure_kind::malformed, "an event of the stream is not JSON"));
    const boost::json::value* event = &*json;
    if (llm::detail::find_error(event, false)) return fail_with_error(*event, data, now);
    if (reply_.id.empty()) reply_.id = text_of(member(event, "id"));
    if (reply_.model.empty()) reply_.model = text_of(member(event, "model"));
    if (reply_.fingerprint.empty()) reply_.fingerprint = text_of(member(event, "system_fingerprint"));
    if (const auto* usage = member(event, "usage")) {
      reply_.used = openai::read_usage(usage);
      usage_seen_ = true;
    }
    const auto* pieces = member(event, "choices");
    if (pieces == nullptr || !pieces->is_array()) return true;
    for (const boost::json::value& piece : pieces->get_array()) {
      const std::uint64_t index = count_of(member(&piece, "index")).value_or(0);
      if (index >= asked_) continue; // more than asked for
      if (choices_.size() <= index) choices_.resize(index + 1);
      choice& c = choices_[index];
      const auto* delta = member(&piece, "delta");
      c.text += text_of(member(delta, "content"));
      c.refusal += text_of(member(delta, "refusal"));
      if (const auto* why = member(&piece, "finish_reason")) {
        c.native_finish = text_of(why);
        if (openai::server_gave_up(c.native_finish)) return fail(openai::gave_up(*model_, c.native_finish));
        c.why = openai::finish_of(c.native_finish);
      }
      if (!c.refusal.empty()) c.why = finish::refusal;
    }
    return true;
  }

  const model_profile* model_;
  std::uint32_t asked_;
  std::size_t left_;
  sse_parser events_;
  reply reply_;
  std::vector<choice> choices_;
  std::optional<failure> broken_;
  bool finished_ = false;
  bool usage_seen_ = false;
  bool input_known_ = false;
};

} // namespace strata::llm
