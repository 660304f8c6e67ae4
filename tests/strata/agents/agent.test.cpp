// SPDX-License-Identifier: MIT
// Agents in a toy language: programs are words, and a word solves the task that it repeats.
#include "strata/agents/agent.hpp"

#include "strata/agents/scripted_client.hpp"
#include "strata/concepts.hpp"
#include "strata/improve.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace {

namespace llm = strata::llm;
using namespace strata::agents;
using scripted::reply_of;

struct words {
  using task = std::string;
  using program = std::string;
};
using client = scripted::client;
using result = std::map<std::tuple<std::size_t, std::size_t>, strata::draw<words>>; // by task and sample

const std::vector<std::string> tasks = {"alpha", "beta", "gamma"};

stages<words> plain() {
  stages<words> s;
  s.propose = [](const strata::job<words>& j) { return llm::conversation("Say the word.", j.task()); };
  s.read = [](const strata::job<words>&, const llm::choice& c) {
    if (c.text.empty()) return reading<words>{"", "nothing said"};
    return reading<words>{c.text, ""};
  };
  return s;
}
agent_settings three_tasks(std::size_t samples) { return {.number = {.tasks = 3, .samples = samples}}; }

struct step {
  explicit step(std::size_t samples, std::vector<double> temperatures = {0.5}, std::size_t number = 0)
      : batch(tasks, open, {}, {.samples = samples, .temperatures = std::move(temperatures)}, 11, number) {}
  std::vector<std::size_t> open{0, 1, 2};
  strata::job_batch<words> batch;
};

template <class S> result draw_all(S&& sampler, const step& s, std::stop_token stop = {}) {
  result out;
  std::mutex mutex;
  auto take = [&](const strata::job<words>& j, strata::draw<words>&& d) {
    const std::scoped_lock lock(mutex);
    CHECK(out.emplace(std::tuple(j.task_index(), j.sample()), std::move(d)).second); // once per job
  };
  sampler.sample(s.batch.jobs(), strata::sink<words>(take, stop));
  return out;
}

/// Repeats the user's last words once per choice.
llm::outcome echo(const llm::chat_request& q, std::size_t) {
  return reply_of(std::vector<std::string>(q.n, q.messages.messages().back().text));
}

static_assert(strata::Sampler<agent<words, client>, words>);

} // namespace

TEST_CASE("a single agent draws one program per job and charges each its share exactly") {
  for (const bool threaded : {false, true})
    for (const std::uint32_t n : {1U, 4U, 8U}) {
      CAPTURE(threaded);
      CAPTURE(n);
      client model(echo, scripted::priced(n), threaded);
      ledger book;
      auto settings = three_tasks(5);
      settings.threads = threaded ? 3 : 1;
      settings.on_charge = [&](const charge& c) { book.add(c); };
      agent<words, client> single(model, plain(), settings);
      const step s(5, {0.4, 1.0});
      const auto drawn = draw_all(single, s);
      REQUIRE(drawn.size() == 30);
      strata::usage sum;
      for (const auto& [key, d] : drawn) {
        CHECK(d.program == tasks[std::get<0>(key)]);
        sum.input_tokens += d.used.input_tokens;
        sum.output_tokens += d.used.output_tokens;
        sum.cost_usd += d.used.cost_usd;
        const auto own = book.of({0, std::get<0>(key), std::get<1>(key)});
        CHECK(own.used.input == d.used.input_tokens);
        CHECK(to_dollars(own.cost) == d.used.cost_usd);
      }
      const auto asked = model.asked();
      CHECK(asked.size() == (n == 1 ? 30 : n == 4 ? 12 : 6));
      CHECK(sum.input_tokens == asked.size() * 1001);
      CHECK(sum.output_tokens == asked.size() * 101);
      CHECK(book.total().cost == static_cast<picodollars>(asked.size()) *
                                     to_picodollars(*model.model().cost(reply_of({}).used, {})));
      CHECK(book.total().requests == asked.size());
      CHECK(sum.cost_usd == doctest::Approx(to_dollars(book.total().cost)));
      CHECK(!single.stopped());
    }
}

TEST_CASE("samples of a run have numbers and seeds of their own, temperatures too") {
  client model(echo, scripted::priced(8));
  agent<words, client> single(model, plain(), three_tasks(10));
  // a temperature may stand there twice
  for (const std::size_t number : {0U, 1U, 2U}) draw_all(single, step(10, {0.7, 0.7}, number));
  std::set<std::tuple<std::string, double, std::uint32_t>> keys;
  std::set<std::uint64_t> seeds;
  std::size_t choices = 0;
  for (const auto& q : model.asked()) {
    CHECK(q.n <= 8);
    for (std::uint32_t i = 0; i < q.n; ++i)
      CHECK(keys.emplace(q.messages.messages().back().text, *q.temperature, q.sample + i).second);
    choices += q.n;
    seeds.insert(q.seed.value());
  }
  CHECK(choices == 180);
  CHECK(keys.size() == 180);
  CHECK(seeds.size() == model.asked().size());
}

TEST_CASE("some jobs of a step only, as when others are served from a store") {
  client model(echo, scripted::priced(8));
  agent<words, client> single(model, plain(), three_tasks(4));
  const step s(4);
  std::vector<strata::job<words>> some;
  for (const auto& j : s.batch.jobs())
    if (j.task_index() != 1 && j.sample() != 1) some.push_back(j);
  std::set<std::pair<std::size_t, std::size_t>> got;
  auto take = [&](const strata::job<words>& j, strata::draw<words>&& d) {
    CHECK(d.program == j.task());
    got.emplace(j.task_index(), j.sample());
  };
  single.sample(some, strata::sink<words>(take));
  CHECK(got.size() == 6);
  for (const auto& q : model.asked()) // 0, then 2 and 3, of the tasks 0 and 2
    CHECK((q.sample % 4 == 0 ? q.n == 1 : q.sample % 4 == 2 && q.n == 2));
}

TEST_CASE("missing choices, replies without text and requests that fail") {
  SUBCASE("a server that ignores n") {
    client model([](const auto& q, auto) { return reply_of({q.messages.messages().back().text}); },
                 scripted::priced(8));
    agent<words, client> single(model, plain(), three_tasks(6));
    const auto drawn = draw_all(single, step(6));
    for (const auto& [key, d] : drawn) CHECK(d.program == tasks[std::get<0>(key)]);
    CHECK(drawn.size() == 18);
    CHECK(model.asked().size() == 18);
  }
  SUBCASE("no choice, ever") {
    for (const auto cache : {llm::caching::none, llm::caching::automatic}) {
      client model([](const auto&, auto) { return reply_of({}); }, scripted::priced(8, cache));
      ledger book;
      auto settings = three_tasks(4);
      settings.on_charge = [&](const charge& c) { book.add(c); };
      auto how = plain();
      how.propose = [](const strata::job<words>& j) {
        return llm::conversation(std::string(5000, 'x'), j.task());
      };
      const auto drawn = draw_all(agent<words, client>(model, how, settings), step(4));
      CHECK(drawn.size() == 12);
      for (const auto& [key, d] : drawn) CHECK((!d.program && !d.failure.empty()));
      CHECK(book.total().used.input == model.billed().input); // paid for all the same
      CHECK(book.total().requests == model.asked().size());
    }
  }
  SUBCASE("an empty text is a wrong program, a failed request is none") {
    client model(
        [](const llm::chat_request& q, auto) -> llm::outcome {
          const auto& word = q.messages.messages().back().text;
          if (word == "alpha") return reply_of({""});
          if (word == "beta")
            return llm::failure{.kind = llm::failure_kind::bad_request, .message = "the prompt is too long"};
          return reply_of({word});
        },
        scripted::priced());
    ledger book;
    auto settings = three_tasks(2);
    settings.on_charge = [&](const charge& c) { book.add(c); };
    agent<words, client> single(model, plain(), settings);
    const auto drawn = draw_all(single, step(2));
    CHECK(drawn.at({0, 0}).program == "");
    CHECK(drawn.at({0, 0}).used.input_tokens == 1001);
    CHECK(!drawn.at({1, 1}).program);
    CHECK(drawn.at({1, 1}).failure == "the prompt is too long");
    CHECK(drawn.at({2, 0}).program == "gamma");
    CHECK(book.total().failed == 2);
    CHECK(book.total().requests == 6);
    CHECK(!single.stopped());
  }
}

TEST_CASE("the guardian sees every proposal and nothing else") {
  for (const bool threaded : {false, true}) {
    client model(
        [](const llm::chat_request& q, auto n) {
          return q.messages.messages()[0].text == "Rule."
                     ? llm::outcome(reply_of({q.messages.messages()[1].text + "!"}, 7, 3))
                     : echo(q, n);
        },
        scripted::priced(4), threaded);
    auto how = plain();
    how.guard = [](const strata::job<words>&, const proposal<words>& p) {
      return std::optional(llm::conversation("Rule.", p.program));
    };
    ledger book;
    auto settings = three_tasks(6);
    settings.threads = threaded ? 2 : 1;
    settings.guard_temperature = 0;
    settings.on_charge = [&](const charge& c) { book.add(c); };
    settings.tag = [](std::size_t task, std::size_t number, std::string_view stage) {
      return task + 10 * number + (stage == "guard" ? 100U : 0U);
    };
    const auto drawn = draw_all(agent<words, client>(model, how, settings), step(6, {1.0}, 2));
    CHECK(drawn.size() == 18);
    for (const auto& [key, d] : drawn) CHECK(d.program == tasks[std::get<0>(key)] + "!");
    const auto sums = book.read();
    CHECK(sums.by_stage.at("propose").requests == 6); // 4 + 2 for each task
    CHECK(sums.by_stage.at("guard").requests == 18);
    CHECK(sums.by_stage.at("guard").used.input == 18 * 7);
    CHECK(sums.total.used.input == model.billed().input);
    CHECK(sums.by_step.size() == 1);
    CHECK(sums.by_task.at(1).requests == 8);
    std::set<std::uint32_t> numbers;
    for (const auto& q : model.asked()) {
      const bool guard = q.messages.messages()[0].text == "Rule.";
      const auto tag = static_cast<std::size_t>(q.tag);
      CHECK(tag / 10 == (guard ? 12 : 2));
      CHECK(q.temperature == (guard ? 0.0 : 1.0));
      if (guard) CHECK(numbers.insert(q.sample).second);
    }
  }
}

TEST_CASE("the guardian may be asked only where a check fails, and may be another model") {
  client model(echo, scripted::priced());
  client cheap([](const llm::chat_request&, std::size_t n) {
    return n == 0 ? reply_of({"mended"}) : reply_of({""}); // the second answer cannot be read
  });
  auto how = plain();
  how.guard = [](const strata::job<words>&, const proposal<words>& p) -> std::optional<llm::conversation> {
    if (p.program != "beta") return std::nullopt;
    return llm::conversation("Rule.", p.program);
  };
  agent<words, client> both(model, how, three_tasks(2), cheap);
  const auto drawn = draw_all(both, step(2));
  CHECK(cheap.asked().size() == 2);
  CHECK(model.asked().size() == 6);
  CHECK(drawn.at({0, 0}).program == "alpha");
  std::multiset<std::string> of_beta{*drawn.at({1, 0}).program, *drawn.at({1, 1}).program};
  CHECK(of_beta == std::multiset<std::string>{"beta", "mended"}); // or else the proposal stands
}

TEST_CASE("repairs go on until the program is good or the rounds are used up") {
  // every turn of the user adds a letter
  client model(
      [](const llm::chat_request& q, auto) {
        std::string word(q.messages.messages().size() / 2, 'a');
        return reply_of(std::vector<std::string>(q.n, word));
      },
      scripted::priced());
  auto how = plain();
  std::atomic<int> guarded = 0;
  how.guard = [&](const strata::job<words>&, const proposal<words>&) -> std::optional<llm::conversation> {
    ++guarded;
    return std::nullopt;
  };
  how.repairs = 3;
  how.repair = [](const strata::job<words>& j, const proposal<words>& p) -> std::optional<llm::conversation> {
    CHECK(p.said == p.program);
    CHECK(p.asked.messages().size() == 2 + 2 * p.repairs);
    if (p.program.size() > j.task_index() * 2) return std::nullopt; // the tasks want 1, 3 and 5 letters
    return p.asked.with({llm::role::assistant, p.said}).with({llm::role::user, "longer"});
  };
  const auto drawn = draw_all(agent<words, client>(model, how, three_tasks(1)), step(1));
  CHECK(drawn.at({0, 0}).program == "a");
  CHECK(drawn.at({1, 0}).program == "aaa");
  CHECK(drawn.at({2, 0}).program == "aaaa"); // three repairs were not enough
  CHECK(guarded == 1 + 3 + 4);
  CHECK(drawn.at({2, 0}).used.input_tokens == 4 * 1001);
  CHECK(model.asked().size() == 8);
}

TEST_CASE("a guardian that is asked the same again after a repair is asked under another number") {
  client model([](const llm::chat_request& q, auto n) {
    return q.messages.messages()[0].text == "Rule." ? llm::outcome(reply_of({"same"})) : echo(q, n);
  });
  auto how = plain();
  how.guard = [](const strata::job<words>&, const proposal<words>&) {
    return std::optional(llm::conversation("Rule.", "same"));
  };
  how.repairs = 2;
  how.repair = [](const strata::job<words>&, const proposal<words>& p) {
    return std::optional(p.asked.with({llm::role::assistant, "x"}).with({llm::role::user, "again"}));
  };
  draw_all(agent<words, client>(model, how, three_tasks(2)), step(2, {0.5, 1.0}));
  std::set<std::pair<double, std::uint32_t>> numbers;
  std::size_t asked = 0;
  for (const auto& q : model.asked())
    if (q.messages.messages()[0].text == "Rule.") {
      ++asked;
      numbers.emplace(*q.temperature, q.sample);
    }
  CHECK(asked == 36);
  CHECK(numbers.size() == 36);
}

TEST_CASE("a model that is stopped ends the step in order") {
  for (const auto kind :
       {llm::failure_kind::budget, llm::failure_kind::configuration, llm::failure_kind::declined}) {
    client model(
        [kind](const llm::chat_request& q, std::size_t n) -> llm::outcome {
          if (n >= 4) return llm::failure{.kind = kind, .message = "no more"};
          return echo(q, n);
        },
        scripted::priced());
    int told = 0;
    auto settings = three_tasks(10);
    settings.on_stopped = [&](const llm::failure* why) {
      ++told;
      REQUIRE(why != nullptr);
      CHECK(why->message == "no more");
    };
    agent<words, client> single(model, plain(), settings);
    const auto drawn = draw_all(single, step(10));
    CHECK(drawn.size() == 4); // what was answered; the rest is left out, not failed
    CHECK(model.asked().size() == 5);
    CHECK(told == 1);
    REQUIRE(single.stopped());
    CHECK(single.stopped()->kind == kind);
  }
}

TEST_CASE("a sink that wants no more ends the step, and improve counts what was left out") {
  client model(echo, scripted::priced(), true);
  int told = 0;
  auto settings = three_tasks(50);
  settings.on_stopped = [&](const llm::failure* why) { told += why == nullptr ? 1 : 100; };
  agent<words, client> single(model, plain(), settings);
  std::stop_source stop;
  stop.request_stop();
  CHECK(draw_all(single, step(50), stop.get_token()).empty());
  CHECK(model.asked().empty());
  const step s(50);
  std::atomic<int> got = 0;
  auto take = [&](const strata::job<words>&, strata::draw<words>&&) { return ++got < 5; };
  single.sample(s.batch.jobs(), strata::sink<words>(take));
  CHECK(got >= 5);
  CHECK(told == 1);
  CHECK(!single.stopped());
}

TEST_CASE("functions that throw end the run, after all requests have come back") {
  client model(echo, scripted::priced(), true);
  auto how = plain();
  how.read = [](const strata::job<words>& j, const llm::choice& c) -> reading<words> {
    if (j.task_index() == 1) throw std::runtime_error("broken");
    return {c.text, ""};
  };
  auto settings = three_tasks(5);
  settings.threads = 2;
  CHECK_THROWS_WITH(draw_all(agent<words, client>(model, how, settings), step(5)), "broken");
  CHECK_THROWS_AS(draw_all(agent<words, client>(model, plain(), three_tasks(4)), step(5)),
                  std::invalid_argument);
  CHECK_THROWS_AS((agent<words, client>(model, {}, three_tasks(4))), std::invalid_argument);
  CHECK_THROWS_AS((agent<words, client>(model, plain(), {})), std::invalid_argument);
}

TEST_CASE("where prompts are cached one guardian goes ahead of the others") {
  const auto is_guard = [](const llm::chat_request& q) {
    return q.messages.messages()[0].text.starts_with("Rule.");
  };
  client* self = nullptr;
  std::atomic<std::size_t> before_first = 0;
  client model(
      [&](const llm::chat_request& q, auto n) {
        if (!is_guard(q)) return echo(q, n);
        if (before_first == 0) {
          std::this_thread::sleep_for(std::chrono::milliseconds(5)); // time for others, if they were sent
          for (const auto& other : self->asked()) before_first += is_guard(other) ? 1U : 0U;
        }
        return llm::outcome(reply_of({"ok"}));
      },
      scripted::priced(8, llm::caching::marked), true);
  self = &model;
  auto how = plain();
  how.guard = [&](const strata::job<words>&, const proposal<words>& p) {
    return std::optional(llm::conversation("Rule." + std::string(2000, 'x'), p.program));
  };
  const auto drawn = draw_all(agent<words, client>(model, how, three_tasks(9)), step(9));
  CHECK(drawn.size() == 27);
  for (const auto& [key, d] : drawn) CHECK(d.program == "ok");
  CHECK(before_first == 1);
}

TEST_CASE("a function that throws while the client delivers ends the run, too") {
  client model(echo, scripted::priced(8, llm::caching::marked), true);
  auto how = plain();
  how.guard = [](const strata::job<words>&, const proposal<words>& p) {
    return std::optional(llm::conversation("Rule." + std::string(2000, 'x'), p.program));
  };
  auto settings = three_tasks(9);
  std::atomic<int> guards =
      0; // the first goes ahead, the others are sent by the thread that brings its answer
  settings.tag = [&](std::size_t, std::size_t, std::string_view stage) -> std::uint64_t {
    if (stage == guard_stage && guards++ > 0) throw std::runtime_error("no tag");
    return 0;
  };
  CHECK_THROWS_WITH(draw_all(agent<words, client>(model, how, settings), step(9)), "no tag");
}

TEST_CASE("an agent in a run, with equal results on one and on many threads") {
  const auto run = [](bool threaded, std::size_t threads) {
    client model(
        [](const llm::chat_request& q, auto) {
          std::vector<std::string> out;
          for (std::uint32_t i = 0; i < q.n; ++i)
            out.push_back((q.sample + i) % 7 == 3 ? q.messages.messages().back().text : "wrong");
          return reply_of(out);
        },
        scripted::priced(4), threaded);
    auto settings = three_tasks(4);
    settings.threads = threads;
    agent<words, client> single(model, plain(), settings);
    struct {
      strata::verdict verify(const std::string& t, const std::string& p) const { return {.passed = t == p}; }
    } verifier;
    auto report = strata::improve<words>(tasks, single, verifier,
                                         {.sampling = {.samples = 4, .temperatures = {0.5}}}, {.steps = 6});
    for (auto& s : report.steps) s.seconds = 0;
    return std::tuple(report.steps, report.open, report.samples);
  };
  const auto first = run(false, 1);
  CHECK(std::get<2>(first) > 0);
  CHECK(std::get<1>(first).size() < 3);
  auto same = run(true, 3);
  for (std::size_t i = 0; i < std::get<0>(first).size(); ++i)
    std::get<0>(same)[i].used.cost_usd = std::get<0>(first)[i].used.cost_usd; // a sum of doubles
  CHECK(same == first);
}
