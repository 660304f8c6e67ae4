// SPDX-License-Identifier: MIT
// The engine as its users see it: many requests at once, hooks for budgets and stores, cancelling, ending in
// order, and keys that never come out.
#include "strata/llm/engine.hpp"
#include "strata/llm/fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace llm_test;
using loopback::http;
using loopback::script;
using strata::llm::failure_kind;
using strata::llm::outcome;

namespace {

/// A server that answers after a while, and counts how many requests it has at a time.
class busy_server {
 public:
  explicit busy_server(std::chrono::milliseconds think, int refuse_above = 1 << 30)
      : server_([this, think, refuse_above](loopback::wire& w) {
          loopback::request r;
          while (w.read(r)) {
            const int now = ++current_;
            int seen = peak_;
            while (now > seen && !peak_.compare_exchange_weak(seen, now)) {
            }
            std::this_thread::sleep_for(think);
            --current_;
            if (now > refuse_above) {
              ++refused_;
              w.send(http(429, R"({"error":{"message":"slow down","code":"rate_limit_exceeded"}})"));
            } else {
              ++served_;
              w.send(http(200, openai_body()));
            }
          }
        }) {}
  [[nodiscard]] std::string authority() const { return server_.authority(); }
  [[nodiscard]] int peak() const { return peak_; }
  [[nodiscard]] int served() const { return served_; }
  [[nodiscard]] int refused() const { return refused_; }
  [[nodiscard]] int connections() const { return server_.connections(); }

 private:
  std::atomic<int> current_ = 0, peak_ = 0, served_ = 0, refused_ = 0;
  loopback::server server_;
};

} // namespace

TEST_CASE("engine: hundreds of requests share kept connections, within the limit") {
  busy_server s(3ms);
  auto settings = quick();
  settings.concurrency = {4, 32};
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  int fine = 0;
  for (int i = 0; i < 600; ++i) c.submit(question(), [&](const outcome& o) { fine += o.ok() ? 1 : 0; });
  CHECK(e.counters().queued == 600);
  e.run();
  CHECK(fine == 600);
  CHECK(s.peak() <= 32);
  CHECK(s.peak() > 8); // the window has grown
  CHECK(s.connections() <= 32);
  const auto n = e.counters();
  CHECK(n.replies == 600);
  CHECK(n.attempts == 600);
  CHECK(n.in_flight == 0);
  CHECK(n.queued == 0);
  CHECK(n.connections == static_cast<std::uint64_t>(s.connections()));
}

TEST_CASE("engine: a provider that limits is not pressed, and every request is answered") {
  busy_server s(4ms, 8);
  auto settings = quick();
  settings.concurrency = {64, 64};
  settings.retry.attempts = 2; // rate limits do not count
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  int fine = 0;
  for (int i = 0; i < 400; ++i) c.submit(question(), [&](const outcome& o) { fine += o.ok() ? 1 : 0; });
  e.run();
  CHECK(fine == 400);
  CHECK(s.served() == 400);
  CHECK(s.refused() < 300);
}

TEST_CASE("engine: a fifth of all requests fails in every way, and nothing is lost") {
  std::atomic<unsigned> count = 0;
  loopback::server s([&](loopback::wire& w) {
    loopback::request r;
    while (w.read(r)) {
      const unsigned i = count++;
      const std::string mark = r.body.substr(r.body.find("task "), 8);
      const std::string good = http(200, openai_body(mark));
      if (i % 5 != 0) {
        w.send(good);
        continue;
      }
      switch (i / 5 % 9) {
      case 0:
        return;
      case 1:
        return w.reset();
      case 2:
        return w.send(good.substr(0, good.size() - 20));
      case 3:
        w.send(http(429, R"({"error":{"message":"slow"}})", "retry-after-ms: 3\r\n"));
        break;
      case 4:
        w.send(http(502, "<html>", "", "text/html"));
        break;
      case 5:
        w.send(http(200, R"({"error":{"code":500,"message":"x"}})"));
        break;
      case 6:
        w.send(http(200, "{\"choices\":[{\"mess"));
        break;
      case 7:
        w.send(http(529, R"({"error":{"type":"overloaded_error","message":"x"}})"));
        break;
      default:
        w.send(http(200, good, "content-encoding: gzip\r\n"));
      }
    }
  });
  auto settings = quick();
  settings.concurrency = {16, 16};
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  std::multiset<std::string> expected;
  std::multiset<std::string> got;
  for (int i = 100; i < 700; ++i) {
    const std::string mark = "task " + std::to_string(i);
    expected.insert(mark);
    c.submit(question(mark), [&, mark](const outcome& o) {
      REQUIRE_MESSAGE(o.ok(), o.failure().message);
      CHECK(o.reply().choices.at(0).text == mark); // each gets its own
      got.insert(mark);
    });
  }
  e.run();
  CHECK(got == expected);
}

TEST_CASE("engine: on a thread of its own, from several threads") {
  script s({good()});
  llm::engine e(quick());
  e.start();
  llm::client c = e.open(openai_at(s.authority()));
  std::atomic<int> fine = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 25; ++i) c.submit(question(), [&](const outcome& o) { fine += o.ok() ? 1 : 0; });
        fine += llm::ask_and_wait(c, question()).ok() ? 1 : 0;
      });
  }
  e.wait();
  CHECK(fine == 104);
  CHECK_THROWS_AS(e.run(), std::logic_error);
}

TEST_CASE("engine: requests submitted from a reply are part of the same run") {
  script s({good()});
  llm::engine e(quick());
  llm::client c = e.open(openai_at(s.authority()));
  int depth = 0;
  std::function<void(outcome)> next = [&](const outcome& o) {
    REQUIRE(o.ok());
    if (++depth < 50) c.submit(question(), next);
  };
  c.submit(question(), next);
  e.run();
  CHECK(depth == 50);
  CHECK(s.connections() == 1);
}

TEST_CASE("engine: a request is cancelled wherever it is") {
  std::atomic<bool> first = true; // is answered; until then it is one at a time
  loopback::server s([&](loopback::wire& w) {
    loopback::request r;
    while (w.read(r) && first.exchange(false)) w.send(loopback::http(200, openai_body()));
    w.stay_silent();
  });
  auto settings = quick();
  settings.concurrency = {2, 2};
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  REQUIRE(ask(e, c).ok());
  int cancelled = 0;
  std::vector<llm::client::ticket> tickets;
  for (int i = 0; i < 5; ++i)
    tickets.push_back(c.submit(question(), [&](const outcome& o) {
      cancelled += !o.ok() && o.failure().kind == failure_kind::cancelled ? 1 : 0;
    }));
  CHECK(std::set(tickets.begin(), tickets.end()).size() == 5);
  CHECK(run_until(e, [&] { return e.counters().in_flight == 2; }));
  c.cancel(tickets[4]); // waits
  c.cancel(tickets[0]); // is in flight
  c.cancel(tickets[0]); // twice does no harm
  c.cancel(999'999);
  CHECK(run_until(e, [&] { return cancelled == 2; }));
  CHECK(run_until(e, [&] { return e.counters().in_flight == 2; })); // another one took the place
  e.cancel_all("enough");
  CHECK_FALSE(e.run_for(1s));
  CHECK(cancelled == 5);
  const outcome later = ask(e, c);
  REQUIRE_FALSE(later.ok());
  CHECK(later.failure().message == "enough");
}

TEST_CASE("engine: cancelled before it was ever seen") {
  script s({good()});
  llm::engine e(quick());
  llm::client c = e.open(openai_at(s.authority()));
  bool cancelled = false;
  const auto t = c.submit(question(), [&](const outcome& o) { cancelled = !o.ok(); });
  c.cancel(t);
  e.run();
  CHECK(cancelled);
}

TEST_CASE("engine: draining lets what was sent finish") {
  busy_server s(30ms);
  auto settings = quick();
  settings.concurrency = {3, 3};
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  REQUIRE(ask(e, c).ok()); // until then it is one at a time
  int fine = 0;
  int cancelled = 0;
  for (int i = 0; i < 10; ++i)
    c.submit(question(), [&](const outcome& o) {
      ++(o.ok() ? fine : cancelled);
      if (!o.ok()) CHECK(o.failure().message == "budget used up");
    });
  CHECK(run_until(e, [&] { return e.counters().in_flight == 3; }));
  e.drain("budget used up");
  e.run();
  CHECK(fine == 3);
  CHECK(cancelled == 7);
  e.resume();
  CHECK(ask(e, c).ok());
}

TEST_CASE("engine: follow-ups go first, and are sent even while it is drained") {
  busy_server s(10ms);
  auto settings = quick();
  settings.concurrency = {1, 1};
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  std::vector<std::string> order;
  const auto submit = [&](const std::string& name, bool follow_up) {
    auto q = question();
    q.follow_up = follow_up;
    c.submit(q, [&order, name](const outcome& o) { order.push_back(name + (o.ok() ? "" : " cancelled")); });
  };
  submit("first", false);
  CHECK(run_until(e, [&] { return e.counters().in_flight == 1; }));
  for (const char* name : {"new 1", "new 2"}) submit(name, false);
  for (const char* name : {"later 1", "later 2"}) submit(name, true);
  CHECK(run_until(e, [&] { return order.size() == 2; }));
  e.drain("no more");
  submit("later 3", true);
  submit("new 3", false);
  e.run();
  std::vector<std::string> sent, not_sent;
  for (const std::string& o : order) (o.ends_with("cancelled") ? not_sent : sent).push_back(o);
  CHECK(sent == std::vector<std::string>{"first", "later 1", "later 2", "later 3"});
  CHECK(not_sent == std::vector<std::string>{"new 1 cancelled", "new 2 cancelled", "new 3 cancelled"});
  e.cancel_all("really no more");
  submit("later 4", true);
  e.run();
  CHECK(order.back() == "later 4 cancelled");
}

TEST_CASE("engine: a request that the hook admit throws on is not sent") {
  busy_server s(1ms);
  auto settings = quick();
  int asked = 0, sent = 0;
  settings.hooks.admit = [&](const auto&, const auto&) -> std::optional<llm::failure> {
    if (++asked == 2) throw std::runtime_error("no memory for the reservation");
    return std::nullopt;
  };
  settings.hooks.on_attempt = [&](const llm::attempt&) { ++sent; };
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  std::vector<bool> ok;
  for (int i = 0; i < 3; ++i) c.submit(question(), [&](const outcome& o) { ok.push_back(o.ok()); });
  CHECK_THROWS_WITH(e.run(), "no memory for the reservation");
  e.run();
  CHECK(asked == 3);
  CHECK(sent == 2);
  CHECK(std::ranges::count(ok, false) == 1);
}

TEST_CASE("engine: a delayed retry is cancelled at once") {
  script s({error(500, R"({"message":"x"})")});
  auto settings = quick();
  settings.retry.base = 1h;
  settings.retry.longest = 1h;
  settings.seed = 3;
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  bool cancelled = false;
  c.submit(question(),
           [&](const outcome& o) { cancelled = !o.ok() && o.failure().kind == failure_kind::cancelled; });
  CHECK(run_until(e, [&] { return s.count() == 1 && e.counters().in_flight == 0; }));
  const auto began = std::chrono::steady_clock::now();
  e.cancel_all("stop");
  e.run(); // must not wait for the hour
  CHECK(std::chrono::steady_clock::now() - began < 5s);
  CHECK(cancelled);
}

TEST_CASE("engine: destruction ends everything that is under way") {
  loopback::server s([](loopback::wire& w) { w.stay_silent(); });
  for (const bool background : {false, true}) {
    std::atomic<int> cancelled = 0;
    std::optional<llm::client> survivor;
    {
      llm::engine e(quick());
      llm::client c = e.open(openai_at(s.authority()));
      survivor = c;
      for (int i = 0; i < 40; ++i)
        c.submit(question(),
                 [&](const outcome& o) { cancelled += o.failure().kind == failure_kind::cancelled ? 1 : 0; });
      if (background) {
        e.start();
        std::this_thread::sleep_for(20ms);
      } else {
        e.run_for(20ms);
      }
    }
    CHECK(cancelled == 40);
    bool told = false;
    survivor->submit(question(), [&](const outcome& o) { told = !o.ok(); });
    CHECK(told);
  }
}

TEST_CASE("engine: admission is asked once per request, just before it is sent") {
  script s({error(500, R"({"message":"x"})"), good()});
  auto settings = quick();
  settings.concurrency = {1, 1};
  int asked = 0;
  settings.hooks.admit = [&](const llm::model_profile& m,
                             const llm::chat_request& q) -> std::optional<llm::failure> {
    CHECK(m.name == "some-model");
    ++asked;
    if (q.tag == 7) return llm::failure{.kind = failure_kind::declined, .message = "the budget is used up"};
    return std::nullopt;
  };
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  int fine = 0;
  int declined = 0;
  for (std::uint64_t i = 0; i < 10; ++i) {
    auto q = question();
    q.tag = i;
    c.submit(q, [&](const outcome& o) { ++(o.ok() ? fine : declined); });
  }
  e.run();
  CHECK(asked == 10); // the retry was not asked for
  CHECK(fine == 9);
  CHECK(declined == 1);
  CHECK(s.count() == 10);
}

TEST_CASE("engine: a reply is handed on only when the store says so") {
  script s({good("one"), good("two"), good("three")});
  auto settings = quick();
  settings.concurrency = {1, 1};
  // a store on another thread that commits groups
  std::mutex mutex;
  std::condition_variable arrived;
  std::vector<std::function<void()>> pending;
  std::vector<std::string> stored;
  settings.hooks.on_reply = [&](const llm::model_profile&, const llm::chat_request& q, const llm::reply& r,
                                std::function<void()> deliver) {
    const std::scoped_lock lock(mutex);
    stored.push_back(std::to_string(q.sample) + r.choices.at(0).text);
    pending.push_back(std::move(deliver));
    arrived.notify_one();
  };
  std::vector<std::string> received;
  std::jthread store([&] {
    std::unique_lock lock(mutex);
    arrived.wait(lock, [&] { return pending.size() == 3; });
    CHECK(received.empty()); // not before all three are durable
    for (auto& deliver : pending) {
      deliver();
      deliver(); // twice does no harm
    }
  });
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  for (std::uint32_t i = 0; i < 3; ++i) {
    auto q = question();
    q.sample = i;
    c.submit(q, [&](const outcome& o) { received.push_back(o.reply().choices.at(0).text); });
  }
  e.run();
  CHECK(received == std::vector<std::string>{"one", "two", "three"});
  CHECK(stored == std::vector<std::string>{"0one", "1two", "2three"});
  CHECK(e.counters().holding == 0);
}

TEST_CASE("engine: a store that never confirms does not keep the engine alive") {
  script s({good()});
  std::function<void()> late;
  bool told = false;
  {
    auto settings = quick();
    settings.hooks.on_reply = [&](const auto&, const auto&, const auto&, std::function<void()> deliver) {
      late = std::move(deliver);
    };
    llm::engine e(settings);
    llm::client c = e.open(openai_at(s.authority()));
    c.submit(question(),
             [&](const outcome& o) { told = !o.ok() && o.failure().kind == failure_kind::cancelled; });
    CHECK(run_until(e, [&] { return e.counters().holding == 1; }));
    CHECK_FALSE(told);
  }
  CHECK(told);
  late(); // too late, and harmless
}

TEST_CASE("engine: a store that throws fails the request, not the engine") {
  script s({good()});
  auto settings = quick();
  settings.hooks.on_reply = [&](const auto&, const auto&, const auto&, const auto&) {
    throw std::runtime_error("disk full");
  };
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  std::string message;
  c.submit(question(), [&](const outcome& o) { message = o.failure().message; });
  CHECK_THROWS_WITH(e.run(), "disk full");
  CHECK(message == "the reply could not be stored");
}

TEST_CASE("engine: the same model refused from the beginning is given up") {
  script s({error(400, R"({"message":"max_tokens: 100000 > 8192"})")});
  auto settings = quick();
  settings.concurrency = {1, 1};
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  int failed = 0;
  for (int i = 0; i < 100; ++i) c.submit(question(), [&](const outcome& o) { failed += o.ok() ? 0 : 1; });
  e.run();
  CHECK(failed == 100);
  CHECK(s.count() == 20);
}

TEST_CASE("engine: two models have limits of their own, and may share connections") {
  script s({good()});
  llm::engine e(quick());
  llm::client a = e.open(openai_at(s.authority()));
  llm::model_access second = openai_at(s.authority());
  second.model.name = "another";
  llm::client b = e.open(second);
  REQUIRE(ask(e, a).ok());
  REQUIRE(ask(e, b).ok());
  CHECK(s.connections() == 1);
  CHECK(b.model().name == "another");
  CHECK(s.requests().at(1).body.find("\"another\"") != std::string::npos);
}

TEST_CASE("engine: an exception from a requester reaches the one who runs the engine, and loses nothing") {
  script s({good()});
  auto settings = quick();
  int attempts = 0;
  settings.hooks.on_attempt = [&](const llm::attempt&) {
    if (++attempts == 2) throw std::runtime_error("from a hook");
  };
  llm::engine e(settings);
  llm::client c = e.open(openai_at(s.authority()));
  int answered = 0;
  for (int i = 0; i < 5; ++i)
    c.submit(question(), [&](const outcome&) {
      ++answered;
      throw std::runtime_error("from a requester");
    });
  CHECK_THROWS_AS(e.run(), std::runtime_error);
  CHECK(answered == 5);
  CHECK(e.counters().replies == 5);
  attempts = 10;
  CHECK(ask(e, c).ok());
}

TEST_CASE("engine: settings that make no sense are refused") {
  auto s = quick();
  s.concurrency.maximum = 0;
  CHECK_THROWS_AS(llm::engine{s}, std::invalid_argument);
  s = quick();
  s.transport.total = 0ms;
  CHECK_THROWS_AS(llm::engine{s}, std::invalid_argument);
  llm::engine e(quick());
  CHECK_THROWS_AS((void)e.open(openai_at("http://user:pass@h")), std::invalid_argument);
}
