// SPDX-License-Identifier: MIT
#include "run_state.hpp"

#include "failure.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using app::ProgramName;
using app::RunState;
using app::Suspicion;

namespace {

struct Directory {
  std::filesystem::path path;
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "strata-state-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path); }
};

/// Runs `f` in a process that dies without destructors at its end.
template <class F> void in_process_that_dies(F f) {
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    f();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
}

} // namespace

TEST_CASE("run state: what was being verified when a process died is suspected, nothing else") {
  const Directory dir;
  const ProgramName done("a/task", "done"), open("a/task", "open"), elsewhere("b/task", "open");
  in_process_that_dies([&] {
    RunState state(dir.path);
    state.set_seconds(12.5);
    { const auto note = state.note(done); }
    static const auto* const kept = new RunState::Note(state.note(open));
    (void)kept;
    ::kill(::getpid(), SIGKILL);
  });
  RunState state(dir.path);
  CHECK(state.seconds() == 12.5);
  CHECK(state.suspicion(done) == Suspicion::none);
  CHECK(state.suspicion(open) == Suspicion::suspect);
  CHECK(state.suspicion(elsewhere) == Suspicion::suspect);

  SUBCASE("a conviction stays") {
    state.convict(open);
    { RunState old = std::move(state); }
    const RunState again(dir.path);
    CHECK(again.suspicion(open) == Suspicion::convicted);
    CHECK(again.suspicion(elsewhere) == Suspicion::suspect);
    CHECK(again.suspicion(done) == Suspicion::none);
  }
  SUBCASE("an acquittal stays") {
    state.acquit(open);
    { RunState old = std::move(state); }
    const RunState again(dir.path);
    CHECK(again.suspicion(open) == Suspicion::none);
    CHECK(again.suspicion(elsewhere) == Suspicion::none);
  }
  SUBCASE("a replay suspects the same") {
    const Directory other;
    RunState replay(other.path);
    replay.take_suspects_of(dir.path);
    CHECK(replay.suspicion(open) == Suspicion::suspect);
    CHECK(replay.suspicion(done) == Suspicion::none);
  }
}

TEST_CASE("run state: one writer at a time, and none after its death") {
  const Directory dir;
  {
    const RunState first(dir.path);
    CHECK_THROWS_WITH_AS(RunState(dir.path), doctest::Contains("another process is writing this run"),
                         app::Failure);
  }
  { const RunState second(dir.path); }
  in_process_that_dies([&] {
    static const auto* const held = new RunState(dir.path);
    (void)held;
  });
  const RunState third(dir.path);
  std::filesystem::remove(dir.path /
                          RunState::file_name); // does not let a second one in where the first is held
  const RunState another(dir.path);
  CHECK_THROWS_AS(RunState(dir.path), app::Failure);
}

TEST_CASE("run state: the configuration's hash") {
  const Directory dir;
  CHECK_FALSE(RunState::config_of(dir.path));
  const auto hash = strata::store::digest_of("config");
  {
    RunState state(dir.path);
    CHECK_FALSE(state.config());
    state.set_config(hash);
  }
  CHECK(RunState(dir.path).config() == hash);
  CHECK(RunState::config_of(dir.path) == hash);
}

TEST_CASE("run state: a file that is something else is a clear error, and any content is survived") {
  const Directory dir;
  const auto file = dir.path / RunState::file_name;
  const auto write = [&](const std::string& text) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  };
  write(""); // its process died before it wrote
  CHECK_NOTHROW(RunState(dir.path));
  const auto size = std::filesystem::file_size(file);
  write(std::string(size / 2, 'x')); // its disk was full
  CHECK_NOTHROW(RunState(dir.path));
  write(std::string(size, 'x'));
  CHECK_THROWS_WITH_AS(RunState(dir.path), doctest::Contains("damaged"), app::Failure);
  CHECK_THROWS_WITH_AS((void)RunState::config_of(dir.path), doctest::Contains("damaged"), app::Failure);
  std::filesystem::remove(file);
  { const RunState fresh(dir.path); }
  std::string text(size, '\0');
  std::ifstream(file, std::ios::binary).read(text.data(), static_cast<std::streamsize>(size));
  for (std::size_t i = 8; i < text.size(); ++i) text[i] = static_cast<char>(i * 37 % 251 + 1);
  write(text);
  {
    RunState state(dir.path);
    CHECK(state.seconds() >= 0);
    CHECK(state.suspicion({"t", "p"}) == Suspicion::none);
    for (int i = 0; i < 3000; ++i) state.convict({"t", std::to_string(i)});
    CHECK(state.suspicion({"t", "2999"}) == Suspicion::convicted);
  }
  std::filesystem::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  CHECK_THROWS_WITH_AS(RunState(dir.path), doctest::Contains("no regular file"), app::Failure);
  CHECK_THROWS_WITH_AS((void)RunState::config_of(dir.path), doctest::Contains("no regular file"),
                       app::Failure);
}

TEST_CASE("run state: more threads than places can note programs") {
  const Directory dir;
  RunState state(dir.path);
  std::atomic<std::uint64_t> noted{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 2000; ++i) {
          const auto note = state.note({"task", std::to_string(t * 10000 + i)});
          ++noted;
        }
      });
  }
  CHECK(noted == 16000);
  RunState moved = std::move(state);
  CHECK(moved.suspicion({"task", "0"}) == Suspicion::none);
}
