// SPDX-License-Identifier: MIT
// Files as a whole: written so that readers see the old content or the new one, never a part of it, and read
// without waiting for anything that is no file.
#pragma once

#include "failure.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace app {

[[noreturn]] inline void cannot_write(const std::filesystem::path& file) {
  const char* const why = errno != 0 ? std::strerror(errno) : "unknown error";
  throw Failure(file.string() + ": cannot write: " + why + "; choose a writable place with free space" +
                (errno == EFBIG ? ", or allow larger files (ulimit -f)" : ""));
}

/// Opens a regular file, without waiting if it is a pipe. Returns -1 where there is none. Throws Failure.
[[nodiscard]] inline int open_regular(const std::filesystem::path& file, int flags) {
  const int descriptor = ::open(file.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0666);
  if (descriptor < 0) {
    if (errno == ENOENT) return -1;
    const int why = errno;
    throw Failure(file.string() + ": cannot open the file: " + std::strerror(why) + "; check it");
  }
  struct ::stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) return descriptor;
  ::close(descriptor);
  throw Failure(file.string() + ": this is no regular file; remove it, or name another");
}

/// Throws Failure: there is no such file, it is no regular one, or it has more than `largest` bytes.
[[nodiscard]] inline std::string read_whole_file(const std::filesystem::path& file, std::size_t largest) {
  const int descriptor = open_regular(file, O_RDONLY);
  if (descriptor < 0) throw Failure(file.string() + ": there is no such file; check the path");
  std::string text;
  for (;;) {
    const std::size_t had = text.size();
    text.resize(had + (std::size_t{64} << 10U));
    const auto count = ::read(descriptor, text.data() + had, text.size() - had);
    text.resize(had + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count < 0 && errno == EINTR) continue;
    if (count > 0 && text.size() <= largest) continue;
    const int why = errno;
    ::close(descriptor);
    if (count < 0) throw Failure(file.string() + ": cannot read: " + std::strerror(why) + "; check the disk");
    if (text.size() > largest)
      throw Failure(file.string() + ": larger than " + std::to_string(largest) +
                    " bytes; it is none of ours");
    return text;
  }
}

/// The file has the new content when this returns, also after a power cut; if it throws Failure, the old one.
/// The name of the temporary file is the file's with ".<process>.tmp" appended.
inline void write_whole_file(const std::filesystem::path& file, std::string_view text) {
  auto temporary = file;
  temporary += "." + std::to_string(::getpid()) + ".tmp";
  const int descriptor =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0) cannot_write(file);
  const auto fail = [&] {
    const int why = errno;
    ::unlink(temporary.c_str());
    errno = why;
    cannot_write(file);
  };
  bool written = true;
  while (written && !text.empty()) {
    const auto count = ::write(descriptor, text.data(), text.size());
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    written = count > 0 || (count < 0 && errno == EINTR);
  }
  // some file systems cannot, and say so
  written = written && (::fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP);
  if (!written) {
    const int why = errno;
    ::close(descriptor);
    errno = why;
    fail();
  }
  if (::close(descriptor) != 0) fail();
  if (::rename(temporary.c_str(), file.c_str()) != 0) fail();
  const auto directory = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  if (const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); opened >= 0) {
    (void)::fsync(opened); // the name, too
    ::close(opened);
  }
}

} // namespace app
