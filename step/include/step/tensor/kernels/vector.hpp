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

/// The first n lanes, 0 < n < lanes; the others are 0 and nothing behind them is touched.
template <class T> STEP_INLINE Vector<T> load_part(const T* p, std::int64_t n) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
#if STEP_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4)
    return (Vector<T>)_mm512_maskz_loadu_epi32(static_cast<__mmask16>((1U << n) - 1U), p);
  else
    return (Vector<T>)_mm512_maskz_loadu_epi64(static_cast<__mmask8>((1U << n) - 1U), p);
#else
  alignas(Vector<T>) T part[lanes<T>] = {};
  for (std::int64_t i = 0; i < n; ++i) part[i] = p[i];
  return load(part);
#endif
}
template <class T> STEP_INLINE void store_part(T* p, const Vector<T>& v, std::int64_t n) {
#if STEP_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_epi32(p, static_cast<__mmask16>((1U << n) - 1U), (__m512i)v);
  else
    _mm512_mask_storeu_epi64(p, static_cast<__mmask8>((1U << n) - 1U), (__m512i)v);
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

/// The sum of all lanes, halves first.
template <class T> STEP_INLINE T total(const Vector<T>& v) {
  T x[lanes<T>];
  store(x, v);
  for (int half = lanes<T> / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) x[i] += x[i + half];
  return x[0];
}

#endif
