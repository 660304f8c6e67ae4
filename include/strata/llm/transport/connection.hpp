// SPDX-License-Identifier: MIT
// One connection to a server, plain or TLS, direct or through a proxy, and the watch over its deadlines.
// It has no buffers: while it waits it costs a descriptor, and OpenSSL's session if there is one.
#pragma once

#include "strata/llm/failure.hpp"
#include "strata/llm/limits.hpp"
#include "strata/llm/transport/asio.hpp"
#include "strata/llm/transport/proxy.hpp"
#include "strata/llm/transport/tls.hpp"
#include "strata/llm/transport/url.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata::llm::detail {

/// A server and the way to it; connections to equal origins are interchangeable.
struct origin {
  url server{};
  std::optional<proxy_server> proxy{};
  std::shared_ptr<const tls_context> tls{}; ///< null for plain http

  [[nodiscard]] std::string name() const {
    return server.authority() + (proxy ? " through the proxy " + proxy->address.authority() : "");
  }
};

class connection {
 public:
  /// Why it was closed from outside.
  enum class interruption : std::uint8_t { none, connect, silence, total, cancelled };

  connection(io_executor executor, std::shared_ptr<const origin> to)
      : to_(std::move(to)), socket_(executor) {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  [[nodiscard]] const origin& to() const noexcept { return *to_; }
  [[nodiscard]] tcp_socket& socket() noexcept { return socket_; }
  [[nodiscard]] interruption interrupted() const noexcept { return interrupted_; }

  /// Ends whatever it waits for.
  void interrupt(interruption why) {
    if (interrupted_ == interruption::none) interrupted_ = why;
    error_code ignored;
    socket_.close(ignored);
    fd_ = -1; // the number may soon be somebody else's
  }

  /// A connection that took too long is tried again with the next address.
  void forgive() noexcept {
    if (interrupted_ == interruption::connect) interrupted_ = interruption::none;
  }

  /// Descriptor options for a connected socket.
  void prepare() {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.native_non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
    const int fd = socket_.native_handle();
    const auto set = [&](int level, int option, int value) {
      ::setsockopt(fd, level, option, &value, sizeof value);
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1); // a model may think for minutes without a byte
    set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 60);
    set(IPPROTO_TCP, TCP_KEEPCNT, 5);
    fd_ = fd;
  }
  void begin_tls() { tls_.emplace(*to_->tls, fd_, to_->server.host); }
  [[nodiscard]] std::optional<tls_session>& tls() noexcept { return tls_; }

  /// Reads what there is. `done` with at least one byte, or why not.
  io_status read(char* to, std::size_t size, std::size_t& got) {
    got = 0;
    if (!socket_.is_open()) return io_status::error;
    if (tls_) return tls_->read(to, size, got);
    const auto n = ::recv(socket_.native_handle(), to, size, 0);
    if (n > 0) {
      got = static_cast<std::size_t>(n);
      return io_status::done;
    }
    if (n == 0) return io_status::end;
    return errno == EAGAIN || errno == EINTR ? io_status::want_read : io_status::error;
  }
  io_status write(const char* from, std::size_t size, std::size_t& put) {
    put = 0;
    if (!socket_.is_open()) return io_status::error;
    if (tls_) return tls_->write(from, size, put);
    const auto n = ::send(socket_.native_handle(), from, size, MSG_NOSIGNAL);
    if (n >= 0) {
      put = static_cast<std::size_t>(n);
      return io_status::done;
    }
    return errno == EAGAIN || errno == EINTR ? io_status::want_write : io_status::error;
  }
  /// Nothing has arrived since the last reply, and the server has not closed it.
  [[nodiscard]] bool still_good() {
    if (!socket_.is_open()) return false;
    if (tls_) return tls_->quiet();
    char c = 0;
    const auto n = ::recv(socket_.native_handle(), &c, 1, MSG_PEEK);
    return n < 0 && errno == EAGAIN;
  }

  bool reused = false;
  steady::time_point idle_since{};
  // deadlines, looked at by `deadline_watch`
  steady::time_point silent_at = steady::time_point::max();
  steady::time_point total_at = steady::time_point::max();
  bool connecting = true;
  std::size_t watch_slot = 0;

 private:
  std::shared_ptr<const origin> to_;
  tcp_socket socket_;
  int fd_ = -1; // what OpenSSL refers to
  std::optional<tls_session> tls_;
  interruption interrupted_ = interruption::none;
};

/// Looks at the deadlines of all active connections at intervals: with thousands of them that is far cheaper
/// than a timer for each.
class deadline_watch {
 public:
  deadline_watch(io_executor executor, std::chrono::milliseconds interval)
      : timer_(executor), interval_(interval) {}

  void add(connection& c) {
    c.watch_slot = active_.size();
    active_.push_back(&c);
    if (!armed_) arm();
  }
  void remove(connection& c) {
    active_.back()->watch_slot = c.watch_slot;
    active_[c.watch_slot] = active_.back();
    active_.pop_back();
    if (active_.empty() && armed_) timer_.cancel(); // so that run() can return
  }
  [[nodiscard]] const std::vector<connection*>& active() const noexcept { return active_; }

 private:
  void arm() {
    armed_ = true;
    timer_.expires_after(interval_);
    timer_.async_wait([this](error_code) {
      armed_ = false;
      const auto now = steady::now();
      for (std::size_t i = 0; i < active_.size(); ++i) {
        connection& c = *active_[i];
        if (now >= c.silent_at)
          c.interrupt(c.connecting ? connection::interruption::connect : connection::interruption::silence);
        else if (now >= c.total_at)
          c.interrupt(connection::interruption::total);
      }
      if (!active_.empty()) arm();
    });
  }

  timer timer_;
  std::chrono::milliseconds interval_;
  std::vector<connection*> active_;
  bool armed_ = false;
};

} // namespace strata::llm::detail
