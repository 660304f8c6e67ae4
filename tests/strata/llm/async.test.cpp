// SPDX-License-Identifier: MIT
// Asking from coroutines: any client, on any executor.
#include "strata/llm/async.hpp"
#include "strata/llm/fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace llm_test;
using loopback::script;
using strata::llm::ask;
using strata::llm::outcome;

namespace {

/// Answers at once, on the thread that asks, or later, on another one.
class immediate {
 public:
  explicit immediate(bool later = false) : later_(later) {}
  void submit(llm::chat_request q, llm::completion done) const {
    llm::reply r;
    r.choices.push_back({.text = q.messages.messages().back().text});
    if (!later_) return done(std::move(r));
    std::thread([done = std::move(done), r = std::move(r)]() mutable {
      std::this_thread::sleep_for(2ms);
      done(std::move(r));
    }).detach();
  }
  [[nodiscard]] const llm::model_profile& model() const { return model_; }

 private:
  bool later_;
  llm::model_profile model_;
};
static_assert(llm::ChatClient<immediate>);
static_assert(llm::ChatClient<llm::client>);

/// Propose, criticise, propose again: the shape of an agent.
template <llm::ChatClient C> boost::asio::awaitable<std::string> agent(C client, std::string task) {
  std::string history;
  for (int round = 0; round < 3; ++round) {
    const outcome o = co_await ask(client, question(task + std::to_string(round)));
    if (!o.ok()) co_return "failed: " + o.failure().message;
    history += o.reply().choices.at(0).text + ";";
  }
  co_return history;
}

} // namespace

TEST_CASE("async: coroutines ask any client") {
  for (const bool later : {false, true}) {
    boost::asio::io_context io;
    std::vector<std::future<std::string>> answers;
    for (int i = 0; i < 50; ++i)
      answers.push_back(boost::asio::co_spawn(io, agent(immediate(later), "task " + std::to_string(i) + "."),
                                              boost::asio::use_future));
    io.run(); // waits for answers from other threads
    for (int i = 0; i < 50; ++i) {
      const std::string t = "task " + std::to_string(i) + ".";
      CHECK(answers[static_cast<std::size_t>(i)].get() == t + "0;" + t + "1;" + t + "2;");
    }
  }
}

TEST_CASE("async: agents against a server, with the engine on its own thread") {
  script s({good("a"), good("b")});
  llm::engine e(quick());
  e.start();
  llm::client c = e.open(openai_at(s.authority()));
  boost::asio::io_context io;
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < 20; ++i)
    answers.push_back(boost::asio::co_spawn(io, agent(c, "t"), boost::asio::use_future));
  io.run();
  for (auto& a : answers) CHECK(a.get().size() == 6);
  CHECK(s.count() == 60);
}

TEST_CASE("async: an engine that ends resumes its coroutines") {
  loopback::server s([](loopback::wire& w) { w.stay_silent(); });
  boost::asio::io_context io;
  std::future<std::string> answer;
  {
    llm::engine e(quick());
    llm::client c = e.open(openai_at(s.authority()));
    answer = boost::asio::co_spawn(io, agent(c, "t"), boost::asio::use_future);
    io.poll();
    e.run_for(10ms);
  }
  io.run();
  CHECK(answer.get() == "failed: the engine has ended");
}
