// SPDX-License-Identifier: MIT
// Copies that change the order of elements: transposed matrices and interleaved rows of four-byte elements.
// Done in blocks that stay in the first-level cache.
#ifndef STEP_TARGET
#include "step/tensor/kernels/all_sets.hpp"
#else

/// to[i, j] = from[j, i]; rows of both are contiguous and `to_row` and `from_row` apart.
inline void transpose(float* to, std::int64_t to_row, const float* from, std::int64_t from_row,
                      std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t block = 16;
  for (std::int64_t r = 0; r < rows; r += block)
    for (std::int64_t c = 0; c < columns; c += block) {
      const std::int64_t last_row = rows - r < block ? rows : r + block;
      const std::int64_t last_column = columns - c < block ? columns : c + block;
      std::int64_t i = r;
      for (; i + 4 <= last_row; i += 4) {
        std::int64_t j = c;
        for (; j + 4 <= last_column; j += 4)
          transpose_quads(to + i * to_row + j, to_row, from + j * from_row + i, from_row);
        for (; j < last_column; ++j)
          for (std::int64_t k = i; k < i + 4; ++k) to[k * to_row + j] = from[j * from_row + k];
      }
      for (; i < last_row; ++i)
        for (std::int64_t j = c; j < last_column; ++j) to[i * to_row + j] = from[j * from_row + i];
    }
}

#endif
