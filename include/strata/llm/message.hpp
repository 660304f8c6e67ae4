// SPDX-License-Identifier: MIT
// What is said to a model: a list of messages with roles.
// A conversation is immutable and shared, so that a thousand requests with one prompt hold it once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm {

/// Who speaks. Every protocol gets its own spelling of `system` (a field of its own, "system", "developer").
enum class role : std::uint8_t { system, user, assistant };

[[nodiscard]] constexpr std::string_view to_string(role r) noexcept {
  switch (r) {
  case role::system:
    return "system";
  case role::user:
    return "user";
  case role::assistant:
    return "assistant";
  }
  return "unknown";
}

/// One turn. Text is UTF-8; what is not is replaced by U+FFFD when it is sent.
struct message {
  role from = role::user;
  std::string text{};
  /// The prompt up to the end of this message is shared with other requests: providers with explicit caching
  /// get a marker here (at most four are sent, the last ones), others ignore it.
  bool shared_prefix = false;

  friend bool operator==(const message&, const message&) = default;
};

/// An immutable list of messages; copying one costs a reference count. System messages come first.
class conversation {
 public:
  conversation() : conversation(std::vector<message>{}) {}
  conversation(std::initializer_list<message> messages) : conversation(std::vector<message>(messages)) {}
  explicit conversation(std::vector<message> messages)
      : messages_(std::make_shared<const std::vector<message>>(std::move(messages))) {}
  /// The usual case: instructions and one question.
  conversation(std::string system, std::string user)
      : conversation(std::vector<message>{{role::system, std::move(system), true},
                                          {role::user, std::move(user), false}}) {}

  [[nodiscard]] const std::vector<message>& messages() const noexcept { return *messages_; }
  [[nodiscard]] bool empty() const noexcept { return messages_->empty(); }
  [[nodiscard]] auto begin() const noexcept { return messages_->begin(); }
  [[nodiscard]] auto end() const noexcept { return messages_->end(); }
  /// Bytes of text in all messages. O(messages).
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (const message& m : *messages_) sum += m.text.size();
    return sum;
  }
  /// A longer conversation; this one stays as it is. O(messages).
  [[nodiscard]] conversation with(message next) const {
    std::vector<message> longer;
    longer.reserve(messages_->size() + 1);
    longer.insert(longer.end(), messages_->begin(), messages_->end());
    longer.push_back(std::move(next));
    return conversation(std::move(longer));
  }

  friend bool operator==(const conversation& a, const conversation& b) noexcept {
    return a.messages_ == b.messages_ || *a.messages_ == *b.messages_;
  }

 private:
  std::shared_ptr<const std::vector<message>> messages_; // never null, except in what was moved from
};

} // namespace strata::llm
