// SPDX-License-Identifier: MIT
// Puts the events of a streamed reply together again, for both protocols. A stream that ends before its texts
// do, or has an error in it, is no reply, however much text came before.
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

/// How far a stream has come.
enum class stream_state : std::uint8_t {
  more,     ///< something is missing
  texts,    ///< every text that began has ended, but others or the usage may follow
  complete, ///< all that was asked for is there; only the usage or the last event may follow
  ended,    ///< the rest does not matter: it is complete, or broken
};

/// Reads the body of one streamed response. Feed it bytes as they arrive, then ask for the result.
class stream_reader {
 public:
  /// `asked`: choices asked for; `most_bytes` of text in all.
  stream_reader(const model_profile& model, std::uint32_t asked, std::size_t most_bytes)
      : model_(&model), asked_(std::clamp(asked, 1U, 1024U)), left_(most_bytes), events_(most_bytes) {
    reply_.used.known = false; // until it has been said
  }

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

  [[nodiscard]] stream_state state() const noexcept {
    if (finished_ || broken_) return stream_state::ended;
    // whoever speaks Anthropic's protocol says where the message ends
    if (model_->speaks == protocol::anthropic_messages || begun_ == 0 || over_ < begun_)
      return stream_state::more;
    return begun_ == asked_ ? stream_state::complete : stream_state::texts;
  }

  /// The last event was seen.
  [[nodiscard]] bool finished() const noexcept { return finished_; }

  /// The reply, if all its texts are complete. Chat Completions need no last event: some servers never send
  /// one, and what has its `finish_reason` cannot change any more.
  [[nodiscard]] outcome result() && {
    if (broken_) return std::move(*broken_);
    if (state() == stream_state::more)
      return fault(failure_kind::malformed, "the stream ended before its last event");
    for (part& p : parts_) {
      if (!p.over && p.said.text.empty() && p.said.refusal.empty()) continue; // nothing was said
      if (!p.over) p.said.why = finish::other;
      make_valid_utf8(p.said.text);
      make_valid_utf8(p.said.refusal);
      reply_.choices.push_back(std::move(p.said));
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
    if (parts_.empty()) parts_.resize(1);
    part& p = parts_[0];
    if (type == "message_start") {
      if (p.begun) return fail(fault(failure_kind::malformed, "the stream began a second message"));
      begin(p);
      const auto* m = member(event, "message");
      const auto* usage = member(m, "usage");
      reply_.id = text_of(member(m, "id"));
      reply_.model = text_of(member(m, "model"));
      input_known_ = member(usage, "input_tokens") != nullptr;
      add_anthropic_usage(usage);
    } else if (type == "content_block_start") {
      begin(p);
      const auto* block = member(event, "content_block");
      if (!p.over && text_of(member(block, "type")) == "text") p.said.text += text_of(member(block, "text"));
    } else if (type == "content_block_delta") {
      begin(p);
      const auto* delta = member(event, "delta");
      if (!p.over && text_of(member(delta, "type")) == "text_delta")
        p.said.text += text_of(member(delta, "text"));
    } else if (type == "message_delta") {
      begin(p);
      const auto* delta = member(event, "delta");
      if (const auto* why = member(delta, "stop_reason"); why != nullptr && !p.over) {
        end(p);
        p.said.native_finish = text_of(why);
        p.said.why = anthropic::finish_of(p.said.native_finish);
        if (p.said.why == finish::refusal)
          p.said.refusal = text_of(member(member(delta, "stop_details"), "explanation"));
      }
      const auto* usage = member(event, "usage");
      input_known_ = input_known_ || member(usage, "input_tokens") != nullptr;
      output_known_ = output_known_ || member(usage, "output_tokens") != nullptr;
      add_anthropic_usage(usage);
    } else if (type == "message_stop") {
      if (p.said.text.empty() && !p.over)
        return fail(fault(failure_kind::malformed, "the stream ended without having said anything"));
      reply_.used.known = counts_agree_ && input_known_ && output_known_;
      finished_ = true;
      return false;
    }
    return true;
  }
  void add_anthropic_usage(const boost::json::value* usage) {
    reply_.used.known = counts_agree_;
    anthropic::read_usage(usage, reply_.used);
    counts_agree_ = std::exchange(reply_.used.known, false);
  }

  bool openai_event(std::string_view data, std::chrono::system_clock::time_point now) {
    while (!data.empty() && data.back() == ' ') data.remove_suffix(1);
    if (data == "[DONE]") {
      bool said = false;
      for (const part& p : parts_) said = said || p.over || !p.said.text.empty() || !p.said.refusal.empty();
      if (!said)
        return fail(fault(failure_kind::malformed, begun_ == 0
                                                       ? "the stream had no choices"
                                                       : "the stream ended without having said anything"));
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
    const auto* usage = member(event, "usage");
    if (usage != nullptr && usage->is_object() && !usage->get_object().empty()) add_openai_usage(usage, now);
    const auto* pieces = member(event, "choices");
    if (pieces == nullptr || !pieces->is_array() || pieces->get_array().empty()) {
      // the usage of the whole comes in an event of its own, behind all texts
      finished_ = usage != nullptr && (state() == stream_state::texts || state() == stream_state::complete);
      return !finished_;
    }
    for (const boost::json::value& piece : pieces->get_array()) {
      const std::uint64_t index = count_of(member(&piece, "index")).value_or(0);
      if (index >= asked_) continue;                                                    // more than asked for
      if (member(&piece, "error") != nullptr) return fail_with_error(piece, data, now); // OpenRouter
      if (parts_.size() <= index) parts_.resize(index + 1);
      part& p = parts_[index];
      begin(p);
      if (p.over) continue; // it has ended
      const auto* delta = member(&piece, "delta");
      p.said.text += text_of(member(delta, "content"));
      p.said.refusal += text_of(member(delta, "refusal"));
      if (const auto* why = member(&piece, "finish_reason")) {
        end(p);
        p.said.native_finish = text_of(why);
        if (openai::server_gave_up(p.said.native_finish))
          return fail(openai::gave_up(*model_, p.said.native_finish));
        p.said.why = openai::finish_of(p.said.native_finish);
      }
      if (!p.said.refusal.empty()) p.said.why = finish::refusal;
    }
    return true;
  }
  /// Some servers send the usage so far again and again; it only grows.
  void add_openai_usage(const boost::json::value* usage, std::chrono::system_clock::time_point now) {
    token_usage next = openai::read_usage(usage);
    const token_usage& before = reply_.used;
    if (next.input < before.input || next.output < before.output || next.cache_write < before.cache_write ||
        next.cost_usd.value_or(0) < stated_cost_) {
      counts_agree_ = false;
      next.raise_to(before);
      next.cost_usd = std::max(next.cost_usd.value_or(0), stated_cost_);
    }
    stated_cost_ = next.cost_usd.value_or(0);
    next.known = next.known && counts_agree_;
    openai::weigh_stated_cost(*model_, next, now);
    reply_.used = next;
  }

  struct part {
    choice said{};
    bool begun = false;
    bool over = false; // its reason to end has come
  };
  void begin(part& p) noexcept {
    if (!std::exchange(p.begun, true)) ++begun_;
  }
  void end(part& p) noexcept {
    if (!std::exchange(p.over, true)) ++over_;
  }

  const model_profile* model_;
  std::uint32_t asked_;
  std::size_t left_;
  sse_parser events_;
  reply reply_;
  std::vector<part> parts_;
  std::uint32_t begun_ = 0;
  std::uint32_t over_ = 0;
  std::optional<failure> broken_;
  bool finished_ = false;
  bool counts_agree_ = true;
  bool input_known_ = false;
  bool output_known_ = false;
  double stated_cost_ = 0;
};

} // namespace strata::llm
