// SPDX-License-Identifier: MIT
// Finds the program in what a model answered: YAML with the key `impl`, a Python function, or bare code, with
// or without fences and prose around it. A pure function of untrusted text, linear in its length.
#pragma once

#include "step/agents/agent_kind.hpp"
#include "step/agents/answer_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step::agents {

enum class AnswerProblem : std::uint8_t {
  none,
  empty,      ///< there is no text, or only hidden thinking
  refused,    ///< the model or a filter refused
  no_program, ///< there is text, but no program with a `return` in it
  truncated,  ///< the text was cut off before the end of its program
  too_long,   ///< more than `longest_answer`
};

[[nodiscard]] constexpr std::string_view to_string(AnswerProblem p) noexcept {
  constexpr std::string_view names[] = {"none", "empty", "refused", "no_program", "truncated", "too_long"};
  return static_cast<std::size_t>(p) < 6 ? names[static_cast<std::size_t>(p)] : "unknown";
}

inline constexpr std::size_t longest_answer = std::size_t{256} << 10U;

/// Names that an answer in the form of a function may use for its own purposes or repeat.
struct AnswerContext {
  std::vector<std::string> inputs;    ///< of the task, in order
  std::vector<std::string> functions; ///< of the task; repeated definitions of them are left out
};

struct Answer {
  std::string program; ///< the body of a program, ending with a line end; empty unless `ok()`
  AnswerProblem problem = AnswerProblem::none;

  [[nodiscard]] bool ok() const noexcept { return problem == AnswerProblem::none; }
  friend bool operator==(const Answer&, const Answer&) = default;
};

namespace detail {

struct Candidate {
  std::string program;
  AnswerForm form = AnswerForm::yaml;
  bool bare = false; ///< neither `impl` nor a function
  bool open = false; ///< ends where the text ends
};

[[nodiscard]] inline bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
[[nodiscard]] inline bool starts_with_word(std::string_view code, std::string_view word) {
  return code.starts_with(word) && (code.size() == word.size() || !name_character(code[word.size()]));
}
[[nodiscard]] inline bool returns(std::string_view program) {
  for (const auto line : lines_of(program))
    if (starts_with_word(trimmed(line), "return")) return true;
  return false;
}
/// Whether all brackets outside of strings and comments are closed.
[[nodiscard]] inline bool balanced(std::string_view program) {
  long depth = 0;
  char quote = 0;
  bool comment = false;
  for (std::size_t i = 0; i < program.size(); ++i) {
    const char c = program[i];
    if (c == '\n') {
      comment = false;
      quote = 0;
    } else if (comment) {
      continue;
    } else if (quote != 0) {
      if (c == '\\')
        ++i;
      else if (c == quote)
        quote = 0;
    } else if (c == '#') {
      comment = true;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else {
      depth += c == '(' || c == '[' || c == '{' ? 1 : c == ')' || c == ']' || c == '}' ? -1 : 0;
    }
  }
  return depth <= 0 && quote == 0;
}

/// What stands behind `impl:` on this line, or nothing if it is no such line. Also for "impl":, - impl: and
/// {"impl":.
[[nodiscard]] inline std::optional<std::string_view> behind_impl(std::string_view line) {
  auto code = trimmed(line);
  if (code.starts_with("{")) code = trimmed(code.substr(1));
  if (code.starts_with("- ")) code = trimmed(code.substr(2));
  while (code.starts_with('*')) code.remove_prefix(1); // **impl:**
  const char quote =
      code.starts_with('"') || code.starts_with('\'') || code.starts_with('`') ? code[0] : '\0';
  if (quote != 0) code.remove_prefix(1);
  if (!code.starts_with("impl")) return std::nullopt;
  code.remove_prefix(4);
  if (quote != 0) {
    if (!code.starts_with(quote)) return std::nullopt;
    code.remove_prefix(1);
  }
  code.remove_prefix(indent_of(code));
  if (!code.starts_with(':')) return std::nullopt;
  code = trimmed(code.substr(1));
  while (code.starts_with('*')) code.remove_prefix(1);
  return trimmed(code);
}

/// The content of a quoted scalar that begins at the start of `text` with its quote; to the end if it is not
/// closed.
[[nodiscard]] inline std::string unquoted(std::string_view text) {
  const char quote = text.front();
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (quote == '"' && c == '\\' && next != '\0') {
      out += next == 'n' ? '\n' : next == 't' ? '\t' : next;
      ++i;
    } else if (quote == '\'' && c == quote && next == quote) {
      out += c;
      ++i;
    } else if (c == quote) {
      break;
    } else {
      out += c;
    }
  }
  return out;
}

/// The value of `impl` that begins on line `at`.
[[nodiscard]] inline std::string impl_at(const Lines& lines, std::size_t at, std::string_view behind) {
  const std::size_t key = indent_of(lines[at]);
  if (behind.starts_with('"') || behind.starts_with('\'')) {
    std::string rest(behind);
    for (std::size_t i = at + 1; i < lines.size(); ++i) rest.append("\n").append(lines[i]);
    return dedented(lines_of(unquoted(rest)));
  }
  const bool header =
      behind.empty() || behind.front() == '|' || behind.front() == '>' || behind.front() == '#';
  Lines body;
  std::size_t i = at + 1;
  while (header && i < lines.size() && blank(lines[i])) ++i;
  const bool indented = i < lines.size() && indent_of(lines[i]) > key;
  for (; i < lines.size(); ++i) {
    // without indentation, and if the value does not begin on the line of the key, all that follows is it
    if (!blank(lines[i]) && indent_of(lines[i]) <= key && (indented || !header)) break;
    body.push_back(lines[i]);
  }
  std::string out = dedented(body);
  if (!header) out = std::string(behind) + "\n" + out;
  return out;
}

/// One `def` with its body.
struct Definition {
  std::string name;
  std::vector<std::string> parameters;
  Lines text, body;
};

/// Names between the parentheses; of what has annotations, defaults or stars only the name.
[[nodiscard]] inline std::vector<std::string> parameters_of(std::string_view text) {
  std::vector<std::string> out;
  long depth = 0;
  bool name = true;
  std::string word;
  for (const char c : text) {
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (depth < 0) break;
    if (c == ',' && depth == 0) {
      if (!word.empty()) out.push_back(std::move(word));
      word.clear();
      name = true;
    } else if (c == ':' || c == '=') {
      name = false;
    } else if (name && depth == 0 && name_character(c)) {
      word += c;
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

/// The definitions with the least indentation.
[[nodiscard]] inline std::vector<Definition> definitions_of(const Lines& lines) {
  std::size_t level = std::string_view::npos;
  for (const auto line : lines)
    if (starts_with_word(trimmed(line), "def")) level = std::min(level, indent_of(line));
  std::vector<Definition> out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (indent_of(lines[i]) != level || !starts_with_word(trimmed(lines[i]), "def")) continue;
    Definition d;
    auto head = trimmed(trimmed(lines[i]).substr(3));
    const auto open = head.find('(');
    d.name = std::string(trimmed(head.substr(0, open)));
    d.text.push_back(lines[i]);
    std::string signature(open == std::string_view::npos ? std::string_view() : head.substr(open + 1));
    std::size_t next = i + 1;
    // a head of several lines ends where its brackets are closed
    long depth = open == std::string_view::npos ? 0 : 1;
    for (std::size_t seen = 0; depth > 0;) {
      for (; seen < signature.size() && depth > 0; ++seen)
        depth += signature[seen] == '(' || signature[seen] == '['   ? 1
                 : signature[seen] == ')' || signature[seen] == ']' ? -1
                                                                    : 0;
      if (depth <= 0 || next >= lines.size() || signature.size() > 4096) break;
      signature.append(" ").append(lines[next]);
      d.text.push_back(lines[next++]);
    }
    d.parameters = parameters_of(signature);
    for (; next < lines.size() && (blank(lines[next]) || indent_of(lines[next]) > level); ++next) {
      d.text.push_back(lines[next]);
      d.body.push_back(lines[next]);
    }
    if (d.body.empty()) // def f(x): return x
      if (const auto colon = d.text.back().rfind("return"); colon != std::string_view::npos)
        d.body.push_back(d.text.back().substr(colon));
    i = next - 1;
    out.push_back(std::move(d));
  }
  return out;
}

/// The body of the last function that returns something made with operators, or just something, with the
/// functions it calls before it.
[[nodiscard]] inline std::string body_of_function(const Lines& lines, const AnswerContext& context) {
  const auto all = definitions_of(lines);
  const std::set<std::string, std::less<>> given(context.functions.begin(), context.functions.end());
  const Definition* main = nullptr;
  bool main_applies = false;
  std::string body;
  for (const Definition& d : all) {
    if (given.contains(d.name)) continue;
    auto text = dedented(d.body);
    const bool applies = text.find(".apply") != std::string::npos;
    if (!returns(text) || (main_applies && !applies)) continue;
    main = &d;
    main_applies = applies;
    body = std::move(text);
  }
  if (main == nullptr) return {};
  std::string out;
  constexpr std::size_t most_helpers = 64; // each is searched for in the whole body
  for (const Definition& d : all)
    if (all.size() <= most_helpers && &d != main && !given.contains(d.name) && !d.name.empty() &&
        body.find(d.name + "(") != std::string::npos)
      out += dedented(d.text);
  const auto& inputs = context.inputs;
  auto parameters = main->parameters;
  if (!parameters.empty() && parameters.front() == "self") parameters.erase(parameters.begin());
  if (parameters.size() == inputs.size())
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (std::find(inputs.begin(), inputs.end(), parameters[i]) == inputs.end())
        out += parameters[i] + " = " + inputs[i] + "\n";
  for (const std::string_view quote : {"\"\"\"", "'''"}) // a description is no part of the program
    if (body.starts_with(quote))
      if (const auto end = body.find(quote, 3); end != std::string::npos)
        body.erase(0, std::min(body.size(), body.find('\n', end) == std::string::npos
                                                ? body.size()
                                                : body.find('\n', end) + 1));
  return out + body;
}

/// Whether a line outside of a fence may be code: prose has neither of these.
[[nodiscard]] inline bool like_code(std::string_view line) {
  const auto code = trimmed(line);
  if (code.empty() || code.front() == '#' || code.front() == ')' || code.front() == ']') return true;
  for (const auto* word : {"return", "for", "if", "else", "elif", "def"})
    if (starts_with_word(code, word) && (code.ends_with(':') || std::string_view(word) == "return"))
      return true;
  const auto equals = code.find('=');
  const auto apply = code.find(".apply(");
  if (equals != std::string_view::npos && equals > 0) { // only names and commas before it
    const auto left = code.substr(0, equals);
    return left.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_, ()[]*+") ==
               std::string_view::npos &&
           (left.find(' ') >= left.size() - 1 || left.find(',') != std::string_view::npos ||
            indent_of(line) > 0);
  }
  return apply != std::string_view::npos || indent_of(line) >= 4;
}

/// The last run of lines like code that ends with a `return`.
[[nodiscard]] inline std::string bare_code(const Lines& lines, bool fenced) {
  std::size_t margin = std::string_view::npos;
  for (const auto line : lines)
    if (!blank(line)) margin = std::min(margin, indent_of(line));
  if (fenced) {
    const auto text = dedented(lines);
    for (const auto line : lines_of(text))
      if (starts_with_word(line, "return")) return text;
    return {};
  }
  for (std::size_t last = lines.size(); last-- > 0;) {
    if (!starts_with_word(trimmed(lines[last]), "return")) continue;
    std::size_t end = last + 1; // of a `return` over several lines
    while (end < lines.size() && !blank(lines[end]) && indent_of(lines[end]) > indent_of(lines[last])) ++end;
    while (end < lines.size() && trimmed(lines[end]).starts_with(')')) ++end;
    std::size_t begin = last;
    while (begin > 0 && like_code(lines[begin - 1])) --begin;
    const auto text = dedented(Lines(lines.begin() + static_cast<std::ptrdiff_t>(begin),
                                     lines.begin() + static_cast<std::ptrdiff_t>(end)));
    // "return the sum of both" is a sentence
    return text.find("step.") != std::string::npos || begin < last ? text : std::string{};
  }
  return {};
}

/// The programs of one block, in the order of preference within it.
inline void collect(const Block& block, const AnswerContext& context, std::vector<Candidate>& out) {
  int tries = 8; // each takes as long as the block
  for (std::size_t i = block.lines.size(); i-- > 0 && tries > 0;) {
    const auto behind = behind_impl(block.lines[i]);
    if (!behind) continue;
    --tries;
    auto text = impl_at(block.lines, i, *behind);
    // a function within the block, as some write it
    bool at_margin = false;
    for (const auto line : lines_of(text)) at_margin = at_margin || starts_with_word(line, "return");
    if (!at_margin)
      if (auto body = body_of_function(lines_of(text), context); !body.empty()) text = std::move(body);
    if (!returns(text)) continue;
    out.push_back({.program = std::move(text), .open = block.open});
    return;
  }
  std::string bare;
  if (block.fenced) bare = bare_code(block.lines, true);
  if (bare.empty())
    if (auto body = body_of_function(block.lines, context); !body.empty()) {
      out.push_back({.program = std::move(body), .form = AnswerForm::python, .open = block.open});
      return;
    }
  if (!block.fenced) bare = bare_code(block.lines, false);
  if (!bare.empty()) out.push_back({.program = std::move(bare), .bare = true, .open = block.open});
}

} // namespace detail

/// The program in `text`. A program is text with a `return`. Of several the one in the form that was asked
/// for wins, then one in the other form, then bare code; within that a fenced one before one in the prose,
/// and the last of equals, since models correct themselves downwards. `cut`: the text was cut off for its
/// length; then a program at its very end counts only if all its brackets are closed.
[[nodiscard]] inline Answer find_program(std::string_view text, AnswerForm form = AnswerForm::yaml,
                                         const AnswerContext& context = {}, bool cut = false) {
  if (text.size() > longest_answer) return {{}, AnswerProblem::too_long};
  const std::string clean = detail::normalised(text);
  if (clean.find_first_not_of(" \t\n") == std::string::npos)
    return {{}, cut ? AnswerProblem::truncated : AnswerProblem::empty};
  const auto blocks = detail::blocks_of(clean);
  std::optional<detail::Candidate> best;
  int best_rank = -1;
  bool broken = false;
  for (const auto& block : blocks) {
    std::vector<detail::Candidate> found;
    detail::collect(block, context, found);
    for (auto& c : found) {
      if (c.open && cut && !detail::balanced(c.program)) {
        broken = true;
        continue;
      }
      const int rank = (c.bare ? 0 : c.form == form ? 4 : 2) + (block.fenced ? 1 : 0);
      if (rank < best_rank) continue;
      best_rank = rank;
      best = std::move(c);
    }
  }
  if (best) return {std::move(best->program), AnswerProblem::none};
  const bool unclosed = blocks.size() > 1 && blocks[blocks.size() - 2].open;
  return {{}, cut || broken || unclosed ? AnswerProblem::truncated : AnswerProblem::no_program};
}

} // namespace step::agents
