// SPDX-License-Identifier: MIT
// Samplers that break their contract: jobs kept from other steps and other runs, deliveries after `sample`
// has returned and after the run is over. Meant to be run under sanitizers, too.
#include "strata/detail/entrance.hpp"

#include "../scripted.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <optional>
#include <stdexcept>

using namespace scripted;
using strata::ended;
using strata::improve;

namespace {

using jobs = std::span<const job<language>>;

/// Solves some of the tasks in the first step and keeps one of its jobs; delivers that in the second one.
struct keeper {
  std::size_t kept;  // index of the job
  std::size_t solve; // so many of the tasks in the first step
  std::optional<job<language>> old{};

  void sample(jobs all, sink<language> out) {
    if (!old) {
      old = all[kept];
      for (const auto& j : all)
        if (j.index() != kept) out(j, {.program = j.task_index() < solve ? "+" : "-"});
      return;
    }
    CHECK(old->step() == 0);
    CHECK(old->index() == kept); // a kept job still says what it was
    CHECK(old->task_index() == kept % 4);
    CHECK_FALSE(out(*old, {.program = "+"}));
    CHECK_FALSE(out(all[0], {.program = "+"}));
  }
};

const char* const late_text = "strata: the sampler delivered a draw after its call of sample had returned; "
                              "let all its threads end before";

} // namespace

TEST_CASE("a job kept from an earlier step is refused, whatever its place") {
  for (std::size_t kept = 0; kept < 8; ++kept) // of 4 tasks with 2 samples; the later ones are beyond the end
    for (std::size_t solve = 1; solve < 4; ++solve) {
      keeper s{kept, solve};
      CHECK_THROWS_WITH_AS((void)improve<language>(tasks(4), s, verifier{}, {.sampling = once(2)}),
                           "strata: the sampler delivered a job of another step", std::logic_error);
    }
}

TEST_CASE("a job kept from another run is refused") {
  struct collector {
    std::vector<job<language>>* all;
    void sample(jobs these, sink<language> out) const {
      all->assign(these.begin(), these.end());
      for (const auto& j : these) out(j, {.program = "-"});
    }
  };
  struct foreign {
    const job<language>* j;
    void sample(jobs, sink<language> out) const { CHECK_FALSE(out(*j, {.program = "+"})); }
  };
  std::vector<job<language>> old;
  for (int run = 0; run < 20; ++run) { // where the next run allocates what the last one has freed
    (void)improve<language>(tasks(3), collector{&old}, verifier{}, {.sampling = once(2)});
    for (const auto& j : old)
      CHECK_THROWS_WITH_AS((void)improve<language>(tasks(3), foreign{&j}, verifier{}, {.sampling = once(2)}),
                           "strata: the sampler delivered a job of another step", std::logic_error);
  }
}

TEST_CASE("a draw delivered after sample has returned ends the run, in whatever step it comes") {
  struct late {
    std::optional<sink<language>> kept{};
    std::optional<job<language>> last{};
    bool asked_to_stop = false;
    void sample(jobs all, sink<language> out) {
      if (kept) {
        CHECK_FALSE((*kept)(*last, {.program = "+"})); // the job's own sink, too late
        asked_to_stop = out.stop_requested() && out.failed();
        CHECK_FALSE(out(all[0], {.program = "+"}));
        return;
      }
      kept = out;
      last = all.back();
      for (const auto& j : all.first(all.size() - 1)) out(j, {.program = "+"});
    }
  } s;
  CHECK_THROWS_WITH_AS((void)improve<language>(tasks(2), s, verifier{}, {.sampling = once(1)}), late_text,
                       std::logic_error);
  CHECK(s.asked_to_stop);
}

TEST_CASE("a sink that is called after the run refuses, also when the run has failed") {
  struct hoarder {
    std::vector<std::pair<job<language>, sink<language>>>* kept;
    bool fails;
    void sample(jobs all, sink<language> out) const {
      for (const auto& j : all) kept->emplace_back(j, out);
      if (fails) throw std::runtime_error("no route");
    }
  };
  std::vector<std::pair<job<language>, sink<language>>> kept;
  (void)improve<language>(tasks(3), hoarder{&kept, false}, verifier{}, {.sampling = once(2)});
  CHECK_THROWS((void)improve<language>(tasks(3), hoarder{&kept, true}, verifier{}, {.sampling = once(2)}));
  REQUIRE(kept.size() == 12);
  for (const auto& [j, out] : kept) {
    CHECK_FALSE(out(j, {.program = "+"}));
    out.charge({1, 1, 1});
    out.end(ended::budget);
    CHECK(out.stop_requested());
  }
}

TEST_CASE("threads that never stop delivering, over many runs and after them") {
  struct gate {
    std::mutex mutex;
    std::deque<std::pair<job<language>, sink<language>>> known;
    std::atomic<bool> over{false};
    std::atomic<std::size_t> refused{0};
  } shared;
  struct careless {
    gate* g;
    void sample(jobs all, sink<language> out) const {
      {
        const std::scoped_lock lock(g->mutex);
        for (const auto& j : all.first(2)) g->known.emplace_back(j, out);
        while (g->known.size() > 20) g->known.pop_front();
      }
      for (const auto& j : all.subspan(2))
        if (!out(j, {.program = j.random().chance(0.3) ? "+" : "-"})) return;
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 3; ++t)
    threads.emplace_back([&shared, t] {
      std::mt19937 random(t);
      while (!shared.over) {
        std::optional<std::pair<job<language>, sink<language>>> one;
        {
          const std::scoped_lock lock(shared.mutex);
          if (!shared.known.empty()) one = shared.known[random() % shared.known.size()];
        }
        if (!one) {
          std::this_thread::yield();
        } else if (!one->second(one->first, {.program = "+"})) {
          ++shared.refused;
        }
      }
    });
  int ended_by_it = 0;
  for (std::uint64_t run = 0; run < 200 || shared.refused < 100; ++run) try {
      (void)improve<language>(tasks(6), careless{&shared}, verifier{}, {.sampling = once(5), .seed = run},
                              {.threads = 2});
    } catch (const std::logic_error&) {
      ++ended_by_it;
    }
  shared.over = true;
  CHECK(ended_by_it > 0);
}

TEST_CASE(
    "a sampler that cannot go on says so: the run ends with its reason, and what is missing is left out") {
  for (const auto why : {ended::budget, ended::failed}) {
    struct poor {
      ended why;
      void sample(jobs all, sink<language> out) const {
        out(all[0], {.program = "-", .used = {10, 1, 0.5}});
        out.charge({20, 2, 0.25}); // a sample was begun and is left out
        out.end(why);
        CHECK(out.stop_requested());
        CHECK_FALSE(out.failed());
      }
    };
    const auto r = improve<language>(tasks(3), poor{why}, verifier{}, {.sampling = once(2)});
    CHECK(r.why == why);
    CHECK(r.samples == 1);
    CHECK(r.failed_requests == 0);
    CHECK(r.used == strata::usage{30, 3, 0.75});
    REQUIRE(r.steps.size() == 1);
    CHECK(r.steps[0].used == r.used);
    CHECK(r.steps[0].undrawn == 5);
    CHECK(r.steps[0].cut);
  }
}

TEST_CASE("a sink over a function without these members takes charge and end, and does nothing") {
  auto ignore = [](const job<language>&, draw<language>&&) {};
  const sink<language> out(ignore);
  out.charge({1, 1, 1});
  out.end(ended::failed);
  CHECK_FALSE(out.failed());
  const auto owned = std::make_shared<decltype(ignore)>(ignore);
  const sink<language> keeps(owned);
  CHECK(owned.use_count() == 2);
}
