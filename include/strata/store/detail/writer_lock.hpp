// SPDX-License-Identifier: MIT
// At most one run writes a store: a lock on a file beside it, which the system releases however the process
// ends. SQLite's own locks last for one transaction only and would let two runs pay for the same replies.
#pragma once

#include "strata/store/store_error.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/file.h>
#include <unistd.h>

namespace strata::store::detail {

class writer_lock {
 public:
  /// Throws store_error: locked, read_only, full or failed. The lock file stays behind, empty.
  explicit writer_lock(const std::filesystem::path& store) {
    const std::string name = store.string() + ".lock";
    file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file_ < 0) {
      const int why = errno;
      const bool full = why == ENOSPC || why == EDQUOT;
      const bool may_not = why == EACCES || why == EPERM || why == EROFS || why == ENOENT || why == ENOTDIR;
      throw store_error(full      ? store_problem::full
                        : may_not ? store_problem::read_only
                                  : store_problem::failed,
                        store,
                        std::string("cannot create its lock file (") + std::strerror(why) + "). " +
                            (full ? "Free some space" : "Choose a directory that exists and may be written"));
    }
    int code = 0;
    do code = ::flock(file_, LOCK_EX | LOCK_NB);
    while (code != 0 && errno == EINTR);
    if (code == 0) return;
    const int why = errno;
    ::close(file_);
    if (why == EWOULDBLOCK)
      throw store_error(store_problem::locked, store,
                        "another run is writing it. Wait for that run or end it, then resume");
    throw store_error(store_problem::failed, store,
                      std::string("cannot be locked (") + std::strerror(why) + ")");
  }
  writer_lock(const writer_lock&) = delete;
  writer_lock& operator=(const writer_lock&) = delete;
  ~writer_lock() { ::close(file_); }

 private:
  int file_ = -1;
};

} // namespace strata::store::detail
