// SPDX-License-Identifier: MIT
// The awaitable way to ask any `ChatClient`, for agents written as coroutines. Needs Boost.Asio.
// g++ 12: name lambdas and aggregates before a co_await; `chat_request` is safe as a temporary.
#pragma once

#include "strata/llm/client.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <utility>

namespace strata::llm {

namespace detail {

// Keeps the handler's executor busy until the answer is there, and resumes on it.
template <class Handler> class resumption {
 public:
  resumption(Handler handler, boost::asio::any_io_executor fallback)
      : handler_(std::move(handler)),
        work_(boost::asio::get_associated_executor(handler_, std::move(fallback))) {}

  static void resume(std::shared_ptr<resumption> self, outcome answer) {
    const auto executor = self->work_.get_executor();
    boost::asio::post(executor, [self = std::move(self), answer = std::move(answer)]() mutable {
      auto handler = std::move(self->handler_);
      self.reset();
      std::move(handler)(std::move(answer));
    });
  }

 private:
  Handler handler_;
  boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>>
      work_;
};

} // namespace detail

/// Asks, and resumes the coroutine on its own executor when the outcome is there.
///
///     const outcome o = co_await ask(client, question);
template <ChatClient C> boost::asio::awaitable<outcome> ask(C& client, chat_request question) {
  const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  auto start = [&client, &question, &executor](auto handler) {
    using waiting = detail::resumption<decltype(handler)>;
    const auto self = std::make_shared<waiting>(std::move(handler), executor);
    client.submit(std::move(question), [self](outcome o) { waiting::resume(self, std::move(o)); });
  };
  const auto& token = boost::asio::use_awaitable; // named: see the rule above
  co_return co_await boost::asio::async_initiate<decltype(token), void(outcome)>(start, token);
}

} // namespace strata::llm
