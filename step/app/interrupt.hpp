// SPDX-License-Identifier: MIT
// Ctrl-C and SIGTERM: the first asks the run to end in order, the second kills.
// Make one before any other thread is started, so that they all leave these signals to it.
#pragma once

#include <atomic>
#include <csignal>
#include <cstdio>
#include <stop_token>
#include <thread>
#include <time.h>

namespace app {

class Interrupt {
 public:
  Interrupt() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, &previous_);
    watcher_ = std::jthread([this](const std::stop_token& ended) { watch(ended); });
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt() {
    watcher_.request_stop();
    watcher_.join();
    ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
  }
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  [[nodiscard]] bool requested() const { return source_.stop_requested(); }

 private:
  void watch(const std::stop_token& ended) {
    const ::timespec wait{0, 50'000'000};
    while (!ended.stop_requested()) {
      const int signal = ::sigtimedwait(&set_, nullptr, &wait);
      if (signal < 0) continue;
      if (source_.stop_requested()) {
        struct ::sigaction standard {};
        standard.sa_handler = SIG_DFL;
        ::sigaction(signal, &standard, nullptr);
        ::pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
        ::raise(signal);
        return;
      }
      std::fputs("\nstrata: stopping in order; once more to kill\n", stderr);
      source_.request_stop();
    }
  }

  ::sigset_t set_{}, previous_{};
  std::stop_source source_;
  std::jthread watcher_;
};

} // namespace app
