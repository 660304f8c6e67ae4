// SPDX-License-Identifier: MIT
// Verdicts by task and exact text, because models often write the same program twice.
// Memory is bounded: a shard that is full is emptied, and the time to verify again is all that is lost.
#pragma once

#include "step/verifier/verdict.hpp"

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace app {

/// May be used from many threads.
class VerdictCache {
 public:
  [[nodiscard]] static std::string key(const std::string& task, const std::string& program) {
    return task + '\0' + program;
  }
  [[nodiscard]] std::optional<step::Verdict> find(const std::string& key) {
    Shard& s = shard(key);
    const std::scoped_lock lock(s.mutex);
    const auto at = s.known.find(key);
    return at == s.known.end() ? std::nullopt : std::optional(at->second);
  }
  void keep(std::string key, const step::Verdict& verdict) {
    Shard& s = shard(key);
    const std::size_t size = key.size() + verdict.message.size() + 256;
    const std::scoped_lock lock(s.mutex);
    if (s.bytes + size > most_bytes / shards) {
      s.known.clear();
      s.bytes = 0;
    }
    if (s.known.emplace(std::move(key), verdict).second) s.bytes += size;
  }

 private:
  static constexpr std::size_t shards = 16, most_bytes = std::size_t{128} << 20U;
  struct Shard {
    std::mutex mutex;
    std::size_t bytes = 0;
    std::unordered_map<std::string, step::Verdict> known;
  };
  Shard& shard(const std::string& key) { return shards_[std::hash<std::string>{}(key) % shards]; }
  std::array<Shard, shards> shards_;
};

} // namespace app
