// SPDX-License-Identifier: MIT
// Prompt caching as providers account for it: automatic by prefix, or where the client puts marks.
// Only hashes are kept; an entry can be used from the moment on at which the reply that wrote it has begun.
#pragma once

#include "strata/llm/mock/call.hpp"
#include "strata/llm/mock/settings.hpp"
#include "strata/llm/token_usage.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace strata::llm::mock {

using steady_time = std::chrono::steady_clock::time_point;

class prompt_cache {
 public:
  explicit prompt_cache(const cache_settings& how) : how_(how) {}

  /// Looks the prompt up and stores it; returns its usage without output. `scope` separates models and
  /// accounts, `begins` is when the reply will begin. O(prompt).
  [[nodiscard]] token_usage use(const call& q, std::uint64_t scope, steady_time now, steady_time begins) {
    storing_ = true;
    return look(q, scope, now, begins);
  }
  /// The same without storing anything.
  [[nodiscard]] token_usage preview(const call& q, std::uint64_t scope, steady_time now) {
    storing_ = false;
    return look(q, scope, now, now);
  }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct entry {
    steady_time usable{}, expires{};
    std::chrono::seconds life{};
  };

  token_usage look(const call& q, std::uint64_t scope, steady_time now, steady_time begins) {
    if (entries_.size() > how_.most_entries) forget(now);
    token_usage used;
    used.input = tokens_of(q.prompt);
    if (!how_.enabled) return used;
    if (q.speaks == protocol::anthropic_messages)
      marked(q, scope, now, begins, used);
    else
      automatic(q, scope, now, begins, used);
    return used;
  }

  /// Whether the entry can be read now; if so it lives on.
  bool hit(std::uint64_t key, steady_time now) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.usable > now || found->second.expires <= now) return false;
    found->second.expires = now + found->second.life;
    return true;
  }
  void store(std::uint64_t key, std::chrono::seconds life, steady_time now, steady_time begins) {
    if (!storing_) return;
    entry& e = entries_.try_emplace(key, entry{begins, begins + life, life}).first->second;
    if (e.expires <= now) e = {begins, begins + life, life};
    e.life = std::max(e.life, life);
    e.expires = std::max(e.expires, begins + life);
  }
  void forget(steady_time now) {
    std::erase_if(entries_, [&](const auto& e) { return e.second.expires <= now; });
    if (entries_.size() > how_.most_entries) entries_.clear();
  }

  /// Prefixes of `minimum`, `minimum` + `step`, .. tokens.
  void automatic(const call& q, std::uint64_t scope, steady_time now, steady_time begins, token_usage& used) {
    const std::uint64_t step = std::max<std::uint64_t>(how_.step, 1);
    if (used.input < std::max(how_.minimum, step)) return;
    text_.clear(); // four bytes a token, so that a prefix of tokens is one of bytes
    for (const block& b : q.prompt) {
      if (b.opens_message) text_.append(4 * tokens_per_message, static_cast<char>(b.from));
      text_ += b.text;
      text_.append((4 - b.text.size() % 4) % 4, '\0');
    }
    keys_.clear();
    std::uint64_t h = scope;
    for (std::uint64_t end = step; end <= used.input; end += step) {
      h = mix(h, std::string_view(text_).substr(4 * (end - step), 4 * step));
      if (end >= how_.minimum) keys_.push_back(h);
    }
    const std::uint64_t whole = used.input / step * step;
    std::size_t known = keys_.size();
    while (known > 0 && !hit(keys_[known - 1], now)) --known;
    if (known > 0) used.cached = whole - step * (keys_.size() - known);
    for (const std::uint64_t key : keys_) store(key, how_.ttl, now, begins); // renews what was read
    if (how_.writes_counted) used.cache_write = whole - used.cached;
  }

  /// Prefixes that end at a mark; each looks back over twenty blocks for what is there already.
  void marked(const call& q, std::uint64_t scope, steady_time now, steady_time begins, token_usage& used) {
    keys_.clear();
    ends_.clear();
    std::uint64_t h = mix(scope, 0xA7), end = 0;
    std::size_t last = 0, last_hour = 0; // one behind the block with the mark
    for (std::size_t i = 0; i < q.prompt.size(); ++i) {
      const block& b = q.prompt[i];
      h = mix(mix(h, static_cast<std::uint64_t>(b.from) * 2 + (b.opens_message ? 1 : 0)), b.text);
      end += tokens_of(b.text) + (b.opens_message ? tokens_per_message : 0);
      keys_.push_back(h);
      ends_.push_back(end);
      if (b.mark == cache_mark::none || end < how_.minimum) continue;
      last = i + 1;
      if (b.mark == cache_mark::hour) last_hour = i + 1;
    }
    if (last == 0) return;
    for (std::size_t m = last; m > 0 && used.cached == 0; --m) {
      if (q.prompt[m - 1].mark == cache_mark::none) continue;
      for (std::size_t back = 0; back < 20 && back < m; ++back)
        if (hit(keys_[m - 1 - back], now)) {
          used.cached = ends_[m - 1 - back];
          break;
        }
    }
    const std::uint64_t hour_end = last_hour == 0 ? 0 : ends_[last_hour - 1];
    if (hour_end > used.cached) used.cache_write_hour = hour_end - used.cached;
    const std::uint64_t from = std::max(used.cached, hour_end);
    if (ends_[last - 1] > from) used.cache_write = ends_[last - 1] - from;
    for (std::size_t i = 0; i < last; ++i)
      if (q.prompt[i].mark != cache_mark::none && ends_[i] >= how_.minimum)
        store(keys_[i], q.prompt[i].mark == cache_mark::hour ? how_.ttl * 12 : how_.ttl, now, begins);
  }

  cache_settings how_;
  bool storing_ = true;
  std::unordered_map<std::uint64_t, entry> entries_;
  std::string text_; // kept for its memory
  std::vector<std::uint64_t> keys_, ends_;
};

} // namespace strata::llm::mock
