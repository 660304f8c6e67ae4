// SPDX-License-Identifier: MIT
// The vector types of one instruction set and the few operations that the compilers' vector extensions lack.
// Like all headers of this folder it is read once per instruction set, by kernels/all_sets.hpp.
#ifndef STEP_TARGET
#include "step/tensor/kernels/all_sets.hpp"
#else

template <class T> struct VectorOf {
  typedef T type __attribute__((vector_size(STEP_VECTOR_BYTES)));
  typedef T unaligned __attribute__((vector_size(STEP_VECTOR_BYTES), aligned(alignof(T)), may_alias));
};
template <class T> using Vector = typename VectorOf<T>::type;
template <class T> inline constexpr int lanes = STEP_VECTOR_BYTES / static_cast<int>(sizeof(T));

template <class T> STEP_INLINE Vector<T> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T>::unaligned*>(p);
}
template <class T> STEP_INLINE void store(T* p, const Vector<T>& v) {
  *reinterpret_cast<typename VectorOf<T>::unaligned*>(p) = v;
}
template <class T> STEP_INLINE Vector<T> repeated(T x) { return x - Vector<T>{}; } // -0.0 stays

#if STEP_VECTOR_BYTES == 32
/// All bits set in the first n of eight lanes.
STEP_INLINE __m256i first_lanes(std::int64_t n) {
  static constexpr std::int32_t flags[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(flags + 8 - n));
}
#endif

/// The first n lanes, 0 < n < lanes; the others are 0 and nothing behind them is touched.
template <class T> STEP_INLINE Vector<T> load_part(const T* p, std::int64_t n) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
#if STEP_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4)
    return reinterpret_cast<Vector<T>>(
        _mm512_maskz_loadu_epi32(static_cast<__mmask16>((1U << static_cast<unsigned>(n)) - 1U), p));
  else
    return reinterpret_cast<Vector<T>>(
        _mm512_maskz_loadu_epi64(static_cast<__mmask8>((1U << static_cast<unsigned>(n)) - 1U), p));
#elif STEP_VECTOR_BYTES == 32
  return reinterpret_cast<Vector<T>>(_mm256_maskload_epi32(
      reinterpret_cast<const int*>(p), first_lanes(n * static_cast<int>(sizeof(T) / sizeof(int)))));
#else
  alignas(Vector<T>) T part[lanes<T>] = {};
  for (std::int64_t i = 0; i < n; ++i) part[i] = p[i];
  return load(part);
#endif
}
template <class T> STEP_INLINE void store_part(T* p, const Vector<T>& v, std::int64_t n) {
#if STEP_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1U << static_cast<unsigned>(n)) - 1U),
                             reinterpret_cast<__m512i>(v));
  else
    _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1U << static_cast<unsigned>(n)) - 1U),
                             reinterpret_cast<__m512i>(v));
#elif STEP_VECTOR_BYTES == 32
  _mm256_maskstore_epi32(reinterpret_cast<int*>(p),
                         first_lanes(n * static_cast<int>(sizeof(T) / sizeof(int))),
                         reinterpret_cast<__m256i>(v));
#else
  alignas(Vector<T>) T part[lanes<T>];
  store(part, v);
  for (std::int64_t i = 0; i < n; ++i) p[i] = part[i];
#endif
}

/// a * b + c, rounded once where the instruction set has that.
template <class T> STEP_INLINE Vector<T> fused(const Vector<T>& a, const Vector<T>& b, const Vector<T>& c) {
#if STEP_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4)
    return _mm512_fmadd_ps(a, b, c);
  else
    return _mm512_fmadd_pd(a, b, c);
#elif STEP_VECTOR_BYTES == 32
  if constexpr (sizeof(T) == 4)
    return _mm256_fmadd_ps(a, b, c);
  else
    return _mm256_fmadd_pd(a, b, c);
#else
  return a * b + c;
#endif
}

/// Adds neighbouring blocks of `block` lanes of x, then of y.
template <class T, int block, std::size_t... i>
STEP_INLINE Vector<T> add_blocks(const Vector<T>& x, const Vector<T>& y, std::index_sequence<i...>) {
  return __builtin_shufflevector(x, y,
                                 (static_cast<int>(i) / block * 2 * block + static_cast<int>(i) % block)...) +
         __builtin_shufflevector(
             x, y, ((static_cast<int>(i) / block * 2 + 1) * block + static_cast<int>(i) % block)...);
}
/// Lane i is the sum of all lanes of x[i], of which there are as many as lanes.
template <class T, int count = lanes<T>> STEP_INLINE Vector<T> totals(const Vector<T>* x) {
  if constexpr (count == 1)
    return x[0];
  else
    return add_blocks<T, lanes<T> / count>(totals<T, count / 2>(x), totals<T, count / 2>(x + count / 2),
                                           std::make_index_sequence<static_cast<std::size_t>(lanes<T>)>());
}

template <class V, std::size_t... i>
STEP_INLINE V even_lanes(const V& x, const V& y, std::index_sequence<i...>) {
  return __builtin_shufflevector(x, y, (2 * static_cast<int>(i))...);
}
/// Every other lane of x, then of y.
STEP_INLINE Vector<float> even_lanes(const Vector<float>& x, const Vector<float>& y) {
  return even_lanes(x, y, std::make_index_sequence<static_cast<std::size_t>(lanes<float>)>());
}

/// Four rows of four to four columns.
typedef float Quad __attribute__((vector_size(16)));
typedef float AnyQuad __attribute__((vector_size(16), aligned(4), may_alias));
STEP_INLINE void transpose_quads(float* to, std::int64_t to_row, const float* from, std::int64_t from_row) {
  const Quad r0 = *reinterpret_cast<const AnyQuad*>(from),
             r1 = *reinterpret_cast<const AnyQuad*>(from + from_row),
             r2 = *reinterpret_cast<const AnyQuad*>(from + 2 * from_row),
             r3 = *reinterpret_cast<const AnyQuad*>(from + 3 * from_row);
  const Quad x = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), y = __builtin_shufflevector(r2, r3, 0, 4, 1, 5),
             z = __builtin_shufflevector(r0, r1, 2, 6, 3, 7), u = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
  *reinterpret_cast<AnyQuad*>(to) = __builtin_shufflevector(x, y, 0, 1, 4, 5);
  *reinterpret_cast<AnyQuad*>(to + to_row) = __builtin_shufflevector(x, y, 2, 3, 6, 7);
  *reinterpret_cast<AnyQuad*>(to + 2 * to_row) = __builtin_shufflevector(z, u, 0, 1, 4, 5);
  *reinterpret_cast<AnyQuad*>(to + 3 * to_row) = __builtin_shufflevector(z, u, 2, 3, 6, 7);
}

#endif
