// SPDX-License-Identifier: MIT
// Memory for tensors: freed blocks are kept per thread by size, because an evaluation makes many short-lived
// tensors of few sizes and warm memory is worth more than what the general allocator could do with it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

namespace step::tensor {

/// Blocks of at least 64 bytes, aligned to 64 bytes. A block may be released by another thread than the one
/// that acquired it: it stays with the thread that released it.
class Pool {
 public:
  static constexpr std::size_t alignment = 64;
  /// Larger blocks are not kept.
  static constexpr std::size_t most_block = std::size_t{16} << 20;
  /// What one thread keeps at most.
  static constexpr std::size_t most_kept = std::size_t{64} << 20;

  /// Null when there is no memory. O(1).
  [[nodiscard]] static void* acquire(std::size_t bytes) {
    const std::size_t c = size_class(bytes);
    if (c < classes) {
      Lists& lists = lists_of_thread();
      if (Free* block = lists.first[c]; block != nullptr) {
        lists.first[c] = block->next;
        lists.kept -= class_size(c);
        return block;
      }
      bytes = class_size(c);
    }
    return ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
  }
  /// `bytes` is what acquire() was called with. O(1).
  static void release(void* p, std::size_t bytes) noexcept {
    const std::size_t c = size_class(bytes);
    if (c < classes) {
      Lists& lists = lists_of_thread();
      if (lists.open && lists.kept + class_size(c) <= most_kept) {
        lists.first[c] = new (p) Free{lists.first[c]};
        lists.kept += class_size(c);
        return;
      }
    }
    ::operator delete (p, std::align_val_t{alignment});
  }

 private:
  struct Free {
    Free* next;
  };
  // Four classes per power of two, the smallest being 64 bytes.
  static constexpr std::size_t classes = 4 * 18 + 1;
  static_assert(alignment << 18U == most_block);

#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool keeps = false; // so that a use after release is found
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
  static constexpr bool keeps = false;
#else
  static constexpr bool keeps = true;
#endif
#else
  static constexpr bool keeps = true;
#endif

  /// `classes` for what is not kept.
  [[nodiscard]] static std::size_t size_class(std::size_t bytes) {
    if (bytes <= alignment) return keeps ? 0 : classes;
    if (bytes > most_block || !keeps) return classes;
    const auto power =
        static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1; // 2^power < bytes <= 2^(power+1)
    const std::size_t quarter = (bytes - 1) >> (power - 2) & 3U;
    return (power - 6) * 4 + quarter + 1;
  }
  [[nodiscard]] static std::size_t class_size(std::size_t c) {
    if (c == 0) return alignment;
    return (5 + (c - 1) % 4) << ((c - 1) / 4 + 4);
  }

  struct Lists {
    std::array<Free*, classes> first{};
    std::size_t kept = 0;
    bool open = false; ///< false before the first and after the last use of the thread: then nothing is kept
  };
  /// Empties the lists when the thread ends; tensors that die later are freed at once.
  struct Closer {
    Lists& lists;
    explicit Closer(Lists& l) : lists(l) { l.open = true; }
    ~Closer() {
      lists.open = false;
      lists.kept = 0;
      for (Free*& f : lists.first)
        while (f != nullptr) {
          Free* next = f->next;
          ::operator delete (static_cast<void*>(f), std::align_val_t{alignment});
          f = next;
        }
    }
    Closer(const Closer&) = delete;
    Closer& operator=(const Closer&) = delete;
  };
  static Lists& lists_of_thread() {
    static thread_local constinit Lists lists;
    if (!lists.open) [[unlikely]]
      open(lists);
    return lists;
  }
  [[gnu::cold]] static void open(Lists& lists) {
    // Constructed once per thread: after its destructor ran, the lists stay closed.
    static thread_local Closer closer{lists};
    (void)closer;
  }
};

} // namespace step::tensor
