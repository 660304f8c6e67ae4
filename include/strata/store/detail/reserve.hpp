// SPDX-License-Identifier: MIT
// Disk space put by, so that the replies that are under way when the disk fills up can still be stored: they
// will have been paid for. It is given back when it is needed, and when the store is closed.
#pragma once

#include "strata/store/store_error.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <system_error>
#include <unistd.h>

namespace strata::store::detail {

class reserve {
 public:
  /// Throws store_error if there is no such space now. Nothing is put by for 0 bytes, or where it cannot be.
  reserve(const std::filesystem::path& store, std::uint64_t bytes) : path_(store.string() + ".reserve") {
    if (bytes == 0) return;
    const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (file < 0) return;
    held_ = true;
    const int why = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
    ::close(file);
    if (why == 0) return;
    release();
    if (why == ENOSPC || why == EDQUOT)
      throw store_error(store_problem::full, store,
                        "no space left to put by for it (" + std::to_string(bytes >> 20U) +
                            " MiB). Free some space and start again; what is stored is intact");
  }
  reserve(const reserve&) = delete;
  reserve& operator=(const reserve&) = delete;
  ~reserve() { release(); }

  /// Gives the space back; returns whether there was any.
  bool release() noexcept {
    if (!held_) return false;
    held_ = false;
    std::error_code ignored;
    return std::filesystem::remove(path_, ignored);
  }

 private:
  std::filesystem::path path_;
  bool held_ = false;
};

} // namespace strata::store::detail
