// SPDX-License-Identifier: MIT
// What demonstrations teach: counts of decisions in their contexts, turned into preferences over the
// alternatives at hand. Without demonstrations every preference is zero, and a decision never seen in its
// context stays possible.
#pragma once

#include "step/proposer/interface.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace step::proposer {

/// Hashes of names and structural facts; FNV-1a, so equal on every platform.
using Fact = std::uint64_t;

[[nodiscard]] constexpr Fact fact(std::string_view text, Fact seed = 0xcbf29ce484222325ULL) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return seed;
}
[[nodiscard]] constexpr Fact fact(std::uint64_t number, Fact seed = 0xcbf29ce484222325ULL) {
  for (int i = 0; i < 8; ++i) seed = (seed ^ ((number >> (8 * i)) & 0xffU)) * 0x100000001b3ULL;
  return seed;
}

/// A name without the number at its end, so that members of a numbered family are alike.
[[nodiscard]] inline std::string_view stem(std::string_view name) {
  const auto last = name.find_last_not_of("0123456789_");
  return last == std::string_view::npos ? name : name.substr(0, last + 1);
}

/// A dtype without its dims: s scalar, h multihot, bN buffer of rank N.
[[nodiscard]] inline std::string outline(const DType& t) {
  std::string out;
  for (const auto& f : t.fields) {
    if (!out.empty()) out += ',';
    if (f.is_buffer()) out += 'b' + std::to_string(f.buffer.size());
    if (f.experts) out += 'h';
    if (!f.is_buffer() && !f.experts) out += 's';
  }
  return out;
}
/// The signature without dims and name: what a function of another task can share with this one. Whether the
/// output is the input's own dtype is part of it.
[[nodiscard]] inline std::string outline(const FunctionInterface& f) {
  return outline(f.input) + (f.stateful ? "=>" : "->") + outline(f.output) + (f.input == f.output ? "=" : "");
}

/// The decisions that are counted.
enum class Family : std::uint8_t {
  next_name,      ///< given the function that made a value: which function takes it, and where
  next_outline,   ///< the same between signatures
  source_name,    ///< given the function and place: which function made the value
  source_outline, ///< the same between signatures
  reuse,          ///< whether a step applies a function that was applied before
  reuse_name,     ///< the same for a name
  again,          ///< whether an operand takes a value that has been taken before
  newest,         ///< whether an operand takes the newest value
  order,          ///< two operands of equal dtype: whether the older value comes first
  order_name,     ///< the same for a name
  mode,           ///< Accum or Scan, given the signature
  mode_name,      ///< the same for a name
  folded,         ///< what is folded: dims that the outputs lack or have, how many
  folded_name,    ///< the same for a name
  move,           ///< the next pattern on a path, given the last
};

/// What a fold folds, for Family::folded: only dims that the outputs lack, or some that they have.
enum class Folded : std::uint8_t { absent, present };

/// Counts over a set of demonstrations. Reading is thread-safe.
class Statistics {
 public:
  void add(Family family, Fact context, Fact value, double weight = 1) {
    const auto base = fact(static_cast<std::uint64_t>(family), context);
    counts_[base] += weight;
    counts_[fact(value, base)] += weight;
  }
  [[nodiscard]] bool empty() const { return counts_.empty(); }
  /// How often `value` was decided in the context / how many decisions there were.
  [[nodiscard]] double count(Family family, Fact context, Fact value) const {
    return find(fact(value, fact(static_cast<std::uint64_t>(family), context)));
  }
  [[nodiscard]] double total(Family family, Fact context) const {
    return find(fact(static_cast<std::uint64_t>(family), context));
  }

 private:
  [[nodiscard]] double find(Fact key) const {
    const auto it = counts_.find(key);
    return it == counts_.end() ? 0.0 : it->second;
  }
  std::unordered_map<Fact, double> counts_;
};

/// By how much (in nats) seeing `count` of `total` decisions for one alternative changes the belief in it
/// that was `prior` before; `strength` is how many decisions the prior is worth.
[[nodiscard]] inline double preference(double count, double total, double prior, double strength) {
  return std::log((count + strength * prior) / ((total + strength) * prior));
}

} // namespace step::proposer
