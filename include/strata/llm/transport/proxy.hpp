// SPDX-License-Identifier: MIT
// Which proxy leads to a server: from the settings, or from HTTPS_PROXY, ALL_PROXY and NO_PROXY as curl reads
// them. The password in its address is a secret like a key.
#pragma once

#include "strata/llm/secret.hpp"
#include "strata/llm/transport/url.hpp"

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

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
  if (text.starts_with("https://") || text.starts_with("socks"))
    throw std::runtime_error(
        "the proxy's address begins with something else than http://, which is not supported");
  if (text.starts_with("http://")) text.remove_prefix(7);
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

/// Whether NO_PROXY (names separated by commas; "*" for all, ".example.com" or "example.com" also for what is
/// below it, an optional port) covers the server.
[[nodiscard]] inline bool without_proxy(std::string_view list, const url& server) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view entry = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!entry.empty() && entry.front() == ' ') entry.remove_prefix(1);
    while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
    if (entry == "*") return true;
    if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
    if (const std::size_t colon = entry.find(':');
        colon != std::string_view::npos && entry.rfind(':') == colon) {
      if (entry.substr(colon + 1) != std::to_string(server.port)) continue;
      entry = entry.substr(0, colon);
    }
    while (entry.starts_with('.')) entry.remove_prefix(1);
    if (entry.empty()) continue;
    std::string name(entry);
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (server.host == name || server.host.ends_with("." + name)) return true;
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
