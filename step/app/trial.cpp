// SPDX-License-Identifier: MIT
// The process is `strata verify --corpus -` of this very binary: a line in, a verdict out.
#include "trial.hpp"

#include "failure.hpp"
#include "json.hpp"
#include "verdict_text.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace app {

namespace {

constexpr ::rlim_t most_computing = 60; // seconds
constexpr ::rlim_t most_memory = ::rlim_t{4} << 30U;

/// By the clock; a verdict takes 10 s at most.
std::chrono::seconds patience() {
  const char* const set = std::getenv("STRATA_TRIAL_SECONDS");
  const long seconds = set == nullptr ? 0 : std::strtol(set, nullptr, 10);
  return std::chrono::seconds(seconds > 0 && seconds < 1'000'000 ? seconds : 60);
}

[[noreturn]] void cannot_try(const char* what, int why) {
  throw Failure(std::string("a program that may have killed the run cannot be tried in another process: ") +
                what + ": " + std::strerror(why) + "; resume when that is mended");
}

/// A file in memory, for what the process reads or writes.
class Buffer {
 public:
  Buffer() : descriptor_(::memfd_create("strata", MFD_CLOEXEC)) {
    if (descriptor_ < 0) cannot_try("memfd_create", errno);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { ::close(descriptor_); }
  void put(std::string_view text) {
    while (!text.empty()) {
      const auto count = ::write(descriptor_, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) cannot_try("write", errno);
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    ::lseek(descriptor_, 0, SEEK_SET);
  }
  [[nodiscard]] std::string get() const {
    std::string text(std::size_t{1} << 20U, '\0');
    const auto count = ::pread(descriptor_, text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

struct Spawn {
  ::posix_spawn_file_actions_t files{};
  ::posix_spawnattr_t how{};
  Spawn() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&how);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
  ~Spawn() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&how);
  }
};

void bound(::pid_t child, __rlimit_resource what, ::rlim_t most) {
  ::rlimit limit{};
  if (::prlimit(child, what, nullptr, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_cur, most);
  (void)::prlimit(child, what, &limit, nullptr);
}

void bound(::pid_t child) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  bound(child, RLIMIT_AS, most_memory); // sanitizers reserve terabytes of addresses
#endif
  bound(child, RLIMIT_CPU, most_computing);
  bound(child, RLIMIT_CORE, 0);
  // where memory is short it goes first, not the run
  const int score =
      ::open(("/proc/" + std::to_string(child) + "/oom_score_adj").c_str(), O_WRONLY | O_CLOEXEC);
  if (score < 0) return;
  (void)!::write(score, "1000", 4);
  ::close(score);
}

Trial once(const std::filesystem::path& tasks_directory, const std::string& id, std::string_view program,
           bool published) {
  json::object line;
  line["task"] = json_string(id);
  line["impl"] = json_string(program);
  Buffer in, out, said;
  in.put(to_text(line) + "\n");
  Spawn spawn;
  ::posix_spawn_file_actions_adddup2(&spawn.files, in.descriptor(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&spawn.files, out.descriptor(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&spawn.files, said.descriptor(), STDERR_FILENO);
  ::sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&spawn.how, &none);
  ::posix_spawnattr_setsigdefault(&spawn.how, &all);
  ::posix_spawnattr_setpgroup(&spawn.how, 0); // Ctrl-C is not meant for it
  ::posix_spawnattr_setflags(&spawn.how,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> words = {
      "strata", "verify", "--corpus", "-", "--jobs", "1", "--no-cache", "--tasks", tasks_directory.string()};
  if (published) words.push_back("--published");
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::pid_t child = 0;
  const int why =
      ::posix_spawn(&child, "/proc/self/exe", &spawn.files, &spawn.how, arguments.data(), environ);
  if (why != 0) cannot_try("a process", why);
  bound(child);
  const auto begun = std::chrono::steady_clock::now();
  const auto most_time = patience();
  int status = 0;
  for (::timespec pause{0, 1'000'000};;) {
    const ::pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) break;
    if (ended < 0 && errno != EINTR) cannot_try("waitpid", errno);
    if (std::chrono::steady_clock::now() - begun > most_time) {
      ::kill(child, SIGKILL);
      while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
      }
      return {.verdict = {},
              .how_it_died = "no end after " + std::to_string(most_time.count()) + " s",
              .ended = false};
    }
    ::nanosleep(&pause, nullptr);
    pause.tv_nsec = std::min(pause.tv_nsec * 2, 20'000'000L);
  }
  if (WIFSIGNALED(status))
    return {.verdict = {},
            .how_it_died =
                "signal " + std::to_string(WTERMSIG(status)) + ", " + ::strsignal(WTERMSIG(status))};
  std::string problem;
  const auto text = out.get();
  const auto value = parse_json(text.substr(0, text.find('\n')), problem);
  Trial tried;
  tried.verdict.emplace();
  if (problem.empty() && read_verdict(value, *tried.verdict)) return tried;
  const std::string why_not = printable(said.get());
  if (why_not.find("out of memory") != std::string::npos || text.find("bad_alloc") != std::string::npos)
    return {.verdict = {}, .how_it_died = "out of memory"};
  throw Failure("a program that may have killed the run cannot be tried in another process: it says: " +
                why_not.substr(0, 400) + text.substr(0, 200));
}

} // namespace

Trial verify_in_process(const std::filesystem::path& tasks_directory, const std::string& id,
                        std::string_view program, bool published) {
  auto tried = once(tasks_directory, id, program, published);
  return tried.verdict || !tried.ended ? tried : once(tasks_directory, id, program, published);
}

step::Verdict died_verdict(const std::string& how) {
  step::Verdict v;
  v.stage = step::Stage::limit;
  v.message = "the verifier does not survive this program: a process of its own died of it (" + how +
              "); it counts as beyond a limit";
  return v;
}

} // namespace app
