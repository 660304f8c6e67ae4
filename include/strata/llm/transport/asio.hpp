// SPDX-License-Identifier: MIT
// The types of Boost.Asio that the transport is made of, bound to the executor of one io_context, which is
// cheaper than the type-erased one. Only the implementation of the engine includes this.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/wait_traits.hpp>

#include <chrono>

namespace strata::llm::detail {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;
using steady = std::chrono::steady_clock;

using io_executor = asio::io_context::executor_type;
template <class T> using task = asio::awaitable<T, io_executor>;
using tcp_socket = asio::basic_stream_socket<tcp, io_executor>;
using tcp_resolver = asio::ip::basic_resolver<tcp, io_executor>;
using timer = asio::basic_waitable_timer<steady, asio::wait_traits<steady>, io_executor>;

/// The completion token of this executor; errors go to `error` instead of being thrown.
inline auto no_throw(error_code& error) {
  return asio::redirect_error(asio::use_awaitable_t<io_executor>(), error);
}

} // namespace strata::llm::detail
