// SPDX-License-Identifier: MIT
// A certificate authority that lives as long as a test, the certificates it issues, and loopback servers that
// use them. Everything is made with OpenSSL when the test runs.
#pragma once

#include "strata/llm/loopback.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace loopback {

struct free_openssl {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
};
template <class T> using owned = std::unique_ptr<T, free_openssl>;

/// What a certificate says.
struct subject {
  std::string names = "DNS:localhost,IP:127.0.0.1"; ///< subject alternative names
  long from_days = -1;
  long to_days = 1;
};

class authority {
 public:
  authority() : key_(EVP_EC_gen("P-256")), certificate_(make(key_.get(), {}, true)) {
    char name[] = "/tmp/strata-test-ca-XXXXXX";
    const int fd = ::mkstemp(name);
    std::FILE* file = fd < 0 ? nullptr : ::fdopen(fd, "w");
    if (file == nullptr) throw std::runtime_error("no temporary file");
    PEM_write_X509(file, certificate_.get());
    std::fclose(file);
    file_ = name;
  }
  ~authority() {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }
  authority(const authority&) = delete;
  authority& operator=(const authority&) = delete;

  /// PEM of the authority's own certificate.
  [[nodiscard]] const std::string& file() const { return file_; }

  /// A server context with a certificate of this authority.
  [[nodiscard]] std::shared_ptr<SSL_CTX> serve(const subject& s = {}) const {
    const owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
    const owned<X509> certificate = make(key.get(), s, false);
    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), free_openssl());
    SSL_CTX_use_certificate(context.get(), certificate.get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
    return context;
  }

 private:
  owned<X509> make(EVP_PKEY* key, const subject& s, bool is_authority) const {
    owned<X509> c(X509_new());
    X509_set_version(c.get(), 2);
    static std::atomic<long> serial = 1;
    ASN1_INTEGER_set(X509_get_serialNumber(c.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.get()), s.from_days * 86400);
    X509_gmtime_adj(X509_getm_notAfter(c.get()), s.to_days * 86400);
    X509_set_pubkey(c.get(), key);
    const std::string name = is_authority ? "strata test CA " + std::to_string(serial) : "strata test server";
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(c.get(), is_authority ? X509_get_subject_name(c.get())
                                               : X509_get_subject_name(certificate_.get()));
    const auto extend = [&](int what, const std::string& value) {
      X509V3_CTX context;
      X509V3_set_ctx_nodb(&context);
      X509V3_set_ctx(&context, c.get(), c.get(), nullptr, nullptr, 0);
      X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
      if (e == nullptr) throw std::runtime_error("bad extension " + value);
      X509_add_ext(c.get(), e, -1);
      X509_EXTENSION_free(e);
    };
    if (is_authority)
      extend(NID_basic_constraints, "critical,CA:TRUE");
    else
      extend(NID_subject_alt_name, s.names);
    X509_sign(c.get(), is_authority ? key : key_.get(), EVP_sha256());
    return c;
  }

  owned<EVP_PKEY> key_;
  owned<X509> certificate_;
  std::string file_;
};

/// The server's end of a TLS connection.
class tls_wire : public wire {
 public:
  tls_wire(int fd, const std::atomic<bool>& stop, SSL_CTX* context) : wire(fd, stop), ssl_(SSL_new(context)) {
    SSL_set_fd(ssl_.get(), fd);
  }
  bool accept() { return SSL_accept(ssl_.get()) == 1; }
  bool receive(std::string& to) override {
    while (SSL_pending(ssl_.get()) == 0) {
      if (stopping()) return false;
      pollfd p{descriptor(), POLLIN, 0};
      if (::poll(&p, 1, 10) > 0) break;
    }
    char bytes[65536];
    const int n = SSL_read(ssl_.get(), bytes, sizeof bytes);
    if (n <= 0) return false;
    to.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  void send(std::string_view bytes) override {
    while (!bytes.empty()) {
      const int n = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

 private:
  owned<SSL> ssl_;
};

/// Makes the connections of a server TLS; those whose handshake fails are dropped.
inline server::make with_tls(std::shared_ptr<SSL_CTX> context) {
  return [context = std::move(context)](int fd, const std::atomic<bool>& stop) -> std::unique_ptr<wire> {
    ::signal(SIGPIPE, SIG_IGN); // OpenSSL's own socket BIO, on the server's side only
    auto w = std::make_unique<tls_wire>(fd, stop, context.get());
    if (!w->accept()) return nullptr;
    return w;
  };
}

} // namespace loopback
