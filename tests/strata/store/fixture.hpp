// SPDX-License-Identifier: MIT
// What the tests of the store share: a directory of their own, a model that answers from a function in this
// process, and a look into files and child processes.
#pragma once

#include "strata/store/recorded_client.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <mutex>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace store_test {

namespace fs = std::filesystem;
namespace llm = strata::llm;
namespace store = strata::store;

struct temporary_directory {
  temporary_directory() {
    std::string name = (fs::temp_directory_path() / "strata-store-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  [[nodiscard]] fs::path file() const { return path / store::file_name; }
  fs::path path;
};

/// Settings for tests that are not about disks.
inline store::store_settings quick() { return {.survive = store::durability::process, .reserve_bytes = 0}; }

/// A ChatClient that answers with `answer(request)`: at once, or when the test calls `release`.
class scripted {
 public:
  struct state {
    std::function<llm::outcome(const llm::chat_request&)> answer;
    llm::model_profile model;
    bool hold = false;
    std::mutex mutex;
    std::vector<llm::chat_request> asked;
    std::deque<std::pair<llm::chat_request, llm::completion>> held;
  };

  explicit scripted(std::function<llm::outcome(const llm::chat_request&)> answer, bool hold = false)
      : state_(std::make_shared<state>()) {
    state_->answer = std::move(answer);
    state_->hold = hold;
    state_->model.provider = "test";
    state_->model.name = "scripted";
    state_->model.spec = "test:scripted";
    state_->model.takes.max_n = 8;
  }

  void submit(llm::chat_request q, llm::completion done) {
    {
      const std::scoped_lock lock(state_->mutex);
      state_->asked.push_back(q);
      if (state_->hold) return state_->held.emplace_back(std::move(q), std::move(done)), void();
    }
    done(state_->answer(q));
  }
  [[nodiscard]] const llm::model_profile& model() const noexcept { return state_->model; }
  [[nodiscard]] llm::model_profile& profile() noexcept { return state_->model; }

  /// Waits until so many requests are held, then answers them.
  void release(std::size_t count) {
    for (;; ::usleep(200)) {
      std::deque<std::pair<llm::chat_request, llm::completion>> now;
      {
        const std::scoped_lock lock(state_->mutex);
        if (state_->held.size() < count) continue;
        now.swap(state_->held);
      }
      for (auto& [q, done] : now) done(state_->answer(q));
      return;
    }
  }
  [[nodiscard]] std::vector<llm::chat_request> asked() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->asked;
  }

 private:
  std::shared_ptr<state> state_;
};
static_assert(llm::ChatClient<scripted>);
static_assert(llm::ChatClient<store::recorded_client<scripted>>);
static_assert(llm::ChatClient<store::replaying_client>);

/// `count` texts that tell prompt and sample, with usage that tells them as well.
inline llm::reply texts(const llm::chat_request& q, std::uint32_t count) {
  llm::reply r;
  const std::string prompt = q.messages.empty() ? "" : q.messages.messages().back().text;
  for (std::uint32_t i = 0; i < count; ++i)
    r.choices.push_back({.text = prompt + "#" + std::to_string(q.sample + i), .native_finish = "stop"});
  r.used.input = 100 + prompt.size();
  r.used.output = 7 * std::uint64_t{count} + q.sample % 3;
  r.used.cached = 11;
  r.id = "id-" + prompt + "-" + std::to_string(q.sample);
  r.seconds = std::chrono::duration<double>(0.1 + q.sample);
  return r;
}

inline llm::chat_request question(const std::string& prompt, std::uint32_t first = 0, std::uint32_t n = 1) {
  llm::chat_request q(llm::conversation("system", prompt));
  q.sample = first;
  q.n = n;
  return q;
}

/// Texts of a reply, or the failure, on one line.
inline std::string shown(const llm::outcome& o) {
  if (!o.ok()) return std::string(to_string(o.failure().kind)) + ": " + o.failure().message;
  std::string line;
  for (const llm::choice& c : o.reply().choices) line += (line.empty() ? "" : " ") + c.text;
  return line;
}

inline std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The store_error that a function throws; fails the test if it does not.
template <class F> store::store_error error_of(F&& f) {
  try {
    f();
  } catch (const store::store_error& e) {
    CHECK(std::string(e.what()).find('\n') == std::string::npos);
    return e;
  }
  FAIL("no store_error");
  std::abort();
}

/// Runs `f` in a child process and returns its exit code; 256 + signal if it was killed.
template <class F> int in_child(F&& f) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int code = 99;
    try {
      code = f();
    } catch (...) {
      code = 98;
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

} // namespace store_test
