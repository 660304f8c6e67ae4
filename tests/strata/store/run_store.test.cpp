// SPDX-License-Identifier: MIT
#include "strata/store/run_store.hpp"

#include "strata/store/fixture.hpp"

#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <sched.h>

using namespace store_test;
using store::mode;
using store::recorded_client;
using store::recorder;
using store::run_store;
using store::store_problem;

namespace {

void sql(const fs::path& file, const char* text) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, text, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

/// First column of all rows, one line each.
std::string rows(const fs::path& file, const char* text) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
  std::string all;
  const int code = sqlite3_exec(
      db, text,
      [](void* to, int columns, char** values, char**) {
        for (int i = 0; i < columns; ++i)
          *static_cast<std::string*>(to) +=
              std::string(i > 0 ? "|" : "") + (values[i] != nullptr ? values[i] : "-");
        *static_cast<std::string*>(to) += '\n';
        return 0;
      },
      &all, nullptr);
  CHECK_MESSAGE(code == SQLITE_OK, sqlite3_errmsg(db));
  sqlite3_close(db);
  return all;
}

void write(const fs::path& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

/// A store with a few replies, closed.
void fill(const fs::path& file, store::store_settings settings = quick()) {
  run_store runs(file, mode::create, std::move(settings));
  recorder record(runs);
  scripted model([](const llm::chat_request& q) -> llm::outcome {
    if (q.messages.messages().back().text == "bad")
      return llm::failure{.kind = llm::failure_kind::bad_request, .message = "too long", .status = 400};
    return texts(q, q.n);
  });
  model.profile().prices = {{.input = 1, .cached = 0.5, .output = 2}};
  recorded_client client(record, model);
  llm::chat_request q = question("a", 0, 2);
  q.tag = runs.tag({.task = "x/one", .step = 0, .stage = "proposer"});
  (void)llm::ask_and_wait(client, q);
  q = question("b", 0, 3);
  q.tag = runs.tag({.task = "x/one", .step = 1, .stage = "guardian"});
  (void)llm::ask_and_wait(client, q);
  q = question("bad");
  q.tag = runs.tag({.task = "x/two", .step = 1, .stage = "proposer"});
  (void)llm::ask_and_wait(client, q);
}

} // namespace

TEST_CASE("run store: metadata and labels last, and say the same to every session") {
  const temporary_directory dir;
  std::uint64_t one = 0, two = 0;
  {
    run_store runs(dir.file(), mode::create, quick());
    CHECK(!runs.get("config"));
    runs.set("config", R"({"seed":1})");
    runs.set("config", R"({"seed":2})");
    one = runs.tag({.task = "t", .step = 1, .stage = "s"});
    two = runs.tag({.task = "t", .step = 2, .stage = "s"});
    CHECK(one != two);
    CHECK(one != 0);
    CHECK(runs.tag({.task = "t", .step = 1, .stage = "s"}) == one);
  }
  {
    run_store runs(dir.file(), mode::resume, quick());
    CHECK(runs.tag({.task = "t", .step = 2, .stage = "s"}) == two);
    CHECK(runs.label_of(one) == store::label{.task = "t", .step = 1, .stage = "s"});
    CHECK(!runs.label_of(99));
  }
  run_store runs(dir.file(), mode::read);
  CHECK(runs.get("config") == R"({"seed":2})");
  CHECK(runs.tag({.task = "t", .step = 1, .stage = "s"}) == one);
  CHECK(runs.tag({.task = "new", .step = 1, .stage = "s"}) == 0);
  CHECK(runs.problems().empty());
  CHECK(error_of([&] { runs.set("config", "x"); }).kind() == store_problem::read_only);
}

TEST_CASE("run store: usage by label and model, in C++ and in the views") {
  const temporary_directory dir;
  fill(dir.file());
  run_store runs(dir.file(), mode::read);
  const auto usage = runs.usage();
  REQUIRE(usage.size() == 3);
  CHECK(usage[0].what == store::label{.task = "x/one", .step = 0, .stage = "proposer"});
  CHECK(usage[0].model == "test:scripted");
  CHECK(usage[0].samples == 2);
  CHECK(usage[0].used.output == 14);
  CHECK(usage[2].failures == 1);
  CHECK(usage[2].replies == 0);
  const store::usage_row all = runs.totals();
  CHECK(all.replies == 2);
  CHECK(all.samples == 5);
  CHECK(all.used.input == 202);
  CHECK(all.used.output == 14 + 21);
  CHECK(all.used.known);
  // 202 input of which 22 cached, 35 output
  CHECK(*all.used.cost_usd == (180.0 + 11 + 70) / 1e6);

  CHECK(rows(dir.file(), "SELECT task, replies, samples, output_tokens FROM usage_by_task") ==
        "x/one|2|5|35\n");
  CHECK(rows(dir.file(), "SELECT step, samples FROM usage_by_step") == "0|2\n1|3\n");
  CHECK(rows(dir.file(), "SELECT stage, samples FROM usage_by_stage") == "guardian|3\nproposer|2\n");
  CHECK(rows(dir.file(), "SELECT model, input_tokens, cost_usd FROM usage_by_model") ==
        "test:scripted|202|0.000261\n");
  CHECK(rows(dir.file(), "SELECT replies, samples, replies_without_cost FROM usage_total") == "2|5|0\n");
  CHECK(rows(dir.file(), "SELECT task, step, stage, sample, text FROM samples WHERE stage = 'guardian'") ==
        "x/one|1|guardian|0|b#0\nx/one|1|guardian|1|b#1\nx/one|1|guardian|2|b#2\n");
  CHECK(rows(dir.file(), "SELECT role, text FROM prompts WHERE request = 2") == "system|system\nuser|b\n");
  CHECK(rows(dir.file(), "SELECT task, kind, status, message FROM failed_requests") ==
        "x/two|bad_request|400|too long\n");
  CHECK(rows(dir.file(), "SELECT count(*) FROM texts") == "4\n"); // the system prompt once
  CHECK(rows(dir.file(), "SELECT ended >= started FROM sessions") == "1\n");
}

TEST_CASE("run store: absurd usage neither wraps nor keeps a run from being resumed") {
  const temporary_directory dir;
  for (const mode how : {mode::create, mode::resume}) {
    run_store runs(dir.file(), how, quick());
    recorder record(runs);
    scripted model([](const llm::chat_request& q) {
      llm::reply r = texts(q, 1);
      r.used = {.input = ~std::uint64_t{0}, .cached = std::uint64_t{1} << 63U, .output = ~std::uint64_t{0}};
      r.used.cost_usd = q.sample % 2 == 0 ? 9.1e6 : 1e300;
      return r;
    });
    recorded_client client(record, model);
    for (std::uint32_t i = 0; i < 8; ++i)
      (void)llm::ask_and_wait(client, question("a", i + (how == mode::create ? 0 : 8)));
    const store::usage_row all = runs.totals();
    CHECK(all.replies == (how == mode::create ? 8 : 16));
    CHECK(all.used.input >= 8 * (llm::largest_count - 1024));
    CHECK(all.used.output >= 8 * (llm::largest_count - 1024));
    CHECK(*all.used.cost_usd >= 9e6);
  }
  CHECK_FALSE(rows(dir.file(), "SELECT * FROM usage_total").empty());
}

TEST_CASE("run store: two runs cannot write it, others may read it meanwhile") {
  const temporary_directory dir;
  run_store runs(dir.file(), mode::create, quick());
  CHECK(error_of([&] { run_store(dir.file(), mode::resume); }).kind() == store_problem::locked);
  CHECK(in_child([&] {
          try {
            run_store second(dir.file(), mode::resume);
          } catch (const store::store_error& e) {
            return e.kind() == store_problem::locked ? 0 : 1;
          }
          return 2;
        }) == 0);
  CHECK(run_store(dir.file(), mode::read).totals().replies == 0);
}

TEST_CASE("run store: another process reads while this one writes") {
  const temporary_directory dir;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t reader = ::fork();
  if (reader == 0) { // before this process has any thread
    char go = 0;
    if (::read(ready[0], &go, 1) != 1) ::_exit(9);
    std::uint64_t seen = 0;
    int grew = 0;
    try {
      run_store runs(dir.file(), mode::read);
      for (int i = 0; i < 100'000 && seen < 3000; ++i) {
        const std::uint64_t now = runs.totals().samples;
        if (now < seen) ::_exit(1); // what was there never goes away
        grew += now > seen ? 1 : 0;
        seen = now;
      }
    } catch (...) {
      ::_exit(2);
    }
    ::_exit(seen == 3000 && grew > 1 ? 0 : 3);
  }
  {
    run_store runs(dir.file(), mode::create, quick());
    recorder record(runs);
    recorded_client client(record, scripted([](const llm::chat_request& q) { return texts(q, q.n); }));
    REQUIRE(::write(ready[1], "x", 1) == 1);
    for (std::uint32_t i = 0; i < 3000; ++i) {
      client.submit(question("a", i), {});
      if (i % 30 == 0) ::usleep(1000);
    }
    record.wait();
    CHECK(!record.error());
    int status = 0;
    ::waitpid(reader, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("run store: what is wrong with a path or a file is said in one line") {
  const temporary_directory dir;
  const auto kind = [&](const char* name, mode how = mode::resume) {
    return error_of([&] { run_store(dir.path / name, how); }).kind();
  };
  CHECK(kind("none") == store_problem::missing);
  CHECK(kind("none", mode::read) == store_problem::missing);
  CHECK(kind("no/dir", mode::create) == store_problem::missing);
  fs::create_directory(dir.path / "folder");
  CHECK(kind("folder") == store_problem::not_a_store);
  CHECK(kind("folder", mode::create) == store_problem::not_a_store);

  write(dir.path / "empty", "");
  CHECK(kind("empty") == store_problem::empty);
  CHECK(kind("empty", mode::read) == store_problem::empty);
  CHECK(run_store(dir.path / "empty", mode::create_or_resume, quick()).totals().replies == 0);
  CHECK(kind("empty", mode::create) == store_problem::exists);
  write(dir.path / "empty again", "");
  fill(dir.path / "empty again"); // nothing is lost by starting there
  CHECK(run_store(dir.path / "empty again", mode::create_or_resume, quick()).totals().replies == 2);

  write(dir.path / "text",
        "this is no database, but it is long enough to have a header\n" + std::string(9000, 'x'));
  for (const mode how : {mode::create, mode::resume, mode::create_or_resume, mode::read})
    CHECK(kind("text", how) == store_problem::not_a_store);
  CHECK(bytes_of(dir.path / "text").substr(0, 10) == "this is no");

  sql(dir.path / "other", "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
  const std::string before = bytes_of(dir.path / "other");
  CHECK(kind("other") == store_problem::not_a_store);
  CHECK(kind("other", mode::create) == store_problem::exists);
  CHECK(kind("other", mode::create_or_resume) == store_problem::not_a_store);
  CHECK(bytes_of(dir.path / "other") == before);

  fill(dir.path / "run");
  CHECK(kind("run", mode::create) == store_problem::exists);
  for (const auto& [change, expected] : std::initializer_list<std::pair<const char*, store_problem>>{
           {"PRAGMA user_version = 2", store_problem::newer_schema},
           {"PRAGMA user_version = 0", store_problem::corrupt},
           {"PRAGMA application_id = 7", store_problem::not_a_store},
           {"CREATE TRIGGER t AFTER INSERT ON replies BEGIN DELETE FROM choices; END",
            store_problem::corrupt},
           {"DROP VIEW usage_total", store_problem::corrupt},
           {"ALTER TABLE choices ADD COLUMN x", store_problem::corrupt}}) {
    fs::copy_file(dir.path / "run", dir.path / "changed", fs::copy_options::overwrite_existing);
    sql(dir.path / "changed", change);
    CHECK_MESSAGE(kind("changed") == expected, change);
    CHECK_MESSAGE(kind("changed", mode::read) == expected, change);
  }
  fs::copy_file(dir.path / "run", dir.path / "mine");
  sql(dir.path / "mine", "CREATE VIEW my_view AS SELECT 1; CREATE TABLE notes (x)"); // own additions are fine
  CHECK(run_store(dir.path / "mine", mode::resume, quick()).totals().replies == 2);
}

TEST_CASE("run store: damaged files end in errors, never in a crash") {
  const temporary_directory dir;
  fill(dir.path / "run");
  const std::string good = bytes_of(dir.path / "run");
  strata::random_stream random({.seed = 4});
  int errors = 0;
  for (int round = 0; round < 150; ++round) {
    std::string bad = good;
    if (round % 3 == 0) {
      bad.resize(random.below(bad.size()));
    } else {
      const std::size_t at = round % 3 == 1 ? random.below(bad.size()) : 0;
      const std::size_t size = std::min<std::size_t>(bad.size() - at, random.below(3000) + 1);
      for (std::size_t i = 0; i < size; ++i) bad[at + i] = static_cast<char>(random());
    }
    write(dir.path / "bad", bad);
    for (const mode how : {mode::read, mode::resume}) {
      try {
        run_store runs(dir.path / "bad", how, quick());
        recorder record(runs);
        store::replaying_client client(record, scripted({}).model());
        for (const char* prompt : {"a", "b", "bad"}) (void)llm::ask_and_wait(client, question(prompt, 0, 2));
        errors += record.error() ? 1 : 0;
        (void)runs.totals();
        errors += runs.problems().empty() ? 0 : 1;
      } catch (const store::store_error& e) {
        ++errors;
        CHECK(std::string(e.what()).find('\n') == std::string::npos);
      }
    }
    for (const char* rest : {"bad-wal", "bad-shm"}) fs::remove(dir.path / rest);
  }
  CHECK(errors > 150);
}

TEST_CASE("run store: a directory that may not be written") {
  const temporary_directory dir;
  fill(dir.file());
  fs::create_directory(dir.path / "fresh");
  fs::create_directory(dir.path / "open");
  // a killed run leaves its log behind
  CHECK(in_child([&] {
          run_store runs(dir.path / "open" / "run", mode::create, quick());
          runs.set("x", "y");
          ::kill(::getpid(), SIGKILL);
          return 0;
        }) == 256 + SIGKILL);
  fs::remove(dir.path / "open" / "run-shm");
  for (const fs::path& each : {dir.path / "fresh", dir.path / "open", dir.path}) ::chmod(each.c_str(), 0555);
  ::chmod(dir.file().c_str(), 0444);
  const int failed = in_child([&] {
    // who is root may write anywhere
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 50;
    const auto kind = [&](const fs::path& file, mode how) {
      try {
        run_store runs(file, how, quick());
      } catch (const store::store_error& e) {
        return e.kind();
      }
      return store_problem::failed;
    };
    if (kind(dir.path / "fresh" / "run", mode::create) != store_problem::read_only) return 1;
    if (kind(dir.file(), mode::resume) != store_problem::read_only) return 2;
    if (kind(dir.path / "open" / "run", mode::read) != store_problem::read_only) return 3;
    run_store runs(dir.file(), mode::read); // a finished run can be replayed from there
    return runs.totals().replies == 2 ? 0 : 4;
  });
  for (const fs::path& each : {dir.path, dir.path / "fresh", dir.path / "open"}) ::chmod(each.c_str(), 0755);
  CHECK(failed == 0);
}

TEST_CASE("run store: keys are written nowhere, and what is delivered is what is stored") {
  const temporary_directory dir;
  const std::string canary = "sk-canary-0123456789abcdef";
  const llm::secret key(canary);
  store::store_settings settings = quick();
  settings.keys = llm::redactor(key);
  scripted model([&](const llm::chat_request& q) -> llm::outcome {
    if (q.sample == 1)
      return llm::failure{.kind = llm::failure_kind::bad_request,
                          .message = canary,
                          .code = canary,
                          .parameter = canary,
                          .request_id = canary,
                          .body = "<" + canary + ">"};
    llm::reply r;
    r.choices = {{.text = "say " + canary + "!", .native_finish = canary, .refusal = canary}};
    r.id = r.model = r.request_id = r.fingerprint = canary;
    return r;
  });
  model.profile().spec = "http://user:" + canary + "@host/v1?key=" + canary + "#m";
  model.profile().base_url = "http://user:" + canary + "@host/v1?key=" + canary;
  llm::chat_request q = question("prompt " + canary);
  q.stop = {canary};
  q.cache_key = canary;
  std::vector<llm::outcome> first;
  const auto clean = [&](const char* when) {
    for (const auto& each : fs::directory_iterator(dir.path))
      CHECK_MESSAGE(bytes_of(each.path()).find(canary) == std::string::npos, when << " " << each.path());
  };
  for (const mode how : {mode::create, mode::resume}) {
    run_store runs(dir.file(), how, settings);
    recorder record(runs);
    recorded_client client(record, model);
    if (how == mode::create) runs.set("config " + canary, "{\"key\":\"" + canary + "\"}");
    q.tag = runs.tag({.task = canary, .step = 0, .stage = canary});
    std::vector<llm::outcome> all;
    for (const std::uint32_t sample : {0U, 1U}) {
      q.sample = sample;
      all.push_back(llm::ask_and_wait(client, q));
    }
    if (how == mode::create) first = all;
    CHECK(all == first);
    CHECK(shown(all[0]) == "say [key]!");
    record.wait();
    clean("open"); // the log is still there
  }
  clean("closed");
  CHECK(rows(dir.file(), "SELECT spec, base_url FROM models") == "http://host/v1#m|http://host/v1\n");
  run_store runs(dir.file(), mode::read, settings);
  recorder record(runs);
  q.sample = 7;
  CHECK(llm::ask_and_wait(*std::make_unique<store::replaying_client>(record, model.model()), q)
            .failure()
            .message.find(canary) == std::string::npos);
}

TEST_CASE("run store: a full database: what is under way fails with the reason, the rest is intact") {
  const temporary_directory dir;
  store::store_settings settings = quick();
  settings.max_bytes = 400'000;
  std::vector<std::string> kept;
  {
    run_store runs(dir.file(), mode::create, settings);
    recorder record(runs);
    scripted model([](const llm::chat_request& q) {
      llm::reply r = texts(q, q.n);
      r.choices[0].text.append(5000, 'x');
      return r;
    });
    recorded_client client(record, model);
    std::uint32_t i = 0;
    llm::outcome o = llm::ask_and_wait(client, question("a", i));
    for (; o.ok() && i < 1000; o = llm::ask_and_wait(client, question("a", i))) {
      kept.push_back(shown(o));
      ++i;
    }
    REQUIRE(!o.ok());
    CHECK(o.failure().kind == llm::failure_kind::configuration);
    CHECK(o.failure().message.find("no space left") != std::string::npos);
    CHECK(record.error()->kind() == store_problem::full);
    const std::size_t asked = model.asked().size();
    CHECK(!llm::ask_and_wait(client, question("b")).ok());
    CHECK(model.asked().size() == asked); // no more money is spent
    CHECK(llm::ask_and_wait(client, question("a", 3)).ok());
  }
  CHECK(kept.size() > 40);
  run_store runs(dir.file(), mode::resume, quick());
  CHECK(runs.problems().empty());
  recorder record(runs);
  recorded_client client(record, scripted([](const llm::chat_request& q) { return texts(q, q.n); }));
  for (std::uint32_t i = 0; i < kept.size(); ++i)
    CHECK(shown(llm::ask_and_wait(client, question("a", i))) == kept[i]);
  CHECK(llm::ask_and_wait(client, question("new")).ok());
}

TEST_CASE("run store: a full disk: what is under way is still stored, nothing more is asked") {
  const temporary_directory dir;
  // a disk of two megabytes, for a process of its own
  const int result = in_child([&] {
    if (::unshare(CLONE_NEWNS) != 0) return 77;
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (::mount("tmpfs", dir.path.c_str(), "tmpfs", 0, "size=2m") != 0) return 77;
    store::store_settings settings;
    settings.reserve_bytes = 4 << 20;
    try {
      run_store(dir.path / "a", mode::create, settings);
      return 1;
    } catch (const store::store_error& e) {
      if (e.kind() != store_problem::full) return 2;
    }
    for (const auto& each : fs::directory_iterator(dir.path)) fs::remove(each);

    settings.reserve_bytes = 512 << 10;
    run_store runs(dir.file(), mode::create, settings);
    recorder record(runs);
    scripted model(
        [](const llm::chat_request& q) {
          llm::reply r = texts(q, q.n);
          r.choices[0].text.append(3000, 'x');
          return r;
        },
        true);
    recorded_client client(record, model);
    std::uint32_t next = 0;
    std::atomic<std::uint32_t> ok = 0, refused = 0;
    while (!record.error() && next < 2000) { // always twenty under way
      for (int i = 0; i < 20; ++i)
        client.submit(question("a", next++), [&](const llm::outcome& o) { ++(o.ok() ? ok : refused); });
      model.release(20);
      record.wait();
    }
    if (!record.error() || record.error()->kind() != store_problem::full) return 3;
    if (refused != 0 || ok != next) return 4; // the reserve was enough for all that had been asked
    client.submit(question("b"), [&](const llm::outcome& o) { ++(o.ok() ? ok : refused); });
    record.wait();
    if (refused != 1 || model.asked().size() != next) return 5;
    if (runs.totals().samples != next || !runs.problems().empty()) return 6;
    return 0;
  });
  if (result == 77)
    MESSAGE("skipped: this system does not let tests mount a file system");
  else
    CHECK(result == 0);
}

TEST_CASE("run store: a limit on the size of files is a full disk as well") {
  const temporary_directory dir;
  const int result = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 300'000, .rlim_max = 300'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    run_store runs(dir.file(), mode::create, quick());
    recorder record(runs);
    recorded_client client(record, scripted([](const llm::chat_request& q) {
                             llm::reply r = texts(q, q.n);
                             r.choices[0].text.append(5000, 'x');
                             return r;
                           }));
    for (std::uint32_t i = 0; i < 500 && !record.error(); ++i)
      (void)llm::ask_and_wait(client, question("a", i));
    return record.error() && record.error()->kind() == store_problem::full ? 0 : 2;
  });
  CHECK(result == 0);
  run_store runs(dir.file(), mode::resume, quick());
  CHECK(runs.problems().empty());
  CHECK(runs.totals().samples > 5);
}
