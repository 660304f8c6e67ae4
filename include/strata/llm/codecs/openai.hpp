// SPDX-License-Identifier: MIT
// The OpenAI Chat Completions protocol, as spoken by OpenAI, DeepSeek, Together, OpenRouter, Gemini, vLLM,
// llama.cpp, Ollama and others, as pure functions. What differs between them is data in `capabilities`.
#pragma once

#include "strata/llm/codecs/classify.hpp"
#include "strata/llm/codecs/json.hpp"
#include "strata/llm/codecs/request_body.hpp"
#include "strata/llm/http.hpp"
#include "strata/llm/model.hpp"
#include "strata/llm/reply.hpp"
#include "strata/llm/request.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm::openai {

[[nodiscard]] inline bool streams(const chat_request& q) noexcept { return q.stream == streaming::always; }

/// The request on the wire, without the key. O(prompt).
[[nodiscard]] inline http_request encode(const model_profile& model, const chat_request& q) {
  const capabilities& takes = model.takes;
  request_body body(q.messages.bytes() + q.messages.bytes() / 16);
  body.add("model", model.name);
  std::string& turns = body.name("messages");
  char before = '[';
  for (const message& m : q.messages) {
    turns += before;
    before = ',';
    turns += R"({"role":)";
    append_json_string(turns,
                       m.from == role::system ? std::string_view(takes.system_role) : to_string(m.from));
    turns += R"(,"content":)";
    append_json_string(turns, m.text);
    turns += '}';
  }
  turns += before == '[' ? "[]" : "]";

  body.add(takes.max_tokens_field, sent_max_tokens(takes, q));
  if (const auto t = sent_temperature(takes, q)) body.add("temperature", *t);
  if (takes.top_p && q.top_p) body.add("top_p", std::clamp(*q.top_p, 0.0, 1.0));
  if (takes.seed && q.seed) body.add("seed", *q.seed & 0x7fffffffU);
  if (takes.stop && !q.stop.empty())
    body.add("stop", std::vector<std::string>(
                         q.stop.begin(), q.stop.begin() + std::min<std::ptrdiff_t>(4, std::ssize(q.stop))));
  if (const auto n = sent_choices(takes, q); n > 1) body.add("n", n);
  if (q.reasoning != effort::unset) {
    const effort e = accepted_effort(q.reasoning, takes.efforts);
    if (takes.reasoning == reasoning_control::effort_field) body.add("reasoning_effort", to_string(e));
    if (takes.reasoning == reasoning_control::thinking_switch) {
      body.name("thinking") += e == effort::none ? R"({"type":"disabled"})" : R"({"type":"enabled"})";
      if (e != effort::none) body.add("reasoning_effort", to_string(e));
    }
  }
  if (takes.cache_key && !q.cache_key.empty()) body.add("prompt_cache_key", q.cache_key);
  const bool stream = streams(q);
  if (stream) {
    body.add("stream", true);
    if (takes.stream_usage) body.name("stream_options") += R"({"include_usage":true})";
  }
  body.raw(takes.extra_body);

  http_request out;
  out.path = "/chat/completions";
  out.headers = {{"content-type", "application/json"},
                 {"accept", stream ? "text/event-stream" : "application/json"}};
  out.key = key_header::bearer;
  out.streamed = stream;
  out.body = std::move(body).done();
  return out;
}

[[nodiscard]] inline finish finish_of(std::string_view native) noexcept {
  if (native == "stop" || native == "eos" || native == "stop_sequence") return finish::stop;
  if (native == "length") return finish::length;
  if (native == "content_filter") return finish::refusal;
  if (native == "tool_calls" || native == "function_call") return finish::tools;
  return finish::other;
}

/// Reasons that say that the server failed while it wrote: what there is must not be used.
[[nodiscard]] inline bool server_gave_up(std::string_view native) noexcept {
  return native == "insufficient_system_resource" || native == "aborted" || native == "error";
}

[[nodiscard]] inline failure gave_up(const model_profile& model, std::string_view native) {
  failure f;
  f.kind = failure_kind::server_error;
  f.status = 200;
  f.code = std::string(native);
  f.message = model.provider + " (" + model.name + "): the server gave up while it wrote (" + f.code + ")";
  f.may_be_billed = true;
  return f;
}

/// The usage object of a response. `known` is false if there is none, if it has something in place of a
/// count, or if its counts contradict each other. `cost_usd` is what the server says, whether believed or
/// not.
[[nodiscard]] inline token_usage read_usage(const boost::json::value* usage) {
  token_usage used;
  const auto* prompt = member(usage, "prompt_tokens_details");
  const auto* said_cached = member(prompt, "cached_tokens");
  if (said_cached == nullptr) said_cached = member(usage, "prompt_cache_hit_tokens"); // DeepSeek
  const auto* said_written = member(prompt, "cache_write_tokens");
  const auto* said_thought = member(member(usage, "completion_tokens_details"), "reasoning_tokens");
  const auto input = count_of(member(usage, "prompt_tokens"));
  const auto output = count_of(member(usage, "completion_tokens"));
  const std::uint64_t cached = count_of(said_cached).value_or(0);
  const std::uint64_t written = count_of(said_written).value_or(0);
  const std::uint64_t thought = count_of(said_thought).value_or(0);
  used.input = input.value_or(0);
  used.output = output.value_or(0);
  // some count hidden reasoning in the total only
  if (const auto total = count_of(member(usage, "total_tokens")); total && *total > used.input)
    used.output = std::max(used.output, input ? *total - used.input : 0);
  used.cached = std::min(cached, used.input);
  used.cache_write = std::min(written, used.input - used.cached);
  used.reasoning = std::min(thought, used.output);
  used.known = input && output && cached + written <= used.input && thought <= used.output &&
               !miscounted(said_cached) && !miscounted(said_written) && !miscounted(said_thought);
  if (const auto* cost = member(usage, "cost"); cost != nullptr && cost->is_number()) { // OpenRouter
    const double dollars = cost->to_number<double>();
    if (dollars >= 0 && dollars < 1e6) used.cost_usd = dollars;
  }
  return used;
}

/// A cost that a server states counts where the catalogue says so; elsewhere only if it is more than the
/// prices say.
inline void weigh_stated_cost(const model_profile& model, token_usage& used,
                              std::chrono::system_clock::time_point now) {
  if (!used.cost_usd || model.takes.states_cost) return;
  const double stated = *std::exchange(used.cost_usd, std::nullopt);
  const auto listed = model.cost(used, now);
  if (listed && stated > *listed) used.cost_usd = stated;
}

/// A response becomes a reply with at most `asked` choices, or a failure. Never throws for what a server
/// sends.
[[nodiscard]] inline outcome decode(const model_profile& model, const http_response& response,
                                    std::uint32_t asked, std::chrono::system_clock::time_point now) {
  const auto json = read_json(response.body);
  const boost::json::value* body = json ? &*json : nullptr;
  const boost::json::value* choices = member(body, "choices");
  if (response.status != 200 || llm::detail::find_error(body, false) || choices == nullptr ||
      !choices->is_array())
    return classify(model, response, body, now);

  reply r;
  std::vector<std::pair<std::uint64_t, choice>> found;
  for (const boost::json::value& each : choices->get_array()) {
    choice c;
    c.native_finish = text_of(member(&each, "finish_reason"));
    if (server_gave_up(c.native_finish)) return gave_up(model, c.native_finish);
    const auto error = member(&each, "error"); // OpenRouter
    if (error != nullptr) {
      failure f = classify(model, response, &each, now);
      return f;
    }
    c.why = finish_of(c.native_finish);
    const auto* said = member(&each, "message");
    c.text = text_of(member(said, "content"));
    c.refusal = text_of(member(said, "refusal"));
    if (!c.refusal.empty()) c.why = finish::refusal;
    found.emplace_back(count_of(member(&each, "index")).value_or(found.size()), std::move(c));
  }
  r.used = read_usage(member(body, "usage"));
  weigh_stated_cost(model, r.used, now);
  // choices in which nothing was said are none; if that is all, and nothing was written, it is no answer
  const auto nothing = [](const auto& f) {
    return f.second.text.empty() && f.second.refusal.empty() && f.second.native_finish.empty();
  };
  if (!found.empty() && std::all_of(found.begin(), found.end(), nothing)) {
    if (!r.used.known || r.used.output == 0) return classify(model, response, body, now);
  } else {
    std::erase_if(found, nothing);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  if (found.size() > asked) found.resize(asked);
  for (auto& [index, c] : found) r.choices.push_back(std::move(c));
  r.id = text_of(member(body, "id"));
  r.model = text_of(member(body, "model"));
  r.fingerprint = text_of(member(body, "system_fingerprint"));
  if (const std::string* id = response.header("x-request-id")) r.request_id = *id;
  return r;
}

} // namespace strata::llm::openai
