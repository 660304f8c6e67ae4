// SPDX-License-Identifier: MIT
// What this process has used so far: processor time and memory, as the kernel counts them.
// Python's side of the comparison reads the same two places.
#pragma once

#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace bench {

/// Seconds of processor time, user and system, all threads.
[[nodiscard]] inline double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// Most memory that was resident at one time, MiB; not getrusage's figure, which may be that of the program
/// that started this one. 0 if the kernel does not say.
[[nodiscard]] inline double peak_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

} // namespace bench
