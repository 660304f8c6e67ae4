// SPDX-License-Identifier: MIT
// Kills a run at a hundred random moments, resumes it each time, and compares with an undisturbed one.
// The run is a child process: proposals by fan_out, and a question to a guardian about every proposal.
#include "strata/llm/fan_out.hpp"
#include "strata/store/fixture.hpp"

#include <chrono>
#include <csignal>
#include <cstring>
#include <set>
#include <sstream>
#include <sys/mman.h>

using namespace store_test;
using store::mode;

namespace {

constexpr std::uint32_t tasks = 4, per_task = 96;

/// What a child did, in memory that outlives it.
struct event {
  enum class what : std::uint8_t { asked, delivered } kind;
  std::uint64_t request;
  std::uint32_t first, count;
  std::uint64_t reply; // hash of its id, which is another one every time the model is asked
};
struct journal {
  static constexpr std::size_t most = 20'000;
  std::atomic<std::size_t> size;
  event events[most];

  void add(const event& e) {
    const std::size_t at = size.load();
    if (at >= most) ::_exit(90);
    events[at] = e;
    size = at + 1; // last, so that a kill leaves whole events
  }
};

std::uint64_t half(const store::digest& d) {
  std::uint64_t x = 0;
  std::memcpy(&x, d.data(), sizeof x);
  return x;
}
std::uint64_t half(const std::string& text) { return half(store::digest_of(text)); }

/// Answers from a thread of its own, slowly and out of order.
class slow_model {
 public:
  slow_model(journal& log, std::uint64_t seed) : shared_(std::make_shared<state>(log, seed)) {
    shared_->worker = std::thread([s = shared_.get()] { s->work(); });
  }
  void submit(llm::chat_request q, llm::completion done) {
    const std::scoped_lock lock(shared_->mutex);
    shared_->log.add({event::what::asked, half(store::request_digest(q)), q.sample, q.n, 0});
    shared_->waiting.emplace_back(std::move(q), std::move(done));
  }
  [[nodiscard]] const llm::model_profile& model() const noexcept { return shared_->profile; }
  void stop() {
    shared_->ending = true;
    shared_->worker.join();
  }

 private:
  struct state {
    state(journal& j, std::uint64_t s) : log(j), seed(s) {
      profile.spec = "test:slow";
      profile.takes.max_n = 4;
      profile.prices = {{.input = 0.15, .cached = 0.075, .output = 0.6}};
    }
    void work() {
      strata::random_stream random({.seed = seed});
      for (std::uint64_t number = 0; !ending; ::usleep(static_cast<useconds_t>(random.below(300)))) {
        for (std::uint64_t burst = random.below(12); burst > 0; --burst) {
          std::pair<llm::chat_request, llm::completion> next;
          {
            const std::scoped_lock lock(mutex);
            if (waiting.empty()) break;
            const auto at = waiting.begin() + static_cast<std::ptrdiff_t>(random.below(waiting.size()));
            next = std::move(*at);
            waiting.erase(at);
          }
          next.second(answer(next.first, number++));
        }
      }
    }
    llm::outcome answer(const llm::chat_request& q, std::uint64_t number) const {
      const bool judging = q.messages.messages().back().text.starts_with("judge");
      if (judging && q.sample % 11 == 5)
        return llm::failure{.kind = llm::failure_kind::bad_request, .message = "refused", .status = 400};
      llm::reply r = texts(q, q.n == 4 && q.sample % 3 == 1 ? 2 : q.n); // short at times
      r.id = std::to_string(seed) + "-" + std::to_string(number);
      return r;
    }
    journal& log;
    std::uint64_t seed;
    llm::model_profile profile;
    std::mutex mutex;
    std::vector<std::pair<llm::chat_request, llm::completion>> waiting;
    std::atomic<bool> ending = false;
    std::thread worker;
  };
  std::shared_ptr<state> shared_;
};

/// The whole run; its report.
template <class C> std::string run(C client, journal& log) {
  std::mutex mutex;
  std::map<std::string, std::string> samples;
  llm::token_usage ledger;
  std::size_t verdicts = 0;
  std::promise<void> proposed;
  const auto note = [&](const llm::chat_request& q, std::uint32_t asked, const llm::outcome& o) {
    if (o.ok())
      log.add({event::what::delivered, half(store::request_digest(q)), q.sample,
               static_cast<std::uint32_t>(o.reply().choices.size()), half(o.reply().id)});
    else if (o.failure().kind != llm::failure_kind::bad_request)
      ::_exit(91);
    if (o.ok()) ledger += o.reply().used;
    (void)asked;
  };
  std::vector<llm::sample_order> orders;
  for (const char* task : {"a", "b", "c", "d"})
    orders.push_back({.question = question(task), .count = per_task});
  llm::fan_out(
      client, orders, {.per_request = 4},
      [&](std::size_t order, std::uint32_t first, std::uint32_t asked, const llm::outcome& o) {
        llm::chat_request proposal = orders[order].question;
        proposal.sample = first;
        const std::scoped_lock lock(mutex);
        note(proposal, asked, o);
        for (const llm::choice& c : o.reply().choices) {
          const llm::chat_request judge = question("judge " + c.text, first++);
          client.submit(judge, [&, judge, text = c.text](const llm::outcome& verdict) {
            const std::scoped_lock inner(mutex);
            note(judge, 1, verdict);
            samples[text] = shown(verdict);
            ++verdicts;
          });
        }
      },
      [&] { proposed.set_value(); });
  proposed.get_future().wait();
  while ([&] {
    const std::scoped_lock lock(mutex);
    return verdicts < tasks * per_task;
  }())
    ::usleep(100);
  std::ostringstream report;
  for (const auto& [text, verdict] : samples) report << text << " -> " << verdict << "\n";
  report << ledger.input << " " << ledger.cached << " " << ledger.output << " "
         << std::llround(ledger.cost_usd.value_or(0) * 1e9) << "\n";
  return report.str();
}

int child(const fs::path& dir, journal& log, std::uint64_t seed, store::durability survive) {
  store::store_settings settings = quick();
  settings.survive = survive;
  store::run_store runs(dir / store::file_name, mode::create_or_resume, settings);
  store::recorder record(runs);
  slow_model model(log, seed);
  const std::string report = run(store::recorded_client(record, model), log);
  model.stop();
  std::ofstream(dir / "report") << report;
  return 0;
}

using sample_key = std::pair<std::uint64_t, std::uint32_t>;

/// Hash of the reply's id of every stored sample.
std::map<sample_key, std::uint64_t> stored(const fs::path& file) {
  std::map<sample_key, std::uint64_t> all;
  if (!fs::exists(file) || fs::file_size(file) == 0) return all;
  store::detail::database db(file, file.string(), SQLITE_OPEN_READWRITE);
  try {
    const store::detail::statement read(
        db, "SELECT q.hash, c.sample, r.reply_id FROM choices c"
            " JOIN requests q ON q.id = c.request JOIN replies r ON r.id = c.reply");
    auto use = read.with();
    while (use.next()) {
      store::digest d{};
      const std::string hex = use.text(0);
      for (std::size_t i = 0; i < d.size(); ++i)
        d[i] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
      all[{half(d), static_cast<std::uint32_t>(use.count(1))}] = half(use.text(2));
    }
  } catch (const store::store_error& e) {
    CHECK_MESSAGE(std::string(e.what()).find("no such table") != std::string::npos, e.what());
  }
  return all;
}

} // namespace

TEST_CASE("recorder: killed at a hundred random moments, a run ends as if nothing had happened") {
  void* memory = ::mmap(nullptr, sizeof(journal), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  journal& log = *static_cast<journal*>(memory);
  const auto start = [&](const fs::path& dir, std::uint64_t seed, store::durability survive) {
    log.size = 0;
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      int code = 98;
      try {
        code = child(dir, log, seed, survive);
      } catch (const std::exception& e) {
        std::fputs(e.what(), stderr);
      }
      ::_exit(code);
    }
    return pid;
  };
  const auto ended = [](pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status;
  };

  const auto now_us = [] {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  };
  std::string undisturbed;
  std::uint64_t duration = 0;
  store::usage_row paid;
  {
    const temporary_directory dir;
    const auto began = now_us();
    REQUIRE(ended(start(dir.path, 1, store::durability::process)) == 0);
    duration = static_cast<std::uint64_t>(now_us() - began);
    undisturbed = bytes_of(dir.path / "report");
    paid = store::run_store(dir.file(), mode::read).totals();
    CHECK(paid.samples == 2 * tasks * per_task - paid.failures);
    CHECK(paid.failures == tasks * 9); // samples 5, 16, .. 93
  }

  strata::random_stream random({.seed = 7});
  int kills = 0, finished = 0;
  std::uint64_t session = 1;
  std::size_t kept = 0;
  while (kills < 100) {
    const temporary_directory dir;
    std::map<sample_key, std::uint64_t> before;
    const auto survive = finished % 4 == 3 ? store::durability::power_loss : store::durability::process;
    for (bool done = false; !done;) {
      const pid_t pid = start(dir.path, ++session, survive);
      if (kills < 100) {
        ::usleep(static_cast<useconds_t>(random.below(duration * 3 / 5)));
        ::kill(pid, SIGKILL);
      }
      const int status = ended(pid);
      done = WIFEXITED(status);
      kills += done ? 0 : 1;
      if (done) REQUIRE(WEXITSTATUS(status) == 0);

      const auto now = stored(dir.file());
      for (const auto& [key, reply] : before) { // nothing is lost or replaced
        const auto same = now.find(key);
        REQUIRE(same != now.end());
        CHECK(same->second == reply);
      }
      const std::size_t events = log.size;
      for (std::size_t i = 0; i < events; ++i) {
        const event& e = log.events[i];
        for (std::uint32_t s = e.first; s < e.first + e.count; ++s) {
          if (e.kind == event::what::asked) {
            CHECK_MESSAGE(!before.contains({e.request, s}), "asked for what was stored");
          } else {
            const auto found = now.find({e.request, s});
            REQUIRE_MESSAGE(found != now.end(), "delivered, but not stored");
            CHECK(found->second == e.reply);
          }
        }
      }
      kept = std::max(kept, now.size());
      before = now;
    }
    ++finished;
    CHECK(bytes_of(dir.path / "report") == undisturbed);
    store::run_store runs(dir.file(), mode::read);
    CHECK(runs.problems().empty());
    CHECK(runs.totals().samples == paid.samples);
    CHECK(runs.totals().replies == paid.replies);
    CHECK(runs.totals().used == paid.used);
  }
  CHECK(kept == paid.samples);
  MESSAGE("kills: ", kills, ", runs finished: ", finished, ", microseconds of one: ", duration);
  ::munmap(memory, sizeof(journal));
}
