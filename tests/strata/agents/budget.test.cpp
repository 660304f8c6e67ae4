// SPDX-License-Identifier: MIT
#include "strata/agents/budget.hpp"

#include "strata/agents/scripted_client.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace strata::agents;
namespace llm = strata::llm;
using scripted::reply_of;

namespace {

llm::chat_request question(std::uint32_t sample = 0) {
  llm::chat_request q(llm::conversation("Say", "something short"));
  q.max_tokens = 100;
  q.sample = sample;
  return q;
}

/// Holds all requests until it is told to answer.
struct slow {
  struct state {
    std::vector<std::pair<llm::chat_request, llm::completion>> held;
    llm::model_profile profile = scripted::priced();
  };
  std::shared_ptr<state> s = std::make_shared<state>();
  void submit(llm::chat_request q, llm::completion done) {
    s->held.emplace_back(std::move(q), std::move(done));
  }
  [[nodiscard]] const llm::model_profile& model() const { return s->profile; }
  void answer(llm::outcome o) {
    auto done = std::move(s->held.front().second);
    s->held.erase(s->held.begin());
    done(std::move(o));
  }
};

} // namespace

TEST_CASE("what a request may cost at most is never less than what it does cost") {
  const auto model = scripted::priced(8, llm::caching::marked);
  auto q = question();
  const auto one = most_of(model, q, {});
  q.n = 8;
  const auto eight = most_of(model, q, {});
  CHECK(eight.tokens == one.tokens + 700);
  CHECK(one.requests == 1);
  const auto used = reply_of({"x"}, approximate_tokens(q.messages), 100).used;
  CHECK(one.cost >= to_picodollars(*model.cost(used, {})));
  CHECK(most_of({}, q, {}).cost == 0); // no price
}

TEST_CASE("reservations and settlements") {
  double now = 0;
  budget b({.usd = 1, .tokens = 1000, .requests = 3, .seconds = 60}, {}, [&] { return now; });
  const spending s{to_picodollars(0.4), 300, 1};
  CHECK(b.reserve(s) == budget::answer::granted);
  CHECK(b.reserve(s) == budget::answer::granted);
  CHECK(b.reserve(s) == budget::answer::later); // 1.2 dollars, but nothing is spent yet
  b.settle(s, {to_picodollars(0.1), 50, 1});
  CHECK(b.reserve(s) == budget::answer::granted);
  CHECK(b.reserve({0, 0, 1}) == budget::answer::later);
  b.settle(s, {0, 0, 1});
  b.settle(s, {0, 0, 1});
  CHECK(b.reserved() == spending{});
  CHECK(b.spent() == spending{to_picodollars(0.1), 50, 3});
  CHECK(b.reserve({0, 0, 1}) == budget::answer::never);
  CHECK(b.refusal({0, 0, 1}).message == "the budget of 3 requests is used up; resume with a larger one");
  CHECK(b.reserve({0, 951, 0}) == budget::answer::never);
  CHECK(b.reserve({to_picodollars(0.91), 0, 0}) == budget::answer::never);
  CHECK(b.refusal({to_picodollars(0.91), 0, 0}).message ==
        "the budget of $1.0000 is used up: $0.1000 spent, the next request may cost $0.9100; resume with a "
        "larger one");
  CHECK(b.reserve({0, 950, 0}) == budget::answer::granted);
  now = 60;
  CHECK(b.reserve({}) == budget::answer::never);
  CHECK(b.refusal({}).kind == llm::failure_kind::declined);
  CHECK_THROWS_AS(budget({.usd = -1}), std::invalid_argument);
  // a resumed run goes on counting
  budget again({.requests = 3}, b.spent());
  CHECK(again.reserve({0, 0, 1}) == budget::answer::never);
}

TEST_CASE("admit and settle as hooks of an engine") {
  const auto model = scripted::priced();
  budget b({.requests = 2});
  const auto q = question(), other = question(1), third = question(2);
  CHECK(!b.admit(model, q));
  CHECK(!b.admit(model, other));
  CHECK(b.admit(model, third)->kind == llm::failure_kind::declined);
  b.settle(model, third, llm::failure{.kind = llm::failure_kind::declined}); // never admitted
  CHECK(b.reserved().requests == 2);
  b.settle(model, q, reply_of({"x"}, 20, 5));
  b.settle(model, other, llm::failure{.kind = llm::failure_kind::expired, .may_be_billed = true});
  CHECK(b.reserved() == spending{});
  const auto most = most_of(model, other, std::chrono::system_clock::now());
  CHECK(b.spent().tokens == 25 + most.tokens); // what may have been billed counts
  CHECK(b.spent().requests == 2);
}

TEST_CASE("a budgeted client uses a tight budget to its end, and never more") {
  const auto model = scripted::priced();
  const auto most = most_of(model, question(), std::chrono::system_clock::now());
  // room for two at a time at their largest; each really costs a tenth
  budget b({.tokens = most.tokens * 5 / 2});
  slow inner;
  budgeted<slow> client(inner, b);
  std::size_t ok = 0, declined = 0;
  for (std::uint32_t i = 0; i < 100; ++i)
    client.submit(question(i), [&](const llm::outcome& o) { (o.ok() ? ok : declined) += 1; });
  CHECK(inner.s->held.size() == 2);
  std::uint64_t used = 0;
  while (!inner.s->held.empty()) {
    inner.answer(reply_of({"x"}, most.tokens / 20, most.tokens / 20));
    used += most.tokens / 20 * 2;
    CHECK(used + b.reserved().tokens <= most.tokens * 5 / 2);
  }
  CHECK(ok + declined == 100);
  CHECK(ok >= 14); // 1.5 reservations / a tenth each, then one more
  CHECK(declined > 0);
  CHECK(b.spent().tokens == used);
  CHECK(b.reserved() == spending{});
}

TEST_CASE("a budgeted client that answers at once, with failures") {
  scripted::client model(
      [](const auto&, std::size_t n) -> llm::outcome {
        if (n % 2 == 0) return llm::failure{.kind = llm::failure_kind::bad_request};
        return reply_of({"x"}, 10, 10);
      },
      scripted::priced());
  budget b({.requests = 5000});
  budgeted<scripted::client> client(model, b);
  std::size_t ok = 0, failed = 0, declined = 0;
  for (std::uint32_t i = 0; i < 6000; ++i)
    client.submit(question(i), [&](const llm::outcome& o) {
      (o.ok() ? ok : o.failure().kind == llm::failure_kind::declined ? declined : failed) += 1;
    });
  CHECK(ok == 2500);
  CHECK(failed == 2500);
  CHECK(declined == 1000);
  CHECK(b.spent().tokens == 2500 * 20);
}
