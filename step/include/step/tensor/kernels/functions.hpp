// SPDX-License-Identifier: MIT
// Functions of float32 vectors. Only operations that IEEE 754 defines exactly, in a fixed order, so that all
// instruction sets give the same bits; errors are below 2 units in the last place (tests/step/tensor).
#ifndef STEP_TARGET
#include "step/tensor/kernels/all_sets.hpp"
#else

using Floats = Vector<float>;
using Ints = Vector<std::int32_t>;
using Words = Vector<std::uint32_t>; // wrap where the bits of NaN would overflow

STEP_INLINE Words bits(const Floats& x) { return reinterpret_cast<Words>(x); }
STEP_INLINE Floats from_bits(const Words& i) { return reinterpret_cast<Floats>(i); }
STEP_INLINE Floats magnitude(const Floats& x) { return from_bits(bits(x) & 0x7fffffffU); }
STEP_INLINE Floats with_sign_of(const Floats& x, const Floats& sign) {
  return from_bits(bits(x) | (bits(sign) & 0x80000000U));
}
/// The sum of c[i] * x^i.
template <class V, class T> STEP_INLINE V polynomial(const V& x, T c0, T c1) { return c1 * x + c0; }
template <class V, class T, class... More> STEP_INLINE V polynomial(const V& x, T c0, T c1, More... more) {
  return polynomial(x, c1, more...) * x + c0;
}

/// Whether some lane has its highest bit set.
STEP_INLINE bool any(const Ints& mask) {
#if STEP_VECTOR_BYTES == 64
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(mask)) != 0;
#elif STEP_VECTOR_BYTES == 32
  return _mm256_movemask_ps(reinterpret_cast<__m256>(mask)) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_ps(reinterpret_cast<__m128>(mask)) != 0;
#else
  std::int32_t all = 0;
  for (int k = 0; k < lanes<float>; ++k) all |= mask[k];
  return all < 0;
#endif
}

STEP_INLINE Floats power_of_two(const Ints& n) { return from_bits(reinterpret_cast<Words>(n + 127) << 23); }

/// A product that rounds to e^x; the first factor is exact to 1 unit in the last place for every x.
struct ExpFactors {
  Floats first, second;
};
struct Exp {
  STEP_INLINE static Floats apply(const Floats& x) {
    const ExpFactors e = factors(x);
    return e.first * e.second;
  }
  STEP_INLINE static ExpFactors factors(const Floats& operand) {
    // 2^n times e^r with |r| <= ln(2) / 2; n in two halves, because 2^-150 and 2^128 are no floats.
    Floats x = operand > 89.0F ? repeated(89.0F) : operand;
    x = x < -110.0F ? repeated(-110.0F) : x;
    constexpr float shift = 12582912.0F; // 1.5 * 2^23: adding it rounds to an integer
    const Floats shifted = x * 1.44269504F + shift;
    const Ints n = reinterpret_cast<Ints>(bits(shifted) - 0x4b400000U);
    const Floats whole = shifted - shift;
    const Floats r = (x - whole * 0.693359375F) - whole * -2.12194440e-4F;
    const Floats tail = polynomial(r, 5.0000001201e-1F, 1.6666665459e-1F, 4.1665795894e-2F, 8.3334519073e-3F,
                                   1.3981999507e-3F, 1.9875691500e-4F);
    const Floats above = r + 1.0F; // and what was rounded off
    const Floats y = above + (tail * (r * r) + (r - (above - 1.0F)));
    const Ints half = n >> 1;
    return {y * power_of_two(half), power_of_two(n - half)};
  }
};

/// e^x for x from -60 to 60, to a few units in the last place; anything for other x.
STEP_INLINE Floats exp_within(const Floats& x) {
  constexpr float shift = 12582912.0F;
  const Floats shifted = x * 1.44269504F + shift, whole = shifted - shift;
  const Floats r = (x - whole * 0.693359375F) - whole * -2.12194440e-4F;
  const Floats tail = polynomial(r, 0.5F, 0.1666657699F, 0.04166655462F, 0.008363179053F, 0.001392618359F);
  return from_bits(bits(tail * (r * r) + r + 1.0F) + (bits(shifted) << 23));
}

struct Log {
  STEP_INLINE static Floats apply(const Floats& operand) {
    // x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), as in FreeBSD's logf.
    const Ints tiny = operand < 1.17549435e-38F;
    const Floats x = tiny ? operand * 8388608.0F : operand;
    const Words i = bits(x) + (0x3f800000U - 0x3f3504f3U);
    const Ints k = reinterpret_cast<Ints>(i >> 23) - 127 - (tiny & 23);
    const Floats f = from_bits((i & 0x7fffffU) + 0x3f3504f3U) - 1.0F;
    const Floats s = f / (f + 2.0F), z = s * s, w = z * z;
    const Floats rest = z * (w * 0.28498786688F + 0.66666662693F) + w * (w * 0.24279078841F + 0.40000972152F);
    const Floats square = f * f * 0.5F, n = __builtin_convertvector(k, Floats);
    Floats y = s * (square + rest) + n * 9.0580006145e-06F - square + f + n * 6.9313812256e-01F;
    constexpr float infinity = __builtin_inff();
    y = operand == infinity ? operand : y;
    y = operand == 0.0F ? repeated(-infinity) : y;
    return operand >= 0.0F ? y : repeated(__builtin_nanf(""));
  }
};

// 1 / (1 + e^-x), but e^x where e^-x is too large for a float.
struct Sigmoid {
  STEP_INLINE static Floats apply(const Floats& x) {
    const Ints far = x < -80.0F;
    const Floats e = Exp::apply(far ? x : -x);
    return (far ? e : repeated(1.0F)) / (e + 1.0F);
  }
};
struct Silu {
  STEP_INLINE static Floats apply(const Floats& x) {
    const Ints far = x < -80.0F;
    const ExpFactors e = Exp::factors(far ? x : -x);
    const Floats first = x < -110.0F ? Floats{} : e.first; // minus infinity gives NaN, as in PyTorch
    return x * (far ? first : repeated(1.0F)) / (e.first * e.second + 1.0F) *
           (far ? e.second : repeated(1.0F));
  }
};

struct Tanh {
  STEP_INLINE static Floats apply(const Floats& x) {
    const Floats t = magnitude(x), s = x * x;
    const Floats small = polynomial(s, -3.33332819422e-1F, 1.33314422036e-1F, -5.37397155531e-2F,
                                    2.06390887954e-2F, -5.70498872745e-3F) *
                             s * x +
                         x;
    const Floats least = t > 9.5F ? repeated(9.5F) : t; // where the result is 1
    const Floats large = 1.0F - 2.0F / (exp_within(least + least) + 1.0F);
    return t > 0.625F ? with_sign_of(large, x) : small;
  }
};

struct Erf {
  STEP_INLINE static Floats apply(const Floats& x) {
    const Floats t = magnitude(x), s = x * x;
    const Floats small = polynomial(s, 1.28379166e-1F, -3.76125336e-1F, 1.12819925e-1F, -2.67681349e-2F,
                                    4.99119423e-3F, -5.96761703e-4F) *
                             x +
                         x;
    const Floats least = t > 4.0F ? repeated(4.0F) : t; // where the result is 1
    const Floats exponent = polynomial(least, -1.28717512e-1F, -6.34846687e-1F, -1.06777877e-1F,
                                       2.42546219e-2F, -3.88396438e-3F, 3.83197126e-4F, -1.72853470e-5F) *
                                least -
                            least;
    const Floats large = 1.0F - exp_within(exponent);
    return t > 0.927734375F ? with_sign_of(large, x) : small;
  }
};
struct Gelu {
  STEP_INLINE static Floats apply(const Floats& x) {
    return 0.5F * x * (1.0F + Erf::apply(x * 0.707106781186547524F));
  }
};
struct GeluTanh {
  STEP_INLINE static Floats apply(const Floats& x) {
    return 0.5F * x * (1.0F + Tanh::apply(0.797884560802865356F * (x + 0.044715F * x * x * x)));
  }
};

struct Sqrt {
  STEP_INLINE static Floats apply(const Floats& x) {
#if STEP_VECTOR_BYTES == 64
    return _mm512_maskz_sqrt_ps(static_cast<__mmask16>(-1), x);
#elif STEP_VECTOR_BYTES == 32
    return _mm256_sqrt_ps(x);
#elif defined(__SSE2__)
    return _mm_sqrt_ps(x);
#else
    Floats y = x;
    for (int i = 0; i < lanes<float>; ++i) y[i] = std::sqrt(x[i]);
    return y;
#endif
  }
};
struct ReciprocalSqrt {
  STEP_INLINE static Floats apply(const Floats& x) { return 1.0F / Sqrt::apply(x); }
};
struct Reciprocal {
  STEP_INLINE static Floats apply(const Floats& x) { return 1.0F / x; }
};
struct Absolute {
  STEP_INLINE static Floats apply(const Floats& x) { return magnitude(x); }
};
struct Negative {
  STEP_INLINE static Floats apply(const Floats& x) { return -x; }
};
struct Square {
  STEP_INLINE static Floats apply(const Floats& x) { return x * x; }
};
struct Relu {
  STEP_INLINE static Floats apply(const Floats& x) { return x <= 0.0F ? Floats{} : x; }
};

/// Sine and cosine in double, where the reduction to a quarter turn needs no care below `limit`.
template <bool cosine> struct Wave {
  static constexpr float limit = 1.0e6F;
  STEP_INLINE static Floats apply(const Floats& x) {
    typedef float Half __attribute__((vector_size(STEP_VECTOR_BYTES / 2)));
    typedef float AnyHalf __attribute__((vector_size(STEP_VECTOR_BYTES / 2), aligned(4), may_alias));
    alignas(Floats) float line[lanes<float>];
    store(line, x);
    for (int h = 0; h < lanes<float>; h += lanes<double>) {
      const Half in = *reinterpret_cast<const AnyHalf*>(line + h);
      *reinterpret_cast<AnyHalf*>(line + h) =
          __builtin_convertvector(turn(__builtin_convertvector(in, Vector<double>)), Half);
    }
    return load(line);
  }
  static float exact(float x) {
    return static_cast<float>(cosine ? std::cos(static_cast<double>(x)) : std::sin(static_cast<double>(x)));
  }

 private:
  STEP_INLINE static Vector<double> turn(const Vector<double>& x) {
    using Longs = Vector<std::int64_t>;
    constexpr double shift = 6755399441055744.0; // 1.5 * 2^52
    const Vector<double> shifted = x * 0.636619772367581343 + shift, n = shifted - shift;
    const Longs quarter = reinterpret_cast<Longs>(shifted) + (cosine ? 1 : 0);
    const Vector<double> r = (x - n * 1.57079631090164184570) - n * 1.58932547735281966916e-8, z = r * r;
    const Vector<double> s = polynomial(z, -0.166666666416265235595, 0.0083333293858894631756,
                                        -0.000198393348360966317347, 0.0000027183114939898219064) *
                                 (z * r) +
                             r;
    const Vector<double> c = polynomial(z, 1.0, -0.499999997251031003120, 0.0416666233237390631894,
                                        -0.00138867637746099294692, 0.0000243904487962774090654);
    const Vector<double> y = (quarter & 1) != 0 ? c : s;
    return reinterpret_cast<Vector<double>>(reinterpret_cast<Longs>(y) ^ ((quarter & 2) << 62));
  }
};
using Sin = Wave<false>;
using Cos = Wave<true>;

#endif
