// SPDX-License-Identifier: MIT
// One HTTP exchange on an open connection: writes the request, reads the response within its limits, and
// undoes its framing and encoding. Streams are handed on while they arrive.
#pragma once

#include "strata/llm/http.hpp"
#include "strata/llm/transport/connect.hpp"
#include "strata/llm/transport/inflate.hpp"

#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::llm::detail {

/// How an exchange ended.
struct exchange_result {
  std::optional<failure> failed{}; ///< nothing: `response` is whole
  http_response response{};
  bool any_byte = false;     ///< of the response
  bool keep = false;         ///< the connection may be used again
  bool streamed = false;     ///< the body went to the reader of the stream
  bool stream_ended = false; ///< which has seen all it needs
};

/// What becomes of a streamed body if no more of it comes.
enum class stream_need : std::uint8_t {
  more,    ///< it is broken
  little,  ///< it is good; more may come, so it is waited for as usual
  closing, ///< it is good, and only what ends it is missing: that comes at once or never
  nothing, ///< it is good or broken, and nothing changes that
};

/// Consumes the body of a streamed response.
using stream_consumer = std::function<stream_need(std::string_view)>;

/// How long the end of a stream is waited for: what belongs to the reply, and the end of the framing, which
/// only lets the connection be kept.
inline constexpr std::chrono::milliseconds closing_time{5000}, framing_time{200};

/// Space to read into, shared by all connections of the thread: nobody keeps it across a wait.
struct read_space {
  explicit read_space(std::size_t header_bytes) : bytes(2 * header_bytes + 65536) {}
  std::vector<char> bytes;
};

class exchange {
 public:
  exchange(connection& c, read_space& space, const transport_limits& limits)
      : c_(c), space_(space), limits_(limits) {}

  /// `wire` is released once it is written. `stream` gets the body of a 200 that is an event stream, also if
  /// none was asked for (`streamed`), but not a compressed one.
  task<void> run(std::string& wire, bool streamed, const stream_consumer& stream, exchange_result& out) {
    const auto began = steady::now();
    c_.total_at = began + limits_.total;
    const auto silence = streamed ? limits_.silent_stream : limits_.silent;
    c_.silent_at = began + silence;
    auto writing = write_all(c_, wire);
    const bool written = co_await std::move(writing);
    std::string().swap(wire);
    // a server may refuse and close before it has read everything: what it says counts then

    namespace http = boost::beast::http;
    std::optional<http::response_parser<http::string_body>> parser;
    std::string held; // received but not parsed yet
    std::size_t streamed_to = 0;
    bool hand_on = false;
    bool read_first = !written; // after a write a reply is not there yet
    int informational = 0;
    stream_need need = stream_need::more;
    auto over_at = steady::time_point::max(); // the stream counts as ended then, whatever still comes
    const auto good_enough = [&] {            // without the rest
      if (need == stream_need::nothing || steady::now() >= over_at) return true;
      return need >= stream_need::little && c_.interrupted() != connection::interruption::cancelled;
    };
    for (;;) {
      if (steady::now() >= over_at) {
        out.stream_ended = true;
        finish(*parser, out);
        co_return;
      }
      std::size_t got = 0;
      io_status s = io_status::want_read;
      std::memcpy(space_.bytes.data(), held.data(), held.size());
      if (read_first || (c_.tls() && c_.tls()->pending()))
        s = c_.read(space_.bytes.data() + held.size(), space_.bytes.size() - held.size(), got);
      read_first = true;
      if (s == io_status::want_read || s == io_status::want_write) {
        auto waiting = ready(c_, s);
        if (co_await std::move(waiting)) continue;
        s = io_status::error;
      }
      error_code error;
      if (s == io_status::done) {
        out.any_byte = true;
        c_.silent_at = std::min(steady::now() + silence, over_at);
        if (!parser) start(parser);
        const std::size_t all = held.size() + got;
        if (!parser->is_header_done() && first_.size() < most_first)
          first_.append(space_.bytes.data() + held.size(), std::min(got, most_first - first_.size()));
        std::size_t used = 0;
        while (used < all && !parser->is_done()) {
          const std::size_t n = parser->put(asio::buffer(space_.bytes.data() + used, all - used), error);
          used += n;
          if (error == http::error::need_more) {
            error = {};
            break;
          }
          if (error) break;
          if (parser->is_done() && parser->get().result_int() < 200 && ++informational < 8)
            start(parser); // 1xx
          else if (n == 0)
            break;
        }
        held.assign(space_.bytes.data() + used, all - used);
        if (error) {
          if (good_enough())
            finish(*parser, out);
          else
            fail_parse(error, parser->is_header_done(), out);
          co_return;
        }
        if (!hand_on && parser->is_header_done()) hand_on = is_event_stream(*parser);
        out.streamed = hand_on;
        if (hand_on && !out.stream_ended) {
          const std::string& body = parser->get().body();
          need = stream(std::string_view(body).substr(streamed_to));
          streamed_to = body.size();
          out.stream_ended = need == stream_need::nothing;
          if (need < stream_need::closing)
            over_at = steady::time_point::max();
          else if (out.stream_ended)
            over_at = steady::now() + framing_time;
          else if (over_at == steady::time_point::max())
            over_at = steady::now() + std::min(closing_time, silence);
          c_.silent_at = std::min(c_.silent_at, over_at);
        }
        if (parser->is_done()) {
          out.keep = parser->keep_alive() && held.empty();
          break;
        }
        if (got < 2048) read_first = false; // most likely that was all there is: do not ask in vain
        if (held.size() > limits_.header_bytes) {
          out.failed =
              transport_failure(failure_kind::malformed, c_.to().name() + ": a header line is too long");
          co_return;
        }
        continue;
      }
      if (good_enough()) {
        finish(*parser, out);
        co_return;
      }
      if (s == io_status::end && parser && parser->got_some()) {
        parser->put_eof(error);
        if (!error && parser->is_done()) break; // a body that ends with the connection
      }
      fail_io(s, parser && parser->got_some(), written, out);
      if (out.failed->kind == failure_kind::connection && parser && !parser->is_header_done())
        not_http(*out.failed);
      co_return;
    }
    finish(*parser, out);
  }

 private:
  template <class Parser> void start(std::optional<Parser>& parser) const {
    parser.emplace();
    parser->eager(true);
    parser->header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser->body_limit(limits_.reply_bytes);
  }
  template <class Parser> static bool is_event_stream(Parser& parser) {
    namespace http = boost::beast::http;
    const auto type = parser.get()[http::field::content_type];
    return parser.get().result_int() == 200 && parser.get()[http::field::content_encoding].empty() &&
           media_type_of(std::string_view(type.data(), type.size())) == "text/event-stream";
  }
  void fail_parse(const error_code& error, bool is_http, exchange_result& out) const {
    namespace http = boost::beast::http;
    const bool large = error == http::error::body_limit;
    out.failed = transport_failure(large ? failure_kind::too_large : failure_kind::malformed,
                                   c_.to().name() + (large ? ": the reply is longer than allowed"
                                                           : ": the response is broken: " + error.message()));
    out.failed->may_be_billed = true;
    if (!is_http) not_http(*out.failed);
  }
  /// What answers is something else: says what.
  void not_http(failure& f) const {
    if (first_.empty() || first_.starts_with("HTTP/1.")) return;
    if (first_.size() > 2 && first_[0] == 0x15 && first_[1] == 0x03) { // an alert of TLS
      f.message = c_.to().name() + ": the server speaks TLS at this port: write https:// in its address";
      return;
    }
    f.body = first_;
    f.message = c_.to().name() + ": what answers there does not speak HTTP";
  }
  void fail_io(io_status s, bool began, bool written, exchange_result& out) const {
    failure f;
    const std::string who = c_.to().name() + ": ";
    switch (c_.interrupted()) {
    case connection::interruption::cancelled:
      f = transport_failure(failure_kind::cancelled, "cancelled");
      break;
    case connection::interruption::connect:
    case connection::interruption::silence:
      f = transport_failure(failure_kind::timeout, who + "the server has fallen silent");
      break;
    case connection::interruption::total:
      f = transport_failure(failure_kind::timeout, who + "no complete reply after " +
                                                       std::to_string(limits_.total.count() / 1000) + " s");
      break;
    case connection::interruption::none:
      f = transport_failure(failure_kind::connection,
                            who + (began                 ? "the connection ended in the middle of a reply"
                                   : !written            ? "the connection ended while the request was sent"
                                   : s == io_status::end ? "the connection was closed without a reply"
                                                         : "the connection was reset"));
    }
    f.may_be_billed = written;
    out.failed = std::move(f);
  }
  template <class Parser> void finish(Parser& parser, exchange_result& out) const {
    auto message = parser.release();
    out.response.status = static_cast<int>(message.result_int());
    std::string encoding;
    for (const auto& field : message) {
      http_header h;
      h.name.assign(field.name_string().data(), field.name_string().size());
      h.value.assign(field.value().data(), field.value().size());
      if (field.name() == boost::beast::http::field::content_encoding) encoding = h.value;
      out.response.headers.push_back(std::move(h));
    }
    out.response.body = std::move(message.body());
    const std::string said = encoding;
    for (char& c : encoding)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (encoding.empty() || encoding == "identity" || out.response.body.empty()) return;
    auto plain = decoded_body(out.response.body, encoding, limits_.reply_bytes);
    if (plain) {
      out.response.body = std::move(*plain);
      return;
    }
    out.failed = transport_failure(failure_kind::malformed,
                                   c_.to().name() + ": the body is not what its Content-Encoding says (" +
                                       said.substr(0, 200) + "), or too long");
    out.failed->status = out.response.status;
    out.failed->may_be_billed = true;
  }

  static constexpr std::size_t most_first = 1024;

  connection& c_;
  read_space& space_;
  const transport_limits& limits_;
  std::string first_; // bytes of the response, in case it is none
};

} // namespace strata::llm::detail
