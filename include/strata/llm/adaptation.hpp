// SPDX-License-Identifier: MIT
// What a server turned out not to take, as data: a list of changes to what its model was thought to take. It
// can be stored, so that a resumed or replayed run sends and finds the same as before.
// `codecs/adaptation.hpp` learns it from refusals.
#pragma once

#include "strata/llm/codecs/request_body.hpp"
#include "strata/llm/model.hpp"
#include "strata/llm/request.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

namespace detail {

/// Where the JSON value at `at` ends. Never beyond the text.
inline std::size_t end_of_json(std::string_view text, std::size_t at) noexcept {
  int depth = 0;
  for (bool quoted = false; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (depth == 0 && (c == ',' || c == ':')) {
      return at;
    }
  }
  return text.size();
}

/// Members of a JSON object without its braces, as (name, whole member).
inline std::vector<std::pair<std::string_view, std::string_view>> json_members(std::string_view members) {
  std::vector<std::pair<std::string_view, std::string_view>> all;
  while (!members.empty()) {
    const std::size_t colon = end_of_json(members, 0);
    const std::size_t end = end_of_json(members, std::min(colon + 1, members.size()));
    std::string_view name = members.substr(0, colon);
    const std::size_t first = name.find('"'), last = name.rfind('"');
    name = first == std::string_view::npos || last <= first ? std::string_view()
                                                            : name.substr(first + 1, last - first - 1);
    all.emplace_back(name, members.substr(0, end));
    members.remove_prefix(std::min(end + 1, members.size()));
  }
  return all;
}

} // namespace detail

/// Changes in the order in which they were learnt.
class adaptation {
 public:
  /// More are not learnt: a server that complains about everything is not to be pleased.
  static constexpr std::size_t most = 24;

  [[nodiscard]] std::size_t size() const noexcept { return changes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return changes_.empty(); }
  /// One change per line.
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const std::string& c : changes_) all += c + "\n";
    return all;
  }
  /// What `text` gave; lines that are not understood are left out.
  [[nodiscard]] static adaptation read(std::string_view text) {
    adaptation a;
    capabilities unused;
    while (!text.empty() && a.changes_.size() < most) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      if (change(line, unused)) a.changes_.emplace_back(line);
    }
    return a;
  }
  /// Adds a change and makes it. Does nothing and returns false if it is not understood or changes nothing.
  bool add(std::string line, capabilities& takes) {
    const capabilities before = takes;
    if (changes_.size() >= most || !change(line, takes) || takes == before) return false;
    changes_.push_back(std::move(line));
    return true;
  }
  /// Makes the first `count` changes.
  void apply(capabilities& takes, std::size_t count = most) const {
    for (std::size_t i = 0; i < std::min(count, changes_.size()); ++i) change(changes_[i], takes);
  }

  friend bool operator==(const adaptation&, const adaptation&) = default;

 private:
  static bool change(std::string_view line, capabilities& t) {
    const std::size_t space = line.find(' ');
    const std::string_view what = line.substr(0, space);
    const std::string_view value = space == std::string_view::npos ? "" : line.substr(space + 1);
    if (what == "without") return drop(value, t);
    const auto number = [&](auto& into, auto least) {
      auto n = into;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), n);
      if (error != std::errc() || end != value.data() + value.size() || !(n >= least)) return false;
      into = n;
      return true;
    };
    if (what == "n") return number(t.max_n, 1U);
    if (what == "max_tokens") return number(t.max_output_tokens, 1U);
    if (what == "max_temperature") return number(t.max_temperature, 0.0);
    if (what == "min_temperature") return number(t.min_temperature, 0.0);
    if (what == "role" && (value == "developer" || value == "user")) {
      t.system_role = value;
      return true;
    }
    if (what == "limit_as" && (value == "max_tokens" || value == "max_completion_tokens")) {
      t.max_tokens_field = value;
      return true;
    }
    if (what == "efforts") {
      std::vector<effort> named;
      for (int e = 1; e <= static_cast<int>(effort::max); ++e)
        if ((' ' + std::string(value) + ' ').find(' ' + std::string(to_string(effort(e))) + ' ') !=
            std::string::npos)
          named.push_back(effort(e));
      if (named.empty()) return false;
      t.efforts = std::move(named);
      return true;
    }
    return false;
  }
  static bool drop(std::string_view name, capabilities& t) {
    if (name == "temperature")
      t.temperature = false;
    else if (name == "top_p")
      t.top_p = false;
    else if (name == "seed")
      t.seed = false;
    else if (name == "stop")
      t.stop = false;
    else if (name == "prompt_cache_key")
      t.cache_key = false;
    else if (name == "stream_options")
      t.stream_usage = false;
    else if (name == "reasoning")
      t.reasoning = reasoning_control::none;
    else if (name == "cache_control")
      t.cache = caching::none;
    else if (name == "n_at_temperature_0")
      t.temperature_with_n = false;
    else if (name.starts_with("extra ")) {
      std::string kept;
      for (const auto& [key, whole] : detail::json_members(t.extra_body))
        if (key != name.substr(6)) (kept += kept.empty() ? "" : ",") += whole;
      t.extra_body = std::move(kept);
    } else {
      return false;
    }
    return true;
  }

  std::vector<std::string> changes_;
};

/// Everything that is sent to a model that takes this, and that may change its answer.
[[nodiscard]] inline std::string sent_parameters(const capabilities& takes, const chat_request& q) {
  std::string out = "max_tokens " + std::to_string(sent_max_tokens(takes, q));
  const auto number = [&](std::string_view name, const std::optional<double>& x) {
    if (!x) return;
    char digits[32];
    out.append(", ").append(name).append(digits, std::to_chars(digits, digits + sizeof digits, *x).ptr);
  };
  number("temperature ", sent_temperature(takes, q));
  if (takes.top_p) number("top_p ", q.top_p);
  if (takes.stop && !q.stop.empty()) out += ", stop";
  if (takes.reasoning != reasoning_control::none && q.reasoning != effort::unset)
    out.append(", effort ").append(to_string(accepted_effort(q.reasoning, takes.efforts)));
  out += ", role " + takes.system_role;
  if (!takes.extra_body.empty()) out += ", " + takes.extra_body;
  return out;
}

/// Empty if the request goes out as it would to a model that takes what `wanted` says; otherwise what it is
/// sent with instead. It belongs to the key of the reply: the answer is one to another question.
[[nodiscard]] inline std::string changed_parameters(const capabilities& wanted, const capabilities& takes,
                                                    const chat_request& q) {
  std::string sent = sent_parameters(takes, q);
  return sent == sent_parameters(wanted, q) ? std::string() : sent;
}

} // namespace strata::llm
