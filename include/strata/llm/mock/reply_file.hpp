// SPDX-License-Identifier: MIT
// Answers from a file of JSON lines: those whose `match` or `regex` fits the user's last message, else the
// lines without either, in order.
#pragma once

#include "strata/llm/codecs/json.hpp"
#include "strata/llm/mock/answers.hpp"
#include "strata/llm/mock/pattern.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <istream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::llm::mock {

/// Each line is an object with one of
///   reply, replies     what to say, word for word; several for several samples
///   program, programs  the same, wrapped as `how` says
/// and at most one of
///   match              a part of the user's last message
///   regex              an expression as `pattern` reads them, searched in the last 4 KiB of it
/// Sample i of a question gets answer i of all lines that fit, in the order of the file, and begins again
/// behind the last. A question that no line fits gets the answers of the lines without match and regex in the
/// same way. Blank lines are skipped. A file has at most `most_bytes`.
class reply_file {
 public:
  static constexpr std::size_t most_bytes = std::size_t{64} << 20U;
  static constexpr std::size_t most_states = 50'000; ///< of all expressions together

  /// Throws std::invalid_argument with name and line for a file that cannot be read, is too large or says
  /// nothing.
  static reply_file load(const std::string& file, wrapping how = wrapping::yaml) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) throw std::invalid_argument(file + ": is a directory");
    if (std::filesystem::exists(file, ignored) && !std::filesystem::is_regular_file(file, ignored))
      throw std::invalid_argument(file + ": is no regular file"); // a pipe would be waited for
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::invalid_argument(file + ": cannot be read");
    return read(in, file, how);
  }
  static reply_file read(std::istream& in, const std::string& name, wrapping how = wrapping::yaml) {
    reply_file out;
    std::string contents(most_bytes + 1, '\0');
    in.read(contents.data(), static_cast<std::streamsize>(contents.size()));
    contents.resize(static_cast<std::size_t>(in.gcount()));
    contents.shrink_to_fit();
    if (contents.size() > most_bytes) throw std::invalid_argument(name + ": is larger than 64 MiB");
    std::size_t states = 0;
    std::string_view rest = contents;
    for (std::size_t number = 1; !rest.empty(); ++number) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
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
          e.expression.emplace(text_of(r));
        } catch (const std::invalid_argument& error) {
          fail(std::string("regex: ") + error.what());
        }
        states += e.expression->states();
        if (states > most_states) fail("the regular expressions are too large together");
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
        if (!e.match && !e.expression)
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
    std::optional<pattern> expression;
    std::vector<text> texts;

    [[nodiscard]] bool fits(std::string_view message) const {
      if (match) return message.find(*match) != std::string_view::npos;
      if (!expression) return false;
      return expression->found_in(
          message.substr(message.size() - std::min<std::size_t>(message.size(), 4096)));
    }
  };
  std::vector<entry> entries_;
};

} // namespace strata::llm::mock
