// SPDX-License-Identifier: MIT
// Replaces the global allocation functions by ones that fail once when they are told to. Include it in one
// file of an executable. ThreadSanitizer does not let them be replaced; nothing fails there.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

#if defined(__SANITIZE_THREAD__)
#define STRATA_NEW_CANNOT_FAIL
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRATA_NEW_CANNOT_FAIL
#endif
#endif

namespace failing {

#ifdef STRATA_NEW_CANNOT_FAIL
inline constexpr bool possible = false;
#else
inline constexpr bool possible = true;
#endif
inline constexpr long never = std::numeric_limits<long>::max();
inline std::atomic<bool> armed{false};
inline std::atomic<long> left{never};

inline bool now() noexcept { return armed.load(std::memory_order_relaxed) && left.fetch_sub(1) == 0; }

} // namespace failing

/// While it lives, the allocation after so many others fails, on whichever thread it is.
class failing_new {
 public:
  explicit failing_new(std::size_t after) noexcept {
    failing::left = static_cast<long>(after);
    failing::armed = true;
  }
  failing_new(const failing_new&) = delete;
  failing_new& operator=(const failing_new&) = delete;
  ~failing_new() { failing::armed = false; }
  /// Whether it has; nothing fails any more.
  [[nodiscard]] bool happened() const noexcept {
    failing::armed = false;
    return failing::left < 0;
  }
};

#ifndef STRATA_NEW_CANNOT_FAIL
void* operator new(std::size_t size) {
  if (failing::now()) throw std::bad_alloc();
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return failing::now() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
// not inlined: g++ 12 would warn of a free that does not match a new of its own
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
#endif
