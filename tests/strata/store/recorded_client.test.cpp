// SPDX-License-Identifier: MIT
#include "strata/store/recorded_client.hpp"

#include "strata/llm/fan_out.hpp"
#include "strata/store/fixture.hpp"

#include <set>

using namespace store_test;
using store::mode;
using store::recorded_client;
using store::recorder;
using store::replaying_client;
using store::run_store;

namespace {

/// One outcome after the other.
template <class C>
std::vector<llm::outcome> ask_all(C client, const std::vector<llm::chat_request>& questions) {
  std::vector<llm::outcome> all;
  for (const llm::chat_request& q : questions) all.push_back(llm::ask_and_wait(client, q));
  return all;
}

llm::outcome full(const llm::chat_request& q) { return texts(q, q.n); }

/// Every range that was asked for, as "prompt first+n".
std::string ranges(const scripted& model) {
  std::string line;
  for (const llm::chat_request& q : model.asked())
    line += (line.empty() ? "" : " ") + q.messages.messages().back().text + std::to_string(q.sample) + "+" +
            std::to_string(q.n);
  return line;
}

std::uint64_t output_of(const llm::outcome& o) { return o.ok() ? o.reply().used.output : 0; }

} // namespace

TEST_CASE("recorded client: the first run asks, the next ones are served, byte for byte") {
  const temporary_directory dir;
  const std::vector<llm::chat_request> questions = {question("a"), question("a", 1), question("b", 0, 3)};
  std::vector<llm::outcome> first;
  {
    run_store runs(dir.file(), mode::create);
    recorder record(runs);
    scripted model(full);
    first = ask_all(recorded_client(record, model), questions);
    CHECK(first[2].reply().choices.size() == 3);
    CHECK(ranges(model) == "a0+1 a1+1 b0+3");
  }
  {
    run_store runs(dir.file(), mode::resume, quick());
    recorder record(runs);
    scripted model([](const auto&) -> llm::outcome { throw 1; });
    CHECK(ask_all(recorded_client(record, model), questions) == first);
    CHECK(model.asked().empty());
    record.wait(); // counters are published after the delivery
    CHECK(record.counters().served == 3);
    CHECK(record.counters().repeats == 0);
  }
  run_store runs(dir.file(), mode::read);
  recorder record(runs);
  CHECK(ask_all(replaying_client(record, scripted(full).model()), questions) == first);
}

TEST_CASE("recorded client: every field survives") {
  const temporary_directory dir;
  llm::reply r;
  r.choices = {{.text = "x\n\xc3\xa4 \"'", .why = llm::finish::length, .native_finish = "max", .refusal = ""},
               {.text = "", .why = llm::finish::refusal, .native_finish = "filter", .refusal = "no"},
               {.text = std::string(100'000, 'z'), .why = llm::finish::other}};
  r.used = {.input = 1ULL << 40U,
            .cached = 2,
            .cache_write = 3,
            .cache_write_hour = 4,
            .output = 5,
            .reasoning = 6,
            .known = false,
            .cost_usd = 0.1 + 0.2};
  r.id = "id";
  r.model = "model-2";
  r.request_id = "req";
  r.fingerprint = "fp";
  r.attempts = 7;
  r.seconds = std::chrono::duration<double>(1.0 / 3);
  const llm::failure f{.kind = llm::failure_kind::bad_request,
                       .message = "no",
                       .status = 400,
                       .code = "c",
                       .parameter = "p",
                       .request_id = "r",
                       .body = "b",
                       .may_be_billed = true,
                       .retry_after = std::chrono::milliseconds(5),
                       .should_retry = false};
  const auto answer = [&](const llm::chat_request& q) -> llm::outcome {
    return q.sample == 0 ? llm::outcome(r) : llm::outcome(f);
  };
  for (const mode how : {mode::create, mode::resume}) {
    run_store runs(dir.file(), how, quick());
    recorder record(runs);
    recorded_client client(record, scripted(answer));
    CHECK(llm::ask_and_wait(client, question("p", 0, 3)).reply() == r);
    CHECK(llm::ask_and_wait(client, question("p", 3, 1)).failure() == f);
  }
}

TEST_CASE("recorded client: prompts and parameters are told apart, samples of one prompt as well") {
  const temporary_directory dir;
  run_store runs(dir.file(), mode::create, quick());
  recorder record(runs);
  int number = 0;
  scripted model([&](const llm::chat_request&) {
    llm::reply r;
    r.choices = {{.text = std::to_string(number++)}};
    return r;
  });
  recorded_client client(record, model);
  recorded_client other(record, model, "other name");
  llm::chat_request warm = question("a");
  warm.temperature = 1;
  const std::vector<llm::chat_request> different = {question("a"), question("a", 1), question("b"), warm};
  for (int round = 0; round < 2; ++round) {
    std::string seen;
    for (const llm::outcome& o : ask_all(client, different)) seen += shown(o);
    CHECK(seen == "0123");
  }
  CHECK(shown(llm::ask_and_wait(other, question("a"))) == "4");
  record.wait();
  CHECK(record.counters().repeats == 4);
}

TEST_CASE("recorded client: other groupings find the same samples and ask for missing ones only") {
  const temporary_directory dir;
  run_store runs(dir.file(), mode::create, quick());
  recorder record(runs);
  scripted model(full);
  recorded_client client(record, model);
  const auto before = ask_all(client, {question("a", 2, 2), question("a", 6, 1)});
  const llm::outcome all = llm::ask_and_wait(client, question("a", 0, 8));
  CHECK(shown(all) == "a#0 a#1 a#2 a#3 a#4 a#5 a#6 a#7");
  CHECK(ranges(model) == "a2+2 a6+1 a0+2 a4+2 a7+1");
  // what it cost is delivered once
  CHECK(output_of(before[0]) + output_of(before[1]) + output_of(all) == runs.totals().used.output);
  CHECK(output_of(llm::ask_and_wait(client, question("a", 3, 3))) == 0);
  CHECK(model.asked().size() == 5);
}

TEST_CASE("recorded client: a new grouping after a resume gets shares that add up to what was paid") {
  const temporary_directory dir;
  {
    run_store runs(dir.file(), mode::create, quick());
    recorder record(runs);
    ask_all(recorded_client(record, scripted(full)), {question("a", 0, 8)});
  }
  run_store runs(dir.file(), mode::resume, quick());
  recorder record(runs);
  scripted model(full);
  llm::token_usage sum;
  for (const llm::outcome& o : ask_all(recorded_client(record, model),
                                       {question("a", 0, 3), question("a", 3, 1), question("a", 4, 4)}))
    sum += o.reply().used;
  CHECK(sum == runs.totals().used);
  CHECK(model.asked().empty());
}

TEST_CASE("recorded client: missing parts get seeds of their own") {
  const temporary_directory dir;
  run_store runs(dir.file(), mode::create, quick());
  recorder record(runs);
  scripted model(full);
  recorded_client client(record, model);
  llm::chat_request q = question("a", 2, 2);
  q.seed = 77;
  ask_all(client, {q, [&] {
                     llm::chat_request wide = q;
                     wide.sample = 0;
                     wide.n = 8;
                     return wide;
                   }()});
  const auto asked = model.asked();
  REQUIRE(asked.size() == 3);
  CHECK(asked[0].seed == 77U);
  CHECK(asked[1].seed == 77U);
  CHECK(asked[2].sample == 4);
  CHECK(asked[2].seed != 77U);
  CHECK(*asked[2].seed < (1ULL << 31U));
}

TEST_CASE("recorded client: equal requests under way are asked once") {
  const temporary_directory dir;
  run_store runs(dir.file(), mode::create, quick());
  recorder record(runs);
  scripted model(full, true);
  recorded_client client(record, model);
  std::mutex mutex;
  std::vector<std::string> seen;
  const auto note = [&](const llm::outcome& o) {
    const std::scoped_lock lock(mutex);
    seen.push_back(shown(o));
  };
  client.submit(question("a", 0, 4), note);
  client.submit(question("a", 0, 4), note);
  client.submit(question("a", 2, 4), note);
  client.submit(question("a", 3, 1), note);
  model.release(1); // 0..3
  model.release(1); // 4..5
  record.wait();
  CHECK(ranges(model) == "a0+4 a4+2");
  CHECK(std::multiset<std::string>(seen.begin(), seen.end()) ==
        std::multiset<std::string>{"a#0 a#1 a#2 a#3", "a#0 a#1 a#2 a#3", "a#2 a#3 a#4 a#5", "a#3"});
  CHECK(record.counters().stored == 2);
}

TEST_CASE("recorded client: when the one under way fails, who waits asks for itself") {
  const temporary_directory dir;
  run_store runs(dir.file(), mode::create, quick());
  recorder record(runs);
  bool up = false;
  scripted model(
      [&](const llm::chat_request& q) {
        return std::exchange(up, true) ? full(q)
                                       : llm::failure{.kind = llm::failure_kind::cancelled, .message = "x"};
      },
      true);
  recorded_client client(record, model);
  std::vector<std::string> seen;
  const auto note = [&](const llm::outcome& o) { seen.push_back(shown(o)); };
  client.submit(question("a"), note);
  client.submit(question("a"), note);
  model.release(1);
  model.release(1);
  record.wait();
  CHECK(seen == std::vector<std::string>{"cancelled: x", "a#0"});
}

TEST_CASE("recorded client: a short reply stays as it was, too many choices are cut") {
  const temporary_directory dir;
  const auto answer = [](const llm::chat_request& q) {
    return texts(q, q.sample == 0 ? 5 : q.sample == 5 ? 1 : q.sample == 20 ? 9 : q.n);
  };
  const std::vector<llm::chat_request> questions = {question("a", 0, 8), question("a", 5, 3),
                                                    question("a", 6, 2), question("a", 20, 4)};
  std::vector<llm::outcome> first;
  for (const mode how : {mode::create, mode::resume, mode::read}) {
    run_store runs(dir.file(), how, quick());
    recorder record(runs);
    const auto all = how == mode::read
                         ? ask_all(replaying_client(record, scripted(answer).model()), questions)
                         : ask_all(recorded_client(record, scripted(answer)), questions);
    if (how == mode::create) first = all;
    CHECK(all == first);
    CHECK(shown(all[0]) == "a#0 a#1 a#2 a#3 a#4");
    CHECK(shown(all[3]) == "a#20 a#21 a#22 a#23");
  }
}

TEST_CASE("recorded client: replies without choices are paid, and come in the same order again") {
  const temporary_directory dir;
  int asked = 0;
  const auto answer = [&](const llm::chat_request& q) { return texts(q, ++asked <= 2 ? 0 : q.n); };
  const std::vector<llm::chat_request> again(3, question("a", 0, 2));
  std::vector<llm::outcome> first;
  for (const mode how : {mode::create, mode::resume, mode::read}) {
    run_store runs(dir.file(), how, quick());
    recorder record(runs);
    const auto all = how == mode::read ? ask_all(replaying_client(record, scripted(answer).model()), again)
                                       : ask_all(recorded_client(record, scripted(answer)), again);
    if (how == mode::create) first = all;
    CHECK(all == first);
    CHECK(asked == 3);
  }
  // in another grouping they are at least counted
  run_store runs(dir.file(), mode::resume, quick());
  recorder record(runs);
  llm::token_usage sum;
  for (const llm::outcome& o :
       ask_all(recorded_client(record, scripted(answer)), {question("a"), question("a", 1)}))
    sum += o.reply().used;
  CHECK(sum == runs.totals().used);
}

TEST_CASE("recorded client: failures that a run goes on after are part of it, others are not") {
  const temporary_directory dir;
  using kind = llm::failure_kind;
  const std::vector<kind> kinds = {
      kind::connection,   kind::timeout,       kind::malformed, kind::rate_limited, kind::overloaded,
      kind::server_error, kind::bad_request,   kind::too_large, kind::expired,      kind::cancelled,
      kind::declined,     kind::configuration, kind::budget};
  const auto fail = [&](const llm::chat_request& q) -> llm::outcome {
    return llm::failure{.kind = kinds.at(q.sample), .message = "first run"};
  };
  std::vector<llm::chat_request> questions;
  for (std::uint32_t i = 0; i < kinds.size(); ++i) questions.push_back(question("a", i));
  {
    run_store runs(dir.file(), mode::create, quick());
    recorder record(runs);
    for (const llm::outcome& o : ask_all(recorded_client(record, scripted(fail)), questions)) CHECK(!o.ok());
    CHECK(runs.totals().failures == 8);
  }
  {
    run_store runs(dir.file(), mode::resume, quick());
    recorder record(runs);
    scripted model(full);
    ask_all(recorded_client(record, model), questions);
    CHECK(ranges(model) == "a3+1 a9+1 a10+1 a11+1 a12+1");
  }
  {
    run_store runs(dir.file(), mode::resume, quick());
    recorder record(runs, {.ask_failed_again = true});
    scripted model(full);
    ask_all(recorded_client(record, model), questions);
    CHECK(model.asked().size() == 8);
    CHECK(runs.totals().failures == 0);
    CHECK(runs.totals().samples == kinds.size());
  }
}

TEST_CASE("recorded client: a server that asks to come back later has not refused for good") {
  CHECK(store::is_stored({.kind = llm::failure_kind::overloaded}));
  CHECK(!store::is_stored({.kind = llm::failure_kind::overloaded, .retry_after = std::chrono::hours(1)}));
}

TEST_CASE("recorded client: what was paid stays, whatever prices become") {
  const temporary_directory dir;
  scripted model(full);
  model.profile().prices = {{.input = 3, .cached = 1, .output = 15}};
  const double paid = *model.model().cost(texts(question("a"), 1).used, std::chrono::system_clock::now());
  {
    run_store runs(dir.file(), mode::create, quick());
    recorder record(runs);
    CHECK(ask_all(recorded_client(record, model), {question("a")})[0].reply().used.cost_usd == paid);
  }
  model.profile().prices[0].output = 1000;
  run_store runs(dir.file(), mode::resume, quick());
  recorder record(runs);
  const auto all = ask_all(recorded_client(record, model), {question("a"), question("a", 0)});
  CHECK(all[0].reply().used.cost_usd == paid);
  CHECK(!all[1].reply().used.cost_usd);
  CHECK(*runs.totals().used.cost_usd == doctest::Approx(paid));
}

TEST_CASE("replaying client: names the first request that is missing") {
  const temporary_directory dir;
  std::uint64_t tag = 0;
  {
    run_store runs(dir.file(), mode::create, quick());
    recorder record(runs);
    ask_all(recorded_client(record, scripted(full)), {question("a", 0, 2)});
    tag = runs.tag({.task = "STeP/gemm", .step = 2, .stage = "guardian"});
  }
  run_store runs(dir.file(), mode::read);
  recorder record(runs);
  llm::chat_request q = question("a", 1, 2);
  q.tag = tag;
  const auto all =
      ask_all(replaying_client(record, scripted(full).model()), {q, question("b"), question("a", 1)});
  CHECK(all[0].failure().kind == llm::failure_kind::configuration);
  CHECK(record.missing() == all[0].failure().message);
  for (const char* part : {"sample 1 of request", "test:scripted", "task STeP/gemm, step 2, guardian"})
    CHECK_MESSAGE(record.missing()->find(part) != std::string::npos, *record.missing());
  CHECK(!all[1].ok());
  CHECK(all[2].ok());
  llm::model_profile unknown;
  unknown.spec = "never:used";
  CHECK(!ask_all(replaying_client(record, unknown), {question("a")})[0].ok());
  CHECK(error_of([&] { recorded_client(record, scripted(full)); }).kind() == store::store_problem::read_only);
}

TEST_CASE("recorded client: what is open when the recorder ends is cancelled, late replies do no harm") {
  const temporary_directory dir;
  scripted model(full, true);
  std::vector<std::string> seen;
  const auto note = [&](const llm::outcome& o) { seen.push_back(shown(o)); };
  run_store runs(dir.file(), mode::create, quick());
  auto record = std::make_unique<recorder>(runs);
  recorded_client client(*record, model);
  client.submit(question("a", 0, 2), note);
  client.submit(question("a", 1, 1), note); // waits
  while (model.asked().empty()) ::usleep(100);
  record.reset();
  CHECK(seen == std::vector<std::string>(2, "cancelled: the run store was closed"));
  model.release(1);
  client.submit(question("b"), note);
  CHECK(seen.size() == 3);
  CHECK(runs.totals().replies == 0);
}

TEST_CASE("recorded client: done may submit, a thousand levels deep and from many threads") {
  const temporary_directory dir;
  run_store runs(dir.file(), mode::create, quick());
  recorder record(runs);
  recorded_client client(record, scripted(full));
  std::atomic<int> done = 0;
  std::function<void(std::uint32_t)> chain = [&](std::uint32_t i) {
    client.submit(question("chain", i), [&, i](const llm::outcome&) {
      ++done;
      CHECK(runs.tag({.task = "c", .step = i % 7, .stage = ""}) > 0);
      if (i < 1000) chain(i + 1);
    });
  };
  chain(0);
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < 250; ++i)
        client.submit(question("thread", 250 * t + i),
                      [&](const llm::outcome& o) { done += o.ok() ? 1 : 0; });
      CHECK(runs.tag({.task = "t", .step = t, .stage = ""}) > 0);
    });
  for (std::thread& t : threads) t.join();
  record.wait();
  CHECK(done == 2001);
  CHECK(runs.totals().samples == 2001);
  CHECK(runs.problems().empty());
}

TEST_CASE("fan_out over a recorded client: samples of a resumed run are those of the first") {
  const temporary_directory dir;
  std::atomic<int> nonce = 0;
  const auto answer = [&](const llm::chat_request& q) {
    llm::reply r = texts(q, q.sample % 5 == 3 ? 1 : q.sample % 7 == 4 ? (q.n + 1) / 2 : q.n);
    for (llm::choice& c : r.choices) c.text += "/" + std::to_string(nonce++);
    return r;
  };
  const auto run = [&](auto client) {
    std::map<std::pair<std::size_t, std::uint32_t>, std::string> samples;
    std::vector<llm::sample_order> orders;
    for (const char* p : {"a", "b", "c"}) orders.push_back({.question = question(p), .count = 50});
    std::promise<void> all;
    llm::fan_out(
        client, orders, {.per_request = 8},
        [&](std::size_t order, std::uint32_t first, std::uint32_t, const llm::outcome& o) {
          for (std::uint32_t i = 0; i < o.reply().choices.size(); ++i)
            samples[{order, first + i}] = o.reply().choices[i].text;
        },
        [&] { all.set_value(); });
    all.get_future().wait();
    return samples;
  };
  std::map<std::pair<std::size_t, std::uint32_t>, std::string> first;
  {
    run_store runs(dir.file(), mode::create, quick());
    recorder record(runs);
    first = run(recorded_client(record, scripted(answer)));
    CHECK(first.size() == 150);
  }
  run_store runs(dir.file(), mode::read);
  recorder record(runs);
  CHECK(run(replaying_client(record, scripted(answer).model())) == first);
  CHECK(!record.missing());
}

namespace {

/// A server that takes no temperature, behind a client that finds that out at the first request.
struct picky {
  recorder& record;
  llm::adaptation learnt{};
  bool lied = false; ///< its first request was served nevertheless

  llm::outcome operator()(const llm::chat_request& q) {
    if (lied) {
      lied = false;
      return full(q);
    }
    llm::capabilities takes;
    takes.max_n = 8;
    if (learnt.empty()) {
      REQUIRE(learnt.add("without temperature", takes));
      record.adapt("test:scripted", learnt.text());
    }
    llm::capabilities now;
    now.max_n = 8;
    learnt.apply(now);
    llm::outcome o = full(q);
    o.reply().changed = llm::changed_parameters(takes = llm::capabilities{}, now, q);
    return o;
  }
};

llm::chat_request warm(const std::string& prompt, std::uint32_t first, std::uint32_t n = 1) {
  auto q = question(prompt, first, n);
  q.temperature = 0.8;
  return q;
}

} // namespace

TEST_CASE("recorded client: what a server does not take is part of the key, and known to the next run") {
  const temporary_directory dir;
  const std::vector<llm::chat_request> questions = {warm("a", 0), question("a", 1), warm("a", 2, 3),
                                                    warm("b", 0)};
  std::vector<llm::outcome> first;
  {
    run_store runs(dir.file(), mode::create, quick());
    recorder record(runs);
    CHECK(record.learnt("test:scripted").empty());
    scripted model(picky{record, {}, true}); // the first request went through as asked
    first = ask_all(recorded_client(record, model), questions);
    for (const llm::outcome& o : first) REQUIRE(o.ok());
  }
  const auto same_answers = [&](const std::vector<llm::outcome>& again) {
    REQUIRE(again.size() == first.size());
    for (std::size_t i = 0; i < first.size(); ++i) CHECK(again[i] == first[i]);
  };
  SUBCASE("resumed, nothing is asked") {
    run_store runs(dir.file(), mode::resume, quick());
    recorder record(runs);
    CHECK(record.learnt("test:scripted") == "without temperature\n");
    scripted model([](const auto&) -> llm::outcome { throw 1; });
    same_answers(ask_all(recorded_client(record, model), questions));
    CHECK(model.asked().empty());
  }
  SUBCASE("resumed with a catalogue that knows it by now, too") {
    run_store runs(dir.file(), mode::resume, quick());
    recorder record(runs);
    scripted model([](const auto&) -> llm::outcome { throw 1; });
    model.profile().takes.temperature = false;
    same_answers(ask_all(recorded_client(record, model), questions));
    CHECK(model.asked().empty());
  }
  SUBCASE("replayed, everything is found") {
    run_store runs(dir.file(), mode::read);
    recorder record(runs);
    same_answers(ask_all(replaying_client(record, scripted(full).model()), questions));
  }
  SUBCASE("the rest of a request that was answered in another form is asked for, and both are found") {
    run_store runs(dir.file(), mode::resume, quick());
    recorder record(runs);
    scripted model(picky{record, llm::adaptation::read(record.learnt("test:scripted"))});
    const auto o =
        llm::ask_and_wait(*std::make_unique<recorded_client<scripted>>(record, model), warm("a", 0, 5));
    CHECK(shown(o) == "a#0 a#1 a#2 a#3 a#4"); // 0 as asked, 1 never asked at this temperature, 2 to 4 without
    CHECK(ranges(model) == "a1+1");
  }
  SUBCASE("in a store that does not know it, they are other requests") {
    {
      run_store runs(dir.file(), mode::resume, quick());
      runs.set("adaptation test:scripted", "");
    }
    run_store runs(dir.file(), mode::resume, quick());
    recorder record(runs);
    scripted model(full);
    (void)ask_all(recorded_client(record, model), questions);
    CHECK(ranges(model) == "a2+3 b0+1");
  }
}
