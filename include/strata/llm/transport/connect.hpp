// SPDX-License-Identifier: MIT
// Opens connections: looks the name up (once for many), tries its addresses in turn, goes through a proxy,
// and does the TLS handshake. What fails is a failure in words, with the host.
#pragma once

#include "strata/llm/transport/connection.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace strata::llm::detail {

/// Addresses of hosts, remembered for a minute. Requests for a name that is being looked up wait for it.
class address_book {
 public:
  explicit address_book(io_executor executor) : executor_(executor) {}

  task<std::vector<tcp::endpoint>> find(const std::string& host, std::uint16_t port, error_code& error) {
    std::vector<tcp::endpoint> found;
    error_code no_literal;
    const auto literal = asio::ip::make_address(host, no_literal);
    if (!no_literal) {
      found.emplace_back(literal, port);
      co_return found;
    }
    std::shared_ptr<entry>& known = entries_[host];
    if (!known) known = std::make_shared<entry>(executor_);
    const std::shared_ptr<entry> e = known;
    if (e->busy) {
      error_code woken;
      co_await e->ready.async_wait(no_throw(woken));
    } else if (steady::now() >= e->until) {
      e->busy = true;
      e->ready.expires_at(steady::time_point::max());
      tcp_resolver resolver(executor_);
      const std::string service = std::to_string(port);
      const auto results = co_await resolver.async_resolve(host, service, no_throw(e->error));
      e->addresses.clear();
      if (!e->error)
        for (const auto& r : results) e->addresses.push_back(r.endpoint().address());
      e->until = steady::now() + (e->error ? std::chrono::seconds(1) : std::chrono::seconds(60));
      e->busy = false;
      e->ready.cancel();
    }
    error = e->error;
    for (const auto& a : e->addresses) found.emplace_back(a, port);
    co_return found;
  }

 private:
  struct entry {
    explicit entry(io_executor executor) : ready(executor) {}
    std::vector<asio::ip::address> addresses;
    error_code error;
    steady::time_point until{};
    timer ready;
    bool busy = false;
  };
  io_executor executor_;
  std::map<std::string, std::shared_ptr<entry>> entries_;
};

/// What went wrong while a connection was opened.
struct connect_result {
  std::optional<failure> failed{};
  bool tls_handshake = false;
};

inline failure transport_failure(failure_kind kind, std::string message) {
  failure f;
  f.kind = kind;
  f.message = std::move(message);
  return f;
}

/// Waits until the descriptor can be read or written. False: interrupted or broken.
inline task<bool> ready(connection& c, io_status wanted) {
  error_code error;
  co_await c.socket().async_wait(
      wanted == io_status::want_write ? tcp_socket::wait_write : tcp_socket::wait_read, no_throw(error));
  co_return !error;
}

/// Writes everything. False: interrupted or broken.
inline task<bool> write_all(connection& c, const std::string& wire) {
  for (std::size_t sent = 0; sent < wire.size();) {
    std::size_t put = 0;
    const io_status s = c.write(wire.data() + sent, wire.size() - sent, put);
    sent += put;
    if (s == io_status::done) continue;
    if (s == io_status::end || s == io_status::error) co_return false;
    auto waiting = ready(c, s);
    if (!co_await std::move(waiting)) co_return false;
  }
  co_return true;
}

/// Asks the proxy for a tunnel.
inline task<std::optional<failure>> open_tunnel(connection& c) {
  namespace http = boost::beast::http;
  const origin& to = c.to();
  std::string wire =
      "CONNECT " + to.server.authority() + " HTTP/1.1\r\nHost: " + to.server.authority() + "\r\n";
  if (!to.proxy->credentials.empty()) {
    wire += "Proxy-Authorization: Basic ";
    to.proxy->credentials.reveal_to(wire);
    wire += "\r\n";
  }
  wire += "\r\n";
  const std::string who = "the proxy " + to.proxy->address.authority();
  auto writing = write_all(c, wire);
  if (!co_await std::move(writing))
    co_return transport_failure(failure_kind::connection, who + " closed the connection");
  std::optional<http::response_parser<http::empty_body>> parser;
  std::string head;
  int status = 0;
  for (int informational = 0; status == 0;) {
    char c1 = 0; // byte by byte: what follows the header belongs to the tunnel
    std::size_t got = 0;
    const io_status s = c.read(&c1, 1, got);
    if (s == io_status::want_read) {
      auto waiting = ready(c, s);
      if (co_await std::move(waiting)) continue;
    }
    if (s != io_status::done)
      co_return transport_failure(failure_kind::connection, who + " closed the connection");
    head += c1;
    if (head.size() > 16384)
      co_return transport_failure(failure_kind::malformed, who + " sends an endless header");
    if (!head.ends_with("\r\n\r\n")) continue;
    error_code error;
    parser.emplace();
    parser->skip(true);
    parser->header_limit(16384);
    parser->put(asio::buffer(head), error);
    if ((error && error != http::error::need_more) || !parser->is_header_done())
      co_return transport_failure(failure_kind::configuration, who + " does not speak HTTP");
    status = static_cast<int>(parser->get().result_int());
    if (status < 200 && ++informational < 8) { // 1xx: the answer follows
      status = 0;
      head.clear();
    }
  }
  if (status >= 200 && status < 300) co_return std::nullopt;
  failure f = transport_failure(failure_kind::connection, who + " answers " + std::to_string(status) +
                                                              " to CONNECT " + to.server.authority());
  if (status == 407) {
    f.kind = failure_kind::configuration;
    f.message += "; put user and password into HTTPS_PROXY";
  } else if (status >= 400 && status < 500 && status != 408 && status != 429) {
    f.kind = failure_kind::configuration;
    f.message += "; it does not allow this, see HTTPS_PROXY and NO_PROXY";
  }
  f.status = status;
  co_return f;
}

/// Opens the connection. It must be watched, and has `limits.connect` for everything.
inline task<connect_result> open_connection(connection& c, address_book& book,
                                            const transport_limits& limits) {
  connect_result out;
  const origin& to = c.to();
  const url& next = to.proxy ? to.proxy->address : to.server;
  const auto began = steady::now();
  c.connecting = true;
  c.silent_at = began + limits.connect;
  const auto interrupted = [&](const char* doing) {
    if (c.interrupted() == connection::interruption::cancelled)
      return transport_failure(failure_kind::cancelled, "cancelled");
    return transport_failure(failure_kind::timeout, to.name() + ": " + doing + " took longer than " +
                                                        std::to_string(limits.connect.count()) + " ms");
  };

  error_code error;
  auto lookup = book.find(next.host, next.port, error);
  const std::vector<tcp::endpoint> addresses = co_await std::move(lookup);
  if (c.interrupted() != connection::interruption::none) {
    out.failed = interrupted("looking up the name");
    co_return out;
  }
  if (addresses.empty()) {
    out.failed =
        transport_failure(failure_kind::connection, next.host + ": the name cannot be looked up: " +
                                                        (error ? error.message() : "no addresses") +
                                                        "; check the address and this machine's network");
    co_return out;
  }
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (c.socket().is_open()) c.socket().close(error);
    // a dead address must not use up the time of the others
    const auto left =
        std::max<steady::duration>(began + limits.connect - steady::now(), std::chrono::milliseconds(1));
    c.silent_at = steady::now() + left / static_cast<std::int64_t>(addresses.size() - i);
    co_await c.socket().async_connect(addresses[i], no_throw(error));
    if (!error) break;
    if (c.interrupted() != connection::interruption::none &&
        !(c.interrupted() == connection::interruption::connect && i + 1 < addresses.size())) {
      out.failed = interrupted("connecting");
      co_return out;
    }
    c.forgive();
  }
  if (error) {
    out.failed =
        transport_failure(failure_kind::connection, to.name() + ": no connection: " + error.message());
    if (error == asio::error::connection_refused)
      out.failed->message += "; is the server running there, and is the port right?";
    if (error == asio::error::no_descriptors)
      out.failed->message += "; raise the limit on open files (ulimit -n) or lower the concurrency";
    co_return out;
  }
  c.silent_at = began + limits.connect;
  c.prepare();
  if (to.proxy) {
    auto tunnel = open_tunnel(c);
    out.failed = co_await std::move(tunnel);
    if (c.interrupted() != connection::interruption::none) out.failed = interrupted("the proxy");
    if (out.failed) co_return out;
  }
  if (to.tls) {
    c.begin_tls();
    for (;;) {
      const io_status s = c.tls()->handshake();
      if (s == io_status::done) break;
      bool go_on = s == io_status::want_read || s == io_status::want_write;
      const std::string why = go_on ? std::string() : tls_session::last_error();
      if (go_on) {
        auto waiting = ready(c, s);
        go_on = co_await std::move(waiting);
      }
      if (go_on) continue;
      if (c.interrupted() != connection::interruption::none) {
        out.failed = interrupted("the TLS handshake");
        co_return out;
      }
      if (const std::string rejection = c.tls()->rejection(); !rejection.empty()) {
        out.failed = transport_failure(
            failure_kind::configuration,
            to.server.authority() + ": its TLS certificate is not accepted: " + rejection + "; trusted are " +
                to.tls->trust() + ". Check the address, the CA file and this machine's clock");
      } else {
        out.failed = transport_failure(failure_kind::connection,
                                       to.server.authority() + ": the TLS handshake failed: " + why);
        out.tls_handshake = true;
        if (why.find("wrong version number") != std::string::npos ||
            why.find("http request") != std::string::npos ||
            why.find("packet length too long") != std::string::npos) {
          out.failed->message += "; the server does not speak TLS at this port: write http:// in its address";
        }
      }
      co_return out;
    }
  }
  c.connecting = false;
  co_return out;
}

} // namespace strata::llm::detail
