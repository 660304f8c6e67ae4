// SPDX-License-Identifier: MIT
// Which proxy leads to a server: from the settings, or from HTTPS_PROXY, ALL_PROXY and NO_PROXY as curl reads
// them. The password in its address is a secret like a key.
#pragma once

#include "strata/llm/secret.hpp"
#include "strata/llm/transport/url.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace strata::llm {

struct proxy_server {
  url address{};
  secret credentials{}; ///< base64 of "user:password"; empty without
  secret password{};    ///< only to be removed from texts
};

namespace detail {

inline std::string base64(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8U | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= text.size() ? letters[bits >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

inline std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

} // namespace detail

/// Reads "[http://][user:password@]host[:port]". Throws std::runtime_error without repeating a password.
[[nodiscard]] inline proxy_server parse_proxy(std::string_view text) {
  proxy_server p;
  if (begins_like(text, "https://") || begins_like(text, "socks"))
    throw std::runtime_error(
        "the proxy's address begins with something else than http://, which is not supported");
  if (begins_like(text, "http://")) text.remove_prefix(7);
  if (const std::size_t at = text.substr(0, text.find('/')).rfind('@'); at != std::string_view::npos) {
    const std::string user = detail::percent_decoded(text.substr(0, at));
    p.credentials = secret(detail::base64(user));
    const std::size_t colon = user.find(':');
    try {
      if (colon != std::string::npos) p.password = secret(std::string_view(user).substr(colon + 1));
    } catch (const std::invalid_argument&) { // only ever sent in base64
    }
    text.remove_prefix(at + 1);
  }
  std::string problem;
  const auto address = parse_url("http://" + std::string(text), problem);
  if (!address) throw std::runtime_error("the proxy's address cannot be used: " + problem);
  p.address = *address;
  return p;
}

namespace detail {

/// The bytes of an IP address, 4 or 16; empty if the text is none.
inline std::string ip_bytes(std::string_view text) {
  const std::string name(text.substr(0, 64));
  char bytes[16] = {};
  if (::inet_pton(AF_INET, name.c_str(), bytes) == 1) return {bytes, 4};
  if (::inet_pton(AF_INET6, name.c_str(), bytes) == 1) return {bytes, 16};
  return {};
}

/// Whether an entry, an IP address or a range of them like 10.0.0.0/8, covers the address. A length of 0
/// counts as none, as it does for curl.
inline bool covers(std::string_view entry, const std::string& address) {
  const std::size_t slash = entry.find('/');
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  const std::string network = ip_bytes(entry.substr(0, slash));
  if (network.size() != address.size()) return false;
  unsigned bits = 0;
  if (slash != std::string_view::npos) {
    const std::string_view digits = entry.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc() || end != digits.data() + digits.size() || bits > 8 * address.size())
      return false;
  }
  if (bits == 0) bits = static_cast<unsigned>(8 * address.size());
  for (std::size_t i = 0; i < address.size() && 8 * i < bits; ++i) {
    const unsigned differ = static_cast<unsigned char>(network[i]) ^ static_cast<unsigned char>(address[i]);
    const unsigned shared = std::min(8U, bits - static_cast<unsigned>(8 * i));
    if (differ >> (8 - shared) != 0) return false;
  }
  return true;
}

} // namespace detail

/// Whether NO_PROXY covers the server, as curl reads it: names separated by commas or blanks, each also for
/// what is below it, with or without a dot at its beginning and end; IP addresses and ranges (10.0.0.0/8);
/// "*" alone for all. And as others read it: an entry may have a port, and then is for that port only.
[[nodiscard]] inline bool without_proxy(std::string_view list, const url& server) {
  constexpr std::string_view separators = ", \t\r\n";
  const auto trimmed = [&](std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(separators), text.size()));
    return text.substr(0, text.find_last_not_of(separators) + 1);
  };
  if (trimmed(list) == "*") return true;
  std::string_view host = server.host;
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string address = detail::ip_bytes(host);
  for (list = trimmed(list); !list.empty(); list = trimmed(list)) {
    std::string_view entry = list.substr(0, list.find_first_of(separators));
    list.remove_prefix(entry.size());
    const std::size_t colon = entry.rfind(':');
    if (colon != std::string_view::npos && colon > 0 &&
        (entry.find(':') == colon || entry[colon - 1] == ']')) {
      if (entry.substr(colon + 1) != std::to_string(server.port)) continue;
      entry = entry.substr(0, colon);
    }
    if (!address.empty()) {
      if (detail::covers(entry, address)) return true;
      continue;
    }
    if (entry.ends_with('.')) entry.remove_suffix(1);
    if (entry.starts_with('.')) entry.remove_prefix(1);
    if (entry.empty() || entry.size() > host.size()) continue;
    const std::string_view end = host.substr(host.size() - entry.size());
    const bool whole = entry.size() == host.size() || host[host.size() - entry.size() - 1] == '.';
    if (whole && begins_like(entry, end)) return true; // the host is in lower case
  }
  return false;
}

/// The proxy for a server, if any. Plain http is never sent through one. Throws std::runtime_error.
[[nodiscard]] inline std::optional<proxy_server>
proxy_for(const url& server, const std::optional<std::string>& setting, const environment& env) {
  if (!server.secure) return std::nullopt;
  if (setting) return setting->empty() ? std::nullopt : std::optional(parse_proxy(*setting));
  std::string address;
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
    if (address.empty()) address = env(name);
  if (address.empty()) return std::nullopt;
  std::string except = env("no_proxy");
  if (except.empty()) except = env("NO_PROXY");
  if (without_proxy(except, server)) return std::nullopt;
  return parse_proxy(address);
}

} // namespace strata::llm
