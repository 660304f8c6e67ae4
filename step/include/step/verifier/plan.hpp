// SPDX-License-Identifier: MIT
// What a program does, once its Python has been run: a typed dataflow graph of operators over streams. A plan
// is made without touching data and can be evaluated any number of times.
#pragma once

#include "step/operators/table.hpp"
#include "step/syntax/ast.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace step {

using StreamId = std::uint32_t;

/// One application of an operator.
struct PlanNode {
  const operators::Operator* op = nullptr;
  operators::Config config;
  std::vector<StreamId> inputs;
  StreamId first_output = 0; ///< its outputs are numbered consecutively
  std::uint32_t outputs = 0;
  syntax::Position at;
};

/// A stream consumed a second time.
struct AffineViolation {
  StreamId stream = 0;
  syntax::Position first, second;
};

struct Plan {
  std::vector<StreamType> streams;      ///< by StreamId; the task's inputs come first
  std::vector<PlanNode> nodes;          ///< in the order of application
  std::vector<StreamId> outputs;        ///< what the program returned
  std::optional<AffineViolation> reuse; ///< the first, by order of application
  std::vector<std::string> warnings;
};

} // namespace step
