// SPDX-License-Identifier: MIT
// The values of inputs and parameters: pure functions of (seed, number of the tensor, element), computed with
// integer and correctly rounded operations only, so that they are equal on every compiler, machine and
// thread.
#pragma once

#include "step/fault.hpp"
#include "step/tasks/task.hpp"
#include "step/tensor/tensor.hpp"
#include "strata/random.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace step {

namespace detail {

/// Random bits addressed by element; equal arguments give equal bits.
class ElementBits {
 public:
  ElementBits(std::uint64_t seed, std::uint64_t ordinal)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)},
        low_(static_cast<std::uint32_t>(ordinal)), high_(static_cast<std::uint32_t>(ordinal >> 32U)) {}
  [[nodiscard]] std::uint64_t operator()(std::uint64_t element) const {
    const auto word = strata::philox(
        {static_cast<std::uint32_t>(element), static_cast<std::uint32_t>(element >> 32U), low_, high_}, key_);
    return std::uint64_t{word[1]} << 32U | word[0];
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint32_t low_, high_;
};

/// 0 .. n-1 from 64 bits; the bias is below n / 2^64.
inline std::uint64_t below(std::uint64_t bits, std::uint64_t n) {
  const std::uint64_t high = (bits >> 32U) * n, low = (bits & 0xFFFF'FFFFU) * n; // n < 2^32
  return (high + (low >> 32U)) >> 32U;
}

/// Natural logarithm of a positive normal number by basic arithmetic: std::log may differ between C
/// libraries.
inline double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent); // exact
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  const double t = (m - 1) / (m + 1), t2 = t * t; // log m = 2 atanh t with |t| < 0.172
  double sum = 0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * t2 + 1.0 / k;
  return 2 * t * sum + exponent * 0.693147180559945309;
}

/// The quantile function of the standard normal distribution (Wichura, algorithm AS 241), 0 < p < 1; relative
/// error below 1e-15.
inline double normal_quantile(double p) {
  const auto horner = [](const double(&c)[8], double x) {
    double sum = c[7];
    for (int i = 6; i >= 0; --i) sum = sum * x + c[i];
    return sum;
  };
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    static constexpr double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                    1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                    4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                    3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static constexpr double b[8] = {1.0,
                                    4.2313330701600911252e+1,
                                    6.8718700749205790830e+2,
                                    5.3941960214247511077e+3,
                                    2.1213794301586595867e+4,
                                    3.9307895800092710610e+4,
                                    2.8729085735721942674e+4,
                                    5.2264952788528545610e+3};
    const double r = 0.180625 - q * q;
    return q * horner(a, r) / horner(b, r);
  }
  double r = std::sqrt(-portable_log(q < 0 ? p : 1 - p));
  double x = 0;
  if (r <= 5) {
    static constexpr double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                    5.76949722146069140550e0,  3.64784832476320460504e0,
                                    1.27045825245236838258e0,  2.41780725177450611770e-1,
                                    2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static constexpr double d[8] = {1.0,
                                    2.05319162663775882187e0,
                                    1.67638483018380384940e0,
                                    6.89767334985100004550e-1,
                                    1.48103976427480074590e-1,
                                    1.51986665636164571966e-2,
                                    5.47593808499534494600e-4,
                                    1.05075007164441684324e-9};
    r -= 1.6;
    x = horner(c, r) / horner(d, r);
  } else {
    static constexpr double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                    1.78482653991729133580e0,  2.96560571828504891230e-1,
                                    2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                    2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static constexpr double f[8] = {1.0,
                                    5.99832206555887937690e-1,
                                    1.36929880922735805310e-1,
                                    1.48753612908506148525e-2,
                                    7.86869131145613259100e-4,
                                    1.84631831751005468180e-5,
                                    1.42151175831644588870e-7,
                                    2.04426310338993978564e-15};
    r -= 5;
    x = horner(e, r) / horner(f, r);
  }
  return q < 0 ? -x : x;
}

/// Writes `count` vectors of `length` with min..max ones each at distinct random places.
template <class T>
void fill_multihot(T* out, std::int64_t count, std::int64_t length, const Input& input,
                   const ElementBits& bits) {
  const auto stride = static_cast<std::uint64_t>(length) + 1;
  for (std::int64_t v = 0; v < count; ++v) {
    const std::uint64_t base = static_cast<std::uint64_t>(v) * stride;
    const auto choices = static_cast<std::uint64_t>(input.max - input.min) + 1;
    std::uint64_t needed = static_cast<std::uint64_t>(input.min) + below(bits(base), choices);
    // Knuth's algorithm S: each place in turn with the probability that leaves every subset equally likely
    for (std::int64_t i = 0; i < length; ++i) {
      const auto left = static_cast<std::uint64_t>(length - i);
      const bool one = needed > 0 && below(bits(base + 1 + static_cast<std::uint64_t>(i)), left) < needed;
      *out++ = static_cast<T>(one);
      needed -= one ? 1 : 0;
    }
  }
}

template <class T>
void fill(T* out, std::int64_t count, std::int64_t length, const Input& input, const ElementBits& bits) {
  const auto each = [&](auto&& value) {
    for (std::int64_t i = 0; i < count; ++i)
      out[i] = static_cast<T>(value(bits(static_cast<std::uint64_t>(i))));
  };
  switch (input.generator) {
  case Generator::uniform: // 24 bits, so that float32 holds them exactly and stays below 1
    return each([](std::uint64_t b) { return static_cast<double>(b >> 40U) * 0x1p-24; });
  case Generator::normal: // the middle of one of 2^52 intervals, never 0 or 1
    return each(
        [](std::uint64_t b) { return normal_quantile((static_cast<double>(b >> 12U) + 0.5) * 0x1p-52); });
  case Generator::binary:
    return each([](std::uint64_t b) { return static_cast<double>(b >> 63U); });
  case Generator::ones:
    std::fill_n(out, count, T{1});
    return;
  case Generator::zeros:
    std::fill_n(out, count, T{0});
    return;
  case Generator::multihot:
    return fill_multihot(out, count / length, length, input, bits);
  }
}

} // namespace detail

/// Input values other than those that the generators draw. Only what `torch.rand` and `torch.randn` draw
/// changes: the values of the others have a meaning (a choice, a mask).
struct InputVariation {
  double scale = 1;      ///< factor of the input streams: of parameters it is always 1
  bool mirrored = false; ///< normal values, of parameters too, change their sign: as likely as the others

  [[nodiscard]] double factor(Generator generator, bool parameter) const {
    if (generator == Generator::uniform) return parameter ? 1 : scale;
    if (generator == Generator::normal) return (parameter ? 1 : scale) * (mirrored ? -1 : 1);
    return 1;
  }
};

/// The array behind an input: axes are the dims reversed, then those of the dtype; no batch axes. `ordinal`
/// numbers the tensors of a task (inputs, then parameters). float32 values are the float64 values rounded.
/// Every value is multiplied by `factor`.
/// Throws Fault{type} when a size is unknown or below 1, or a multihot asks for more ones than places;
/// Fault{limit} when the array is too large. O(elements).
[[nodiscard]] inline tensor::Tensor generate(const Input& input, const Bindings& bindings, std::uint64_t seed,
                                             std::uint64_t ordinal, tensor::DType dtype, double factor = 1) {
  std::vector<std::int64_t> sizes;
  for (auto it = input.type.shape.rbegin(); it != input.type.shape.rend(); ++it)
    sizes.push_back(it->evaluate(bindings));
  for (const std::int64_t axis : input.type.dtype.fields.at(0).axes(bindings)) sizes.push_back(axis);
  for (const std::int64_t size : sizes)
    if (size < 1)
      throw Fault(FaultKind::type,
                  input.name + " has a dim of size " + std::to_string(size) + "; sizes must be at least 1");
  const std::int64_t length = sizes.back();
  if (input.generator == Generator::multihot && input.max > length)
    throw Fault(FaultKind::type, input.name + " asks for " + std::to_string(input.max) + " ones among " +
                                     std::to_string(length) + "; lower max or enlarge the Multihot");
  const detail::ElementBits bits(seed, ordinal);
  auto out = tensor::Tensor::empty(tensor::Shape(std::span<const std::int64_t>(sizes)), dtype);
  Meter::current().work(15 * static_cast<std::uint64_t>(out.numel())); // a random number each
  tensor::visit(dtype, [&]<class T>(std::type_identity<T>) {
    T* const values = out.template write<T>();
    detail::fill(values, out.numel(), length, input, bits);
    if (factor != 1)
      for (std::int64_t i = 0; i < out.numel(); ++i)
        values[i] = static_cast<T>(static_cast<double>(values[i]) * factor);
  });
  return out;
}

} // namespace step
