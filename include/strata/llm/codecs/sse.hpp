// SPDX-License-Identifier: MIT
// Server-sent events from bytes that arrive in pieces of any size: CR, LF or both end a line, comments are
// skipped, several `data` lines make one event. Memory is bounded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata::llm {

/// An incremental parser. The same bytes give the same events however they are cut.
class sse_parser {
 public:
  explicit sse_parser(std::size_t longest_event = std::size_t{8} << 20U) : longest_(longest_event) {}

  /// Calls `event(name, data)` for every event that is complete; it returns whether to go on. False: it did
  /// not, or an event is longer than allowed; nothing more is parsed then. O(bytes).
  template <class F> bool feed(std::string_view bytes, F&& event) {
    while (!bytes.empty() && !ended_) {
      if (after_cr_) {
        after_cr_ = false;
        if (bytes.front() == '\n') {
          bytes.remove_prefix(1);
          continue;
        }
      }
      const std::size_t end = bytes.find_first_of("\r\n");
      const std::string_view part = bytes.substr(0, end);
      if (line_.size() + data_.size() + part.size() > longest_) return !(ended_ = true);
      if (end == std::string_view::npos) {
        line_ += part;
        break;
      }
      after_cr_ = bytes[end] == '\r';
      bytes.remove_prefix(end + 1);
      if (line_.empty()) {
        ended_ = !take(part, event);
      } else {
        line_ += part;
        ended_ = !take(line_, event);
        line_.clear();
      }
    }
    return !ended_;
  }

 private:
  template <class F> bool take(std::string_view line, F&& event) {
    if (first_) {
      first_ = false;
      if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    }
    if (line.empty()) { // the event is complete
      bool go_on = true;
      if (has_data_) go_on = event(std::string_view(name_), std::string_view(data_));
      name_.clear();
      data_.clear();
      has_data_ = false;
      return go_on;
    }
    const std::size_t colon = line.find(':');
    if (colon == 0) return true; // a comment
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "data") {
      if (has_data_) data_ += '\n';
      data_ += value;
      has_data_ = true;
    } else if (field == "event") {
      name_ = value.substr(0, 64);
    }
    return true;
  }

  std::size_t longest_;
  std::string line_;
  std::string name_;
  std::string data_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool first_ = true;
  bool ended_ = false;
};

} // namespace strata::llm
