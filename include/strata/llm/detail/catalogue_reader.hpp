// SPDX-License-Identifier: MIT
// Reads the parts of a model file. Whatever is wrong with it is reported with the file, the line and what to
// do.
#pragma once

#include "strata/llm/catalogue.hpp"
#include "strata/llm/codecs/utf8.hpp"
#include "strata/llm/model.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::llm {

namespace detail {

/// Changes that an entry makes to what is known already.
using amendment = std::function<void(model_profile&)>;

struct catalogue_provider {
  std::string name;
  protocol speaks = protocol::openai_chat;
  std::string base_url;
  std::string url_variable;
  std::vector<std::string> key_variables;
  std::vector<amendment> takes;
};

struct catalogue_family {
  std::string provider;
  std::vector<std::string> patterns;
  amendment takes;
};

struct catalogue_model {
  std::string provider;
  std::string name;
  std::vector<std::string> aliases;
  std::string note;
  peak_hours peak;
  std::vector<price> prices;
  std::vector<amendment> takes;
};

/// "*" stands for anything, also nothing. O(pattern * name).
inline bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, behind_star = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      behind_star = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) { // the last star takes one letter more
      p = star + 1;
      n = ++behind_star;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

/// The number grammar of JSON.
inline bool is_json_number(std::string_view s) {
  const auto digits = [&] {
    const std::size_t n = std::min(s.find_first_not_of("0123456789"), s.size());
    s.remove_prefix(n);
    return n;
  };
  const auto take = [&](std::string_view any) {
    if (s.empty() || any.find(s.front()) == std::string_view::npos) return false;
    s.remove_prefix(1);
    return true;
  };
  take("-");
  if (!take("0") && digits() == 0) return false;
  if (take(".") && digits() == 0) return false;
  if (take("eE")) {
    take("+-");
    if (digits() == 0) return false;
  }
  return s.empty();
}

/// What some version of YAML takes for a number: also 0x10, 0o17, 017, 1_000, +5, .5, 5., .inf, .nan.
inline bool is_yaml_number(std::string_view s) {
  if (!s.empty() && (s.front() == '-' || s.front() == '+')) s.remove_prefix(1);
  std::string lower(s);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const std::string_view text = lower;
  for (const std::string_view word : {".inf", ".nan", "inf", "infinity", "nan"})
    if (text == word) return true;
  for (const auto& [prefix, digits] :
       {std::pair<std::string_view, std::string_view>{"0x", "0123456789abcdef_"},
        {"0o", "01234567_"},
        {"0b", "01_"}})
    if (text.starts_with(prefix))
      return text.size() > 2 && text.find_first_not_of(digits, 2) == std::string_view::npos;
  const std::size_t end = std::min(text.find_first_not_of("0123456789_."), text.size());
  const std::string_view number = text.substr(0, end);
  std::string_view power = text.substr(end);
  if (number.empty() || number.front() == '_' ||
      number.find_first_of("0123456789") == std::string_view::npos ||
      std::count(number.begin(), number.end(), '.') > 1)
    return false;
  if (power.empty()) return true;
  power.remove_prefix(1);
  if (!power.empty() && (power.front() == '-' || power.front() == '+')) power.remove_prefix(1);
  return text[end] == 'e' && !power.empty() &&
         power.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Control characters, and those that change the direction of what a terminal shows.
inline bool steers_terminals(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = utf8_sequence(text.substr(i));
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[i + k]); };
    if (n == 0 || (n == 1 && (byte(0) < 0x20 || byte(0) == 0x7f))) return true;
    if (n == 2 && byte(0) == 0xC2 && byte(1) < 0xA0) return true;  // U+0080 to U+009F
    if (n == 2 && byte(0) == 0xD8 && byte(1) == 0x9C) return true; // U+061C
    if (n == 3 && byte(0) == 0xE2 && byte(1) == 0x80 &&
        (byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >= 0xA8 && byte(2) <= 0xAE)))
      return true; // U+200E, U+200F, U+2028 to U+202E
    if (n == 3 && byte(0) == 0xE2 && byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9)
      return true; // U+2066 to U+2069
    i += n;
  }
  return false;
}

/// One YAML file being read; errors say where.
class catalogue_reader {
 public:
  explicit catalogue_reader(std::string where) : where_(std::move(where)) {}

  [[noreturn]] void fail(const YAML::Node& at, const std::string& what) const {
    const YAML::Mark mark = at.Mark();
    throw catalogue_error(where_ + (mark.is_null() ? "" : ":" + std::to_string(mark.line + 1)) + ": " + what);
  }
  void only(const YAML::Node& map, std::initializer_list<std::string_view> known) const {
    if (!map.IsMap()) fail(map, "here a mapping is expected");
    for (const auto& entry : map) {
      const auto key = text(entry.first);
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      std::string all;
      for (const std::string_view k : known) all += (all.empty() ? "" : ", ") + std::string(k);
      fail(entry.first, "'" + key + "' is not known here; there are " + all);
    }
  }
  void need_list(const YAML::Node& n, std::size_t most = 1000) const {
    if (!n.IsSequence()) fail(n, "here a list is expected");
    if (n.size() > most) fail(n, "this list has more than " + std::to_string(most) + " entries");
  }
  [[nodiscard]] std::string text(const YAML::Node& n) const {
    if (!n.IsScalar()) fail(n, "here a word is expected");
    std::string_view s = n.Scalar();
    while (s.ends_with('\n')) s.remove_suffix(1); // of a block
    if (s.size() > 4096) fail(n, "this text has more than 4096 bytes");
    if (steers_terminals(s)) fail(n, "this text contains control characters, or is not UTF-8");
    return std::string(s);
  }
  [[nodiscard]] std::vector<std::string> texts(const YAML::Node& n) const {
    std::vector<std::string> out;
    if (n.IsSequence()) need_list(n, 100);
    if (n.IsSequence())
      for (const auto& each : n) out.push_back(text(each));
    else
      out.push_back(text(n));
    return out;
  }
  [[nodiscard]] bool truth(const YAML::Node& n) const {
    bool value = false;
    if (!YAML::convert<bool>::decode(n, value)) fail(n, "here true or false is expected");
    return value;
  }
  [[nodiscard]] double number(const YAML::Node& n, double most = 1e9) const {
    double value = 0;
    if (!YAML::convert<double>::decode(n, value) || !(value >= 0) || value > most)
      fail(n, "here a number from 0 to " + std::to_string(static_cast<long long>(most)) + " is expected");
    return value;
  }
  [[nodiscard]] double count(const YAML::Node& n, double most = 1e9) const {
    const double value = number(n, most);
    if (std::floor(value) != value) fail(n, "here a whole number is expected");
    return value;
  }
  template <class E>
  [[nodiscard]] E choice(const YAML::Node& n,
                         std::initializer_list<std::pair<std::string_view, E>> choices) const {
    const std::string value = text(n);
    std::string all;
    for (const auto& [name, e] : choices) {
      if (name == value) return e;
      all += (all.empty() ? "" : ", ") + std::string(name);
    }
    fail(n, "'" + value + "' is not one of " + all);
  }

  [[nodiscard]] amendment takes(const YAML::Node& n) const {
    only(n, {"max_n", "temperature", "max_temperature", "top_p", "seed", "stop", "temperature_with_n",
             "max_tokens_field", "max_output_tokens", "system_role", "cache", "cache_key", "reasoning",
             "efforts", "extra_body", "stream_usage", "states_cost"});
    std::vector<amendment> all;
    const auto add = [&](const char* key, auto read, auto capabilities::*field) {
      if (const YAML::Node value = n[key])
        all.push_back([field, v = read(value)](model_profile& m) { m.takes.*field = v; });
    };
    const auto truths = [&](const YAML::Node& v) { return truth(v); };
    const auto counts = [&](const YAML::Node& v) { return static_cast<std::uint32_t>(count(v, 4e9)); };
    const auto words = [&](const YAML::Node& v) { return text(v); };
    add(
        "max_n", [&](const YAML::Node& v) { return std::max(1U, static_cast<std::uint32_t>(count(v, 128))); },
        &capabilities::max_n);
    add("temperature", truths, &capabilities::temperature);
    add(
        "max_temperature", [&](const YAML::Node& v) { return number(v, 2); }, &capabilities::max_temperature);
    add("top_p", truths, &capabilities::top_p);
    add("seed", truths, &capabilities::seed);
    add("stop", truths, &capabilities::stop);
    add("temperature_with_n", truths, &capabilities::temperature_with_n);
    add("max_tokens_field", words, &capabilities::max_tokens_field);
    add("max_output_tokens", counts, &capabilities::max_output_tokens);
    add(
        "system_role",
        [&](const YAML::Node& v) {
          return choice<std::string>(v, {{"system", "system"}, {"developer", "developer"}, {"user", "user"}});
        },
        &capabilities::system_role);
    add(
        "cache",
        [&](const YAML::Node& v) {
          return choice<caching>(
              v, {{"none", caching::none}, {"automatic", caching::automatic}, {"marked", caching::marked}});
        },
        &capabilities::cache);
    add("cache_key", truths, &capabilities::cache_key);
    add(
        "reasoning",
        [&](const YAML::Node& v) {
          using r = reasoning_control;
          return choice<r>(v, {{"none", r::none},
                               {"effort_field", r::effort_field},
                               {"adaptive", r::adaptive},
                               {"thinking_switch", r::thinking_switch}});
        },
        &capabilities::reasoning);
    add(
        "efforts",
        [&](const YAML::Node& v) {
          std::vector<effort> out;
          need_list(v);
          for (const auto& each : v)
            out.push_back(choice<effort>(each, {{"none", effort::none},
                                                {"minimal", effort::minimal},
                                                {"low", effort::low},
                                                {"medium", effort::medium},
                                                {"high", effort::high},
                                                {"xhigh", effort::xhigh},
                                                {"max", effort::max}}));
          return out;
        },
        &capabilities::efforts);
    add(
        "extra_body", [&](const YAML::Node& v) { return json_members(v); }, &capabilities::extra_body);
    add("stream_usage", truths, &capabilities::stream_usage);
    add("states_cost", truths, &capabilities::states_cost);
    return [all = std::move(all)](model_profile& m) {
      for (const amendment& a : all) a(m);
    };
  }

  [[nodiscard]] price price_row(const YAML::Node& n) const {
    only(n, {"from", "above", "input", "cached", "cache_write", "cache_write_hour", "output", "source"});
    if (!n["from"] || !n["input"] || !n["output"]) fail(n, "a price needs from, input and output");
    price p;
    p.from = day(n["from"]);
    p.input = number(n["input"]);
    p.output = number(n["output"]);
    if (n["above"]) p.above = static_cast<std::uint64_t>(count(n["above"]));
    // what no row mentions is billed like other input
    p.cached = n["cached"] ? number(n["cached"]) : p.input;
    p.cache_write = n["cache_write"] ? number(n["cache_write"]) : p.input;
    p.cache_write_hour = n["cache_write_hour"] ? number(n["cache_write_hour"]) : p.cache_write;
    if (n["source"]) p.source = text(n["source"]);
    return p;
  }
  [[nodiscard]] peak_hours peak(const YAML::Node& n) const {
    only(n, {"factor", "hours_utc"});
    peak_hours p;
    if (n["factor"]) p.factor = number(n["factor"], 100);
    if (const YAML::Node hours = n["hours_utc"]) {
      need_list(hours);
      for (const auto& h : hours) {
        if (!h.IsSequence() || h.size() != 2) fail(h, "here two hours are expected, [from, to]");
        p.hours.emplace_back(static_cast<std::uint32_t>(count(h[0], 24)),
                             static_cast<std::uint32_t>(count(h[1], 24)));
      }
    }
    return p;
  }

 private:
  [[nodiscard]] std::chrono::sys_days day(const YAML::Node& n) const {
    const std::string s = text(n);
    const bool shape = s.size() == 10 && s[4] == '-' && s[7] == '-' &&
                       s.find_first_not_of("0123456789-") == std::string::npos;
    if (shape) {
      const std::chrono::year_month_day date{
          std::chrono::year(std::atoi(s.substr(0, 4).c_str())),
          std::chrono::month(static_cast<unsigned>(std::atoi(s.substr(5, 2).c_str()))),
          std::chrono::day(static_cast<unsigned>(std::atoi(s.substr(8, 2).c_str())))};
      if (date.ok()) return std::chrono::sys_days(date);
    }
    fail(n, "'" + s + "' is no date like 2026-11-20");
  }
  /// Appends the node as JSON. What aliases repeat is written out each time, so it is bounded.
  void append_json(std::string& out, const YAML::Node& n, int depth = 0) const {
    constexpr std::size_t most = std::size_t{64} << 10U;
    if (depth > 16) fail(n, "this is nested too deeply");
    if (out.size() > most) fail(n, "this is more than 64 KiB of JSON, aliases written out");
    switch (n.Type()) {
    case YAML::NodeType::Sequence: {
      char before = '[';
      for (const auto& each : n) {
        out += before;
        before = ',';
        append_json(out, each, depth + 1);
      }
      out += before == '[' ? "[]" : "]";
      return;
    }
    case YAML::NodeType::Map: {
      std::set<std::string> keys;
      char before = '{';
      for (const auto& entry : n) {
        const std::string key = text(entry.first);
        if (!keys.insert(key).second) fail(entry.first, "'" + key + "' is here twice");
        out += before;
        before = ',';
        append_json_string(out, key);
        out += ':';
        append_json(out, entry.second, depth + 1);
      }
      out += before == '{' ? "{}" : "}";
      return;
    }
    case YAML::NodeType::Scalar:
      return append_json_scalar(out, n);
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      break;
    }
    out += "null";
  }
  void append_json_scalar(std::string& out, const YAML::Node& n) const {
    const std::string& s = n.Scalar();
    const bool plain = n.Tag() != "!" && n.Tag() != "tag:yaml.org,2002:str"; // not quoted
    if (plain && (s == "true" || s == "True" || s == "TRUE")) {
      out += "true";
    } else if (plain && (s == "false" || s == "False" || s == "FALSE")) {
      out += "false";
    } else if (plain && is_json_number(s)) {
      double value = 0;
      if (std::from_chars(s.data(), s.data() + s.size(), value).ec != std::errc())
        fail(n, "'" + s.substr(0, 100) + "' is too large or too small a number");
      out += s;
    } else if (plain && is_yaml_number(s)) {
      fail(n, "'" + s.substr(0, 100) +
                  "' is no number in JSON; write it in decimal, or in quotes if it is text");
    } else {
      append_json_string(out, s);
    }
  }
  [[nodiscard]] std::string json_members(const YAML::Node& n) const {
    if (!n.IsMap()) fail(n, "here a mapping is expected");
    std::string all;
    append_json(all, n);
    return all.substr(1, all.size() - 2);
  }

  std::string where_;
};

} // namespace detail

} // namespace strata::llm
