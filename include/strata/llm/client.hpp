// SPDX-License-Identifier: MIT
// The concept that agents, stores and samplers are written against, and a blocking call for any model of it.
// `async.hpp` adds the same as an awaitable; `engine.hpp` has the client that talks to real servers.
#pragma once

#include "strata/llm/model.hpp"
#include "strata/llm/reply.hpp"
#include "strata/llm/request.hpp"

#include <concepts>
#include <functional>
#include <future>
#include <memory>
#include <utility>

namespace strata::llm {

/// Receives the answer to one request.
using completion = std::function<void(outcome)>;

/// Asks one model.
///
/// For `C& c`, `chat_request q`, `completion done`:
/// 1. `c.submit(q, done)`: returns soon, whatever the number of requests under way. Calls `done(outcome)`
///    exactly once, possibly before it returns, on one thread at a time. `done` must not throw, and may
///    submit.
/// 2. A request that fails is an outcome, not an exception. Retries are the client's business.
/// 3. `c.model()` -> `const model_profile&`: what the model takes and costs.
/// 4. C is copyable: a copy speaks to the same model through the same connections.
///
/// Models: `client`. Write your own to add a store, a budget or a script between an agent and a server.
template <class C>
concept ChatClient = std::copy_constructible<C> && requires(C& c, chat_request q, completion done) {
  c.submit(std::move(q), std::move(done));
  { std::as_const(c).model() } -> std::convertible_to<const model_profile&>;
};

/// Asks and waits. Not for use on the thread that runs the client: it would wait for itself.
template <ChatClient C> [[nodiscard]] outcome ask_and_wait(C& c, chat_request question) {
  const auto answer = std::make_shared<std::promise<outcome>>();
  auto ready = answer->get_future();
  c.submit(std::move(question), [answer](outcome o) { answer->set_value(std::move(o)); });
  return ready.get();
}

} // namespace strata::llm
