// SPDX-License-Identifier: MIT
// Another program holds the lock of the store: what was paid for is kept until it can be written.
#include "strata/store/recorder.hpp"

#include "strata/store/fixture.hpp"

#include <chrono>
#include <mutex>
#include <thread>

using namespace store_test;
using namespace std::chrono_literals;
using store::mode;

namespace {

store::store_settings impatient() {
  auto s = quick();
  s.lock_wait = 10ms;
  return s;
}

/// The lock that any program takes which writes.
struct foreign_lock {
  explicit foreign_lock(const fs::path& file) : db(file, file.string(), SQLITE_OPEN_READWRITE) {
    db.run("BEGIN IMMEDIATE");
  }
  ~foreign_lock() { db.attempt("COMMIT"); }
  store::detail::database db;
};

struct notices {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::function<void(const std::string&)> taker() {
    return [this](const std::string& line) {
      const std::scoped_lock lock(mutex);
      lines.push_back(line);
    };
  }
  [[nodiscard]] std::size_t count() {
    const std::scoped_lock lock(mutex);
    return lines.size();
  }
};

struct counted {
  std::atomic<int> ok{0}, failed{0};
  std::mutex mutex;
  std::string why;
  template <class C> void ask(C& client, std::uint32_t sample) {
    client.submit(question("a", sample), [this](const llm::outcome& o) {
      ++(o.ok() ? ok : failed);
      const std::scoped_lock lock(mutex);
      if (!o.ok()) why = shown(o);
    });
  }
};

} // namespace

TEST_CASE(
    "recorder: replies that arrive while another program holds the lock are kept, stored and delivered") {
  const temporary_directory dir;
  notices said;
  std::atomic<int> asked = 0;
  const auto answer = [&](const llm::chat_request& q) {
    ++asked;
    return texts(q, q.n);
  };
  {
    store::run_store runs(dir.file(), mode::create, impatient());
    store::recorder record(runs, {.notice = said.taker()});
    scripted model(answer);
    store::recorded_client client(record, model);
    counted got;
    for (int round = 0; round < 3; ++round) { // and again, so it goes on writing
      const auto base = static_cast<std::uint32_t>(round * 100);
      {
        const foreign_lock lock(dir.file());
        for (std::uint32_t i = 0; i < 50; ++i) got.ask(client, base + i);
        while (said.count() < static_cast<std::size_t>(2 * round + 1)) std::this_thread::sleep_for(1ms);
        const int before = asked;
        for (std::uint32_t i = 50; i < 60; ++i) got.ask(client, base + i);
        std::this_thread::sleep_for(50ms);
        CHECK(asked == before); // nothing more is asked
        CHECK(got.ok == round * 60);
        CHECK(got.failed == 0);
      }
      record.wait();
      CHECK(got.ok == (round + 1) * 60);
      CHECK(said.count() == static_cast<std::size_t>(2 * round + 2));
    }
    CHECK(got.failed == 0);
    CHECK(!record.error());
    CHECK(asked == 180);
    CHECK(said.lines[0].find("another program has been writing it for too long") != std::string::npos);
    CHECK(said.lines[0].find("kept in memory") != std::string::npos);
    CHECK(said.lines[1].find("can be written again") != std::string::npos);
  }
  store::run_store runs(dir.file(), mode::read, quick());
  CHECK(runs.totals().replies == 180);
  CHECK(runs.problems().empty());
}

TEST_CASE("recorder: a lock that stays when the run ends is waited for, but not without end") {
  const temporary_directory dir;
  counted got;
  notices said;
  scripted model([](const llm::chat_request& q) { return texts(q, q.n); });
  {
    store::run_store runs(dir.file(), mode::create, impatient());
    std::optional<store::recorder> record;
    record.emplace(runs, store::recorder_settings{.notice = said.taker(), .patience_at_end = 100ms});
    store::recorded_client client(*record, model);
    const foreign_lock lock(dir.file());
    for (std::uint32_t i = 0; i < 5; ++i) got.ask(client, i);
    while (said.count() == 0) std::this_thread::sleep_for(1ms);
    record.reset();
    CHECK(got.ok == 0);
    CHECK(got.failed == 5);
    CHECK(got.why.find("another program has been writing it") != std::string::npos);
  }
  store::run_store runs(dir.file(), mode::resume, quick()); // intact
  store::recorder record(runs);
  store::recorded_client client(record, model);
  for (std::uint32_t i = 0; i < 5; ++i) got.ask(client, i);
  record.wait();
  CHECK(got.ok == 5);
}
