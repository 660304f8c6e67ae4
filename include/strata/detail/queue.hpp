// SPDX-License-Identifier: MIT
// A bounded queue between the sampler's threads and the verifying ones. Consumers take several items per lock
// and yield a little before they sleep, so that a fast producer pays neither contention nor a wake-up per
// item.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace strata::detail {

template <class T> class queue {
 public:
  queue(std::size_t capacity, std::size_t consumers) : ring_(capacity), consumers_(consumers) {}

  /// Blocks while the queue is full.
  void push(T&& item) {
    std::unique_lock lock(mutex_);
    if (size_ == ring_.size()) {
      ++blocked_;
      room_.wait(lock, [&] { return size_ < ring_.size(); });
      --blocked_;
    }
    ring_[(first_ + size_) % ring_.size()] = std::move(item);
    ++size_;
    const bool wake = sleeping_ > 0;
    lock.unlock();
    if (wake) items_.notify_one();
  }

  /// The items a consumer has taken and not finished. Never grows beyond what is allocated at first.
  struct portion {
    portion() { items.reserve(most_at_once); }
    std::vector<T> items;
    std::size_t taken = 0; // more than there are items, if moving one has thrown
  };

  /// Takes some items in order, at least one unless the queue was closed; `out` is replaced.
  /// The items before count as finished. Throws what moving an item throws; that item is lost.
  void pop(portion& out) {
    const std::size_t finished = std::exchange(out.taken, 0);
    out.items.clear();
    std::unique_lock lock(mutex_);
    unfinished_ -= finished;
    if (size_ == 0 && unfinished_ == 0) idle_.notify_all();
    for (int patience = 64; size_ == 0 && !closed_ && patience > 0; --patience) {
      lock.unlock();
      std::this_thread::yield();
      lock.lock();
    }
    ++sleeping_;
    items_.wait(lock, [&] { return size_ > 0 || closed_; });
    --sleeping_;
    // a fair share, so that slow verifications spread over the threads
    const std::size_t take =
        std::min({size_, std::max<std::size_t>(1, size_ / (2 * consumers_)), most_at_once});
    const bool more = size_ > take && sleeping_ > 0;
    const bool room = blocked_ > 0 && take > 0;
    try {
      for (std::size_t k = 0; k < take; ++k) {
        T& next = ring_[first_];
        first_ = (first_ + 1) % ring_.size();
        --size_;
        ++unfinished_;
        ++out.taken;
        out.items.push_back(std::move(next));
      }
    } catch (...) {
      lock.unlock();
      room_.notify_all();
      throw;
    }
    lock.unlock();
    if (room) room_.notify_all();
    if (more) items_.notify_one();
  }

  /// Blocks until everything pushed has been taken and finished.
  void drain() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return size_ == 0 && unfinished_ == 0; });
  }

  /// Lets consumers leave: `pop` no longer waits.
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    items_.notify_all();
  }

 private:
  static constexpr std::size_t most_at_once = 64;

  std::mutex mutex_;
  std::condition_variable items_, room_, idle_;
  std::vector<T> ring_;
  std::size_t consumers_;
  std::size_t first_ = 0, size_ = 0, unfinished_ = 0, sleeping_ = 0, blocked_ = 0;
  bool closed_ = false;
};

} // namespace strata::detail
