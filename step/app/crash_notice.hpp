// SPDX-License-Identifier: MIT
// When the process dies of itself (a broken access, an overflown stack, an abort), a last line says which run
// can be resumed.
#pragma once

#include <array>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <unistd.h>

namespace app {

/// For as long as it lives. One at a time. The signals do what they did before, after the line.
class CrashNotice {
 public:
  explicit CrashNotice(const std::string& line) {
    text() = "\nstrata: " + line + "\n";
    for (std::size_t i = 0; i < signals.size(); ++i) {
      struct ::sigaction act {};
      act.sa_handler = &CrashNotice::tell;
      act.sa_flags = SA_ONSTACK;
      ::sigaction(signals[i], &act, &before()[i]);
    }
    cover_this_thread();
  }
  CrashNotice(const CrashNotice&) = delete;
  CrashNotice& operator=(const CrashNotice&) = delete;
  ~CrashNotice() {
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before()[i], nullptr);
  }

  /// Where the stack has overflown, the line needs another one. Cheap from the second time on.
  static void cover_this_thread() {
    thread_local const Stack stack;
    (void)stack;
  }

 private:
  static constexpr std::array<int, 5> signals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

  class Stack {
   public:
    Stack() {
      ::stack_t mine{}, had{};
      if (::sigaltstack(nullptr, &had) != 0 || (had.ss_flags & SS_DISABLE) == 0) return; // a sanitizer's
      memory_ = std::make_unique<char[]>(size);
      mine.ss_sp = memory_.get();
      mine.ss_size = size;
      ::sigaltstack(&mine, nullptr);
    }
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;
    ~Stack() {
      if (memory_ == nullptr) return;
      ::stack_t none{};
      none.ss_flags = SS_DISABLE;
      ::sigaltstack(&none, nullptr);
    }

   private:
    static constexpr std::size_t size = 64 << 10;
    std::unique_ptr<char[]> memory_;
  };

  static std::string& text() {
    static std::string line;
    return line;
  }
  static std::array<struct ::sigaction, signals.size()>& before() {
    static std::array<struct ::sigaction, signals.size()> all{};
    return all;
  }
  static void tell(int signal) { // only what may be called from a signal handler
    const std::string& line = text();
    (void)!::write(STDERR_FILENO, line.data(), line.size());
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before()[i], nullptr);
    if (signal == SIGABRT) return; // abort() goes on by itself
    ::raise(signal);               // at the latest when the handler returns
  }
};

} // namespace app
