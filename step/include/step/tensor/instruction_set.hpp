// SPDX-License-Identifier: MIT
// Which vector instructions the kernels of this process use: chosen once from what the CPU has, or by hand.
// Element-wise functions and reductions give the same bits with all of them; matrix products may differ in
// rounding, because the larger sets have fused multiply-adds.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace step::tensor {

/// `baseline` is what the program was compiled for; the others exist on x86-64 only.
enum class InstructionSet : std::uint8_t { baseline, avx2, avx512 };

[[nodiscard]] constexpr std::string_view name_of(InstructionSet s) {
  return s == InstructionSet::baseline ? "baseline" : s == InstructionSet::avx2 ? "avx2" : "avx512";
}

/// Whether this CPU (as cpuid shows it, so also under valgrind) and this build have it.
[[nodiscard]] inline bool is_supported(InstructionSet s) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (s == InstructionSet::avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (s == InstructionSet::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return s == InstructionSet::baseline;
}

namespace detail {

inline constexpr std::uint8_t not_chosen = 0xff;
inline std::atomic<std::uint8_t> chosen_set{not_chosen};

/// The largest supported set, at most what the environment variable STRATA_ISA names.
[[gnu::cold]] inline InstructionSet choose_set() {
  auto s = InstructionSet::avx512;
  if (const char* wanted = std::getenv("STRATA_ISA"))
    for (auto candidate : {InstructionSet::baseline, InstructionSet::avx2})
      if (wanted == name_of(candidate)) s = candidate;
  while (!is_supported(s)) s = static_cast<InstructionSet>(static_cast<int>(s) - 1);
  chosen_set.store(static_cast<std::uint8_t>(s), std::memory_order_relaxed);
  return s;
}

} // namespace detail

/// What the kernels use: at the first call the best that the CPU has, or less when the environment variable
/// STRATA_ISA is `baseline` or `avx2`.
[[nodiscard]] inline InstructionSet instruction_set() {
  const auto s = detail::chosen_set.load(std::memory_order_relaxed);
  return s == detail::not_chosen ? detail::choose_set() : static_cast<InstructionSet>(s);
}

/// For tests and measurements: from now on, in all threads, this set, or the best supported one below it.
inline void use_instruction_set(InstructionSet s) {
  while (!is_supported(s)) s = static_cast<InstructionSet>(static_cast<int>(s) - 1);
  detail::chosen_set.store(static_cast<std::uint8_t>(s), std::memory_order_relaxed);
}

} // namespace step::tensor
