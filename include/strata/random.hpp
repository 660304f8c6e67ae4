// SPDX-License-Identifier: MIT
// Counter-based random streams: every random choice of a run is a pure function of (seed, step, task,
// sample). Results are therefore equal on every compiler and whatever the order of arrival or the number of
// threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace strata {

/// One block of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"): a keyed
/// bijection from a 128-bit counter to 128 random bits. Agrees with the published test vectors.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                            std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32U) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32U) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

/// Where a stream begins. Equal keys give equal streams, different keys statistically independent ones.
struct stream_key {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;
  std::uint32_t task = 0;
  std::uint32_t sample = 0;

  friend bool operator==(const stream_key&, const stream_key&) = default;
};

/// Values of `stream_key::sample` that no job ever has: the streams of the policies.
inline constexpr std::uint32_t filter_stream = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint32_t selector_stream = filter_stream - 1;
inline constexpr std::uint32_t last_sample = selector_stream - 1;

/// A stream of random numbers; a `std::uniform_random_bit_generator`. Copying one copies its position.
/// Use its members rather than the standard distributions, whose results differ between standard libraries.
class random_stream {
 public:
  using result_type = std::uint64_t;

  constexpr explicit random_stream(stream_key key) noexcept : key_(key) {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

  /// 64 random bits.
  constexpr result_type operator()() noexcept {
    if (spare_) {
      spare_ = false;
      return second_;
    }
    const auto word =
        philox({block_++, key_.sample, key_.task, key_.step},
               {static_cast<std::uint32_t>(key_.seed), static_cast<std::uint32_t>(key_.seed >> 32U)});
    second_ = std::uint64_t{word[3]} << 32U | word[2];
    spare_ = true;
    return std::uint64_t{word[1]} << 32U | word[0];
  }

  /// Uniform over 0 .. n-1 without bias; 0 if n is 0.
  constexpr std::uint64_t below(std::uint64_t n) noexcept {
    if (n == 0) return 0;
    const std::uint64_t reject = (0 - n) % n; // 2^64 mod n values would be too many
    for (;;)
      if (const std::uint64_t x = (*this)(); x >= reject) return x % n;
  }

  /// Uniform over [0, 1), a multiple of 2^-53.
  constexpr double unit() noexcept { return static_cast<double>((*this)() >> 11U) * 0x1p-53; }

  /// True with probability p.
  constexpr bool chance(double p) noexcept { return unit() < p; }

  /// Puts the elements in an order chosen uniformly among all. O(n).
  template <class T> constexpr void shuffle(std::span<T> values) noexcept {
    using std::swap;
    for (std::size_t n = values.size(); n > 1; --n) swap(values[n - 1], values[below(n)]);
  }

  /// min(k, n) different numbers of 0 .. n-1, every subset equally likely, in random order. O(n).
  [[nodiscard]] std::vector<std::size_t> choose(std::size_t k, std::size_t n) {
    std::vector<std::size_t> all(n);
    std::iota(all.begin(), all.end(), std::size_t{0});
    k = k < n ? k : n;
    for (std::size_t i = 0; i < k; ++i) std::swap(all[i], all[i + below(n - i)]);
    all.resize(k);
    return all;
  }

 private:
  stream_key key_;
  std::uint32_t block_ = 0;
  bool spare_ = false;
  std::uint64_t second_ = 0;
};

} // namespace strata
