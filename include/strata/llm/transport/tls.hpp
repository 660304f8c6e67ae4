// SPDX-License-Identifier: MIT
// TLS over a non-blocking socket without buffers of its own: OpenSSL reads from and writes to the descriptor,
// and gives its buffers back while a connection waits. Certificates are always verified; there is no switch.
#pragma once

#include "strata/llm/limits.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

namespace strata::llm::detail {

/// How a non-blocking read or write ended.
enum class io_status : std::uint8_t { done, want_read, want_write, end, error };

struct free_ssl {
  void operator()(SSL* s) const noexcept { SSL_free(s); }
  void operator()(SSL_CTX* c) const noexcept { SSL_CTX_free(c); }
  void operator()(BIO_METHOD* m) const noexcept { BIO_meth_free(m); }
};

/// A BIO over a descriptor like OpenSSL's own, but without SIGPIPE when the peer has gone.
inline BIO_METHOD* quiet_socket_method() {
  static const std::unique_ptr<BIO_METHOD, free_ssl> method = [] {
    std::unique_ptr<BIO_METHOD, free_ssl> m(
        BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "strata socket"));
    if (!m) throw std::bad_alloc();
    BIO_meth_set_read(m.get(), [](BIO* b, char* to, int size) -> int {
      BIO_clear_retry_flags(b);
      const auto n = ::recv(*static_cast<int*>(BIO_get_data(b)), to, static_cast<std::size_t>(size), 0);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(b);
      return static_cast<int>(n);
    });
    BIO_meth_set_write(m.get(), [](BIO* b, const char* from, int size) -> int {
      BIO_clear_retry_flags(b);
      const auto n =
          ::send(*static_cast<int*>(BIO_get_data(b)), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(b);
      return static_cast<int>(n);
    });
    BIO_meth_set_ctrl(
        m.get(), [](BIO*, int command, long, void*) -> long { return command == BIO_CTRL_FLUSH ? 1 : 0; });
    BIO_meth_set_create(m.get(), [](BIO* b) -> int {
      BIO_set_init(b, 1);
      return 1;
    });
    return m;
  }();
  return method.get();
}

/// Which certificates are trusted; shared by all connections.
class tls_context {
 public:
  /// Throws std::runtime_error if the CA file cannot be used.
  explicit tls_context(const transport_limits& limits)
      : context_(SSL_CTX_new(TLS_client_method())), ca_(limits.ca_file) {
    if (!context_) throw std::runtime_error("OpenSSL cannot be initialised");
    SSL_CTX* c = context_.get();
    SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(c, 1); // one recv for header and record
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    constexpr unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    SSL_CTX_set_alpn_protos(c, http11, sizeof http11);
    if (limits.system_certificates) SSL_CTX_set_default_verify_paths(c);
    if (!ca_.empty() && SSL_CTX_load_verify_locations(c, ca_.c_str(), nullptr) != 1) {
      ERR_clear_error();
      throw std::runtime_error(ca_ + ": no certificates can be read from this file; it must be PEM");
    }
    ERR_clear_error();
  }
  [[nodiscard]] SSL_CTX* get() const noexcept { return context_.get(); }
  /// For messages: where trust comes from.
  [[nodiscard]] std::string trust() const { return ca_.empty() ? "the system's certificates" : ca_; }

 private:
  std::unique_ptr<SSL_CTX, free_ssl> context_;
  std::string ca_;
};

/// One TLS session over the descriptor that `fd` refers to.
class tls_session {
 public:
  tls_session(const tls_context& context, const int& fd, const std::string& host)
      : ssl_(SSL_new(context.get())) {
    if (!ssl_) throw std::bad_alloc();
    BIO* bio = BIO_new(quiet_socket_method());
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, const_cast<int*>(&fd)); // only read through
    SSL_set_bio(ssl_.get(), bio, bio);
    in6_addr buffer{};
    const bool literal =
        inet_pton(AF_INET, host.c_str(), &buffer) == 1 || inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
    if (literal) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str());
    } else {
      SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      SSL_set1_host(ssl_.get(), host.c_str());
      SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
    }
    SSL_set_connect_state(ssl_.get());
  }

  io_status handshake() {
    ERR_clear_error();
    return status(SSL_do_handshake(ssl_.get()));
  }
  io_status read(char* to, std::size_t size, std::size_t& got) {
    ERR_clear_error();
    const int n = SSL_read(ssl_.get(), to, clamp(size));
    got = n > 0 ? static_cast<std::size_t>(n) : 0;
    return status(n);
  }
  io_status write(const char* from, std::size_t size, std::size_t& put) {
    ERR_clear_error();
    const int n = SSL_write(ssl_.get(), from, clamp(size));
    put = n > 0 ? static_cast<std::size_t>(n) : 0;
    return status(n);
  }
  /// Something has been received that nobody has read yet.
  [[nodiscard]] bool pending() const noexcept { return SSL_has_pending(ssl_.get()) == 1; }
  /// Whether an idle session can be used again: nothing but tickets has arrived.
  bool quiet() {
    char c = 0;
    ERR_clear_error();
    const int n = SSL_peek(ssl_.get(), &c, 1);
    return status(n) == io_status::want_read;
  }
  /// Why the server's certificate was not accepted; empty if it was, or none arrived.
  [[nodiscard]] std::string rejection() const {
    const long result = SSL_get_verify_result(ssl_.get());
    return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
  }
  /// The last error in words; only valid directly after a call.
  [[nodiscard]] static std::string last_error() {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    return reason == nullptr ? "the connection was closed" : reason;
  }

 private:
  static int clamp(std::size_t size) noexcept { return static_cast<int>(size < INT_MAX ? size : INT_MAX); }
  io_status status(int n) {
    if (n > 0) return io_status::done;
    switch (SSL_get_error(ssl_.get(), n)) {
    case SSL_ERROR_WANT_READ:
      return io_status::want_read;
    case SSL_ERROR_WANT_WRITE:
      return io_status::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return io_status::end;
    case SSL_ERROR_SSL:
      return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? io_status::end
                                                                                    : io_status::error;
    default:
      return io_status::error;
    }
  }

  std::unique_ptr<SSL, free_ssl> ssl_;
};

} // namespace strata::llm::detail
