// SPDX-License-Identifier: MIT
// The scripted server on a socket: for tests in the same process, and for `strata mock-llm`.
// One thread serves all connections.
#pragma once

#include "strata/llm/mock/session.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace strata::llm::mock {

/// A server that listens from its construction on. `start` and `stop`, or `run` on a thread of your own.
/// Connections are accepted from then on.
class server {
 public:
  /// Throws std::runtime_error in one line if it cannot listen, or the certificate or the log cannot be used.
  server(settings how, answerer answers)
      : house_(std::move(how), std::move(answers)), io_(1), acceptor_(io_), sweeper_(io_), patience_(io_) {
    listen();
    if (!settings_().tls_certificate.empty() || !settings_().tls_key.empty()) prepare_tls();
    house_.on_leave = [this] {
      if (paused_ && !house_.closing) {
        paused_ = false;
        accept();
      }
    };
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server() {
    stop();
    house_.on_leave = nullptr;
    close_all();
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// "http://127.0.0.1:PORT".
  [[nodiscard]] std::string url() const {
    return (tls_ ? "https://" : "http://") +
           (address_.find(':') == std::string::npos ? address_ : "[" + address_ + "]") + ":" +
           std::to_string(port_);
  }

  /// Serves until `stop`, on this thread.
  void run() {
    asio_begin();
    io_.run();
  }
  /// Serves on a thread of its own.
  void start() {
    thread_ = std::thread([this] { run(); });
  }
  /// Accepts no more, lets replies in progress end within `settings::grace`, and ends. From any thread; waits
  /// only for the thread of `start`.
  void stop() {
    boost::asio::post(io_, [this] { finish(); });
    if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
  }
  /// A copy of the count. From any thread.
  [[nodiscard]] ledger stats() {
    const std::scoped_lock lock(house_.mutex);
    return house_.answers.counts();
  }
  /// Why lines are missing in the log; empty if none are. From any thread.
  [[nodiscard]] std::string log_problem() {
    const std::scoped_lock lock(house_.mutex);
    return house_.answers.log_problem();
  }

 private:
  using tcp = boost::asio::ip::tcp;
  using error_code = boost::system::error_code;

  [[nodiscard]] const settings& settings_() const noexcept { return house_.answers.how(); }

  void listen() {
    const settings& how = settings_();
    error_code e;
    const auto address = boost::asio::ip::make_address(how.address, e);
    const auto check = [&](const char* what) {
      if (e)
        throw std::runtime_error("cannot " + std::string(what) + " " + how.address + ":" +
                                 std::to_string(how.port) + ": " + e.message());
    };
    check("understand the address");
    const tcp::endpoint at(address, how.port);
    acceptor_.open(at.protocol(), e);
    check("open a socket for");
    acceptor_.set_option(boost::asio::socket_base::reuse_address(true), e);
    acceptor_.bind(at, e);
    check("listen on");
    acceptor_.listen(4096, e);
    check("listen on");
    port_ = acceptor_.local_endpoint().port();
    address_ = address.to_string();
  }

  void prepare_tls() {
    namespace ssl = boost::asio::ssl;
    const settings& how = settings_();
    error_code e;
    tls_ = std::make_unique<ssl::context>(ssl::context::tls_server);
    tls_->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    tls_->use_certificate_chain_file(how.tls_certificate, e);
    if (e) throw std::runtime_error(how.tls_certificate + ": is no certificate in PEM: " + e.message());
    tls_->use_private_key_file(how.tls_key, ssl::context::pem, e);
    if (e)
      throw std::runtime_error(how.tls_key + ": is not the private key of the certificate: " + e.message());
  }

  void asio_begin() {
    accept();
    sweep();
  }

  void accept() {
    if (house_.closing || !acceptor_.is_open()) return;
    if (house_.sessions.size() >= settings_().most_connections) {
      paused_ = true;
      return;
    }
    acceptor_.async_accept([this](error_code e, tcp::socket socket) {
      if (e == boost::asio::error::operation_aborted || house_.closing) return;
      if (e) { // no descriptors left: some will be free again
        patience_.expires_after(std::chrono::milliseconds(20));
        patience_.async_wait([this](error_code stopped) {
          if (!stopped) accept();
        });
        return;
      }
      open(std::move(socket));
      accept();
    });
  }

  void open(tcp::socket socket) {
    if (house_.broken_connections > 0) {
      --house_.broken_connections;
      error_code ignored;
      if (tls_) {
        static constexpr char no_tls[] = "HTTP/1.0 400 Bad Request\r\n\r\n";
        socket.non_blocking(true, ignored);
        socket.write_some(boost::asio::buffer(no_tls, sizeof no_tls - 1), ignored);
      } else {
        socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);
      }
      return;
    }
    if (tls_)
      std::make_shared<detail::session<boost::asio::ssl::stream<tcp::socket>>>(
          boost::asio::ssl::stream<tcp::socket>(std::move(socket), *tls_), house_)
          ->start();
    else
      std::make_shared<detail::session<tcp::socket>>(std::move(socket), house_)->start();
  }

  /// Looks at deadlines twice a second, instead of a timer per connection.
  void sweep() {
    sweeper_.expires_after(std::chrono::milliseconds(500));
    sweeper_.async_wait([this](error_code e) {
      if (e) return;
      const auto now = std::chrono::steady_clock::now();
      for (detail::any_session* s : everybody()) s->expire(now);
      if (house_.closing && (house_.sessions.empty() || now >= end_)) {
        close_all();
        return;
      }
      sweep();
    });
  }

  // `expire` and the like only cancel operations: nobody leaves during the loop.
  [[nodiscard]] std::vector<detail::any_session*> everybody() const {
    return {house_.sessions.begin(), house_.sessions.end()};
  }

  void finish() {
    if (house_.closing) return;
    house_.closing = true;
    end_ = std::chrono::steady_clock::now() + settings_().grace;
    error_code ignored;
    acceptor_.close(ignored);
    patience_.cancel();
    for (detail::any_session* s : everybody()) s->finish();
    sweeper_.cancel();
    boost::asio::post(io_, [this] { wait_for_last(); });
  }
  void wait_for_last() {
    const auto now = std::chrono::steady_clock::now();
    if (house_.sessions.empty()) return;
    if (now >= end_) return close_all();
    sweeper_.expires_after(std::chrono::milliseconds(10));
    sweeper_.async_wait([this](error_code) { wait_for_last(); });
  }
  void close_all() {
    for (detail::any_session* s : everybody()) s->abort();
  }

  detail::house house_;
  boost::asio::io_context io_; // destroyed before the house: its handlers hold sessions
  std::unique_ptr<boost::asio::ssl::context> tls_;
  tcp::acceptor acceptor_;
  boost::asio::steady_timer sweeper_, patience_;
  std::thread thread_;
  std::string address_;
  std::uint16_t port_ = 0;
  bool paused_ = false;
  steady_time end_{};
};

} // namespace strata::llm::mock
