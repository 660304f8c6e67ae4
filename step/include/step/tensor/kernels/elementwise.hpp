// SPDX-License-Identifier: MIT
// Loops over tiles of one or two float32 operands: whole vectors for contiguous and repeated operands.
// All results are the same for every instruction set.
#ifndef STEP_TARGET
#include "step/tensor/kernels/all_sets.hpp"
#else

/// One contiguous row.
template <class F> void unary_row(float* out, const float* in, std::int64_t n) {
  constexpr int w = lanes<float>;
  for (std::int64_t i = 0; i < n; i += w) {
    const std::int64_t rest = n - i;
    const Floats x = rest >= w ? load(in + i) : load_part(in + i, rest);
    Floats y = F::apply(x);
    if constexpr (requires { F::limit; }) // the few elements that F is not made for
      if (any(~(magnitude(x) < F::limit)))
        for (int k = 0; k < w; ++k)
          if (!(std::abs(x[k]) < F::limit)) y[k] = F::exact(x[k]);
    rest >= w ? store(out + i, y) : store_part(out + i, y, rest);
  }
}

inline constexpr std::int64_t buffered = 256; ///< elements of a row that is brought together in a buffer

/// Elements `step` apart, side by side.
[[gnu::noinline]] inline void collect(float* to, const float* from, std::int64_t step, std::int64_t n) {
  std::int64_t i = 0;
  if (step == 2) { // every other element, as rotary embeddings take them; never reads behind the last one
    constexpr int w = lanes<float>;
    for (; i + w < n; i += w) store(to + i, even_lanes(load(from + 2 * i), load(from + 2 * i + w)));
  }
  for (; i < n; ++i) to[i] = from[i * step];
}

/// Rows that are not contiguous go through a buffer.
inline void unary_tile(void (*row)(float*, const float*, std::int64_t), const Tile<2>& t, float* out,
                       const float* in) {
  for (std::int64_t r = 0; r < t.rows; ++r) {
    float* o = out + t.offset[0] + r * t.row_stride[0];
    const float* a = in + t.offset[1] + r * t.row_stride[1];
    if (t.stride[0] == 1 && t.stride[1] == 1) {
      row(o, a, t.length);
      continue;
    }
    for (std::int64_t at = 0; at < t.length; at += buffered) {
      const std::int64_t n = t.length - at < buffered ? t.length - at : buffered;
      float line[buffered], result[buffered];
      collect(line, a + at * t.stride[1], t.stride[1], n);
      row(result, line, n);
      for (std::int64_t i = 0; i < n; ++i) o[(at + i) * t.stride[0]] = result[i];
    }
  }
}
template <class F> void unary(const Tile<2>& t, float* out, const float* in) {
  unary_tile(unary_row<F>, t, out, in);
}

struct Add {
  template <class V> STEP_INLINE static auto apply(const V& a, const V& b) { return a + b; }
};
struct Subtract {
  template <class V> STEP_INLINE static auto apply(const V& a, const V& b) { return a - b; }
};
struct Multiply {
  template <class V> STEP_INLINE static auto apply(const V& a, const V& b) { return a * b; }
};
struct Divide {
  template <class V> STEP_INLINE static auto apply(const V& a, const V& b) { return a / b; }
};
// NaN wins.
struct Maximum {
  template <class V> STEP_INLINE static V apply(const V& a, const V& b) {
    const V m = a > b ? a : b;
    return a != a ? a : m;
  }
};
struct Minimum {
  template <class V> STEP_INLINE static V apply(const V& a, const V& b) {
    const V m = a < b ? a : b;
    return a != a ? a : m;
  }
};
struct Less {
  template <class V> STEP_INLINE static auto apply(const V& a, const V& b) { return a < b; }
};
struct LessEqual {
  template <class V> STEP_INLINE static auto apply(const V& a, const V& b) { return a <= b; }
};
struct Equal {
  template <class V> STEP_INLINE static auto apply(const V& a, const V& b) { return a == b; }
};
struct NotEqual {
  template <class V> STEP_INLINE static auto apply(const V& a, const V& b) { return a != b; }
};

typedef std::int8_t Bytes __attribute__((vector_size(STEP_VECTOR_BYTES / 4)));
STEP_INLINE void put(float* to, const Floats& v) { store(to, v); }
STEP_INLINE void put_part(float* to, const Floats& v, std::int64_t n) { store_part(to, v, n); }
STEP_INLINE void put(bool* to, const Ints& v) {
  const Bytes flags = __builtin_convertvector(v & 1, Bytes);
  std::memcpy(to, &flags, sizeof flags);
}
STEP_INLINE void put_part(bool* to, const Ints& v, std::int64_t n) {
  const Bytes flags = __builtin_convertvector(v & 1, Bytes);
  std::memcpy(to, &flags, static_cast<std::size_t>(n));
}

/// One row of contiguous or (when `repeats`) repeated operands.
template <class F, class R, bool repeats_a, bool repeats_b>
STEP_INLINE void binary_row(R* out, const float* a, const float* b, std::int64_t n) {
  constexpr int w = lanes<float>;
  const Floats all_a = repeats_a ? repeated(*a) : Floats{}, all_b = repeats_b ? repeated(*b) : Floats{};
  std::int64_t i = 0;
  for (; i + w <= n; i += w)
    put(out + i, F::apply(repeats_a ? all_a : load(a + i), repeats_b ? all_b : load(b + i)));
  if (i < n)
    put_part(
        out + i,
        F::apply(repeats_a ? all_a : load_part(a + i, n - i), repeats_b ? all_b : load_part(b + i, n - i)),
        n - i);
}
/// Strides are 0 or 1, and not both 0.
template <class F, class R>
void binary_row(R* out, const float* a, std::int64_t sa, const float* b, std::int64_t sb, std::int64_t n) {
  if (sa != 0 && sb != 0)
    binary_row<F, R, false, false>(out, a, b, n);
  else if (sa != 0)
    binary_row<F, R, false, true>(out, a, b, n);
  else
    binary_row<F, R, true, false>(out, a, b, n);
}
template <class R>
using BinaryRow = void (*)(R* out, const float* a, std::int64_t sa, const float* b, std::int64_t sb,
                           std::int64_t n);

/// Operands and results that are neither contiguous nor repeated go through buffers.
template <class R>
void binary_buffered(BinaryRow<R> row, R* out, std::int64_t so, const float* a, std::int64_t sa,
                     const float* b, std::int64_t sb, std::int64_t length) {
  float left[buffered], right[buffered];
  R result[buffered];
  for (std::int64_t at = 0; at < length; at += buffered) {
    const std::int64_t n = length - at < buffered ? length - at : buffered;
    const float *x = a + at * sa, *y = b + at * sb;
    const bool copies_a = (sa != 0 && sa != 1) || (sa == 0 && sb == 0), copies_b = sb != 0 && sb != 1;
    if (copies_a) collect(left, std::exchange(x, left), sa, n);
    if (copies_b) collect(right, std::exchange(y, right), sb, n);
    row(so == 1 ? out + at : result, x, copies_a ? 1 : sa, y, copies_b ? 1 : sb, n);
    for (std::int64_t i = 0; so != 1 && i < n; ++i) out[(at + i) * so] = result[i];
  }
}
/// Operands whose columns are contiguous are transposed block by block.
template <class R>
void binary_transposed(BinaryRow<R> row, const Tile<3>& t, R* out, const float* a, const float* b) {
  constexpr std::int64_t high = 16, wide = 128;
  alignas(Floats) float left[high * wide], right[high * wide];
  const std::int64_t sa = t.stride[1], sb = t.stride[2];
  const bool turn_a = sa != 0 && sa != 1, turn_b = sb != 0 && sb != 1;
  for (std::int64_t r = 0; r < t.rows; r += high)
    for (std::int64_t c = 0; c < t.length; c += wide) {
      const std::int64_t rows = t.rows - r < high ? t.rows - r : high;
      const std::int64_t n = t.length - c < wide ? t.length - c : wide;
      const float *x = a + r * t.row_stride[1] + c * sa, *y = b + r * t.row_stride[2] + c * sb;
      if (turn_a) transpose(left, wide, std::exchange(x, left), sa, rows, n);
      if (turn_b) transpose(right, wide, std::exchange(y, right), sb, rows, n);
      for (std::int64_t i = 0; i < rows; ++i)
        row(out + (r + i) * t.row_stride[0] + c, x + i * (turn_a ? wide : t.row_stride[1]), turn_a ? 1 : sa,
            y + i * (turn_b ? wide : t.row_stride[2]), turn_b ? 1 : sb, n);
    }
}
template <class R>
void binary_tile(BinaryRow<R> row, const Tile<3>& t, R* out, const float* a, const float* b) {
  const std::int64_t so = t.stride[0], sa = t.stride[1], sb = t.stride[2];
  const bool direct = so == 1 && (sa == 0 || sa == 1) && (sb == 0 || sb == 1) && sa + sb > 0;
  const bool turns_a = sa == 0 || sa == 1 || t.row_stride[1] == 1,
             turns_b = sb == 0 || sb == 1 || t.row_stride[2] == 1;
  out += t.offset[0];
  a += t.offset[1];
  b += t.offset[2];
  if (!direct && so == 1 && t.rows >= 4 && t.length >= 4 && (sa != 0 || sb != 0) && turns_a && turns_b)
    return binary_transposed(row, t, out, a, b);
  for (std::int64_t r = 0; r < t.rows;
       ++r, out += t.row_stride[0], a += t.row_stride[1], b += t.row_stride[2]) {
    if (direct)
      row(out, a, sa, b, sb, t.length);
    else
      binary_buffered(row, out, so, a, sa, b, sb, t.length);
  }
}
template <class F, class R> void binary(const Tile<3>& t, R* out, const float* a, const float* b) {
  binary_tile<R>(binary_row<F, R>, t, out, a, b);
}

STEP_INLINE Ints load_flags(const bool* p) {
#if STEP_VECTOR_BYTES == 64
  return reinterpret_cast<Ints>(_mm512_maskz_cvtepi8_epi32(
      static_cast<__mmask16>(-1), _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif STEP_VECTOR_BYTES == 32
  return reinterpret_cast<Ints>(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#else
  return Ints{p[0], p[1], p[2], p[3]};
#endif
}

/// condition ? a : b
inline void select(const Tile<4>& t, float* out, const bool* condition, const float* a, const float* b) {
  constexpr int w = lanes<float>;
  const std::int64_t so = t.stride[0], sc = t.stride[1], sa = t.stride[2], sb = t.stride[3];
  const bool whole = so == 1 && sc == 1 && (sa == 0 || sa == 1) && (sb == 0 || sb == 1);
  out += t.offset[0];
  condition += t.offset[1];
  a += t.offset[2];
  b += t.offset[3];
  for (std::int64_t r = 0; r < t.rows; ++r, out += t.row_stride[0], condition += t.row_stride[1],
                    a += t.row_stride[2], b += t.row_stride[3]) {
    std::int64_t i = 0;
    for (; whole && i + w <= t.length; i += w) {
      store(out + i, load_flags(condition + i) != 0 ? (sa == 0 ? repeated(*a) : load(a + i))
                                                    : (sb == 0 ? repeated(*b) : load(b + i)));
    }
    for (; i < t.length; ++i) {
      const float x = a[i * sa], y = b[i * sb];
      out[i * so] = condition[i * sc] ? x : y;
    }
  }
}

/// 0 and 1 for a contiguous row of flags.
inline void from_flags(float* out, const bool* in, std::int64_t n) {
  constexpr int w = lanes<float>;
  std::int64_t i = 0;
  for (; i + w <= n; i += w) store(out + i, __builtin_convertvector(load_flags(in + i), Floats));
  for (; i < n; ++i) out[i] = in[i] ? 1.0F : 0.0F;
}

STEP_INLINE Floats blended(const Floats& s, const Floats& x, const Floats& t, const Floats& y) {
  const Floats left = s * x, right = t * y;
  return left + right;
}
STEP_INLINE Floats sum_of_products(const Floats& a, const Floats& b, const Floats& c, const Floats& d) {
  const Floats left = a * b, right = c * d;
  return left + right;
}
template <bool repeats_s, bool repeats_t>
void blend_row(float* out, const float* s, const float* x, const float* t, const float* y, std::int64_t n) {
  constexpr int w = lanes<float>;
  const Floats all_s = repeats_s ? repeated(*s) : Floats{}, all_t = repeats_t ? repeated(*t) : Floats{};
  std::int64_t i = 0;
  for (; i + w <= n; i += w)
    store(out + i, sum_of_products(repeats_s ? all_s : load(s + i), load(x + i),
                                   repeats_t ? all_t : load(t + i), load(y + i)));
  if (const std::int64_t rest = n - i; rest > 0)
    store_part(out + i,
               sum_of_products(repeats_s ? all_s : load_part(s + i, rest), load_part(x + i, rest),
                               repeats_t ? all_t : load_part(t + i, rest), load_part(y + i, rest)),
               rest);
}
inline void blend(const Blend& k) {
  const auto row = k.s_step == 0 ? (k.t_step == 0 ? blend_row<true, true> : blend_row<true, false>)
                                 : (k.t_step == 0 ? blend_row<false, true> : blend_row<false, false>);
  for (std::int64_t r = 0; r < k.rows; ++r)
    row(k.out + r * k.out_row, k.s + r * k.s_row, k.x + r * k.x_row, k.t + r * k.t_row, k.y + r * k.y_row,
        k.length);
}

#endif
