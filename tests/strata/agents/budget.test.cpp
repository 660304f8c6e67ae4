// SPDX-License-Identifier: MIT
#include "strata/agents/budget.hpp"

#include "strata/agents/agent.hpp"
#include "strata/agents/scripted_client.hpp"
#include "strata/improve.hpp"

#include <doctest/doctest.h>

#include "strata/random.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
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

TEST_CASE("a budget in dollars refuses what has no price") {
  auto model = scripted::priced();
  for (llm::price& p : model.prices) p.above = 100'000; // only long prompts have one
  const auto bare = most_of(model, question(), std::chrono::system_clock::now());
  CHECK_FALSE(bare.priced);
  budget in_dollars({.usd = 1000}), in_tokens({.tokens = 1000'000});
  CHECK(in_dollars.reserve(bare) == budget::answer::never);
  CHECK(in_dollars.refusal(bare).message.find("no price") != std::string::npos);
  CHECK(in_tokens.reserve(bare) == budget::answer::granted);
  model.prices.clear();
  CHECK(in_dollars.reserve(most_of(model, question(), std::chrono::system_clock::now())) ==
        budget::answer::never);
  // a price that begins tomorrow is none today
  model = scripted::priced();
  for (llm::price& p : model.prices)
    p.from = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) + std::chrono::days(1);
  CHECK(in_dollars.reserve(most_of(model, question(), std::chrono::system_clock::now())) ==
        budget::answer::never);
}

TEST_CASE("what is reserved covers every way in which a prompt can be billed") {
  using namespace std::chrono;
  const sys_days monday = year{2026} / 11 / 16;
  llm::model_profile model;
  model.prices = {
      {.from = monday, .input = 2, .cached = 1, .cache_write = 2.5, .cache_write_hour = 4, .output = 8},
      {.from = monday,
       .above = 10,
       .input = 4,
       .cached = 2,
       .cache_write = 5,
       .cache_write_hour = 8,
       .output = 16}};
  auto q = question();
  for (const auto cache : {llm::caching::none, llm::caching::automatic, llm::caching::marked})
    for (const auto life : {llm::cache_life::minutes5, llm::cache_life::hour1}) {
      model.takes.cache = cache;
      q.cache = life;
      const auto most = most_of(model, q, monday);
      auto used = most_tokens(model, q);
      for (auto llm::token_usage::*part :
           {&llm::token_usage::cached, &llm::token_usage::cache_write, &llm::token_usage::cache_write_hour}) {
        if (part == &llm::token_usage::cache_write_hour && life != llm::cache_life::hour1) continue;
        auto all = used;
        all.*part = all.input;
        CHECK(most.cost >= to_picodollars(*model.cost(all, monday)));
        all.input *= 2; // counted wrongly, and into the dearer row
        CHECK(model.price_at(monday, all.input)->input == 4);
      }
      CHECK(most.cost >= to_picodollars(*model.cost(used, monday)));
    }
  // the peak begins before the reply arrives, and the price changes at midnight
  model.peak = {.factor = 3, .hours = {{9, 10}}};
  CHECK(most_of(model, q, monday + hours(8)).cost >=
        to_picodollars(*model.cost(most_tokens(model, q), monday + hours(9))));
  model.prices.push_back(
      {.from = monday + days(1), .input = 40, .cached = 40, .cache_write = 40, .output = 80});
  CHECK(most_of(model, q, monday + hours(23)).cost >=
        to_picodollars(*model.cost(most_tokens(model, q), monday + hours(25))));
}

TEST_CASE("sums of hostile counts do not wrap") {
  constexpr std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
  budget b({.usd = 1, .tokens = 1000, .requests = 100});
  b.settle({}, {0, huge - 5, 1});
  b.settle({}, {0, huge - 5, 1});
  CHECK(b.spent().tokens == huge);
  CHECK(b.reserve({0, 1, 1}) == budget::answer::never);
  b.settle({}, {std::numeric_limits<picodollars>::max(), 0, 1});
  b.settle({}, {std::numeric_limits<picodollars>::max(), 0, 1});
  CHECK(b.reserve({1, 0, 1}) == budget::answer::never);
  llm::token_usage u{
      .input = huge, .cached = huge, .cache_write = huge, .cache_write_hour = huge, .output = huge};
  u += u;
  CHECK(u.input == huge);
  CHECK(u.output == huge);
  CHECK(u.uncached() == 0);
  const auto model = scripted::priced();
  CHECK(budget::used_by(model, u, {}).tokens == huge);
  CHECK(budget::used_by(model, u, {}).cost >= 0);
}

TEST_CASE(
    "whatever a server says it used, a budget in dollars stops the run and no honest token goes uncounted") {
  const auto model = scripted::priced();
  const auto now = std::chrono::system_clock::now();
  const std::string words = [] {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "word" + std::to_string(i) + " is here. ";
    return text;
  }();
  const auto claim = [&](strata::random_stream& random, llm::reply& r, std::uint64_t input,
                         std::uint64_t output) {
    const auto odd = [&]() -> std::uint64_t {
      const std::uint64_t values[] = {0,
                                      1,
                                      10,
                                      1000,
                                      std::uint64_t{1} << 31U,
                                      llm::largest_count,
                                      std::uint64_t{1} << 63U,
                                      ~std::uint64_t{0}};
      return values[random.below(8)];
    };
    r.used = {.input = input, .output = output};
    switch (random.below(5)) {
    case 0: // honest
      break;
    case 1: // does not say
      r.used = {.known = false};
      break;
    case 2: // little
      r.used = {.input = random.below(5), .output = random.below(5)};
      break;
    case 3:
      r.used = {
          .input = odd(), .cached = odd(), .cache_write = odd(), .cache_write_hour = odd(), .output = odd()};
      break;
    default:
      r.used = {.input = odd(), .output = odd(), .known = random.chance(0.5)};
    }
  };
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    strata::random_stream random({seed, 19});
    auto q = llm::chat_request(llm::conversation("Say", words));
    q.max_tokens = 2000;
    const std::string text = words.substr(0, random.below(words.size()));
    const std::uint64_t input = approximate_tokens(q.messages), output = approximate_tokens(text);
    const auto honest = to_picodollars(*model.cost({.input = input, .output = output}, now));
    const auto most = most_of(model, q, now);
    REQUIRE(honest <= most.cost);
    budget b({.usd = to_dollars(most.cost) * 20});
    std::size_t answered = 0, declined = 0;
    picodollars reported = 0;
    scripted::client inner(
        [&](const auto&, std::size_t) {
          llm::reply r = reply_of({text});
          claim(random, r, input, output);
          return r;
        },
        model);
    budgeted<scripted::client> client(inner, b);
    for (std::uint32_t i = 0; i < 5000; ++i) {
      q.sample = i;
      client.submit(q, [&](const llm::outcome& o) {
        if (!o.ok()) return void(++declined);
        ++answered;
        const auto usd = model.cost(o.reply().used, now);
        REQUIRE(usd.has_value() != (!o.reply().used.known && !o.reply().used.cost_usd));
        reported = add(reported, to_picodollars(usd.value_or(0)));
      });
    }
    CHECK(declined > 0);
    CHECK(b.spent().cost == reported); // the ledger and the budget agree
    // an eighth is what the coarsest reading of a text leaves of it
    CHECK(b.spent().cost >= honest / 8 * static_cast<picodollars>(answered));
    CHECK(static_cast<picodollars>(answered) <= 20 * 8 * (most.cost / std::max<picodollars>(honest, 1) + 1));
  }
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

TEST_CASE("within any budget, what an agent has begun is finished, and nothing is exceeded") {
  struct words {
    using task = std::string;
    using program = std::string;
  };
  const std::vector<std::string> tasks = {"alpha", "beta", "gamma"};
  stages<words> how;
  how.propose = [](const strata::job<words>& j) {
    return llm::conversation(std::string(300, 'x'), j.task());
  };
  how.read = [](const strata::job<words>&, const llm::choice& c) { return reading<words>{c.text, ""}; };
  how.guard = [](const strata::job<words>&, const proposal<words>& p) {
    return std::optional(llm::conversation("guard", p.said));
  };
  how.repairs = 2;
  how.repair = [](const strata::job<words>&, const proposal<words>& p) -> std::optional<llm::conversation> {
    if (p.program == "right") return std::nullopt;
    return p.asked.with({llm::role::assistant, p.said}).with({llm::role::user, "wrong"});
  };
  struct {
    [[nodiscard]] strata::verdict verify(const std::string&, const std::string&) const { return {}; }
  } verifier;
  std::size_t finished = 0, left_out = 0;
  for (const bool threaded : {false, true})
    for (const std::uint32_t n : {1U, 8U})
      for (std::uint64_t size = 1; size < 400; size += size < 12 ? 1 : size < 60 ? 7 : 60)
        for (const int of : {0, 1, 2}) {
          CAPTURE(n);
          CAPTURE(size);
          CAPTURE(of);
          budget_limits most;
          if (of == 0) most.requests = size;
          if (of == 1) most.tokens = size * 400;
          if (of == 2) most.usd = static_cast<double>(size) * 0.003;
          budget b(most);
          std::atomic<std::size_t> declined_later = 0;
          scripted::client model(
              [&](const llm::chat_request& q, std::size_t) -> llm::outcome {
                const std::uint64_t prompt = approximate_tokens(q.messages);
                const std::string& last = q.messages.messages().back().text;
                std::vector<std::string> said(q.n, q.sample % 3 == 0 ? "right" : "not right");
                if (q.messages.messages()[0].text == "guard") said = {last};
                return reply_of(said, prompt, 100 * q.n);
              },
              scripted::priced(8), threaded);
          struct watching_client {
            budgeted<scripted::client> inner;
            std::atomic<std::size_t>* declined_later;
            void submit(llm::chat_request q, llm::completion done) {
              inner.submit(q, [follow_up = q.follow_up, d = declined_later, done](llm::outcome o) {
                if (follow_up && !o.ok()) ++*d;
                done(std::move(o));
              });
            }
            [[nodiscard]] const llm::model_profile& model() const { return inner.model(); }
          };
          agent_settings settings{.number = {.tasks = 3, .samples = 8}, .max_tokens = 100};
          settings.per_request = n;
          agent<words, watching_client> sampler({budgeted<scripted::client>(model, b), &declined_later}, how,
                                                settings);
          const auto r = strata::improve<words>(
              tasks, sampler, verifier, {.sampling = {.samples = 8, .temperatures = {0.5}}}, {.threads = 1});
          std::size_t proposed = 0;
          for (const auto& q : model.asked()) proposed += q.follow_up ? 0 : q.n;
          // a proposal for n samples, and for each two repairs and three guardians; what this needs in tokens
          // and money is estimated with a margin
          const bool holds = size >= (of == 0 ? 1 + 5 * n : 40 * n);
          if (holds || r.samples == 24) {
            CHECK(declined_later == 0);
            CHECK(r.samples == proposed);
          }
          CHECK(r.failed_requests == 0);
          CHECK(r.samples + r.steps.at(0).undrawn == 24);
          CHECK((r.samples == 24 || r.why == strata::ended::budget));
          CHECK(b.spent().requests <= most.requests);
          CHECK(b.spent().tokens <= most.tokens);
          CHECK(to_dollars(b.spent().cost) <= most.usd);
          CHECK(b.reserved() == spending{});
          if (of == 0 && size >= 1 + 5 * n) CHECK(r.samples >= n);
          if (of == 0 && size >= 2 * (1 + 5 * n)) CHECK(r.samples >= 2 * n);
          finished += r.samples;
          left_out += r.steps[0].undrawn;
        }
  CHECK(finished > 250);
  CHECK(left_out > 1000);
}
