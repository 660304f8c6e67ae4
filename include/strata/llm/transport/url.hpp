// SPDX-License-Identifier: MIT
// The address of a server: scheme, host, port and path. Nothing else is accepted, in particular no user name,
// password or query, because keys in addresses end up in logs.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::llm {

struct url {
  bool secure = false; ///< https
  std::string host{};  ///< lower case, without brackets
  std::uint16_t port = 0;
  std::string path{}; ///< without a slash at its end; empty or "/.."

  /// "host:port", with brackets around IPv6 addresses.
  [[nodiscard]] std::string authority() const {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }
  /// What the Host header says: the port only if it is not the scheme's own.
  [[nodiscard]] std::string host_header() const {
    const bool v6 = host.find(':') != std::string::npos;
    const std::string name = v6 ? "[" + host + "]" : host;
    return port == (secure ? 443 : 80) ? name : name + ":" + std::to_string(port);
  }
  [[nodiscard]] std::string text() const { return (secure ? "https://" : "http://") + host_header() + path; }
  /// The server runs on this machine.
  [[nodiscard]] bool loopback() const noexcept {
    return host == "localhost" || host == "::1" ||
           (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
  }
  friend bool operator==(const url&, const url&) = default;
};

/// Whether the text begins with something that is given in lower case; its own case does not matter.
[[nodiscard]] inline bool begins_like(std::string_view text, std::string_view lower) noexcept {
  if (text.size() < lower.size()) return false;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower[i]) return false;
  }
  return true;
}

/// Reads "http[s]://host[:port][/path]"; the case of the scheme does not matter. On failure returns nothing
/// and says why in `problem`, without repeating what may be a password.
[[nodiscard]] inline std::optional<url> parse_url(std::string_view text, std::string& problem) {
  url u;
  if (text.size() > 2000) return problem = "it is too long", std::nullopt;
  for (const char c : text)
    if (const auto byte = static_cast<unsigned char>(c); byte <= 0x20 || byte >= 0x7f)
      return problem = "it contains blanks, control characters or letters outside ASCII", std::nullopt;
  if (begins_like(text, "https://")) {
    u.secure = true;
    text.remove_prefix(8);
  } else if (begins_like(text, "http://")) {
    text.remove_prefix(7);
  } else {
    return problem = "it does not begin with http:// or https://", std::nullopt;
  }
  const std::size_t slash = text.find('/');
  std::string_view authority = text.substr(0, slash);
  u.path = slash == std::string_view::npos ? std::string() : std::string(text.substr(slash));
  if (authority.find('@') != std::string_view::npos)
    return problem = "it contains a user name or password; keys belong into the environment", std::nullopt;
  if (text.find('?') != std::string_view::npos) return problem = "it contains a query (?..)", std::nullopt;
  while (u.path.ends_with('/')) u.path.pop_back();
  std::string_view host = authority;
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return problem = "a bracket is missing", std::nullopt;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && port.front() != ':') return problem = "what follows the ] is no port", std::nullopt;
    if (host.find_first_not_of("0123456789abcdefABCDEF:.%") != std::string_view::npos)
      return problem = "what is in brackets is no IPv6 address", std::nullopt;
  } else {
    const std::size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
    for (const char c : host)
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
            c == '.' || c == '_'))
        return problem = "its host name contains a character that no host name has", std::nullopt;
  }
  if (host.empty() || host.size() > 253) return problem = "it has no host name", std::nullopt;
  for (const char c : host) u.host += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  u.port = u.secure ? 443 : 80;
  if (!port.empty()) {
    port.remove_prefix(1);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (error != std::errc() || end != port.data() + port.size() || value == 0 || value > 65535)
      return problem = "its port is not a number from 1 to 65535", std::nullopt;
    u.port = static_cast<std::uint16_t>(value);
  }
  return u;
}

} // namespace strata::llm
