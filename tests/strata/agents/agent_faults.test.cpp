// SPDX-License-Identifier: MIT
// Every function of an agent, its client and every allocation fail at every moment in turn: `sample` returns
// with that exception after all requests have come back, and nothing hangs or is left behind.
#include "strata/agents/agent.hpp"

#include "strata/agents/scripted_client.hpp"
#include "strata/failing_new.hpp"
#include "strata/improve.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

namespace llm = strata::llm;
using namespace strata::agents;
using scripted::reply_of;

struct words {
  using task = std::string;
  using program = std::string;
};
const std::vector<std::string> tasks = {"alpha", "beta"};

/// Throws at one call of one place.
struct fuse {
  std::string place{};
  std::size_t at = 0;
  std::mutex mutex{};
  std::map<std::string, std::size_t> calls{};

  void passed(const char* here) {
    const std::scoped_lock lock(mutex);
    if (calls[here]++ == at && here == place) throw std::runtime_error(here);
  }
};

struct shape {
  llm::caching cache = llm::caching::none; // with one, a first request goes ahead
  bool threaded = false;                   // the client answers on a thread of its own
  std::size_t threads = 1;                 // of the agent
  bool stops = false;                      // in the midst of the step
};

/// A client that may throw before or after it has taken a request.
struct throwing_client {
  scripted::client inner;
  fuse* f;
  void submit(llm::chat_request q, llm::completion done) {
    f->passed("submit");
    inner.submit(std::move(q), std::move(done));
    f->passed("submitted");
  }
  [[nodiscard]] const llm::model_profile& model() const { return inner.model(); }
};

strata::report<words> run(fuse& f, const shape& how) {
  const std::string system(4000, 'x');
  stages<words> s;
  s.propose = [&](const strata::job<words>& j) {
    f.passed("propose");
    return llm::conversation(system, j.task());
  };
  s.read = [&](const strata::job<words>&, const llm::choice& c) {
    f.passed("read");
    return reading<words>{c.text, ""};
  };
  s.guard = [&](const strata::job<words>&, const proposal<words>& p) {
    f.passed("guard");
    return std::optional(llm::conversation(system, "guard " + p.said));
  };
  s.repairs = 1;
  s.repair = [&](const strata::job<words>&, const proposal<words>& p) {
    f.passed("repair");
    return std::optional(p.asked.with({llm::role::assistant, p.said}).with({llm::role::user, "again"}));
  };
  std::stop_source stop;
  agent_settings settings{.number = {.tasks = 2, .samples = 4}};
  settings.threads = how.threads;
  settings.tag = [&](std::size_t, std::size_t, std::string_view) -> std::uint64_t {
    f.passed("tag");
    return 1;
  };
  std::atomic<int> charges = 0;
  settings.on_charge = [&](const charge&) {
    f.passed("on_charge");
    if (++charges == 9 && how.stops) stop.request_stop();
  };
  settings.on_stopped = [&](const llm::failure*) { f.passed("on_stopped"); };
  struct {
    fuse& f;
    [[nodiscard]] strata::verdict verify(const std::string&, const std::string&) const {
      f.passed("verify");
      return {};
    }
  } verifier{f};
  scripted::client model(
      [](const llm::chat_request& q, std::size_t) -> llm::outcome {
        return reply_of(std::vector<std::string>(q.n, "bad"));
      },
      scripted::priced(2, how.cache), how.threaded);
  agent<words, throwing_client> sampler(throwing_client{model, &f}, s, settings);
  return strata::improve<words>(tasks, sampler, verifier, {.sampling = {.samples = 4, .temperatures = {0.5}}},
                                {.stop = stop.get_token(), .threads = 1});
}

std::vector<shape> shapes() {
  std::vector<shape> all;
  for (const auto cache : {llm::caching::none, llm::caching::automatic})
    for (const bool threaded : {false, true})
      for (const std::size_t threads : {1U, 3U})
        for (const bool stops : {false, true})
          all.push_back({.cache = cache, .threaded = threaded, .threads = threads, .stops = stops});
  return all;
}

} // namespace

TEST_CASE("whatever an agent is given may throw at any call: the run ends with that, and nothing hangs") {
  std::size_t ended_by_it = 0;
  for (const shape& how : shapes()) {
    std::map<std::string, std::size_t> calls;
    {
      fuse whole;
      (void)run(whole, how);
      calls = whole.calls;
    }
    CHECK(calls.contains("on_stopped") == how.stops);
    for (const auto& [place, count] : calls)
      for (std::size_t k = 0; k < count; ++k) {
        CAPTURE(place);
        CAPTURE(k);
        fuse f{.place = place, .at = k};
        try {
          (void)run(f, how);
          // which calls there are may depend on when the stop comes
          CHECK((how.stops && f.calls[place] <= k));
        } catch (const std::runtime_error& e) {
          CHECK(e.what() == place);
          ++ended_by_it;
        }
      }
  }
  CHECK(ended_by_it > 1000);
}

TEST_CASE("memory that an agent cannot have, at any allocation: the run ends in order") {
  for (const shape& how : shapes()) {
    if (how.threaded) continue; // the scripted client's own thread does not expect it
    for (std::size_t k = 0;; k += 1 + k / 60) {
      fuse none;
      bool thrown = false;
      const failing_new after(k);
      try {
        (void)run(none, how);
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      const bool failed = after.happened();
      CHECK((failed || !thrown));
      if (!failed) break;
    }
  }
}
