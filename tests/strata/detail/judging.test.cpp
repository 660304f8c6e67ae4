// SPDX-License-Identifier: MIT
// What must not depend on chance: the report under any order of arrival and any number of threads.
// And what must not hang: errors on every thread that takes part.
#include "strata/detail/judging.hpp"

#include "../scripted.hpp"
#include "strata/observers/recorder.hpp"
#include "strata/selectors/random_k.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>

using namespace scripted;
using strata::improve;

namespace {

/// A pure function of the job: fails, errs or succeeds by its own random numbers, more often with
/// demonstrations.
draw<language> answer(const job<language>& j) {
  auto random = j.random();
  draw<language> d{.used = {random.below(500), random.below(100), random.unit() * 0.01}};
  if (random.chance(0.1)) {
    d.failure = "overloaded";
    return d;
  }
  const double ease =
      0.3 / static_cast<double>(j.task_index() + 1) * static_cast<double>(j.demonstrations().size() + 1);
  d.program =
      (random.chance(ease) ? "+" : "-") + std::string(random.below(3), 'x') + std::to_string(random.below(4));
  return d;
}

/// Delivers in a random order, from several threads.
struct scattered {
  unsigned seed;
  std::size_t threads;
  void sample(std::span<const job<language>> jobs, sink<language> out) const {
    std::vector<job<language>> order(jobs.begin(), jobs.end());
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> pool;
    for (std::size_t t = 0; t < threads; ++t)
      pool.emplace_back([&] {
        for (std::size_t i = 0; (i = next++) < order.size();) out(order[i], answer(order[i]));
      });
  }
};

struct in_order {
  void sample(std::span<const job<language>> jobs, sink<language> out) const {
    for (const auto& j : jobs) out(j, answer(j));
  }
};

strata::policies<language> plan(std::uint64_t seed) {
  return {.selector = strata::random_k{5},
          .sampling = {.samples = 5, .temperatures = {0.4, 0.7, 1.0}},
          .seed = seed};
}

struct throwing_verifier {
  int right_until;
  mutable std::atomic<int> calls{0};
  explicit throwing_verifier(int n) : right_until(n) {}
  [[nodiscard]] strata::verdict verify(int, const std::string&) const {
    if (calls++ >= right_until) throw std::runtime_error("the simulator is gone");
    return {};
  }
};

} // namespace

TEST_CASE("order of arrival and number of threads do not change the report") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const auto wanted =
        text(improve<language>(tasks(30), in_order{}, verifier{}, plan(seed), {.threads = 1}));
    for (unsigned k = 1; k <= 8; ++k) {
      CAPTURE(seed);
      CAPTURE(k);
      const auto got =
          improve<language>(tasks(30), scattered{k, k % 4 + 1}, verifier{}, plan(seed), {.threads = k});
      CHECK(text(got) == wanted);
    }
    // a limit on samples cuts at the same place, too
    const auto cut = text(
        improve<language>(tasks(30), in_order{}, verifier{}, plan(seed), {.samples = 777, .threads = 1}));
    CHECK(text(improve<language>(tasks(30), scattered{9, 3}, verifier{}, plan(seed),
                                 {.samples = 777, .threads = 3})) == cut);
    CHECK(cut != wanted);
  }
}

TEST_CASE("the seed matters") {
  CHECK(text(improve<language>(tasks(30), in_order{}, verifier{}, plan(1))) !=
        text(improve<language>(tasks(30), in_order{}, verifier{}, plan(2))));
}

TEST_CASE("observers are called one at a time and see a draw before its verdict") {
  struct watcher {
    std::atomic<int> inside{0};
    bool overlapped = false;
    std::vector<std::size_t> drawn_jobs{}, judged_jobs{};
    bool in_order = true;
    std::size_t failed = 0;
    void enter() {
      if (inside++ != 0) overlapped = true;
    }
    void step_begun(const strata::events::step_begun<language>&) {
      enter();
      drawn_jobs.clear();
      --inside;
    }
    void drawn(const strata::events::drawn<language>& e) {
      enter();
      drawn_jobs.push_back(e.job.index());
      if (!e.draw.program) ++failed;
      --inside;
    }
    void judged(const strata::events::judged<language>& e) {
      enter();
      judged_jobs.push_back(e.job.index());
      if (std::ranges::find(drawn_jobs, e.job.index()) == drawn_jobs.end()) in_order = false;
      if (e.verdict.passed != e.draw.program->starts_with('+') || e.seconds < 0) in_order = false;
      --inside;
    }
  } w;
  const auto r = improve<language>(tasks(20), scattered{1, 4}, verifier{}, plan(3), {.threads = 4}, w);
  CHECK_FALSE(w.overlapped);
  CHECK(w.in_order);
  CHECK(w.judged_jobs.size() == r.samples);
  CHECK(w.failed == r.failed_requests);
  CHECK(r.failed_requests > 0);
}

TEST_CASE("an exception of the verifier leaves improve") {
  for (const std::size_t threads : {1U, 4U}) {
    const throwing_verifier v(10);
    CHECK_THROWS_WITH_AS(
        (void)improve<language>(tasks(50), scattered{1, 3}, v, plan(0), {.threads = threads}),
        "the simulator is gone", std::runtime_error);
  }
}

TEST_CASE("an exception of the verifier asks the sampler to stop") {
  struct endless {
    void sample(std::span<const job<language>> jobs, sink<language> out) const {
      out(jobs[0], {.program = "-"});
      while (!out.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  CHECK_THROWS_AS((void)improve<language>(tasks(5), endless{}, throwing_verifier(0), plan(0)),
                  std::runtime_error);
}

TEST_CASE("an exception of the sampler leaves improve, with draws still waiting") {
  struct broken {
    void sample(std::span<const job<language>> jobs, sink<language> out) const {
      for (std::size_t i = 0; i < jobs.size() / 2; ++i) out(jobs[i], {.program = "+"});
      throw std::runtime_error("no route to host");
    }
  };
  struct slow {
    [[nodiscard]] strata::verdict verify(int, const std::string&) const {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      return {true, 0, ""};
    }
  };
  CHECK_THROWS_WITH_AS((void)improve<language>(tasks(20), broken{}, slow{}, plan(0), {.threads = 2}),
                       "no route to host", std::runtime_error);
}

TEST_CASE("exceptions of observers leave improve, whichever thread they are thrown on") {
  struct at_draw {
    void drawn(const strata::events::drawn<language>&) { throw std::runtime_error("disk full"); }
  };
  struct at_verdict {
    void judged(const strata::events::judged<language>&) { throw std::runtime_error("disk full"); }
  };
  struct at_step {
    void step_done(const strata::events::step_done<language>&) { throw std::runtime_error("disk full"); }
  };
  CHECK_THROWS_AS((void)improve<language>(tasks(9), scattered{1, 2}, verifier{}, plan(0), {}, at_draw{}),
                  std::runtime_error);
  CHECK_THROWS_AS((void)improve<language>(tasks(9), scattered{1, 2}, verifier{}, plan(0), {}, at_verdict{}),
                  std::runtime_error);
  CHECK_THROWS_AS((void)improve<language>(tasks(9), scattered{1, 2}, verifier{}, plan(0), {}, at_step{}),
                  std::runtime_error);
}

TEST_CASE("delivering a job twice, or that of another step, is misuse") {
  struct twice {
    void sample(std::span<const job<language>> jobs, sink<language> out) const {
      out(jobs[0], {.program = "+"});
      CHECK_FALSE(out(jobs[0], {.program = "+"}));
    }
  };
  CHECK_THROWS_WITH_AS((void)improve<language>(tasks(2), twice{}, verifier{}, plan(0)),
                       "strata: the sampler delivered the same job twice", std::logic_error);
  struct foreign {
    void sample(std::span<const job<language>>, sink<language> out) const {
      const auto other = tasks(1);
      const std::vector<std::size_t> open{0};
      const strata::job_batch<language> batch(other, open, {}, once(1));
      out(batch.jobs()[0], {.program = "+"});
    }
  };
  CHECK_THROWS_WITH_AS((void)improve<language>(tasks(2), foreign{}, verifier{}, plan(0)),
                       "strata: the sampler delivered a job of another step", std::logic_error);
}

TEST_CASE("a fast sampler waits for a slow verifier, so that memory stays bounded") {
  static std::atomic<std::size_t> verified;
  verified = 0;
  struct slow {
    [[nodiscard]] strata::verdict verify(int, const std::string&) const {
      std::this_thread::sleep_for(std::chrono::microseconds(20));
      ++verified;
      return {};
    }
  };
  struct fast {
    std::size_t ahead = 0;
    void sample(std::span<const job<language>> jobs, sink<language> out) {
      for (std::size_t i = 0; i < jobs.size(); ++i) {
        out(jobs[i], {.program = "-"});
        ahead = std::max(ahead, i + 1 - std::min<std::size_t>(verified, i + 1));
      }
    }
  } sampler;
  const auto r = improve<language>(tasks(20), sampler, slow{}, {.sampling = once(100)}, {.threads = 2});
  CHECK(r.samples == 2000);
  CHECK(verified == 2000);
  CHECK(sampler.ahead <= 2 * 256 + 2 * 64 + 1); // the queue, and what the threads have taken from it
}

TEST_CASE(
    "fifty thousand samples, all correct, on several threads: none is lost and each is where it belongs") {
  struct indexed {
    void sample(std::span<const job<language>> jobs, sink<language> out) const {
      for (std::size_t i = jobs.size(); i-- > 0;)
        out(jobs[i], {.program = "+" + std::to_string(jobs[i].sample())});
    }
  };
  struct check {
    [[nodiscard]] std::vector<std::size_t> keep(const strata::solved<language>& s,
                                                strata::random_stream&) const {
      for (std::size_t i = 0; i < s.candidates.size(); ++i)
        if (s.candidates[i].sample != i || s.candidates[i].program != "+" + std::to_string(i)) return {};
      return {s.candidates.size() - 1};
    }
  };
  const auto r = improve<language>(tasks(200), indexed{}, verifier{},
                                   {.filter = check{}, .sampling = once(250)}, {.threads = 3});
  CHECK(r.samples == 50'000);
  REQUIRE(r.experience.size() == 200);
  for (std::size_t t = 0; t < 200; ++t) CHECK(r.experience[t].task == t);
}

TEST_CASE("usage sums do not depend on the order, and survive nonsense") {
  strata::detail::usage_sum a, b;
  const std::vector<strata::usage> all = {{1, 2, 0.1}, {3, 4, 1e-9}, {5, 6, 0.7}, {0, 0, -3}, {7, 8, 1e300}};
  for (const auto& u : all) (void)a.add(u);
  for (auto u = all.rbegin(); u != all.rend(); ++u) (void)b.add(*u);
  CHECK(a.get() == b.get());
  CHECK(a.get().cost_usd == doctest::Approx(1000.800000001));
  CHECK(a.get().input_tokens == 16);
  (void)a.add({~std::uint64_t{0}, 0, std::numeric_limits<double>::quiet_NaN()});
  CHECK(a.get().cost_usd == b.get().cost_usd);
  CHECK(a.get().input_tokens == 16 + (std::uint64_t{1} << 40U));
}
