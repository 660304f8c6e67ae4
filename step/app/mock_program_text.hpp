// SPDX-License-Identifier: MIT
// What `strata mock-llm` does with the text of programs when it plays the guardian: gives every use of a
// stream a copy of its own, or takes the copies away. Line by line, without understanding the program.
#pragma once

#include "step/agents/answer.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace app::mock {

namespace detail {

using step::agents::detail::name_character;

inline bool begins_name(char c) { return name_character(c) && !(c >= '0' && c <= '9'); }

/// The next place from `at` on where the name stands as a word of its own, not behind a dot.
inline std::size_t find_name(std::string_view text, std::string_view name, std::size_t at = 0) {
  for (; (at = text.find(name, at)) != std::string_view::npos; ++at) {
    const std::size_t end = at + name.size();
    if ((at == 0 || (!name_character(text[at - 1]) && text[at - 1] != '.')) &&
        (end == text.size() || !name_character(text[end])))
      return at;
  }
  return std::string_view::npos;
}

inline std::vector<std::string> lines_of(std::string_view text) {
  const auto lines = step::agents::detail::lines_of(text);
  return {lines.begin(), lines.end()};
}

inline std::string text_of(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& l : lines) out += l + "\n";
  return out;
}

struct Use {
  std::size_t line, at, size;
};

/// Names in the arguments of every `.apply( )`, in order; subscripted ones, attributes and keywords are none.
inline std::vector<std::pair<std::string, Use>> uses_of(const std::vector<std::string>& lines) {
  std::vector<std::pair<std::string, Use>> out;
  for (std::size_t l = 0; l < lines.size(); ++l) {
    const std::string& text = lines[l];
    for (std::size_t at = text.find(".apply("); at != std::string::npos; at = text.find(".apply(", at)) {
      at += 7;
      for (int depth = 1; at < text.size() && depth > 0;) {
        const char c = text[at];
        if (!begins_name(c) || (at > 0 && name_character(text[at - 1]))) {
          depth += c == '(' ? 1 : c == ')' ? -1 : 0;
          ++at;
          continue;
        }
        std::size_t end = at;
        while (end < text.size() && name_character(text[end])) ++end;
        const char next = end < text.size() ? text[end] : ' ';
        const std::string name = text.substr(at, end - at);
        static const std::set<std::string> words = {"for", "in", "if",  "else", "not",
                                                    "and", "or", "zip", "range"};
        if (next != '[' && next != '.' && next != '(' && text[at - 1] != '.' && !words.contains(name))
          out.push_back({name, {l, at, end - at}});
        at = end;
      }
    }
  }
  return out;
}

/// All words that could be names.
inline std::set<std::string, std::less<>> words_of(std::string_view text) {
  std::set<std::string, std::less<>> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && name_character(text[end])) ++end;
    if (end > at) out.emplace(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// Whether the line gives the name a value.
inline bool assigns(const std::string& line, std::string_view name) {
  const std::size_t equal = line.find('=');
  return equal != std::string::npos && find_name(std::string_view(line).substr(0, equal), name) < equal &&
         line.find('(') > equal;
}

} // namespace detail

/// The program with a step.Copy for every stream that is consumed more than once. Programs without such a
/// stream, and those it does not understand, come back as they are. O(streams * program).
[[nodiscard]] inline std::string repair_affine(std::string_view program) {
  constexpr std::size_t longest = 32768; // no model writes so long ones
  if (program.size() > longest) return std::string(program);
  auto lines = detail::lines_of(program);
  auto taken = detail::words_of(program);
  for (int rounds = 0; rounds < 200; ++rounds) {
    const auto uses = detail::uses_of(lines);
    std::map<std::string_view, std::size_t> times;
    for (const auto& [used, where] : uses) ++times[used];
    const auto first =
        std::find_if(uses.begin(), uses.end(), [&](const auto& u) { return times[u.first] > 1; });
    if (first == uses.end()) break;
    const std::string& name = first->first;
    std::size_t definition = std::string::npos; // inputs are defined before the first line
    for (std::size_t l = 0; l < lines.size(); ++l)
      if (detail::assigns(lines[l], name)) {
        if (definition != std::string::npos) return std::string(program); // assigned twice
        definition = l;
      }
    if (definition != std::string::npos && definition >= first->second.line) return std::string(program);
    int number = 0;
    const auto fresh = [&] {
      std::string out;
      do out = name + "_" + std::to_string(number++);
      while (!taken.insert(out).second);
      return out;
    };
    // of each copy one half goes to the next use, the other is copied again until the last use takes it
    const std::size_t place = definition == std::string::npos ? 0 : definition + 1;
    const std::string& model = lines[std::min(place, lines.size() - 1)];
    const std::string indent(std::min(model.find_first_not_of(' '), model.size()), ' ');
    std::vector<std::string> copies, given;
    for (std::string left = name; copies.size() + 1 < times[name];) {
      given.push_back(fresh());
      std::string rest = fresh();
      copies.push_back(indent + given.back() + ", " + rest + " = step.Copy().apply(" + left + ")");
      left = std::move(rest);
      if (copies.size() + 1 == times[name]) given.push_back(left);
    }
    for (auto u = uses.rbegin(); u != uses.rend(); ++u) {
      if (u->first != name) continue;
      lines[u->second.line].replace(u->second.at, u->second.size, given.back());
      given.pop_back();
    }
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(place), copies.begin(), copies.end());
  }
  return detail::text_of(lines);
}

/// The opposite, for rehearsals with a guardian: the program without its copies, as a careless model writes
/// it. O(copies * program).
[[nodiscard]] inline std::string forget_copies(std::string_view program) {
  auto lines = detail::lines_of(program);
  for (std::size_t l = 0; l < lines.size();) {
    const std::size_t equal = lines[l].find(" = step.Copy().apply(");
    const std::size_t comma = lines[l].find(", ");
    if (equal == std::string::npos || comma > equal || lines[l].back() != ')') {
      ++l;
      continue;
    }
    const std::string one = lines[l].substr(0, comma), other = lines[l].substr(comma + 2, equal - comma - 2);
    const std::string source = lines[l].substr(equal + 21, lines[l].size() - equal - 22);
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(l));
    for (std::size_t i = l; i < lines.size(); ++i)
      for (const auto& name : {one, other})
        for (std::size_t at = 0; (at = detail::find_name(lines[i], name, at)) != std::string::npos;
             at += source.size())
          lines[i].replace(at, name.size(), source);
  }
  return detail::text_of(lines);
}

} // namespace app::mock
