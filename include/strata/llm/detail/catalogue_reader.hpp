// SPDX-License-Identifier: MIT
// Reads the parts of a model file. Whatever is wrong with it is reported with the file, the line and what to
// do.
#pragma once

#include "strata/llm/catalogue.hpp"
#include "strata/llm/codecs/utf8.hpp"
#include "strata/llm/model.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
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

/// "*" stands for anything, also nothing.
inline bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star) || name.size() < star) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t i = star; i <= name.size(); ++i)
    if (matches(rest, name.substr(i))) return true;
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
  void need_list(const YAML::Node& n) const {
    if (!n.IsSequence()) fail(n, "here a list is expected");
  }
  [[nodiscard]] std::string text(const YAML::Node& n) const {
    if (!n.IsScalar()) fail(n, "here a word is expected");
    return n.Scalar();
  }
  [[nodiscard]] std::vector<std::string> texts(const YAML::Node& n) const {
    std::vector<std::string> out;
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
             "efforts", "extra_body", "stream_usage"});
    std::vector<amendment> all;
    const auto add = [&](const char* key, auto read, auto capabilities::*field) {
      if (const YAML::Node value = n[key])
        all.push_back([field, v = read(value)](model_profile& m) { m.takes.*field = v; });
    };
    const auto truths = [&](const YAML::Node& v) { return truth(v); };
    const auto counts = [&](const YAML::Node& v) { return static_cast<std::uint32_t>(number(v, 4e9)); };
    const auto words = [&](const YAML::Node& v) { return text(v); };
    add(
        "max_n",
        [&](const YAML::Node& v) { return std::max(1U, static_cast<std::uint32_t>(number(v, 128))); },
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
    if (n["above"]) p.above = static_cast<std::uint64_t>(number(n["above"]));
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
        p.hours.emplace_back(static_cast<std::uint32_t>(number(h[0], 24)),
                             static_cast<std::uint32_t>(number(h[1], 24)));
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
  [[nodiscard]] std::string json(const YAML::Node& n, int depth = 0) const {
    if (depth > 16) fail(n, "this is nested too deeply");
    std::string out;
    switch (n.Type()) {
    case YAML::NodeType::Sequence:
      for (const auto& each : n) out += (out.empty() ? "" : ",") + json(each, depth + 1);
      return "[" + out + "]";
    case YAML::NodeType::Map:
      for (const auto& entry : n)
        out += (out.empty() ? "" : ",") + quoted(text(entry.first)) + ":" + json(entry.second, depth + 1);
      return "{" + out + "}";
    case YAML::NodeType::Scalar: {
      const std::string& s = n.Scalar();
      double value = 0;
      if (n.Tag() != "!" && (s == "true" || s == "false")) return s;
      if (n.Tag() != "!" && s.find_first_not_of("0123456789.-") == std::string::npos && s.back() != '.' &&
          s.front() != '.' && YAML::convert<double>::decode(n, value))
        return s;
      return quoted(s);
    }
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null:
      break;
    }
    return "null";
  }
  [[nodiscard]] std::string json_members(const YAML::Node& n) const {
    if (!n.IsMap()) fail(n, "here a mapping is expected");
    std::string all = json(n);
    return all.substr(1, all.size() - 2);
  }
  static std::string quoted(std::string_view s) {
    std::string out;
    append_json_string(out, s);
    return out;
  }

  std::string where_;
};

} // namespace detail

} // namespace strata::llm
