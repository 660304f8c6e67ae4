// SPDX-License-Identifier: MIT
// Changes to programs that keep them programs: names exchanged, calls by keyword, imports of `*`, helper
// functions, literals, lines, layout. Some change what a program means and some do not; both are wanted.
#pragma once

#include "strata/random.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mutations {

struct Word {
  std::size_t begin, size;
};

inline std::vector<Word> words_of(std::string_view text) {
  const auto letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  std::vector<Word> out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && letter(text[end])) ++end;
    if (end > i && std::isdigit(static_cast<unsigned char>(text[i])) == 0) out.push_back({i, end - i});
    i = std::max(end, i + 1);
  }
  return out;
}

inline bool is_keyword(std::string_view word) {
  for (const std::string_view k :
       {"and", "as",   "assert", "break",  "continue", "def",   "del",    "elif", "else",
        "for", "from", "if",     "import", "in",       "is",    "lambda", "None", "nonlocal",
        "not", "or",   "pass",   "return", "True",     "False", "while"})
    if (k == word) return true;
  return false;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out(1);
  for (const char c : text)
    if (c == '\n')
      out.emplace_back();
    else
      out.back().push_back(c);
  if (out.back().empty()) out.pop_back();
  return out;
}
inline std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

/// `text` with whole words exchanged: each `from` becomes `to`, and `to` becomes `from` when `swap`.
inline std::string renamed(std::string_view text, std::string_view from, std::string_view to, bool swap) {
  std::string out;
  std::size_t done = 0;
  for (const auto& w : words_of(text)) {
    const auto word = text.substr(w.begin, w.size);
    if (word != from && !(swap && word == to)) continue;
    out.append(text.substr(done, w.begin - done)).append(word == from ? to : from);
    done = w.begin + w.size;
  }
  return out.append(text.substr(done));
}

class Mutator {
 public:
  /// `vocabulary`: names that mean something to some program.
  Mutator(std::vector<std::string> vocabulary, strata::stream_key key)
      : vocabulary_(std::move(vocabulary)), random_(key) {}

  std::string operator()(std::string text, std::size_t changes) {
    for (; changes > 0; --changes) text = change(std::move(text));
    return text;
  }
  std::uint64_t below(std::uint64_t n) { return random_.below(n); }

 private:
  template <class T> const T& one_of(const std::vector<T>& items) { return items[below(items.size())]; }

  std::string a_word(std::string_view text) {
    const auto words = words_of(text);
    for (int attempt = 0; attempt < 8 && !words.empty(); ++attempt) {
      const auto& w = one_of(words);
      const auto word = text.substr(w.begin, w.size);
      if (!is_keyword(word)) return std::string(word);
    }
    return "x";
  }
  std::string another_name(std::string_view text) {
    static const std::vector<std::string> fresh{"u", "v", "w1", "value", "x0", "_t", "tmp"};
    switch (below(3)) {
    case 0:
      return one_of(vocabulary_);
    case 1:
      return one_of(fresh);
    default:
      return a_word(text);
    }
  }

  std::string change(std::string text) {
    switch (below(18)) {
    case 0:
    case 1:
      return renamed(text, a_word(text), another_name(text), false);
    case 2:
      return renamed(text, a_word(text), another_name(text), true);
    case 3: { // one occurrence only
      const auto words = words_of(text);
      if (words.empty()) return text;
      const auto& w = one_of(words);
      return text.replace(w.begin, w.size, another_name(text));
    }
    case 4: { // names exchanged on one line: parameters, targets, arguments
      auto lines = lines_of(text);
      if (lines.empty()) return text;
      auto& line = lines[below(lines.size())];
      line = renamed(line, a_word(line), a_word(line), true);
      return joined(lines);
    }
    case 5:
      return with_import(std::move(text));
    case 6: { // operators without their module
      std::size_t at = text.find("step.");
      if (below(2) == 0 && at != std::string::npos) return text.erase(at, 5);
      for (; at != std::string::npos; at = text.find("step.", at)) text.erase(at, 5);
      return text;
    }
    case 7:
    case 8:
    case 9:
      return with_function(std::move(text));
    case 10:
      return with_literal(std::move(text));
    case 11:
    case 12:
      return with_lines(std::move(text));
    case 13:
      return with_statement(std::move(text));
    case 14:
    case 15:
      return with_parameters_renamed(std::move(text));
    default:
      return with_layout(std::move(text));
    }
  }

  std::string with_import(std::string text) {
    auto lines = lines_of(text);
    static const std::vector<std::string> imports{"from step import *",
                                                  "import step",
                                                  "import step as s",
                                                  "import math as s",
                                                  "from step import Map",
                                                  "from step import Scan as Accum",
                                                  "from step import Accum as fold, Map as each",
                                                  "from step import Map as fold, Accum as each",
                                                  "from step import *; Map = Map",
                                                  "import step as Map"};
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(below(2) == 0 ? 0 : below(lines.size() + 1)),
                 one_of(imports));
    if (below(2) == 0) return joined(lines);
    const auto all = joined(lines);
    return below(2) == 0 ? renamed(all, "step", "s", false) : renamed(all, "Accum", "fold", false);
  }

  /// A line `x = ..a.. b..` becomes a helper function and a call of it, in one of many forms.
  std::string with_function(std::string text) {
    auto lines = lines_of(text);
    if (lines.empty()) return text;
    const auto at = below(lines.size());
    const std::string& line = lines[at];
    const auto equals = line.find(" = ");
    std::string before, value;
    if (line.starts_with("return "))
      before = "return ", value = line.substr(7);
    else if (equals != std::string::npos && line[0] != ' ')
      before = line.substr(0, equals + 3), value = line.substr(equals + 3);
    else
      return text;
    std::vector<std::string> names;
    for (const auto& w : words_of(value)) {
      const std::string word = value.substr(w.begin, w.size);
      const char next = w.begin + w.size < value.size() ? value[w.begin + w.size] : ' ';
      const char last = w.begin > 0 ? value[w.begin - 1] : ' ';
      if (next == '=' || next == '(' || last == '.' || word == "step" || word.starts_with("fn_") ||
          is_keyword(word) || std::find(names.begin(), names.end(), word) != names.end())
        continue;
      names.push_back(word);
    }
    if (names.empty() || names.size() > 4) return text;
    static const std::vector<std::string> spellings{"a", "b", "p", "q", "left", "right", "fn", "Map"};
    std::vector<std::string> parameters;
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::string name;
      do {
        name = one_of(spellings);
      } while (std::find(parameters.begin(), parameters.end(), name) != parameters.end());
      parameters.push_back(name);
    }
    std::string body = value, arguments;
    for (std::size_t i = 0; i < names.size(); ++i) body = renamed(body, names[i], parameters[i], false);
    const auto form = below(4);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (i != 0) arguments += ", ";
      if (form == 0) arguments += parameters[i] + "=";
      if (form == 1) arguments += "\"" + parameters[i] + "\": ";
      if (form == 2 && i + 1 == names.size()) arguments += parameters[i] + "=";
      arguments += names[i];
    }
    if (form == 1) arguments = "**{" + arguments + "}";
    if (below(2) == 0) std::reverse(parameters.begin(), parameters.end());
    std::string list;
    for (const auto& p : parameters) list += (list.empty() ? "" : ", ") + p;
    const std::string helper = below(3) == 0 ? "Map" : "helper";
    lines[at] = before + helper + "(" + arguments + ")";
    const std::string definition = below(2) == 0 ? "def " + helper + "(" + list + "):\n  return " + body
                                                 : helper + " = lambda " + list + ": " + body;
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), definition);
    return joined(lines);
  }

  /// In one function only, two parameters exchange their names, or one takes another.
  std::string with_parameters_renamed(std::string text) {
    auto lines = lines_of(text);
    std::vector<std::size_t> functions;
    for (std::size_t i = 0; i < lines.size(); ++i)
      if (lines[i].find("def ") != std::string::npos || lines[i].find("lambda ") != std::string::npos)
        functions.push_back(i);
    if (functions.empty()) return text;
    const auto first = one_of(functions);
    const std::string head = lines[first];
    const bool lambda = head.find("def ") == std::string::npos;
    const auto begin = lambda ? head.find("lambda ") + 7 : head.find('(');
    if (begin >= head.size()) return text;
    const auto list = head.substr(begin, head.find(lambda ? ':' : ')', begin) - begin);
    const auto from = a_word(list), to = below(3) == 0 ? another_name(text) : a_word(list);
    for (auto i = first; i < lines.size() && (i == first || lines[i].starts_with(' ')); ++i)
      lines[i] = renamed(lines[i], from, to, true);
    return joined(lines);
  }

  std::string with_literal(std::string text) {
    static const std::vector<std::string> literals{"0",     "1",    "2",   "True", "1.0",      "0x1", "-1",
                                                   "\"a\"", "None", "[1]", "(1,)", "f\"{1}\"", "1e0"};
    std::vector<std::size_t> digits;
    for (std::size_t i = 1; i < text.size(); ++i)
      if (std::isdigit(static_cast<unsigned char>(text[i])) != 0 &&
          std::string_view("=([, ").find(text[i - 1]) != std::string_view::npos)
        digits.push_back(i);
    if (digits.empty()) return text;
    return text.replace(one_of(digits), 1, one_of(literals));
  }

  std::string with_lines(std::string text) {
    auto lines = lines_of(text);
    if (lines.size() < 2) return text;
    const auto i = below(lines.size()), j = below(lines.size());
    switch (below(3)) {
    case 0:
      std::swap(lines[i], lines[j]);
      break;
    case 1:
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(i), std::string(lines[j]));
      break;
    default:
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return joined(lines);
  }

  std::string with_statement(std::string text) {
    auto lines = lines_of(text);
    const std::string name = a_word(text), other = another_name(text);
    static const std::vector<std::string> forms{"@ = #",
                                                "if False: @ = 1",
                                                "del @",
                                                "@: int",
                                                "print(@)",
                                                "print(f\"{#}\")",
                                                "assert f\"{@}\" != \"#\"",
                                                "assert str(@) != '@'",
                                                "for @ in [#]: pass",
                                                "@ = [# for # in [@]][0]",
                                                "@ = (lambda @: @)(#)",
                                                "@ = (lambda **k: k['@'])(@=#)",
                                                "@ = dict(@=#)['@']",
                                                "@ = (lambda #, @=1: #)(@)",
                                                "@, # = #, @",
                                                "def f():\n  nonlocal @\n  @ = #\nf()",
                                                "def @(): return #",
                                                "assert len('{@}'.format(@='x')) == 1",
                                                "if (@ := #) is None: pass"};
    std::string statement;
    for (const char c : one_of(forms)) {
      if (c == '@')
        statement += name;
      else if (c == '#')
        statement += other;
      else
        statement.push_back(c);
    }
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(below(lines.size() + 1)), statement);
    return joined(lines);
  }

  std::string with_layout(std::string text) {
    switch (below(4)) {
    case 0:
      return "# layout\n\n" + text;
    case 1: {
      const auto at = text.find(" = ");
      return at == std::string::npos ? text : text.replace(at, 3, "  =  ");
    }
    case 2: {
      const auto at = text.find(", ");
      return at == std::string::npos ? text : text.replace(at, 2, ",");
    }
    default:
      return text + "\n";
    }
  }

  std::vector<std::string> vocabulary_;
  strata::random_stream random_;
};

} // namespace mutations
