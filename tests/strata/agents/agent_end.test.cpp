// SPDX-License-Identifier: MIT
// Steps that end before their time: what has been begun is finished, so that success rates do not depend on
// how long samples take, and everything that was paid for is in the report.
#include "strata/agents/agent.hpp"

#include "strata/agents/scripted_client.hpp"
#include "strata/improve.hpp"
#include "strata/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace llm = strata::llm;
using namespace strata::agents;
using scripted::reply_of;

struct words {
  using task = std::string;
  using program = std::string;
};
const std::vector<std::string> tasks = {"alpha", "beta", "gamma"};

/// Says whether a sample is right in some round; the first is the proposal.
struct fate {
  std::uint64_t seed;
  static constexpr std::uint32_t repairs = 3;
  static constexpr double at_once = 0.1, repaired = 0.02; // chances
  static double truth() {
    double wrong = 1 - at_once;
    for (std::uint32_t r = 0; r < repairs; ++r) wrong *= 1 - repaired;
    return 1 - wrong;
  }
  [[nodiscard]] bool right(std::uint32_t sample, std::size_t round) const {
    strata::random_stream random({seed, 1, sample, static_cast<std::uint32_t>(round)});
    return random.chance(round == 0 ? at_once : repaired);
  }
  [[nodiscard]] double seconds(std::uint32_t sample, std::size_t round) const {
    strata::random_stream random({seed, 2, sample, static_cast<std::uint32_t>(round)});
    return 1 + 4 * random.unit();
  }
};

/// A model's server in virtual time, which answers a few requests at once, follow-ups first, and is stopped
/// in the midst of the step. It goes on when what follows from an answer is there: the next question, or the
/// delivery of the sample.
class simulation {
 public:
  simulation(fate f, double stops_at) : fate_(f), stops_at_(stops_at) {}
  ~simulation() {
    {
      const std::scoped_lock lock(mutex_);
      over_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

  struct client {
    simulation* at;
    void submit(llm::chat_request q, llm::completion done) { at->submit(std::move(q), std::move(done)); }
    [[nodiscard]] const llm::model_profile& model() const { return at->profile_; }
  };
  void submit(llm::chat_request q, llm::completion done) {
    const std::scoped_lock lock(mutex_);
    const bool later = q.follow_up;
    if (later) ++followed_;
    if (drained_ && !later) {
      lost_.push_back(std::move(done));
    } else {
      (later ? urgent_ : ready_).push_back({std::move(q), std::move(done)});
    }
    changed_.notify_all();
  }
  void delivered() {
    const std::scoped_lock lock(mutex_);
    ++followed_;
    if (drained_)
      ++judged_late;
    else
      ++judged_early;
    changed_.notify_all();
  }
  void drain() {
    const std::scoped_lock lock(mutex_);
    drained_ = true;
    for (auto& r : ready_) lost_.push_back(std::move(r.done));
    ready_.clear();
    changed_.notify_all();
  }
  /// After all requests of the step have been submitted.
  void start(std::size_t requests) {
    thread_ = std::thread([this, requests] { serve(requests); });
  }

  std::stop_source stop;
  std::set<std::uint32_t> begun{};
  std::size_t judged_early = 0, judged_late = 0;

 private:
  struct entry {
    llm::chat_request q;
    llm::completion done;
  };
  void serve(std::size_t requests) {
    std::unique_lock lock(mutex_);
    const auto wait = [&](auto until) { REQUIRE(changed_.wait_for(lock, std::chrono::seconds(60), until)); };
    wait([&] { return ready_.size() >= requests; });
    std::multimap<double, entry> flying;
    double now = 0;
    while (!over_) {
      while (!lost_.empty()) {
        const auto done = std::move(lost_.back());
        lost_.pop_back();
        lock.unlock();
        done(llm::failure{.kind = llm::failure_kind::cancelled});
        lock.lock();
      }
      while (flying.size() < 8 && !(urgent_.empty() && ready_.empty())) {
        auto& from = urgent_.empty() ? ready_ : urgent_;
        entry e = std::move(from.front());
        from.pop_front();
        begun.insert(e.q.sample);
        const double takes = fate_.seconds(e.q.sample, e.q.messages.messages().size() / 2);
        flying.emplace(now + takes, std::move(e));
      }
      if (flying.empty()) {
        changed_.wait(lock, [&] { return over_ || !(urgent_.empty() && ready_.empty() && lost_.empty()); });
        continue;
      }
      now = flying.begin()->first;
      if (now > stops_at_ && !stop.stop_requested()) {
        lock.unlock();
        stop.request_stop();
        lock.lock();
        continue;
      }
      entry e = std::move(flying.begin()->second);
      flying.erase(flying.begin());
      const std::size_t before = followed_;
      const std::size_t round = e.q.messages.messages().size() / 2 - 1;
      const bool right = fate_.right(e.q.sample, round);
      lock.unlock();
      e.done(reply_of({right ? "right" : "wrong"}));
      lock.lock();
      wait([&] { return followed_ > before; });
    }
  }

  fate fate_;
  double stops_at_;
  llm::model_profile profile_ = scripted::priced();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<entry> urgent_, ready_;
  std::deque<llm::completion> lost_;
  std::size_t followed_ = 0;
  bool drained_ = false, over_ = false;
  std::thread thread_;
};

stages<words> repairing() {
  stages<words> s;
  s.propose = [](const strata::job<words>& j) { return llm::conversation("Say the word.", j.task()); };
  s.read = [](const strata::job<words>&, const llm::choice& c) { return reading<words>{c.text, ""}; };
  s.repairs = fate::repairs;
  s.repair = [](const strata::job<words>&, const proposal<words>& p) -> std::optional<llm::conversation> {
    if (p.program == "right") return std::nullopt;
    return p.asked.with({llm::role::assistant, p.said}).with({llm::role::user, "wrong"});
  };
  return s;
}
struct says_right {
  [[nodiscard]] strata::verdict verify(const std::string&, const std::string& p) const {
    return {.passed = p == "right"};
  }
};

} // namespace

TEST_CASE("the rate of the samples of an interrupted step is that of a whole one") {
  constexpr std::size_t samples = 40;
  double judged = 0, passed = 0, early = 0, early_passed = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const fate f{seed};
    simulation model(f, 6 + 3 * static_cast<double>(seed % 4));
    agent_settings settings{.number = {.tasks = 3, .samples = samples}};
    settings.on_stopped = [&](const llm::failure*) { model.drain(); };
    agent<words, simulation::client> sampler(simulation::client{&model}, repairing(), settings);
    struct {
      simulation* model;
      double passed = 0, early = 0, early_passed = 0;
      void judged(const strata::events::judged<words>& e) {
        const double right = e.verdict.passed ? 1 : 0;
        passed += right;
        if (!model->stop.stop_requested()) {
          early += 1;
          early_passed += right;
        }
        model->delivered();
      }
    } watching{&model};
    model.start(3 * samples);
    const auto r = strata::improve<words>(tasks, sampler, says_right{},
                                          {.sampling = {.samples = samples, .temperatures = {0.5}}},
                                          {.stop = model.stop.get_token(), .threads = 1}, watching);
    REQUIRE(r.steps.size() == 1);
    CHECK(r.why == strata::ended::stopped);
    CHECK(r.steps[0].cut);
    CHECK(r.steps[0].undrawn == 3 * samples - model.begun.size());
    CHECK(r.samples == model.begun.size()); // all that was begun, and nothing else
    CHECK(model.judged_late > 0);
    judged += static_cast<double>(r.samples);
    passed += watching.passed;
    early += watching.early;
    early_passed += watching.early_passed;
    for (const auto& e : r.experience) CHECK(e.cut);
  }
  const double error = std::sqrt(fate::truth() * (1 - fate::truth()) / judged);
  MESSAGE("rate " << passed / judged << ", truth " << fate::truth() << ", of those judged before the stop "
                  << early_passed / early);
  CHECK(std::abs(passed / judged - fate::truth()) < 3.5 * error);
  CHECK(early_passed / early > 1.2 * fate::truth()); // what judging only these would say
}

TEST_CASE("what a step that ends before its time has used is in the report, and so is the reason") {
  for (const auto kind :
       {llm::failure_kind::declined, llm::failure_kind::budget, llm::failure_kind::configuration}) {
    CAPTURE(to_string(kind));
    ledger book;
    auto how = repairing();
    how.guard = [](const strata::job<words>&, const proposal<words>& p) {
      return std::optional(llm::conversation("guard", p.said));
    };
    agent_settings settings{.number = {.tasks = 3, .samples = 8}};
    settings.on_charge = [&](const charge& c) { book.add(c); };
    scripted::client model(
        [&](const llm::chat_request& q, std::size_t) -> llm::outcome {
          if (q.messages.messages()[0].text == "guard")
            return llm::failure{.kind = kind, .message = "no more"};
          return reply_of(std::vector<std::string>(q.n, "right"));
        },
        scripted::priced());
    agent<words, scripted::client> sampler(model, how, settings);
    const auto r = strata::improve<words>(tasks, sampler, says_right{},
                                          {.sampling = {.samples = 8, .temperatures = {0.5}}});
    CHECK(r.why == (kind == llm::failure_kind::declined ? strata::ended::budget : strata::ended::failed));
    CHECK(r.samples == 0);
    CHECK(r.failed_requests == 0);
    REQUIRE(r.steps.size() == 1);
    CHECK(r.steps[0].undrawn == 24);
    CHECK(book.total().cost > 0);
    CHECK(r.used.cost_usd == doctest::Approx(to_dollars(book.total().cost)));
    CHECK(r.used.input_tokens == book.total().used.input);
    CHECK(r.used.output_tokens == model.billed().output);
    CHECK(sampler.stopped()->message == "no more");
  }
}

TEST_CASE("a budget that is used up does not leave proposals without their guardian and repairs") {
  // so many proposals are granted; what follows from them is granted, too
  for (std::size_t granted = 1; granted < 6; ++granted) {
    std::size_t proposals = 0;
    auto how = repairing();
    how.guard = [](const strata::job<words>&, const proposal<words>& p) {
      return std::optional(llm::conversation("guard", p.said));
    };
    scripted::client model(
        [&](const llm::chat_request& q, std::size_t) -> llm::outcome {
          if (!q.follow_up && proposals++ >= granted)
            return llm::failure{.kind = llm::failure_kind::declined, .message = "no more"};
          const bool guard = q.messages.messages()[0].text == "guard";
          CHECK(q.follow_up == (guard || q.messages.messages().size() > 2));
          REQUIRE(q.later != nullptr);
          CHECK(q.later->requests == 7);
          return reply_of({guard ? q.messages.messages()[1].text : "wrong"});
        },
        scripted::priced(1), true);
    agent<words, scripted::client> sampler(model, how, {.number = {.tasks = 3, .samples = 8}});
    const auto r = strata::improve<words>(tasks, sampler, says_right{},
                                          {.sampling = {.samples = 8, .temperatures = {0.5}}});
    CHECK(r.why == strata::ended::budget);
    CHECK(r.samples == granted);
    CHECK(r.steps.at(0).undrawn == 24 - granted);
    std::size_t asked = 0;
    for (const auto& q : model.asked()) asked += q.follow_up ? 1U : 0U;
    CHECK(asked == granted * 7);
  }
}
