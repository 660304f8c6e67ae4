// SPDX-License-Identifier: MIT
// Loops over tiles of one or two float32 operands: whole vectors for contiguous and repeated operands.
// All results are the same for every instruction set.
#ifndef STEP_TARGET
#include "step/tensor/kernels/all_sets.hpp"
#else

/// One contiguous row.
template <class F> [[gnu::noinline]] void unary_row(float* out, const float* in, std::int64_t n) {
  constexpr int w = lanes<float>;
  std::int64_t i = 0;
  for (; i + w <= n; i += w) store(out + i, F::apply(load(in + i)));
  if (i < n) store_part(out + i, F::apply(load_part(in + i, n - i)), n - i);
  if constexpr (requires { F::limit; }) {
    Ints outside{};
    for (i = 0; i + w <= n; i += w) outside |= ~(magnitude(load(in + i)) < F::limit);
    if (i < n) outside |= ~(magnitude(load_part(in + i, n - i)) < F::limit);
    alignas(Ints) std::int32_t flags[w];
    store(flags, outside);
    std::int32_t any = 0;
    for (int k = 0; k < w; ++k) any |= flags[k];
    for (i = 0; any != 0 && i < n; ++i)
      if (!(std::abs(in[i]) < F::limit)) out[i] = F::exact(in[i]);
  }
}
/// The other cases go through a buffer.
template <class F> void unary(const Tile<2>& t, float* out, const float* in) {
  constexpr std::int64_t most = 256;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    float* o = out + t.offset[0] + r * t.row_stride[0];
    const float* a = in + t.offset[1] + r * t.row_stride[1];
    if (t.stride[0] == 1 && t.stride[1] == 1) {
      unary_row<F>(o, a, t.length);
      continue;
    }
    for (std::int64_t at = 0; at < t.length; at += most) {
      const std::int64_t n = t.length - at < most ? t.length - at : most;
      float line[most];
      for (std::int64_t i = 0; i < n; ++i) line[i] = a[(at + i) * t.stride[1]];
      unary_row<F>(line, line, n);
      for (std::int64_t i = 0; i < n; ++i) o[(at + i) * t.stride[0]] = line[i];
    }
  }
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
template <class F, class R> void binary(const Tile<3>& t, R* out, const float* a, const float* b) {
  const std::int64_t so = t.stride[0], sa = t.stride[1], sb = t.stride[2];
  out += t.offset[0];
  a += t.offset[1];
  b += t.offset[2];
  for (std::int64_t r = 0; r < t.rows;
       ++r, out += t.row_stride[0], a += t.row_stride[1], b += t.row_stride[2]) {
    if (so == 1 && sa == 1 && sb == 1)
      binary_row<F, R, false, false>(out, a, b, t.length);
    else if (so == 1 && sa == 1 && sb == 0)
      binary_row<F, R, false, true>(out, a, b, t.length);
    else if (so == 1 && sa == 0 && sb == 1)
      binary_row<F, R, true, false>(out, a, b, t.length);
    else
      for (std::int64_t i = 0; i < t.length; ++i)
        out[i * so] = static_cast<R>(F::apply(a[i * sa], b[i * sb]));
  }
}

#endif
