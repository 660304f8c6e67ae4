// SPDX-License-Identifier: MIT
// What `strata mock-llm` does with the text of programs when it plays the guardian: finds the program in a
// prompt, and gives every use of a stream a copy of its own. Line by line, without understanding the program.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace app::mock {

namespace detail {

inline bool part_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
inline bool begins_name(char c) { return part_of_name(c) && !(c >= '0' && c <= '9'); }

/// The next place from `at` on where the name stands as a word of its own, not behind a dot.
inline std::size_t find_name(std::string_view text, std::string_view name, std::size_t at = 0) {
  for (; (at = text.find(name, at)) != std::string_view::npos; ++at) {
    const std::size_t end = at + name.size();
    if ((at == 0 || (!part_of_name(text[at - 1]) && text[at - 1] != '.')) &&
        (end == text.size() || !part_of_name(text[end])))
      return at;
  }
  return std::string_view::npos;
}

inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
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
        if (!begins_name(c) || (at > 0 && part_of_name(text[at - 1]))) {
          depth += c == '(' ? 1 : c == ')' ? -1 : 0;
          ++at;
          continue;
        }
        std::size_t end = at;
        while (end < text.size() && part_of_name(text[end])) ++end;
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

/// Whether the line gives the name a value.
inline bool assigns(const std::string& line, std::string_view name) {
  const std::size_t equal = line.find('=');
  return equal != std::string::npos && find_name(std::string_view(line).substr(0, equal), name) < equal &&
         line.find('(') > equal;
}

} // namespace detail

/// The last program in the text: the lines around its last `.apply(`, unindented; empty if there is none.
/// `*at` becomes where it begins in the text. O(text).
[[nodiscard]] inline std::string last_program(std::string_view text, std::size_t* at = nullptr) {
  const std::size_t mark = text.rfind(".apply(");
  if (mark == std::string_view::npos) return {};
  const auto line_begin = [&](std::size_t i) {
    const std::size_t n = i == 0 ? std::string_view::npos : text.rfind('\n', i - 1);
    return n == std::string_view::npos ? std::size_t{0} : n + 1;
  };
  const auto line_at = [&](std::size_t begin) {
    return text.substr(begin, std::min(text.find('\n', begin), text.size()) - begin);
  };
  const auto belongs = [](std::string_view line) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return false;
    const std::string_view rest = line.substr(first);
    return !rest.starts_with("```") && !rest.starts_with("~~~") && !rest.starts_with("def ") &&
           (rest.find('=') != std::string_view::npos || rest.starts_with("return ") ||
            rest.starts_with("return\n") || rest.starts_with("#") ||
            rest.find(".apply(") != std::string_view::npos) &&
           !rest.starts_with("impl:") && !rest.starts_with("proposed:") && !rest.starts_with("- ");
  };
  std::size_t begin = line_begin(mark), end = begin + line_at(begin).size();
  while (begin > 0 && belongs(line_at(line_begin(begin - 1)))) begin = line_begin(begin - 1);
  while (end < text.size() && belongs(line_at(end + 1))) end += 1 + line_at(end + 1).size();
  auto lines = detail::lines_of(text.substr(begin, end - begin));
  std::size_t indent = std::string::npos;
  for (const auto& l : lines) indent = std::min(indent, l.find_first_not_of(' '));
  for (auto& l : lines) l.erase(0, std::min(indent, l.size()));
  if (at != nullptr) *at = begin;
  return detail::text_of(lines);
}

/// The program with a step.Copy for every stream that is consumed more than once. Programs without such a
/// stream, and those it does not understand, come back as they are. O(streams * program).
[[nodiscard]] inline std::string repair_affine(std::string_view program) {
  auto lines = detail::lines_of(program);
  const auto known = [&](const std::string& name) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& l) { return detail::find_name(l, name) != std::string::npos; });
  };
  for (int rounds = 0; rounds < 200; ++rounds) {
    const auto uses = detail::uses_of(lines);
    const detail::Use* first = nullptr;
    std::string name;
    for (std::size_t i = 0; i < uses.size() && first == nullptr; ++i)
      for (std::size_t j = i + 1; j < uses.size(); ++j)
        if (uses[j].first == uses[i].first) {
          first = &uses[i].second;
          name = uses[i].first;
          break;
        }
    if (first == nullptr) break;
    std::size_t definition = std::string::npos; // inputs are defined before the first line
    for (std::size_t l = 0; l < lines.size(); ++l)
      if (detail::assigns(lines[l], name)) {
        if (definition != std::string::npos) return std::string(program); // assigned twice
        definition = l;
      }
    if (definition != std::string::npos && definition >= first->line) return std::string(program);
    int number = 0;
    const auto fresh = [&] {
      std::string out;
      do out = name + "_" + std::to_string(number++);
      while (known(out));
      return out;
    };
    const std::string one = fresh(), other = fresh();
    // the first use takes the one, all later ones the other, which is copied again if need be
    for (auto u = uses.rbegin(); u != uses.rend(); ++u)
      if (u->first == name)
        lines[u->second.line].replace(u->second.at, u->second.size, &u->second == first ? one : other);
    const std::size_t place = definition == std::string::npos ? 0 : definition + 1;
    const std::string& model = lines[std::min(place, lines.size() - 1)];
    const std::string indent(std::min(model.find_first_not_of(' '), model.size()), ' ');
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(place),
                 indent + one + ", " + other + " = step.Copy().apply(" + name + ")");
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
