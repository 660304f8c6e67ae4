// SPDX-License-Identifier: MIT
// Learns from a refusal (400, 422) which parameter a server does not take, or what it allows, so that the
// request can be sent again.
#pragma once

#include "strata/llm/adaptation.hpp"
#include "strata/llm/codecs/classify.hpp"
#include "strata/llm/failure.hpp"
#include "strata/llm/model.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

namespace detail {

/// What a refusal says, in lower case, and questions about it.
class complaint {
 public:
  complaint(const failure& refused, const model_profile& model)
      : said_(lower_case(refused.message)), parameter_(lower_case(refused.parameter)),
        code_(lower_case(refused.code)) {
    const std::string who = lower_case(model.provider + " (" + model.name + "): "); // written by classify
    if (said_.starts_with(who)) said_.erase(0, who.size());
    if (const auto status = said_.rfind(" (status "); status != std::string::npos) said_.resize(status);
    if (said_.size() > 2000) said_.resize(2000);
    // "body.n", "messages[0].role", "generation_config.candidate_count": the last part
    if (const auto part = parameter_.find_last_of(". >/"); part != std::string::npos)
      parameter_.erase(0, part + 1);
  }
  [[nodiscard]] const std::string& said() const noexcept { return said_; }

  /// Whether it is about a parameter with one of these names.
  [[nodiscard]] bool about(std::initializer_list<std::string_view> names) const noexcept {
    for (const std::string_view name : names)
      if (parameter_.empty() ? mentions_word(name) : parameter_ == name) return true;
    return false;
  }
  /// Whether the name is a word of its own.
  [[nodiscard]] bool mentions_word(std::string_view name) const noexcept {
    for (std::size_t at = 0; (at = said_.find(name, at)) != std::string::npos; ++at)
      if (is_word(at, name.size())) return true;
    return false;
  }
  template <std::size_t N> [[nodiscard]] bool mentions(const std::array<std::string_view, N>& words) const {
    return detail::mentions(said_, words);
  }
  [[nodiscard]] bool not_taken() const {
    static constexpr std::array<std::string_view, 24> words = {
        "unsupported",     "not support",    "deprecated",      "unknown",       "unrecognized",
        "unrecognised",    "unexpected",     "extra inputs",    "not permitted", "not allowed",
        "extra_forbidden", "extra fields",   "instead",         "not available", "not accepted",
        "not valid",       "invalid",        "not implemented", "cannot both",   "can't both",
        "no such",         "not recognized", "only one",        "disabled"};
    static constexpr std::array<std::string_view, 4> codes = {"unsupported", "unknown_parameter",
                                                              "extra_forbidden", "value_error.extra"};
    return mentions(words) || detail::mentions(code_, codes);
  }
  [[nodiscard]] bool wrong_value() const {
    static constexpr std::array<std::string_view, 30> words = {"must be",
                                                               "should be",
                                                               "between",
                                                               "at most",
                                                               "at least",
                                                               "less than",
                                                               "greater than",
                                                               "<=",
                                                               ">=",
                                                               "maximum",
                                                               "minimum",
                                                               "range",
                                                               "too large",
                                                               "too high",
                                                               "too small",
                                                               "exceed",
                                                               "only",
                                                               " > ",
                                                               " < ",
                                                               "not be",
                                                               "larger than",
                                                               "limit",
                                                               "up to",
                                                               "no more",
                                                               "\xE2\x89\xA4",
                                                               "unsupported value",
                                                               "supported values",
                                                               "allowed values",
                                                               "valid values",
                                                               "one of"};
    return mentions(words);
  }

  /// The largest value that is said to be allowed.
  [[nodiscard]] std::optional<double> most() const {
    static constexpr std::array<std::string_view, 30> before = {"value <= ",
                                                                "<= ",
                                                                "\xE2\x89\xA4 ",
                                                                "less than or equal to ",
                                                                "at most ",
                                                                "no more than ",
                                                                "up to ",
                                                                "maximum value of ",
                                                                "maximum value is ",
                                                                "maximum allowed value of ",
                                                                "maximum of ",
                                                                "maximum is ",
                                                                "maximum allowed is ",
                                                                "maximum: ",
                                                                "max is ",
                                                                "max: ",
                                                                "(max ",
                                                                "must not exceed ",
                                                                "cannot exceed ",
                                                                "can't exceed ",
                                                                "exceeds the maximum of ",
                                                                "not be greater than ",
                                                                "not be larger than ",
                                                                "larger than ",
                                                                "limit of ",
                                                                "limit is ",
                                                                "supports only ",
                                                                "exceeds maximum ",
                                                                "lower than or equal to ",
                                                                "must be equal to "};
    if (const auto r = range()) return r->second;
    for (const std::string_view b : before)
      if (const auto x = number_after(b)) return x;
    // "100000 > 8192, which is the maximum"
    if (said_.find("which is the maximum") != std::string::npos)
      if (const auto x = number_after(" > ")) return x;
    if (const auto x = number_after("less than ")) return std::ceil(*x) - 1;
    return std::nullopt;
  }
  [[nodiscard]] std::optional<double> least() const {
    static constexpr std::array<std::string_view, 5> before = {
        ">= ", "at least ", "greater than or equal to ", "minimum of ", "minimum is "};
    if (const auto r = range()) return r->first;
    for (const std::string_view b : before)
      if (const auto x = number_after(b)) return x;
    return std::nullopt;
  }
  /// "only n = 1 is supported", "n must be 1", "only 1 choice"
  [[nodiscard]] std::optional<double> only() const {
    static constexpr std::array<std::string_view, 5> before = {"only ", "must be ", "should be ", "= ",
                                                               "does not support n > "};
    for (const std::string_view b : before)
      if (const auto x = number_after(b)) return x;
    return std::nullopt;
  }
  /// All whole numbers, in order; at most 16.
  [[nodiscard]] std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> all;
    for (std::size_t at = 0; at < said_.size() && all.size() < 16;) {
      std::size_t end = at;
      const auto x = number_at(at, &end);
      const bool word = at > 0 && (is_letter(said_[at - 1]) || said_[at - 1] == '.');
      if (x && !word && *x < 1e12) all.push_back(static_cast<std::uint64_t>(*x));
      at = std::max(end, at + 1);
    }
    return all;
  }

 private:
  static bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || c == '_'; }
  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  [[nodiscard]] bool is_word(std::size_t at, std::size_t size) const noexcept {
    const auto part = [](char c) { return is_letter(c) || is_digit(c); };
    const std::size_t end = at + size;
    if (at > 0 && part(said_[at - 1])) return false;
    if (end < said_.size() && part(said_[end])) return false;
    // a single letter is a name only where it stands apart: not in "I'm" or "e.g. n-th"
    return size > 1 || ((at == 0 || said_[at - 1] != '-') && (end == said_.size() || said_[end] != '-'));
  }
  /// A number that begins exactly there: "8192", "8,192", "0.5".
  [[nodiscard]] std::optional<double> number_at(std::size_t at, std::size_t* end = nullptr) const {
    std::string digits;
    std::size_t i = at;
    for (; i < said_.size() && digits.size() < 20; ++i) {
      const bool next_is_digit = i + 1 < said_.size() && is_digit(said_[i + 1]);
      if (is_digit(said_[i]))
        digits += said_[i];
      else if (said_[i] == '.' && next_is_digit && !digits.empty() && digits.find('.') == std::string::npos)
        digits += '.';
      else if (said_[i] == ',' && i + 3 < said_.size() && next_is_digit && is_digit(said_[i + 2]) &&
               is_digit(said_[i + 3]) && (i + 4 == said_.size() || !is_digit(said_[i + 4])) &&
               !digits.empty())
        continue;
      else
        break;
    }
    if (digits.empty()) return std::nullopt;
    if (end != nullptr) *end = i;
    double value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }
  /// The number behind a phrase, with at most quotes and a short word like "n = " or "value " in between.
  [[nodiscard]] std::optional<double> number_after(std::string_view phrase) const {
    for (std::size_t at = 0; (at = said_.find(phrase, at)) != std::string::npos; ++at) {
      std::size_t i = at + phrase.size();
      for (const std::string_view skip :
           {"`", "'", "\"", "(", "n = ", "n=", "n ", "=", " ", "`", "'", "exactly "})
        if (std::string_view(said_).substr(std::min(i, said_.size())).starts_with(skip)) i += skip.size();
      if (const auto x = number_at(i)) return x;
    }
    return std::nullopt;
  }
  /// "between 1 and 8", "[1, 8192]", "1 <= value <= 2", "from 1 (inclusive) to 8193 (exclusive)", "range
  /// 1-8".
  [[nodiscard]] std::optional<std::pair<double, double>> range() const {
    for (const std::string_view opening :
         {"between ", "[", "from ", "range of ", "range is ", "range: ", "range ", "in "})
      for (std::size_t at = 0; (at = said_.find(opening, at)) != std::string::npos; ++at) {
        std::size_t i = at + opening.size();
        const auto low = number_at(i, &i);
        if (!low) continue;
        for (const std::string_view middle :
             {" <= value <= ", " and ", ", ", ",", " (inclusive) to ", " to ", "..", " - ", "-"})
          if (std::string_view(said_).substr(i).starts_with(middle)) {
            std::size_t end = i + middle.size();
            auto high = number_at(end, &end);
            if (!high || *high < *low) continue;
            if (std::string_view(said_).substr(end).starts_with(" (exclusive)")) high = *high - 1;
            return std::pair(*low, *high);
          }
      }
    return std::nullopt;
  }

  std::string said_, parameter_, code_;
};

/// How many tokens may be written if prompt and answer together are too long for the context, and the message
/// says how long both are: the model's context less the prompt.
inline std::optional<std::uint64_t> room_for_answer(const complaint& c, std::uint64_t asked) {
  static constexpr std::array<std::string_view, 4> about = {"context", "max_new_tokens", "input", "prompt"};
  if (!c.mentions(about)) return std::nullopt;
  std::vector<std::uint64_t> all = c.numbers();
  if (std::find(all.begin(), all.end(), asked) == all.end()) return std::nullopt;
  const bool twice = std::erase(all, asked) > 1;
  const std::vector<std::uint64_t> parts = all;
  std::erase_if(all, [&](std::uint64_t x) { // prompt and answer together
    return std::find(parts.begin(), parts.end(), x - asked) != parts.end();
  });
  if (twice &&
      (all.size() == 1 || std::adjacent_find(all.begin(), all.end(), std::not_equal_to<>()) == all.end()))
    all.push_back(asked); // the context is as long as the answer may be
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (all.size() != 2 || all[0] + asked <= all[1]) return std::nullopt;
  return all[1] - all[0];
}

inline std::string decimal(double x) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, x).ptr};
}

} // namespace detail

/// Changes what `model` takes, and adds that to `learnt`, if the refusal of `asked` is about a parameter that
/// was sent and can be left out, renamed or moved into what the server allows. Returns what was done, in
/// words, or nothing if the refusal is about something else, or nothing would change.
[[nodiscard]] inline std::string learn(adaptation& learnt, model_profile& model, const failure& refused,
                                       const chat_request& asked) {
  if (refused.kind != failure_kind::bad_request) return {};
  const detail::complaint c(refused, model);
  const bool not_taken = c.not_taken(), wrong_value = c.wrong_value();
  if (!not_taken && !wrong_value) return {};
  capabilities& takes = model.takes;
  const bool openai = model.speaks == protocol::openai_chat;
  const auto learn = [&](std::string change, std::string words) {
    return learnt.add(std::move(change), takes) ? std::move(words) : std::string();
  };

  // the limit of the answer: the longer names first
  const std::uint32_t limit = sent_max_tokens(takes, asked);
  if (const auto room = detail::room_for_answer(c, limit))
    if (*room >= 16 && *room < limit) { // not to the last token: the next prompt may be a little longer
      const std::uint64_t some = *room - *room / 16;
      return learn("max_tokens " + std::to_string(some),
                   "at most " + std::to_string(some) +
                       " tokens are asked for: context and prompt leave no more");
    }
  if (c.about({"max_completion_tokens", "max_tokens", "maxoutputtokens", "max_output_tokens",
               "max_new_tokens"})) {
    const auto most = c.most();
    if (wrong_value && most && *most >= 1 && *most < limit)
      return learn("max_tokens " + std::to_string(static_cast<std::uint32_t>(*most)),
                   "at most " + std::to_string(static_cast<std::uint32_t>(*most)) + " tokens are asked for");
    if (openai && not_taken) {
      const bool renamed = learnt.text().find("limit_as ") != std::string::npos;
      const bool newer = takes.max_tokens_field == "max_completion_tokens";
      const bool about_it = c.about({takes.max_tokens_field});
      if (!renamed && about_it)
        return newer ? learn("limit_as max_tokens", "max_tokens is sent instead of max_completion_tokens")
                     : learn("limit_as max_completion_tokens",
                             "max_completion_tokens is sent instead of max_tokens");
    }
  }

  if (c.about({"temperature"}) && !(c.about({"top_p"}) && asked.top_p && takes.top_p))
    if (const auto sent = sent_temperature(takes, asked)) {
      const auto most = c.most(), least = c.least();
      const std::uint32_t choices = sent_choices(takes, asked);
      if (*sent == 0 && choices > 1 && c.about({"n", "best_of"}))
        return learn("without n_at_temperature_0", "one choice is asked for at temperature 0");
      const bool not_this_one = c.said().find("does not support") != std::string::npos; // but the default
      if (wrong_value && !not_this_one && most && *most < *sent)
        return learn("max_temperature " + detail::decimal(*most),
                     "temperatures are lowered to " + detail::decimal(*most));
      const bool positive = c.said().find("positive") != std::string::npos ||
                            c.said().find("> 0") != std::string::npos ||
                            c.said().find("greater than 0") != std::string::npos;
      if (*sent == 0 && positive) return learn("min_temperature 0.01", "temperature 0 is sent as 0.01");
      if (wrong_value && !not_this_one && least && *least > *sent)
        return learn("min_temperature " + detail::decimal(*least),
                     "temperatures are raised to " + detail::decimal(*least));
      if (not_taken || not_this_one || (wrong_value && !most && !least))
        return learn("without temperature", "temperature is not sent any more");
    }
  if (c.about({"top_p", "topp"}) && takes.top_p && asked.top_p)
    return learn("without top_p", "top_p is not sent any more");
  if (c.about({"seed"}) && openai && takes.seed && asked.seed)
    return learn("without seed", "seed is not sent any more");
  if (c.about({"stop", "stop_sequences", "stopsequences", "stop sequences"}) && takes.stop &&
      !asked.stop.empty())
    return learn("without stop", "stop sequences are not sent any more");
  if (c.about({"prompt_cache_key"}) && openai && takes.cache_key && !asked.cache_key.empty())
    return learn("without prompt_cache_key", "prompt_cache_key is not sent any more");
  if (c.about({"stream_options", "include_usage"}) && openai && takes.stream_usage &&
      asked.stream == streaming::always)
    return learn("without stream_options", "stream_options is not sent any more");
  if (c.about({"cache_control"}) && !openai && takes.cache == caching::marked)
    return learn("without cache_control", "no parts of prompts are marked for caching any more");
  if (c.about({"reasoning_effort", "reasoningeffort", "effort", "thinking", "output_config", "reasoning"}) &&
      takes.reasoning != reasoning_control::none && asked.reasoning != effort::unset) {
    std::string named;
    for (const std::string_view opening :
         {"supported values", "should be", "must be one of", "one of", "allowed values", "expected"})
      if (const auto at = c.said().find(opening); at != std::string::npos && named.empty()) {
        const failure rest{.message = c.said().substr(at)};
        const detail::complaint values(rest, model);
        for (int e = 1; e <= static_cast<int>(effort::max); ++e)
          if (values.mentions_word(to_string(effort(e)))) named.append(" ").append(to_string(effort(e)));
      }
    if (!named.empty())
      if (auto done = learn("efforts" + named, "the nearest of the efforts" + named + " is sent");
          !done.empty())
        return done;
    return learn("without reasoning", "the effort is not sent any more");
  }
  if ((c.about({"role"}) || c.mentions_word("role") || c.mentions_word("roles")) &&
      (c.mentions_word("system") || c.mentions_word("developer")) && openai && takes.system_role != "user") {
    if (takes.system_role == "system" && c.mentions_word("developer"))
      return learn("role developer", "instructions are sent with the role developer");
    return learn("role user", "instructions are sent with the role user");
  }
  for (const auto& [name, whole] : detail::json_members(takes.extra_body))
    if (!name.empty() && c.about({detail::lower_case(name)}))
      return learn("without extra " + std::string(name), std::string(name) + " is not sent any more");
  if (c.about({"n", "candidate_count", "candidatecount", "n_choices", "best_of", "num_completions",
               "num_generations", "completion choice", "choice", "choices"}))
    if (const std::uint32_t choices = sent_choices(takes, asked); choices > 1) {
      if (asked.temperature && sent_temperature(takes, asked) == 0.0 &&
          c.said().find("greedy") != std::string::npos)
        return learn("without n_at_temperature_0", "one choice is asked for at temperature 0");
      auto most = c.most();
      if (most && *most >= choices && !c.only()) return {};
      if (!most || *most >= choices || *most < 1) most = c.only();
      const std::uint32_t allowed =
          most && *most >= 1 && *most < choices ? static_cast<std::uint32_t>(*most) : 1;
      return learn("n " + std::to_string(allowed), allowed == 1 ? "n is not sent any more"
                                                                : "at most " + std::to_string(allowed) +
                                                                      " choices are asked for at once (n)");
    }
  return {};
}

} // namespace strata::llm
