// SPDX-License-Identifier: MIT
// Answers from a file of JSON lines: those whose `match` or `regex` fits the user's last message, else the
// lines without either, in order.
#pragma once

#include "strata/llm/codecs/json.hpp"
#include "strata/llm/mock/answers.hpp"

#include <cstddef>
#include <fstream>
#include <istream>
#include <memory>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace strata::llm::mock {

/// Each line is an object with one of
///   reply, replies     what to say, word for word; several for several samples
///   program, programs  the same, wrapped as `how` says
/// and at most one of
///   match              a part of the user's last message
///   regex              ECMAScript, searched in the last 4 KiB of it (a hostile message must not cost
///   minutes)
/// Sample i of a question gets answer i of all lines that fit, in the order of the file, and begins again
/// behind the last. A question that no line fits gets the answers of the lines without match and regex in the
/// same way. Blank lines are skipped.
class reply_file {
 public:
  /// Throws std::invalid_argument with name and line for a file that cannot be read or says nothing.
  static reply_file load(const std::string& file, wrapping how = wrapping::yaml) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::invalid_argument(file + ": cannot be read");
    return read(in, file, how);
  }
  static reply_file read(std::istream& in, const std::string& name, wrapping how = wrapping::yaml) {
    reply_file out;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      const auto fail = [&](const std::string& why) {
        throw std::invalid_argument(name + ":" + std::to_string(number) + ": " + why);
      };
      const auto json = read_json(line);
      if (!json || !json->is_object()) fail("is not a JSON object");
      entry e;
      if (const auto* m = member(&*json, "match")) e.match = text_of(m);
      if (const auto* r = member(&*json, "regex")) {
        if (e.match) fail("has match and regex; use one of them");
        try {
          e.pattern.emplace(text_of(r), std::regex::ECMAScript | std::regex::optimize);
        } catch (const std::regex_error& error) {
          fail(std::string("regex: ") + error.what());
        }
      }
      const auto add = [&](const boost::json::value* v, bool program) {
        if (v == nullptr) return;
        if (!v->is_string()) fail("answers are strings");
        e.texts.push_back(program ? text{text_of(v), how} : text{text_of(v), wrapping::none});
      };
      const auto add_all = [&](const char* key, bool program) {
        const auto* all = member(&*json, key);
        if (all == nullptr) return;
        if (!all->is_array()) fail(std::string(key) + " is an array of strings");
        for (const auto& each : all->get_array()) add(&each, program);
      };
      add(member(&*json, "reply"), false);
      add(member(&*json, "program"), true);
      add_all("replies", false);
      add_all("programs", true);
      if (e.texts.empty()) fail("has no reply, replies, program or programs");
      out.entries_.push_back(std::move(e));
    }
    if (out.entries_.empty()) throw std::invalid_argument(name + ": there is no reply in it");
    return out;
  }

  /// O(lines * message).
  [[nodiscard]] std::string operator()(const question& q, std::uint64_t sample) const {
    std::vector<const text*> fitting;
    for (const entry& e : entries_)
      if (e.fits(q.last_user))
        for (const text& t : e.texts) fitting.push_back(&t);
    if (fitting.empty())
      for (const entry& e : entries_)
        if (!e.match && !e.pattern)
          for (const text& t : e.texts) fitting.push_back(&t);
    if (fitting.empty()) return "No reply in the file fits this question.";
    const text& chosen = *fitting[sample % fitting.size()];
    return wrap(chosen.words, chosen.how, mix(mix(q.seed, q.asked.identity), sample));
  }

 private:
  struct text {
    std::string words;
    wrapping how;
  };
  struct entry {
    std::optional<std::string> match;
    std::optional<std::regex> pattern;
    std::vector<text> texts;

    [[nodiscard]] bool fits(std::string_view message) const {
      if (match) return message.find(*match) != std::string_view::npos;
      if (!pattern) return false;
      const std::string_view end =
          message.substr(message.size() - std::min<std::size_t>(message.size(), 4096));
      try {
        return std::regex_search(end.begin(), end.end(), *pattern);
      } catch (const std::regex_error&) { // too complex for this message
        return false;
      }
    }
  };
  std::vector<entry> entries_;
};

} // namespace strata::llm::mock
