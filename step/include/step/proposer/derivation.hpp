// SPDX-License-Identifier: MIT
// A program as the proposer thinks of it: which function is applied to which values, and by which shape
// operators the values are brought into form. Both generated programs and demonstrations are represented so.
#pragma once

#include "step/types/dim.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace step::proposer {

/// The operators that change the arrangement of one stream and nothing else.
enum class MoveKind : std::uint8_t { promote, flatten, bufferize, streamify, repeat, reshape };

/// A configured shape operator.
struct Move {
  MoveKind kind{};
  std::uint8_t at = 0; ///< Promote b, Bufferize a, the level of Flatten, the dim of Reshape
  Dim size{};          ///< Repeat n, Reshape S
  friend bool operator==(const Move&, const Move&) = default;
};

/// A value and the operators on its way to where it is used.
struct Operand {
  int value = -1;
  std::vector<Move> path;
};

enum class StepKind : std::uint8_t {
  map,
  accum,
  scan,
  route, ///< Partition by an index, then a Map in every branch
  merge, ///< the branches of a route folded back
};

/// One application of a function. Values are numbered: the inputs first, then the results of the steps. The
/// result of `route`, and of `map` on such a value, is a bundle: one stream for each expert.
struct Step {
  StepKind kind{};
  std::vector<int> functions;    ///< one, or one for every branch
  int folded = 0;                ///< b of accum and scan
  std::vector<Operand> operands; ///< zipped in this order
  int index = -1;                ///< route and merge: the value that routes
};

struct Derivation {
  std::vector<Step> steps;
  std::vector<Operand> outputs;
};

} // namespace step::proposer
