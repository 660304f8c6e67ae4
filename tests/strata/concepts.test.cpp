// SPDX-License-Identifier: MIT
// Every concept accepts its smallest model and all that the library brings, and rejects what misses one
// requirement.
#include "strata/strata.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace {

struct lang {
  using task = int;
  using program = std::string;
};
using indices = std::vector<std::size_t>;
using jobs = std::span<const strata::job<lang>>;
using out = strata::sink<lang>;
using entries = std::span<const strata::experience<lang>>;
using so_far = std::span<const strata::stratum>;
using random = strata::random_stream;

// ---- Sampler
struct smallest_sampler {
  void sample(jobs, out) {}
};
struct generic_sampler {
  template <strata::Language L> int sample(std::span<const strata::job<L>>, strata::sink<L>) const {
    return 0;
  }
};
struct no_sample {};
struct sample_of_one_job {
  void sample(const strata::job<lang>&, out) {}
};
struct sample_without_sink {
  void sample(jobs) {}
};
struct other {
  using task = int;
  using program = int;
};
static_assert(strata::Sampler<smallest_sampler, lang> && strata::Sampler<generic_sampler, lang>);
static_assert(!strata::Sampler<no_sample, lang> && !strata::Sampler<sample_of_one_job, lang> &&
              !strata::Sampler<sample_without_sink, lang>);
static_assert(!strata::Sampler<smallest_sampler, other> && !strata::Sampler<smallest_sampler, int>);
static_assert(!strata::Sampler<const smallest_sampler, lang>); // not through a const reference
static_assert(strata::Sampler<strata::table<lang>, lang> && strata::Sampler<strata::replay<lang>, lang>);
constexpr auto program_of = [](const strata::job<lang>&) { return std::string(); };
constexpr auto draw_of = [](const strata::job<lang>&) { return strata::draw<lang>{}; };
constexpr auto nothing_of = [](const strata::job<lang>&) {};
constexpr auto of_nothing = [] { return std::string(); };
static_assert(strata::Sampler<strata::from_function<decltype(program_of)>, lang>);
static_assert(strata::Sampler<strata::from_function<decltype(draw_of)>, lang>);
static_assert(!strata::Sampler<strata::from_function<decltype(nothing_of)>, lang>);
static_assert(!strata::Sampler<strata::from_function<decltype(of_nothing)>, lang>);

// ---- Verifier
struct smallest_verifier {
  strata::verdict verify(const int&, const std::string&) const { return {}; }
};
struct no_verify {};
struct mutable_verifier {
  strata::verdict verify(const int&, const std::string&) { return {}; }
};
struct bool_verifier {
  bool verify(const int&, const std::string&) const { return true; }
};
struct greedy_verifier {
  strata::verdict verify(int&, std::string&) const { return {}; }
};
static_assert(strata::Verifier<smallest_verifier, lang>);
static_assert(!strata::Verifier<no_verify, lang> && !strata::Verifier<mutable_verifier, lang> &&
              !strata::Verifier<bool_verifier, lang> && !strata::Verifier<greedy_verifier, lang>);
static_assert(!strata::Verifier<smallest_verifier, other>);
constexpr auto yes = [](const int&, const std::string&) { return true; };
constexpr auto number = [](const int&, const std::string&) { return 1; };
constexpr auto key = [](const int&, const std::string& p) { return p; };
static_assert(strata::Verifier<strata::from_predicate<decltype(yes)>, lang>);
static_assert(!strata::Verifier<strata::from_predicate<decltype(number)>, lang>);
static_assert(strata::Verifier<strata::cached<smallest_verifier, decltype(key)>, lang>);
static_assert(!strata::Verifier<strata::cached<smallest_verifier, decltype(yes)>, lang>);
static_assert(!strata::Verifier<strata::cached<no_verify, decltype(key)>, lang>);

// ---- Filter
struct smallest_filter {
  indices keep(const strata::solved<lang>&, random&) const { return {}; }
};
struct mutable_filter {
  indices keep(const strata::solved<lang>&, random&) { return {}; }
};
struct bool_filter {
  bool keep(const strata::solved<lang>&, random&) const { return true; }
};
struct filter_without_random {
  indices keep(const strata::solved<lang>&) const { return {}; }
};
struct unique_filter : smallest_filter {
  std::unique_ptr<int> state;
};
static_assert(strata::Filter<smallest_filter, lang> && strata::Filter<strata::any_filter<lang>, lang>);
static_assert(!strata::Filter<int, lang> && !strata::Filter<mutable_filter, lang> &&
              !strata::Filter<bool_filter, lang> && !strata::Filter<filter_without_random, lang> &&
              !strata::Filter<unique_filter, lang>);
static_assert(strata::Filter<strata::one_per_task, lang> && strata::Filter<strata::one_per_class, lang> &&
              strata::Filter<strata::shortest, lang> && strata::Filter<strata::keep_all, lang>);

// ---- Stratifier
struct smallest_stratifier {
  std::vector<strata::stratum> stratify(entries) const { return {}; }
};
struct mutable_stratifier {
  std::vector<strata::stratum> stratify(entries) { return {}; }
};
struct thresholds_only {
  std::vector<double> stratify(entries) const { return {}; }
};
struct unique_stratifier : smallest_stratifier {
  std::unique_ptr<int> state;
};
static_assert(strata::Stratifier<smallest_stratifier, lang> &&
              strata::Stratifier<strata::any_stratifier<lang>, lang>);
static_assert(!strata::Stratifier<int, lang> && !strata::Stratifier<mutable_stratifier, lang> &&
              !strata::Stratifier<thresholds_only, lang> && !strata::Stratifier<unique_stratifier, lang>);
static_assert(strata::Stratifier<strata::quantile, lang> && strata::Stratifier<strata::single, lang> &&
              strata::Stratifier<strata::fixed_thresholds, lang> &&
              strata::Stratifier<strata::by_step, lang>);

// ---- Selector
struct smallest_selector {
  indices select(so_far, entries, random&) const { return {}; }
};
struct mutable_selector {
  indices select(so_far, entries, random&) { return {}; }
};
struct selector_of_one_stratum {
  indices select(const strata::stratum&, entries, random&) const { return {}; }
};
struct unique_selector : smallest_selector {
  std::unique_ptr<int> state;
};
static_assert(strata::Selector<smallest_selector, lang> &&
              strata::Selector<strata::any_selector<lang>, lang>);
static_assert(!strata::Selector<int, lang> && !strata::Selector<mutable_selector, lang> &&
              !strata::Selector<selector_of_one_stratum, lang> && !strata::Selector<unique_selector, lang>);
static_assert(strata::Selector<strata::cumulative, lang> && strata::Selector<strata::easiest_first, lang> &&
              strata::Selector<strata::hardest_k, lang> && strata::Selector<strata::random_k, lang> &&
              strata::Selector<strata::all, lang>);

// ---- Observer
struct hears_the_end {
  void run_done(const strata::events::run_done<lang>&) {}
};
struct hears_anything {
  void step_begun(const auto&) {}
  void drawn(const auto&) {}
  void judged(const auto&) {}
  void step_done(const auto&) {}
  void run_done(const auto&) {}
};
struct hears_nothing {
  void note(const strata::events::run_done<lang>&) {}
};
struct mistaken {
  void run_done(const strata::events::run_done<lang>&) {}
  void step_done(const strata::events::run_done<lang>&) {} // the wrong event: would never be called
};
struct changes_events {
  void run_done(strata::events::run_done<lang>&) {}
};
static_assert(strata::Observer<hears_the_end, lang> && strata::Observer<hears_anything, lang>);
static_assert(!strata::Observer<hears_nothing, lang> && !strata::Observer<mistaken, lang> &&
              !strata::Observer<changes_events, lang> && !strata::Observer<hears_the_end, other> &&
              !strata::Observer<int, lang>);
static_assert(strata::Observer<strata::recorder<lang>, lang> && strata::Observer<strata::counters, lang>);

} // namespace

TEST_CASE("the smallest models make a run") {
  int ended = 0;
  struct counting {
    int& n;
    void run_done(const strata::events::run_done<lang>& e) { n += e.report.tasks == 2; }
  };
  const auto r = strata::improve<lang>(std::vector{1, 2}, smallest_sampler{}, smallest_verifier{},
                                       {.filter = smallest_filter{},
                                        .stratifier = smallest_stratifier{},
                                        .selector = smallest_selector{},
                                        .sampling = {.samples = 2}},
                                       {}, counting{ended}, hears_anything{});
  CHECK(r.why == strata::ended::exhausted);
  CHECK(r.failed_requests == 12);
  CHECK(ended == 1);
}
