// SPDX-License-Identifier: MIT
// A file with one JSON line per request for text, so that a test can prove what was asked for, and how often.
// No key and no text of a request or reply is in it: prompts are there as hashes.
#pragma once

#include "strata/llm/codecs/request_body.hpp"
#include "strata/llm/mock/call.hpp"
#include "strata/llm/mock/failures.hpp"
#include "strata/llm/token_usage.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::llm::mock {

/// Of the messages with their roles, whatever the protocol, the model and its parameters. O(prompt).
[[nodiscard]] inline std::uint64_t hash_of(const std::vector<block>& prompt) noexcept {
  std::uint64_t h = prompt.size();
  for (const block& b : prompt)
    h = mix(mix(h, static_cast<std::uint64_t>(b.from) * 2 + (b.opens_message ? 1 : 0)), b.text);
  return h;
}

/// A request for text and what became of it.
struct logged_request {
  std::string_view path{}; ///< empty: one that the server does not have
  std::string model{};     ///< empty, as all up to `prompt`: the request could not be understood
  std::uint32_t n = 0;
  std::optional<std::uint64_t> seed{};
  std::optional<double> temperature{};
  std::optional<std::uint64_t> prompt{};  ///< hash
  int status = 0;                         ///< 0: nothing was sent
  misbehaviour kind = misbehaviour::none; ///< what was scripted
  std::optional<std::uint64_t> sample{};  ///< number of the first choice
  std::uint64_t choices = 0;              ///< written for it
  token_usage used{};

  void asked(const call& q) {
    model = q.model;
    n = q.n;
    seed = q.seed;
    temperature = q.temperature;
    prompt = hash_of(q.prompt);
  }
};

/// Appends to a file. A line is in it before the reply is sent, and its `delivered` is filled in when that is
/// known; of a request that was in progress when the server was killed it stays null.
class request_log {
 public:
  /// Creates the file, or goes on behind its end. Throws std::runtime_error in one line if it cannot be
  /// written, is no regular file, or belongs to another server.
  explicit request_log(const std::string& path)
      : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644)) {
    const auto refuse = [&](const std::string& why) {
      if (file_ >= 0) ::close(file_);
      throw std::runtime_error(path + ": the log cannot be written: " + why +
                               "; name a file in a directory that exists and can be written");
    };
    struct ::stat about {};
    if (file_ < 0 || ::fstat(file_, &about) != 0) refuse(std::generic_category().message(errno));
    if (!S_ISREG(about.st_mode)) refuse("it is no regular file");
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) refuse("another server writes it");
    end_ = about.st_size;
  }
  request_log(const request_log&) = delete;
  request_log& operator=(const request_log&) = delete;
  ~request_log() { ::close(file_); }

  /// `over`: nothing is being delivered, nor will be. Else the result tells `settle` where the line is.
  std::uint64_t write(const logged_request& r, bool over) {
    request_body line(512);
    const auto add = [&](std::string_view name, bool known, auto value) {
      if (known)
        line.add(name, value);
      else
        line.name(name) += "null";
    };
    std::string prompt(16, '0');
    std::uint64_t hash = r.prompt.value_or(0);
    for (std::size_t i = prompt.size(); i-- > 0; hash /= 16) prompt[i] = "0123456789abcdef"[hash % 16];
    add("path", !r.path.empty(), r.path);
    add("model", !r.model.empty(), std::string_view(r.model));
    add("seed", r.seed.has_value(), r.seed.value_or(0));
    add("n", r.n != 0, r.n);
    add("temperature", r.temperature.has_value(), r.temperature.value_or(0));
    add("prompt", r.prompt.has_value(), std::string_view(prompt));
    add("sample", r.sample.has_value(), r.sample.value_or(0));
    add("status", r.status != 0, static_cast<std::uint64_t>(r.status));
    add("misbehaviour", r.kind != misbehaviour::none, to_string(r.kind));
    const auto place = static_cast<std::uint64_t>(end_) + line.name("delivered").size();
    line.tail() += over ? "false" : "null "; // as long as true and a blank
    line.add("choices", r.choices);
    line.add("input_tokens", r.used.input);
    line.add("cached_tokens", r.used.cached);
    line.add("output_tokens", r.used.output);
    const std::string text = std::move(line).done() + "\n";
    put(text, end_);
    end_ += static_cast<::off_t>(text.size());
    return place;
  }
  void settle(std::uint64_t place, bool delivered) {
    put(delivered ? "true " : "false", static_cast<::off_t>(place));
  }

  /// Why lines are missing; empty if none are.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  /// After the first failure nothing more is written: a log with gaps proves nothing.
  void put(std::string_view text, ::off_t at) {
    while (!text.empty() && problem_.empty()) {
      const auto n = ::pwrite(file_, text.data(), text.size(), at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) {
        problem_ = std::generic_category().message(n < 0 ? errno : ENOSPC);
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(n));
      at += n;
    }
  }

  int file_;
  ::off_t end_ = 0;
  std::string problem_;
};

} // namespace strata::llm::mock
