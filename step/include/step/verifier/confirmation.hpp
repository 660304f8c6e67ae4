// SPDX-License-Identifier: MIT
// What a pass must hold at besides the published check: further seeds, other sizes, small inputs. One seed at
// one choice of sizes lets wrong programs pass.
#pragma once

#include "step/verifier/task_instance.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace step {

/// A task at one choice of sizes, with several inputs; never empty. A program's plan is the same for all.
using Instances = std::vector<std::unique_ptr<const TaskInstance>>;

/// How the confirmation of a pass draws inputs: in double precision, so that the tolerance can be small, and
/// each with a seed of its own, but for the last.
struct Confirmation {
  static constexpr int seeds = 3; ///< at the default sizes
  /// Small enough that a constant such as 1e-12 in a sum of squares matters; a power of two, so that nothing
  /// is rounded otherwise.
  static constexpr double small = 0x1p-10;

  Instances usual; ///< at the default sizes: the seeds, then small inputs
  Instances other; ///< at other sizes; empty when the task can be evaluated at its own sizes only

  /// Evaluates the references; `first_seed` should be one that is not checked otherwise. `published` is the
  /// task at its default sizes. Throws TaskError when a reference cannot be evaluated with another seed.
  static Confirmation of(const Task& task, const TaskInstance& published, std::uint64_t first_seed,
                         const Limits& limits) {
    Confirmation out;
    const auto make = [&](const SizeAssignment& sizes, std::uint64_t seed, const InputVariation& variation) {
      return std::make_unique<const TaskInstance>(task, sizes, seed, tensor::DType::float64, limits,
                                                  variation);
    };
    for (std::uint64_t k = 0; k < seeds; ++k) out.usual.push_back(make({}, first_seed + k, {}));
    // Mirrored, with the first seed: a mistake that one sign of the inputs or parameters hides shows with the
    // other.
    out.usual.push_back(make({}, first_seed, {.scale = small, .mirrored = true}));
    const auto at = [&](const SizeAssignment& sizes) { return make(sizes, first_seed + seeds, {}); };
    const auto wanted = other_sizes(published.bindings());
    try {
      if (!wanted.sizes.empty()) out.other.push_back(at(wanted));
    } catch (const TaskError&) { // a symbol, at least, has the one size that the task's text was written for
      SizeAssignment some;
      for (const auto& size : wanted.sizes) {
        some.sizes.push_back(size);
        try {
          auto instance = at(some);
          out.other.clear();
          out.other.push_back(std::move(instance));
        } catch (const TaskError&) {
          some.sizes.pop_back();
        }
      }
    }
    return out;
  }

 private:
  /// Other sizes for the symbols that have the size every task gives them: unlike each other and unlike those
  /// that the task has fixed, so that symbols with equal sizes are told apart; D stays divisible by 8, K by
  /// 3.
  static SizeAssignment other_sizes(const Bindings& bindings) {
    static constexpr std::pair<std::string_view, std::int64_t> choices[] = {
        {"M", 7}, {"N", 4}, {"K", 6}, {"D", 8}, {"M", 11}, {"N", 13}, {"K", 12}, {"D", 24}};
    const auto usual = [](std::string_view name, std::int64_t size) {
      return std::any_of(std::begin(default_sizes), std::end(default_sizes),
                         [&](const auto& d) { return d.first == name && d.second == size; });
    };
    SizeAssignment out;
    std::vector<std::int64_t> taken;
    std::vector<std::string> open;
    for (const auto& [symbol, size] : bindings.all())
      if (usual(symbol.name(), size))
        open.push_back(symbol.name());
      else
        taken.push_back(size);
    for (const auto& [name, size] : choices) {
      const auto at = std::find(open.begin(), open.end(), name);
      if (at == open.end() || std::find(taken.begin(), taken.end(), size) != taken.end()) continue;
      out.sizes.emplace_back(name, size);
      taken.push_back(size);
      open.erase(at);
    }
    return out;
  }
};

} // namespace step
