// SPDX-License-Identifier: MIT
// One connection to the scripted server: reads requests, plays scripts. Callbacks, no coroutines.
// The stream is a TCP socket or TLS on one.
#pragma once

#include "strata/llm/mock/service.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>

namespace strata::llm::mock::detail {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

class any_session {
 public:
  any_session() = default;
  any_session(const any_session&) = delete;
  any_session& operator=(const any_session&) = delete;
  virtual ~any_session() = default;
  /// Closes when `now` is past its deadline.
  virtual void expire(steady_time now) = 0;
  /// Closes if no request is being served, else after it.
  virtual void finish() = 0;
  virtual void abort() = 0;
};

/// What the sessions of one server share; used on its thread, `service` under the mutex.
struct house {
  explicit house(settings how, answerer source) : answers(std::move(how), std::move(source)) {}
  std::mutex mutex;
  service answers;
  std::unordered_set<any_session*> sessions;
  std::size_t bodies = 0;               ///< bytes that requests being read may come to
  std::uint64_t broken_connections = 0; ///< so many of the next ones break at once
  bool closing = false;
  std::function<void()> on_leave;
};

inline std::string_view view(boost::beast::string_view s) noexcept { return {s.data(), s.size()}; }

template <class Stream>
class session final : public any_session, public std::enable_shared_from_this<session<Stream>> {
  static constexpr bool encrypted = !std::is_same_v<Stream, tcp::socket>;

 public:
  session(Stream stream, house& in) : stream_(std::move(stream)), timer_(stream_.get_executor()), house_(in) {
    house_.sessions.insert(this);
    const std::scoped_lock lock(house_.mutex);
    ledger& l = house_.answers.counts();
    ++l.connections;
    l.most_connections = std::max(l.most_connections, ++l.open_connections);
  }
  ~session() override {
    give_back();
    house_.sessions.erase(this);
    {
      const std::scoped_lock lock(house_.mutex);
      --house_.answers.counts().open_connections;
    }
    if (house_.on_leave) house_.on_leave();
  }

  void start() {
    error_code ignored;
    socket().set_option(tcp::no_delay(true), ignored);
    deadline_ = clock::now() + how().request_within;
    if constexpr (encrypted) {
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](error_code e) {
                                if (!e) self->next_request();
                              });
    } else {
      next_request();
    }
  }

  void expire(steady_time now) override {
    if (now >= deadline_) abort();
  }
  void finish() override {
    if (serving_)
      last_ = true;
    else
      abort();
  }
  void abort() override {
    error_code ignored;
    timer_.cancel();
    socket().close(ignored);
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t head_limit = 16384;

  [[nodiscard]] const settings& how() const noexcept { return house_.answers.how(); }
  tcp::socket& socket() noexcept {
    if constexpr (encrypted)
      return stream_.next_layer();
    else
      return stream_;
  }

  void next_request() {
    serving_ = false;
    if (last_ || house_.closing) return abort();
    parser_.emplace();
    parser_->header_limit(head_limit);
    parser_->body_limit(how().most_body);
    deadline_ = clock::now() + how().idle_for;
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](error_code e, std::size_t) { self->head_read(e); });
  }

  void head_read(error_code e) {
    if (e == http::error::header_limit || e == http::error::buffer_overflow)
      return turn_away(431, "too_large");
    if (e == http::error::body_limit) return turn_away(413, "too_large");
    if (e && e.category() == http::make_error_code(http::error::bad_method).category() &&
        e != http::error::end_of_stream && e != http::error::partial_message)
      return turn_away(400, "bad_request");
    if (e) return close();
    serving_ = true;
    deadline_ = clock::now() + how().request_within;
    const auto length = parser_->content_length();
    promised_ = length ? static_cast<std::size_t>(std::min<std::uint64_t>(*length, how().most_body))
                : parser_->chunked() ? how().most_body
                                     : 0;
    if (house_.bodies + promised_ > how().most_bodies && house_.bodies > 0) {
      promised_ = 0;
      return turn_away(503, "overloaded");
    }
    house_.bodies += promised_;
    if (boost::beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
      static constexpr std::string_view go_ahead = "HTTP/1.1 100 Continue\r\n\r\n";
      asio::async_write(stream_, asio::buffer(go_ahead),
                        [self = this->shared_from_this()](error_code failed, std::size_t) {
                          if (!failed) self->read_body();
                        });
      return;
    }
    if (parser_->is_done()) return serve();
    read_body();
  }

  void read_body() {
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](error_code e, std::size_t) {
                       if (e == http::error::body_limit) return self->turn_away(413, "too_large");
                       if (e) return self->close();
                       self->serve();
                     });
  }

  void give_back() noexcept {
    house_.bodies -= promised_;
    promised_ = 0;
  }

  void turn_away(int status, const char* counted_as) {
    give_back();
    const std::string target(view(parser_->get().target()));
    {
      const std::scoped_lock lock(house_.mutex);
      script_ = house_.answers.turn_away(status, counted_as, target);
    }
    play();
  }

  void serve() {
    const auto& request = parser_->get();
    incoming in;
    const std::string method(view(request.method_string()));
    in.method = method;
    in.target = view(request.target());
    in.authorization = view(request[http::field::authorization]);
    in.x_api_key = view(request["x-api-key"]);
    in.anthropic_version = view(request["anthropic-version"]);
    in.body = request.body();
    if (!request.keep_alive()) last_ = true;
    {
      const std::scoped_lock lock(house_.mutex);
      script_ = house_.answers.handle(in, {clock::now(), std::chrono::system_clock::now()});
    }
    if (script_.break_next_connection) ++house_.broken_connections;
    if (last_ && script_.end == ending::keep) script_.end = ending::close;
    parser_.reset(); // its memory is not needed while the script is played
    buffer_.shrink_to_fit();
    give_back();
    play();
  }

  void play() {
    serving_ = true;
    piece_ = said_ = 0;
    checked_ = false;
    go_on();
  }

  /// Says everything up to the next pause.
  void go_on() {
    const auto now = clock::now();
    deadline_ = now + how().request_within;
    if (piece_ == script_.pieces.size()) return played();
    if (const double pause = script_.pieces[piece_].delay_ms; pause > 0 && !waited_) {
      const auto wait = std::chrono::microseconds(static_cast<std::int64_t>(std::min(pause, 3.6e6) * 1000));
      deadline_ += wait;
      timer_.expires_at(now + wait);
      timer_.async_wait([self = this->shared_from_this()](error_code e) {
        self->waited_ = true;
        if (e) return self->over(false);
        self->go_on();
      });
      return;
    }
    waited_ = false;
    std::size_t size = 0;
    do size += script_.pieces[piece_++].size;
    while (piece_ < script_.pieces.size() && script_.pieces[piece_].delay_ms <= 0);
    if (size == 0) return go_on();
    if (!checked_ && script_.counts && gone()) return over(false);
    checked_ = true;
    asio::async_write(stream_, asio::buffer(script_.bytes.data() + said_, size),
                      [self = this->shared_from_this()](error_code e, std::size_t n) {
                        self->said_ += n;
                        if (e) return self->over(false);
                        self->go_on();
                      });
  }

  /// Whether the client has closed its end while it waited.
  bool gone() {
    char byte = 0;
    const auto n = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  }

  void settle(bool arrived) {
    if (!script_.counts) return;
    const std::scoped_lock lock(house_.mutex);
    house_.answers.settle(*script_.counts, arrived);
    script_.counts.reset();
  }

  /// The client is gone or must go.
  void over(bool arrived) {
    settle(arrived);
    abort();
  }

  void played() {
    settle(true);
    script_.bytes = {};
    script_.pieces = {};
    switch (script_.end) {
    case ending::keep:
      return next_request();
    case ending::close:
    case ending::idle_close:
      return close();
    case ending::reset:
      return reset();
    case ending::hold:
      timer_.expires_after(how().silence_for);
      deadline_ = clock::now() + how().silence_for + std::chrono::seconds(60);
      timer_.async_wait([self = this->shared_from_this()](error_code) { self->reset(); });
      return;
    }
  }

  void reset() {
    error_code ignored;
    if (socket().is_open()) socket().set_option(asio::socket_base::linger(true, 0), ignored);
    socket().close(ignored);
  }

  /// Says goodbye, then waits shortly for the client to do the same, so that it gets what is on its way.
  void close() {
    error_code ignored;
    if (!socket().is_open()) return;
    deadline_ = clock::now() + std::chrono::seconds(2);
    buffer_.clear();
    if constexpr (encrypted) {
      stream_.async_shutdown([self = this->shared_from_this()](error_code) { self->abort(); });
    } else {
      socket().shutdown(tcp::socket::shutdown_send, ignored);
      drain();
    }
  }
  void drain() {
    socket().async_read_some(asio::buffer(buffer_.prepare(4096)),
                             [self = this->shared_from_this()](error_code e, std::size_t) {
                               if (e) return self->abort();
                               self->drain();
                             });
  }

  Stream stream_;
  asio::steady_timer timer_;
  house& house_;
  boost::beast::flat_buffer buffer_{head_limit + 4096};
  std::optional<http::request_parser<http::string_body>> parser_;
  script script_;
  std::size_t piece_ = 0, said_ = 0, promised_ = 0;
  steady_time deadline_{};
  bool serving_ = false, last_ = false, waited_ = false, checked_ = false;
};

} // namespace strata::llm::mock::detail
