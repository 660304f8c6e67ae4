// SPDX-License-Identifier: MIT
// What a client asks for, read from a request of either protocol, or how the provider would refuse it.
// Requests are untrusted: bounded in depth and memory, every member checked.
#pragma once

#include "strata/llm/codecs/json.hpp"
#include "strata/llm/message.hpp"
#include "strata/llm/mock/draws.hpp"
#include "strata/llm/model.hpp"

#include <boost/json/serialize.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace strata::llm::mock {

/// An error as providers report it; `type` and `code` in the spelling of the protocol.
struct refusal {
  int status = 400;
  std::string type = "invalid_request_error";
  std::string message{};
  std::string parameter{};
  std::string code{};
};

/// Whether a prefix that ends here is to be cached.
enum class cache_mark : std::uint8_t { none, minutes, hour };

/// A piece of the prompt.
struct block {
  role from = role::user;
  std::string text{};
  cache_mark mark = cache_mark::none;
  bool opens_message = true; ///< false: a further block of the same message
};

/// A request for text.
struct call {
  protocol speaks = protocol::openai_chat;
  std::string model{};
  std::vector<block> prompt{}; ///< in the order that caching sees: tools, system, messages
  std::optional<std::uint64_t> max_tokens{};
  std::uint32_t n = 1;
  std::optional<double> temperature{};
  std::optional<std::uint64_t> seed{};
  std::vector<std::string> stop{};
  bool stream = false;
  bool include_usage = false;
  std::uint64_t identity = 0;            ///< of model, prompt, temperature and user: whose samples these are
  std::vector<std::string> parameters{}; ///< names of all members

  [[nodiscard]] bool has(std::string_view name) const noexcept {
    for (const std::string& p : parameters)
      if (p == name) return true;
    return false;
  }
};

/// One token is four bytes of text, rounded up.
[[nodiscard]] constexpr std::uint64_t tokens_of(std::string_view text) noexcept {
  return (text.size() + 3) / 4;
}
inline constexpr std::uint64_t tokens_per_message = 4;

/// Tokens of a prompt: those of each block, and four for each message. O(blocks).
[[nodiscard]] inline std::uint64_t tokens_of(const std::vector<block>& prompt) noexcept {
  std::uint64_t sum = 0;
  for (const block& b : prompt) sum += tokens_of(b.text) + (b.opens_message ? tokens_per_message : 0);
  return sum;
}

namespace detail {

using boost::json::value;

class call_reader {
 public:
  call_reader(protocol speaks, const value& body, bool only_count) : body_(body), only_count_(only_count) {
    call_.speaks = speaks;
  }

  std::variant<call, refusal> read() {
    if (!body_.is_object()) return refuse("the body is not a JSON object", "");
    for (const auto& m : body_.get_object()) {
      if (call_.parameters.size() == 256) return refuse("too many members", "");
      call_.parameters.emplace_back(m.key().data(), std::min<std::size_t>(m.key().size(), 64));
    }
    const bool ok = model() && (anthropic() ? anthropic_prompt() : openai_prompt()) && parameters();
    if (!ok) return std::move(*refused_);
    identify();
    return std::move(call_);
  }

 private:
  [[nodiscard]] bool anthropic() const noexcept { return call_.speaks == protocol::anthropic_messages; }
  refusal refuse(std::string message, std::string parameter, std::string code = {}) {
    refusal r;
    r.message = anthropic() && !parameter.empty() ? parameter + ": " + message : std::move(message);
    if (!anthropic()) {
      r.parameter = std::move(parameter);
      r.code = std::move(code);
    }
    return r;
  }
  bool bad(std::string message, std::string parameter, std::string code = {}) {
    refused_ = refuse(std::move(message), std::move(parameter), std::move(code));
    return false;
  }
  bool missing(std::string_view name) {
    const std::string n(name);
    return anthropic() ? bad("Field required", n)
                       : bad("Missing required parameter: '" + n + "'.", n, "missing_required_parameter");
  }
  bool invalid(std::string_view name, std::string_view wanted) {
    const std::string n(name);
    return anthropic() ? bad("Input should be " + std::string(wanted), n)
                       : bad("Invalid value for '" + n + "': expected " + std::string(wanted) + ".", n,
                             "invalid_value");
  }
  [[nodiscard]] const value* get(std::string_view name) const { return member(&body_, name); }

  bool model() {
    const value* m = get("model");
    if (m == nullptr) return missing("model");
    call_.model = text_of(m);
    if (call_.model.empty() || call_.model.size() > 200) return invalid("model", "the name of a model");
    return true;
  }

  static cache_mark mark_of(const value* from) {
    const value* c = member(from, "cache_control");
    if (c == nullptr || text_of(member(c, "type")) != "ephemeral") return cache_mark::none;
    return text_of(member(c, "ttl")) == "1h" ? cache_mark::hour : cache_mark::minutes;
  }

  /// A string, or blocks with text; others (images, tool results) count with their JSON.
  bool content(const value* from, role who, const std::string& name) {
    bool first = true;
    const auto add = [&](std::string text, cache_mark mark) {
      call_.prompt.push_back({who, std::move(text), mark, first});
      first = false;
    };
    if (from == nullptr) {
      if (who != role::assistant) return missing(name);
      add({}, cache_mark::none);
      return true;
    }
    if (from->is_string()) {
      add(text_of(from), cache_mark::none);
      return true;
    }
    if (!from->is_array()) return invalid(name, "a string or an array of blocks");
    for (const value& part : from->get_array()) {
      if (!part.is_object()) return invalid(name, "an array of objects");
      const value* text = member(&part, "text");
      add(text != nullptr && text->is_string() ? text_of(text) : boost::json::serialize(part),
          mark_of(&part));
      if (call_.prompt.size() > 100'000) return bad("too many blocks", name);
    }
    return true;
  }

  bool tools() {
    if (const value* t = get("tools"); t != nullptr && t->is_array() && !t->get_array().empty())
      call_.prompt.push_back(
          {role::system, boost::json::serialize(*t), mark_of(&t->get_array().back()), true});
    return true;
  }

  bool openai_prompt() {
    const value* messages = get("messages");
    if (messages == nullptr) return missing("messages");
    if (!messages->is_array() || messages->get_array().empty())
      return bad("Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty "
                 "array instead.",
                 "messages", "empty_array");
    tools();
    std::size_t i = 0;
    for (const value& m : messages->get_array()) {
      const std::string at = "messages[" + std::to_string(i++) + "]";
      const std::string who = text_of(member(&m, "role"));
      role r = role::user;
      if (who == "system" || who == "developer")
        r = role::system;
      else if (who == "assistant")
        r = role::assistant;
      else if (who != "user" && who != "tool" && who != "function")
        return bad("Invalid value: '" + who.substr(0, 40) +
                       "'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and "
                       "'developer'.",
                   at + ".role", "invalid_value");
      if (!content(member(&m, "content"), r, at + ".content")) return false;
    }
    return true;
  }

  bool anthropic_prompt() {
    for (const char* foreign :
         {"n", "seed", "max_completion_tokens", "stream_options", "prompt_cache_key", "stop",
          "reasoning_effort", "frequency_penalty", "presence_penalty", "response_format"})
      if (call_.has(foreign)) return bad("Extra inputs are not permitted", foreign);
    tools();
    if (const value* s = get("system"); s != nullptr && !content(s, role::system, "system")) return false;
    const value* messages = get("messages");
    if (messages == nullptr) return missing("messages");
    if (!messages->is_array() || messages->get_array().empty())
      return bad("at least one message is required", "messages");
    std::size_t i = 0;
    for (const value& m : messages->get_array()) {
      const std::string at = "messages." + std::to_string(i++);
      const std::string who = text_of(member(&m, "role"));
      if (who == "system")
        return bad("Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not "
                   "\"system\" as an input message role.",
                   "messages");
      if (who != "user" && who != "assistant") return invalid(at + ".role", "'user' or 'assistant'");
      if (!content(member(&m, "content"), who == "user" ? role::user : role::assistant, at + ".content"))
        return false;
    }
    if (const cache_mark automatic = mark_of(&body_); automatic != cache_mark::none && !call_.prompt.empty())
      call_.prompt.back().mark = automatic;
    std::size_t marks = 0;
    bool minutes = false;
    for (const block& b : call_.prompt) {
      marks += b.mark == cache_mark::none ? 0 : 1;
      if (b.mark == cache_mark::hour && minutes)
        return bad("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block",
                   "messages");
      minutes = minutes || b.mark == cache_mark::minutes;
    }
    if (marks > 4)
      return bad("A maximum of 4 blocks with cache_control may be provided. Found " + std::to_string(marks) +
                     ".",
                 "");
    return true;
  }

  bool number(std::string_view name, double least, double most, std::optional<double>& out) {
    const value* v = get(name);
    if (v == nullptr) return true;
    const double d = v->is_number() ? v->to_number<double>() : std::nan("");
    if (!(d >= least && d <= most))
      return invalid(name, "a number between " + std::to_string(static_cast<int>(least)) + " and " +
                               std::to_string(static_cast<int>(most)));
    out = d;
    return true;
  }
  bool whole(std::string_view name, std::uint64_t least, std::uint64_t most,
             std::optional<std::uint64_t>& out) {
    const value* v = get(name);
    if (v == nullptr) return true;
    const auto n = count_of(v);
    if (!n || v->is_double() || *n < least || *n > most)
      return invalid(name, "an integer between " + std::to_string(least) + " and " + std::to_string(most));
    out = *n;
    return true;
  }
  bool flag(std::string_view name, const value* v, bool& out) {
    if (v == nullptr) return true;
    if (!v->is_bool()) return invalid(name, "a boolean");
    out = v->get_bool();
    return true;
  }

  bool parameters() {
    std::optional<double> top_p;
    std::optional<std::uint64_t> n, most, most_completion, seed;
    constexpr std::uint64_t any = 1'000'000'000;
    if (!number("temperature", 0, anthropic() ? 1 : 2, call_.temperature) || !number("top_p", 0, 1, top_p) ||
        !whole("max_tokens", anthropic() ? 0 : 1, any, most) || !whole("n", 1, 128, n) ||
        !flag("stream", get("stream"), call_.stream))
      return false;
    if (anthropic()) {
      if (!most && !only_count_) return missing("max_tokens");
      call_.max_tokens = most;
      return stop("stop_sequences", 8191);
    }
    if (!whole("max_completion_tokens", 1, any, most_completion)) return false;
    if (most && most_completion)
      return bad("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
                 "max_tokens", "invalid_parameter_combination");
    call_.max_tokens = most ? most : most_completion;
    call_.n = static_cast<std::uint32_t>(n.value_or(1));
    if (const value* s = get("seed"); s != nullptr) {
      if (s->is_int64())
        seed = static_cast<std::uint64_t>(s->get_int64());
      else if (s->is_uint64())
        seed = s->get_uint64();
      else
        return invalid("seed", "an integer");
    }
    call_.seed = seed;
    if (const value* o = get("stream_options"); o != nullptr) {
      if (!call_.stream)
        return bad("The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                   "stream_options");
      if (!flag("stream_options.include_usage", member(o, "include_usage"), call_.include_usage))
        return false;
    }
    return stop("stop", 4);
  }

  bool stop(std::string_view name, std::size_t most) {
    const value* s = get(name);
    if (s == nullptr) return true;
    if (s->is_string()) call_.stop.push_back(text_of(s));
    if (s->is_array())
      for (const value& each : s->get_array()) {
        if (!each.is_string() || call_.stop.size() == most)
          return invalid(name, "at most " + std::to_string(most) + " strings");
        call_.stop.push_back(text_of(&each));
      }
    std::erase(call_.stop, std::string());
    return true;
  }

  void identify() {
    std::uint64_t h = mix(static_cast<std::uint64_t>(call_.speaks), call_.model);
    for (const block& b : call_.prompt) h = mix(mix(h, static_cast<std::uint64_t>(b.from)), b.text);
    h = mix(h, call_.temperature ? static_cast<std::uint64_t>(*call_.temperature * 1e6) : ~std::uint64_t{0});
    h = mix(h, text_of(anthropic() ? member(get("metadata"), "user_id") : get("user")));
    call_.identity = h;
  }

  const value& body_;
  bool only_count_;
  call call_;
  std::optional<refusal> refused_;
};

} // namespace detail

/// Reads the body of a request. O(body). `only_count`: of one that asks for nothing but the length of its
/// prompt.
[[nodiscard]] inline std::variant<call, refusal> read_call(protocol speaks, std::string_view body,
                                                           bool only_count = false) {
  const auto json = read_json(body, 16 * body.size() + 65536);
  if (!json) {
    refusal r;
    r.message =
        speaks == protocol::anthropic_messages
            ? "The request body is not valid JSON."
            : "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
              "your HTTP library correctly.)";
    return r;
  }
  return detail::call_reader(speaks, *json, only_count).read();
}

} // namespace strata::llm::mock
