// SPDX-License-Identifier: MIT
// Settings of the engine that bound what it uses: requests in flight, seconds, bytes, and how it reaches the
// network. The defaults suit long unattended runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace strata::llm {

/// Requests in flight per model: one until the first reply, then `initial`, from where the window doubles per
/// round trip until the provider complains often, see `gate`.
struct concurrency_limits {
  std::size_t initial = 16;
  std::size_t maximum = 256;

  friend bool operator==(const concurrency_limits&, const concurrency_limits&) = default;
};

struct transport_limits {
  std::chrono::milliseconds connect{10'000};        ///< name, connection, proxy and TLS together
  std::chrono::milliseconds silent{600'000};        ///< no byte of a reply that is sent in one piece
  std::chrono::milliseconds silent_stream{120'000}; ///< no byte of a stream
  std::chrono::milliseconds total{1'800'000}; ///< one exchange from the first byte sent to the last received
  std::chrono::milliseconds idle{30'000};     ///< a kept connection older than this is not used again
  std::size_t reply_bytes = std::size_t{16} << 20U; ///< of a body, also after decompression
  std::size_t header_bytes = std::size_t{64} << 10U;

  std::string ca_file{};           ///< PEM; in addition to the system's certificates
  bool system_certificates = true; ///< false: only `ca_file` counts
  /// "http://[user:password@]host:port", "" for none. Nothing: from HTTPS_PROXY, https_proxy or ALL_PROXY,
  /// unless NO_PROXY names the server.
  std::optional<std::string> proxy{};
};

} // namespace strata::llm
