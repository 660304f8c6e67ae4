// SPDX-License-Identifier: MIT
// The operator new and delete of the benchmarks: those of the standard library, which also count when told
// to. What is allocated otherwise (malloc, mmap) is not seen.
#include "heap.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace bench {

namespace {

std::atomic<bool> counting{false};
std::atomic<std::int64_t> live{0}, peak{0};

void* counted(void* block) noexcept {
  if (counting.load(std::memory_order_relaxed) && block != nullptr) {
    const auto size = static_cast<std::int64_t>(malloc_usable_size(block));
    const auto now = live.fetch_add(size, std::memory_order_relaxed) + size;
    auto most = peak.load(std::memory_order_relaxed);
    while (now > most && !peak.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
    }
  }
  return block;
}

void* or_throw(void* block) {
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void release(void* block) noexcept {
  if (counting.load(std::memory_order_relaxed) && block != nullptr)
    live.fetch_sub(static_cast<std::int64_t>(malloc_usable_size(block)), std::memory_order_relaxed);
  std::free(block);
}

void* aligned(std::size_t size, std::align_val_t alignment) noexcept {
  const auto a = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(a, (std::max<std::size_t>(size, 1) + a - 1) / a * a));
}

} // namespace

void start_counting() {
  live = 0;
  peak = 0;
  counting = true;
}
HeapUse stop_counting() {
  counting = false;
  return {peak, live};
}

} // namespace bench

// The array forms of the standard library call these.
void* operator new(std::size_t size) {
  return bench::or_throw(bench::counted(std::malloc(std::max<std::size_t>(size, 1))));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return bench::counted(std::malloc(std::max<std::size_t>(size, 1)));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return bench::or_throw(bench::aligned(size, alignment));
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return bench::aligned(size, alignment);
}
void operator delete(void* block) noexcept { bench::release(block); }
void operator delete(void* block, std::size_t) noexcept { bench::release(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { bench::release(block); }
void operator delete(void* block, std::align_val_t) noexcept { bench::release(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { bench::release(block); }
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept { bench::release(block); }
