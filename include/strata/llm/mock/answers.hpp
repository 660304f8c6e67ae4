// SPDX-License-Identifier: MIT
// What the scripted server says: a function of the question and the number of the sample.
// Programs can be wrapped in prose and code fences the way models do it.
#pragma once

#include "strata/llm/mock/call.hpp"
#include "strata/llm/mock/draws.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace strata::llm::mock {

/// What an answer may depend on. Valid during the call.
struct question {
  const call& asked;
  std::string_view last_user; ///< the last message of the user, all its blocks
  std::uint64_t seed = 0;     ///< of the server
};

/// Gives the text for one sample; equal arguments give equal texts. Called on the server's thread.
using answerer = std::function<std::string(const question&, std::uint64_t sample)>;

/// Always the same text.
[[nodiscard]] inline answerer canned(std::string text) {
  return [text = std::move(text)](const question&, std::uint64_t) { return text; };
}

/// How a program is presented.
enum class wrapping : std::uint8_t {
  none,   ///< as it is
  yaml,   ///< one fenced block of YAML with the key impl
  varied, ///< drawn: bare or fenced, YAML or Python, with and without prose before and after
};

/// The program as a model would answer it. `draw` decides what `varied` does. O(program).
[[nodiscard]] inline std::string wrap(std::string_view program, wrapping how, std::uint64_t draw) {
  while (!program.empty() && (program.back() == '\n' || program.back() == ' ')) program.remove_suffix(1);
  if (how == wrapping::none) return std::string(program);
  const auto indented = [&] {
    std::string out;
    for (std::size_t at = 0; at <= program.size();) {
      const std::size_t end = std::min(program.find('\n', at), program.size());
      if (end > at) out += "  " + std::string(program.substr(at, end - at));
      out += '\n';
      at = end + 1;
    }
    return out;
  };
  const std::string yaml = "impl: |\n" + indented();
  const std::string fenced = "```yaml\n" + yaml + "```";
  if (how == wrapping::yaml) return fenced + "\n";
  const std::string plain(program);
  switch (draw % 8) {
  case 0:
    return yaml;
  case 1:
    return fenced + "\n";
  case 2:
    return "Here is the program. Every stream is consumed at most once.\n\n" + fenced + "\n";
  case 3:
    return "Let me think about the shapes first.\n\n```\n[N, M] -> [M]\n```\n\nWith that, the program "
           "is:\n\n" +
           fenced + "\n\nThe result has the dims that the task asks for.\n";
  case 4:
    return "```python\n" + plain + "\n```\n";
  case 5:
    return "The implementation follows.\n\n```python\n" + plain + "\n```\n\nI hope this helps!\n";
  case 6:
    return "```\n" + yaml + "```\n";
  default:
    return "~~~yaml\n" + yaml + "~~~\nNote: the streams that are used twice are copied.\n";
  }
}

} // namespace strata::llm::mock
