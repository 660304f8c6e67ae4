// SPDX-License-Identifier: MIT
// Matrix products: register tiles of several rows by two vectors of columns, and dot products for narrow
// results. The only kernels that fuse multiplications with additions, so their rounding depends on the set.
#ifndef STEP_TARGET
#include "step/tensor/kernels/all_sets.hpp"
#else

inline constexpr std::int64_t tile_depth = 128;  ///< products summed in one go before they are added to c
inline constexpr std::int64_t dot_depth = 512;   ///< the same for dot products, which are summed in lanes
inline constexpr std::int64_t block_rows = 1024; ///< rows of a that stay in the cache for all panels of b
inline constexpr int tile_rows = STEP_VECTOR_BYTES == 64 ? 12 : STEP_VECTOR_BYTES == 32 ? 6 : 4;

/// One element of a times a row of b.
template <class T, std::size_t... v>
STEP_INLINE void add_row(Vector<T>* sum, T left, const Vector<T>* right, std::index_sequence<v...>) {
  const Vector<T> x = repeated(left);
  ((sum[v] = fused<T>(x, right[v], sum[v])), ...);
}
/// `columns` is at most vectors * lanes. When not `padded`, b holds no more than these columns.
template <class T, int rows, int vectors, bool padded, std::size_t... i, std::size_t... v, std::size_t... r>
STEP_INLINE void multiply_tile(const Product<T>& s, std::int64_t columns, std::index_sequence<i...>,
                               std::index_sequence<v...> each, std::index_sequence<r...>) {
  constexpr int w = lanes<T>;
  constexpr auto width = static_cast<std::size_t>(vectors);
  Vector<T> sum[rows * vectors] = {};
  const std::int64_t row = s.a_row, step = s.a_column, last = columns - (vectors - 1) * w;
  const T* b = s.b;
  const T* a[] = {s.a, s.a + (rows > 3 ? 3 : 0) * row, s.a + (rows > 6 ? 6 : 0) * row,
                  s.a + (rows > 9 ? 9 : 0) * row}; // three rows per address register
  for (std::int64_t p = 0; p < s.k; ++p, b += s.b_row) {
    const Vector<T> right[vectors] = {(padded || static_cast<int>(v) + 1 < vectors
                                           ? load(b + static_cast<int>(v) * w)
                                           : load_part(b + static_cast<int>(v) * w, last))...};
    (add_row<T>(sum + r * width, a[r / 3][static_cast<std::int64_t>(r % 3) * row], right, each), ...);
    a[0] += step;
    a[1] += step;
    a[2] += step;
    a[3] += step;
  }
  T* c[rows] = {(s.c + static_cast<std::int64_t>(r) * s.c_row)...};
  if (s.add) {
    if (last == w)
      ((sum[i] += load(c[i / width] + static_cast<int>(i % width) * w)), ...);
    else
      ((sum[i] += i % width + 1 < width ? load(c[i / width] + static_cast<int>(i % width) * w)
                                        : load_part(c[i / width] + static_cast<int>(i % width) * w, last)),
       ...);
  }
  if (last == w)
    ((store(c[i / width] + static_cast<int>(i % width) * w, sum[i])), ...);
  else
    ((i % width + 1 < width ? store(c[i / width] + static_cast<int>(i % width) * w, sum[i])
                            : store_part(c[i / width] + static_cast<int>(i % width) * w, sum[i], last)),
     ...);
}
template <class T, int rows, int vectors, bool padded>
[[gnu::noinline]] void multiply_tile(const Product<T>& s, std::int64_t columns) {
  multiply_tile<T, rows, vectors, padded>(
      s, columns, std::make_index_sequence<static_cast<std::size_t>(rows * vectors)>(),
      std::make_index_sequence<static_cast<std::size_t>(vectors)>(),
      std::make_index_sequence<static_cast<std::size_t>(rows)>());
}
template <class T, int rows, int vectors> STEP_INLINE void take_tile(Product<T>& s, std::int64_t columns) {
  multiply_tile<T, rows, vectors, true>(s, columns);
  s.a += rows * s.a_row;
  s.c += rows * s.c_row;
  s.m -= rows;
}
/// All rows of c for one panel of columns.
template <class T, int vectors> void multiply_panel(Product<T> s, std::int64_t columns) {
  while (s.m >= tile_rows) take_tile<T, tile_rows, vectors>(s, columns);
  if constexpr (tile_rows > 8)
    if (s.m >= 8) take_tile<T, 8, vectors>(s, columns);
  if constexpr (tile_rows > 4)
    if (s.m >= 4) take_tile<T, 4, vectors>(s, columns);
  if (s.m >= 2) take_tile<T, 2, vectors>(s, columns);
  if (s.m >= 1) take_tile<T, 1, vectors>(s, columns);
}

/// Copies `columns` columns of b to rows of `width`, the rest of which is 0.
template <class T> void pack_panel(T* to, std::int64_t width, const Product<T>& s, std::int64_t columns) {
  constexpr int w = lanes<T>;
  if (s.b_column == 1) {
    for (std::int64_t p = 0; p < s.k; ++p, to += width) {
      const T* from = s.b + p * s.b_row;
      std::int64_t j = 0;
      for (; j + w <= columns; j += w) store(to + j, load(from + j));
      if (j < columns) store(to + j, load_part(from + j, columns - j));
    }
    return;
  }
  std::int64_t j = 0;
  if constexpr (std::is_same_v<T, float>)
    if (s.b_row == 1)
      for (; j + 4 <= columns; j += 4) {
        const T* from = s.b + j * s.b_column;
        std::int64_t p = 0;
        for (; p + 4 <= s.k; p += 4) transpose_quads(to + p * width + j, width, from + p, s.b_column);
        for (; p < s.k; ++p)
          for (int c = 0; c < 4; ++c) to[p * width + j + c] = from[p + c * s.b_column];
      }
  for (; j < columns; ++j)
    for (std::int64_t p = 0; p < s.k; ++p) to[p * width + j] = s.b[p * s.b_row + j * s.b_column];
  for (; j < width; ++j)
    for (std::int64_t p = 0; p < s.k; ++p) to[p * width + j] = T{};
}

/// A copy of the rows of a for blocks whose rows are scattered, or so far apart that they share cache lines.
template <class T> class PackedRows {
 public:
  static constexpr std::int64_t pitch = tile_depth + 16;
  explicit PackedRows(const Product<T>& s)
      : bytes_(static_cast<std::size_t>((s.m < block_rows ? s.m : block_rows) * pitch) * sizeof(T)) {
    const bool scattered = s.a_row != 1 && s.a_column != 1;
    const bool collides = s.a_column == 1 && s.a_row * static_cast<std::int64_t>(sizeof(T)) % 2048 == 0;
    if ((scattered || collides) && s.m >= tile_rows && s.n >= 4 * lanes<T>)
      rows_ = static_cast<T*>(Pool::acquire(bytes_));
  }
  ~PackedRows() {
    if (rows_ != nullptr) Pool::release(rows_, bytes_);
  }
  PackedRows(const PackedRows&) = delete;
  PackedRows& operator=(const PackedRows&) = delete;
  void pack(Product<T>& s) {
    if (rows_ == nullptr) return;
    for (std::int64_t i = 0; i < s.m; ++i)
      for (std::int64_t p = 0; p < s.k; ++p) rows_[i * pitch + p] = s.a[i * s.a_row + p * s.a_column];
    s.a = rows_;
    s.a_row = pitch;
    s.a_column = 1;
  }

 private:
  std::size_t bytes_;
  T* rows_ = nullptr; ///< stays null when there is no memory: it is only faster with it
};

/// One row of a times whole vectors of columns, eight at a time; the number of columns done.
template <class T> std::int64_t multiply_row(const Product<T>& s) {
  constexpr std::int64_t columns = 8 * lanes<T>;
  std::int64_t j = 0;
  for (; j + columns <= s.n; j += columns)
    for (std::int64_t p = 0; p < s.k; p += tile_depth) {
      Product<T> part = s;
      part.a += p * s.a_column;
      part.b += p * s.b_row + j;
      part.c += j;
      part.k = s.k - p < tile_depth ? s.k - p : tile_depth;
      part.add = s.add || p > 0;
      multiply_tile<T, 1, 8, true>(part, columns);
    }
  return j;
}

template <class T> void multiply_panels(const Product<T>& whole) {
  Product<T> s = whole;
  if (s.m == 1 && s.b_column == 1) {
    const std::int64_t done = multiply_row(s);
    s.b += done;
    s.c += done;
    s.n -= done;
  }
  constexpr int w = lanes<T>;
  // Copying a panel pays when enough rows use it; otherwise contiguous rows are read where they are.
  const bool packs = s.b_column != 1 || s.m >= 3 * tile_rows;
  alignas(64) T panel[tile_depth * 2 * w];
  PackedRows<T> packed_rows(s);
  for (std::int64_t p = 0; p < s.k; p += tile_depth)
    for (std::int64_t i = 0; i < s.m; i += block_rows) {
      Product<T> block = s;
      block.a += i * s.a_row + p * s.a_column;
      block.c += i * s.c_row;
      block.m = s.m - i < block_rows ? s.m - i : block_rows;
      block.k = s.k - p < tile_depth ? s.k - p : tile_depth;
      block.add = s.add || p > 0;
      packed_rows.pack(block);
      for (std::int64_t j = 0; j < s.n; j += 2 * w) {
        const std::int64_t columns = s.n - j < 2 * w ? s.n - j : 2 * w, width = columns > w ? 2 * w : w;
        Product<T> part = block;
        part.b = s.b + p * s.b_row + j * s.b_column;
        part.c += j;
        if (!packs && s.m == 1 && columns < width) {
          width == w ? multiply_tile<T, 1, 1, false>(part, columns)
                     : multiply_tile<T, 1, 2, false>(part, columns);
          continue;
        }
        if (packs || columns < width) {
          pack_panel(panel, width, part, columns);
          part.b = panel;
          part.b_row = width;
        }
        width == w ? multiply_panel<T, 1>(part, columns) : multiply_panel<T, 2>(part, columns);
      }
    }
}

/// Rows of a times columns of b, both contiguous.
template <class T, int rows, int columns, std::size_t... i, std::size_t... x, std::size_t... y>
STEP_INLINE void dot_tile(const Product<T>& s, std::int64_t c_column, std::index_sequence<i...>,
                          std::index_sequence<x...>, std::index_sequence<y...>) {
  constexpr int w = lanes<T>;
  constexpr auto width = static_cast<std::size_t>(columns);
  constexpr int most = (rows * columns + w - 1) / w * w; // whole vectors of results
  Vector<T> sum[most] = {};
  std::int64_t p = 0;
  for (; p + w <= s.k; p += w) {
    const Vector<T> right[columns] = {load(s.b + static_cast<std::int64_t>(x) * s.b_column + p)...};
    const Vector<T> left[rows] = {load(s.a + static_cast<std::int64_t>(y) * s.a_row + p)...};
    ((sum[i] = fused<T>(left[i / width], right[i % width], sum[i])), ...);
  }
  if (p < s.k) {
    const std::int64_t n = s.k - p;
    const Vector<T> right[columns] = {load_part(s.b + static_cast<std::int64_t>(x) * s.b_column + p, n)...};
    const Vector<T> left[rows] = {load_part(s.a + static_cast<std::int64_t>(y) * s.a_row + p, n)...};
    ((sum[i] = fused<T>(left[i / width], right[i % width], sum[i])), ...);
  }
  T results[most];
  for (int at = 0; at < most; at += w) store(results + at, totals<T>(sum + at));
  for (int k = 0; k < rows * columns; ++k) {
    T& c = s.c[k / columns * s.c_row + k % columns * c_column];
    c = s.add ? c + results[k] : results[k];
  }
}
template <class T, int rows, int columns>
[[gnu::noinline]] void dot_tile(const Product<T>& s, std::int64_t c_column) {
  dot_tile<T, rows, columns>(s, c_column,
                             std::make_index_sequence<static_cast<std::size_t>(rows * columns)>(),
                             std::make_index_sequence<static_cast<std::size_t>(columns)>(),
                             std::make_index_sequence<static_cast<std::size_t>(rows)>());
}
template <class T, int columns> void dot_rows(Product<T> s, std::int64_t c_column) {
  for (; s.m >= 4; s.m -= 4, s.a += 4 * s.a_row, s.c += 4 * s.c_row) dot_tile<T, 4, columns>(s, c_column);
  for (; s.m >= 1; s.m -= 1, s.a += s.a_row, s.c += s.c_row) dot_tile<T, 1, columns>(s, c_column);
}
/// Up to four columns; the rows of a are contiguous.
template <class T> void multiply_dots(const Product<T>& s, std::int64_t c_column) {
  alignas(64) T columns[dot_depth * 4];
  for (std::int64_t p = 0; p < s.k; p += dot_depth) {
    Product<T> part = s;
    part.a += p;
    part.b += p * s.b_row;
    part.k = s.k - p < dot_depth ? s.k - p : dot_depth;
    part.add = s.add || p > 0;
    if (s.b_row != 1 && s.k > 1) {
      for (std::int64_t j = 0; j < s.n; ++j)
        for (std::int64_t q = 0; q < part.k; ++q)
          columns[j * dot_depth + q] = part.b[q * s.b_row + j * s.b_column];
      part.b = columns;
      part.b_column = dot_depth;
    }
    switch (s.n) {
    case 1:
      dot_rows<T, 1>(part, c_column);
      break;
    case 2:
      dot_rows<T, 2>(part, c_column);
      break;
    case 3:
      dot_rows<T, 3>(part, c_column);
      break;
    default:
      dot_rows<T, 4>(part, c_column);
    }
  }
}

template <class T> void product(const Product<T>& s) {
  if (s.m <= 0 || s.n <= 0) return;
  if (s.k <= 0) {
    for (std::int64_t i = 0; i < s.m && !s.add; ++i)
      for (std::int64_t j = 0; j < s.n; ++j) s.c[i * s.c_row + j] = T{};
    return;
  }
  // The transposed product: b's columns times a's rows.
  const Product<T> turned{s.c, s.b, s.a, s.n, s.k, s.m, 1, s.b_column, s.b_row, s.a_column, s.a_row, s.add};
  if (s.n <= 4 && (s.a_column == 1 || s.k == 1))
    multiply_dots(s, 1);
  else if (s.m <= 4 && s.b_column != 1 && (s.b_row == 1 || s.k == 1))
    multiply_dots(turned, s.c_row);
  else if (s.n == 1 && s.a_row == 1 && s.c_row == 1)
    multiply_panels(turned);
  else
    multiply_panels(s);
}

/// `vectors` vectors of columns of a sum of element-wise products; the last is a part when not `whole`.
template <class T, int vectors, bool whole, std::size_t... v>
STEP_INLINE void accumulate_columns(const Accumulation<T>& s, std::int64_t columns,
                                    std::index_sequence<v...>) {
  constexpr int w = lanes<T>;
  Vector<T> sum[vectors] = {};
  const T *a = s.a, *b = s.b;
  for (std::int64_t p = 0; p < s.k; ++p, a += s.a_step, b += s.b_step) {
    if constexpr (whole)
      ((sum[v] = fused<T>(load(a + static_cast<int>(v) * w), load(b + static_cast<int>(v) * w), sum[v])),
       ...);
    else
      sum[0] = fused<T>(load_part(a, columns), load_part(b, columns), sum[0]);
  }
  if constexpr (whole)
    ((store(s.c + static_cast<int>(v) * w, s.add ? load(s.c + static_cast<int>(v) * w) + sum[v] : sum[v])),
     ...);
  else
    store_part(s.c, s.add ? load_part(s.c, columns) + sum[0] : sum[0], columns);
}
template <class T, int vectors, bool whole>
STEP_INLINE void accumulate_columns(Accumulation<T>& s, std::int64_t columns) {
  accumulate_columns<T, vectors, whole>(s, columns,
                                        std::make_index_sequence<static_cast<std::size_t>(vectors)>());
  s.a += columns;
  s.b += columns;
  s.c += columns;
  s.n -= columns;
}
template <class T> void accumulate(const Accumulation<T>& s) {
  constexpr int w = lanes<T>;
  for (std::int64_t p = 0; p == 0 || p < s.k; p += tile_depth) {
    Accumulation<T> part = s;
    part.a += p * s.a_step;
    part.b += p * s.b_step;
    part.k = s.k - p < tile_depth ? s.k - p : tile_depth;
    part.add = s.add || p > 0;
    while (part.n >= 4 * w) accumulate_columns<T, 4, true>(part, 4 * w);
    while (part.n >= w) accumulate_columns<T, 1, true>(part, w);
    if (part.n > 0) accumulate_columns<T, 1, false>(part, part.n);
  }
}

#endif
