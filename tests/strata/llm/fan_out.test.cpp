// SPDX-License-Identifier: MIT
// Many samples of prompts: which requests are sent when, with which numbers and seeds, and that every sample
// is delivered exactly once, also by servers that count badly.
#include "strata/llm/fan_out.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace strata::llm;

namespace {

/// A server without a network: answers in the order of arrival when told to.
class scripted {
 public:
  struct pending {
    chat_request question;
    completion done;
  };
  struct state {
    model_profile model;
    std::deque<pending> waiting;
    std::vector<chat_request> seen;
  };
  scripted() : state_(std::make_shared<state>()) {}

  void submit(chat_request q, completion done) const {
    state_->seen.push_back(q);
    state_->waiting.push_back({std::move(q), std::move(done)});
  }
  [[nodiscard]] const model_profile& model() const { return state_->model; }
  [[nodiscard]] state& server() const { return *state_; }

  /// Answers the oldest request with so many choices, or with a failure.
  void answer(int choices) const {
    pending p = std::move(state_->waiting.front());
    state_->waiting.pop_front();
    if (choices < 0) return p.done(failure{.kind = failure_kind::server_error, .message = "no"});
    reply r;
    for (int i = 0; i < choices; ++i)
      r.choices.push_back({.text = std::to_string(p.question.sample + static_cast<unsigned>(i))});
    p.done(std::move(r));
  }

 private:
  std::shared_ptr<state> state_;
};
static_assert(ChatClient<scripted>);

struct run {
  scripted client;
  std::map<std::pair<std::size_t, std::uint32_t>, std::string> samples; // by order and number
  std::set<std::pair<std::size_t, std::uint32_t>> failed;
  int done = 0;

  ~run() { client.server().waiting.clear(); } // what was never answered refers to the client

  void go(std::vector<sample_order> orders, fan_out_policy policy = {}) {
    fan_out(
        client, std::move(orders), policy,
        [this](std::size_t order, std::uint32_t first, std::uint32_t asked, const outcome& o) {
          CHECK(done == 0);
          if (!o.ok()) {
            for (std::uint32_t i = 0; i < asked; ++i) failed.insert({order, first + i});
            return;
          }
          for (std::uint32_t i = 0; i < o.reply().choices.size(); ++i)
            CHECK(samples.emplace(std::pair(order, first + i), o.reply().choices[i].text).second);
        },
        [this] { ++done; });
  }
};

chat_request prompt(const std::string& text, std::size_t bytes = 0) {
  return chat_request(conversation{{role::system, std::string(bytes, 's'), true}, {role::user, text}});
}

} // namespace

TEST_CASE("fan out: choices are asked for together, and every sample arrives once") {
  run r;
  r.client.server().model.takes.max_n = 4;
  auto q = prompt("x");
  q.sample = 100; // numbers need not begin at 0
  r.go({{q, 10}});
  REQUIRE(r.client.server().seen.size() == 3);
  CHECK(r.client.server().seen[0].n == 4);
  CHECK(r.client.server().seen[2].n == 2);
  CHECK(r.client.server().seen[2].sample == 108);
  for (const int n : {4, 4, 2}) r.client.answer(n);
  CHECK(r.done == 1);
  CHECK(r.samples.size() == 10);
  for (const auto& [key, text] : r.samples) CHECK(text == std::to_string(key.second));
}

TEST_CASE("fan out: seeds differ between requests and repeat with the policy's seed") {
  const auto seeds = [](std::uint64_t seed) {
    run r;
    r.go({{prompt("x"), 50}}, {.seed = seed});
    std::set<std::uint64_t> out;
    for (const chat_request& q : r.client.server().seen) {
      REQUIRE(q.seed);
      CHECK(*q.seed < (1ULL << 31U));
      out.insert(*q.seed);
    }
    CHECK(out.size() == 50);
    return out;
  };
  CHECK(seeds(1) == seeds(1));
  CHECK(seeds(1) != seeds(2));
}

TEST_CASE("fan out: what is missing is asked for again") {
  run r;
  r.client.server().model.takes.max_n = 8;
  SUBCASE("a server that ignores n") {
    r.go({{prompt("x"), 16}}, {.per_request = 8});
    for (int i = 0; i < 16; ++i) r.client.answer(1);
    CHECK(r.client.server().seen.size() == 16);
    for (std::size_t i = 2; i < 16; ++i) CHECK(r.client.server().seen[i].n == 1);
  }
  SUBCASE("some are missing") {
    r.go({{prompt("x"), 16}}, {.per_request = 8});
    for (const int n : {8, 5, 3}) r.client.answer(n);
    CHECK(r.client.server().seen[2].sample == 13);
    CHECK(r.client.server().seen[2].n == 3);
  }
  CHECK(r.done == 1);
  CHECK(r.samples.size() == 16);
}

TEST_CASE("fan out: replies without any choice do not go on for ever") {
  run r;
  r.go({{prompt("x"), 3}});
  int answers = 0;
  for (; !r.client.server().waiting.empty() && answers < 1000; ++answers) r.client.answer(0);
  CHECK(r.done == 1);
  CHECK(r.samples.empty());
  CHECK(answers <= 6);
}

TEST_CASE("fan out: nor where one request goes ahead of the others") {
  run r;
  r.client.server().model.takes.cache = caching::marked;
  r.go({{prompt("x", 4000), 3}});
  int answers = 0;
  for (; !r.client.server().waiting.empty() && answers < 1000; ++answers) r.client.answer(0);
  CHECK(r.done == 1);
  CHECK(answers <= 6);
}

TEST_CASE("fan out: one request goes ahead where it fills a cache") {
  run r;
  model_profile& m = r.client.server().model;
  m.takes.cache = caching::marked;
  SUBCASE("and the others follow its reply") {
    r.go({{prompt("x", 4000), 5}});
    CHECK(r.client.server().seen.size() == 1);
    r.client.answer(1);
    CHECK(r.client.server().seen.size() == 5);
  }
  SUBCASE("or its failure") {
    r.go({{prompt("x", 4000), 5}});
    r.client.answer(-1);
    CHECK(r.client.server().seen.size() == 5);
    CHECK(r.failed == std::set<std::pair<std::size_t, std::uint32_t>>{{0, 0}});
    r.samples[{0, 0}] = "0";
  }
  SUBCASE("not for a short prompt") {
    r.go({{prompt("x", 100), 5}});
    CHECK(r.client.server().seen.size() == 5);
  }
  SUBCASE("not if it is not wanted") {
    r.go({{prompt("x", 4000), 5}}, {.ahead = warm_up::never});
    CHECK(r.client.server().seen.size() == 5);
  }
  SUBCASE("nor where nothing is cached") {
    m.takes.cache = caching::none;
    r.go({{prompt("x", 4000), 5}});
    CHECK(r.client.server().seen.size() == 5);
  }
  while (!r.client.server().waiting.empty()) r.client.answer(1);
  CHECK(r.done == 1);
  CHECK(r.samples.size() == 5);
}

TEST_CASE("fan out: prompts with a common beginning share one request ahead of all") {
  run r;
  r.client.server().model.takes.cache = caching::automatic;
  r.go({{prompt("a", 4000), 3}, {prompt("b", 4000), 3}, {prompt("c", 4000), 3}});
  auto& seen = r.client.server().seen;
  CHECK(seen.size() == 1);
  r.client.answer(1); // the common part is cached: now the first of every prompt, and all of this one
  CHECK(seen.size() == 1 + 2 + 2);
  while (!r.client.server().waiting.empty()) r.client.answer(1);
  CHECK(seen.size() == 9);
  CHECK(r.samples.size() == 9);
  CHECK(r.done == 1);
}

TEST_CASE("fan out: prompts without a common beginning go ahead side by side") {
  run r;
  r.client.server().model.takes.cache = caching::automatic;
  auto other = chat_request(conversation(std::string(4000, 'o'), "b"));
  r.go({{prompt("a", 4000), 3}, {other, 3}});
  CHECK(r.client.server().seen.size() == 2);
  while (!r.client.server().waiting.empty()) r.client.answer(1);
  CHECK(r.samples.size() == 6);
  CHECK(r.done == 1);
}

TEST_CASE("fan out: one choice at a time where n > 1 needs a temperature") {
  run r;
  r.client.server().model.takes.max_n = 8;
  r.client.server().model.takes.temperature_with_n = false;
  auto q = prompt("x");
  q.temperature = 0.0;
  r.go({{q, 3}});
  CHECK(r.client.server().seen.size() == 3);
}

TEST_CASE("fan out: nothing to do, and misuse") {
  run r;
  r.go({});
  CHECK(r.done == 1);
  CHECK_THROWS_AS(fan_out_plan({{prompt("x"), 0}}, model_profile{}), std::invalid_argument);
}

TEST_CASE("fan out: shares of a reply's usage add up to it") {
  token_usage whole;
  whole.input = 1003;
  whole.cached = 7;
  whole.cache_write = 2;
  whole.output = 100;
  whole.reasoning = 1;
  whole.known = false;
  token_usage sum;
  for (std::uint32_t i = 0; i < 8; ++i) sum += share(whole, i, 8);
  CHECK(sum == whole);
  CHECK(share(whole, 0, 1) == whole);
}
