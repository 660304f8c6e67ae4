// SPDX-License-Identifier: MIT
// Lines of a text of any length in bounded memory.
// Used for corpora and for the files of a run.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <utility>

namespace app {

struct Line {
  std::uint64_t number = 0; ///< from 1
  std::string text;         ///< without the line feed
  bool too_long = false;    ///< the rest was skipped
  bool complete = false;    ///< ended in a line feed
};

class LineReader {
 public:
  static constexpr std::size_t longest = std::size_t{4} << 20U;
  explicit LineReader(std::istream& in) : in_(in) {}

  [[nodiscard]] std::optional<Line> next() {
    Line line;
    line.number = ++number_;
    std::streambuf& buffer = *in_.rdbuf();
    bool any = false;
    for (int c = buffer.sbumpc(); c != std::char_traits<char>::eof(); c = buffer.sbumpc()) {
      any = true;
      ++bytes_;
      if (c == '\n') {
        line.complete = true;
        return line;
      }
      if (line.text.size() < longest)
        line.text.push_back(static_cast<char>(c));
      else
        line.too_long = true;
    }
    if (!any) return std::nullopt;
    return line;
  }
  /// Read so far.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::istream& in_;
  std::uint64_t number_ = 0, bytes_ = 0;
};

} // namespace app
