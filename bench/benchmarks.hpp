// SPDX-License-Identifier: MIT
// The groups of benchmarks; main.cpp registers them all. docs/benchmarks.md explains every figure.
#pragma once

namespace bench {

void add_calibration(); ///< a fixed mix of work, to compare runs on different machines
void add_programs();    ///< parse, type, affine, verify
void add_corpus();      ///< verdicts on the regression corpus
void add_simulation();  ///< evaluation of solutions at growing sizes
void add_grouping();    ///< isomorphism classes
void add_improve();     ///< what the algorithm itself costs

} // namespace bench
