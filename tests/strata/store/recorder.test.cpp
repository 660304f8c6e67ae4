// SPDX-License-Identifier: MIT
// Properties: whatever was asked, a run that is resumed after any number of requests goes on as if it had not
// been interrupted, asks for nothing twice, and counts the same tokens and the same money.
#include "strata/store/recorder.hpp"

#include "strata/store/fixture.hpp"

using namespace store_test;
using store::mode;

namespace {

/// A server that remembers what it was asked across sessions: the same question gets another answer each
/// time, so that asking twice shows.
struct server {
  explicit server(std::uint64_t s, bool faults) : seed(s), faulty(faults) {}

  llm::outcome operator()(const llm::chat_request& q) {
    const std::string prompt = q.messages.messages().back().text;
    const int attempt = asked[{prompt, q.sample, q.n}]++;
    ++requests;
    strata::random_stream random({seed, static_cast<std::uint32_t>(prompt[0]), q.sample,
                                  q.n * 100 + static_cast<std::uint32_t>(attempt)});
    const double fate = faulty ? random.unit() : 1;
    if (fate < 0.1)
      return llm::failure{.kind = llm::failure_kind::server_error,
                          .message = "attempt " + std::to_string(attempt)};
    llm::reply r = texts(q, fate < 0.2   ? 0
                            : fate < 0.5 ? static_cast<std::uint32_t>(random.below(q.n))
                                         : q.n);
    for (llm::choice& c : r.choices) c.text += "/" + std::to_string(attempt);
    r.id += "/" + std::to_string(attempt);
    r.used.output = random.below(1000);
    r.used.known = !random.chance(0.1);
    return r;
  }

  std::uint64_t seed;
  bool faulty;
  std::map<std::tuple<std::string, std::uint32_t, std::uint32_t>, int> asked;
  int requests = 0;
};

/// Asks for blocks of samples in random order, and again for what did not come.
template <class C> std::vector<llm::outcome> blocks(C client, std::uint64_t seed, std::size_t most) {
  std::vector<llm::outcome> all;
  std::vector<std::pair<char, std::uint32_t>> order;
  for (const char p : {'a', 'b'})
    for (std::uint32_t block = 0; block < 4; ++block) order.emplace_back(p, block * 4);
  strata::random_stream random({.seed = seed});
  random.shuffle(std::span(order));
  for (const auto& [prompt, first] : order) {
    std::uint32_t got = 0;
    for (int round = 0; round < 4 && got < 4; ++round) {
      if (all.size() == most) return all;
      all.push_back(llm::ask_and_wait(client, question({prompt}, first + got, 4 - got)));
      if (!all.back().ok()) break;
      got += static_cast<std::uint32_t>(all.back().reply().choices.size());
    }
  }
  return all;
}

/// Asks for any ranges, overlapping ones and the same again.
template <class C> std::vector<llm::outcome> ranges(C client, std::uint64_t seed, std::size_t most) {
  std::vector<llm::outcome> all;
  strata::random_stream random({.seed = seed});
  for (int i = 0; i < 20 && all.size() < most; ++i) {
    const std::string prompt(1, static_cast<char>('a' + random.below(2)));
    const auto first = static_cast<std::uint32_t>(random.below(12));
    all.push_back(
        llm::ask_and_wait(client, question(prompt, first, 1 + static_cast<std::uint32_t>(random.below(6)))));
  }
  return all;
}

template <class Workload> void same_after_any_interruption(std::uint64_t seed, bool faults, Workload work) {
  constexpr std::size_t all = 1000;
  const auto session = [&](const fs::path& file, mode how, server& s, std::size_t most) {
    store::run_store runs(file, how, quick());
    store::recorder record(runs);
    scripted model([&s](const llm::chat_request& q) { return s(q); });
    return how == mode::read ? work(store::replaying_client(record, model.model()), seed, most)
                             : work(store::recorded_client(record, model), seed, most);
  };
  const temporary_directory dir;
  server first(seed, faults);
  const auto expected = session(dir.path / "whole", mode::create, first, all);
  const store::usage_row paid = store::run_store(dir.path / "whole", mode::read).totals();
  strata::random_stream random({.seed = seed + 1});
  for (int i = 0; i < 3; ++i) {
    const std::size_t cut = random.below(expected.size() + 1);
    const fs::path file = dir.path / ("cut" + std::to_string(i));
    server second(seed, faults);
    session(file, mode::create, second, cut);
    session(file, mode::resume, second, cut / 2); // interrupted while it catches up
    CHECK(session(file, mode::resume, second, all) == expected);
    CHECK(second.requests == first.requests);
    CHECK(session(file, mode::read, second, all) == expected);
    CHECK(store::run_store(file, mode::read).totals().used == paid.used);
  }
  llm::token_usage ledger;
  for (const llm::outcome& o : expected)
    if (o.ok()) ledger += o.reply().used;
  CHECK(ledger == paid.used);
}

} // namespace

TEST_CASE("recorder: interrupted anywhere, a run with short, empty and failed replies is the same") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    same_after_any_interruption(seed, true, [](auto client, std::uint64_t s, std::size_t most) {
      return blocks(std::move(client), s, most);
    });
  }
}

TEST_CASE("recorder: interrupted anywhere, a run with overlapping requests is the same") {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    same_after_any_interruption(seed, false, [](auto client, std::uint64_t s, std::size_t most) {
      return ranges(std::move(client), s, most);
    });
  }
}

TEST_CASE("recorder: replies that arrive together share a commit") {
  const temporary_directory dir;
  store::run_store runs(dir.file(), mode::create, quick());
  store::recorder record(runs);
  scripted model([](const llm::chat_request& q) { return texts(q, q.n); }, true);
  store::recorded_client client(record, model);
  for (std::uint32_t i = 0; i < 2000; ++i) client.submit(question("a", i), {});
  model.release(2000);
  record.wait();
  const store::recorder_counters count = record.counters();
  CHECK(count.stored == 2000);
  CHECK(count.commits < 200);
  CHECK(count.delivered == 2000);
  CHECK(count.asked == 2000);
  CHECK(runs.totals().samples == 2000);
}
