// SPDX-License-Identifier: MIT
// A key that cannot be printed, compared or serialised by accident; redactor.hpp removes keys from texts.
// Keys come from the environment; the only way out is `reveal_to`, which the transport calls.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace strata::llm {

/// A key. Copies share it; the last one overwrites it in memory.
class secret {
 public:
  static constexpr std::size_t longest = 8192; ///< no server takes longer headers

  secret() = default;
  /// Blanks around it are dropped. Throws std::invalid_argument, without repeating it, if it contains
  /// anything but printable ASCII, since it could not be sent in a header, or is longer than `longest`.
  explicit secret(std::string_view value) {
    while (!value.empty() && blank(value.front())) value.remove_prefix(1);
    while (!value.empty() && blank(value.back())) value.remove_suffix(1);
    for (const char c : value)
      if (const auto byte = static_cast<unsigned char>(c); byte <= 0x20 || byte >= 0x7f)
        throw std::invalid_argument("the key contains blanks, control characters or letters outside ASCII");
    if (value.size() > longest) throw std::invalid_argument("the key is too long to be one");
    if (!value.empty()) value_ = std::make_shared<const wiped>(value);
  }

  [[nodiscard]] bool empty() const noexcept { return !value_; }
  /// Appends the key to what goes on the wire.
  void reveal_to(std::string& wire) const {
    if (value_) wire += value_->text;
  }

  bool operator==(const secret&) const = delete;
  template <class Stream> friend Stream& operator<<(Stream& out, const secret&) = delete;

 private:
  static bool blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
  struct wiped {
    explicit wiped(std::string_view s) : text(s) {}
    wiped(const wiped&) = delete;
    wiped& operator=(const wiped&) = delete;
    ~wiped() {
      volatile char* p = const_cast<char*>(text.data()); // volatile: not optimised away
      for (std::size_t i = 0; i < text.size(); ++i) p[i] = 0;
    }
    const std::string text;
  };
  std::shared_ptr<const wiped> value_;
};

/// The environment, injected so that tests need not change the process's own.
using environment = std::function<std::string(const std::string& name)>; ///< empty if not set

/// The environment of this process.
[[nodiscard]] environment process_environment();

} // namespace strata::llm
