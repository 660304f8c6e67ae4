// SPDX-License-Identifier: MIT
// Writes a file so that readers see the old content or the new one, never a part of it.
// Used for results that other programs read while a run goes on.
#pragma once

#include "failure.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace app {

[[noreturn]] inline void cannot_write(const std::filesystem::path& file) {
  const char* const why = errno != 0 ? std::strerror(errno) : "unknown error";
  throw Failure(file.string() + ": cannot write: " + why + "; choose a writable place with free space");
}

/// Throws Failure. The name of the temporary file is the file's with ".<process>.tmp" appended.
inline void write_whole_file(const std::filesystem::path& file, std::string_view text) {
  auto temporary = file;
  temporary += "." + std::to_string(::getpid()) + ".tmp";
  std::error_code error;
  errno = 0;
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    if (!out) cannot_write(file);
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
    out.close();
    if (!out) {
      const int why = errno;
      std::filesystem::remove(temporary, error);
      errno = why;
      cannot_write(file);
    }
  }
  std::filesystem::rename(temporary, file, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    errno = error.value();
    cannot_write(file);
  }
}

} // namespace app
