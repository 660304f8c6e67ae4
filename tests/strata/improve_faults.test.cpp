// SPDX-License-Identifier: MIT
// Everything a user hands to `improve`, and every allocation, fails at every moment in turn: the run ends
// with that exception, all its threads are joined and nothing is left behind.
#include "strata/improve.hpp"

#include "failing_new.hpp"
#include "strata/filters/keep_all.hpp"
#include "strata/samplers/from_function.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::atomic<long> alive{0};

/// A program without a move constructor, whose copies may throw; counted.
struct counted {
  explicit counted(std::string t) : text(std::move(t)) { ++alive; }
  counted(const counted& other) : text(other.text) { ++alive; }
  counted& operator=(const counted&) = default;
  ~counted() { --alive; }
  std::string text;
};
struct language {
  using task = int;
  using program = counted;
  static std::string isomorphism_key(const counted& p) { return p.text; }
};
using strata::job;
using strata::sink;

/// Throws at one call of one place.
struct fuse {
  std::string place{};
  std::size_t at = 0;
  std::mutex mutex{};
  std::map<std::string, std::size_t> calls{};

  void passed(const std::string& here) {
    const std::scoped_lock lock(mutex);
    if (calls[here]++ == at && here == place) throw std::runtime_error(here);
  }
};

const std::vector<int> tasks(5);
strata::sampling three() { return {.samples = 3, .temperatures = {0.5, 1.0}}; }

counted answer(const job<language>& j) {
  const bool right = j.step() >= j.task_index() && j.sample() != 1;
  return counted(
      (right ? "+ a program too long to be stored in place " : "- another program, wrong as it is ") +
      std::to_string(j.sample() % 3));
}

/// Every policy and observer, each with the fuse.
strata::report<language> run(fuse& f, std::size_t threads) {
  struct verifier {
    fuse& f;
    [[nodiscard]] strata::verdict verify(int, const counted& p) const {
      f.passed("verify");
      return {p.text.starts_with('+'), 0, {}};
    }
  };
  struct filter {
    fuse* f;
    [[nodiscard]] std::vector<std::size_t> keep(const strata::solved<language>& s,
                                                strata::random_stream& r) const {
      f->passed("keep");
      return strata::one_per_task{}.keep(s, r);
    }
  };
  struct stratifier {
    fuse* f;
    [[nodiscard]] std::vector<strata::stratum>
    stratify(std::span<const strata::experience<language>> d) const {
      f->passed("stratify");
      return strata::quantile{2}.stratify<language>(d);
    }
  };
  struct selector {
    fuse* f;
    [[nodiscard]] std::vector<std::size_t> select(std::span<const strata::stratum> e,
                                                  std::span<const strata::experience<language>> d,
                                                  strata::random_stream& r) const {
      f->passed("select");
      return strata::cumulative{}.select<language>(e, d, r);
    }
  };
  struct observer {
    fuse& f;
    void step_begun(const strata::events::step_begun<language>&) { f.passed("step_begun"); }
    void drawn(const strata::events::drawn<language>&) { f.passed("drawn"); }
    void judged(const strata::events::judged<language>&) { f.passed("judged"); }
    void step_done(const strata::events::step_done<language>&) { f.passed("step_done"); }
    void run_done(const strata::events::run_done<language>&) { f.passed("run_done"); }
  } watching{f};
  strata::from_function inner{[&f](const job<language>& j) {
                                f.passed("draw");
                                return answer(j);
                              },
                              threads};
  struct sampler {
    fuse& f;
    decltype(inner) draws;
    void sample(std::span<const job<language>> jobs, sink<language> out) {
      f.passed("sample begins");
      draws.sample(jobs, out);
      f.passed("sample ends");
    }
  } drawing{f, inner};
  return strata::improve<language>(
      tasks, drawing, verifier{f},
      {.filter = filter{&f}, .stratifier = stratifier{&f}, .selector = selector{&f}, .sampling = three()},
      {.time = std::chrono::hours(1), .threads = threads}, watching);
}

} // namespace

TEST_CASE("whatever throws, at whichever call, ends the run with that exception and leaves nothing behind") {
  for (const std::size_t threads : {1U, 3U}) {
    std::map<std::string, std::size_t> calls;
    {
      fuse whole;
      const auto r = run(whole, threads);
      CHECK(r.why == strata::ended::solved_all);
      calls = whole.calls;
    }
    CHECK(calls.size() == 12);
    for (const auto& [place, count] : calls)
      for (std::size_t k = 0; k<count; k += count> 60 ? 1 + count / 40 : 1) {
        CAPTURE(place);
        CAPTURE(k);
        fuse f{.place = place, .at = k};
        CHECK_THROWS_WITH_AS((void)run(f, threads), place.c_str(), std::runtime_error);
        CHECK(alive == 0);
      }
  }
}

TEST_CASE("memory that is not to be had, at any allocation on any thread, ends the run in order") {
  for (const std::size_t threads : {1U, 3U}) {
    std::size_t failures = 0;
    for (std::size_t k = 0;; k += 1 + k / 100) {
      fuse none;
      bool thrown = false;
      const failing_new after(k);
      try {
        (void)run(none, threads);
      } catch (const std::bad_alloc&) {
        thrown = true;
      } catch (const std::system_error&) { // a thread that could not be created
        thrown = true;
      }
      const bool failed = after.happened();
      CHECK((failed || !thrown)); // a sort does without its buffer
      CHECK(alive == 0);
      if (!failed) break;
      failures += thrown ? 1 : 0;
    }
    CHECK((failures > 100 || !failing::possible));
  }
}
