// SPDX-License-Identifier: MIT
// At most one process writes a place: a lock on a file in it, which the system releases however the process
// ends. For a run store, SQLite's own locks last for one transaction only and would let two runs pay for the
// same replies.
#pragma once

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace strata::store {

/// Held as long as it lives. The file stays behind; what is in it is its owner's affair.
class writer_lock {
 public:
  /// Makes the file if there is none. Throws std::system_error: errc::operation_would_block while another
  /// process (or another lock of this one) holds it, errc::not_supported if it is no regular file, otherwise
  /// what the system says.
  explicit writer_lock(const std::filesystem::path& file) {
    for (;;) {
      // O_NONBLOCK: opening a pipe would wait for its other end
      file_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
      if (file_ < 0) fail(errno);
      struct ::stat mine {
      }, there{};
      if (::fstat(file_, &mine) != 0) fail(errno);
      if (!S_ISREG(mine.st_mode)) fail(ENOTSUP);
      int code = 0;
      do code = ::flock(file_, LOCK_EX | LOCK_NB);
      while (code != 0 && errno == EINTR);
      if (code != 0) fail(errno);
      // a lock on a file that was removed meanwhile keeps nobody out
      if (::lstat(file.c_str(), &there) == 0 && there.st_ino == mine.st_ino && there.st_dev == mine.st_dev)
        return;
      ::close(std::exchange(file_, -1));
    }
  }
  writer_lock(writer_lock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  writer_lock& operator=(writer_lock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~writer_lock() {
    if (file_ >= 0) ::close(file_);
  }

  /// Of the open file.
  [[nodiscard]] int descriptor() const noexcept { return file_; }

 private:
  [[noreturn]] void fail(int why) {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
    throw std::system_error(why, std::generic_category());
  }
  int file_ = -1;
};

} // namespace strata::store
