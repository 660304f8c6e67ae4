// SPDX-License-Identifier: MIT
// Servers on the loopback interface that play scripted raw bytes, for tests of the transport.
// Blocking sockets and a thread per connection: nothing here shares code with what is tested.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <list>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace loopback {

/// A request as it came: everything up to the blank line, and the body.
struct request {
  std::string head;
  std::string body;
};

/// The server's end of one connection.
class wire {
 public:
  wire(int fd, const std::atomic<bool>& stop) : fd_(fd), stop_(stop) {}
  wire(const wire&) = delete;
  wire& operator=(const wire&) = delete;
  virtual ~wire() { close(); }

  /// Appends what arrives next to the buffer; false at the end of the connection or of the test.
  virtual bool receive(std::string& to) {
    for (;;) {
      if (stop_ || fd_ < 0) return false;
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, 10) <= 0) continue;
      char bytes[65536];
      const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
      if (n <= 0) return false;
      to.append(bytes, static_cast<std::size_t>(n));
      return true;
    }
  }
  virtual void send(std::string_view bytes) {
    while (!bytes.empty() && fd_ >= 0) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// In pieces of `size` bytes, each a packet of its own.
  void send_in_pieces(std::string_view bytes, std::size_t size) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
      send(bytes.substr(0, size));
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  /// The next request; false if none comes any more.
  bool read(request& r) {
    std::size_t end = 0;
    while ((end = held_.find("\r\n\r\n")) == std::string::npos)
      if (!receive(held_)) return false;
    r.head = held_.substr(0, end + 4);
    held_.erase(0, end + 4);
    std::size_t length = 0;
    if (const std::size_t at = r.head.find("content-length: "); at != std::string::npos)
      length = static_cast<std::size_t>(std::atoll(r.head.c_str() + at + 16));
    while (held_.size() < length)
      if (!receive(held_)) return false;
    r.body = held_.substr(0, length);
    held_.erase(0, length);
    return true;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// Ends the connection with a reset instead of an orderly end.
  void reset() {
    const linger now{1, 0};
    if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  /// Sends nothing until the client or the test gives up.
  void stay_silent() {
    std::string ignored;
    while (receive(ignored)) {
    }
  }
  [[nodiscard]] bool stopping() const { return stop_; }
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  int fd_;
  const std::atomic<bool>& stop_;
  std::string held_;
};

/// Accepts connections on a port of its own until it is destroyed.
class server {
 public:
  using serve = std::function<void(wire&)>;
  using make = std::function<std::unique_ptr<wire>(int fd, const std::atomic<bool>& stop)>;

  explicit server(serve each, make how = {}) : each_(std::move(each)), make_(std::move(how)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 512) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no loopback socket");
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~server() {
    stop_ = true;
    acceptor_.join();
    for (std::thread& t : threads_) t.join();
    ::close(listener_);
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept() {
    while (!stop_) {
      pollfd p{listener_, POLLIN, 0};
      if (::poll(&p, 1, 10) <= 0) continue;
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) continue;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ++connections_;
      threads_.emplace_back([this, fd] {
        const auto w = make_ ? make_(fd, stop_) : std::make_unique<wire>(fd, stop_);
        if (w) each_(*w);
      });
    }
  }

  serve each_;
  make make_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_ = false;
  std::atomic<int> connections_ = 0;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

/// What arrived, over all connections.
class journal {
 public:
  std::size_t add(const request& r) {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(r);
    return requests_.size() - 1;
  }
  [[nodiscard]] std::vector<request> all() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  [[nodiscard]] std::size_t size() const { return all().size(); }

 private:
  mutable std::mutex mutex_;
  std::vector<request> requests_;
};

/// What one request gets, as raw bytes or by a function of its own. Returns whether the connection goes on.
using act = std::function<bool(wire&)>;

[[nodiscard]] inline act bytes(std::string raw) {
  return [raw = std::move(raw)](wire& w) {
    w.send(raw);
    return true;
  };
}
[[nodiscard]] inline std::string http(int status, std::string_view body, std::string_view more_headers = "",
                                      std::string_view type = "application/json") {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\ncontent-type: " + std::string(type) +
         "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" + std::string(more_headers) + "\r\n" +
         std::string(body);
}
[[nodiscard]] inline act answer(int status, std::string_view body, std::string_view more_headers = "",
                                std::string_view type = "application/json") {
  return bytes(http(status, body, more_headers, type));
}

/// Plays one act per request, in the order of arrival; the last one again and again.
class script {
 public:
  explicit script(std::vector<act> acts, server::make how = {})
      : acts_(std::move(acts)), server_([this](wire& w) { play(w); }, std::move(how)) {}

  [[nodiscard]] std::vector<request> requests() const { return journal_.all(); }
  [[nodiscard]] std::size_t count() const { return journal_.size(); }
  [[nodiscard]] int connections() const { return server_.connections(); }
  [[nodiscard]] std::string authority() const { return server_.authority(); }
  [[nodiscard]] int port() const { return server_.port(); }

 private:
  void play(wire& w) {
    request r;
    while (w.read(r)) {
      const std::size_t i = journal_.add(r);
      if (!acts_[std::min(i, acts_.size() - 1)](w)) return;
    }
  }
  std::vector<act> acts_;
  journal journal_;
  server server_; // last: its threads use the others
};

} // namespace loopback
