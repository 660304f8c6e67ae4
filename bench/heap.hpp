// SPDX-License-Identifier: MIT
// How much memory something uses, exactly and repeatably: the program's operator new counts bytes while it is
// asked to (heap.cpp), which costs a benchmark nothing while it is not.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <thread>

namespace bench {

struct HeapUse {
  std::int64_t peak = 0; ///< most bytes that were allocated at one time, beyond what was before
  std::int64_t kept = 0; ///< bytes still allocated at the end
};

void start_counting();
HeapUse stop_counting();

/// Calls f once on a new thread, whose own caches are empty, and counts what all threads allocate
/// meanwhile. `f` may return what is to count as kept. What f throws is thrown.
template <class F> HeapUse heap_use(F f) {
  HeapUse use;
  std::exception_ptr error;
  std::thread([&]() noexcept {
    start_counting();
    try {
      [[maybe_unused]] const auto kept = f();
      use = stop_counting();
    } catch (...) {
      stop_counting();
      error = std::current_exception();
    }
  }).join();
  if (error) std::rethrow_exception(error);
  return use;
}

/// The peak of f; found out once per name, although a benchmark is called several times.
template <class F> double peak_bytes(const std::string& name, F f) {
  static std::map<std::string, double> known;
  const auto [it, is_new] = known.try_emplace(name);
  if (is_new) it->second = static_cast<double>(heap_use(f).peak);
  return it->second;
}

} // namespace bench
