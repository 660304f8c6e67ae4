// SPDX-License-Identifier: MIT
// What is thrown for a task file that cannot be used: unreadable, malformed, or inconsistent in itself.
// It is the only exception that leaves the loaders of this folder.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace step {

/// `what()` is one line: "file:line: what is wrong; what to do" (without the line when none is to blame).
struct TaskError : std::runtime_error {
  using std::runtime_error::runtime_error;
  TaskError(std::string_view file, std::uint32_t line, std::string_view reason)
      : std::runtime_error(std::string(file) + (line == 0 ? "" : ":" + std::to_string(line)) + ": " +
                           one_line(reason)) {}

 private:
  static std::string one_line(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 600)) {
      const auto byte = static_cast<unsigned char>(c);
      out += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
    return out;
  }
};

/// Text from a file as it may stand in a message: short, in quotes, without control characters.
[[nodiscard]] inline std::string excerpt(std::string_view text) {
  constexpr std::size_t most = 60;
  std::size_t cut = text.size() <= most ? text.size() : most;
  while (cut < text.size() && cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;
  std::string out = "'";
  for (const char c : text.substr(0, cut)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return out + (cut < text.size() ? "...'" : "'");
}

} // namespace step
