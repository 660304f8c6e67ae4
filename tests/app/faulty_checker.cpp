// SPDX-License-Identifier: MIT
// For tests of what survives a verifier that dies, hangs or changes its mind: the linker puts this function
// before the Checker's own (--wrap), in a command that is otherwise the one that is shipped.
// A program says what it does to its verifier ("# fault:segv"), or STRATA_FAULT says it for programs that
// cannot: "abort-on:PROGRAM", "all-wrong".
#include "checker.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <sys/resource.h>
#include <thread>
#include <vector>

// NOLINTBEGIN: names that the linker makes
extern "C" {
step::Verdict __real_checker_verify(const app::Checker* self, std::string_view program) asm(
    "__real__ZNK3app7Checker6verifyESt17basic_string_viewIcSt11char_traitsIcEE");
step::Verdict __wrap_checker_verify(const app::Checker* self, std::string_view program) asm(
    "__wrap__ZNK3app7Checker6verifyESt17basic_string_viewIcSt11char_traitsIcEE");
}
// NOLINTEND

namespace {

int overflow(int depth) {
  volatile char frame[4096] = {};
  frame[static_cast<std::size_t>(depth) % sizeof frame] = 1;
  return depth < 0 ? 0 : overflow(depth + 1) + frame[0];
}

void suffer(std::string_view fault) {
  if (fault.starts_with("segv")) std::raise(SIGSEGV);
  if (fault.starts_with("fpe")) std::raise(SIGFPE);
  if (fault.starts_with("abort")) std::abort();
  if (fault.starts_with("stack")) std::exit(overflow(0));
  if (fault.starts_with("memory")) { // what the system does to a process that takes too much
    ::rlimit all{};
    ::getrlimit(RLIMIT_AS, &all);
    if (all.rlim_cur == RLIM_INFINITY) std::raise(SIGKILL);
    std::vector<std::unique_ptr<char[]>> taken;
    for (;;) taken.push_back(std::make_unique<char[]>(std::size_t{64} << 20U));
  }
  if (fault.starts_with("hang"))
    for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
}

} // namespace

step::Verdict __wrap_checker_verify(const app::Checker* self, std::string_view program) {
  constexpr std::string_view mark = "# fault:", on = "abort-on:";
  if (const auto at = program.find(mark); at != std::string_view::npos)
    suffer(program.substr(at + mark.size()));
  const char* const set = std::getenv("STRATA_FAULT");
  const std::string_view fault = set == nullptr ? "" : set;
  if (fault.starts_with(on) && fault.substr(on.size()) == program) std::abort();
  auto verdict = __real_checker_verify(self, program);
  if (fault == "all-wrong") {
    verdict.pass = verdict.functional = false;
    verdict.stage = step::Stage::values;
  }
  return verdict;
}
