// SPDX-License-Identifier: MIT
// A verifier that remembers the verdicts of another, because models often write the same program twice.
// Worth it when verification takes longer than a microsecond; memory is bounded by the number of entries.
#pragma once

#include "strata/verdict.hpp"

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace strata {

/// `key(task, program)` returns a std::string, called from many threads; equal keys must mean equal verdicts.
/// When one of the 16 shards is full it is emptied: verdicts stay right, only the time to find them again is
/// lost. Threads that meet a new key at the same time may all verify it. An exception of the verifier is
/// passed on and not remembered.
///
///     strata::cached verifier{slow{}, [](const task& t, const std::string& p) { return t.name + '\n' + p;
///     }};
template <class V, class Key> class cached {
 public:
  explicit cached(V verifier, Key key, std::size_t most_entries = std::size_t{1} << 16U)
      : verifier_(std::move(verifier)), key_(std::move(key)), most_per_shard_(most_entries / shards + 1) {}

  template <class Task, class Program>
  requires requires(const V& v, const Key& k, const Task& t, const Program& p) {
    { v.verify(t, p) } -> std::convertible_to<verdict>;
    { std::invoke(k, t, p) } -> std::convertible_to<std::string>;
  }
  [[nodiscard]] verdict verify(const Task& task, const Program& program) const {
    std::string key = std::invoke(key_, task, program);
    shard& s = shards_[std::hash<std::string>{}(key) % shards];
    {
      const std::scoped_lock lock(s.mutex);
      if (const auto at = s.known.find(key); at != s.known.end()) {
        hits_.fetch_add(1, std::memory_order_relaxed);
        return at->second;
      }
    }
    verdict v = verifier_.verify(task, program);
    const std::scoped_lock lock(s.mutex);
    if (s.known.size() >= most_per_shard_) s.known.clear();
    s.known.emplace(std::move(key), v);
    return v;
  }

  /// Verdicts that did not have to be found again.
  [[nodiscard]] std::size_t hits() const noexcept { return hits_.load(); }

 private:
  static constexpr std::size_t shards = 16;
  struct shard {
    std::mutex mutex;
    std::unordered_map<std::string, verdict> known;
  };

  V verifier_;
  Key key_;
  std::size_t most_per_shard_;
  mutable std::array<shard, shards> shards_;
  mutable std::atomic<std::size_t> hits_{0};
};

} // namespace strata
